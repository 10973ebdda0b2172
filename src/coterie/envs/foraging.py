"""Level-based foraging: agents walk to foods and load those that are not heavier than their levels together.

The game of Albrecht and Ramamoorthy (2013) with the rules of lbforaging 2.0.0 (Christianos, Schäfer and Albrecht 2020),
to which it is held step by step in tests/envs/test_foraging.py. All act at once, in this order:

- An action that is not possible becomes *none*: to walk off the field or onto a food, to load with no food beside one.
- Everybody who stands or walks claims a cell. A claim that is the only one of its cell succeeds, all others stay where
  they are. So agents may change places, and who stays because of others may be walked upon.
- Those who load the same food do it together: it is gone if their levels add up to its own, else each pays a penalty.

Left out: grid observations (lbforaging 2.0.0 cannot make them), and levels given one by one.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs import boards
from coterie.envs.foraging_options import HELPERS, check_options, write_name
from coterie.envs.protocol import Environment, Step, all_legal, all_move
from coterie.settings import ForagingOptions
from coterie.types import Array, Key, Kind, Spec

ACTIONS = ("none", "north", "south", "west", "east", "load")
NONE, NORTH, SOUTH, WEST, EAST, LOAD = range(len(ACTIONS))
UNSEEN = (-1, -1, 0)  # row, column and level of what an agent does not see
CLOSEST = 4  # two foods are farther apart than this, in squares of distance: never side by side or two in a line


class State(NamedTuple):
    """Where everything is and how strong or heavy: int32[N] for agents, int32[F] for foods.

    food_level is 0 where a food is gone or found no place; spawned int32[] is the sum of all levels at the start.
    """

    row: Array
    column: Array
    level: Array
    food_row: Array
    food_column: Array
    food_level: Array
    spawned: Array


def foraging(options: ForagingOptions) -> Environment:
    """The foraging game of these options; raises BadInput where it cannot be played."""
    check_options(options)
    agents = options.agents
    everyone = tuple(range(agents))
    seen = 3 * options.foods + (3 if options.observe_levels else 2) * agents
    return Environment(
        name=write_name(options),
        spec=Spec(
            agents=tuple(f"agent_{i}" for i in everyone),
            kinds=(Kind(everyone, len(ACTIONS), (seen,), "float32"),),
            team=(0,) * agents,
            parameters=everyone,
            experience=everyone,
            state_shape=(3 * (agents + options.foods),),
        ),
        action_names=ACTIONS,
        horizon=options.horizon,
        idle=(NONE,) * agents,
        idle_is_noop=True,
        success_word="succeed",
        starts=None,
        start=None,
        outcomes=lambda state, action: jnp.ones(1),
        step=partial(step, options),
        observe=lambda state: (observe(options, state),),
        legal=all_legal(((agents, len(ACTIONS)),)),
        central=partial(central, options),
        to_move=all_move(agents),
        board=partial(board, options),
        opaque_start=partial(start, options),
    )


# How an episode begins


def start(options: ForagingOptions, key: Key) -> State:
    """Agents on any cells, foods off the rim, apart from each other and not under agents; each place equally likely."""
    agents, width = options.agents, options.columns - 2
    words = jax.random.bits(key, (2 * (agents + options.foods),), jnp.uint32)
    for_places, for_levels = words[: len(words) // 2], words[len(words) // 2 :]
    place = deal(for_places[:agents], options.rows * options.columns)
    row, column = place // options.columns, place % options.columns
    inner_row, inner_column = (part + 1 for part in np.divmod(np.arange((options.rows - 2) * width), width))
    free = ~((row[:, None] == inner_row) & (column[:, None] == inner_column)).any(0)
    food_place, there = [], []
    for word in for_places[agents:]:
        cell = draw_cell(word, free)
        food_place.append(cell)
        there.append(free.any())
        free &= (inner_row - 1 - cell // width) ** 2 + (inner_column - 1 - cell % width) ** 2 > CLOSEST
    food_row, food_column = (part + 1 for part in jnp.divmod(jnp.stack(food_place), width))
    lowest = options.min_player_level
    level = lowest + draw_below(for_levels[:agents], options.max_player_level - lowest + 1)
    heaviest = options.max_food_level or sum_of_lowest(level, HELPERS)
    lightest = heaviest if options.coop else options.min_food_level
    food_level = lightest + draw_below(for_levels[agents:], heaviest - lightest + 1)
    food_level = jnp.where(jnp.stack(there), food_level, 0)
    return State(row, column, level, food_row, food_column, food_level, food_level.sum())


def deal(words: Array, cells: int) -> Array:
    """Different numbers below `cells` from as many words, int32[N]: a shuffle by swaps (Fisher and Yates) of N steps.

    Step i takes what lies at a random place j >= i, and what lies at i moves there; so what lies at a place is found by
    going back through the swaps that put something there.
    """
    swapped, dealt = [], []
    for step, word in enumerate(words):
        cell = step + draw_below(word, cells - step)
        swapped.append(cell)
        for earlier in reversed(range(step)):
            cell = jnp.where(cell == swapped[earlier], earlier, cell)
        dealt.append(cell)
    return jnp.stack(dealt)


def draw_cell(word: Array, free: Array) -> Array:
    """A free cell, each equally likely: the one where `word`, mixed with the cell's number, is the greatest.

    word uint32[], free bool[C]; the chances are equal up to a thousandth of themselves. This is one pass over the
    cells; to count them and take the k-th needs a running sum, which is several times as slow. Cell 0 where none is
    free.
    """
    cell = np.arange(len(free), dtype=np.uint32)
    low = np.uint32(2 ** len(free).bit_length() - 1)  # these bits hold the cell's number plus 1
    mixed = (mix(word + np.uint32(0x9E3779B9) * (cell + 1)) & ~low) | (cell + 1)
    greatest = jnp.where(free, mixed, np.uint32(0)).max() & low
    return jnp.maximum(greatest.astype(jnp.int32) - 1, 0)


def mix(word: Array) -> Array:
    """A one-to-one function of uint32 in which every bit depends on all (lowbias32, C. Wellons, public domain)."""
    word = (word ^ (word >> 16)) * np.uint32(0x7FEB352D)
    word = (word ^ (word >> 15)) * np.uint32(0x846CA68B)
    return word ^ (word >> 16)


def draw_below(word: Array, count: Array | int) -> Array:
    """A number from 0 to count - 1, int32, each equally likely up to count / 2^24."""
    return ((word >> 8).astype(jnp.float32) * jnp.float32(2**-24) * count).astype(jnp.int32)


def sum_of_lowest(level: Array, count: int) -> Array:
    """The sum of the lowest `count` of all levels [N]."""
    if len(level) <= count:
        return level.sum()
    number = np.arange(len(level))
    below = (level[:, None] < level) | ((level[:, None] == level) & (number[:, None] < number))
    return jnp.where(below.sum(0) < count, level, 0).sum()


# What a joint action does


def step(options: ForagingOptions, state: State, action: Array, outcome: Array) -> Step:
    """One joint action: who walks, then who loads what; the world ends when no food is left.

    An agent i of those who load food f together earns, if f is not too heavy for them,

        level_i * level_f / (sum of their levels * sum of all foods' levels at the start),

    so that an episode is worth at most 1 to all together; without normalisation level_i * level_f.
    """
    del outcome
    state, left = walk(options, state, action), state.food_level
    loads = (distance(state) == 1) & (left > 0) & (action == LOAD)[:, None]
    strength = (loads * state.level[:, None]).sum(0)
    eaten = loads.any(0) & (strength >= left)
    earned = (state.level[:, None] * left).astype(jnp.float32)
    if options.normalize_reward:
        earned /= jnp.maximum(strength * state.spawned, 1)
    reward = jnp.where(loads, jnp.where(eaten, earned, jnp.float32(-options.penalty)), jnp.float32(0)).sum(1)
    left = jnp.where(eaten, 0, left)
    over = ~(left > 0).any()
    return Step(state._replace(food_level=left), reward, jnp.full(options.agents, over), over & eaten.any())


def walk(options: ForagingOptions, state: State, action: Array) -> State:
    """Everybody's new place: the cell that it claims, if it alone does."""
    row = state.row + (action == SOUTH) - (action == NORTH)
    column = state.column + (action == EAST) - (action == WEST)
    on_food = (distance(state._replace(row=row, column=column)) == 0) & (state.food_level > 0)
    outside = (row < 0) | (row >= options.rows) | (column < 0) | (column >= options.columns)
    stays = outside | on_food.any(1)
    row, column = jnp.where(stays, state.row, row), jnp.where(stays, state.column, column)
    claims = ((row[:, None] == row) & (column[:, None] == column)).sum(1)
    alone = claims == 1
    return state._replace(row=jnp.where(alone, row, state.row), column=jnp.where(alone, column, state.column))


def distance(state: State) -> Array:
    """How many steps each agent is from each food's place, int32[N, F]."""
    return abs(state.row[:, None] - state.food_row) + abs(state.column[:, None] - state.food_column)


# What is seen


def observe(options: ForagingOptions, state: State) -> Array:
    """Row, column and level of each food seen, then of each agent seen, float32[N, 3 F + 3 N] (2 N without levels).

    Foods stand in the order of their cells, agents in theirs, oneself first; what is not seen leaves (-1, -1, 0) at the
    end. Rows and columns are counted from the corner of what is seen, cut off at the field's rim. As in lbforaging, an
    agent within `sight` of the rim sees others, not foods, as far as its view would reach without that cut.
    """
    sight = options.sight or max(options.rows, options.columns)
    top, left = jnp.maximum(state.row - sight, 0)[:, None], jnp.maximum(state.column - sight, 0)[:, None]
    foods = jnp.stack(jnp.broadcast_arrays(state.food_row - top, state.food_column - left, state.food_level), -1)
    high = abs(state.food_row - state.row[:, None]) <= sight
    wide = abs(state.food_column - state.column[:, None]) <= sight
    cell = state.food_row * options.columns + state.food_column
    foods = in_line(foods, high & wide & (state.food_level > 0), (cell[:, None] < cell)[None])
    others = jnp.stack(jnp.broadcast_arrays(state.row - top, state.column - left, state.level), -1)
    order = np.where(np.eye(options.agents, dtype=bool), -1, np.arange(options.agents))  # oneself first
    within = ((others[..., :2] >= 0) & (others[..., :2] <= 2 * sight)).all(-1)
    others = in_line(others, within, order[:, :, None] < order[:, None, :])
    if not options.observe_levels:
        others = others[..., :2]
    parts = (foods.reshape(options.agents, -1), others.reshape(options.agents, -1))
    return jnp.concatenate(parts, axis=1).astype(jnp.float32)


def in_line(things: Array, seen: Array, before: Array) -> Array:
    """The things seen, [N, K, 3], one after the other, and then UNSEEN; before [N, K, K] says which stands first."""
    number = (seen[:, :, None] & before).sum(1)
    here = seen[:, None] & (number[:, None] == np.arange(things.shape[1])[:, None])
    blank = np.array(UNSEEN, np.int32)
    return jnp.where(here[..., None], (things - blank)[:, None], 0).sum(2) + blank


def central(options: ForagingOptions, state: State) -> Array:
    """Row, column and level of each agent, then of each food, each from 0 to 1; a food that is gone is all 0."""
    heaviest = options.max_food_level or min(HELPERS, options.agents) * options.max_player_level
    there = state.food_level > 0
    agents = (
        state.row / (options.rows - 1),
        state.column / (options.columns - 1),
        state.level / options.max_player_level,
    )
    foods = (
        jnp.where(there, state.food_row / (options.rows - 1), 0),
        jnp.where(there, state.food_column / (options.columns - 1), 0),
        state.food_level / heaviest,
    )
    parts = (jnp.stack(agents, -1).reshape(-1), jnp.stack(foods, -1).reshape(-1))
    return jnp.concatenate(parts).astype(jnp.float32)


def board(options: ForagingOptions, state: State, action: Array | None) -> np.ndarray:
    """Agents, and foods as blocks that vanish when they are loaded, uint8[H, W]; a board has no place for levels."""
    del action
    picture = np.zeros((options.rows, options.columns), np.uint8)
    for row, column, level in zip(*(np.asarray(part) for part in state[3:6]), strict=True):
        picture[row, column] |= boards.WALL * (level > 0)
    for agent, (row, column) in enumerate(zip(np.asarray(state.row), np.asarray(state.column), strict=True)):
        picture[row, column] |= boards.agent_bit(agent)
    return picture
