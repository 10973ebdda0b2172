"""What environments from elsewhere are called, in messages, in the names of files and in commands."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from coterie.envs import catalogue, sources
from coterie.errors import BadInput
from coterie.pettingzoo.reading.spaces import chosen

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def check_word(word: str) -> None:
    """Raises BadInput where a word is not that of a PettingZoo environment."""
    if ":" not in word:
        catalogue.find(word)
        raise BadInput(
            f"{word} is one of ours and is watched on its boards: coterie watch {word} --policy random; its PettingZoo "
            f"form is called pettingzoo:coterie/{word}"
        )
    source = sources.parse(word)
    if source is not None and source.source in sources.JAX_SOURCES:
        raise BadInput(
            f"{word} runs inside the program that learns in it, so nobody else can play there; train, and look at the "
            f"run: coterie train {word}"
        )


def same_word(one: str, other: str) -> bool:
    """Whether two words name the same environment."""
    return ":" in one and (one == other or str(sources.parse(one)) == str(sources.parse(other)) != "None")


def name_of(environment: Any) -> str:
    """What an environment, or what makes it, is called."""
    if isinstance(environment, type) or not hasattr(environment, "reset"):
        return getattr(environment, "__name__", type(environment).__name__)
    named = (getattr(environment, "metadata", None) or {}).get("name")
    return str(named or type(getattr(environment, "unwrapped", environment)).__name__)


def short(word: str) -> str:
    """The part of a word that a file can be called by.

    >>> short("pettingzoo:butterfly/pistonball_v6"), short("./my rule.py:act"), short("my.worlds:make_env")
    ('pistonball_v6', 'my-rule', 'worlds')
    """
    place, _, name = word.rpartition(":")
    if place.endswith(".py"):
        word = Path(place).stem
    elif place and place not in sources.SOURCES:
        word = place.rpartition(".")[2]
    else:
        word = name.rpartition("/")[2]
    return UNSAFE.sub("-", word).strip("-.") or "environment"


def train_command(word: str, environment: Any, options: Mapping[str, Any]) -> str:
    """The command that trains in an environment; empty where nobody can learn what its agents do."""
    given = {name: value for name, value in options.items() if name != "render_mode"}
    try:
        for agent in getattr(environment, "possible_agents", None) or ():
            chosen(environment.action_space(agent), agent, environment)
    except BadInput:
        return ""
    return " ".join(["coterie train", shlex.quote(word), *env_words(given)])


def env_words(options: Mapping[str, Any]) -> list[str]:
    """Options of an environment as words of a command."""
    told = {
        name: value if isinstance(value, str) else json.dumps(value, default=str) for name, value in options.items()
    }
    return [f"--env.{name.replace('_', '-')} {shlex.quote(value)}" for name, value in told.items()]
