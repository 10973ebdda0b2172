"""Rendezvous by hand: every rule of the world against numbers worked out on paper."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.envs import boards
from coterie.envs.grids import next_cells, walking_distances
from coterie.envs.protocol import draw_start
from coterie.envs.rendezvous import rendezvous
from coterie.errors import BadInput
from coterie.settings import RendezvousOptions

R, L, D, U, STAY = range(5)


def world(**options):
    return rendezvous(RendezvousOptions(**options))


def play(environment, cells, *actions):
    return environment.step(jnp.array(cells, jnp.int32), jnp.array(actions, jnp.int32), jnp.int32(0))


def seen(environment, cells):
    (observation,) = environment.observe(jnp.array(cells, jnp.int32))
    assert observation.dtype == jnp.int32
    assert observation.shape[1:] == environment.spec.kinds[0].observation_shape
    assert 0 <= int(observation.min()) <= int(observation.max()) <= environment.spec.kinds[0].observation_high
    return observation.tolist()


@pytest.mark.smoke
def test_the_defaults_are_the_tutorials():
    game = world()
    assert game.start(jnp.int32(0)).tolist() == [0, 24]
    assert (game.horizon, game.action_names, game.spec.agents) == (20, ("R", "L", "D", "U"), ("agent_0", "agent_1"))
    step = play(game, [0, 24], R, U)
    assert step.state.tolist() == [1, 19]
    assert step.reward.tolist() == [-1, -1]
    assert not step.terminated.any()
    assert not step.success


@pytest.mark.parametrize(
    "cell, action, after",
    [
        (0, L, 0),
        (0, U, 0),
        (0, R, 1),
        (0, D, 5),
        (4, R, 4),
        (4, U, 4),
        (20, D, 20),
        (24, R, 24),
        (12, U, 7),
        (12, L, 11),
    ],
)
def test_moves_are_clipped_at_the_rim(cell, action, after):
    assert play(world(), [cell, 23], action, R).state.tolist() == [after, 24]


def test_walls_stand_and_other_agents_do_not():
    game = world(map="A#./...", starts="random", stay=True)
    assert play(game, [0, 5], R, U).state.tolist() == [0, 2]
    assert play(game, [4, 5], U, STAY).state.tolist() == [4, 5]
    passing = play(game, [3, 4], R, L)  # they change places and have not met
    assert passing.state.tolist() == [4, 3]
    assert not passing.success


def test_fixed_starts_are_corners_or_letters():
    assert world(agents=4, size=3).start(jnp.int32(0)).tolist() == [0, 8, 2, 6]
    assert world(map="B../#.A").start(jnp.int32(0)).tolist() == [5, 0]
    assert world(map="B..\n#.A").start(jnp.int32(0)).tolist() == [5, 0]


def test_random_starts_are_all_but_the_met_ones():
    game = world(size=2, starts="random")
    probabilities = game.starts()
    starts = [tuple(game.start(jnp.int32(number)).tolist()) for number in range(len(probabilities))]
    assert sorted(starts) == [(a, b) for a in range(4) for b in range(4) if a != b]
    assert probabilities.tolist() == pytest.approx([1 / 12] * 12)
    drawn = jax.vmap(lambda key: draw_start(game, key))(jax.random.split(jax.random.key(0), 200))
    assert {tuple(cells) for cells in drawn.tolist()} == set(starts)


def test_random_starts_of_three_may_share_a_cell_but_not_all():
    starts = world(size=2, starts="random", agents=3)
    cells = np.asarray(jax.vmap(starts.start)(jnp.arange(len(starts.starts()))))
    assert len(cells) == 4**3 - 4
    assert [0, 0, 1] in cells.tolist()


def test_only_the_meeting_is_paid_on_its_step():
    step = play(world(closer_reward=0.5, meet_reward=7.0), [0, 2], R, L)
    assert step.state.tolist() == [1, 1]
    assert step.reward.tolist() == [7, 7]
    assert step.terminated.tolist() == [True, True]
    assert step.success


@pytest.mark.parametrize(
    "cells, actions, reward",
    [
        ([0, 24], (R, L), -0.5),  # distance 8 to 6
        ([0, 24], (R, R), -0.5),  # 8 to 7
        ([0, 24], (L, R), -1.0),  # both stand at the rim
        ([6, 18], (L, R), -1.0),  # farther: 4 to 6
        ([6, 18], (R, R), -1.0),  # one nearer, one farther: 4 to 4
        ([6, 7], (R, L), -1.0),  # they pass through each other: 1 to 1
    ],
)
def test_closer_is_paid_only_where_the_walk_is_shorter(cells, actions, reward):
    assert play(world(closer_reward=0.5), cells, *actions).reward.tolist() == [reward, reward]


def test_closer_is_measured_by_walking_round_walls():
    game = world(map="A#B/.#./...", closer_reward=0.5)  # the way is 6 long, the crow flies 2
    assert play(game, [0, 2], D, U).reward.tolist() == [-0.5, -0.5]
    assert play(game, [3, 5], U, R).reward.tolist() == [-1, -1]


def test_individual_pay_goes_to_whose_own_move_did_it():
    game = world(closer_reward=0.5, reward="individual")
    assert play(game, [0, 24], R, R).reward.tolist() == [-0.5, -1]
    assert play(game, [0, 24], L, U).reward.tolist() == [-1, -0.5]
    assert play(game, [6, 7], R, L).reward.tolist() == [-0.5, -0.5]  # they pass through each other
    assert play(game, [6, 8], R, L).reward.tolist() == [10, 10]


def test_individual_pay_with_three_agents_counts_all_distances():
    game = world(closer_reward=0.5, reward="individual", agents=3, size=3)
    # at (0,0), (2,2), (0,2): R brings agent 0 nearer to both; L leaves (2,1): nearer to 0, farther from 2; D: farther
    assert play(game, [0, 8, 2], R, L, U).reward.tolist() == [-0.5, -1, -1]


def test_individual_shaping_is_each_ones_own_distance():
    game = world(shaping=1.0, shaping_discount=0.5, reward="individual")
    assert play(game, [0, 24], R, R).reward.tolist() == [-1 + 8 - 0.5 * 7, -1 + 8 - 0.5 * 8]


def test_shaping_by_hand():
    game = world(shaping=2.0, shaping_discount=0.5)
    assert play(game, [0, 24], R, L).reward.tolist() == [-1 + 2 * (8 - 0.5 * 6)] * 2
    assert play(game, [0, 2], R, L).reward.tolist() == [10 + 2 * 2] * 2  # the met have no potential left


SHAPED = {"size": 4, "shaping": 1.5, "shaping_discount": 0.8, "step_reward": 0.0, "meet_reward": 0.0, "stay": True}


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=12))
def test_shaping_telescopes(path):
    """Discounted, the shaping of any path is worth shaping * (first distance - g^T * last distance)."""
    game = stepped(tuple(SHAPED.items()))
    state, earned = jnp.array([0, 15], jnp.int32), 0.0
    for time, actions in enumerate(path):
        step = game(state, jnp.array(actions, jnp.int32), jnp.int32(0))
        state, earned = step.state, earned + 0.8**time * float(step.reward[0])
        if step.success:
            break
    (a, b), ways = np.divmod(np.asarray(state), 4), 6.0
    last = abs(a[0] - a[1]) + abs(b[0] - b[1])
    assert earned == pytest.approx(1.5 * (ways - 0.8 ** (time + 1) * last), abs=1e-4)


def stepped(options, known={}):  # noqa: B006  one compiled step for all examples
    if options not in known:
        known[options] = jax.jit(world(**dict(options)).step)
    return known[options]


def test_controls_are_permuted_by_agent():
    game = world(controls="RLDU,LRUD", stay=True)
    assert play(game, [12, 12], R, R).state.tolist() == [13, 11]
    assert play(game, [12, 12], D, D).state.tolist() == [17, 7]
    assert play(game, [12, 12], STAY, STAY).state.tolist() == [12, 12]
    turned = world(controls="DURL,RLDU")
    assert [play(turned, [12, 0], action, L).state.tolist()[0] for action in (R, L, D, U)] == [17, 7, 13, 11]


def test_three_agents_all_must_meet():
    game = world(agents=3)
    two = play(game, [0, 2, 24], R, L, U)
    assert two.state.tolist() == [1, 1, 19]
    assert not two.success
    assert two.reward.tolist() == [-1, -1, -1]
    three = play(game, [0, 2, 6], R, L, U)
    assert three.success
    assert three.reward.tolist() == [10, 10, 10]


def test_own_observation_is_row_and_column():
    assert seen(world(), [0, 23]) == [[0, 0], [4, 3]]


def test_all_observation_begins_with_ones_own():
    assert seen(world(observation="all", agents=3), [1, 10, 24]) == [
        [0, 1, 2, 0, 4, 4],
        [2, 0, 4, 4, 0, 1],
        [4, 4, 0, 1, 2, 0],
    ]


def test_window_holds_walls_and_others():
    game = world(observation="window", map="A.#/.B./...")
    assert seen(game, [0, 4]) == [
        [[[1, 1, 1], [1, 0, 0], [1, 0, 0]], [[0, 0, 0], [0, 0, 0], [0, 0, 1]]],
        [[[0, 0, 1], [0, 0, 0], [0, 0, 0]], [[1, 0, 0], [0, 0, 0], [0, 0, 0]]],
    ]


def test_window_is_blind_beyond_its_rim_and_counts_who_stand_together():
    game = world(observation="window", window=2, agents=3, size=5)
    first, second, third = (np.array(one) for one in seen(game, [0, 24, 24]))
    assert first[1].sum() == 0
    assert second[1, 2, 2] == third[1, 2, 2] == 1
    assert second[1].sum() == 1
    assert (first[0, :2] == 1).all()
    assert (first[0, 2:, 2:] == 0).all()
    assert np.array(seen(game, [12, 24, 24]))[0, 1, 4, 4] == 2


@pytest.mark.parametrize("observation", ["own", "all", "window"])
def test_the_highest_value_is_seen_somewhere(observation):
    game = world(observation=observation, agents=3, size=3, starts="random")
    assert max(np.max(seen(game, cells)) for cells in ([8, 8, 8], [8, 8, 7])) == game.spec.kinds[0].observation_high


def test_distances_are_those_of_a_search_by_hand():
    wall = np.array([[cell == "#" for cell in row] for row in (".#.", ".#.", "...")])
    distances = walking_distances(next_cells(wall))
    assert distances[0].tolist() == [0, -1, 6, 1, -1, 5, 2, 3, 4]
    assert (distances == distances.T).all()


def test_distances_on_open_ground_are_manhattan():
    rows, columns = np.divmod(np.arange(42), 7)
    expected = abs(rows[:, None] - rows) + abs(columns[:, None] - columns)
    assert (walking_distances(next_cells(np.zeros((6, 7), bool))) == expected).all()


def test_the_board_shows_walls_agents_and_meetings():
    game = world(map="A#/.B")
    assert boards.to_text(game.board(np.array([0, 3]), None)) == "A #\n. B"
    assert boards.to_text(game.board(np.array([2, 2]), np.array([D, L]))) == ". #\n* ."


def test_idle_play_is_a_stay_where_there_is_one():
    assert (world(stay=True).idle, world(stay=True).idle_is_noop) == ((4, 4), True)
    assert (world().idle, world().idle_is_noop) == ((0, 0), False)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"agents": 1}, "--env.agents 1: at least 2 agents are needed to meet"),
        ({"horizon": 0}, "--env.horizon 0: an episode needs at least 1 step"),
        ({"observation": "window", "window": 0}, "--env.window 0: a window sees at least 1 cell far"),
        ({"size": 1}, "--env.size 1: a grid has from 2 to 50 rows"),
        ({"size": 51}, "--env.size 51: a grid has from 2 to 50 rows"),
        ({"agents": 5}, "--env.agents 5: a grid has 4 corners; use --env.starts random, or letters in --env.map"),
        ({"map": "A./B"}, "--env.map: all rows must be equally long, these have 1 to 2 cells"),
        ({"map": "/".join(["." * 51] * 50)}, "--env.map: 2,550 cells are more than 2,500"),
        ({"map": "A.x/..B"}, "--env.map: 'x' in row 1 means nothing; known: '#' '.' and AB"),
        ({"map": "A../.CB"}, "--env.map: 'C' in row 2 means nothing; known: '#' '.' and AB"),
        ({"map": "A../..."}, "--env.map: agent B needs one start cell, the map has 0 (or use --env.starts random)"),
        ({"map": "AA./..B"}, "--env.map: agent A needs one start cell, the map has 2 (or use --env.starts random)"),
        ({"map": "AB", "agents": 27}, "--env.map: a map has letters for 26 agents; use --env.starts random"),
        ({"map": "A#B"}, "--env.map: agents that start at (0,0) and (0,2) cannot reach each other; open a wall"),
        ({"map": ".#.", "starts": "random"}, "--env.map: agents that start at (0,0) and (0,2) cannot reach each"),
        ({"map": "#.#", "starts": "random"}, "--env.map: 1 free cells; at least 2 are needed"),
        ({"size": 30, "starts": "random"}, "--env.starts random: 900 cells and 2 agents make more than 200,000 starts"),
        ({"controls": "RLDU"}, "--env.controls: one word an agent, 2 expected, 1 found"),
        ({"controls": "RLDU,RLDD"}, "--env.controls: 'RLDD' must hold each of R, L, D and U once"),
    ],
)
def test_what_cannot_be_played_is_refused(options, message):
    with pytest.raises(BadInput) as refusal:
        world(**options)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)
