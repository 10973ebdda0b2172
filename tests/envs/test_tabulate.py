"""Environments as tables and tables as environments: there and back, the game is the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from finite_games import (
    CLIMBING,
    matrix_table,
    meeting_game,
    random_game,
    random_policy,
    renumbered,
    tiger,
)
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coterie.envs.from_table import from_table
from coterie.envs.matrix import climbing, matrix_game, penalty
from coterie.envs.probes import PROBES
from coterie.envs.protocol import draw_start, draw_step
from coterie.envs.rendezvous import rendezvous
from coterie.envs.tabulate import tabulate
from coterie.errors import BadInput, EnvironmentFault
from coterie.finite.solve import discounted_optimum, greedy_policy, optimum, policy_value, uniform_policy
from coterie.pettingzoo.ours.export import parallel_env
from coterie.settings import ClimbingOptions, PenaltyOptions, ProbeOptions, RendezvousOptions


@pytest.fixture(scope="module")
def meeting():
    return tabulate(rendezvous(RendezvousOptions()))


@pytest.fixture(scope="module")
def climb():
    return tabulate(climbing(ClimbingOptions()))


# Tabulate


@pytest.mark.smoke
def test_the_table_of_the_meeting_game_is_the_one_written_by_hand(meeting):
    assert renumbered(meeting) == renumbered(meeting_game())
    assert (meeting.name, meeting.horizon, meeting.success_word) == ("rendezvous", 20, "meet")
    assert meeting.deterministic
    assert len(meeting.states) == 625  # 600 apart, 25 met
    for state, cells in enumerate(meeting.states):
        picture = np.zeros(25, np.uint8)
        for agent, cell in enumerate(cells):
            picture[cell] |= 2 << agent
        assert (meeting.boards[state].reshape(-1) == picture).all()


def test_every_option_of_the_meeting_game_reaches_its_table():
    options = {"size": 3, "horizon": 7, "step_reward": 0.0, "closer_reward": 1.0, "meet_reward": 6.0}
    game = tabulate(rendezvous(RendezvousOptions(**options, observation="all", starts="random", controls="RLDU,LRUD")))
    by_hand = meeting_game(3, horizon=7, step=0.0, closer=1.0, meet=6.0, sees="all", random_starts=True, mirrored=True)
    # Random starts may stand in any order.
    assert sorted(game.states[game.start_state].tolist()) == sorted(by_hand.states[by_hand.start_state].tolist())
    order = [
        game.states[game.start_state].tolist().index(cells) for cells in by_hand.states[by_hand.start_state].tolist()
    ]
    game = game._replace(
        start_state=game.start_state[order], start_probability=np.round(game.start_probability[order], 12)
    )
    by_hand = by_hand._replace(start_probability=np.round(by_hand.start_probability, 12))
    assert renumbered(game) == renumbered(by_hand)


def test_matrix_games_are_one_state(climb):
    expected = renumbered(matrix_table(CLIMBING))
    assert {**renumbered(climb), "boards": [], "action boards": []} == expected
    assert climb.action_boards.shape == (9, 3, 3)
    for joint, (a, b) in enumerate(climb.joint_actions.tolist()):
        assert np.argwhere(climb.action_boards[joint]).tolist() == [[a, b]]


@pytest.mark.parametrize(
    "name, worth, random",
    [("sign", 0.0, 0.0), ("choice", 1.0, 0.5), ("joint", 1.0, 0.25), ("unlike", 4.0, 2.0), ("memory", 1.0, 0.5)],
)
def test_probes_have_the_values_that_they_were_made_for(name, worth, random):
    game = tabulate(PROBES[name](ProbeOptions()))
    assert policy_value(game, uniform_policy(game)).returns.mean() == pytest.approx(random)
    assert discounted_optimum(game, 0.999).value == pytest.approx(worth, abs=0.01)  # whose mind sees the state


def test_kinds_have_numbers_of_their_own():
    game = tabulate(PROBES["unlike"](ProbeOptions()))
    assert game.actions == (2, 3, 2)
    assert [values.tolist() for values in game.observations] == [[[0, 1], [1, 0]], [[1, -1, 0.5]]]
    assert game.seen.tolist() == [[1, 2, 0]] * len(game.states)
    assert (game.action_boards.size, game.boards.shape) == (0, (len(game.states), 0, 0))


def test_every_reason_to_refuse_is_named(monkeypatch):
    plain = matrix_game("plain", np.eye(2))
    with pytest.raises(BadInput, match="draws its own chance"):
        tabulate(plain._replace(outcomes=None))
    with pytest.raises(BadInput, match="fractional"):
        tabulate(plain._replace(start=lambda outcome: jnp.zeros(1)))
    with pytest.raises(BadInput, match="end before their team"):
        tabulate(PROBES["death"](ProbeOptions()))
    with pytest.raises(BadInput, match="illegal actions"):
        tabulate(plain._replace(legal=lambda state: (jnp.array([[True, True], [True, False]]),)))
    with pytest.raises(EnvironmentFault, match="do not add up to 1"):
        tabulate(plain._replace(outcomes=lambda state, action: jnp.array([0.5, 0.25])))
    with pytest.raises(BadInput, match=r"too large for an exact table: over 1,000 .* \(\d+ states"):
        tabulate(rendezvous(RendezvousOptions()), cap=1_000)


def test_what_cannot_happen_is_no_state():
    plain = matrix_game("plain", np.eye(2), horizon=3)
    odd = plain._replace(
        outcomes=lambda state, action: jnp.array([1.0, 0.0]),
        step=lambda state, action, outcome: plain.step(state + outcome, action, outcome)._replace(
            terminated=jnp.stack([outcome > 0, jnp.bool(False)])
        ),
    )
    game = tabulate(odd)
    assert len(game.states) == 1
    assert game.deterministic


def test_chances_in_single_precision_add_up_to_1_in_double():
    thirds = matrix_game("thirds", np.eye(2))._replace(
        outcomes=lambda state, action: jnp.full(3, 1 / 3, jnp.float32), starts=lambda: jnp.full(3, 1 / 3, jnp.float32)
    )
    game = tabulate(thirds)
    assert (game.probability.dtype, game.start_probability.dtype) == (np.float64, np.float64)
    assert game.probability.reshape(-1, 3).sum(1) == pytest.approx(np.ones(4), abs=1e-15)
    assert game.start_probability.sum() == pytest.approx(1.0, abs=1e-15)


# From a table


def outcome_of(game):
    """What does not depend on how states are numbered."""
    tables = np.random.default_rng(0).integers(0, 5, (len(game.actions), game.observation_count, max(game.actions)))
    greedy, random = policy_value(game, greedy_policy(game, tables)), policy_value(game, uniform_policy(game))
    best = optimum(game)
    return {
        "optimum": [best.value],
        "from each start": best.start_values.tolist(),
        "discounted": [discounted_optimum(game, 0.9).value],
        "random": [*random.returns, random.success, random.ended, random.steps],
        "greedy": [*greedy.returns, greedy.success, greedy.ended, greedy.steps],
    }


def assert_same(game, back):
    before, after = renumbered(game), renumbered(back)
    for part in before:
        assert after[part] == before[part], part
    assert (back.name, back.horizon, back.action_names) == (game.name, game.horizon, game.action_names)
    assert (back.idle, back.success_word, back.actions) == (game.idle, game.success_word, game.actions)
    assert back.spec.kinds == game.spec.kinds
    values = outcome_of(back)
    for name, value in outcome_of(game).items():
        assert values[name] == pytest.approx(value, abs=1e-9), name


def test_rendezvous_there_and_back(meeting):
    environment = from_table(meeting)
    assert environment.spec == meeting.spec
    assert_same(meeting, tabulate(environment))
    assert optimum(tabulate(environment)).value == 7.0


def test_climbing_there_and_back(climb):
    assert_same(climb, tabulate(from_table(climb)))


def test_penalty_there_and_back():
    game = tabulate(penalty(PenaltyOptions(k=-2.5, horizon=4)))
    assert optimum(game).value == 40.0
    assert_same(game, tabulate(from_table(game)))


def test_noisy_hearing_there_and_back():
    game = tiger(horizon=3)
    assert_same(game, tabulate(from_table(game)))


@given(seed=st.integers(0, 2**32), sizes=st.sampled_from([(2,), (2, 2), (2, 3, 2)]))
@settings(max_examples=5, deadline=None, phases=[Phase.generate])  # each one is compiled, so none is shrunk
def test_any_game_there_and_back(seed, sizes):
    game = random_game(seed, states=4, sizes=sizes)
    assert_same(game, tabulate(from_table(game)))


def test_the_environment_of_a_table_is_the_one_it_was_made_from(meeting):
    original, copy = rendezvous(RendezvousOptions()), from_table(meeting)
    look = [
        jax.jit(lambda s, w=world: (w.observe(s), w.legal(s), w.central(s), w.to_move(s))) for world in (original, copy)
    ]
    step = [jax.jit(lambda s, a, w=world: w.step(s, a, jnp.int32(0))) for world in (original, copy)]
    states = [world.start(jnp.int32(0)) for world in (original, copy)]
    assert (states[1].shape, states[1].dtype) == ((), jnp.int32)
    for action in np.random.default_rng(0).integers(0, 4, (12, 2)):
        one, other = (move(state, jnp.asarray(action, jnp.int32)) for move, state in zip(step, states, strict=True))
        states = [one.state, other.state]
        here = [one[1:], look[0](one.state)]
        there = [other[1:], look[1](other.state)]
        for mine, theirs in zip(jax.tree.leaves(here), jax.tree.leaves(there), strict=True):
            assert mine.dtype == theirs.dtype
            assert mine.tolist() == theirs.tolist()
        assert (original.board(one.state, action) == copy.board(other.state, action)).all()
        if one.terminated.all():
            break


def test_pictures_of_actions_come_back(climb):
    environment = from_table(climb)
    state = environment.start(jnp.int32(0))
    assert (environment.board(state, None) == 0).all()
    assert (environment.board(state, np.array([-1, -1])) == 0).all()
    assert np.argwhere(environment.board(state, jnp.array([2, 1]))).tolist() == [[2, 1]]
    assert from_table(random_game(0)).board is None


def test_outcomes_are_the_edges_padded_with_nothing():
    game = random_game(3, sizes=(2, 3))
    environment = from_table(game)
    counts = np.diff(game.first_edge)
    state, joint = np.divmod(np.arange(len(counts)), 6)
    action = game.joint_actions[joint]
    chances = np.asarray(jax.jit(jax.vmap(environment.outcomes))(state, action))
    assert chances.shape == (len(counts), counts.max())
    over_outcomes = jax.vmap(environment.step, (None, None, 0))
    step = jax.jit(jax.vmap(over_outcomes, (0, 0, None)))(state, action, np.arange(counts.max()))
    assert (chances == 0).sum() == (counts.max() - counts).sum()
    for pair, count in enumerate(counts):
        edges = slice(game.first_edge[pair], game.first_edge[pair + 1])
        assert chances[pair, :count] == pytest.approx(game.probability[edges])
        assert step.state[pair, :count].tolist() == game.successor[edges].tolist()
        assert step.reward[pair, :count].tolist() == game.reward[edges].tolist()
        assert step.terminated[pair, :count].tolist() == [[bool(ended)] * 2 for ended in game.ended[edges]]
        assert step.success[pair, :count].tolist() == game.success[edges].tolist()


def test_a_table_can_be_played_through_pettingzoo():
    game = matrix_table(CLIMBING)
    world = parallel_env(from_table(game))
    for joint, (a, b) in enumerate(game.joint_actions.tolist()):
        seen, _ = world.reset(seed=joint)
        assert {name: what.tolist() for name, what in seen.items()} == {"agent_0": [0], "agent_1": [0]}
        _, rewards, terminations, truncations, _ = world.step({"agent_0": a, "agent_1": b})
        assert rewards == {"agent_0": CLIMBING[a][b], "agent_1": CLIMBING[a][b]}
        assert all(terminations.values())
        assert not any(truncations.values())
        assert world.agents == []


def test_drawn_episodes_earn_the_exact_value():
    game = random_game(11, horizon=4, endings=0.0)
    policy = random_policy(game, 11)
    exact = policy_value(game, policy)
    environment = from_table(game)
    cumulative = jnp.asarray(policy.cumsum(-1))

    def episode(key):
        def step(carry, key):
            state, success = carry
            chance, *own = jax.random.split(key, 3)
            seen = [jnp.asarray(game.seen)[state, agent] for agent in (0, 1)]
            action = jnp.stack([(jax.random.uniform(own[k]) >= cumulative[k, seen[k]]).sum() for k in (0, 1)])
            after = draw_step(environment, chance, state, jnp.minimum(action, 1).astype(jnp.int32))
            return (after.state, success | after.success), after.reward

        start, steps = jax.random.split(key)
        (_, success), rewards = jax.lax.scan(
            step, (draw_start(environment, start), jnp.bool(False)), jax.random.split(steps, 4)
        )
        return rewards.sum(0), success

    fast = {"xla_backend_optimization_level": 0}  # what takes time here is the compiling
    returns, success = jax.jit(jax.vmap(episode), compiler_options=fast)(jax.random.split(jax.random.key(0), 20_000))
    for agent in (0, 1):
        error = float(returns[:, agent].std()) / 20_000**0.5
        assert float(returns[:, agent].mean()) == pytest.approx(exact.returns[agent], abs=5 * error)
    assert float(success.mean()) == pytest.approx(exact.success, abs=5 * 0.5 / 20_000**0.5)


def test_the_central_state_is_the_tables():
    game = tiger(horizon=2)  # its spec knows no central state
    assert from_table(game).central(jnp.int32(3)).shape == (0,)
    known = game._replace(states=np.stack([np.arange(len(game.states)), game.seen[:, 0]], axis=1))
    known = known._replace(spec=game.spec.__class__(**{**vars(game.spec), "state_shape": (2, 1)}))
    assert from_table(known).central(jnp.int32(3)).tolist() == [[3], [int(game.seen[3, 0])]]
    other = known._replace(states=np.arange(len(game.states)))
    assert from_table(other).spec.state_shape == (1,)
    assert from_table(other).central(jnp.int32(3)).tolist() == [3]


def test_a_table_that_does_not_fit_together_is_refused():
    game = random_game(0)
    with pytest.raises(ValueError, match="successor lies outside"):
        from_table(game._replace(successor=game.successor + 3))
