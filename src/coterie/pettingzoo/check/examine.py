"""The examination: random play first, then what that leaves open, within a budget of seconds."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from time import perf_counter
from typing import Any

import numpy as np

from coterie.errors import CoterieError
from coterie.pettingzoo.check.advice import Advice, advice, env_flags
from coterie.pettingzoo.check.conduct import conduct_items, standing_items, state_items
from coterie.pettingzoo.check.copying import cloning
from coterie.pettingzoo.check.dares import dares
from coterie.pettingzoo.check.drawing import drawn, undrawn
from coterie.pettingzoo.check.endings import ending_items
from coterie.pettingzoo.check.facts import everybody, facts_of
from coterie.pettingzoo.check.influence import influence
from coterie.pettingzoo.check.items import Checked, Facts, Item, Speed, Trial, in_order
from coterie.pettingzoo.check.masks import mask_items
from coterie.pettingzoo.check.origin import Origin, drawn_for_us
from coterie.pettingzoo.check.own_tests import own_test
from coterie.pettingzoo.check.playing import Beat, Episode, Room, Subject, at_random, play
from coterie.pettingzoo.check.repeating import Repeats, global_chance, repeating
from coterie.pettingzoo.check.rewards import accumulation, reward_items
from coterie.pettingzoo.check.sights import sight_items
from coterie.pettingzoo.forms.direct import peel
from coterie.yours import FAILURES, told

MOST_EPISODES, ENOUGH_STEPS, MOST_STEPS, MOST_FAULTS = 40, 400, 3_000, 5
PLAY, DRAWING, CLONING, OWN_TEST = 0.3, 0.05, 0.06, 0.08  # of the budget; the other parts have their own shares
MOST_WARNINGS = 3
SLOW_RESET = 1.0  # seconds
DARED = "actions that are not allowed"
UNNAMED = "./mine.py:make_env"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Tell = Callable[[str, Checked], None]  # what is done next, and all that is known by now


class Hung(BaseException):
    """A call of the environment's did not come back in time; raised from outside into it, past what catches errors."""


class Examination:
    """What is known by now, and the budget."""

    def __init__(self, origin: Origin, seed: int, seconds: float, beat: Beat, tell: Tell) -> None:
        self.origin, self.seed, self.seconds, self.beat, self.tell = origin, seed, seconds, beat, tell
        self.facts: Facts | None = None
        self.speed: Speed | None = None
        self.trials: list[Trial] = []
        self.items: list[Item] = []
        self.episodes: list[Episode] = []

    def share(self, part: float) -> Callable[[], bool]:
        """Whether there is still time, of a part of the budget that begins now."""
        end = perf_counter() + part * self.seconds
        return lambda: perf_counter() < end

    def check(self) -> Checked:
        """All that is known by now."""
        items = in_order(self.items)
        word = self.origin.word or UNNAMED
        line = advice(word, self.origin.options, self.facts, self.speed, items) if self.facts else Advice("", ())
        unnamed = (f"{UNNAMED}: a file of yours, and in it a function that makes this environment",)
        because = line.because if self.origin.word or not line.command else (*unnamed, *line.because)
        env = tuple(env_flags(self.origin.options))
        found = self.facts, self.speed, tuple(self.trials), items, env, line.command, because
        return Checked(self.origin.name, self.seed, self.seconds, *found)

    def subject(self) -> Subject:
        """A fresh environment."""
        assert self.origin.make is not None
        self.beat("make", None, 0)
        return Subject(self.origin.make(), self.beat)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """One part of the examination; what fails in it is told, and the next goes on."""
        self.tell(name, self.check())
        try:
            yield
        except CoterieError:
            raise
        except FAILURES as error:
            self.trials.append(Trial(name, None, f"could not be finished: {told(error)}"))


def examine(origin: Origin, seed: int, seconds: float, beat: Beat, tell: Tell) -> Checked:
    """Everything about one environment; raises BadInput and EnvironmentFault where it cannot even be made."""
    about = Examination(origin, seed, seconds, beat, tell)
    beat("make", None, 0)
    environment = origin.given if origin.given is not None else origin.make()  # type: ignore[misc]
    said = io.StringIO()
    with warnings.catch_warnings(record=True) as heard, contextlib.redirect_stdout(said):
        warnings.simplefilter("always")
        try:
            look_at(about, Subject(environment, beat, Room()), lambda: spoken(heard, said.getvalue()))
        except Hung as hung:
            about.items.append(hang_item(str(hung)))
    if origin.given is None:
        with contextlib.suppress(*FAILURES):
            environment.close()
    return about.check()


def look_at(about: Examination, subject: Subject, heard: Callable[[], list[Item]]) -> None:
    """All parts, in the order in which they build on each other, the dangerous ones last; heard: what it said."""
    before = global_chance()
    with about.stage("random play"), timed_observing(subject) as observing:
        about.episodes = random_play(subject, about.seed, about.share(PLAY))
    about.items += heard()
    drawn_from = [name for name, was in before.items() if global_chance()[name] != was]
    about.speed = speed_of(subject, about.episodes, observing)
    read(about, subject)
    if about.facts is None:
        return
    episodes, make = about.episodes, about.subject if about.origin.make is not None else None
    found = Repeats([], [], False, False)
    with about.stage("repeating"):
        found = repeating(subject, make, episodes, about.share, drawn_from)
        about.trials += found.trials
        about.items += found.items
    if drawn_for_us(subject.environment, about.origin):
        with about.stage("play without drawing"):
            about.items += undrawn(about.origin, about.seed, about.beat, about.share(DRAWING))
    with about.stage("cloning"):
        add(about, cloning(subject, episodes, about.share(CLONING)))
    if found.same or found.fresh:
        with about.stage("influence"):
            begin, usable = (lambda: subject, episodes) if found.same else (one_after_another(about), episodes[:1])
            add(about, influence(begin, usable, about.facts, about.share))
    else:
        about.trials.append(Trial("agents have influence", None, "cannot be told: it does not repeat itself"))
    if about.facts.render_mode == "rgb_array":
        with about.stage("drawing"):
            about.items += drawn(subject, about.seed)
    if make is not None:
        with about.stage("PettingZoo's own test"):
            rate = about.speed.steps if about.speed is not None else 0.0
            cycles = int(np.clip(OWN_TEST * about.seconds * rate / 4, 2, 100))
            tested = about.subject()
            if about.facts.form != "tuple":
                add(about, own_test(tested.environment, subject.turns, cycles))
        with about.stage(DARED):
            add(about, dares(about.subject(), episodes))


def one_after_another(about: Examination) -> Callable[[], Subject]:
    """A fresh environment each time; the one before it is closed."""
    open_now: list[Subject] = []

    def begin() -> Subject:
        while open_now:
            open_now.pop().environment.close()
        open_now.append(about.subject())
        return open_now[0]

    return begin


def add(about: Examination, found: tuple[list[Trial], list[Item]]) -> None:
    """Keep what was found."""
    about.trials += found[0]
    about.items += found[1]


def read(about: Examination, subject: Subject) -> None:
    """The facts, and all items that follow from what was recorded."""
    environment, episodes = subject.environment, about.episodes
    played = [one for one in episodes if one.moments]
    if not any(moment.agents for one in played for moment in one.moments[:1]):
        about.items += conduct_items(subject, played)
        about.items += ending_items(episodes, facts_of(environment, []).episodes, subject)
        return
    with about.stage("reading"):
        agents = everybody(environment, played)
        about.items += standing_items(environment, agents)
        about.facts = facts = facts_of(environment, played)
        about.items += ending_items(episodes, facts.episodes, subject)
        about.items += conduct_items(subject, played)
        about.items += mask_items(environment, played, facts.masks)
        about.items += sight_items(environment, played, agents)
        about.items += reward_items(played, facts.rewards, agents)
        about.items += accumulation(played) if subject.turns else []
        about.items += state_items(played)
        if about.speed is not None and subject.seconds["reset"] > SLOW_RESET * subject.calls["reset"]:
            each = subject.seconds["reset"] / subject.calls["reset"]
            about.items.append(Item("note", "slow reset", "A reset takes long", f"{each:.1f} s each"))


def random_play(subject: Subject, seed: int, go_on: Callable[[], bool]) -> list[Episode]:
    """Episodes of random legal play, until there are enough or the time is up."""
    episodes: list[Episode] = []
    steps = faults = 0
    choose = at_random(subject, np.random.default_rng(seed))
    while len(episodes) < MOST_EPISODES and steps < MOST_STEPS and faults < MOST_FAULTS:
        episodes.append(play(subject, seed + len(episodes), choose, MOST_STEPS - steps, go_on))
        steps += len(episodes[-1].moments) - 1
        faults += episodes[-1].fault is not None
        if not go_on() or (steps > ENOUGH_STEPS and sum(one.over for one in episodes) > MOST_EPISODES / 2):
            break
    return episodes


@contextlib.contextmanager
def timed_observing(subject: Subject) -> Iterator[list[float]]:
    """Seconds that an environment in turns behind a parallel form takes to observe; empty where nobody can tell."""
    raw = peel(getattr(subject.environment, "aec_env", None))
    spent: list[float] = []
    if raw is None or not hasattr(raw, "observe") or "observe" in vars(raw):
        yield spent
        return
    observe = raw.observe

    def timed(agent: Any) -> Any:
        began = perf_counter()
        try:
            return observe(agent)
        finally:
            spent[0] += perf_counter() - began

    spent.append(0.0)
    raw.observe = timed
    try:
        yield spent
    finally:
        del raw.observe


def speed_of(subject: Subject, episodes: Sequence[Episode], observing: Sequence[float]) -> Speed | None:
    """The rate of random play, without the time that recording took."""
    spent = sum(subject.seconds[call] for call in ("reset", "step", "observe"))
    steps = sum(one.steps for one in episodes)
    if not steps or spent <= 0:
        return None
    observed = subject.seconds["observe"] if subject.turns else observing[0] if observing else None
    return Speed(steps / spent, subject.seconds["reset"] / spent, None if observed is None else observed / spent)


def spoken(warned: Sequence[warnings.WarningMessage], printed: str) -> list[Item]:
    """What the environment warned of, and what it printed."""
    items = []
    once = list(dict.fromkeys(plain(str(one.message)) for one in warned))
    for message in once[:MOST_WARNINGS]:
        items.append(Item("note", "it warns", f"It warns: {message[:300]}"))
    lines = [line for line in printed.splitlines() if line.strip()]
    if lines:
        what = f"It prints: {lines[0].strip()[:80]!r}"
        items.append(Item("note", "it prints", what, f"{len(lines):,} lines", "which takes time at each step"))
    return items


def plain(text: str) -> str:
    """Words in one line, without colours."""
    return " ".join(COLOURS.sub("", text).split())


def hang_item(where: str) -> Item:
    """The item of a call that did not come back."""
    fix = "look for a loop that waits: for a key, a window, a connection, or a condition that never comes"
    return Item("error", "hangs", f"A call did not come back: {where}", fix=fix)
