"""A third round about stability and outcomes, from the definitions alone."""

from __future__ import annotations

import numpy as np
from asked_of_learning import ask_stability
from asked_of_outcomes import ask_outcomes
from families import Chance, Question
from worlds import any_actions, episode

from coterie.running.evaluate import Stability
from coterie.types import Play

# --- stability --------------------------------------------------------------------------------------------------------


def one_in_seven_is_lost_for_good(chance: Chance) -> tuple:
    """One team in seven loses what it had learned soon after, and for good; the others keep it: a tenth of all later
    checks fails."""
    teams = 7 * int(chance.integers(3, 15))
    return (_checked(chance, teams, teams, teams // 7, float(chance.uniform(0.08, 0.13))),)


def everybody_stumbles_often(chance: Chance) -> tuple:
    """Every team fails in some later check, none for long: about one check in ten fails."""
    teams = int(chance.integers(5, 80))
    return (_checked(chance, teams, teams, teams, float(chance.uniform(0.07, 0.2))),)


def one_of_a_few_is_lost(chance: Chance) -> tuple:
    """Of two to four teams one fails in most of its later checks."""
    teams = int(chance.integers(2, 5))
    return (_checked(chance, teams, teams, 1, float(chance.uniform(0.6, 0.95)) / teams),)


def few_succeed_and_half_of_these_lose_it(chance: Chance) -> tuple:
    """Half of the teams never succeed; of the others half fail again in a good share of the checks."""
    teams = 4 * int(chance.integers(3, 20))
    return (_checked(chance, teams, teams // 2, teams // 4, float(chance.uniform(0.1, 0.3))),)


def everybody_slips_once_in_fifty(chance: Chance) -> tuple:
    """Every team fails in a check now and then, one in fifty or so, and succeeds in the next: less than one in
    twenty."""
    teams = int(chance.integers(10, 80))
    return (_checked(chance, teams, teams, teams, float(chance.uniform(0.01, 0.03))),)


def one_team_slips_once(chance: Chance) -> tuple:
    """One team of many fails in a single check."""
    teams = int(chance.integers(20, 100))
    return (_checked(chance, teams, teams, 1, 1 / (teams * int(chance.integers(10, 40)))),)


def a_third_slips_rarely(chance: Chance) -> tuple:
    """A third of the teams slip, each in a few checks only: three in a hundred of all checks or fewer."""
    teams = 3 * int(chance.integers(5, 30))
    return (_checked(chance, teams, teams, teams // 3, float(chance.uniform(0.005, 0.03))),)


def the_only_one_keeps_it(chance: Chance) -> tuple:
    """One team alone ever succeeds, and it never fails again."""
    return (_checked(chance, int(chance.integers(5, 60)), 1, 0, 0.0),)


def just_within_one_in_twenty(chance: Chance) -> tuple:
    """Most teams slip now and then, and a little less than one later check in twenty fails."""
    teams = int(chance.integers(10, 80))
    return (_checked(chance, teams, teams, 2 * teams // 3, float(chance.uniform(0.035, 0.047))),)


# --- failing episodes that earn more ----------------------------------------------------------------------------------


def loot_before_the_door(chance: Chance) -> tuple:
    """Things lie about that pay; who gathers them does not get through the door in time and earns two or three times
    what those earn who go straight."""
    agents, worth = int(chance.integers(2, 5)), float(chance.uniform(0.5, 3))
    won = [_episode(chance, int(chance.integers(4, 9)), agents, 6 * worth, True) for _ in range(_some(chance))]
    lost = [
        _episode(chance, 30, agents, worth * int(chance.poisson(16)), False, scattered=True)
        for _ in range(_some(chance))
    ]
    return (won + lost,)


def one_gains_by_failing(chance: Chance) -> tuple:
    """In failing episodes one agent earns much and the others nothing, and together that is twice what success pays to
    all of them."""
    agents, pays = int(chance.integers(2, 5)), float(chance.uniform(0.5, 5))
    gains = int(chance.integers(agents))
    won = [_episode(chance, int(chance.integers(5, 15)), agents, pays, True) for _ in range(_some(chance))]
    lost = []
    for _ in range(_some(chance)):
        play = _episode(chance, 20, agents, 0.0, False)
        play.rewards[:, gains] += 2 * agents * pays / 20 * chance.uniform(0.8, 1.2, 20)
        lost.append(play)
    return (won + lost,)


def bruised_on_the_way_in(chance: Chance) -> tuple:
    """On the way in they knock against each other, which costs more than success pays; who stays outside is not
    hurt."""
    agents, hurt = int(chance.integers(2, 5)), float(chance.uniform(2, 4))
    won = [
        _episode(chance, int(chance.integers(8, 16)), agents, 2.0 - hurt * int(chance.integers(2, 6)), True)
        for _ in range(_some(chance))
    ]
    return (won + [_episode(chance, 20, agents, 0.0, False) for _ in range(_some(chance))],)


def rare_success_for_little(chance: Chance) -> tuple:
    """Success is rare, one episode in ten, and pays a third of what a failing episode earns on average."""
    agents, unit = int(chance.integers(2, 4)), float(chance.uniform(0.3, 3))
    won = [_episode(chance, 8, agents, unit, True) for _ in range(int(chance.integers(5, 8)))]
    lost = [
        _episode(chance, 25, agents, unit * float(chance.uniform(2, 4)), False)
        for _ in range(int(chance.integers(45, 70)))
    ]
    return (won + lost,)


def surely_a_little_more(chance: Chance) -> tuple:
    """A failing episode earns a seventh more than a succeeding one, with hardly any spread."""
    agents, pays = int(chance.integers(2, 4)), float(chance.uniform(2, 20))
    won = [_episode(chance, 10, agents, pays * float(chance.uniform(0.99, 1.01)), True) for _ in range(_some(chance))]
    lost = [
        _episode(chance, 20, agents, 1.15 * pays * float(chance.uniform(0.99, 1.01)), False)
        for _ in range(_some(chance))
    ]
    return (won + lost,)


def one_lucky_failure(chance: Chance) -> tuple:
    """One failing episode found a treasure and earned far more than any success; all others earned nothing, and on
    average failing pays a third of what success does."""
    agents, pays = int(chance.integers(2, 4)), float(chance.uniform(1, 10))
    won = [_episode(chance, 9, agents, pays, True) for _ in range(_some(chance))]
    count = _some(chance)
    lost = [_episode(chance, 20, agents, pays * count / 3 if k == 0 else 0.0, False) for k in range(count)]
    return (won + lost,)


def one_gains_and_all_lose(chance: Chance) -> tuple:
    """In failing episodes one agent earns more than it does in succeeding ones, at the others' cost: together they earn
    far less."""
    agents, pays = int(chance.integers(2, 5)), float(chance.uniform(1, 5))
    won = [_episode(chance, int(chance.integers(5, 15)), agents, pays, True) for _ in range(_some(chance))]
    lost = []
    for _ in range(_some(chance)):
        play = _episode(chance, 20, agents, -3 * pays, False)
        play.rewards[:, 0] = 2 * pays / 20 * chance.uniform(0.8, 1.2, 20)
        lost.append(play)
    return (won + lost,)


def a_single_success(chance: Chance) -> tuple:
    """One episode succeeded, and failing ones earn now more and now less than it did, a trifle more on average: nothing
    that one episode could show."""
    agents, pays = int(chance.integers(2, 4)), float(chance.uniform(2, 6))
    lost = [_episode(chance, 20, agents, pays * float(chance.normal(1.02, 0.5)), False) for _ in range(_some(chance))]
    return ([_episode(chance, 9, agents, pays, True), *lost],)


def paid_by_the_step_and_not_in_all(chance: Chance) -> tuple:
    """Failing takes two steps that pay well, success thirty that cost and a large prize: by the step failing earns
    more, and by the episode, which counts, a fifth."""
    agents, prize = int(chance.integers(2, 4)), float(chance.uniform(15, 30))
    won = [
        _episode(chance, steps, agents, prize - 0.2 * steps, True) for steps in chance.integers(25, 40, _some(chance))
    ]
    lost = [
        _episode(chance, 2, agents, prize / 10 * float(chance.uniform(0.8, 1.2)), False) for _ in range(_some(chance))
    ]
    return (won + lost,)


def nearly_as_good_to_fail(chance: Chance) -> tuple:
    """A failing episode gathers three fifths of what success pays, now a little more and now less."""
    agents, pays = int(chance.integers(2, 5)), float(chance.uniform(2, 10))
    won = [_episode(chance, 10, agents, pays * float(chance.normal(1, 0.1)), True) for _ in range(_some(chance))]
    lost = [
        _episode(chance, 30, agents, pays * float(chance.normal(0.6, 0.15)), False, scattered=True)
        for _ in range(_some(chance))
    ]
    return (won + lost,)


def _checked(chance: Chance, teams: int, succeeded: int, relapsed: int, failed: float) -> Stability:
    """Teams in any order, of which the first so many succeeded and the first of these relapsed."""
    order, number = chance.permutation(teams), np.arange(teams)
    return Stability((number < succeeded)[order], (number < relapsed)[order], failed)


def _some(chance: Chance) -> int:
    return int(chance.integers(10, 25))


def _episode(chance: Chance, steps: int, agents: int, pays: float, success: bool, *, scattered: bool = False) -> Play:
    """An episode in which every agent earns so much in all: at its end, or scattered over its steps."""
    rewards = np.zeros((steps, agents))
    if scattered:
        share = chance.dirichlet(np.ones(steps))
        rewards += pays * share[:, None]
    else:
        rewards[-1] = pays
    keys = chance.permutation(1000)[: steps + 1]
    return episode(keys, rewards, actions=any_actions(chance, steps, agents, 4), success=success)


QUESTIONS = (
    Question(
        "stability",
        ask_stability,
        (
            one_in_seven_is_lost_for_good,
            everybody_stumbles_often,
            one_of_a_few_is_lost,
            few_succeed_and_half_of_these_lose_it,
        ),
        (
            everybody_slips_once_in_fifty,
            one_team_slips_once,
            a_third_slips_rarely,
            the_only_one_keeps_it,
            just_within_one_in_twenty,
        ),
    ),
    Question(
        "outcome audit",
        ask_outcomes,
        (
            loot_before_the_door,
            one_gains_by_failing,
            bruised_on_the_way_in,
            rare_success_for_little,
            surely_a_little_more,
        ),
        (
            one_lucky_failure,
            one_gains_and_all_lose,
            a_single_success,
            paid_by_the_step_and_not_in_all,
            nearly_as_good_to_fail,
        ),
    ),
)
