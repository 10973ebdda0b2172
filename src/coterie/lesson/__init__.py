"""The classic tutorial in plain Python: two agents on a grid, independent Q-learning, nothing hidden."""

from coterie.lesson.two_agents_meet import QAgent, World, greedy_episode, train

__all__ = ["QAgent", "World", "greedy_episode", "train"]
