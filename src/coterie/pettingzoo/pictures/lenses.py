"""Pictures made small: cut, averaged over areas, without colours, some of them at once. NumPy alone, in whole numbers.

A picture of H x W pixels becomes one of h x w. A small pixel lies over H/h x W/w large ones, some of them in part, and
is their mean, each counted by the share that it is covered by (so do OpenCV's INTER_AREA and Pillow's BOX). Counted in
h-ths of rows and w-ths of columns all shares are whole numbers, so sums are exact and the same on every machine:

    small[i, j] = (2 S + D) // 2 D,   S = sum_rc a[i, r] b[j, c] picture[r, c],   D = H W,

where a[i, r] is how many h-ths of row r lie in small row i. A mean that lies between two numbers is rounded up at half.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
from gymnasium import spaces

from coterie.errors import BadInput, EnvironmentFault
from coterie.settings import PictureOptions
from coterie.settings.pictures import LARGEST, crop_of, size_of

BYTE = 8
LANES = np.uint64(0x00FF00FF00FF00FF)  # every other byte of a word, with room above each for a sum
ROOM = 257  # bytes that fit into a sum of two bytes
MOST_ROWS = 2**31 // (256 * 256)  # whose sum, in 256ths, fits into 32 bits
GREY = (77, 150, 29)  # of 256: red, green and blue as they are bright (ITU-R BT.601)
WHITE = 255
COARSE, NARROWEST = 300, 8  # pixels of a coarse picture, and of its shorter side at least
COLOURS = ("red", "green", "blue")


class Lens(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an agent sees pictures of one shape; plain data, kept with a team.

    shape: of the picture, [H, W] or [H, W, C]. part: of it, from its top, to its bottom, from its left, to its right.
    size: what that is averaged to. channels: which are looked at; grey: three become one. stack: pictures at once.
    """

    shape: tuple[int, ...]
    part: tuple[int, int, int, int]
    size: tuple[int, int]
    channels: tuple[int, ...]
    grey: bool = False
    stack: int = 1

    @property
    def frame(self) -> tuple[int, int, int]:
        """The shape of one small picture."""
        return (*self.size, 1 if self.grey else len(self.channels))

    @property
    def shown(self) -> tuple[int, int, int]:
        """The shape of what an agent sees: small pictures, one behind the other, the newest last."""
        high, wide, channels = self.frame
        return high, wide, channels * self.stack

    @property
    def rows(self) -> int:
        """How many rows are left of a picture."""
        return self.part[1] - self.part[0]

    @property
    def columns(self) -> int:
        """How many columns are left of a picture."""
        return self.part[3] - self.part[2]


# From options to a lens


def lens_for(space: Any, options: PictureOptions) -> Lens | None:
    """The lens through which an observation is seen; None where it is no picture of bytes, or stays as it is.

    Raises BadInput where the options do not fit the picture.
    """
    if not is_picture(space):
        return None
    shape = tuple(map(int, space.shape))
    high, wide, channels = (*shape, 1)[:3]
    if high > MOST_ROWS:
        raise BadInput(f"a picture of {by(shape)} is too large: expected {MOST_ROWS:,} rows at most")
    screen = max(high, wide) > LARGEST and space.high.max() == WHITE  # fewer values are boards, not brightness
    top, bottom, left, right = crop_of(options)
    part = (top, high - bottom, left, wide - right)
    if part[0] >= part[1] or part[2] >= part[3]:
        raise BadInput(f"--picture.crop {options.crop}: nothing would be left of a picture of {by(shape)}")
    rows, columns = part[1] - part[0], part[3] - part[2]
    size = size_of(options)
    if size is None:
        small = coarse if options.size == "coarse" else fitted
        size = small(rows, columns) if screen and options.size != "full" else (rows, columns)
    if size[0] > rows or size[1] > columns:
        left = " after --picture.crop" if options.crop else ""
        raise BadInput(f"--picture.size {options.size}: expected at most {rows}x{columns}, what is there{left}")
    coloured = channels in (3, 4)  # a fourth is how opaque a pixel is
    if options.channel in COLOURS and not coloured:
        raise BadInput(f"--picture.channel {options.channel}: a picture of {by(shape)} has no colours")
    if options.grey and not (coloured or channels == 1):
        raise BadInput(f"--picture.grey: a picture of {by(shape)} has no colours")
    grey = coloured and (options.grey or (screen and not options.channel))
    chosen = (COLOURS.index(options.channel),) if options.channel in COLOURS else tuple(range(channels))
    lens = Lens(shape, part, size, (0, 1, 2) if grey else chosen, grey, options.stack or (2 if screen else 1))
    return None if lens.shown == (high, wide, channels) and lens.channels == tuple(range(channels)) else lens


def is_picture(space: Any) -> bool:
    """Whether an observation is a picture of bytes, [H, W] or [H, W, C]."""
    return isinstance(space, spaces.Box) and space.dtype == np.uint8 and len(space.shape) in (2, 3)


def fitted(rows: int, columns: int) -> tuple[int, int]:
    """The size of a picture that is made smaller by a whole number, as little as fits into 84x84."""
    times = -(-max(rows, columns) // LARGEST)
    return max(1, (2 * rows + times) // (2 * times)), max(1, (2 * columns + times) // (2 * times))


def coarse(rows: int, columns: int) -> tuple[int, int]:
    """The size of a picture of about COARSE pixels that keeps its proportions, but has NARROWEST of a side at least.

    >>> coarse(457, 120), coarse(280, 240)
    ((34, 9), (19, 16))
    """
    times = max(1.0, (rows * columns / COARSE) ** 0.5)
    high, wide = max(NARROWEST, round(rows / times)), max(NARROWEST, round(columns / times))
    return min(rows, high), min(columns, wide)


def by(shape: Sequence[int]) -> str:
    """A shape in words.

    >>> by((457, 120, 3))
    '457x120x3'
    """
    return "x".join(map(str, shape))


def words(lens: Lens) -> str:
    """What a lens shows, in words.

    >>> words(Lens((457, 120, 3), (0, 457, 0, 120), (24, 12), (0, 1, 2), grey=True, stack=2))
    '24x12x2, grey, of 457x120x3'
    """
    colour, (high, wide, *channels) = "", lens.shape
    if lens.grey:
        colour = "grey, "
    elif len(lens.channels) == 1 and channels not in ([], [1]):
        colour = f"{COLOURS[lens.channels[0]]}, "
    top, bottom, left, right = lens.part
    part = "" if lens.part == (0, high, 0, wide) else f"rows {top}-{bottom}, columns {left}-{right} "
    return f"{by(lens.shown)}, {colour}{part}of {by(lens.shape)}"


# Averaging


class Bins(NamedTuple):
    """Bins of equal length over rows, which are counted in shares of a row: as many as there are bins.

    pieces: (from, to), the rows that lie wholly in a bin, at most ROOM at a time; heads: where those of each bin begin,
    None where each has one. edges int[2, bins], shares int32[2, bins, 1]: the rows that lie in it in part, before and
    after, and what share of them does.
    """

    pieces: list[tuple[int, int]]
    heads: list[int] | None
    edges: np.ndarray
    shares: np.ndarray


@lru_cache(maxsize=4_096)
def bins(size: int, count: int, first: int, last: int) -> Bins:
    """How `size` rows lie in 1 <= count <= size bins; those from `first` to `last`."""
    begin = np.arange(first, last + 1) * size
    one, two = -(-begin[:-1] // count), begin[1:] // count
    pieces, heads = [], []
    for top, bottom in zip(one.tolist(), two.tolist(), strict=True):
        heads.append(len(pieces))
        pieces += [(row, min(row + ROOM, bottom)) for row in range(top, max(bottom, top + 1), ROOM)]
    shares = np.stack([one * count - begin[:-1], begin[1:] - two * count]).astype(np.int32)
    edges = np.stack([one - 1, two]).clip(0, size - 1)
    return Bins(pieces, heads if len(pieces) > len(heads) else None, edges, shares[..., None])


def planes(pixels: np.ndarray, channels: Sequence[int]) -> list[np.ndarray]:
    """Each channel of pixels by itself: [.., B] -> [..]."""
    return [pixels[..., channel] for channel in channels]


def whole_rows(pixels: np.ndarray, pieces: Sequence[tuple[int, int]], channels: Sequence[int]) -> list[np.ndarray]:
    """The sums of the rows of each piece, by channel: uint8[H, W, B] -> uint16[pieces, W] each.

    Eight bytes are added at once, as four sums of two bytes each: those at even places, then those at odd ones, if
    somebody looks at them.
    """
    high, wide, size = pixels.shape
    flat = pixels.reshape(high, wide * size)
    rest = -flat.shape[1] % BYTE
    if rest or flat.strides[1] != 1:
        flat = np.pad(flat, ((0, 0), (0, rest)))
    words, found = flat.view("<u8"), [np.empty((0, 0), np.uint16)] * 2
    for odd in {channel % 2 for channel in channels} if size % 2 == 0 else (0, 1):
        lanes = np.empty((len(pieces), words.shape[1]), "<u8")
        for number, (one, two) in enumerate(pieces):
            block = words[one:two] >> np.uint64(BYTE) if odd else words[one:two]
            np.add.reduce(block & LANES, axis=0, out=lanes[number])
        found[odd] = lanes.view("<u2")
    if size % 2 == 0:
        pixel = (len(pieces), -1, size // 2)
        return [found[channel % 2].reshape(pixel)[:, :wide, channel // 2] for channel in channels]
    together = np.stack(found, -1).reshape(len(pieces), -1)[:, : wide * size]
    return planes(together.reshape(len(pieces), wide, size), channels)


def weighed(values: Sequence[np.ndarray], grey: bool, times: Any = 1) -> np.ndarray:
    """What counts of channels [..] each, so many times: int32[.., C], or their brightness in 256ths, int32[.., 1]."""
    if not grey:
        counted = [np.multiply(one, times, dtype=np.int32)[..., None] for one in values]
        return counted[0] if len(counted) == 1 else np.concatenate(counted, -1)
    bright = np.multiply(values[0], GREY[0] * times, dtype=np.int32)
    for one, weight in zip(values[1:], GREY[1:], strict=True):
        bright += np.multiply(one, weight * times, dtype=np.int32)
    return bright[..., None]


def summed_rows(
    pixels: np.ndarray, count: int, channels: Sequence[int], grey: bool, first: int = 0, last: int = 0
) -> np.ndarray:
    """Rows of sums int32[count, W, C], with H as their weight: uint8[H, W, B] averaged down; or from first to last."""
    cut = bins(len(pixels), count, first, last or count)
    inside = weighed(whole_rows(pixels, cut.pieces, channels), grey, count)
    if cut.heads is not None:
        inside = np.add.reduceat(inside, cut.heads, axis=0)
    if cut.shares.any():
        before, after = weighed(planes(pixels[cut.edges], channels), grey, cut.shares)
        inside += before
        inside += after
    return inside


def summed_columns(rows: np.ndarray, width: int, count: int, lefts: np.ndarray) -> np.ndarray:
    """Windows averaged across, with `width` as their weight: int32[h, W, C], lefts int[N] -> int64[N, h, count, C]."""
    begin = np.arange(count + 1) * width
    at, rest = lefts[:, None] + begin // count, (begin % count)[:, None]
    up_to = np.zeros((rows.shape[0], rows.shape[1] + 1, rows.shape[2]), np.int64)
    np.cumsum(rows, axis=1, out=up_to[:, 1:])
    sums = up_to[:, at] * count
    if rest.any():
        sums += rows[:, np.minimum(at, rows.shape[1] - 1)] * rest
    return (sums[:, :, 1:] - sums[:, :, :-1]).swapaxes(0, 1)


def averaged(lens: Lens, pixels: np.ndarray, channels: Sequence[int], lefts: np.ndarray) -> np.ndarray:
    """What is seen through a lens of N windows: uint8[H, W, B], int[N] -> uint8[N, h, w, C].

    pixels are the lens's rows of a common picture, whose windows begin at the columns `lefts`; channels say where in a
    pixel its channels stand.
    """
    high, wide = lens.size
    if lens.size == (lens.rows, lens.columns) and not lens.grey:
        return windows(np.stack(planes(pixels, channels), -1), lefts, wide)
    if high == lens.rows:
        return across(lens, weighed(planes(pixels, channels), lens.grey), lefts, 1)
    return across(lens, summed_rows(pixels, high, channels, lens.grey), lefts)


def across(lens: Lens, rows: np.ndarray, lefts: np.ndarray, weight: int = 0) -> np.ndarray:
    """What is seen of rows of sums, int32[h, W, C] -> uint8[N, h, w, C]; weight: theirs, if not that of all rows."""
    share = (weight or lens.rows) * (256 if lens.grey else 1)
    if lens.size[1] == lens.columns:
        sums = windows(rows, lefts, lens.columns).astype(np.int64)
    else:
        sums, share = summed_columns(rows, lens.columns, lens.size[1], lefts), share * lens.columns
    return ((2 * sums + share) // (2 * share)).astype(np.uint8)


def windows(rows: np.ndarray, lefts: np.ndarray, width: int) -> np.ndarray:
    """Windows of `width` columns as they are: [H, W, C], int[N] -> [N, H, width, C]."""
    return np.stack([rows[:, left : left + width] for left in lefts.tolist()])


def small(lens: Lens, picture: Any) -> np.ndarray:
    """One picture through a lens, uint8[h, w, C]; EnvironmentFault where it is not what its space says."""
    picture = np.asarray(picture)
    if picture.shape != lens.shape or picture.dtype != np.uint8:
        expected = f"expected uint8[{', '.join(map(str, lens.shape))}]"
        raise EnvironmentFault(f"a picture is {picture.dtype}{list(picture.shape)}, {expected}")
    top, bottom, left, right = lens.part
    pixels = np.ascontiguousarray(picture.reshape(*lens.shape[:2], -1)[top:bottom, left:right])
    return averaged(lens, pixels, lens.channels, np.zeros(1, int))[0]


# Several at once


class Stack:
    """The last pictures that the agents of a kind have seen; the first of an episode fills all places."""

    def __init__(self, lens: Lens, agents: int) -> None:
        self.wide = lens.frame[2]
        self.pictures = np.zeros((agents, *lens.shown), np.uint8)
        self.fresh = np.ones(agents, bool)

    def begin(self) -> None:
        """An episode begins: nothing has been seen."""
        self.fresh.fill(True)

    def forget(self, place: int) -> None:
        """An agent has left; who comes in its place has seen nothing."""
        self.fresh[place] = True

    def add(self, frames: np.ndarray, places: slice) -> np.ndarray:
        """What is seen now by these, uint8[N, h, w, C * stack], with one more small picture each."""
        shown, wide = self.pictures[places], self.wide
        shown[..., :-wide] = shown[..., wide:]
        shown[..., -wide:] = frames
        fresh = self.fresh[places]
        if fresh.any():
            shown[fresh] = np.tile(frames[fresh], shown.shape[-1] // wide)
            fresh[:] = False
        return shown


def stack_of(lens: Lens | None, agents: int) -> Stack | None:
    """The stack of a kind; None where its agents see one picture at a time, or none."""
    return Stack(lens, agents) if lens is not None and lens.stack > 1 else None
