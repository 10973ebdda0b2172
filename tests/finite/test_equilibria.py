"""Equilibria of classic games, worked out by hand, and of random ones, checked against the definition."""

import numpy as np
import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game, tiger

from coterie.finite.equilibria import equilibria, payoffs_of, risk_dominant


def common(payoffs):
    """What both earn, as payoffs of each."""
    return np.repeat(np.array(payoffs, float)[..., None], 2, -1)


def bimatrix(one, other):
    return np.stack([np.array(one, float), np.array(other, float)], -1)


PENNIES = bimatrix([[1, -1], [-1, 1]], [[-1, 1], [1, -1]])
CHICKEN = bimatrix([[0, 7], [2, 6]], [[0, 2], [7, 6]])  # dare, chicken
STAG = bimatrix([[4, 1], [3, 2]], [[4, 3], [1, 2]])  # stag, hare
PRISONERS = bimatrix([[3, 0], [5, 1]], [[3, 5], [0, 1]])  # cooperate, defect
ROCK = bimatrix([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], [[0, 1, -1], [-1, 0, 1], [1, -1, 0]])


def pure(found):
    return [tuple(int(one.argmax()) for one in each.strategies) for each in found.found if each.pure]


def mixed(found):
    return [[one.round(9).tolist() for one in each.strategies] for each in found.found if not each.pure]


def test_climbing():
    """(a, a) and (b, b) are pure.

    Mixing a and c: 11p = 5(1 - p), p = 5/16, where b earns -30p + 6(1 - p) < 0: an equilibrium. Mixing a and b, p =
    37/78, both earn -10.6, but c earns 0; and b earns more than c whether the partner plays b or c.
    """
    found = equilibria(matrix_table(CLIMBING))
    assert pure(found) == [(0, 0), (1, 1)]
    assert np.allclose(mixed(found), [[[5 / 16, 0, 11 / 16]] * 2])
    assert [(one.strict, one.optimal, one.dominated) for one in found.found] == [
        (True, True, False),
        (True, False, True),
        (False, False, True),
    ]
    assert (found.optimum, found.optima, found.complete, found.degenerate) == (11.0, ((0, 0),), True, False)


def test_penalty():
    """Three pure equilibria: two optima, and b, which is safe.

    Mixing a and b: 10p = 2(1 - p), p = 1/6, where c earns -100/6; c and b likewise. Mixing a and c both earn -45, but b
    earns 0. All three: a and c as often, -90p = 2(1 - 2p) has no solution with p > 0.
    """
    found = equilibria(common([[10, 0, -100], [0, 2, 0], [-100, 0, 10]]))
    assert pure(found) == [(0, 0), (1, 1), (2, 2)]
    assert found.optima == ((0, 0), (2, 2))
    assert [one.dominated for one in found.found[:3]] == [False, True, False]
    assert np.allclose(mixed(found), [[[1 / 6, 5 / 6, 0]] * 2, [[0, 5 / 6, 1 / 6]] * 2])


def test_matching_pennies_are_played_half_and_half():
    found = equilibria(PENNIES)
    assert pure(found) == []
    assert mixed(found) == [[[0.5, 0.5], [0.5, 0.5]]]
    assert found.found[0].payoffs.tolist() == [0.0, 0.0]
    assert found.risk_dominant is None


def test_rock_paper_scissors():
    found = equilibria(ROCK)
    assert len(found.found) == 1
    assert np.allclose(found.found[0].strategies, 1 / 3)


def test_chicken():
    """(dare, chicken), (chicken, dare), and daring by 1/3: 7(1 - p) = 2p + 6(1 - p)."""
    found = equilibria(CHICKEN)
    assert pure(found) == [(0, 1), (1, 0)]
    assert np.allclose(mixed(found), [[[1 / 3, 2 / 3]] * 2])
    assert np.allclose(found.found[2].payoffs, 14 / 3)
    assert found.optima == ((1, 1),)  # both yield: best for the team, and no equilibrium
    assert not any(one.optimal for one in found.found)
    assert found.risk_dominant is None  # alike but for the names


def test_stag_hunt():
    """The stag pays most; the hare risk-dominates where (2 - 1)^2 > (4 - 3)^2 fails: here 1 against 1, a tie."""
    found = equilibria(STAG)
    assert pure(found) == [(0, 0), (1, 1)]
    assert [one.dominated for one in found.found[:2]] == [False, True]
    assert np.allclose(mixed(found), [[[0.5, 0.5]] * 2])
    assert found.risk_dominant is None
    riskier = bimatrix([[4, 0], [3, 2]], [[4, 3], [0, 2]])  # losing the stag alone costs 2, losing it together 1
    assert risk_dominant(riskier) == (1, 1)
    safer = bimatrix([[9, 1], [3, 2]], [[9, 3], [1, 2]])
    assert risk_dominant(safer) == (0, 0)


def test_the_prisoners_dilemma():
    found = equilibria(PRISONERS)
    assert pure(found) == [(1, 1)]
    assert mixed(found) == []
    assert found.optima == ((0, 0),)
    assert not found.found[0].optimal
    assert not found.found[0].dominated  # by no other equilibrium: there is none
    assert not found.degenerate


def test_three_agents_agree():
    payoffs = np.zeros((2, 2, 2, 3))
    payoffs[0, 0, 0], payoffs[1, 1, 1] = 1.0, 2.0
    found = equilibria(payoffs)
    assert pure(found) == [(0, 0, 0), (1, 1, 1)]
    assert [one.dominated for one in found.found] == [True, False]
    assert not found.complete


def test_of_large_games_only_the_pure_ones_are_looked_for():
    found = equilibria(common(np.eye(12)))
    assert pure(found) == [(action, action) for action in range(12)]
    assert (found.complete, found.degenerate) == (False, False)


def test_degenerate_games_are_said_to_be_so():
    assert equilibria(common([[1, 1], [0, 0]])).degenerate  # the second agent does not care
    assert equilibria(common([[10, 0, 0], [0, 2, 0], [0, 0, 10]])).degenerate is False
    doubled = bimatrix([[1, -1, -1], [-1, 1, 1]], [[-1, 1, 1], [1, -1, -1]])  # pennies, tails written twice
    found = equilibria(doubled)
    assert found.degenerate
    assert len(mixed(found)) == 2


def gain(payoffs, strategies):
    """What somebody could gain by changing alone: 0 in an equilibrium, by definition."""
    x, y = strategies
    now = np.einsum("a,b,abn->n", x, y, payoffs)
    return max((payoffs[..., 0] @ y).max() - now[0], (x @ payoffs[..., 1]).max() - now[1])


@pytest.mark.parametrize("seed", range(40))
def test_random_games_have_an_odd_number_and_all_hold(seed):
    """Wilson 1971: almost every game has an odd number of equilibria; one that is missing would make it even."""
    numbers = np.random.default_rng(seed)
    payoffs = numbers.normal(size=(*numbers.integers(2, 5, 2), 2))
    found = equilibria(payoffs)
    assert len(found.found) % 2 == 1
    assert max(gain(payoffs, one.strategies) for one in found.found) < 1e-9
    for one in found.found:
        assert [strategy.sum() for strategy in one.strategies] == pytest.approx([1, 1])
        assert np.einsum("a,b,abn->n", *one.strategies, payoffs) == pytest.approx(one.payoffs)
        better = [other for other in found.found if (other.payoffs > one.payoffs + 1e-9).all()]
        assert one.dominated or not better


def test_expected_payoffs_of_a_game_with_chance():
    ways = {(0, (a, b)): [(0.25, 0, (4.0, 0.0), True, False), (0.75, 0, (0.0, 4.0 * a), True, False)]
            for a in range(2) for b in range(3)}  # fmt: skip
    found = payoffs_of(make_game((2, 3), ways, [((0,), (0,))], horizon=1))
    assert found.shape == (2, 3, 2)
    assert found[..., 0].tolist() == [[1.0] * 3] * 2
    assert found[..., 1].tolist() == [[0.0] * 3, [3.0] * 3]


def test_a_repeated_game_is_that_of_one_play():
    ways = {(0, (a, b)): [(1.0, 0, float(a == b), False, a == b)] for a in range(2) for b in range(2)}
    again = make_game((2, 2), ways, [((0,), (0,))], horizon=25)
    assert payoffs_of(again)[..., 0].tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("game", [meeting_game(3), tiger(2)])
def test_what_is_no_matrix_game_is_refused(game):
    with pytest.raises(ValueError, match=r"a matrix game has one start|it is no matrix game"):
        equilibria(game)


@pytest.mark.parametrize(
    ("payoffs", "words"),
    [
        (np.zeros((2, 2)), r"\[A1, .., AN, N\], not \[2, 2\]"),
        (np.full((2, 2, 2), np.nan), "finite"),
    ],
)
def test_bad_payoffs_are_refused(payoffs, words):
    with pytest.raises(ValueError, match=words):
        equilibria(payoffs)
