"""A finite game as a table of edges: the exact form behind the optimum, the fast learners and the diagnosis.

For each state and joint action there is a range of edges; each edge has a probability, a successor, what every agent
earns, whether the game truly ends there and whether the agents' aim was reached. A state is split by what the agents
see on arriving in it, so what is seen belongs to the state: noise in the joint observation is chance among successors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from coterie.types import Spec

ALL_LEGAL = np.ones((0, 0), bool)  # no mask: whoever sees anything may do everything


class FiniteGame(NamedTuple):
    """S states, J joint actions (the last agent's action counts fastest), M edges, K0 starts, N agents, O observations.

    first_edge          int32[S * J + 1]: the edges of (s, j) are first_edge[s * J + j] up to the next entry
    probability         float64[M], adds up to 1 over each range
    successor           int32[M]
    reward              float64[M, N]
    ended               bool[M]: a true ending; beyond it nothing is worth anything
    success             bool[M]
    seen                int32[S, N]: the number of what each agent sees; equal sights of one kind have equal numbers
    start_probability   float64[K0];  start_state int32[K0]
    states              int64[S, ...]: the environment's own state
    boards              uint8[S, H, W]: each state's picture (H and W are 0 where the environment has none)
    action_boards       uint8[J, H, W]: where pictures show the last joint action instead of the state, else [0, H, W]
    observations        a tuple, one [O_kind, ...] array a kind; numbers run on from kind to kind
    horizon             joint steps until the time limit, 0 for none
    legal               bool[O, A]: what may be done by whoever sees this; [0, 0] where everything may be done always
    layouts             by kind, what stands between an environment's own spaces and these arrays, as plain data
    remarks             what is to be known about how the table was made, a sentence each

    With a mask, edges stand for legal joint actions only. Whoever may do one thing only has nothing to decide; so an
    agent that waits for the others has one legal action, 0, in an observation that says nothing but that it waits.
    """

    name: str
    spec: Spec
    action_names: tuple[str, ...]
    horizon: int
    idle: tuple[int, ...]
    idle_is_noop: bool
    success_word: str
    first_edge: np.ndarray
    probability: np.ndarray
    successor: np.ndarray
    reward: np.ndarray
    ended: np.ndarray
    success: np.ndarray
    seen: np.ndarray
    start_probability: np.ndarray
    start_state: np.ndarray
    states: np.ndarray
    boards: np.ndarray
    action_boards: np.ndarray
    observations: tuple[np.ndarray, ...]
    legal: np.ndarray = ALL_LEGAL
    layouts: tuple[Any, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[int, ...]:
        """How many actions each agent has."""
        sizes = dict.fromkeys(range(len(self.spec.agents)), 0)
        for kind in self.spec.kinds:
            sizes.update(dict.fromkeys(kind.agents, kind.actions))
        return tuple(sizes.values())

    @property
    def joint_actions(self) -> np.ndarray:
        """Every joint action, int32[J, N], in the order of the edges."""
        return np.indices(self.actions).reshape(len(self.actions), -1).T.astype(np.int32)

    @property
    def observation_count(self) -> int:
        """How many different things can be seen, over all kinds."""
        return sum(len(values) for values in self.observations)

    @property
    def masked(self) -> bool:
        """Whether some actions are illegal at times."""
        return bool(self.legal.size)

    @property
    def allowed(self) -> np.ndarray:
        """What each agent may do, bool[N, O, A]: actions that it has, and that are legal where it sees this.

        Of what it never sees, as agents of another kind do, nothing is said: all of its actions.
        """
        shape = (len(self.actions), self.observation_count, max(self.actions))
        own = np.broadcast_to(np.arange(shape[2]) < np.array(self.actions)[:, None, None], shape)
        if not self.masked:
            return own
        may = own & self.legal
        return may | (own & ~may.any(2, keepdims=True))

    @property
    def possible(self) -> np.ndarray:
        """The joint actions that may be taken in each state, bool[S, J]; all, where nobody can go on from it."""
        if not self.masked:
            return np.ones((len(self.states), int(np.prod(self.actions))), bool)
        there = (np.diff(self.first_edge) > 0).reshape(len(self.states), -1)
        return there | ~there.any(1, keepdims=True)

    @property
    def in_turns(self) -> bool:
        """Whether at most one agent has a choice in any state."""
        choices = self.allowed.sum(2) > 1
        return bool((choices[np.arange(self.seen.shape[1]), self.seen].sum(1) <= 1).all())

    @property
    def common(self) -> bool:
        """Whether all agents want the same: they are one team, or always earn alike."""
        return len(set(self.spec.team)) == 1 or bool(np.allclose(self.reward, self.reward[:, :1]))

    @property
    def deterministic(self) -> bool:
        """Whether every joint action has one outcome."""
        return bool(np.diff(self.first_edge).max(initial=0) <= 1)


def check_game(game: FiniteGame) -> None:
    """Raises ValueError unless the arrays fit together, so that no index leads outside them and chances add up to 1."""
    agents, states, edges, starts = len(game.spec.agents), len(game.states), len(game.successor), len(game.start_state)
    members = sorted(agent for kind in game.spec.kinds for agent in kind.agents)
    whole = members == list(range(agents)) and agents > 0 and all(kind.actions > 0 for kind in game.spec.kinds)
    groups = (game.spec.team, game.spec.parameters, game.spec.experience)
    if not whole or len(game.observations) != len(game.spec.kinds) or any(len(group) != agents for group in groups):
        raise ValueError("every agent is of exactly one kind, and every kind has actions and observations")
    pairs = states * int(np.prod(game.actions))
    picture = (*game.boards.shape, 0, 0, 0)[1:3]
    expected = {
        "first_edge": (np.int32, (pairs + 1,)),
        "probability": (np.float64, (edges,)),
        "successor": (np.int32, (edges,)),
        "reward": (np.float64, (edges, agents)),
        "ended": (np.bool_, (edges,)),
        "success": (np.bool_, (edges,)),
        "seen": (np.int32, (states, agents)),
        "start_probability": (np.float64, (starts,)),
        "start_state": (np.int32, (starts,)),
        "states": (np.int64, game.states.shape),
        "boards": (np.uint8, (states, *picture)),
        "action_boards": (np.uint8, (len(game.action_boards), *picture)),
    }
    for name, (dtype, shape) in expected.items():
        array = getattr(game, name)
        if array.dtype != dtype or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype}{list(array.shape)} instead of {np.dtype(dtype)}{list(shape)}")
    counts = np.diff(game.first_edge)
    if game.first_edge[0] != 0 or game.first_edge[-1] != edges or (counts < 0).any():
        raise ValueError("first_edge does not rise from 0 to the number of edges")
    _check_range("successor", game.successor, 0, states)
    _check_range("start_state", game.start_state, 0, states)
    first = 0
    for kind, values in zip(game.spec.kinds, game.observations, strict=True):
        _check_range("seen", game.seen[:, list(kind.agents)], first, first + len(values))
        first += len(values)
    if len(game.idle) != agents or any(not 0 <= one < size for one, size in zip(game.idle, game.actions, strict=True)):
        raise ValueError("idle names one action an agent")
    if len(game.action_boards) not in (0, int(np.prod(game.actions))):
        raise ValueError("action_boards are one a joint action, or none")
    _check_legal(game)
    sums = np.add.reduceat(np.append(game.probability, 0.0), game.first_edge[:-1])[counts > 0]
    if not (game.probability > 0).all() or not (game.start_probability >= 0).all():
        raise ValueError("probabilities are positive")
    if not np.allclose(sums, 1.0) or not np.isclose(game.start_probability.sum(), 1.0):
        raise ValueError("probabilities add up to 1")
    if not np.isfinite(game.reward).all():
        raise ValueError("every reward is a finite number")


def _check_legal(game: FiniteGame) -> None:
    if not game.masked:
        return
    shape = game.observation_count, max(game.actions)
    if game.legal.dtype != np.bool_ or game.legal.shape != shape:
        raise ValueError(f"legal is {game.legal.dtype}{list(game.legal.shape)} instead of bool{list(shape)}")
    may = (np.arange(shape[1]) < np.array(game.actions)[:, None]) & game.legal[game.seen]  # [S, N, A]
    if not may.any(2).all():
        raise ValueError("everybody has a legal action, whatever it sees")
    joint = np.ones((len(game.states), 1), bool)
    for agent, size in enumerate(game.actions):
        joint = (joint[:, :, None] & may[:, None, agent, :size]).reshape(len(joint), -1)
    there = (np.diff(game.first_edge) > 0).reshape(joint.shape)
    if (there != joint)[there.any(1)].any():
        raise ValueError("legal joint actions have edges, and no others")


def _check_range(name: str, numbers: np.ndarray, low: int, stop: int) -> None:
    if ((numbers < low) | (numbers >= stop)).any():
        raise ValueError(f"{name} lies outside {low} to {stop - 1}")
