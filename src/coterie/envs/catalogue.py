"""The one table of our environments by name; importing it loads neither JAX nor an environment."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coterie.envs.foraging_options import near_miss, read_name
from coterie.errors import BadInput, nearest
from coterie.settings import (
    ClimbingOptions,
    ConventionsOptions,
    DecPomdpOptions,
    DpomdpOptions,
    ForagingOptions,
    MatrixOptions,
    PenaltyOptions,
    RendezvousOptions,
    TwoByTwoOptions,
)

if TYPE_CHECKING:
    from coterie.envs.protocol import Environment
    from coterie.finite.game import FiniteGame


# the groups of `coterie list`
GRIDS, FORAGING, MATRIX_GAMES, DEC_POMDPS = "grids", "foraging", "matrix games", "Dec-POMDPs"
DEEP_ONLY = (FORAGING,)  # groups whose games have no exact table


@dataclass(frozen=True)
class Entry:
    """An environment that can be named: what it is, its options, how it is checked and made, and how large it is.

    size bounds the pairs of a state and a joint action, and the numbers that are seen in all states, so that a game too
    large for a table is refused at once. table makes the exact table of games that are written down as one, without
    JAX. resolve replaces the name of a file by its content: a run, and the key of a cached table, are what was read.
    """

    about: str
    options: Callable[[], Any]
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


def _make_foraging(options: ForagingOptions) -> Environment:
    from coterie.envs.foraging import foraging

    return foraging(options)


def _check_foraging(options: ForagingOptions) -> None:
    from coterie.envs.foraging_options import check_options

    check_options(options)


def _foraging_entry(options: ForagingOptions) -> Entry:
    """Foraging on a field of this size; `find` makes one for every size that is named."""
    about = "agents load food that is as heavy as their levels together; any size, as foraging-2s-10x10-3p-3f"
    return Entry(about, lambda: options, _make_foraging, _check_foraging, group=FORAGING)


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
    "foraging-8x8-2p-2f-coop": _foraging_entry(ForagingOptions(coop=True)),
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


def known(name: str) -> bool:
    """Whether a name has an entry: those of the table, and foraging of any size."""
    return name in ENVIRONMENTS or read_name(name) is not None


def has_table(name: str) -> bool:
    """Whether an environment can be written down as a table, as far as its name tells; BadInput for an unknown name."""
    return ":" not in name and find(name).group not in DEEP_ONLY


VERSIONED = re.compile(r"[a-z]_v\d+$")  # as packages of environments call them


def find(name: str) -> Entry:
    """The entry of a name; raises BadInput with the nearest name where there is none."""
    if name in ENVIRONMENTS:
        return ENVIRONMENTS[name]
    sizes = read_name(name)
    if sizes is not None:
        return _foraging_entry(sizes)
    if name.endswith(".py"):
        raise BadInput(f"{name} is a file; name the function in it that makes the environment, like {name}:make_env")
    if VERSIONED.search(name):
        raise BadInput(
            f"there is no environment '{name}' of coterie's own; others are named with their source, like "
            "mpe2:simple_spread_v3 or pettingzoo:classic/tictactoe_v3"
        )
    elsewhere = " (those from elsewhere are named with their source, like pettingzoo:butterfly/pistonball_v6)"
    raise BadInput(f"there is no environment '{name}'{near_miss(name) or nearest(name, ENVIRONMENTS) + elsewhere}")


def make(name: str, options: Any = None) -> Environment:
    """The environment of a name with these options (its defaults where there are none)."""
    entry = find(name)
    return entry.make(entry.options() if options is None else entry.resolve(options))


def team_reward(name: str) -> str:
    """What a team's reward is by an environment's own convention, where members earn differently; else nothing.

    In foraging that is the sum: all food together is worth 1.
    """
    return "team-sum" if find(name).group == FORAGING else ""
