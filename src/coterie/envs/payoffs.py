"""Payoff tables of matrix games, published or read, made and checked with numpy alone.

Kept apart from the environment so that an impossible game is refused before JAX is loaded.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from coterie.envs.files import read_text
from coterie.envs.payoff_files import read_payoffs
from coterie.errors import BadInput
from coterie.settings import ClimbingOptions, ConventionsOptions, MatrixOptions, PenaltyOptions, TwoByTwoOptions
from coterie.types import Array

CELLS_CAP = 250_000  # numbers in a table: joint actions times outcomes times agents
SAME_CHANCE = 1e-6
SAME_PAYOFF = 1e-9


class Payoffs(NamedTuple):
    """A checked table for N agents, with K possible outcomes a joint action.

    payoffs float64[A1, .., AN, K, N] and chance float64[A1, .., AN, K], which adds up to 1 over K; individual: agents
    have payoffs of their own; success bool[A1, .., AN]: the joint actions that reach the aim.
    """

    payoffs: np.ndarray
    chance: np.ndarray
    individual: bool
    action_names: tuple[str, ...]
    success: np.ndarray
    success_word: str


def climbing_payoffs(options: ClimbingOptions) -> Payoffs:
    """The climbing game of Claus and Boutilier (1998, "The dynamics of reinforcement learning in cooperative
    multiagent systems"): the best joint action, worth 11, is surrounded by penalties.

    noise: Kapetanakis and Kudenko (2002, "Reinforcement learning of coordination in cooperative multi-agent systems")
    let (b, b) pay 14 or 0 evenly (partial), and every cell one of two equally likely payoffs with the mean of the plain
    game (full). reward_noise r adds +r or -r to each agent's reward by independent fair coins: 4 outcomes a payoff.
    """
    certain = [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]
    either = {
        "partial": [[(11, 11), (-30, -30), (0, 0)], [(-30, -30), (14, 0), (6, 6)], [(0, 0), (0, 0), (5, 5)]],
        "full": [[(10, 12), (5, -65), (8, -8)], [(5, -65), (14, 0), (12, 0)], [(5, -5), (5, -5), (7, 3)]],
    }.get(options.noise)
    if either is None:
        table = payoff_table("climbing", np.array(certain))
    else:
        table = payoff_table("climbing", np.array(either), chance=np.full((3, 3, 2), 0.5))
    return with_reward_noise(table, options.reward_noise)


def penalty_payoffs(options: PenaltyOptions) -> Payoffs:
    """The penalty game of Claus and Boutilier (1998, as above): two optima worth 10, and k for missing."""
    k = options.k
    if not (math.isfinite(k) and k <= 0):
        raise BadInput(f"--env.k {k:g}: the payoff for missing each other is a finite number of at most 0")
    return payoff_table("penalty", np.array([[10, 0, k], [0, 2, 0], [k, 0, 10]]))


def matching_pennies_payoffs(options: TwoByTwoOptions) -> Payoffs:
    """Matching pennies (von Neumann and Morgenstern 1944): the first agent wins 1 where the pennies agree.

    Else it loses 1. What one wins the other loses, so there is nothing to coordinate on and no aim of both: success
    only says that the pennies agree. The one equilibrium is to pick each side with a chance of one half.
    """
    win = np.array([[1, -1], [-1, 1]])
    return _individual("matching-pennies", win, -win, ("heads", "tails"), "agree", np.eye(2, dtype=bool))


def stag_hunt_payoffs(options: TwoByTwoOptions) -> Payoffs:
    """The stag hunt of Rousseau's story (1755) with the payoffs of Aumann (1990, "Nash equilibria are not
    self-enforcing"): together the stag is worth 9 to each, the hare 8 to one who deserts and 7 where both do, and 0 is
    left for who waits alone. Both pure equilibria are symmetric; the stag pays more, the hare is safer.
    """
    first = np.array([[9, 0], [8, 7]])
    return _individual("stag-hunt", first, first.T, ("stag", "hare"), "cooperate")


def prisoners_dilemma_payoffs(options: TwoByTwoOptions) -> Payoffs:
    """The prisoner's dilemma with the payoffs of Axelrod (1984, "The evolution of cooperation"): reward 3, sucker's
    payoff 0, temptation 5, punishment 1. To defect is dominant; success is to cooperate, which pays both more.
    """
    first = np.array([[3, 0], [5, 1]])
    return _individual("prisoners-dilemma", first, first.T, ("cooperate", "defect"), "cooperate")


def chicken_payoffs(options: TwoByTwoOptions) -> Payoffs:
    """Chicken with the payoffs of Aumann (1974, "Subjectivity and correlation in randomized strategies"): 6 each where
    both swerve, 2 and 7 where one does, 0 where none does. The pure equilibria are the two in which one swerves;
    success is that both do, which pays the most together and is no equilibrium.
    """
    first = np.array([[6, 2], [7, 0]])
    return _individual("chicken", first, first.T, ("swerve", "dare"), "cooperate")


def conventions_payoffs(options: ConventionsOptions) -> Payoffs:
    """K equal conventions (Lewis 1969, "Convention"): 1 to everybody where all pick the same action, else 0.

    Every joint action in which all agree is optimal, so teams that never met agree with a chance of 1 / K^(N - 1).
    """
    if options.k < 2:
        raise BadInput(f"--env.k {options.k}: at least 2 conventions are needed to choose from")
    if options.agents < 2:
        raise BadInput(f"--env.agents {options.agents}: at least 2 agents are needed to agree")
    if options.agents > 20 or options.k**options.agents * options.agents > CELLS_CAP:
        raise BadInput(
            f"--env.k {options.k} and --env.agents {options.agents} make a table of more than {CELLS_CAP:,} numbers; "
            "use fewer of either"
        )
    joint = np.indices((options.k,) * options.agents)
    return payoff_table("conventions", (joint == joint[:1]).all(0).astype(np.float64))


def matrix_payoffs(options: MatrixOptions) -> Payoffs:
    """The game of a file (or of the text in `payoffs`), in the format of docs/environments/matrix_games.md."""
    return _read(matrix_options(options).payoffs, "--env.payoffs")


def matrix_options(options: MatrixOptions) -> MatrixOptions:
    """Options that hold the file's content instead of its name, so that a run is what was read when it began."""
    if not options.file:
        return options
    if options.payoffs != MatrixOptions.payoffs:
        raise BadInput(f"--env.file {options.file}: give the file or --env.payoffs, not both")
    text = read_text(options.file)
    _read(text, options.file)
    return replace(options, file="", payoffs=text)


def _read(text: str, where: str) -> Payoffs:
    read = read_payoffs(text, where, CELLS_CAP)
    return payoff_table(
        where, read.payoffs, individual=read.individual, chance=read.chance, action_names=read.action_names
    )


PAYOFFS: Mapping[str, Callable[[Any], Payoffs]] = {
    "climbing": climbing_payoffs,
    "penalty": penalty_payoffs,
    "conventions": conventions_payoffs,
    "stag-hunt": stag_hunt_payoffs,
    "prisoners-dilemma": prisoners_dilemma_payoffs,
    "chicken": chicken_payoffs,
    "matching-pennies": matching_pennies_payoffs,
    "matrix": matrix_payoffs,
}


def payoffs_of(name: str, options: Any) -> Payoffs:
    """The checked table of a named game; raises BadInput for options that cannot be played."""
    check_horizon(options.horizon)
    return PAYOFFS[name](options)


def check_horizon(horizon: int) -> None:
    """Raises BadInput for an episode without a play."""
    if horizon < 1:
        raise BadInput(f"--env.horizon {horizon}: an episode needs at least 1 play")


def payoff_table(
    name: str,
    payoffs: Array,
    *,
    individual: bool = False,
    chance: Array | None = None,
    action_names: tuple[str, ...] | None = None,
    success: Array | None = None,
    success_word: str = "coordinate",
) -> Payoffs:
    """A checked table from payoffs [A1, .., AN], with `individual` [A1, .., AN, N].

    With chance [A1, .., AN, K] a joint action has K outcomes, and payoffs are [A1, .., AN, K] or [A1, .., AN, K, N].
    Success is, where it is not given, a joint action with the greatest expected team payoff (sum over agents). Raises
    BadInput for tables without a joint action, of an unfitting shape or with numbers that are none.
    """
    table = np.asarray(payoffs, np.float64)
    agents = table.ndim - individual - (chance is not None)
    if agents < 1 or table.size == 0:
        raise BadInput(f"{name}: a payoff table of shape {table.shape} holds no joint action")
    if individual and table.shape[-1] != agents:
        raise BadInput(f"{name}: {agents} agents need {agents} payoffs a joint action, the table has {table.shape[-1]}")
    if not np.isfinite(table).all():
        raise BadInput(f"{name}: every payoff must be a finite number")
    if not individual:
        table = np.repeat(table[..., None], agents, axis=-1)
    if chance is None:
        table = table[..., None, :]
    chances = np.ones(table.shape[:-1]) if chance is None else np.asarray(chance, np.float64)
    if chances.shape != table.shape[:-1]:
        raise BadInput(f"{name}: probabilities of shape {chances.shape} do not fit the outcomes {table.shape[:-1]}")
    sums = chances.sum(-1)
    if not ((chances >= 0).all() and (np.abs(sums - 1) <= SAME_CHANCE).all()):
        worst = tuple(int(one) for one in np.unravel_index(np.abs(sums - 1).argmax(), sums.shape))
        raise BadInput(
            f"{name}: the probabilities of a joint action are at least 0 and add up to 1; those of {worst} add up to "
            f"{sums[worst]:g}"
        )
    if success is None:
        worth = (chances[..., None] * table).sum((-1, -2))
        success = worth >= worth.max() - SAME_PAYOFF * max(1.0, float(np.abs(worth).max()))
    names = action_names or letters(max(table.shape[:agents]))
    if len(names) != max(table.shape[:agents]):
        raise BadInput(f"{name}: {max(table.shape[:agents])} actions need as many names, found {len(names)}")
    return Payoffs(table, chances / sums[..., None], individual, names, np.asarray(success, bool), success_word)


def with_reward_noise(table: Payoffs, amount: float) -> Payoffs:
    """The same game with +amount or -amount on each agent's own reward, by independent fair coins.

    That makes 2^N times as many outcomes. Expected payoffs, the aim and the team stay as they are; only what single
    agents hear differs.
    """
    if not (math.isfinite(amount) and amount >= 0):
        raise BadInput(f"--env.reward-noise {amount:g}: expected a finite number of at least 0")
    if amount == 0:
        return table
    *sizes, outcomes, agents = table.payoffs.shape
    coins = np.array(list(itertools.product((amount, -amount), repeat=agents)))
    payoffs = (table.payoffs[..., None, :] + coins).reshape(*sizes, outcomes * len(coins), agents)
    return table._replace(payoffs=payoffs, chance=np.repeat(table.chance, len(coins), axis=-1) / len(coins))


def letters(count: int) -> tuple[str, ...]:
    """Names for nameless actions: a, b, c, …, or numbers where the alphabet is too short."""
    return tuple("abcdefghijklmnopqrstuvwxyz"[:count]) if count <= 26 else tuple(map(str, range(count)))


def _individual(
    name: str, first: np.ndarray, second: np.ndarray, actions: tuple[str, str], word: str, aim: Array | None = None
) -> Payoffs:
    both = np.stack([first, second], axis=-1)
    return payoff_table(name, both, individual=True, action_names=actions, success=aim, success_word=word)
