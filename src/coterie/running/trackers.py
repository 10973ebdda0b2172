"""Trackers: the rows of the log, told to TensorBoard or Weights & Biases too; they may fail, the log does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from coterie.errors import BadInput, nearest
from coterie.running.recorder import plain

Rows = Callable[[list[dict[str, Any]]], None]
TRACKERS = {"tensorboard": "tensorboardX", "wandb": "wandb"}  # our word, and the package that is imported
STOPPED = 143  # what a second SIGTERM asks for: whoever stops a run does not wait for its tracker
LONGEST = 200  # letters of an error that are told


def check_tracker(word: str) -> None:
    """Raises BadInput for a tracker that is not known or not installed; asked before anything is trained."""
    if not word:
        return
    if word not in TRACKERS:
        raise BadInput(f"--track {word}: there is no such tracker{nearest(word, TRACKERS)}")
    found = find_spec(TRACKERS[word])
    if found is None or found.origin is None:  # a folder `wandb`, which that tracker leaves, is no package
        raise BadInput(
            f"--track {word} needs a package that is not installed; install it with: pip install 'coterie[{word}]'"
        )


@contextmanager
def tracker(word: str, folder: Path, chosen: Any, say: Callable[[str], None]) -> Iterator[Rows | None]:
    """A function that hands rows of the log to a tracker; None where there is none, or where it cannot be opened.

    chosen is the run's plan, which the tracker is told, too. Whatever the tracker raises, on opening, on rows or on
    closing, is one line through `say`; from then on it is left alone, and the log in the folder goes on without it.
    """
    if not word:
        yield None
        return
    check_tracker(word)
    failed: list[BaseException] = []

    def tried(work: Callable[..., Any], *given: Any) -> Any:
        try:
            return None if failed else work(*given)
        except (Exception, SystemExit) as error:
            if isinstance(error, SystemExit) and error.code == STOPPED:
                raise
            failed.append(error)
            text = " ".join(f"{type(error).__name__}: {error}".split())
            text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
            say(f"--track {word} failed and is told no more ({text}); all is in {folder / 'metrics.jsonl'}")

    opened = tried({"tensorboard": _tensorboard, "wandb": _wandb}[word], folder, plain(chosen._asdict()))
    if opened is None:
        yield None
        return
    rows, close = opened
    try:
        yield lambda new: tried(rows, new)
    finally:
        if not failed:
            tried(close)
        else:  # what it still holds open is closed, and how that goes is of no interest
            with suppress(Exception, SystemExit):
                close()


def numbers(row: dict[str, Any]) -> dict[str, float]:
    """What a tracker draws of a row: its numbers, but for the two that say where it belongs."""
    return {name: value for name, value in row.items() if name not in ("seed", "env_steps") and value is not None}


def _tensorboard(folder: Path, config: dict[str, Any]) -> tuple[Rows, Callable[[], None]]:
    """One event file a seed, over joint steps; written in this thread.

    tensorboardX's SummaryWriter hands events to a thread of its own; where that cannot write, on a full disk, it ends,
    and the next rows would wait for it for ever.
    """
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event  # type: ignore[attr-defined]
    from tensorboardX.proto.summary_pb2 import Summary  # type: ignore[attr-defined]

    writers: dict[int, Any] = {}
    closing = ExitStack()

    def rows(new: list[dict[str, Any]]) -> None:
        for row in new:
            seed = row["seed"]
            if seed not in writers:
                home = folder / "tensorboard" / f"seed_{seed}"
                home.mkdir(parents=True, exist_ok=True)
                writers[seed] = EventsWriter(str(home / "events"))
                closing.callback(writers[seed].close)
            drawn = Summary(value=[Summary.Value(tag=name, simple_value=one) for name, one in numbers(row).items()])
            writers[seed].write_event(Event(wall_time=time.time(), step=row["env_steps"], summary=drawn))
        for writer in writers.values():
            writer.flush()

    return rows, closing.close


def _wandb(folder: Path, config: dict[str, Any]) -> tuple[Rows, Callable[[], None]]:
    """One run of Weights & Biases with a section a seed; WANDB_MODE=offline keeps it on this machine."""
    import wandb  # type: ignore[import-not-found]

    settings = wandb.Settings(console="off")  # what we print stays ours
    run = wandb.init(
        project="coterie", name=folder.name, group=folder.name, dir=str(folder), config=config, settings=settings
    )
    known: set[int] = set()

    def rows(new: list[dict[str, Any]]) -> None:
        for row in new:
            section = f"seed_{row['seed']}"
            if row["seed"] not in known:  # seeds may come one after another, so each has steps of its own
                run.define_metric(f"{section}/*", step_metric=f"{section}/env_steps")
                known.add(row["seed"])
            told = {"env_steps": row["env_steps"], **numbers(row)}
            run.log({f"{section}/{name}": value for name, value in told.items()})

    return rows, run.finish
