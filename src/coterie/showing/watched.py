"""What people see of play in a live environment: how far it is, what each agent earned, how episodes ended."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from coterie.running.watching import Watched
from coterie.showing import terminal, words
from coterie.showing.video import Written
from coterie.statistics import FEW, interval, percent, t_interval, wilson

MOST_ROWS = 24  # agents of which each has a line of its own; more are told together where their names begin alike
MOST_EPISODES = 12
MOST_COLUMNS = 4  # agents that have a column each
NUMBERED = re.compile(r"[-_ ]?\d+$")
ENDED = "it ended"
OTHERS = {2: "second", 4: "fourth", 8: "eighth"}


class Tick(NamedTuple):
    """How far play is: in which episode of how many, at which step of at most how many (0: nobody knows)."""

    episode: int
    episodes: int
    step: int
    limit: int
    steps_per_second: float
    earned: float
    unit: str = "step"
    seconds: float = 0.0


def progress_text(tick: Tick, columns: int = 79) -> str:
    """How far play is, in one line: with a bar and the time left where it is known how long it will be.

    >>> progress_text(Tick(0, 1, 50, 125, 20.0, -1.5), columns=60)
    ' 40 % ━━···· 50 steps · 20 steps/s · 4 s left · return -1.50'
    >>> progress_text(Tick(0, 1, 50, 0, 20.0, -1.5))
    '50 steps · 20 steps/s · return -1.50'
    """
    steps, rate = words.plural(tick.step, tick.unit), tick.steps_per_second
    behind, count = (tick.episode, "episode") if tick.episodes > 1 else (tick.step, tick.unit)
    if tick.limit or tick.episodes > 1:
        within = min(1.0, tick.step / tick.limit) if tick.limit else 0.0
        share = min(1.0, (tick.episode + within) / tick.episodes)
        left = (1 - share) * tick.episodes * tick.limit / rate if tick.limit else None
        return terminal.progress_text(
            share, behind, rate, left, None, tick.earned, unit=count, columns=columns, pace=tick.unit
        )
    return f"{steps} · {terminal.rate(rate)} {tick.unit}s/s · return {words.number(tick.earned)}"[:columns]


def result(told: Watched) -> RenderableType:
    """All that episodes came to: numbers, agents, and each episode where there are several."""
    count = len(told.seeds)
    seeds = f"seed {told.seeds[0]}" if count == 1 else f"seeds {told.seeds[0]} to {told.seeds[-1]}"
    head = f"{told.environment}, {told.words}: {words.plural(count, 'episode')}"
    lines: list[RenderableType] = [
        Text(f"{head} of {words.plural(len(told.agents), 'agent')}, {seeds}", "bold"),
        Text(),
    ]
    for name, value, meaning in facts(told):
        lines.append(Text.assemble("  ", name.ljust(14), (value.rjust(10), "bold"), "   ", (meaning, "dim")))
    if not told.common:
        lines += [Text(), *agent_lines(told)]
    if count > 1:
        lines += [Text(), *episode_lines(told)]
    return Group(*lines)


def facts(told: Watched) -> list[tuple[str, str, str]]:
    """Name, number and meaning of each line."""
    count = len(told.seeds)
    whose = "for each agent alike" if told.common else "mean over agents"
    if count > 1:
        whose += f" and {words.plural(count, 'episode')}" if not told.common else f", mean over {count} episodes"
    whose += f"; fewer than {FEW} are too few for an interval" if 1 < count < FEW else ""
    found = [("return", words.number(float(told.team.mean())), span(told.team) + whose)]
    length = f"{told.lengths[0]:,}" if count == 1 else f"{told.lengths.mean():,.1f}"
    spread = "" if count == 1 else f"({told.lengths.min():,} to {told.lengths.max():,}) "
    found.append(("length", length, f"{spread}{told.unit}s; {endings(told)}"))
    known = [one for one in told.success if one is not None]
    if known:
        share = wilson(sum(known), len(known))
        value = percent(share.share) if count > 1 else "yes" if known[0] else "no"
        found.append(("success", value, f"({interval(share)}) {told.aim}" if count > 1 else told.aim))
    return found


def span(scores: np.ndarray) -> str:
    """Student's interval of a mean, where there are enough scores to tell."""
    if len(scores) < FEW:
        return ""
    found = t_interval(scores)
    if found.low is None or found.high is None:
        return ""
    return f"({words.number(found.low)} to {words.number(found.high)}) "


def endings(told: Watched) -> str:
    """How the episodes ended, in words."""
    counted = Counter(ending_of(told, place) for place in range(len(told.seeds)))
    if len(counted) == 1:
        return next(iter(counted))
    return ", ".join(f"{count:,}: {how}" for how, count in counted.most_common())


def ending_of(told: Watched, place: int) -> str:
    """How one of the episodes ended; some environments call it an ending where their time was up."""
    how = ending(told.endings[place])
    at_limit = how == ENDED and told.lengths[place] == told.limit
    return f"{how}, on the last of at most {told.limit:,} {told.unit}s" if at_limit else how


def ending(by_agent: Mapping[str, str]) -> str:
    """How one episode ended.

    >>> ending({"a": "terminated", "b": "terminated"}), ending({"a": "truncated"}), ending({"a": "stopped"})
    ('it ended', 'cut off by its time limit', 'stopped by --steps')
    >>> ending({"a": "terminated", "b": "truncated"})
    '1 agent ended, 1 cut off by the time limit'
    """
    counted = Counter(by_agent.values())
    if len(counted) == 1:
        only = next(iter(counted))
        return {"terminated": ENDED, "truncated": "cut off by its time limit"}.get(only, "stopped by --steps")
    parts = [f"{words.plural(counted['terminated'], 'agent')} ended"] if counted["terminated"] else []
    parts += [f"{counted['truncated']:,} cut off by the time limit"] if counted["truncated"] else []
    parts += [f"{counted['stopped']:,} stopped by --steps"] if counted["stopped"] else []
    return ", ".join(parts)


def agent_lines(told: Watched) -> list[Text]:
    """What each agent earned, or agents whose names begin alike together."""
    few = len(told.agents) <= MOST_ROWS
    groups: dict[str, list[int]] = {}
    for place, agent in enumerate(told.agents):
        groups.setdefault(agent if few else NUMBERED.sub("", agent) or agent, []).append(place)
    shown = list(groups.items())[:MOST_ROWS]
    names = [name if len(places) == 1 else f"{name} ({len(places)} agents)" for name, places in shown]
    wide = max(len("agent"), *map(len, names))
    lines = [Text(f"  {'agent'.ljust(wide)}  {'return':>10}", "dim")]
    for name, (_, places) in zip(names, shown, strict=True):
        own = told.returns[:, places]
        earned = [float(np.nanmean(row)) for row in own if not np.isnan(row).all()]
        line = Text(f"  {name.ljust(wide)}  ").append(f"{words.number(float(np.mean(earned))):>10}", "bold")
        within = f"{words.number(float(np.nanmin(own)))} to {words.number(float(np.nanmax(own)))}"
        told_span = span(np.array(earned)) or (f"({within})" if own.size > 1 else "")
        lines.append(line.append(f"   {told_span}".rstrip(), "dim"))
    left = len(groups) - len(shown)
    return lines + ([Text(f"  … and {words.plural(left, 'more agent')}", "dim")] if left else [])


def episode_lines(told: Watched) -> list[Text]:
    """A line for each episode; a few agents that earn unlike have a column each."""
    apart = not told.common and len(told.agents) <= MOST_COLUMNS
    heads, columns = (told.agents, told.returns) if apart else (("return",), told.team[:, None])
    widths = [max(10, len(head)) for head in heads]
    head = "  ".join(name.rjust(width) for name, width in zip(heads, widths, strict=True))
    lines = [Text(f"  episode        seed    {told.unit}s  {head}   ending", "dim")]
    for place in range(min(len(told.seeds), MOST_EPISODES)):
        line = Text(f"  {place + 1:>7}  {told.seeds[place]:>10}  {told.lengths[place]:>{len(told.unit) + 3},}")
        for value, width in zip(columns[place], widths, strict=True):
            line.append(f"  {'' if np.isnan(value) else words.number(float(value)):>{width}}", "bold")
        won = {True: "; success", False: "; no success", None: ""}[told.success[place]]
        lines.append(line.append(f"   {ending_of(told, place)}{won}", "dim"))
    left = len(told.seeds) - MOST_EPISODES
    return lines + ([Text(f"  … and {words.plural(left, 'more episode')}", "dim")] if left > 0 else [])


def video_words(made: Written, unit: str, episodes: int = 1) -> str:
    """What is in a video's file, as a sentence."""
    every = "" if made.stride == 1 else f", every {OTHERS.get(made.stride, f'{made.stride}th')} {unit}"
    which = " of the first episode" if episodes > 1 else ""
    size = f"{made.bytes / 1e6:.1f} MB" if made.bytes >= 100_000 else f"{max(1, round(made.bytes / 1e3))} kB"
    pictures = f"{words.plural(made.frames, 'picture')}{which}{every}"
    return f"drawn into {made.path}: {pictures}, {made.width}x{made.height}, {size}"
