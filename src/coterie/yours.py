"""The user's own function from the user's own file; imports nothing heavy, so that a wrong name is answered at once."""

from __future__ import annotations

import importlib.util
import inspect
import signal
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

from coterie.errors import BadInput, nearest

FAILURES = (Exception, SystemExit)  # what the user's code may raise; Ctrl-C is the user's own
LONGEST_TEXT, LONGEST_VALUE = 300, 80
TERMINATED = 128 + signal.SIGTERM  # with what a signal ends this process, whoever's code is just running


def names_function(word: str) -> bool:
    """Whether a word names a function in a file, like ./mine.py:act."""
    return ".py:" in word


def read_function(word: str) -> Callable[..., Any]:
    """The function that `./file.py:name` means. This runs the file: the user named it for that."""
    place, _, name = word.rpartition(":")
    path = Path(place)
    if not place or not name.isidentifier() or path.suffix != ".py":
        raise BadInput(f"'{word}': expected a file and a function in it, like ./mine.py:make_team")
    if not path.is_file():
        raise BadInput(f"there is no file {path}" + ("" if path.is_absolute() else f" in {Path.cwd()}"))
    name_of_module = f"judged_{path.stem}"
    spec = importlib.util.spec_from_file_location(name_of_module, path, loader=_Fresh(name_of_module, str(path)))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    beside = str(path.parent.resolve())
    sys.modules[module.__name__] = module  # dataclasses look their own module up
    sys.path.insert(0, beside)
    try:
        spec.loader.exec_module(module)
    except FAILURES as error:
        raise BadInput(f"{path} cannot be loaded: {told(error)}") from error
    finally:
        if beside in sys.path:
            sys.path.remove(beside)
    if not callable(getattr(module, name, None)):
        names = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise BadInput(f"{path} has no function '{name}'{nearest(name, names) or '; it has none'}")
    return getattr(module, name)


class _Fresh(SourceFileLoader):
    """Compiles what is in the file now, and leaves no bytecode beside it.

    Bytecode is known by the second and the size of its source: of two files in quick succession under one name, as a
    grader may judge them, the second could pass for the first.
    """

    def path_stats(self, path: Any) -> Any:
        """Nothing that bytecode could be compared with."""
        raise OSError


def let_through(error: BaseException) -> None:
    """Raise again what is no failure of the user's code: a signal that ends this process."""
    if isinstance(error, SystemExit) and error.code == TERMINATED:
        raise error


def told(error: BaseException) -> str:
    """What went wrong in the user's code, in one line."""
    try:
        text = " ".join(str(error).split())
    except FAILURES:
        text = "it cannot be printed"
    return f"{type(error).__name__}: {text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + '…'}"


def shown(value: Any) -> str:
    """A value of the user's in one short line."""
    try:
        text = " ".join(repr(value).split())
    except FAILURES:
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
