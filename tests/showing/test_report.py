import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from made_by_hand import ACTIONS, LOOPS, circling, hundred, make_curve, make_verdict, meeting, tutorial

from coterie.showing.report import play_data, report, report_html, script_json
from coterie.types import Evidence, Finding

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{data}}"
VOID = {"meta", "input", "img", "br", "link", "hr"}


class Page(HTMLParser):
    """Every element with its attributes, and the texts; fails where a tag is not closed."""

    def __init__(self, text: str):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page(verdict=None, plays=None, curve=None, config="size = 5", actions=ACTIONS) -> str:
    return report_html(
        verdict or tutorial(), curve or make_curve(), hundred() if plays is None else plays, actions, config
    )


def data_of(text: str):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_the_page_is_whole_and_says_the_verdict(tmp_path):
    report(tmp_path / "report.html", tutorial(), make_curve(), hundred(), ACTIONS, "size = 5")
    text = (tmp_path / "report.html").read_text()
    read = Page(text)
    for number in ("92.1 %", "90.2 to 93.7 %", "58.0 %", "3.86", "size = 5", LOOPS.sentence):
        assert number in text
    assert len(read.named("canvas")) == 2
    assert len(text) < 150_000


def test_the_page_needs_nothing_from_outside():
    text = page()
    assert "://" not in text
    assert not re.search(r"""(src|href|action)\s*=|@import|url\(|fetch\(|XMLHttp|import\(""", text)
    assert "default-src 'none'" in text


def test_hostile_words_stay_words():
    finding = Finding(HOSTILE, "yes", HOSTILE, evidence=(Evidence(5, 2, 20),), remedy=HOSTILE)
    verdict = make_verdict(
        environment=HOSTILE,
        algorithm=HOSTILE,
        preset=HOSTILE,
        success_word=HOSTILE,
        objective=HOSTILE,
        idle_action=HOSTILE,
        run=HOSTILE,
        claim=HOSTILE,
        findings=(finding,),
    )
    text = page(verdict, config=HOSTILE, actions=(HOSTILE, *ACTIONS[1:]))
    read, calm = Page(text), Page(page())
    assert len(read.named("script")) == len(calm.named("script")) == 2
    assert read.named("img") == []
    assert all(not name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert data_of(text)["actions"][0] == HOSTILE
    assert "alert(1)" in text
    assert "<script>alert" not in text


def test_json_in_a_script_cannot_close_it():
    assert "<" not in script_json(HOSTILE)
    assert json.loads(script_json(HOSTILE)) == HOSTILE


def test_the_player_has_every_board():
    plays = hundred()
    data = data_of(page(plays=plays))
    assert [play["kind"] for play in data["plays"]].count("success") == 92
    assert [play["kind"] for play in data["plays"]].count("circle") == 8
    for play, packed in zip(plays, data["plays"], strict=True):
        board = np.array(packed["first"])
        for step, change in enumerate(packed["changes"]):
            board[change[::2]] = change[1::2]
            assert (board == play.boards[step + 1].ravel()).all()


def test_evidence_leads_into_the_player_where_it_is_recorded():
    read = Page(page())
    places = [attributes for attributes in read.named("button") if attributes.get("class") == "evidence"]
    assert [(place["data-team"], place["data-step"]) for place in places] == [("17", "3"), ("5", "1")]
    far = circling(17)._replace(team=4711)
    places = [one for one in Page(page(plays=[*hundred(), far])).named("button") if one.get("class") == "evidence"]
    assert len(places) == 3


def test_a_page_without_boards_or_curves():
    empty = meeting(0)._replace(boards=np.zeros((5, 0, 0), np.uint8))
    text = report_html(make_verdict(), None, [empty], ACTIONS, "")
    read = Page(text)
    assert "hidden" in next(attributes for attributes in read.named("section") if attributes.get("id") == "player")
    assert "While they learned" not in text


def test_what_people_operate_has_names():
    read = Page(page())
    for attributes in read.named("canvas") + read.named("svg"):
        assert attributes["role"] == "img"
        assert attributes["aria-label"]
    assert all(attributes.get("aria-label") for attributes in read.named("input"))


def test_a_failing_write_leaves_no_page(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        report(tmp_path / "report.html", tutorial(), None, [], ACTIONS, "")
    assert list(tmp_path.iterdir()) == []


def test_a_long_episode_is_cut_before_it_is_too_heavy():
    play = circling(5, steps=4000)
    wide = play._replace(boards=np.random.default_rng(0).integers(0, 7, (4001, 20, 20)).astype(np.uint8))
    assert sum(map(len, play_data(wide, "meet")["changes"])) < 100_000
