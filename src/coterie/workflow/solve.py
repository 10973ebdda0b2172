"""The exact optimum of a finite game, alone and together, with its equilibria and one optimal play to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from coterie.diagnosis.reward_audit import Audit, reward_audit
from coterie.errors import BadInput
from coterie.finite.backward import NOBODY, Shares, decided_at_the_end, perfect_line, perfect_play, shares
from coterie.finite.decentralised import decentralised_optimum
from coterie.finite.equilibria import Equilibria, equilibria
from coterie.finite.game import FiniteGame
from coterie.finite.solve import optimal_play, optimum, uniform_policy
from coterie.running.evaluate import Baselines, as_play, baselines
from coterie.types import Play
from coterie.workflow.planning.finite_games import finite_game

EFFORT = 1_000_000  # joint decision rules: a few seconds


class Solution(NamedTuple):
    """What a game is worth: without learning, at best (undiscounted and discounted), and one optimal play.

    decentralised is the best that agents can do who each act on their own observation history; None where it is too
    large to be computed, for the reason in `too_large`. equilibria: those of a matrix game, else None. perfect: where
    agents who want different things move in turn, what each earns where all are perfect, and one such game; and random
    play's share of games won, drawn and lost by each. remarks: how the table of an environment from elsewhere was made.
    """

    environment: str
    success_word: str
    action_names: tuple[str, ...]
    states: int
    joint_actions: int
    starts: int
    baselines: Baselines
    play: Play
    audit: Audit
    decentralised: float | None
    too_large: str
    equilibria: Equilibria | None
    perfect: Perfect | None = None
    remarks: tuple[str, ...] = ()


class Perfect(NamedTuple):
    """Perfect play by backward induction: what each agent earns, one game, and random play's shares beside it.

    moves: who moved in each step of that game, and what it did.
    """

    agents: tuple[str, ...]
    values: tuple[float, ...]
    unique: bool
    play: Play
    moves: tuple[tuple[str, str], ...]
    random: Shares | None


def solve(
    environment: Any = "rendezvous",
    *,
    env: Any = None,
    discount: float = 0.9,
    on_making: Callable[[], None] | None = None,
    on_searching: Callable[[int], None] | None = None,
) -> Solution:
    """The exact joint and decentralised optimum of an environment within its time limit, beside random and idle play.

    `environment` is a word, a function that makes a PettingZoo environment, or such an object, which is copied.

    `on_searching` is told, again and again, how many partial joint policies have been looked at.
    """
    if not 0 <= discount <= 1:
        raise BadInput(f"--discount {discount:g}: expected a number from 0 to 1")
    if not isinstance(environment, str):
        from coterie.pettingzoo.making.live import word_of

        environment = word_of(environment)
    game = finite_game(environment, env, on_making)
    edges, actions = optimal_play(game, optimum(game))
    decentralised, too_large, perfect = None, "", None if game.common else _perfect(game)
    try:
        if perfect is None:  # who moves in turn against others has no joint optimum to fall short of
            decentralised = decentralised_optimum(game, effort=EFFORT, on_node=on_searching).value
    except ValueError as error:
        too_large = str(error)
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
        decentralised,
        too_large,
        _equilibria(game),
        perfect,
        game.remarks,
    )


def _perfect(game: FiniteGame) -> Perfect | None:
    try:
        found = perfect_play(game)
    except ValueError:
        return None
    edges, actions = perfect_line(game, found)
    random = shares(game, uniform_policy(game)) if decided_at_the_end(game) else None
    play = as_play(game, int(game.start_state[0]), edges, actions, 0)
    movers = found.mover[play.keys[:-1]]
    alone = movers == NOBODY  # forced moves: whoever may do something that is not waiting
    movers = np.where(alone, actions.argmax(1), movers)
    moves = [(game.spec.agents[one], game.action_names[joint[one]]) for one, joint in zip(movers, actions, strict=True)]
    return Perfect(game.spec.agents, tuple(found.start.tolist()), found.unique, play, tuple(moves), random)


def _equilibria(game: FiniteGame) -> Equilibria | None:
    try:
        return equilibria(game)
    except ValueError:  # no matrix game
        return None
