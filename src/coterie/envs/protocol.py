"""What a JAX environment is: a tuple of pure functions in which chance is an argument.

The simulator and the exact table of a game cannot disagree, because both call the same `step(state, action, outcome)`:
the simulator draws the outcome, the table walks through all of them. Environments whose chance is opaque (adapters)
offer only `draw_start` and `draw_step`, and `tabulate` refuses them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from coterie.types import Array, Key, Spec


class Step(NamedTuple):
    """The world after one joint action.

    state, reward float[N], terminated bool[N] (the world truly ended for this agent; a time limit is not here), and
    success bool[]: the environment's own word that this step reached what the agents are there for. Who has ended stays
    terminated and earns 0 until all have; the runner holds to both, whatever the environment says.
    """

    state: Any
    reward: Array
    terminated: Array
    success: Array


class Environment(NamedTuple):
    """One configured environment; actions are int32[N] in the order of `spec.agents`.

    starts() -> probabilities[K0]                    start(outcome) -> state
    outcomes(state, action) -> probabilities[K]      K static; (1.,) where the world is deterministic
    step(state, action, outcome) -> Step             no randomness inside
    observe(state) -> tuple, one [N_kind, ...] array a kind
    legal(state) -> tuple, one bool[N_kind, A] array a kind
    central(state) -> array of `spec.state_shape`    what mixers and central critics may see
    to_move(state) -> bool[N]                        all True where everybody moves at once
    board(state, action) -> numpy uint8[H, W]        a picture for people; see boards.py; action -1: none yet
    horizon counts joint steps, 0 for none; idle is each agent's no-op, or a fixed action where there is none.
    """

    name: str
    spec: Spec
    action_names: tuple[str, ...]
    horizon: int
    idle: tuple[int, ...]
    idle_is_noop: bool
    success_word: str
    starts: Callable[[], Array] | None
    start: Callable[[Array], Any] | None
    outcomes: Callable[[Any, Array], Array] | None
    step: Callable[[Any, Array, Array], Step] | None
    observe: Callable[[Any], tuple[Array, ...]]
    legal: Callable[[Any], tuple[Array, ...]]
    central: Callable[[Any], Array]
    to_move: Callable[[Any], Array]
    board: Callable[[Any, Any], Any] | None
    opaque_start: Callable[[Key], Any] | None = None
    opaque_step: Callable[[Key, Any, Array], Step] | None = None


def chance_key(seed: Array, step: Array) -> Key:
    """The key of one episode's chance: `seed` is what `reset(seed=)` gets; step 0 draws the start, t + 1 joint step t.

    An episode's chance is a function of one integer and of nothing else, so that the compiled road, the same
    environment behind PettingZoo's interface, and a replay of one episode are one and the same world.
    """
    return jax.random.fold_in(jax.random.key(seed), step)


def draw_start(environment: Environment, key: Key) -> Any:
    """A start state, drawn once from `starts()`."""
    if environment.opaque_start is not None:
        return environment.opaque_start(key)
    assert environment.starts is not None and environment.start is not None
    return environment.start(_draw(key, environment.starts()))


def draw_step(environment: Environment, key: Key, state: Any, action: Array) -> Step:
    """One step with its chance drawn once from `outcomes(state, action)`."""
    if environment.opaque_step is not None:
        return environment.opaque_step(key, state, action)
    assert environment.outcomes is not None and environment.step is not None
    return environment.step(state, action, _draw(key, environment.outcomes(state, action)))


def _draw(key: Key, probabilities: Array) -> Array:
    """Inverse-transform draw of an index; a single outcome costs nothing."""
    if probabilities.shape[0] == 1:
        return jnp.int32(0)
    uniform = jax.random.uniform(key, dtype=probabilities.dtype)
    last = jnp.max(jnp.where(probabilities > 0, jnp.arange(probabilities.shape[0]), 0))
    drawn = jnp.sum(uniform >= jnp.cumsum(probabilities)).astype(jnp.int32)
    return jnp.minimum(drawn, last.astype(jnp.int32))


def all_move(agents: int) -> Callable[[Any], Array]:
    """`to_move` of a game in which everybody decides at once."""
    return lambda state: jnp.ones(agents, bool)


def all_legal(sizes: tuple[tuple[int, int], ...]) -> Callable[[Any], tuple[Array, ...]]:
    """`legal` of a game without illegal actions; sizes are (agents, actions) by kind."""
    return lambda state: tuple(jnp.ones(size, bool) for size in sizes)
