"""The one table of our environments by name; importing it loads neither JAX nor an environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coterie.errors import BadInput, nearest
from coterie.settings import (
    ClimbingOptions,
    ConventionsOptions,
    DecPomdpOptions,
    DpomdpOptions,
    MatrixOptions,
    PenaltyOptions,
    RendezvousOptions,
    TwoByTwoOptions,
)

if TYPE_CHECKING:
    from coterie.envs.protocol import Environment
    from coterie.finite.game import FiniteGame


GRIDS, MATRIX_GAMES, DEC_POMDPS = "grids", "matrix games", "Dec-POMDPs"  # the groups of `coterie list`


@dataclass(frozen=True)
class Entry:
    """An environment that can be named: what it is, its options, how it is checked and made, and how large it is.

    size bounds the pairs of a state and a joint action, and the numbers that are seen in all states, so that a game too
    large for a table is refused at once. table makes the exact table of games that are written down as one, without
    JAX. resolve replaces the name of a file by its content: a run, and the key of a cached table, are what was read.
    """

    about: str
    options: type
    make: Callable[[Any], Environment]
    check: Callable[[Any], None]
    size: Callable[[Any], tuple[int, int]] = lambda options: (0, 0)
    table: Callable[[Any], FiniteGame] | None = None
    resolve: Callable[[Any], Any] = lambda options: options
    group: str = GRIDS


def _make_rendezvous(options: RendezvousOptions) -> Environment:
    from coterie.envs.rendezvous import rendezvous

    return rendezvous(options)


def _check_rendezvous(options: RendezvousOptions) -> None:
    from coterie.envs.grids import read_grid

    read_grid(options)


def _rendezvous_size(options: RendezvousOptions) -> tuple[int, int]:
    from coterie.envs.grids import table_size

    return table_size(options)


def _matrix_entry(name: str, about: str, options: type, resolve: Callable[[Any], Any] | None = None) -> Entry:
    def make(chosen: Any) -> Environment:
        from coterie.envs.matrix import named_game

        return named_game(name, chosen)

    def check(chosen: Any) -> None:
        from coterie.envs.payoffs import payoffs_of

        payoffs_of(name, chosen)

    return Entry(about, options, make, check, resolve=resolve or (lambda chosen: chosen), group=MATRIX_GAMES)


def _read_matrix(options: MatrixOptions) -> MatrixOptions:
    from coterie.envs.payoffs import matrix_options

    return matrix_options(options)


def _dec_pomdp_entry(
    about: str, options: type, table: Callable[[Any], FiniteGame], resolve: Callable[[Any], Any] | None = None
) -> Entry:
    def make(chosen: Any) -> Environment:
        from coterie.envs.from_table import from_table

        return from_table(table(chosen))

    def check(chosen: Any) -> None:
        from coterie.envs.payoffs import check_horizon

        check_horizon(chosen.horizon)

    return Entry(about, options, make, check, table=table, resolve=resolve or (lambda chosen: chosen), group=DEC_POMDPS)


def _shipped(name: str) -> Callable[[DecPomdpOptions], FiniteGame]:
    def table(options: DecPomdpOptions) -> FiniteGame:
        from coterie.envs.dec_pomdps import shipped_game

        return shipped_game(name, options)

    return table


def _dpomdp_table(options: DpomdpOptions) -> FiniteGame:
    from coterie.envs.dec_pomdps import dpomdp_game

    return dpomdp_game(options)


def _read_dpomdp(options: DpomdpOptions) -> DpomdpOptions:
    from coterie.envs.dec_pomdps import dpomdp_options

    return dpomdp_options(options)


ENVIRONMENTS = {
    "rendezvous": Entry(
        "agents on a grid who want to meet",
        RendezvousOptions,
        _make_rendezvous,
        _check_rendezvous,
        _rendezvous_size,
    ),
    "climbing": _matrix_entry("climbing", "a matrix game whose best cell is surrounded by penalties", ClimbingOptions),
    "penalty": _matrix_entry(
        "penalty", "a matrix game with two best cells and a penalty for missing each other", PenaltyOptions
    ),
    "conventions": _matrix_entry(
        "conventions", "K equally good conventions: everybody earns 1 where all agree", ConventionsOptions
    ),
    "stag-hunt": _matrix_entry("stag-hunt", "two equilibria: the stag pays more, the hare is safer", TwoByTwoOptions),
    "prisoners-dilemma": _matrix_entry(
        "prisoners-dilemma", "to defect pays each, to cooperate pays both more", TwoByTwoOptions
    ),
    "chicken": _matrix_entry("chicken", "who swerves loses a little, and where none does both lose", TwoByTwoOptions),
    "matching-pennies": _matrix_entry(
        "matching-pennies", "zero sum: one wins where the pennies agree, the other where not", TwoByTwoOptions
    ),
    "matrix": _matrix_entry("matrix", "any payoffs from a file (--env.file payoffs.json)", MatrixOptions, _read_matrix),
    "dec-tiger": _dec_pomdp_entry(
        "two agents listen for a tiger behind one of two doors", DecPomdpOptions, _shipped("dec-tiger")
    ),
    "recycling-robots": _dec_pomdp_entry(
        "two robots fetch small items alone and big ones together", DecPomdpOptions, _shipped("recycling-robots")
    ),
    "grid-small": _dec_pomdp_entry(
        "two agents meet on a 2x2 grid of which they see little", DecPomdpOptions, _shipped("grid-small")
    ),
    "dpomdp": _dec_pomdp_entry(
        "any problem from a .dpomdp file (--env.file FILE)", DpomdpOptions, _dpomdp_table, _read_dpomdp
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
    return entry.make(entry.options() if options is None else entry.resolve(options))
