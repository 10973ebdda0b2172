"""Deep runs: trained, stopped, resumed and judged, with everything kept in a run folder."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from coterie.errors import BadInput, EnvironmentFault, Stopped
from coterie.running import recorder
from coterie.running.checkpoint import list_checkpoints, load_checkpoint
from coterie.running.deep.loading import load_deep
from coterie.running.deep.own_parts import Change, must_be_given
from coterie.running.deep.runs import Opened, must_agree
from coterie.running.deep.session import DeepTick, Progress, learn, new_progress
from coterie.running.deep.team import DeepTeam
from coterie.running.deep.verdict import DeepVerdict
from coterie.running.signals import Signals
from coterie.running.train import memory_bytes
from coterie.settings import MIXED, PictureOptions
from coterie.types import Play
from coterie.workflow.deep.judge import judge
from coterie.workflow.deep.opening import open_plan
from coterie.workflow.deep.plan import (
    DeepPlan,
    deep_config,
    deep_plan,
    options_of,
    planned_deep,
)
from coterie.workflow.deep.saving import checked_facts, restored, save_episodes, save_state, saved_rivals
from coterie.workflow.deep.stopping import all_numbers, frozen, kept, learned_words
from coterie.workflow.deep.teams import named_runs

SAVE_SECONDS = 30.0  # between two checkpoints at least, and never more than a twentieth of the time
Tracker = Callable[[list[dict[str, Any]]], None]


class DeepRun:
    """A finished deep run: its folder, its verdict, and its team, ready to act."""

    def __init__(self, folder: Path, verdict: DeepVerdict) -> None:
        self.folder, self.verdict = folder, verdict

    @property
    def team(self) -> DeepTeam:
        """The team of the best seed."""
        return load_deep(self.folder)

    def frame(self) -> dict[str, np.ndarray]:
        """The log as columns: one row a seed and check."""
        rows = recorder.read_lines(self.folder / "metrics.jsonl")
        names = list(dict.fromkeys(name for row in rows for name in row))
        return {name: np.array([row.get(name, np.nan) for row in rows], float) for name in names}

    def draw(self) -> None:
        """Draw the learning curves into the run's folder."""
        from coterie.showing.deep import curves

        curves(self.folder / "curves.png", self.frame(), self.verdict)

    def __repr__(self) -> str:
        """The verdict in words."""
        from coterie.showing.deep import verdict
        from coterie.showing.terminal import plain_text

        return plain_text(verdict(self.verdict))


def train_deep(
    environment: str,
    *,
    algorithm: str | None = None,
    preset: str | None = None,
    env: Any = None,
    seeds: int = 5,
    seed: int = 0,
    steps: int | None = None,
    success: str = "",
    teams: Mapping[str, str] | Sequence[str] = (),
    checks: int | None = None,
    check_episodes: int | None = None,
    final_episodes: int | None = None,
    name: str | None = None,
    runs: str | Path = "runs",
    pictures: bool = True,
    workers: int = 0,
    device: str = "auto",
    track: Tracker | None = None,
    parts: Change | None = None,
    picture: Mapping[str, Any] | PictureOptions | None = None,
    on_tick: Callable[[DeepTick], None] | None = None,
    on_restart: Callable[[str], None] | None = None,
    **learner: Any,
) -> DeepRun:
    """Train teams with neural networks, one a seed, judge the best saved policy of each, and keep all in a run folder.

    `env` are the environment's options, further words the learner's (settings.DeepOptions): for example
    `coterie.train("foraging-8x8-2p-2f-coop", algorithm="qmix", steps=500_000, hidden=128)`. `picture` says how pictures
    are shown (settings.PictureOptions): `picture={"size": "24x12", "grey": True}`. `parts` puts parts of your
    own into the learner: a function from the algorithm's Parts and the Spec to the Parts to use (algorithms/qlearning).
    on_restart hears of each worker process that was lost and started again; without it, that is a warning.
    """
    chosen = deep_plan(
        environment,
        algorithm=algorithm,
        preset=preset,
        env=env,
        seeds=seeds,
        seed=seed,
        steps=steps,
        learner=learner,
        success=success,
        teams=named_runs(teams, runs),
        runs=str(runs),
        checks=checks,
        check_episodes=check_episodes,
        final_episodes=final_episodes,
        picture=picture,
    )
    recorder.check_new(Path(runs), name)
    with interruptible(chosen.environment):
        opened = open_plan(chosen, workers=workers, device=device, change=parts, on_restart=on_restart)
        check_rewards(chosen, opened)
    folder = new_folder(chosen, Path(runs), name)
    run = learn_deep(chosen, opened, folder, track=track, on_tick=on_tick)
    if pictures:
        run.draw()
    return run


def check_rewards(chosen: DeepPlan, opened: Opened) -> None:
    """Raises BadInput where values are mixed, members earn differently, and nobody says what the team's reward is."""
    everybody = [(place, chosen.algorithm) for place in range(opened.spec.teams)]
    players = [(place, team.player) for place, team in enumerate(opened.teams)] or everybody
    mixed = [place for place, one in players if one in MIXED and options_of(chosen, one).reward == "as-is"]
    if mixed and ":" in chosen.environment:  # members of our teams are paid alike
        must_agree(opened.baseline(False), opened.spec, mixed)


def new_folder(chosen: DeepPlan, runs: Path, name: str | None) -> Path:
    """A new run folder that holds the plan."""
    stem = "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in chosen.environment).strip(".-")
    folder = recorder.create_run(runs, f"{stem}-{chosen.algorithm}", name)
    try:
        recorder.write_config(folder, deep_config(chosen))
    except BaseException:
        folder.rmdir()
        raise
    return folder


def resume_deep(
    folder: Path,
    *,
    workers: int = 0,
    device: str = "auto",
    track: Tracker | None = None,
    parts: Change | None = None,
    on_tick: Callable[[DeepTick], None] | None = None,
    on_restart: Callable[[str], None] | None = None,
) -> DeepRun:
    """Go on with a stopped deep run as if it had never been stopped, bit for bit."""
    chosen = planned_deep(folder)
    if (folder / "evaluation.json").exists():
        raise BadInput(f"{folder.name} is finished; look at it with: coterie evaluate {recorder.word_for(folder)}")
    if not list_checkpoints(folder):
        with interruptible(chosen.environment):
            opened = open_plan(chosen, workers=workers, device=device, change=parts, on_restart=on_restart)
        return learn_deep(chosen, opened, folder, track=track, on_tick=on_tick)
    with interruptible(chosen.environment):
        opened, progress, rows, newest = reopened(chosen, folder, workers, device, parts, on_restart)
    return learn_deep(chosen, opened, folder, progress=progress, rows=rows, newest=newest, track=track, on_tick=on_tick)


def reopened(
    chosen: DeepPlan,
    folder: Path,
    workers: int,
    device: str,
    change: Change | None,
    on_restart: Callable[[str], None] | None,
) -> tuple[Opened, Progress, int, str]:
    """A stopped run as it stands in its newest checkpoint, the rows of its log, and that checkpoint's name.

    It was begun where there was room for it, so that it is only held against all memory, not against what is free.
    """
    with recorder.held(folder):
        newest = newest_checkpoint(folder)
        parts = ("learner", "replay", "runner", "worlds", "progress", "policy")
        arrays, told = load_checkpoint(folder, parts, older=True)
    facts = checked_facts(folder, chosen, told)
    must_be_given(folder.name, facts.changed, change)
    opened = open_plan(
        chosen,
        workers=workers,
        device=device,
        devices=facts.devices,
        change=change,
        memory=memory_bytes(),
        on_restart=on_restart,
        rivals=saved_rivals(folder, facts),
    )
    return opened, restored(opened, arrays, facts), facts.rows, newest


@contextlib.contextmanager
def interruptible(word: str) -> Iterator[None]:
    """Ctrl-C and SIGTERM are remembered while a run is opened and raise Stopped after it.

    Python's own way, an exception at any place, is swallowed where JAX calls back from its compiled code. A fault of
    the environment names the user's word for it.
    """
    with Signals() as signals, named(word):
        yield
    if signals.received is not None:
        raise Stopped("stopped before anything was learned", signals.received)


@contextlib.contextmanager
def named(word: str) -> Iterator[None]:
    """Whatever is the environment's fault names the user's word for it."""
    try:
        yield
    except EnvironmentFault as fault:
        raise EnvironmentFault(f"{word}: {fault}") from fault


def learn_deep(
    chosen: DeepPlan,
    opened: Opened,
    folder: Path,
    *,
    progress: Progress | None = None,
    rows: int = 0,
    newest: str = "",
    track: Tracker | None = None,
    on_tick: Callable[[DeepTick], None] | None = None,
) -> DeepRun:
    """Learn to the end of the plan, judge, and save; a signal saves a checkpoint and raises Stopped.

    Where the environment fails, what was learned up to the last whole visit is saved and EnvironmentFault raised.

    newest: the checkpoint that it goes on from; BadInput where another process has saved one since that was read.
    """
    metrics = folder / "metrics.jsonl"
    progress = progress or new_progress(opened.lanes, opened.schedule)
    began, saved_at, saving = time.perf_counter(), time.perf_counter(), 0.0
    last: list[DeepTick] = []

    def heard(tick: DeepTick) -> None:
        last[:] = [tick]
        if on_tick is not None:
            on_tick(tick)

    def logged(new: list[dict[str, Any]]) -> None:
        nonlocal rows
        recorder.append_lines(metrics, new)
        rows += len(new)
        if track is not None:
            track(new)

    def save() -> None:
        nonlocal saved_at, saving
        start = time.perf_counter()
        save_state(folder, chosen, opened, progress, rows)
        saved_at, saving = time.perf_counter(), time.perf_counter() - start

    def at_times() -> None:
        if time.perf_counter() - saved_at >= max(SAVE_SECONDS, 20 * saving):
            save()

    def behind() -> str:
        return learned_words(opened, progress, chosen.steps)

    with recorder.held(folder), Signals() as signals:
        try:
            if newest != newest_checkpoint(folder):
                raise BadInput(f"{folder.name} was gone on with by another process meanwhile; resume it again")
            recorder.keep_lines(metrics, rows)
            learn(
                opened.lanes,
                opened.schedule,
                progress,
                on_rows=logged,
                on_tick=heard,
                should_stop=lambda: signals.received is not None,
                between=at_times,
            )
            signals.deaf = True
            finished = min(progress.visited) >= opened.schedule.visits
            save()
            timing = {
                "seconds": time.perf_counter() - began,
                **(
                    {"steps_per_second": last[0].steps_per_second, "first_chunk_seconds": last[0].compiling}
                    if last
                    else {}
                ),
            }
            recorder.append_lines(folder / "timing.jsonl", [timing])
            if signals.received is not None and not finished:
                word = recorder.word_for(folder)
                raise Stopped(f"stopped after {behind()}; go on with: coterie resume {word}", signals.received)
            verdict = judge(chosen, opened, progress, folder, last[0].steps_per_second if last else 0.0)
            told_numbers = not verdict.frozen or all_numbers(opened.lanes)
            recorded: list[Play] = []
            for place, best in enumerate(progress.best):
                recorded += opened.record(best, place)
                opened.lanes[place].close()
        except EnvironmentFault as fault:
            signals.deaf = True
            raise EnvironmentFault(f"{chosen.environment}: {fault}; {kept(save, behind, folder)}") from fault
        finally:
            for lane in opened.lanes:
                lane.close()
    save_episodes(folder, chosen, opened, recorded)
    recorder.write_json(folder / "findings.json", [msgspec.to_builtins(one) for one in verdict.findings])
    recorder.write_json(folder / "evaluation.json", verdict.to_json())
    run = DeepRun(folder, verdict)
    if verdict.frozen:
        fault = frozen(chosen, verdict, folder, told_numbers)
        fault.run = run
        raise fault
    return run


def newest_checkpoint(folder: Path) -> str:
    """The name of a run's newest checkpoint; empty where there is none."""
    return next((one.name for one in reversed(list_checkpoints(folder))), "")


def evaluate_deep(folder: Path, device: str = "auto", parts: Change | None = None) -> DeepRun:
    """The verdict on a deep run's best saved policies, computed anew; nothing in the run's folder is changed.

    `parts` are needed where the run was trained with a network of the user's own.
    """
    chosen = planned_deep(folder)
    arrays, told = load_checkpoint(folder, ("policy", "progress"))
    facts = checked_facts(folder, chosen, told)
    must_be_given(folder.name, facts.changed, parts)
    with interruptible(chosen.environment):
        opened = open_plan(
            chosen, device=device, change=parts, memory=float("inf"), rivals=saved_rivals(folder, facts)
        )  # nothing learns: no replay is made
    try:
        progress = restored(opened, arrays, facts, going_on=False)
        if any(best is None for best in progress.best):
            word = recorder.word_for(folder)
            raise BadInput(f"{folder.name} was stopped before its first check; go on with: coterie resume {word}")
        with named(chosen.environment):
            return DeepRun(folder, judge(chosen, opened, progress, folder, 0.0))
    finally:
        for lane in opened.lanes:
            lane.close()
