"""Counter-based random numbers against the published generator."""

from itertools import islice

import numpy as np
import pytest

from coterie.tabular.streams import CHECKING, LEARNING, PLAYING, Stream, mix, stream_keys, uniform

STEP = 0x9E3779B97F4A7C15


def splitmix64(state):
    """Vigna's public-domain splitmix64.c, in whole numbers."""
    while True:
        state = (state + STEP) % 2**64
        word = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        word = (word ^ (word >> 27)) * 0x94D049BB133111EB % 2**64
        yield word ^ (word >> 31)


PUBLISHED = {
    0: (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F),
    1234567: (
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ),
}


@pytest.mark.smoke
@pytest.mark.parametrize("seed", PUBLISHED)
def test_the_mixing_is_the_published_one(seed):
    words = PUBLISHED[seed]
    assert tuple(islice(splitmix64(seed), len(words))) == words  # the reference above is right
    ours = [int(mix(np.uint64((seed + (place + 1) * STEP) % 2**64))) for place in range(len(words))]
    assert tuple(ours) == words


@pytest.mark.parametrize("key", [0, 1, 1234567, 2**63, 2**64 - 1])
def test_a_stream_is_the_generators_output_as_fractions(key):
    numbers = Stream(key)
    numbers.count = 1  # the generator steps before its first word
    for word in islice(splitmix64(key), 50):
        assert numbers.random() == (word >> 11) / 2**53
    assert numbers.count == 51


def test_a_stream_is_read_by_place():
    numbers = Stream(7)
    drawn = [numbers.random() for _ in range(20)]
    assert drawn == [uniform(np.uint64(7), np.uint64(place)) for place in range(20)]
    assert min(drawn) >= 0
    assert max(drawn) < 1


def test_whole_numbers_cost_one_draw_each():
    numbers, same = Stream(3), Stream(3)
    drawn = [numbers.randrange(6) for _ in range(200)]
    assert drawn == [int(same.random() * 6) for _ in range(200)]
    assert set(drawn) == set(range(6))


def test_a_teams_key_depends_on_nothing_but_seed_purpose_and_team():
    whole = stream_keys(5, LEARNING, 0, 10)
    assert whole.dtype == np.uint64
    assert stream_keys(5, LEARNING, 4, 3).tolist() == whole[4:7].tolist()
    assert stream_keys(5, LEARNING, 0, 10).tolist() == whole.tolist()


def test_no_two_teams_purposes_or_seeds_share_a_key():
    keys = [
        stream_keys(seed, purpose, 0, 1_000) for seed in (0, 1, 2, 2**31) for purpose in (LEARNING, CHECKING, PLAYING)
    ]
    assert len(np.unique(np.concatenate(keys))) == 12_000


def test_numbers_are_even_along_a_stream_and_across_teams():
    along = [uniform(np.uint64(99), np.uint64(place)) for place in range(10_000)]
    across = [uniform(key, np.uint64(0)) for key in stream_keys(0, LEARNING, 0, 10_000)]
    for numbers in (along, across):
        counts = np.bincount((np.array(numbers) * 20).astype(int), minlength=20)
        assert ((counts - 500) ** 2 / 500).sum() < 55  # chi-square, 19 degrees: p = 2e-5
    for one, other in ((along[:-1], along[1:]), (across[:-1], across[1:]), (along, across)):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.045  # 4.5 standard errors
