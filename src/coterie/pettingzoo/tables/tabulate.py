"""From somebody's PettingZoo environment to its exact table, by playing it: every state, every legal joint action.

The environment is a black box that can be copied, or played again from its seed. What is a state is a rule that is
checked: what all agents see together with state(), and where that is not enough, the environment's own attributes; a
table whose states go on differently than the environment does is not given out (`proving`).
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from coterie.errors import BadInput
from coterie.finite.game import ALL_LEGAL, FiniteGame, check_game
from coterie.pettingzoo.reading.agents import Reading
from coterie.pettingzoo.tables.exploring import (
    Explored,
    Joint,
    Limits,
    Mover,
    Starts,
    explore,
    find_starts,
    joint_space,
)
from coterie.pettingzoo.tables.proving import (
    PROVING_SECONDS,
    Unlike,
    check_aliases,
    check_chance,
    check_episodes,
    check_repeats,
    copies_can_be_trusted,
    refused,
    watched,
)
from coterie.pettingzoo.tables.stepping import Identity, World, world_of
from coterie.types import Spec

PAIRS_CAP = 4_000_000  # of a state and a joint action, as for environments of ours
SECONDS_CAP = 300.0
SHARE_OF_PROOF = 0.5  # of the time that exploring took, to go on once more from states with a second way
LONGEST_WALK = 10_000  # steps of an episode that is kept going, to meet a time limit
BOARD_CAP = 400  # cells


def tabulate(
    environment: Any,
    name: str = "",
    *,
    team: Sequence[int] | None = None,
    success: str = "",
    horizon: int = 0,
    pairs: int = PAIRS_CAP,
    seconds: float = SECONDS_CAP,
    on_states: Callable[[int], None] | None = None,
) -> FiniteGame:
    """The table of a PettingZoo environment, parallel or in turns; the environment is played and closed.

    team: a team number an agent; else agents who are always paid alike are one team. success: the name in infos that
    says so; else `success` or `is_success`, or, in games of one team, the true endings that pay most. horizon: a time
    limit, where the environment has none of its own. Raises BadInput, in words, where there is no exact table: chance
    that is drawn while it is played, states that cannot be told apart, agents that end before others or come and go,
    too many states or starts, no time limit where play need not end; EnvironmentFault where the environment is wrong.
    """
    name = name or str(environment)
    world = world_of(environment, Identity(), team, success)
    try:
        check_repeats(world, name)
        limits = Limits(pairs, seconds, horizon)
        found, limit, remarks = _believed(world, name, limits, on_states)
        return _game(world, name, found, limit, team, success, remarks)
    finally:
        environment.close()


def _believed(
    world: World, name: str, limits: Limits, on_states: Callable[[int], None] | None
) -> tuple[Explored, int, tuple[str, ...]]:
    """What exploring finds under the first way of telling states apart that the environment bears out.

    With the time limit, and remarks on how both were found.
    """
    copies = copies_can_be_trusted(world)
    try:
        return _proved(world, name, copies, limits, on_states, "States are told apart by what all agents see.")
    except Unlike:
        without_clocks, restless = watched(world)
    by_insides = "States are told apart by what all agents see and by the environment's attributes"
    try:
        world.identity = Identity("insides", without_clocks)
        return _proved(world, name, copies, limits, on_states, f"{by_insides}, clocks left out.")
    except Unlike:
        world.identity = Identity("insides", restless)
    try:
        return _proved(world, name, copies, limits, on_states, f"{by_insides}.")
    except Unlike as why:
        raise refused(name, why, chance=_draws_chance(world, name)) from None


def _proved(
    world: World, name: str, copies: bool, limits: Limits, on_states: Callable[[int], None] | None, how: str
) -> tuple[Explored, int, tuple[str, ...]]:
    """Explores and checks; raises Unlike where states with equal keys go on differently."""
    starts = find_starts(world, time.monotonic() + limits.seconds)
    check_chance(world, name, starts)
    if not starts.complete:
        raise BadInput(
            f"{name}: of {sum(starts.counts):,} episodes {sum(one == 1 for one in starts.counts):,} begin in a way "
            "that no other does, so its starts cannot be listed; an exact table needs few: begin each episode alike, "
            "or in one of a few ways"
        )
    mover = Mover(world, copies)
    began = time.monotonic()
    found = explore(mover, name, starts, limits, on_states)
    aliases = check_aliases(mover, found, time.monotonic() + max(1.0, SHARE_OF_PROOF * (time.monotonic() - began)))
    limit, about_limit = _time_limit(world, name, found, limits.horizon)
    episodes = check_episodes(world, found, limit, time.monotonic() + PROVING_SECONDS)
    checked = (
        f"Checked against the environment: {episodes:,} random episodes, and {aliases:,} states that were reached in a "
        "second way."
    )
    return found, limit, (how, about_limit, checked)


def _draws_chance(world: World, name: str) -> bool:
    """Whether episodes that begin alike in all that can be told differ although all did the same."""
    try:
        check_chance(world, name, find_starts(world, time.monotonic() + PROVING_SECONDS))
    except Unlike:
        return True
    return False


def _time_limit(world: World, name: str, found: Explored, wanted: int) -> tuple[int, str]:
    """The time limit and what is said of it: met, asked for, or the length of the longest play."""
    met = found.limit or _limit_met(world, found, wanted)
    if met and (not wanted or met <= wanted):
        return met, f"The environment cuts every episode off after {met} steps."
    if wanted:
        return wanted, f"The time limit of {wanted} steps was asked for."
    longest = _longest_play(found)
    if longest is None:
        raise BadInput(
            f"{name} has no time limit: {LONGEST_WALK:,} steps were played without an end; give it one, like "
            "--env.horizon 50"
        )
    return longest, f"Every play ends by itself, after {longest} steps at the latest."


def _limit_met(world: World, found: Explored, wanted: int) -> int:
    """After how many steps an episode is cut off that is kept from ending; 0 where it is not, or cannot be kept so."""
    after: dict[int, list[tuple[Joint, int]]] = {}
    for (state, joint), (happened, successor) in found.edges.items():
        if not happened.ended:
            after.setdefault(state, []).append((joint, successor))
    lasting = set(after)
    while True:
        kept = {state for state in lasting if any(successor in lasting for _, successor in after[state])}
        if len(kept) == len(lasting):
            break
        lasting = kept
    draws = np.random.default_rng(5)
    for look, seeds in zip(found.starts.looks, found.starts.seeds, strict=True):
        state = found.numbers[look.key]
        if state not in lasting:
            continue
        world.begin(seeds[0])
        for step in range(1, (wanted or LONGEST_WALK) + 1):
            choices = [(joint, successor) for joint, successor in after[state] if successor in lasting]
            joint, state = choices[draws.integers(len(choices))]
            happened, _ = world.step(joint)
            if happened.cut:
                return step
        return 0
    return 0


def _longest_play(found: Explored) -> int | None:
    """The most steps that an episode can last; None where it can last for ever."""
    height = dict.fromkeys(range(len(found.looks)), 0)
    onward = [(state, successor) for (state, _), (what, successor) in found.edges.items() if not what.ended]
    for _ in range(len(found.looks) + 1):
        changed = False
        for state, successor in reversed(onward):
            if height[state] < height[successor] + 1:
                height[state], changed = height[successor] + 1, True
        if not changed:
            return max((height[state] for state, _ in found.edges), default=0) + 1
    return None


def _game(
    world: World,
    name: str,
    found: Explored,
    limit: int,
    team: Sequence[int] | None,
    success: str,
    remarks: tuple[str, ...],
) -> FiniteGame:
    """What was found as a table."""
    reading: Reading = world.one.reading
    states, joint_count = len(found.looks), joint_space(world)
    spec = reading.spec
    sizes = [0] * len(spec.agents)
    for kind in spec.kinds:
        for agent in kind.agents:
            sizes[agent] = kind.actions
    pair = np.array([state * joint_count + int(np.ravel_multi_index(joint, sizes)) for state, joint in found.edges])
    order = np.argsort(pair, kind="stable")
    happened = [what for what, _ in found.edges.values()]
    ended = np.array([what.ended for what in happened])[order]
    reward = np.array([what.reward for what in happened], np.float64).reshape(-1, len(sizes))[order]
    told = np.array([what.success for what in happened])[order]
    spec = dataclasses.replace(spec, team=_teams(reward, spec, team))
    succeeds, about_success = _success(reward, ended, told, len(set(spec.team)) == 1, success)
    seen, observations, legal = _sights(found, reading)
    boards = _boards(found, spec)
    game = FiniteGame(
        name=name,
        spec=spec,
        action_names=tuple(map(str, range(max(sizes)))),
        horizon=limit,
        idle=(0,) * len(sizes),
        idle_is_noop=False,
        success_word="succeed" if succeeds.any() else "",
        first_edge=np.searchsorted(pair[order], np.arange(states * joint_count + 1)).astype(np.int32),
        probability=np.ones(len(pair)),
        successor=np.array([after for _, after in found.edges.values()], np.int32)[order],
        reward=reward,
        ended=ended,
        success=succeeds,
        seen=seen,
        start_probability=np.array(found.starts.counts) / sum(found.starts.counts),
        start_state=np.array([found.numbers[look.key] for look in found.starts.looks], np.int32),
        states=np.arange(states),
        boards=boards,
        action_boards=np.empty((0, *boards.shape[1:]), np.uint8),
        observations=observations,
        legal=legal,
        layouts=tuple(msgspec.to_builtins(reading.layouts)),
        remarks=(*remarks, *_about_starts(found.starts), about_success),
    )
    check_game(game)
    return game


def _teams(reward: np.ndarray, spec: Spec, team: Sequence[int] | None) -> tuple[int, ...]:
    """The teams that were given, else one for all who are always paid alike."""
    if team is not None:
        return spec.team
    columns = [tuple(column) for column in reward.T.round(9).tolist()]
    return tuple(columns.index(column) for column in columns)


def _success(
    reward: np.ndarray, ended: np.ndarray, told: np.ndarray, one_team: bool, name: str
) -> tuple[np.ndarray, str]:
    """Which edges succeed, and a sentence about it."""
    if told.any():
        return told, f"Success is what infos say{f' under {name!r}' if name else ''}."
    if not one_team:
        return told, "Agents are paid differently, and nobody says what a success is."
    if not ended.any():
        return told, "Nothing ever truly ends here, and nobody says what a success is."
    mean = reward.mean(1)
    most = float(mean[ended].max())
    if mean[ended].min() < most - 1e-9:
        return ended & (mean >= most - 1e-9), f"Success is a true ending of the kind that pays most ({most:g})."
    return ended, "Success is a true ending: the infos do not say."


def _about_starts(starts: Starts) -> tuple[str, ...]:
    count, total = len(starts.counts), sum(starts.counts)
    if count == 1:
        return ()
    return (f"It begins in {count:,} ways, whose chances are their shares of {total:,} seeds, and so not exact.",)


def _sights(found: Explored, reading: Reading) -> tuple[np.ndarray, tuple[np.ndarray, ...], np.ndarray]:
    """What each agent sees in each state, the observations behind the numbers, and what is legal there.

    Who waits sees one common row of zeros, the last of its kind; equal sights with unlike masks are different rows.
    """
    kinds = reading.spec.kinds
    seen = np.empty((len(found.looks), len(reading.places)), np.int32)
    observations, masks, offset = [], [], 0
    for kind in kinds:
        rows: dict[tuple[bytes, bytes] | None, int] = {}
        for state, look in enumerate(found.looks):
            for agent in kind.agents:
                seen[state, agent] = rows.setdefault(look.seen[agent], len(rows))
        order = sorted(rows, key=lambda row: (row is None, row))
        place = np.empty(len(rows), np.int32)
        place[[rows[row] for row in order]] = np.arange(len(rows))
        seen[:, list(kind.agents)] = offset + place[seen[:, list(kind.agents)]]
        blank = np.zeros(kind.observation_shape, kind.observation_dtype).tobytes()
        sights = b"".join(blank if row is None else row[0] for row in order)
        observations.append(np.frombuffer(sights, kind.observation_dtype).reshape(-1, *kind.observation_shape).copy())
        waits = np.arange(kind.actions) == 0
        masks += [waits if row is None else np.frombuffer(row[1], bool) for row in order]
        offset += len(rows)
    width = max(kind.actions for kind in kinds)
    legal = np.zeros((offset, width), bool)
    for row, mask in enumerate(masks):
        legal[row, : len(mask)] = mask
    return seen, tuple(observations), ALL_LEGAL if all(mask.all() for mask in masks) else legal


def _boards(found: Explored, spec: Spec) -> np.ndarray:
    """Pictures, where the first agent sees one plane of zeros and ones an agent: a letter for each plane."""
    kind = next(kind for kind in spec.kinds if 0 in kind.agents)
    shape, none = kind.observation_shape, np.empty((len(found.looks), 0, 0), np.uint8)
    planes = len(spec.agents)
    if len(shape) != 3 or shape[2] != planes or not 2 <= planes <= 7 or shape[0] * shape[1] > BOARD_CAP:
        return none
    seen = np.frombuffer(b"".join(look.picture for look in found.looks), kind.observation_dtype)
    seen = seen.reshape(-1, *shape)
    if not np.isin(seen, (0, 1)).all():
        return none
    return (seen.astype(np.uint8) << np.arange(1, planes + 1, dtype=np.uint8)).sum(3).astype(np.uint8)
