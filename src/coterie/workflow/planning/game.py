"""The game that a plan's agents learn and are judged on: its environment's exact table, with what they remember."""

from __future__ import annotations

from collections.abc import Callable

from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.finite.histories import remember
from coterie.workflow.planning.finite_games import finite_game
from coterie.workflow.planning.plan import Plan


def game_of(chosen: Plan, on_making: Callable[[], None] | None = None) -> FiniteGame:
    """The table of the plan's environment, in which every agent sees its last `--history` observations.

    Raises BadInput for a game or a history that is too large for a table.
    """
    game = finite_game(chosen.environment, chosen.env, on_making)
    try:
        return remember(game, chosen.learner.history)
    except ValueError as error:
        raise BadInput(f"--history {chosen.learner.history}: {error}; remember less, or play fewer steps") from error
