"""Deep runs killed at random moments and resumed: everything equal to the uninterrupted run, bit for bit.

    python benchmarks/killed_and_resumed.py            20 moments on each road, about fifteen minutes on two cores
    python benchmarks/killed_and_resumed.py --road worker --times 3
    python benchmarks/killed_and_resumed.py --save     writes benchmarks/results/killed_and_resumed.json

A run is started in a process of its own, which saves a checkpoint every second, and gets SIGKILL (odd moments) or
SIGTERM (even ones) after a time drawn evenly from the length of an uninterrupted run; it is resumed, killed once more
after another such time, and resumed to its end. Then all parts of its last checkpoint (networks, optimiser, replay,
the episodes under way, progress), its log and its verdict must equal the uninterrupted run's; speeds and names apart.
A control: with the last bit of one saved weight flipped (and the hash made to fit) the end is *not* equal.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from coterie.running.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint

PLACE = Path(__file__).parent / "results" / "killed_and_resumed.json"
PARTS = ("learner", "replay", "runner", "worlds", "progress", "policy")
ROADS: dict[str, dict[str, Any]] = {
    "compiled": {
        "environment": "rendezvous", "algorithm": "qmix", "steps": 60_000, "seeds": 2, "recurrent": True,
        "layers": 1, "rows": 10, "sequence": 10, "batch": 16, "lag": 1,
    },
    "one seed on two devices": {
        "environment": "rendezvous", "algorithm": "iql", "steps": 30_000, "seeds": 1, "recurrent": True,
        "layers": 1, "rows": 10, "sequence": 10, "batch": 16,
    },
    "worker": {
        "environment": "mpe2:simple_spread_v3", "algorithm": "vdn", "steps": 6_000, "seeds": 2, "rows": 25,
        "reward": "team-mean", "warmup": 200, "lag": 1,
    },
}  # fmt: skip
TRAIN = (
    "import sys, json, coterie.workflow.deep.train as deep; deep.SAVE_SECONDS = 1.0\nif __name__ == '__main__':\n    {}"
)
START = (
    "words = json.loads(sys.argv[1]); deep.train_deep(**words, checks=6, pictures=False, name='run', runs=sys.argv[2])"
)
RESUME = "from pathlib import Path; deep.resume_deep(Path(sys.argv[2]) / 'run')"


def process(call: str, road: str, runs: Path) -> subprocess.Popen:
    """A process that trains or resumes."""
    script = runs / "call.py"
    script.write_text(TRAIN.format(call))
    words = [sys.executable, str(script), json.dumps(ROADS[road]), str(runs)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def state(run: Path) -> dict[str, Any]:
    """Everything that must be equal."""
    parts, facts = load_checkpoint(run, PARTS)
    verdict = json.loads((run / "evaluation.json").read_text())
    for name in ("run", "steps_per_second"):
        verdict.pop(name)
    return {"parts": parts, "facts": facts, "log": (run / "metrics.jsonl").read_bytes(), "verdict": verdict}


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what is not equal, bit for bit."""
    found = [name for name in ("facts", "log", "verdict") if one[name] != other[name]]
    for part in PARTS:
        a, b = one["parts"][part], other["parts"][part]
        found += [f"{part}: other names"] if a.keys() != b.keys() else []
        found += [f"{part}.{name}" for name in a if name in b and a[name].tobytes() != b[name].tobytes()]
    return found


def uninterrupted(road: str, runs: Path) -> tuple[dict[str, Any], float]:
    """The run that nobody kills, and how long it takes with everything compiled before."""
    began = time.perf_counter()
    child = process(START, road, runs)
    told = child.communicate()[1]
    assert child.returncode == 0, told
    return state(runs / "run"), time.perf_counter() - began


def interrupted(road: str, length: float, moment: int, chance: random.Random) -> dict[str, Any]:
    """A run that is killed, resumed, killed again and resumed to its end."""
    with tempfile.TemporaryDirectory() as place:
        runs, calls = Path(place), []
        call = START
        for number in range(2):
            child = process(call, road, runs)
            after = chance.uniform(0.1, 0.95) * length
            how = signal.SIGKILL if (moment + number) % 2 else signal.SIGTERM
            try:
                child.wait(after)
            except subprocess.TimeoutExpired:
                child.send_signal(how)
            child.communicate()
            there = (runs / "run" / "config.toml").exists()
            steps = [int(one.name[5:]) for one in list_checkpoints(runs / "run")] if there else []
            calls.append({"after": round(after, 2), "signal": how.name, "exit": child.returncode, "saved": steps})
            call = RESUME if there else START
            if (runs / "run" / "evaluation.json").exists():
                break
        if not (runs / "run" / "evaluation.json").exists():
            child = process(call, road, runs)
            told = child.communicate()[1]
            assert child.returncode == 0, told
        return {"calls": calls, "state": state(runs / "run")}


def spoiled(road: str, whole: dict[str, Any]) -> list[str]:
    """The control: what differs at the end where the last bit of one weight was flipped in the middle."""
    with tempfile.TemporaryDirectory() as place:
        runs = Path(place)
        child = process(START, road, runs)
        while not list_checkpoints(runs / "run"):
            time.sleep(0.1)
        child.kill()
        child.communicate()
        parts, facts = load_checkpoint(runs / "run", PARTS)
        name = next(name for name in parts["learner"] if ".online." in name and name.endswith(".weight"))
        bits = np.array(parts["learner"][name]).view(np.uint32)
        bits.reshape(-1)[0] ^= np.uint32(1)
        parts["learner"][name] = bits.view(np.float32)
        step = int(list_checkpoints(runs / "run")[-1].name[5:])
        save_checkpoint(runs / "run", step, {part: dict(arrays) for part, arrays in parts.items()}, dict(facts))
        child = process(RESUME, road, runs)
        told = child.communicate()[1]
        assert child.returncode == 0, told
        return differences(whole, state(runs / "run"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--road", default="", choices=["", *ROADS])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    kept = json.loads(PLACE.read_text()) if PLACE.exists() else {}
    for road in [given.road] if given.road else list(ROADS):
        with tempfile.TemporaryDirectory() as place:
            uninterrupted(road, Path(place))  # compiles
        with tempfile.TemporaryDirectory() as place:
            whole, length = uninterrupted(road, Path(place))
        rows, chance = [], random.Random(20_261_128)
        for moment in range(given.times):
            found = interrupted(road, length, moment, chance)
            off = differences(whole, found["state"])
            rows.append({"calls": found["calls"], "different": off})
            print(f"{road} {moment:2d}  {'equal' if not off else off[:3]}  {found['calls']}", flush=True)
        control = spoiled(road, whole)
        print(
            f"{road}: {sum(not row['different'] for row in rows)} of {len(rows)} equal; control: {len(control)} differ"
        )
        kept[road] = {
            "command": "python benchmarks/killed_and_resumed.py --save", "date": datetime.date.today().isoformat(),
            "settings": ROADS[road], "seconds": length, "equal": sum(not row["different"] for row in rows),
            "moments": rows, "control_differs": len(control),
        }  # fmt: skip
        if given.save:
            PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
