"""Videos: bounded in frames, size and bytes, however long an episode is; whole or not there."""

import io
import os
import stat
import sys

import numpy as np
import pytest
from PIL import Image

from coterie.errors import BadInput, StorageFault
from coterie.showing import video
from coterie.showing.video import Film, captioned, fitted, in_room, unused, video_file


def scene(step: int, high: int = 60, wide: int = 90) -> np.ndarray:
    """A picture that shows its step: a white bar, so many pixels from the left."""
    pixels = np.zeros((high, wide, 3), np.uint8)
    pixels[:, : step + 1] = 255
    return pixels


def filmed(steps: int, most: int = 10, **more) -> Film:
    """An episode as the camera takes it: what the film wants, and its last moment."""
    film = Film(("world", "random"), 10, most, **more)
    for step in range(steps + 1):
        if film.wants(step) or step == steps:
            film.add(scene(step), str(step))
    return film


def steps_shown(film: Film) -> list[int]:
    """The step that each frame shows, by the white bar in it."""
    found = []
    for one in film.frames:
        row = np.asarray(one)[10, (one.width - 180) // 2 : (one.width + 180) // 2]
        found.append(int((row > 128).all(-1).sum()) // 2 - 1)
    return found


@pytest.mark.parametrize("steps", [0, 1, 9, 10, 11, 25, 40, 79, 80])
def test_a_film_is_bounded_even_and_ends_with_the_end(steps):
    film = filmed(steps)
    shown = steps_shown(film)
    assert len(shown) <= 10
    assert shown[0] == 0
    assert shown[-1] == steps
    assert film.stride == next(n for n in (1, 2, 4, 8, 16) if len({*range(0, steps + 1, n), steps}) <= 10)
    assert set(np.diff(shown[:-1])) <= {film.stride}
    assert len(shown) >= min(steps + 1, 5)


def test_all_frames_become_one_array():
    assert filmed(4).pictures().shape == (5, 120 + 26, 260, 3)
    assert Film().pictures().shape[0] == 0


@pytest.mark.parametrize(
    "size, expected",
    [((560, 880), (400, 255)), ((1000, 1000), (400, 400)), ((8, 8), (200, 200)), ((300, 250), (250, 300))],
)
def test_pictures_come_in_a_handy_size(size, expected):
    assert fitted(np.zeros((*size, 3), np.uint8)).size == expected


def test_small_pictures_stay_sharp():
    pixels = np.random.default_rng(0).integers(0, 256, (10, 10, 3), np.uint8)
    assert np.array_equal(np.asarray(fitted(pixels)), pixels.repeat(20, 0).repeat(20, 1))


def test_a_caption_stands_below_the_picture_and_changes_nothing_in_it():
    picture = fitted(scene(30, 200, 300))
    whole = np.asarray(captioned(picture, ("world", "random"), "step 3"))
    assert np.array_equal(whole[:200], np.asarray(picture))
    assert whole[200:].min() < 100  # ink
    other = np.asarray(captioned(picture, ("world", "random"), "step 4"))
    assert not np.array_equal(whole[200:], other[200:])


@pytest.mark.parametrize("room, expected", [(40, "foraging · random"), (15, "forag… · random"), (6, "random"), (3, "")])
def test_who_plays_is_kept_longest(room, expected):
    assert in_room(("foraging", "random"), room, len) == expected


def read(path) -> tuple[list[np.ndarray], list[int], int]:
    """The frames of a file, how long each is shown, in milliseconds, and how often all are: 0 for ever."""
    frames, times = [], []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            times.append(image.info["duration"])
        return frames, times, image.info["loop"]


@pytest.mark.parametrize("ending, most_wrong", [(".gif", 40), (".webp", 60)])
def test_what_is_written_is_what_was_filmed(tmp_path, ending, most_wrong):
    film, path = filmed(8), tmp_path / f"film{ending}"
    made = film.write(path)
    frames, times, loop = read(path)
    assert len(frames) == made.frames == 9
    assert (made.height, made.width) == frames[0].shape[:2]
    assert made.bytes == path.stat().st_size
    for frame, known in zip(frames, film.pictures(), strict=True):
        assert np.abs(frame.astype(int) - known).mean() < 6
        assert np.percentile(np.abs(frame.astype(int) - known), 99) < most_wrong
    assert times[0] == 500
    assert times[-1] == 2_000
    assert set(times[1:-1]) == {100}
    assert loop == 0
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("rate, frames, expected", [(20, 30, 50), (1, 9, 700), (500, 5, 40), (2, 200, 100)])
def test_a_film_is_as_fast_as_its_world_within_reason(rate, frames, expected):
    film = Film(rate=rate)
    film.frames = [Image.new("RGB", (4, 4))] * frames
    times = film.durations()
    assert times[1:-1] == [expected] * (frames - 2)
    assert sum(times) <= 23_000


def test_a_film_of_noise_is_made_small_enough(tmp_path, monkeypatch):
    draws = np.random.default_rng(0)
    film = Film()
    for _ in range(6):
        film.add(draws.integers(0, 256, (200, 300, 3), np.uint8), "")
    large = film.write(tmp_path / "large.gif")
    monkeypatch.setattr(video, "MOST_BYTES", large.bytes // 3)
    small = film.write(tmp_path / "small.gif")
    assert small.bytes <= large.bytes // 3
    assert small.width < large.width
    assert small.frames == large.frames


def test_pictures_that_grow_are_put_on_the_largest(tmp_path):
    film = Film()
    for side in (200, 260, 230):
        film.add(np.full((side, side, 3), 50, np.uint8), "")
    assert film.pictures().shape == (3, 286, 260, 3)
    film.write(tmp_path / "film.gif")


def test_a_film_without_pictures_is_not_written(tmp_path):
    with pytest.raises(BadInput, match="there is no picture to write"):
        Film().write(tmp_path / "film.gif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch, failure):
    def fails(handle):
        raise failure

    film = filmed(3)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises((StorageFault, KeyboardInterrupt)):
            film.write(tmp_path / "film.gif")
    assert not list(tmp_path.iterdir())


FAKE = """#!{python}
import sys
from pathlib import Path

words = sys.argv[1:]
if {code}:
    sys.exit("unknown encoder")
data = sys.stdin.buffer.read()
Path(words[-1]).write_bytes(repr((words[:-1], len(data), data[:3], data[-3:])).encode())
"""


def fake_ffmpeg(folder, monkeypatch, code=0):
    """A program of that name that writes down what it is given."""
    program = folder / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(FAKE.format(python=sys.executable, code=code))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))


def test_an_mp4_is_made_by_ffmpeg_at_a_steady_rate(tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, monkeypatch)
    film = filmed(5)
    made = film.write(tmp_path / "film.mp4")
    words, size, first, last = eval((tmp_path / "film.mp4").read_text())  # our own program's answer
    times = film.durations()
    frame = film.frames[0].width * film.frames[0].height * 3
    assert size == frame * sum(times) // 100
    assert words[words.index("-s") + 1] == f"{made.width}x{made.height}" == "260x146"
    assert words[words.index("-r") + 1] == "10"
    assert words[words.index("-pix_fmt", words.index("-i")) + 1] == "yuv420p"
    assert first == last == bytes(video.PAPER)  # the corners of a narrow picture's frame
    assert made.bytes == (tmp_path / "film.mp4").stat().st_size


def test_where_ffmpeg_fails_it_is_told_and_nothing_is_left(tmp_path, monkeypatch):
    fake_ffmpeg(tmp_path, monkeypatch, code=1)
    with pytest.raises(StorageFault, match="ffmpeg made no video: unknown encoder"):
        filmed(3).write(tmp_path / "film.mp4")
    assert [one.name for one in tmp_path.iterdir()] == ["bin"]


def test_without_ffmpeg_an_mp4_is_refused_before_anything_is_played(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(video.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"an .mp4 is made by ffmpeg, and there is none here; name a .gif or .webp"):
        video_file("--video", str(tmp_path / "film.mp4"))


def test_the_package_that_brings_ffmpeg_is_found(tmp_path, monkeypatch):
    (tmp_path / "imageio_ffmpeg.py").write_text("def get_ffmpeg_exe():\n    return '/opt/ffmpeg'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert video.ffmpeg() == "/opt/ffmpeg"
    monkeypatch.delitem(sys.modules, "imageio_ffmpeg")


def test_names_that_cannot_be_are_refused(tmp_path):
    (tmp_path / "there.gif").write_bytes(b"mine")
    for name, fault, why in [
        ("film.png", BadInput, "the name of a video ends in .gif, .webp or .mp4"),
        ("there.gif", StorageFault, "the file exists, and nothing is overwritten"),
        ("no/film.gif", StorageFault, "there is no folder"),
    ]:
        with pytest.raises(fault, match=why):
            video_file("--video", str(tmp_path / name))
    assert video_file("--video", str(tmp_path / "new.GIF")).name == "new.GIF"


def test_nothing_is_overwritten(tmp_path):
    names = []
    for _ in range(3):
        names.append(unused(tmp_path, "film").name)
        (tmp_path / names[-1]).touch()
    assert names == ["film.gif", "film-2.gif", "film-3.gif"]


def test_a_gif_is_the_smaller_for_what_stays_as_it_was():
    draws = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    still = [Image.fromarray(draws)] * 2
    other = [still[0], Image.fromarray(255 - draws)]
    assert len(video.as_gif(still, [100, 100])) < len(video.as_gif(other, [100, 100])) * 0.7
    with Image.open(io.BytesIO(video.as_gif(other, [100, 100]))) as image:
        assert image.n_frames == 2
