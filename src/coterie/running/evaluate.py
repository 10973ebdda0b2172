"""From learned tables to numbers: what the greedy agents of every team do, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from coterie.finite.game import FiniteGame
from coterie.finite.solve import idle_policy, optimum, policy_value, uniform_policy
from coterie.running.verdict import Curve, SingleTeams
from coterie.tabular.engine import Progress
from coterie.tabular.learn import greedy_outcomes, greedy_play
from coterie.types import Play

SAME_RETURN = 1e-9
TEAMS_DRAWN = 200  # single teams that a curve keeps beside its quantiles
LONGEST_EPISODE = 1_000  # recorded steps of an episode in a game without a time limit


class Baselines(NamedTuple):
    """What a game is worth without learning: the exact joint optimum, random play and idle play, team-mean."""

    optimum: float
    start_values: np.ndarray
    objective: str
    random: float
    idle: float
    idle_action: str
    idle_is_noop: bool = True


class Outcomes(NamedTuple):
    """What the greedy agents of each team do.

    bool[W] coordinated and optimal, float64[W] returns and success, and int[W] failing_start: the first start row from
    which a team fails (-1: none, or not known where chance decides).
    """

    coordinated: np.ndarray
    optimal: np.ndarray | None
    returns: np.ndarray
    success: np.ndarray
    failing_start: np.ndarray


class Stability(NamedTuple):
    """Greedy checks after each team's first success: bool[W] ever succeeded, bool[W] relapsed, and the failed share."""

    succeeded: np.ndarray
    relapsed: np.ndarray
    failed_share: float


def baselines(game: FiniteGame) -> Baselines:
    """The exact optimum within the time limit, and the exact values of random and idle play."""
    best = optimum(game)
    names = [game.action_names[action] for action in game.idle]
    same = names[0] if len(set(names)) == 1 else ", ".join(names)
    return Baselines(
        best.value,
        best.start_values,
        best.objective,
        float(policy_value(game, uniform_policy(game)).returns.mean()),
        float(policy_value(game, idle_policy(game)).returns.mean()),
        same if game.idle_is_noop else f"always {same}" + ("" if game.layouts else ": no action stands still"),
        game.idle_is_noop,
    )


def outcomes(game: FiniteGame, q: np.ndarray, best: float | None) -> Outcomes:
    """The exact outcome of every team's greedy agents, from every start; q float64[W, tables, O, A]."""
    returns, successes = greedy_outcomes(game, q)
    if game.deterministic:
        failing_start = np.where((successes < 1).any(1), successes.argmin(1), -1)
        mean, success = returns @ game.start_probability, successes @ game.start_probability
    else:
        mean, success = returns[:, 0], successes[:, 0]
        failing_start = np.full(len(q), -1)
    optimal = None if best is None else mean >= best - SAME_RETURN
    return Outcomes(success >= 1.0 - SAME_RETURN, optimal, mean, success, failing_start)


def stability(progress: Progress, checks_made: int | None = None) -> Stability:
    """How often a team fails a greedy check after its first success, in the checks that lie behind (None: all)."""
    checks = progress.check_success[:, :checks_made]
    later = np.cumsum(checks, axis=1) - checks > 0
    failed = later & ~checks
    share = float(failed.sum() / max(1, later.sum()))
    return Stability(np.asarray(checks.any(1)), np.asarray(failed.any(1)), share)


def curve(progress: Progress, check_every: int, checks_made: int) -> Curve:
    """The greedy checks as a curve over the run: quantiles over all teams, and single teams, evenly spread."""
    returns = progress.check_return[:, :checks_made]
    episodes = tuple((k + 1) * check_every for k in range(checks_made))
    shown = np.linspace(0, len(returns) - 1, min(len(returns), TEAMS_DRAWN)).astype(int)
    least, lower, median, upper, greatest = np.quantile(returns, (0, 0.25, 0.5, 0.75, 1), axis=0).tolist()
    return Curve(
        episodes=episodes,
        env_steps=tuple(progress.check_steps[:, :checks_made].mean(0).tolist()),
        coordinated=tuple(progress.check_success[:, :checks_made].mean(0).tolist()),
        mean=tuple(returns.mean(0).tolist()),
        least=tuple(least),
        lower_quartile=tuple(lower),
        median=tuple(median),
        upper_quartile=tuple(upper),
        greatest=tuple(greatest),
        single=SingleTeams(shown, returns[shown].astype(np.float32), progress.check_success[shown, :checks_made]),
    )


def play_of(game: FiniteGame, q: np.ndarray, seed: int, team: int, start: int = -1) -> Play:
    """One team's greedy episode, recorded; q float64[tables, O, A] is that team's."""
    state, edges, actions = greedy_play(game, q, seed, team, start)
    play = as_play(game, state, edges, actions, team)
    agents = np.arange(len(game.actions))
    tables = agents if len(q) > 1 else np.zeros_like(agents)
    return play._replace(values=q[tables, game.seen[play.keys[:-1]], actions])


def walk(game: FiniteGame, choose: Callable[[int, int], Sequence[int]], random: np.random.Generator, team: int) -> Play:
    """One episode through a game's table, recorded: choose(state, step) gives the joint action, steps from 1."""
    joint_count, actions = int(np.prod(game.actions)), []
    state = start = int(game.start_state[random.choice(len(game.start_state), p=game.start_probability)])
    edges: list[int] = []
    while len(edges) < (game.horizon or LONGEST_EPISODE):
        actions.append(tuple(choose(state, len(edges) + 1)))
        pair = state * joint_count + int(np.ravel_multi_index(actions[-1], game.actions))
        first, stop = int(game.first_edge[pair]), int(game.first_edge[pair + 1])
        edges.append(first + int(random.choice(stop - first, p=game.probability[first:stop])))
        state = int(game.successor[edges[-1]])
        if game.ended[edges[-1]]:
            break
    return as_play(game, start, np.array(edges), np.array(actions, np.int32), team)


def as_play(game: FiniteGame, state: int, edges: np.ndarray, actions: np.ndarray, team: int) -> Play:
    """A way through a game's table as a recorded episode: first state, edges int[T], joint actions int[T, N]."""
    states = np.concatenate([[state], game.successor[edges]]).astype(np.int64)
    return Play(
        keys=states,
        boards=_boards(game, states, actions),
        actions=actions,
        rewards=game.reward[edges],
        success=bool(game.success[edges].any()),
        ended=bool(len(edges) and game.ended[edges[-1]]),
        team=team,
        observations=tuple(_sights(game, states, agent) for agent in range(len(game.actions))),
    )


def followed_on_table(game: FiniteGame, play: Play) -> Callable[[int, Sequence[int]], list[np.ndarray] | None]:
    """What everybody would see had they acted otherwise at one step (from 0) of an episode on this table.

    Of several outcomes the likeliest is taken; None where the game ends there.
    """

    def follows(step: int, joint: Sequence[int]) -> list[np.ndarray] | None:
        pair = int(play.keys[step]) * int(np.prod(game.actions)) + int(np.ravel_multi_index(tuple(joint), game.actions))
        first, stop = int(game.first_edge[pair]), int(game.first_edge[pair + 1])
        edge = first + int(game.probability[first:stop].argmax())
        if game.ended[edge]:
            return None
        after = game.successor[edge : edge + 1]
        return [_sights(game, after, agent)[0] for agent in range(len(game.actions))]

    return follows


def _sights(game: FiniteGame, states: np.ndarray, agent: int) -> np.ndarray:
    """What one agent sees along a way, [T + 1, ...]."""
    first = 0
    for kind, values in zip(game.spec.kinds, game.observations, strict=True):
        if agent in kind.agents:
            return values[game.seen[states, agent] - first]
        first += len(values)
    raise ValueError(f"agent {agent} is of no kind")


def _boards(game: FiniteGame, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
    if not len(game.action_boards):
        return game.boards[states]
    joint = np.ravel_multi_index(tuple(actions.T), game.actions) if len(actions) else np.empty(0, int)
    return np.concatenate([game.boards[states[:1]], game.action_boards[joint]])
