"""One run as one self-contained page: the verdict, the findings, the curves and a player for the recorded episodes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from functools import partial
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coterie.diagnosis.loops import REPEATS
from coterie.envs import boards
from coterie.running.storage import write_atomically
from coterie.showing import chart, words
from coterie.showing.command import command
from coterie.showing.finding_cards import findings_html, together
from coterie.showing.outcomes import bright, same_episode
from coterie.showing.player_data import player_data
from coterie.types import Play

if TYPE_CHECKING:
    from coterie.running.verdict import Curve, Verdict


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
    """The page as text; every word from outside is escaped, and it refers to nothing outside itself.

    Its policy lets no script run but the one that is written here, named by its hash.
    """
    recorded, packed = player_data(plays, verdict.findings, verdict.success_word, repeats)
    by_name: dict[tuple[int, int], Play] = {}
    for play in recorded:
        by_name.setdefault(same_episode(play), play)
    data = {"plays": packed, "actions": list(action_names), "met": words.past(verdict.success_word)}
    script = _part("drawing.js") + _part("report.js")
    parts = {
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "style": agent_colours() + _part("report.css"),
        "title": escape(f"{verdict.run or verdict.environment}: {words.opening(verdict)}"),
        "run": escape(verdict.run or verdict.environment),
        "headline": escape(words.opening(verdict)),
        "setting": escape(words.setting(verdict)),
        "claim": f'<p class="claim">{escape(words.quoted_claim(verdict))}</p>' if verdict.claim else "",
        "facts": facts_html(verdict),
        "findings": findings_html(verdict, by_name, partial(command, verdict, config_text)),
        "found": found_title(verdict),
        "curves": curves_html(curve, verdict),
        "player": "" if recorded else "hidden",
        "player_title": player_title(packed),
        "left_out": left_out(len(plays), len(packed)),
        "config": escape(config_text),
        "data": script_json(data),
    }
    # One pass, so that nothing inserted is ever taken for a place to insert.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _part("report.html"))


def _part(name: str) -> str:
    return files("coterie.showing").joinpath(name).read_text(encoding="utf-8")


def script_json(data: Any) -> str:
    """JSON that stands safely inside a script element: it holds no character that HTML could read as a tag.

    >>> script_json("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def agent_colours() -> str:
    """The colours of boards as words of the page's style, for a light and for a dark page."""
    light = [_css(colour) for colour in boards.AGENT_COLOURS]
    dark = [_css(bright(colour)) for colour in boards.AGENT_COLOURS]

    def block(colours: list[str]) -> str:
        named = "".join(f"--agent{place}:{colour};" for place, colour in enumerate(colours))
        return f"{named}--meeting:{_css(boards.MEETING_COLOUR)};"

    shades = "".join(
        f".picture .agent{place}{{fill:var(--agent{place});stroke:var(--agent{place})}}" for place in range(len(light))
    )
    return (
        f":root{{{block(light)}}}@media screen and (prefers-color-scheme:dark)"
        f"{{:root:not([data-paper]){{{block(dark)}}}}}{shades}\n"
    )


def facts_html(verdict: Verdict) -> str:
    """The numbers of the verdict as table rows, shares with their intervals drawn."""
    word = verdict.success_word
    bars = {
        word: chart.share_bar(verdict.coordinated, "success"),
        "optimal": chart.share_bar(verdict.optimal, "team") if verdict.optimal else "",
        "relapsed": "" if verdict.failed_checks is None else chart.plain_bar(verdict.failed_checks, "circle"),
    }
    rows = []
    for label, value, span, meaning in words.facts(verdict):
        bar = bars.get(label, "")
        rows.append(
            f'<tr><th scope="row">{escape(label)}</th><td class="value">{escape(value)}</td>'
            f'<td class="meaning">{bar}<span class="span">{escape(span)}</span> {together(escape(meaning))}</td></tr>'
        )
    return "\n".join(rows)


def found_title(verdict: Verdict) -> str:
    """The heading above the findings: how much there is to mend."""
    count = sum(finding.verdict == "yes" for finding in verdict.findings)
    return f"What to mend: {count}" if count > 1 else "What to mend" if count else "What was looked at"


def player_title(packed: Sequence[dict[str, Any]]) -> str:
    """The heading above the player: a wall, one board, or episodes without a board."""
    drawn = sum("wide" in play for play in packed)
    if drawn > 1:
        return "The wall: every board is one team's greedy episode"
    return "The episode, step by step" if len(packed) == 1 else "The episodes, step by step"


def left_out(recorded: int, held: int) -> str:
    """One sentence where the player does not hold every recorded episode."""
    if held >= recorded:
        return ""
    return f'<p class="setting">{held:,} of {recorded:,} recorded episodes are on this page.</p>'


def curves_html(curve: Curve | None, verdict: Verdict) -> str:
    """The charts with their headings; nothing where nothing was recorded."""
    if curve is None or not curve.episodes:
        return ""
    word = escape(words.doing(verdict))
    lines, how = chart.single_lines(curve, verdict)
    every = ""
    if curve.single is not None:
        every = (
            f'<figure class="wide"><figcaption>{escape(chart.raster_words(curve, verdict))}</figcaption>'
            f"{chart.raster(curve, verdict)}</figure>"
        )
    return (
        f'<section id="curves"><h2>While they learned</h2><div class="pair"><figure><figcaption>Teams that {word} when '
        f"greedy</figcaption>{chart.shares(curve, verdict)}</figure><figure><figcaption>Their return: the median, the "
        f"middle half and all teams{escape(how)}</figcaption>{chart.returns(curve, verdict, lines)}</figure></div>"
        f"{every}</section>"
    )


def _css(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
