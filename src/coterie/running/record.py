"""Episodes of anybody's agents in any parallel PettingZoo environment, recorded to be looked at and diagnosed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.forms.parallel import InfoSays
from coterie.running.episodes import Recording, keys_of, write_recording
from coterie.running.foreign import begun, moved
from coterie.types import Play

LONGEST = 100_000  # steps of an episode
Act = Callable[[str, Any, Mapping[str, Any]], Any]


def record(
    env: Any,
    act: Act,
    path: str | Path | None = None,
    *,
    episodes: int = 30,
    seed: int = 0,
    success_word: str = "succeed",
    idle: Mapping[str, int] | None = None,
) -> Recording:
    """Play episodes in a parallel PettingZoo environment and keep them, in a file where `path` names one.

    act(agent, observation, info) gives an agent's action, a whole number. Episode e is reset with a seed made of `seed`
    and e. An episode succeeds where any agent's info says so (`info["success"]`). Raises BadInput for a file that
    exists, EnvironmentFault where the environment breaks PettingZoo's promise or actions are not whole numbers.
    """
    if path is not None and Path(path).exists():
        raise BadInput(f"{path} exists; name another file")
    agents = tuple(env.possible_agents)
    plays = [
        play_env(env, lambda place, seen, info, step: act(agents[place], seen, info), episode_seed(seed, e), e)
        for e in range(episodes)
    ]
    recording = Recording(
        tuple(map(str, agents)),
        (),
        plays,
        success_word,
        idle=None if idle is None else tuple(int(idle[agent]) for agent in agents),
    )
    if path is not None:
        write_recording(Path(path), recording)
    return recording


def episode_seed(seed: int, episode: int) -> int:
    """The number that an episode is reset with, the same wherever it is played again."""
    return int(np.random.default_rng([seed, episode]).integers(2**31))


def play_env(env: Any, choose: Callable[[int, Any, Mapping[str, Any], int], Any], seed: int, team: int = 0) -> Play:
    """One episode, recorded; choose(place, observation, info, step) gives the action of an agent that takes part.

    Who does not take part any more sees zeros, acts 0 and earns 0. States count as equal where all that is seen is.
    """
    agents = list(env.possible_agents)
    observations, infos = begun(env, seed)
    sights = [[_numbers(env, agent, observations.get(agent), 0) for agent in agents]]
    actions: list[list[int]] = []
    rewards: list[list[float]] = []
    success, over, acting = False, set(), list(env.agents)
    while acting:
        step = len(actions) + 1
        if step > LONGEST:
            raise EnvironmentFault(f"an episode is not over after {LONGEST:,} steps; give the environment a time limit")
        chosen = {agent: choose(agents.index(agent), observations[agent], infos[agent], step) for agent in acting}
        numbers = [_whole(chosen.get(agent, 0), agent, step) for agent in agents]
        observations, earned, ended, _, acting, infos = moved(env, chosen, step)
        actions.append(numbers)
        rewards.append([earned.get(agent, 0.0) for agent in agents])
        over |= ended
        success = success or InfoSays()(infos)
        sights.append([_numbers(env, agent, observations.get(agent), step) for agent in agents])
        for agent, now, before in zip(agents, sights[-1], sights[-2], strict=True):
            if now.shape != before.shape:
                raise EnvironmentFault(f"step {step}: {agent} sees {now.size} numbers, before it saw {before.size}")
    if not actions:
        raise EnvironmentFault(f"reset(seed={seed}) left no agent to act")
    seen = tuple(np.stack([row[place] for row in sights]) for place in range(len(agents)))
    return Play(
        keys=keys_of(seen),
        boards=np.empty((len(actions) + 1, 0, 0), np.uint8),
        actions=np.array(actions, np.int32),
        rewards=np.array(rewards),
        success=success,
        ended=len(over) == len(agents),
        team=team,
        observations=seen,
    )


def _numbers(env: Any, agent: Any, observation: Any, step: int) -> np.ndarray:
    """What an agent sees as flat numbers, a copy; a mask beside the observation is left out."""
    if isinstance(observation, Mapping) and "observation" in observation:
        observation = observation["observation"]
    if observation is None:
        space = env.observation_space(agent)
        shape = (space["observation"] if hasattr(space, "spaces") and "observation" in space.spaces else space).shape
        return np.zeros(int(np.prod(shape or (1,))))
    try:
        seen = np.array(observation, np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise EnvironmentFault(f"{agent} sees {type(observation).__name__}, which is no array of numbers") from None
    if not np.isfinite(seen).all():
        strange = seen[~np.isfinite(seen)][0]
        raise EnvironmentFault(f"step {step}: {agent} sees {strange}, expected finite numbers")
    return seen


def _whole(action: Any, agent: Any, step: int) -> int:
    number = np.asarray(action)
    if number.size != 1 or number.dtype.kind not in "iu":
        raise EnvironmentFault(f"{agent} at step {step}: recorded actions are whole numbers, found {action!r}")
    return int(number.item())
