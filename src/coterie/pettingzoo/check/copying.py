"""Whether an environment can be cloned in mid-episode, so that the clone and the original go on alike and apart."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from coterie.pettingzoo.check.following import follow
from coterie.pettingzoo.check.items import Item, Trial
from coterie.pettingzoo.check.playing import Episode, Subject, at_random
from coterie.yours import FAILURES, told

LATEST, AHEAD, TRIES = 20, 30, 3
NAME = "can be cloned"


def cloning(subject: Subject, episodes: Sequence[Episode], go_on: Callable[[], bool]) -> tuple[list[Trial], list[Item]]:
    """Two clones in the middle of some episodes: one does what the original does, after both others went their way."""
    usable = [one for one in episodes if one.fault is None and len(one.moments) > 3]
    if not usable:
        return [Trial(NAME, None, "not tried: no episode is long enough")], []
    longest, tried, steps = sorted(usable, key=lambda one: -len(one.moments))[:TRIES], 0, 0
    for number, episode in enumerate(longest):
        middle = min(len(episode.moments) // 2, LATEST)
        try:
            begun = bring_to(subject, episode, middle)
            twin, third = clone(subject), clone(subject)
        except FAILURES as error:
            return [Trial(NAME, None, f"no: {told(error)}")], []
        played = go_on_at_random(subject, begun, AHEAD, go_on, chance=number)
        with contextlib.suppress(*FAILURES):
            go_on_at_random(third, begun, AHEAD, go_on, chance=TRIES + number)
        found = follow(twin, played, lambda: True, first=middle).difference
        if found is not None and made_anew(subject.environment):
            return [Trial(NAME, None, "no: a deep copy is made anew from its first arguments (EzPickle)")], []
        if found is not None:
            what = "A deep copy is none: it goes another way with the same actions, or what is done to others moves it"
            evidence = f"{found.what}, {found.step - middle} steps after copying"
            fix = "keep what changes in the object itself, not in its class or module; or write __deepcopy__"
            return [Trial(NAME, False, f"no: {evidence}")], [Item("warning", "false copy", what, evidence, fix)]
        tried, steps = tried + 1, steps + len(played.moments) - 1 - middle
        if not go_on():
            break
    return [Trial(NAME, True, f"copy.deepcopy in {tried} episodes: alike for {steps} steps, and apart")], []


def made_anew(environment: Any) -> bool:
    """Whether copies are made from the arguments that the environment was made with, as EzPickle does."""
    layers = [environment, getattr(environment, "aec_env", None), getattr(environment, "unwrapped", None)]
    return any(hasattr(layer, "_ezpickle_args") for layer in layers)


def clone(subject: Subject) -> Subject:
    """A subject around a deep copy."""
    twin = Subject(subject.call("copy", copy.deepcopy, subject.environment), subject.beat)
    twin.seed, twin.step = subject.seed, subject.step
    return twin


def bring_to(subject: Subject, episode: Episode, middle: int) -> Episode:
    """Play the beginning of an episode again, and keep what is told."""
    moments = [subject.reset(episode.seed)]
    moments += [subject.act(one.acted) for one in episode.moments[1 : middle + 1]]
    return Episode(episode.seed, moments, False)


def go_on_at_random(subject: Subject, episode: Episode, steps: int, go_on: Callable[[], bool], chance: int) -> Episode:
    """The episode, with some random steps more."""
    moments, choose = list(episode.moments), at_random(subject, np.random.default_rng(chance))
    for _ in range(steps):
        if not moments[-1].agents:
            break
        moments.append(subject.act(choose(moments[-1])))
        if not go_on():
            break
    return Episode(episode.seed, moments, not moments[-1].agents)
