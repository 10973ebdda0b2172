"""A deep run under way: lanes that learn in short chunks, greedy checks at marks, and what of it is kept.

The work between two marks is cut into chunks of about a second, so that one can watch, stop and save; where it is cut
changes nothing: sums are carried with the lanes, and what is logged is a function of settings and seed alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from coterie.errors import EnvironmentFault
from coterie.running.deep.lanes import Lane, Totals
from coterie.running.deep.playing import Played

CHUNK_SECONDS = 1.0


class Schedule(NamedTuple):
    """How a run goes: visits to the replay in all, joint steps a visit, and after how many visits it is checked.

    summed: returns are the sum over all agents, else their mean. least: the return from which on an episode is a
    success; None: the world says what is, if that is known. counted: the agents whose returns these are; () for all.
    settles: the step size falls to nothing, and of the checks the last one's policy is kept, not the best one's: what
    they differ by in the end is the chance of a few episodes.
    """

    visits: int
    steps_a_visit: int
    every: int
    summed: bool = False
    least: float | None = None
    known: bool = True
    counted: tuple[int, ...] = ()
    settles: bool = False

    def team_return(self, returns: np.ndarray) -> np.ndarray:
        """Returns [.., all] as the team's, [..]."""
        own = np.asarray(returns)[..., list(self.counted)] if self.counted else np.asarray(returns)
        return own.sum(-1) if self.summed else own.mean(-1)

    def success(self, played: Played) -> np.ndarray:
        """Which episodes [S, P] succeeded."""
        return played.success if self.least is None else self.team_return(played.returns) >= self.least

    @property
    def marks(self) -> int:
        """How many checks there are, the last one at the end."""
        return -(-self.visits // self.every)

    def mark(self, number: int) -> int:
        """The visits that lie behind at check `number`, counted from 0."""
        return min((number + 1) * self.every, self.visits)


class DeepTick(NamedTuple):
    """What is known between two chunks; env_steps of all seeds, those learned in this process in `seconds`.

    lane: which of so many `lanes`, which learn one after another, is learning, counted from 1.

    compiling: seconds that went into the first chunk, compiling included; return_ and loss are means over seeds.
    """

    env_steps: int
    total: int
    stepped: int
    seconds: float
    compiling: float
    return_: float | None
    success: float | None
    loss: float | None
    lane: int = 1
    lanes: int = 1

    @property
    def steps_per_second(self) -> float:
        """Environment steps a second, all seeds together, compiling apart."""
        return self.stepped / max(self.seconds, 1e-9)

    @property
    def seconds_left(self) -> float:
        """The time that the rest takes at the rate so far."""
        return (self.total - self.env_steps) / max(self.steps_per_second, 1e-9)


@dataclass
class Progress:
    """What has been found so far, one row a seed: greedy checks [S, C], the best policy that was saved, and its score.

    best: one tree of policies a lane, the newest where the schedule settles; best_return float64[S]; best_check
    int64[S], -1 before the first; frozen bool[S].
    """

    returns: np.ndarray
    success: np.ndarray
    steps: np.ndarray
    best_return: np.ndarray
    best_check: np.ndarray
    frozen: np.ndarray
    visited: list[int]
    best: list[Any] = field(default_factory=list)


def new_progress(lanes: Sequence[Lane], schedule: Schedule) -> Progress:
    """Progress before the first visit."""
    seeds = sum(len(lane.seeds) for lane in lanes)
    blank = np.full((seeds, schedule.marks), np.nan)
    return Progress(
        blank,
        blank.copy(),
        blank.copy(),
        np.full(seeds, -np.inf),
        np.full(seeds, -1, np.int64),
        np.zeros(seeds, bool),
        [0] * len(lanes),
        [None] * len(lanes),
    )


def learn(
    lanes: Sequence[Lane],
    schedule: Schedule,
    progress: Progress,
    *,
    on_rows: Callable[[list[dict[str, Any]]], None],
    on_tick: Callable[[DeepTick], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    between: Callable[[], None] = lambda: None,
) -> None:
    """Learn to the end, one lane after another, or until `should_stop` says so between two chunks.

    `on_rows` is given the rows of each check; `between` is called after every chunk, to save at times. Where worlds
    fail, EnvironmentFault leaves lanes and progress whole: they can be saved, and gone on with from the last visit.
    """
    clock = _Clock(schedule, progress, sum(len(lane.seeds) for lane in lanes), on_tick)
    for place, lane in enumerate(lanes):
        chunk, clock.lane = 1, place + 1
        while (mark := _checks_behind(lanes, place, progress)) < schedule.marks:
            if should_stop():
                return
            behind = progress.visited[place]
            size = min(chunk, schedule.mark(mark) - behind)
            try:
                took = clock.time(lambda lane=lane, size=size: _advance(lane, size))
            except EnvironmentFault:
                progress.visited[place] = lane.visited
                raise
            progress.visited[place] += size
            if behind + size == schedule.mark(mark):
                rows = _checked(lanes, place, mark, schedule, progress)
                on_rows(rows)
                clock.heard(rows)
            clock.tell(size * len(lane.seeds))
            between()
            chunk = max(1, min(int(size * CHUNK_SECONDS / max(took, 1e-6)), chunk * 8))
        lane.close()


def _checks_behind(lanes: Sequence[Lane], place: int, progress: Progress) -> int:
    """How many checks a lane has behind it; the next is made at its mark, or now where the worlds failed in it."""
    first = sum(len(lane.seeds) for lane in lanes[:place])
    return int(np.isfinite(progress.steps[first]).sum())


def _advance(lane: Lane, visits: int) -> None:
    lane.advance(visits)
    lane.wait()


def _checked(
    lanes: Sequence[Lane], place: int, mark: int, schedule: Schedule, progress: Progress
) -> list[dict[str, Any]]:
    """Check one lane's greedy agents, keep the best policies, and give a row a seed."""
    lane, first = lanes[place], sum(len(lane.seeds) for lane in lanes[:place])
    played = lane.check(mark)  # first, for its worlds may fail
    totals = lane.totals()
    returns, success = schedule.team_return(played.returns).mean(1), schedule.success(played).mean(1)
    own = slice(first, first + len(lane.seeds))
    progress.returns[own, mark], progress.success[own, mark] = returns, success
    progress.steps[own, mark] = schedule.mark(mark) * schedule.steps_a_visit
    learned = np.asarray(totals.learned)
    progress.frozen[own] |= np.asarray(totals.info["finite"]) < learned if "finite" in totals.info else False
    better = schedule.settles | (returns >= progress.best_return[own])
    better = better & np.isfinite(returns) & ~progress.frozen[own]
    policy, before = lane.policy(), progress.best[place]
    progress.best[place] = (
        policy
        if before is None
        else jax.tree.map(
            lambda new, old: np.where(better.reshape(-1, *(1,) * (new.ndim - 1)), new, old), policy, before
        )
    )
    progress.best_return[own] = np.where(better, returns, progress.best_return[own])
    progress.best_check[own] = np.where(better, mark, progress.best_check[own])
    return [
        _row(lane, place, totals, schedule, mark, float(returns[place]), float(success[place]))
        for place in range(len(lane.seeds))
    ]


def _row(
    lane: Lane, place: int, totals: Totals, schedule: Schedule, mark: int, greedy_return: float, greedy_success: float
) -> dict[str, Any]:
    """One line of the log: what one seed did since the last mark, and how its greedy agents do now."""
    scores = jax.tree.map(lambda leaf: np.asarray(leaf)[place], totals.scores)
    episodes, learned = int(scores.episodes), float(totals.learned[place])
    told = {  # nothing before the first gradient step
        name: _number(np.asarray(sums)[place] / learned) if learned else None
        for name, sums in sorted(totals.info.items())
    }
    return {
        "seed": int(lane.seeds[place]),
        "env_steps": schedule.mark(mark) * schedule.steps_a_visit,
        "episodes": episodes,
        "return": _number(schedule.team_return(scores.returns) / episodes) if episodes else None,
        "success": _number(scores.successes / episodes) if episodes and schedule.least is None else None,
        "greedy_return": _number(greedy_return),
        "greedy_success": _number(greedy_success),
        **told,
    }


def _number(value: Any) -> float | None:
    """A number for the log; what is not finite has no place in JSON."""
    return float(value) if np.isfinite(value) else None


class _Clock:
    """Times the chunks, and tells whoever watches."""

    def __init__(
        self, schedule: Schedule, progress: Progress, seeds: int, on_tick: Callable[[DeepTick], None] | None
    ) -> None:
        self.schedule, self.on_tick = schedule, on_tick
        self.total = schedule.visits * schedule.steps_a_visit * seeds
        self.seeds, self.progress, self.lanes = seeds, progress, len(progress.visited)
        self.stepped, self.seconds, self.compiling = 0, 0.0, 0.0
        self.began, self.row, self.lane = 0.0, {}, 1

    def time(self, work: Callable[[], None]) -> float:
        """How long the work took; the clock of the next `tell` begins with it."""
        self.began = time.perf_counter()
        work()
        return time.perf_counter() - self.began

    def heard(self, rows: list[dict[str, Any]]) -> None:
        """The means of a check's rows."""
        for name in ("greedy_return", "loss", *(("greedy_success",) if self.schedule.known else ())):
            known = [row[name] for row in rows if row.get(name) is not None]
            self.row[name] = float(np.mean(known)) if known else None

    def tell(self, visits: int) -> None:
        """A chunk is over: `visits` of all its seeds together."""
        took, steps = time.perf_counter() - self.began, visits * self.schedule.steps_a_visit
        if not self.compiling:
            self.compiling = took
        else:
            self.stepped, self.seconds = self.stepped + steps, self.seconds + took
        if self.on_tick is None:
            return
        share = self.seeds / self.lanes if self.lanes else 1
        behind = round(sum(self.progress.visited) * self.schedule.steps_a_visit * share)
        row = self.row
        self.on_tick(
            DeepTick(
                min(behind, self.total), self.total, self.stepped, self.seconds, self.compiling,
                row.get("greedy_return"), row.get("greedy_success"), row.get("loss"), self.lane, self.lanes,
            )
        )  # fmt: skip
