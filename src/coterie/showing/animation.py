"""Moving pictures: a hundred boards at the same time, or one episode, as GIFs that loop for ever."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from coterie.diagnosis.loops import REPEATS
from coterie.envs import boards
from coterie.errors import BadInput
from coterie.running.episodes import taken
from coterie.running.storage import write_atomically
from coterie.showing import words
from coterie.showing.outcomes import (
    COLOURS,
    Colour,
    Kind,
    board_at,
    last_words,
    legend_parts,
    longest,
    mixed,
    outcome,
    shown,
    who,
)
from coterie.showing.terminal_boards import LETTERS, actions_text
from coterie.showing.video import FAINT, INK, PAPER, as_gif
from coterie.types import Play

Words = list[tuple[str, Colour]]

FINER = 4  # tiles are drawn so many times larger and then made smaller, for smooth edges
MOST_BOARDS = 100
WALL_PIXELS = 900  # how wide a wall wants to be
MOST_FRAMES = 200  # a longer episode is shown in strides
FIRST_MILLISECONDS, STEP_MILLISECONDS, LAST_MILLISECONDS = 700, 240, 3500


def wall_gif(
    path: str | Path,
    plays: Sequence[Play],
    title: str,
    columns: int = 10,
    success_word: str = "succeed",
    repeats: int = REPEATS,
) -> None:
    """Writes up to a hundred boards that play at the same time; each is tinted and framed once its outcome shows."""
    plays = [play for play in plays if np.asarray(play.boards).size][:MOST_BOARDS]
    if not plays:
        raise BadInput("a wall needs at least one recorded episode with boards")
    outcomes = [outcome(play, repeats) for play in plays]
    columns = max(1, min(columns, len(plays)))
    high, wide = (int(side) for side in np.max([np.asarray(play.boards).shape[1:] for play in plays], axis=0))
    cell = int(np.clip(WALL_PIXELS // (columns * (wide + 1)), 2, 36))
    edge = max(1, round(cell / 6))
    width = max(400, columns * (wide * cell + 4 * edge) + 4 * edge)
    head = _paragraph(title, width - 6 * edge, 28)
    last = longest(plays)
    pictures = []
    for step in _strides(last):
        wall = _wall(
            [board_at(play, step) for play in plays],
            [shown(one, step) for one in outcomes],
            columns,
            (high, wide),
            cell,
            edge,
        )
        parts = legend_parts(outcomes, step, success_word)
        counts: Words = [(text, COLOURS[kind] if kind else FAINT) for kind, text in parts]
        picture = Image.new("RGB", (width, head.height + 42 + wall.height + 4 * edge), PAPER)
        picture.paste(head, (3 * edge, 3 * edge))
        below = head.height + 3 * edge
        _sentence(picture, (3 * edge, below), counts, 22)
        _aside(picture, (width - 3 * edge, below), f"step {step} of {last}", 19)
        picture.paste(wall, ((width - wall.width) // 2, below + 40))
        pictures.append(picture)
    write_atomically(Path(path), _gif(pictures))


def play_gif(
    path: str | Path,
    play: Play,
    action_names: Sequence[str],
    success_word: str = "succeed",
    repeats: int = REPEATS,
) -> None:
    """Writes one episode, large: agents with their letters, the actions, the reward so far, and how it ends."""
    high, wide = np.asarray(play.boards).shape[1:]
    if not high * wide:
        raise BadInput("this environment draws no boards, so there is nothing to show")
    cell = int(np.clip(440 // max(high, wide), 4, 88))
    one, steps = outcome(play, repeats), len(play.actions)
    width, edge = max(440, wide * cell) + 32, 4
    earned = np.concatenate([[0.0], np.asarray(play.rewards).mean(axis=1).cumsum()])
    ending = last_words(play, one, success_word)
    pictures = []
    for step in _strides(steps):
        kind = shown(one, step)
        board = _wall([board_at(play, step)], [kind], 1, (high, wide), cell, edge)
        picture = Image.new("RGB", (width, board.height + 128), PAPER)
        _sentence(picture, (16, 10), [(who(play), INK)], 20)
        _aside(picture, (width - 16, 10), f"step {step} of {steps}", 18)
        picture.paste(board, ((width - board.width) // 2, 40))
        moves = actions_text(taken(play, step - 1), action_names) if step else "the start"
        _sentence(picture, (16, board.height + 48), [(moves, INK)], 18)
        _aside(picture, (width - 16, board.height + 48), f"reward so far {words.number(float(earned[step]))}", 16)
        if step == steps:
            _sentence(picture, (16, board.height + 84), [(ending, COLOURS[one.kind])], 20)
        pictures.append(picture)
    write_atomically(Path(path), _gif(pictures))


def _strides(last: int) -> list[int]:
    """The steps that are shown, from 0 to the last one."""
    stride = max(1, -(-last // MOST_FRAMES))
    return sorted({*range(0, last, stride), last})


def floor_colour(kind: Kind | None) -> Colour:
    """The floor of a board, tinted with its outcome."""
    return (
        boards.FLOOR_COLOUR
        if kind is None
        else mixed(boards.FLOOR_COLOUR, COLOURS[kind], 0.3 if kind == "success" else 0.5)
    )


@lru_cache(maxsize=2048)
def tile(cell: int, kind: Kind | None, size: int) -> np.ndarray:
    """One cell, uint8[size, size, 3]: a disc for an agent, a green ring where several stand; letters if it is large."""
    finer = FINER * size
    floor = floor_colour(kind)
    picture = Image.new("RGB", (finer, finer), boards.WALL_COLOUR if cell & boards.WALL else floor)
    draw = ImageDraw.Draw(picture)
    if size >= 8 and not cell & boards.WALL:
        line = boards.LINE_COLOUR if kind is None else mixed(floor, COLOURS[kind], 0.18)
        draw.rectangle((0, 0, finer - 1, finer - 1), outline=line, width=FINER // 2)
    here = boards.agents_on(cell)
    middle = finer / 2
    if len(here) > 1:
        _disc(draw, middle, 0.5 * finer, boards.MEETING_COLOUR)
        _disc(draw, middle, 0.4 * finer, PAPER)
    for place, agent in enumerate(here):
        radius = (0.36 if len(here) > 1 else 0.4) * finer
        box = (middle - radius, middle - radius, middle + radius, middle + radius)
        turn = 360 / len(here)
        draw.pieslice(box, 90 + place * turn, 90 + (place + 1) * turn, fill=boards.AGENT_COLOURS[agent])
        if size >= 24:
            angle = np.deg2rad(90 + (place + 0.5) * turn)
            reach = 0.19 * finer if len(here) > 1 else 0.0
            spot = (middle + reach * np.cos(angle), middle + reach * np.sin(angle))
            font = ImageFont.load_default(finer * (0.25 if len(here) > 1 else 0.42))
            draw.text(spot, LETTERS[agent], fill=PAPER, font=font, anchor="mm")
    return np.asarray(picture.reduce(FINER))


def _disc(draw: ImageDraw.ImageDraw, middle: float, radius: float, colour: Colour) -> None:
    draw.ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill=colour)


def _wall(
    pictured: Sequence[np.ndarray],
    kinds: Sequence[Kind | None],
    columns: int,
    cells: tuple[int, int],
    cell: int,
    edge: int,
) -> Image.Image:
    """Boards side by side, each with a frame of `edge` and as much paper around it; all pixels are copied by numpy."""
    high, wide = cells
    rows = -(-len(pictured) // columns)
    outer = 2 * edge
    block = np.empty((rows * columns, high * cell + 2 * outer, wide * cell + 2 * outer, 3), np.uint8)
    block[:] = PAPER
    for place, (board, kind) in enumerate(zip(pictured, kinds, strict=True)):
        tall, broad = board.shape
        known, which = np.unique(board, return_inverse=True)
        tiles = np.stack([tile(int(value), kind, cell) for value in known])
        pixels = tiles[which.reshape(board.shape)].transpose(0, 2, 1, 3, 4).reshape(tall * cell, broad * cell, 3)
        bottom, right = outer + tall * cell, outer + broad * cell
        frame = boards.LINE_COLOUR if kind is None else COLOURS[kind]
        block[place, edge : bottom + edge, edge : right + edge] = frame
        block[place, outer:bottom, outer:right] = pixels
    grid = block.reshape(rows, columns, *block.shape[1:]).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(grid.reshape(rows * block.shape[1], columns * block.shape[2], 3))


def _paragraph(text: str, width: int, size: int) -> Image.Image:
    """A text broken into lines of at most this width, on paper."""
    font = ImageFont.load_default(size)
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    picture = Image.new("RGB", (width, round(len(lines) * size * 1.35)), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, line in enumerate(lines):
        draw.text((0, place * size * 1.35), line, fill=INK, font=font)
    return picture


def _sentence(picture: Image.Image, spot: tuple[float, float], parts: Words, size: int) -> None:
    """Coloured parts of one line, with dots between them."""
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    x, y = spot
    for place, (text, colour) in enumerate(parts):
        for piece, shade in (("  ·  " if place else "", FAINT), (text, colour)):
            draw.text((x, y), piece, fill=shade, font=font)
            x += font.getlength(piece)


def _aside(picture: Image.Image, spot: tuple[float, float], text: str, size: int) -> None:
    """A faint text that ends at this spot."""
    ImageDraw.Draw(picture).text(spot, text, fill=FAINT, font=ImageFont.load_default(size), anchor="ra")


def _gif(pictures: Sequence[Image.Image]) -> bytes:
    """The frames, the first and the last shown longer."""
    durations = [STEP_MILLISECONDS] * len(pictures)
    durations[0], durations[-1] = FIRST_MILLISECONDS, LAST_MILLISECONDS
    return as_gif(pictures, durations)
