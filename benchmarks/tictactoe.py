"""Tic-tac-toe: independent learners with tables in self-play, against random play and against the perfect player.

    python benchmarks/tictactoe.py            a table for people
    python benchmarks/tictactoe.py --json     for programs; --save also writes benchmarks/results/tictactoe.json
    python benchmarks/tictactoe.py --only choose --save    how the recipe was chosen, on a seed of its own

The game is PettingZoo's `classic/tictactoe_v3`, its table made by playing it; all shares are exact, by evaluating
policies on the table. The perfect player takes any of its best moves by backward induction, equally likely. Every one
of ten teams is shown, numbers 0 to 9 of one seed; nobody is chosen. The recipe is the preset `self-play`, the best of
the grid in `choose`.

`judged` is for anybody's player: give it a policy float64[N, O, A], or make one with `policy_of` from a function
act(agent, observation, info), such as a loaded team's.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from coterie.finite.backward import against, can_lose, perfect_play, shares
from coterie.finite.game import FiniteGame, check_game
from coterie.finite.solve import greedy_policy, uniform_policy
from coterie.running.tables import exact_game
from coterie.settings import PRESETS, TabularOptions
from coterie.tabular.learn import advance, as_rule, as_table, new_teams
from coterie.workflow.planning.presets import preset_options

WORD = "pettingzoo:classic/tictactoe_v3"
PLACE = Path(__file__).parent / "results" / "tictactoe.json"
SEED, TEAMS = 20_261_128, 10  # of everything that is reported
CHOOSING = 1  # the seed on which `choose` chooses
BUDGETS = (10_000, 30_000, 100_000, 300_000)
SEATS = ("first", "second")
THREADS = 2

Act = Callable[[str, Any, dict], Any]


def judged(game: FiniteGame, policy: np.ndarray, among: FiniteGame | None = None) -> dict[str, Any]:
    """How a player does in each seat: games not lost against random and perfect play, and whether it can lose at all.

    policy float64[N, O, A]; among: the table that it plays in, where that is not the game itself (the broken copies).
    """
    table = game if among is None else among
    opponents = {"random": uniform_policy(game), "perfect": perfect_play(game).policy}
    found: dict[str, Any] = {}
    for seat, name in enumerate(SEATS):
        for opponent, rows in opponents.items():
            lost = shares(table, against(table, policy, rows, seat)).lost[seat]
            found[f"{name}, not lost against {opponent}"] = 1.0 - float(lost)
        found[f"{name}, nobody can beat it"] = not can_lose(table, policy, seat)
    return found


def policy_of(game: FiniteGame, act: Act) -> np.ndarray:
    """The policy of a player that is asked about every decision there is, float64[N, O, A]; it must not draw lots."""
    policy, kind = uniform_policy(game), game.spec.kinds[0]
    for agent, name in enumerate(game.spec.agents):
        for row in np.unique(game.seen[:, agent]):
            legal = game.legal[row]
            if legal.sum() > 1:
                sight = {"observation": game.observations[0][row], "action_mask": legal.astype(np.int8)}
                policy[agent, row] = np.eye(kind.actions)[int(act(name, sight, {}))]
    return policy


def trained(game: FiniteGame, options: TabularOptions, episodes: int, seed: int, teams: int = TEAMS) -> np.ndarray:
    """The tables of some teams after self-play, float64[W, N, O, A]."""
    learned = new_teams(game, options, teams, 0, "iql")
    return advance(as_table(game), as_rule(options, episodes, 0, "iql", game), learned, seed, episodes, THREADS).q


def never_told_of_defeat(game: FiniteGame) -> FiniteGame:
    """A broken copy: whoever does not move on the last step never hears what it earned; who moves last never loses."""
    return game._replace(reward=np.maximum(game.reward, 0.0))


def without_masks(game: FiniteGame) -> FiniteGame:
    """A broken copy: the mover may try anything, and an illegal move loses, as in the environment itself."""
    perfect, width = perfect_play(game), len(game.joint_actions)
    counts = np.diff(game.first_edge)
    mover = perfect.mover
    deciding = np.flatnonzero((mover >= 0) & (counts.reshape(-1, width).sum(1) > 0))
    sizes = game.actions
    tried = np.array(
        [
            (state * width + np.ravel_multi_index((move, 0) if mover[state] == 0 else (0, move), sizes), mover[state])
            for state, move in product(deciding.tolist(), range(sizes[0]))
        ]
    )
    tried = tried[counts[tried[:, 0]] == 0]
    pair = np.concatenate([np.repeat(np.arange(len(counts)), counts), tried[:, 0]])
    order = np.argsort(pair, kind="stable")
    lost = np.where(np.arange(2) == tried[:, 1:], -1.0, 0.0)
    more = len(tried)

    def joined(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        return np.concatenate([old, new.astype(old.dtype)])[order]

    broken = game._replace(
        first_edge=np.searchsorted(pair[order], np.arange(len(counts) + 1)).astype(np.int32),
        probability=joined(game.probability, np.ones(more)),
        successor=joined(game.successor, tried[:, 0] // width),
        reward=joined(game.reward, lost),
        ended=joined(game.ended, np.ones(more, bool)),
        success=joined(game.success, np.zeros(more, bool)),
        legal=np.where((game.legal.sum(1) > 1)[:, None], True, game.legal),
    )
    check_game(broken)
    return broken


def learning(game: FiniteGame) -> Iterator[dict[str, Any]]:
    """Ten teams at each budget of episodes, every one of them."""
    _, options = preset_options("self-play")
    for episodes in BUDGETS:
        teams = [judged(game, greedy_policy(game, q)) for q in trained(game, options, episodes, SEED)]
        yield {"what": f"{episodes:,} episodes", **gathered(teams)}


def controls(game: FiniteGame) -> Iterator[dict[str, Any]]:
    """What random and perfect play do, and what learners do that are broken on purpose, at the preset's episodes."""
    _, options = preset_options("self-play")
    episodes = PRESETS["self-play"].episodes
    yield {"what": "random play", **gathered([judged(game, uniform_policy(game))])}
    yield {"what": "perfect play", **gathered([judged(game, perfect_play(game).policy)])}
    for name, among in (
        ("nobody is told of its defeat", never_told_of_defeat(game)),
        ("no masks", without_masks(game)),
    ):
        table = game if name.startswith("nobody") else among
        teams = [judged(game, greedy_policy(table, q), table) for q in trained(among, options, episodes, SEED)]
        yield {"what": f"broken: {name}, {episodes:,} episodes", **gathered(teams)}


def choose(game: FiniteGame) -> Iterator[dict[str, Any]]:
    """A grid of recipes at 30,000 episodes on another seed; the score is the mean of both seats against perfect."""
    _, base = preset_options("self-play")
    for rate, rate_end, end, discount in product((0.2, 0.4), (-1.0, 0.1, 0.0), (0.0, 0.1, 0.3), (0.95, 1.0)):
        options = replace(base, learning_rate=rate, learning_rate_end=rate_end, epsilon_end=end, discount=discount)
        teams = [judged(game, greedy_policy(game, q)) for q in trained(game, options, 30_000, CHOOSING)]
        score = float(np.mean([[team[f"{seat}, not lost against perfect"] for seat in SEATS] for team in teams]))
        falls = f"falls to {rate_end:g}" if rate_end >= 0 else "stays"
        yield {"what": f"rate {rate} {falls}, epsilon 1 to {end}, discount {discount}", "score": score}


def gathered(teams: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """One list of all teams a column."""
    return {name: [team[name] for team in teams] for name in teams[0]}


SECTIONS = {"choose": choose, "learning": learning, "controls": controls}


def main() -> None:
    """Measure, print, and perhaps save."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=SECTIONS, help="one section")
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--save", action="store_true", help=f"write {PLACE.name} after each section")
    options = parser.parse_args()
    game = exact_game(WORD, {})
    results = {}
    for name in [options.only] if options.only else [name for name in SECTIONS if name != "choose"]:
        rows = list(SECTIONS[name](game))
        results[name] = {
            "command": f"python benchmarks/tictactoe.py --only {name} --save",
            "date": datetime.date.today().isoformat(),
            "python": platform.python_version(),
            "seed": CHOOSING if name == "choose" else SEED,
            "states": len(game.states),
            "recipe": {"algorithm": "iql", **PRESETS["self-play"].options},
            "rows": rows,
        }
        if options.save:
            saved = json.loads(PLACE.read_text()) if PLACE.exists() else {}
            PLACE.write_text(json.dumps({**saved, name: results[name]}, indent=1) + "\n")
        if not options.json:
            print(f"\n{name}")
            for row in rows:
                print("  " + row["what"])
                for key, values in row.items():
                    if isinstance(values, list):
                        print(f"    {key:<36} " + "  ".join(f"{float(value):.3f}" for value in values))
                    elif key != "what":
                        print(f"    {key:<36} {values:.4f}")
    if options.json:
        print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
