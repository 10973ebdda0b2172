"""A journal's marks stay what they were, and its pieces are the whole."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from coterie.pettingzoo.driving.journal import PIECE_STEPS, Journal
from coterie.types import Sight


def shown(environments, number):
    """What so many worlds of one agent show."""
    here = np.ones((environments, 1), bool)
    obs = np.full((environments, 1, 2), number, np.float32)
    return Sight((obs,), (np.ones((environments, 1, 3), bool),), here, here, np.zeros((environments, 0), np.float32))


def equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name])


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_a_mark_is_what_the_episodes_were(environments, agents, seed):
    """Held to plain lists, with halves of any sizes and episodes that end anywhere."""
    draws = np.random.default_rng(seed)
    journal, middle = Journal(environments, agents), int(draws.integers(environments + 1))
    seeds = draws.integers(0, 2**31, environments)
    journal.begin(seeds)
    plain = [(int(one), []) for one in seeds]
    kept = []
    for _ in range(12):
        for half in (slice(0, middle), slice(middle, environments)):
            size = half.stop - half.start
            actions, coming = draws.integers(0, 300, (size, agents)), draws.integers(0, 2**31, size)
            over = draws.random(size) < 0.2
            journal.step(half, actions, over, coming)
            for place in range(size):
                at = half.start + place
                before = plain[at]
                plain[at] = (int(coming[place]), []) if over[place] else (before[0], [*before[1], actions[place]])
        kept.append((journal.mark(), list(plain)))
    for mark, then in kept:
        saved = mark.saved(shown(environments, 1))
        assert saved["seeds"].tolist() == [one for one, _ in then]
        assert saved["lengths"].tolist() == [len(joints) for _, joints in then]
        assert saved["actions"].shape == (sum(saved["lengths"]), agents)
        np.testing.assert_array_equal(saved["actions"], np.array([j for _, js in then for j in js]).reshape(-1, agents))
        again = Journal(environments, agents)
        again.load(saved)
        equal(again.mark().saved(shown(environments, 1)), saved)


def test_what_is_saved_has_the_types_of_old_checkpoints():
    journal = Journal(2, 3)
    journal.begin(np.array([5, 6]))
    saved = journal.mark().saved(shown(2, 1))
    types = {name: str(array.dtype) for name, array in saved.items()}
    assert types == {"seeds": "int64", "lengths": "int32", "actions": "int32", "checksums": "uint32"}
    assert saved["actions"].shape == (0, 3)
    assert (saved["checksums"] != journal.mark().saved(shown(2, 2))["checksums"]).all()


def test_the_pieces_of_an_episode_are_the_episode():
    journal, steps = Journal(1, 2), 2 * PIECE_STEPS + 1
    journal.begin(np.array([9]))
    [(seed, actions, check)] = journal.pieces(0, 77)
    assert (seed, len(actions), check) == (9, 0, 77)
    joints = np.arange(2 * steps).reshape(steps, 2)
    for joint in joints:
        journal.step(slice(0, 1), joint[None], np.array([False]), np.array([0]))
    seeds, pieces, checks = zip(*journal.pieces(0, 77), strict=True)
    assert (seeds, checks) == ((9, None, None), (None, None, 77))
    np.testing.assert_array_equal(np.concatenate(pieces), joints)
