"""The exact table of a named environment, from the disk cache or made anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from coterie.envs import catalogue
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running.kept import cache_folder, keep, kept

__all__ = ["PAIRS_CAP", "SIGHTS_CAP", "WORK_CAP", "cache_folder", "exact_game"]

PAIRS_CAP = 4_000_000  # tabulate's own
SIGHTS_CAP = 50_000_000  # numbers seen in all states
WORK_CAP = 10**9  # joint steps times edges: about ten seconds for the optimum


def exact_game(name: str, options: Any, on_making: Callable[[], None] | None = None) -> FiniteGame:
    """The table of an environment; the second time it comes from the cache, and JAX is not even imported.

    The key is a hash of the environments' source and of the options, in which the content of a file has taken the
    place of its name; a change of any makes a new table. A cache that cannot be read or written costs time, never the
    result. `on_making` is called where the table is not in the cache, which takes seconds. A game that is written down
    as a table is read, not cached. A name with a colon is an environment from elsewhere, which is played to be written
    down. Raises BadInput for a game too large or too long.
    """
    if ":" in name:
        from coterie.running.foreign_tables import foreign_game

        return _affordable(foreign_game(name, options, on_making))
    entry = catalogue.find(name)
    options = entry.resolve(options)
    entry.check(options)
    if entry.table:
        return _affordable(entry.table(options))
    pairs, sights = entry.size(options)
    if pairs > PAIRS_CAP:
        raise BadInput(
            f"this {name} is too large for an exact table: {pairs:,} pairs of a state and a joint action, where "
            f"{PAIRS_CAP:,} are the limit; use fewer agents or a smaller environment"
        )
    if sights > SIGHTS_CAP:
        raise BadInput(
            f"what agents see in this {name} is too large for an exact table: {sights:,} numbers in all states, where "
            f"{SIGHTS_CAP:,} are the limit; let them see less, or use a smaller environment"
        )
    return _affordable(_cached(name, options, on_making))


def _affordable(game: FiniteGame) -> FiniteGame:
    """The game itself; raises BadInput where its time limit would take too long."""
    work = game.horizon * len(game.probability)
    if work > WORK_CAP:
        raise BadInput(
            f"--env.horizon {game.horizon}: so many steps on a table of {len(game.probability):,} edges take too long; "
            f"use at most {WORK_CAP // len(game.probability):,}"
        )
    return game


def _cached(name: str, options: Any, on_making: Callable[[], None] | None) -> FiniteGame:
    place = f"{name}-{_fingerprint(name, options)}"
    if (game := kept(place)) is not None:
        return game
    if on_making:
        on_making()
    from coterie.envs.tabulate import tabulate

    game = tabulate(catalogue.make(name, options))
    keep(place, game)
    return game


def _fingerprint(name: str, options: Any) -> str:
    digest = hashlib.sha256(f"{name} {options!r}".encode())
    for folder in ("envs", "finite"):
        for source in sorted(files("coterie").joinpath(folder).iterdir(), key=lambda entry: entry.name):
            if source.name.endswith(".py"):
                digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()[:24]
