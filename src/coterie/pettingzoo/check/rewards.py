"""Who is rewarded together, and what is wrong with rewards."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from itertools import combinations

import numpy as np

from coterie.pettingzoo.check.items import Item, RewardFacts
from coterie.pettingzoo.check.playing import Episode, listed
from coterie.pettingzoo.reading.layouts import label

SAME = 1e-9
LARGE, SMALL, UNLIKE = 100.0, 0.01, 100.0
RARE = 0.02  # of the steps
OFTEN = 50  # steps in which others must have been paid, before somebody is said to be left out
MARGIN = 1e-6


def paid_rows(episodes: Sequence[Episode]) -> list[dict[Hashable, float]]:
    """Everybody's reward of every step, as numbers; what is no finite number is left out."""
    rows = []
    for moment in (one for episode in episodes for one in episode.moments[1:]):
        row = {name: number for name, paid in moment.rewards.items() if (number := finite(paid)) is not None}
        rows.append(row)
    return rows


def finite(paid: object) -> float | None:
    """A reward as a number, None where it is none."""
    try:
        number = float(paid)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def reward_facts(episodes: Sequence[Episode], agents: Sequence[Hashable]) -> RewardFacts:
    """The teams as far as rewards tell, and their range."""
    rows = paid_rows(episodes)
    unpaid = [name for name in agents if not any(row.get(name) for row in rows)]
    teams = teams_of(rows, [name for name in agents if name not in unpaid])
    values = [paid for row in rows for paid in row.values()]
    return RewardFacts(
        teams=tuple(tuple(map(label, team)) for team in teams),
        unpaid=tuple(map(label, unpaid)),
        zero_sum=zero_sum(rows, teams),
        steps=len(rows),
        paid=sum(any(row.values()) for row in rows),
        least=min(values, default=0.0),
        most=max(values, default=0.0),
    )


def teams_of(rows: Sequence[dict[Hashable, float]], agents: Sequence[Hashable]) -> list[list[Hashable]]:
    """Agents whose rewards were equal whenever both were there, and not always nothing, are one team."""
    team = {name: name for name in agents}
    for one, other in combinations(agents, 2):
        both = [(row[one], row[other]) for row in rows if one in row and other in row]
        if any(first or second for first, second in both) and all(first == second for first, second in both):
            old, new = team[other], team[one]
            team = {name: new if kept == old else kept for name, kept in team.items()}
    return [[name for name in agents if team[name] == leader] for leader in dict.fromkeys(team.values())]


def zero_sum(rows: Sequence[dict[Hashable, float]], teams: Sequence[Sequence[Hashable]]) -> bool | None:
    """Whether all rewards of a step add up to nothing, or one team's reward is the opposite of the other's."""
    scale = max((abs(paid) for row in rows for paid in row.values()), default=0.0)
    if not scale:
        return None
    if all(abs(sum(row.values())) <= SAME * scale * max(1, len(row)) for row in rows):
        return True
    if len(teams) != 2:
        return False
    pairs = [tuple(next((row[name] for name in team if name in row), 0.0) for team in teams) for row in rows]
    return all(abs(first + second) <= SAME * scale for first, second in pairs)


def reward_items(episodes: Sequence[Episode], facts: RewardFacts, agents: Sequence[Hashable]) -> list[Item]:
    """What is wrong with rewards."""
    rows = paid_rows(episodes)
    items = [*unusable(episodes)]
    values = {paid for row in rows for paid in row.values()}
    if items or not facts.steps or (any(one.fault for one in episodes) and not any(one.over for one in episodes)):
        return items
    if not facts.paid:
        items.append(
            Item(
                "warning",
                "no reward",
                "Random play is never paid, so nothing says what is good",
                f"all rewards were 0 in {facts.steps:,} steps of {len(episodes)} episodes",
                "pay for a first step towards the aim, or begin nearer to it; else explore for long: --preset foraging",
                ("--preset", "foraging"),
            )
        )
    elif len(values) == 1:
        items.append(always_the_same(episodes, facts))
    elif facts.paid < RARE * facts.steps:
        items.append(
            Item(
                "note",
                "rare rewards",
                "Random play is hardly ever paid",
                f"in {facts.paid:,} of {facts.steps:,} steps",
                "explore for long: --preset foraging",
                ("--preset", "foraging"),
            )
        )
    if facts.unpaid and facts.paid >= OFTEN:
        items.append(
            Item(
                "warning",
                "never paid",
                f"{listed(facts.unpaid)} {'are' if len(facts.unpaid) > 1 else 'is'} never paid, while others are",
                f"0 of {facts.steps:,} steps; others in {facts.paid:,}",
                "if they are of a team, pay all its members the same: --reward team-mean does it in coterie",
                ("--reward", "team-mean"),
            )
        )
    return [*items, *scale(rows, facts, agents)]


def always_the_same(episodes: Sequence[Episode], facts: RewardFacts) -> Item:
    """Rewards that never vary teach something only where the length of an episode does."""
    whole = [one.steps for one in episodes if one.over]
    told = f"every reward was {facts.least:g} in {facts.steps:,} steps"
    if len(set(whole)) > 1:
        ends = f"{told}; episodes took {min(whole)} to {max(whole)} steps"
        return Item("note", "constant reward", "Only the length of an episode tells good play from bad", ends)
    what = "Rewards never vary, so every way to play earns the same and nothing can be learned"
    return Item("error", "constant reward", what, told, "pay more for what you want, less for what you do not want")


def scale(rows: Sequence[dict[Hashable, float]], facts: RewardFacts, agents: Sequence[Hashable]) -> list[Item]:
    """Rewards that are too large or too small for networks, or of unlike size among agents."""
    items: list[Item] = []
    largest = facts.largest
    if largest > LARGE or 0 < largest < SMALL:
        factor = 10.0 ** -math.floor(math.log10(largest))
        large = largest > LARGE
        items.append(
            Item(
                "warning" if large else "note",
                "reward scale",
                f"Rewards are {'large' if large else 'small'}: networks learn best from rewards of about 1",
                f"the {'largest' if large else 'largest of all'} is {largest:.4g}",
                f"--reward-scale {factor:g}",
                ("--reward-scale", f"{factor:g}"),
            )
        )
    sizes = {name: max((abs(row[name]) for row in rows if name in row), default=0.0) for name in agents}
    paid = {name: size for name, size in sizes.items() if size > 0}
    if len(paid) > 1 and max(paid.values()) > UNLIKE * min(paid.values()):
        most, least = max(paid, key=paid.__getitem__), min(paid, key=paid.__getitem__)
        what = f"{label(most)} is paid in far larger numbers than {label(least)}: no one scale fits both"
        items.append(Item("note", "unlike rewards", what, f"largest {paid[most]:.4g} and {paid[least]:.4g}"))
    return items


def unusable(episodes: Sequence[Episode]) -> list[Item]:
    """Rewards that are no finite numbers."""
    bad: dict[Hashable, tuple[int | None, int, object]] = {}
    odd: dict[Hashable, object] = {}
    count = 0
    for episode in episodes:
        for step, moment in enumerate(episode.moments):
            for name, paid in {**moment.rewards, **moment.paid}.items():
                if finite(paid) is None:
                    count += 1
                    bad.setdefault(name, (episode.seed, step, paid))
                elif not isinstance(paid, int | float | np.number | np.bool_):
                    odd.setdefault(name, paid)
    items = []
    if bad:
        name, (seed, step, paid) = next(iter(bad.items()))
        items.append(
            Item(
                "error",
                "reward no number",
                f"{label(name)} is paid {str(paid)[:30]}, which is no finite number",
                f"{count:,} times, first at step {step} of seed {seed}",
                "pay a float; look for a division by zero or the logarithm of nothing",
            )
        )
    if odd:
        name, paid = next(iter(odd.items()))
        what = f"{label(name)} is paid a {type(paid).__name__} of shape {np.shape(paid)}, expected a float"  # type: ignore[arg-type]
        items.append(Item("note", "reward type", what, fix="float(reward)"))
    return items


def accumulation(episodes: Sequence[Episode]) -> list[Item]:
    """In turns: whether `last()` pays what the steps paid since the agent's own last turn."""
    wrong, looked, first = 0, 0, ""
    for episode in episodes:
        owed: dict[Hashable, float] = {}
        for step, moment in enumerate(episode.moments):
            for name in moment.acted:
                owed[name] = 0.0
            for name, paid in moment.rewards.items() if step else ():
                owed[name] = owed.get(name, 0.0) + (finite(paid) or 0.0)
            for name, paid in moment.paid.items():
                if (told := finite(paid)) is None:
                    continue
                looked += 1
                if abs(told - owed.get(name, 0.0)) > MARGIN * max(1.0, abs(told)):
                    wrong += 1
                    first = first or (
                        f"at step {step} of seed {episode.seed} {label(name)} had earned {owed.get(name, 0.0):g} since "
                        f"its own last turn, and last() says {told:g}"
                    )
    if not wrong:
        return []
    return [
        Item(
            "error",
            "accumulation",
            "last() does not pay what the steps paid: rewards are lost or counted twice",
            f"{wrong:,} of {looked:,} turns; {first}",
            "in step: self._cumulative_rewards[agent] = 0 before, self._clear_rewards() before new rewards, "
            "self._accumulate_rewards() at the end",
        )
    ]
