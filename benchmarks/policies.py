"""What learners of policies reach: pistonball on ten seeds, mpe2 and multiwalker on five, foraging beside each other.

    python benchmarks/policies.py                   every case, all seeds: about two hours on one core
    python benchmarks/policies.py --only pistonball --save      goes on with what benchmarks/results/policies.json has

Each row is one seed of the command that its case shows, in a process of its own, the judging of random, idle, greedy
and drawn play included; `seconds` is the whole command as a user waits for it, importing and compiling too. The saved
policy is the best of the run's checks; its return is that of fresh greedy episodes, `drawn` that of fresh episodes in
which actions are drawn as while learning. Options were chosen on seeds from 100 on, which are not shown.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

PLACE = Path(__file__).parent / "results" / "policies.json"


class Case(NamedTuple):
    """A command to train, what is aimed at, and how many seeds it is run with."""

    words: str
    seeds: int = 5
    aim: float | None = None


PISTONBALL = "pettingzoo:butterfly/pistonball_v6"
FORAGING = "foraging-8x8-2p-2f-coop --deep --steps 2000000"
CASES: dict[str, Case] = {
    "pistonball": Case(f"{PISTONBALL} --success return>=90", 10, 95.0),
    "pistonball, discrete": Case(f"{PISTONBALL} --env.continuous false --success return>=90", 10, 90.0),
    "simple_spread, ippo": Case("mpe2:simple_spread_v3 --algo ippo --steps 200000"),
    "simple_spread, mappo": Case("mpe2:simple_spread_v3 --algo mappo --steps 200000"),
    "simple_speaker_listener, ippo": Case("mpe2:simple_speaker_listener_v4 --algo ippo --steps 200000"),
    "simple_speaker_listener, mappo": Case("mpe2:simple_speaker_listener_v4 --algo mappo --steps 200000"),
    "multiwalker": Case("pettingzoo:sisl/multiwalker_v9 --steps 150000 --final-episodes 40"),
    **{f"foraging, {name}": Case(f"{FORAGING} --algo {name}") for name in ("ippo", "mappo", "ia2c", "seac")},
}


def learned(words: str, seed: int, workers: int) -> dict[str, Any]:
    """One seed's verdict, the whole command's seconds, and what the diagnosis says of loops."""
    with tempfile.TemporaryDirectory() as runs:
        command = [sys.executable, "-m", "coterie", "train", *words.split(), "--seeds", "1", "--seed", str(seed)]
        command += ["--runs", runs, "--json", "--no-pictures", *(["--workers", str(workers)] if workers else [])]
        began = time.perf_counter()
        told = json.loads(said(command))
        seconds = time.perf_counter() - began
        kept = {"return": "returns", "drawn": "drawn", "success": "success", "saved at": "best_step"}
        row = {name: told[key][0] for name, key in kept.items() if told[key]}
        row |= {name: told[name] for name in ("random", "idle", "env_steps", "algorithm", "preset")}
        return {**row, "seconds": round(seconds, 1), "loops": loops(runs)}


def loops(runs: str) -> dict[str, Any]:
    """The finding of the recorded greedy episodes that repeat themselves."""
    found = json.loads(said([sys.executable, "-m", "coterie", "diagnose", "latest", "--runs", runs, "--json"]))
    own = [one for one in found["findings"] if one["name"] == "loops"]
    return {name: own[0][name] for name in ("verdict", "value", "sentence")} if own else {}


def said(command: list[str]) -> str:
    """What a command prints; its words of failure, where it fails."""
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {told.returncode}: {told.stderr[-2000:]}")
    return told.stdout


def main() -> None:
    """Measure, print and, where asked, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    parser.add_argument("--seeds", type=int, default=0, help="at most so many of each case")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=0)
    given = parser.parse_args()
    for name, case in CASES.items():
        if not name.startswith(given.only):
            continue
        for seed in range(given.first, given.first + min(case.seeds, given.seeds or case.seeds)):
            kept = saved()["results"].get(name, {}).get("seeds", {})
            if given.save and str(seed) in kept:
                continue
            row = learned(case.words, seed, given.workers)
            print(f"{name:<28} seed {seed}  {row}", flush=True)
            if given.save:
                keep(name, case, seed, {**row, "date": f"{datetime.date.today()}"})


def saved() -> dict[str, Any]:
    """What was measured before."""
    return json.loads(PLACE.read_text()) if PLACE.exists() else {"results": {}}


def keep(name: str, case: Case, seed: int, row: dict[str, Any]) -> None:
    """One more row in the file; other processes may have written theirs meanwhile."""
    told = saved()
    told["command"] = "python benchmarks/policies.py --save"
    told["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    own = told["results"].setdefault(name, {"seeds": {}})
    own["command"], own["aim"] = f"coterie train {case.words} --seeds 1 --seed N", case.aim
    own["seeds"][str(seed)] = row
    own["seeds"] = dict(sorted(own["seeds"].items(), key=lambda item: int(item[0])))
    order = [*CASES]
    told["results"] = dict(sorted(told["results"].items(), key=lambda item: order.index(item[0])))
    written = PLACE.with_suffix(".new")
    written.write_text(json.dumps(told, indent=1) + "\n")
    written.replace(PLACE)


if __name__ == "__main__":
    main()
