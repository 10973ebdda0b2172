"""A trained team that acts on any loop: no trainer, no environment, no JAX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coterie.errors import BadInput, EnvironmentFault, StorageFault, nearest
from coterie.running.checkpoint import load_checkpoint
from coterie.running.recorder import find_run


class Team:
    """Greedy agents with one table each (or one in common): the first best action for what an agent sees.

    agents are the names the team was trained with; index is its number in its run; greedy actions equal the trainer's.
    """

    def __init__(self, agents: tuple[str, ...], actions: tuple[int, ...], q: np.ndarray, sights, index: int) -> None:
        self.agents, self.actions, self.index = agents, actions, index
        self._q, self._sights = q, sights

    def act(self, agent: str, observation: Any, info: Mapping[str, Any] | None = None) -> int:
        """The greedy action for an observation; an `action_mask` in the observation or the info is obeyed."""
        if agent not in self.agents:
            raise BadInput(f"the team has no agent '{agent}'{nearest(agent, self.agents)}")
        place = self.agents.index(agent)
        mask = (info or {}).get("action_mask")
        if isinstance(observation, Mapping):
            mask = observation.get("action_mask", mask)
            observation = observation["observation"]
        dtype, rows = self._sights[place]
        row = rows.get(np.asarray(observation).astype(dtype).reshape(-1).tobytes())
        if row is None:
            raise EnvironmentFault(f"{agent} saw {observation!r}, which does not occur in what its team was trained on")
        values = self._q[place if len(self._q) > 1 else 0, row, : self.actions[place]]
        if mask is not None:
            values = np.where(np.asarray(mask, bool), values, -np.inf)
        return int(values.argmax())

    def act_all(
        self, observations: Mapping[str, Any], infos: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, int]:
        """The actions of all agents that see something."""
        return {agent: self.act(agent, seen, (infos or {}).get(agent)) for agent, seen in observations.items()}

    def reset(self) -> None:
        """Begin a new episode; tabular agents remember nothing, so there is nothing to forget."""

    def __repr__(self) -> str:
        """Which team of its run this is."""
        return f"Team({', '.join(self.agents)}; number {self.index} of its run)"


def load(run: str | Path = "latest", *, team: int | None = None, runs: str | Path = "runs") -> Team:
    """The trained team of a run: `team` chooses it, else the one with the best exact value (the first of equals)."""
    folder = find_run(Path(runs), str(run))
    parts, facts = load_checkpoint(folder, ("policy",))
    try:
        policy = parts["policy"]
        q, agents, actions = policy["q"], tuple(facts["agents"]), tuple(facts["actions"])
        kinds = [(tuple(kind), policy[f"observations.{k}"]) for k, kind in enumerate(facts["kinds"])]
        best = int(facts.get("best_team", 0))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageFault(f"{folder} does not hold a tabular team: {error!r}") from error
    if team is not None and not 0 <= team < len(q):
        raise BadInput(f"team {team}: the run has teams 0 to {len(q) - 1}")
    index = best if team is None else team
    sights: list[Any] = [None] * len(agents)
    offset = 0
    for members, values in kinds:
        rows = {value.reshape(-1).tobytes(): offset + place for place, value in enumerate(values)}
        for agent in members:
            sights[agent] = (values.dtype, rows)
        offset += len(values)
    return Team(agents, actions, q[index], sights, index)
