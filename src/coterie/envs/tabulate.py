"""From an environment to its exact table, and the cache that makes the second time free.

Breadth first from every start: all joint actions and all outcomes of a batch of states are stepped in one compiled
call; states are told apart by the bytes of their integer leaves.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.protocol import Environment
from coterie.errors import BadInput, EnvironmentFault
from coterie.finite.game import FiniteGame

ROWS_A_BATCH = 8_192
EDGES_CAP = 4_000_000  # pairs of state and joint action; about five seconds and half a gigabyte
ROUNDS_CAP = 5_000
BOARDS_CAP = 50_000_000  # bytes of pictures
SAME_CHANCE = 1e-4  # environments may compute in float32


def tabulate(environment: Environment, *, cap: int = EDGES_CAP) -> FiniteGame:
    """The environment as a table; at most `cap` edges.

    Raises BadInput where chance is opaque, the state holds more than integers, an action is illegal, an agent ends
    before its team, or the game is too large; EnvironmentFault where the chances of an action do not add up to 1.
    """
    if None in (environment.starts, environment.start, environment.outcomes, environment.step):
        raise BadInput(
            f"{environment.name} draws its own chance, so it has no exact table; only environments that take chance "
            "as an argument (outcomes, starts) can be tabulated"
        )
    with jax.enable_x64(True):
        return _tabulate(environment, cap)


def _tabulate(environment: Environment, cap: int) -> FiniteGame:
    assert environment.starts is not None and environment.outcomes is not None
    start_probability = np.asarray(environment.starts(), np.float64)
    example, shapes = _example(environment)
    flatten, restore = _flattener(example, environment.name)
    joint = _joint_actions(environment)
    outcomes = jax.eval_shape(environment.outcomes, example, jnp.asarray(joint[0])).shape[0]
    explore = _compiled_explorer(environment, flatten, restore, joint, outcomes)
    batch = max(1, ROWS_A_BATCH // (len(joint) * outcomes))

    number: dict[bytes, int] = {}
    rows: list[np.ndarray] = []

    def numbers(flat: np.ndarray) -> np.ndarray:
        distinct, inverse = np.unique(flat, axis=0, return_inverse=True)
        ids = np.empty(len(distinct), np.int32)
        for place, row in enumerate(distinct):
            ids[place] = number.setdefault(row.tobytes(), len(number))
            if ids[place] == len(rows):
                rows.append(row)
        return ids[inverse.reshape(-1)]

    start_flat = jax.vmap(lambda outcome: flatten(_start(environment, outcome)))(jnp.arange(len(start_probability)))
    start_state = numbers(np.asarray(start_flat))
    frontier = list(dict.fromkeys(start_state.tolist()))
    expanded = set(frontier)
    pieces: list[tuple[Any, ...]] = []
    edges, rounds = 0, 0
    while frontier:
        rounds += 1
        if rounds > ROUNDS_CAP:
            raise BadInput(
                f"{environment.name}: after {ROUNDS_CAP:,} rounds of exploring there are still new states "
                f"({len(rows):,} so far), so it has no exact table; does its state count something without end?"
            )
        chosen, frontier = np.array(frontier[:batch], np.int32), frontier[batch:]
        edges += len(chosen) * len(joint)
        if edges > cap:
            raise BadInput(
                f"{environment.name} is too large for an exact table: over {cap:,} state and joint-action pairs "
                f"({len(rows):,} states found so far); use fewer agents or a smaller environment"
            )
        flat = np.stack([rows[state] for state in chosen])
        padded = np.concatenate([flat, np.repeat(flat[:1], batch - len(flat), axis=0)])
        legal, after, reward, terminated, success, probability = (np.asarray(x)[: len(chosen)] for x in explore(padded))
        ended, kept = terminated.all(-1), probability > 0
        if not legal.all():
            raise BadInput(f"{environment.name}: a game with illegal actions has no exact table yet")
        if (kept & ~ended & terminated.any(-1)).any():
            raise BadInput(f"{environment.name}: agents that end before their team have no exact table yet")
        if (np.abs(probability.sum(-1) - 1.0) > SAME_CHANCE).any():
            raise EnvironmentFault(f"{environment.name}: the chances of what an action leads to do not add up to 1")
        after = np.where(kept[..., None], after, flat[:, None, None])  # what cannot happen leads to no new state
        successor = numbers(after.reshape(-1, after.shape[-1])).reshape(probability.shape)
        pieces.append((np.repeat(chosen, len(joint)), kept, probability, successor, reward, ended, success))
        fresh = [state for state in np.unique(successor[kept & ~ended]).tolist() if state not in expanded]
        expanded.update(fresh)
        frontier.extend(fresh)
    states = np.stack(rows)
    seen, observations = _sights(environment, restore, states)
    return FiniteGame(
        name=environment.name,
        spec=environment.spec,
        action_names=environment.action_names,
        horizon=environment.horizon,
        idle=environment.idle,
        idle_is_noop=environment.idle_is_noop,
        success_word=environment.success_word,
        **_edge_arrays(pieces, len(states), len(joint)),
        seen=seen,
        start_probability=start_probability / start_probability.sum(),
        start_state=start_state,
        states=states.reshape(len(states), *shapes),
        **_boards(environment, restore, states, joint),
        observations=observations,
    )


def _example(environment: Environment) -> tuple[object, tuple[int, ...]]:
    """A start state, and the shape in which states are kept (its own where it is a single array)."""
    state = _start(environment, jnp.int32(0))
    leaves = jax.tree.leaves(state)
    return state, leaves[0].shape if len(leaves) == 1 else (sum(leaf.size for leaf in leaves),)


def _start(environment: Environment, outcome) -> Any:
    """One start state."""
    assert environment.start is not None
    return environment.start(outcome)


def _flattener(example, name: str):
    """Functions from a state to int64[D] and back."""
    leaves, structure = jax.tree.flatten(example)
    if any(not jnp.issubdtype(leaf.dtype, jnp.integer) and leaf.dtype != jnp.bool_ for leaf in leaves):
        raise BadInput(f"{name}: a state with fractional numbers has no exact table")
    sizes = np.cumsum([leaf.size for leaf in leaves])[:-1]

    def flatten(state):
        return jnp.concatenate([leaf.reshape(-1).astype(jnp.int64) for leaf in jax.tree.leaves(state)])

    def restore(flat):
        parts = jnp.split(flat, sizes)
        return structure.unflatten(
            [part.reshape(leaf.shape).astype(leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)]
        )

    return flatten, restore


def _joint_actions(environment: Environment) -> np.ndarray:
    """Every joint action, int32[J, N]; the last agent's counts fastest."""
    sizes = np.empty(len(environment.spec.agents), int)
    for kind in environment.spec.kinds:
        sizes[list(kind.agents)] = kind.actions
    return np.indices(sizes.tolist()).reshape(len(sizes), -1).T.astype(np.int32)


def _compiled_explorer(environment: Environment, flatten, restore, joint: np.ndarray, outcomes: int):
    """explore(flat[B, D]) -> legal [B], successors [B, J, K, D], rewards [B, J, K, N], terminated, success, chance."""
    step, chances = environment.step, environment.outcomes
    assert step is not None and chances is not None

    def legal(flat):
        return jnp.concatenate([mask.reshape(-1) for mask in environment.legal(restore(flat))]).all()

    def one(flat, action, outcome):
        state = restore(flat)
        after = step(state, action, outcome)
        probability = chances(state, action)[outcome]
        return flatten(after.state), after.reward, after.terminated, after.success, probability.astype(jnp.float64)

    over_outcomes = jax.vmap(one, (None, None, 0))
    over_actions = jax.vmap(over_outcomes, (None, 0, None))
    over_states = jax.vmap(over_actions, (0, None, None))
    return jax.jit(lambda flat: (jax.vmap(legal)(flat), *over_states(flat, jnp.asarray(joint), jnp.arange(outcomes))))


def _edge_arrays(pieces, states: int, joint: int) -> dict[str, Any]:
    """The explored batches as edges, in the order of (state, joint action, outcome); states may stand in any order."""
    agents = pieces[0][4].shape[-1]
    source = np.concatenate([piece[0] for piece in pieces])
    kept, probability, successor, reward, ended, success = (
        np.concatenate([piece[k].reshape(-1, *piece[k].shape[2:]) for piece in pieces]) for k in range(1, 7)
    )
    pair = source * np.int64(joint) + np.tile(np.arange(joint), len(source) // joint)
    order = np.argsort(pair, kind="stable")
    counts = np.zeros(states * joint + 1, np.int64)
    counts[pair + 1] = kept.sum(1)
    kept = kept[order].reshape(-1)
    probability = probability[order] / probability[order].sum(1, keepdims=True)
    return {
        "first_edge": np.cumsum(counts).astype(np.int32),
        "probability": probability.reshape(-1)[kept],
        "successor": successor[order].reshape(-1)[kept].astype(np.int32),
        "reward": reward[order].reshape(-1, agents)[kept].astype(np.float64),
        "ended": ended[order].reshape(-1)[kept],
        "success": success[order].reshape(-1)[kept],
    }


def _boards(environment: Environment, restore, states: np.ndarray, joint: np.ndarray) -> dict[str, Any]:
    """Pictures of the states, uint8[S, H, W], or of the joint actions, uint8[J, H, W]; empty where there are none."""
    draw = environment.board
    none = {"boards": np.empty((len(states), 0, 0), np.uint8), "action_boards": np.empty((0, 0, 0), np.uint8)}
    if draw is None:
        return none
    plain, acted = draw(restore(states[0]), None), draw(restore(states[0]), joint[0])
    if plain.size * len(states) > BOARDS_CAP:
        return none
    restored = [jax.tree.map(np.asarray, restore(flat)) for flat in states]
    by_action = [draw(restored[0], action) for action in joint] if not np.array_equal(plain, acted) else []
    return {
        "boards": np.stack([draw(state, None) for state in restored]),
        "action_boards": np.array(by_action, np.uint8).reshape(len(by_action), *plain.shape),
    }


def _sights(environment: Environment, restore, states: np.ndarray) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """What each agent sees in each state as a number, int32[S, N], and the observations behind the numbers."""
    views = jax.jit(jax.vmap(lambda flat: environment.observe(restore(flat))))(states)
    seen = np.empty((len(states), len(environment.spec.agents)), np.int32)
    observations, offset = [], 0
    for kind, view in zip(environment.spec.kinds, views, strict=True):
        view = np.asarray(view)
        flat = view.reshape(view.shape[0] * view.shape[1], -1)
        distinct, inverse = np.unique(flat, axis=0, return_inverse=True)
        seen[:, list(kind.agents)] = offset + inverse.reshape(view.shape[:2])
        observations.append(distinct.reshape(len(distinct), *view.shape[2:]).astype(kind.observation_dtype))
        offset += len(distinct)
    return seen, tuple(observations)
