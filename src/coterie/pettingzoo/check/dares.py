"""What an environment does with actions that it forbids, and with actions that do not exist; asked last of all.

An environment in another language than Python may end the whole process here, which is then told.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from coterie.pettingzoo.check.following import differs
from coterie.pettingzoo.check.items import Item, Trial
from coterie.pettingzoo.check.playing import Episode, Moment, Subject, legal_action
from coterie.pettingzoo.check.rewards import finite
from coterie.pettingzoo.reading.layouts import label
from coterie.yours import FAILURES, told

FAR = 10.0  # times the bound


def dares(subject: Subject, episodes: Sequence[Episode]) -> tuple[list[Trial], list[Item]]:
    """Play one forbidden action, and one that does not exist."""
    trials, items = [], []
    for ask in (forbidden, outside):
        trial, found = ask(subject, [one for one in episodes if one.fault is None])
        trials += [trial] if trial is not None else []
        items += found
    return trials, items


def forbidden(subject: Subject, episodes: Sequence[Episode]) -> tuple[Trial | None, list[Item]]:
    """What an action does that the mask forbids."""
    place = next(((one, k, name) for one in episodes for k, name in restricted(subject, one)), None)
    if place is None:
        return None, []
    episode, k, name = place
    moment = replay(subject, episode, k)
    mask = moment.masks.get(name)
    if mask is None or mask.all():
        return None, []
    action = int(np.flatnonzero(~mask.astype(bool))[0]) + int(subject.environment.action_space(name).start)
    ask = "forbidden actions"
    try:
        after = subject.act(with_action(subject, moment, name, action))
    except FAILURES as error:
        return Trial(ask, None, f"refused: {told(error)}"), []
    if after.over(name) or name not in after.agents:
        paid = finite(after.rewards.get(name))
        what = "An illegal action ends the game for who does it"
        evidence = f"action {action} of {label(name)}, paid {0.0 if paid is None else paid:g}"
        fix = "act by the mask, as coterie does everywhere; a learner that ignores it learns of nothing else"
        return Trial(ask, None, "end the game"), [Item("note", "illegal action ends", what, evidence, fix)]
    return Trial(ask, None, "are accepted, as if they were something else"), []


def restricted(subject: Subject, episode: Episode) -> list[tuple[int, Hashable]]:
    """Where an agent with numbered actions is to move and may not do everything."""
    return [
        (place, name)
        for place, moment in enumerate(episode.moments[:-1])
        for name, mask in moment.masks.items()
        if mask is not None
        and mask.any()
        and not mask.all()
        and isinstance(space := subject.environment.action_space(name), spaces.Discrete)
        and mask.shape == (space.n,)
    ][:1]


def outside(subject: Subject, episodes: Sequence[Episode]) -> tuple[Trial | None, list[Item]]:
    """What an action does that is not in the action space."""
    episode = next((one for one in episodes if len(one.moments) > 1), None)
    if episode is None:
        return None, []
    moment = replay(subject, episode, 0)
    name = moment.to_move[0]
    space, legal = subject.environment.action_space(name), episode.moments[1].acted[name]
    wrong = beyond(space, legal)
    if wrong is None:
        return None, []
    ask = "actions outside their space"
    try:
        after = subject.act(with_action(subject, moment, name, wrong))
    except FAILURES as error:
        return Trial(ask, True, f"refused: {told(error)}"), []
    if isinstance(space, spaces.Box):
        return Trial(ask, None, f"{FAR:g} times the bound is accepted: check that it is clipped"), []
    same = "" if differs(episode.moments[1], after) else ", and did the same as a legal one"
    what = f"An action outside its space is accepted: {wrong} in {space}{same}"
    fix = "raise ValueError, so that mistakes are found; PettingZoo's AssertOutOfBoundsWrapper does it for AEC"
    return Trial(ask, None, "are accepted"), [Item("note", "outside action accepted", what, fix=fix)]


def beyond(space: Any, legal: Any) -> Any:
    """An action that does not exist; None where there is no easy one."""
    if isinstance(space, spaces.Discrete):
        return int(space.start + space.n)
    if isinstance(space, spaces.Box) and np.isfinite(space.high).all() and space.high.size:
        return (np.asarray(legal) * 0 + FAR * np.abs(space.high)).astype(space.dtype)
    return None


def replay(subject: Subject, episode: Episode, place: int) -> Moment:
    """Bring the environment to a moment of an episode."""
    moment = subject.reset(episode.seed)
    for past in episode.moments[1 : place + 1]:
        moment = subject.act(past.acted)
    return moment


def with_action(subject: Subject, moment: Moment, name: Hashable, action: Any) -> dict[Hashable, Any]:
    """Everybody's action: legal ones, but for one agent."""
    draws = np.random.default_rng(0)
    space_of = subject.environment.action_space
    others = {one: legal_action(draws, space_of(one), moment.masks.get(one)) for one in moment.to_move}
    return {**others, name: action}
