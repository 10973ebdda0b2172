"""How long `coterie diagnose` takes: fresh processes, wall clock and processor time, cold and warm.

    python benchmarks/diagnosis_time.py                   a table for people, about five minutes
    python benchmarks/diagnosis_time.py --save            writes benchmarks/results/diagnosis_time.json
    python benchmarks/diagnosis_time.py --repetitions 1   a quick look

Three runs of 1,000 teams are trained once and diagnosed again and again. Cold: no compiled kernels and no cached tables
(a copy of the package in a temporary folder, an empty COTERIE_CACHE); Python's own byte code is there only as far as
other packages have it. Warm: the same command once more. Processor time is that of the process and of all its threads
and children. With pictures is what a user gets by default, the report drawn; measure on a machine that does nothing
else.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "src" / "coterie"
PLACE = Path(__file__).parent / "results" / "diagnosis_time.json"
RUNS = {
    "default": ("rendezvous, default preset", ["rendezvous"]),
    "tutorial": ("rendezvous, tutorial preset", ["rendezvous", "--preset", "tutorial"]),
    "climbing": ("climbing", ["climbing"]),
}
WAYS = {"with pictures": [], "without pictures": ["--no-pictures"]}
UNSET = ("PYTHONDONTWRITEBYTECODE", "NUMBA_CACHE_DIR")


def measured(words: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of wall clock and of processor time of `coterie WORDS`, in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key not in UNSET}
    environment |= {"PYTHONPATH": str(folder / "package"), "COTERIE_CACHE": str(folder / "cache")}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "coterie", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"coterie {' '.join(words)} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


def fresh(folder: Path) -> None:
    """A copy of the package that has never been run, and no cache."""
    shutil.rmtree(folder / "package", ignore_errors=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    shutil.copytree(SOURCE, folder / "package" / "coterie", ignore=shutil.ignore_patterns("__pycache__"))


def rows(folder: Path, repetitions: int) -> list[dict[str, Any]]:
    """A row a run, with and without pictures, cold and warm: all seconds in the order in which they were measured."""
    fresh(folder)
    for name, (_, words) in RUNS.items():
        measured(["train", *words, "--seeds", "1000", "--name", name, "--no-pictures"], folder)
    found = []
    for name, (what, _) in RUNS.items():
        for way, more in WAYS.items():
            seconds: dict[str, list[float]] = {"cold": [], "cold CPU": [], "warm": [], "warm CPU": []}
            for _ in range(repetitions):
                fresh(folder)
                for state in ("cold", "warm"):
                    wall, processor = measured(["diagnose", name, *more], folder)
                    seconds[state].append(round(wall, 2))
                    seconds[f"{state} CPU"].append(round(processor, 2))
            found.append({"what": f"{what}, {way}", **seconds})
            print(json.dumps(found[-1]), flush=True)
    return found


def main() -> None:
    """Measure, print, and perhaps save."""
    parser = argparse.ArgumentParser(description="How long `coterie diagnose` takes.")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--save", action="store_true", help=f"write benchmarks/results/{PLACE.name}")
    options = parser.parse_args()
    again = "" if options.repetitions == 3 else f" --repetitions {options.repetitions}"
    with tempfile.TemporaryDirectory() as name:
        result = {
            "command": f"python benchmarks/diagnosis_time.py{again} --save",
            "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "rows": rows(Path(name), options.repetitions),
        }
    if options.save:
        PLACE.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
