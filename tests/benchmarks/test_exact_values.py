"""The script behind the exact values runs, and what was saved is what the page says of it."""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[2] / "benchmarks"
SAVED = json.loads((HERE / "results" / "exact_values.json").read_text())


def test_the_exact_values_are_the_published_ones():
    command = [sys.executable, str(HERE / "exact_values.py"), "--only", "exact", "--json"]
    rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["exact"]["rows"]
    assert len(rows) == 10
    assert all(row["off by"] < 6e-7 and row["seconds"] < 10 for row in rows)
    kept = [{key: value for key, value in row.items() if key != "seconds"} for row in SAVED["exact"]["rows"]]
    assert [row["value"] for row in rows] == [row["value"] for row in kept]


def test_the_saved_learners_are_all_there():
    rows = [row for row in SAVED["learners"]["rows"] if "returns" in row]
    assert len(rows) == 8 * 2 * 2 * 2
    for row in rows:
        ordered = sorted(row["returns"])
        assert len(ordered) == row["teams"] == 30
        assert abs((ordered[14] + ordered[15]) / 2 - row["median"]) < 1e-5
        assert row["greatest"] <= row["exact"] + 1e-6


def test_the_page_says_what_was_saved():
    page = (HERE.parent / "docs" / "theory" / "decentralised.md").read_text()
    for row in SAVED["learners"]["rows"]:
        name, _, what = row["what"].partition(" steps: ")
        if not what.endswith("discount 1") and "returns" in row:
            cell = f"{row['median']:.3f} ({row['median regret']:.3f})"
            assert cell in page, (name, what, cell)
