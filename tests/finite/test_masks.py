"""Masks in tables: only legal actions are chosen, valued, and kept in files; slow definitions are the oracle."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from finite_games import by_policy, make_game, meeting_game, random_game, value_by_recursion, ways_of
from turn_games import nim, randomly_masked, tictactoe, with_masks

from coterie.diagnosis.responses import response
from coterie.diagnosis.shadow import shadow
from coterie.finite.beliefs import best_response_value
from coterie.finite.decentralised import decentralised_optimum
from coterie.finite.equilibria import equilibria
from coterie.finite.formats import from_bytes, to_bytes
from coterie.finite.game import ALL_LEGAL, check_game
from coterie.finite.histories import remember
from coterie.finite.ladder import gap_ladder
from coterie.finite.solve import (
    best_response,
    discounted_values,
    greatest_success,
    greedy_policy,
    idle_policy,
    legal_part,
    optimal_play,
    optimum,
    policy_value,
    success_of_optimal_play,
    uniform_policy,
)
from coterie.running.stage import TableStage, own_cast, replaced

GAMES = [randomly_masked(random_game(seed, states=4, sizes=(3, 2)), seed) for seed in range(12)]


def legal_joints(game, state):
    return [j for j in range(int(np.prod(game.actions))) if ways_of(game, state, j)]


@pytest.mark.parametrize("game", GAMES, ids=range(len(GAMES)))
def test_exact_answers_equal_slow_definitions(game):
    check_game(game)

    @cache
    def best(time, state):
        if time == game.horizon:
            return 0.0
        return max(
            sum(p * (r.mean() + (0 if ended else best(time + 1, after))) for p, after, r, ended, _ in ways)
            for joint in legal_joints(game, state)
            if (ways := ways_of(game, state, joint))
        )

    value = sum(p * best(0, int(s)) for p, s in zip(game.start_probability, game.start_state, strict=True))
    assert optimum(game).value == pytest.approx(value)
    assert (np.diff(game.first_edge)[optimum(game).policy[0] + 6 * np.arange(len(game.states))] > 0).all()
    for policy in (uniform_policy(game), idle_policy(game), greedy_policy(game, -np.ones((1, *game.legal.shape)))):
        assert not policy[~game.allowed].any()
        assert policy.sum(2) == pytest.approx(np.ones(policy.shape[:2]))
        exact = value_by_recursion(game, by_policy(game, policy), game.horizon)
        found = policy_value(game, policy)
        assert found.returns == pytest.approx(exact[0])
        assert (found.success, found.ended, found.steps) == pytest.approx(exact[1:])


@pytest.mark.parametrize("game", GAMES[:6], ids=range(6))
def test_a_best_response_is_legal_and_best(game):
    policy = uniform_policy(game)

    @cache
    def best(time, state):
        if time == game.horizon:
            return 0.0
        worths = {}
        for joint in legal_joints(game, state):
            own, other = divmod(joint, 2)
            chance = policy[1, game.seen[state, 1], other]
            worth = sum(
                p * (r[0] + (0 if ended else best(time + 1, after)))
                for p, after, r, ended, _ in ways_of(game, state, joint)
            )
            worths[own] = worths.get(own, 0.0) + chance * worth
        return max(worths.values())

    value = sum(p * best(0, int(s)) for p, s in zip(game.start_probability, game.start_state, strict=True))
    assert best_response(game, policy, 0) == pytest.approx(value)
    found = response(game, policy, 0)
    assert not found.policy[~game.allowed[0]].any()
    assert found.now <= found.reacting + 1e-9
    assert found.reacting <= value + 1e-9


def test_the_masks_of_these_games_bite():
    assert sum(any(len(legal_joints(game, s)) < 6 for s in range(len(game.states))) for game in GAMES) >= 10


def test_what_is_illegal_is_never_worth_anything():
    """The broken copy, whose mask is taken off, believes that what cannot be done is worth 0, and says so."""
    ways = {(0, (a, 0)): [(1.0, 0, -1.0 - a, False, False)] for a in (1, 2)}
    game = with_masks(make_game((3, 1), ways, [[(0,), (0,)]], horizon=2), [[[1, 2], [0]]])
    check_game(game)
    assert optimum(game).value == -4.0
    assert discounted_values(game, 0.5).tolist() == pytest.approx([-4.0])
    assert optimum(game._replace(legal=ALL_LEGAL)).value == 0.0
    assert greatest_success(game) == 0.0


def test_success_of_optimal_play_is_that_of_legal_play():
    """Two ways are equally good and one of them succeeds; a third, which would pay more, is illegal."""
    ways = {(0, (a, 0)): [(1.0, 0, 1.0, True, a == 1)] for a in (0, 1)}
    game = with_masks(make_game((3, 1), ways, [[(0,), (0,)]], horizon=1), [[[0, 1], [0]]])
    assert success_of_optimal_play(game, 0.9) == (0.0, 1.0)


def test_who_is_shown_something_else_still_acts_legally():
    game = tictactoe()
    stage = TableStage(game, uniform_policy(game)[None])
    shown = np.tile(np.eye(game.observation_count)[game.seen[0, 0]], (game.observation_count, 1))
    score = stage.score(replaced(own_cast(stage), 0, shown=shown))
    assert score.returns.sum() == pytest.approx(0.0)
    assert policy_value(game, stage.policy(replaced(own_cast(stage), 0, shown=shown))).ended == pytest.approx(1.0)
    wanted = np.zeros((game.observation_count, 9))
    wanted[:, 4] = 1.0
    kept = legal_part(game, wanted, 0)
    assert not kept[~game.allowed[0]].any()
    assert kept.sum(1) == pytest.approx(np.ones(len(kept)))


@pytest.mark.parametrize("game", [nim(5), nim(4, agents=3), *GAMES[:4]], ids=range(6))
def test_files_keep_masks(game):
    game = game._replace(layouts=({"chosen": {"sizes": [9]}},), remarks=("starts are measured",))
    again = from_bytes(to_bytes(game))
    assert np.array_equal(again.legal, game.legal)
    assert again.layouts == game.layouts
    assert again.remarks == game.remarks


def test_files_of_games_without_masks_are_as_they_were():
    game = meeting_game(3)
    data = to_bytes(game)
    assert b"legal" not in data
    assert b"layouts" not in data
    assert not from_bytes(data).masked


def test_agents_that_remember_keep_their_masks():
    for game in (nim(5), *GAMES[:4]):
        again = remember(game, 2)
        check_game(again)
        assert optimum(again).value == pytest.approx(optimum(game).value)
        here, there = (policy_value(one, uniform_policy(one)).returns for one in (game, again))
        assert there == pytest.approx(here)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda game: game._replace(legal=game.legal[:, :1]), "legal is bool"),
        (lambda game: game._replace(legal=game.legal.astype(np.int8)), "legal is int8"),
        (lambda game: game._replace(legal=np.zeros_like(game.legal)), "everybody has a legal action"),
        (lambda game: game._replace(legal=np.ones_like(game.legal)), "legal joint actions have edges"),
        (lambda game: game._replace(legal=np.roll(game.legal, 1, 1)), "legal joint actions have edges"),
    ],
)
def test_masks_that_do_not_fit_are_refused(broken, message):
    with pytest.raises(ValueError, match=message):
        check_game(broken(nim(4)))


def test_what_is_not_worked_out_with_masks_says_so():
    game = GAMES[1]
    with pytest.raises(ValueError, match="illegal"):
        decentralised_optimum(game)
    with pytest.raises(ValueError, match="illegal"):
        best_response_value(game, uniform_policy(game), 0)
    with pytest.raises(ValueError, match="legal"):
        equilibria(game)
    assert shadow(game).verdict == "cannot tell"
    ladder = gap_ladder(game, uniform_policy(game))
    assert ladder.is_bound
    assert ladder.decentralised is None
    assert ladder.value <= ladder.best_response <= ladder.joint


def test_an_optimal_play_is_legal():
    for game in GAMES:
        edges, actions = optimal_play(game, optimum(game))
        states = [int(game.start_state[0]), *game.successor[edges[:-1]].tolist()]
        for state, joint in zip(states, actions, strict=True):
            assert all(game.allowed[agent, game.seen[state, agent], action] for agent, action in enumerate(joint))


def test_turns_are_told():
    assert nim(4).in_turns
    assert not meeting_game(3).in_turns
    assert all(len(list(product(*map(range, game.actions)))) == 6 for game in GAMES)
