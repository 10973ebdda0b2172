"""Plays and verdicts made by hand: 92 teams that walk towards each other, 8 that circle with period 2."""

from __future__ import annotations

import numpy as np

from coterie.envs.boards import WALL, agent_bit
from coterie.running.verdict import Curve, SingleTeams, Verdict
from coterie.statistics import wilson
from coterie.types import Evidence, Finding, Picture, Play

SIZE = 5
CONFIG = 'environment = "rendezvous"\npreset = "tutorial"\nteams = 1000\nseed = 0\nepisodes = 1000\n[env]\nsize = 5\n'
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
        "mean_success": changes.get("coordinated", wilson(1000, 1000)).share,
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


def single_teams(teams: int, points: int = 60, seed: int = 0) -> SingleTeams:
    """Teams that succeed from some check on, and some of them not for ever."""
    random = np.random.default_rng(seed)
    first = random.integers(5, points, teams)
    coordinated = (np.arange(points) >= first[:, None]) & (random.random((teams, points)) > 0.06)
    returns = np.where(coordinated, 7 - 2 * random.integers(0, 2, (teams, 1)), -20).astype(np.float32)
    return SingleTeams(np.arange(teams), returns, coordinated)


def foreign(team: int = 3, steps: int = 40) -> Play:
    """An episode that another tool recorded: no boards, but observations and values; B stands still in the end."""
    random = np.random.default_rng(team)
    actions = random.integers(0, 4, (steps, 2)).astype(np.int32)
    actions[20:, 1] = 3
    rewards = np.where(random.random((steps, 2)) < 0.2, 1.0, -0.1)
    observations = tuple(random.integers(0, 9, (steps + 1, 3)) for _ in range(2))
    keys, empty = np.arange(steps + 1), np.zeros((steps + 1, 0, 0), np.uint8)
    return Play(keys, empty, actions, rewards, False, False, team, observations, random.normal(0, 1, (steps, 2)))


def amounts(team: int = 3, steps: int = 40) -> Play:
    """An episode of amounts: A gives two, B one of four numbers."""
    play, away = foreign(team, steps), np.linspace(-1, 1, steps)
    actions = np.zeros((steps, 2, 2), np.float32)
    actions[:, 0], actions[:, 1, 0] = np.stack([away, 100 * away], 1), play.actions[:, 1]
    return play._replace(actions=actions, amounts=(2, 0))


BARS = Picture(
    "bars",
    "What each agent adds to the team's return (Shapley)",
    ("agent A", "agent B", "agent C", "agent D"),
    (2.31, 0.04, 1.78, -0.62),
    ((1.9, 2.7), (-0.1, 0.2), (1.2, 2.3), (-0.9, -0.3)),
    line=0.5,
)
GRID = Picture(
    "grid",
    "Return when agents of different teams play together",
    ("team 0", "team 1", "team 2", "team 3"),
    ((6.98, -3.2, 6.5, -20.0), (-3.2, 7.0, -12.1, 1.5), (6.4, -12.1, 6.98, -19.5), (-20.0, 1.4, -19.5, 6.9)),
    rows=("team 0", "team 1", "team 2", "team 3"),
)
PATH = Picture(
    "path",
    "The policy's way, in the plane of its two leading components",
    ("first component", "second component"),
    tuple((float(np.exp(-t / 90) * np.cos(t / 5)), float(np.exp(-t / 90) * np.sin(t / 5))) for t in range(160)),
)
PICTURED = (
    LOOPS,
    Finding(
        "contribution",
        "yes",
        "Agent D costs the team 0.62 an episode: without it the others earn more.",
        -0.62,
        (-0.9, -0.3),
        "an agent that stands still",
        remedy="give every agent a reward of its own, or train without agent D",
        flags=("--env.reward", "own"),
        p=0.0004,
        picture=BARS,
    ),
    Finding(
        "strangers",
        "yes",
        "Teams only know each other: with strangers they earn -8.1 instead of 6.97.",
        -8.1,
        (-10.2, -6.0),
        "the return with their own partners",
        picture=GRID,
        p=0.012,
    ),
    Finding(
        "drift",
        "yes",
        "Agent A's policy circles: 5.1 turns, and it has hardly moved.",
        5.1,
        null="-0.3 turns of a random walk",
        picture=PATH,
    ),
    Finding("identities", "cannot tell", "Only three episodes were recorded; that is too few to tell.", p=0.43),
    Finding(
        "influence",
        "no",
        "Agent B moves as agent A does: 1.50 bits.",
        1.497,
        null="0.01 bits",
        picture=Picture(
            "grid", "Influence in bits", ("on A", "on B"), ((None, 1.497), (0.02, None)), rows=("of A", "of B")
        ),
    ),
    CALM,
)
