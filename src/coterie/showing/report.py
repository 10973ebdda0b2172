"""One run as one self-contained page: the verdict, the curves, the findings and a player for the recorded episodes."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from coterie.diagnosis.loops import REPEATS
from coterie.envs import boards
from coterie.running.storage import write_atomically
from coterie.showing import chart, words
from coterie.showing.outcomes import bright, last_words, outcome, who
from coterie.types import Finding, Play

if TYPE_CHECKING:
    from coterie.running.verdict import Curve, Verdict

MOST_BOARDS = 100
CELLS_CAP = 3_000_000  # cells that change, over all episodes: beyond this the page would be too heavy to open


def report(
    path: str | Path,
    verdict: Verdict,
    curve: Curve | None,
    plays: Sequence[Play],
    action_names: Sequence[str],
    config_text: str,
    repeats: int = REPEATS,
) -> None:
    """Writes the page."""
    write_atomically(Path(path), report_html(verdict, curve, plays, action_names, config_text, repeats))


def report_html(
    verdict: Verdict,
    curve: Curve | None,
    plays: Sequence[Play],
    action_names: Sequence[str],
    config_text: str,
    repeats: int = REPEATS,
) -> str:
    """The page as text; every word from outside is escaped, and it refers to nothing outside itself."""
    recorded = choose_plays(plays, verdict)
    data = {
        "plays": [play_data(play, verdict.success_word, repeats) for play in recorded],
        "actions": list(action_names),
        "met": words.past(verdict.success_word),
        "colours": {
            "agents": [_css(colour) for colour in boards.AGENT_COLOURS],
            "bright": [_css(bright(colour)) for colour in boards.AGENT_COLOURS],
            "meeting": _css(boards.MEETING_COLOUR),
        },
    }
    parts = {
        "title": escape(f"{verdict.run or verdict.environment}: {words.headline(verdict)}"),
        "run": escape(verdict.run or verdict.environment),
        "headline": escape(words.headline(verdict)),
        "setting": escape(words.setting(verdict)),
        "claim": f'<p class="claim">{escape(words.quoted_claim(verdict))}</p>' if verdict.claim else "",
        "facts": facts_html(verdict),
        "findings": findings_html(verdict, {play.team for play in recorded}),
        "curves": curves_html(curve, verdict),
        "player": "" if recorded else "hidden",
        "config": escape(config_text),
        "data": script_json(data),
    }
    template = files("coterie.showing").joinpath("report.html").read_text(encoding="utf-8")
    # One pass, so that nothing inserted is ever taken for a place to insert.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def choose_plays(plays: Sequence[Play], verdict: Verdict) -> list[Play]:
    """What the player holds: the first hundred episodes with boards, and those that a finding points to."""
    drawn = [play for play in plays if np.asarray(play.boards).size]
    wanted = {place.team for finding in verdict.findings for place in finding.evidence}
    return drawn[:MOST_BOARDS] + [play for play in drawn[MOST_BOARDS:] if play.team in wanted]


def script_json(data: Any) -> str:
    """JSON that stands safely inside a script element: it holds no character that HTML could read as a tag.

    >>> script_json("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def play_data(play: Play, success_word: str, repeats: int = REPEATS) -> dict[str, Any]:
    """One episode for the player: its first board, then the cells that change, as [place, cell, place, cell, …]."""
    frames = np.asarray(play.boards)
    flat = frames.reshape(len(frames), -1)
    if np.count_nonzero(flat[1:] != flat[:-1]) * MOST_BOARDS > CELLS_CAP:
        flat = flat[: 1 + CELLS_CAP // (MOST_BOARDS * flat.shape[1])]  # only as much as a browser can hold
    changes = []
    for before, after in pairwise(flat):
        places = np.flatnonzero(before != after)
        changes.append(np.stack([places, after[places]], axis=1).ravel().tolist())
    one = outcome(play, repeats)
    earned = np.asarray(play.rewards, float).mean(axis=1).cumsum()
    return {
        "team": int(play.team),
        "who": who(play.team),
        "wide": int(frames.shape[2]),
        "kind": one.kind,
        "shows": one.shows_at,
        "ending": last_words(play, one, success_word),
        "first": flat[0].tolist(),
        "changes": changes,
        "actions": np.asarray(play.actions).tolist(),
        "earned": [words.number(float(value)) for value in earned],
    }


def facts_html(verdict: Verdict) -> str:
    """The numbers of the verdict as table rows, shares with their intervals drawn."""
    word = verdict.success_word
    bars = {word: verdict.coordinated, "optimal": verdict.optimal, "relapsed": verdict.relapsed}
    kinds = {word: "success", "optimal": "team", "relapsed": "circle"}
    rows = []
    for label, value, span, meaning in words.facts(verdict):
        share = bars.get(label)
        bar = chart.share_bar(share, kinds[label]) if share else ""
        rows.append(
            f'<tr><th scope="row">{escape(label)}</th><td class="value">{escape(value)}</td>'
            f'<td class="meaning">{bar}<span class="span">{escape(span)}</span> {escape(meaning)}</td></tr>'
        )
    return "\n".join(rows)


def findings_html(verdict: Verdict, recorded: set[int]) -> str:
    """What is wrong first, with its evidence as buttons that lead into the player; then what is not."""
    order = {"yes": 0, "cannot tell": 1, "no": 2}
    cards = [_finding(one, recorded) for one in sorted(verdict.findings, key=lambda one: order[one.verdict])]
    if not any(one.verdict == "yes" for one in verdict.findings):
        cards.insert(0, f"<p>{escape(words.all_clear(verdict))}</p>")
    return "\n".join(cards)


def _finding(finding: Finding, recorded: set[int]) -> str:
    tag = {"yes": "to mend", "cannot tell": "cannot tell", "no": "fine"}[finding.verdict]
    remedy = f"<p><b>Try:</b> {escape(finding.remedy)}</p>" if finding.remedy else ""
    places = []
    for one in finding.evidence[:12]:
        text = f"{who(one.team)}, steps {one.first_step} to {one.last_step}"
        if one.team in recorded:
            spot = f'data-team="{one.team}" data-step="{one.first_step}"'
            places.append(f'<button type="button" class="evidence" {spot}>{text}</button>')
        else:
            places.append(f"<span>{text}</span>")
    evidence = f'<p class="places">See {" ".join(places)}</p>' if places else ""
    return (
        f'<article class="finding {finding.verdict.replace(" ", "-")}"><h3>{escape(finding.name)} '
        f'<span class="tag">{tag}</span></h3><p>{escape(finding.sentence)}</p>{remedy}{evidence}</article>'
    )


def curves_html(curve: Curve | None, verdict: Verdict) -> str:
    """The two charts with their headings; nothing where nothing was recorded."""
    if curve is None or not curve.episodes:
        return ""
    word = escape(verdict.success_word)
    return (
        f"<section><h2>While they learned</h2><figure><figcaption>Teams that {word} when greedy</figcaption>"
        f"{chart.shares(curve, verdict)}</figure><figure><figcaption>Their return: the median, the middle half and all "
        f"teams</figcaption>{chart.returns(curve, verdict)}</figure></section>"
    )


def _css(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
