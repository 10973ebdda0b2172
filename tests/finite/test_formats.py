"""Games as bytes: everything comes back, and whatever is not a game is refused with a ValueError and nothing else."""

import json
import os
import pickle

import numpy as np
import pytest
from finite_games import CLIMBING, matrix_table, meeting_game, random_game, tiger
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save

from coterie.finite.formats import ARRAYS, from_bytes, to_bytes
from coterie.finite.game import check_game

GAMES = {
    "meeting": meeting_game(size=3),
    "climbing": matrix_table(CLIMBING),
    "tiger": tiger(horizon=2),
    "two kinds": random_game(1, sizes=(2, 3, 2)),
}
SAVED = to_bytes(GAMES["two kinds"])


@pytest.mark.parametrize("name", GAMES)
def test_everything_comes_back(name):
    game = GAMES[name]
    back = from_bytes(to_bytes(game))
    assert back._replace(**dict.fromkeys((*ARRAYS, "observations"))) == game._replace(
        **dict.fromkeys((*ARRAYS, "observations"))
    )
    for before, after in [
        *((getattr(game, array), getattr(back, array)) for array in ARRAYS),
        *zip(game.observations, back.observations, strict=True),
    ]:
        assert before.dtype == after.dtype
        assert np.array_equal(before, after)
        assert after.flags.c_contiguous
        assert after.flags.writeable  # another kind of array would compile the learners anew
    assert to_bytes(back) == to_bytes(game)


def with_words(**changes):
    words = json.loads(json.loads(SAVED[8 : 8 + int.from_bytes(SAVED[:8], "little")])["__metadata__"]["game"])
    return save(load(SAVED), metadata={"game": json.dumps({**words, **changes})})


def with_arrays(**changes):
    words = json.loads(SAVED[8 : 8 + int.from_bytes(SAVED[:8], "little")])["__metadata__"]
    arrays = {**load(SAVED), **changes}
    return save({name: array for name, array in arrays.items() if array is not None}, metadata=words)


def changed(name, place, value):
    array = load(SAVED)[name].copy()
    array[place] = value
    return with_arrays(**{name: array})


class Trap:
    """A pickle that would make a folder."""

    def __reduce__(self):
        return os.mkdir, ("trapped",)


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100, len(SAVED) // 2, len(SAVED) - 1])
def test_a_part_of_a_file_is_refused(length):
    with pytest.raises(ValueError, match="not a saved finite game"):
        from_bytes(SAVED[:length])


def test_a_pickle_is_refused_and_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bait = pickle.dumps(Trap())
    for data in (bait, len(bait).to_bytes(8, "little") + bait, SAVED[:8] + bait):
        with pytest.raises(ValueError, match="not a saved finite game"):
            from_bytes(data)
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_are_not_a_game_are_refused():
    for data in (
        save({"weights": np.zeros(3)}),
        save({"weights": np.zeros(3)}, metadata={"game": "{}"}),
        save(load(SAVED), metadata={"game": "no json"}),
        save(load(SAVED), metadata={"other": "{}"}),
    ):
        with pytest.raises(ValueError, match="not a saved finite game"):
            from_bytes(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"horizon": "twenty"},
        {"horizon": 2.5},
        {"name": 3},
        {"idle": ["a", "b", "c"]},
        {"idle": [0, 0]},
        {"idle": [0, 9, 0]},
        {"action_names": "ab"},
        {"spec": {}},
        {"spec": None},
        {"unknown": 1},
        {"successor": [0]},
    ],
)
def test_wrong_words_are_refused(changes):
    with pytest.raises(ValueError, match="not a saved finite game"):
        from_bytes(with_words(**changes))


@pytest.mark.parametrize("kinds", [[(0, 1, 2), (1,)], [(0,), (1,)], [(0, 2), (1,), ()], [(0, 2), (-1,)]])
def test_agents_belong_to_exactly_one_kind(kinds):
    plain = json.loads(json.loads(SAVED[8 : 8 + int.from_bytes(SAVED[:8], "little")])["__metadata__"]["game"])["spec"]
    plain["kinds"] = [{**plain["kinds"][0], "agents": agents} for agents in kinds]
    with pytest.raises(ValueError, match="not a saved finite game"):
        from_bytes(with_words(spec=plain))


@pytest.mark.parametrize("name", [*ARRAYS, "observations.0", "observations.1"])
def test_a_missing_array_is_refused(name):
    with pytest.raises(ValueError, match="not a saved finite game"):
        from_bytes(with_arrays(**{name: None}))


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("other", [np.zeros((), np.float32), np.zeros(1, np.uint16), np.zeros((2, 2, 2, 2), np.int32)])
def test_an_array_of_another_form_is_refused(name, other):
    with pytest.raises(ValueError, match="not a saved finite game"):
        from_bytes(with_arrays(**{name: other}))


@pytest.mark.parametrize(
    "name, place, value, complaint",
    [
        ("successor", 0, 99, "successor lies outside"),
        ("successor", 0, -1, "successor lies outside"),
        ("start_state", 0, 99, "start_state lies outside"),
        ("seen", (0, 0), 99, "seen lies outside"),
        ("seen", (0, 1), 0, "seen lies outside"),  # what the other kind sees
        ("first_edge", 1, 10_000, "first_edge does not rise"),
        ("first_edge", 0, 1, "first_edge does not rise"),
        ("first_edge", -1, 0, "first_edge does not rise"),
        ("probability", 0, 0.0, "probabilities are positive"),
        ("probability", 0, float("nan"), "probabilities are positive"),
        ("probability", 0, 0.9999, "probabilities add up to 1"),
        ("start_probability", 0, 0.9999, "probabilities add up to 1"),
        ("start_probability", 0, -1.0, "probabilities are positive"),
        ("reward", (0, 0), float("inf"), "every reward is a finite number"),
    ],
)
def test_numbers_that_lead_nowhere_are_refused(name, place, value, complaint):
    with pytest.raises(ValueError, match=complaint):
        from_bytes(changed(name, place, value))


@given(st.binary(max_size=200))
@example(b"\xff" * 64)
@example((2).to_bytes(8, "little") + b"{}")
@settings(max_examples=50, deadline=None)
def test_noise_is_refused(data):
    with pytest.raises(ValueError, match="not a saved finite game"):
        from_bytes(data)


@given(place=st.integers(0, len(SAVED) - 1), byte=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_is_a_sound_game_or_refused(place, byte):
    try:
        game = from_bytes(SAVED[:place] + bytes([byte]) + SAVED[place + 1 :])
    except ValueError:
        return
    check_game(game)


@pytest.mark.parametrize("name", GAMES)
def test_the_games_written_by_hand_are_sound(name):
    check_game(GAMES[name])
