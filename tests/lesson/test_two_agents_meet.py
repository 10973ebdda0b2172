"""The lesson is short, needs nothing but Python, and is right."""

import ast
import random
from itertools import product
from pathlib import Path

import pytest
from finite_games import meeting_game

from coterie import lesson
from coterie.lesson import QAgent, World, greedy_episode, train

SOURCE = Path(lesson.__file__).with_name("two_agents_meet.py")
R, L, D, U = range(4)


def world_at(cells, size=5):
    world = World(size)
    world.cells = list(cells)
    return world


@pytest.mark.smoke
def test_agents_start_in_opposite_corners():
    assert World().reset() == [(0, 0), (4, 4)]
    assert World(3).reset() == [(0, 0), (2, 2)]


@pytest.mark.parametrize(
    "cells, actions, after, met",
    [
        ([(0, 0), (4, 4)], (R, L), [(0, 1), (4, 3)], False),
        ([(0, 0), (4, 4)], (U, D), [(0, 0), (4, 4)], False),  # walls stop both
        ([(2, 2), (2, 3)], (R, L), [(2, 3), (2, 2)], False),  # they pass through each other
        ([(2, 2), (2, 4)], (R, L), [(2, 3), (2, 3)], True),
        ([(0, 0), (0, 1)], (U, L), [(0, 0), (0, 0)], True),
    ],
)
def test_the_world_by_hand(cells, actions, after, met):
    assert world_at(cells).step(actions) == (after, 10.0 if met else -1.0, met)


def test_the_lessons_world_is_the_meeting_game():
    game, cells = meeting_game(size=3), list(product(range(3), repeat=2))
    pairs = list(product(cells, repeat=2))
    for state, pair in enumerate(pairs):
        for joint, actions in enumerate(product(range(4), repeat=2)):
            if pair[0] != pair[1]:
                after, reward, met = world_at(pair, 3).step(actions)
                edge = game.first_edge[state * 16 + joint]
                assert pairs[game.successor[edge]] == tuple(after)
                assert (game.reward[edge].tolist(), game.ended[edge]) == ([reward] * 2, met)


def test_an_agent_knows_nothing_at_first_and_takes_the_first_of_equals():
    agent = QAgent()
    assert agent.values((1, 2)) == [0.0] * 4
    assert agent.act((1, 2)) == R
    agent.values((1, 2))[:] = [1.0, 3.0, 3.0, 2.0]
    assert agent.act([1, 2]) == L  # any sequence will do


def test_one_update_by_hand():
    agent = QAgent(learning_rate=0.5, discount=0.9)
    agent.values((0, 1))[:] = [2.0, 4.0, -1.0, 0.0]
    agent.learn((0, 0), D, -1.0, (0, 1))
    assert agent.values((0, 0)) == [0.0, 0.0, 0.5 * (-1 + 0.9 * 4), 0.0]
    agent.learn((0, 0), D, 10.0, (0, 1), terminated=True)
    assert agent.values((0, 0))[D] == pytest.approx(1.3 + 0.5 * (10 - 1.3))


def test_an_ending_is_only_masked_where_it_is_told():
    told, not_told = QAgent(learning_rate=1.0), QAgent(learning_rate=1.0)
    for agent in (told, not_told):
        agent.values("there")[:] = [5.0] * 4
    told.learn("here", R, 10.0, "there", terminated=True)
    not_told.learn("here", R, 10.0, "there")
    assert (told.values("here")[R], not_told.values("here")[R]) == (10.0, 14.5)


def test_exploring_is_sometimes_anything():
    agent = QAgent(epsilon=0.2, random=random.Random(0))
    agent.values((0, 0))[D] = 1.0
    taken = [agent.explore((0, 0)) for _ in range(4_000)]
    assert taken.count(D) / 4_000 == pytest.approx(0.8 + 0.2 / 4, abs=0.02)
    assert set(taken) == {R, L, D, U}
    agent.epsilon = 0.0
    assert {agent.explore((0, 0)) for _ in range(100)} == {D}


def test_the_tutorials_agents_mostly_meet():
    met = 0
    for seed in range(10):
        numbers = random.Random(seed)
        agents = [QAgent(random=numbers) for _ in range(2)]
        train(agents)
        cells, together = greedy_episode(agents)
        met += together
        assert (cells[-1][0] == cells[-1][1]) == together
        assert len(cells) == 21 or together
        assert cells[0] == [(0, 0), (4, 4)]
    assert met >= 6  # facts.md: 92 %; five or fewer of ten would come once in 1,800 tries


def test_agents_that_learned_nothing_do_not_meet():
    cells, together = greedy_episode([QAgent(), QAgent()])
    assert not together
    assert len(cells) == 21
    assert cells[-1] == [(0, 4), (4, 4)]  # both always right


def test_the_random_numbers_can_be_ones_own_or_the_standard_ones():
    random.seed(3)
    one = [QAgent(), QAgent()]
    train(one, 20)
    random.seed(3)
    other = [QAgent(), QAgent()]
    train(other, 20)
    assert one[0].table == other[0].table
    assert one[0].table != one[1].table


def test_the_lesson_is_short_and_plain():
    text = SOURCE.read_text()
    tree = ast.parse(text)
    imported = {node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)}
    assert imported == {"random"}
    code = [line for line in text.splitlines() if line.strip() and not line.strip().startswith(("#", '"""'))]
    assert len(code) <= 65
