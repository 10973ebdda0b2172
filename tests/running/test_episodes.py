"""Recorded episodes: change-only lines that come back bit for bit."""

import json

import numpy as np
import pytest

from coterie.errors import StorageFault
from coterie.running.episodes import read_plays, write_plays
from coterie.types import Play


def random_play(seed: int, steps: int, size: tuple[int, int] = (4, 3)) -> Play:
    draws = np.random.default_rng(seed)
    return Play(
        keys=draws.integers(0, 2**40, steps + 1),
        boards=draws.integers(0, 256, (steps + 1, *size)).astype(np.uint8),
        actions=draws.integers(0, 5, (steps, 2)).astype(np.int32),
        rewards=draws.normal(size=(steps, 2)),
        success=bool(draws.integers(2)),
        ended=bool(draws.integers(2)),
        team=seed,
    )


def assert_same(one: Play, other: Play) -> None:
    for name in ("keys", "boards", "actions", "rewards"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype, name
        assert a.tobytes() == b.tobytes(), name
    assert (one.success, one.ended, one.team) == (other.success, other.ended, other.team)


@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("size", [(4, 3), (1, 1), (0, 0)])
def test_episodes_come_back_bit_for_bit(tmp_path, steps, size):
    plays = [random_play(seed, steps, size) for seed in range(5)]
    write_plays(tmp_path / "plays.jsonl", plays)
    for before, after in zip(plays, read_plays(tmp_path / "plays.jsonl"), strict=True):
        assert after.boards.shape == before.boards.shape
        assert_same(before, after)


def test_only_what_changes_is_written(tmp_path):
    board = np.zeros((3, 2, 2), np.uint8)
    board[1:, 0, 1] = 7
    play = random_play(0, 2)._replace(boards=board)
    write_plays(tmp_path / "plays.jsonl", [play])
    assert json.loads((tmp_path / "plays.jsonl").read_text())["changes"] == [[[0, 1, 7]], []]


def test_no_episodes_are_no_lines(tmp_path):
    write_plays(tmp_path / "plays.jsonl", [])
    assert read_plays(tmp_path / "plays.jsonl") == []


@pytest.mark.parametrize(
    "damage",
    [
        {"team": "seven"},
        {"board": [[1, 2], [3]]},
        {"changes": [[[9, 9, 1]]]},
        {"changes": [[[0, 0, 999]]]},
        {"changes": [[[-1, 0, 1, 2]]]},
        {"keys": None},
        {"keys": [1]},
        {"actions": []},
        {"rewards": [[1.0], [1.0, 2.0]]},
    ],
    ids=str,
)
def test_a_damaged_line_is_named(tmp_path, damage):
    place = tmp_path / "plays.jsonl"
    write_plays(place, [random_play(0, 1), random_play(1, 1)])
    first, second = place.read_text().splitlines()
    place.write_text(first + "\n" + json.dumps({**json.loads(second), **damage}) + "\n")
    with pytest.raises(StorageFault, match=r"plays.jsonl, line 2 is not an episode"):
        read_plays(place)


def test_a_line_cut_short_is_named(tmp_path):
    place = tmp_path / "plays.jsonl"
    write_plays(place, [random_play(0, 3)])
    place.write_bytes(place.read_bytes()[:-20])
    with pytest.raises(StorageFault, match="line 1 is not an episode"):
        read_plays(place)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(StorageFault, match="cannot be read: No such file"):
        read_plays(tmp_path / "plays.jsonl")
