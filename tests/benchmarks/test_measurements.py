"""The page of measurements says what the saved results say, and the scripts behind them run."""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[2] / "benchmarks"


def test_the_page_is_written_from_the_saved_results():
    sys.path.insert(0, str(HERE))
    try:
        import write_measurements
    finally:
        sys.path.pop(0)
    assert write_measurements.PAGE.read_text() == write_measurements.page()


def test_a_fast_slice_of_the_meeting_game():
    command = [sys.executable, str(HERE / "meeting_game.py"), "--only", "tutorial", "--teams", "1000", "--json"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rows = {row["what"]: row for row in found["tutorial"]["rows"]}
    assert len(rows) == 8
    for row in rows.values():
        assert abs(row.get("sigmas", 0.0)) < 4, row
    # the controls differ: what is mended fails less often than what is not, by far more than chance
    listed = rows["5x5 as listed: fails a greedy check in episodes 510 to 1,000"]
    mended = rows["5x5 mask and epsilon to 0: fails a greedy check in episodes 510 to 1,000"]
    assert mended["high"] < listed["low"]
