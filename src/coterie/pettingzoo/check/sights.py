"""What is wrong with observations: blind agents, values that do not fit their space, parts that say nothing."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from coterie.pettingzoo.check.fitting import Misfit, arrays_in, is_picture, misfits
from coterie.pettingzoo.check.items import Item, Severity
from coterie.pettingzoo.check.playing import Episode, listed
from coterie.pettingzoo.reading.layouts import label
from coterie.pettingzoo.reading.spaces import sight_of

FEWEST = 3  # observations after the first, before anything is said of an agent
FEWEST_ROWS = 20  # observations, before parts of them are called constant
HUGE = 1_000.0
CONSTANT = 0.25  # the share of entries that never vary which is worth a line
SHOWN_PLACES = 6
MOST_COMPARED = 4_000  # observations of a kind, spread over all, in which constant parts are looked for
HARM: Mapping[str, Severity] = {"dtype": "warning", "range": "warning", "list": "warning", "extra": "warning"}


class Seen(NamedTuple):
    """What one agent saw over some episodes: how many observations followed another, and how many of them changed.

    between: its first observations differ among episodes. decisions: the most that it had in one episode.
    """

    pairs: int
    changed: int
    between: bool
    decisions: int


def seen_by(name: Hashable, episodes: Sequence[Episode]) -> Seen:
    """How often what an agent saw changed."""
    pairs = changed = decisions = 0
    firsts = set()
    for episode in episodes:
        shown = [one.observations[name].digest for one in episode.moments if name in one.observations]
        firsts.update(shown[:1])
        pairs += max(0, len(shown) - 1)
        changed += sum(one != other for one, other in pairwise(shown))
        decisions = max(decisions, sum(one.acted.get(name) is not None for one in episode.moments))
    return Seen(pairs, changed, len(firsts) > 1, decisions)


def blindness(environment: Any, episodes: Sequence[Episode], agents: Sequence[Hashable]) -> list[Item]:
    """Agents whose observations never change within an episode."""
    seen = {name: seen_by(name, episodes) for name in agents}
    lookers = [
        name
        for name in agents
        if seen[name].pairs >= FEWEST and seen[name].decisions > 1 and not says_nothing(environment, name)
    ]
    blind = [name for name in lookers if not seen[name].changed]
    if not blind:
        return []
    evidence = f"0 of {sum(seen[name].pairs for name in blind):,} observations changed{meanwhile(episodes)}"
    if len(blind) == len(lookers):
        return [
            Item("error", "blind", "Agents are blind: observations never change", evidence, how_to_see(environment))
        ]
    told = []
    told_once = [name for name in blind if seen[name].between]
    never = [name for name in blind if name not in told_once]
    if never:
        what = f"{listed(never)} {'see' if len(never) > 1 else 'sees'} always the same, and others do not"
        fix = "it learns one fixed way to act; show it what its decisions depend on"
        told.append(Item("warning", "blind agent", what, evidence, fix))
    if told_once:
        what = f"What {listed(told_once)} {'see' if len(told_once) > 1 else 'sees'} is decided when an episode begins"
        told.append(Item("note", "told once", what, evidence))
    return told


def says_nothing(environment: Any, name: Hashable) -> bool:
    """Whether an observation space has one value only, so that nothing is meant to be seen."""
    space = sight_of(environment.observation_space(name))
    if isinstance(space, spaces.Discrete):
        return space.n == 1
    if isinstance(space, spaces.Box):
        return bool(np.all(space.low == space.high))
    return False


def meanwhile(episodes: Sequence[Episode]) -> str:
    """What did change, if anything."""
    moments = [one for episode in episodes for one in episode.moments]
    states = len({one.state.digest for one in moments if one.state is not None})
    rewards = len(
        {tuple(one.rewards.values()) for one in moments if all(np.ndim(r) == 0 for r in one.rewards.values())}
    )
    told = [word for word, count in (("the central state", states), ("rewards", rewards)) if count > 1]
    return f", while {' and '.join(told)} did" if told else ""


def how_to_see(environment: Any) -> str:
    """What lets blind agents see."""
    agents = tuple(getattr(environment, "possible_agents", None) or environment.agents)
    pictures = any(is_picture(sight_of(environment.observation_space(name))) for name in agents)
    draws = "rgb_array" in (getattr(environment, "metadata", None) or {}).get("render_modes", ())
    if pictures and draws and getattr(environment, "render_mode", None) != "rgb_array":
        return 'make it with render_mode="rgb_array": agents see what is drawn, and without it nothing is'
    return "return what is there now; look for an array that is made once, at the reset, and never written again"


def sight_items(environment: Any, episodes: Sequence[Episode], agents: Sequence[Hashable]) -> list[Item]:
    """All that is wrong with what agents see, but for masks."""
    items = [*fitting(environment, episodes)]
    blind = blindness(environment, episodes, agents)
    items += blind
    values = kept_values(episodes)
    items += huge(values)
    items += lost_precision(values)
    if not any(item.severity == "error" for item in blind):
        items += constant_parts(environment, values)
    return items


def kept_values(episodes: Sequence[Episode]) -> dict[Hashable, list[list[Any]]]:
    """By agent, by episode: the observations that were kept whole."""
    found: dict[Hashable, list[list[Any]]] = {}
    for episode in episodes:
        own: dict[Hashable, list[Any]] = {}
        for moment in episode.moments:
            for name, shown in moment.observations.items():
                if shown.value is not None:
                    own.setdefault(name, []).append(shown.value)
        for name, values in own.items():
            found.setdefault(name, []).append(values)
    return found


def fitting(environment: Any, episodes: Sequence[Episode]) -> Iterator[Item]:
    """Observations that are not in their space, each way of it once."""
    counts: dict[tuple[str, str, str], int] = {}
    first: dict[tuple[str, str, str], tuple[Hashable, Misfit, int | None, int]] = {}
    looked = 0
    for episode in episodes:
        for step, moment in enumerate(episode.moments):
            for name, shown in moment.observations.items():
                if shown.value is None:
                    continue
                looked += 1
                for misfit in misfits(environment.observation_space(name), shown.value):
                    key = misfit.what, misfit.where, misfit.told if misfit.what in ("dtype", "shape") else ""
                    counts[key] = counts.get(key, 0) + 1
                    first.setdefault(key, (name, misfit, episode.seed, step))
    for key, (name, misfit, seed, step) in first.items():
        part = f" at {misfit.where}" if misfit.where else ""
        evidence = f"{counts[key]:,} of {looked:,} observations, first at step {step} of seed {seed}"
        what = f"The observation of {label(name)}{part} holds {misfit.told}"
        if misfit.what in ("dtype", "shape", "list", "kind"):
            what = f"The observation of {label(name)}{part} is {misfit.told}"
        name_of = "observation no number" if misfit.what == "number" else f"observation {misfit.what}"
        yield Item(HARM.get(misfit.what, "error"), name_of, what, evidence, MENDED[misfit.what])


MENDED = {
    "dtype": "np.asarray(observation, space.dtype), or give the space the dtype that you return",
    "shape": "return the shape that the space says, or correct the space",
    "range": "widen the space, or clip; networks that scale by the space's range are misled",
    "number": "look for a division by zero; np.nan_to_num hides it only",
    "list": "np.asarray(observation, space.dtype)",
    "kind": "return what the space says",
    "part": "return every part that the space has",
    "extra": "give the space this part, too, or leave it out; coterie does not see it",
}


def huge(values: Mapping[Hashable, list[list[Any]]]) -> Iterator[Item]:
    """Numbers that are too large for a network as they are."""
    largest: dict[Hashable, float] = {}
    for name, rounds in values.items():
        for shown in (one for episode in rounds for one in episode):
            for _, array in arrays_in(shown):
                if array.size and array.dtype != np.uint8:
                    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
                    largest[name] = max(largest.get(name, 0.0), float(np.max(np.abs(finite.astype(float)), initial=0)))
    if largest and max(largest.values()) > HUGE:
        name = max(largest, key=largest.__getitem__)
        yield Item(
            "warning",
            "huge values",
            "Observations hold numbers that are too large for a network as they are",
            f"up to {largest[name]:.4g} for {label(name)}",
            "divide each by its usual size where the observation is made: about 1 is best",
        )


def lost_precision(values: Mapping[Hashable, list[list[Any]]]) -> Iterator[Item]:
    """Observations that differ, and are equal as float32, which is what networks see."""
    lost = differ = 0
    for shown in (episode for rounds in values.values() for episode in rounds):
        for one, other in pairwise(shown):
            wide = [(a, b) for (_, a), (_, b) in zip(arrays_in(one), arrays_in(other), strict=False)
                    if a.dtype.itemsize > 4 and a.shape == b.shape]  # fmt: skip
            if wide and any(not np.array_equal(a, b) for a, b in wide):
                differ += 1
                lost += all(np.array_equal(a.astype(np.float32), b.astype(np.float32)) for a, b in wide)
    if lost:
        yield Item(
            "warning",
            "precision",
            "Observations differ by so little that they are equal as float32, which is what networks see",
            f"{lost:,} of {differ:,} changes are lost",
            "subtract what is common and divide by the usual change where the observation is made",
        )


def constant_parts(environment: Any, values: Mapping[Hashable, list[list[Any]]]) -> Iterator[Item]:
    """Entries that have one value for all agents of a kind, always."""
    kinds: list[tuple[Any, list[Hashable]]] = []
    for name in values:
        space = sight_of(environment.observation_space(name))
        known = next((group for one, group in kinds if one == space), None)
        if known is None:
            kinds.append((space, [name]))
        else:
            known.append(name)
    for space, names in kinds:
        rows = [one for name in names for episode in values[name] for one in episode]
        rows = rows[:: 1 + len(rows) // MOST_COMPARED]
        constant, size, places = constant_entries(rows)
        if len(rows) < FEWEST_ROWS or constant < CONSTANT * size or constant == size:
            continue
        where = "" if is_picture(space) or len(places) != constant else f": {spans(places)}"
        yield Item(
            "note",
            "constant parts",
            f"{constant:,} of the {size:,} numbers that {listed(names)} {'see' if len(names) > 1 else 'sees'} "
            f"never varied{where}",
            f"over {len(rows):,} observations",
        )


def constant_entries(rows: Sequence[Any]) -> tuple[int, int, list[int]]:
    """How many of an observation's numbers never vary, how many there are, and which, where it is one row."""
    first = [array for _, array in arrays_in(rows[0])]
    same = [np.ones(array.shape, bool) for array in first]
    for row in rows[1:]:
        for kept, begun, (_, array) in zip(same, first, arrays_in(row), strict=False):
            if array.shape == begun.shape:
                kept &= array == begun
    places = np.flatnonzero(same[0].reshape(-1)).tolist() if len(same) == 1 and same[0].ndim <= 1 else []
    return int(sum(kept.sum() for kept in same)), sum(kept.size for kept in same), places


def spans(places: Sequence[int]) -> str:
    """Numbers as spans: 0 to 3, 7."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    told = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs[:SHOWN_PLACES]]
    return ", ".join(told) + (", …" if len(runs) > SHOWN_PLACES else "")
