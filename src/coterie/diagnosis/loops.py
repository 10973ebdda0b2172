"""Do failing agents run in circles? Exact repetition of the world's state under a deterministic policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coterie.diagnosis.naming import called, labels_of
from coterie.statistics import percent, wilson
from coterie.types import Evidence, Finding, Picture, Play

REPEATS = 3
LUCK = 0.01  # the greatest chance of so many returns in a row, where repetition is no proof
NEARLY_ALL = 0.75  # of an episode in loops, which is no luck however short, and a loop although the episode ends
GRID = 1e-3  # float observations closer than this are the same
LEAST_INSIDE = 0.25  # of an episode's steps inside repeating stretches, where repetition is no proof
LEAST_SHARE = 0.5  # of the steps inside repeating stretches, in many places together, or of one agent alone


class Loop(NamedTuple):
    """A stretch of an episode that repeats: its period in steps, and its first and last step, counted from 1."""

    period: int
    first_step: int
    last_step: int


def find_loop(keys: Sequence[int], repeats: int = REPEATS, earned: Sequence[float] = ()) -> Loop | None:
    """The loop with the smallest period that an episode ends in, or None.

    keys [T + 1] are equal where the world's states are equal. The last `repeats` periods at least must be equal; one
    is proof enough where memoryless agents act deterministically in a deterministic world. With `earned` [T], a
    stretch that earns more than nothing a period is work and not a loop. Period 1 is standing still.

    >>> find_loop([7, 3, 4, 3, 4, 3, 4, 3])
    Loop(period=2, first_step=2, last_step=7)
    >>> find_loop([1, 2, 3, 1, 2, 3], repeats=3) is None
    True
    """
    last = len(keys) - 1
    for period in range(1, last // repeats + 1):
        first = last
        while first >= period and keys[first - period] == keys[first]:
            first -= 1
        begins = first + 1 - period  # the index of the state that the stretch begins in
        if last - begins < repeats * period or first == last:
            continue
        if len(earned) == 0 or sum(earned[last - period : last]) <= 0:
            return Loop(period, begins + 1, last)
    return None


def loop_share(keys: Sequence[int], earned: Sequence[float] = (), repeats: int = REPEATS) -> float:
    """The share of an episode's steps inside stretches that repeat at least `repeats` times and earn nothing.

    |U {t: a <= t < b, keys[s] = keys[s + p] for a <= s <= b - p, b - a >= repeats p, sum of earned[a:b] <= 0}| / T,
    over all periods p and greatest such stretches, for keys [T + 1] and earned [T]. Period 1 is a deadlock, longer
    ones are a livelock. What stands still inside a stretch that repeats and earns is part of that work.

    >>> loop_share([0, 1] * 10 + [0]), loop_share([0, 1] * 10 + [0], [0.0, 1.0] * 10), loop_share(range(21))
    (1.0, 0.0, 0.0)
    """
    inside = _inside(np.asarray(keys), np.asarray(earned, float), repeats)
    return float(inside.mean()) if len(inside) else 0.0


def _inside(keys: np.ndarray, earned: np.ndarray, repeats: int) -> np.ndarray:
    """Which steps lie inside such stretches, bool[T]."""
    last = max(0, len(keys) - 1)
    idle, working = np.zeros(last, bool), np.zeros(last, bool)
    total = np.concatenate([[0.0], np.cumsum(earned)]) if len(earned) else np.zeros(last + 1)
    for _, first, stop in _stretches(keys, repeats):
        (idle if total[stop] - total[first - 1] <= 0 else working)[first - 1 : stop] = True
    return idle & ~working


def _stretches(keys: np.ndarray, repeats: int) -> list[Loop]:
    """Every greatest stretch that repeats so often, of any period."""
    found = []
    for period in range(1, max(0, len(keys) - 1) // repeats + 1):
        same = np.concatenate([[False], keys[period:] == keys[:-period], [False]])
        begins, stops = np.flatnonzero(same[1:] & ~same[:-1]), np.flatnonzero(same[:-1] & ~same[1:])
        for begin, stop in zip(begins.tolist(), (stops - 1 + period).tolist(), strict=True):
            if stop - begin >= repeats * period:
                found.append(Loop(period, begin + 1, stop))
    return found


def quantised(values: np.ndarray, grid: float = GRID) -> np.ndarray:
    """Observations [T + 1, ...] as keys int64[T + 1]: equal where they are; floats are rounded to a grid."""
    flat = np.asarray(values).reshape(len(values), -1)
    if not np.issubdtype(flat.dtype, np.integer) and flat.dtype != np.bool_:
        flat = np.round(flat / grid)
    _, keys = np.unique(flat, axis=0, return_inverse=True)
    return keys.reshape(-1).astype(np.int64)


def team_loops(plays: Sequence[Play], repeats: int = REPEATS) -> list[tuple[int, Loop]]:
    """The loop that each failing episode ends in, as (team, loop); what succeeded or truly ended is in none."""
    failing = [play for play in plays if not play.ended and not play.success]
    found = [(play.team, find_loop(np.asarray(play.keys).tolist(), repeats)) for play in failing]
    return [(team, loop) for team, loop in found if loop is not None]


def loops(
    plays: Sequence[Play],
    total: int,
    word: str,
    repeats: int = REPEATS,
    remedy: str = "",
    unit: str = "team",
    fails: int | None = None,
) -> Finding:
    """Do the agents that fail run in circles? `plays` are failing episodes, one for each of `total` teams that fails.

    unit: "episode" where they are episodes of one team, and `total` is how many it played. fails: how many fail, where
    not of each a failing episode was recorded; those that were not seen may all run in circles, and the interval's
    upper end says so.

    An episode counts if it ends in a loop (`find_loop`), and, where one repetition is no proof (repeats > 1), if the
    loop is a quarter of the episode at least and no luck: r c^(m - 1) <= 0.01 for m returns in a row, where the rest of
    the episode returns after so many steps at the rate r, and again at the next step with the chance c (counted, each
    with one return and one other added); or it fills three quarters of the episode. Circles that earn something each
    time round are work: they are told, and no loop. Where one repetition is no proof, episodes that circle and walk on
    count, too, if a quarter of their steps lie inside repeating stretches (`loop_share`) and that is no luck, or half
    of them do. A failing episode that truly ends counts if three quarters of its steps lie inside such stretches.

    cannot tell: where neither states, observations nor boards of any failing episode were recorded and no key comes
    back, or no such episode was.
    """
    fails = len(plays) if fails is None else fails
    few = _few(fails, len(plays), unit)
    if fails and not plays:
        what = f"{fails:,} of {total:,} {unit}s {'fails' if fails == 1 else 'fail'} to {word}"
        sentence = f"{what}, and no failing episode was recorded, so nothing could be seen to come back."
        return Finding("loops", "cannot tell", sentence)
    if plays and all(map(_nothing_to_return_to, plays)):
        sentence = (
            f"{fails:,} of {total:,} {unit}s fail to {word}, and nothing that was recorded comes back exactly; without "
            "states, observations or boards, as of pictures, that does not say that nothing does."
        )
        return Finding("loops", "cannot tell", sentence)
    lasting = [play for play in plays if not play.ended and not play.success]
    ways = [
        (play, loop) for play in lasting if (loop := find_loop(np.asarray(play.keys).tolist(), repeats)) is not None
    ]
    ways = [(play, loop) for play, loop in ways if repeats == 1 or not _short_or_luck(play, loop)]
    earning = [(play, loop) for play, loop in ways if _earned(play, loop) > 0]
    found = [(play, loop) for play, loop in ways if _earned(play, loop) <= 0]
    left = _left(lasting, ways, repeats) if repeats > 1 else []
    until = _until_the_end([play for play in plays if play.ended and not play.success], max(repeats, REPEATS))
    lasted, found = len(found), found + until + left
    share = wilson(len(found), total)
    span = (share.low, wilson(len(found) + fails - len(plays), total).high)
    if not found:
        failing = f"all {total:,} {word}"
        if plays:
            failing = few or f"{len(plays):,} of {total:,} {unit}s fail to {word}"
            failing += ", none in a loop"
        nobody = "No team runs in circles" if unit == "team" else "The team does not run in circles"
        nobody = "No team was seen to run in circles" if few else nobody
        sentence, places = f"{nobody} ({failing}).", ()
        if earning:
            each = float(np.mean([_earned(play, loop) for play, loop in earning]))
            sentence = (
                f"{_told([(len(earning), 'circle', 'for ever')], unit)}, but every round earns something (on average "
                f"{each:.2f}): work, unless the reward pays for what is not the aim (see the reward audit)."
            )
            places = _places(earning)
        return Finding("loops", "no", sentence, share.share, span, evidence=places)
    circling = [(play, loop) for play, loop in found[:lasted] if loop.period > 1]
    frozen = [(play, loop) for play, loop in found[:lasted] if loop.period == 1]
    ended_circling = [(play, loop) for play, loop in until if loop.period > 1]
    ended_frozen = [(play, loop) for play, loop in until if loop.period == 1]
    ordered = circling + frozen + ended_circling + ended_frozen + left
    play, loop = ordered[0]
    ways_of = (
        (circling, "circle", "for ever"),
        (frozen, "stand", "still"),
        (ended_circling, "circle", "until the episode ends"),
        (ended_frozen, "stand", "still until the episode ends"),
        (left, "circle", "for a while"),
    )
    told = _told([(len(some), verb, how) for some, verb, how in ways_of if some], unit)
    rest = len(plays) - len(found)
    others = f"; {rest:,} more {'fails' if rest == 1 else 'fail'} in another way" if rest else ""
    others += f"; {few}" if few else ""
    sentence = (
        f"{told} ({percent(share.share)} of {total:,}){others}; e.g. team {play.team}, "
        f"{f'episode {play.episode}, ' if play.episode else ''}period {loop.period}, from step {loop.first_step}."
    )
    return Finding(
        "loops",
        "yes",
        sentence,
        share.share,
        span,
        f"no {unit} in a loop",
        _places(ordered),
        remedy,
        picture=_periods([loop for _, loop in found], unit),
    )


def agent_loops(
    plays: Sequence[Play], repeats: int = REPEATS, grid: float = GRID, names: Sequence[str] = ()
) -> Finding:
    """Does one agent run in circles of its own while the world goes on? Asked of failing episodes alone.

    For each agent the share of steps inside repeating stretches of its own observations (`loop_share`, with its own
    rewards; floats rounded to `grid`) that are not inside repeating stretches of the world's keys. A screen: an agent
    that sees little may well see the same again and be right. `names`: what the agents are called in sentences.
    """
    seeing = [play for play in plays if not play.success and len(play.observations) and len(play.actions)]
    if not seeing:
        return Finding("agent loops", "cannot tell", "No failing episode with observations was recorded.")
    own: list[list[float]] = [[] for _ in seeing[0].observations]
    for play in seeing:
        world = _inside(np.asarray(play.keys), np.asarray(play.rewards).mean(1), repeats)
        for agent, seen in enumerate(play.observations):
            alone = _inside(quantised(seen, grid), np.asarray(play.rewards)[:, agent], repeats) & ~world
            own[agent].append(float(alone.mean()))
    shares = [float(np.mean(one)) for one in own]
    agent = int(np.argmax(shares))
    labels = labels_of(len(shares), names)
    picture = Picture("bars", "Share of steps in circles of its own", labels, tuple(shares), line=LEAST_SHARE)
    null = f"less than {percent(LEAST_SHARE)} of an agent's steps"
    share = f"{percent(shares[agent])} of its steps in {len(seeing):,} failing episode{'s' * (len(seeing) > 1)}"
    if shares[agent] < LEAST_SHARE:
        sentence = f"No agent circles by itself while the world goes on (at most {labels[agent]}, {share})."
        return Finding("agent loops", "no", sentence, shares[agent], None, null, picture=picture)
    sentence = f"{called(agent, names, first=True)} sees the same again and again while the world goes on: {share}."
    worst = sorted(zip(own[agent], seeing, strict=True), key=lambda one: -one[0])[:5]
    places = tuple(Evidence(play.team, 1, len(play.actions), play.episode) for share, play in worst if share > 0)
    remedy = "let the agents see more, or remember (rendezvous: --env.observation all)"
    flags = ("--env.observation", "all")
    return Finding("agent loops", "yes", sentence, shares[agent], None, null, places, remedy, flags, picture=picture)


def _left(plays: Sequence[Play], ways: Sequence[tuple[Play, Loop]], repeats: int) -> list[tuple[Play, Loop]]:
    """Episodes that circle and walk on, each with its longest stretch, less those that end in a loop."""
    ending, found = {id(play) for play, _ in ways}, []
    for play in plays:
        keys, earned = np.asarray(play.keys), np.asarray(play.rewards).mean(1)
        share = _inside(keys, earned, repeats).mean() if len(earned) else 0.0
        if id(play) in ending or share < LEAST_INSIDE:
            continue
        longest = _longest(keys, earned, repeats)
        if share >= LEAST_SHARE or not _may_be_luck(play, longest, len(earned)):
            found.append((play, longest))
    return found


def _until_the_end(plays: Sequence[Play], repeats: int) -> list[tuple[Play, Loop]]:
    """Episodes that truly end and spend nearly all of their steps in loops, each with its longest stretch."""
    found = []
    for play in plays:
        keys, earned = np.asarray(play.keys), np.asarray(play.rewards).mean(1)
        if len(earned) and _inside(keys, earned, repeats).mean() >= NEARLY_ALL:
            found.append((play, _longest(keys, earned, repeats)))
    return found


def _longest(keys: np.ndarray, earned: np.ndarray, repeats: int) -> Loop:
    """The longest stretch that repeats and earns nothing, of the smallest period."""
    stretches = [one for one in _stretches(keys, repeats) if earned[one.first_step - 1 : one.last_step].sum() <= 0]
    return max(stretches, key=lambda one: (one.last_step - one.first_step, -one.period))


def _nothing_to_return_to(play: Play) -> bool:
    """Whether neither states, observations nor boards are known: then the keys only count the steps."""
    keys = np.asarray(play.keys)
    unseen = not len(play.observations) and not np.size(play.boards)
    return unseen and len(np.unique(keys)) == len(keys)


def _short_or_luck(play: Play, loop: Loop) -> bool:
    """Whether the stretch that an episode ends in is too small a part of it, or may be luck."""
    steps = loop.last_step - loop.first_step + 1
    return steps < LEAST_INSIDE * len(play.actions) or _may_be_luck(play, loop)


def _may_be_luck(play: Play, loop: Loop, places: int = 1) -> bool:
    """Whether the rest of the episode returns so often that such a loop would come about in one of so many places."""
    keys, period = np.asarray(play.keys), loop.period
    before, steps = loop.first_step - 1, loop.last_step - loop.first_step + 1
    if steps >= NEARLY_ALL * (len(keys) - 1):
        return False
    same = keys[:-period] == keys[period:]
    returns = steps - period + 1
    parts = [same[:before], same[before + returns :]]
    outside = np.concatenate(parts)
    rate = (outside.sum() + 1) / (len(outside) + 2)
    followed = sum(int((part[1:] & part[:-1]).sum()) for part in parts)
    again = (followed + 1) / (sum(int(part[:-1].sum()) for part in parts) + 2)
    return bool(places * rate * max(rate, again) ** (returns - 1) > LUCK)


def _earned(play: Play, loop: Loop) -> float:
    """What the mean agent earns in the last period of a loop."""
    return float(np.asarray(play.rewards)[loop.last_step - loop.period : loop.last_step].mean(1).sum())


def _places(found: Sequence[tuple[Play, Loop]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(play.team, loop.first_step, loop.last_step, play.episode) for play, loop in found[:5])


def _periods(found: Sequence[Loop], unit: str) -> Picture:
    """How many loops there are of each period."""
    periods = sorted({loop.period for loop in found})
    counts = tuple(float(sum(loop.period == period for loop in found)) for period in periods)
    labels = tuple("still" if period == 1 else f"period {period}" for period in periods)
    return Picture("bars", f"Failing {unit}s by the period of their loop", labels, counts)


def _few(fails: int, recorded: int, unit: str) -> str:
    """Of how many that fail a failing episode was recorded; empty where of all.

    >>> _few(2, 1, "team"), _few(2, 2, "team")
    ('of 2 teams that fail, 1 failing episode was recorded', '')
    """
    if recorded == fails:
        return ""
    return (
        f"of {fails:,} {unit}s that fail, {recorded:,} failing episode{' was' if recorded == 1 else 's were'} recorded"
    )


def _told(ways: Sequence[tuple[int, str, str]], unit: str) -> str:
    """How many do what, and how, as a list in words.

    >>> _told([(3, "circle", "for ever"), (1, "stand", "still")], "team")
    '3 teams circle for ever and 1 team stands still'
    >>> _told([(3, "circle", "for ever"), (1, "stand", "still")], "episode")
    'In 3 episodes they circle for ever and in 1 episode they stand still'
    """
    parts = []
    for count, verb, how in ways:
        some = f"{count:,} {unit}{'' if count == 1 else 's'}"
        by_episode = f"{'in' if parts else 'In'} {some} they {verb} {how}"
        parts.append(by_episode if unit == "episode" else f"{some} {verb}{'s' if count == 1 else ''} {how}")
    return " and ".join([*([", ".join(parts[:-1])] if len(parts) > 1 else []), parts[-1]])
