"""Ten set-ups that people really report, diagnosed on three seeds; each with one thing mended is the control.

    python benchmarks/bad_setups.py --save             all ten, about four minutes
    python benchmarks/bad_setups.py --only horizon     those whose name has this word

A set-up passes where on every seed the expected finding is named, and where on every seed it is not named again once
the one thing is mended. `place` is where the finding stands among all that was found to mend, and the opening is the
first sentence that a user reads.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import coterie
from coterie.envs.rendezvous_v0 import parallel_env
from coterie.running.verdict import Verdict
from coterie.showing.words import opening

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "bad_setups.json"
PAGE = HERE.parent / "docs" / "diagnostics" / "bad_setups.md"
SEEDS = (20261123, 77, 3)
TEAMS = 200
LOADED = 30  # teams, where they are loaded and judged as anybody's agents


class Setup(NamedTuple):
    """What people report, the finding that names it, the one thing that is mended, and both forms for a seed."""

    reported: str
    expected: str
    change: str
    ill: Callable[[int], Verdict]
    mended: Callable[[int], Verdict]


def trained(environment: str = "rendezvous", **options: Any) -> Callable[[int], Verdict]:
    """The diagnosis of a run."""

    def verdict(seed: int) -> Verdict:
        with tempfile.TemporaryDirectory() as runs:
            coterie.train(environment, seeds=TEAMS, seed=seed, runs=runs, name="run", pictures=False, **options)
            return coterie.diagnose("run", runs=runs).verdict

    return verdict


def judged(
    make_team: Callable[[int], Callable[..., Any]], environment: str | Callable[[], Any] = "rendezvous", **options: Any
) -> Callable[[int], Verdict]:
    """The verdict on anybody's agents; make_team(seed) makes what `coterie.judge` asks for."""
    return lambda seed: coterie.judge(make_team(seed), environment, teams=LOADED, seed=seed, **options).verdict


def recorded(times: float) -> Callable[[int], Verdict]:
    """Episodes of good agents whose tool reports `times` the return that every agent earned."""
    from coterie.running.episodes import read_recording, write_recording

    def verdict(seed: int) -> Verdict:
        with tempfile.TemporaryDirectory() as runs:
            run = coterie.train(seeds=LOADED, seed=seed, runs=runs, name="run", pictures=False)
            place = run.folder / "episodes" / "greedy.jsonl"
            recording = read_recording(place)
            plays = [play._replace(reported=times * float(play.rewards[:, 0].sum())) for play in recording.plays]
            write_recording(place, recording._replace(plays=plays))
            return coterie.diagnose(place).verdict

    return verdict


def good_team(seed: int) -> coterie.Team:
    """The best team of a run, loaded."""
    with tempfile.TemporaryDirectory() as runs:
        return coterie.train(seeds=LOADED, seed=seed, runs=runs, name="run", pictures=False).team


@cache
def alike(seed: int) -> list[coterie.Team]:
    """Teams whose agents share a table, see a window and explored to the end, so that only chance parts them."""
    options = {"share_parameters": True, "ties": "first", "epsilon": 0.3, "epsilon_end": 0.3, "epsilon_decay": 0.0}
    with tempfile.TemporaryDirectory() as runs:
        window = {"observation": "window"}
        coterie.train(seeds=LOADED, seed=seed, runs=runs, name="run", pictures=False, env=window, **options)
        return [coterie.load("run", team=team, runs=runs) for team in range(LOADED)]


def drawing(first: int, share: float) -> Callable[..., Any]:
    """The teams of `alike`, that draw so many of their actions as they did while learning: all alike."""

    def make_team(seed: int) -> list[Drawing]:
        team, chance = alike(first)[seed - first], np.random.default_rng(seed)
        return [Drawing(team, name, share, chance) for name in team.agents]

    return make_team


def swapped(seed: int, order: tuple[int, int]) -> Callable[..., Any]:
    """A good team, its agents in this order."""
    team = good_team(seed)
    return lambda: [Member(team, team.agents[place]) for place in order]


@dataclasses.dataclass
class Member:
    """One agent of a trained team."""

    team: coterie.Team
    name: str

    def act(self, observation: np.ndarray) -> int:
        """What the team's agent of that name would do."""
        return self.team.act(self.name, observation)


@dataclasses.dataclass
class Drawing:
    """One agent of a trained team that takes a share of its actions at random."""

    team: coterie.Team
    name: str
    share: float
    chance: np.random.Generator

    def act(self, observation: np.ndarray) -> int:
        """What the team's agent of that name would do, or any action."""
        if self.chance.random() < self.share:
            return int(self.chance.integers(self.team.actions[0]))
        return self.team.act(self.name, observation)


class Still:
    """An agent that never moves."""

    def act(self, observation: np.ndarray) -> int:
        """The fifth action of a world with --env.stay."""
        return 4


class Chaser:
    """An agent that sees both cells and walks towards the other: R L D U."""

    def act(self, observation: np.ndarray) -> int:
        """First along the row, then along the column."""
        row, column, other_row, other_column = observation
        if column != other_column:
            return 0 if column < other_column else 1
        return 2 if row < other_row else 3


def setups() -> list[Setup]:
    """The ten, each with its control, which differs in one thing."""
    eyes = {"observation": "all", "stay": True}
    world = partial(parallel_env, **eyes, closer_reward=1.0)
    walker = [Chaser(), Still()]
    small = {"size": 8, "horizon": 30, "step_reward": 0.0}
    soon = {"ties": "first", "epsilon": 0.5, "epsilon_end": 0.0}
    noisy = {"algorithm": "iql", "episodes": 2_000, "epsilon": 0.3, "epsilon_end": 0.3, "learning_rate_end": -1.0}
    partial_noise = {"noise": "partial"}
    closer = {"closer_reward": 1.0, "step_reward": 0.0}
    return [
        Setup("rewards counted twice", "rewards", "counted once", recorded(2.0), recorded(1.0)),
        Setup(
            "a cooperative flag that is off",
            "rewards",
            "`reward` team for individual",
            judged(lambda _: lambda: walker, lambda: world(reward="individual")),
            judged(lambda _: lambda: walker, lambda: world(reward="team")),
        ),
        Setup(
            "the wrong horizon",
            "endings",
            "`--env.horizon` 30 for 6",
            trained(env={"size": 8, "horizon": 6}, preset="thorough"),
            trained(env={"size": 8, "horizon": 30}, preset="thorough"),
        ),
        Setup(
            "exploration that ends too soon",
            "exploration",
            "`--epsilon-decay` 0.9 for 0.005",
            trained(env=small, **soon, epsilon_decay=0.005),
            trained(env=small, **soon, epsilon_decay=0.9),
        ),
        Setup(
            "a learning rate too large",
            "step size",
            "`--learning-rate` 0.03 for 1 (with 0.1 it is still named)",
            trained("climbing", env=partial_noise, **noisy, learning_rate=1.0),
            trained("climbing", env=partial_noise, **noisy, learning_rate=0.03),
        ),
        Setup(
            "an idle agent",
            "contribution",
            "the second agent walks, too",
            judged(lambda _: lambda: [Chaser(), Still()], env=eyes),
            judged(lambda _: lambda: [Chaser(), Chaser()], env=eyes),
        ),
        Setup(
            "penalties that outweigh the prize",
            "shadowed optimum",
            "`--env.k` 0 for -100",
            trained("penalty", algorithm="iql", episodes=2_000),
            trained("penalty", env={"k": 0.0}, algorithm="iql", episodes=2_000),
        ),
        Setup(
            "greedy play of a stochastic policy",
            "noise",
            "the same teams draw 3 in 10 actions, as they learned",
            judged(lambda seed: drawing(seed, 0.0), env={"observation": "window"}),
            judged(lambda seed: drawing(seed, 0.3), env={"observation": "window"}),
        ),
        Setup(
            "agents with swapped identities",
            "identities",
            "each in its own place",
            judged(lambda seed: swapped(seed, (1, 0))),
            judged(lambda seed: swapped(seed, (0, 1))),
        ),
        Setup(
            "a reward whose optimum is a loop",
            "reward audit",
            "`--env.meet-reward` 10 for 1",
            trained(env={**closer, "meet_reward": 1.0}),
            trained(env={**closer, "meet_reward": 10.0}),
        ),
    ]


def row(setup: Setup, seeds: tuple[int, ...] = SEEDS) -> dict[str, Any]:
    """On how many seeds the set-up was named, at which place among the faults, and its mended form spared."""
    began, found = time.process_time(), []
    for seed in seeds:
        ill, mended = setup.ill(seed), setup.mended(seed)
        faults, rest = ([one for one in verdict.findings if one.verdict == "yes"] for verdict in (ill, mended))
        names = [one.name for one in faults]
        named = setup.expected in names
        found.append(
            {
                "seed": seed,
                "named": named,
                "place": names.index(setup.expected) + 1 if named else None,
                "spared": setup.expected not in [one.name for one in rest],
                "opening": opening(ill),
                "sentence": faults[names.index(setup.expected)].sentence if named else "",
                "faults": names,
                "mended: opening": opening(mended),
                "mended: faults": [one.name for one in rest],
            }
        )
    return {
        "what": setup.reported,
        "finding": setup.expected,
        "change": setup.change,
        "passes": all(one["named"] and one["spared"] for one in found),
        "named": sum(one["named"] for one in found),
        "spared": sum(one["spared"] for one in found),
        "seeds": found,
        "cpu seconds": round(time.process_time() - began, 1),
    }


def main() -> None:
    """Diagnose all ten."""
    parser = argparse.ArgumentParser(description="Ten bad set-ups, diagnosed; and each mended, as the control.")
    parser.add_argument("--only", default="", help="set-ups whose name has this word; nothing is saved")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/bad_setups.json and its page")
    options = parser.parse_args()
    found = []
    for setup in setups():
        if options.only in setup.reported:
            found.append(row(setup))
            print(json.dumps(found[-1], indent=1), flush=True)
    print(f"{sum(one['passes'] for one in found)} of {len(found)} pass on all of {len(SEEDS)} seeds")
    if options.save and not options.only:
        command = "python benchmarks/bad_setups.py --save"
        saved = {"command": command, "date": str(date.today()), "seeds": SEEDS, "teams": TEAMS, "rows": found}
        RESULTS.write_text(json.dumps(saved, indent=1) + "\n")
        PAGE.write_text(page())


def page() -> str:
    """The page about the ten, from the saved results."""
    saved = json.loads(RESULTS.read_text())
    count = len(saved["seeds"])
    seeds = ", ".join(map(str, saved["seeds"]))
    head = "set-up | what is mended | named by | named in | place on each seed | mended: spared in | passes"
    passed = sum(one["passes"] for one in saved["rows"])
    lines = [
        "# Ten bad set-ups, diagnosed",
        "Set-ups that people really report, each made on purpose, and each with *one thing* mended as the control. "
        "*Named by* is the finding that says what is wrong, and *place* where it stands among all that was found to "
        "mend (the others are mostly what follows from the first cause). A set-up passes where it is named on every "
        "seed, and where that finding does not come again on any seed once the one thing is mended.",
        f"`{saved['command']}`, {saved['date']} (seeds {seeds}; {saved['teams']} teams a run). "
        f"{passed} of {len(saved['rows'])} pass.",
        f"| {head} |\n{'|---' * 7}|\n" + "\n".join(_row(one, count) for one in saved["rows"]),
        f"What a user reads, on seed {saved['seeds'][0]}: how the diagnosis opens, what the finding says, and all that "
        "was found to mend.",
        "| set-up | opening | what the finding says | all that was found | mended: all that was found |\n"
        + "|---" * 5
        + "|\n"
        + "\n".join(_words(one["what"], one["seeds"][0]) for one in saved["rows"]),
    ]
    return "\n\n".join(lines) + "\n"


def _row(one: dict[str, Any], count: int) -> str:
    places = ", ".join(str(seed["place"] or "not named") for seed in one["seeds"])
    passes = "yes" if one["passes"] else "**no**"
    shares = [f"{one[key]} of {count}" for key in ("named", "spared")]
    return f"| {' | '.join((one['what'], one['change'], one['finding'], shares[0], places, shares[1], passes))} |"


def _words(what: str, seed: dict[str, Any]) -> str:
    found = (", ".join(seed[key]) or "nothing" for key in ("faults", "mended: faults"))
    return f"| {' | '.join((what, seed['opening'], seed['sentence'] or '**not named**', *found))} |"


if __name__ == "__main__":
    main()
