"""A second copy of an environment in the middle of an episode, trusted only where it is proved to go on alike."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from coterie.types import Play

Actions = Mapping[Any, Any]  # of one step, by agent
Way = Literal["deepcopy", "replay"]


class Cloning(NamedTuple):
    """How an environment is cloned: `at(step)` gives a copy of it after so many steps of the reference episode."""

    way: Way
    at: Callable[[int], Any]


def cloning(make_env: Callable[[], Any], seed: int, actions: Sequence[Actions]) -> Cloning | None:
    """The way to clone a parallel PettingZoo environment along an episode, or None where neither can be trusted.

    The episode is `reset(seed=seed)` and then `actions`. First copy.deepcopy is tried, then playing the same seed and
    actions again in a new environment. A way is trusted only if copies taken at the start, in the middle and just
    before the last step earn, when the episode goes on in them, exactly the rewards of the first time, and if the
    original is not disturbed by being copied. Left out: environments that share state between copies only sometimes.
    """
    try:
        reference = _rewards(_begun(make_env, seed), actions)
    except Exception:  # as an environment that ignores its seed may end before the actions do
        return None
    steps = sorted({0, len(actions) // 2, max(0, len(actions) - 1)})
    ways: tuple[tuple[Way, Callable[..., Any]], ...] = (("deepcopy", _by_deepcopy), ("replay", _by_replay))
    for way, at in ways:

        def copied(step: int, at: Callable[..., Any] = at) -> Any:
            return at(make_env, seed, actions, step)

        if all(_goes_on_alike(copied, step, actions, reference) for step in steps):
            return Cloning(way, copied)
    return None


def followed_by(
    make_env: Callable[[], Any], seed: int, play: Play
) -> Callable[[int, Sequence[int]], list[Any] | None] | None:
    """What everybody would see had they acted otherwise at one step of a recorded episode; None: no clone is trusted.

    The function takes a step (from 0) and joint actions, and gives what the agents see, in the environment's order, or
    None where the episode ends there for any of them. Only for episodes in which all act to the end.
    """
    agents = list(make_env().possible_agents)
    actions = [dict(zip(agents, map(int, row), strict=True)) for row in play.actions]
    found = cloning(make_env, seed, actions)
    if found is None:
        return None

    def follows(step: int, joint: Sequence[int]) -> list[Any] | None:
        env = found.at(step)
        seen, _, terminations, truncations, _ = env.step(dict(zip(agents, joint, strict=True)))
        over = any(terminations.values()) or any(truncations.values())
        return None if over or set(env.agents) != set(agents) else [seen[agent] for agent in agents]

    return follows


def seen_again(make_env: Callable[[], Any], seed: int, play: Play) -> list[list[Any]] | None:
    """What the agents see along a recorded episode, just as the environment gives it: [T] rows, one sight an agent.

    A recording holds flat numbers; agents know shapes, masks and dictionaries. None where an agent leaves before the
    end, or the environment does not go through the episode again.
    """
    shown = []
    try:
        env = make_env()
        agents = list(env.possible_agents)
        seen = env.reset(seed=seed)[0]
        for row in play.actions:
            if set(env.agents) != set(agents):
                return None
            shown.append([copy.deepcopy(seen[agent]) for agent in agents])
            seen = env.step(dict(zip(agents, map(int, row), strict=True)))[0]
    except Exception:  # what cannot be played again cannot be shown again, whatever the reason
        return None
    return shown


def _begun(make_env: Callable[[], Any], seed: int) -> Any:
    env = make_env()
    env.reset(seed=seed)
    return env


def _by_replay(make_env: Callable[[], Any], seed: int, actions: Sequence[Actions], step: int) -> Any:
    env = _begun(make_env, seed)
    _rewards(env, actions[:step])
    return env


def _by_deepcopy(make_env: Callable[[], Any], seed: int, actions: Sequence[Actions], step: int) -> Any:
    original = _by_replay(make_env, seed, actions, step)
    clone = copy.deepcopy(original)
    _rewards(original, actions[step:])  # what the original does next must not reach the copy
    return clone


def _goes_on_alike(
    copied: Callable[[int], Any], step: int, actions: Sequence[Actions], reference: list[dict[Any, float]]
) -> bool:
    try:
        return _rewards(copied(step), actions[step:]) == reference[step:]
    except Exception:  # what cannot be copied or played again cannot be trusted, whatever the reason
        return False


def _rewards(env: Any, actions: Sequence[Actions]) -> list[dict[Any, float]]:
    return [{agent: float(earned) for agent, earned in env.step(dict(step))[1].items()} for step in actions]
