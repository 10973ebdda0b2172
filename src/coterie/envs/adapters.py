"""What the adapters for JAX environments from elsewhere share: from two foreign functions to one `Environment`.

They draw their own chance, so it is opaque. What is seen, legal and central is kept with the state, as they tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.foreign_clock import at, find_clock, raw_key
from coterie.envs.foreign_options import Reading, in_one_line, literal
from coterie.envs.protocol import Environment, Step, all_legal, all_move
from coterie.errors import BadInput, CoterieError, EnvironmentFault, nearest
from coterie.types import Array, Key, Kind, Spec


class World(NamedTuple):
    """One foreign world: its own state, and by agent what is seen and allowed; legal is () where all always is.

    central is what mixers may see, () for the concatenation of all observations.
    """

    state: Any
    obs: tuple[Array, ...]
    legal: tuple[Array, ...]
    central: Any


class After(NamedTuple):
    """What one joint step of a foreign world did, by agent, before any reset.

    over bool[N]: this agent's episode ends here, for whatever reason; ending bool[N]: without those endings that the
    environment itself calls a time limit; told: what else it says.
    """

    world: World
    reward: Array
    over: Array
    ending: Array
    told: Mapping[str, Array]


class Game(NamedTuple):
    """A foreign environment as two pure functions; agents are in its own order, action is int32[N].

    start(key) -> World     step(key, world, action) -> After
    highs: what integer observations of an agent go up to from 0, None where that is not known.
    """

    name: str
    agents: tuple[str, ...]
    actions: tuple[int, ...]
    start: Callable[[Key], World]
    step: Callable[[Key, World, Array], After]
    highs: tuple[int | None, ...]


class Kept(NamedTuple):
    """The state of an adapted environment: the foreign one, and what its agents see and may do, by kind [N, ...]."""

    state: Any
    obs: tuple[Array, ...]
    legal: tuple[Array, ...]
    central: Any


def as_environment(game: Game, reading: Reading) -> Environment:
    """An environment from elsewhere as one of ours, its chance opaque; agents with equal spaces are one kind.

    Raises BadInput where it cannot be read, EnvironmentFault where it fails when it is tried.
    """
    try:
        return _adapted(game, reading)
    except CoterieError:
        raise
    except Exception as error:
        raise EnvironmentFault(f"{game.name} fails when it is tried: {in_one_line(error)}") from error


def _adapted(game: Game, reading: Reading) -> Environment:
    """As `as_environment`, with the failures of the environment as they are."""
    shapes = jax.eval_shape(game.start, raw_key(0))
    kinds, everyone = read_kinds(game, shapes), tuple(range(len(game.agents)))
    masked = bool(shapes.legal)
    keep = lambda world: _keep(kinds, world)  # noqa: E731
    shape = jax.eval_shape(keep, shapes)
    state_shape = (sum(obs.size for obs in shape.obs),) if _is_none(shape.central) else shape.central.shape
    success = _reader_of_success(game, reading.success, shapes)
    clock = find_clock(game)

    def step(key: Key, kept: Kept, action: Array) -> Step:
        raw = jax.random.key_data(key)
        world = World(kept.state, (), (), ())
        after = game.step(raw, world, action)
        if clock is None or reading.time_limit_is_ending:
            terminated = after.over
        elif clock.told_apart:
            terminated = after.ending
        else:
            terminated = game.step(raw, world._replace(state=at(clock, kept.state, 0)), action).over
        following = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), keep(after.world), kept)
        return Step(following, after.reward.astype(jnp.float32), terminated, success(after.told))

    def central(kept: Kept) -> Array:
        if _is_none(kept.central):
            return jnp.concatenate([obs.reshape(-1).astype(jnp.float32) for obs in kept.obs])
        return kept.central.astype(jnp.float32)

    return Environment(
        name=game.name,
        spec=Spec(
            agents=game.agents,
            kinds=kinds,
            team=_teams(game, reading.team),
            parameters=everyone,
            experience=everyone,
            state_shape=state_shape,
        ),
        action_names=tuple(str(action) for action in range(max(game.actions))),
        horizon=clock.horizon if clock is not None else 0,
        idle=(_idle(game, reading.idle),) * len(everyone),
        idle_is_noop=reading.idle >= 0,
        success_word="succeed",
        starts=None,
        start=None,
        outcomes=None,
        step=None,
        observe=lambda kept: kept.obs,
        legal=(lambda kept: kept.legal) if masked else all_legal(tuple((len(k.agents), k.actions) for k in kinds)),
        central=central,
        to_move=all_move(len(everyone)),
        board=None,
        opaque_start=lambda key: keep(game.start(jax.random.key_data(key))),
        opaque_step=step,
    )


def read_kinds(game: Game, shapes: World) -> tuple[Kind, ...]:
    """Agents with equal observations and actions, in the order in which each kind's first agent stands."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for agent, (obs, actions, high) in enumerate(zip(shapes.obs, game.actions, game.highs, strict=True)):
        if shapes.legal and shapes.legal[agent].shape != (actions,):
            raise BadInput(
                f"{game.name}: agent '{game.agents[agent]}' has {actions} actions, but its mask of legal actions has "
                f"the shape {shapes.legal[agent].shape}"
            )
        groups.setdefault((actions, obs.shape, str(_held_as(obs.dtype)), high), []).append(agent)
    return tuple(Kind(tuple(agents), *spaces) for spaces, agents in groups.items())


def plain(name: str, agent: str, obs: Any) -> Any:
    """An agent's observation, which must be one array; raises BadInput where it has parts."""
    if not hasattr(obs, "shape"):
        parts = f" ({', '.join(map(str, obs))})" if isinstance(obs, Mapping) else ""
        raise BadInput(f"{name}: what agent '{agent}' sees has several parts{parts}; only single arrays can be read")
    return obs


def _teams(game: Game, text: str) -> tuple[int, ...]:
    """Each agent's team number."""
    if not text:
        return (0,) * len(game.agents)
    numbers = literal(text)
    numbers = numbers if isinstance(numbers, tuple | list) else (numbers,)
    if len(numbers) != len(game.agents) or set(numbers) != set(range(len(set(numbers)))):
        raise BadInput(
            f"--env.team {text}: expected a number from 0 on for each of {', '.join(game.agents)}, like 0,0,1"
        )
    return tuple(int(number) for number in numbers)


def _idle(game: Game, action: int) -> int:
    """The action that stands for doing nothing."""
    if not -1 <= action < min(game.actions):
        raise BadInput(f"--env.idle {action}: expected an action of every agent, 0 to {min(game.actions) - 1}")
    return max(action, 0)


def _reader_of_success(game: Game, text: str, shapes: World) -> Callable[[Mapping[str, Array]], Array]:
    """A function from what a step tells to success bool[]."""
    if not text:
        return lambda told: jnp.zeros((), bool)
    key, least, number = text.partition(">=")
    action = jax.ShapeDtypeStruct((len(game.agents),), jnp.int32)
    told = jax.eval_shape(game.step, raw_key(0), shapes, action).told
    if key not in told:
        raise BadInput(
            f"--env.success {text}: {game.name} tells no '{key}'{nearest(key, told) or '; it tells nothing'}"
        )
    value = literal(number)
    if least and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise BadInput(f"--env.success {text}: expected KEY or KEY>=NUMBER")
    return lambda told: (jnp.asarray(told[key]) >= value if least else jnp.asarray(told[key]) != 0).any()


# Arrays


def _keep(kinds: tuple[Kind, ...], world: World) -> Kept:
    """What an adapted environment carries of a foreign world."""
    obs = tuple(jnp.stack([world.obs[agent] for agent in kind.agents]).astype(kind.observation_dtype) for kind in kinds)
    legal = tuple(jnp.stack([world.legal[agent] for agent in kind.agents]) != 0 for kind in kinds if world.legal)
    state = jax.tree.map(jnp.asarray, world.state)
    return Kept(state, obs, legal, world.central)


def _is_none(central: Any) -> bool:
    """Whether an environment has no central state of its own."""
    return isinstance(central, tuple)


def _held_as(dtype: Any) -> np.dtype:
    """The dtype in which observations are held: float32 for every float, int32 for wide integers."""
    if jnp.issubdtype(dtype, jnp.floating):
        return np.dtype(np.float32)
    dtype = np.dtype(dtype)
    return np.dtype(np.int32) if dtype.kind in "iu" and dtype.itemsize > 2 else dtype
