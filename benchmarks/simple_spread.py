"""simple_spread learned with value decomposition: five seeds, all shown, beside independent learners and random play.

    python benchmarks/simple_spread.py          about seven minutes a seed and algorithm on one core
    python benchmarks/simple_spread.py --save   goes on with what benchmarks/results/simple_spread.json has

How returns are summed: mpe2's three agents are each paid, in each of 25 steps, half of the common reward (minus the sum
over landmarks of the distance to the nearest agent) and half of their own (minus one for each collision). A return is
the undiscounted sum over the episode, and the mean over the three agents; papers that sum over agents have three times
as much. What is learned from is the mean over agents (--reward team-mean), for VDN and for independent learners. The
options were chosen on seed 100, among two.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
from pathlib import Path
from typing import Any

import coterie

PLACE = Path(__file__).parent / "results" / "simple_spread.json"
WORD, SEEDS, STEPS = "mpe2:simple_spread_v3", 5, 1_000_000
RECIPE: dict[str, Any] = {
    "reward": "team-mean", "share_parameters": True, "hidden": 128, "updates": 2, "discount": 0.95, "target_every": 400,
}  # fmt: skip
SHORT = 3_200  # steps of the control, which has hardly begun to learn


def learned(algorithm: str, seed: int, steps: int) -> dict[str, Any]:
    """One seed's verdict: the greedy team's return, and that of untrained play in the same world."""
    with tempfile.TemporaryDirectory() as runs:
        found = coterie.train(
            WORD, algorithm=algorithm, seeds=1, seed=seed, steps=steps, runs=runs, pictures=False, **RECIPE
        ).verdict
    return {"return": found.returns[0], "random": found.random, "idle": found.idle, "saved at": found.best_step[0]}


def main() -> None:
    """Measure, print and, where asked, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    chosen = parser.parse_args()
    saved = json.loads(PLACE.read_text()) if chosen.save and PLACE.exists() else {}
    found: dict[str, dict[str, Any]] = saved.get("results", {})
    asked = [("vdn", chosen.steps), ("vdn, hardly begun", SHORT), ("iql", chosen.steps)]
    for name, steps in asked:
        rows = found.setdefault(name, {})
        for seed in range(chosen.seeds):
            if str(seed) not in rows:
                rows[str(seed)] = learned(name.partition(",")[0], seed, steps)
            print(f"{name:<20} seed {seed}  {rows[str(seed)]}", flush=True)
            if chosen.save:
                told = {
                    "command": "python benchmarks/simple_spread.py --save", "date": f"{datetime.date.today()}",
                    "steps": chosen.steps, "recipe": RECIPE, "results": found,
                }  # fmt: skip
                PLACE.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
