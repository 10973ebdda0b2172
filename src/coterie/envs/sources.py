"""Environments from elsewhere by `source:name`; nothing heavy is loaded, so a wrong name is answered at once."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from coterie.errors import BadInput, nearest

if TYPE_CHECKING:
    from coterie.envs.protocol import Environment

# Every known source, and what stands before the version in its own names: mpe2 says simple_spread_v3, rware says -v2.
SOURCES = {
    "pettingzoo": "-",
    "mpe2": "_",
    "lbforaging": "-",
    "rware": "-",
    "magent2": "_",
    "jaxmarl": "_",
    "jumanji": "-",
}
OBJECT = "object"  # the source of what was given as it is, in Python
JAX_SOURCES = ("jaxmarl", "jumanji")
VERSION = re.compile(r"[-_]v(\d+)$")


class Source(NamedTuple):
    """Where an environment comes from, and its name there, the version written as that source writes it."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source}:{self.name}"


def parse(word: str) -> Source | None:
    """The source in a word like `jaxmarl:MPE_simple_spread_v3`; `_v3` and `-v3` are the same.

    None where the word is one of our own names, or names a function of the user's (`./file.py:make_env`,
    `package.module:make_env`). Raises BadInput for an unknown source, and where no name follows.
    """
    source, colon, name = word.partition(":")
    if not colon:
        return None
    if source in SOURCES:
        if not name:
            raise BadInput(f"'{word}': which environment of {source}? For example: {EXAMPLES[source]}")
        return Source(source, VERSION.sub(rf"{SOURCES[source]}v\1", name))
    if source == OBJECT or not source.isidentifier() or (name.isidentifier() and _is_module(source)):
        return None
    raise BadInput(f"there is no source '{source}' of environments{nearest(source, SOURCES)}")


def can_be_played_out(word: str) -> bool:
    """Whether a word means an environment from elsewhere whose states may be listed by playing it, copy by copy.

    >>> can_be_played_out("pettingzoo:classic/tictactoe_v3"), can_be_played_out("jaxmarl:MPE_simple_spread_v3")
    (True, False)
    """
    if ":" not in word:
        return False
    source = parse(word)
    return source is None or source.source not in JAX_SOURCES


def jax_environment(source: str, name: str, options: Mapping[str, Any] | None = None) -> Environment:
    """The environment of a JAX source; the options are its constructor's and those of `foreign_options.Reading`."""
    if source == "jaxmarl":
        from coterie.envs.jaxmarl import from_jaxmarl

        return from_jaxmarl(name, options or {})
    if source == "jumanji":
        from coterie.envs.jumanji import from_jumanji

        return from_jumanji(name, options or {})
    raise BadInput(f"'{source}' is no source of JAX environments{nearest(source, JAX_SOURCES)}")


def _is_module(name: str) -> bool:
    """Whether a module of this name can be found; it is not imported."""
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


EXAMPLES = {
    "pettingzoo": "pettingzoo:butterfly/pistonball-v6",
    "mpe2": "mpe2:simple_spread_v3",
    "lbforaging": "lbforaging:Foraging-8x8-2p-2f-coop-v3",
    "rware": "rware:rware-tiny-2ag-v2",
    "magent2": "magent2:battle_v4",
    "jaxmarl": "jaxmarl:MPE_simple_spread_v3",
    "jumanji": "jumanji:LevelBasedForaging-v0",
}
