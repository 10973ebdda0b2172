"""Makes the helpers of some folders importable from all, and keeps the tests' tables out of the user's cache."""

import os
import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent / folder) for folder in ("finite", "tabular", "running")]


@pytest.fixture(scope="session", autouse=True)
def tables_of_this_session(tmp_path_factory):
    """A cache of exact tables that is new every session, and common to the processes that share it."""
    home = tmp_path_factory.getbasetemp()
    shared = home.parent if "PYTEST_XDIST_WORKER" in os.environ else home
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COTERIE_CACHE", str(shared / "coterie-cache"))
        yield
