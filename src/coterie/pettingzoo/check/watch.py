"""Nobody waits for ever: an environment is examined in a process of its own, or under an alarm.

A word is examined in a fresh process, which writes down each call before it makes it. A call that takes longer than
`patience` is a hang: the process is killed, and what was known by then is told, with the call. The same where the
process ends, as an environment in another language may. Functions and objects are examined where they are, under an
alarm that interrupts Python, but not what is written in another language; outside the main thread nothing watches.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from coterie.errors import BadInput, CoterieError, EnvironmentFault
from coterie.pettingzoo.check.advice import env_flags
from coterie.pettingzoo.check.apart import end_with_parent, fresh_child, how_it_ended
from coterie.pettingzoo.check.examine import DARED, Hung, examine, hang_item
from coterie.pettingzoo.check.items import Checked, Item, in_order
from coterie.pettingzoo.check.origin import Origin, of_word
from coterie.pettingzoo.check.playing import CALLS
from coterie.pettingzoo.workers.hand import WORKER
from coterie.yours import FAILURES, told

PATIENCE = 20.0  # seconds for one call
START_PATIENCE = 120.0  # and to make an environment, which may import a lot
LAST_PATIENCE = 2.0
LOOK = 0.1  # seconds between two looks
NONE = -1
FAULTS: tuple[type[CoterieError], ...] = (BadInput, EnvironmentFault)

Progress = Callable[[str, float], None]  # what is done, and the seconds since it began


def examine_apart(
    word: str, options: Mapping[str, Any], seed: int, seconds: float, progress: Progress, patience: float = PATIENCE
) -> Checked:
    """Examine an environment in a process of its own."""
    if multiprocessing.current_process().name.startswith(WORKER):
        raise BadInput(
            "this file checks when it is loaded, which the check does; put what checks under if __name__ == '__main__':"
        )
    context = multiprocessing.get_context("spawn")
    calls = context.RawArray(ctypes.c_int64, 4)  # how many, which, the seed, the step
    ours, theirs = context.Pipe(duplex=False)
    arguments = (word, dict(options), seed, seconds, calls, theirs)
    process = context.Process(target=work, args=arguments, name=f"{WORKER}-that-checks")
    with fresh_child():
        process.start()
    theirs.close()
    known = Known(Checked(word, seed, seconds, None, None, (), (), tuple(env_flags(options))))
    try:
        listen(ours, calls, known, progress, patience)
        process.join(LAST_PATIENCE)
        if not known.finished and known.hung is None:
            what = f"The environment ended its process with {how_it_ended(process.exitcode)}, in {call_in_words(calls)}"
            known.end(
                Item("error", "ends the process", what, fix="python -X faulthandler shows where, in your own run")
            )
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        process.close()
        ours.close()
    return known.check()


class Told(msgspec.Struct):
    """What the other process tells: what it asks next ("": it is finished) and all that is known by now, or a fault.

    fault: the name of an error's class, whose message then stands in `stage`.
    """

    stage: str
    known: Checked | None = None
    fault: str = ""


class Known:
    """What the other process has told by now."""

    def __init__(self, nothing: Checked) -> None:
        self.last = nothing
        self.stage, self.finished = "making it", False
        self.hung: Item | None = None

    def end(self, item: Item) -> None:
        """Nothing more will be told; forgivable where it was dared to do what is not allowed."""
        dared = self.stage == DARED
        what = f"After an action that is not allowed: {item.what[:1].lower()}{item.what[1:]}" if dared else item.what
        self.hung = msgspec.structs.replace(item, what=what, severity="warning" if dared else "error")

    def check(self) -> Checked:
        """The last that was told, with what ended it."""
        if self.hung is None:
            return self.last
        items = in_order([*self.last.items, self.hung])
        if self.hung.severity == "warning":
            return msgspec.structs.replace(self.last, items=items)
        return msgspec.structs.replace(self.last, items=items, command="", because=())


def listen(pipe: Any, calls: Any, known: Known, progress: Progress, patience: float) -> None:
    """Hear what the other process tells, until it is finished, ends, or does not come back from a call."""
    began = since = time.monotonic()
    count = NONE
    while not known.finished:
        if pipe.poll(LOOK):
            try:
                heard = msgspec.json.decode(pipe.recv_bytes(), type=Told)
            except (EOFError, ConnectionError):
                return
            if heard.fault:
                raise next((kind for kind in FAULTS if kind.__name__ == heard.fault), EnvironmentFault)(heard.stage)
            known.last, known.stage, known.finished = heard.known or known.last, heard.stage, not heard.stage
            since = time.monotonic()
        progress(known.stage, time.monotonic() - began)
        if calls[0] != count:
            count, since = calls[0], time.monotonic()
        making = count <= 0 or CALLS[calls[1]] == "make"
        if time.monotonic() - since > (max(START_PATIENCE, patience) if making else patience):
            known.end(hang_item(f"{call_in_words(calls)} takes more than {time.monotonic() - since:.0f} s"))
            return


def call_in_words(calls: Any) -> str:
    """Which call was the last."""
    count, which, seed, step = calls
    return in_words("make" if not count else CALLS[which], None if seed == NONE else seed, step)


def in_words(call: str, seed: int | None, step: int) -> str:
    """A call in words: step 13 of seed 2."""
    if call == "make":
        return "making the environment"
    where = "an episode without a seed" if seed is None else f"seed {seed}"
    if call in ("reset", "step"):
        return f"reset with {where}" if call == "reset" else f"step {step} of {where}"
    return f"{call} at step {step} of {where}"


def work(word: str, options: dict[str, Any], seed: int, seconds: float, calls: Any, pipe: Any) -> None:
    """The other process: examine, tell, end."""
    for told_to_all in (signal.SIGINT, signal.SIGTERM):
        signal.signal(told_to_all, signal.SIG_IGN)
    threading.Thread(target=end_with_parent, daemon=True).start()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what is printed past Python would stand among our own output

    def beat(call: str, episode: int | None, step: int) -> None:
        calls[1], calls[2], calls[3] = CALLS.index(call), NONE if episode is None else episode, step
        calls[0] += 1

    def tell(stage: str, known: Checked | None = None, fault: str = "") -> None:
        pipe.send_bytes(msgspec.json.encode(Told(stage, known, fault)))

    with contextlib.suppress(BrokenPipeError):
        try:
            tell("", examine(of_word(word, options), seed, seconds, beat, tell))
        except CoterieError as error:
            tell(str(error), fault=type(error).__name__)
        except FAILURES as error:
            tell(f"{word} could not be examined: {told(error)}", fault=EnvironmentFault.__name__)
    os._exit(0)  # threads and windows of the environment's must not keep us


def examine_here(origin: Origin, seed: int, seconds: float, progress: Progress, patience: float = PATIENCE) -> Checked:
    """Examine a function's environment, or an object, in this process."""
    began = time.monotonic()
    with alarm(patience) as beat:
        return examine(origin, seed, seconds, beat, lambda stage, known: progress(stage, time.monotonic() - began))


@contextlib.contextmanager
def alarm(patience: float) -> Iterator[Callable[[str, int | None, int], None]]:
    """Raise Hung into a call that takes too long; only in the main thread, and where there are alarms."""
    last = ["make", None, 0, time.monotonic()]

    def beat(call: str, seed: int | None, step: int) -> None:
        last[:] = call, seed, step, time.monotonic()

    def look(number: int, frame: object) -> None:
        call, seed, step, since = last
        waited = time.monotonic() - since
        if call != "between" and waited > patience:
            raise Hung(f"{in_words(call, seed, step)} takes more than {waited:.0f} s")

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield beat
        return
    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK, LOOK)
    try:
        yield beat
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
