"""How fast deep value learning is beside JaxMARL's own learners, on its simple_spread, at equal batch and ratio.

    python benchmarks/deep.py --peer PEER/bin/python --checkout JAXMARL          about 20 minutes on two cores
    python benchmarks/deep.py --peer … --checkout … --only iql --save            writes benchmarks/results/deep.json

PEER is an environment with JaxMARL, what benchmarks/jaxmarl_peer.py needs, and coterie; JAXMARL a checkout. Both sides
run in processes of their own, in turn, with PEER's interpreter and its JAX: 8 environments x 26 steps, one update of 32
sequences of 26 rows per 208 joint steps from the first on, one network in common for all agents, hidden layers of 64:
one and a gated recurrent unit (rnn), or two (mlp; JaxMARL's recurrent network is replaced, see jaxmarl_peer.py).
JaxMARL batches seeds by vmap, as its script does; coterie shares them out among CPU devices, and one recurrent seed's
batches. Both processes are started one after the other, and then learn in turn, one at a time, `--rounds` times. The
ratio is that of gradient steps of all seeds a second, compiling apart, the median over the rounds: JaxMARL's replay
gives its first sample after 32 visits, so that in one run of as many joint steps it makes fewer gradient steps. Cold
start is import, making and compiling, without a cache.

The share of the arithmetic limit: the multiplications and additions of networks and mixers (forward of the online and
the target network along 27 rows, twice as much backward, and acting), against what all cores do in a large matrix
product measured in the same run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
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
PATIENCE, PATIENCE_TRIES = 150, 3
STEPS = {1: 52_000, 8: 41_600}  # joint steps of each seed in a round


def ours(algorithm: str, network: str, seeds: int, rounds: int) -> dict[str, Any]:
    """Our side, in this process: says `ready` and waits for a line before each round."""
    import jax

    devices = min(os.cpu_count() or 1, 2 if seeds == 1 and network == "rnn" else seeds)
    jax.config.update("jax_num_cpu_devices", devices)
    import numpy as np

    from coterie.algorithms.families import partitioned
    from coterie.algorithms.qlearning import Sizes, parts, qlearning
    from coterie.algorithms.splitting import ALONE, split_over
    from coterie.envs.sources import jax_environment
    from coterie.running.deep.lanes import ITEMS, CompiledLane, programs
    from coterie.running.deep.session import _advance
    from coterie.running.rollout import Plan
    from coterie.settings import DeepOptions

    imports = time.perf_counter() - BEGAN
    began = time.perf_counter()
    options = DeepOptions(
        environments=ENVIRONMENTS, rows=ROWS, batch=BATCH, sequence=ROWS, updates=1, hidden=HIDDEN, warmup=0,
        layers=1 if network == "rnn" else 2, recurrent=network == "rnn", share_parameters=True, reward="team-mean",
        replay=40_000, discount=0.9, target_every=10,
    )  # fmt: skip
    environment = jax_environment("jaxmarl", "MPE_simple_spread_v3")
    environment = environment._replace(spec=partitioned(environment.spec, options))
    visits = STEPS[seeds] // (ENVIRONMENTS * ROWS)
    halves = devices if seeds == 1 else 1
    learner = qlearning(
        environment.spec,
        options,
        Sizes(visits * ENVIRONMENTS * ROWS * rounds, ENVIRONMENTS, ROWS, ROWS),
        parts(algorithm, options, environment.spec),
        split_over(ITEMS, halves) if halves > 1 else ALONE,
    )
    made = programs(learner, environment, Plan(ENVIRONMENTS, ROWS), 32, jax.devices()[:devices], halves)
    lane = CompiledLane(made, np.arange(seeds))
    _advance(lane, 1)
    cold = time.perf_counter() - began + imports
    seconds, worked = rounds_of(lane, visits, rounds)
    steps, middle = visits * ENVIRONMENTS * ROWS * seeds, float(np.median(seconds))
    work = operations(algorithm, network, environment.spec) / (ENVIRONMENTS * ROWS)
    return {
        "env_steps": steps, "gradient_steps": visits * seeds, "steps_per_second": steps / middle,
        "all_seconds": seconds, "processor_seconds": worked, "cold_start_seconds": cold, "import_seconds": imports,
        "operations_a_step": work, "share_of_limit": steps / middle * work / peak(),
    }  # fmt: skip


def rounds_of(lane: Any, visits: int, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds and processor seconds of each round of so many visits, each begun when a line comes."""
    import jax
    import numpy as np

    from coterie.running.deep.session import _advance

    seconds, worked = [], []
    for _ in range(rounds):
        print("ready", flush=True)
        input()
        start, working = time.perf_counter(), time.process_time()
        _advance(lane, visits)
        seconds.append(time.perf_counter() - start)
        worked.append(time.process_time() - working)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(lane.policy()))
    return seconds, worked


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


class Side:
    """A process that says `ready` before each round, learns when it is given a line, and ends with what it found."""

    def __init__(self, words: list[str], errors: Path) -> None:
        self.words, self.errors = " ".join(words), errors
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")}
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors.open("w"), text=True,
            env=environment,
        )  # fmt: skip
        self.await_ready()

    def await_ready(self) -> None:
        """Until it is ready for its next round; raises TimeoutError where that takes too long."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], PATIENCE)[0]:
            self.process.kill()
            raise TimeoutError
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise SystemExit(f"{self.words}\n{line}{self.errors.read_text()[-2000:]}")

    def learn(self, last: bool) -> dict[str, Any]:
        """One round; after the last one, what it found."""
        assert self.process.stdin is not None
        print("go", file=self.process.stdin, flush=True)
        if last:
            return json.loads(self.process.communicate(timeout=PATIENCE)[0])
        self.await_ready()
        return {}


def started(words: list[str], errors: Path) -> Side:
    """A side that is ready; JAX on two cores can hang in a batched QR, which JaxMARL's initialisation is made of."""
    for _ in range(PATIENCE_TRIES):
        try:
            return Side(words, errors)
        except TimeoutError:
            print(f"no answer in {PATIENCE} s, once more: {' '.join(words[1:])}", flush=True)
    raise SystemExit(f"{PATIENCE_TRIES} times no answer in {PATIENCE} s: {' '.join(words)}")


def compare(given: argparse.Namespace, algorithm: str, network: str, seeds: int) -> dict[str, Any]:
    """Both sides of one case, in turn."""
    word, rounds = f"{algorithm},{network},{seeds}", str(given.rounds)
    peer = [given.peer, str(PEER), "--checkout", given.checkout, "--algorithm", algorithm, "--network", network]
    peer += ["--seeds", str(seeds), "--steps", str(STEPS[seeds]), "--runs", rounds, "--in-turn", "--json"]
    ours = [given.peer, __file__, "--ours", word, "--rounds", rounds]
    return beside(*in_turn(ours, peer, given.rounds), "gradient_steps")


def in_turn(ours: list[str], peer: list[str], rounds: int) -> list[dict[str, Any]]:
    """What two processes find that learn in turn, one at a time, for so many rounds."""
    sides: list[Side] = []
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        try:
            for number, words in enumerate((ours, peer)):
                sides.append(started(words, Path(place) / str(number)))
            for number in range(rounds):
                found = [side.learn(last=number == rounds - 1) for side in sides]
        finally:
            for side in sides:
                side.process.kill()
    return found


def beside(here: dict[str, Any], there: dict[str, Any], counted: str) -> dict[str, Any]:
    """What both sides found, and the ratios of what is counted a second, round by round, and of cold starts."""
    rates, theirs = ([side[counted] / second for second in side["all_seconds"]] for side in (here, there))
    ratios = [one / other for one, other in zip(rates, theirs, strict=True)]
    return {
        "ours": here, "peer": there, "ratio": statistics.median(ratios), "ratios": ratios,
        "cold_ratio": here["cold_start_seconds"] / there["cold_start_seconds"],
    }  # fmt: skip


def told(name: str, case: dict[str, Any], counted: str, digits: int = 0) -> str:
    """One case as a line; counted: what the rates are of, as the sides name it."""
    here, there = case["ours"], case["peer"]
    rates = [side[counted] / statistics.median(side["all_seconds"]) for side in (here, there)]
    return (
        f"{name}: {rates[0]:8,.{digits}f} against {rates[1]:8,.{digits}f} {counted.replace('_', ' ')}/s: "
        f"{case['ratio']:.2f} x ({min(case['ratios']):.2f} to {max(case['ratios']):.2f}); "
        f"cold start {here['cold_start_seconds']:.1f} against {there['cold_start_seconds']:.1f} s: "
        f"{case['cold_ratio']:.2f} x; {100 * here['share_of_limit']:.0f} % of the arithmetic limit"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--checkout", default="")
    parser.add_argument("--only", default="", help="a word that the case contains: iql, rnn, 8")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--ours", default="", help="measure one case here: iql,rnn,8")
    given = parser.parse_args()
    if given.ours:
        algorithm, network, seeds = given.ours.split(",")
        print(json.dumps(ours(algorithm, network, int(seeds), given.rounds)))
        return
    kept = json.loads(PLACE.read_text()) if PLACE.exists() and given.save else {"cases": {}}
    for algorithm, network, seeds in CASES:
        word = f"{algorithm},{network},{seeds}"
        if given.only not in word or word in kept["cases"]:
            continue
        case = compare(given, algorithm, network, seeds)
        print(told(word, case, "gradient_steps", 1), flush=True)
        kept["cases"][word] = case
        kept |= {"command": "python benchmarks/deep.py --save", "date": datetime.date.today().isoformat()}
        if given.save:
            PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
