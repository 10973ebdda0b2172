"""How fast policies are learned beside JaxMARL's own IPPO, on its simple_spread, at equal settings.

    python benchmarks/ppo.py --peer PEER/bin/python --checkout JAXMARL           about 8 minutes on two cores
    python benchmarks/ppo.py --peer … --checkout … --save                        writes benchmarks/results/ppo.json
    python benchmarks/ppo.py --peer … --checkout … --only 8 --rounds 3           one case
    python benchmarks/ppo.py --profile                                           where the time of one update goes

PEER is an environment with JaxMARL, what benchmarks/jaxmarl_peer.py needs, and coterie; JAXMARL a checkout. Both sides
run in processes of their own, in turn, with PEER's interpreter and its JAX, as in benchmarks/deep.py: 16 environments x
128 steps, then 4 epochs of 4 minibatches of all three agents' decisions (1,536 each), one actor and one critic for all
agents, hidden layers of 64 and 64 with tanh, values clipped and on no running scale, normalised advantages, a learning
rate that falls to zero. JaxMARL batches seeds by vmap, as its script does; coterie shares them out among CPU devices.
The ratio is that of joint steps of all seeds a second, learning included and compiling apart, the median over the
rounds. Cold start is import, making and compiling, without a cache.

What is not equal: coterie's networks are told which agent they act for (three inputs more); it values the true
successor of each step, where JaxMARL takes the next row's value; JaxMARL normalises advantages in each minibatch, and
weighs values by one half.

The share of the arithmetic limit: the multiplications and additions of the networks, layer by layer (acting, values of
both ends of each step, and in each epoch forward, the gradients of all weights, and those of all inputs but the first),
against what all cores do in a large matrix product measured in the same run.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from deep import PEER, beside, in_turn, peak, rounds_of, told

BEGAN = time.perf_counter()
PLACE = Path(__file__).parent / "results" / "ppo.json"
ENVIRONMENTS, ROWS, EPOCHS, MINIBATCHES, HIDDEN = 16, 128, 4, 4, 64
VISIT = ENVIRONMENTS * ROWS
STEPS = {1: 163_840, 2: 163_840, 8: 81_920}
EQUAL = {
    "environments": ENVIRONMENTS, "rows": ROWS, "epochs": EPOCHS, "minibatches": MINIBATCHES, "hidden": HIDDEN,
    "layers": 2, "activation": "tanh", "share_parameters": True, "learning_rate": 2.5e-4, "learning_rate_end": 0.0,
    "gradient_clip": 0.5, "discount": 0.99, "trace": 0.95, "clip": 0.2, "value_clip": 0.2, "entropy": 0.01,
    "normalise_values": False, "normalise_advantages": True,
}  # fmt: skip


def made_equal(steps: int) -> tuple[Any, Any, Any]:
    """The environment, the options and the algorithm of one seed that learns for so many joint steps."""
    from coterie.algorithms.families import partitioned
    from coterie.algorithms.ppo import parts, ppo
    from coterie.envs.sources import jax_environment
    from coterie.settings import DeepOptions
    from coterie.types import Sizes

    options = DeepOptions(**EQUAL)
    environment = jax_environment("jaxmarl", "MPE_simple_spread_v3")
    environment = environment._replace(spec=partitioned(environment.spec, options))
    made_of = parts("ippo", options, environment.spec)
    sizes = Sizes(steps, ENVIRONMENTS, ROWS, ROWS)
    return environment, options, ppo(environment.spec, options, sizes, made_of)


def ours(seeds: int, rounds: int) -> dict[str, Any]:
    """Our side, in this process: says `ready` and waits for a line before each round."""
    import jax

    devices = min(os.cpu_count() or 1, seeds)
    jax.config.update("jax_num_cpu_devices", devices)
    import numpy as np

    from coterie.running.deep.lanes import CompiledLane, programs
    from coterie.running.rollout import Plan

    visits = STEPS[seeds] // VISIT
    environment, _, algorithm = made_equal((1 + visits * rounds) * VISIT)
    made = programs(algorithm, environment, Plan(ENVIRONMENTS, ROWS), 32, jax.devices()[:devices])
    lane = CompiledLane(made, np.arange(seeds))
    lane.advance(1)
    lane.wait()
    cold = time.perf_counter() - BEGAN
    seconds, worked = rounds_of(lane, visits, rounds)
    steps, middle, limit = visits * VISIT * seeds, statistics.median(seconds), peak()
    work = sum(operations(environment.spec).values()) / VISIT
    return {
        "env_steps": steps, "gradient_steps": visits * EPOCHS * MINIBATCHES * seeds, "devices": devices,
        "steps_per_second": steps / middle, "all_seconds": seconds, "processor_seconds": worked,
        "cold_start_seconds": cold, "operations_a_step": work, "peak": limit,
        "share_of_limit": steps / middle * work / limit,
    }  # fmt: skip


def operations(spec: Any) -> dict[str, float]:
    """Multiplications and additions of one update and of the acting before it, by part, counted layer by layer."""
    kind, agents = spec.kinds[0], len(spec.agents)
    seen = kind.observation_shape[0] + agents
    first, second = 2 * seen * HIDDEN, 2 * HIDDEN * HIDDEN
    actor, critic = first + second + 2 * HIDDEN * kind.actions, first + second + 2 * HIDDEN
    decisions = VISIT * agents
    learning = 3 * (actor + critic) - 2 * first
    return {
        "acting": float(decisions * actor),
        "values": float(decisions * 2 * critic),
        "epochs": float(decisions * EPOCHS * learning),
    }


# Both sides, in turn


def compare(given: argparse.Namespace, seeds: int) -> dict[str, Any]:
    """Both sides of one case, in turn."""
    rounds = str(given.rounds)
    ours = [given.peer, __file__, "--ours", str(seeds), "--rounds", rounds]
    peer = [given.peer, str(PEER), "--checkout", given.checkout, "--algorithm", "ippo", "--seeds", str(seeds)]
    peer += ["--steps", str(STEPS[seeds]), "--runs", rounds, "--in-turn", "--json"]
    return beside(*in_turn(ours, peer, given.rounds), "env_steps")


# Where the time goes


def profile(repeats: int) -> dict[str, float]:
    """Milliseconds of one update and of its parts, each compiled apart on the same shapes, on one device."""
    import jax
    import numpy as np

    from coterie.running.roads import compiled
    from coterie.running.rollout import Plan

    environment, options, algorithm = made_equal(100 * VISIT)
    start, train = compiled(algorithm, environment, Plan(ENVIRONMENTS, ROWS))
    seed = np.uint32(0)
    run = jax.jit(start)(seed)
    found = {"whole": timed(repeats, lambda run: train(seed, run, 1), run)}
    found |= collecting_parts(repeats, environment, algorithm, run)
    return found | learning_parts(repeats, environment, options, algorithm, run)


def collecting_parts(repeats: int, environment: Any, algorithm: Any, run: Any) -> dict[str, float]:
    """Collecting a rollout; its steps alone with random actions, and its acting alone on one sight."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from coterie.running.roads import advance, collect, look
    from coterie.running.rollout import Plan, act_at, episode_seeds, views

    seed, spec = np.uint32(0), environment.spec

    def steps(places: Any, key: Any) -> Any:
        actions = jax.random.randint(key, (ROWS, ENVIRONMENTS, len(spec.agents)), 0, spec.kinds[0].actions)

        def step(carry: Any, action: Any) -> Any:
            places, count = carry
            episode = jnp.zeros(ENVIRONMENTS, jnp.int32)
            places, outcome = advance(environment, places, action, count, lambda: episode_seeds(seed, episode))
            return (places, jnp.where(outcome.over, 0, count + 1)), (outcome, look(environment, places))

        return jax.lax.scan(step, (places, jnp.zeros(ENVIRONMENTS, jnp.int32)), actions)

    def acting(policy: Any, view: Any, memory: Any) -> Any:
        return jax.lax.map(lambda row: act_at(algorithm, "explore", seed, row, policy, view, memory), jnp.arange(ROWS))

    sight = look(environment, run.places)
    view = views(jnp, spec, sight, run.held.fresh, sight.alive)
    plan = Plan(ENVIRONMENTS, ROWS)
    return {
        "collecting": timed(repeats, lambda run: collect(algorithm, environment, plan, "explore", seed, run), run),
        "of it environments": timed(repeats, steps, run.places, jax.random.key(1)),
        "of it acting": timed(repeats, acting, run.policy, view, run.held.memory),
    }


def learning_parts(repeats: int, environment: Any, options: Any, algorithm: Any, run: Any) -> dict[str, float]:
    """Learning from a rollout; its study, and the drawing, the gradients and the steps of all epochs."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    from coterie.algorithms.ppo import loss, parts, study
    from coterie.equations.stepping import clipped_each
    from coterie.running.roads import collect
    from coterie.running.rollout import Plan, learn

    spec, made_of = environment.spec, parts("ippo", options, environment.spec)
    seed, steps, size = np.uint32(0), EPOCHS * MINIBATCHES, VISIT // MINIBATCHES
    collected = jax.jit(lambda run: collect(algorithm, environment, Plan(ENVIRONMENTS, ROWS), "explore", seed, run))
    rollout = collected(run)[2]
    studied = jax.jit(lambda rollout: study(spec, options, made_of, run.learner, rollout)[0])(rollout)
    some, before = jax.tree.map(lambda leaf: leaf[:, :size], studied), tuple(((), ()) for _ in spec.kinds)
    adam = optax.adam(2.5e-4, eps=1e-5)

    def drawing(studied: Any, key: Any) -> Any:
        order = jax.vmap(lambda key: jax.random.permutation(key, VISIT))(jax.random.split(key, EPOCHS))
        return jax.tree.map(lambda leaf: leaf[:, order], studied)

    def gradients(online: Any, some: Any) -> Any:
        def one(online: Any, _: Any) -> Any:
            gradient = jax.grad(lambda online: loss(spec, options, made_of, online, some, before, 0.01)[0])(online)
            return jax.tree.map(lambda leaf, slope: leaf - 1e-6 * slope, online, gradient), None

        return jax.lax.scan(one, online, None, steps)[0]

    def stepping(online: Any, state: Any, gradient: Any) -> Any:
        def one(carry: Any, _: Any) -> Any:
            shorter, _ = clipped_each(gradient, options.gradient_clip)
            change, after = adam.update(shorter, carry[1], carry[0])
            return (optax.apply_updates(carry[0], change), after), None

        return jax.lax.scan(one, (online, state), None, steps)[0]

    online = run.learner.online
    return {
        "learning": timed(repeats, lambda *given: learn(algorithm, seed, *given), run.learner, rollout, run.clock),
        "of it study": timed(repeats, lambda *given: study(spec, options, made_of, *given), run.learner, rollout),
        "of it drawing": timed(repeats, drawing, studied, jax.random.key(1)),
        "of it gradients": timed(repeats, gradients, online, some),
        "of it stepping": timed(repeats, stepping, online, adam.init(online), jax.tree.map(jnp.ones_like, online)),
    }


def timed(repeats: int, function: Any, *given: Any) -> float:
    """The milliseconds of processor time of one call, the median of so many."""
    import jax

    from coterie.running.deep.lanes import LEVEL

    program, taken = jax.jit(function).lower(*given).compile(LEVEL), []
    jax.block_until_ready(program(*given))
    for _ in range(repeats):
        start = time.process_time()
        jax.block_until_ready(program(*given))
        taken.append(1e3 * (time.process_time() - start))
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default=sys.executable)
    parser.add_argument("--checkout", default="")
    parser.add_argument("--only", type=int, choices=STEPS, help="the case of so many seeds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--ours", type=int, default=0, help="measure our side of so many seeds here")
    parser.add_argument("--profile", action="store_true", help="processor time of the parts of one update, here")
    given = parser.parse_args()
    if given.profile:
        found = profile(20)
        print("\n".join(f"{name:20} {taken:7.2f} ms {taken / found['whole']:6.1%}" for name, taken in found.items()))
        return
    if given.ours:
        print(json.dumps(ours(given.ours, given.rounds)))
        return
    kept: dict[str, Any] = {"command": "python benchmarks/ppo.py --peer … --checkout … --save", "cases": {}}
    kept |= {"date": datetime.date.today().isoformat(), "processors": os.cpu_count(), "settings": EQUAL}
    for seeds in [given.only] if given.only else STEPS:
        case = compare(given, seeds)
        print(told(f"{seeds} seeds", case, "env_steps"), flush=True)
        kept["cases"][str(seeds)] = case
        if given.save:
            PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
