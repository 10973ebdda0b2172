"""What each side of a game earns: teams against each other and against random play, or agents of other names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from coterie.partitions import members
from coterie.running.deep.playing import Played
from coterie.running.deep.runs import Opened
from coterie.running.deep.verdict import Side
from coterie.settings import POLICIES
from coterie.workflow.deep.teams import stem_of
from coterie.yours import names_function


def sides_of(opened: Opened, algorithm: str) -> list[tuple[str, tuple[int, ...], str]]:
    """Name, agents and player of each side; empty where all agents are alike."""
    spec = opened.spec
    if opened.teams:
        return [(team.name, tuple(team.members), team.player) for team in opened.teams]
    if spec.teams > 1:
        groups = [members(spec, team) for team in range(spec.teams)]
        return [(", ".join(spec.agents[agent] for agent in group), tuple(group), algorithm) for group in groups]
    stems: dict[str, list[int]] = {}
    for number, agent in enumerate(spec.agents):
        stems.setdefault(stem_of(agent), []).append(number)
    return [(stem, tuple(group), algorithm) for stem, group in stems.items()] if len(stems) > 1 else []


def judged_sides(
    opened: Opened, algorithm: str, played: Sequence[Sequence[Played]], policies: Sequence[Any], random: Played
) -> tuple[Side, ...]:
    """Each side's results; played: by lane the greedy episodes, [S, P, ..] each; policies: by lane, as judged."""
    sides, told = sides_of(opened, algorithm), []
    rivals = opened.spec.teams > 1
    for name, agents, player in sides:
        own = [np.concatenate([one.returns[..., list(agents)].mean(-1) for one in lane], 1).mean(1) for lane in played]
        side = Side(
            name, agents, player, tuple(np.concatenate(own).astype(float).tolist()),
            float(np.asarray(random.returns)[..., list(agents)].mean()),
        )  # fmt: skip
        learned = player not in POLICIES and not names_function(player)
        if rivals and learned and any(other != "random" for _, group, other in sides if group != agents):
            others = tuple(agent for agent in range(len(opened.spec.agents)) if agent not in agents)
            first = opened.schedule.marks
            against = [
                np.concatenate(
                    [lane.judge(policy, mark, others).returns for mark in range(first, first + len(played[0]))], axis=1
                )
                for lane, policy in zip(opened.lanes, policies, strict=True)
            ]
            mine = [returns[..., list(agents)].mean(-1) for returns in against]
            best = [best_rival(returns, [group for _, group, _ in sides if group != agents]) for returns in against]
            margin = np.concatenate([(own - other).reshape(-1) for own, other in zip(mine, best, strict=True)])
            side = replace(
                side,
                against=tuple(np.concatenate([one.mean(1) for one in mine]).astype(float).tolist()),
                won=float((margin > 0).mean()),
                drawn=float((margin == 0).mean()),
            )
        told.append(side)
    return tuple(told)


def best_rival(returns: np.ndarray, groups: Sequence[Sequence[int]]) -> np.ndarray:
    """What the best of these groups earned in each episode, [S, P]."""
    return np.max([returns[..., list(group)].mean(-1) for group in groups], axis=0)
