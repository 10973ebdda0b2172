"""Options of environments from elsewhere: their constructors' own, and a few of ours; and sentences for what fails."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from coterie.errors import BadInput, nearest

LONGEST_TEXT = 300


@dataclass(frozen=True)
class Reading:
    """How an environment from elsewhere is read; every other option goes to its own constructor."""

    time_limit_is_ending: bool = False
    """Take its time limit for a true ending of the world."""
    idle: int = -1
    """The action that does nothing; -1: none is known, and action 0 stands for it."""
    team: str = ""
    """A team number for each agent, like 0,0,1; else all are one team."""
    success: str = ""
    """What its info must say for a success: KEY (not zero), or KEY>=NUMBER."""


def split_options(
    name: str, options: Mapping[str, Any], constructors: Iterable[Callable[..., Any]]
) -> tuple[Reading, list[dict[str, Any]]]:
    """The options of ours, and one mapping of the others for each constructor, the first that knows the name.

    Values may be words, as they come from a command: numbers, True, lists and the like are read, others stay words.
    Raises BadInput for a name that nobody knows.
    """
    ours = {field.name: type(field.default) for field in fields(Reading)}
    known = [parameters(constructor) for constructor in constructors]
    read: dict[str, Any] = {}
    passed: list[dict[str, Any]] = [{} for _ in known]
    for word, value in options.items():
        option = word.replace("-", "_")
        if option in ours:
            read[option] = _as(ours[option], word, value)
            continue
        home = next((number for number, names in enumerate(known) if option in names), None)
        if home is None:
            every = [one.replace("_", "-") for names in known for one in names]
            every += [one.replace("_", "-") for one in ours]
            raise BadInput(f"{name} has no option --env.{word.replace('_', '-')}{nearest(option, every)}")
        passed[home][option] = literal(value)
    return Reading(**read), passed


def parameters(constructor: Callable[..., Any]) -> list[str]:
    """The names that a constructor takes, and its bases' as far as it passes on what it does not know."""
    names: list[str] = []
    classes = constructor.__mro__ if isinstance(constructor, type) else (constructor,)
    for one in classes:
        called = vars(one).get("__init__") if isinstance(one, type) else one
        if called is None or called is object.__init__:
            continue
        taken = list(inspect.signature(called).parameters.values())
        taken = taken[1:] if isinstance(one, type) else taken
        names += [each.name for each in taken if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
        if not any(each.kind is each.VAR_KEYWORD for each in taken):
            break
    return list(dict.fromkeys(names))


def literal(value: Any) -> Any:
    """The Python value that a word stands for, or the word itself."""
    if not isinstance(value, str):
        return value
    try:
        return {"true": True, "false": False, "none": None}[value.lower()]
    except KeyError:
        pass
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value


def not_installed(source: str, error: ImportError) -> BadInput:
    """The sentence for a source whose package cannot be imported."""
    if isinstance(error, ModuleNotFoundError) and error.name == source:
        return BadInput(f"{source} is not installed: pip install 'coterie[{source}]'")
    return BadInput(f"{source} cannot be imported: {in_one_line(error)}")


def cannot_be_made(name: str, options: Mapping[str, Any], error: Exception) -> BadInput:
    """The sentence for a constructor that refused."""
    given = ", ".join(f"{option}={value!r}" for option, value in options.items()) or "no options"
    return BadInput(f"{name} cannot be made with {given}: {in_one_line(error)}")


def in_one_line(error: Exception) -> str:
    """What went wrong elsewhere, in one line of bounded length."""
    text = " ".join(str(error).split())
    text = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _as(kind: type, word: str, value: Any) -> Any:
    """One of our own options in its type."""
    read = str(value) if kind is str else literal(value)
    if type(read) is not kind:
        wanted = {bool: "True or False", int: "a whole number"}[kind]
        raise BadInput(f"--env.{word.replace('_', '-')} {value!r}: expected {wanted}")
    return read
