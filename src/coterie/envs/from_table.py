"""From an exact table to an environment: what `tabulate` makes, and every game that was written down as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from coterie.envs.protocol import Environment, Step, all_legal, all_move
from coterie.finite.game import FiniteGame, check_game


def from_table(game: FiniteGame) -> Environment:
    """The environment that a finite game is the table of; undoes `tabulate` up to the numbering of states.

    Its state is the table's state number, int32[]; the outcomes of a joint action are its edges in their order, as many
    as the most branching one has, with probability 0 beyond its own. A state that can only be arrived in (no edges)
    has no possible outcome. The central state is the table's `states`, flat where the spec knows another size.
    With a mask, whoever has a choice is to move (all, where nobody has one), and the others wait. Raises ValueError
    where the arrays do not fit together.
    """
    check_game(game)
    kinds, agents = game.spec.kinds, len(game.spec.agents)
    joint_count = int(np.prod(game.actions))
    strides = np.cumprod((1, *game.actions[:0:-1]))[::-1].astype(np.int32)  # the last agent's action counts fastest
    first_edge, successor = jnp.asarray(game.first_edge), jnp.asarray(game.successor)
    ended, success, start_state = jnp.asarray(game.ended), jnp.asarray(game.success), jnp.asarray(game.start_state)
    branches = np.arange(max(1, np.diff(game.first_edge).max(initial=0)), dtype=np.int32)
    last_edge = max(0, len(game.successor) - 1)
    offsets = np.cumsum([0] + [len(values) for values in game.observations])
    seen = [jnp.asarray(game.seen[:, list(kind.agents)] - first) for kind, first in zip(kinds, offsets, strict=False)]
    sights = [jnp.asarray(values) for values in game.observations]
    legal, to_move = _turns(game)
    central, spec = game.states.reshape(len(game.states), -1).astype(np.int32), game.spec
    if np.prod(spec.state_shape) == central.shape[1]:
        central = central.reshape(-1, *spec.state_shape)
    elif spec.state_shape == (0,):
        central = central[:, :0]
    else:
        spec = replace(spec, state_shape=central.shape[1:])

    def edges(state, action):
        pair = state * joint_count + jnp.dot(action, strides)
        return first_edge[pair], first_edge[pair + 1]

    def outcomes(state, action):
        first, stop = edges(state, action)
        edge = jnp.minimum(first + branches, last_edge)
        return jnp.where(first + branches < stop, jnp.asarray(game.probability, float)[edge], 0.0)

    def step(state, action, outcome):
        edge = jnp.minimum(edges(state, action)[0] + outcome, last_edge)
        reward = jnp.asarray(game.reward, float)[edge]
        return Step(successor[edge], reward, jnp.full(agents, ended[edge]), success[edge])

    def board(state, action):
        if len(game.action_boards) and action is not None and np.all(np.asarray(action) >= 0):
            return game.action_boards[int(np.dot(np.asarray(action), strides))]
        return game.boards[int(state)]

    return Environment(
        name=game.name,
        spec=spec,
        action_names=game.action_names,
        horizon=game.horizon,
        idle=game.idle,
        idle_is_noop=game.idle_is_noop,
        success_word=game.success_word,
        starts=lambda: jnp.asarray(game.start_probability, float),
        start=lambda outcome: start_state[outcome],
        outcomes=outcomes,
        step=step,
        observe=lambda state: tuple(values[rows[state]] for values, rows in zip(sights, seen, strict=True)),
        legal=legal,
        central=lambda state: jnp.asarray(central)[state],
        to_move=to_move,
        board=board if game.boards.size else None,
    )


def _turns(game: FiniteGame) -> tuple[Callable[[Any], tuple[Any, ...]], Callable[[Any], Any]]:
    """What may be done in a state, by kind, and who decides there."""
    kinds, agents = game.spec.kinds, len(game.actions)
    if not game.masked:
        return all_legal(tuple((len(kind.agents), kind.actions) for kind in kinds)), all_move(agents)
    may = game.allowed[np.arange(agents), game.seen]  # [S, N, A]
    masks = [jnp.asarray(may[:, list(kind.agents), : kind.actions]) for kind in kinds]
    choice = may.sum(2) > 1
    decide = jnp.asarray(choice | ~choice.any(1, keepdims=True))
    return lambda state: tuple(mask[state] for mask in masks), lambda state: decide[state]
