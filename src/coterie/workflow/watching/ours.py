"""Episodes to look at: a run's recorded teams, or random or idle play of an environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from coterie.diagnosis.loops import REPEATS
from coterie.errors import BadInput, StorageFault, nearest
from coterie.finite.game import FiniteGame
from coterie.finite.solve import idle_policy, uniform_policy
from coterie.running import recorder
from coterie.running.episodes import read_recording
from coterie.running.evaluate import walk
from coterie.settings import POLICIES
from coterie.types import Play
from coterie.workflow.deep.plan import is_deep
from coterie.workflow.planning.finite_games import finite_game
from coterie.workflow.planning.plan import check_seed, planned
from coterie.workflow.questions.recorded import as_evidence


class Watched(NamedTuple):
    """Episodes, and the words to show them with."""

    title: str
    success_word: str
    action_names: tuple[str, ...]
    plays: list[Play]
    repeats: int


def recorded(run: str | Path, runs: str | Path = "runs") -> Watched:
    """The greedy episodes in a run's folder: the first hundred teams, and those that findings point to."""
    folder = recorder.find_run(Path(runs), str(run))
    place = folder / "episodes" / "greedy.jsonl"
    if not place.exists():
        word = recorder.word_for(folder)
        raise StorageFault(f"{folder} holds no episodes; was it stopped? go on with: coterie resume {word}")
    if is_deep(folder):
        told = read_recording(place)
        return Watched(
            f"{folder.name}: greedy teams", told.success_word, told.actions, as_evidence(told.plays), REPEATS
        )
    chosen = planned(folder)
    game = finite_game(chosen.environment, chosen.env)
    return Watched(
        f"{folder.name}: greedy teams",
        game.success_word,
        game.action_names,
        read_recording(place).plays,
        1 if game.deterministic else REPEATS,
    )


def played(environment: str, policy: str, *, env: Any = None, episodes: int = 100, seed: int = 0) -> Watched:
    """Episodes of random or idle play, from the exact table of an environment."""
    if policy not in POLICIES:
        raise BadInput(f"there is no policy '{policy}'{nearest(policy, POLICIES)}")
    game, seed = finite_game(environment, env), check_seed(seed)
    tables = uniform_policy(game) if policy == "random" else idle_policy(game)
    plays = [_play(game, tables, np.random.default_rng([seed, number]), number) for number in range(episodes)]
    return Watched(f"{environment}: {policy} play", game.success_word, game.action_names, plays, REPEATS)


def _play(game: FiniteGame, policy: np.ndarray, random: np.random.Generator, number: int) -> Play:
    def choose(state: int, step: int) -> list[int]:
        rows = [policy[agent, game.seen[state, agent]] for agent in range(len(game.actions))]
        return [int(random.choice(len(row), p=row)) for row in rows]

    return walk(game, choose, random, number)
