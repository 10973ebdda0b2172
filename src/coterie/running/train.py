"""Train many teams of tabular learners: chunks short enough to watch and to stop, and a resumable state."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from coterie.errors import Diverged
from coterie.finite.game import FiniteGame
from coterie.settings import TabularOptions
from coterie.tabular.engine import Progress
from coterie.tabular.learn import Teams, advance, as_rule, as_table, new_teams

CHECKS = 100  # greedy checks a run
CHUNK_SECONDS = 0.2


class Tick(NamedTuple):
    """What is known between two chunks: for progress lines."""

    episode: int
    episodes: int
    env_steps: int
    seconds: float
    coordinated: float | None
    return_: float | None

    @property
    def steps_per_second(self) -> float:
        """Environment steps learned from in a second, all teams together."""
        return self.env_steps / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float:
        """The time that the rest takes at the rate so far."""
        return self.seconds * (self.episodes - self.episode) / max(self.episode, 1)


def check_interval(episodes: int) -> int:
    """Episodes between two greedy checks: a hundred checks a run, at most one an episode."""
    return max(1, episodes // CHECKS)


def begin(game: FiniteGame, options: TabularOptions, teams: int, episodes: int) -> Teams:
    """Teams that have learned nothing, with room for the checks of so many episodes."""
    return new_teams(game, options, teams, episodes // check_interval(episodes))


def train_tabular(
    game: FiniteGame,
    options: TabularOptions,
    teams: Teams,
    *,
    seed: int,
    episodes: int,
    threads: int = 0,
    on_tick: Callable[[Tick], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Teams:
    """Learn until `episodes`, in place, or until `should_stop` says so between two chunks.

    The result depends on the game, the options, the seed and the episodes alone: not on threads (0: all cores), nor on
    the length of chunks. Raises Diverged where a table is no longer finite.
    """
    table, check_every = as_table(game), check_interval(episodes)
    rule = as_rule(options, episodes, check_every)
    threads = threads or os.cpu_count() or 1
    began, steps_before = time.perf_counter(), int(teams.progress.steps.sum())
    first, chunk = teams.episode, 1
    while teams.episode < episodes and not (should_stop and should_stop()):
        chunk_began = time.perf_counter()
        chunk = min(chunk, episodes - teams.episode)
        teams = advance(table, rule, teams, seed, chunk, threads)
        took = time.perf_counter() - chunk_began
        if on_tick:
            on_tick(_tick(teams, first, episodes, steps_before, time.perf_counter() - began, check_every))
        chunk = max(1, min(int(chunk * CHUNK_SECONDS / max(took, 1e-6)), chunk * 8))
    if not np.isfinite(teams.q).all():
        bad = int((~np.isfinite(teams.q)).any(axis=(1, 2, 3)).sum())
        raise Diverged(f"{bad:,} of {len(teams.q):,} teams left the finite numbers; use a smaller --learning-rate")
    return teams


def checks_made(teams: Teams, episodes: int) -> int:
    """How many greedy checks lie behind."""
    return min(teams.episode // check_interval(episodes), teams.progress.check_success.shape[1])


def as_parts(teams: Teams, observations: tuple[np.ndarray, ...]) -> dict[str, dict[str, np.ndarray]]:
    """The two parts of a checkpoint: `policy`, which acting needs, and `progress`, which going on needs."""
    seen = {f"observations.{k}": values for k, values in enumerate(observations)}
    return {"policy": {"q": teams.q, **seen}, "progress": teams.progress._asdict()}


def from_parts(parts: dict[str, dict[str, np.ndarray]], episode: int) -> Teams:
    """The teams of a checkpoint's two parts."""
    progress = {name: np.array(array) for name, array in parts["progress"].items()}
    progress["check_success"] = progress["check_success"].astype(np.bool_)
    return Teams(np.array(parts["policy"]["q"]), episode, Progress(**progress))


def _tick(teams: Teams, first: int, episodes: int, steps_before: int, seconds: float, check_every: int) -> Tick:
    made = teams.episode // check_every
    known = made > 0 and teams.progress.check_success.shape[1] > 0
    return Tick(
        episode=teams.episode - first,
        episodes=episodes - first,
        env_steps=int(teams.progress.steps.sum()) - steps_before,
        seconds=seconds,
        coordinated=float(teams.progress.check_success[:, made - 1].mean()) if known else None,
        return_=float(teams.progress.check_return[:, made - 1].mean()) if known else None,
    )
