"""The clock of an environment from elsewhere: what tells its time limit from a true ending.

Most environments say with one flag that an episode is over, whether the world ended or time was up. Their clock is what
tells the two apart: the whole numbers in the state that begin alike in every episode and grow by one in every step,
whatever is done. Where a late clock alone ends an episode, that is the time limit; and a step truly ends what it would
end with the clock at its start, too:

    horizon = 1 + the first reading of the clock with which a step is over that is not over with the clock set back
    terminated(state, action) = over(state with the clock set back, action)

Where no such clock is found (it begins anew within an episode, or time is not in the state), every ending is taken as
true. A world whose own rule counts steps, like the fuse of a bomb, looks the same as a time limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.types import Array, Key

if TYPE_CHECKING:
    from coterie.envs.adapters import Game, World

STARTS = 3  # episodes that are looked at
STEPS = 4  # in which a clock must have grown by one each
BLOCK, BLOCKS = 256, 32  # how many readings of the clock are tried at once, and how often
FAST_TO_COMPILE: Any = {"xla_backend_optimization_level": 0}


class Clock(NamedTuple):
    """Which leaves of a state count steps, what they show at the start, and the time limit in steps.

    told_apart: the environment itself tells its time limit from an ending (`After.ending`).
    """

    leaves: tuple[int, ...]
    first: tuple[int, ...]
    horizon: int
    told_apart: bool


def find_clock(game: Game) -> Clock | None:
    """The clock of an environment; None where there is none, or no time limit within BLOCK * BLOCKS steps."""
    keys = jnp.stack([raw_key(seed) for seed in range(STARTS)])
    shown = np.array(jax.jit(jax.vmap(lambda key: history(game, key)), compiler_options=FAST_TO_COMPILE)(keys))
    grown = shown[:1, :, :1] + np.arange(STEPS + 1)[:, None, None]  # [step, leaf, start]
    leaves = np.flatnonzero((shown == grown).all((0, 2)))
    if not leaves.size:
        return None
    clock = Clock(tuple(leaves.tolist()), tuple(shown[0, leaves, 0].tolist()), 0, False)

    def over_at(time: Array, key: Array, world: World) -> tuple[Array, Array]:
        late = world._replace(state=at(clock, world.state, time))
        after = game.step(key, late, random_action(game, world, key))
        return after.over.all(), after.ending.any()

    def over_in_block(first: Array) -> tuple[Array, Array]:
        worlds = jax.vmap(game.start)(keys)
        return jax.lax.map(lambda time: jax.vmap(over_at, (None, 0, 0))(time, keys, worlds), first + jnp.arange(BLOCK))

    tried = jax.jit(over_in_block, compiler_options=FAST_TO_COMPILE)
    goes_on = None
    for first in range(0, BLOCK * BLOCKS, BLOCK):
        over, ending = map(np.asarray, tried(jnp.int32(first)))  # [time, start]
        goes_on = int(over[0].argmin()) if goes_on is None else goes_on
        if first == 0 and over[0, goes_on]:
            return None
        if over[:, goes_on].any():
            time = int(over[:, goes_on].argmax())
            return clock._replace(horizon=first + time + 1, told_apart=not bool(ending[time, goes_on]))
    return None


def history(game: Game, key: Key) -> list[list[Array]]:
    """The whole numbers of the state in the first STEPS steps of random play, 0 for every other leaf."""

    def numbers(state: Any) -> list[Array]:
        return [leaf if is_number(leaf) else jnp.int32(0) for leaf in jax.tree.leaves(state)]

    world = game.start(key)
    shown = [numbers(world.state)]
    for step in range(STEPS):
        chance = jax.random.fold_in(key, step)
        world = game.step(chance, world, random_action(game, world, chance)).world
        shown.append(numbers(world.state))
    return shown


def random_action(game: Game, world: World, key: Key) -> Array:
    """One legal action for each agent, int32[N]."""
    chosen = []
    for agent, count in enumerate(game.actions):
        chance = jax.random.uniform(jax.random.fold_in(key, agent), (count,))
        chosen.append(jnp.where(world.legal[agent] != 0, chance, -1.0) if world.legal else chance)
    return jnp.stack([chance.argmax() for chance in chosen]).astype(jnp.int32)


def is_number(leaf: Any) -> bool:
    """Whether a leaf of a state could count steps: it is one whole number."""
    return jnp.shape(leaf) == () and jnp.issubdtype(jnp.result_type(leaf), jnp.integer)


def at(clock: Clock, state: Any, time: Array | int) -> Any:
    """The state with its clock set to so many steps after the start."""
    leaves, tree = jax.tree.flatten(state)
    for leaf, first in zip(clock.leaves, clock.first, strict=True):
        leaves[leaf] = jnp.asarray(first + time, jnp.result_type(leaves[leaf]))
    return tree.unflatten(leaves)


def raw_key(seed: int) -> Array:
    """A key as plain numbers, which environments of every age understand."""
    return jax.random.key_data(jax.random.key(seed))
