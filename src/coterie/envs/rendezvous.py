"""Rendezvous: agents on a grid earn a reward when all of them stand on one cell.

The defaults are the classic tutorial's: a 5x5 grid, two agents in opposite corners, actions R L D U clipped at walls,
everybody moves at once (they may pass through each other), -1 a step and +10 for meeting, 20 steps at most.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from coterie.envs import boards
from coterie.envs.grids import read_grid
from coterie.envs.protocol import Environment, Step, all_legal, all_move
from coterie.settings import RendezvousOptions
from coterie.types import Array, Kind, Spec


def rendezvous(options: RendezvousOptions) -> Environment:
    """The rendezvous game of these options; raises BadInput where it cannot be played."""
    wall, moves, distances, order, start_table = read_grid(options)
    agents = options.agents
    rows, columns = wall.shape
    places = jnp.asarray(np.stack(np.divmod(np.arange(wall.size), columns), axis=1), jnp.int32)
    moves, order, distances = jnp.asarray(moves), jnp.asarray(order), jnp.asarray(distances)
    window = observation_windows(wall, options.window) if options.observation == "window" else None

    def step(state, action, outcome):
        del outcome
        after = moves[state, order[jnp.arange(agents), action]]
        met = jnp.all(after == after[0])
        if options.reward == "team":
            before_distance = jnp.full(agents, distances[state[:, None], state].sum() / 2)
            after_distance = jnp.full(agents, distances[after[:, None], after].sum() / 2)
        else:
            before_distance = distances[state[:, None], state].sum(1)
            after_distance = distances[after[:, None], state].sum(1) - distances[after, state]
        plain = options.step_reward + jnp.where(after_distance < before_distance, options.closer_reward, 0.0)
        reward = jnp.where(met, options.meet_reward, plain)
        if options.shaping:
            potential = jnp.where(met, 0.0, after_distance)
            reward += options.shaping * (before_distance - options.shaping_discount * potential)
        return Step(after, reward, jnp.full(agents, met), met)

    def observe(state):
        if window is not None:
            radius = options.window
            row, column = state // columns, state % columns
            near_row = row[None, :] - row[:, None] + radius
            near_column = column[None, :] - column[:, None] + radius
            side = 2 * radius + 1
            here = (jnp.arange(side)[:, None] == near_row[..., None, None]) & (
                jnp.arange(side) == near_column[..., None, None]
            )
            others = jnp.sum(here & ~jnp.eye(agents, dtype=bool)[..., None, None], axis=1)
            return (jnp.stack([window[state], others.astype(jnp.int32)], axis=1),)
        own = places[state]
        if options.observation == "own":
            return (own,)
        others_first = (jnp.arange(agents)[:, None] + jnp.arange(agents)) % agents
        return (own[others_first].reshape(agents, 2 * agents),)

    def board(state, action):
        del action
        picture = wall.astype(np.uint8) * boards.WALL
        for agent, cell in enumerate(np.asarray(state)):
            picture.reshape(-1)[cell] |= boards.agent_bit(agent)
        return picture

    side = 2 * options.window + 1
    shape = {"own": (2,), "all": (2 * agents,), "window": (2, side, side)}[options.observation]
    high = max(1, agents - 1) if options.observation == "window" else max(rows, columns) - 1
    action_count = 4 + options.stay
    everyone = tuple(range(agents))
    return Environment(
        name="rendezvous",
        spec=Spec(
            agents=tuple(f"agent_{i}" for i in range(agents)),
            kinds=(Kind(everyone, action_count, shape, "int32", high),),
            team=(0,) * agents,
            parameters=everyone,
            experience=everyone,
            state_shape=(agents,),
        ),
        action_names=("R", "L", "D", "U", "stay")[:action_count],
        horizon=options.horizon,
        idle=(4 if options.stay else 0,) * agents,
        idle_is_noop=options.stay,
        success_word="meet",
        starts=lambda: jnp.full(len(start_table), 1 / len(start_table)),
        start=lambda outcome: jnp.asarray(start_table, jnp.int32)[outcome],
        outcomes=lambda state, action: jnp.ones(1),
        step=step,
        observe=observe,
        legal=all_legal(((agents, action_count),)),
        central=lambda state: state,
        to_move=all_move(agents),
        board=board,
    )


def observation_windows(wall: np.ndarray, radius: int) -> Array:
    """The walls around each cell, the rim counted as wall, int32[C, 2 radius + 1, 2 radius + 1]."""
    padded = np.pad(wall, radius, constant_values=True)
    side = 2 * radius + 1
    views = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return jnp.asarray(views.reshape(wall.size, side, side), jnp.int32)
