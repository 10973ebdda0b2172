"""The page of bad set-ups says what the saved results say, and a fast slice of it is made again."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def bad_setups():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import bad_setups
    finally:
        sys.path.pop(0)
    return bad_setups


def test_the_page_is_written_from_the_saved_results(bad_setups):
    assert bad_setups.PAGE.read_text() == bad_setups.page()


@pytest.mark.parametrize(
    "reported", ["a cooperative flag that is off", "an idle agent", "agents with swapped identities"]
)
def test_a_fast_slice(bad_setups, reported):
    setup = next(one for one in bad_setups.setups() if one.reported == reported)
    assert setup.expected in [one.name for one in setup.ill() if one.verdict == "yes"]
    assert setup.expected not in [one.name for one in setup.mended() if one.verdict == "yes"]
