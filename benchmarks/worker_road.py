"""Training on a PettingZoo environment outside JAX beside stepping it at random: mpe2's simple_spread, in one run.

    python benchmarks/worker_road.py          about three minutes on two cores
    python benchmarks/worker_road.py --save   writes benchmarks/results/worker_road.json

The ratio of learning is EPyMARL's, one update of 32 episodes for every episode that is played: 32 environments, 25
joint steps, then 32 updates of 32 sequences of 25 rows; VDN, one network of two layers of 64 in common, acting one
visit behind learning (lag 1), so that both happen at once. *Random* steps `simple_spread_v3.parallel_env()` with drawn
actions, in one process on one core. Each round measures random play and then each number of workers for a few seconds;
ratios are within a round, and the median over the rounds counts.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

PLACE = Path(__file__).parent / "results" / "worker_road.json"
ENVIRONMENTS, ROWS, UPDATES, BATCH = 32, 25, 32, 32
SECONDS = 4.0


def random_rate() -> float:
    """Joint steps a second of uniformly random play through the parallel interface."""
    from mpe2 import simple_spread_v3

    world, chance = simple_spread_v3.parallel_env(), np.random.default_rng(0)
    world.reset(seed=0)
    steps, total, began = 0, 0.0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        actions = {agent: int(chance.integers(5)) for agent in world.agents}
        _, rewards, *_ = world.step(actions)
        total += sum(rewards.values())
        steps += 1
        if not world.agents:
            world.reset()
    assert np.isfinite(total)
    return steps / (time.perf_counter() - began)


def training(workers: int) -> Iterator[dict[str, float]]:
    """Joint steps a second of training, updates included, compiling apart: anew whenever it is asked."""
    from functools import partial

    import jax

    from coterie.algorithms.families import partitioned
    from coterie.algorithms.qlearning import Sizes, parts, qlearning
    from coterie.pettingzoo.making.sources import make_worlds
    from coterie.running.roads import outside, start_outside, train_outside
    from coterie.running.rollout import Plan
    from coterie.settings import DeepOptions

    options = DeepOptions(
        environments=ENVIRONMENTS, rows=ROWS, updates=UPDATES, batch=BATCH, sequence=ROWS, share_parameters=True,
        reward="team-mean", warmup=0, replay=20_000, lag=1,
    )  # fmt: skip
    worlds = make_worlds("mpe2:simple_spread_v3", {}, environments=ENVIRONMENTS, workers=workers, central=False)
    try:
        spec, plan = partitioned(worlds.spec, options), Plan(ENVIRONMENTS, ROWS, lag=1)
        learner = qlearning(spec, options, Sizes(10**6, ENVIRONMENTS, ROWS, ROWS), parts("vdn", options, spec))
        halves = outside(
            learner, spec, plan, actor=jax.devices()[-1], compiler_options={"xla_cpu_multi_thread_eigen": False}
        )
        run, sight = start_outside(halves, worlds, 0)
        go = partial(train_outside, halves, worlds, 0)
        run, sight, _ = go(run, sight, 2)
        jax.block_until_ready(run.learner)
        while True:
            visits, began, working = 0, time.perf_counter(), time.process_time()
            while time.perf_counter() - began < SECONDS:
                run, sight, _ = go(run, sight, 2)
                visits += 2
            jax.block_until_ready(run.learner)
            seconds = time.perf_counter() - began
            steps = visits * ENVIRONMENTS * ROWS
            yield {"rate": steps / seconds, "own_processor_share": (time.process_time() - working) / seconds}
    finally:
        worlds.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    import jax

    jax.config.update("jax_num_cpu_devices", 2)
    rounds, learners = [], {str(workers): training(workers) for workers in (0, 1, 2)}
    for number in range(given.rounds):
        base = random_rate()
        found = {workers: next(learner) for workers, learner in learners.items()}
        ratios = {workers: one["rate"] / base for workers, one in found.items()}
        rounds.append({"random": base, "training": found, "ratio": ratios, "load": os.getloadavg()[0]})
        told = ", ".join(f"workers {workers} {ratio:.2f} x" for workers, ratio in ratios.items())
        print(f"round {number}: random {base:,.0f} steps/s; training {told}; load {os.getloadavg()[0]:.1f}", flush=True)
    for learner in learners.values():
        learner.close()
    middle = {w: float(np.median([one["ratio"][w] for one in rounds])) for w in ("0", "1", "2")}
    print("median ratios:", middle)
    if given.save:
        kept = {
            "command": "python benchmarks/worker_road.py --save", "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "rounds": rounds, "median_ratio": middle,
        }  # fmt: skip
        PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
