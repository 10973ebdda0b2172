"""How long a user waits: `--help`, the first verdict on a fresh machine, and the verdict once caches are warm.

    python benchmarks/start.py            a table for people
    python benchmarks/start.py --json     for programs; --save also writes benchmarks/results/start.json

Whole processes, wall clock, each repeated. Cold: no compiled kernels and no cached tables (a copy of the package in a
temporary folder, an empty COTERIE_CACHE); Python's own byte code is there, as after an installation. "to the verdict"
is until the verdict is printed, before pictures are drawn.
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

SOURCE = Path(__file__).parents[1] / "src" / "coterie"


def run(words: list[str], folder: Path) -> tuple[float, float | None]:
    """Seconds until `coterie WORDS` ends, and until its verdict was printed."""
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "NUMBA_CACHE_DIR")
    }
    environment |= {"PYTHONPATH": str(folder / "package"), "COTERIE_CACHE": str(folder / "cache")}
    began, verdict = time.perf_counter(), None
    process = subprocess.Popen(
        [sys.executable, "-m", "coterie", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip().startswith("relapsed"):
            verdict = time.perf_counter() - began
    if process.wait():
        raise SystemExit(f"coterie {' '.join(words)} ended with {process.returncode}")
    return time.perf_counter() - began, verdict


def fresh(folder: Path) -> None:
    """A copy of the package that has never been run, and no cache."""
    shutil.rmtree(folder / "package", ignore_errors=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    shutil.copytree(SOURCE, folder / "package" / "coterie", ignore=shutil.ignore_patterns("__pycache__"))


def main() -> None:
    """Measure, print, and perhaps save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/start.json")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    train = ["train", "rendezvous"]
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for _ in range(max(1, options.rounds // 2)):
            fresh(folder)
            whole, verdict = run(train, folder)
            seconds.setdefault("coterie train rendezvous, cold, to the verdict", []).append(verdict)
            seconds.setdefault("coterie train rendezvous, cold, with pictures", []).append(whole)
        for _ in range(options.rounds):
            whole, verdict = run(train, folder)
            seconds.setdefault("coterie train rendezvous, warm, to the verdict", []).append(verdict)
            seconds.setdefault("coterie train rendezvous, warm, with pictures", []).append(whole)
            seconds.setdefault("coterie --help", []).append(run(["--help"], folder)[0])
            seconds.setdefault("coterie train --help", []).append(run(["train", "--help"], folder)[0])
    result = {
        "command": "python benchmarks/start.py --save",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "seconds": seconds,
    }
    if options.save:
        (Path(__file__).parent / "results" / "start.json").write_text(json.dumps(result, indent=1) + "\n")
    if options.json:
        print(json.dumps(result, indent=1))
        return
    for what, values in seconds.items():
        ordered = sorted(values)
        print(f"{what:<48} median {ordered[len(ordered) // 2]:.2f} s  ({ordered[0]:.2f} to {ordered[-1]:.2f})")


if __name__ == "__main__":
    main()
