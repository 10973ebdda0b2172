"""One small run for the tests of this folder."""

import pytest
from small_runs import EPISODES, TEAMS

import coterie


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """Forty teams of the tutorial, not all of which meet; nobody changes its folder."""
    runs = tmp_path_factory.mktemp("small")
    return coterie.train(preset="tutorial", seeds=TEAMS, episodes=EPISODES, runs=runs, name="first", pictures=False)


@pytest.fixture
def runs(small_run, tmp_path, monkeypatch):
    """A working folder of one's own, with a copy of the small run in runs/first."""
    from shutil import copytree

    copytree(small_run.folder, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"
