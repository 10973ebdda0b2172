"""Deep learners on climbing and penalty, played 25 times an episode, every agent's actions relabelled in every seed.

    python benchmarks/deep_matrix_games.py            what is missing of 30 cells, about ten seconds each on two cores
    python benchmarks/deep_matrix_games.py --only climbing
    python benchmarks/deep_matrix_games.py --save     writes benchmarks/results/deep_matrix_games.json cell by cell

A cell is one game and one algorithm: ten seeds, 60,000 joint steps each, and the exact return of the greedy team after
the last step (not the best one on the way). Every cell has the options of the preset `coordination`, the hysteretic
loss being the one difference between `hysteretic` and `iql`; vdn, qmix and weighted qmix are the same with a mixer. The
optimum is 275 for climbing and 250 for penalty, whose safe play earns 50. The preset was chosen on seeds 1000 to 1019;
these are seeds 0 to 9. *Relabelled*: in each seed each agent's actions are renamed at random, so that nobody
coordinates through the order of the names. Controls: uniformly random play, exactly; and `iql`, the ablation.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import platform
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from coterie.algorithms.qlearning import Sizes, parts, qlearning
from coterie.envs import catalogue
from coterie.networks.team import act_values
from coterie.running.deep.lanes import LEVEL
from coterie.running.roads import compiled
from coterie.running.rollout import Plan
from coterie.settings import DEEP_PRESETS, DeepOptions, usual_options
from coterie.types import View
from coterie.workflow.planning.plan import environment_options

PLACE = Path(__file__).parent / "results" / "deep_matrix_games.json"
SEEDS, STEPS, HORIZON = tuple(range(10)), DEEP_PRESETS["coordination"].steps, 25
GAMES = {"climbing": ("climbing", {})} | {
    f"penalty {k}": ("penalty", {"k": float(k)}) for k in (0, -25, -50, -75, -100)
}
ALGORITHMS = ("iql", "hysteretic", "vdn", "qmix", "weighted-qmix")


def payoffs(name: str, options: dict[str, Any]) -> np.ndarray:
    """What each joint action pays, written down from the papers, not read from the environment."""
    if name == "climbing":
        return np.array([[11, -30, 0], [-30, 7, 6], [0, 0, 5]], float)
    k = options["k"]
    return np.array([[10, 0, k], [0, 2, 0], [k, 0, 10]], float)


def options_of(algorithm: str) -> DeepOptions:
    """The preset's options under an algorithm."""
    return usual_options("coordination", algorithm)


def returns(game: str, algorithm: str, seeds: tuple[int, ...] = SEEDS, steps: int = STEPS) -> list[float]:
    """The return of each seed's greedy team after the last step."""
    name, chosen = GAMES[game]
    environment = catalogue.make(name, environment_options(name, {**chosen, "horizon": HORIZON}))
    options, spec = options_of(algorithm), environment.spec
    plan, made_of = Plan(options.environments, options.rows, options.lag), parts(algorithm, options, environment.spec)
    learner = qlearning(spec, options, Sizes(steps, plan.environments, plan.rows, 1), made_of)
    kind = spec.kinds[0]

    def greedy(seed: jax.Array, names: jax.Array) -> jax.Array:
        relabelled = environment._replace(
            step=lambda state, action, outcome: environment.step(
                state, jnp.stack([names[agent, action[agent]] for agent in range(2)]), outcome
            )
        )
        start, train = compiled(learner, relabelled, plan)
        run, _ = train(seed, start(seed), steps // (plan.environments * plan.rows))
        there = jnp.ones((1, 2), bool)
        view = View(
            jnp.zeros((1, 2, *kind.observation_shape), kind.observation_dtype), jnp.ones((1, 2, 3), bool), *[there] * 3
        )
        q, _ = act_values(made_of.networks[0], spec, kind, run.policy.agents[0], view, ())
        return q[0].argmax(-1)

    names = np.stack([[np.random.default_rng([seed, agent]).permutation(3) for agent in range(2)] for seed in seeds])
    program = jax.jit(jax.vmap(greedy), compiler_options=LEVEL)
    action = np.asarray(program(jnp.array(seeds, jnp.uint32), jnp.array(names)))
    played = np.take_along_axis(names, action[..., None], 2)[..., 0]
    return [float(HORIZON * payoffs(name, chosen)[one[0], one[1]]) for one in played]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a word that the game or the algorithm contains")
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    kept = json.loads(PLACE.read_text()) if PLACE.exists() else {"cells": {}}
    for game, (name, chosen) in GAMES.items():
        best = HORIZON * payoffs(name, chosen).max()
        chance = HORIZON * payoffs(name, chosen).mean()
        for algorithm in ALGORITHMS:
            word = f"{game}, {algorithm}"
            if given.only not in word or (given.save and word in kept["cells"]):
                continue
            began = time.perf_counter()
            found = returns(game, algorithm)
            reached = sum(np.isclose(found, best))
            print(f"{word:28} {reached:2d} of {len(found)}  {found}  {time.perf_counter() - began:.0f} s", flush=True)
            kept["cells"][word] = {
                "returns": found, "optimum": best, "random": chance, "reached": int(reached),
                "options": dataclasses.asdict(options_of(algorithm)),
            }  # fmt: skip
            if given.save:
                kept |= {
                    "command": "python benchmarks/deep_matrix_games.py --save",
                    "date": datetime.date.today().isoformat(),
                    "machine": f"{platform.machine()}, Python {platform.python_version()}, JAX {jax.__version__}",
                    "seeds": list(SEEDS),
                    "steps": STEPS,
                }
                PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
