"""Games that can be written down whole, as a table; the others are refused in words that say why."""

from __future__ import annotations

from collections.abc import Callable
from math import perm, prod
from typing import Any

from coterie.envs import catalogue
from coterie.envs.sources import can_be_played_out
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running.tables import PAIRS_CAP, exact_game
from coterie.settings import ForagingOptions
from coterie.workflow.planning.plan import environment_options

FORAGING_ACTIONS = 6
TAKEN_BY_A_FOOD = 13  # cells in which no second food may lie: its own and those up to two steps away, corners left out
MOST_WRITTEN_OUT = 10**12


def finite_game(environment: str, env: Any = None, on_making: Callable[[], None] | None = None) -> FiniteGame:
    """The exact table of an environment with these options; BadInput says why there is none, and what has one."""
    options = environment_options(environment, env)
    check_finite(environment, options)
    return exact_game(environment, options, on_making)


def check_finite(environment: str, options: Any = None) -> None:
    """Raises BadInput where an environment cannot be written down as a table, before anything is made."""
    why = why_no_table(environment, options)
    if why:
        raise BadInput(
            f"{environment} {why}. What is solved exactly, or learned with tables, is a finite game: one whose every "
            f"state with every joint action fits into a table of {PAIRS_CAP:,} lines. Finite are: "
            f"{', '.join(finite_names())}, and small PettingZoo environments, which are played to be listed. In the "
            f"others networks learn by playing: coterie train {environment}"
        )


def why_no_table(environment: str, options: Any = None) -> str:
    """Why an environment has no exact table, as the end of a sentence; empty where it has one, as far as is known."""
    if can_be_played_out(environment):
        return ""
    if ":" in environment:
        return "does not list its states: it draws its own chance, and only shows what comes of playing"
    if catalogue.has_table(environment):
        return ""
    entry = catalogue.find(environment)
    chosen = entry.options() if options is None else entry.resolve(options)
    states, joint = fewest_states(chosen), FORAGING_ACTIONS**chosen.agents
    if states * joint <= PAIRS_CAP:
        return "does not list its states: it draws by itself how an episode begins"
    return f"has too many states to list: at least {large(states)}, with {large(joint)} joint actions each"


def finite_names() -> list[str]:
    """The environments that have an exact table."""
    return [name for name in catalogue.ENVIRONMENTS if catalogue.has_table(name)]


def fewest_states(options: ForagingOptions) -> int:
    """How many states foraging has at least: those in which an episode may begin.

    Agents stand on different cells and have a level each; each food lies off the rim, under nobody, and apart from the
    others. Counted with as little room as can be left; every food level counts as one.

    >>> fewest_states(ForagingOptions(3, 3, 1, 1)), fewest_states(ForagingOptions(coop=True))
    (18, 11515392)
    """
    inner = (options.rows - 2) * (options.columns - 2)
    room = [max(1, inner - options.agents - TAKEN_BY_A_FOOD * food) for food in range(options.foods)]
    levels = options.max_player_level - options.min_player_level + 1
    return perm(options.rows * options.columns, options.agents) * levels**options.agents * prod(room)


def large(count: int) -> str:
    """A count, and a power of ten below it where nobody would read its digits.

    >>> large(11515392), large(5 * 10**30)
    ('11,515,392', '10^30')
    """
    return f"{count:,}" if count < MOST_WRITTEN_OUT else f"10^{len(str(count)) - 1}"
