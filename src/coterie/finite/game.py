"""A finite game as a table of edges: the exact form behind the optimum, the fast learners and the diagnosis.

For each state and joint action there is a range of edges; each edge has a probability, a successor, what every agent
earns, whether the game truly ends there and whether the agents' aim was reached. A state is split by what the agents
see on arriving in it, so what is seen belongs to the state: noise in the joint observation is chance among successors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.types import Spec


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
    def deterministic(self) -> bool:
        """Whether every joint action has one outcome."""
        return bool(np.diff(self.first_edge).max(initial=0) <= 1)
