"""The `coterie` command: one file a verb; only this package prints."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

VERBS = {
    "train": "train teams on an environment, judge them, draw them",
    "study": "environments x algorithms x variants x seeds from one file; goes on where it was",
    "resume": "go on with a stopped run",
    "evaluate": "judge a run's saved teams again",
    "watch": "look at a run's teams, or at random or idle play",
    "diagnose": "why do they not coordinate? Names what is wrong, where to see it, and what to try",
    "compare": "which run is better, how sure is that, and how many teams would settle it",
    "judge": "judge anybody's own agents: coterie judge ./mine.py:make_team rendezvous",
    "check-env": "what an environment is, what is wrong with it, how to mend it, and the line that trains on it",
    "solve": "the exact optimum of an environment, and one optimal play",
    "list": "environments, algorithms and presets",
    "lesson": "the classic tutorial in plain Python, explained",
}


TERMINATED = 143
A_MOMENT, LONGEST_IMPORT = 0.05, 10.0  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 fine, 1 our bug, 2 bad input, 3 environment, 4 storage, 5 diverged."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            stream.reconfigure(errors="replace")  # a board with question marks is better than none
    with _stopped_by_signals():
        return _answered(arguments)


def _answered(arguments: Sequence[str] | None) -> int:
    """Run one command; errors are told in a sentence."""
    from coterie.errors import CoterieError

    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
        return code
    except CoterieError as error:
        print(f"coterie: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("coterie: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        with contextlib.suppress(OSError):  # nobody reads on, and Python's own flush at its end must not fail either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"coterie: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 4
    except MemoryError:
        print("coterie: this machine has too little memory for that; use fewer --seeds", file=sys.stderr)
        return 2
    except SystemExit as stop:
        if stop.code == TERMINATED:
            print("coterie: stopped", file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else 2


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """SIGTERM ends a command with a sentence and 143, as Ctrl-C does with 130.

    While a module is imported it is put off for a moment, ten seconds at most: there an exception may break compiled
    code. Where it is swallowed, as Python does in callbacks, whoever learns next hears of the signal.
    """
    from coterie.running.signals import Signals, importing

    timers: list[threading.Timer] = []

    def stop(number: int, frame: Any) -> None:
        if importing(frame) and len(timers) * A_MOMENT < LONGEST_IMPORT:
            timers.append(threading.Timer(A_MOMENT, os.kill, (os.getpid(), number)))
            timers[-1].daemon = True
            timers[-1].start()
            return
        Signals.early = number
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(TERMINATED)

    before: dict[int, Any] = {}
    Signals.early = None
    try:
        before[signal.SIGTERM] = signal.signal(signal.SIGTERM, stop)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            before[signal.SIGINT] = signal.signal(signal.SIGINT, stop)
    except ValueError:  # not the main thread
        pass
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        Signals.early = None
        for number, handler in before.items():
            signal.signal(number, handler)


def overview() -> str:
    """What `coterie --help` prints."""
    verbs = "\n".join(f"  coterie {verb:<9} {about}" for verb, about in VERBS.items())
    return f"""coterie: from a multi-agent environment to a trained, evaluated and explained team.

{verbs}

First steps:
  coterie train rendezvous                    1,000 teams of two agents learn to meet, and are judged
  coterie train rendezvous --preset tutorial  the classic tutorial, flaws included, and what it really does
  coterie watch latest --wall                 a hundred of them at once

Each command explains its options: coterie train --help. All take --json where a program might read the output.
Next: coterie train rendezvous"""


def _run(arguments: list[str]) -> int:
    verb, words = (arguments or ["help"])[0], arguments[1:]
    if verb in ("-h", "--help", "help"):
        print(overview())
        return 0
    if verb in ("-V", "--version"):
        import coterie

        print(f"coterie {coterie.__version__}")
        return 0
    if verb not in VERBS:
        from coterie.errors import BadInput, nearest

        raise BadInput(f"there is no command '{verb}'{nearest(verb, VERBS)}")
    if verb == "train":
        from coterie.cli.train import run
    elif verb == "study":
        from coterie.cli.study import run
    elif verb == "resume":
        from coterie.cli.resume import run
    elif verb == "evaluate":
        from coterie.cli.evaluate import run
    elif verb == "watch":
        from coterie.cli.watch import run
    elif verb == "compare":
        from coterie.cli.compare import run
    elif verb == "judge":
        from coterie.cli.judge import run
    elif verb == "diagnose":
        from coterie.cli.diagnose import run
    elif verb == "check-env":
        from coterie.cli.check_env import run
    elif verb == "solve":
        from coterie.cli.solve import run
    elif verb == "list":
        from coterie.cli.listing import run
    else:
        from coterie.cli.lesson import run
    return run(words)
