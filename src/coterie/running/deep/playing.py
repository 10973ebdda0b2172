"""Episodes of fixed policies: greedy, random or idle, on seeds of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.protocol import Environment
from coterie.partitions import joint_action
from coterie.running.roads import Places, Worlds, advance, enter, look
from coterie.running.rollout import EVALUATE, act_at, choose, purpose_key, views
from coterie.settings import LONGEST_EPISODE
from coterie.types import Algorithm, Array, Mode, Outcome, Sight


class Played(NamedTuple):
    """Whole episodes: returns float32[P, all], joint steps int32[P], success bool[P], over bool[P]."""

    returns: Array
    steps: Array
    success: Array
    over: Array


def check_seeds(seed: Array, check: Array, episodes: int) -> Array:
    """The seeds of the episodes of one check, uint32[P] below 2^31, apart from all that is learned from."""
    key = jax.random.fold_in(purpose_key(seed, EVALUATE, 0), check)
    return jax.random.bits(key, (episodes,), dtype=jnp.uint32) >> 1


def limit_of(horizon: int) -> int:
    """How many joint steps are played at most."""
    return horizon or LONGEST_EPISODE


def compiled_play(
    algorithm: Algorithm, environment: Environment, episodes: int, mode: Mode = "greedy"
) -> Callable[[Array, Any, Array], Played]:
    """`play(seed, policy, check) -> Played`: whole episodes of one policy, side by side; pure and not yet jitted."""
    spec, agents = environment.spec, len(environment.spec.agents)

    def play(seed: Array, policy: Any, check: Array) -> Played:
        chance = check_seeds(seed, check, episodes)
        places = enter(environment, chance)

        def row(carry: Any, number: Array) -> Any:
            places, memory, fresh, played = carry
            sight = look(environment, places)
            view = views(jnp, spec, sight, fresh, sight.alive)
            decisions = act_at(algorithm, mode, seed, check * 65_536 + number, policy, view, memory)
            action = joint_action(spec, tuple(decision.action for decision in decisions))
            after, outcome = advance(environment, places, action, jnp.full(episodes, number, jnp.int32), lambda: chance)
            going = ~played.over
            memory = tuple(choose(jnp, v.to_move, d.memory, m) for v, d, m in zip(view, decisions, memory, strict=True))
            played = Played(
                played.returns + jnp.where(sight.alive & going[:, None], outcome.reward, 0),
                played.steps + going,
                played.success | (outcome.success & going),
                played.over | outcome.over,
            )
            return (Places(*after), memory, fresh & ~sight.to_move, played), None

        start = Played(
            jnp.zeros((episodes, agents)), jnp.zeros(episodes, jnp.int32), jnp.zeros(episodes, bool),
            jnp.zeros(episodes, bool),
        )  # fmt: skip
        begin = (places, algorithm.memory(policy, episodes), jnp.ones((episodes, agents), bool), start)
        numbers = jnp.arange(limit_of(environment.horizon), dtype=jnp.uint32)
        return jax.lax.scan(row, begin, numbers)[0][3]

    return play


def outside_play(
    act: Callable[..., Any],
    memory: Callable[..., Any],
    worlds: Worlds,
    seed: int,
    policy: Any,
    check: int,
    episodes: int,
    limit: int,
    on_step: Callable[[Sight, np.ndarray, Outcome], None] | None = None,
) -> Played:
    """The same in as many worlds outside; `act` is jitted and greedy."""
    spec = worlds.spec
    chance = np.asarray(check_seeds(np.uint32(seed), np.uint32(check), episodes))
    sight = worlds.reset(chance)
    agents = len(spec.agents)
    held = jax.tree.map(np.array, memory(policy, episodes))
    fresh = np.ones((episodes, agents), bool)
    returns, steps = np.zeros((episodes, agents), np.float32), np.zeros(episodes, np.int32)
    success, over = np.zeros(episodes, bool), np.zeros(episodes, bool)
    for number in range(limit):
        view = views(np, spec, sight, fresh, sight.alive)
        drawn = np.uint32((check * 65_536 + number) % 2**32)  # wraps as the compiled road does
        decisions = jax.tree.map(np.array, act(np.uint32(seed), drawn, policy, view, held))
        action = joint_action(spec, tuple(decision.action for decision in decisions))
        outcome, shown = worlds.step(action, chance)
        if on_step is not None:
            on_step(sight, action, outcome)
        going = ~over
        returns += np.where(sight.alive & going[:, None], outcome.reward, np.float32(0))
        steps += going
        success |= outcome.success & going
        held = tuple(choose(np, v.to_move, d.memory, m) for v, d, m in zip(view, decisions, held, strict=True))
        fresh = (fresh & ~sight.to_move) | ((outcome.terminated | outcome.truncated) & sight.alive)
        over = over | outcome.over
        sight = shown
        if over.all():
            break
    return Played(returns, steps, success, over)
