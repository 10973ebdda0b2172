"""Environments that are given as they are, in Python: functions that make one, and objects that are copied."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from coterie.envs.sources import OBJECT
from coterie.errors import BadInput
from coterie.pettingzoo.workers.lifeline import is_worker
from coterie.yours import FAILURES, told


class Given(NamedTuple):
    """What was given in this process, and a function that makes environments of it."""

    thing: Any
    make: Callable[..., Any]


_GIVEN: dict[str, Given] = {}  # by its word


def word_of(environment: Any) -> str:
    """The word for an environment: itself where it is one; what else is given is remembered under its word.

    A function that a module has under its name is called by both. One of the program's own file is called by the file
    and its name, so that a command can go on with it. Anything else is `object:NAME`, a second thing of that name
    `object:NAME-2`, and is forgotten at the end.
    """
    if isinstance(environment, str):
        return environment
    if is_worker():
        raise BadInput(
            "this file trains when it is loaded, which a worker does; put what trains under if __name__ == '__main__':"
        )
    if isinstance(environment, type) or (callable(environment) and not hasattr(environment, "step")):
        return _word_of_function(environment)
    if not (hasattr(environment, "reset") and hasattr(environment, "step")):
        raise BadInput(
            f"{environment!r} is no environment: expected a word, a function that makes one, or an object with reset "
            "and step"
        )
    name = type(getattr(environment, "unwrapped", environment)).__name__
    return remember(free_word(f"{OBJECT}:{name}", environment), environment, lambda: _copied(environment, name))


def given(word: str) -> Callable[..., Any] | None:
    """What makes the environments that were given under this word in this process."""
    return _GIVEN[word].make if word in _GIVEN else None


def remember(word: str, thing: Any, make: Callable[..., Any]) -> str:
    """Remember what was given under a word; gives the word."""
    _GIVEN[word] = Given(thing, make)
    return word


def give_again(word: str, environment: Any) -> None:
    """Remember what is given for a run under the run's own word, whatever number it would have now.

    Raises BadInput where the run was begun with something else.
    """
    own = word_of(environment)
    if without_number(own) != without_number(word):
        raise BadInput(f"the run was begun with {word}, and what is given now is called {own}; give the same again")
    if own in _GIVEN:
        _GIVEN[word] = _GIVEN[own]


def free_word(word: str, thing: Any) -> str:
    """The word under which a thing was given before, else this one, with a number where it means another thing."""
    words = (word if number == 1 else f"{word}-{number}" for number in count(1))
    return next(one for one in words if one not in _GIVEN or is_same(_GIVEN[one].thing, thing))


def is_same(one: Any, other: Any) -> bool:
    """Whether two things are one; a method is another object each time it is looked up."""
    return one is other or (inspect.ismethod(one) and one == other)


def without_number(word: str) -> str:
    """A word without the number that tells things of one name apart; others as they are."""
    name, _, number = word.rpartition("-")
    return name if word.startswith(f"{OBJECT}:") and number.isdigit() else word


def check_reach(word: str, workers: int) -> None:
    """Raises BadInput where workers are asked for, and cannot get what was given in this process."""
    if workers and word.startswith(f"{OBJECT}:"):
        raise BadInput(
            f"--workers {workers}: {word} was given in Python as it is, which another process cannot get; give a "
            "function that stands in a module or a file (./mine.py:make_env), or leave --workers out"
        )


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
            return remember(f"{place}:{name}", function, function)
    short = "".join(letter if letter.isalnum() else "_" for letter in name.rpartition(".")[2]).strip("_")
    return remember(free_word(f"{OBJECT}:{short}", function), function, function)


def _copied(environment: Any, name: str) -> Any:
    try:
        return copy.deepcopy(environment)
    except FAILURES as error:
        raise BadInput(
            f"this {name} cannot be copied ({told(error)}), and several are stepped side by side; give a function that "
            "makes one instead"
        ) from error
