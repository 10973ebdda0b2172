"""Matrix games: the published table of IROS 2007, stochastic climbing, and random games, with actions relabelled.

    python benchmarks/matrix_games.py                 everything but `choose`, about seven minutes on two cores
    python benchmarks/matrix_games.py --only table    one section; --teams 300 for a quick look
    python benchmarks/matrix_games.py --save          writes benchmarks/results/matrix_games.json section by section

A trial is a team that learns for 7,500 repetitions of a one-shot game; `share` is the share of trials whose last joint
action is optimal, with its Wilson interval. `expected` are the figures of an earlier, separate implementation, and
`paper` those of Matignon, Laurent and Le Fort-Piat (2007), table II. *Relabelled*: in every trial each agent's actions
are renamed at random, so that nobody coordinates through the order of the names. Learners see their own action and
their own reward; only joint-action learners see the others' actions.

Random games: 8x8 cells, drawn anew for every trial, each with two equally likely payoffs. In `uniform` games both are
uniform in [0, 1]; in `even` games the mean is uniform in [0, 1] and the payoffs lie d above and below, d uniform in
[0, 1/2]. A trial counts where the last joint action is the one cell with the greatest mean: the second best is a
failure, however near it is. `choose` is how the options for random games were chosen: a grid, on a seed of its own.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.settings import TabularOptions
from coterie.statistics import wilson
from coterie.tabular.commitment import CommitmentRule
from coterie.tabular.learn import advance, as_rule, as_table, new_teams
from coterie.types import Kind, Spec

PLACE = Path(__file__).parent / "results" / "matrix_games.json"
SEED = 20_261_123  # of every section
CHOOSING = 1  # the seed on which `choose` chooses
REPETITIONS = 7_500
THREADS = 2

CLIMBING = np.array([[11, -30, 0], [-30, 7, 6], [0, 0, 5]], float)
PENALTY = np.array([[10, 0, -100], [0, 2, 0], [-100, 0, 10]], float)
PARTIAL = np.stack([CLIMBING, CLIMBING], -1)
PARTIAL[1, 1] = 14, 0
FULL = np.array(
    [[[10, 12], [5, -65], [8, -8]], [[5, -65], [14, 0], [12, 0]], [[5, -5], [5, -5], [7, 3]]], float
)  # Kapetanakis and Kudenko 2002

BASE = TabularOptions(
    learning_rate=0.1,
    learning_rate_end=-1.0,
    hysteresis=1.0,
    discount=0.0,
    exploration="boltzmann",
    temperature=5_000.0,
    temperature_decay=0.99,
)
LEARNERS: dict[str, tuple[str, TabularOptions]] = {
    "independent Q": ("iql", BASE),
    "distributed": ("distributed", BASE),
    "FMQ": ("fmq", replace(BASE, fmq_weight=10.0)),
    "hysteretic": ("hysteretic", replace(BASE, hysteresis=0.1)),
}
LENIENT = replace(BASE, temperature=50.0, temperature_decay=0.995, temperature_floor=2.0)
FURTHER = {
    "lenient, lenience 1": ("lenient", LENIENT),
    "lenient, lenience 10": ("lenient", replace(LENIENT, lenience=10.0)),
    "lenient, lenience 10,000": ("lenient", replace(LENIENT, lenience=10_000.0)),
    "joint-action": ("joint-action", BASE),
    "joint-action, T 16, decay 0.9": ("joint-action", replace(BASE, temperature=16.0, temperature_decay=0.9)),
}
SCALED = replace(BASE, temperature=50.0)  # the payoffs of random games are about a hundredth of climbing's
COMMITMENT = ("commitment", replace(BASE, exploration="epsilon", commitment_margin=25))
OFFSETS = (0, 5, 10, 25, 26, 50)  # plays between the clocks; the margin is 25
NOISE = "private reward noise +-5"
PAPER = {
    "independent Q": ((0.121, 0.112), (0.64, 0.596)),
    "distributed": ((0.958, 1.0), (0.506, 0.503)),
    "FMQ": ((0.998, 0.998), (0.999, 0.998)),
    "hysteretic": ((0.995, 0.996), (0.998, 0.99)),
}


def game_of(payoffs: np.ndarray, private_noise: float = 0.0) -> FiniteGame:
    """The one-shot game of payoffs [A1, A2] or [A1, A2, K], K equally likely outcomes that pay both agents alike.

    private_noise is added to each agent's own payoff or taken from it, evenly and independently.
    """
    cells = payoffs.reshape(*payoffs.shape[:2], -1)
    sizes, joint_count = cells.shape[:2], cells.shape[0] * cells.shape[1]
    signs = np.array([[0.0, 0.0]]) if private_noise == 0 else np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], float)
    reward = (cells.reshape(joint_count, -1, 1, 1) + private_noise * signs).reshape(-1, 2)
    ways = cells.shape[2] * len(signs)
    edges, means = joint_count * ways, cells.mean(2).reshape(-1)
    kinds = tuple(
        Kind(tuple(agent for agent in (0, 1) if sizes[agent] == size), size, (1,), "int32", 1)
        for size in dict.fromkeys(sizes)
    )
    seen = [next(place for place, kind in enumerate(kinds) if agent in kind.agents) for agent in (0, 1)]
    return FiniteGame(
        name="matrix game",
        spec=Spec(("agent_0", "agent_1"), kinds, (0, 0), (0, 1), (0, 1), (1,)),
        action_names=tuple(map(str, range(max(sizes)))),
        horizon=1,
        idle=(0, 0),
        idle_is_noop=False,
        success_word="coordinate",
        first_edge=np.arange(0, edges + 1, ways, dtype=np.int32),
        probability=np.full(edges, 1 / ways),
        successor=np.zeros(edges, np.int32),
        reward=reward,
        ended=np.ones(edges, np.bool_),
        success=np.repeat(means == means.max(), ways),
        seen=np.array([seen], np.int32),
        start_probability=np.ones(1),
        start_state=np.zeros(1, np.int32),
        states=np.zeros((1, 1), np.int64),
        boards=np.zeros((1, 0, 0), np.uint8),
        action_boards=np.zeros((0, 0, 0), np.uint8),
        observations=tuple(np.zeros((1, 1), np.int32) for _ in kinds),
    )


def optimal(
    game: FiniteGame,
    algorithm: str,
    options: TabularOptions,
    teams: int,
    seed: int,
    threads: int,
    late: int = 0,
) -> int:
    """How many of so many teams end with an optimal joint action; late: commitment's clocks are so many plays apart."""
    table, rule = as_table(game), as_rule(options, REPETITIONS, 0, algorithm, game)
    if isinstance(rule, CommitmentRule):
        rule = rule._replace(late=late)
    learned = advance(table, rule, new_teams(game, options, teams, 0, algorithm), seed, REPETITIONS, threads)
    joint = np.ravel_multi_index(tuple(learned.memory["last"].T), game.actions)
    return int(game.success[game.first_edge[joint]].sum())


def relabelled(payoffs: np.ndarray, teams: int) -> list[tuple[np.ndarray, int, int]]:
    """Every renaming of both agents' actions that some trials drew: payoffs, a number of its own, how many trials."""
    orders = list(permutations(range(len(payoffs))))
    drawn = np.random.default_rng(SEED).integers(len(orders) ** 2, size=teams)
    pairs = [divmod(int(pair), len(orders)) for pair in range(len(orders) ** 2)]
    counts = np.bincount(drawn, minlength=len(pairs))
    return [
        (payoffs[np.ix_(orders[rows], orders[columns])], number, int(counts[number]))
        for number, (rows, columns) in enumerate(pairs)
        if counts[number]
    ]


def random_games(kind: str, teams: int, seed: int = SEED) -> np.ndarray:
    """Payoffs [W, 8, 8, 2] of a game a trial, as the first lines of this file define them."""
    rng = np.random.default_rng(seed)
    if kind == "uniform":
        return rng.uniform(0, 1, (teams, 8, 8, 2))
    means, spread = rng.uniform(0, 1, (teams, 8, 8, 1)), rng.uniform(0, 0.5, (teams, 8, 8, 1))
    return np.concatenate([means - spread, means + spread], -1)


def share(
    what: str, count: int, teams: int, expected: float | None = None, paper: float | None = None
) -> dict[str, Any]:
    """A row: how many of how many, with what was expected of it."""
    found = wilson(count, teams)
    row = {"what": what, "share": found.share, "low": found.low, "high": found.high, "teams": teams}
    more = {"expected": expected, "paper": paper}
    return {**row, **{name: value for name, value in more.items() if value is not None}}


def played(payoffs: np.ndarray, learner: tuple[str, TabularOptions], teams: int, private_noise: float = 0.0) -> int:
    """How many of so many trials end optimally, the actions named as the payoffs have them."""
    return optimal(game_of(payoffs, private_noise), *learner, teams, SEED, THREADS)


def played_relabelled(
    payoffs: np.ndarray,
    learner: tuple[str, TabularOptions],
    teams: int,
    private_noise: float = 0.0,
    late: int = 0,
) -> int:
    """How many of so many trials end optimally, each with random names."""

    def one(part: tuple[np.ndarray, int, int]) -> int:
        renamed, number, count = part
        return optimal(game_of(renamed, private_noise), *learner, count, SEED + 1 + number, 1, late)

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(one, relabelled(payoffs, teams)))


def played_each(games: np.ndarray, learner: tuple[str, TabularOptions], seed: int = SEED) -> int:
    """How many of the trials, each in a game of its own, end optimally."""
    with ThreadPoolExecutor(THREADS) as pool:
        trial = enumerate(games)
        return sum(pool.map(lambda one: optimal(game_of(one[1]), *learner, 1, seed + 1_000_003 * one[0], 1), trial))


def halved(games: np.ndarray) -> int:
    """How many games one mind would win that picks joint actions itself, by sequential halving (Karnin et al. 2013).

    What independent learners cannot hope to surpass by much: it knows which cell each payoff belongs to.
    """
    rng, wins = np.random.default_rng(SEED), 0
    for payoffs in games.reshape(len(games), -1, 2):
        left, total, plays = np.arange(len(payoffs)), np.zeros(len(payoffs)), np.zeros(len(payoffs))
        rounds = int(np.ceil(np.log2(len(payoffs))))
        while len(left) > 1:
            each = REPETITIONS // (rounds * len(left))
            firsts = rng.binomial(each, 0.5, len(left))
            total[left] += firsts * payoffs[left, 0] + (each - firsts) * payoffs[left, 1]
            plays[left] += each
            left = left[np.argsort(-total[left] / plays[left])[: (len(left) + 1) // 2]]
        wins += bool(left[0] == payoffs.mean(1).argmax())
    return wins


def table(teams: int) -> Iterator[dict[str, Any]]:
    """Table II of IROS 2007: eight cells."""
    for place, (name, payoffs) in enumerate((("climbing", CLIMBING), ("penalty -100", PENALTY))):
        for learner, chosen in LEARNERS.items():
            paper, expected = PAPER[learner][place]
            yield share(f"{name}: {learner}", played(payoffs, chosen, teams), teams, expected, paper)


def relabelled_table(teams: int) -> Iterator[dict[str, Any]]:
    """The same and the further learners, with random names."""
    for name, payoffs in (("climbing", CLIMBING), ("penalty -100", PENALTY)):
        for learner, chosen in {**LEARNERS, **FURTHER, "commitment": COMMITMENT}.items():
            yield share(f"{name}, relabelled: {learner}", played_relabelled(payoffs, chosen, teams), teams)


def stochastic(teams: int) -> Iterator[dict[str, Any]]:
    """Partially and fully stochastic climbing."""
    for name, payoffs in (("partially", PARTIAL), ("fully", FULL)):
        for learner, chosen in {**LEARNERS, **FURTHER}.items():
            what = f"{name} stochastic climbing"
            yield share(f"{what}: {learner}", played(payoffs, chosen, teams), teams)
            yield share(f"{what}, relabelled: {learner}", played_relabelled(payoffs, chosen, teams), teams)


def commitment(teams: int) -> Iterator[dict[str, Any]]:
    """Fully stochastic climbing, won, and under what it is still won."""
    careless = (COMMITMENT[0], replace(COMMITMENT[1], commitment_margin=0))
    rows: tuple[tuple[str, tuple[str, TabularOptions], float, int], ...] = (
        ("relabelled", COMMITMENT, 0.0, 0),
        (f"relabelled, {NOISE}", COMMITMENT, 5.0, 0),
        ("relabelled, clocks 25 apart", COMMITMENT, 0.0, 25),
        (f"relabelled, clocks 25 apart, {NOISE}", COMMITMENT, 5.0, 25),
        ("relabelled, clocks 25 apart, no margin (control)", careless, 0.0, 25),
    )
    for what, learner, private, late in rows:
        count = played_relabelled(FULL, learner, teams, private, late)
        yield share(f"fully stochastic climbing, {what}: commitment", count, teams)
    for name, payoffs in (("climbing", CLIMBING), ("partially stochastic climbing", PARTIAL), ("penalty", PENALTY)):
        yield share(f"{name}, relabelled: commitment", played_relabelled(payoffs, COMMITMENT, teams), teams)


def offsets(teams: int) -> Iterator[dict[str, Any]]:
    """Fully stochastic climbing with clocks within the margin of 25 plays, just beyond it, and far beyond it."""
    for private, name in ((0.0, ""), (5.0, f", {NOISE}")):
        for late in OFFSETS:
            count = played_relabelled(FULL, COMMITMENT, teams, private, late)
            yield share(f"fully stochastic climbing, relabelled, clocks {late} apart{name}: commitment", count, teams)


def random(teams: int) -> Iterator[dict[str, Any]]:
    """Random stochastic games of 8x8 actions, a game a trial."""
    learners = {
        "independent Q": ("iql", SCALED),
        "distributed": ("distributed", SCALED),
        "FMQ": ("fmq", SCALED),
        "hysteretic": ("hysteretic", replace(SCALED, hysteresis=0.1)),
        "commitment, 512 held, growth 1.9": held(512, 1.9),
    }
    for kind in ("uniform", "even"):
        games = random_games(kind, teams)
        for learner, chosen in learners.items():
            yield share(f"random 8x8, {kind}: {learner}", played_each(games, chosen), teams)
        yield share(f"random 8x8, {kind}: one mind that picks both actions, by halving", halved(games), teams)


def held(commitments: int, growth: float) -> tuple[str, TabularOptions]:
    """Commitment for random games: all clocks are alike, so no play of a hold is left out."""
    options = replace(COMMITMENT[1], commitments=commitments, commitment_growth=growth, commitment_margin=0)
    return "commitment", options


def choose(teams: int) -> Iterator[dict[str, Any]]:
    """How options for random games are chosen: on *even* games of a seed of their own; the best is then measured."""
    grids = {
        "commitment": {
            f"{count} held, growth {growth}": held(count, growth)
            for count in (64, 128, 256, 512, 1_024)
            for growth in (1.0, 1.5, 1.9)
            if (count, growth) != (1_024, 1.9)  # does not fit into 7,500 plays
        },
        "hysteretic": {
            f"rate {rate}, hysteresis {ratio}, T {first}, decay {decay}": (
                "hysteretic",
                replace(BASE, learning_rate=rate, hysteresis=ratio, temperature=first, temperature_decay=decay),
            )
            for rate in (0.02, 0.1)
            for ratio in (0.1, 0.3, 0.9)
            for first in (0.5, 50.0)
            for decay in (0.99, 0.999)
        },
    }
    games, others = (random_games("even", teams, seed) for seed in (CHOOSING, SEED))
    for learner, grid in grids.items():
        counts = {name: played_each(games, chosen, CHOOSING) for name, chosen in grid.items()}
        for name, count in counts.items():
            yield share(f"even, seed {CHOOSING}: {learner}, {name}", count, teams)
        best = max(counts, key=lambda name: counts[name])
        what = f"the best of these, on the seed of the other sections: {learner}, {best}"
        yield share(what, played_each(others, grid[best]), teams)


SECTIONS: dict[str, Callable[[int], Iterator[dict[str, Any]]]] = {
    "table": table,
    "relabelled": relabelled_table,
    "stochastic": stochastic,
    "commitment": commitment,
    "offsets": offsets,
    "random": random,
    "choose": choose,
}


def main() -> None:
    """Run the sections and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--teams", type=int, default=3_000, help="trials a row")
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--save", action="store_true", help=f"write {PLACE.name} after each section")
    parser.add_argument("--resume", action="store_true", help="leave out what the saved file already has")
    options = parser.parse_args()
    saved = json.loads(PLACE.read_text()) if PLACE.exists() else {}
    results = {}
    for name in [options.only] if options.only else [name for name in SECTIONS if name != "choose"]:
        if options.resume and name in saved and saved[name]["teams"] == options.teams:
            continue
        began = time.perf_counter()
        rows = list(SECTIONS[name](options.teams))
        results[name] = {
            "command": f"python benchmarks/matrix_games.py --only {name} --teams {options.teams} --save",
            "date": datetime.date.today().isoformat(),
            "python": platform.python_version(),
            "seconds": round(time.perf_counter() - began, 1),
            "seed": SEED,
            "teams": options.teams,
            "rows": rows,
        }
        if options.save:
            saved = {**(json.loads(PLACE.read_text()) if PLACE.exists() else {}), name: results[name]}
            PLACE.write_text(json.dumps(saved, indent=1) + "\n")
        if not options.json:
            print(f"\n{name} ({results[name]['seconds']} s)")
            for found in rows:
                numbers = {key: f"{value:.4f}" if isinstance(value, float) else value for key, value in found.items()}
                print(f"  {numbers.pop('what')}: " + ", ".join(f"{key} {value}" for key, value in numbers.items()))
    if options.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
