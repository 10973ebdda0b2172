"""What an environment promises by PettingZoo's API and does not keep: who is there, who is told what, who has ended."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from coterie.errors import BadInput
from coterie.pettingzoo.check.items import Item, Severity
from coterie.pettingzoo.check.playing import Episode, Moment, Subject, listed
from coterie.pettingzoo.check.rewards import finite
from coterie.pettingzoo.forms.tuples import TupleForm
from coterie.pettingzoo.reading.layouts import label
from coterie.pettingzoo.reading.spaces import chosen, numbered, seen, sight_of


class Breach(NamedTuple):
    """One kind of broken promise, at one moment."""

    name: str
    who: Hashable
    more: str = ""


TOLD: Mapping[str, tuple[Severity, str, str]] = {
    "no agents": ("error", "After reset `agents` is empty", "self.agents = self.possible_agents[:] in reset"),
    "stale agents": (
        "error",
        "After reset `agents` is not who is told anything: {who}",
        "self.agents = self.possible_agents[:] in reset, before observations are made",
    ),
    "unknown agent": (
        "error",
        "{who} takes part, and is not among possible_agents",
        "list everybody in possible_agents, or leave that attribute out where agents are born",
    ),
    "vanished": (
        "error",
        "{who} vanished from `agents`, neither terminated nor truncated",
        "say terminations[agent] = True (or truncations[agent]) in the step in which it ends",
    ),
    "lingering": (
        "warning",
        "{who} stays in `agents` after its end",
        "self.agents = [agent for agent in self.agents if not (terminations[agent] or truncations[agent])]",
    ),
    "revived": (
        "warning",
        "{who} ended, left, and came back in the same episode",
        "give who is born a name of its own; coterie ignores who has ended once",
    ),
    "ended twice": (
        "note",
        "{who} is terminated and truncated at once; coterie takes that as terminated",
        "terminated where the world ended for it, truncated where time was up",
    ),
    "missing observation": ("error", "step tells {who} no observation", "tell everybody in `agents` something"),
    "missing reward": ("error", "step gives {who} no reward", "0.0 where there is nothing"),
    "missing ending": (
        "error",
        "step does not say whether {who} has ended",
        "terminations and truncations have a truth for everybody in `agents`",
    ),
    "missing info": ("warning", "infos have nothing for {who}", "{agent: {} for agent in self.agents}"),
    "info kind": ("error", "The info of {who} is no dictionary", "an empty one, {}"),
    "told the dead": (
        "warning",
        "step tells things to {who}, who had ended before",
        "leave out who was not in `agents` when the step began",
    ),
    "paid the dead": (
        "warning",
        "{who} is paid after its end, which nobody can learn from",
        "pay it in the step in which it ends",
    ),
}


def conduct_items(subject: Subject, episodes: Sequence[Episode]) -> list[Item]:
    """Every broken promise once, with how often and where first."""
    listed_agents: set[Hashable] = set(getattr(subject.environment, "possible_agents", None) or ())
    counts: dict[str, int] = {}
    first: dict[str, tuple[list[Hashable], str, int | None, int]] = {}
    steps = 0
    for episode in episodes:
        gone: set[Hashable] = set()
        for step, moment in enumerate(episode.moments):
            steps += 1
            breaches = list(breaches_of(moment, step, subject.turns, gone, listed_agents))
            for name in {one.name for one in breaches}:
                who = [one.who for one in breaches if one.name == name]
                more = next((one.more for one in breaches if one.name == name), "")
                counts[name] = counts.get(name, 0) + 1
                first.setdefault(name, (who, more, episode.seed, step))
            gone.update(name for name in {*moment.terminations, *moment.truncations} if moment.over(name))
    items = []
    for name in [name for name in TOLD if name in first]:
        (severity, what, fix), (who, more, seed, step) = TOLD[name], first[name]
        evidence = f"{counts[name]:,} of {steps:,} steps, first at step {step} of seed {seed}{more}"
        items.append(Item(severity, name, what.replace("{who}", listed(who)), evidence, fix))
    return [*items, *aliases(subject)]


def breaches_of(
    moment: Moment, step: int, turns: bool, gone: set[Hashable], listed_agents: set[Hashable]
) -> Iterator[Breach]:
    """What is wrong with one moment, where `gone` had ended before it."""
    agents = set(moment.agents)
    if step == 0:
        yield from at_reset(moment, turns)
    if listed_agents:
        yield from (Breach("unknown agent", name) for name in moment.agents if name not in listed_agents)
    for name, info in moment.infos.items():
        if not isinstance(info, Mapping):
            yield Breach("info kind", name)
    if step == 0:
        return
    for name in moment.here:
        ended, cut = bool(moment.terminations.get(name)), bool(moment.truncations.get(name))
        if name not in agents and name not in gone and not (ended or cut):
            yield Breach("vanished", name)
        if ended and cut and name not in gone:
            yield Breach("ended twice", name)
    if turns:
        return
    yield from (Breach("revived", name) for name in agents - set(moment.here) if name in gone)
    yield from (Breach("lingering", name) for name in moment.agents if name in moment.here and moment.over(name))
    yield from told_in_step(moment, gone)


def at_reset(moment: Moment, turns: bool) -> Iterator[Breach]:
    """What is wrong with a reset."""
    if not moment.agents:
        yield Breach("no agents", "nobody")
        return
    if turns:
        yield from (Breach("missing info", name) for name in moment.agents if name not in moment.infos)
        return
    seen = set(moment.observations)
    if seen != set(moment.agents):
        yield Breach("stale agents", ", ".join(sorted(map(label, seen ^ set(moment.agents)))))
    yield from (Breach("missing info", name) for name in moment.agents if name not in moment.infos)


def told_in_step(moment: Moment, gone: set[Hashable]) -> Iterator[Breach]:
    """Who is told too little or too much by a parallel step."""
    live = [name for name in moment.here if name not in gone]
    for name in live:
        if name not in moment.observations:
            yield Breach("missing observation", name)
        if name not in moment.rewards:
            yield Breach("missing reward", name)
        if name not in moment.terminations or name not in moment.truncations:
            yield Breach("missing ending", name)
        if name not in moment.infos:
            yield Breach("missing info", name)
    told = {*moment.observations, *moment.rewards, *moment.terminations, *moment.truncations, *moment.infos}
    for name in sorted(told - set(moment.here) - set(moment.agents), key=label):
        if name in gone:
            yield Breach("told the dead", name)
        if finite(moment.rewards.get(name)):
            yield Breach("paid the dead", name, f", {moment.rewards[name]}")
    for name in set(moment.here) & gone:
        if finite(moment.rewards.get(name)):
            yield Breach("paid the dead", name, f", {moment.rewards[name]}")


def aliases(subject: Subject) -> Iterator[Item]:
    """Observations that change after they were handed out."""
    if subject.aliased:
        yield Item(
            "note",
            "observation changes later",
            f"The array that {listed(sorted(subject.aliased, key=label))} was given is written again by the next step",
            fix="return a copy: observation.copy(); coterie copies at once, other code may keep what it was given",
        )


def standing_items(environment: Any, agents: Sequence[Hashable]) -> list[Item]:
    """What is wrong with an environment that stands still: who is listed, and its spaces."""
    items = []
    if not getattr(environment, "possible_agents", None):
        items.append(
            Item(
                "note",
                "possible_agents missing",
                "There is no list of all agents, so those that are there in random play are counted",
                fix="self.possible_agents = [...] in __init__, unless agents are born: then --share-parameters",
                flags=("--share-parameters",),
            )
        )
    for kind, ask in (("observation_space", environment.observation_space), ("action_space", environment.action_space)):
        changing = [name for name in agents if ask(name) is not ask(name)]
        if changing:
            items.append(
                Item(
                    "warning",
                    f"new {kind.replace('_', ' ')}",
                    f"{kind}(agent) makes a new space each time, so a space that was seeded forgets its seed",
                    f"for {listed(changing)}",
                    "@functools.lru_cache(maxsize=None) above the method, or keep a dictionary of spaces",
                )
            )
    items += [*unusable_spaces(environment, agents), *hidden_state(environment)]
    called: dict[str, list[Hashable]] = {}
    for name in agents:
        called.setdefault(label(name), []).append(name)
    if alike := next((names for names in called.values() if len(names) > 1), None):
        what = f"{len(alike)} agents are called {label(alike[0])} in print, so a saved team could not tell them apart"
        items.append(Item("error", "names alike", what, fix="give each agent a name that is printed differently"))
    return items


def unusable_spaces(environment: Any, agents: Sequence[Hashable]) -> Iterator[Item]:
    """Spaces that coterie's learners cannot work with, each once."""
    said = set()
    for name in agents:
        own = environment.observation_space(name), environment.action_space(name)
        for kind, read in (
            ("observation", lambda own=own, name=name: seen(sight_of(own[0]), label(name))),
            ("action", lambda own=own, name=name: chosen(own[1], label(name), environment)),
            ("numbered action", lambda own=own, name=name: numbered(own[1], label(name), environment)),
        ):
            try:
                read()
            except BadInput as error:
                if {kind, kind.removeprefix("numbered ")} & said:
                    continue
                said.add(kind)
                what, _, asked = str(error).partition("; ask the environment for them: ")
                amounts = kind == "numbered action"  # which policies are learned of
                fix = f"learners of policies draw them (--algo ippo){f'; numbered: {asked}' if asked else ''}"
                severity: Severity = "note" if amounts else "warning"
                name_of = f"{kind.removeprefix('numbered ')}s of another sort"
                yield Item(severity, name_of, f"{what[:1].upper()}{what[1:]}", fix=fix if amounts else "")


def hidden_state(environment: Any) -> Iterator[Item]:
    """A `state` that is no method, so that nobody can ask for the central state."""
    raw = getattr(environment, "unwrapped", environment)
    hidden = getattr(raw, "state", None)
    if hidden is not None and not callable(hidden) and not isinstance(environment, TupleForm):
        what = f"`state` is a {type(hidden).__name__} and no method, so there is no central state"
        yield Item("note", "state no method", what, fix="give the attribute another name")


def state_items(episodes: Sequence[Episode]) -> list[Item]:
    """A central state whose shape changes, or which is no finite number."""
    shapes: dict[tuple[int, ...], int] = {}
    bad = looked = 0
    for moment in (one for episode in episodes for one in episode.moments):
        if moment.state is None or moment.state.value is None:
            continue
        looked += 1
        state = np.asarray(moment.state.value)
        shapes[state.shape] = shapes.get(state.shape, 0) + 1
        bad += state.dtype.kind == "f" and not np.isfinite(state).all()
    items = []
    if len(shapes) > 1:
        told = ", ".join(f"{shape} in {count:,} of {looked:,} steps" for shape, count in shapes.items())
        what = "The central state changes its shape, so no mixer or critic can read it"
        items.append(Item("error", "state shape", what, told, "keep a place for who is not there, and fill it with 0"))
    if bad:
        what = "The central state holds what is no finite number"
        items.append(Item("error", "state no number", what, f"in {bad:,} of {looked:,} steps"))
    return items
