"""Ten set-ups that people really report, diagnosed; and each of them mended, as the control.

python benchmarks/bad_setups.py --save
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

import coterie
from coterie.envs.rendezvous_v0 import parallel_env
from coterie.types import Finding

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "bad_setups.json"
PAGE = HERE.parent / "docs" / "diagnostics" / "bad_setups.md"
SEED = 20261123
TEAMS = 200


class Setup(NamedTuple):
    """What people report, the finding that names it, how it is made, and how it is made when mended."""

    reported: str
    expected: str
    ill: Callable[[], tuple[Finding, ...]]
    mended: Callable[[], tuple[Finding, ...]]


def trained(environment: str = "rendezvous", **options) -> tuple[Finding, ...]:
    """The diagnosis of a run."""
    with tempfile.TemporaryDirectory() as runs:
        coterie.train(environment, seeds=TEAMS, seed=SEED, runs=runs, name="run", pictures=False, **options)
        return coterie.diagnose("run", runs=runs).findings


def judged(make_team: Callable, environment: str | Callable = "rendezvous", **options) -> tuple[Finding, ...]:
    """The verdict on anybody's agents."""
    return coterie.judge(make_team, environment, teams=30, seed=SEED, **options).verdict.findings


def recorded(times: float) -> tuple[Finding, ...]:
    """Episodes of good agents whose tool reports `times` the return that every agent earned."""
    from coterie.running.episodes import read_recording, write_recording

    with tempfile.TemporaryDirectory() as runs:
        run = coterie.train(seeds=30, seed=SEED, runs=runs, name="run", pictures=False)
        place = run.folder / "episodes" / "greedy.jsonl"
        recording = read_recording(place)
        plays = [play._replace(reported=times * float(play.rewards[:, 0].sum())) for play in recording.plays]
        write_recording(place, recording._replace(plays=plays))
        return coterie.diagnose(place).findings


def good_team(preset: str = "default", **options) -> coterie.Team:
    """A trained team, loaded."""
    with tempfile.TemporaryDirectory() as runs:
        run = coterie.train(preset=preset, seeds=30, seed=SEED, runs=runs, name="run", pictures=False, **options)
        return run.team


@dataclasses.dataclass
class Member:
    """One agent of a trained team."""

    team: coterie.Team
    name: str

    def act(self, observation: np.ndarray) -> int:
        """What the team's agent of that name would do."""
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
    """The ten, each with its control."""
    open_eyes = {"observation": "all", "stay": True}
    walker, world = lambda: [Chaser(), Still()], partial(parallel_env, **open_eyes, closer_reward=1.0)
    sparse = {"size": 8, "horizon": 30, "step_reward": 0.0}
    closer = {"closer_reward": 1.0, "meet_reward": 1.0, "step_reward": 0.0}
    team = good_team()
    swapped = [Member(team, "agent_1"), Member(team, "agent_0")]
    right = [Member(team, "agent_0"), Member(team, "agent_1")]
    alike = {"env": {"observation": "window"}, "share_parameters": True, "ties": "first", "epsilon_decay": 0.0}
    return [
        Setup("rewards counted twice", "rewards", lambda: recorded(2.0), lambda: recorded(1.0)),
        Setup(
            "a cooperative flag that is off",
            "rewards",
            lambda: judged(walker, lambda: world(reward="individual")),
            lambda: judged(walker, lambda: world(reward="team")),
        ),
        Setup(
            "the wrong horizon",
            "endings",
            lambda: trained(env={"size": 8, "horizon": 6}),
            lambda: trained(env={"size": 8, "horizon": 30}, preset="thorough"),
        ),
        Setup(
            "exploration that ends too soon",
            "exploration",
            lambda: trained(env=sparse, ties="first", epsilon=0.5, epsilon_end=0.0, epsilon_decay=0.005),
            lambda: trained(env=sparse, ties="first", epsilon=1.0, epsilon_end=0.0, epsilon_decay=0.9),
        ),
        Setup(
            "a learning rate too large",
            "step size",
            lambda: trained(
                "climbing",
                env={"noise": "partial"},
                algorithm="iql",
                learning_rate=1.0,
                learning_rate_end=-1.0,
                epsilon=0.3,
                epsilon_end=0.3,
                episodes=2_000,
            ),
            lambda: trained(
                "climbing",
                env={"noise": "partial"},
                algorithm="iql",
                learning_rate=0.1,
                learning_rate_end=0.0,
                epsilon=0.3,
                epsilon_end=0.3,
                episodes=2_000,
            ),
        ),
        Setup(
            "an idle agent",
            "contribution",
            lambda: judged(lambda: [Chaser(), Still()], env=open_eyes),
            lambda: judged(lambda: [Chaser(), Chaser()], env=open_eyes),
        ),
        Setup(
            "penalties that outweigh the prize",
            "shadowed optimum",
            lambda: trained("penalty", algorithm="iql", episodes=2_000),
            lambda: trained("penalty", env={"k": 0.0}, algorithm="iql", episodes=2_000),
        ),
        Setup(
            "greedy play of a stochastic policy",
            "noise",
            lambda: trained(**alike, epsilon=0.3, epsilon_end=0.3),
            lambda: trained(),
        ),
        Setup(
            "agents with swapped identities",
            "identities",
            lambda: judged(lambda: swapped),
            lambda: judged(lambda: right),
        ),
        Setup("a reward whose optimum is a loop", "reward audit", lambda: trained(env=closer), lambda: trained()),
    ]


def rows() -> list[dict]:
    """A row a set-up: whether it was named, at which place among the faults, and whether its mended form is spared."""
    found = []
    for setup in setups():
        began = time.perf_counter()
        faults = [one for one in setup.ill() if one.verdict == "yes"]
        names = [one.name for one in faults]
        spared = setup.expected not in [one.name for one in setup.mended() if one.verdict == "yes"]
        sentence = next((one.sentence for one in faults if one.name == setup.expected), "")
        found.append(
            {
                "what": setup.reported,
                "finding": setup.expected,
                "named": setup.expected in names,
                "place": names.index(setup.expected) + 1 if setup.expected in names else None,
                "faults": ", ".join(names),
                "mended one spared": spared,
                "sentence": sentence,
                "seconds": round(time.perf_counter() - began, 1),
            }
        )
        print(json.dumps(found[-1]), flush=True)
    return found


def main() -> None:
    """Diagnose all ten."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/bad_setups.json")
    options = parser.parse_args()
    found = rows()
    if options.save:
        command = "python benchmarks/bad_setups.py --save"
        saved = {"command": command, "date": str(date.today()), "seed": SEED, "teams": TEAMS, "rows": found}
        RESULTS.write_text(json.dumps(saved, indent=1) + "\n")
        PAGE.write_text(page())


def page() -> str:
    """The page about the ten, from the saved results."""
    saved = json.loads(RESULTS.read_text())
    lines = [
        "# Ten bad set-ups, diagnosed",
        "Set-ups that people really report, each made on purpose, and each mended as the control. *Named by* is the "
        "finding that says what is wrong, *place* where it stands among all that was found to mend; a mended set-up must "
        "not get that finding again. The other findings are mostly what follows from the first cause.",
        f"`{saved['command']}`, {saved['date']} (seed {saved['seed']}, {saved['teams']} teams a run)",
        "| set-up | named by | place | mended: spared | all that was found | what it says |\n|---|---|---|---|---|---|\n"
        + "\n".join(_row(row) for row in saved["rows"]),
    ]
    return "\n\n".join(lines) + "\n"


def _row(row: dict) -> str:
    yes = {True: "yes", False: "**no**"}
    named = row["finding"] if row["named"] else f"**not named** ({row['finding']})"
    cells = (row["what"], named, row["place"] or "", yes[row["mended one spared"]], row["faults"], row["sentence"])
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


if __name__ == "__main__":
    main()
