"""The further learners once more, slowly: an object an agent, lists of what it met, written from the papers alone."""

from __future__ import annotations

from itertools import count, product
from math import exp

import numpy as np
from finite_games import ways_of
from slow_learner import between, index_of

from coterie.finite.game import FiniteGame
from coterie.settings import TabularOptions
from coterie.tabular.learn import Teams, advance, as_rule, as_table, new_teams
from coterie.tabular.streams import Stream


def train_by(
    algorithm: str,
    game: FiniteGame,
    options: TabularOptions,
    *,
    episodes: int,
    teams: int,
    seed: int = 0,
    threads: int = 1,
    chunks: int = 1,
    check_every: int = 0,
    **rule,
) -> Teams:
    """Teams of a compiled learner; `rule` replaces numbers of its rule, to break it on purpose."""
    state = new_teams(game, options, teams, episodes // check_every if check_every else 0, algorithm)
    numbers = as_rule(options, episodes, check_every, algorithm, game)._replace(**rule)
    for _ in range(chunks):
        state = advance(as_table(game), numbers, state, seed, episodes // chunks, threads)
    return state


class Agent:
    """Values of what was seen and done, with Boltzmann or epsilon-greedy choice."""

    def __init__(self, options: TabularOptions) -> None:
        self.options = options
        self.values: dict[tuple[int, int], float] = {}

    def value(self, seen: int, action: int) -> float:
        return self.values.get((seen, action), self.options.initial_value)

    def preference(self, seen: int, action: int) -> float:
        """What the agent is greedy for."""
        return self.value(seen, action)

    def drawn_by(self, seen: int, action: int) -> float:
        """What Boltzmann choice weighs."""
        return self.preference(seen, action)

    def temperature(self, seen: int, size: int, episode: int) -> float | None:
        """None: too cold for chance."""
        options = self.options
        return max(options.temperature * options.temperature_decay**episode, options.temperature_floor, 1e-300)

    def greedy(self, seen: int, size: int, numbers: Stream) -> int:
        values = [self.preference(seen, action) for action in range(size)]
        best = [action for action in range(size) if values[action] == max(values)]
        return best[numbers.randrange(len(best))] if self.options.ties == "random" and len(best) > 1 else best[0]

    def choose(self, seen: int, size: int, episode: int, epsilon: float, numbers: Stream) -> int:
        if self.options.exploration == "epsilon":
            if epsilon > 0 and numbers.random() < epsilon:
                return numbers.randrange(size)
            return self.greedy(seen, size, numbers)
        temperature = self.temperature(seen, size, episode)
        if temperature is None:
            return self.greedy(seen, size, numbers)
        values = [self.drawn_by(seen, action) for action in range(size)]
        weights = [exp((value - max(values)) / temperature) for value in values]
        rest = numbers.random() * sum(weights)
        for action in range(size - 1):
            rest -= weights[action]
            if rest < 0:
                return action
        return size - 1

    def beyond(self, seen: int, size: int) -> float:
        return max(self.value(seen, action) for action in range(size))

    def learn(self, seen, action, size, reward, after, ended, rate, joint, sizes, numbers) -> None:
        target = reward
        if not (ended and self.options.terminal_mask):
            target += self.options.discount * self.beyond(after, size)
        self.update(seen, action, size, target, after, ended, rate, numbers)

    def update(self, seen, action, size, target, after, ended, rate, numbers) -> None:
        error = target - self.value(seen, action)
        slower = 1.0 if error > 0 else self.options.hysteresis
        self.values[seen, action] = self.value(seen, action) + rate * slower * error


class Distributed(Agent):
    """Lauer and Riedmiller 2000."""

    def __init__(self, options: TabularOptions) -> None:
        super().__init__(options)
        self.kept: dict[int, int] = {}

    def preference(self, seen, action):
        return float(self.kept.get(seen) == action)

    def drawn_by(self, seen, action):
        return self.value(seen, action)

    def update(self, seen, action, size, target, after, ended, rate, numbers):
        before = max(self.value(seen, other) for other in range(size))
        self.values[seen, action] = max(self.value(seen, action), target)
        if max(self.value(seen, other) for other in range(size)) != before:
            self.kept[seen] = action


class FrequencyMaximum(Agent):
    """Kapetanakis and Kudenko 2002."""

    def __init__(self, options: TabularOptions) -> None:
        super().__init__(options)
        self.met: dict[tuple[int, int], list[float]] = {}

    def preference(self, seen, action):
        met = self.met.get((seen, action))
        if not met:
            return self.value(seen, action)
        often = met.count(max(met)) / len(met)
        return self.value(seen, action) + self.options.fmq_weight * often * max(met)

    def update(self, seen, action, size, target, after, ended, rate, numbers):
        self.values[seen, action] = self.value(seen, action) + rate * (target - self.value(seen, action))
        self.met.setdefault((seen, action), []).append(target)


class Lenient(Agent):
    """Wei and Luke 2016, LMRL2."""

    def __init__(self, options: TabularOptions) -> None:
        super().__init__(options)
        self.heat: dict[tuple[int, int], float] = {}

    def warmth(self, seen, action):
        return self.heat.get((seen, action), self.options.temperature)

    def mean(self, seen, size):
        return sum(self.warmth(seen, action) for action in range(size)) / size

    def temperature(self, seen, size, episode):
        mean = self.mean(seen, size)
        return None if mean < self.options.temperature_floor else mean

    def update(self, seen, action, size, target, after, ended, rate, numbers):
        value = self.value(seen, action)
        refuses = 1 - exp(-1 / (self.options.lenience * self.warmth(seen, action)))
        if target > value or numbers.random() < refuses:
            self.values[seen, action] = value + rate * (target - value)
        warm, tau = self.warmth(seen, action), self.options.temperature_diffusion
        if not (ended and self.options.terminal_mask):
            warm = (1 - tau) * warm + tau * self.mean(after, size)
        self.heat[seen, action] = self.options.temperature_decay * warm


class JointAction(Agent):
    """Claus and Boutilier 1998; `me` is the agent's own place in joint actions."""

    def __init__(self, options: TabularOptions, me: int, sizes: tuple[int, ...]) -> None:
        super().__init__(options)
        self.me, self.sizes = me, sizes
        self.watched: dict[int, list[tuple[int, ...]]] = {}

    def preference(self, seen, action):
        met, total = self.watched.get(seen, []), 0.0
        for joint in product(*map(range, self.sizes)):
            if joint[self.me] == action:
                chance = 1.0
                for other in reversed(range(len(self.sizes))):
                    if other != self.me:
                        often = [one[other] for one in met].count(joint[other])
                        chance *= often / len(met) if met else 1 / self.sizes[other]
                total += self.values.get((seen, joint), self.options.initial_value) * chance
        return total if met else self.options.initial_value

    def beyond(self, seen, size):
        return max(self.preference(seen, action) for action in range(size))

    def learn(self, seen, action, size, reward, after, ended, rate, joint, sizes, numbers):
        target = reward
        if not (ended and self.options.terminal_mask):
            target += self.options.discount * self.beyond(after, size)
        value = self.values.get((seen, joint), self.options.initial_value)
        self.values[seen, joint] = value + rate * (target - value)
        self.watched.setdefault(seen, []).append(joint)


AGENTS = {"iql": Agent, "distributed": Distributed, "fmq": FrequencyMaximum, "lenient": Lenient}


def learn_slowly_by(algorithm: str, game: FiniteGame, options: TabularOptions, episodes: int, numbers: Stream):
    """The tables float64[tables, O, A] of one team, and its last joint action."""
    sizes, agents = game.actions, range(len(game.actions))
    if algorithm == "joint-action":
        team = [JointAction(options, agent, sizes) for agent in agents]
    else:
        team = [AGENTS[algorithm](options) for _ in range(1 if options.share_parameters else len(sizes))]
    own = [team[0 if options.share_parameters else agent] for agent in agents]
    rate_length = episodes if options.learning_rate_end >= 0 else 0
    actions: list[int] = []
    for episode in range(episodes):
        epsilon = between(options.epsilon, options.epsilon_end, options.epsilon_decay * episodes, episode)
        rate = between(options.learning_rate, options.learning_rate_end, rate_length, episode)
        starts = game.start_probability.tolist()
        state = int(game.start_state[index_of(starts, numbers.random()) if len(starts) > 1 else 0])
        for _ in range(game.horizon) if game.horizon else count():
            seen = [int(one) for one in game.seen[state]]
            actions = [own[i].choose(seen[i], sizes[i], episode, epsilon, numbers) for i in agents]
            ways = ways_of(game, state, int(np.ravel_multi_index(actions, sizes)))
            way = ways[index_of([one[0] for one in ways], numbers.random()) if len(ways) > 1 else 0]
            _, after, reward, ended, _ = way
            for i in agents:
                learners = team if options.share_experience == "pooled" else [own[i]]
                for learner in learners:
                    learner.learn(
                        seen[i],
                        actions[i],
                        sizes[i],
                        float(reward[i]),
                        int(game.seen[after, i]),
                        ended,
                        rate,
                        tuple(actions),
                        sizes,
                        numbers,
                    )
            state = after
            if ended:
                break
    q = np.zeros((len(team), game.observation_count, max(sizes)))
    for place, agent in enumerate(team):
        for row, action in product(range(q.shape[1]), range(q.shape[2])):
            q[place, row, action] = agent.preference(row, action) if action < sizes[place] else q[place, row, action]
    return q, actions


def committed(actions: list[int], rounds: list[int], margin: int, late: int):
    """One agent's way through its tournament: yields actions, is sent rewards; rounds are the lengths of their holds.

    The last action that it yields it yields for ever.
    """
    found: dict[int, list[float]] = {number: [] for number in range(len(actions))}
    left = list(found)
    for _ in range(late):
        yield actions[0]
    for hold in rounds:
        for number in left:
            rewards = []
            for _ in range(hold):
                rewards.append((yield actions[number]))
            found[number] += rewards[margin : hold - margin]

        def mean(number):
            return sum(found[number]) / len(found[number])

        left = [max(left[place : place + 2], key=mean) for place in range(0, len(left), 2)]
    while True:
        yield actions[left[0]]
