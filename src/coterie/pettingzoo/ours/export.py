"""Environments of ours in PettingZoo's two forms: parallel (everybody at once) and AEC (agents in turn).

An environment of ours is pure functions over a state; here it becomes the objects that PettingZoo's users know.
"""

from __future__ import annotations

import operator
import sys
import time
from collections.abc import Mapping
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.spaces import Discrete, Space
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from coterie.envs import boards
from coterie.envs.protocol import Environment
from coterie.errors import BadInput, EnvironmentFault, nearest
from coterie.pettingzoo.ours.compiled import Report, compile_programs, nearby_device, observation_box, seed_key
from coterie.types import Key

RENDER_MODES = ("human", "rgb_array", "ansi")
FRAMES_PER_SECOND = 4
VERSION = "v0"

Infos = dict[str, dict[str, Any]]


def parallel_env(environment: Environment, render_mode: str | None = None) -> ParallelForm:
    """The environment in PettingZoo's parallel form; BadInput where agents move in turn."""
    form = ParallelForm(environment, render_mode)
    if form.in_turn:
        raise BadInput(f"{environment.name}: its agents move in turn, so it has no parallel form; use the AEC form")
    return form


def raw_env(environment: Environment, render_mode: str | None = None) -> TurnForm:
    """The environment in PettingZoo's AEC form, without further checks of the order of calls."""
    return TurnForm(ParallelForm(environment, render_mode))


def env(environment: Environment, render_mode: str | None = None) -> AECEnv:
    """The environment in PettingZoo's AEC form, and calls in the wrong order are refused."""
    return OrderEnforcingWrapper(raw_env(environment, render_mode))


class ParallelForm(ParallelEnv[str, np.ndarray, int]):
    """One environment of ours as a PettingZoo ParallelEnv.

    `reset(seed)` begins the random stream of that seed; `reset()` goes on with the present stream, and the first one
    without a seed begins with the system's entropy. `reset(options=…)` is accepted and ignored. Agents that ended are
    not asked any more. At the time limit the agents that the world has not ended are truncated. infos hold `success`
    after each step, and `action_mask`, int8[A], where some action can be illegal; an illegal action is for the
    environment's own rule to deal with. Frames of render mode `human` go to the standard output.
    """

    def __init__(self, environment: Environment, render_mode: str | None = None) -> None:
        modes = RENDER_MODES if environment.board is not None else ()
        if render_mode is not None and render_mode not in modes:
            raise BadInput(
                f"render_mode {render_mode!r}: no such mode of {environment.name}{nearest(str(render_mode), modes)}"
            )
        spec = environment.spec
        self.environment = environment
        self.render_mode = render_mode
        self.possible_agents = list(spec.agents)
        self.agents = list(spec.agents)
        self._programs = compile_programs(environment)
        self.in_turn = self._programs.turns
        self.metadata = {
            "name": f"{environment.name}_{VERSION}",
            "render_modes": list(modes),
            "is_parallelizable": not self.in_turn,
            "render_fps": FRAMES_PER_SECOND,
        }
        self.state_space = self._programs.state_space
        self._index = {agent: place for place, agent in enumerate(spec.agents)}
        self._kind = {
            spec.agents[agent]: (number, row)
            for number, kind in enumerate(spec.kinds)
            for row, agent in enumerate(kind.agents)
        }
        self._observation_spaces = {agent: observation_box(spec.kinds[kind]) for agent, (kind, _) in self._kind.items()}
        self._action_spaces = {agent: Discrete(spec.kinds[kind].actions) for agent, (kind, _) in self._kind.items()}
        self._sizes = [spec.kinds[self._kind[agent][0]].actions for agent in spec.agents]
        self._key: Key | None = None
        self._carry: Any = None
        self._joint = np.full(len(spec.agents), -1, np.int32)
        self._to_move = [True] * len(spec.agents)
        self._plays = 0
        self._shown: tuple[int, str] | None = None

    def observation_space(self, agent: str) -> Space:
        """The Box of one agent, always the same object."""
        return self._observation_spaces[agent]

    def action_space(self, agent: str) -> Space:
        """The Discrete space of one agent, always the same object."""
        return self._action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], Infos]:
        """Begin an episode: observations and infos by agent."""
        del options
        if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
            raise BadInput(f"seed {seed!r}: a seed is a whole number of at least 0")
        draws = self._carry[0] if self._carry is not None else jnp.uint32(0)
        if seed is not None or self._key is None:
            entropy = np.random.SeedSequence().entropy if seed is None else seed
            self._key = jax.device_put(seed_key(int(entropy)), nearby_device())  # pyright: ignore[reportArgumentType]
            draws = jnp.uint32(0)
        self._carry, block = self._programs.begin(self._key, draws)
        self._plays = 0
        self._joint = np.full(len(self.possible_agents), -1, np.int32)
        self._shown = None
        self.agents = self.possible_agents[:]
        report = self._programs.read(np.array(block))
        infos: Infos = {agent: {} for agent in self.agents}
        self._read_optional(infos, report)
        if self.render_mode == "human":
            self.render()
        return self._seen(report), infos

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[dict[str, np.ndarray], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Everybody moves: observations, rewards, terminations, truncations and infos by agent."""
        self._joint = self._read_actions(actions)
        self._carry, block = self._programs.advance(self._key, self._carry, self._joint)
        report = self._programs.read(np.array(block))
        self._plays += 1
        at_limit = self._plays == self.environment.horizon
        agents, index = self.agents, self._index
        reward, ended, success = report.reward.tolist(), report.terminated.tolist(), bool(report.success)
        observations = self._seen(report)
        rewards = {agent: reward[index[agent]] for agent in agents}
        terminations = {agent: ended[index[agent]] for agent in agents}
        truncations = {agent: at_limit and not ended[index[agent]] for agent in agents}
        infos: Infos = {agent: {"success": success} for agent in agents}
        self._read_optional(infos, report)
        if at_limit or any(ended):
            self.agents = [agent for agent in agents if not (at_limit or terminations[agent])]
        if self.render_mode == "human":
            self.render()
        return observations, rewards, terminations, truncations, infos

    def state(self) -> np.ndarray:
        """The central state, as mixers and central critics see it."""
        return np.array(self._programs.central(self._present()))

    def render(self) -> np.ndarray | str | None:
        """The present picture: uint8[H, W, 3], or text, or None after it was shown (mode `human`)."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() without a render_mode does nothing; name one when making the environment")
            return None
        assert self.environment.board is not None
        board = self.environment.board(jax.tree.map(np.asarray, self._present()), self._joint)
        if self.render_mode == "rgb_array":
            return boards.to_pixels(board)
        text = boards.to_text(board)
        if self.render_mode == "ansi":
            return text
        self._show(text)
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def movers(self) -> list[str]:
        """The living agents that are to move now."""
        return [agent for agent in self.agents if self._to_move[self._index[agent]]]

    def read_action(self, agent: str, action: Any) -> int:
        """One agent's action as a number; EnvironmentFault where it is not one of its actions."""
        try:
            number = operator.index(action)
        except TypeError:
            raise EnvironmentFault(f"{self}: {agent}'s action {action!r} is not a whole number") from None
        size = self._sizes[self._index[agent]]
        if not 0 <= number < size:
            raise EnvironmentFault(f"{self}: {agent}'s action {number} is outside its space, 0 to {size - 1}")
        return number

    def _present(self) -> Any:
        """The present state of the world; refuses before the first reset."""
        if self._carry is None:
            raise EnvironmentFault(f"{self}: call reset() first")
        return self._carry[1]

    def _read_actions(self, actions: Mapping[str, int]) -> np.ndarray:
        """The joint action, int32[N], idle for agents that have ended; refuses what is not one action an agent."""
        if self._carry is None:
            raise EnvironmentFault(f"{self}: step() before reset(); call reset() first")
        if not self.agents:
            raise EnvironmentFault(f"{self}: step() after the episode's end; call reset() first")
        joint = list(self.environment.idle)
        for agent in self.agents:
            if agent not in actions:
                raise EnvironmentFault(f"{self}: {agent} is to act, but has no action")
            joint[self._index[agent]] = self.read_action(agent, actions[agent])
        if len(actions) > len(self.agents):
            stranger = next(agent for agent in actions if agent not in self.agents)
            if stranger in self._index:
                raise EnvironmentFault(f"{self}: {stranger} acts, but has ended")
            raise EnvironmentFault(
                f"{self}: {stranger!r} is no agent here{nearest(str(stranger), self.possible_agents)}"
            )
        return np.array(joint, np.int32)

    def _seen(self, report: Report) -> dict[str, np.ndarray]:
        """Each living agent's observation."""
        place = self._kind
        return {agent: report.observations[place[agent][0]][place[agent][1]] for agent in self.agents}

    def _read_optional(self, infos: Infos, report: Report) -> None:
        """Add the legal actions, as the int8 that `Discrete.sample` wants, and keep who moves next."""
        if report.legal:
            for agent, info in infos.items():
                kind, row = self._kind[agent]
                info["action_mask"] = report.legal[kind][row].astype(np.int8)
        if report.to_move:
            self._to_move = report.to_move[0].tolist()

    def _show(self, text: str) -> None:
        """Write a frame to the standard output, once; a terminal shows it in the place of the one before."""
        frame = (self._plays, text)
        if frame == self._shown:
            return
        if sys.stdout.isatty():
            up = f"\x1b[{text.count(chr(10)) + 2}A" if self._shown is not None else ""
            sys.stdout.write(f"{up}{text}\n\n")
            sys.stdout.flush()
            time.sleep(1 / FRAMES_PER_SECOND)
        else:
            sys.stdout.write(f"{text}\n\n")
        self._shown = frame


class TurnForm(AECEnv[str, np.ndarray, int]):
    """One environment of ours as a PettingZoo AECEnv.

    Those who are to move choose one after the other, each seeing the world before the joint step; the world moves when
    the last of them has chosen. `last()` gives what the agent earned since its own last choice.
    """

    def __init__(self, world: ParallelForm) -> None:
        self._world = world
        self.environment = world.environment
        self.metadata = world.metadata
        self.render_mode = world.render_mode
        self.possible_agents = world.possible_agents[:]
        self.state_space = world.state_space

    def observation_space(self, agent: str) -> Space:
        """The Box of one agent, always the same object."""
        return self._world.observation_space(agent)

    def action_space(self, agent: str) -> Space:
        """The Discrete space of one agent, always the same object."""
        return self._world.action_space(agent)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode; seeds are those of the parallel form."""
        self._observations, self.infos = self._world.reset(seed, options)
        self.agents = self._world.agents[:]
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self._skip_agent_selection = None
        self._begin_round()

    def step(self, action: int | None) -> None:
        """The selected agent chooses; an agent that has ended takes its leave with None."""
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)  # pyright: ignore[reportArgumentType]
            return
        self._chosen[agent] = self._world.read_action(agent, action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        if len(self._chosen) < len(self._round):
            self.agent_selection = self._round[len(self._chosen)]
            return
        idle = dict(zip(self.possible_agents, self.environment.idle, strict=True))
        joint = {one: self._chosen.get(one, idle[one]) for one in self._world.agents}
        self._observations, self.rewards, self.terminations, self.truncations, self.infos = self._world.step(joint)
        self._accumulate_rewards()
        if self._world.agents:
            self._begin_round()
        self._deads_step_first()

    def observe(self, agent: str) -> np.ndarray:
        """What an agent saw after the last joint step."""
        return self._observations[agent]

    def state(self) -> np.ndarray:
        """The central state, as mixers and central critics see it."""
        return self._world.state()

    def render(self) -> np.ndarray | str | None:
        """The present picture, as in the parallel form."""
        return self._world.render()

    def close(self) -> None:
        """Nothing is held open."""

    def _begin_round(self) -> None:
        """Select the first of those who are to move now."""
        self._round, self._chosen = self._world.movers(), {}
        if not self._round:
            raise EnvironmentFault(f"{self}: agents are alive, but none of them is to move")
        self.agent_selection = self._round[0]
