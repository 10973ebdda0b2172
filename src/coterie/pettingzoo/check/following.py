"""An episode played again with its own actions, and the first thing that is told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, NamedTuple

from coterie.pettingzoo.check.digests import by_how_much, numbers_of, unlike
from coterie.pettingzoo.check.playing import Episode, Moment, Shown, Subject, listed
from coterie.pettingzoo.reading.layouts import label
from coterie.yours import FAILURES, told


class Difference(NamedTuple):
    """Where an episode that was played again first told something else."""

    step: int
    what: str


class Followed(NamedTuple):
    """An episode played again: how many steps were equal, whether that was all of it, and the first difference."""

    steps: int
    whole: bool
    difference: Difference | None


class Other(NamedTuple):
    """Another seed than an episode's own, to begin with."""

    seed: int | None


def follow(
    subject: Subject, episode: Episode, go_on: Callable[[], bool], first: int = 0, begin: Other | None = None
) -> Followed:
    """Play an episode again, from its reset or on from moment `first`, and compare it bit for bit."""
    reached = Followed(first, False, None)
    for found in each_step(subject, episode, first, begin):
        reached = found
        if not go_on():
            break
    return reached


def each_step(subject: Subject, episode: Episode, first: int = 0, begin: Other | None = None) -> Iterator[Followed]:
    """`follow`, step by step, so that something else can be done in between; ends with the first difference."""
    moments = episode.moments
    subject.step = first
    for place in range(first + bool(first), len(moments)):
        try:
            seed = begin.seed if begin else episode.seed
            again = subject.act(moments[place].acted) if place else subject.reset(seed)
            what = differs(moments[place], again)
        except FAILURES as error:
            what = f"it raised {told(error)}"
        if what:
            yield Followed(max(0, place - 1), False, Difference(place, what))
            return
        yield Followed(place, episode.over and place == len(moments) - 1, None)


def differs(one: Moment, other: Moment, infos: bool = True) -> str:
    """The first thing that two moments tell differently, "" where they are equal bit for bit."""
    if one.agents != other.agents:
        return f"agents are {listed(one.agents)} once and {listed(other.agents)} then"
    if one.to_move != other.to_move:
        return f"it is the turn of {listed(one.to_move)} once and of {listed(other.to_move)} then"
    for name in {**one.observations, **other.observations}:
        first, second = one.observations.get(name), other.observations.get(name)
        if first is None or second is None:
            return f"the observation of {label(name)} is missing once"
        if first.digest != second.digest:
            return f"the observation of {label(name)}{apart(first, second)}"
    found = (
        unlike("the reward", one.rewards, other.rewards)
        or unlike("the action mask", one.masks, other.masks)
        or unlike("the termination", one.terminations, other.terminations)
        or unlike("the truncation", one.truncations, other.truncations)
        or (unlike("the info", numbers_in(one), numbers_in(other)) if infos else "")
    )
    if not found and one.state is not None and other.state is not None and one.state.digest != other.state.digest:
        return f"the central state{apart(one.state, other.state)}"
    return found


def numbers_in(moment: Moment) -> dict[Hashable, dict[str, Any]]:
    """The numbers in all infos of a moment."""
    return {name: numbers_of(info) for name, info in moment.infos.items()}


def apart(one: Shown, other: Shown) -> str:
    """How far two things that were shown lie apart, where both were kept."""
    return "" if one.value is None or other.value is None else by_how_much(one.value, other.value)
