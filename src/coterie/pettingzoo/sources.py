"""From a word to parallel PettingZoo environments: a source and a name, or a function in a file or module."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import pettingzoo
from pettingzoo.env_registry.exceptions import PettingZooRegistryError
from pettingzoo.utils.conversions import aec_to_parallel

from coterie.envs.sources import VERSION, Source, parse
from coterie.errors import BadInput, nearest
from coterie.pettingzoo.drive import Drive
from coterie.pettingzoo.parallel import Success, parallel
from coterie.pettingzoo.worker import made
from coterie.pettingzoo.workers import Workers
from coterie.yours import FAILURES, read_function, told

PARALLEL_SOURCES = ("pettingzoo", "mpe2")
NEEDED = ("reset", "step", "observation_space", "action_space", "close")
PICTURE_AXES = 2


class Maker(NamedTuple):
    """A function that makes an environment from keywords, and the one whose signature names them."""

    make: Callable[..., Any]
    named_by: Callable[..., Any]


def make_worlds(
    word: str,
    options: Mapping[str, Any] | None = None,
    environments: int = 1,
    workers: int = 0,
    success: Success | None = None,
    team: Sequence[int] | None = None,
    central: bool = True,
) -> Drive | Workers:
    """The worlds of the worker road: E environments in this process (workers 0) or in so many others.

    Options are keywords of whatever makes the environment. Not `central`: no central state is asked for, where no
    mixer or critic reads it. With workers, `success` must be found by name in a module.
    """
    kept_maker.cache_clear()  # what is in the user's file now
    make = partial(make_another, word, dict(options or {}))
    if workers:
        return Workers(make, environments, workers, team=team, success=success, central=central)
    return parallel([make() for _ in range(environments)], team=team, success=success, central=central)


def make_env(word: str, options: Mapping[str, Any] | None = None) -> Any:
    """One parallel environment; BadInput where the word, a package or an option is wrong."""
    return build(word, find_maker(word), options or {})


def make_another(word: str, options: Mapping[str, Any]) -> Any:
    """`make_env`, by the function that this process has found already."""
    return build(word, kept_maker(word), options)


@lru_cache(maxsize=1)
def kept_maker(word: str) -> Maker:
    """`find_maker`, which runs the user's file, once for all environments of a process."""
    return find_maker(word)


def find_maker(word: str) -> Maker:
    """What makes the environments of a word."""
    source = parse(word)
    if source is None:
        function = read_function(word) if ".py:" in word else _of_module(word)
        return Maker(function, function)
    if source.source == "pettingzoo":
        return _registered(source)
    if source.source == "mpe2":
        return _of_mpe2(source)
    raise BadInput(
        f"{source}: only {' and '.join(PARALLEL_SOURCES)} have parallel PettingZoo environments that can be taken; "
        "wrap it in a function of yours, like ./mine.py:make_env"
    )


def build(word: str, maker: Maker, options: Mapping[str, Any]) -> Any:
    """Make an environment; where its agents see pictures, one that draws them.

    Without a render mode some environments show their agents the picture of the reset for ever, or a black one.
    """
    given = read_options(word, maker.named_by, options)
    environment = as_parallel(word, made(partial(called, word, maker.make, given)))
    draws = "rgb_array" in (getattr(environment, "metadata", None) or {}).get("render_modes", ())
    if draws and "render_mode" not in given and sees_pictures(environment):
        environment.close()
        environment = as_parallel(word, made(partial(called, word, maker.make, {**given, "render_mode": "rgb_array"})))
    return environment


def called(word: str, make: Callable[..., Any], options: Mapping[str, Any]) -> Any:
    """What a maker makes; a keyword or a package that it lacks is the user's to mend."""
    try:
        return make(**options)
    except ImportError as error:
        raise BadInput(f"{word} needs a package that is not installed: {told(error)}") from error
    except TypeError as error:
        if "unexpected keyword argument" in str(error):
            raise BadInput(f"{word}: {' '.join(str(error).split())}") from error
        raise


def as_parallel(word: str, environment: Any) -> Any:
    """The environment in its parallel form; BadInput where it has none."""
    if isinstance(environment, pettingzoo.AECEnv):
        if not (getattr(environment, "metadata", None) or {}).get("is_parallelizable"):
            raise BadInput(f"{word}: its agents move in turn, so it has no parallel form")
        return aec_to_parallel(environment)
    if not (isinstance(environment, pettingzoo.ParallelEnv) or all(map(partial(hasattr, environment), NEEDED))):
        raise BadInput(f"{word} made a {type(environment).__name__}; expected a PettingZoo ParallelEnv")
    return environment


def sees_pictures(environment: Any) -> bool:
    """Whether some agent observes a picture of bytes."""
    spaces = map(environment.observation_space, getattr(environment, "possible_agents", None) or ())
    return any(space.dtype == np.uint8 and len(space.shape or ()) >= PICTURE_AXES for space in spaces)


def read_options(word: str, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as keywords of a function: words become numbers and truths, unless the default is a word itself."""
    parameters = inspect.signature(function).parameters.values()
    named = {one.name: one for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)}
    anything = any(one.kind is one.VAR_KEYWORD for one in parameters)
    given = {}
    for name, value in options.items():
        name = name.replace("-", "_") if name not in named else name
        if name not in named and not anything:
            raise BadInput(f"{word} has no option '{name}'{nearest(name, named) or '; it has none'}")
        words = name in named and isinstance(named[name].default, str)
        given[name] = value if words or not isinstance(value, str) else _plain_value(value)
    return given


def _plain_value(text: str) -> Any:
    """`8`, `0.5`, `true`, `[1, 2]` as what they say; other words as they are."""
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except ValueError:
        return text


def _of_module(word: str) -> Callable[..., Any]:
    """The function that `package.module:name` means."""
    place, _, name = word.rpartition(":")
    if not place or not name.isidentifier():
        raise BadInput(f"'{word}': expected source:name, ./file.py:make_env or package.module:make_env")
    try:
        module = importlib.import_module(place)
    except FAILURES as error:
        raise BadInput(f"{place} cannot be loaded: {told(error)}") from error
    if not callable(getattr(module, name, None)):
        names = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        raise BadInput(f"{place} has no function '{name}'{nearest(name, names) or '; it has none'}")
    return getattr(module, name)


def _registered(source: Source) -> Maker:
    """An environment of PettingZoo's registry, by `pettingzoo.make`; without a version, the newest."""
    try:
        found = pettingzoo.spec("parallel", source.name)
    except PettingZooRegistryError:
        known = list(pettingzoo.parallel_registry)
        raise BadInput(f"PettingZoo has no parallel environment '{source.name}'{nearest(source.name, known)}") from None
    place = str(found.entry_point).partition(":")[0]
    module = _imported(str(source), place, f"pettingzoo[{found.namespace}]")
    make = partial(pettingzoo.make, "parallel", found.id)
    return Maker(make, getattr(module, "raw_env", getattr(module, "parallel_env", make)))


def _of_mpe2(source: Source) -> Maker:
    """An environment of mpe2, by its module's `parallel_env`; without a version, the newest."""
    package = _imported(str(source), "mpe2", "coterie[mpe]")
    known = sorted(one.name for one in pkgutil.iter_modules(package.__path__) if VERSION.search(one.name))
    versions = [one for one in known if VERSION.sub("", one) == source.name]
    name = max(versions, key=lambda one: int(one.rpartition("v")[2]), default=source.name)
    if name not in known:
        raise BadInput(f"mpe2 has no environment '{source.name}'{nearest(source.name, known)}")
    module = _imported(str(source), f"mpe2.{name}", "coterie[mpe]")
    return Maker(module.parallel_env, module.raw_env)


def _imported(word: str, module: str, package: str) -> Any:
    """A module; BadInput names the package that it needs and that is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"{word} needs a package that is not installed ({error}): pip install '{package}'") from error
