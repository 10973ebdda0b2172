"""PettingZoo environments beside their own `parallel_env()`, in one run: joint steps a second, and where the time goes.

    python benchmarks/pettingzoo_rates.py              about ten minutes on two cores
    python benchmarks/pettingzoo_rates.py --save       writes benchmarks/results/pettingzoo_rates.json
    python benchmarks/pettingzoo_rates.py --rounds 3 --seconds 1     a first look

(The name is not `pettingzoo.py`: every script beside it would then import that file in place of the library.)

*Theirs* steps `parallel_env()` with drawn actions and reads what it returns: one environment, one process, one core, as
its users do. *Random* steps our worlds with drawn actions. *Acting* is all that a run does between two updates: worlds,
the network that picks actions, and the books of the rollout. *Training* is acting with an update of the usual options
after every eight joint steps of each world; 32 worlds of simple_spread are stepped side by side, and 8 of the others.
Sides take turns of a few seconds; ratios are within a round, and medians and quartiles over the rounds count.

Every side is also held against the processor time that it used itself, which other programs on the machine do not
inflate (`cpu`); with workers that is not told, for they are other processes. Where the two ratios of a side differ by
more than a tenth, or a quartile lies further from its median than that, the machine was busy: run it again.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

PLACE = Path(__file__).parent / "results" / "pettingzoo_rates.json"
ROWS, REPLAY = 8, 2_048
PROFILED = 400  # joint steps of one environment
BUSY = 0.1
ONE_THREAD = {"xla_cpu_multi_thread_eigen": False}  # as training compiles it
Step = Callable[[], int]  # goes on for a while; how many joint steps those were


@dataclass(frozen=True)
class Case:
    """One environment: its word here, its module there, what it is made with, and how its pictures are shown."""

    word: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, dict[str, Any] | None] = field(default_factory=lambda: {"": None})
    drawn: bool = True
    environments: int = 8


SMALL = {"size": "24x12", "stack": 2}
CASES = {
    "simple_spread": Case("mpe2:simple_spread_v3", "mpe2.simple_spread_v3", drawn=False, environments=32),
    "pistonball": Case(
        "pettingzoo:butterfly/pistonball_v6",
        "pettingzoo.butterfly.pistonball.pistonball",
        {"continuous": False},
        {"24x12 red": {**SMALL, "channel": "red"}, "24x12 grey": {**SMALL, "grey": True}, "usual": {}},
    ),
    "cooperative_pong": Case(
        "pettingzoo:butterfly/cooperative_pong_v6",
        "pettingzoo.butterfly.cooperative_pong.cooperative_pong",
        {},
        {"24x40 grey": {**SMALL, "size": "24x40", "grey": True}},
    ),
}


def theirs(case: Case) -> Step:
    """Random play through the parallel interface of PettingZoo, drawn where agents see pictures."""
    import importlib

    from gymnasium.spaces import Discrete

    world = importlib.import_module(case.module).parallel_env(
        **case.options, **({"render_mode": "rgb_array"} if case.drawn else {})
    )
    chance, total = np.random.default_rng(0), [0.0]
    world.reset(seed=0)
    sizes = {}
    for agent in world.agents:
        space = world.action_space(agent)
        assert isinstance(space, Discrete)
        sizes[agent] = int(space.n)

    def step() -> int:
        seen, rewards, *_ = world.step({agent: int(chance.integers(sizes[agent])) for agent in world.agents})
        total[0] += sum(rewards.values()) + sum(float(one.flat[0]) for one in seen.values())
        assert np.isfinite(total[0])
        if not world.agents:
            world.reset()
        return 1

    return step


def worlds_of(case: Case, picture: dict[str, Any] | None, environments: int, workers: int) -> Any:
    from coterie.pettingzoo.making.sources import make_worlds
    from coterie.settings import PictureOptions

    shown = None if picture is None else PictureOptions(**picture)
    return make_worlds(case.word, case.options, environments, workers, central=False, picture=shown)


def random_play(worlds: Any, environments: int) -> Step:
    """Random play in our worlds."""
    chance = np.random.default_rng(0)
    sizes = np.zeros(len(worlds.spec.agents), int)
    for kind in worlds.spec.kinds:
        sizes[list(kind.agents)] = kind.actions
    worlds.reset(np.arange(environments))
    count = [environments]

    def step() -> int:
        actions = chance.integers(sizes, size=(environments, len(sizes)), dtype=np.int32)
        worlds.step(actions, np.arange(count[0], count[0] + environments))
        count[0] += environments
        return environments

    return step


def acting(worlds: Any, environments: int, learns: bool = False) -> Step:
    """What a run does between two updates, or `learns` with them: a network in common picks the actions, and rollouts
    are put together."""
    import jax

    from coterie.algorithms.families import partitioned
    from coterie.algorithms.qlearning import Sizes, parts, qlearning
    from coterie.running.roads import collect_outside, iterate_outside, outside, start_outside
    from coterie.running.rollout import Plan
    from coterie.settings import DeepOptions

    options = DeepOptions(
        environments=environments, rows=ROWS, share_parameters=True, replay=REPLAY, warmup=0, reward="individual"
    )
    spec, plan = partitioned(worlds.spec, options), Plan(environments, ROWS)
    learner = qlearning(spec, options, Sizes(10**6, environments, ROWS, 1), parts("iql", options, spec))
    halves = outside(learner, spec, plan, compiler_options=ONE_THREAD)
    run, sight = start_outside(halves, worlds, 0)
    now = [run, sight]

    def learning() -> int:
        run, sight, _ = iterate_outside(halves, worlds, 0, *now)
        now[:] = [run, sight]
        jax.block_until_ready(run.learner.online)
        return environments * ROWS

    def step() -> int:
        run, sight = now
        held, sight, _, _ = collect_outside(halves, worlds, np.uint32(0), run, sight)
        clock = run.clock._replace(env_steps=run.clock.env_steps + np.uint32(environments * ROWS))
        now[:] = [run._replace(held=held, clock=clock), sight]
        return environments * ROWS

    return learning if learns else step


def rate(step: Step, seconds: float) -> tuple[float, float]:
    """Joint steps a second, by the clock and by this process's own processor time."""
    steps, began, working = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        steps += step()
    return steps / (time.perf_counter() - began), steps / (time.process_time() - working)


@contextmanager
def sides(case: Case) -> Iterator[dict[str, tuple[Step, bool]]]:
    """All that is measured, and whether its processor time is its own."""
    with ExitStack() as stack:

        def opened(picture: dict[str, Any] | None, workers: int = 0) -> Any:
            worlds = worlds_of(case, picture, case.environments, workers)
            stack.callback(worlds.close)
            return worlds

        many = case.environments
        found: dict[str, tuple[Step, bool]] = {"theirs": (theirs(case), True)}
        for name, picture in case.pictures.items():
            found[f"random {name}"] = random_play(opened(picture), many), True
            found[f"acting {name}"] = acting(opened(picture), many), True
        first, picture = next(iter(case.pictures.items()))
        found[f"training {first}"] = acting(opened(picture), many, learns=True), True
        for workers in (1, 2):
            found[f"acting {first}, {workers} workers"] = acting(opened(picture, workers), many), False
            found[f"training {first}, {workers} workers"] = acting(opened(picture, workers), many, learns=True), False
        for step, _ in found.values():
            step()  # compiled, and in the caches
        yield found


def measured(case: Case, rounds: int, seconds: float) -> dict[str, Any]:
    """Rates by round, and the ratios to *theirs*: median and quartiles, by the clock and by processor time."""
    told: list[dict[str, Any]] = []
    with sides(case) as found:
        for number in range(rounds):
            rates = {name: rate(step, seconds) for name, (step, _) in found.items()}
            told.append({"load": os.getloadavg()[0], "rates": {name: list(both) for name, both in rates.items()}})
            base = rates["theirs"]
            line = ", ".join(f"{name} {one[0] / base[0]:.1f}" for name, one in rates.items() if name != "theirs")
            print(f"  round {number}: theirs {base[0]:.0f} steps/s; times as fast: {line}", flush=True)
        ratios = {}
        for name, (_, own) in found.items():
            if name == "theirs":
                continue
            both = np.array([np.array(one["rates"][name]) / one["rates"]["theirs"] for one in told])
            low, middle, high = np.percentile(both[:, 0], (25, 50, 75))
            ratios[name] = {"median": middle, "quartiles": [low, high]}
            if own:
                low, middle, high = np.percentile(both[:, 1], (25, 50, 75))
                ratios[name] |= {"cpu_median": middle, "cpu_quartiles": [low, high]}
    return {"rounds": told, "ratio": ratios}


def busy(ratio: dict[str, Any]) -> bool:
    """Whether other programs took part in what was measured."""
    middle = ratio["median"]
    spread = max(abs(one - middle) for one in ratio["quartiles"])
    return spread > BUSY * middle or abs(ratio.get("cpu_median", middle) - middle) > BUSY * middle


def shares(case: Case) -> dict[str, float]:
    """Microseconds of processor time that a joint step of one environment takes, by part: medians over many steps."""
    from coterie.pettingzoo.driving.drive import Drive
    from coterie.pettingzoo.forms.direct import Direct
    from coterie.pettingzoo.forms.parallel import OneParallel

    worlds = worlds_of(case, next(iter(case.pictures.values())), 1, 0)
    if worlds.ones[0].screen is None:
        worlds.close()
        return plain_shares(case)
    screen = type(worlds.ones[0].screen)
    inside = hasattr(screen, "paint")  # it paints in the last agent's turn
    parts: dict[str, list[float]] = {}
    with ExitStack() as stack:
        places = {
            "all": (Drive, "step"), "one": (OneParallel, "step"), "turns": (Direct, "turns"),
            "draw": (screen, "paint" if inside else "draw"),
            "views": (Direct, "observe"), "average": (OneParallel, "look"),
        }  # fmt: skip
        for name, (owner, method) in places.items():
            stack.enter_context(timed(owner, method, parts.setdefault(name, [])))
        chance, spec = np.random.default_rng(0), worlds.spec
        worlds.reset(np.array([0]))
        for number in range(PROFILED):
            actions = chance.integers(spec.kinds[0].actions, size=(1, len(spec.agents)), dtype=np.int32)
            worlds.step(actions, np.array([number]))
    worlds.close()
    middle = {name: 1e6 * float(np.median(times)) for name, times in parts.items()}
    turns = middle["turns"] - middle["draw"] * inside
    inner = turns + middle["draw"] + middle["views"] + middle["average"]
    return {
        "physics and turns": turns,
        "drawing": middle["draw"],
        "views": middle["views"],
        "averaging and stacking": middle["average"],
        "rewards, endings, masks": middle["one"] - inner,
        "books of all worlds": middle["all"] - middle["one"],
        "all": middle["all"],
    }


def plain_shares(case: Case) -> dict[str, float]:
    """The same where nothing is drawn: the environment's own step, and all that is made of what it tells."""
    from coterie.pettingzoo.driving.drive import Drive
    from coterie.pettingzoo.forms.parallel import OneParallel

    worlds = worlds_of(case, None, 1, 0)
    parts: dict[str, list[float]] = {"all": [], "one": [], "environment": []}
    owners = ((Drive, "all"), (OneParallel, "one"), (type(worlds.ones[0].environment), "environment"))
    with ExitStack() as stack:
        for owner, name in owners:
            stack.enter_context(timed(owner, "step", parts[name]))
        step = random_play(worlds, 1)
        for _ in range(PROFILED):
            step()
    worlds.close()
    middle = {name: 1e6 * float(np.median(times)) for name, times in parts.items()}
    return {
        "the environment": middle["environment"],
        "rewards, endings, masks": middle["one"] - middle["environment"],
        "books of all worlds": middle["all"] - middle["one"],
        "all": middle["all"],
    }


@contextmanager
def timed(owner: Any, method: str, times: list[float]) -> Iterator[None]:
    """A method that tells how much processor time each call took."""
    whole = getattr(owner, method)

    def also(*arguments: Any, **words: Any) -> Any:
        began = time.thread_time()
        try:
            return whole(*arguments, **words)
        finally:
            times.append(time.thread_time() - began)

    setattr(owner, method, also)
    try:
        yield
    finally:
        setattr(owner, method, whole)


def report(name: str, found: dict[str, Any]) -> None:
    print(f"{name}: times as fast as parallel_env(), medians (quartiles)")
    for side, ratio in found["ratio"].items():
        low, high = ratio["quartiles"]
        cpu = f"; by processor time {ratio['cpu_median']:.1f}" if "cpu_median" in ratio else ""
        again = "   run it again: the machine was busy" if busy(ratio) else ""
        print(f"  {side:<34} {ratio['median']:5.1f} ({low:.1f} to {high:.1f}){cpu}{again}")
    whole = found["microseconds"]["all"]
    for part, spent in found["microseconds"].items():
        print(f"  {part:<34} {spent:6.0f} us  {spent / whole:4.0%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    results = {}
    for name in given.cases:
        print(name, flush=True)
        results[name] = {**measured(CASES[name], given.rounds, given.seconds), "microseconds": shares(CASES[name])}
        report(name, results[name])
    if given.save:
        kept = {
            "command": "python benchmarks/pettingzoo_rates.py --save", "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "busy": sorted({n for n, one in results.items() if any(map(busy, one["ratio"].values()))}),
            "cases": results,
        }  # fmt: skip
        PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
