"""The findings as a page shows them: what is to mend as cards with a picture each, and all of them as one table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape
from math import floor, isfinite, log10
from typing import TYPE_CHECKING

from coterie.showing import words
from coterie.showing.finding_pictures import picture_svg
from coterie.showing.outcomes import same_episode, who
from coterie.showing.stretch_picture import stretch_svg
from coterie.types import Evidence, Finding, Play

if TYPE_CHECKING:
    from coterie.running.verdict import Verdict

MOST_PLACES = 12
COLUMNS = {"value": "Value", "span": "95 % interval", "null": "Held against", "p": "p"}
TAGS = {"yes": "to mend", "cannot tell": "cannot tell", "no": "fine"}


def findings_html(
    verdict: Verdict, recorded: Mapping[tuple[int, int], Play], command: Callable[[Sequence[str]], str]
) -> str:
    """What is to mend first, in the order that it was given; behind it, folded, what is not; then the table of all.

    recorded: the episodes that the player holds, by `same_episode`; command(flags) is the line that tries a remedy.
    """
    groups = {kind: [one for one in verdict.findings if one.verdict == kind] for kind in TAGS}
    parts = []
    if not groups["yes"]:
        parts.append(f'<p class="all-clear">{escape(words.all_clear(verdict))}</p>')
    parts += [card(one, recorded, command) for one in groups["yes"]]
    for kind, found in (("cannot tell", "cannot tell"), ("no", "found nothing to mend")):
        if groups[kind]:
            cards = "".join(card(one, recorded, command) for one in groups[kind])
            count = words.plural(len(groups[kind]), "check")
            parts.append(f'<details class="rest"><summary>{count} {found}</summary>{cards}</details>')
    return "\n".join([*parts, table(verdict.findings)])


def card(finding: Finding, recorded: Mapping[tuple[int, int], Play], command: Callable[[Sequence[str]], str]) -> str:
    """One finding: its sentence and numbers, its picture, what to try, and buttons that lead to its evidence."""
    figure = _figure(finding, recorded)
    numbers = numbers_in_words(finding)
    text = [
        f'<h3>{escape(finding.name)} <span class="tag">{TAGS[finding.verdict]}</span></h3>',
        f'<p class="sentence">{escape(finding.sentence)}</p>',
        f'<p class="numbers">{together(escape(numbers))}</p>' if numbers else "",
        _places(finding, recorded),
        _remedy(finding, command(finding.flags)),
    ]
    kind = finding.verdict.replace(" ", "-") + (" pictured" if figure else "")
    return f'<article class="finding {kind}"><div class="text">{"".join(text)}</div>{figure}</article>'


def numbers_in_words(finding: Finding) -> str:
    """The value with its interval, what it is held against, and the chance of it, in plain words.

    >>> numbers_in_words(Finding("", "yes", "", 0.0813, (0.0659, 0.0999), "no team in a loop", p=0.0123))
    '0.081 (95 % interval 0.066 to 0.100), held against: no team in a loop.
    p = 0.012: asking as much of pure chance finds anything like this about 12 times in 1,000.'
    """
    parts = []
    if finding.value is not None and isfinite(finding.value):
        value, span = in_figures(finding.value, finding.interval)
        parts.append(value + (f" (95 % interval {span})" if span else ""))
        if finding.null:
            parts[0] += f", held against: {finding.null.rstrip('.')}"
    elif finding.null:
        parts.append(f"Held against: {finding.null.rstrip('.')}")
    if finding.p is not None and isfinite(finding.p):
        parts.append(f"{p_text(finding.p)}: {_chance(finding.p)}")
    return ". ".join(parts) + ("." if parts else "")


def in_figures(value: float, interval: tuple[float, float] | None) -> tuple[str, str]:
    """A value and its interval with as many decimals as the interval's width gives a meaning to.

    >>> in_figures(0.0813, (0.0659, 0.0999)), in_figures(3.14159, None), in_figures(12.0, None)
    (('0.081', '0.066 to 0.100'), ('3.14', ''), ('12', ''))
    """
    if interval is not None and all(isfinite(end) for end in interval):
        width = interval[1] - interval[0]
        digits = _digits(width) if width > 0 else 0 if value == round(value) else _digits(value) + 1
        low, high = (_plain(end, digits) for end in interval)
        return _plain(value, digits), f"{low} to {high}"
    return _plain(value, 0 if value == round(value) else _digits(value) + 1), ""


def p_text(p: float) -> str:
    """A chance as statisticians write it.

    >>> p_text(0.0123), p_text(0.00004), p_text(1.0), p_text(0.0996)
    ('p = 0.012', 'p < 0.0001', 'p = 1.00', 'p = 0.100')
    """
    if p < 0.0001:
        return "p < 0.0001"
    return f"p = {p:.{2 if p >= 0.1 else 3 if p >= 0.01 else 4}f}"


def _chance(p: float) -> str:
    if p < 0.0001:
        return "asking as much of pure chance finds anything like this less than once in 10,000 times"
    base = 100 if p >= 0.1 else 1_000 if p >= 0.01 else 10_000
    count = round(p * base)
    return f"asking as much of pure chance finds anything like this about {_times(count)} in {base:,}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _digits(size: float) -> int:
    return min(6, max(0, 1 - floor(log10(abs(size))))) if size else 2


def _plain(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def table(findings: Sequence[Finding]) -> str:
    """Every check on one line, those first that found something."""
    if not findings:
        return ""
    rows = []
    for one in sorted(findings, key=lambda one: list(TAGS).index(one.verdict)):
        texts = dict(zip(COLUMNS, _numbers(one), strict=True))
        cells = "".join(
            f'<td class="{kind}" data-name="{COLUMNS[kind]}">{escape(text)}</td>' for kind, text in texts.items()
        )
        rows.append(
            f'<tr class="{one.verdict.replace(" ", "-")}"><th scope="row">{escape(one.name)}</th>'
            f'<td class="verdict">{TAGS[one.verdict]}</td>{cells}</tr>'
        )
    heads = {"check": "Check", "verdict": "Verdict", **COLUMNS}
    head = "".join(f'<th scope="col" class="{kind}">{name}</th>' for kind, name in heads.items())
    title = "All checks" if len(findings) > 1 else "The one check"
    return (
        f'<h3 class="table-title">{title}</h3>'
        f'<table id="checks"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _numbers(finding: Finding) -> tuple[str, str, str, str]:
    known = finding.value is not None and isfinite(finding.value)
    value, span = in_figures(finding.value or 0.0, finding.interval) if known else ("", "")
    tested = finding.p is not None and isfinite(finding.p)
    p = p_text(finding.p or 0.0).removeprefix("p ").removeprefix("= ") if tested else ""
    return value, span, finding.null, p


def _figure(finding: Finding, recorded: Mapping[tuple[int, int], Play]) -> str:
    """The finding's own picture, and the first piece of its evidence that has a board."""
    figures = []
    if finding.picture is not None:
        figures.append((finding.picture.title, picture_svg(finding.picture)))
    for place in finding.evidence:
        drawn = stretch_svg(recorded[same_episode(place)], place) if same_episode(place) in recorded else ""
        if drawn:
            figures.append((f"{who(place).capitalize()}, {_steps(place)}", drawn))
            break
    texts = [
        f"<figure>{f'<figcaption>{escape(title)}</figcaption>' if title else ''}{drawn}</figure>"
        for title, drawn in figures
    ]
    return f'<div class="figures">{"".join(texts)}</div>' if texts else ""


def _steps(place: Evidence) -> str:
    if place.first_step == place.last_step:
        return f"step {place.first_step:,}"
    return f"steps {place.first_step:,} to {place.last_step:,}"


def _places(finding: Finding, recorded: Mapping[tuple[int, int], Play]) -> str:
    places = []
    for one in finding.evidence[:MOST_PLACES]:
        text = f"{who(one)}, {_steps(one)}"
        if same_episode(one) in recorded:
            which = f'data-team="{one.team}" data-episode="{one.episode}"'
            steps = f'data-first="{one.first_step}" data-last="{one.last_step}" data-name="{escape(finding.name)}"'
            places.append(f'<button type="button" class="evidence" {which} {steps}>{text}</button>')
        else:
            places.append(f'<span class="far">{text}</span>')
    if len(finding.evidence) > MOST_PLACES:
        places.append(f'<span class="far">and {len(finding.evidence) - MOST_PLACES:,} more</span>')
    return f'<p class="places"><span class="word">See</span> {" ".join(places)}</p>' if places else ""


def _remedy(finding: Finding, line: str) -> str:
    tries = f"<p><b>Try:</b> {with_flags(finding.remedy)}</p>" if finding.remedy else ""
    if not line:
        return f'<div class="remedy">{tries}</div>' if tries else ""
    whole = " ".join(f"<span>{escape(word)}</span>" for word in line.split(" "))
    return (
        f'<div class="remedy">{tries or "<p><b>Try:</b></p>"}<div class="command"><code>{whole}</code>'
        '<button type="button" class="copy">Copy</button></div></div>'
    )


def together(text: str) -> str:
    """A text for the page in which no line breaks between a number and its unit, or inside of p = 0.012.

    >>> together("5 % of 20, p = 0.012")
    '5&nbsp;% of 20, p&nbsp;=&nbsp;0.012'
    """
    text = re.sub(r"(?<=\d) %", "&nbsp;%", text)
    return re.sub(r"\bp (=|&lt;) (?=\d)", r"p&nbsp;\1&nbsp;", text)


def with_flags(text: str) -> str:
    """A text for the page in which flags are set as code, so that no line breaks inside of one.

    >>> with_flags("mask <it> (--terminal-mask).")
    'mask &lt;it&gt; (<code>--terminal-mask</code>).'
    """
    return re.sub(r"--[A-Za-z][\w-]*(?:\.[\w-]+)*", r"<code>\g<0></code>", escape(text))
