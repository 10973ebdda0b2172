"""A deep run on a finite game: one number for random play, the exact one, and findings that name the seed's team."""

import pytest
from small_runs import run_json

from coterie.diagnosis.order import ORDER
from coterie.showing.deep import facts
from coterie.workflow.deep.train import train_deep

SMALL = {
    "algorithm": "iql", "steps": 320, "seeds": 2, "seed": 5, "checks": 2, "environments": 4, "rows": 4, "batch": 8,
    "hidden": 8, "layers": 1, "warmup": 64, "replay": 400, "pictures": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return train_deep("rendezvous", name="small", runs=tmp_path_factory.mktemp("runs"), **SMALL)


def test_untrained_play_has_its_exact_value(trained, capsys):
    solved = run_json(capsys, "solve", "rendezvous")
    told = trained.verdict
    assert told.random == pytest.approx(solved["random"], abs=1e-9)
    assert (told.idle, told.idle_success) == (-20.0, 0.0)
    assert 0.2 < told.random_success < 0.3  # of random pairs, within 20 steps
    rows = {label: number for label, number, _ in facts(told)}
    assert rows["random play"] == f"{solved['random']:.2f}"


def test_the_diagnosis_holds_teams_against_the_same_number(trained, capsys):
    runs, name = trained.folder.parent, trained.folder.name
    found = run_json(capsys, "diagnose", name, "--runs", str(runs), "--no-pictures")
    assert found["random"] == trained.verdict.random
    accounting = next(one for one in found["findings"] if one["name"] == "accounting")
    assert "random play (-15.84)" in accounting["sentence"]


def test_a_finding_names_the_seed_s_team(trained):
    assert {one.name for one in trained.verdict.findings} <= set(ORDER)
    places = [place for one in trained.verdict.findings for place in one.evidence if place.team >= 0]
    assert {place.team for place in places} <= {5, 6}
    failing = 2 - trained.verdict.coordinated.count
    assert len({place.team for place in places}) == failing  # untrained teams circle or stand still
