"""Who plays for which team, and how: `--team adversaries=iql --team prey=random` against an environment's own names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coterie.errors import BadInput, nearest
from coterie.running import recorder
from coterie.settings import DEEP_ALGORITHMS, POLICIES
from coterie.types import Team
from coterie.yours import names_function

SHOWN = 4
NUMBER = re.compile(r"[-_ ]?\d+$")


def read_teams(words: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """`NAME=PLAYER` words, or a mapping, as a mapping; BadInput for what is neither."""
    if isinstance(words, Mapping):
        return {str(name): str(player) for name, player in words.items()}
    found = {}
    for word in words:
        name, equals, player = str(word).partition("=")
        if not equals or not name or not player:
            raise BadInput(
                f"--team {word}: expected NAME=PLAYER, like --team adversaries=iql --team prey=random; PLAYER is "
                f"{', '.join(DEEP_ALGORITHMS)}, random, idle, ./rule.py:act or a run"
            )
        if name in found:
            raise BadInput(f"--team {name} is given twice: {name}={found[name]} and {word}")
        found[name] = player
    return found


def plays_saved(player: str) -> bool:
    """Whether a saved run plays, and no algorithm, no fixed policy and no rule of the user's."""
    return player not in DEEP_ALGORITHMS and player not in POLICIES and not names_function(player)


def named_runs(words: Sequence[str] | Mapping[str, str], runs: str | Path) -> dict[str, str]:
    """The teams, with the name of its folder for each saved run: `latest` would be this very run, once it has begun."""
    teams = read_teams(words)
    check_players(teams)
    return {name: run_name(player, Path(runs)) if plays_saved(player) else player for name, player in teams.items()}


def run_name(word: str, runs: Path) -> str:
    """What a saved run is called from now on: its name in the folder of runs, else its whole path."""
    folder = recorder.find_run(runs, word)
    return folder.name if folder.resolve().parent == runs.resolve() else str(folder.resolve())


def check_players(teams: Mapping[str, str]) -> None:
    """Raises BadInput where nobody learns."""
    if teams and not any(player in DEEP_ALGORITHMS for player in teams.values()):
        words = " ".join(f"--team {name}={player}" for name, player in teams.items())
        wrong = next((player for player in teams.values() if plays_saved(player)), "")
        hint = nearest(wrong, [*DEEP_ALGORITHMS, *POLICIES]) if wrong else ""
        raise BadInput(f"{words}: nobody learns{hint or '; give one team an algorithm, like iql'}")


def teams_of(teams: Mapping[str, str], agents: Sequence[str]) -> tuple[Team, ...]:
    """The teams with their members, every agent in exactly one.

    A team is named after its members, whose names are one word with numbers (adversary_0, adversary_1: `adversary` or
    `adversaries`), or names them: `prey:agent_0,agent_1`. A last team that no name fits gets the agents left over.
    """
    stems: dict[str, list[int]] = {}
    for number, agent in enumerate(agents):
        stems.setdefault(stem_of(agent), []).append(number)
    told = "; ".join(listed_as(stem, [agents[number] for number in own]) for stem, own in stems.items())
    found: dict[str, tuple[int, ...]] = {}
    free, unnamed = dict(stems), []
    titles = [name.partition(":")[0] for name in teams]
    if len(set(titles)) < len(titles):
        twice = next(title for title in titles if titles.count(title) > 1)
        raise BadInput(f"--team {twice}: two teams are called so; give them names of their own")
    for name in sorted(teams, key=lambda name: ":" not in name):  # whoever names its members has them
        title, colon, listed = name.partition(":")
        if colon:
            unknown = [one for one in listed.split(",") if one not in agents]
            if unknown:
                raise BadInput(f"--team {name}: there is no agent '{unknown[0]}'{nearest(unknown[0], agents)}")
            found[name] = tuple(agents.index(one) for one in listed.split(","))
            for stem in list(free):
                free[stem] = [n for n in free[stem] if n not in found[name]]
                if not free[stem]:
                    del free[stem]
        elif (stem := named_after(title, list(free))) is not None:
            found[name] = tuple(free.pop(stem))
        else:
            unnamed.append(name)
    left = [number for own in free.values() for number in own]
    if len(unnamed) == 1 and left:
        found[unnamed[0]], left, unnamed = tuple(sorted(left)), [], []
    if unnamed:
        raise BadInput(f"--team {unnamed[0]}: no agents are called so; here they are {told}")
    if left:
        raise BadInput(f"'{agents[left[0]]}' is in no team; here the agents are {told}")
    members = [number for own in found.values() for number in own]
    if len(set(members)) < len(members):
        twice = next(number for number in members if members.count(number) > 1)
        raise BadInput(f"'{agents[twice]}' is in two teams")
    return tuple(Team(name.partition(":")[0], found[name], player) for name, player in teams.items())


def listed_as(stem: str, names: Sequence[str]) -> str:
    """Agents of one word, the first of them named: adversary (adversary_0, adversary_1)."""
    more = " …" if len(names) > SHOWN else ""
    return f"{stem} ({', '.join(names[:SHOWN])}{more})"


def stem_of(agent: str) -> str:
    """An agent's name without its number."""
    return NUMBER.sub("", agent) or agent


def named_after(title: str, stems: Sequence[str]) -> str | None:
    """The stem that a team's name means: the same word, its plural, or the only one that begins with it."""
    word = title.lower()
    for stem in stems:
        low = stem.lower()
        if word in (low, f"{low}s", f"{low}es", f"{low.removesuffix('y')}ies"):
            return stem
    beginning = [stem for stem in stems if stem.lower().startswith(word)]
    return beginning[0] if len(beginning) == 1 else None


def team_numbers(teams: Sequence[Team], agents: int) -> tuple[int, ...]:
    """Each agent's team number."""
    number = {member: place for place, team in enumerate(teams) for member in team.members}
    return tuple(number[agent] for agent in range(agents))


def own_options(env: Any) -> tuple[dict[str, Any], list[int] | None, int]:
    """An environment's own options, and what is ours among them: `--env.team 0,0,1` and `--env.slots 12`."""
    own = dict(env or {})
    word, slots = own.pop("team", None), own.pop("slots", 0)
    if not isinstance(slots, int) or slots < 0:
        raise BadInput(f"--env.slots {slots}: expected how many agents of a kind there can be at once, like 12")
    try:
        numbers = word if isinstance(word, list) else str(word).split(",") if word is not None else None
        return own, None if numbers is None else in_order([int(number) for number in numbers]), slots
    except (TypeError, ValueError):
        raise BadInput(f"--env.team {word}: expected a team number for each agent, like 0,0,1") from None


def in_order(numbers: Sequence[int]) -> list[int]:
    """The same partition with numbers from 0 on, without gaps.

    >>> in_order([7, -1, 7])
    [1, 0, 1]
    """
    known = sorted(set(numbers))
    return [known.index(number) for number in numbers]
