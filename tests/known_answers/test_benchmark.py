"""The page of known answers says what the saved results say, and the script behind it runs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scoring import Answer

HERE = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark_module():
    """The script, as a module."""
    sys.path.insert(0, str(HERE))
    try:
        import known_answers
    finally:
        sys.path.pop(0)
    return known_answers


def test_the_page_is_written_from_the_saved_results(benchmark_module):
    saved = json.loads(benchmark_module.PLACE.read_text())
    assert benchmark_module.PAGE.read_text() == benchmark_module.page(saved)
    assert saved["count"] >= 100


def test_one_diagnostic_is_asked():
    command = [sys.executable, str(HERE / "known_answers.py"), "--only", "stability", "--count", "6", "--json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    row = next(row for row in found["rows"] if row["source"] == "from_definitions")
    assert (row["yes"], row["no"]) == (6, 6)  # the odd seeds of six, in two rounds
    assert row["detection"][1] <= row["detection"][0] <= row["detection"][2]


def test_the_third_round_is_shown_by_itself_and_as_it_first_was(benchmark_module):
    found = benchmark_module.measure(["stability", "drift"], 6)
    counted = {row["source"]: (row["yes"], row["no"]) for row in found["rows"] if row["diagnostic"] == "stability"}
    assert (counted["third"], counted["from_definitions"], counted["both"]) == ((3, 3), (6, 6), (9, 9))
    assert [row["diagnostic"] for row in found["rows"] if row["source"] == "third"] == ["stability"]
    saved = json.loads(benchmark_module.THIRD.read_text())["rows"]
    shown = benchmark_module.page(json.loads(benchmark_module.PLACE.read_text()) | {"third_first": saved})
    assert {benchmark_module.first_line(row) for row in saved} <= set(shown.splitlines())


def test_the_fourth_round_is_asked_only_for_the_page_and_counted_by_whole_families(benchmark_module, monkeypatch):
    monkeypatch.setattr(benchmark_module, "answers", lambda cases: [Answer(case, "yes", 0.0) for case in cases])
    without = benchmark_module.measure(["loops"], 8)
    found = benchmark_module.measure(["loops"], 8, blind=True)
    counted = {row["source"]: row for row in found["rows"]}
    assert "fourth" not in {row["source"] for row in without["rows"]}
    fourth = counted["fourth"]
    assert (fourth["yes"], fourth["detected"], fourth["no"], fourth["false"]) == (8, 8, 8, 8)
    assert fourth["families"] == [4, 7]  # all families of the answer yes, and none of the others
    before = next(row for row in without["rows"] if row["source"] == "both")
    assert (counted["both"]["yes"], counted["both"]["no"]) == (before["yes"] + 8, before["no"] + 8)
    assert sum(one["source"] == "fourth round" for one in found["missed"]) == 8
    saved = json.loads(benchmark_module.PLACE.read_text())
    assert "4 of 7 were answered rightly" in benchmark_module.page(saved | found)


def test_misses_and_false_alarms_are_named(benchmark_module):
    missed = [
        {
            "diagnostic": "loops",
            "source": "by_authors",
            "family": "x",
            "seed": 1,
            "answer": True,
            "verdict": "cannot tell",
        },
        {"diagnostic": "loops", "source": "by_authors", "family": "x", "seed": 3, "answer": True, "verdict": "no"},
        {"diagnostic": "loops", "source": "by_authors", "family": "y", "seed": 5, "answer": False, "verdict": "yes"},
    ]
    assert benchmark_module.missed_lines(missed) == [
        "- loops: *x* (by authors), not detected, seeds 1 (cannot tell), 3",
        "- loops: *y* (by authors), false, seed 5",
    ]
