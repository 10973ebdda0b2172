"""Studies: environments x algorithms x variants x seeds, trained one after another, and what came out as one table."""

from __future__ import annotations

import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from coterie.errors import BadInput, CoterieError, Diverged, Stopped, StorageFault
from coterie.running import recorder
from coterie.running.checkpoint import list_checkpoints
from coterie.running.comparison import row_of
from coterie.running.signals import Signals
from coterie.running.trackers import check_tracker, tracker
from coterie.showing.words import plural
from coterie.workflow.compare import SUCCESS, Entry, entry_of
from coterie.workflow.deep.plan import DeepPlan, deep_config
from coterie.workflow.planning.plan import CONFIG_FORMAT, Plan
from coterie.workflow.studying.plan import StudyPlan, StudyRow, read_study
from coterie.workflow.train import resume

TERMINATED = 143  # what the command makes of SIGTERM
Status = Literal["new", "unfinished", "finished", "failed"]
Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class StudyRun:
    """One run of a study; `error` is what went wrong with it, and `code` what that is to the command, 0 for nothing.

    A run that is finished can have an error, too: seeds that left the finite numbers.
    """

    name: str
    environment: str
    algorithm: str
    variant: str
    folder: Path
    status: Status
    error: str = ""
    code: int = 0


class Study:
    """A study that was carried out: its runs in order, and what came out as tidy tables.

    runs: tuple of StudyRun; folder: where they are. A table is a dict of NumPy columns of one length, which
    `pandas.DataFrame(study.frame())` takes as it is.
    """

    def __init__(self, name: str, folder: Path, runs: tuple[StudyRun, ...]) -> None:
        self.name, self.folder, self.runs = name, folder, runs

    @cached_property
    def _entries(self) -> list[tuple[StudyRun, Entry]]:
        return [(run, entry_of(run.folder)) for run in self.runs if run.status == "finished"]

    def frame(self) -> Columns:
        """One row a run, seed and greedy check; what a run does not log is not a number.

        run, environment, algorithm, variant (words); seed; env_steps that the seed had learned from; greedy_return and
        greedy_success of the check; and for networks all that metrics.jsonl has besides: return and success while
        learning, loss, … Of a tabular run `seed` is the number of the team.
        """
        return as_columns(row for run, entry in self._entries for row in _checks(run, entry))

    def finals(self) -> Columns:
        """One row a run and seed: what its judged team is worth.

        run, environment, algorithm, variant (words); seed; return, success, coordinated (1 or 0) of its greedy team;
        random and optimum, what random play and the joint optimum are worth (not a number where that is not known);
        env_steps that a seed learned from.
        """
        return as_columns(row for run, entry in self._entries for row in _finals(run, entry))

    def table(self) -> list[dict[str, Any]]:
        """One row a run: its middle over seeds with interval, how many coordinated, random play and the optimum."""
        entries = {run.name: entry for run, entry in self._entries}
        return [{**_plain(run), **(_middle(entries[run.name]) if run.name in entries else {})} for run in self.runs]

    def to_json(self) -> dict[str, Any]:
        """The study as plain dictionaries."""
        return {"name": self.name, "folder": str(self.folder), "runs": self.table()}

    @property
    def code(self) -> int:
        """What the command returns: 0, or the code of the first run that something went wrong with."""
        return next((run.code for run in self.runs if run.code), 0)

    def __repr__(self) -> str:
        """The table, plainly."""
        from coterie.showing.study import results
        from coterie.showing.terminal import plain_text

        return plain_text(results(self.table()))


def study(
    file: str | Path,
    *,
    runs: str | Path = "runs",
    workers: int = 0,
    device: str = "auto",
    track: str = "",
    pictures: bool = False,
    say: Callable[[str], None] | None = None,
    on_run: Callable[[StudyRun], None] | None = None,
    on_tick: Callable[[Any], None] | None = None,
) -> Study:
    """Carry out a study's file: train what is not trained yet, and give all results as tables (docs/study.md).

    Every run has a folder of its own in runs/NAME. Repeated, a study goes on where it was: finished runs are left
    alone, unfinished ones go on. A run that fails does not stop the others: it stands among the results with its error.
    on_run hears of each run before and after. Raises BadInput for a mistake in the file, and where a run's folder holds
    something else than the file asks for; Stopped where a signal came.
    """
    check_tracker(track)
    planned = read_study(file)
    home = Path(runs) / planned.name
    states: list[Status] = [state_of(home / row.name, row.chosen, planned) for row in planned.rows]
    _make(home)
    told = say or (lambda text: warnings.warn(text, stacklevel=2))
    found: list[StudyRun] = []
    with recorder.held(home):
        prepare_jax(planned, device)
        for row, state in zip(planned.rows, states, strict=True):
            run = StudyRun(row.name, row.environment, row.algorithm, row.variant, home / row.name, state)
            if state != "finished":
                if on_run is not None:
                    on_run(run)
                Signals.latest = None
                try:
                    _go_on(run, row, workers=workers, device=device, track=track, say=told, on_tick=on_tick)
                    _draw(run.folder, pictures, told)
                except (Stopped, KeyboardInterrupt, SystemExit) as stop:
                    raise _stopped(stop, run, found, planned, Path(runs)) from None
                except Exception as error:
                    run = _failed(run, error)
                    if run.code == 1:  # a bug of ours is told whole
                        told("".join(traceback.format_exception(error)).rstrip())
            if (run.folder / "evaluation.json").exists():
                run = _finished(run)
            found.append(run)
            if on_run is not None and state != "finished":
                on_run(run)
            if state != "finished" and Signals.latest is not None and len(found) < len(planned.rows):
                raise _stopped(Stopped("", Signals.latest), run, found, planned, Path(runs))
    return Study(planned.name, home, tuple(found))


def state_of(folder: Path, chosen: DeepPlan | Plan, planned: StudyPlan) -> Status:
    """How far a run is; raises BadInput where its folder holds a run with other settings, or something else."""
    if not folder.exists():
        return "new"
    if not (folder / "config.toml").is_file():
        if not folder.is_dir() or any(not entry.name.startswith(".") for entry in folder.iterdir()):
            raise BadInput(
                f"{folder} is there and holds no run of coterie; move it away, or give the study another name"
            )
        return "new"
    begun = any((folder / name).exists() for name in ("evaluation.json", "metrics.jsonl")) or list_checkpoints(folder)
    if not begun:
        return "new"
    there, wanted = recorder.flat(recorder.read_config(folder)), recorder.flat(recorder.plain(config_of(chosen)))
    for name in dict.fromkeys([*wanted, *there]):
        if there.get(name) != wanted.get(name):
            raise BadInput(
                f"{folder} was trained with {name} = {there.get(name)!r} and {planned.file} asks for "
                f"{wanted.get(name)!r}; give the study another name, or move that folder away"
            )
    return "finished" if (folder / "evaluation.json").exists() else "unfinished"


def config_of(chosen: DeepPlan | Plan) -> dict[str, Any]:
    """The settings that a run's folder holds."""
    return deep_config(chosen) if isinstance(chosen, DeepPlan) else {"format": CONFIG_FORMAT, **chosen._asdict()}


def _make(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFault(f"the folder {home} cannot be made: {error.strerror or error}") from error


def prepare_jax(planned: StudyPlan, device: str) -> None:
    """Make JAX ready for the run with most seeds before the first one starts it: it cannot be told twice."""
    deep = [row.chosen for row in planned.rows if isinstance(row.chosen, DeepPlan)]
    if deep:
        from coterie.running.deep.devices import prepare
        from coterie.workflow.deep.opening import devices_of

        prepare(device, max(map(devices_of, deep)))


def _go_on(
    run: StudyRun,
    row: StudyRow,
    *,
    workers: int,
    device: str,
    track: str,
    say: Callable[[str], None],
    on_tick: Callable[[Any], None] | None,
) -> None:
    """Train a run to its end, from its last checkpoint where there is one."""
    if run.status == "new":
        _make(run.folder)
        recorder.write_config(run.folder, config_of(row.chosen))
    if not isinstance(row.chosen, DeepPlan):
        resume(run.folder, on_tick=on_tick)
        return
    from coterie.workflow.deep.train import resume_deep

    helpers = workers if row.chosen.road == "worker" else 0
    with tracker(track, run.folder, row.chosen, say) as rows:
        resume_deep(run.folder, workers=helpers, device=device, track=rows, on_tick=on_tick, on_restart=say)


def _draw(folder: Path, wished: bool, say: Callable[[str], None]) -> None:
    """The pictures of a finished run; a failure costs a line."""
    if not wished:
        return
    from coterie.workflow.evaluate import evaluate

    try:
        evaluate(folder).draw()
    except Exception as error:
        say(f"the pictures of {folder.name} could not be drawn: {type(error).__name__}: {error}")


def told_of(error: Exception) -> tuple[str, int]:
    """An error in one line, and the code that the command returns for it."""
    if isinstance(error, CoterieError):
        return str(error), error.exit_code
    code = 2 if isinstance(error, MemoryError) else 4 if isinstance(error, OSError) else 1
    return " ".join(f"{type(error).__name__}: {error}".split()), code


def _failed(run: StudyRun, error: Exception) -> StudyRun:
    text, code = told_of(error)
    return replace(run, status="failed", error=text, code=code)


def _finished(run: StudyRun) -> StudyRun:
    """A finished run, with what its verdict says of seeds that diverged."""
    place = run.folder / "evaluation.json"
    try:
        frozen = msgspec.json.decode(place.read_bytes()).get("frozen") or []
    except (OSError, ValueError, AttributeError) as error:
        return _failed(run, StorageFault(f"{place} cannot be read: {error}"))
    error = f"{plural(len(frozen), 'seed')} left the finite numbers: {', '.join(map(str, frozen))}" if frozen else ""
    return replace(run, status="finished", error=error, code=Diverged.exit_code if frozen else 0)


def _stopped(
    stop: BaseException, run: StudyRun, found: list[StudyRun], planned: StudyPlan, runs: Path
) -> BaseException:
    """What ends a study that a signal came to: how far it is, and how it goes on."""
    if isinstance(stop, Stopped):
        number = stop.exit_code - 128
    elif isinstance(stop, KeyboardInterrupt):
        number = signal.SIGINT
    elif isinstance(stop, SystemExit) and stop.code == TERMINATED:
        number = signal.SIGTERM
    else:
        return stop
    behind = sum(one.status == "finished" for one in found)
    where = "" if runs == Path("runs") else f" --runs {runs}"
    return Stopped(
        f"stopped in {run.name}, {behind} of {len(planned.rows)} runs are finished; "
        f"go on with: coterie study {planned.file}{where}",
        number,
    )


# Tables


def _plain(run: StudyRun) -> dict[str, Any]:
    return {**asdict(run), "folder": str(run.folder)}


def _words(run: StudyRun) -> dict[str, str]:
    return {"run": run.name, "environment": run.environment, "algorithm": run.algorithm, "variant": run.variant}


def _middle(entry: Entry) -> dict[str, Any]:
    one = entry.contestant
    row = asdict(row_of(one))
    return {
        **{"seeds": row["teams"], "iqm": row["iqm"], "mean": row["mean"], "coordinated": row["coordinated"]},
        **{"random": one.random, "optimum": one.optimum, "env_steps": entry.steps, "returns": row["scores"]},
    }


def _finals(run: StudyRun, entry: Entry) -> Iterator[dict[str, Any]]:
    one = entry.contestant
    for place, seed in enumerate(entry.record().seeds):
        yield {
            **_words(run),
            "seed": int(seed.name.removeprefix("seed_")),
            "return": one.scores[place],
            "success": seed.absolute[SUCCESS][0],
            "coordinated": None if one.coordinated is None else float(one.coordinated[place]),
            "random": one.random,
            "optimum": one.optimum,
            "env_steps": entry.steps,
        }


def _checks(run: StudyRun, entry: Entry) -> Iterator[dict[str, Any]]:
    if entry.deep:
        for row in recorder.read_lines(run.folder / "metrics.jsonl"):
            yield {**_words(run), **row}
        return
    for seed in entry.record().seeds:
        for check in seed.evaluations:
            told = {name: values[0] for name, values in check.metrics.items()}
            yield {
                **_words(run),
                "seed": int(seed.name.removeprefix("seed_")),
                "env_steps": check.step_count,
                "greedy_return": told.get("mean_episode_return"),
                "greedy_success": told.get(SUCCESS),
            }


def as_columns(rows: Iterator[dict[str, Any]]) -> Columns:
    """Rows as columns: words where there are words, whole numbers for seed and env_steps, else float64.

    >>> as_columns(iter([{"run": "a", "seed": 0, "loss": None}, {"run": "b", "seed": 1, "loss": 0.5, "more": 1}]))
    {'run': array(['a', 'b'], dtype='<U1'), 'seed': array([0, 1]), 'loss': array([nan, 0.5]), 'more': array([nan,  1.])}
    """
    listed = list(rows)
    columns: Columns = {}
    for name in dict.fromkeys(name for row in listed for name in row):
        values = [row.get(name) for row in listed]
        if any(isinstance(value, str) for value in values):
            columns[name] = np.array(["" if value is None else value for value in values])
        elif all(isinstance(value, int) for value in values):
            columns[name] = np.array(values, np.int64)
        else:
            columns[name] = np.array([np.nan if value is None else value for value in values], float)
    return columns
