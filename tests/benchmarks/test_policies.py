"""The fast slice of what learners of policies reach, and the page that is written from what was saved."""

import json

import pytest

import coterie


def test_a_seventh_of_a_run_has_the_ball_rolling_to_the_left(script, tmp_path):
    """Pictures and amounts, one seed; ten seeds of 20,000 steps, in a process each, are benchmarks/policies.py.

    Pistons that do nothing in particular, as all do before anything is learned, earn what idle and random ones do.
    """
    short = {"steps": 3_072, "checks": 2, "check_episodes": 4, "final_episodes": 8}
    run = coterie.train(script("policies").PISTONBALL, **short, seeds=1, seed=11, runs=tmp_path, pictures=False)
    told = run.verdict
    assert (told.algorithm, told.preset, told.env_steps) == ("mappo", "images", 3_072)
    assert max(told.random, told.idle) < 15
    assert told.returns[0] > 30
    assert told.drawn[0] > 30


@pytest.fixture
def kept(script, tmp_path, monkeypatch):
    """Two rows as the script keeps them, saved out of order and over each other."""
    policies = script("policies")
    monkeypatch.setattr(policies, "PLACE", tmp_path / "policies.json")
    case = policies.Case("world --success return>=90", 2, 95.0)
    row = {
        "return": 96.0, "drawn": 95.0, "success": 1.0, "saved at": 2_000, "random": -4.0, "idle": -7.0,
        "env_steps": 20_000, "algorithm": "ippo", "preset": "images", "seconds": 60.0, "date": "2026-11-29",
        "loops": {"verdict": "no", "value": 0.0, "sentence": "No team runs in circles."},
    }  # fmt: skip
    policies.keep("pistonball", case, 10, {**row, "return": 94.0})
    policies.keep("pistonball", case, 2, row)
    return json.loads((tmp_path / "policies.json").read_text())


def test_rows_are_kept_by_seed_with_their_command(kept):
    own = kept["results"]["pistonball"]
    assert list(own["seeds"]) == ["2", "10"]
    assert own["command"] == "coterie train world --success return>=90 --seeds 1 --seed N"


def test_the_page_shows_every_seed_the_controls_and_what_was_missed(script, kept):
    page = script("write_policies").page(kept)
    assert "| 2 | 96.0 | 95.0 | 100.0 % | 2,000 | 60 |" in page
    assert "| 10 | 94.0 | 95.0 | 100.0 % | 2,000 | 60 |" in page
    assert "1 of 2 seeds reach the 95 aimed at, the least 94.0" in page
    assert "Random play -4.0, idle play -7.0. In none of the 2 seeds" in page
    kept["results"]["pistonball"]["seeds"]["2"]["loops"] |= {"verdict": "yes", "sentence": "One team of one circles."}
    assert "seed 2: One team of one circles." in script("write_policies").page(kept)


def test_seeds_of_several_recipes_are_no_table(script, kept):
    kept["results"]["pistonball"]["seeds"]["2"]["algorithm"] = "ippo, of before"
    with pytest.raises(ValueError, match="pistonball: seeds of several algorithms or presets"):
        script("write_policies").page(kept)


def test_the_page_is_written_from_what_is_saved(script):
    writer = script("write_policies")
    assert writer.PAGE.read_text() == writer.page(json.loads(writer.KEPT.read_text()))
