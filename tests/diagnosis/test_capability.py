"""Capability: equal spaces, equal or mirrored controls, and payoffs of one's own."""

from itertools import product

import pytest
from finite_games import CLIMBING, make_game, matrix_table, meeting_game
from small_stages import one_shot

from coterie.diagnosis.capability import capability, unlikeness


@pytest.mark.parametrize("sees", ["own", "all"])
@pytest.mark.parametrize("random_starts", [False, True])
def test_the_plain_meeting_game_is_even(sees, random_starts):
    finding = capability(meeting_game(sees=sees, random_starts=random_starts))
    assert (finding.verdict, finding.value) == ("no", 0.0)


@pytest.mark.parametrize("sees", ["own", "all"])
def test_mirrored_controls_are_found(sees):
    finding = capability(meeting_game(sees=sees, mirrored=True))
    assert finding.verdict == "yes"
    assert "agent_0 and agent_1 have equal spaces but not equal capabilities" in finding.sentence


def test_payoffs_of_ones_own():
    assert capability(matrix_table(((10, 0, -100), (0, 2, 0), (-100, 0, 10)))).verdict == "no"
    # Climbing pays 6 for (b, c) and 0 for (c, b): two of nine cells are not what the other agent gets.
    finding = capability(matrix_table(CLIMBING))
    assert (finding.verdict, finding.value) == ("yes", pytest.approx(2 / 9))


def slippery(first, second):
    """Each agent moves to 1 or stays at 0, and slips back with a chance of its own; each sees its own place."""
    ways = {}
    for state, (a, b) in product(range(4), product((0, 1), repeat=2)):
        turned_out = []
        for x, y in product((0, 1), repeat=2):
            chance = _lands(a, x, first) * _lands(b, y, second)
            if chance:
                turned_out.append((chance, 2 * x + y, float(x == y), False, False))
        ways[state, (a, b)] = turned_out
    return make_game((2, 2), ways, [((state // 2,), (state % 2,)) for state in range(4)], horizon=4)


def _lands(action, place, slip):
    return (1 - slip if place else slip) if action else float(place == 0)


@pytest.mark.parametrize(
    "first, second, verdict", [(0.2, 0.2, "no"), (0.0, 0.0, "no"), (0.2, 0.3, "yes"), (0.0, 0.5, "yes")]
)
def test_slips_by_their_chance(first, second, verdict):
    game = slippery(first, second)
    assert capability(game).verdict == verdict
    assert unlikeness(game, 0, 1).distance >= abs(first - second) - 1e-12


def test_who_is_never_in_the_others_place_cannot_be_compared():
    ways = {(0, (a, b)): [(1.0, 0, float(a), True, False)] for a in (0, 1) for b in (0, 1)}
    game = make_game((2, 2), ways, [((0,), (1,))], horizon=1)
    assert capability(game).verdict == "cannot tell"
    assert capability(one_shot(lambda a, b: float(a == b), (2, 3))).verdict == "cannot tell"


def test_one_of_three_is_unlike():
    def pays(a, b, c):
        return (float(a), float(b), 2.0 * c)

    ways = {(0, joint): [(1.0, 0, pays(*joint), True, False)] for joint in product((0, 1), repeat=3)}
    game = make_game((2, 2, 2), ways, [((0,),) * 3], horizon=1)
    assert capability(game).verdict == "yes"
    assert unlikeness(game, 0, 1).different == 0
    assert unlikeness(game, 0, 2).different > 0
