"""The user's own function from the user's own file; imports nothing heavy, so that a wrong name is answered at once."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coterie.errors import BadInput, nearest

FAILURES = (Exception, SystemExit)  # what the user's code may raise; Ctrl-C is the user's own


def read_function(word: str) -> Callable[..., Any]:
    """The function that `./file.py:name` means. This runs the file: the user named it for that."""
    place, _, name = word.rpartition(":")
    path = Path(place)
    if not place or not name.isidentifier() or path.suffix != ".py":
        raise BadInput(f"'{word}': expected a file and a function in it, like ./mine.py:make_team")
    if not path.is_file():
        raise BadInput(f"there is no file {path}")
    spec = importlib.util.spec_from_file_location(f"judged_{path.stem}", path)
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


def told(error: BaseException) -> str:
    """What went wrong in the user's code, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
