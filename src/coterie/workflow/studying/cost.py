"""What a study would cost: every kind of run is compiled and tried for some seconds; nothing is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coterie.errors import StorageFault
from coterie.running.checkpoint import KEPT, list_checkpoints, load_checkpoint
from coterie.running.train import as_parts, begin, train_tabular
from coterie.tabular.learn import Teams
from coterie.workflow.deep.plan import DeepPlan
from coterie.workflow.planning.game import game_of
from coterie.workflow.planning.plan import Plan
from coterie.workflow.study import Status, prepare_jax, state_of, told_of
from coterie.workflow.studying.plan import read_study

if TYPE_CHECKING:
    from coterie.running.deep.session import DeepTick

PROBE_SECONDS = 2.0  # of learning that are timed
LONGEST_PROBE = 30.0  # with what comes before: where learning begins late, it is timed before that
JUDGED = 10  # checks' worth of episodes that the judgement plays of each lane


class Probe(NamedTuple):
    """What a kind of run takes: environment steps a second, seconds of compiling and of one more check, bytes kept.

    Compiling is opening, learning, a check, and three programs of about that size: random and idle play, recording.

    whole: seconds of all of a run, where not its steps decide but its episodes.
    """

    steps_per_second: float
    bytes: int
    compiling: float = 0.0
    check: float = 0.0
    whole: float = 0.0


@dataclass(frozen=True)
class RunCost:
    """What is left to do of one run, and what it is expected to take; `error` is why it cannot be, `code` as what.

    env_steps are all its seeds' together, 0 where an episode's length decides; bytes are those of its checkpoints.
    """

    name: str
    environment: str
    algorithm: str
    variant: str
    status: Status
    seeds: int
    env_steps: int
    steps_per_second: float = 0.0
    compiling: float = 0.0
    seconds: float = 0.0
    bytes: int = 0
    error: str = ""
    code: int = 0


@dataclass(frozen=True)
class StudyCost:
    """What a study is expected to take, run by run; seconds and bytes of those that are not finished."""

    name: str
    runs: tuple[RunCost, ...]

    @property
    def seconds(self) -> float:
        """All runs, one after another."""
        return sum(run.seconds for run in self.runs)

    @property
    def bytes(self) -> int:
        """Of all checkpoints that will be there in the end."""
        return sum(run.bytes for run in self.runs)

    @property
    def code(self) -> int:
        """0, or the code of the first run that cannot be."""
        return next((run.code for run in self.runs if run.code), 0)

    def to_json(self) -> dict[str, Any]:
        """The costs as plain dictionaries."""
        runs = [asdict(run) for run in self.runs]
        return {"name": self.name, "seconds": self.seconds, "bytes": self.bytes, "runs": runs}


def study_cost(
    file: str | Path,
    *,
    runs: str | Path = "runs",
    workers: int = 0,
    device: str = "auto",
    on_run: Callable[[RunCost], None] | None = None,
) -> StudyCost:
    """Try every kind of run of a study's file for some seconds; on_run hears of each one before it is tried.

    Runs that differ only in what costs no time are tried once. Raises BadInput as `study` does.
    """
    planned = read_study(file)
    home = Path(runs) / planned.name
    states: list[Status] = [state_of(home / row.name, row.chosen, planned) for row in planned.rows]
    prepare_jax(planned, device)
    known: list[tuple[Any, Probe]] = []
    found = []
    for row, state in zip(planned.rows, states, strict=True):
        chosen = row.chosen
        seeds = chosen.seeds if isinstance(chosen, DeepPlan) else chosen.teams
        steps = seeds * chosen.steps if isinstance(chosen, DeepPlan) else 0
        cost = RunCost(row.name, row.environment, row.algorithm, row.variant, state, seeds, steps)
        if state != "finished":
            try:
                left = 1 - behind(home / row.name, chosen)
                probe = next((probe for kind, probe in known if kind == _kind(chosen)), None)
                if probe is None:
                    if on_run is not None:
                        on_run(cost)
                    probe = (
                        probe_deep(chosen, workers, device) if isinstance(chosen, DeepPlan) else probe_tables(chosen)
                    )
                    known.append((_kind(chosen), probe))
                cost = _expected(cost, chosen, probe, left)
            except Exception as error:
                text, code = told_of(error)
                cost = replace(cost, error=text, code=code)
        found.append(cost)
    return StudyCost(planned.name, tuple(found))


def behind(folder: Path, chosen: DeepPlan | Plan) -> float:
    """The share of a run that its newest checkpoint has behind it."""
    if not list_checkpoints(folder):
        return 0.0
    facts = load_checkpoint(folder, ())[1]
    try:
        if not isinstance(chosen, DeepPlan):
            return min(1.0, facts["episode"] / chosen.episodes)
        seeds = [len(lane) for lane in facts["lanes"]]
        visited = sum(count * visits for count, visits in zip(seeds, facts["visited"], strict=True))
        visit = chosen.learner.environments * chosen.learner.rows
        return min(1.0, visited * visit / (sum(seeds) * max(chosen.steps, visit)))
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise StorageFault(f"the checkpoint of {folder.name} does not fit its run's settings: {error!r}") from error


def _kind(chosen: DeepPlan | Plan) -> Any:
    """What of a plan decides how long a step takes."""
    if isinstance(chosen, DeepPlan):
        return chosen._replace(preset="", seed=0, steps=0, success="", checks=0)
    return chosen._replace(preset="", seed=0)


def _expected(cost: RunCost, chosen: DeepPlan | Plan, probe: Probe, left: float) -> RunCost:
    if isinstance(chosen, DeepPlan):
        learning = cost.env_steps / probe.steps_per_second + chosen.checks * probe.check
        seconds = probe.compiling + left * learning + JUDGED * probe.check
    else:
        seconds = probe.compiling + left * probe.whole
    return replace(
        cost,
        steps_per_second=probe.steps_per_second,
        compiling=probe.compiling,
        seconds=seconds,
        bytes=KEPT * probe.bytes,
    )


def probe_deep(chosen: DeepPlan, workers: int = 0, device: str = "auto") -> Probe:
    """Compile a deep run, let all its seeds learn for some seconds, and check them twice."""
    from coterie.running.deep.saving import size_of
    from coterie.running.deep.session import learn, new_progress
    from coterie.workflow.deep.opening import open_plan
    from coterie.workflow.deep.train import check_rewards

    began = time.perf_counter()
    opened = open_plan(chosen, workers=workers if chosen.road == "worker" else 0, device=device)
    lanes = opened.lanes[:1]
    seeds, first = sum(len(lane.seeds) for lane in lanes), len(lanes[0].seeds)
    schedule = opened.schedule._replace(every=opened.schedule.visits)  # checks are timed by themselves
    progress, ticks = new_progress(lanes, schedule), []
    warm = chosen.learner.warmup * seeds

    def learned(enough: Callable[[], bool]) -> list[DeepTick]:
        ticks.clear()
        learn(
            lanes, schedule, progress, on_rows=lambda rows: None, on_tick=ticks.append, should_stop=enough,
        )  # fmt: skip
        return list(ticks)

    def enough() -> bool:
        timed = [tick for tick in ticks if tick.env_steps >= warm]
        late = bool(ticks) and ticks[-1].seconds > LONGEST_PROBE
        return late or bool(timed and timed[-1].seconds - timed[0].seconds >= PROBE_SECONDS)

    try:
        check_rewards(chosen, opened)
        opening = time.perf_counter() - began
        begun = learned(lambda: bool(ticks))
        compiling, check = (_timed(lambda: lanes[0].check(0)) for _ in range(2))
        told = learned(enough) or begun
        one = size_of(lanes[0].run) // first  # pyright: ignore[reportAttributeAccessIssue]
    finally:
        for lane in opened.lanes:
            lane.close()
    programs = begun[0].compiling + (len(lanes) + 3) * max(0.0, compiling - check)
    return Probe(
        steady(told, warm),
        one * first,
        opening + programs,
        check * chosen.seeds / first,
    )


def steady(ticks: Sequence[Any], warm: int) -> float:
    """Environment steps a second once learning has begun; over all of it where it is so short that nothing else is.

    >>> class Tick(NamedTuple):
    ...     env_steps: int; stepped: int; seconds: float; compiling: float
    >>> told = [Tick(100, 0, 0.0, 2.0), Tick(1_100, 1_000, 1.0, 2.0), Tick(1_400, 1_300, 2.0, 2.0)]
    >>> steady(told, 500), steady(told, 0), steady(told[:1], 0)
    (300.0, 650.0, 50.0)
    """
    past = [tick for tick in ticks if tick.env_steps >= warm] or list(ticks)
    first, last = past[0], past[-1]
    if last.seconds > first.seconds:
        return (last.stepped - first.stepped) / (last.seconds - first.seconds)
    return last.stepped / last.seconds if last.seconds else last.env_steps / max(last.compiling, 1e-9)


def probe_tables(chosen: Plan) -> Probe:
    """Let tabular teams learn for an episode, which may compile the loop, and then for some seconds."""
    began = time.perf_counter()
    game = game_of(chosen)
    teams = begin(game, chosen.learner, chosen.teams, chosen.episodes, chosen.algorithm)

    def learned(teams: Teams, enough: Callable[[], bool]) -> Teams:
        return train_tabular(
            game, chosen.learner, teams, seed=chosen.seed, episodes=chosen.episodes, should_stop=enough,
            between=lambda now: over.append(now.episode),
        )  # fmt: skip

    over: list[int] = []
    teams = learned(teams, lambda: bool(over))
    compiled, first, steps = time.perf_counter(), teams.episode, int(teams.progress.steps.sum())
    teams = learned(teams, lambda: time.perf_counter() - compiled > PROBE_SECONDS)
    took, more = time.perf_counter() - compiled, teams.episode - first
    parts = as_parts(teams, game)
    size = sum(array.nbytes for part in parts.values() for array in part.values())
    rate = (int(teams.progress.steps.sum()) - steps) / took if more else 0.0
    return Probe(rate, size, compiled - began, whole=took / more * chosen.episodes if more else 0.0)


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
