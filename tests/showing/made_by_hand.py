"""Plays and verdicts made by hand: 92 teams that walk towards each other, 8 that circle with period 2."""

from __future__ import annotations

import numpy as np

from coterie.envs.boards import WALL, agent_bit
from coterie.running.verdict import Curve, Verdict
from coterie.statistics import wilson
from coterie.types import Evidence, Finding, Play

SIZE = 5
MOVES = {"R": (0, 1), "L": (0, -1), "D": (1, 0), "U": (-1, 0)}
ACTIONS = tuple(MOVES)


def walk(words_a: str, words_b: str, team: int, success: bool, ended: bool | None = None, size: int = SIZE) -> Play:
    """The episode of two agents from opposite corners who follow these letters, clipped at the walls."""
    places = [np.array([0, 0]), np.array([size - 1, size - 1])]
    states = [tuple(map(tuple, places))]
    for pair in zip(words_a, words_b, strict=True):
        places = [np.clip(place + MOVES[letter], 0, size - 1) for place, letter in zip(places, pair, strict=True)]
        states.append(tuple(map(tuple, places)))
    boards = np.zeros((len(states), size, size), np.uint8)
    for step, state in enumerate(states):
        for agent, (row, column) in enumerate(state):
            boards[step, int(row), int(column)] |= agent_bit(agent)
    known = {state: key for key, state in enumerate(dict.fromkeys(states))}
    actions = np.array([[ACTIONS.index(a), ACTIONS.index(b)] for a, b in zip(words_a, words_b, strict=True)], np.int32)
    rewards = np.full(actions.shape, -1.0)
    if success:
        rewards[-1] = 10.0
    keys = np.array([known[state] for state in states])
    return Play(keys, boards, actions, rewards, success, success if ended is None else ended, team)


def meeting(team: int) -> Play:
    """Towards each other by one of several ways, some with a detour."""
    way = ["RDRD", "DRDR", "RRDD", "DDRR"][team % 4]
    back = {"RDRD": "LULU", "DRDR": "ULUL", "RRDD": "LLUU", "DDRR": "UULL"}[way]
    detour = ("RL" * (team % 3), "LR" * (team % 3))
    return walk(detour[0] + way, detour[1] + back, team, success=True)


def circling(team: int, steps: int = 20) -> Play:
    """To the middle, just beside each other, then to and fro: period 2."""
    first, second = [("DR", "LU"), ("R", "L"), ("RDR", "LUL"), ("D", "U")][team % 4]
    to_and_fro = [("DU", "UD"), ("DU", "UD"), ("UD", "RL"), ("RL", "LR")][team % 4]
    count = steps - len(first)
    return walk(first + (to_and_fro[0] * steps)[:count], second + (to_and_fro[1] * steps)[:count], team, success=False)


def hundred() -> list[Play]:
    """Every twelfth team circles, eight in all."""
    return [circling(team) if team % 12 == 5 else meeting(team) for team in range(100)]


def walled() -> Play:
    """A team on a board with a wall, out of time without a loop."""
    play = walk("RRDD", "LLLL", 3, success=False)
    boards = play.boards.copy()
    boards[:, 1, 1] |= WALL
    return play._replace(boards=boards)


LOOPS = Finding(
    name="loops",
    verdict="yes",
    sentence="79 teams circle; e.g. team 17 repeats the same 2 steps from step 3 on.",
    value=0.079,
    interval=(0.0639, 0.0973),
    null="0 teams",
    evidence=(Evidence(17, 3, 20), Evidence(5, 1, 20), Evidence(4711, 2, 20)),
    remedy="let epsilon fall to zero (--epsilon-end 0) and mask the ending (--terminal-mask).",
)
CALM = Finding("accounting", "no", "Rewards add up.")


def make_verdict(**changes) -> Verdict:
    plain = {
        "environment": "rendezvous",
        "algorithm": "iql",
        "preset": "default",
        "teams": 1000,
        "agents": 2,
        "success_word": "meet",
        "coordinated": wilson(1000, 1000),
        "optimal": wilson(999, 1000),
        "relapsed": wilson(41, 1000),
        "failed_checks": 0.003,
        "return_": 6.998,
        "optimum": 7.0,
        "objective": "undiscounted, within 20 steps",
        "random": -15.84,
        "idle": -20.0,
        "idle_action": "everybody: R",
        "mean_success": 1.0,
        "starts": 1,
        "run": "rendezvous-iql-3",
        "episodes": 10_000,
        "env_steps": 54_321_000,
        "findings": (CALM,),
    }
    return Verdict(**{**plain, **changes})


def tutorial() -> Verdict:
    return make_verdict(
        preset="tutorial",
        coordinated=wilson(921, 1000),
        optimal=wilson(580, 1000),
        relapsed=wilson(468, 1000),
        failed_checks=0.127,
        return_=3.86,
        mean_success=0.921,
        episodes=1000,
        claim="Agents learned to meet.",
        findings=(LOOPS, CALM),
    )


def make_curve(points: int = 60, episodes: int = 1000) -> Curve:
    x = np.linspace(0, 1, points)
    share = 0.93 / (1 + np.exp(-14 * (x - 0.35))) + 0.02 * np.sin(40 * x) * x * (1 - x)
    median = -20 + 26.5 / (1 + np.exp(-14 * (x - 0.3)))
    return Curve(
        episodes=tuple(int(v) for v in 1 + x * (episodes - 1)),
        env_steps=tuple(float(v) for v in x * 8000),
        coordinated=tuple(share.clip(0, 1).tolist()),
        mean=tuple((median - 1).tolist()),
        least=tuple(np.full(points, -20.0).tolist()),
        lower_quartile=tuple((median - 9 * np.exp(-3 * x)).clip(-20, 7).tolist()),
        median=tuple(median.clip(-20, 7).tolist()),
        upper_quartile=tuple((median + 9 * np.exp(-5 * x)).clip(-20, 7).tolist()),
        greatest=tuple(np.minimum(7.0, median + 27 * x**0.3).tolist()),
    )
