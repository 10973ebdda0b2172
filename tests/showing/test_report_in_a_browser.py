"""The report in a real browser: it opens from disk, leads to the evidence, and reads well on phone and paper."""

import importlib
import io
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from made_by_hand import (
    ACTIONS,
    CONFIG,
    LOOPS,
    PICTURED,
    amounts,
    foreign,
    hundred,
    make_curve,
    make_verdict,
    single_teams,
    tutorial,
)
from PIL import Image

from coterie.showing.report import report
from coterie.types import Evidence, Finding, Picture

PACE = 320  # milliseconds a step
HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>\"'&<b>{{data}}"
IDLE = Finding("idle", "yes", "B does the same for long.", evidence=(Evidence(3, 21, 40), Evidence(4, 5, 5)))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing(why: str):
    """Skips where a browser may be missing, fails where it must be there."""
    if os.environ.get("COTERIE_BROWSER_TESTS") == "required":
        pytest.fail(f"{why}, and COTERIE_BROWSER_TESTS=required")
    pytest.skip(why)


@pytest.fixture(scope="module")
def browser():
    try:
        playwright = importlib.import_module("playwright.sync_api")
    except ImportError:
        missing("playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Five pages on disk: every kind of picture, a good run, one without boards, several episodes, one of an enemy."""
    folder = tmp_path_factory.mktemp("pages")
    curve = replace(make_curve(), single=single_teams(200))
    hostile = Finding(
        HOSTILE,
        "yes",
        HOSTILE,
        0.5,
        null=HOSTILE,
        evidence=(Evidence(5, 2, 20),),
        remedy=HOSTILE,
        flags=("--epsilon", HOSTILE),
        picture=Picture("bars", HOSTILE, (HOSTILE, "b"), (1.0, 2.0)),
    )
    words = dict.fromkeys(("algorithm", "preset", "success_word", "objective", "idle_action", "run", "claim"), HOSTILE)
    few = make_verdict(findings=(IDLE,))
    plays = [foreign(team) for team in range(3, 8)]
    report(folder / "pictured.html", replace(tutorial(), findings=PICTURED), curve, hundred(), ACTIONS, CONFIG)
    report(folder / "good.html", make_verdict(), make_curve(), hundred(), ACTIONS, CONFIG)
    report(folder / "foreign.html", few, None, plays, ("up", "down", "left", "right"), "")
    several = [foreign(3)._replace(episode=number) for number in (1, 2)]
    second = make_verdict(findings=(replace(IDLE, evidence=(Evidence(3, 21, 40, episode=2),)),))
    report(folder / "episodes.html", second, None, several, ("up", "down", "left", "right"), "")
    amounts_of = [amounts(team) for team in range(3, 8)]
    report(folder / "amounts.html", few, None, amounts_of, ("up", "down", "left", "right"), "")
    report(
        folder / "hostile.html",
        make_verdict(findings=(hostile,), **{**words, "run": "a-word-without-end" + "x" * 200}),
        None,
        [*hundred()[:6], foreign(9)],
        (HOSTILE, *ACTIONS[1:]),
        HOSTILE,
    )
    return folder


@pytest.fixture
def visit(browser, pages):
    """visit(name, ...) opens a page without a network; what it complains of is an error at the end of the test."""
    contexts, complaints, requests, known = [], [], [], set()

    def opened(name, path=None, size=(1200, 900), clock=False, permissions=(), **more):
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **more)
        contexts.append(context)
        context.set_offline(True)
        if permissions:
            context.grant_permissions(list(permissions))
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message) or dialog.dismiss())
        page.on("request", lambda request: requests.append(request.url))
        if clock:
            page.clock.install(time=0)
            page.clock.pause_at(1_000)  # only run_for moves it: a busy machine must add no tick of its own
        where = (path or pages / f"{name}.html").as_uri()
        page.goto(where)
        known.add(where)
        page.complaints = complaints
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert set(requests) == known  # the page itself, and nothing else


def at(page) -> str:
    return page.locator("#at").inner_text()


def said_of_board(page) -> str:
    return page.locator("#board").get_attribute("aria-label")


def evidence(page, text: str):
    page.get_by_role("button", name=text, exact=True).click()


def picture_of(place) -> np.ndarray:
    """What is to be seen there, int[height, width, 3]."""
    return np.asarray(Image.open(io.BytesIO(place.screenshot())).convert("RGB")).astype(int)


def test_it_opens_from_disk_and_asks_for_nothing(visit):
    page = visit("good")
    assert page.locator("h1").inner_text() == "All 1,000 teams meet. 999 reach the exact optimum."
    assert page.locator("#player").is_visible()
    assert page.evaluate("navigator.onLine") is False


def test_evidence_leads_to_the_very_steps(visit):
    page = visit("pictured", reduced_motion="reduce")
    evidence(page, "team 17, steps 3 to 20")
    assert at(page) == "step 3 of 20"
    # Team 17: R and L, then down and up, up and down: after three steps they are where they were after one.
    assert said_of_board(page) == "The board of team 17 at step 3: A in row 1, column 2; B in row 5, column 4"
    assert "loops: steps 3 to 20 of team 17" in page.locator("#stretch-words").inner_text()
    assert page.locator("#moves tbody tr").all_inner_texts() == ["A\tU\t-1", "B\tD\t-1"]
    assert page.evaluate("document.activeElement.id") == "large"
    assert page.locator("#large").is_visible()
    evidence(page, "team 5, steps 1 to 20")
    assert at(page) == "step 1 of 20"
    assert said_of_board(page).startswith("The board of team 5 at step 1: A in row 1, column 2")


def test_the_stretch_is_coloured_on_the_slider(visit):
    page = visit("foreign", reduced_motion="reduce")
    evidence(page, "team 3, steps 21 to 40")
    page.locator("#back").click()  # the thumb aside
    picture = picture_of(page.locator("#step"))
    row = picture[len(picture) // 2]
    accent = (np.abs(row - (0x26, 0x62, 0xA8)).max(1) < 12).nonzero()[0] / len(row)
    assert accent.min() == pytest.approx(0.53, abs=0.04)  # step 21 of 40, to the right of the thumb
    assert accent.max() > 0.97


def test_the_stretch_goes_round_while_it_is_shown(visit):
    page = visit("pictured", clock=True)
    evidence(page, "team 17, steps 3 to 20")
    assert at(page) == "step 3 of 20"
    seen = []
    for _ in range(20):
        page.clock.run_for(PACE)
        seen.append(int(re.findall(r"\d+", at(page))[0]))
    assert seen == [*range(4, 21), 3, 4, 5]
    page.locator("#whole").click()
    assert not page.locator("#stretch").is_visible()
    page.clock.run_for(30 * PACE)
    assert at(page) == "step 20 of 20"
    assert page.locator("#play").get_attribute("aria-pressed") == "false"


def test_the_trail_is_drawn_along_the_stretch(visit):
    page = visit("pictured", reduced_motion="reduce")
    evidence(page, "team 17, steps 3 to 20")

    def orange() -> int:
        red, green, blue = np.moveaxis(picture_of(page.locator("#board")), 2, 0)
        return int(((red - blue > 90) & (green > 60)).sum())

    with_trail = orange()
    page.keyboard.press("Escape")
    assert at(page) == "step 3 of 20"
    assert with_trail > orange() + 150  # one cell of about 60 pixels, 6 wide, half of it under the agent


def test_the_keyboard_is_enough(visit):
    page = visit("pictured", clock=True)
    assert at(page) == "step 20 of 20"
    page.keyboard.press("Home")
    assert at(page) == "step 0 of 20"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert at(page) == "step 1 of 20"
    page.keyboard.press("Space")
    page.clock.run_for(3 * PACE)
    assert at(page) == "step 4 of 20"
    page.keyboard.press("Space")
    page.clock.run_for(3 * PACE)
    assert at(page) == "step 4 of 20"
    button = page.get_by_role("button", name="team 5, steps 1 to 20", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    assert at(page) == "step 1 of 20"
    page.keyboard.press("ArrowRight")
    assert at(page) == "step 2 of 20"
    page.locator("#step").focus()
    page.keyboard.press("End")
    assert at(page) == "step 20 of 20"
    page.locator("#whole").focus()
    page.keyboard.press("Escape")
    assert not page.locator("#stretch").is_visible()


def test_a_click_on_the_wall_chooses_a_team(visit):
    page = visit("pictured")
    box = page.locator("#wall").bounding_box()
    page.locator("#wall").click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.15})
    assert page.locator("#who").inner_text() == "Team 12, step 4 of 4"  # the third of the second row
    page.locator("#team").select_option(label="team 17")
    assert page.locator("#who").inner_text() == "Team 17, step 20 of 20"


def test_the_command_is_copied(visit):
    page = visit("pictured", permissions=("clipboard-read", "clipboard-write"))
    line = "coterie train rendezvous --preset tutorial --env.reward own"
    button = page.locator(".copy").first
    button.click()
    page.wait_for_function("document.querySelector('.copy').textContent === 'Copied'")
    assert page.evaluate("navigator.clipboard.readText()") == line
    page.reload()
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as on an old browser
    button.click()
    page.wait_for_function("document.querySelector('.copy').textContent === 'Copied'")
    assert page.evaluate("getSelection().toString()") == line


OUTSIDE = """() => [...document.querySelectorAll("body *")].filter((one) => {
  if (one.closest("thead") || !one.checkVisibility()) return false;
  const box = one.getBoundingClientRect();
  return box.width && (box.right > innerWidth + 1 || box.left < -1);
}).map((one) => one.outerHTML.slice(0, 80))"""


def test_amounts_are_told_and_drawn_as_bars(visit):
    """A's first amount rises from -1 to 1: its bar hangs below zero at first, and stands above it in the end."""
    page = visit("amounts", reduced_motion="reduce")
    page.locator("#step").fill("1")
    assert "A does -1,-100 and earns" in said_of_board(page)
    assert page.locator("#moves tbody tr").first.locator("td").nth(1).inner_text() == "-1,-100"
    page.locator("#step").fill("40")
    assert "A does 1,100 and earns" in said_of_board(page)
    blue = picture_of(page.locator("#board"))
    strip = blue[: blue.shape[0] // 2]
    agent = np.array([int(part) for part in re.findall(r"\d+", page.evaluate(
        "getComputedStyle(document.querySelector('#moves .dot')).backgroundColor"))[:3]])  # fmt: skip
    rows, columns = np.nonzero((np.abs(strip - agent) < 12).all(-1))
    first, last = rows[columns < np.median(columns)], rows[columns > np.median(columns)]
    assert first.size
    assert first.min() >= last.max() - 2


@pytest.mark.parametrize("name", ["pictured", "foreign", "amounts", "hostile"])
def test_a_phone_needs_no_scrolling_aside(visit, name):
    page = visit(name, size=(360, 740), device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(OUTSIDE) == []
    page.evaluate("document.querySelector('h1').style.width = '500px'")
    assert page.evaluate(OUTSIDE) != []


def test_on_paper_there_is_nothing_to_press(visit):
    page = visit("pictured", color_scheme="dark")
    page.emulate_media(media="print")
    for control in (".controls", ".copy", "#keys", "#stretch", "summary"):
        assert not page.locator(control).first.is_visible()
    assert page.locator(".rest .finding").first.is_visible()  # what is folded on the screen stands on paper
    assert page.locator("pre").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    whole = page.evaluate("[...document.querySelectorAll('.finding')].map((one) => getComputedStyle(one).breakInside)")
    assert set(whole) == {"avoid"}
    paper = page.pdf(prefer_css_page_size=True)
    assert re.findall(rb"/MediaBox \[0 0 (\d+)[\d.]* (\d+)", paper)[0] in ((b"594", b"841"), (b"595", b"842"))
    assert 2 <= len(re.findall(rb"/Type /Page\b", paper)) <= 6


CONTRASTS = r"""() => {
  const numbers = (text) => [...text.match(/[\d.]+/g).map(Number), 1].slice(0, 4);
  const over = (top, under, alpha) => [0, 1, 2].map((i) => top[i] * alpha + under[i] * (1 - alpha));
  const part = (one) => (one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4);
  const light = (colour) => [.2126, .7152, .0722].reduce((sum, share, i) => sum + share * part(colour[i] / 255), 0);
  const ground = (one) => { const colour = numbers(getComputedStyle(one).backgroundColor);
    return colour[3] ? colour : one.parentElement ? ground(one.parentElement) : [255, 255, 255]; };
  const found = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility() || one.closest("script, .letter, option")) continue;
    const drawn = one.ownerSVGElement, style = getComputedStyle(one), cell = one.previousElementSibling;
    let under = ground(drawn ? drawn.parentElement : one);
    if (cell?.classList.contains("cell"))
      under = over(numbers(getComputedStyle(cell).fill), under, Number(cell.getAttribute("fill-opacity")));
    const [a, b] = [light(numbers(drawn ? style.fill : style.color)), light(under)].sort((x, y) => y - x);
    found.push([(a + .05) / (b + .05), one.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""


def test_every_word_stands_out_in_the_light_and_in_the_dark(visit):
    page = visit("pictured")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    brightness = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(CONTRASTS)
        assert len(found) > 100
        assert [one for one in found if one[0] < 4.5] == []
        brightness[scheme] = [picture_of(page.locator(place)).mean() for place in ("#board", "#wall", ".stretch")]
    assert (np.array(brightness["light"]) > np.array(brightness["dark"]) + 50).all()  # the boards, too
    page.add_style_tag(content=".sentence { color: #808080 !important; }")
    assert [one for one in page.evaluate(CONTRASTS) if one[0] < 4.5] != []


def test_an_episode_without_boards_is_shown_as_strips(visit):
    page, play = visit("foreign", reduced_motion="reduce"), foreign(3)
    assert not page.locator("#wall").is_visible()
    evidence(page, "team 3, steps 21 to 40")
    assert at(page) == "step 21 of 40"
    names = ("up", "down", "left", "right")
    rows = [row.split("\t") for row in page.locator("#moves tbody tr").all_inner_texts()]
    for agent, (letter, seen, action, reward, value) in enumerate(rows):
        assert letter == "AB"[agent]
        assert seen == " ".join(map(str, play.observations[agent][20]))
        assert action == names[play.actions[20, agent]]
        assert float(reward) == play.rewards[20, agent]
        assert float(value) == pytest.approx(play.values[20, agent], rel=1e-3)
    assert "at step 21: A does" in said_of_board(page)
    box = page.locator("#board").bounding_box()
    page.locator("#board").click(position={"x": box["width"] - 4, "y": 40})
    assert at(page) == "step 40 of 40"
    evidence(page, "team 4, step 5")
    assert at(page) == "step 5 of 40"
    assert page.locator("#stretch-words").inner_text() == "idle: step 5 of team 4, over and over"


def test_evidence_leads_to_the_episode_that_it_names(visit):
    """Of a team that played several; the first one is another."""
    page = visit("episodes")
    page.select_option("#team", label="team 3, episode 1")
    assert page.inner_text("#who").startswith("Team 3, episode 1, step 40 of 40")
    evidence(page, "team 3, episode 2, steps 21 to 40")
    assert page.inner_text("#who").startswith("Team 3, episode 2, step 2")


def test_hostile_words_do_nothing(visit):
    page = visit("hostile")
    evidence(page, "team 5, steps 2 to 20")
    page.locator("#on").click()
    page.locator("#team").select_option(label="team 9")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, b:not(.remedy b)").count() == 0
    assert page.locator(".command code").inner_text().replace("\n", " ").endswith("{{data}}'")
    assert HOSTILE in page.locator("#moves").inner_text() + page.locator(".sentence").inner_text()


def test_no_script_runs_but_the_page_s_own(visit, pages, tmp_path):
    """Even a word that was not escaped would be stopped by the page's policy."""
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text((pages / "good.html").read_text().replace("</main>", "<script>window.pwned = 1</script></main>"))
    page = visit("", path=spoilt)
    assert page.evaluate("window.pwned") is None
    assert at(page) == "step 20 of 20"
    assert all("Content Security Policy" in text for text in page.complaints)
    assert len(page.complaints) == 1
    page.complaints.clear()


def test_a_missing_browser_fails_where_it_is_required(monkeypatch):
    monkeypatch.delenv("COTERIE_BROWSER_TESTS", raising=False)
    with pytest.raises(pytest.skip.Exception):
        missing("no browser")
    monkeypatch.setenv("COTERIE_BROWSER_TESTS", "required")
    with pytest.raises(pytest.fail.Exception):
        missing("no browser")


def test_the_loops_of_the_hand_made_page_are_what_they_say():
    """What the tests above rest on: the plays of the hand-made page hold the places that its findings name."""
    teams = {play.team: play for play in hundred()}
    assert [place.team in teams for place in LOOPS.evidence] == [True, True, False]
    assert len(teams[17].actions) == len(teams[5].actions) == 20
    assert len(teams[12].actions) == 4
