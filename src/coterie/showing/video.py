"""Pictures of an episode into one file: a GIF, an animated WebP or an MP4 of a few megabytes at most."""

from __future__ import annotations

import importlib
import importlib.util
import io
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

from coterie.errors import BadInput, StorageFault
from coterie.running.storage import write_atomically

ENDINGS = (".gif", ".webp", ".mp4")
MOST_FRAMES = 200  # of a longer episode every second step is shown, or every fourth, …
MOST_BYTES = 4_000_000
LARGEST, SMALLEST = 400, 200  # pixels, of a picture's longer side
CAPTION, LEAST_WIDTH = 26, 260  # pixels
PAPER, INK, FAINT = (251, 250, 247), (43, 42, 40), (138, 133, 123)
FIRST, SHORTEST, LONGEST, LAST, ALL = 500, 40, 700, 2_000, 20_000  # milliseconds of frames, and of all together
USUAL_RATE = 10  # frames a second where the environment does not say
SAMPLE = 8  # frames that a GIF's one palette is made from


class Written(NamedTuple):
    """A file that holds a video: how many frames, every so many steps one, and their size in pixels."""

    path: Path
    frames: int
    stride: int
    width: int
    height: int
    bytes: int


class Film:
    """A bounded number of an episode's pictures, evenly spread, however long it becomes; the last is always there."""

    def __init__(self, title: tuple[str, str] = ("", ""), rate: float | None = None, most: int = MOST_FRAMES) -> None:
        self.title, self.rate, self.most = title, rate or USUAL_RATE, most + most % 2
        self.stride = 1
        self.frames: list[Image.Image] = []

    def wants(self, step: int) -> bool:
        """Whether the picture of a step belongs in the film; the last one always does."""
        return step % self.stride == 0

    def add(self, pixels: np.ndarray, caption: str) -> None:
        """Take a picture uint8[H, W, 3]; where there are too many, every second is left out from now on."""
        self.frames.append(captioned(fitted(pixels), self.title, caption))
        if len(self.frames) > self.most:
            self.frames, self.stride = self.frames[::2], 2 * self.stride

    def pictures(self) -> np.ndarray:
        """All pictures, uint8[F, H, W, 3]."""
        frames = alike(self.frames)
        return np.stack([np.asarray(one) for one in frames]) if frames else np.empty((0, 0, 0, 3), np.uint8)

    def write(self, path: Path) -> Written:
        """Write the file, whole or not at all; of one that would be too large, the pictures are made smaller."""
        frames, durations = alike(self.frames), self.durations()
        if not frames:
            raise BadInput(f"{path}: there is no picture to write")
        make = {".gif": as_gif, ".webp": as_webp, ".mp4": as_mp4}[path.suffix.lower()]
        data = make(frames, durations)
        while len(data) > MOST_BYTES and frames[0].width > SMALLEST // 2:
            frames = [one.resize((round(one.width * 0.7), round(one.height * 0.7))) for one in frames]
            data = make(frames, durations)
        write_atomically(path, data)
        return Written(path, len(frames), self.stride, frames[0].width, frames[0].height, len(data))

    def durations(self) -> list[int]:
        """How long each frame is shown, in milliseconds: as fast as the environment says, within reason."""
        each = np.clip(1_000 / self.rate, SHORTEST, LONGEST)
        each = 10 * int(max(SHORTEST, min(each, ALL / max(1, len(self.frames)))) / 10)
        found = [each] * len(self.frames)
        for place, least in ((0, FIRST), (-1, LAST)):
            if found:
                found[place] = max(least, found[place])
        return found


def fitted(pixels: np.ndarray) -> Image.Image:
    """A picture in a handy size: large ones smaller, tiny ones by whole pixels larger."""
    picture = Image.fromarray(pixels)
    longer = max(picture.size)
    if longer > LARGEST:
        share = LARGEST / longer
        wide, high = (max(1, round(side * share)) for side in picture.size)
        return picture.resize((wide, high), Image.Resampling.BOX if share < 0.5 else Image.Resampling.LANCZOS)
    times = SMALLEST // longer
    if times > 1:
        return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    return picture


def captioned(picture: Image.Image, title: tuple[str, str], caption: str) -> Image.Image:
    """A picture with a line below it: what is shown and who plays on the left, how far it is on the right."""
    width = max(LEAST_WIDTH, picture.width)
    whole = Image.new("RGB", (width + width % 2, picture.height + CAPTION + picture.height % 2), PAPER)
    whole.paste(picture, ((width - picture.width) // 2, 0))
    draw, font, line = ImageDraw.Draw(whole), ImageFont.load_default(13), picture.height + CAPTION / 2
    left = in_room(title, whole.width - 28 - font.getlength(caption), font.getlength)
    draw.text((8, line), left, fill=INK, font=font, anchor="lm")
    draw.text((whole.width - 8, line), caption, fill=FAINT, font=font, anchor="rm")
    return whole


def in_room(title: tuple[str, str], room: float, length: Callable[[str], float]) -> str:
    """What is shown and who plays, so long as there is room; of a long name the end is left out.

    >>> in_room(("pistonball_v6", "random"), 99, len), in_room(("pistonball_v6", "random"), 16, len)
    ('pistonball_v6 · random', 'piston… · random')
    """
    world, player = title
    text = " · ".join(filter(None, title))
    while world and length(text) > room:
        world = world[:-1]
        text = f"{world}… · {player}" if world else player
    return text if length(text) <= room else ""


def alike(frames: Sequence[Image.Image]) -> list[Image.Image]:
    """The frames in the size of the largest, for a few environments draw pictures that grow."""
    if not frames:
        return []
    size = max(one.width for one in frames), max(one.height for one in frames)
    found = []
    for one in frames:
        if one.size != size:
            whole = Image.new("RGB", size, PAPER)
            whole.paste(one, (0, 0))
            one = whole
        found.append(one)
    return found


def as_gif(frames: Sequence[Image.Image], durations: Sequence[int]) -> bytes:
    """A GIF that loops for ever, with one palette for all, made from some of the frames."""
    chosen = [frames[place] for place in sorted({*np.linspace(0, len(frames) - 1, SAMPLE).astype(int).tolist()})]
    together = Image.new("RGB", (frames[0].width, len(chosen) * frames[0].height))
    for place, one in enumerate(chosen):
        together.paste(one, (0, place * one.height))
    palette = together.quantize(255, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    flat = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in frames]
    return saved("GIF", flat, durations, optimize=True)  # what stays as it was becomes transparent, and packs well


def as_webp(frames: Sequence[Image.Image], durations: Sequence[int]) -> bytes:
    """An animated WebP that loops for ever."""
    return saved("WEBP", frames, durations, quality=80, method=3)


def saved(kind: str, frames: Sequence[Image.Image], durations: Sequence[int], **options: object) -> bytes:
    """Frames as Pillow writes them."""
    memory = io.BytesIO()
    frames[0].save(memory, kind, save_all=True, append_images=frames[1:], duration=list(durations), loop=0, **options)
    return memory.getvalue()


def as_mp4(frames: Sequence[Image.Image], durations: Sequence[int]) -> bytes:
    """An MP4, by ffmpeg: at a steady rate, in which a frame is repeated as long as it is shown."""
    program, each = ffmpeg(), min(durations)
    if program is None:
        raise BadInput(NO_FFMPEG)
    shown = [one for one, time in zip(frames, durations, strict=True) for _ in range(time // each)]
    wide, high = (side - side % 2 for side in frames[0].size)  # its usual colours come in blocks of 2 x 2
    raw = b"".join(one.crop((0, 0, wide, high)).tobytes() for one in shown)
    with tempfile.TemporaryDirectory(prefix="coterie-") as folder:
        into = Path(folder) / "video.mp4"
        words = [program, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{wide}x{high}"]
        words += ["-r", f"{1_000 / each:g}", "-i", "-", "-an", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
        ended = subprocess.run([*words, str(into)], input=raw, capture_output=True, check=False)
        if ended.returncode or not into.exists():
            why = " ".join(ended.stderr.decode(errors="replace").split())[-200:]
            raise StorageFault(f"{program} made no video: {why or f'it ended with {ended.returncode}'}")
        return into.read_bytes()


NO_FFMPEG = "an .mp4 is made by ffmpeg, and there is none here; name a .gif or .webp, or: pip install imageio-ffmpeg"


def ffmpeg() -> str | None:
    """The program ffmpeg, on the path or in the package imageio-ffmpeg; None where there is none."""
    found = shutil.which("ffmpeg")
    if found or importlib.util.find_spec("imageio_ffmpeg") is None:
        return found
    ask: Callable[[], str] = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe
    try:
        return ask()
    except (OSError, RuntimeError):
        return None


def video_file(flag: str, word: str) -> Path:
    """The file that a flag names for a video; BadInput and StorageFault say why it cannot be."""
    path = Path(word)
    if path.suffix.lower() not in ENDINGS:
        raise BadInput(f"{flag} {word}: the name of a video ends in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}")
    if path.exists():
        raise StorageFault(f"{flag} {word}: the file exists, and nothing is overwritten")
    if not path.parent.is_dir():
        raise StorageFault(f"{flag} {word}: there is no folder {path.parent}")
    if path.suffix.lower() == ".mp4" and ffmpeg() is None:
        raise BadInput(f"{flag} {word}: {NO_FFMPEG}")
    if path.suffix.lower() == ".webp" and not features.check("webp"):
        raise BadInput(f"{flag} {word}: Pillow was built without WebP here; name a .gif")
    return path


def unused(folder: Path, stem: str, ending: str = ".gif") -> Path:
    """A file name that is free: stem.gif, else stem-2.gif and so on."""
    path, number = folder / f"{stem}{ending}", 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{ending}"
    return path
