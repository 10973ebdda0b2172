"""Foraging against the package lbforaging, step by step, and by hand: names, starts, rewards, sight, endings."""

import dataclasses
from collections import Counter
from functools import cache, partial
from itertools import permutations, product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from lbforaging.foraging.environment import ForagingEnv
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

from coterie.envs import boards, catalogue, foraging_v0
from coterie.envs import foraging as ours
from coterie.envs.foraging import ACTIONS, EAST, LOAD, NONE, NORTH, SOUTH, WEST, State, foraging
from coterie.envs.foraging_options import read_name, write_name
from coterie.errors import BadInput
from coterie.pettingzoo.forms.parallel import parallel
from coterie.running.tables import exact_game
from coterie.settings import ForagingOptions

FAST_TO_COMPILE = {"xla_backend_optimization_level": 0}
COOP = ForagingOptions(coop=True)

# The package: the oracle

GAMES = {
    "5x5-2p-1f": ForagingOptions(5, 5, agents=2, foods=1, horizon=12),
    "8x8-2p-2f-coop": COOP,
    "2s-6x6-3p-2f-coop": ForagingOptions(6, 6, agents=3, foods=2, coop=True, sight=2, horizon=20),
    "2s-5x9-4p-3f": ForagingOptions(5, 9, agents=4, foods=3, sight=2, horizon=15, penalty=0.25, max_player_level=3),
    "1s-7x5-5p-4f-blind-raw": ForagingOptions(
        7, 5, agents=5, foods=4, sight=1, horizon=15, normalize_reward=False, observe_levels=False, min_food_level=2,
        max_food_level=4, penalty=0.1,
    ),
}  # fmt: skip


def package(options: ForagingOptions) -> ForagingEnv:
    return ForagingEnv(
        players=options.agents,
        min_player_level=options.min_player_level,
        max_player_level=options.max_player_level,
        min_food_level=options.min_food_level,
        max_food_level=options.max_food_level or None,
        field_size=(options.rows, options.columns),
        max_num_food=options.foods,
        sight=options.sight or max(options.rows, options.columns),
        max_episode_steps=options.horizon,
        force_coop=options.coop,
        normalize_reward=options.normalize_reward,
        observe_agent_levels=options.observe_levels,
        penalty=options.penalty,
    )


class Game(NamedTuple):
    """What the package did: leaves [steps, ...]; seen and seen_after [steps, N, ...], state.spawned as ours."""

    state: State
    action: np.ndarray
    seen: np.ndarray
    after: State
    reward: np.ndarray
    seen_after: np.ndarray
    ended: np.ndarray
    step: np.ndarray


def read(env: ForagingEnv, order: np.ndarray) -> State:
    """The state of the package as ours, its foods in any order, and what is gone or was never there as level 0."""
    foods = [(row, column, env.field[row, column]) for row, column in zip(*env.field.nonzero(), strict=True)]
    foods += [(1, 1, 0)] * (len(order) - len(foods))
    players = [(*player.position, player.level) for player in env.players]
    parts = [*zip(*players, strict=True), *(np.array(part)[order] for part in zip(*foods, strict=True))]
    return State(*(np.array(part, np.int32) for part in parts), np.int32(env._food_spawned))


@cache
def played(options: ForagingOptions, steps: int = 1_500, seed: int = 0) -> Game:
    """Random play of the package, much of it loading."""
    env, random, rows = package(options), np.random.default_rng(seed), []
    env.seed(seed)
    over = True
    for _ in range(steps):
        if over:
            observations, _ = env.reset()
        before = read(env, random.permutation(options.foods))
        action = random.choice(len(ACTIONS), options.agents, p=np.array([1, 2, 2, 2, 2, 4]) / 13)
        seen = np.stack(observations)
        observations, rewards, over, _, _ = env.step(action)
        after = read(env, np.arange(options.foods))
        rows.append(
            Game(before, action, seen, after, np.array(rewards), np.stack(observations), over, env.current_step)
        )
    return jax.tree.map(lambda *leaves: np.stack(leaves), *rows)


def compare(options: ForagingOptions) -> None:
    """Do each step of the package's and demand that all is equal."""
    game, theirs = foraging(options), played(options)

    def one(state, action):
        step = game.step(state, action, jnp.int32(0))
        return game.observe(state)[0], step, game.observe(step.state)[0]

    ours_of = jax.jit(jax.vmap(one), compiler_options=FAST_TO_COMPILE)
    seen, step, seen_after = jax.tree.map(np.asarray, ours_of(theirs.state, theirs.action.astype(np.int32)))
    np.testing.assert_array_equal(seen, theirs.seen)
    for name in ("row", "column", "level", "spawned"):
        np.testing.assert_array_equal(getattr(step.state, name), getattr(theirs.after, name))
    np.testing.assert_array_equal(field_of(options, step.state), field_of(options, theirs.after))
    np.testing.assert_allclose(step.reward, theirs.reward, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(seen_after, theirs.seen_after)
    empty = (theirs.after.food_level == 0).all(1)
    np.testing.assert_array_equal(step.terminated, np.broadcast_to(empty[:, None], step.terminated.shape))
    np.testing.assert_array_equal(step.success, empty)
    np.testing.assert_array_equal(step.terminated.all(1) | (theirs.step >= game.horizon), theirs.ended)


def field_of(options: ForagingOptions, state: State) -> np.ndarray:
    field = np.zeros((len(state.row), options.rows, options.columns), int)
    np.add.at(field, (np.arange(len(field))[:, None], state.food_row, state.food_column), state.food_level)
    return field


def events(game: Game) -> Counter:
    """How often what happened, so that a comparison is known to have seen it."""
    told = Counter()
    for before, after, action, reward, ended in steps_of(game.state, game.after, game.action, game.reward, game.ended):
        was, now = (list(zip(state.row.tolist(), state.column.tolist(), strict=True)) for state in (before, after))
        pairs = [(i, j) for i, j in permutations(range(len(was)), 2) if i < j]
        paid, left = np.sum(reward > 0), np.sum(after.food_level > 0)
        happened = {
            "eaten": left < np.sum(before.food_level > 0),
            "loaded together": paid > 1,
            "loaded alone": paid == 1,
            "punished": np.any(reward < 0),
            "held up": any(NORTH <= action[i] <= EAST and was[i] == now[i] for i in range(len(was))),
            "changed places": any(now[i] == was[j] != was[i] == now[j] for i, j in pairs),
            "on one cell": len(set(now)) < len(now),
            "left one cell": len(set(was)) < len(set(now)),
            "succeeded": left == 0,
            "cut off": ended and left > 0,
        }
        told.update({name: int(so) for name, so in happened.items()})
    return told


def steps_of(*parts):
    """What stands along the first axis of some trees, one after the other."""
    leaves, tree = jax.tree.flatten(parts)
    return (tree.unflatten(row) for row in zip(*leaves, strict=True))


@pytest.mark.parametrize("options", GAMES.values(), ids=GAMES)
def test_every_step_is_the_packages(options):
    compare(options)


def test_everything_happened_that_can():
    """The comparisons above must not agree because nothing came to pass."""
    told = Counter()
    for options in GAMES.values():
        told.update(events(played(options)))
    assert len(told) == 10
    assert min(told.values()) >= 10, told


def nobody_collides(options, state, action):
    row = state.row + (action == SOUTH) - (action == NORTH)
    column = state.column + (action == EAST) - (action == WEST)
    moved = state._replace(row=row, column=column)
    stays = ((ours.distance(moved) == 0) & (state.food_level > 0)).any(1)
    stays |= (row < 0) | (row >= options.rows) | (column < 0) | (column >= options.columns)
    return state._replace(row=jnp.where(stays, state.row, row), column=jnp.where(stays, state.column, column))


def food_is_no_wall(options, state, action, real=ours.walk):
    return real(options, state._replace(food_level=state.food_level * 0), action)._replace(food_level=state.food_level)


def diagonal_is_near(state):
    high, wide = abs(state.row[:, None] - state.food_row), abs(state.column[:, None] - state.food_column)
    return jnp.maximum(high, wide)


def others_first(things, seen, before, real=ours.in_line):
    return real(things, seen, ~before)


def forgets_the_total(options, state, action, outcome, real=ours.step):
    return real(options, state._replace(spawned=state.food_level.sum()), action, outcome)


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("walk", nobody_collides),
        ("walk", food_is_no_wall),
        ("distance", diagonal_is_near),
        ("in_line", others_first),
        ("step", forgets_the_total),
        ("LOAD", NONE),
    ],
    ids=lambda part: getattr(part, "__name__", str(part)),
)
def test_a_broken_rule_is_found(monkeypatch, rule, broken):
    monkeypatch.setattr(ours, rule, broken)
    with pytest.raises(AssertionError):
        compare(GAMES["2s-5x9-4p-3f"])


# How episodes begin


@cache
def drawn(options: ForagingOptions, count: int = 20_000) -> State:
    start = jax.jit(jax.vmap(partial(ours.start, options)), compiler_options=FAST_TO_COMPILE)
    return jax.tree.map(np.asarray, start(jax.random.split(jax.random.key(5), count)))


def chi_square(counts, expected) -> float:
    """The statistic in standard deviations from its mean: (sum (o - e)^2 / e - df) / sqrt(2 df)."""
    counts, expected = np.asarray(counts, float), np.asarray(expected, float)
    freedom = len(counts) - 1
    return float((((counts - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


def by_hand(options: ForagingOptions) -> dict[tuple[int, ...], float]:
    """The chance of each pair of food cells (in their order), by walking through all places of agents and foods."""
    size, inside = options.rows * options.columns, []
    for row, column in product(range(1, options.rows - 1), range(1, options.columns - 1)):
        inside.append(row * options.columns + column)
    apart = {
        a: {b for b in inside if max(gap(options, a, b)) > 1 and set(gap(options, a, b)) != {0, 2}} for a in inside
    }
    chances: dict[tuple[int, ...], float] = Counter()
    crowds = Counter(frozenset(cells) & frozenset(inside) for cells in permutations(range(size), options.agents))
    total = sum(crowds.values())
    for crowd, times in crowds.items():
        free = [cell for cell in inside if cell not in crowd]
        for first in free:
            second = apart[first] - crowd
            for other in second:
                chances[first, other] += times / total / len(free) / len(second)
            if not second:
                chances[first, -1] += times / total / len(free)
    return chances


def gap(options, a, b):
    return abs(a // options.columns - b // options.columns), abs(a % options.columns - b % options.columns)


def test_starts_have_the_chances_worked_out_by_hand():
    options = ForagingOptions(5, 6, agents=2, foods=2)
    state, chances = drawn(options), by_hand(options)
    cells = state.food_row * 6 + state.food_column
    found = Counter((first, second if level else -1) for (first, second), level in zip(
        cells.tolist(), state.food_level[:, 1].tolist(), strict=True))  # fmt: skip
    assert set(found) <= set(chances)
    counts, expected = zip(*((found[pair], chance * len(cells)) for pair, chance in chances.items()), strict=True)
    assert sum(expected) == pytest.approx(len(cells))
    assert min(expected) > 4
    assert abs(chi_square(counts, expected)) < 4
    wrong = np.full(len(counts), len(cells) / len(counts))  # the test can tell: pairs are not equally likely
    assert chi_square(counts, wrong) > 10


@pytest.mark.parametrize("options", [COOP, ForagingOptions(15, 15, agents=4, foods=4)], ids=write_name)
def test_agents_begin_anywhere_alike(options):
    state = drawn(options)
    cells = state.row * options.columns + state.column
    size = options.rows * options.columns
    for agent in range(options.agents):
        assert abs(chi_square(np.bincount(cells[:, agent], minlength=size), np.full(size, len(cells) / size))) < 4
    apart = (cells[:, 0] - cells[:, 1]) % size  # of two different cells all differences but 0 are equally likely
    assert abs(chi_square(np.bincount(apart, minlength=size)[1:], np.full(size - 1, len(cells) / (size - 1)))) < 4


def package_starts(options: ForagingOptions, count: int = 2_000) -> State:
    env, found = package(options), []
    env.seed(3)
    for _ in range(count):
        for player in env.players:
            player.position = None  # else the package keeps free where agents stood at the end of the episode before
        env.reset()
        found.append(read(env, np.arange(options.foods)))
    return jax.tree.map(lambda *leaves: np.stack(leaves), *found)


LEVELS = ForagingOptions(6, 6, agents=5, foods=2, min_food_level=2, max_food_level=4, max_player_level=3)


@pytest.mark.parametrize("options", [COOP, ForagingOptions(6, 6, agents=4), LEVELS], ids=write_name)
def test_starts_have_the_packages_chances(options):
    """Levels, an agent's and a food's place and level, the foods' rows: ours against the package's, as two samples."""
    ours_and_theirs = drawn(options), package_starts(options)
    for told in (levels_of, first_agent, first_food, food_rows):
        counts = (Counter(map(told, zip(*state, strict=True))) for state in ours_and_theirs)
        assert two_samples(*counts) < 4, told


def levels_of(state) -> tuple:
    return tuple(sorted(state[2])), tuple(sorted(state[5]))


def first_agent(state) -> tuple:
    return state[0][0], state[1][0], state[2][0]


def first_food(state) -> tuple:
    """The food in the lowest cell."""
    return min((row, column, level) for row, column, level in zip(*state[3:6], strict=True) if level)


def food_rows(state) -> tuple:
    return tuple(sorted(row for row, level in zip(state[3], state[5], strict=True) if level))


def two_samples(a: Counter, b: Counter) -> float:
    """Chi-square of two counts of the same things, in standard deviations; what is rare is counted together."""
    keys = [key for key in a | b if a[key] + b[key] >= 40]
    table = np.array([[count[key] for key in keys] + [count.total() - sum(count[k] for k in keys)] for count in (a, b)])
    table = table[:, table.sum(0) > 0]
    if table.shape[1] == 1:
        return 0.0
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    freedom = table.shape[1] - 1
    return float((((table - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom))


def test_two_samples_can_tell():
    shifted = Counter([0] * 560 + [1] * 500 + [2] * 500 + [3] * 440)
    assert two_samples(Counter(dict.fromkeys(range(4), 5000)), shifted) > 4
    assert two_samples(Counter(dict.fromkeys(range(4), 5000)), Counter(dict.fromkeys(range(4), 500))) < 0


@pytest.mark.parametrize("options", GAMES.values(), ids=GAMES)
def test_no_start_breaks_a_rule(options):
    state = drawn(options)
    here = state.row * options.columns + state.column
    food, there = state.food_row * options.columns + state.food_column, state.food_level > 0
    assert (np.diff(np.sort(here)) > 0).all()
    assert (
        (state.row >= 0) & (state.row < options.rows) & (state.column >= 0) & (state.column < options.columns)
    ).all()
    assert ((state.food_row > 0) & (state.food_row < options.rows - 1)).all()
    assert ((state.food_column > 0) & (state.food_column < options.columns - 1)).all()
    assert not ((here[:, :, None] == food[:, None]) & there[:, None]).any()
    for one, other in permutations(range(options.foods), 2):
        high = abs(state.food_row[:, one] - state.food_row[:, other])
        wide = abs(state.food_column[:, one] - state.food_column[:, other])
        both = there[:, one] & there[:, other]
        assert not (both & ((np.maximum(high, wide) < 2) | (high + wide == 2) & (high * wide == 0))).any()
    assert set(state.level.ravel()) == set(range(options.min_player_level, options.max_player_level + 1))
    most = options.max_food_level or np.sort(state.level)[:, :3].sum(1)[:, None]
    least = most if options.coop else options.min_food_level
    assert (~there | (state.food_level >= least) & (state.food_level <= most)).all()
    assert there[:, 0].all()


def test_food_that_has_no_room_is_left_out():
    """On 5x5 two foods have room at most, as in the package; on 3x3 an agent may stand on the only place."""
    state = drawn(ForagingOptions(5, 5, agents=2, foods=4))
    assert set((state.food_level > 0).sum(1)) == {1, 2}
    crowded = drawn(ForagingOptions(3, 3, agents=2, foods=1))
    assert ((crowded.food_level == 0).all(1) == ((crowded.row == 1) & (crowded.column == 1)).any(1)).all()
    bare = State(*(leaf[(crowded.food_level == 0).all(1)][0] for leaf in crowded))
    step = do(bare, NONE, NONE, rows=3, columns=3)
    assert step.terminated.all()  # there is nothing to do, and nothing was achieved
    assert not step.success
    assert step.reward.tolist() == [0, 0]


def test_nearly_all_cells_may_be_taken():
    state = drawn(ForagingOptions(4, 5, agents=19, foods=1), 500)
    cells = np.sort(state.row * 5 + state.column)
    assert (np.diff(cells) > 0).all()
    assert set(190 - cells.sum(1)) == set(range(20))  # each cell is once the free one


# By hand


def at(agents, foods, spawned=None) -> State:
    """A state from (row, column, level) of each agent and food."""
    columns = [np.array(part, np.int32) for group in (agents, foods) for part in zip(*group, strict=True)]
    return State(*columns, np.int32(columns[5].sum() if spawned is None else spawned))


def do(state: State, *actions, **options):
    options = ForagingOptions(agents=len(state.row), foods=len(state.food_row), **options)
    return jitted(ours.step, options)(state, np.array(actions, np.int32), 0)


@cache
def jitted(function, options: ForagingOptions):
    return jax.jit(partial(function, options), compiler_options=FAST_TO_COMPILE)


def places(step) -> list[tuple[int, int]]:
    return list(zip(step.state.row.tolist(), step.state.column.tolist(), strict=True))


@pytest.mark.smoke
def test_food_is_shared_by_level():
    both = at([(3, 2, 1), (3, 4, 2)], [(3, 3, 3), (6, 6, 1)])
    step = do(both, LOAD, LOAD)
    assert step.reward.tolist() == pytest.approx([1 * 3 / (3 * 4), 2 * 3 / (3 * 4)])
    assert step.state.food_level.tolist() == [0, 1]
    assert not step.terminated.any()
    assert not step.success
    assert do(both, LOAD, LOAD, normalize_reward=False).reward.tolist() == [3, 6]
    alone = do(both, NONE, LOAD, penalty=0.5)
    assert alone.reward.tolist() == [0, -0.5]
    assert alone.state.food_level.tolist() == [3, 1]


def test_the_last_food_ends_the_episode_and_all_are_paid_1_in_sum():
    step = do(at([(3, 2, 1), (3, 4, 2)], [(3, 3, 2), (6, 6, 0)], spawned=4), LOAD, NONE)
    assert not step.terminated.any()
    step = do(at([(3, 2, 1), (3, 4, 2)], [(3, 3, 2), (6, 6, 0)], spawned=4), NONE, LOAD)
    assert step.terminated.tolist() == [True, True]
    assert step.success
    assert step.reward.tolist() == [0, 0.5]


def test_an_episode_is_worth_1():
    """Whatever is eaten and by whom: at a success everybody's rewards of the episode add up to 1."""
    options = ForagingOptions(5, 5, agents=3, foods=2, horizon=200)
    game = foraging(options)

    def row(state, key):
        action = jax.random.randint(key, (64, options.agents), 0, len(ACTIONS))
        step = jax.vmap(game.step, (0, 0, None))(state, action, 0)
        return step.state, (step.reward.sum(1), step.success)

    def run(state, key):
        return jax.lax.scan(row, state, jax.random.split(key, options.horizon))[1]

    first = State(*(jnp.asarray(leaf[:64]) for leaf in drawn(options)))
    reward, success = jax.jit(run, compiler_options=FAST_TO_COMPILE)(first, jax.random.key(2))
    worth, ended = np.cumsum(reward, 0), np.cumsum(success, 0) > 0
    assert 10 < ended[-1].sum() < 64
    np.testing.assert_allclose(worth[ended], 1, atol=1e-6)
    assert (worth[~ended] < 0.95).all()


def test_who_claims_a_cell_alone_gets_it():
    far = [(6, 6, 1)]
    assert places(do(at([(1, 1, 1), (1, 3, 1)], far), EAST, WEST)) == [(1, 1), (1, 3)]
    assert places(do(at([(1, 1, 1), (1, 2, 1)], far), EAST, NONE)) == [(1, 1), (1, 2)]
    assert places(do(at([(1, 1, 1), (1, 2, 1)], far), EAST, LOAD)) == [(1, 1), (1, 2)]
    assert places(do(at([(1, 1, 1), (1, 2, 1)], far), EAST, WEST)) == [(1, 2), (1, 1)]
    assert places(do(at([(1, 1, 1), (1, 2, 1)], far), EAST, SOUTH)) == [(1, 2), (2, 2)]
    # the second and the third want one cell and stay, and the first walks upon the second
    assert places(do(at([(1, 1, 1), (1, 2, 1), (1, 4, 1)], far), EAST, EAST, WEST)) == [(1, 2), (1, 2), (1, 4)]
    assert places(do(at([(1, 2, 1), (1, 2, 1)], far), NONE, WEST)) == [(1, 2), (1, 1)]


def test_neither_the_rim_nor_food_is_walked_upon():
    assert places(do(at([(0, 0, 1), (7, 7, 1)], [(3, 3, 1)]), NORTH, SOUTH)) == [(0, 0), (7, 7)]
    assert places(do(at([(0, 0, 1), (7, 7, 1)], [(3, 3, 1)]), WEST, EAST)) == [(0, 0), (7, 7)]
    assert places(do(at([(3, 2, 1), (2, 3, 1)], [(3, 3, 2)]), EAST, SOUTH)) == [(3, 2), (2, 3)]
    assert places(do(at([(3, 2, 1), (0, 3, 1)], [(3, 3, 0)], 2), EAST, NONE)) == [(3, 3), (0, 3)]
    # food that is eaten in this step was still a wall
    assert places(do(at([(3, 2, 1), (2, 3, 1)], [(3, 3, 1)]), LOAD, SOUTH)) == [(3, 2), (2, 3)]


def test_sight_by_hand():
    options = ForagingOptions(agents=3, foods=2, sight=2)
    state = at([(1, 1, 1), (4, 4, 2), (1, 4, 2)], [(3, 3, 2), (1, 2, 1)])
    seen = jitted(ours.observe, options)(state)
    # agent 0: its view is rows and columns 0 to 3, where both foods are; by the package's rule it also sees agents as
    # far as 4, since its view would be 5 wide
    assert seen[0].tolist() == [1, 2, 1, 3, 3, 2, 1, 1, 1, 4, 4, 2, 1, 4, 2]
    # agent 1: its view begins at (2, 2); it sees the first food and nobody
    assert seen[1].tolist() == [1, 1, 2, -1, -1, 0, 2, 2, 2, -1, -1, 0, -1, -1, 0]
    # agent 2: its view begins at (0, 2)
    assert seen[2].tolist() == [1, 0, 1, 3, 1, 2, 1, 2, 2, 4, 2, 2, -1, -1, 0]
    assert foraging(COOP).spec.kinds[0].observation_shape == (12,)
    assert seen.dtype == jnp.float32


def test_the_central_state_is_where_all_are_from_0_to_1():
    options = ForagingOptions(5, 9, agents=2, foods=2)
    game = foraging(options)
    state = jitted(ours.central, options)(at([(0, 8, 1), (4, 4, 2)], [(1, 2, 4), (3, 6, 0)], spawned=6))
    assert state.tolist() == [0, 1, 0.5, 1, 0.5, 1, 0.25, 0.25, 1, 0, 0, 0]
    assert state.shape == game.spec.state_shape
    options = GAMES["2s-5x9-4p-3f"]
    some = jax.jit(jax.vmap(foraging(options).central))(drawn(options))
    assert some.min() == 0
    assert some.max() == 1


def test_the_board_shows_agents_and_food_until_it_is_eaten():
    game = foraging(ForagingOptions(3, 5, agents=2, foods=1))
    assert boards.to_text(game.board(at([(0, 1, 1), (2, 4, 1)], [(1, 2, 1)]), None)) == (
        ". A . . .\n. . # . .\n. . . . B"
    )
    assert boards.to_text(game.board(at([(0, 1, 1), (1, 2, 1)], [(1, 2, 0)]), None)) == (
        ". A . . .\n. . B . .\n. . . . ."
    )


def test_idle_play_does_nothing():
    game = foraging(COOP)
    assert (game.idle, game.idle_is_noop, game.horizon, game.action_names) == ((0, 0), True, 50, ACTIONS)
    assert game.spec.team == (0, 0)
    state = at([(3, 2, 1), (3, 4, 2)], [(3, 3, 3), (6, 6, 1)])
    assert places(do(state, *game.idle)) == [(3, 2), (3, 4)]


# Names


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("foraging-8x8-2p-2f-coop", COOP),
        ("foraging-8x8-2p-2f", ForagingOptions()),
        ("foraging-10x6-3p-1f_v3", ForagingOptions(10, 6, agents=3, foods=1)),
        ("Foraging-2s-8x8-2p-2f-coop-v3", ForagingOptions(coop=True, sight=2)),
        ("foraging-15x15-4p-5f-coop-v3", ForagingOptions(15, 15, agents=4, foods=5, coop=True)),
    ],
)
def test_a_name_is_a_size(name, options):
    assert catalogue.known(name)
    entry = catalogue.find(name)
    assert entry.options() == options
    entry.check(entry.options())
    assert catalogue.find(write_name(options)).options() == options
    assert catalogue.make(name).name == write_name(options)


def test_every_name_of_the_package_is_the_packages_game():
    import gymnasium

    names = [name for name in gymnasium.registry if name.startswith("Foraging") and "grid" not in name]
    assert len(names) == 15 * 8 * 4 * 2 * 2
    for name in names[::7]:
        wanted = gymnasium.spec(name).kwargs
        options = read_name(name)
        assert options is not None
        found = package(options)
        assert (found.field_size, found.n_agents, found.max_num_food) == (
            wanted["field_size"],
            wanted["players"],
            wanted["max_num_food"],
        )
        assert (found.sight, found.force_coop, found._max_episode_steps, found.penalty) == (
            wanted["sight"],
            wanted["force_coop"],
            wanted["max_episode_steps"],
            wanted["penalty"],
        )
        assert {*found.min_player_level, *found.max_player_level} == {1, 2}
        catalogue.find(name).check(options)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("foraging", "there is no environment 'foraging'; did you mean 'foraging-8x8-2p-2f-coop'? Such names are"),
        ("lbf-8x8-2p-2f_coop", "; did you mean 'foraging-8x8-2p-2f-coop'? "),
        ("foraging-8x8-2f-3p", "; did you mean 'foraging-8x8-3p-2f'? "),
        ("foraging-10-3p-3f", "; did you mean 'foraging-10x10-3p-3f'? "),
        ("foragin-10x10-3p-3f", "; did you mean 'foraging-10x10-3p-3f'? "),
        ("foraging-8x8-2s-2p-2f", "; did you mean 'foraging-2s-8x8-2p-2f'? "),
        ("lbforaging:Foraging-8x8-2p-2f-coop-v3", "; did you mean 'foraging-8x8-2p-2f-coop'? "),
        ("Foraging-8x8-2p-2f-v2", "(the rules are those of v3, where agents have levels 1 and 2, not of v2)"),
    ],
)
def test_a_near_miss_is_told_the_name(name, sentence):
    assert not catalogue.known(name)
    with pytest.raises(BadInput) as refusal:
        catalogue.find(name)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)
    suggested = str(refusal.value).partition("mean '")[2].partition("'")[0]
    assert catalogue.known(suggested)


def test_other_names_are_not_taken_for_foraging():
    for name in ("chess", "rendezvous-8x8", "randezvous"):
        with pytest.raises(BadInput) as refusal:
            catalogue.find(name)
        assert "forag" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rows": 2}, "--env.rows 2: a field has 3 to 50 rows and columns"),
        ({"columns": 51}, "--env.columns 51: a field has 3 to 50 rows and columns"),
        ({"agents": 0}, "--env.agents 0: 1 to 20 agents can forage"),
        ({"agents": 9, "rows": 3, "columns": 3}, "--env.agents 9: 3 x 3 cells leave no room for food"),
        ({"foods": 0}, "--env.foods 0: a field has 1 to 20 foods"),
        ({"sight": -1}, "--env.sight -1: 0 sees the whole field, a positive number so many cells far"),
        ({"horizon": 0}, "--env.horizon 0: an episode needs at least 1 step"),
        ({"penalty": -0.5}, "--env.penalty -0.5: it is taken from the reward, so it is not negative"),
        ({"min_player_level": 3}, "--env.min-player-level 3 --env.max-player-level 2: expected 1 or more"),
        ({"max_player_level": 101}, "--env.min-player-level 1 --env.max-player-level 101: expected 1 or more"),
        ({"min_food_level": 0}, "--env.min-food-level 0 --env.max-food-level 0: expected 1 or more"),
        ({"min_food_level": 3}, "--env.min-food-level 3: the highest level of a food can be 2, so at most that"),
        ({"min_food_level": 3, "max_food_level": 2}, "--env.min-food-level 3: the highest level of a food can be 2"),
    ],
)
def test_what_cannot_be_foraged_is_refused(change, sentence):
    options = dataclasses.replace(ForagingOptions(), **change)
    for refuse in (foraging, catalogue.find("foraging-8x8-2p-2f").check):
        with pytest.raises(BadInput) as refusal:
            refuse(options)
        assert str(refusal.value).startswith(sentence)
        assert "\n" not in str(refusal.value)


def test_there_is_no_exact_table():
    with pytest.raises(BadInput, match=r"^foraging-8x8-2p-2f-coop draws its own chance, so it has no exact table"):
        exact_game("foraging-8x8-2p-2f-coop", COOP)


# PettingZoo's form


DOOR = {"rows": 5, "columns": 6, "sight": 2, "horizon": 9}


# What agents see begins at -1, and a kind of agents says at most how high it goes, so its Box has no limits.
@pytest.mark.filterwarnings("ignore:Agent's m(in|ax)imum observation space value is -?infinity:UserWarning")
def test_pettingzoo_form():
    parallel_api_test(foraging_v0.parallel_env(**DOOR), num_cycles=30)
    parallel_seed_test(lambda: foraging_v0.parallel_env(**DOOR), num_cycles=30)
    api_test(foraging_v0.env(**DOOR), num_cycles=30)
    seed_test(lambda: foraging_v0.env(**DOOR), num_cycles=30)
    render_test(lambda render_mode: foraging_v0.env(render_mode=render_mode, **DOOR))


def test_the_time_limit_is_no_ending():
    env = foraging_v0.parallel_env(**DOOR)
    env.reset(seed=1)
    for step in range(9):
        _, _, terminations, truncations, infos = env.step(dict.fromkeys(env.agents, NONE))
        assert list(truncations.values()) == [step == 8] * 2
        assert not any(terminations.values())
        assert infos["agent_0"] == {"success": False}
    assert env.agents == []


def test_it_is_driven_from_outside_like_any_other():
    worlds = parallel([foraging_v0.parallel_env(**DOOR) for _ in range(2)])
    sight = worlds.reset(np.array([1, 2]))
    assert sight.obs[0].shape == (2, 2, 12)
    outcome, _ = worlds.step(np.zeros((2, 2), np.int32), np.array([3, 4]))
    assert outcome.reward.tolist() == [[0, 0], [0, 0]]
