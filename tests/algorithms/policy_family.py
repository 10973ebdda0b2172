"""Learners of policies in many probes at once, through the runner; and made-up rollouts for them.

A medley is a world in which every episode is one of some probes with equally many agents; all see which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import FAST, made_up, stacked

from coterie.algorithms import ppo
from coterie.envs.probes import PROBES, probe
from coterie.envs.protocol import Environment, Step
from coterie.equations import advantages
from coterie.networks.policies import critic_kinds
from coterie.networks.team import blank_memory, told_along
from coterie.running.roads import compiled
from coterie.running.rollout import Plan, Run
from coterie.settings import ProbeOptions
from coterie.types import Algorithm, Rollout, Spec


def medley(names: tuple[str, ...]) -> Environment:
    """The probes of these names as one world: sees a one at the probe's place, then what the probe shows."""
    games = [PROBES[name](ProbeOptions()) for name in names]
    count = len(games[0].spec.agents)
    starts = [(start, place) for place, game in enumerate(games) for start in range(int(game.starts().size))]

    def step(state: Any, action: Any, outcome: Any) -> Step:
        def of(game: Environment, now: Any) -> Step:
            told = game.step(now, action, outcome)
            return told._replace(state=jnp.asarray(told.state, jnp.int32))

        told = jax.lax.switch(state[2], [partial(of, game) for game in games], state[:2])
        return told._replace(state=jnp.concatenate([told.state, state[2:]]))

    def observe(state: Any) -> tuple[Any]:
        shown = [
            lambda now, game=game: jnp.pad(game.observe(now)[0], ((0, 0), (0, 2)))[:, :2].astype(jnp.float32)
            for game in games
        ]
        seen = jax.lax.switch(state[2], shown, state[:2])
        which = jnp.broadcast_to(jax.nn.one_hot(state[2], len(games)), (count, len(games)))
        return (jnp.concatenate([which, seen], -1),)

    table = jnp.array([(0, *start) for start in starts], jnp.int32)
    world = probe(
        "medley", step=step, observe=observe, kinds=((tuple(range(count)), 2, len(games) + 2),), starts=len(starts),
        start=lambda outcome: table[outcome], horizon=8, outcomes=(0.25, 0.75),
        to_move=lambda state: jax.lax.switch(state[2], [game.to_move for game in games], state[:2]),
    )  # fmt: skip
    return world._replace(spec=replace(world.spec, state_shape=(3,), waits="turns" in names))


def sights(names: tuple[str, ...], seen: dict[str, tuple[float, ...]]) -> np.ndarray:
    """What is seen in a medley, [S, F], where a probe (the first word of each name) shows these numbers."""
    rows = []
    for name, numbers in seen.items():
        which = [float(name.split()[0] == probe) for probe in names]
        rows.append([*which, *numbers, *[0.0] * (2 - len(numbers))])
    return np.array(rows, np.float32)


def learned(
    environment: Environment,
    build: Callable[[Any], Algorithm],
    plan: Plan,
    iterations: int,
    flags: list[Any],
    seeds: list[int],
) -> tuple[Run, Any]:
    """Replicas [R] after so many iterations of the compiled road, one for each flag and seed; and what was told."""

    def one(seed: Any, flag: Any) -> Any:
        start, train = compiled(build(flag), environment, plan)
        run, (info, scores) = train(seed, start(seed), iterations)
        return run, (info, scores)

    program = jax.vmap(one, (0, 0), (Run(0, 0, 0, 0, None), 0))
    return jax.device_get(jax.jit(program, compiler_options=FAST)(jnp.array(seeds, jnp.uint32), stacked(flags)))


def heads(spec: Spec, made: ppo.Parts, learners: ppo.Learner, k: int, sights: np.ndarray, state: Any = None) -> Any:
    """What actors and critics of kind k tell of these sights [S, F], each as an episode's first: [R, S, N, ..].

    Actors' h, and values on the scale of the rewards.
    """
    kind, seen_spec = spec.kinds[k], replace(spec, kinds=critic_kinds(spec, made.central))
    agents = len(kind.agents)

    def one(learner: ppo.Learner) -> Any:
        found = []
        for networks, whose, params, shown in (
            (made.networks, spec, learner.online.agents, sights),
            (made.critics, seen_spec, learner.online.critics, sights if state is None else state),
        ):
            wide = jnp.repeat(jnp.asarray(shown)[None, :, None], agents, 2)
            memory = blank_memory(whose, networks, len(shown))[k]
            first = jnp.ones(wide.shape[:3], bool)
            found.append(told_along(networks[k], whose, whose.kinds[k], params[k], wide, first, memory)[0])
        middle, width = advantages.moments(learner.scale[k])
        return found[0], middle + width * found[1][..., 0]

    return jax.device_get(jax.jit(jax.vmap(one), compiler_options=FAST)(learners))


def ends_at_limits(algorithm: Algorithm, wrong: Any) -> Algorithm:
    """The same algorithm, that takes time limits for endings where `wrong`."""

    def update(key: Any, learner: Any, rollout: Rollout, clock: Any) -> Any:
        kinds = tuple(t._replace(discount=jnp.where(wrong & t.last, 0.0, t.discount)) for t in rollout.kinds)
        return algorithm.update(key, learner, rollout._replace(kinds=kinds), clock)

    return algorithm._replace(update=update)


@contextmanager
def turned_round(wrong: Any) -> Iterator[None]:
    """Inside, policies are told of the opposite of each advantage where `wrong`."""
    gain = advantages.clipped_gain
    with pytest.MonkeyPatch.context() as patch:
        opposite = lambda ratio, advantage, clip: gain(ratio, jnp.where(wrong, -advantage, advantage), clip)  # noqa: E731
        patch.setattr(advantages, "clipped_gain", opposite)
        yield


def probabilities(h: np.ndarray) -> np.ndarray:
    """Of each action, softmax over the last axis."""
    weight = np.exp(h - h.max(-1, keepdims=True))
    return weight / weight.sum(-1, keepdims=True)


def made_up_rollout(spec: Spec, plan: Plan, seed: int = 0) -> Rollout:
    """`made_up`, once, [T, E, ..]: all actions are legal, and as likely when drawn as chance would have it."""
    rng = np.random.default_rng(seed)
    rollout = jax.tree.map(lambda leaf: leaf[0], made_up(spec, plan, 1, seed))
    kinds = []
    for t in rollout.kinds:
        action = np.where(t.view.legal, rng.random(t.view.legal.shape), -1).argmax(-1).astype(np.int32)
        then = rng.uniform(-1.6, -0.6, action.shape).astype(np.float32)
        kinds.append(t._replace(action=action, extras=ppo.Extras(action, then)))
    return rollout._replace(kinds=tuple(kinds))


def made_up_learner(algorithm: Algorithm, spec: Spec, seed: int = 0) -> ppo.Learner:
    """A learner in NumPy, with networks and a scale of its values that are drawn."""
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: algorithm.init(jax.random.key(0), spec))
    learner = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    online = jax.tree.map(lambda leaf: rng.uniform(-0.7, 0.7, leaf.shape).astype(np.float32), learner.online)
    scale = tuple(
        advantages.Scale(*(rng.uniform(low, 1.5, one.mean.shape).astype(np.float32) for low in (0.5, -1, 0.5)))
        for one in learner.scale
    )
    return learner._replace(online=online, scale=scale, finite=np.bool(True))
