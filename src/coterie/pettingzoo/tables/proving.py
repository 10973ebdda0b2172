"""What must hold before a table of somebody's environment is believed, asked of the environment itself.

It repeats itself from its seed. It draws no chance while it is played. Copies go on alike and leave the original alone.
States with equal keys go on alike. And random episodes of its own, from seeds that were not used before, go through the
table step by step.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.tables.exploring import (
    Explored,
    Joint,
    Mover,
    Starts,
    Way,
    joints_of,
    legal_draw,
    told_way,
)
from coterie.pettingzoo.tables.insides import Path, clocks, echoes
from coterie.pettingzoo.tables.stepping import Happened, Look, World
from coterie.yours import FAILURES

TRIALS, TRIAL_STEPS = 4, 40
EPISODES, EPISODE_STEPS, FIRST_SEED = 100, 400, 1_000_000
PROVING_SECONDS = 20.0  # each of the longer checks
SAME = 1e-9
Record = list[tuple[Happened | None, Look]]


class Unlike(Exception):
    """Two states with one key go on differently, or an episode leaves the table; the message says where."""


def trial(world: World, seed: int, draws: np.random.Generator, steps: int = TRIAL_STEPS) -> tuple[Way, Record]:
    """A random episode, or the beginning of one."""
    look = world.begin(seed)
    record: Record = [(None, look)]
    joints: list[Joint] = []
    while not look.over and len(joints) < steps:
        joints.append(legal_draw(draws, look))
        happened, look = world.step(joints[-1])
        record.append((happened, look))
    return Way(seed, tuple(joints)), record


def again(world: World, way: Way) -> Record:
    """The same seed and joint actions once more, as far as the episode lasts."""
    record: Record = [(None, world.begin(way.seed))]
    return record if record[0][1].over else record + onwards(world, way.joints)


def onwards(world: World, joints: Sequence[Joint]) -> Record:
    """Some joint actions from where a world stands, as far as the episode lasts."""
    record: Record = []
    for joint in joints:
        record.append(world.step(joint))
        if record[-1][1].over:
            break
    return record


def same(one: Record, other: Record) -> bool:
    """Whether the same happened and was shown."""
    return len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True))


def check_repeats(world: World, name: str) -> None:
    """Raises EnvironmentFault where an episode is no function of its seed and the joint actions."""
    draws = np.random.default_rng(0)
    for seed in range(TRIALS):
        way, record = trial(world, seed, draws)
        if not same(record, again(world, way)):
            raise EnvironmentFault(
                f"{name} does not repeat itself from its seed: after {told_way(way)} the second time something else "
                "happened; reset(seed=) must begin all of its random numbers anew"
            )


def copies_can_be_trusted(world: World) -> bool:
    """Whether copies go on as the original did, and neither disturbs the other."""
    draws = np.random.default_rng(1)
    try:
        for seed in range(TRIALS):
            way, record = trial(world, seed, draws)
            for at in sorted({0, len(way.joints) // 2, max(0, len(way.joints) - 1)}):
                world.play_up_to(seed, way.joints[:at])
                one, other = world.copy(), world.copy()
                look = record[at][1]
                for _ in range(TRIAL_STEPS):  # goes another way than the original
                    if look.over:
                        break
                    _, look = other.step(legal_draw(draws, look))
                rest, joints = record[at + 1 :], way.joints[at:]
                if not same(onwards(world, joints), rest) or not same(onwards(one, joints), rest):
                    return False
    except FAILURES:
        return False
    return True


def check_chance(world: World, name: str, starts: Starts) -> None:
    """Raises Unlike where two episodes begin alike and differ although all did the same: chance, or a hidden start."""
    draws = np.random.default_rng(2)
    pairs = [seeds for seeds in starts.seeds if len(seeds) > 1][: 4 * TRIALS]
    for seeds in pairs:
        for _ in range(max(1, 3 * TRIALS // len(pairs))):
            way, record = trial(world, seeds[0], draws)
            for seed in seeds[1:]:
                other = again(world, way._replace(seed=seed))
                if not same(record, other):
                    step = next((k for k, (a, b) in enumerate(zip(record, other, strict=False)) if a != b), len(other))
                    raise Unlike(
                        f"seeds {seeds[0]} and {seed} begin alike, and after the same joint actions "
                        f"{', '.join(map(str, way.joints[:step][-4:]))} step {step} goes differently"
                    )


def check_aliases(mover: Mover, found: Explored, deadline: float) -> int:
    """Goes on from states that were reached in a second way; raises Unlike where that is not as the first time."""
    looked = 0
    for state, way in found.aliases:
        if time.monotonic() > deadline:
            break
        joints = joints_of(found.looks[state])
        if (state, joints[0]) not in found.edges:
            continue
        for joint, (happened, look, _) in zip(joints, mover.after(None, way, joints), strict=True):
            check_edge(found, state, joint, happened, look, way)
        looked += 1
    return looked


def check_episodes(world: World, found: Explored, limit: int, deadline: float, episodes: int = EPISODES) -> int:
    """Random episodes of fresh seeds through the table; raises Unlike where one leaves it."""
    draws, numbers = np.random.default_rng(3), found.numbers
    looked = 0
    for episode in range(episodes):
        if time.monotonic() > deadline:
            break
        way, record = trial(world, FIRST_SEED + episode, draws, min(limit, EPISODE_STEPS))
        state = numbers.get(record[0][1].key)
        if state is None:
            continue  # a start that is rarer than those that were counted
        for step, (happened, look) in enumerate(record[1:], 1):
            assert happened is not None
            taken = Way(way.seed, way.joints[: step - 1])
            state = check_edge(found, state, way.joints[step - 1], happened, look, taken)
            if happened.cut and step != limit:
                raise Unlike(f"after {told_way(way)} it was cut off after {step} steps, elsewhere after {limit}")
        looked += 1
    return looked


def check_edge(found: Explored, state: int, joint: Joint, happened: Happened, look: Look, way: Way) -> int:
    """Holds one step against the table; the state it leads to. Raises Unlike where they differ."""
    known = found.edges.get((state, joint))
    where = f"after {told_way(way)} everything looks as after {told_way(found.ways[state])}"
    if known is None:
        raise Unlike(f"{where}, but the joint action {joint} was not possible there")
    expected, after = known
    if not np.allclose(happened.reward, expected.reward, rtol=SAME, atol=SAME):
        raise Unlike(f"{where}, but the joint action {joint} pays {happened.reward} instead of {expected.reward}")
    if (happened.ended, happened.success) != (expected.ended, expected.success):
        what = "ends" if happened.ended > expected.ended else "does not end" if expected.ended else "succeeds otherwise"
        raise Unlike(f"{where}, but with the joint action {joint} it {what}")
    cut = happened.cut or expected.cut
    if look.key != found.looks[after].key and not cut:
        raise Unlike(f"{where}, but the joint action {joint} leads to something else")
    return after


def watched(world: World, seeds: Sequence[int] = range(6)) -> tuple[frozenset[Path], frozenset[Path]]:
    """Attributes that are no state: with clocks and without them, what repeats the seed, and what no reset resets."""
    draws, episodes, restless = np.random.default_rng(4), [], set()
    for seed in seeds:
        joints: list[Joint] = []
        look = world.begin(seed)
        run = [world.insides()]
        while not look.over and len(run) <= TRIAL_STEPS:
            joints.append(legal_draw(draws, look))
            _, look = world.step(joints[-1])
            if not look.over:
                run.append(world.insides())
        episodes.append(run)
        world.begin(seed)
        for step, before in enumerate(run):
            if step:
                world.step(joints[step - 1])
            now = world.insides()
            restless |= {path for path in {*before, *now} if before.get(path) != now.get(path)}
    no_state = echoes(episodes, list(seeds)) | restless
    return no_state | clocks(episodes), frozenset(no_state)


def refused(name: str, why: Unlike, chance: bool) -> BadInput:
    """Why there is no table, in one sentence."""
    if chance:
        return BadInput(
            f"{name} draws chance while it is played, and keeps it to itself, so it has no exact table: {why}. "
            "Networks can learn it all the same; a table needs chance that is asked for (envs/protocol.py)"
        )
    return BadInput(
        f"{name} has no exact table, because states that look alike go on differently: {why}. A table needs states "
        "that can be told apart by what agents see, by state(), or by the environment's attributes"
    )
