"""Train many teams of tabular learners: chunks short enough to watch and to stop, and a resumable state."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from coterie.errors import BadInput, Diverged, StorageFault
from coterie.finite.game import FiniteGame
from coterie.settings import TabularOptions
from coterie.tabular.engine import Progress
from coterie.tabular.families import check_game_for, memory_shapes
from coterie.tabular.learn import Teams, advance, as_rule, as_table, new_teams

CHECKS = 100  # greedy checks a run
CHUNK_SECONDS = 0.2
COPIES = 4  # of the tables in memory at most, while a checkpoint is saved
BYTES_A_CHECK = 17  # of each team: success, return, steps
SNAPSHOTS = 50  # of the first teams' tables, at equal distances
SNAPSHOT_TEAMS = 10
SNAPSHOT_BYTES = 4_000_000  # all of them together; larger tables are kept of fewer teams


class Tick(NamedTuple):
    """What is known between two chunks: for progress lines.

    The clock starts after the first chunk, of one episode, which may have compiled the loop: env_steps and seconds are
    counted from there, at episode `first`.
    """

    episode: int
    episodes: int
    first: int
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
        return self.seconds * (self.episodes - self.episode) / max(self.episode - self.first, 1)


def check_interval(episodes: int) -> int:
    """Episodes between two greedy checks: a hundred checks a run, at most one an episode."""
    return max(1, -(-episodes // CHECKS))


def begin(game: FiniteGame, options: TabularOptions, teams: int, episodes: int, algorithm: str = "hysteretic") -> Teams:
    """Teams that have learned nothing, with room for the checks of so many episodes.

    Raises BadInput where the algorithm cannot learn this game in so many episodes, and where teams would not fit into
    this machine's memory with what saving copies.
    """
    check_game_for(algorithm, game, options)
    as_rule(options, episodes, 0, algorithm, game)
    checks = episodes // check_interval(episodes)
    size = len(game.actions) * game.observation_count * max(game.actions) * 8 + checks * BYTES_A_CHECK
    size += sum(8 * prod(shape) for shape, _ in memory_shapes(game, options, algorithm).values())
    if COPIES * teams * size > memory_bytes():
        needed = COPIES * teams * size // 2**30
        raise BadInput(f"--seeds {teams}: so many teams need {needed:,} GiB of memory; use fewer")
    fresh = new_teams(game, options, teams, checks, algorithm)
    kept = min(teams, SNAPSHOT_TEAMS, SNAPSHOT_BYTES // (SNAPSHOTS * 4 * fresh.q[0].size))
    times = episodes // snapshot_interval(episodes)
    return fresh._replace(snapshots=np.zeros((times, kept, *fresh.q.shape[1:]), np.float32))


def snapshot_interval(episodes: int) -> int:
    """Episodes between two snapshots of the first teams' tables: fifty a run, at most one an episode."""
    return max(1, -(-episodes // SNAPSHOTS))


def snapshots_made(teams: Teams, episodes: int) -> np.ndarray:
    """The snapshots that lie behind, float32[K, W', tables, O, A]."""
    return teams.snapshots[: teams.episode // snapshot_interval(episodes)]


def check_threads(threads: int) -> None:
    """Raises BadInput for a negative number of threads."""
    if threads < 0:
        raise BadInput(f"--threads {threads}: expected a number of cores, or 0 for all")


def memory_bytes() -> float:
    """The memory of this machine, or of the container that we are in; infinite where the system does not tell."""
    try:
        limit = float(Path("/sys/fs/cgroup/memory.max").read_text())
    except (OSError, ValueError):  # no container, or one without a limit ("max")
        limit = float("inf")
    try:
        return min(limit, float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")))
    except (AttributeError, OSError, ValueError):
        return limit


def free_bytes() -> float:
    """What of the memory nobody uses now; all of it where the system does not tell."""
    try:
        told = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return min(memory_bytes(), 1024.0 * int(told["MemAvailable"].split()[0]))
    except (OSError, ValueError, KeyError):
        return memory_bytes()


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
    between: Callable[[Teams], None] | None = None,
) -> Teams:
    """Learn until `episodes`, in place, or until `should_stop` says so between two chunks.

    `between` is given the teams after every chunk, to save them. The result depends on the game, the options, the seed
    and the episodes alone: not on threads (0: all cores), nor on the length of chunks. Raises BadInput for a negative
    number of threads, Diverged where a table is no longer finite.
    """
    check_threads(threads)
    table, check_every = as_table(game), check_interval(episodes)
    rule = as_rule(options, episodes, check_every, teams.algorithm, game)
    threads, every = threads or os.cpu_count() or 1, snapshot_interval(episodes)
    began, first, steps_before, chunk = 0.0, -1, 0, 1
    while teams.episode < episodes and not (should_stop and should_stop()):
        chunk_began = time.perf_counter()
        chunk = min(chunk, episodes - teams.episode, every - teams.episode % every)
        teams = advance(table, rule, teams, seed, chunk, threads)
        if teams.episode % every == 0 and len(teams.snapshots):
            teams.snapshots[teams.episode // every - 1] = teams.q[: teams.snapshots.shape[1]]
        now = time.perf_counter()
        took = now - chunk_began
        if first < 0:
            began, first, steps_before = now, teams.episode, int(teams.progress.steps.sum())
        elif on_tick:
            on_tick(_tick(teams, episodes, first, steps_before, now - began, check_every))
        if between:
            between(teams)
        chunk = max(1, min(int(chunk * CHUNK_SECONDS / max(took, 1e-6)), chunk * 8))
    if not np.isfinite(teams.q).all():
        bad = int((~np.isfinite(teams.q)).any(axis=(1, 2, 3)).sum())
        raise Diverged(f"{bad:,} of {len(teams.q):,} teams left the finite numbers; use a smaller --learning-rate")
    return teams


def checks_made(teams: Teams, episodes: int) -> int:
    """How many greedy checks lie behind."""
    return min(teams.episode // check_interval(episodes), teams.progress.check_success.shape[1])


def as_parts(teams: Teams, game: FiniteGame) -> dict[str, dict[str, np.ndarray]]:
    """The two parts of a checkpoint: `policy`, which acting needs, and `progress`, which going on needs."""
    seen = {f"observations.{k}": values for k, values in enumerate(game.observations)}
    if game.masked:
        seen["legal"] = game.legal
    memory = {f"memory.{name}": array for name, array in teams.memory.items()}
    return {
        "policy": {"q": teams.q, **seen},
        "progress": {**teams.progress._asdict(), **memory, "snapshots": teams.snapshots},
    }


def from_parts(parts: dict[str, dict[str, np.ndarray]], episode: object, fresh: Teams, episodes: int) -> Teams:
    """The teams of a checkpoint's two parts.

    Raises StorageFault unless they are of the same shapes as `fresh` ones: the compiled loop does not look.
    """
    found = {**parts["progress"], "q": parts["policy"].get("q")}
    remembered = {f"memory.{name}": array for name, array in fresh.memory.items()}
    for name, like in {**fresh.progress._asdict(), "q": fresh.q, "snapshots": fresh.snapshots, **remembered}.items():
        array = found.get(name)
        if array is None or array.dtype != like.dtype or array.shape != like.shape:
            has = "nothing" if array is None else f"{array.dtype}{list(array.shape)}"
            wanted = f"{like.dtype}{list(like.shape)}"
            raise StorageFault(f"the checkpoint does not fit its run's settings: {name} is {has} instead of {wanted}")
    if not isinstance(episode, int) or not 0 <= episode <= episodes:
        raise StorageFault(f"the checkpoint does not fit its run's settings: {episode!r} of {episodes:,} episodes")
    progress = Progress(*(np.array(found[name]) for name in Progress._fields))
    memory = {name: np.array(found[f"memory.{name}"]) for name in fresh.memory}
    return Teams(np.array(found["q"]), episode, progress, memory, fresh.algorithm, np.array(found["snapshots"]))


def _tick(teams: Teams, episodes: int, first: int, steps_before: int, seconds: float, check_every: int) -> Tick:
    made = teams.episode // check_every
    known = made > 0 and teams.progress.check_success.shape[1] > 0
    return Tick(
        episode=teams.episode,
        episodes=episodes,
        first=first,
        env_steps=int(teams.progress.steps.sum()) - steps_before,
        seconds=seconds,
        coordinated=float(teams.progress.check_success[:, made - 1].mean()) if known else None,
        return_=float(teams.progress.check_return[:, made - 1].mean()) if known else None,
    )
