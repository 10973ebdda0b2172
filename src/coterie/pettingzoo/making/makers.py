"""From a word to what makes its environments: a source and a name, or a function in a file or module."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import pettingzoo
from pettingzoo.env_registry.exceptions import PettingZooRegistryError

from coterie.envs.sources import OBJECT, VERSION, Source, parse
from coterie.errors import BadInput, nearest
from coterie.pettingzoo.making.live import given
from coterie.yours import FAILURES, names_function, read_function, told


class Maker(NamedTuple):
    """A function that makes an environment from keywords, and the one whose signature names them."""

    make: Callable[..., Any]
    named_by: Callable[..., Any]


def find_maker(word: str) -> Maker:
    """What makes the environments of a word."""
    if (function := given(word)) is not None:
        return Maker(function, function)
    source = parse(word)
    if word.startswith(f"{OBJECT}:"):
        raise BadInput(
            f"{word} was given in Python, and is not here; give it again: coterie.resume(run, environment=make_env)"
        )
    if source is None:
        function = read_function(word) if names_function(word) else _of_module(word)
        return Maker(function, function)
    makers: Mapping[str, Callable[[Source], Maker]] = {
        "pettingzoo": _registered,
        "mpe2": _of_mpe2,
        "magent2": _of_magent2,
        "lbforaging": _of_gymnasium,
        "rware": _of_gymnasium,
    }
    if source.source not in makers:
        raise BadInput(f"{source}: {source.source} has no PettingZoo environments; those have {', '.join(makers)}")
    return makers[source.source](source)


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
    """An environment of PettingZoo's registry, parallel where it can be, else in turns.

    Without a version it is the newest.
    """
    forms: tuple[Any, ...] = ("parallel", "aec")
    for form in forms:
        try:
            found = pettingzoo.spec(form, source.name)
        except PettingZooRegistryError:
            continue
        place = str(found.entry_point).partition(":")[0]
        module = _imported(str(source), place, f"pettingzoo[{found.namespace}]")
        make = partial(pettingzoo.make, form, found.id)
        return Maker(make, getattr(module, "raw_env", getattr(module, f"{form}_env", make)))
    known = sorted({*pettingzoo.parallel_registry, *pettingzoo.aec_registry})
    if source.name.startswith("mpe/"):
        raise BadInput(f"PettingZoo has no '{source.name}' any more; did you mean 'mpe2:{source.name[4:]}'?")
    raise BadInput(f"PettingZoo has no environment '{source.name}'{nearest(source.name, known)}")


def _of_mpe2(source: Source) -> Maker:
    """An environment of mpe2, by its module's `parallel_env`; without a version, the newest."""
    module = _versioned(source, "mpe2", "coterie[mpe]")
    return Maker(module.parallel_env, module.raw_env)


def _of_magent2(source: Source) -> Maker:
    """An environment of MAgent2, by its module's `parallel_env`; without a version, the newest."""
    module = _versioned(source, "magent2.environments", "coterie[magent]")
    return Maker(module.parallel_env, module.parallel_env)


def _of_gymnasium(source: Source) -> Maker:
    """An environment that its package registers with gymnasium, its agents side by side in tuples."""
    extra = {"lbforaging": "foraging", "rware": "rware"}[source.source]
    _imported(str(source), source.source, f"coterie[{extra}]")
    own = [name for name, spec in gymnasium.registry.items() if str(spec.entry_point).startswith(f"{source.source}.")]
    versions = [name for name in own if VERSION.sub("", name) == source.name]
    name = max(versions, key=lambda one: int(one.rpartition("v")[2]), default=source.name)
    if name not in own:
        raise BadInput(f"{source.source} has no environment '{source.name}'{nearest(source.name, own)}")
    entry = gymnasium.spec(name).entry_point
    named_by = entry if callable(entry) else _entry(str(entry))
    return Maker(partial(gymnasium.make, name, disable_env_checker=True), named_by)


def _entry(place: str) -> Callable[..., Any]:
    """The class or function that `module:name` means in a registry."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def _versioned(source: Source, package_name: str, extra: str) -> Any:
    """The module of a package that has one an environment, its name ending in a version."""
    package = _imported(str(source), package_name, extra)
    known = sorted(one.name for one in pkgutil.iter_modules(package.__path__) if VERSION.search(one.name))
    versions = [one for one in known if VERSION.sub("", one) == source.name]
    name = max(versions, key=lambda one: int(one.rpartition("v")[2]), default=source.name)
    if name not in known:
        raise BadInput(f"{source.source} has no environment '{source.name}'{nearest(source.name, known)}")
    return _imported(str(source), f"{package_name}.{name}", extra)


def _imported(word: str, module: str, package: str) -> Any:
    """A module; BadInput names the package that it needs and that is not there."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"{word} needs a package that is not installed ({error}): pip install '{package}'") from error
