"""Episodes of anybody's agents in any parallel PettingZoo environment, recorded to be looked at and diagnosed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Box

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.forms.parallel import InfoSays
from coterie.running.episodes import MOST_AMOUNT, Recording, keys_of, write_recording
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

    act(agent, observation, info) gives an agent's action: a whole number, or amounts where its space is a Box of them.
    Episode e is reset with a seed made of `seed` and e. An episode succeeds where any agent's info says so
    (`info["success"]`). Raises BadInput for a file that exists, EnvironmentFault where the environment breaks
    PettingZoo's promise or actions are something else.
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
    amounts = [_amounts(env, agent) for agent in agents]
    actions: list[list[Any]] = []
    rewards: list[list[float]] = []
    success, over, acting = False, set(), list(env.agents)
    while acting:
        step = len(actions) + 1
        if step > LONGEST:
            raise EnvironmentFault(f"an episode is not over after {LONGEST:,} steps; give the environment a time limit")
        chosen = {agent: choose(agents.index(agent), observations[agent], infos[agent], step) for agent in acting}
        told = [
            _told(chosen.get(agent, np.zeros(count) if count else 0), count, agent, step)
            for agent, count in zip(agents, amounts, strict=True)
        ]
        observations, earned, ended, _, acting, infos = moved(env, chosen, step)
        actions.append(told)
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
        actions=_joint(actions, amounts),
        rewards=np.array(rewards),
        success=success,
        ended=len(over) == len(agents),
        team=team,
        observations=seen,
        amounts=tuple(amounts) if any(amounts) else (),
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


def _amounts(env: Any, agent: Any) -> int:
    """How many amounts an agent's action has; 0 where it is a number."""
    space = env.action_space(agent)
    return int(np.prod(space.shape)) if isinstance(space, Box) and np.dtype(space.dtype).kind == "f" else 0


def _joint(actions: list[list[Any]], amounts: list[int]) -> np.ndarray:
    """The actions of an episode, int32[T, N], or float32[T, N, W] where some are rows of amounts (see `Play`)."""
    if not any(amounts):
        return np.array(actions, np.int32)
    found = np.zeros((len(actions), len(amounts), max(amounts)), np.float32)
    for step, row in enumerate(actions):
        for agent, action in enumerate(row):
            found[step, agent, : amounts[agent] or 1] = action
    return found


def _told(action: Any, count: int, agent: Any, step: int) -> Any:
    """What an agent did, as it is recorded: a whole number, or so many amounts."""
    if not count:
        return _whole(action, agent, step)
    given = np.asarray(action)
    if given.size != count or given.dtype.kind not in "iuf" or not (np.abs(given) <= MOST_AMOUNT).all():
        raise EnvironmentFault(f"{agent} at step {step}: expected {count} finite amounts, found {action!r}")
    return given.reshape(-1)


def _whole(action: Any, agent: Any, step: int) -> int:
    number = np.asarray(action)
    if number.size != 1 or number.dtype.kind not in "iu":
        raise EnvironmentFault(f"{agent} at step {step}: recorded actions are whole numbers, found {action!r}")
    return int(number.item())
