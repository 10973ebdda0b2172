"""How fast deep value learning is beside JaxMARL's own learners, on its simple_spread, at equal batch and ratio.

    python benchmarks/deep.py --peer PEER/bin/python --checkout JAXMARL          about ten minutes on two cores
    python benchmarks/deep.py --peer … --checkout … --only iql --save            writes benchmarks/results/deep.json

PEER is an environment with JaxMARL, what benchmarks/jaxmarl_peer.py needs, and coterie; JAXMARL a checkout. Both sides
run in processes of their own, in turn, with PEER's interpreter and its JAX: 8 environments x 26 steps, one update of 32
sequences of 26 rows per 208 joint steps from the first on, one network in common for all agents, hidden layers of 64:
one and a gated recurrent unit (rnn), or two (mlp; JaxMARL's recurrent network is replaced, see jaxmarl_peer.py).
JaxMARL batches seeds by vmap, as its script does; coterie shares them out among CPU devices. Rates are joint steps of
all seeds a second, updates included, compiling apart, the best of three; cold start is import, making and compiling,
without a cache.

The share of the arithmetic limit: the multiplications and additions of networks and mixers (forward of the online and
the target network along 27 rows, twice as much backward, and acting), against what all cores do in a large matrix
product measured in the same run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

BEGAN = time.perf_counter()
PLACE = Path(__file__).parent / "results" / "deep.json"
PEER = Path(__file__).with_name("jaxmarl_peer.py")
ENVIRONMENTS, ROWS, BATCH, HIDDEN = 8, 26, 32, 64
CASES = [
    (algorithm, network, seeds)
    for network in ("rnn", "mlp")
    for algorithm in ("iql", "vdn", "qmix")
    for seeds in (1, 8)
]
PATIENCE, PATIENCE_TRIES = (
    150,
    3,
)  # JAX on two cores can hang in a batched QR, which JaxMARL's initialisation is made of
STEPS = {1: 104_000, 8: 41_600}


def ours(algorithm: str, network: str, seeds: int, runs: int) -> dict[str, Any]:
    """Our side, in this process."""
    import jax

    jax.config.update("jax_num_cpu_devices", min(os.cpu_count() or 1, seeds))
    import numpy as np

    from coterie.algorithms.qlearning import Sizes, parts, qlearning
    from coterie.envs.sources import jax_environment
    from coterie.running.deep.lanes import CompiledLane, programs
    from coterie.running.deep.session import _advance
    from coterie.running.rollout import Plan
    from coterie.settings import DeepOptions
    from coterie.workflow.deep_plan import partitioned

    imports = time.perf_counter() - BEGAN
    began = time.perf_counter()
    options = DeepOptions(
        environments=ENVIRONMENTS, rows=ROWS, batch=BATCH, sequence=ROWS, updates=1, hidden=HIDDEN, warmup=0,
        layers=1 if network == "rnn" else 2, recurrent=network == "rnn", share_parameters=True, reward="team-mean",
        replay=40_000, discount=0.9, target_every=10,
    )  # fmt: skip
    environment = jax_environment("jaxmarl", "MPE_simple_spread_v3")
    environment = environment._replace(spec=partitioned(environment.spec, options))
    steps = STEPS[seeds] // (ENVIRONMENTS * ROWS) * ENVIRONMENTS * ROWS
    learner = qlearning(
        environment.spec,
        options,
        Sizes(steps * runs, ENVIRONMENTS, ROWS, ROWS),
        parts(algorithm, options, environment.spec),
    )
    made = programs(learner, environment, Plan(ENVIRONMENTS, ROWS), 32, jax.devices()[:seeds])
    lane = CompiledLane(made, np.arange(seeds))
    _advance(lane, 1)
    cold = time.perf_counter() - began + imports
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        _advance(lane, steps // (ENVIRONMENTS * ROWS))
        seconds.append(time.perf_counter() - start)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(lane.policy()))
    rate = steps * seeds / min(seconds)
    work = operations(algorithm, network, environment.spec) / (ENVIRONMENTS * ROWS)
    return {
        "steps_per_second": rate, "all_seconds": seconds, "cold_start_seconds": cold, "import_seconds": imports,
        "operations_a_step": work, "share_of_limit": rate * work / peak(),
    }  # fmt: skip


def operations(algorithm: str, network: str, spec: Any) -> float:
    """Multiplications and additions of one visit: 208 acts and one update, counted layer by layer."""
    kind, agents = spec.kinds[0], len(spec.agents)
    seen = kind.observation_shape[0] + agents
    body = seen * HIDDEN + HIDDEN * kind.actions + (6 * HIDDEN * HIDDEN if network == "rnn" else HIDDEN * HIDDEN)
    forward = 2 * body * agents
    rows = BATCH * (ROWS + 1)
    total = forward * (ENVIRONMENTS * ROWS + rows * (1 + 1 + 2))
    if algorithm == "qmix":
        state = spec.state_shape[0]
        mixer = state * (2 * 64 + 2 * 32) + 64 * 32 * agents + 64 * 32 + 32 + 32 * agents + 32
        total += 2 * mixer * BATCH * ROWS * 4
    return float(total)


def peak() -> float:
    """Operations a second of all cores in a large matrix product."""
    import jax
    import jax.numpy as jnp

    size = 1_024
    one = jnp.ones((size, size))
    product = jax.jit(lambda a: a @ a)
    product(one).block_until_ready()
    best = 1e9
    for _ in range(10):
        start = time.perf_counter()
        product(one).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def told(words: list[str]) -> dict[str, Any]:
    """What a process of its own prints as JSON."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")}
    for _ in range(PATIENCE_TRIES):
        try:
            finished = subprocess.run(
                words, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            print(f"no answer in {PATIENCE} s, once more: {' '.join(words[1:])}", flush=True)
            continue
        if finished.returncode:
            raise SystemExit(f"{' '.join(words)}\n{finished.stderr[-2000:]}")
        return json.loads(finished.stdout)
    raise SystemExit(f"{PATIENCE_TRIES} times no answer in {PATIENCE} s: {' '.join(words)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--checkout", default="")
    parser.add_argument("--only", default="", help="a word that the case contains: iql, rnn, 8")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--ours", default="", help="measure one case here: iql,rnn,8")
    given = parser.parse_args()
    if given.ours:
        algorithm, network, seeds = given.ours.split(",")
        print(json.dumps(ours(algorithm, network, int(seeds), given.runs)))
        return
    kept = json.loads(PLACE.read_text()) if PLACE.exists() else {"cases": {}}
    for algorithm, network, seeds in CASES:
        word = f"{algorithm},{network},{seeds}"
        if given.only not in word or (given.save and word in kept["cases"]):
            continue
        here = told([given.peer, __file__, "--ours", word, "--runs", str(given.runs)])
        there = told(
            [given.peer, str(PEER), "--checkout", given.checkout, "--algorithm", algorithm, "--network", network,
             "--seeds", str(seeds), "--steps", str(STEPS[seeds]), "--runs", str(given.runs), "--json"]
        )  # fmt: skip
        ratio = here["steps_per_second"] / there["steps_per_second"]
        cold = here["cold_start_seconds"] / there["cold_start_seconds"]
        print(
            f"{word:12} {here['steps_per_second']:9,.0f} against {there['steps_per_second']:9,.0f} steps/s: "
            f"{ratio:.2f} x; "
            f"cold start {here['cold_start_seconds']:.1f} against {there['cold_start_seconds']:.1f} s: {cold:.2f} x; "
            f"{100 * here['share_of_limit']:.0f} % of the arithmetic limit",
            flush=True,
        )
        kept["cases"][word] = {"ours": here, "peer": there, "ratio": ratio, "cold_ratio": cold}
        kept |= {"command": "python benchmarks/deep.py --save", "date": datetime.date.today().isoformat()}
        if given.save:
            PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
