"""Whether an episode is a function of its seed and actions: again, in a fresh object, and beside another one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from coterie.pettingzoo.check.following import Difference, Followed, Other, differs, each_step, follow
from coterie.pettingzoo.check.items import Item, Trial
from coterie.pettingzoo.check.playing import Episode, Subject, at_random, play

OTHER_SEEDS, WITHOUT_SEED = 8, 20
MATTERS = 0.3  # of the other seeds must give another episode, before resets without a seed are expected to
RESETS, FEW_STEPS = 60, 5
SHORT = 30  # steps of the episodes that are begun without a seed
AGAIN = "Results cannot be repeated, nor a stopped run resumed"
ANEW = ", but where it is made anew for each episode; coterie train does so where a short trial shows it"
SEEDING = (
    "in reset: if seed is not None: self.np_random, _ = gymnasium.utils.seeding.np_random(seed); and draw all chance "
    "from self.np_random"
)

GoOn = Callable[[], bool]


class Repeats(NamedTuple):
    """What was found about repeating.

    same, fresh: the recorded episodes can be played again, for paired replays, by the same object or by fresh ones.
    """

    trials: list[Trial]
    items: list[Item]
    same: bool
    fresh: bool


def global_chance() -> dict[str, Any]:
    """The states of the random numbers that belong to nobody."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    return {"Python's random": random.getstate(), "numpy.random": (name, np.asarray(keys).tobytes(), *rest)}


def repeating(
    subject: Subject,
    make: Callable[[], Subject] | None,
    episodes: Sequence[Episode],
    share: Callable[[float], GoOn],
    drawn_from: Sequence[str],
) -> Repeats:
    """All questions about repeating; drawn_from: global random numbers that changed in play."""
    sound = [one for one in episodes if one.fault is None and one.moments]
    if not sound:
        return Repeats([], [], False, False)
    again = all_again(lambda: subject, sound[::-1], share(0.1))  # each after another episode than when it was recorded
    same = again.ok
    again = after_others(subject, again, share(0.04)) if again.ok else again
    trials, items = [trial("repeats itself", again)], []
    fresh = beside = None
    if make is not None:
        fresh = all_again(make, sound, share(0.06))
        trials.append(trial("a fresh one repeats it", fresh))
        beside = side_by_side(make, sound, share(0.05)) if again.ok and fresh.ok else None
        if beside is not None:
            trials.append(trial("undisturbed by another", beside))
    else:
        trials.append(Trial("a fresh one repeats it", None, "not tried: an object was given, not what makes it"))
    items += not_repeated(again, fresh, beside, drawn_from)
    if again.ok:
        tried, others = seed_matters(subject, sound, share(0.03))
        trials.append(Trial("another seed", None, seeds_told(tried, others)))
        items += without_seed(subject, sound[0], share(0.03), others > MATTERS * max(tried, OTHER_SEEDS))
    return Repeats(trials, items, same, fresh is not None and fresh.ok)


class Again(NamedTuple):
    """Several episodes played again: whole ones and further steps that were equal, and where they were not."""

    whole: int
    steps: int
    failed: Followed | None
    seed: int | None

    @property
    def ok(self) -> bool:
        """Whether nothing differed."""
        return self.failed is None


def all_again(make: Callable[[], Subject], episodes: Sequence[Episode], go_on: GoOn) -> Again:
    """Play episodes again, one after the other."""
    subject, whole, steps = make(), 0, 0
    for episode in episodes:
        found = follow(subject, episode, go_on)
        if found.difference is not None:
            return Again(whole, steps, found, episode.seed)
        whole, steps = whole + found.whole, steps + found.steps
        if not go_on():
            break
    return Again(whole, steps, None, None)


def after_others(subject: Subject, again: Again, go_on: GoOn) -> Again:
    """Begin many episodes twice, after different ones: where something is left of the last episode, it may show."""
    choose = at_random(subject, np.random.default_rng(0))
    for seed in range(RESETS):
        once = play(subject, seed, choose, FEW_STEPS, go_on)
        if once.fault is not None or not go_on():
            break
        if what := differs(once.moments[0], subject.reset(seed)):
            return again._replace(failed=Followed(0, False, Difference(0, f"{what}, after another episode")), seed=seed)
    return again


def side_by_side(make: Callable[[], Subject], episodes: Sequence[Episode], go_on: GoOn) -> Again:
    """Play an episode again while another object plays another in turn."""
    one, other = make(), make()
    whole = steps = 0
    for episode, neighbour in zip(episodes, [*episodes[1:], episodes[0]], strict=True):
        beside, found = each_step(other, neighbour), Followed(0, False, None)
        for found in each_step(one, episode):
            next(beside, None)
            if found.difference is not None:
                return Again(whole, steps, found, episode.seed)
            if not go_on():
                break
        whole, steps = whole + found.whole, steps + found.steps
        if not go_on():
            break
    return Again(whole, steps, None, None)


def trial(name: str, again: Again) -> Trial:
    """What came of playing again, in words."""
    if again.failed is not None and again.failed.difference is not None:
        step, what = again.failed.difference
        return Trial(name, False, f"no: at step {step} of seed {again.seed} {what}")
    whole = f"{again.whole:,} whole episode{'s' * (again.whole != 1)}, " if again.whole else ""
    return Trial(name, True, f"{whole}{again.steps:,} steps, bit for bit")


def not_repeated(again: Again, fresh: Again | None, beside: Again | None, drawn_from: Sequence[str]) -> list[Item]:
    """What does not repeat, the deepest cause first."""
    chance = f"; it draws from {' and '.join(drawn_from)}, which the seed does not reach" if drawn_from else ""
    if not again.ok:
        if fresh is not None and fresh.ok:
            what = (
                f"One episode leaks into the next: what a reset begins depends on what was played before. {AGAIN}{ANEW}"
            )
            fix = "reset must set everything that step changes"
            return [Item("error", "leak", what, trial("", again).told.removeprefix("no: "), fix)]
        what = f"The same seed and actions give another episode{chance}. {AGAIN}"
        return [Item("error", "not repeatable", what, trial("", again).told.removeprefix("no: "), SEEDING)]
    if fresh is not None and not fresh.ok:
        what = f"A fresh object gives another episode than a used one for the same seed and actions{chance}. {AGAIN}"
        fix = "reset must set everything, and nothing may be kept by the class or the module"
        return [Item("error", "fresh differs", what, trial("", fresh).told.removeprefix("no: "), fix)]
    if beside is not None and not beside.ok:
        what = f"Two objects in one process disturb each other{chance}; coterie steps several side by side"
        told = trial("", beside).told.removeprefix("no: ")
        return [Item("error", "shared", what, told, f"keep nothing in the class or the module; {SEEDING}")]
    if drawn_from:
        what = f"It draws from {' and '.join(drawn_from)}, which it seeds itself: whoever shares them is disturbed"
        return [Item("warning", "global chance", what, fix=SEEDING)]
    return []


def seeds_told(tried: int, others: int) -> str:
    """Whether another seed gives another episode, in words."""
    if not tried:
        return "not tried: there was no time"
    if not others:
        return f"changes nothing: {tried} others gave the same episode for the same actions"
    return "gives another episode" if others == tried else f"gives another episode, {others} of {tried} times"


def seed_matters(subject: Subject, episodes: Sequence[Episode], go_on: GoOn) -> tuple[int, int]:
    """How many other seeds were tried, and how many of them gave another episode for the same actions."""
    tried = others = 0
    for number in range(OTHER_SEEDS):
        episode = episodes[number % len(episodes)]
        found = follow(subject, episode, go_on, begin=Other((episode.seed or 0) + 1_000 + number))
        tried += found.difference is not None or found.whole or found.steps >= SHORT
        others += found.difference is not None
        if not go_on():
            break
    return tried, others


def without_seed(subject: Subject, episode: Episode, go_on: GoOn, seeds_matter: bool) -> list[Item]:
    """Whether resets without a seed fail, or begin the same episode each time although seeds matter."""
    subject.reset(episode.seed)
    first = play(subject, None, at_random(subject, np.random.default_rng(0)), SHORT, go_on)
    if first.fault is not None:
        what = f"reset() without a seed leads to {first.fault.told}"
        return [Item("error", "reset without a seed", what, first.fault.place, "seed=None means: go on drawing")]
    if not seeds_matter or len(first.moments) < 2:
        return []
    for _ in range(WITHOUT_SEED):
        if follow(subject, first, go_on, begin=Other(None)).difference is not None or not go_on():
            return []
    what = "reset() without a seed begins the same episode each time, although other seeds give others"
    told = f"{len(first.moments) - 1} steps were equal, {WITHOUT_SEED} times"
    fix = "seed only where a seed is given: if seed is not None; coterie seeds every episode itself"
    return [Item("warning", "same without a seed", what, told, fix)]
