"""The `coterie train` line to try, each of its parts with its reason."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from coterie.pettingzoo.check.items import Facts, Item, KindFacts, Speed
from coterie.settings.pictures import LARGEST

MINUTES = 5.0
LEARNING_SHARE = 0.5  # of the time, as a rule of thumb, goes into stepping
FEWEST_STEPS, MOST_STEPS = 20_000, 1_000_000
MANY_ALIKE = 4
PICTURE_LONG, PICTURE_SHORT = 24, 12


class Advice(NamedTuple):
    """A command, "" where there is none yet, and why its parts are there."""

    command: str
    because: tuple[str, ...]


def advice(word: str, options: Mapping[str, Any], facts: Facts, speed: Speed | None, items: Sequence[Item]) -> Advice:
    """What to try first."""
    broken = next((item for item in items if item.severity == "error" and item.name.endswith(" raised")), None)
    if broken is not None:
        return Advice("", (f"nothing can be learned yet: {broken.what}; mend that first",))
    amounts = any(not kind.actions for kind in facts.kinds)
    parts, because = [word, *env_flags(options)], []
    learns = [policies(facts)] if amounts else [algorithm(facts), sharing(facts), pictures(facts)]
    for flags, why in (
        *learns,
        success(facts),
        *((item.flags, f"{item.what[:1].lower()}{item.what[1:]}") for item in items if item.flags),
    ):
        if why and not flags:
            because.append(why)
        elif flags and flags[0] not in parts:
            parts += flags
            because.append(f"{' '.join(flags)}: {why}")
    if "--preset" not in parts:
        steps = steps_in(MINUTES, speed)
        parts += ["--steps", str(steps), "--seeds", "1"]
        because.append(f"--steps {steps}: some {MINUTES:g} minutes to begin with; then more steps, and --seeds 5")
    else:
        parts += ["--seeds", "1"]
    return Advice(f"coterie train {' '.join(map(quoted, parts))}", tuple(because))


def quoted(word: str) -> str:
    """A word as a shell reads it, where it must be quoted."""
    return word if word.startswith("./") and " " not in word else shlex.quote(word)


def env_flags(options: Mapping[str, Any]) -> list[str]:
    """The user's own options of the environment."""
    flags = []
    for name, value in options.items():
        flags += [f"--env.{name.replace('_', '-')}", value if isinstance(value, str) else json.dumps(value)]
    return flags


def algorithm(facts: Facts) -> tuple[tuple[str, ...], str]:
    """Who learns how."""
    rewards = facts.rewards
    if len(facts.agents) == 1:
        return ("--algo", "iql"), "one agent"
    if facts.form == "in turns":
        return ("--algo", "iql"), "agents move in turns, so each learns by itself"
    if not rewards.paid:
        return ("--algo", "vdn", "--reward", "team-sum"), "nobody was paid yet, so who is a team is a guess"
    if rewards.zero_sum:
        return ("--algo", "iql"), "what one wins another loses, so each learns by itself"
    if len(rewards.teams) == 1 and not rewards.unpaid:
        return ("--algo", "vdn", "--reward", "team-mean"), "all are paid the same, so they are one team"
    if any(len(team) > 1 for team in rewards.teams) and not rewards.unpaid:
        numbers = {name: number for number, team in enumerate(rewards.teams) for name in team}
        sides = ",".join(str(numbers[name]) for name in facts.agents)
        return ("--algo", "iql"), f"teams are paid apart; to learn one value a team: --algo vdn --env.team {sides}"
    why = "rewards differ, so each learns by itself; if they are one team: --algo vdn --reward team-mean"
    return ("--algo", "iql"), why


def policies(facts: Facts) -> tuple[tuple[str, ...], str]:
    """Who learns how where actions are amounts; its presets share parameters and make pictures coarse by themselves."""
    flag = next((" ".join(kind.flag) for kind in facts.kinds if kind.flag), "")
    why = "actions are amounts, which are drawn from a policy"
    why += f"; {flag} makes them numbered" if flag else ""
    if any(kind.pictures for kind in facts.kinds):
        return (), f"{why}; who learns is chosen by what the pictures show"
    return ("--algo", "ippo"), why


def success(facts: Facts) -> tuple[tuple[str, ...], str]:
    """What counts as coordinated."""
    if not facts.success or not facts.success[0].likely:
        return (), ""
    name = facts.success[0].name
    return ("--success", f"info:{name}"), f"infos say {name}"


def sharing(facts: Facts) -> tuple[tuple[str, ...], str]:
    """One network for many who are alike."""
    if facts.episodes.births:
        return ("--share-parameters",), "agents are born, so whoever comes acts with the network of its kind"
    most = max(len(kind.agents) for kind in facts.kinds)
    return (("--share-parameters",), f"{most} agents are alike") if most >= MANY_ALIKE else ((), "")


def pictures(facts: Facts) -> tuple[tuple[str, ...], str]:
    """How pictures are shown: screens smaller (they are grey and two at once by themselves), small ones two at once."""
    kinds = [kind for kind in facts.kinds if kind.pictures]
    if not kinds:
        return (), ""
    if max(kinds[0].picture) > LARGEST:
        return ("--picture.size", picture_size(kinds[0])), "small pictures are learned from faster; more where it fails"
    return ("--picture.stack", "2"), "two pictures at once show what moves"


def picture_size(kind: KindFacts) -> str:
    """A size of about the same shape, HEIGHTxWIDTH."""
    long = max(kind.picture)
    sides = [min(side, max(PICTURE_SHORT, round(side * PICTURE_LONG / long))) for side in kind.picture]
    return "x".join(map(str, sides))


def steps_in(minutes: float, speed: Speed | None) -> int:
    """So many steps as take about so long, rounded to 1, 2 or 5 and zeros."""
    rate = speed.steps if speed is not None else 1_000.0
    steps = min(max(minutes * 60 * rate * LEARNING_SHARE, FEWEST_STEPS), MOST_STEPS)
    size = 10 ** math.floor(math.log10(steps))
    return int(max(part for part in (1, 2, 5) if part * size <= steps) * size)
