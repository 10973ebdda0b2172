"""JaxMARL's environments (FLAIROx/JaxMARL) as ours: `jaxmarl:MPE_simple_spread_v3`, `jaxmarl:SMAX`, and the like.

`step_env` is stepped, which does not reset, so that the true successor is what is seen. JaxMARL says with one flag that
an episode is over; which of it is a time limit is found as `foreign_clock` says. Its particle worlds (MPE) end by their
limit only, so none of their endings is a true one; `max_steps` 25 makes episodes of 26 steps there.

Left out: environments with continuous actions, and observations that are dictionaries.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jax.numpy as jnp

from coterie.envs.adapters import After, Game, World, as_environment, plain
from coterie.envs.foreign_options import cannot_be_made, not_installed, split_options
from coterie.envs.protocol import Environment
from coterie.errors import BadInput, nearest
from coterie.types import Array, Key

EVERYBODY = "__all__"
CENTRAL = "world_state"
# The particle worlds by their class, for these can be imported alone: `import jaxmarl` builds everything it has, which
# takes 6 to 7 seconds, 5 to 6 more than these.
PARTICLE_WORLDS = {
    "MPE_simple_v3": "SimpleMPE",
    "MPE_simple_adversary_v3": "SimpleAdversaryMPE",
    "MPE_simple_crypto_v3": "SimpleCryptoMPE",
    "MPE_simple_push_v3": "SimplePushMPE",
    "MPE_simple_reference_v3": "SimpleReferenceMPE",
    "MPE_simple_speaker_listener_v4": "SimpleSpeakerListenerMPE",
    "MPE_simple_spread_v3": "SimpleSpreadMPE",
    "MPE_simple_tag_v3": "SimpleTagMPE",
    "MPE_simple_world_comm_v3": "SimpleWorldCommMPE",
}
PACKAGES = ("jaxmarl", "jaxmarl.environments")
# Options whose words stand for things of JaxMARL's: the module and the table or function that knows them.
NAMED_THINGS = {
    "scenario": ("jaxmarl.environments.smax.smax_env", "MAP_NAME_TO_SCENARIO"),
    "layout": ("jaxmarl.environments.overcooked", "overcooked_layouts"),
}


def from_jaxmarl(name: str, options: Mapping[str, Any]) -> Environment:
    """The JaxMARL environment of this name; options are its constructor's, and those of `foreign_options.Reading`.

    Raises BadInput where it does not exist, cannot be made so, or cannot be read.
    """
    whole_name = f"jaxmarl:{name}"
    make, constructors = _find(name) if not options or name in PARTICLE_WORLDS else _look_inside(name)
    reading, parts = split_options(whole_name, options, constructors)
    given = {option: _named(option, value) for part in parts for option, value in part.items()}
    try:
        with _silence():
            environment = make(**given)
    except Exception as error:
        raise cannot_be_made(whole_name, given, error) from error
    return as_environment(read_game(environment, whole_name), reading)


def read_game(environment: Any, name: str) -> Game:
    """An object with JaxMARL's interface (a MultiAgentEnv) as pure functions.

    Agents stand in the order of its `agents`. What mixers see is its `get_world_state`, or its observation
    "world_state"; what is allowed is its `get_avail_actions`, or `get_legal_moves`.
    """
    agents = tuple(environment.agents)
    actions = tuple(_actions(name, agent, environment.action_space(agent)) for agent in agents)
    legal_in = _legal(environment)
    central_of = getattr(environment, "get_world_state", None)

    def world(state: Any, obs: Mapping[str, Any]) -> World:
        seen = tuple(plain(name, agent, obs[agent]) for agent in agents)
        legal = legal_in(state) if legal_in is not None else {}
        central = obs.get(CENTRAL, ()) if central_of is None else central_of(state)
        return World(state, seen, tuple(legal[agent] for agent in agents if legal), central)

    def start(key: Key) -> World:
        obs, state = environment.reset(key)
        return world(state, obs)

    def step(key: Key, before: World, action: Array) -> After:
        chosen = {agent: action[number] for number, agent in enumerate(agents)}
        obs, state, reward, over, told = environment.step_env(key, before.state, chosen)
        by_agent = jnp.stack([jnp.asarray(over[agent], bool).reshape(()) for agent in agents]) | over[EVERYBODY]
        earned = jnp.stack([jnp.asarray(reward[agent], jnp.float32).reshape(()) for agent in agents])
        return After(world(state, obs), earned, by_agent, by_agent, told)

    return Game(name, agents, actions, start, step, (None,) * len(agents))


def _actions(name: str, agent: str, space: Any) -> int:
    """How many actions an agent has."""
    if not hasattr(space, "n"):
        raise BadInput(f"{name}: agent '{agent}' has {type(space).__name__} actions; only Discrete ones can be used")
    return int(space.n)


def _legal(environment: Any) -> Callable[[Any], Mapping[str, Array]] | None:
    """The function from a state to the legal actions of all agents; None where every action is always legal."""
    legal = getattr(environment, "get_legal_moves", None)
    if legal is not None:
        return legal
    legal = getattr(environment, "get_avail_actions", None)
    if legal is None or getattr(type(environment).get_avail_actions, "__module__", "").endswith("multi_agent_env"):
        return None
    return legal


# The package


def _find(name: str) -> tuple[Callable[..., Any], list[Callable[..., Any]]]:
    """What makes an environment, and whose options it takes."""
    if name in PARTICLE_WORLDS:
        worlds = "jaxmarl.environments.mpe"
        found = getattr((_import if "jaxmarl" in sys.modules else _import_alone)(worlds), PARTICLE_WORLDS[name], None)
        if found is not None:
            return found, [found]
    package = _import("jaxmarl")
    if name not in package.registered_envs:
        raise BadInput(f"there is no environment '{name}' in jaxmarl{nearest(name, package.registered_envs)}")
    return lambda **given: package.make(name, **given), []


def _look_inside(name: str) -> tuple[Callable[..., Any], list[Callable[..., Any]]]:
    """As `_find`; JaxMARL names no classes, so one environment is made to see whose options it takes."""
    make, _ = _find(name)
    try:
        with _silence():
            example = make()
    except Exception as error:
        raise cannot_be_made(f"jaxmarl:{name}", {}, error) from error
    inner = vars(example).get("_env")
    return make, [type(example), *([type(inner)] if inner is not None else [])]


def _named(option: str, value: Any) -> Any:
    """The thing that a word stands for, where an option wants a thing of JaxMARL's and not the word."""
    if option not in NAMED_THINGS or not isinstance(value, str):
        return value
    module, table = NAMED_THINGS[option]
    known = getattr(_import(module), table)
    if value not in known:
        raise BadInput(f"--env.{option} {value}: there is no such {option}{nearest(value, known)}")
    return known[value]


def _import(module: str) -> ModuleType:
    """A module of JaxMARL's, without what it prints."""
    try:
        with _silence():
            return importlib.import_module(module)
    except ImportError as error:
        raise not_installed("jaxmarl", error) from error


def _import_alone(module: str) -> ModuleType:
    """A module of JaxMARL's without the rest of JaxMARL, which is left as if it had never been imported."""
    try:
        found = importlib.util.find_spec("jaxmarl")
    except ValueError:
        found = None
    if found is None or not found.submodule_search_locations:
        return _import("jaxmarl")  # says what is wrong
    root = Path(found.submodule_search_locations[0])
    before = set(sys.modules)
    try:
        for package in PACKAGES:
            empty = ModuleType(package)
            empty.__path__ = [str(root.joinpath(*package.split(".")[1:]))]
            sys.modules[package] = empty
        return _import(module)
    finally:
        for loaded in [one for one in sys.modules if one.split(".")[0] == "jaxmarl" and one not in before]:
            del sys.modules[loaded]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """JaxMARL prints while it is imported and made; only the command prints here.

    Its import also puts Python's first output in place of the present one, so that one is exchanged, too.
    """
    outputs = ("stdout", "stderr", "__stdout__")
    before = [getattr(sys, name) for name in outputs]
    sys.stdout = nowhere = io.StringIO()
    setattr(sys, "__stdout__", nowhere)  # noqa: B010 - a type checker holds it to be fixed
    try:
        yield
    finally:
        for name, output in zip(outputs, before, strict=True):
            setattr(sys, name, output)
