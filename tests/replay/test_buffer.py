"""The ring keeps the last rows, is written where it lies, and is read evenly, never across its head."""

from collections import deque
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.errors import BadInput
from coterie.replay import buffer
from coterie.replay.buffer import Places

T, E, SLOTS = 2, 3, 6
ROW = {
    "picture": jax.ShapeDtypeStruct((E, 4, 2), jnp.uint8),
    "flag": jax.ShapeDtypeStruct((E,), jnp.bool_),
    "number": jax.ShapeDtypeStruct((E, 1), jnp.int32),
    "small": jax.ShapeDtypeStruct((E, 2), jnp.bfloat16),
    "real": jax.ShapeDtypeStruct((E, 3), jnp.float32),
}
jitted = partial(jax.jit, compiler_options={"xla_backend_optimization_level": 0})
few = settings(max_examples=25, deadline=None)


def numbered(first: int, rows: int = T) -> dict:
    """Rows that say in each leaf which row and which environment they are."""
    name = (first + np.arange(rows))[:, None] * E + np.arange(E)
    wide = {key: name.reshape(rows, E, *[1] * (len(leaf.shape) - 1)) for key, leaf in ROW.items()}
    return {
        key: jnp.asarray(np.broadcast_to(wide[key], (rows, *leaf.shape)).astype(leaf.dtype))
        for key, leaf in ROW.items()
    }


def filled(writes: int, write=None) -> buffer.Ring:
    ring = buffer.empty(ROW, SLOTS)
    for number in range(writes):
        ring = (write or write_here)(ring, numbered(number * T), jnp.uint32(number * T))
    return ring


def rows_in(slots: int, written: int) -> np.ndarray:
    """The number of the row in each slot, -1 where nothing was written: an independent program of the ring."""
    held = np.full(slots, -1)
    for number in range(written):
        held[number % slots] = number
    return held


# Writing


def keeps_the_last(write, writes: int) -> bool:
    """Whether the ring holds the last SLOTS rows, oldest first from the head on."""
    kept = deque((number for number in range(writes * T)), maxlen=SLOTS)
    ring = filled(writes, write)
    oldest = Places(jnp.full(E, rows_in(SLOTS, writes * T).argmin() if writes * T >= SLOTS else 0), jnp.arange(E))
    found = np.asarray(take(ring, oldest, SLOTS)["real"])[: len(kept), :, 0]
    return bool((found == np.array(kept, int)[:, None] * E + np.arange(E)).all())


write_here, take = jitted(buffer.write), jitted(buffer.take, static_argnums=2)


@few
@given(st.integers(0, 11))
def test_the_ring_keeps_the_last_rows(writes):
    assert keeps_the_last(write_here, writes)


@pytest.mark.parametrize("wrong", [lambda written: written // 2, lambda written: written * 0])
def test_a_wrong_head_is_found(wrong):
    assert not all(keeps_the_last(lambda ring, rows, w: buffer.write(ring, rows, wrong(w)), n) for n in range(6))


def test_dtypes_and_values_are_kept():
    ring = filled(4)
    held = rows_in(SLOTS, 4 * T)
    for key, leaf in ROW.items():
        assert ring.rows[key].dtype == leaf.dtype
        assert ring.rows[key].shape == (SLOTS, *leaf.shape)
    assert (np.asarray(ring.rows["number"])[..., 0] == held[:, None] * E + np.arange(E)).all()
    assert (np.asarray(ring.rows["picture"])[:, :, 3, 1] == held[:, None] * E + np.arange(E)).all()


def test_rows_of_another_dtype_or_number_are_refused():
    ring, rows = buffer.empty(ROW, SLOTS), numbered(0)
    with pytest.raises(TypeError, match="dtype"):
        buffer.write(ring, rows | {"real": rows["real"].astype(jnp.bfloat16)}, jnp.uint32(0))
    with pytest.raises(ValueError, match="6 slots cannot be written 4 rows at a time"):
        buffer.write(ring, numbered(0, 4), jnp.uint32(0))


WIDE = {"real": jax.ShapeDtypeStruct((4, 64), jnp.float32), "flag": jax.ShapeDtypeStruct((4,), jnp.bool_)}
MANY = 2_000
WHOLE = buffer.bytes_needed(WIDE, MANY)


def wide_rows(value):
    return jax.tree.map(lambda leaf: jnp.full((T, *leaf.shape), value).astype(leaf.dtype), WIDE)


def write_and_read(ring, written, key, old=False):
    """Five writes with a draw after each; `old` also reads what the ring held before, which takes a copy of it."""

    def one(number, carry):
        ring, written, total = carry
        after = buffer.write(ring, wide_rows(number), written)
        written = written + jnp.uint32(T)
        places = buffer.draw(jax.random.fold_in(key, number), written, MANY, 4, 8, 3)
        total = total + buffer.take(after, places, 3)["real"].sum()
        if old:
            places = places._replace(row=(places.row + total.astype(jnp.int32)) % MANY)
            total = total + buffer.take(ring, places, 3)["real"].sum()
        return after, written, total

    return jax.lax.fori_loop(0, 5, one, (ring, written, jnp.float32(0)))


def memory(function, *arguments, donate=(0,)) -> Any:
    return jitted(function, donate_argnums=donate).lower(*arguments).compile().memory_analysis()


def test_a_write_is_in_place():
    ring, key = buffer.empty(WIDE, MANY), jax.random.key(0)
    written = jnp.uint32(0)
    inside = memory(write_and_read, ring, written, key)
    assert inside.alias_size_in_bytes >= WHOLE
    assert inside.temp_size_in_bytes < WHOLE / 50
    # Negative controls: a ring that is kept, and one that is read after it was written over, are copied.
    assert memory(write_and_read, ring, written, key, donate=()).alias_size_in_bytes == 0
    assert memory(partial(write_and_read, old=True), ring, written, key).temp_size_in_bytes > WHOLE / 2


def test_the_memory_itself_stays_where_it_is():
    ring = buffer.empty(WIDE, MANY)
    place = ring.rows["real"].unsafe_buffer_pointer()
    write = jitted(buffer.write, donate_argnums=0)
    after = write(ring, wide_rows(1), jnp.uint32(MANY - T))
    assert after.rows["real"].unsafe_buffer_pointer() == place
    assert (np.asarray(after.rows["real"])[-T:] == 1).all()
    kept = jitted(buffer.write)(after, wide_rows(2), jnp.uint32(0))
    assert kept.rows["real"].unsafe_buffer_pointer() != place


def test_in_place_over_seeds_with_one_clock():
    seeds = 3
    ring = jax.tree.map(lambda leaf: jnp.zeros((seeds, *leaf.shape), leaf.dtype), buffer.empty(WIDE, MANY))
    keys = jax.random.split(jax.random.key(0), seeds)

    def over(function):
        return jax.vmap(function, in_axes=(0, None, 0), out_axes=(0, None, 0))

    inside = memory(over(write_and_read), ring, jnp.uint32(0), keys)
    assert inside.alias_size_in_bytes >= seeds * WHOLE
    assert inside.temp_size_in_bytes < seeds * WHOLE / 50
    control = memory(over(partial(write_and_read, old=True)), ring, jnp.uint32(0), keys)
    assert control.temp_size_in_bytes > seeds * WHOLE / 2


def test_seeds_are_what_each_is_alone():
    keys = jax.random.split(jax.random.key(5), 3)
    rings = [filled(4), filled(3), filled(5)]

    def read(ring, key, written):
        places = buffer.draw(key, written, SLOTS, E, 16, 3)
        return places, buffer.inside(places, written, SLOTS, 3), buffer.take(ring, places, 3)

    together = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rings)
    found = jitted(jax.vmap(read, in_axes=(0, 0, None)))(together, keys, jnp.uint32(8))
    by_itself = jitted(read)
    for seed, (ring, key) in enumerate(zip(rings, keys, strict=True)):
        alone = jax.tree.leaves(by_itself(ring, key, jnp.uint32(8)))
        for one, other in zip(jax.tree.leaves(found), alone, strict=True):
            assert (np.asarray(one[seed]) == np.asarray(other)).all()
    assert (np.asarray(found[0].row[0]) != np.asarray(found[0].row[1])).any()


# Drawing

COUNT = 4_000
draws = {
    length: jitted(lambda key, written, length=length: buffer.draw(key, written, SLOTS, E, COUNT, length))
    for length in (1, 3, 6)
}


@few
@given(st.integers(0, 40), st.sampled_from([1, 3, 6]), st.integers(0, 2**31))
def test_a_draw_never_crosses_the_head_and_misses_no_start(written, length, seed):
    places = jax.tree.map(np.asarray, draws[length](jax.random.key(seed), jnp.uint32(written)))
    held = rows_in(SLOTS, written)
    stored = min(written, SLOTS)
    first = held[places.row]
    if stored >= length:
        for step in range(length):
            assert (held[(places.row + step) % SLOTS] == first + step).all()
        starts = set(range(written - stored, written - length + 1))
    else:  # what there is: from the oldest row on
        starts = {0} if written else {-1}
    assert set(zip(first, places.environment, strict=True)) == {(row, e) for row in starts for e in range(E)}
    within = np.asarray(buffer.inside(Places(*map(jnp.asarray, places)), jnp.uint32(written), SLOTS, length))
    age = first - (written - stored) if written else np.zeros(COUNT)
    assert (within == (age + np.arange(length)[:, None] < stored)).all()


def unevenness(places: Places, cells: np.ndarray) -> float:
    """How many standard deviations chi-squared is above what an even draw over the cells [slots, E] would give."""
    found = np.zeros(cells.shape)
    np.add.at(found, (np.asarray(places.row), np.asarray(places.environment)), 1)
    assert found[~cells].sum() == 0
    expected = len(places.row) / cells.sum()
    freedom = cells.sum() - 1
    return (((found[cells] - expected) ** 2 / expected).sum() - freedom) / np.sqrt(2 * freedom)


@pytest.mark.parametrize("written, length", [(4, 1), (6, 1), (16, 1), (16, 3), (4, 3)])
def test_a_draw_is_even(written, length):
    places = draws[length](jax.random.key(7), jnp.uint32(written))
    held, stored = rows_in(SLOTS, written), min(written, SLOTS)
    cells = np.broadcast_to(((held >= 0) & (held <= written - length))[:, None], (SLOTS, E))
    assert cells.sum() == (stored - length + 1) * E
    assert unevenness(places, cells) < 4
    skewed = places._replace(environment=jnp.where(jnp.arange(COUNT) % 5 == 0, 0, places.environment))
    assert unevenness(skewed, cells) > 8


def test_drawing_a_row_that_holds_nothing_would_be_found():
    places = draws[1](jax.random.key(7), jnp.uint32(6))
    with pytest.raises(AssertionError):
        unevenness(places, np.broadcast_to((rows_in(SLOTS, 4) >= 0)[:, None], (SLOTS, E)))


# Sequences that begin where episodes begin

LONG, PIECE = 12, 3
aligned = jitted(lambda key, written, step: buffer.draw(key, written, LONG, E, COUNT, PIECE, step))


def episodes(seed: int, written: int) -> np.ndarray:
    """Steps within episodes of random length, [written, E]."""
    random = np.random.default_rng(seed)
    steps = np.zeros((written, E), int)
    for row in range(1, written):
        steps[row] = np.where(random.random(E) < 0.25, 0, steps[row - 1] + 1)
    return steps


def ring_of(steps: np.ndarray, slots: int) -> jnp.ndarray:
    held = rows_in(slots, len(steps))
    return jnp.asarray(np.where((held >= 0)[:, None], steps[held], 0), jnp.int32)


def starts_wrong(places: Places, steps: np.ndarray) -> int:
    """How many sequences begin neither with a piece of an episode nor with the oldest row."""
    row = rows_in(LONG, len(steps))[np.asarray(places.row)]
    assert (row >= 0).all()
    within = steps[row, np.asarray(places.environment)]
    return int(((within % PIECE != 0) & (row != len(steps) - min(len(steps), LONG))).sum())


@few
@given(st.integers(1, 40), st.integers(0, 2**31))
def test_sequences_begin_where_episodes_begin(written, seed):
    steps = episodes(seed, written)
    places = aligned(jax.random.key(seed), jnp.uint32(written), ring_of(steps, LONG))
    assert starts_wrong(places, steps) == 0


def test_sequences_that_are_not_aligned_are_found():
    steps = episodes(1, 40)
    places = buffer.draw(jax.random.key(0), jnp.uint32(40), LONG, E, COUNT, PIECE)
    assert starts_wrong(places, steps) > COUNT / 10


def test_pieces_are_drawn_in_proportion_to_their_rows():
    """Rows 28 to 39 are stored. Steps 0 1 2 3 4 | 0 1 2 3 4 5 6: pieces of 3, 2, 3, 3 and 1 rows, alike everywhere."""
    steps = np.array([*range(28), 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6])[:, None].repeat(E, 1)
    places = aligned(jax.random.key(3), jnp.uint32(40), ring_of(steps, LONG))
    row = rows_in(LONG, 40)[np.asarray(places.row)]
    names, found = np.unique(row, return_counts=True)
    assert names.tolist() == [28, 31, 33, 36, 39]
    expected = np.array([3, 2, 3, 3, 1]) / 12
    assert np.abs(found / COUNT - expected).max() < 4 * np.sqrt(0.25 * 0.75 / COUNT)
    assert np.abs(found / COUNT - 1 / 5).max() > 4 * np.sqrt(0.25 * 0.75 / COUNT)


def test_a_piece_whose_beginning_was_written_over_begins_with_the_oldest_row():
    steps = np.arange(14)[:, None].repeat(E, 1)  # one episode of 14, rows 2 to 13 stored: pieces at 3, 6, 9, 12
    places = aligned(jax.random.key(3), jnp.uint32(14), ring_of(steps, LONG))
    assert set(rows_in(LONG, 14)[np.asarray(places.row)]) == {2, 3, 6, 9, 12}
    within = np.asarray(buffer.inside(places, jnp.uint32(14), LONG, PIECE))
    last = rows_in(LONG, 14)[np.asarray(places.row)] == 12
    assert within[:, ~last].all()
    assert within[:, last].T.tolist() == [[True, True, False]] * last.sum()


# Size


def test_bytes_are_what_an_empty_ring_takes():
    ring = buffer.empty(ROW, SLOTS)
    assert buffer.bytes_needed(ROW, SLOTS) == sum(leaf.nbytes for leaf in jax.tree.leaves(ring))
    assert buffer.bytes_needed(ROW, SLOTS) == SLOTS * E * (8 * 1 + 1 + 4 + 2 * 2 + 3 * 4)


def test_a_ring_larger_than_memory_is_refused_before_it_is_made():
    needed = buffer.bytes_needed({"picture": jax.ShapeDtypeStruct((8, 1024, 1024), jnp.uint8)}, 10_000_000)
    with pytest.raises(BadInput) as error:
        buffer.check_fits(needed, 15 * 2**30 + 2**29 + 2**24, replay=80_000_000, multiple=64)
    assert str(error.value) == (
        "--replay 80000000 needs 78125.00 GiB and 15.52 GiB are free; the greatest --replay that fits is 15872"
    )
    assert error.value.exit_code == 2
    buffer.check_fits(15_872 * 2**20, 15 * 2**30 + 2**29, replay=15_872)


def test_what_is_told_where_nothing_fits_or_nothing_was_asked():
    buffer.check_fits(10, 10)
    with pytest.raises(BadInput, match=r"^--replay needs 3\.00 GiB and 1\.00 GiB are free$"):
        buffer.check_fits(3 * 2**30, 2**30)
    with pytest.raises(BadInput, match=r"^--replay 7 needs 3\.00 GiB and 0\.00 GiB are free$"):
        buffer.check_fits(3 * 2**30, 0, replay=7)


# Packing


def test_packed_rows_are_the_same_rows():
    packed = jax.eval_shape(lambda: buffer.pack(jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), ROW), 1))
    assert {name: leaf.shape for name, leaf in packed.items()} == {
        "bfloat16": (E, 2),
        "bool": (E, 1),
        "float32": (E, 3),
        "int32": (E, 1),
        "uint8": (E, 8),
    }
    assert buffer.bytes_needed(packed, SLOTS) == buffer.bytes_needed(ROW, SLOTS)
    ring = buffer.empty(packed, SLOTS)
    for number in range(4):
        ring = buffer.write(ring, buffer.pack(numbered(number * T), 2), jnp.uint32(number * T))
    places = buffer.draw(jax.random.key(0), jnp.uint32(8), SLOTS, E, 10, 3)
    found = buffer.unpack(take(ring, places, 3), ROW, 1)
    expected = take(filled(4), places, 3)
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for key, leaf in expected.items():
        assert found[key].dtype == leaf.dtype
        assert found[key].shape == leaf.shape
        assert (np.asarray(found[key]) == np.asarray(leaf)).all()


def test_leaves_of_one_dtype_keep_their_order():
    tree = {"b": jnp.arange(6.0).reshape(2, 3), "a": jnp.arange(2.0), "c": jnp.arange(8.0).reshape(2, 2, 2)}
    packed = buffer.pack(tree, 1)
    assert packed["float32"].tolist() == [[0, 0, 1, 2, 0, 1, 2, 3], [1, 3, 4, 5, 4, 5, 6, 7]]
    found = buffer.unpack(packed, tree, 1)
    assert all((found[key] == tree[key]).all() for key in tree)
