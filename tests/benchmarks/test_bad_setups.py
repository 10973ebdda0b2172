"""The page of bad set-ups says what the saved results say, and a fast slice of it is made again."""

import json
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bad_setups(script):
    return script("bad_setups")


def test_the_page_is_written_from_the_saved_results(bad_setups):
    assert bad_setups.PAGE.read_text() == bad_setups.page()


@pytest.mark.parametrize(
    "reported", ["a cooperative flag that is off", "an idle agent", "agents with swapped identities"]
)
def test_a_fast_slice(bad_setups, reported):
    setup = next(one for one in bad_setups.setups() if one.reported == reported)
    row = bad_setups.row(setup, bad_setups.SEEDS[:1])
    assert (row["passes"], row["named"], row["spared"]) == (True, 1, 1)
    assert row["seeds"][0]["opening"]
    assert row["seeds"][0]["sentence"]


def test_a_set_up_fails_where_its_mended_form_is_named_again_or_its_ill_form_is_not(bad_setups):
    setup = next(one for one in bad_setups.setups() if one.reported == "an idle agent")
    seeds = bad_setups.SEEDS[:1]
    twice = bad_setups.row(setup._replace(mended=setup.ill), seeds)
    never = bad_setups.row(setup._replace(ill=setup.mended), seeds)
    assert (twice["passes"], twice["named"], twice["spared"]) == (False, 1, 0)
    assert (never["passes"], never["named"], never["spared"]) == (False, 0, 1)
    assert never["seeds"][0]["place"] is None


def test_the_page_says_what_passes_and_what_does_not(bad_setups, tmp_path, monkeypatch):
    setup = next(one for one in bad_setups.setups() if one.reported == "an idle agent")
    seeds = bad_setups.SEEDS[:1]
    rows = [bad_setups.row(one, seeds) for one in (setup, setup._replace(ill=setup.mended))]
    place = tmp_path / "bad_setups.json"
    place.write_text(json.dumps({"command": "c", "date": "d", "seeds": seeds, "teams": 30, "rows": rows}))
    monkeypatch.setattr(bad_setups, "RESULTS", place)
    page = bad_setups.page()
    assert "1 of 2 pass." in page
    assert "| contribution | 1 of 1 | 1 | 1 of 1 | yes |" in page
    assert "| contribution | 0 of 1 | not named | 1 of 1 | **no** |" in page
