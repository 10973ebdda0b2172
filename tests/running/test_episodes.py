"""Recorded episodes: change-only lines that come back bit for bit."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coterie.errors import StorageFault
from coterie.running.episodes import Recording, is_recording, read_recording, taken, write_recording
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
        observations=(draws.integers(0, 9, (steps + 1, 2)).astype(np.int32), draws.normal(size=(steps + 1, 2, 3))),
        values=draws.normal(size=(steps, 2)) if seed % 2 else None,
        reported=float(draws.normal()) if seed % 2 else None,
    )


def write(place, plays):
    write_recording(place, Recording(("left", "right"), tuple("RLDUS"), plays, "meet", "rendezvous", {"size": 4}, 20))


def assert_same(one: Play, other: Play) -> None:
    for name in ("keys", "boards", "actions", "rewards"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.dtype == b.dtype, name
        assert a.tobytes() == b.tobytes(), name
    for a, b in zip(one.observations, other.observations, strict=True):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    assert (one.values is None) == (other.values is None)
    assert one.values is None or np.array_equal(one.values, other.values)
    assert (one.success, one.ended, one.team, one.reported) == (other.success, other.ended, other.team, other.reported)


@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("size", [(4, 3), (1, 1), (0, 0)])
def test_episodes_come_back_bit_for_bit(tmp_path, steps, size):
    plays = [random_play(seed, steps, size) for seed in range(5)]
    write(tmp_path / "plays.jsonl", plays)
    for before, after in zip(plays, read_recording(tmp_path / "plays.jsonl").plays, strict=True):
        assert after.boards.shape == before.boards.shape
        assert_same(before, after)


def test_only_what_changes_is_written(tmp_path):
    board = np.zeros((3, 2, 2), np.uint8)
    board[1:, 0, 1] = 7
    play = random_play(0, 2)._replace(boards=board)
    write(tmp_path / "plays.jsonl", [play])
    assert json.loads((tmp_path / "plays.jsonl").read_text().splitlines()[1])["changes"] == [[[0, 1, 7]], []]


def test_the_first_line_comes_back(tmp_path):
    write(tmp_path / "plays.jsonl", [])
    again = read_recording(tmp_path / "plays.jsonl")
    assert again == Recording(("left", "right"), tuple("RLDUS"), [], "meet", "rendezvous", {"size": 4}, 20)
    assert is_recording(tmp_path / "plays.jsonl")
    assert not is_recording(tmp_path / "nothing.jsonl")


def test_the_least_that_another_tool_must_write(tmp_path):
    place = tmp_path / "theirs.jsonl"
    place.write_text(
        '{"format": "coterie-episodes", "version": 1, "agents": ["a", "b"]}\n'
        '{"actions": [[0, 1], [1, 0]], "rewards": [[0, 0], [1, 1]]}\n'
        '{"actions": [[0, 1], [1, 0]], "rewards": [[0, 0], [1, 1]], "observations": [[0, 0.5], [3]],'
        ' "observation_changes": [[[0, 1, 0.25]], [[0, 1, 0.5]]], "return": 2}\n'
    )
    bare, seen = read_recording(place).plays
    assert bare.keys.tolist() == [0, 1, 2]  # nothing is known to repeat
    assert bare.boards.size == 0
    assert bare.observations == ()
    assert seen.observations[0].tolist() == [[0, 0.5], [0, 0.25], [0, 0.5]]
    assert seen.keys[0] == seen.keys[2] != seen.keys[1]
    assert seen.reported == 2.0


@pytest.mark.parametrize(
    "damage",
    [
        {"format": "something"},
        {"version": 2},
        {"agents": []},
        {"agents": ["a", "a"]},
        {"idle": [0]},
        {"observation_types": ["object", "object"], "observation_shapes": [[1], [1]]},
        {"observation_types": ["int32"], "observation_shapes": [[1]]},
    ],
    ids=str,
)
def test_a_damaged_first_line_is_named(tmp_path, damage):
    place = tmp_path / "plays.jsonl"
    write(place, [random_play(0, 1)])
    first, second = place.read_text().splitlines()
    place.write_text(json.dumps({**json.loads(first), **damage}) + "\n" + second + "\n")
    with pytest.raises(StorageFault, match=r"line 1 does not describe recorded episodes \(docs/episodes.md\)"):
        read_recording(place)


@pytest.mark.parametrize(
    "damage",
    [
        {"team": "seven"},
        {"board": [[1, 2], [3]]},
        {"changes": [[[9, 9, 1]]]},
        {"changes": [[[0, 0, 999]]]},
        {"changes": [[[-1, 0, 1, 2]]]},
        {"observations": [[1, 2]]},
        {"observation_changes": [[[0, 99, 1]]]},
        {"observation_changes": [[[-1, 0, 1]]]},
        {"values": [[1.0]]},
        {"actions": [[0, 9]]},
        {"keys": [1]},
        {"actions": []},
        {"rewards": [[1.0], [1.0, 2.0]]},
    ],
    ids=str,
)
def test_a_damaged_line_is_named(tmp_path, damage):
    place = tmp_path / "plays.jsonl"
    write(place, [random_play(0, 1), random_play(1, 1)])
    head, first, second = place.read_text().splitlines()
    place.write_text(head + "\n" + first + "\n" + json.dumps({**json.loads(second), **damage}) + "\n")
    with pytest.raises(StorageFault, match=r"plays.jsonl, line 3 is not an episode"):
        read_recording(place)


def test_a_line_cut_short_is_named(tmp_path):
    place = tmp_path / "plays.jsonl"
    write(place, [random_play(0, 3)])
    place.write_bytes(place.read_bytes()[:-20])
    with pytest.raises(StorageFault, match="line 2 is not an episode"):
        read_recording(place)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(StorageFault, match="cannot be read: No such file"):
        read_recording(tmp_path / "plays.jsonl")


LEAST = {"format": "coterie-episodes", "version": 1, "agents": ["a", "b"], "actions": ["x", "y"]}
EPISODE = {"actions": [[0, 1], [1, 0]], "rewards": [[0, 0], [1, 1]]}
KINDS = {"observation_types": ["int8", "int8"]}
SEEN = {"observations": [[1, 2], [3]], "observation_changes": [[[0, 1, 4]], []]}


def read(tmp_path, header, episode):
    place = tmp_path / "theirs.jsonl"
    place.write_text(json.dumps({**LEAST, **header}) + "\n" + json.dumps({**EPISODE, **episode}) + "\n")
    return read_recording(place)


@pytest.mark.parametrize(
    ("header", "episode", "sentence"),
    [
        ({"idle": [2, 0]}, {}, "`idle` must hold one action an agent, from 0 to 1"),
        ({"idle": [-1, 0]}, {}, "`idle` must hold"),
        ({"horizon": -5}, {}, "`horizon` is -5"),
        ({"success_word": "win\x1b[2J"}, {}, "printable text in one line"),
        ({"agents": ["a", "b\n"]}, {}, "printable text in one line"),
        ({"actions": []}, {"actions": [[0, -1], [1, 0]]}, "a whole number from 0 on, below"),
        ({"actions": []}, {"actions": [[0, 2**40], [1, 0]]}, "a whole number from 0 on, below"),
        ({}, {"actions": [[0, 1], [1]]}, "`actions` must hold 2 numbers for each of 2 steps"),
        ({}, {"values": [[0, 1], [1]]}, "`values` must hold 2 numbers for each of 2 steps"),
        ({}, {"rewards": [[1e300, 0], [1, 1]]}, "up to 1e\\+100 in size"),
        ({}, {"board": [[0, 300]], "changes": [[], []]}, "from 0 to 255"),
        ({}, {"board": [[0, 3]], "changes": [[[0, 0, -1]], []]}, "from 0 to 255"),
        ({}, {"board": [[0, 3]], "changes": [[[1, 0, 1]], []]}, "row 1, column 0 of a 1x2 board"),
        ({}, {"board": [[0, 3], [1]], "changes": [[], []]}, "rows of equal length"),
        ({}, {**SEEN, "observation_changes": [[[0, 9, 1]], []]}, "number 9 of what agent 0 sees"),
        ({}, {**SEEN, "observation_changes": [[[5, 0, 1]], []]}, "number 0 of what agent 5 sees"),
        (
            {**KINDS, "observation_shapes": [[2], [1]]},
            {**SEEN, "observations": [[500, 2], [3]]},
            "does not fit into int8",
        ),
        ({**KINDS, "observation_shapes": [[3], [1]]}, SEEN, "sees 2 numbers"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_the_format(tmp_path, header, episode, sentence):
    with pytest.raises(StorageFault, match=sentence):
        read(tmp_path, header, episode)
    assert len(read(tmp_path, {}, SEEN).plays) == 1  # the control: nothing else was wrong


def test_other_systems_ends_of_lines_marks_and_empty_lines_are_passed_over(tmp_path):
    place = tmp_path / "theirs.jsonl"
    text = "\r\n".join([json.dumps(LEAST), json.dumps(EPISODE), "", json.dumps(EPISODE), "", ""])
    place.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert len(read_recording(place).plays) == 2


# Amounts


def amounts_play(seed, steps=4, counts=(2, 0, 3)):
    """An episode of agents that act in so many amounts, 0 for who acts by numbers."""
    draws = np.random.default_rng(seed)
    actions = np.zeros((steps, len(counts), max(counts)), np.float32)
    for agent, count in enumerate(counts):
        own = draws.normal(scale=10.0 ** draws.integers(-30, 30), size=(steps, count)) if count else []
        actions[:, agent, : count or 1] = own if count else draws.integers(0, 4_000, (steps, 1))
    nothing = np.zeros((steps + 1, 0, 0), np.uint8)
    return Play(
        np.arange(steps + 1), nothing, actions, np.zeros((steps, len(counts))), False, True, seed, amounts=counts
    )


@given(st.integers(0, 10_000), st.integers(1, 5))
def test_amounts_come_back_bit_for_bit(seed, steps):
    with TemporaryDirectory() as folder:
        place = Path(folder) / "plays.jsonl"
        play = amounts_play(seed, steps)
        write_recording(place, Recording(("a", "b", "c"), (), [play]))
        [again] = read_recording(place).plays
    assert again.amounts == (2, 0, 3)
    assert_same(play, again)


def test_amounts_are_written_in_few_digits(tmp_path):
    play = amounts_play(0, 1)
    play.actions[0] = [[0.31, -1, 0], [3, 0, 0], [1e-9, 0.1, 2]]
    write_recording(tmp_path / "plays.jsonl", Recording(("a", "b", "c"), (), [play]))
    head, line = map(json.loads, (tmp_path / "plays.jsonl").read_text().splitlines())
    assert head["amounts"] == [2, 0, 3]
    assert line["actions"] == [[[0.31, -1.0], 3, [1e-9, 0.1, 2.0]]]
    assert taken(play, 0)[1] == 3
    assert taken(play, 0)[0] == pytest.approx([0.31, -1])


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ([[[1.0], 2, [1, 2, 3]]], "every action of a must be a list of 2 numbers"),
        ([[3, 2, [1, 2, 3]]], "every action of a must be a list of 2 numbers"),
        ([[[1, 2], [2], [1, 2, 3]]], "every action must be a whole number from 0 on"),
        ([[[1, 2], -1, [1, 2, 3]]], "every action must be a whole number from 0 on"),
        ([[[1, 1e39], 2, [1, 2, 3]]], "every amount must be a number up to"),
        ([[[1, 2], 2]], "`actions` must hold 3 numbers"),
    ],
)
def test_damaged_amounts_are_named(tmp_path, actions, says):
    place = tmp_path / "plays.jsonl"
    write_recording(place, Recording(("a", "b", "c"), (), [amounts_play(0, 1)]))
    head, line = place.read_text().splitlines()
    place.write_text(head + "\n" + json.dumps({**json.loads(line), "actions": actions}) + "\n")
    with pytest.raises(StorageFault, match=f"line 2 is not an episode: .*{says}"):
        read_recording(place)


@pytest.mark.parametrize("amounts", [[1, 2], [1, 2, -1], [1, 2, 5_000]])
def test_a_first_line_with_other_amounts_than_agents_is_named(tmp_path, amounts):
    place = tmp_path / "plays.jsonl"
    write_recording(place, Recording(("a", "b", "c"), (), [amounts_play(0, 1)]))
    head, line = place.read_text().splitlines()
    place.write_text(json.dumps({**json.loads(head), "amounts": amounts}) + "\n" + line + "\n")
    with pytest.raises(StorageFault, match="`amounts` must hold one number an agent"):
        read_recording(place)


def test_few_numbers_cannot_ask_for_much_memory(tmp_path):
    """A long row of amounts beside many agents that have none."""
    place, agents = tmp_path / "plays.jsonl", [str(number) for number in range(3_000)]
    write_recording(place, Recording(tuple(agents), (), []))
    head = {**json.loads(place.read_text()), "amounts": [4_096] + [0] * 2_999}
    line = {"actions": [[0] * 3_000] * 20, "rewards": [[0] * 3_000] * 20}
    place.write_text(json.dumps(head) + "\n" + json.dumps(line) + "\n")
    with pytest.raises(StorageFault, match="its actions are too many"):
        read_recording(place)
