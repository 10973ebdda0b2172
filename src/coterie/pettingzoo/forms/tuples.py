"""Gymnasium environments of several agents, with tuples of observations and actions, in PettingZoo's parallel form.

lbforaging and rware are such: `step` takes a list of actions and returns a list of rewards, one ending for all. Others
return a list of endings, and a list of infos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.reading.acting import idle_action


def in_tuples(environment: Any) -> bool:
    """Whether this is a gymnasium environment whose actions are a tuple, one an agent."""
    return isinstance(environment, gymnasium.Env) and isinstance(environment.action_space, spaces.Tuple)


class TupleForm(ParallelEnv):
    """The parallel form: agents are agent_0, agent_1, …; one ending is everybody's, a list has one for each.

    Who has ended is told nothing more, and does the first or zero action of its space for as long as others go on.
    """

    def __init__(self, environment: gymnasium.Env, name: str) -> None:
        actions, seen = environment.action_space, environment.observation_space
        assert isinstance(actions, spaces.Tuple), "see in_tuples"
        if not isinstance(seen, spaces.Tuple) or len(seen.spaces) != len(actions.spaces):
            raise BadInput(f"{name} has {len(actions.spaces)} actions, and observations that are not as many: {seen}")
        self.environment = environment
        self.metadata = {**environment.metadata, "name": name}
        self.render_mode = environment.render_mode
        self.possible_agents = [f"agent_{number}" for number in range(len(actions.spaces))]
        self.agents: list[str] = []
        self.observation_spaces = dict(zip(self.possible_agents, seen.spaces, strict=True))
        self.action_spaces = dict(zip(self.possible_agents, actions.spaces, strict=True))

    @property
    def unwrapped(self) -> Any:
        """The gymnasium environment itself."""
        return self.environment.unwrapped

    def observation_space(self, agent: str) -> spaces.Space:
        """What an agent may see."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Space:
        """What an agent may do."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict | None = None) -> tuple[dict, dict]:
        """Begin an episode: observations and infos."""
        observations, info = self.environment.reset(seed=seed, options=options)
        self.agents = self.possible_agents[:]
        return self._by_agent("observations", observations), self._infos(info)

    def step(self, actions: Mapping[str, Any]) -> tuple[dict, dict, dict, dict, dict]:
        """One joint step."""
        here, spaces_of = self.agents, self.action_spaces
        joint = tuple(
            actions[agent] if agent in here else idle_action(spaces_of[agent]) for agent in self.possible_agents
        )
        observations, rewards, terminated, truncated, info = self.environment.step(joint)
        told = (
            self._by_agent("observations", observations),
            self._by_agent("rewards", for_all(rewards, joint)),
            {
                agent: bool(over)
                for agent, over in self._by_agent("endings", for_all(np.squeeze(terminated), joint)).items()
            },
            {
                agent: bool(cut)
                for agent, cut in self._by_agent("truncations", for_all(np.squeeze(truncated), joint)).items()
            },
            self._infos(info),
        )
        self.agents = [agent for agent in here if not (told[2][agent] or told[3][agent])]
        observed, paid, over, cut, infos = ({agent: one[agent] for agent in here} for one in told)
        return observed, paid, over, cut, infos

    def render(self) -> Any:
        """A picture, where the environment draws one."""
        return self.environment.render()

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()

    def _by_agent(self, what: str, values: Any) -> dict[str, Any]:
        """A value for each agent."""
        if len(values) != len(self.possible_agents):
            raise EnvironmentFault(f"it told {len(values)} {what} for {len(self.possible_agents)} agents")
        return dict(zip(self.possible_agents, values, strict=True))

    def _infos(self, info: Any) -> dict[str, dict[str, Any]]:
        """What the step's info says: one is told to everybody, of a list each agent is told its own."""
        if isinstance(info, (list, tuple)):
            return {agent: dict(own or {}) for agent, own in self._by_agent("infos", info).items()}
        return {agent: dict(info or {}) for agent in self.possible_agents}


def for_all(value: Any, joint: Sequence[Any]) -> Any:
    """A value for each of a joint action: one alone is everybody's.

    >>> for_all(True, (3, 3)), for_all([True, False], (3, 3))
    ([True, True], [True, False])
    """
    return [value] * len(joint) if np.ndim(value) == 0 else value
