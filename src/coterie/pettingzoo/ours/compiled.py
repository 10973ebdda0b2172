"""The compiled functions behind our environments' PettingZoo forms.

One call a step returns everything as one block of words, for each array that is fetched by itself costs more than the
step: 14 us a step so, 24 us array by array, 74 us with `jax.device_get` (rendezvous, two agents, one core).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Box, Space

from coterie.envs.protocol import Environment, draw_start, draw_step
from coterie.types import Array, Key, Kind

WORD_BYTES = 4
SEED_WORD = 2**32


class Report(NamedTuple):
    """What a call tells: observations and legal actions by kind; by agent what the step brought, and who moves next.

    legal and to_move are empty tuples where nothing is ever illegal, and where everybody always moves.
    """

    observations: tuple[Array, ...]
    legal: tuple[Array, ...]
    reward: Array
    terminated: Array
    success: Array
    to_move: tuple[Array, ...]


class Programs(NamedTuple):
    """The compiled functions of one environment; carry is (draws so far, state) and stays on the device.

    begin(key, draws) -> carry, words      advance(key, carry, action int32[N]) -> carry, words
    read(words) -> Report of numpy arrays  central(state) -> array
    """

    begin: Callable[[Key, Array], tuple[Any, Array]]
    advance: Callable[[Key, Any, Array], tuple[Any, Array]]
    read: Callable[[np.ndarray], Report]
    central: Callable[[Any], Array]
    masks: bool
    turns: bool
    state_space: Space


@functools.lru_cache(maxsize=64)
def compile_programs(environment: Environment) -> Programs:
    """The programs of an environment; kept, so that a second copy of an environment compiles nothing."""
    agents = len(environment.spec.agents)
    key = jax.random.key(0)
    state = jax.eval_shape(functools.partial(draw_start, environment), key)
    masks, turns = not always_true(environment.legal, state), not always_true(environment.to_move, state)

    def report(state, reward, terminated, success):
        legal = environment.legal(state) if masks else ()
        to_move = (environment.to_move(state),) if turns else ()
        return Report(environment.observe(state), legal, reward, terminated, success, to_move)

    def begin(key, draws):
        state = draw_start(environment, jax.random.fold_in(key, draws))
        nothing = report(state, jnp.zeros(agents, jnp.float32), jnp.zeros(agents, bool), jnp.zeros((), bool))
        return (draws + 1, state), to_words(nothing)

    def told(key, draws, state, action):
        step = draw_step(environment, jax.random.fold_in(key, draws), state, action)
        reward = step.reward.astype(jnp.float32)
        return step.state, report(step.state, reward, step.terminated, step.success)

    def advance(key, carry, action):
        draws, state = carry
        state, after = told(key, draws, state, action)
        return (draws + 1, state), to_words(after)

    _, shapes = jax.eval_shape(told, key, jnp.uint32(0), state, jnp.zeros(agents, jnp.int32))
    return Programs(
        begin=jax.jit(begin),
        advance=jax.jit(advance),
        read=reader(shapes),
        central=jax.jit(environment.central),
        masks=masks,
        turns=turns,
        state_space=full_range(jax.eval_shape(environment.central, state)),
    )


def always_true(question: Callable[[Any], Any], state: Any) -> bool:
    """Whether a function of the state never reads it, and answers True throughout."""
    traced = jax.make_jaxpr(question)(state).jaxpr
    inputs = set(map(id, traced.invars))
    read = [*traced.outvars, *(name for equation in traced.eqns for name in equation.invars)]
    if any(id(name) in inputs for name in read):
        return False
    some_state = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), state)
    return all(np.asarray(answer).all() for answer in jax.tree.leaves(question(some_state)))


def to_words(tree: Any) -> Array:
    """All arrays of a tree as one block, int32[W]; `reader` is its inverse.

    Words, not bytes: XLA takes 50 us on a processor to cut a few dozen numbers into bytes.
    """
    return jnp.concatenate([leaf_to_words(leaf) for leaf in jax.tree.leaves(tree)])


def leaf_to_words(leaf: Array) -> Array:
    """One array as int32 words: a word for each narrow number, two for each wide one."""
    width = leaf.dtype.itemsize
    if leaf.dtype == bool:
        words = leaf.astype(jnp.int32)
    elif width < WORD_BYTES:
        words = jax.lax.bitcast_convert_type(leaf, f"int{8 * width}").astype(jnp.int32)
    else:
        words = jax.lax.bitcast_convert_type(leaf, jnp.int32)
    return words.reshape(-1)


def words_to_leaf(words: np.ndarray, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """The numpy array in these words."""
    if dtype.kind == "b":
        words = words.astype(bool)
    elif dtype.itemsize < WORD_BYTES:
        words = words.astype(f"int{8 * dtype.itemsize}")
    return words.view(dtype).reshape(shape)


def reader(shapes: Report) -> Callable[[np.ndarray], Report]:
    """A function from a block of words to the numpy arrays in it; they belong to whoever owns the block."""
    leaves, tree = jax.tree.flatten(shapes)
    places, start = [], 0
    for leaf in leaves:
        end = start + leaf.size * max(1, leaf.dtype.itemsize // WORD_BYTES)
        places.append((start, end, leaf.dtype, leaf.shape))
        start = end

    def read(block: np.ndarray) -> Report:
        return tree.unflatten([words_to_leaf(block[start:end], dtype, shape) for start, end, dtype, shape in places])

    return read


def observation_box(kind: Kind) -> Box:
    """What a kind of agents may see: 0 to its highest value where that is known, else all of the number type."""
    dtype = np.dtype(kind.observation_dtype)
    if kind.observation_high is None:
        return full_range(jax.ShapeDtypeStruct(kind.observation_shape, dtype))
    return Box(0, kind.observation_high, kind.observation_shape, dtype.type)


def full_range(array: jax.ShapeDtypeStruct) -> Box:
    """All values of one array's type."""
    number_type: Any = array.dtype.type
    if array.dtype == bool:
        return Box(0, 1, array.shape, number_type)
    if np.issubdtype(array.dtype, np.integer):
        limits = np.iinfo(array.dtype)
        return Box(limits.min, limits.max, array.shape, number_type)
    return Box(-np.inf, np.inf, array.shape, number_type)


def seed_key(seed: int) -> Key:
    """The random key of a seed of any size; `jax.random.key` alone forgets all but the lowest 32 bits."""
    key = jax.random.key(seed % SEED_WORD)
    while seed := seed // SEED_WORD:
        key = jax.random.fold_in(key, seed % SEED_WORD)
    return key


def nearby_device() -> Any:
    """The processor, for one small step at a time gains nothing on an accelerator and waits for it each time."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:  # JAX was told to use accelerators only
        return jax.local_devices()[0]
