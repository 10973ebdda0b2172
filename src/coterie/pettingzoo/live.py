"""Environments that are given as they are, in Python: functions that make one, and objects that are copied."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from coterie.envs.sources import OBJECT
from coterie.errors import BadInput
from coterie.pettingzoo.lifeline import is_worker
from coterie.yours import FAILURES, told

_GIVEN: dict[str, Callable[..., Any]] = {}  # what was given in this process, by its word


def word_of(environment: Any) -> str:
    """The word for an environment: itself where it is one; what else is given is remembered under its word.

    A function that a module has under its name is called by both. One of the program's own file is called by the file
    and its name, so that a command can go on with it. Anything else is `object:NAME`, and is forgotten at the end.
    """
    if isinstance(environment, str):
        return environment
    if is_worker():
        raise BadInput(
            "this file trains when it is loaded, which a worker does; put what trains under if __name__ == '__main__':"
        )
    if callable(environment) and not hasattr(environment, "step"):
        return _word_of_function(environment)
    if not (hasattr(environment, "reset") and hasattr(environment, "step")):
        raise BadInput(
            f"{environment!r} is no environment: expected a word, a function that makes one, or an object with reset "
            "and step"
        )
    name = type(getattr(environment, "unwrapped", environment)).__name__
    return remember(f"{OBJECT}:{name}", lambda: _copied(environment, name))


def given(word: str) -> Callable[..., Any] | None:
    """What was given under this word in this process."""
    return _GIVEN.get(word)


def remember(word: str, function: Callable[..., Any]) -> str:
    """Remember what makes the environments of a word; gives the word."""
    _GIVEN[word] = function
    return word


def _word_of_function(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", type(function).__name__)
    module = sys.modules.get(getattr(function, "__module__", "") or "")
    if module is not None and getattr(module, name, None) is function:
        if module.__name__ != "__main__":
            return f"{module.__name__}:{name}"
        file = getattr(module, "__file__", None)
        if file and file.endswith(".py"):
            path, here = Path(file).resolve(), Path.cwd()
            place = f"./{path.relative_to(here)}" if path.is_relative_to(here) else str(path)
            return remember(f"{place}:{name}", function)
    short = "".join(letter if letter.isalnum() else "_" for letter in name.rpartition(".")[2]).strip("_")
    return remember(f"{OBJECT}:{short}", function)


def _copied(environment: Any, name: str) -> Any:
    try:
        return copy.deepcopy(environment)
    except FAILURES as error:
        raise BadInput(
            f"this {name} cannot be copied ({told(error)}), and several are stepped side by side; give a function that "
            "makes one instead"
        ) from error
