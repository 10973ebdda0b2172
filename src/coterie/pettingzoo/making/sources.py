"""From a word to environments that can be driven: made with their options, drawn where agents see pictures."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import gymnasium
import numpy as np
import pettingzoo
from pettingzoo.utils.conversions import aec_to_parallel

from coterie.errors import BadInput, nearest
from coterie.pettingzoo.driving.drive import Drive
from coterie.pettingzoo.forms.anew import anew, leaks
from coterie.pettingzoo.forms.parallel import Reads, Success
from coterie.pettingzoo.forms.rules import rule_of, with_rules
from coterie.pettingzoo.forms.tuples import TupleForm, in_tuples
from coterie.pettingzoo.making.live import check_reach
from coterie.pettingzoo.making.makers import Maker, find_maker
from coterie.pettingzoo.workers.worker import drive, made, several
from coterie.pettingzoo.workers.workers import Workers
from coterie.settings import PictureOptions
from coterie.yours import told

NEEDED = ("reset", "step", "observation_space", "action_space", "close")
PICTURE_AXES = 2


def make_worlds(
    word: str,
    options: Mapping[str, Any] | None = None,
    environments: int = 1,
    workers: int = 0,
    success: Success | None = None,
    team: Sequence[int] | None = None,
    central: bool = True,
    slots: int = 0,
    picture: PictureOptions | None = None,
    on_restart: Callable[[str], None] | None = None,
    rules: Mapping[str, str] | None = None,
    again: bool | None = None,
) -> Drive | Workers:
    """The worlds of the worker road: E environments in this process (workers 0) or in so many others.

    Options are keywords of whatever makes the environment. Not `central`: no central state is asked for, where no
    mixer or critic reads it. With workers, `success` must be found by name in a module. slots: places a kind, where
    agents come and go; 0: as many as random play needs. picture: how pictures are shown; None: as they are. on_restart:
    see Workers. rules: agents that act by a rule of the user's, by their names in print: {"agent_0": "./rule.py:act"}.
    again: each episode in an environment that is made anew; None: they are looked at for the first time, the user's
    files are read anew, and a trial shows whether episodes leak (see anew.py).
    """
    if again is None:
        for kept in (kept_maker, rule_of):
            kept.cache_clear()
    check_reach(word, workers)
    given, reads = dict(options or {}), Reads(team, success, central, slots, picture)
    again = leaks(partial(make_another, word, given, {})) if again is None else again
    make = partial(make_another, word, given, dict(rules or {}))
    make = partial(anew, make) if again else make
    if workers:
        return Workers(make, environments, workers, reads, on_restart=on_restart)
    return drive(several(make, environments), reads)


def make_env(word: str, options: Mapping[str, Any] | None = None) -> Any:
    """One environment, parallel or in turns (an AECEnv); BadInput where the word, a package or an option is wrong."""
    return build(word, find_maker(word), options or {})


def make_another(word: str, options: Mapping[str, Any], rules: Mapping[str, str]) -> Any:
    """`make_env`, by the function that this process has found already; some agents act by rules."""
    return with_rules(build(word, kept_maker(word), options), rules)


@lru_cache(maxsize=1)
def kept_maker(word: str) -> Maker:
    """`find_maker`, which runs the user's file, once for all environments of a process."""
    return find_maker(word)


def build(word: str, maker: Maker, options: Mapping[str, Any]) -> Any:
    """Make an environment; where its agents see pictures, one that draws them.

    Without a render mode some environments show their agents the picture of the reset for ever, or a black one.
    """
    given = read_options(word, maker.named_by, options)
    environment = as_driven(word, made(partial(called, word, maker.make, given)))
    draws = "rgb_array" in (getattr(environment, "metadata", None) or {}).get("render_modes", ())
    asked = "render_mode" in given or not takes(maker.named_by, "render_mode")
    if draws and not asked and sees_pictures(environment):
        environment.close()
        environment = as_driven(word, made(partial(called, word, maker.make, {**given, "render_mode": "rgb_array"})))
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


def as_driven(word: str, environment: Any) -> Any:
    """The environment in the form that it is driven in: parallel where it has that form, else in turns."""
    if isinstance(environment, pettingzoo.AECEnv):
        parallel = (getattr(environment, "metadata", None) or {}).get("is_parallelizable")
        return aec_to_parallel(environment) if parallel else environment
    if in_tuples(environment):
        return TupleForm(environment, word)
    if isinstance(environment, gymnasium.Env):
        raise BadInput(
            f"{word} is a gymnasium environment of one agent ({type(environment.unwrapped).__name__}); expected a "
            "PettingZoo environment, or one with tuples of actions and observations"
        )
    if not (isinstance(environment, pettingzoo.ParallelEnv) or all(map(partial(hasattr, environment), NEEDED))):
        raise BadInput(
            f"{word} made a {type(environment).__name__}; expected a PettingZoo ParallelEnv or AECEnv, or a gymnasium "
            "environment with a tuple of actions"
        )
    return environment


def sees_pictures(environment: Any) -> bool:
    """Whether some agent observes a picture of bytes."""
    spaces = map(environment.observation_space, getattr(environment, "possible_agents", None) or ())
    return any(space.dtype == np.uint8 and len(space.shape or ()) >= PICTURE_AXES for space in spaces)


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has a keyword of this name, or takes any."""
    parameters = inspect.signature(function).parameters
    return name in parameters or any(one.kind is one.VAR_KEYWORD for one in parameters.values())


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
