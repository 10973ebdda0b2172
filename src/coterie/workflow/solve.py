"""The exact optimum of a finite game, with one optimal play to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from coterie.diagnosis.reward_audit import Audit, reward_audit
from coterie.errors import BadInput
from coterie.finite.solve import optimal_play, optimum
from coterie.running.evaluate import Baselines, as_play, baselines
from coterie.running.tables import exact_game
from coterie.types import Play
from coterie.workflow.plan import environment_options


class Solution(NamedTuple):
    """What a game is worth: without learning, at best (undiscounted and discounted), and one optimal play."""

    environment: str
    success_word: str
    action_names: tuple[str, ...]
    states: int
    joint_actions: int
    starts: int
    baselines: Baselines
    play: Play
    audit: Audit


def solve(
    environment: str = "rendezvous",
    *,
    env: Any = None,
    discount: float = 0.9,
    on_making: Callable[[], None] | None = None,
) -> Solution:
    """The exact joint optimum of an environment within its time limit, beside random and idle play."""
    if not 0 <= discount <= 1:
        raise BadInput(f"--discount {discount:g}: expected a number from 0 to 1")
    game = exact_game(environment, environment_options(environment, env), on_making)
    edges, actions = optimal_play(game, optimum(game))
    return Solution(
        environment,
        game.success_word,
        game.action_names,
        len(game.states),
        len(game.joint_actions),
        len(game.start_state),
        baselines(game),
        as_play(game, int(game.start_state[0]), edges, actions, 0),
        reward_audit(game, discount),
    )
