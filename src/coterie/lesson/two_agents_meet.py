"""Two agents learn to meet, each with a table of its own and as if it were alone."""

import random as standard_random

# 1. The world. Both agents move at once; a wall stops a move; they may pass through each other. Each agent sees only
#    its own cell. Every step costs 1; meeting pays 10 to both and ends the episode.

MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]  # right, left, down, up


class World:
    """A square grid with two agents in opposite corners."""

    def __init__(self, size=5):
        self.size = size
        self.reset()

    def reset(self):
        """Put the agents into their corners and return what each sees."""
        self.cells = [(0, 0), (self.size - 1, self.size - 1)]
        return self.cells

    def step(self, actions):
        """Move both agents; returns what each sees now, the reward that both earn, and whether they have met."""
        moved = []
        for (row, column), action in zip(self.cells, actions, strict=True):
            down, right = MOVES[action]
            moved.append((min(max(row + down, 0), self.size - 1), min(max(column + right, 0), self.size - 1)))
        self.cells = moved
        met = moved[0] == moved[1]
        return moved, 10.0 if met else -1.0, met


# 2. The agent. Its table holds, for each thing it has seen and each action, how much reward it expects from there on:
#    Q(o, a) <- Q(o, a) + learning_rate * (reward + discount * max_b Q(o', b) - Q(o, a))   (Watkins and Dayan 1992)


class QAgent:
    """Independent Q-learning (Tan 1993): one agent, one table, no idea that there is anybody else."""

    def __init__(self, actions=4, learning_rate=0.1, discount=0.9, epsilon=0.1, random=standard_random):
        self.actions, self.learning_rate, self.discount = actions, learning_rate, discount
        self.epsilon, self.random, self.table = epsilon, random, {}

    def values(self, observation):
        """What the agent expects of each action, 0 for what it has never seen."""
        return self.table.setdefault(tuple(observation), [0.0] * self.actions)

    def act(self, observation):
        """The best action so far; the first one where several are equally good."""
        values = self.values(observation)
        return values.index(max(values))

    def explore(self, observation):
        """Mostly the best action, sometimes (epsilon) any."""
        if self.random.random() < self.epsilon:
            return self.random.randrange(self.actions)
        return self.act(observation)

    def learn(self, observation, action, reward, next_observation, terminated=False):
        """Move the estimate a little towards what just happened."""
        beyond = 0.0 if terminated else max(self.values(next_observation))
        values = self.values(observation)
        values[action] += self.learning_rate * (reward + self.discount * beyond - values[action])


# 3. The loop. The tutorial forgets to tell `learn` that meeting ends the episode: what comes after is worth nothing,
#    but the table of the meeting cell says otherwise. Pass terminal_mask=True to mend it.


def train(agents, episodes=1000, size=5, horizon=20, terminal_mask=False):
    """Let both agents learn from the same episodes, each from its own observations."""
    world = World(size)
    for _ in range(episodes):
        observations = world.reset()
        for _ in range(horizon):
            actions = [agent.explore(seen) for agent, seen in zip(agents, observations, strict=True)]
            after, reward, met = world.step(actions)
            for k, agent in enumerate(agents):
                agent.learn(observations[k], actions[k], reward, after[k], terminated=met and terminal_mask)
            observations = after
            if met:
                break


# 4. The look that the tutorial never takes: let both do what they think best, and see whether they meet.


def greedy_episode(agents, size=5, horizon=20):
    """The cells of an episode without exploration, and whether it ends in a meeting."""
    world, met = World(size), False
    cells = [world.reset()]
    while not met and len(cells) <= horizon:
        after, _, met = world.step([agent.act(seen) for agent, seen in zip(agents, cells[-1], strict=True)])
        cells.append(after)
    return cells, met
