"""Several algorithms side by side, each for some of the agents, as one; and one's agents standing in for another's.

Each member sees the views, rewards and boundaries of its own agents only, as if the others were part of the world.
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
        """By kind a tuple, one entry a member that has agents of it, its leaves as wide as the kind: [E, N, ...]."""
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
        actions = [jnp.zeros(view.alive.shape, jnp.int32) for view in views]
        after: list[list[Any]] = [[] for _ in views]
        for m, (one, its, at) in enumerate(zip(algorithms, policy, where, strict=True)):
            own = [narrowed(memories[k][len(after[k])], places) for k, places in zip(at.kinds, at.places, strict=True)]
            seen = tuple(narrowed(views[k], places) for k, places in zip(at.kinds, at.places, strict=True))
            decisions = one.act(jax.random.fold_in(key, m), its, seen, tuple(own), mode)
            for k, places, decision in zip(at.kinds, at.places, decisions, strict=True):
                assert decision.extras == (), "what a learner wants back with its decisions is not joined"
                actions[k] = actions[k].at[:, jnp.array(places)].set(decision.action)
                after[k].append(widened(decision.memory, places, actions[k].shape[1]))
        return tuple(Decision(action, tuple(memory), ()) for action, memory in zip(actions, after, strict=True))

    def update(key: Key, learner: Together, rollout: Rollout, clock: Clock) -> tuple[Together, dict[str, Array]]:
        made, infos = [], {}
        for m, (one, own, at) in enumerate(zip(algorithms, learners(learner), where, strict=True)):
            after, info = one.update(jax.random.fold_in(key, m), own, rollout_of(rollout, at), clock)
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
        return tuple(
            decision._replace(action=jnp.where(here, its.action, decision.action))
            for here, decision, its in zip(replaced, told, theirs, strict=True)
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


def rollout_of(rollout: Rollout, at: Columns) -> Rollout:
    """What a member's own agents did and earned, and their teams' boundaries."""

    def own(tree: Any, places: tuple[int, ...]) -> Any:
        return jax.tree.map(lambda leaf: leaf[:, :, jnp.array(places)], tree)

    kinds = tuple(own(rollout.kinds[k], places) for k, places in zip(at.kinds, at.places, strict=True))
    teams, world = jnp.array(at.teams), rollout.world
    boundary = {name: getattr(world, name)[..., teams] for name in ("discount", "last", "valid")}
    return Rollout(kinds, world._replace(**boundary), ((),) * len(kinds))


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
    """What several learners tell as one: means, the least `finite` and the most `learned`; and each one's own."""
    told = list(infos.values())
    common = {name for info in told for name in info if all(name in other for other in told)}
    summary = {}
    for name in sorted(common):
        values = jnp.stack([info[name] for info in told])
        summary[name] = values.min() if name == "finite" else values.max() if name == "learned" else values.mean()
    if len(infos) > 1:
        for who, info in infos.items():
            summary.update({f"{who}.{name}": info[name] for name in info if name not in ("finite", "learned")})
    return summary
