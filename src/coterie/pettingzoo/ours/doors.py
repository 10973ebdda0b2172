"""The doors of PettingZoo's environment modules: `env`, `raw_env` and `parallel_env`, made from an options class."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

import msgspec
import numpy as np
from pettingzoo import AECEnv

from coterie.envs.protocol import Environment
from coterie.errors import BadInput, nearest
from coterie.pettingzoo.ours.export import ParallelForm, env, parallel_env, raw_env


class Door(NamedTuple):
    """The three functions that a PettingZoo environment module has."""

    env: Callable[..., AECEnv]
    raw_env: Callable[..., AECEnv]
    parallel_env: Callable[..., ParallelForm]


def open_door(make: Callable[[Any], Environment], options_type: type) -> Door:
    """The doors `env`, `raw_env` and `parallel_env` to an environment of ours, with its options as keywords.

    `max_cycles`, as `pettingzoo.make` passes it, is another word for the option `horizon`.
    """
    make_once = functools.lru_cache(maxsize=32)(make)

    def door(form: Callable[[Environment, str | None], Any]) -> Callable[..., Any]:
        def make_form(*, render_mode: str | None = None, max_cycles: int | None = None, **options: Any) -> Any:
            return form(make_once(read_options(options_type, options, max_cycles)), render_mode)

        make_form.__name__ = make_form.__qualname__ = form.__name__
        make_form.__doc__ = f"{form.__doc__} Keywords: the fields of {options_type.__name__}, render_mode, max_cycles."
        make_form.__signature__ = signature_with(make_form, options_type)  # pyright: ignore[reportFunctionMemberAccess]
        return make_form

    return Door(door(env), door(raw_env), door(parallel_env))


def signature_with(function: Callable[..., Any], options_type: type) -> inspect.Signature:
    """The function's signature with every option named, so that `help` and editors show them."""
    own = [one for one in inspect.signature(function).parameters.values() if one.kind is one.KEYWORD_ONLY]
    named = [
        inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type)
        for field in fields(options_type)
    ]
    return inspect.Signature([*named, *own])


def read_options(options_type: type, given: Mapping[str, Any], max_cycles: int | None) -> Any:
    """The options of these keywords; BadInput names the nearest option, or what was expected instead."""
    given = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    known = [field.name for field in fields(options_type)]
    for name in given:
        if name not in known:
            raise BadInput(f"{name}: no such option{nearest(name, [*known, 'render_mode', 'max_cycles'])}")
    if max_cycles is not None:
        if given.get("horizon", max_cycles) != max_cycles:
            raise BadInput(f"max_cycles {max_cycles} and horizon {given['horizon']} are one option; give one of them")
        given["horizon"] = max_cycles
    try:
        return msgspec.convert(given, options_type)
    except msgspec.ValidationError as fault:
        what, _, where = str(fault).partition(" - at `$.")
        name = where.rstrip("`")
        raise BadInput(f"{name} {given.get(name)!r}: {what[:1].lower()}{what[1:]}") from None
