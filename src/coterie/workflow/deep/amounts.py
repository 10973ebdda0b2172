"""Who may learn where actions are amounts: algorithms that draw them, and not those that value each one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coterie.errors import BadInput
from coterie.pettingzoo.driving.drive import Drive
from coterie.pettingzoo.reading.agents import of_amounts
from coterie.settings import DEEP_ALGORITHMS, POLICY_GRADIENT
from coterie.types import Team


def check_amounts(algorithm: str, teams: Sequence[Team], worlds: Drive) -> None:
    """Raises BadInput where an algorithm that values each action would learn for agents whose actions are amounts."""
    one = worlds.ones[0]
    for players, agents in learning(algorithm, teams, len(worlds.spec.agents)).items():
        fault = of_amounts(one.reading, one.environment, agents) if players not in POLICY_GRADIENT else None
        if fault is not None:
            raise BadInput(f"{fault}; an algorithm that draws them can learn here: --algorithm {POLICY_GRADIENT[0]}")


def learning(algorithm: str, teams: Sequence[Team], agents: int) -> Mapping[str, Sequence[int]]:
    """The agents that each algorithm learns for.

    >>> learning("iql", (), 2), learning("vdn", (Team("a", (1,), "iql"), Team("b", (0,), "random")), 2)
    ({'iql': range(0, 2)}, {'iql': [1]})
    """
    if not teams:
        return {algorithm: range(agents)}
    found: dict[str, list[int]] = {}
    for team in teams:
        if team.player in DEEP_ALGORITHMS:
            found.setdefault(team.player, []).extend(team.members)
    return found
