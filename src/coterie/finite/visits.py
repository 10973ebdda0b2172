"""Where a policy leads: how often every state of a finite game is visited, by step or in all."""

from __future__ import annotations

import numpy as np

from coterie.finite.game import FiniteGame

LONGEST = 1_000  # steps that are followed in a game without a time limit


def joint_chance(game: FiniteGame, policy: np.ndarray) -> np.ndarray:
    """The probability of every joint action in every state, float64[S, J], for a policy float64[N, O, A]."""
    joint = game.joint_actions
    chance = np.ones((len(game.states), len(joint)))
    for agent in range(joint.shape[1]):
        chance *= policy[agent, game.seen[:, agent]][:, joint[:, agent]]
    return chance


def transition_matrix(game: FiniteGame, policy: np.ndarray) -> np.ndarray:
    """The probability of going from state to state without ending, float64[S, S]."""
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    joint_count = int(np.prod(game.actions))
    flow = joint_chance(game, policy).reshape(-1)[pair] * game.probability * ~game.ended
    matrix = np.zeros((len(game.states), len(game.states)))
    np.add.at(matrix, (pair // joint_count, game.successor), flow)
    return matrix


def visits_by_step(game: FiniteGame, policy: np.ndarray, horizon: int = 0) -> np.ndarray:
    """The probability of deciding in each state at each step, float64[T, S]; rows add up to the chance of going on."""
    states = len(game.states)
    mass = np.bincount(game.start_state, game.start_probability, states)
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    source = pair // int(np.prod(game.actions))
    flow = joint_chance(game, policy).reshape(-1)[pair] * game.probability * ~game.ended
    rows = []
    for _ in range(horizon or game.horizon or LONGEST):
        if not mass.any():
            break
        rows.append(mass)
        mass = np.bincount(game.successor, mass[source] * flow, states)
    return np.stack(rows)


def visits(game: FiniteGame, policy: np.ndarray, horizon: int = 0) -> np.ndarray:
    """The expected number of decisions in each state in an episode, float64[S]."""
    return visits_by_step(game, policy, horizon).sum(0)
