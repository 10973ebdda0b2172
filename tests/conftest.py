"""Helpers of some folders for all, a cache of tables of the session's own, and one small run to look at."""

import os
import sys
from pathlib import Path
from shutil import copytree

import pytest

os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")  # seeds are shared out among them, however many cores there are
sys.path[:0] = [str(Path(__file__).parent / folder) for folder in ("finite", "tabular", "running")]


@pytest.fixture(scope="session", autouse=True)
def tables_of_this_session(tmp_path_factory):
    """A cache of exact tables that is new every session, and common to the processes that share it."""
    home = tmp_path_factory.getbasetemp()
    shared = home.parent if "PYTEST_XDIST_WORKER" in os.environ else home
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COTERIE_CACHE", str(shared / "coterie-cache"))
        yield


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """Forty teams of the tutorial, not all of which meet; nobody changes its folder."""
    from small_runs import EPISODES, TEAMS

    import coterie

    runs = tmp_path_factory.mktemp("small")
    return coterie.train(preset="tutorial", seeds=TEAMS, episodes=EPISODES, runs=runs, name="first", pictures=False)


@pytest.fixture
def runs(small_run, tmp_path, monkeypatch):
    """A working folder of one's own, with a copy of the small run in runs/first."""
    copytree(small_run.folder, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"
