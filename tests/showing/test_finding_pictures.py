"""A finding's picture, measured: where bars, cells, points and trails stand, and what those hear who cannot see."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from made_by_hand import BARS, GRID, PATH, circling, meeting

from coterie.showing.finding_pictures import WIDE, figures, picture_svg
from coterie.showing.stretch_picture import stretch_svg
from coterie.types import Evidence, Picture


class Elements(HTMLParser):
    """Every element of a picture, with its attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append({"tag": tag, **dict(attrs)})

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)

    def of(self, tag, kind):
        return [one for one in self.found if one["tag"] == tag and kind in (one.get("class") or "").split()]


def label(svg: str) -> str:
    return Elements(svg).found[0]["aria-label"]


def test_bars_begin_at_zero_and_are_as_long_as_their_values():
    drawn = Elements(picture_svg(Picture("bars", "", ("a", "b", "c"), (2.0, 1.0, -1.0))))
    bars = [(float(bar["x"]), float(bar["width"])) for bar in drawn.of("rect", "bar-fill")]
    (zero, two), (_, one), (below, negative) = bars
    assert two == pytest.approx(2 * one, abs=0.2)
    assert negative == pytest.approx(one, abs=0.2)
    assert below + negative == pytest.approx(zero, abs=0.2)
    track = drawn.of("rect", "track")[0]
    assert two + negative == pytest.approx(float(track["width"]), abs=0.3)


def test_intervals_and_the_line_share_the_scale_of_the_bars():
    drawn = Elements(picture_svg(Picture("bars", "", ("a",), (0.5,), ((0.25, 1.0),), line=0.75)))
    track, bar = drawn.of("rect", "track")[0], drawn.of("rect", "bar-fill")[0]
    left, wide = float(track["x"]), float(track["width"])
    begin, end = map(float, re.match(r"M([\d.]+) [\d.]+H([\d.]+)", drawn.of("path", "interval")[0]["d"]).groups())
    line = float(re.match(r"M([\d.]+)", drawn.of("path", "reference")[0]["d"])[1])
    assert float(bar["width"]) / wide == pytest.approx(0.5, abs=0.005)
    assert [(one - left) / wide for one in (begin, end, line)] == pytest.approx([0.25, 1.0, 0.75], abs=0.005)


def test_the_larger_a_number_the_darker_its_cell():
    drawn = Elements(picture_svg(Picture("grid", "", ("x", "y"), ((1.0, -2.0), (0.0, None)))))
    cells = [one for one in drawn.found if (one.get("class") or "").startswith("cell")]
    assert [one["class"] for one in cells] == ["cell above", "cell below", "cell above", "cell above"]
    assert [float(one["fill-opacity"]) for one in cells] == [0.25, 0.5, 0.0, 0.0]


def test_a_path_keeps_its_shape_and_marks_its_ends():
    square = Picture("path", "", ("x", "y"), ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
    drawn = Elements(picture_svg(square))
    ways = [re.findall(r"(-?[\d.]+) (-?[\d.]+)", one["d"]) for one in drawn.of("path", "way")]
    corners = [tuple(map(float, way[0])) for way in ways] + [tuple(map(float, ways[-1][-1]))]
    (start,), (end,) = drawn.of("circle", "start"), drawn.of("circle", "end")
    assert (float(start["cx"]), float(start["cy"])) == corners[0]
    assert (float(end["cx"]), float(end["cy"])) == corners[-1]
    sides = np.linalg.norm(np.diff(np.array(corners), axis=0), axis=1)
    assert len(sides) == 3
    assert sides == pytest.approx([sides[0]] * 3, abs=0.3)
    assert corners[2][1] < corners[1][1]  # up is up


def test_what_is_said_has_every_number():
    assert label(picture_svg(BARS)) == (
        "What each agent adds to the team's return (Shapley): agent A 2.31 (1.90 to 2.70); agent B 0.04 (-0.10 to "
        "0.20); agent C 1.78 (1.20 to 2.30); agent D -0.62 (-0.90 to -0.30); the line is at 0.50"
    )
    assert "team 1: team 0 -3.20, team 1 7.00, team 2 -12.10, team 3 1.50" in label(picture_svg(GRID))
    assert "160 points over first component and second component, from (1.00, 0.00) to (" in label(picture_svg(PATH))


@pytest.mark.parametrize(
    "picture",
    [
        Picture("bars", "", (), ()),
        Picture("bars", "", ("a",), (float("nan"),), ((float("nan"), 1.0),), line=float("inf")),
        Picture("bars", "", ("a", "b"), (0.0, None)),
        Picture("bars", "", ("a label that is far too long for its place",) * 60, tuple(range(60))),
        Picture("grid", "", (), ()),
        Picture("grid", "", ("a",), ((None,), ()), rows=("r",)),
        Picture("grid", "", ("a long column name",) * 30, tuple((1e9,) * 30 for _ in range(50))),
        Picture("path", "", (), ()),
        Picture("path", "", ("x",), ((1.0, 2.0),)),
        Picture("path", "", ("x", "y"), ((3.0, 3.0), (3.0, 3.0))),
        Picture("path", "", ("x", "y"), tuple((float(t), float("nan")) for t in range(5))),
        Picture("path", "", ("x", "y"), tuple((float(t), 1e-3 * t) for t in range(50_000))),
    ],
)
def test_odd_pictures_are_drawn_all_the_same(picture):
    svg = picture_svg(picture)
    first, *_ = Elements(svg).found
    assert (first["tag"], first["role"]) == ("svg", "img")
    assert first["aria-label"]
    assert not re.search(r'"[^"]*\b(nan|inf)\b[^"]*"', svg.replace(first["aria-label"], ""))
    assert len(svg) < 150_000
    for one in Elements(svg).of("rect", "bar-fill") + Elements(svg).of("rect", "track"):
        assert float(one["width"]) >= 0
        assert float(one["x"]) + float(one["width"]) <= WIDE


def test_figures_never_write_minus_nothing():
    assert figures([-0.0004, 20.5]) == ["0.00", "20.50"]
    assert figures([]) == []
    assert figures([None])[0] == "\N{EN DASH}"


def test_a_stretch_is_its_first_board_and_everybody_s_trail():
    drawn = Elements(stretch_svg(circling(17), Evidence(17, 3, 20)))
    assert drawn.found[0]["aria-label"] == (
        "The board of team 17 at step 3: A in row 1, column 2; B in row 5, column 4. Trails to step 20."
    )
    # A was in row 2 before the step and goes up and down between rows 2 and 1, cells of 24, a little to the left.
    (a,), (b,) = drawn.of("path", "agent0"), drawn.of("path", "agent1")
    spots = re.findall(r"([\d.]+) ([\d.]+)", a["d"])
    assert len(spots) == 19
    assert spots[:3] == [("34.1", "34.1"), ("34.1", "10.1"), ("34.1", "34.1")]
    assert re.findall(r"([\d.]+) ([\d.]+)", b["d"])[0] == ("85.9", "85.9")
    assert [one["cx"] for one in drawn.of("circle", "agent")] == ["36.0", "84.0"]


def test_a_stretch_without_a_board_is_no_picture():
    bare = meeting(0)._replace(boards=np.zeros((5, 0, 0), np.uint8))
    assert stretch_svg(bare, Evidence(0, 1, 2)) == ""
    beyond = stretch_svg(meeting(0), Evidence(0, 99, 200))
    assert "at step 4: A in row 3, column 3; B in row 3, column 3" in beyond
    assert 'class="meeting"' in beyond
