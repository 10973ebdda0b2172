import io
import time

import numpy as np
import pytest
from made_by_hand import ACTIONS, circling, hundred, make_curve, make_verdict, meeting, tutorial, walk, walled
from PIL import Image

from coterie.envs.boards import MEETING_COLOUR
from coterie.errors import BadInput
from coterie.running.verdict import Curve
from coterie.showing import animation, figures
from coterie.showing.outcomes import COLOURS


def near(picture: Image.Image, colour) -> int:
    """How many pixels are this colour, but for the palette's rounding."""
    pixels = np.asarray(picture.convert("RGB")).astype(int)
    return int((np.abs(pixels - colour).max(-1) <= 8).sum())


def frames(path) -> list[Image.Image]:
    with Image.open(path) as gif:
        found = []
        for place in range(gif.n_frames):
            gif.seek(place)
            found.append(gif.convert("RGB"))
        return found


def durations(path) -> list[int]:
    with Image.open(path) as gif:
        return [gif.seek(place) or gif.info["duration"] for place in range(gif.n_frames)]


def test_the_wall_turns_green_and_red(tmp_path):
    path = tmp_path / "wall.gif"
    animation.wall_gif(path, hundred(), "Ninety-two of a hundred teams meet.", success_word="meet")
    assert path.stat().st_size < 500_000
    with Image.open(path) as gif:
        assert gif.n_frames == 21
        assert gif.info["loop"] == 0
    held = durations(path)
    assert held[-1] > 2000 > held[1]
    first, *_, last = frames(path)
    green, red = (animation.floor_colour(kind) for kind in ("success", "circle"))
    assert near(first, green) + near(first, red) < 100  # a few pixels at the edges of letters
    floor_green, floor_red = near(last, green), near(last, red)
    assert floor_green / floor_red == pytest.approx(92 / 8, rel=0.15)
    assert near(last, animation.floor_colour("time")) < 100


def test_circling_boards_still_move_at_the_end(tmp_path):
    animation.wall_gif(tmp_path / "w.gif", [circling(5)], "", success_word="meet")
    *_, before, last = frames(tmp_path / "w.gif")
    top = 60  # below the line that counts steps
    assert (np.asarray(before)[top:] != np.asarray(last)[top:]).any()


def test_a_wall_takes_whatever_was_played(tmp_path):
    small = walk("RRDD", "LLUU", 0, success=True, size=3)
    animation.wall_gif(tmp_path / "w.gif", [meeting(0), small, walled()], "a " * 200, columns=2)
    assert near(frames(tmp_path / "w.gif")[-1], animation.floor_colour("time")) > 0
    with pytest.raises(BadInput):
        animation.wall_gif(tmp_path / "none.gif", [], "nothing")
    empty = meeting(0)._replace(boards=np.zeros((5, 0, 0), np.uint8))
    with pytest.raises(BadInput):
        animation.play_gif(tmp_path / "none.gif", empty, ACTIONS)
    assert not (tmp_path / "none.gif").exists()


def test_one_episode(tmp_path):
    animation.play_gif(tmp_path / "p.gif", meeting(0), ACTIONS, "meet")
    first, *_, last = frames(tmp_path / "p.gif")
    assert len(durations(tmp_path / "p.gif")) == 5
    assert near(first, MEETING_COLOUR) == 0
    assert near(last, COLOURS["success"]) > 500


def test_a_long_episode_is_shown_in_strides(tmp_path):
    long = walk("RL" * 500, "LR" * 500, 0, success=False)
    animation.play_gif(tmp_path / "p.gif", long, ACTIONS, "meet")
    assert len(durations(tmp_path / "p.gif")) <= animation.MOST_FRAMES + 1


def test_the_wall_is_quick(tmp_path):
    began = time.process_time()
    animation.wall_gif(tmp_path / "w.gif", hundred(), "quick", success_word="meet")
    assert time.process_time() - began < 3.0  # measured 0.4; a busy machine is no reason to fail


@pytest.mark.parametrize(
    "curve",
    [
        make_curve(),
        make_curve(points=1),
        Curve((), (), (), (), (), (), (), (), ()),
        Curve((1, 2), (1.0, 2.0), (0.0, 0.0), *[(5.0, 5.0)] * 6),
    ],
)
def test_curves_are_a_picture(tmp_path, curve):
    for verdict in (tutorial(), make_verdict(optimum=None, random=float("nan"), idle=float("nan"))):
        figures.curves(tmp_path / "curves.png", curve, verdict)
        with Image.open(tmp_path / "curves.png") as picture:
            picture.load()
            assert picture.size == (1080, 1230)


def test_curves_show_optimum_and_teams():
    picture = Image.open(io.BytesIO(figures.curves_png(make_curve(), tutorial())))
    assert near(picture, (0x1F, 0x8A, 0x57)) > 1000
    assert near(picture, (0x26, 0x62, 0xA8)) > 1000


def test_a_failing_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "curves.png"
    path.write_bytes(b"before")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        figures.curves(path, make_curve(points=2), tutorial())
    with pytest.raises(OSError, match="no space"):
        animation.play_gif(tmp_path / "play.gif", meeting(0), ACTIONS)
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["curves.png"]
