"""Many teams of tabular learners on one finite game: from options to the compiled loop, in chunks and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.finite.solve import greedy_policy, policy_value
from coterie.settings import TabularOptions
from coterie.tabular.engine import Progress, Rule, Table, greedy_episode, greedy_from_every_start, learn
from coterie.tabular.streams import CHECKING, LEARNING, PLAYING, stream_keys, uniform


class Teams(NamedTuple):
    """All that a run of tabular learners carries: q float64[W, tables, O, A], episodes learned so far, and progress."""

    q: np.ndarray
    episode: int
    progress: Progress


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
    if not np.isfinite(options.initial_value):
        raise BadInput(f"--initial-value {options.initial_value:g}: expected a finite number")
    if episodes < 1:
        raise BadInput(f"--episodes {episodes}: at least 1 episode is needed to learn from")
    if teams < 1:
        raise BadInput(f"--seeds {teams}: at least 1 team is needed")


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


def as_rule(options: TabularOptions, episodes: int, check_every: int) -> Rule:
    """The options as the compiled loop reads them; floats, for a whole number would compile the loop anew."""
    rate = float(options.learning_rate)
    falls = options.learning_rate_end >= 0
    return Rule(
        rate_start=rate,
        rate_end=float(options.learning_rate_end) if falls else rate,
        rate_episodes=float(episodes) if falls else 0.0,
        down_ratio=float(options.hysteresis),
        discount=float(options.discount),
        epsilon_start=float(options.epsilon),
        epsilon_end=float(options.epsilon_end),
        epsilon_episodes=float(options.epsilon_decay * episodes),
        random_ties=options.ties == "random",
        terminal_mask=options.terminal_mask,
        pooled=options.share_experience == "pooled",
        check_every=check_every,
    )


def new_teams(game: FiniteGame, options: TabularOptions, teams: int, checks: int) -> Teams:
    """Teams that have learned nothing; raises BadInput where agents that are to share have unequal actions."""
    if (options.share_parameters or options.share_experience != "none") and len(game.spec.kinds) > 1:
        raise BadInput("agents with unequal observations or actions cannot share a table or experience")
    tables = 1 if options.share_parameters else len(game.actions)
    q = np.full((teams, tables, game.observation_count, max(game.actions)), options.initial_value, np.float64)
    progress = Progress(
        draws=np.zeros(teams, np.uint64),
        steps=np.zeros(teams, np.int64),
        return_sum=np.zeros(teams),
        success_count=np.zeros(teams),
        check_success=np.zeros((teams, checks), np.bool_),
        check_return=np.zeros((teams, checks)),
        check_steps=np.zeros((teams, checks), np.int64),
    )
    return Teams(q, 0, progress)


def advance(table: Table, rule: Rule, teams: Teams, seed: int, episodes: int, threads: int) -> Teams:
    """Learn so many more episodes, in place; the result does not depend on threads or on how a run is cut up."""
    count = len(teams.q)
    keys, check_keys = (stream_keys(seed, purpose, 0, count) for purpose in (LEARNING, CHECKING))
    stop = teams.episode + episodes

    def share(part: slice) -> None:
        progress = Progress(*(array[part] for array in teams.progress))
        learn(table, rule, teams.q[part], keys[part], check_keys[part], progress, teams.episode, stop)

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
        greedy_from_every_start(as_table(game), q, returns, successes)
        return returns, successes
    values = [policy_value(game, greedy_policy(game, tables)) for tables in q]
    return (
        np.array([[value.returns.mean()] for value in values]),
        np.array([[value.success] for value in values]),
    )


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
    _, _, steps, _ = greedy_episode(table._replace(horizon=limit), q, state, key, np.uint64(1), edges, actions)
    return int(state), edges[:steps], actions[:steps]
