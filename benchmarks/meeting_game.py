"""The meeting game's figures, each with its control: what the tutorial's listing does, and what mends it.

    python benchmarks/meeting_game.py                   everything, about ten minutes on two cores
    python benchmarks/meeting_game.py --only tutorial   one table; --teams 1000 for a quick look
    python benchmarks/meeting_game.py --save            writes benchmarks/results/meeting_game.json table by table

`meet` and `shortest` are shares of teams whose greedy agents meet at all, and by a shortest way, within the time limit.
`expected` are the figures of an earlier, separate implementation (1,000 teams; 300 or 60 where its notes say so), and
`sigmas` is the difference in standard errors of both; where a figure has none, it is new here.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import platform
import time
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from coterie.diagnosis.reward_audit import reward_audit
from coterie.running.evaluate import baselines, outcomes
from coterie.running.tables import exact_game
from coterie.settings import RendezvousOptions, TabularOptions
from coterie.statistics import wilson
from coterie.tabular.learn import advance, as_rule, as_table, new_teams
from coterie.workflow.planning.presets import preset_options

PLACE = Path(__file__).parent / "results" / "meeting_game.json"
SEED = 20_261_123  # of every table here; recipes were chosen on other seeds
TUTORIAL = preset_options("tutorial")[1]
MASKED = dataclasses.replace(TUTORIAL, terminal_mask=True)
FIVE, EIGHT = RendezvousOptions(), RendezvousOptions(size=8)

VARIANTS: tuple[tuple[str, dict[str, Any], dict[str, Any], tuple[float, ...], tuple[float, ...]], ...] = (
    ("as listed", {"terminal_mask": False}, {}, (92.1, 58.0), (97.2, 84.7)),
    ("+ terminal mask", {}, {}, (95.4, 66.8), (98.3, 82.5)),
    ("+ mask, random ties", {"ties": "random"}, {}, (96.1, 65.4), (98.1, 83.8)),
    ("+ mask, epsilon to 0", {"epsilon_end": 0.0, "epsilon_decay": 1.0}, {}, (100.0, 74.0), (100.0, 83.4)),
    ("+ mask, hysteretic 0.1", {"hysteresis": 0.1}, {}, (100.0, 59.1), (99.9, 60.8)),
    ("+ mask, both cells seen", {}, {"observation": "all"}, (100.0, 78.6), (6.2, 0.0)),
    ("+ mask, one shared table", {"share_parameters": True}, {}, (97.6, 48.9), (99.2, 62.8)),
)


def train(env: RendezvousOptions, learner: TabularOptions, teams: int, episodes: int, check_every: int = 0):
    """Teams that have learned, and their game."""
    game = exact_game("rendezvous", env)
    learned = new_teams(game, learner, teams, episodes // check_every if check_every else 0)
    return game, advance(as_table(game), as_rule(learner, episodes, check_every), learned, SEED, episodes, 2)


def row(name: str, count: int, total: int, expected: float | None = None, of: int = 1_000) -> dict[str, Any]:
    """A share with its interval, beside what was expected of it in per cent of `of` teams."""
    share = wilson(count, total)
    found = {"what": name, "share": share.share, "low": share.low, "high": share.high, "teams": total}
    if expected is not None:
        other = expected / 100
        pooled = (count + other * of) / (total + of)
        error = sqrt(max(pooled * (1 - pooled), 1e-9) * (1 / total + 1 / of))
        found |= {"expected": other, "sigmas": (share.share - other) / error}
    return found


def greedy_rows(label: str, game, learned, expected=(None, None), of: int = 1_000) -> list[dict[str, Any]]:
    """Meet and shortest of some teams."""
    found = outcomes(game, learned.q, baselines(game).optimum)
    total = len(learned.q)
    return [
        row(f"{label}: meet", int(found.coordinated.sum()), total, expected[0], of),
        row(f"{label}: shortest", int(found.optimal.sum()), total, expected[1], of),
    ]


def tutorial(teams: int) -> Iterator[dict[str, Any]]:
    """The tutorial as listed, and how often its teams lose what they had learned."""
    changes = {
        "as listed": ({"terminal_mask": False}, 46.8),
        "terminal mask only": ({}, 42.9),
        "mask and epsilon to 0": ({"epsilon_end": 0.0, "epsilon_decay": 1.0}, 4.1),
    }
    for label, (change, expected) in changes.items():
        game, learned = train(FIVE, dataclasses.replace(MASKED, **change), teams, 1_000, check_every=10)
        checks = learned.progress.check_success
        if label == "as listed":
            yield from greedy_rows("5x5 as listed", game, learned, (92.1, 58.0))
        failed = int((~checks[:, 50:]).any(1).sum())
        yield row(f"5x5 {label}: fails a greedy check in episodes 510 to 1,000", failed, teams, expected)
        later = np.cumsum(checks, axis=1) - checks > 0
        relapsed = int((later & ~checks).any(1).sum())
        yield row(f"5x5 {label}: fails a check after its first success", relapsed, teams)


def variants(teams: int) -> Iterator[dict[str, Any]]:
    """One change at a time, 1,000 episodes, on both grids."""
    for label, change, env, on_five, on_eight in VARIANTS:
        for size, base, expected in ((5, FIVE, on_five), (8, EIGHT, on_eight)):
            learner = dataclasses.replace(MASKED, **change)
            game, learned = train(dataclasses.replace(base, **env), learner, teams, 1_000)
            yield from greedy_rows(f"{size}x{size} {label}", game, learned, expected)


def presets(teams: int) -> Iterator[dict[str, Any]]:
    """The recipes that work: the default on 5x5, and the thorough one on 8x8 with 30 steps, own cell seen."""
    from coterie.settings import PRESETS

    larger = dataclasses.replace(EIGHT, horizon=30)
    for label, env, preset, algorithm in (
        ("5x5 default", FIVE, "default", None),
        ("5x5 default, but plain independent Q-learning", FIVE, "default", "iql"),
        ("8x8, 30 steps, default", larger, "default", None),
        ("8x8, 30 steps, thorough", larger, "thorough", None),
        ("8x8, 30 steps, thorough, but plain independent Q-learning", larger, "thorough", "iql"),
    ):
        game, learned = train(env, preset_options(preset, algorithm)[1], teams, PRESETS[preset].episodes)
        yield from greedy_rows(f"{label}, {PRESETS[preset].episodes:,} episodes", game, learned)


def sharing(teams: int) -> Iterator[dict[str, Any]]:
    """Shared experience, and the same with the second agent's controls mirrored: share of all 600 starts that meet."""
    del teams
    expected = {
        "own experience": (79.4, 90.2, 96.9, 99.5),
        "shared experience": (90.0, 97.2, 99.5, 100.0),
        "mirrored controls, own": (79.1, 91.4, 97.4, 99.6),
        "mirrored controls, shared": (42.6, 50.8, 66.2, 80.3),
    }
    for label, figures in expected.items():
        env = RendezvousOptions(starts="random", observation="all", controls="RLDU,LRUD" if "mirrored" in label else "")
        share = "pooled" if label.endswith("shared") or label.startswith("shared") else "none"
        learner = dataclasses.replace(MASKED, epsilon=0.3, epsilon_end=0.3, share_experience=share)
        for episodes, figure in zip((500, 1_000, 2_000, 4_000), figures, strict=True):
            game, learned = train(env, learner, 60, episodes)
            success = outcomes(game, learned.q, None).success
            error = float(success.std(ddof=1) / sqrt(len(success)))
            yield {
                "what": f"{label}, {episodes:,} episodes: starts from which greedy teams meet",
                "share": float(success.mean()),
                "standard_error": error,
                "teams": 60,
                "expected": figure / 100,
                "sigmas": (float(success.mean()) - figure / 100) / max(error * sqrt(2), 1e-3),
            }


def audit(teams: int) -> Iterator[dict[str, Any]]:
    """The reward audit on prizes whose optimum circles or meets, and 1,000 learning teams for the first."""
    for prize, expected in ((1, 8.235), (6, 8.235), (8, 9.043), (10, 10.000)):
        env = RendezvousOptions(meet_reward=float(prize), closer_reward=1.0, step_reward=0.0)
        found = reward_audit(exact_game("rendezvous", env), 0.9)
        yield {
            "what": f"closer 1, meet {prize}, step 0: discounted optimum",
            "value": found.value,
            "expected": expected,
            "never meets": found.finding.verdict == "yes",
            "steps to meet": None if found.finding.verdict == "yes" else len(found.play.actions),
        }
    found = reward_audit(exact_game("rendezvous", FIVE), 0.9)
    yield {"what": "the plain game", "value": found.value, "never meets": found.finding.verdict == "yes"}
    game, learned = train(RendezvousOptions(meet_reward=1.0, closer_reward=1.0, step_reward=0.0), MASKED, teams, 1_000)
    yield greedy_rows("learning with meet 1, closer 1", game, learned, (0.0, None))[0]


TABLES = {"tutorial": tutorial, "variants": variants, "presets": presets, "sharing": sharing, "audit": audit}


def main() -> None:
    """Run the tables and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=TABLES, help="one table")
    parser.add_argument("--teams", type=int, default=10_000)
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--save", action="store_true", help=f"write {PLACE.name} after each table")
    options = parser.parse_args()
    saved = json.loads(PLACE.read_text()) if PLACE.exists() else {}
    results = {}
    for name in [options.only] if options.only else TABLES:
        began = time.perf_counter()
        rows = list(TABLES[name](options.teams))
        results[name] = {
            "command": f"python benchmarks/meeting_game.py --only {name} --teams {options.teams} --save",
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
                numbers = {key: f"{value:.4f}" if isinstance(value, float) else value for key, value in found.items()}
                print(f"  {numbers.pop('what')}: " + ", ".join(f"{key} {value}" for key, value in numbers.items()))
    if options.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
