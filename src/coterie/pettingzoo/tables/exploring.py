"""Breadth first through an environment of others: every state that play can lead to, by copies or by playing again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from coterie.errors import BadInput
from coterie.pettingzoo.tables.stepping import Happened, Look, World

COPIES_KEPT = 2_000  # of the environment at once; who waits longer is played up to where it was
ALIASES_KEPT = 400  # second ways to known states, drawn evenly, that are gone on from once more
NEVER_TWICE = 10_000  # steps, after which some state should have been met again
MOST_SEEDS, FEWEST_SEEDS, SEED_SECONDS = 10_000, 100, 20.0
UNSEEN = 0.01  # of the episodes may begin as none did that was looked at (Good 1953)

Joint = tuple[int, ...]


class Way(NamedTuple):
    """How a state was reached: the seed of a start, and the joint actions since."""

    seed: int
    joints: tuple[Joint, ...] = ()


class Starts(NamedTuple):
    """How episodes begin: each start's look, how often it came, and some seeds that begin so."""

    looks: tuple[Look, ...]
    counts: tuple[int, ...]
    seeds: tuple[tuple[int, ...], ...]
    complete: bool


class Limits(NamedTuple):
    """How much is explored: pairs of a state and a joint action, seconds, and steps of an episode (0: all)."""

    pairs: int
    seconds: float
    horizon: int = 0


class Explored(NamedTuple):
    """Every state that was reached: looks, and how it was reached first; starts, and edges by (state, joint action).

    aliases: some states with a second way to them. limit: the steps after which every episode that lasts is cut off;
    0: none was cut.
    """

    starts: Starts
    looks: list[Look]
    ways: list[Way]
    edges: dict[tuple[int, Joint], tuple[Happened, int]]
    aliases: list[tuple[int, Way]]
    limit: int

    @property
    def numbers(self) -> dict[bytes, int]:
        """States by their keys."""
        return {look.key: number for number, look in enumerate(self.looks)}


class Mover:
    """Copies of a world where copies can be trusted, else the same episode played again."""

    def __init__(self, world: World, copies: bool) -> None:
        self.world, self.copies = world, copies

    def at(self, way: Way) -> World:
        """The world after a way."""
        self.world.play_up_to(way.seed, way.joints)
        return self.world.copy() if self.copies else self.world

    def after(
        self, world: World | None, way: Way, joints: Sequence[Joint]
    ) -> list[tuple[Happened, Look, World | None]]:
        """What each of some joint actions does at the end of a way; the world there is used up."""
        found = []
        for place, joint in enumerate(joints):
            here = world if world is not None else self.at(way)
            if self.copies and place < len(joints) - 1:
                world, here = here, here.copy()
            elif not self.copies:
                world = None
            happened, look = here.step(joint)
            found.append((happened, look, here if self.copies and not look.over else None))
        return found


def joints_of(look: Look) -> list[Joint]:
    """Every legal joint action."""
    return list(product(*look.legal))


def find_starts(world: World, deadline: float) -> Starts:
    """How episodes begin, counted over seeds; complete where hardly any start can have been missed.

    By Good (1953) the share of what was not seen is about that of what was seen once.
    """
    found: dict[bytes, tuple[Look, list[int]]] = {}
    began = time.monotonic()
    seed = 0
    while not seed or (seed < MOST_SEEDS and time.monotonic() < min(deadline, began + SEED_SECONDS)):
        look = world.begin(seed)
        found.setdefault(look.key, (look, []))[1].append(seed)
        seed += 1
        if seed == FEWEST_SEEDS and len(found) == 1:
            break
        if seed >= FEWEST_SEEDS and seed & (seed - 1) == 0 and once(found) > 0.5 * seed:
            break  # nearly every episode begins in a way of its own
    looks, seeds = zip(*found.values(), strict=True)
    return Starts(looks, tuple(map(len, seeds)), tuple(tuple(some[:4]) for some in seeds), once(found) <= UNSEEN * seed)


def once(found: dict[bytes, tuple[Look, list[int]]]) -> int:
    """How many starts came once; none, where there is only one."""
    return sum(len(seeds) == 1 for _, seeds in found.values()) if len(found) > 1 else 0


def explore(
    mover: Mover, name: str, starts: Starts, limits: Limits, on_states: Callable[[int], None] | None = None
) -> Explored:
    """Every state and edge within the limits; raises BadInput where there are more."""
    looks, ways = list(starts.looks), [Way(seeds[0]) for seeds in starts.seeds]
    numbers = {look.key: number for number, look in enumerate(looks)}
    edges: dict[tuple[int, Joint], tuple[Happened, int]] = {}
    aliases: list[tuple[int, Way]] = []
    waiting: deque[tuple[int, World | None]] = deque((number, None) for number in range(len(looks)))
    entered, kept, cuts, seen_again = set(numbers.values()), 0, set(), 0
    draws, deadline = np.random.default_rng(0), time.monotonic() + limits.seconds
    joint_count = 0
    while waiting:
        state, world = waiting.popleft()
        kept -= world is not None
        way, joints = ways[state], joints_of(looks[state])
        if limits.horizon and len(way.joints) >= limits.horizon:
            continue
        joint_count = joint_count or joint_space(mover.world)
        check_size(name, len(looks), joint_count, limits, deadline)
        if not seen_again and len(edges) >= NEVER_TWICE:
            raise BadInput(
                f"{name} is too large for an exact table: in {len(edges):,} steps no state was met twice, so there "
                "seems to be no end of them; use a smaller environment, or one of whole numbers"
            )
        if on_states:
            on_states(len(looks))
        for joint, (happened, look, after) in zip(joints, mover.after(world, way, joints), strict=True):
            further = Way(way.seed, (*way.joints, joint))
            if look.key not in numbers:
                numbers[look.key] = len(looks)
                looks.append(look)
                ways.append(further)
            elif not look.over:
                seen_again += 1
                place = int(draws.integers(seen_again))
                if len(aliases) < ALIASES_KEPT:
                    aliases.append((numbers[look.key], further))
                elif place < ALIASES_KEPT:
                    aliases[place] = numbers[look.key], further
            number = numbers[look.key]
            edges[state, joint] = happened, number
            if happened.cut:
                cuts.add(len(further.joints))
            if not look.over and number not in entered:
                entered.add(number)
                keep = after if kept < COPIES_KEPT else None
                kept += keep is not None
                waiting.append((number, keep))
    if len(cuts) > 1:
        raise BadInput(
            f"{name}: it was cut off after {min(cuts)} steps on one way and after {max(cuts)} on another; a time limit "
            "is the same number of steps on every way, and whatever else ends an episode terminates it"
        )
    draws.shuffle(aliases)  # pyright: ignore[reportArgumentType]
    return Explored(starts, looks, ways, edges, aliases, cuts.pop() if cuts else 0)


def joint_space(world: World) -> int:
    """How many joint actions there are, legal or not."""
    return int(np.prod([kind.actions ** len(kind.agents) for kind in world.one.reading.spec.kinds], dtype=float))


def check_size(name: str, states: int, joint_count: int, limits: Limits, deadline: float) -> None:
    """Raises BadInput where exploring has become too much."""
    if states * joint_count > limits.pairs:
        raise BadInput(
            f"{name} is too large for an exact table: {states:,} states and more, with {joint_count:,} joint actions "
            f"each, where {limits.pairs:,} pairs are the limit; use fewer agents or a smaller environment"
        )
    if time.monotonic() > deadline:
        raise BadInput(
            f"{name} is too large for an exact table: after {limits.seconds:,.0f} seconds of playing there are still "
            f"new states ({states:,} so far); use a smaller environment"
        )


def legal_draw(draws: np.random.Generator, look: Look) -> Joint:
    """A legal joint action, drawn evenly."""
    return tuple(int(may[draws.integers(len(may))]) for may in look.legal)


def told_way(way: Way, most: int = 6) -> str:
    """A way in words."""
    shown = ", ".join(str(joint) for joint in way.joints[-most:])
    some = "… " if len(way.joints) > most else ""
    return f"seed {way.seed}" + (f" and the joint actions {some}{shown}" if way.joints else "")
