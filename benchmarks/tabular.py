"""How fast tabular learning is, in one run: the engine beside the tutorial's NumPy listing and plain Python lists.

    python benchmarks/tabular.py            a table for people
    python benchmarks/tabular.py --json     for programs; --save also writes benchmarks/results/tabular.json

Every rate is environment steps (both agents move once) a second on the 5x5 meeting game in the tutorial's
configuration, learning included, compiling and checks excluded. All rates come from this one process, in turns, the
best of several rounds each, so that their ratios hold on a noisy machine. What every listing learned is summed up and
checked to be finite, so none of its work can be spared; the engine's greedy teams must meet as often as the tutorial's.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import platform
import random
import time
from pathlib import Path

import numpy as np
from numba import njit

from coterie.lesson import QAgent, World
from coterie.running.tables import exact_game
from coterie.settings import RendezvousOptions
from coterie.tabular.learn import advance, as_rule, as_table, greedy_outcomes, new_teams
from coterie.workflow.planning.presets import preset_options

TUTORIAL = preset_options("tutorial")[1]
OPERATIONS_A_STEP = 104
OPERATIONS = """counted in the source for 2 agents and 4 actions, exploring steps left out:
each agent: a random number 12, epsilon 1, own row 4, first best of 4 values 7, joint action 2, seen after 3,
bootstrap 4 values 7, target and error 4, choice of rate 1, update 3, reward sum 2 = 46; both: 92;
the step: pair 2, edge 2, successor, ending, mask 4, counters and loop 4 = 12"""


def numpy_listing(episodes: int, seed: int) -> tuple[int, float]:
    """The tutorial as it stands on the web: a NumPy table an agent, np.argmax, np.random."""
    generator = np.random.RandomState(seed)
    size, rate, discount, epsilon, steps = 5, 0.1, 0.9, 0.1, 0
    moves = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    tables = [np.zeros((size, size, 4)), np.zeros((size, size, 4))]
    for _ in range(episodes):
        cells = [(0, 0), (size - 1, size - 1)]
        for _ in range(20):
            actions = []
            for table, cell in zip(tables, cells, strict=True):
                if generator.rand() < epsilon:
                    actions.append(generator.choice(4))
                else:
                    actions.append(np.argmax(table[cell[0], cell[1]]))
            after = []
            for cell, action in zip(cells, actions, strict=True):
                row = np.clip(cell[0] + moves[action][0], 0, size - 1)
                column = np.clip(cell[1] + moves[action][1], 0, size - 1)
                after.append((row, column))
            met = after[0] == after[1]
            reward = 10 if met else -1
            for table, cell, action, new in zip(tables, cells, actions, after, strict=True):
                best = np.max(table[new[0], new[1]])
                table[cell[0], cell[1], action] += rate * (reward + discount * best - table[cell[0], cell[1], action])
            cells = after
            steps += 1
            if met:
                break
    return steps, float(tables[0].sum() + tables[1].sum())


class ListAgent:
    """The tutorial's agent with a nested list where it has a NumPy array."""

    def __init__(self, size, draws):
        self.table = [[[0.0] * 4 for _ in range(size)] for _ in range(size)]
        self.draws = draws

    def choose_action(self, state, epsilon=0.1):
        """Mostly the first best action, sometimes any."""
        if self.draws.random() < epsilon:
            return self.draws.randint(0, 3)
        values = self.table[state[0]][state[1]]
        return values.index(max(values))

    def update(self, state, action, reward, after, rate=0.1, discount=0.9):
        """One step of Q-learning."""
        values = self.table[state[0]][state[1]]
        values[action] += rate * (reward + discount * max(self.table[after[0]][after[1]]) - values[action])


def plain_lists(episodes: int, seed: int) -> tuple[int, float]:
    """The tutorial's listing with plain Python lists instead of NumPy arrays."""
    draws, size, steps = random.Random(seed), 5, 0
    moves = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    agents = [ListAgent(size, draws), ListAgent(size, draws)]
    for _ in range(episodes):
        cells = [(0, 0), (size - 1, size - 1)]
        for _ in range(20):
            actions = [agent.choose_action(cell) for agent, cell in zip(agents, cells, strict=True)]
            after = [
                (min(max(cell[0] + moves[action][0], 0), size - 1), min(max(cell[1] + moves[action][1], 0), size - 1))
                for cell, action in zip(cells, actions, strict=True)
            ]
            met = after[0] == after[1]
            reward = 10 if met else -1
            for agent, cell, action, new in zip(agents, cells, actions, after, strict=True):
                agent.update(cell, action, reward, new)
            cells = after
            steps += 1
            if met:
                break
    return steps, sum(value for agent in agents for row in agent.table for cell in row for value in cell)


def tuned_lists(episodes: int, seed: int) -> tuple[int, float]:
    """Plain Python for this one game only, written for speed: flat lists, a table of moves, no calls to spare."""
    draw = random.Random(seed).random
    rate, discount, epsilon, steps = 0.1, 0.9, 0.1, 0
    following = [
        [min(c + 1, (c // 5) * 5 + 4), max(c - 1, (c // 5) * 5), c + 5 if c < 20 else c, c - 5 if c > 4 else c]
        for c in range(25)
    ]
    first, second = [[0.0] * 4 for _ in range(25)], [[0.0] * 4 for _ in range(25)]
    for _ in range(episodes):
        a, b = 0, 24
        for _ in range(20):
            one, two = first[a], second[b]
            i = int(draw() * 4) if draw() < epsilon else one.index(max(one))
            j = int(draw() * 4) if draw() < epsilon else two.index(max(two))
            c, d = following[a][i], following[b][j]
            reward = 10.0 if c == d else -1.0
            one[i] += rate * (reward + discount * max(first[c]) - one[i])
            two[j] += rate * (reward + discount * max(second[d]) - two[j])
            a, b = c, d
            steps += 1
            if c == d:
                break
    return steps, sum(map(sum, first)) + sum(map(sum, second))


def lesson_listing(episodes: int, seed: int) -> tuple[int, float]:
    """`coterie.lesson` as it is printed, its steps counted."""
    draws = random.Random(seed)
    agents = [QAgent(random=draws), QAgent(random=draws)]
    steps = 0
    world = World()
    for _ in range(episodes):
        seen = world.reset()
        for _ in range(20):
            actions = [agents[0].explore(seen[0]), agents[1].explore(seen[1])]
            after, reward, met = world.step(actions)
            agents[0].learn(seen[0], actions[0], reward, after[0])
            agents[1].learn(seen[1], actions[1], reward, after[1])
            seen = after
            steps += 1
            if met:
                break
    return steps, sum(sum(row) for agent in agents for row in agent.table.values())


@njit
def simple_operations(count):
    """Six independent chains of 3 unlike additions, exclusive-ors and shifts: a core's rate of simple operations."""
    a, b, c, d, e, f = 1, 2, 3, 4, 5, 6
    for k in range(count):
        a = (a ^ k) + (a >> 3)
        b = (b + k) ^ (b >> 5)
        c = (c - k) ^ (c >> 2)
        d = (d | k) + (d >> 7)
        e = (e & k) ^ (e >> 1)
        f = (f ^ k) - (f >> 4)
    return a + b + c + d + e + f


def measure(work, rounds: int) -> float:
    """The best rate of several rounds; work() returns (steps, something that was learned)."""
    rates = []
    for round_number in range(rounds):
        began = time.perf_counter()
        steps, learned = work(round_number)
        rates.append(steps / (time.perf_counter() - began))
        assert np.isfinite(learned)
    return max(rates)


def engine(game, teams: int, episodes: int, threads: int):
    """A function that trains so many teams and returns (steps, what their greedy agents earn)."""
    table, rule = as_table(game), as_rule(TUTORIAL, episodes, 0)

    def work(seed: int) -> tuple[int, float]:
        learned = new_teams(game, TUTORIAL, teams, 0)
        learned = advance(table, rule, learned, seed, episodes, threads)
        return int(learned.progress.steps.sum()), float(learned.q.sum())

    work(0)
    return work


def main() -> None:
    """Measure, print, and perhaps save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/tabular.json")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    game = exact_game("rendezvous", RendezvousOptions())
    one, two = engine(game, 500, 1_000, 1), engine(game, 1_000, 1_000, 2)
    simple_operations(10)
    rates: dict[str, list[float]] = {}
    for _ in range(options.rounds):
        for name, work, rounds in (
            ("engine, one core", one, 2),
            ("engine, two cores", two, 2),
            ("NumPy listing", lambda seed: numpy_listing(150, seed), 1),
            ("plain lists", lambda seed: plain_lists(2_000, seed), 1),
            ("tuned lists", lambda seed: tuned_lists(2_000, seed), 1),
            ("coterie.lesson", lambda seed: lesson_listing(500, seed), 1),
            ("simple operations", lambda seed: (18 * 20_000_000, float(simple_operations(20_000_000))), 1),
        ):
            rates.setdefault(name, []).append(measure(work, rounds))
    best = {name: max(values) for name, values in rates.items()}
    paired = [b / a for a, b in zip(rates["engine, one core"], rates["engine, two cores"], strict=True)]
    learned = new_teams(game, TUTORIAL, 1_000, 0)
    learned = advance(as_table(game), as_rule(TUTORIAL, 1_000, 0), learned, 0, 1_000, 2)
    meet = float(greedy_outcomes(game, learned.q)[1].mean())
    assert 0.88 < meet < 0.96, meet
    result = {
        "command": "python benchmarks/tabular.py --save",
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "steps_per_second": best,
        "engine_over_numpy_listing": best["engine, one core"] / best["NumPy listing"],
        "engine_over_plain_lists": best["engine, one core"] / best["plain lists"],
        "engine_over_tuned_lists": best["engine, one core"] / best["tuned lists"],
        "engine_over_lesson": best["engine, one core"] / best["coterie.lesson"],
        "two_cores_over_one": best["engine, two cores"] / best["engine, one core"],
        "two_cores_over_one_each_round": paired,
        "operations_a_step": OPERATIONS_A_STEP,
        "share_of_arithmetic_limit": OPERATIONS_A_STEP * best["engine, one core"] / best["simple operations"],
        "greedy_teams_that_meet": meet,
        "options": dataclasses.asdict(TUTORIAL),
    }
    if options.save:
        place = Path(__file__).parent / "results" / "tabular.json"
        place.write_text(json.dumps(result, indent=2) + "\n")
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, rate in best.items():
        print(f"{name:<20} {rate / 1e6:>10.3f} M a second")
    for name in ("numpy_listing", "plain_lists", "tuned_lists", "lesson"):
        print(f"one core is {result[f'engine_over_{name}']:,.0f} x {name.replace('_', ' ')}")
    print(f"two cores are {result['two_cores_over_one']:.2f} x one;")
    print(f"one core does {result['share_of_arithmetic_limit']:.0%} of its simple operations' limit")
    print(OPERATIONS)


if __name__ == "__main__":
    main()
