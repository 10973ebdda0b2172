"""A comparison as it is shown: every team has its place, nothing needs colour, nothing promises a winner."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from coterie.running.comparison import Contestant, compared
from coterie.showing.comparison import COLUMNS, comparison, strip
from coterie.showing.comparison_figure import _beside, comparison_figure
from coterie.showing.terminal import plain_text


def found(*groups, **more):
    made = [
        Contestant(name, "rendezvous", np.array(scores, float), np.array(scores) > 0, success_word="meet", **more)
        for name, scores in groups
    ]
    return compared(made)


def row(scores):
    return found(("a", scores), ("b", scores)).rows[0]


def test_few_teams_are_drawn_one_by_one():
    drawn = strip(row([0, 0, 5, 10]), 0, 10, columns=11)
    assert drawn == "2    •    •"
    assert strip(row([0] * 12), 0, 10, columns=5) == "#    "
    assert strip(row([3.0, 3.0]), 3, 3, columns=5).strip() == "2"


def test_many_teams_are_bars_and_a_single_one_is_still_seen():
    drawn = strip(row([0] + [10] * 999), 0, 10, columns=10)
    assert drawn[0] == "▂" or drawn[0] == "▁"
    assert drawn[-1] == "█"
    assert drawn[1:-1].strip() == ""


def test_it_reads_well_without_colour():
    text = plain_text(comparison(found(("first", [7, 7, 6, 7, -20]), ("second", [7, 5, -20, -20, -20]), optimum=7.0)))
    lines = text.splitlines()
    assert lines[0] == "2 runs on rendezvous (return; optimum 7.00)"
    [head] = [line for line in lines if "IQM" in line]
    assert head.split() == ["teams", "meet", "95", "%", "IQM", "95", "%", "mean", "95", "%"]
    assert re.search(r"first +5 +80.0 %  37.5 to 96.4 % +6.67 ", text)
    for label in ("May be concluded:", "May not:", "To settle it:"):
        assert sum(label in line for line in lines) == 1
    assert "no winner" in text


def test_on_a_narrow_terminal_every_word_stays():
    out = io.StringIO()
    Console(file=out, width=60, force_terminal=True, color_system=None).print(
        comparison(found(("a", [1, 2, 3, 4, 5]), ("b", [2, 3, 4, 5, 6])))
    )
    text = " ".join(out.getvalue().split())
    assert "would settle it, if the difference is what it looks like" in text
    assert max(map(len, out.getvalue().splitlines())) <= 60


def test_unknown_shares_leave_no_empty_columns():
    made = [Contestant(name, "E T", np.arange(6.0)) for name in ("one", "other")]
    text = plain_text(comparison(compared(made)))
    assert "coordinate" not in text.splitlines()[2]


def test_the_strips_have_one_axis():
    lines = plain_text(comparison(found(("a", [0, 10, 10, 10, 10]), ("b", [10, 10, 10, 10, 5])))).splitlines()
    at = next(place for place, line in enumerate(lines) if "every team's return" in line)
    first, second, axis = (line[5:] for line in lines[at + 1 : at + 4])
    assert {first.rstrip()[-1], second.rstrip()[-1]} == {"4"}
    assert len(first.rstrip()) == len(second.rstrip()) == COLUMNS
    assert (axis.split()[0], axis.split()[-1]) == ("0.00", "10.00")


@pytest.mark.parametrize("count", [2, 6])
def test_the_picture_is_a_picture(tmp_path, count):
    groups = [(f"a-run-with-a-long-name-{k}", np.linspace(-20, 7, 30) + k) for k in range(count)]
    comparison_figure(tmp_path / "a.png", found(*groups, optimum=13.0, random=-15.0))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width == 1290
        assert np.asarray(picture.convert("L")).std() > 5
    comparison_figure(tmp_path / "a.svg", found(*groups))
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()[:1_000]


def test_every_team_is_drawn_at_its_own_place():
    heights = _beside(np.array([1.0, 1.0, 1.0, 5.0]), 4.0)
    assert len(set(heights[:3])) == 3
    assert heights[3] == 0
