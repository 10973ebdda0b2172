"""Two agents learn to meet, each with a table of its own, as if alone."""

import random as standard_random

# 1. The world. Both agents move at once; a wall stops a move; they may pass
#    through each other. Each agent sees only its own cell. Every step costs 1;
#    meeting pays 10 to both and ends the episode.

MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]  # right, left, down, up


class World:
    """A square grid with two agents in opposite corners."""

    def __init__(self, size=5):
        self.last = size - 1
        self.reset()

    def reset(self):
        """Put the agents into their corners and return what each sees."""
        self.cells = [(0, 0), (self.last, self.last)]
        return self.cells

    def step(self, actions):
        """Move both; returns what each sees, the common reward, met or not."""
        self.cells = [self.move(self.cells[k], actions[k]) for k in (0, 1)]
        met = self.cells[0] == self.cells[1]
        return self.cells, 10.0 if met else -1.0, met

    def move(self, cell, action):
        """The cell that an action leads to; a wall stops it."""
        row, column = cell[0] + MOVES[action][0], cell[1] + MOVES[action][1]
        return min(max(row, 0), self.last), min(max(column, 0), self.last)


# 2. The agent. Its table holds, for each thing it has seen and each action,
#    how much reward it expects from there on (Watkins and Dayan 1992):
#    Q(o, a) <- Q(o, a) + learning_rate * error,
#    error = reward + discount * max_b Q(o', b) - Q(o, a)


class QAgent:
    """Independent Q-learning (Tan 1993): no idea that anybody else exists."""

    def __init__(
        self,
        actions=4,
        learning_rate=0.1,
        discount=0.9,
        epsilon=0.1,
        random=standard_random,
    ):
        self.actions, self.learning_rate = actions, learning_rate
        self.discount, self.epsilon = discount, epsilon
        self.random, self.table = random, {}

    def values(self, observation):
        """What the agent expects of each action; 0 for the never seen."""
        return self.table.setdefault(tuple(observation), [0.0] * self.actions)

    def act(self, observation):
        """The best action so far; the first where several are equally good."""
        values = self.values(observation)
        return values.index(max(values))

    def explore(self, observation):
        """Mostly the best action, sometimes (epsilon) any."""
        if self.random.random() < self.epsilon:
            return self.random.randrange(self.actions)
        return self.act(observation)

    def learn(self, observation, action, reward, after, terminated=False):
        """Move the estimate a little towards what just happened."""
        beyond = 0.0 if terminated else max(self.values(after))
        values = self.values(observation)
        error = reward + self.discount * beyond - values[action]
        values[action] += self.learning_rate * error


# 3. The loop. The tutorial forgets to tell `learn` that meeting ends the
#    episode: what comes after is worth nothing, but the table of the meeting
#    cell says otherwise. Pass terminal_mask=True to mend it.


def train(agents, episodes=1000, size=5, horizon=20, terminal_mask=False):
    """Let both agents learn from the same episodes, each from its own view."""
    world = World(size)
    for _ in range(episodes):
        seen = world.reset()
        for _ in range(horizon):
            actions = [agents[k].explore(seen[k]) for k in (0, 1)]
            after, reward, met = world.step(actions)
            for k in (0, 1):
                over = met and terminal_mask
                agents[k].learn(seen[k], actions[k], reward, after[k], over)
            seen = after
            if met:
                break


# 4. The look that the tutorial never takes: let both do what they think best,
#    and see whether they meet.


def greedy_episode(agents, size=5, horizon=20):
    """The cells of an episode without exploration, and whether they meet."""
    world, met = World(size), False
    cells = [world.reset()]
    while not met and len(cells) <= horizon:
        actions = [agents[k].act(cells[-1][k]) for k in (0, 1)]
        after, _, met = world.step(actions)
        cells.append(after)
    return cells, met
