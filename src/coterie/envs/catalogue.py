"""The one table of our environments by name; importing it loads neither JAX nor an environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coterie.errors import BadInput, nearest
from coterie.settings import ClimbingOptions, PenaltyOptions, RendezvousOptions

if TYPE_CHECKING:
    from coterie.envs.protocol import Environment


@dataclass(frozen=True)
class Entry:
    """An environment that can be named: what it is, its options, how it is checked and made, and how large it is.

    size bounds the pairs of a state and a joint action, and the numbers that are seen in all states, so that a game too
    large for a table is refused at once.
    """

    about: str
    options: type
    make: Callable[[Any], Environment]
    check: Callable[[Any], None]
    size: Callable[[Any], tuple[int, int]] = lambda options: (0, 0)


def _make_rendezvous(options: RendezvousOptions) -> Environment:
    from coterie.envs.rendezvous import rendezvous

    return rendezvous(options)


def _check_rendezvous(options: RendezvousOptions) -> None:
    from coterie.envs.grids import read_grid

    read_grid(options)


def _rendezvous_size(options: RendezvousOptions) -> tuple[int, int]:
    from coterie.envs.grids import table_size

    return table_size(options)


def _make_climbing(options: ClimbingOptions) -> Environment:
    from coterie.envs.matrix import climbing

    return climbing(options)


def _make_penalty(options: PenaltyOptions) -> Environment:
    from coterie.envs.matrix import penalty

    return penalty(options)


def _make_later(options: Any) -> None:
    """Matrix games check their options when they are made."""


ENVIRONMENTS = {
    "rendezvous": Entry(
        "agents on a grid who want to meet",
        RendezvousOptions,
        _make_rendezvous,
        _check_rendezvous,
        _rendezvous_size,
    ),
    "climbing": Entry(
        "a matrix game whose best cell is surrounded by penalties", ClimbingOptions, _make_climbing, _make_later
    ),
    "penalty": Entry(
        "a matrix game with two best cells and a penalty for missing each other",
        PenaltyOptions,
        _make_penalty,
        _make_later,
    ),
}


def find(name: str) -> Entry:
    """The entry of a name; raises BadInput with the nearest name where there is none."""
    if name not in ENVIRONMENTS:
        raise BadInput(f"there is no environment '{name}'{nearest(name, ENVIRONMENTS)}")
    return ENVIRONMENTS[name]


def make(name: str, options: Any = None) -> Environment:
    """The environment of a name with these options (its defaults where there are none)."""
    entry = find(name)
    return entry.make(entry.options() if options is None else options)
