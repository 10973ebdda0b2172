"""What agents are shown of pictures: how the options are written, and what is wrong with them in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from coterie.errors import BadInput

LARGEST = 84  # rows and columns: a picture with more of either is a screen, and is made small unasked
MOST_STACKED = 16
SIZE = re.compile(r"([1-9]\d{0,3})[xX]([1-9]\d{0,3})")
CROP = re.compile(r"\d{1,4}(,\d{1,4}){3}")


@dataclass(frozen=True)
class PictureOptions:
    """What agents are shown of the pictures of bytes that they see; of screens, which are larger than 84x84, a part."""

    size: str = ""
    """Rows and columns to which a picture is averaged, like 24x12; full: as it is; coarse: screens, about 300 pixels.

    Else screens are fitted in 84x84.
    """
    crop: str = ""
    """What is cut off before, in pixels: top,bottom,left,right."""
    grey: bool = False
    """Shades of grey in place of colours; screens are grey unless --picture.channel says otherwise."""
    channel: Literal["", "all", "red", "green", "blue"] = ""
    """One colour of a picture alone; all: a screen keeps its colours."""
    stack: int = 0
    """How many pictures are shown at once, the newest last; 0: two of screens, for one shows no motion, else one."""


UNTOUCHED = PictureOptions(size="full", channel="all", stack=1)


def check_pictures(options: PictureOptions) -> None:
    """Raises BadInput for words that mean nothing, and for options that do not go together."""
    size_of(options)
    crop_of(options)
    if options.grey and options.channel:
        raise BadInput(f"--picture.grey with --picture.channel {options.channel}: choose one of them")
    if not 0 <= options.stack <= MOST_STACKED:
        raise BadInput(f"--picture.stack {options.stack}: expected 1 to {MOST_STACKED}, or 0 for what is usual")


def size_of(options: PictureOptions) -> tuple[int, int] | None:
    """The rows and columns that are asked for; None where none are named (full, or what is usual)."""
    word = options.size.strip()
    if word in ("", "full", "coarse"):
        return None
    if found := SIZE.fullmatch(word):
        return int(found[1]), int(found[2])
    numbers = [str(int(one)) for one in re.findall(r"\d{1,4}", word) if int(one)]
    near = f"; did you mean {'x'.join((numbers * 2)[:2])}?" if 1 <= len(numbers) <= 2 else ""
    raise BadInput(f"--picture.size {word}: expected rows x columns, like 24x12, coarse, or full{near}")


def crop_of(options: PictureOptions) -> tuple[int, int, int, int]:
    """How many rows are cut off at the top and the bottom, and columns at the left and the right."""
    word = options.crop.replace(" ", "")
    if not word:
        return 0, 0, 0, 0
    if CROP.fullmatch(word):
        top, bottom, left, right = map(int, word.split(","))
        return top, bottom, left, right
    near = f"; did you mean {','.join([word] * 4)}?" if re.fullmatch(r"\d{1,4}", word) else ""
    raise BadInput(f"--picture.crop {word}: expected pixels, as top,bottom,left,right, like 40,0,0,0{near}")
