"""Exact decentralised values of small Dec-POMDPs beside the published ones, and what independent learners reach.

    python benchmarks/exact_values.py                   everything, about a minute on two cores
    python benchmarks/exact_values.py --only exact      one table
    python benchmarks/exact_values.py --save            writes benchmarks/results/exact_values.json table by table

`published` are the values of the MADP toolbox's problem database (masplan.org), undiscounted. Learners are judged by
the exact value of their greedy agents; `regret` is the exact decentralised optimum less that value. All seeds are kept.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from coterie.finite.decentralised import decentralised_optimum
from coterie.finite.histories import remember
from coterie.finite.solve import optimum, policy_value, uniform_policy
from coterie.running.tables import exact_game
from coterie.running.train import begin, train_tabular
from coterie.settings import PRESETS, DecPomdpOptions
from coterie.tabular.learn import greedy_outcomes
from coterie.workflow.planning.presets import preset_options

PLACE = Path(__file__).parent / "results" / "exact_values.json"
SEED = 20_261_124  # nothing was chosen on it
TEAMS = 30
PUBLISHED = {
    "dec-tiger": {2: -4.0, 3: 5.190812, 4: 4.802755, 5: 7.026451},
    "recycling-robots": {2: 7.0, 3: 10.660125, 4: 13.38, 5: 16.486},
    "grid-small": {2: 0.91, 3: 1.550444, 4: 2.241577, 5: 2.970496},
}
TRIED = {"dec-tiger": (2, 3, 4), "recycling-robots": (2, 3, 4), "grid-small": (2, 3, 4)}
LEARNED = {"dec-tiger": (2, 3, 4), "recycling-robots": (2, 3, 4), "grid-small": (2, 3)}


def exact() -> Iterator[dict[str, Any]]:
    """Our decentralised optimum beside the published one, and the joint optimum of one mind that sees the world."""
    for name, horizons in TRIED.items():
        for horizon in (*horizons, *((5,) if name == "recycling-robots" else ())):
            game = exact_game(name, DecPomdpOptions(horizon=horizon))
            began = time.perf_counter()
            found = decentralised_optimum(game)
            seconds = time.perf_counter() - began
            yield {
                "what": f"{name}, {horizon} steps",
                "value": found.value,
                "published": PUBLISHED[name][horizon],
                "off by": abs(found.value - PUBLISHED[name][horizon]),
                "partial policies": found.nodes,
                "seconds": round(seconds, 3),
                "joint optimum": optimum(game).value,
            }


def learners() -> Iterator[dict[str, Any]]:
    """Independent learners with the default recipe, remembering all or nothing, and random play."""
    for name, horizons in LEARNED.items():
        for horizon in horizons:
            game = exact_game(name, DecPomdpOptions(horizon=horizon))
            best = decentralised_optimum(game).value
            random = float(policy_value(game, uniform_policy(game)).returns.mean())
            yield {
                "what": f"{name}, {horizon} steps: random play",
                "exact": best,
                "median": random,
                "median regret": best - random,
            }
            for algorithm in ("iql", "hysteretic"):
                for history in (horizon, 1):
                    for change, label in (({}, ""), ({"discount": 1.0}, ", discount 1")):
                        options = dataclasses.replace(
                            preset_options("default", algorithm)[1], history=history, **change
                        )
                        episodes = PRESETS["default"].episodes
                        remembering = remember(game, history)
                        teams = begin(remembering, options, TEAMS, episodes, algorithm)
                        teams = train_tabular(remembering, options, teams, seed=SEED, episodes=episodes, threads=1)
                        returns = greedy_outcomes(remembering, teams.q)[0] @ np.ones(1)
                        yield {
                            "what": f"{name}, {horizon} steps: {algorithm}, history {history}{label}",
                            "exact": best,
                            "median": float(np.median(returns)),
                            "median regret": best - float(np.median(returns)),
                            "least": float(returns.min()),
                            "greatest": float(returns.max()),
                            "optimal": int((returns >= best - 1e-6).sum()),
                            "teams": TEAMS,
                            "returns": [round(float(one), 6) for one in returns],
                        }


TABLES = {"exact": exact, "learners": learners}


def main() -> None:
    """Make the tables and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=TABLES, help="one table")
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--save", action="store_true", help=f"write {PLACE.name} after each table")
    options = parser.parse_args()
    saved = json.loads(PLACE.read_text()) if PLACE.exists() else {}
    results = {}
    for name in [options.only] if options.only else TABLES:
        began = time.perf_counter()
        rows = list(TABLES[name]())
        results[name] = {
            "command": f"python benchmarks/exact_values.py --only {name} --save",
            "date": datetime.date.today().isoformat(),
            "python": platform.python_version(),
            "seconds": round(time.perf_counter() - began, 1),
            "seed": SEED,
            "rows": rows,
        }
        if options.save:
            saved[name] = results[name]
            PLACE.write_text(json.dumps(saved, indent=1) + "\n")
        if not options.json:
            print(f"\n{name} ({results[name]['seconds']} s)")
            for found in rows:
                numbers = {key: f"{value:.6f}" if isinstance(value, float) else value for key, value in found.items()}
                numbers.pop("returns", None)
                print(f"  {numbers.pop('what')}: " + ", ".join(f"{key} {value}" for key, value in numbers.items()))
    if options.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
