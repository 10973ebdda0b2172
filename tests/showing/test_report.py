import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from made_by_hand import (
    ACTIONS,
    LOOPS,
    PICTURED,
    amounts,
    circling,
    foreign,
    hundred,
    make_curve,
    make_verdict,
    single_teams,
    tutorial,
)

from coterie.running.verdict import SingleTeams
from coterie.showing import chart
from coterie.showing.player_data import play_data, player_data
from coterie.showing.report import report, report_html, script_json
from coterie.types import Evidence, Finding, Picture

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
    pictures = (
        Picture("bars", HOSTILE, (HOSTILE,), (1.0,), line=0.5),
        Picture("grid", HOSTILE, (HOSTILE,), ((1.0,),), rows=(HOSTILE,)),
        Picture("path", HOSTILE, (HOSTILE, HOSTILE), ((0.0, 1.0), (1.0, 0.0))),
        None,
    )
    plain = Finding(HOSTILE, "yes", HOSTILE, 1.0, null=HOSTILE, evidence=(Evidence(5, 2, 20),), remedy=HOSTILE)
    findings = tuple(replace(plain, flags=(HOSTILE,), picture=picture) for picture in pictures)
    verdict = make_verdict(
        environment=HOSTILE,
        algorithm=HOSTILE,
        preset=HOSTILE,
        success_word=HOSTILE,
        objective=HOSTILE,
        idle_action=HOSTILE,
        run=HOSTILE,
        claim=HOSTILE,
        findings=findings,
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
    spots = [(place["data-team"], place["data-first"], place["data-last"], place["data-name"]) for place in places]
    assert spots == [("17", "3", "20", "loops"), ("5", "1", "20", "loops")]
    far = circling(17)._replace(team=4711)
    places = [one for one in Page(page(plays=[*hundred(), far])).named("button") if one.get("class") == "evidence"]
    assert len(places) == 3


def test_a_page_without_boards_or_curves():
    text = report_html(make_verdict(), None, [foreign(3), foreign(4)], ACTIONS, "")
    read = Page(text)
    assert "hidden" not in next(attributes for attributes in read.named("section") if attributes.get("id") == "player")
    assert "While they learned" not in text
    first = data_of(text)["plays"][0]
    assert "first" not in first
    assert len(first["seen"]) == 2
    assert first["seen"][1][20] == " ".join(map(str, foreign(3).observations[1][20]))
    assert first["values"][20] == pytest.approx(foreign(3).values[20], rel=1e-3)
    assert first["rewards"] == foreign(3).rewards.tolist()


def test_a_page_without_plays_has_no_player():
    read = Page(report_html(make_verdict(), None, [], ACTIONS, ""))
    assert "hidden" in next(attributes for attributes in read.named("section") if attributes.get("id") == "player")


def test_what_is_to_mend_comes_first_and_in_the_order_given():
    calm, yes, unclear = (
        Finding(name, verdict, "") for name, verdict in zip("abc", ("no", "yes", "cannot tell"), strict=True)
    )
    verdict = make_verdict(findings=(calm, unclear, yes, replace(yes, name="d")))
    text = page(verdict)
    headings = re.findall(r"<article class=\"finding.*?<h3>(\w) ", text)
    assert headings == ["b", "d", "c", "a"]
    assert re.findall(r'<tr class="[\w-]+"><th scope="row">(\w)</th>', text) == ["b", "d", "c", "a"]
    assert "What to mend: 2" in text


def test_every_picture_and_every_number_of_the_findings_is_there():
    text = page(replace(tutorial(), findings=PICTURED))
    kinds = re.findall(r'<svg class="picture (\w+)"', text)
    assert kinds == ["stretch", "bars", "grid", "path", "grid"]
    for words in (
        "0.079 (95&nbsp;% interval 0.064 to 0.097), held against: 0 teams",
        "p&nbsp;=&nbsp;0.0004: asking as much of pure chance finds anything like this about 4 times in 10,000",
        "p&nbsp;=&nbsp;0.012",
        '<td class="p" data-name="p">0.43</td>',
    ):
        assert words in text


def test_the_only_script_that_may_run_is_the_page_s_own():
    text = page()
    script = re.search(r"<script>(.*?)</script>", text, re.S)[1]
    named = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{named}'" in text


@pytest.mark.parametrize(("teams", "kept", "lines"), [(1, 1, 1), (12, 12, 12), (200, 200, 200), (1000, 200, 40)])
def test_every_team_is_drawn_or_it_is_said_how_many(teams, kept, lines):
    curve = replace(make_curve(points=100), single=single_teams(kept, points=100))
    text = page(make_verdict(teams=teams), curve=curve)
    assert text.count('class="single"') == lines
    assert "NaN" not in text
    assert ("a thin line for each" in text) == (1 < kept == teams)
    assert ("thin lines for 40 of 1,000, evenly spread" in text) == (teams > kept)
    assert ("200 of 1,000 teams, evenly spread, one a row" in text) == (teams > kept)


def test_the_raster_of_teams_is_what_they_did():
    """Two teams at four checks, by hand: one succeeds, fails and succeeds again; the other never does."""
    found = np.array([[False] * 4, [False, True, False, True]])
    single = SingleTeams(np.arange(2), np.zeros((2, 4), np.float32), found)
    curve = replace(make_curve(points=4), single=single)
    text = chart.raster(curve, make_verdict(teams=2))
    assert "2 teams at 4 checks: 1 succeed at least once, 1 of them fail again later" in text
    assert re.search(r'class="success"[^>]* d="(.*?)"', text)[1] == "M240 8h240M720 8h240"
    assert re.search(r'class="circle"[^>]* d="(.*?)"', text)[1] == "M480 8h240"


def test_a_run_of_a_thousand_teams_is_no_heavy_page():
    curve = replace(make_curve(points=100), single=single_teams(200, points=100))
    values = [play._replace(values=np.random.default_rng(0).normal(size=play.actions.shape)) for play in hundred()]
    assert len(page(tutorial(), plays=values, curve=curve)) < 500_000
    long = [foreign(team, steps=1000) for team in range(100)]
    pointed = make_verdict(findings=(Finding("idle", "yes", "", evidence=(Evidence(99, 1, 2),)),))
    text = page(pointed, plays=long, curve=curve)
    assert len(text) < 1_500_000
    data = data_of(text)["plays"]
    assert data[-1]["team"] == 99  # what a finding points to is there, whatever else is not
    assert f"{len(data)} of 100 recorded episodes are on this page" in text


def test_numbers_that_are_none_do_not_break_the_page():
    play = foreign(3)
    play.rewards[4, 0] = np.nan
    play.values[5, 1] = np.inf
    packed = data_of(page(make_verdict(), plays=[play]))["plays"][0]
    assert packed["rewards"][4][0] is None
    assert packed["values"][5][1] is None


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


def test_amounts_are_texts_and_chosen_numbers_are_numbers():
    packed = play_data(amounts(steps=5), "meet")
    assert [row[0] for row in packed["actions"]] == ["-1,-100", "-0.5,-50", "0,0", "0.5,50", "1,100"]
    assert [row[1] for row in packed["actions"]] == amounts(steps=5).actions[:, 1, 0].tolist()
    json.dumps(packed)


def test_episodes_that_findings_point_to_are_kept_first():
    finding = Finding("loops", "yes", "", evidence=(Evidence(17, 3, 20),))
    plays, packed = player_data(hundred(), (finding,), "meet", cap=1)
    assert [play.team for play in plays] == [one["team"] for one in packed] == [17]
    plays, _ = player_data(hundred(), (finding,), "meet")
    assert [play.team for play in plays] == list(range(100))
