"""Jumanji's environments of several agents as ours: `jumanji:LevelBasedForaging-v0`, `jumanji:RobotWarehouse-v0`, ….

Jumanji's `step` does not reset, so the true successor is what is seen. Its discount says what has ended: an agent's is
0 where the world ended for it. Where it is 0 at the time limit, too (the warehouse calls its limit a termination), the
limit is found as `foreign_clock` says. A reward that is one number is everybody's: each agent earns all of it.

An agent sees what the observation holds for it (a row of its own), and, where there is anything, what it holds for all:
one array as it is, several as one vector. The action mask is what is legal; the count of steps is left out.

Left out: environments of one agent, continuous actions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.adapters import After, Game, World, as_environment
from coterie.envs.foreign_options import cannot_be_made, not_installed, parameters, split_options
from coterie.envs.protocol import Environment
from coterie.errors import BadInput, nearest
from coterie.types import Array, Key

LAST = 2  # jumanji.types.StepType.LAST
MASK, COUNT = "action_mask", "step_count"


def from_jumanji(name: str, options: Mapping[str, Any]) -> Environment:
    """The Jumanji environment of this name.

    Options are its constructor's, its generator's (`--env.num-agents 3`), and those of `foreign_options.Reading`.
    Raises BadInput where it does not exist, cannot be made so, or cannot be read.
    """
    whole_name = f"jumanji:{name}"
    try:
        package = importlib.import_module("jumanji")
    except ImportError as error:
        raise not_installed("jumanji", error) from error
    known = sorted(package.registered_environments())
    if name not in known:
        raise BadInput(f"there is no environment '{name}' in jumanji{nearest(name, known)}")
    make = partial(package.make, name)
    example = _made(whole_name, make, {})
    generator = _generator_of(example)
    constructors = [type(example), *([type(generator)] if generator is not None else [])]
    reading, (given, *drawn) = split_options(whole_name, options, constructors)
    if drawn and drawn[0]:
        given["generator"] = _generator(whole_name, generator, drawn[0])
    environment = _made(whole_name, make, given) if given else example
    return as_environment(read_game(environment, whole_name, _with_one_more(make, environment, given)), reading)


def read_game(environment: Any, name: str, one_more: Any = None) -> Game:
    """An object with Jumanji's interface (an Environment of several agents) as pure functions.

    one_more: the same environment with one agent more, to tell what has a row for each agent from a board that is as
    high as there are agents; without it, whatever has N rows is taken to have one an agent.
    """
    values = getattr(environment.action_spec, "num_values", None)
    if values is None or np.ndim(values) != 1 or getattr(environment, "num_agents", 0) != len(values):
        raise BadInput(f"{name}: its actions are no row of Discrete ones, one an agent, so it cannot be read")
    actions = tuple(int(count) for count in np.asarray(values))
    agents = tuple(f"agent_{number}" for number in range(len(actions)))
    own = _own_parts(environment, one_more, len(agents))

    def world(state: Any, observation: Any) -> World:
        parts = _parts(observation)
        mask = parts.pop(MASK, None)
        parts.pop(COUNT, None)
        legal = () if mask is None else tuple(mask[agent, :count] for agent, count in enumerate(actions))
        return World(state, tuple(_seen(parts, own, agent) for agent in range(len(agents))), legal, ())

    def start(key: Key) -> World:
        state, told = environment.reset(key)
        return world(state, told.observation)

    def step(key: Key, before: World, action: Array) -> After:
        state, told = environment.step(before.state, action)
        ending = _by_agent(name, told.discount, len(agents)) == 0
        over = ending | (told.step_type == LAST)
        return After(
            world(state, told.observation), _by_agent(name, told.reward, len(agents)), over, ending, told.extras
        )

    return Game(name, agents, actions, start, step, (_high(environment),) * len(agents))


def _parts(observation: Any) -> dict[str, Any]:
    """The parts of an observation by name; a part of a part is named by both."""
    found = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(observation)[0]:
        found[".".join(str(getattr(step, "name", getattr(step, "key", step))) for step in path)] = leaf
    return found


def _own_parts(environment: Any, one_more: Any, agents: int) -> frozenset[str]:
    """The parts of the observation that have a row for each agent: as many as there are agents, also with one more."""
    shapes = [
        {part: jnp.shape(value) for part, value in _parts(one.observation_spec.generate_value()).items()}
        for one in (environment, one_more)
        if one is not None
    ]
    return frozenset(
        part for part in shapes[0] if all(known[part][:1] == (agents + more,) for more, known in enumerate(shapes))
    )


def _seen(parts: Mapping[str, Array], own: frozenset[str], agent: int) -> Array:
    """What one agent sees: the part for it as it is where there is only one, else all as one vector."""
    seen = [leaf[agent] if part in own else leaf for part, leaf in parts.items()]
    if len(seen) == 1:
        return seen[0]
    return jnp.concatenate([jnp.asarray(leaf, jnp.float32).reshape(-1) for leaf in seen])


def _high(environment: Any) -> int | None:
    """What the whole numbers that are seen go up to from 0; None where that is not known, or several parts are seen."""
    spec = environment.observation_spec
    parts = [part for part in _parts(spec.generate_value()) if part not in (MASK, COUNT)]
    if len(parts) != 1 or "." in parts[0]:
        return None
    low, high = (getattr(spec[parts[0]], bound, None) for bound in ("minimum", "maximum"))
    if low is None or high is None or not jnp.issubdtype(spec[parts[0]].dtype, jnp.integer) or np.min(low) != 0:
        return None
    return int(np.max(high))


def _by_agent(name: str, values: Array, agents: int) -> Array:
    """A number for each agent, float32[N]; one number is everybody's."""
    values = jnp.asarray(values, jnp.float32)
    if values.shape not in ((), (agents,)):
        raise BadInput(f"{name}: a reward of the shape {values.shape} is neither one number nor one an agent")
    return jnp.broadcast_to(values, (agents,))


def _made(name: str, make: Callable[..., Any], given: Mapping[str, Any]) -> Any:
    """The environment; raises BadInput where its constructor refuses."""
    try:
        return make(**given)
    except Exception as error:
        raise cannot_be_made(name, given, error) from error


def _generator_of(environment: Any) -> Any:
    """What draws an environment's start states, where it has such a thing."""
    return getattr(environment, "generator", getattr(environment, "_generator", None))


def _with_one_more(make: Callable[..., Any], environment: Any, given: Mapping[str, Any]) -> Any:
    """The same environment with one agent more; None where there is none."""
    try:
        more = _generator("", _generator_of(environment), {"num_agents": environment.num_agents + 1})
        return make(**{**given, "generator": more})
    except Exception:
        return None


def _generator(name: str, standard: Any, changes: Mapping[str, Any]) -> Any:
    """A generator of start states like the standard one, with some of its options changed."""
    options = {}
    for option in parameters(type(standard)):
        if option in changes:
            options[option] = changes[option]
        elif hasattr(standard, option) or hasattr(standard, f"_{option}"):
            options[option] = getattr(standard, option, getattr(standard, f"_{option}", None))
    return _made(f"the generator of {name}", type(standard), options)
