"""Tabular learning once more, slowly: plain lists, one step after the other, written from the equations alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, count

import numpy as np
from finite_games import ways_of

from coterie.finite.game import FiniteGame
from coterie.settings import TabularOptions
from coterie.tabular.learn import Teams, advance, as_rule, as_table, new_teams
from coterie.tabular.streams import LEARNING, Stream, stream_keys

# The tutorial as listed. Every option is written out, so that no default can change what these tests are about.
TUTORIAL = TabularOptions(
    learning_rate=0.1,
    learning_rate_end=-1.0,
    hysteresis=1.0,
    discount=0.9,
    epsilon=0.1,
    epsilon_end=0.1,
    epsilon_decay=0.0,
    ties="first",
    terminal_mask=False,
    initial_value=0.0,
    share_experience="none",
    share_parameters=False,
)
MASKED = replace(TUTORIAL, terminal_mask=True)


def train(
    game: FiniteGame,
    options: TabularOptions,
    *,
    episodes: int,
    teams: int,
    seed: int = 0,
    check_every: int = 0,
    threads: int = 1,
    chunks: int = 1,
    **rule,
) -> Teams:
    """Teams of the compiled learner; `rule` replaces numbers of the rule itself, to break it on purpose."""
    state = new_teams(game, options, teams, episodes // check_every if check_every else 0)
    numbers = as_rule(options, episodes, check_every)._replace(**rule)
    for _ in range(chunks):
        state = advance(as_table(game), numbers, state, seed, episodes // chunks, threads)
    return state


def stream(team: int, seed: int = 0) -> Stream:
    """The random numbers that a team learns with."""
    return Stream(stream_keys(seed, LEARNING, team, 1)[0])


def index_of(weights: list[float], number: float) -> int:
    """Where a number in [0, 1) falls among probabilities."""
    for index, upper in enumerate(accumulate(weights)):
        if number < upper:
            return index
    return len(weights) - 1


def between(start: float, end: float, length: float, episode: int) -> float:
    if length == 0:
        return start
    return end if episode >= length else start + (end - start) * (episode / length)


def learn_slowly(game: FiniteGame, options: TabularOptions, episodes: int, numbers: Stream) -> np.ndarray:
    """The tables float64[tables, O, A] of one team."""
    agents = range(len(game.actions))
    own = [0 if options.share_parameters else agent for agent in agents]
    shape = (max(own) + 1, game.observation_count, max(game.actions))
    tables = np.full(shape, options.initial_value).tolist()
    rate_length = episodes if options.learning_rate_end >= 0 else 0
    for episode in range(episodes):
        epsilon = between(options.epsilon, options.epsilon_end, options.epsilon_decay * episodes, episode)
        rate = between(options.learning_rate, options.learning_rate_end, rate_length, episode)
        rate_down = rate * options.hysteresis
        starts = game.start_probability.tolist()
        state = int(game.start_state[index_of(starts, numbers.random()) if len(starts) > 1 else 0])
        for _ in range(game.horizon) if game.horizon else count():
            actions, joint = [], 0
            for agent, size in enumerate(game.actions):
                values = tables[own[agent]][game.seen[state, agent]][:size]
                best = [action for action in range(size) if values[action] == max(values)]
                if epsilon > 0 and numbers.random() < epsilon:
                    actions.append(numbers.randrange(size))
                elif options.ties == "random" and len(best) > 1:
                    actions.append(best[numbers.randrange(len(best))])
                else:
                    actions.append(best[0])
                joint = joint * size + actions[-1]
            ways = ways_of(game, state, joint)
            way = ways[index_of([one[0] for one in ways], numbers.random()) if len(ways) > 1 else 0]
            _, after, reward, ended, _ = way
            for agent in agents:
                learners = agents if options.share_experience == "pooled" else [agent]
                for table in sorted({own[learner] for learner in learners}):
                    beyond = max(tables[table][game.seen[after, agent]][: game.actions[agent]])
                    target = float(reward[agent])
                    if not (ended and options.terminal_mask):
                        target += options.discount * beyond
                    row = tables[table][game.seen[state, agent]]
                    error = target - row[actions[agent]]
                    row[actions[agent]] += (rate if error > 0 else rate_down) * error
            state = after
            if ended:
                break
    return np.array(tables)
