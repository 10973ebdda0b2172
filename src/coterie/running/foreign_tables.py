"""The exact table of an environment from elsewhere: made by playing it, kept, and believed again only if it agrees."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from coterie.envs.sources import OBJECT
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running.kept import keep, kept
from coterie.running.recorder import stem_of

OWN_WORDS = ("team", "success", "horizon")  # what is asked of the table, where the environment has no such option
BELIEVED: dict[Any, FiniteGame] = {}  # the last table that was made or found to agree in this process
KNOWN = ("pettingzoo.utils", "gymnasium.", "numpy.", "coterie.")
PACKAGES = ("pettingzoo", "gymnasium", "numpy")


class Asked(NamedTuple):
    """What is asked of a table, beside the environment's own options."""

    team: list[int] | None = None
    success: str = ""
    horizon: int = 0


def foreign_game(
    word: str,
    options: Mapping[str, Any] | None = None,
    on_making: Callable[[], None] | None = None,
    on_states: Callable[[int], None] | None = None,
) -> FiniteGame:
    """The table of a PettingZoo environment by its word; `on_making` is called where it is not kept, or no more true.

    What is kept goes by the word, the options, the versions of packages and the source files that are loaded beside
    the environment's own; and a kept table is believed only if the environment's episodes are ways through it. What was
    given as it is, in Python, is kept for this process alone.
    """
    from coterie.pettingzoo.making.makers import find_maker
    from coterie.pettingzoo.making.sources import build
    from coterie.pettingzoo.tables.agreeing import agrees
    from coterie.pettingzoo.tables.tabulate import tabulate

    maker = find_maker(word)
    own, asked = split_options(options or {}, maker.named_by)
    environment = build(word, maker, own)
    name = f"{stem_of(word)[-60:]}-{fingerprint(word, options or {}, environment)}"
    given = word.startswith(f"{OBJECT}:")  # in Python as it is: nobody knows what another of its word would be
    believed = (name, maker.make if given else None)
    if believed in BELIEVED:
        environment.close()
        return BELIEVED[believed]
    found = None if given else kept(name)
    if found is None or not agrees(found, environment, asked.success):
        if on_making:
            on_making()
        environment.close()
        found = tabulate(build(word, maker, own), word, **asked._asdict(), on_states=on_states)
        if not given:
            keep(name, found)
    BELIEVED.clear()
    BELIEVED[believed] = found
    return found


def split_options(options: Mapping[str, Any], function: Callable[..., Any]) -> tuple[dict[str, Any], Asked]:
    """An environment's own options, and what is asked of its table."""
    named = inspect.signature(function).parameters
    own = {name: value for name, value in options.items() if name not in OWN_WORDS or name in named}
    rest = {name: value for name, value in options.items() if name not in own}
    team, horizon = rest.get("team"), rest.get("horizon", 0)
    try:
        numbers = team if isinstance(team, list) else str(team).split(",") if team is not None else None
        team = None if numbers is None else [int(number) for number in numbers]
    except (TypeError, ValueError):
        raise BadInput(f"--env.team {team}: expected a team number for each agent, like 0,0,1") from None
    if isinstance(horizon, bool) or not isinstance(horizon, int) or horizon < 0:
        raise BadInput(f"--env.horizon {horizon}: expected a number of steps, or 0 for the environment's own limit")
    return own, Asked(team, str(rest.get("success", "")), horizon)


def fingerprint(word: str, options: Mapping[str, Any], environment: Any) -> str:
    """A hash of all that a table follows from, as far as it can be seen."""
    digest = hashlib.sha256(f"{word} {sorted(options.items())!r}".encode())
    for package in PACKAGES:
        digest.update(f"{package} {getattr(sys.modules.get(package), '__version__', '')}".encode())
    own = [one for folder in ("pettingzoo", "finite") for one in files("coterie").joinpath(folder).iterdir()]
    for source in sorted(own, key=lambda one: one.name):
        if source.name.endswith(".py"):
            digest.update(source.name.encode() + source.read_bytes())
    for path in sources_of(environment):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:24]


def sources_of(environment: Any) -> list[Path]:
    """The files of the environment's classes, and those loaded from the folders of these."""
    raw = getattr(environment, "unwrapped", environment)
    loaded = {Path(file) for one in list(sys.modules.values()) if (file := getattr(one, "__file__", None))}
    found: set[Path] = set()
    for kind in type(raw).__mro__:
        file = getattr(sys.modules.get(kind.__module__), "__file__", None)
        if file is None or kind.__module__.partition(".")[0] in sys.stdlib_module_names:
            continue
        if kind.__module__.startswith(KNOWN):  # their versions, and our own source, are hashed apart
            continue
        home = Path(file).parent
        beside = () if home.name == "site-packages" else (one for one in loaded if one.parent == home)
        found |= {Path(file), *beside}
    return sorted(path for path in found if path.suffix == ".py" and path.is_file())
