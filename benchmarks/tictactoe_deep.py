"""Tic-tac-toe with networks: independent Q-learning in self-play, judged exactly against random and perfect play.

    python benchmarks/tictactoe_deep.py          five seeds, some minutes each on two cores
    python benchmarks/tictactoe_deep.py --save   writes benchmarks/results/tictactoe_deep.json

The greedy agents of every seed (0 to 4, all shown) are asked about every decision of the game's exact table, and valued
there as the tables of benchmarks/tictactoe.py are. Beside them: with a pool of ten past selves (--self-play 10), random
play, and as a control the same networks after the first visit to the replay, which have learned nothing. The options
were chosen on seed 100, among four.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
from pathlib import Path
from typing import Any

from tictactoe import SEATS, WORD, judged, policy_of

import coterie
from coterie.finite.solve import uniform_policy
from coterie.running.tables import exact_game

PLACE = Path(__file__).parent / "results" / "tictactoe_deep.json"
STEPS, SEEDS = 200_000, 5
RECIPE: dict[str, Any] = {
    "share_parameters": True, "hidden": 128, "environments": 16, "rows": 8, "updates": 4, "learning_rate": 0.001,
    "discount": 0.95, "epsilon_end": 0.1, "target_every": 500,
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "self-play": {"steps": STEPS},
    "self-play, a pool of 10": {"steps": STEPS, "self_play": 10},
    "control: after one visit": {"steps": 128, "warmup": 128},
}


def results(variant: dict[str, Any], seeds: int) -> list[dict[str, Any]]:
    """How each seed's greedy agents do, exactly."""
    game = exact_game(WORD, {})
    with tempfile.TemporaryDirectory() as runs:
        words = {**RECIPE, **variant}
        coterie.train(
            WORD, algorithm="iql", deep=True, seeds=seeds, checks=1, check_episodes=1, final_episodes=1, runs=runs,
            name="run", pictures=False, **words,
        )  # fmt: skip
        return [judged(game, policy_of(game, coterie.load("run", team=seed, runs=runs).act)) for seed in range(seeds)]


def main() -> None:
    """Measure, print and, where asked, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    chosen = parser.parse_args()
    game = exact_game(WORD, {})
    found: dict[str, Any] = {"random play": [judged(game, uniform_policy(game))]}
    for name, variant in VARIANTS.items():
        found[name] = results(variant, chosen.seeds)
        for seat in SEATS:
            for opponent in ("random", "perfect"):
                shares = ", ".join(f"{100 * one[f'{seat}, not lost against {opponent}']:.1f}" for one in found[name])
                print(f"{name}: {seat}, not lost against {opponent}, % by seed: {shares}", flush=True)
        if chosen.save:
            told = {"command": "python benchmarks/tictactoe_deep.py --save", "date": datetime.date.today().isoformat()}
            PLACE.write_text(json.dumps({**told, "recipe": RECIPE, "steps": STEPS, "results": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
