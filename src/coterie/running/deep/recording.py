"""Greedy episodes of deep teams, recorded step by step: to be watched, and to be asked why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.protocol import Environment, chance_key, draw_step
from coterie.partitions import joint_action
from coterie.running.deep.playing import check_seeds, limit_of
from coterie.running.episodes import keys_of
from coterie.running.roads import Places, enter, look
from coterie.running.rollout import act_at, choose, views
from coterie.types import Algorithm, Array, Outcome, Play, Sight, Spec


class Told(NamedTuple):
    """What episodes showed: states and sights by kind [T + 1, P, ...]; the rest [T, P, ...], agents in their order."""

    states: Any
    sights: tuple[Array, ...]
    actions: Array
    rewards: Array
    success: Array
    over: Array
    ended: Array


def compiled_recording(algorithm: Algorithm, environment: Environment, episodes: int) -> Callable[..., Told]:
    """`record(seed, policy, check) -> Told`: greedy episodes side by side; none begins anew when it is over."""
    spec, limit = environment.spec, limit_of(environment.horizon)

    def record(seed: Array, policy: Any, check: Array) -> Told:
        chance = check_seeds(seed, check, episodes)

        def row(carry: Any, number: Array) -> Any:
            places, memory, fresh = carry
            sight = look(environment, places)
            view = views(jnp, spec, sight, fresh, sight.alive)
            decisions = act_at(algorithm, "greedy", seed, check * 65_536 + number, policy, view, memory)
            action = joint_action(spec, tuple(decision.action for decision in decisions))
            step = jax.vmap(
                lambda seed, state, joint: draw_step(environment, chance_key(seed, number + 1), state, joint)
            )(chance, places.state, action)
            ended = step.terminated & places.alive
            cut = places.alive & ~ended & (number + 1 >= limit)
            alive = places.alive & ~ended & ~cut
            memory = tuple(choose(jnp, v.to_move, d.memory, m) for v, d, m in zip(view, decisions, memory, strict=True))
            reward = jnp.where(places.alive, step.reward, 0)
            told = (places.state, sight.obs, action, reward, step.success, ~alive.any(-1), ~cut.any(-1))
            return (Places(step.state, alive, chance), memory, fresh & ~sight.to_move), told

        begin = (
            enter(environment, chance),
            algorithm.memory(policy, episodes),
            jnp.ones((episodes, len(spec.agents)), bool),
        )
        (last, *_), told = jax.lax.scan(row, begin, jnp.arange(limit, dtype=jnp.uint32))
        states, sights, *rest = told
        add = lambda rows, one: jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), rows, one)  # noqa: E731
        return Told(add(states, last.state), add(sights, look(environment, last).obs), *rest)

    return record


def plays_of(environment: Environment, told: Told, team: int) -> list[Play]:
    """The recorded episodes as plays, with pictures where the environment draws them; each ends where it was over."""
    plays = []
    for place in range(told.over.shape[1]):
        end = int(np.argmax(told.over[:, place])) + 1 if told.over[:, place].any() else len(told.over)
        states = [
            jax.tree.map(lambda leaf, row=row, place=place: leaf[row, place], told.states) for row in range(end + 1)
        ]
        flat = np.stack([np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(state)]) for state in states])
        plays.append(
            Play(
                keys=keys_of([flat]),
                boards=drawn(environment, states, told.actions[:, place]),
                actions=told.actions[:end, place].astype(environment.spec.action_dtype),
                rewards=told.rewards[:end, place].astype(float),
                success=bool(told.success[:end, place].any()),
                ended=bool(told.ended[end - 1, place]),
                team=team,
                observations=by_agent(environment.spec, told.sights, place, end + 1),
                amounts=amounts_of(environment.spec),
            )
        )
    return plays


def drawn(environment: Environment, states: Sequence[Any], actions: np.ndarray) -> np.ndarray:
    """The boards of an episode, uint8[T + 1, H, W]; empty where the environment has none."""
    if environment.board is None:
        return np.zeros((len(states), 0, 0), np.uint8)
    before = [np.full(actions.shape[-1], -1), *actions]
    return np.stack([environment.board(state, before[row]) for row, state in enumerate(states)]).astype(np.uint8)


def amounts_of(spec: Spec) -> tuple[int, ...]:
    """How many amounts each agent's action has, 0 where it is a number; () where it is one for everybody."""
    counts = {agent: len(kind.bounds) for kind in spec.kinds for agent in kind.agents}
    return tuple(counts[agent] for agent in range(len(spec.agents))) if any(counts.values()) else ()


def by_agent(spec: Spec, sights: Any, place: int, rows: int) -> tuple[np.ndarray, ...]:
    """What each agent saw, [T + 1, ...], in the environment's order."""
    found: list[Any] = [None] * len(spec.agents)
    for k, kind in enumerate(spec.kinds):
        for n, agent in enumerate(kind.agents):
            found[agent] = sights[k][:rows, place, n]
    return tuple(found)


def plays_outside(
    spec: Spec, kept: Sequence[tuple[Sight, np.ndarray, Outcome]], team: int, episodes: int
) -> list[Play]:
    """The first so many episodes of worlds outside as plays, from what was seen, done and earned in each step."""
    plays = []
    for place in range(episodes):
        over = [bool(outcome.over[place]) for _, _, outcome in kept]
        end = over.index(True) + 1 if True in over else len(over)
        steps = kept[:end]
        before = [sight for sight, _, _ in steps]
        seen = tuple(np.stack([*(s.obs[k] for s in before), steps[-1][2].next.obs[k]]) for k in range(len(spec.kinds)))
        observations = by_agent(spec, seen, place, end + 1)
        rewards = np.stack([np.where(s.alive[place], o.reward[place], 0) for s, _, o in steps]).astype(float)
        plays.append(
            Play(
                keys=keys_of(observations),
                boards=np.zeros((end + 1, 0, 0), np.uint8),
                actions=np.stack([action[place] for _, action, _ in steps]).astype(spec.action_dtype),
                rewards=rewards,
                success=any(bool(o.success[place]) for _, _, o in steps),
                ended=True in over and not steps[-1][2].truncated[place].any(),
                team=team,
                observations=observations,
                amounts=amounts_of(spec),
            )
        )
    return plays
