"""Many teams of tabular learners on one finite game: from options to the compiled loop, in chunks and threads."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.finite.solve import greedy_policy, policy_value
from coterie.settings import TabularOptions
from coterie.tabular.engine import Progress, Table, greedy_episode, greedy_from_every_start
from coterie.tabular.families import Rules, as_rule, check_game_for, learn_part, new_memory
from coterie.tabular.streams import CHECKING, LEARNING, PLAYING, stream_keys, uniform

__all__ = [
    "Teams",
    "advance",
    "as_rule",
    "as_table",
    "check_options",
    "greedy_outcomes",
    "greedy_play",
    "new_teams",
]

MOST_COMMITMENTS = 10_000
NO_SNAPSHOTS = np.empty((0, 0, 0, 0, 0), np.float32)
NOTHING: Mapping[str, np.ndarray] = MappingProxyType({})


class Teams(NamedTuple):
    """All that a run of tabular learners carries: q float64[W, tables, O, A], episodes learned so far, and progress.

    The first largest value of a row of q is always the greedy action, whatever the algorithm: q holds the values of
    iql, hysteretic and lenient, the weighed values of fmq and the expected values of joint-action; for distributed and
    commitment it is 1 for the action that the agent has settled on and 0 elsewhere. `memory` holds what the algorithm
    remembers besides, by name, teams first. snapshots float32[K, W', tables, O, A]: the tables of the first teams after
    each of K equal shares of the run, as far as they lie behind.
    """

    q: np.ndarray
    episode: int
    progress: Progress
    memory: Mapping[str, np.ndarray] = NOTHING
    algorithm: str = "hysteretic"
    snapshots: np.ndarray = NO_SNAPSHOTS


def check_options(options: TabularOptions, episodes: int, teams: int) -> None:
    """Raises BadInput for options that cannot be learned with."""
    if not 0 < options.learning_rate <= 1:
        raise BadInput(f"--learning-rate {options.learning_rate:g}: a learning rate lies in (0, 1]; try 0.1")
    if not 0 < options.hysteresis <= 1:
        raise BadInput(f"--hysteresis {options.hysteresis:g}: a share of the learning rate lies in (0, 1]; try 0.5")
    if not options.learning_rate_end <= 1:
        raise BadInput(f"--learning-rate-end {options.learning_rate_end:g}: a learning rate is at most 1")
    shares = {
        "--discount": options.discount,
        "--epsilon": options.epsilon,
        "--epsilon-end": options.epsilon_end,
        "--epsilon-decay": options.epsilon_decay,
    }
    for flag, share in shares.items():
        if not 0 <= share <= 1:
            raise BadInput(f"{flag} {share:g}: expected a number from 0 to 1")
    _check_further(options)
    if options.history < 1:
        raise BadInput(f"--history {options.history}: at least the present observation is acted on; use 1 or more")
    if not np.isfinite(options.initial_value):
        raise BadInput(f"--initial-value {options.initial_value:g}: expected a finite number")
    if episodes < 1:
        raise BadInput(f"--episodes {episodes}: at least 1 episode is needed to learn from")
    if teams < 1:
        raise BadInput(f"--seeds {teams}: at least 1 team is needed")


def _check_further(options: TabularOptions) -> None:
    """Raises BadInput for options of single algorithms that cannot be learned with."""
    if not options.temperature > 0:
        raise BadInput(f"--temperature {options.temperature:g}: expected a number above 0, in units of reward")
    if not 0 < options.temperature_decay <= 1:
        raise BadInput(f"--temperature-decay {options.temperature_decay:g}: expected a share in (0, 1]; try 0.99")
    if not options.temperature_floor >= 0:
        raise BadInput(f"--temperature-floor {options.temperature_floor:g}: expected a number of at least 0")
    if not options.fmq_weight >= 0:
        raise BadInput(f"--fmq-weight {options.fmq_weight:g}: expected a number of at least 0; try 10")
    if not options.lenience > 0:
        raise BadInput(f"--lenience {options.lenience:g}: expected a number above 0; try 1")
    if not 0 <= options.temperature_diffusion <= 1:
        raise BadInput(f"--temperature-diffusion {options.temperature_diffusion:g}: expected a number from 0 to 1")
    if not 2 <= options.commitments <= MOST_COMMITMENTS:
        raise BadInput(f"--commitments {options.commitments}: expected from 2 to {MOST_COMMITMENTS:,}; try 64")
    if not 1 <= options.commitment_growth <= 2:
        raise BadInput(f"--commitment-growth {options.commitment_growth:g}: expected a number from 1 to 2")
    if options.commitment_margin < 0:
        raise BadInput(f"--commitment-margin {options.commitment_margin}: expected a number of plays, at least 0")


def as_table(game: FiniteGame) -> Table:
    """The game as the compiled loop reads it."""
    return Table(
        game.first_edge,
        game.probability,
        game.successor,
        game.reward.reshape(-1),
        game.ended,
        game.success,
        game.seen.reshape(-1),
        np.cumsum(game.start_probability),
        game.start_state,
        np.array(game.actions, np.int64),
        int(np.prod(game.actions)),
        game.horizon,
    )


def new_teams(
    game: FiniteGame, options: TabularOptions, teams: int, checks: int, algorithm: str = "hysteretic"
) -> Teams:
    """Teams that have learned nothing; raises BadInput where the algorithm cannot learn this game."""
    check_game_for(algorithm, game, options)
    tables = 1 if options.share_parameters else len(game.actions)
    first = 0.0 if algorithm in ("distributed", "commitment") else options.initial_value
    q = np.full((teams, tables, game.observation_count, max(game.actions)), first, np.float64)
    progress = Progress(
        draws=np.zeros(teams, np.uint64),
        steps=np.zeros(teams, np.int64),
        return_sum=np.zeros(teams),
        success_count=np.zeros(teams),
        check_success=np.zeros((teams, checks), np.bool_),
        check_return=np.zeros((teams, checks)),
        check_steps=np.zeros((teams, checks), np.int64),
    )
    return Teams(q, 0, progress, new_memory(game, options, algorithm, teams), algorithm)


def advance(table: Table, rule: Rules, teams: Teams, seed: int, episodes: int, threads: int) -> Teams:
    """Learn so many more episodes, in place; the result does not depend on threads or on how a run is cut up."""
    count = len(teams.q)
    keys, check_keys = (stream_keys(seed, purpose, 0, count) for purpose in (LEARNING, CHECKING))
    stop = teams.episode + episodes

    def share(part: slice) -> None:
        progress = Progress(*(array[part] for array in teams.progress))
        memory = {name: array[part] for name, array in teams.memory.items()}
        learn_part(table, rule, teams.q[part], memory, keys[part], check_keys[part], progress, teams.episode, stop)

    bounds = np.linspace(0, count, min(threads, count) + 1).astype(int)
    parts = [slice(low, high) for low, high in pairwise(bounds)]
    if len(parts) == 1:
        share(parts[0])
    else:
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(share, parts))
    return teams._replace(episode=stop)


def greedy_outcomes(game: FiniteGame, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The exact expected return (team-mean) and success probability of each team's greedy agents, float64[W, K0].

    Deterministic games are played once from every start; otherwise one column holds the exact value over the starts.
    """
    if game.deterministic:
        shape = (len(q), len(game.start_state))
        returns, successes = np.empty(shape), np.empty(shape)
        greedy_from_every_start(as_table(game), without_illegal(game, q), returns, successes)
        return returns, successes
    values = [policy_value(game, greedy_policy(game, tables)) for tables in q]
    return (
        np.array([[value.returns.mean()] for value in values]),
        np.array([[value.success] for value in values]),
    )


def without_illegal(game: FiniteGame, q: np.ndarray) -> np.ndarray:
    """Tables float64[.., O, A] in which illegal actions are worth -inf, so that no greedy agent takes them."""
    return np.where(game.legal, q, -np.inf) if game.masked else q


def greedy_play(game: FiniteGame, q: np.ndarray, seed: int, team: int, start: int = -1) -> tuple:
    """One team's greedy episode: start state, edges int32[T], joint actions int32[T, N].

    q float64[tables, O, A] is that team's; the start row is drawn from its playing stream unless it is given.
    """
    table, limit = as_table(game), game.horizon or 1_000
    key = stream_keys(seed, PLAYING, team, 1)[0]
    if start < 0:
        number = uniform(key, np.uint64(0))
        start = min(int(np.searchsorted(table.start_cumulative, number, side="right")), len(game.start_state) - 1)
    edges, actions = np.empty(limit, np.int32), np.empty((limit, len(game.actions)), np.int32)
    state = game.start_state[start]
    legal = without_illegal(game, q)
    _, _, steps, _ = greedy_episode(table._replace(horizon=limit), legal, state, key, np.uint64(1), edges, actions)
    return int(state), edges[:steps], actions[:steps]
