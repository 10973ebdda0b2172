"""Where an environment under examination comes from: a word, a function, or an object; and how another is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from coterie.envs.sources import OBJECT
from coterie.errors import BadInput
from coterie.pettingzoo.making.live import word_of
from coterie.pettingzoo.making.makers import Maker, find_maker
from coterie.pettingzoo.making.sources import as_driven, build, called, read_options, sees_pictures
from coterie.pettingzoo.workers.worker import made


class Origin(NamedTuple):
    """What is examined.

    name: in print. word: what `coterie train` calls it, "" where it has no name for it. make: another one, None where
    an object was given; that is `given`. default: one as other code would get it, where coterie asks for drawing.
    """

    name: str
    word: str
    options: Mapping[str, Any]
    make: Callable[[], Any] | None
    given: Any = None
    default: Callable[[], Any] | None = None


def of_word(word: str, options: Mapping[str, Any]) -> Origin:
    """An environment by its word; BadInput where there is none."""
    return of_maker(word, word, find_maker(word), options)


def of_maker(name: str, word: str, maker: Maker, options: Mapping[str, Any]) -> Origin:
    """What a maker makes."""
    given = read_options(name, maker.named_by, options)

    def default() -> Any:
        return as_driven(name, made(partial(called, name, maker.make, given)))

    fixed = "render_mode" in given
    return Origin(name, word, options, partial(build, name, maker, options), default=None if fixed else default)


def of_object(environment: Any, options: Mapping[str, Any]) -> Origin:
    """A function that makes environments, or an environment."""
    if isinstance(environment, type) or (callable(environment) and not hasattr(environment, "reset")):
        word = word_of(environment)
        name = word.removeprefix(f"{OBJECT}:")
        word = "" if word.startswith(f"{OBJECT}:") else word  # which no command knows
        return of_maker(name, word, Maker(environment, environment), options)
    if options:
        raise BadInput("env: an environment that is made already takes no options; give a function or a word")
    name = str((getattr(environment, "metadata", None) or {}).get("name", type(environment).__name__))
    return Origin(name, "", {}, None, as_driven(name, environment))


def drawn_for_us(environment: Any, origin: Origin) -> bool:
    """Whether coterie asked for drawing, because agents see pictures."""
    drawn = getattr(environment, "render_mode", None) == "rgb_array"
    return drawn and origin.default is not None and sees_pictures(environment)
