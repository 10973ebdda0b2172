"""Exact tables by name: cached by source and options, and refused at once where they would be too large."""

import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from coterie.envs import grids, tabulate
from coterie.errors import BadInput
from coterie.running import tables
from coterie.running.tables import exact_game
from coterie.settings import ClimbingOptions, RendezvousOptions

SMALL = RendezvousOptions(map="A.#/..B", horizon=4)


def same(one, other) -> bool:
    return all(
        np.array_equal(a, b) if isinstance(a, np.ndarray) else repr(a) == repr(b)
        for a, b in zip(one, other, strict=True)
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("COTERIE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tables"


@pytest.fixture
def no_tabulate(monkeypatch):
    def refuse(environment):
        raise AssertionError("the table was made anew")

    return lambda: monkeypatch.setattr(tabulate, "tabulate", refuse)


def test_the_second_time_comes_from_the_cache(cache, no_tabulate):
    made = exact_game("rendezvous", SMALL)
    assert len(list(cache.iterdir())) == 1
    no_tabulate()
    assert same(exact_game("rendezvous", SMALL), made)


def test_other_options_and_other_source_are_other_tables(monkeypatch, tmp_path):
    names = {tables._fingerprint("rendezvous", SMALL), tables._fingerprint("rendezvous", RendezvousOptions())}
    assert len(names) == 2
    assert tables._fingerprint("rendezvous", RendezvousOptions(map="A.#/..B", horizon=4)) in names
    copied = tmp_path / "coterie"
    for folder in ("envs", "finite"):
        shutil.copytree(str(files("coterie") / folder), copied / folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(tables, "files", lambda package: copied)
    assert tables._fingerprint("rendezvous", SMALL) in names
    with (copied / "envs" / "rendezvous.py").open("a") as source:
        source.write("# changed\n")
    assert tables._fingerprint("rendezvous", SMALL) not in names


def test_a_damaged_table_is_made_anew(cache):
    made = exact_game("climbing", ClimbingOptions())
    (place,) = cache.iterdir()
    whole = place.read_bytes()
    flipped = bytearray(whole)
    flipped[-1] ^= 1  # still a table that fits together, and no longer this one
    for damaged in (b"", whole[:-8], b"\x00" * 100, bytes(flipped)):
        place.write_bytes(damaged)
        assert same(exact_game("climbing", ClimbingOptions()), made)
        assert place.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COTERIE_CACHE", str(tmp_path / "file"))
    assert exact_game("climbing", ClimbingOptions()).name == "climbing"


def test_where_tables_are_kept(monkeypatch):
    monkeypatch.setenv("COTERIE_CACHE", "/a")
    assert tables.cache_folder() == Path("/a")
    monkeypatch.delenv("COTERIE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/b")
    assert tables.cache_folder() == Path("/b/coterie")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/c")
    assert tables.cache_folder() == Path("/c/.cache/coterie")


@pytest.mark.parametrize(
    "options",
    [
        SMALL,
        RendezvousOptions(size=3, stay=True, observation="window", window=2),
        RendezvousOptions(map="A#./B#./.#.", starts="fixed"),
        RendezvousOptions(map="..#/..#", starts="random", agents=3, observation="all"),
    ],
    ids=["corner", "stay", "a part that nobody reaches", "three"],
)
def test_the_bound_on_a_table_is_its_size(options):
    game = exact_game("rendezvous", options)
    pairs, sights = grids.table_size(options)
    assert pairs == len(game.first_edge) - 1
    assert sights == game.seen.size * game.observations[0][0].size


@pytest.mark.parametrize(
    "options",
    [
        RendezvousOptions(size=50),
        RendezvousOptions(agents=4),
        RendezvousOptions(size=3, agents=4, starts="random", stay=True),
        RendezvousOptions(size=8, agents=3, horizon=30),
    ],
    ids=["size 50", "four agents", "four random agents", "three agents on 8x8"],
)
def test_a_game_too_large_is_refused_without_exploring_it(options, no_tabulate):
    no_tabulate()
    with pytest.raises(BadInput, match=r"too large for an exact table: .* 4,000,000 are the limit; use fewer agents"):
        exact_game("rendezvous", options)


def test_sights_too_large_are_refused_without_exploring(no_tabulate):
    """A window of 61 x 61 on 22 x 22 once took 24 GiB, and the process its life."""
    no_tabulate()
    with pytest.raises(BadInput, match=r"what agents see in this rendezvous is too large .* let them see less"):
        exact_game("rendezvous", RendezvousOptions(size=22, observation="window", window=30))


def test_the_limit_is_tabulates_own():
    assert tables.PAIRS_CAP == tabulate.EDGES_CAP


def test_a_time_limit_beyond_use_is_refused_with_one_that_is_not(no_tabulate):
    with pytest.raises(BadInput, match=r"--env.horizon 99999999: .* use at most [\d,]+$") as caught:
        exact_game("rendezvous", RendezvousOptions(map="A.#/..B", horizon=99_999_999))
    longest = int(str(caught.value).rpartition(" ")[2].replace(",", ""))
    assert exact_game("rendezvous", RendezvousOptions(map="A.#/..B", horizon=longest)).horizon == longest
