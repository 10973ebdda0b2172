"""Several algorithms side by side, each for some of the agents, as one; and one's agents standing in for another's.

Each member sees the views, rewards and boundaries of its own agents only, as if the others were part of the world.
What they remember, and what they want back with their decisions, is by kind a tuple: an entry for each member that has
agents of it, its leaves as wide as the kind.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.types import Algorithm, Array, Clock, Decision, Key, Rollout, Spec, View


class Member(NamedTuple):
    """One algorithm and the agents that it plays, by their numbers; its own spec is `part(spec, agents)`."""

    name: str
    agents: tuple[int, ...]
    algorithm: Algorithm


class Together(NamedTuple):
    """What the members' learners carry; their replays stand apart, as any learner's does."""

    members: tuple[Any, ...]
    replay: tuple[Any, ...]


class Columns(NamedTuple):
    """Where a member's agents stand: the kinds that have some, their places in each, and the teams that they are of."""

    kinds: tuple[int, ...]
    places: tuple[tuple[int, ...], ...]
    teams: tuple[int, ...]


def columns(spec: Spec, agents: Sequence[int]) -> Columns:
    """Where these agents stand in arrays by kind and by team."""
    own = set(agents)
    places = [tuple(n for n, agent in enumerate(kind.agents) if agent in own) for kind in spec.kinds]
    kinds = tuple(k for k, here in enumerate(places) if here)
    return Columns(kinds, tuple(places[k] for k in kinds), tuple(sorted({spec.team[agent] for agent in agents})))


def part(spec: Spec, agents: Sequence[int]) -> Spec:
    """The spec of some of the agents, in their old order; what they share with others they no longer share."""
    order = sorted(agents)
    number = {agent: place for place, agent in enumerate(order)}
    where = columns(spec, order)

    def renumbered(groups: tuple[int, ...]) -> tuple[int, ...]:
        known = sorted({groups[agent] for agent in order})
        return tuple(known.index(groups[agent]) for agent in order)

    return dataclasses.replace(
        spec,
        agents=tuple(spec.agents[agent] for agent in order),
        kinds=tuple(
            dataclasses.replace(spec.kinds[k], agents=tuple(number[spec.kinds[k].agents[place]] for place in places))
            for k, places in zip(where.kinds, where.places, strict=True)
        ),
        team=renumbered(spec.team),
        parameters=renumbered(spec.parameters),
        experience=renumbered(spec.experience),
    )


def side_by_side(spec: Spec, members: Sequence[Member]) -> Algorithm:
    """The members as one algorithm; each agent is played by exactly one of them.

    Its info has the means of what the learning members tell, and each one's own under `name.`.
    """
    parts = [part(spec, member.agents) for member in members]
    where = [columns(spec, member.agents) for member in members]
    seats = [seats_of(where, m) for m in range(len(members))]
    algorithms = [member.algorithm for member in members]

    def init(key: Key, _: Spec) -> Together:
        made = [
            one.init(jax.random.fold_in(key, place), own)
            for place, (one, own) in enumerate(zip(algorithms, parts, strict=True))
        ]
        return Together(tuple(map(without_replay, made)), tuple(map(replay_of, made)))

    def policy(learner: Together, clock: Clock) -> tuple[Any, ...]:
        return tuple(one.policy(own, clock) for one, own in zip(algorithms, learners(learner), strict=True))

    def memory(policy: tuple[Any, ...], environments: int) -> tuple[Any, ...]:
        own = [one.memory(its, environments) for one, its in zip(algorithms, policy, strict=True)]
        return tuple(
            tuple(
                widened(own[m][at.kinds.index(k)], at.places[at.kinds.index(k)], len(kind.agents))
                for m, at in enumerate(where)
                if k in at.kinds
            )
            for k, kind in enumerate(spec.kinds)
        )

    def act(key: Key, policy: tuple[Any, ...], views: tuple[View, ...], memories: Any, mode: str) -> Any:
        actions = [
            jnp.zeros((*view.alive.shape, *kind.action_shape), kind.action_dtype)
            for kind, view in zip(spec.kinds, views, strict=True)
        ]
        after: list[list[Any]] = [[] for _ in views]
        extras: list[list[Any]] = [[] for _ in views]
        for m, (one, its, at, seat) in enumerate(zip(algorithms, policy, where, seats, strict=True)):
            own = [narrowed(memories[k][s], places) for k, places, s in zip(at.kinds, at.places, seat, strict=True)]
            seen = tuple(narrowed(views[k], places) for k, places in zip(at.kinds, at.places, strict=True))
            decisions = one.act(jax.random.fold_in(key, m), its, seen, tuple(own), mode)
            for k, places, decision in zip(at.kinds, at.places, decisions, strict=True):
                actions[k] = actions[k].at[:, jnp.array(places)].set(decision.action)
                after[k].append(widened(decision.memory, places, actions[k].shape[1]))
                extras[k].append(widened(decision.extras, places, actions[k].shape[1]))
        return tuple(Decision(a, tuple(m), tuple(e)) for a, m, e in zip(actions, after, extras, strict=True))

    def update(key: Key, learner: Together, rollout: Rollout, clock: Clock) -> tuple[Together, dict[str, Array]]:
        made, infos = [], {}
        for m, (one, own, at, seat) in enumerate(zip(algorithms, learners(learner), where, seats, strict=True)):
            after, info = one.update(jax.random.fold_in(key, m), own, rollout_of(rollout, at, seat), clock)
            made.append(after)
            if info:
                infos[members[m].name] = info
        return Together(tuple(map(without_replay, made)), tuple(map(replay_of, made))), summed_up(infos)

    return Algorithm(init, policy, memory, act, update)


def stand_in(spec: Spec, algorithm: Algorithm, other: Algorithm, agents: Sequence[int]) -> Algorithm:
    """`algorithm`, where these agents act as `other` (which remembers nothing and reads no policy) would."""

    def act(key: Key, policy: Any, views: tuple[View, ...], memories: Any, mode: str) -> tuple[Decision, ...]:
        told = algorithm.act(key, policy, views, memories, mode)
        theirs = other.act(jax.random.fold_in(key, len(spec.agents)), (), views, ((),) * len(views), mode)
        replaced = [jnp.array([agent in agents for agent in kind.agents]) for kind in spec.kinds]
        wide = [here[:, None] if kind.bounds else here for kind, here in zip(spec.kinds, replaced, strict=True)]
        return tuple(
            decision._replace(action=jnp.where(here, its.action, decision.action))
            for here, decision, its in zip(wide, told, theirs, strict=True)
        )

    return algorithm._replace(act=act)


def narrowed(tree: Any, places: Sequence[int]) -> Any:
    """These places of a kind: leaves [E, N, ...] -> [E, n, ...]."""
    return jax.tree.map(lambda leaf: leaf[:, jnp.array(places)], tree)


def widened(tree: Any, places: Sequence[int], size: int) -> Any:
    """The same at these places of a kind, zeros elsewhere: leaves [E, n, ...] -> [E, N, ...]."""
    return jax.tree.map(
        lambda leaf: jnp.zeros((leaf.shape[0], size, *leaf.shape[2:]), leaf.dtype).at[:, jnp.array(places)].set(leaf),
        tree,
    )


def seats_of(where: Sequence[Columns], m: int) -> tuple[int, ...]:
    """By each kind that a member has agents of, how many members before it have some, too."""
    return tuple(sum(k in other.kinds for other in where[:m]) for k in where[m].kinds)


def rollout_of(rollout: Rollout, at: Columns, seats: Sequence[int]) -> Rollout:
    """What a member's own agents did, earned, remembered and wanted back, and their teams' boundaries."""

    def own(k: int, places: tuple[int, ...], seat: int) -> Any:
        kind = rollout.kinds[k]
        mine = kind._replace(extras=kind.extras[seat])
        return jax.tree.map(lambda leaf: leaf[:, :, jnp.array(places)], mine)

    every = list(zip(at.kinds, at.places, seats, strict=True))
    kinds = tuple(own(*one) for one in every)
    memory = tuple(narrowed(rollout.memory[k][seat], places) for k, places, seat in every)
    teams, world = jnp.array(at.teams), rollout.world
    boundary = {name: getattr(world, name)[..., teams] for name in ("discount", "last", "valid")}
    return Rollout(kinds, world._replace(**boundary), memory)


def without_replay(learner: Any) -> Any:
    """A learner without its replay, where it has one."""
    return learner._replace(replay=()) if hasattr(learner, "replay") else learner


def replay_of(learner: Any) -> Any:
    """A learner's replay, () where it has none."""
    return getattr(learner, "replay", ())


def with_replay(learner: Any, replay: Any) -> Any:
    """A learner with its replay again, where it has one."""
    return learner._replace(replay=replay) if hasattr(learner, "replay") else learner


def learners(together: Together) -> tuple[Any, ...]:
    """The members' learners with their replays."""
    return tuple(map(with_replay, together.members, together.replay))


def summed_up(infos: dict[str, dict[str, Array]]) -> dict[str, Array]:
    """What several learners tell as one: means, the least `finite` and the most `learned`; and each one's own.

    Who has not learned in this visit, as before its warm-up, does not count.
    """
    if not infos:
        return {}
    told = list(infos.values())
    common = {name for info in told for name in info if all(name in other for other in told)}
    learned = jnp.stack([jnp.asarray(info.get("learned", 1.0), jnp.float32) for info in told])
    summary = {}
    for name in sorted(common):
        values = jnp.stack([info[name] for info in told])
        if name == "learned":
            summary[name] = values.max()
        elif name == "finite":
            summary[name] = jnp.where(learned > 0, values, 1).min()
        else:
            summary[name] = (values * learned).sum() / jnp.clip(learned.sum(), 1, None)
    if len(infos) > 1:
        for who, info in infos.items():
            summary.update({f"{who}.{name}": info[name] for name in info if name not in ("finite", "learned")})
    return summary
