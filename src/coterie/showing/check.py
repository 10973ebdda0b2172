"""What a check of an environment found, for people: what it is, what was tried, what to mend, what to run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from coterie.showing.terminal import Hanging, duration, rate
from coterie.statistics import percent

if TYPE_CHECKING:
    from coterie.pettingzoo.check.items import Checked, Facts, Item, RewardFacts, Speed, Trial

LABEL = 10
KINDS_SHOWN, NAMES_SHOWN, FLAGS_SHOWN = 6, 6, 3
MARKS = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("·", "dim")}
SEVERITY = {"error": "bold red", "warning": "bold yellow", "note": "cyan"}
COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def check(found: Checked) -> RenderableType:
    """Everything that was found."""
    lines: list[RenderableType] = [Hanging(Text(""), headline(found)), Text()]
    if found.facts is not None:
        lines += [fact_line(label, told) for label, told in fact_words(found.facts, found.speed)]
        lines.append(Text())
    if found.trials:
        lines += [*trial_lines(found.trials), Text()]
    for item in found.items:
        lines += [*item_lines(item), Text()]
    if found.command:
        lines += command_lines(found)
    elif found.because:
        lines.append(Hanging(Text("  "), Text(f"No line to train it yet: {found.because[0]}.")))
    return Group(*lines)


def headline(found: Checked) -> Text:
    """The name, what it is, and how well it does."""
    errors, warnings = (sum(item.severity == one for item in found.items) for one in ("error", "warning"))
    counts = [_plural(count, word) for count, word in ((errors, "error"), (warnings, "warning")) if count]
    verdict = " and ".join(counts) or "nothing wrong was found"
    style = "bold red" if errors else "bold yellow" if warnings else "bold green"
    who = f"{described(found.facts)}: " if found.facts is not None else ""
    name = " ".join([found.environment, *found.env])
    return Text.assemble((f"{name}  ", "bold"), who, (verdict, style))


def described(facts: Facts) -> str:
    """How many agents there are, and how they move."""
    count = len(facts.agents)
    moves = "in turns" if facts.form == "in turns" else "at once" if count > 1 else "alone"
    kinds = f", {COUNTS.get(len(facts.kinds), len(facts.kinds))} kinds" if len(facts.kinds) > 1 else ""
    return f"{_plural(count, 'agent')} that {'move' if count > 1 else 'moves'} {moves}{kinds}"


def fact_line(label: str, told: str) -> RenderableType:
    """One fact: its label, and what it says beside it."""
    return Hanging(Text(f"  {label.ljust(LABEL)}", "dim"), Text(told))


def fact_words(facts: Facts, speed: Speed | None) -> list[tuple[str, str]]:
    """Every fact as its label and its words."""
    told = [("form", form_words(facts))]
    for place, kind in enumerate(facts.kinds[:KINDS_SHOWN]):
        many = len(kind.agents) > 1
        alike = f" ({len(kind.agents)} alike) see" if many else " sees"
        told.append(
            (
                "" if place else "agents",
                f"{names(kind.agents)}{alike} {kind.sees}; {'do' if many else 'does'} {kind.does}",
            )
        )
    if len(facts.kinds) > KINDS_SHOWN:
        told.append(("", f"and {len(facts.kinds) - KINDS_SHOWN} more kinds"))
    told += [
        ("teams", team_words(facts.rewards)),
        ("rewards", reward_words(facts.rewards)),
        ("episodes", episode_words(facts)),
        ("present", presence_words(facts)),
        ("masks", mask_words(facts)),
        ("state", state_words(facts.state)),
        ("success", success_words(facts)),
        ("drawing", drawing_words(facts)),
    ]
    if speed is not None:
        told.append(("speed", speed_words(speed, facts.form)))
    return told


def form_words(facts: Facts) -> str:
    """Parallel, in turns, or tuple."""
    if facts.form == "tuple":
        return "a gymnasium environment with a tuple of actions; coterie gives it the parallel form"
    if facts.form == "in turns":
        return facts.order
    return f"parallel{f'; {facts.driven}' if facts.driven else ''}"


def names(agents: Sequence[str]) -> str:
    """Names in a row, numbered ones as spans: piston_0 to piston_19.

    >>> names(["piston_0", "piston_1", "piston_2", "ball"]), names(["red", "blue"])
    ('piston_0 to piston_2, ball', 'red, blue')
    """
    numbered = [re.fullmatch(r"(.*?)(\d+)", name) for name in agents]
    keys = [(match[1], int(match[2]) - place) if match else place for place, match in enumerate(numbered)]
    told = []
    for _, run in groupby(range(len(agents)), key=lambda place: keys[place]):
        of_run = list(run)
        first, last = agents[of_run[0]], agents[of_run[-1]]
        told += [f"{first} to {last}"] if len(of_run) > 2 else [agents[place] for place in of_run]
    more = f" and {len(told) - NAMES_SHOWN} more" if len(told) > NAMES_SHOWN else ""
    return ", ".join(told[:NAMES_SHOWN]) + more


def team_words(rewards: RewardFacts) -> str:
    """Who is rewarded together, as far as rewards tell."""
    if not rewards.paid:
        return f"cannot tell: nobody was paid in {_plural(rewards.steps, 'step')} of random play"
    groups = [team for team in rewards.teams if len(team) > 1]
    alone = [team[0] for team in rewards.teams if len(team) == 1]
    if len(rewards.teams) == 1 and not rewards.unpaid and groups:
        told = "all are paid the same at every step: one team"
    elif not groups:
        told = "each is paid in a way of its own" if len(alone) > 1 else f"{names(alone)} is paid"
    else:
        told = "; ".join(f"{names(team)} are paid the same" for team in groups)
        told += f"; {names(alone)} {'each in a way of their own' if len(alone) > 1 else 'alone'}" if alone else ""
    if rewards.zero_sum:
        told += "; zero-sum: what one wins, another loses"
    return f"{told}; cannot tell for {names(rewards.unpaid)}, never paid" if rewards.unpaid else told


def reward_words(rewards: RewardFacts) -> str:
    """How often, and how much."""
    if not rewards.paid:
        return "all 0"
    if rewards.least == rewards.most:
        return f"always {rewards.least:.4g}"
    return f"{rewards.least:.4g} to {rewards.most:.4g}, in {rewards.paid:,} of {rewards.steps:,} steps"


def episode_words(facts: Facts) -> str:
    """How long episodes are and how they end."""
    told, unit = facts.episodes, "turn" if facts.form == "in turns" else "step"
    limit = f"; {told.limit[0]} is {told.limit[1]:,}" if told.limit else ""
    if not told.lengths:
        return f"none was played to its end in {_plural(told.steps, unit)}{limit}"
    shortest, longest = min(told.lengths), max(told.lengths)
    length = _plural(longest, unit) if shortest == longest else f"{shortest:,} to {longest:,} {unit}s"
    count = len(told.lengths)
    ends = "all truncated" if told.truncated == count and not told.terminated else ""
    ends = ends or ("all terminated" if told.terminated == count and not told.truncated else "")
    ends = ends or f"somebody terminated in {told.terminated:,}, truncated in {told.truncated:,}"
    mixed = f"; both in one episode: {told.mixed:,}" if told.mixed else ""
    return f"{length}{limit}; of {count:,} whole ones {ends}{mixed}"


def presence_words(facts: Facts) -> str:
    """Whether agents die or are born."""
    told = facts.episodes
    deaths = f"some end before others ({told.deaths:,} of {told.played:,} episodes)" if told.deaths else ""
    births = f"some are born ({told.births:,} of {told.played:,} episodes)" if told.births else ""
    return "; ".join(filter(None, (deaths, births))) or "all, from the first step to the last"


def mask_words(facts: Facts) -> str:
    """Where masks stand and how much they forbid."""
    masks = facts.masks
    if not masks.place:
        return "none: every action is always legal"
    where = "beside the observation" if masks.place == "observation" else "in the info"
    share = f"{percent(masks.restrictive / max(1, masks.decisions))} of {masks.decisions:,} decisions"
    if not masks.restrictive:
        return f"{where}; nothing was ever forbidden in {masks.decisions:,} decisions"
    return f"{where}; something is forbidden in {share}{f', everything in {masks.empty:,}' if masks.empty else ''}"


def state_words(shape: tuple[int, ...] | None) -> str:
    """The central state, or what there is without one."""
    if shape is None:
        return "none; qmix then mixes without one, vdn and iql need none"
    return f"{' x '.join(map(str, shape)) or 'one'} number{'' if shape in ((), (1,)) else 's'}"


def success_words(facts: Facts) -> str:
    """Which infos may say that the aim was reached."""
    likely = [f"{flag.name} ({flag.type}): {flag.values}" for flag in facts.success if flag.likely]
    others = [flag.name for flag in facts.success if not flag.likely]
    told = f"infos have {'; '.join(likely[:FLAGS_SHOWN])}" if likely else "infos say nothing of it"
    truths = f"; truths in them: {', '.join(others[:FLAGS_SHOWN])}" if others else ""
    return told + truths + ("" if likely else "; --success 'return>=NUMBER' does")


def drawing_words(facts: Facts) -> str:
    """What it can draw, and whether it does."""
    modes = ", ".join(facts.render_modes) or "cannot"
    return f"{modes}; made with {facts.render_mode}" if facts.render_mode else modes


def speed_words(speed: Speed, form: str) -> str:
    """Steps a second, and where the time goes."""
    unit = "turns" if form == "in turns" else "steps"
    observing = f"; observing takes {percent(speed.observing)} of the time" if speed.observing is not None else ""
    resetting = f"; resets take {percent(speed.resetting)}" if speed.resetting > 0.2 else ""
    return f"{rate(speed.steps)} {unit} a second, random play in one process{observing}{resetting}"


def trial_lines(trials: Iterable[Trial]) -> list[RenderableType]:
    """What was tried, one a line, with a mark."""
    found = list(trials)
    width = max(len(one.name) for one in found)
    lines: list[RenderableType] = []
    for one in found:
        mark, style = MARKS[one.passed]
        lines.append(Hanging(Text.assemble("  ", (mark, style), f" {one.name.ljust(width)}  "), Text(one.told, "dim")))
    return lines


def item_lines(item: Item) -> Iterable[RenderableType]:
    """One thing to mend: how bad, what, what was counted, and the fix."""
    yield Hanging(Text(f"  {item.severity.ljust(8)}", SEVERITY[item.severity]), Text(f"{item.what}."))
    if item.evidence:
        yield Hanging(Text("          "), Text(item.evidence, "dim"))
    if item.fix:
        yield Hanging(Text("          Fix: ", "bold"), Text(item.fix))


def command_lines(found: Checked) -> list[RenderableType]:
    """The line to try, with a reason for each part."""
    lines: list[RenderableType] = [Hanging(Text("  To try: ", "bold"), Text(found.command, "bold"))]
    lines += [Hanging(Text("          "), Text(reason, "dim")) for reason in found.because]
    return lines


def next_commands(found: Checked) -> tuple[str, ...]:
    """What to run after this."""
    again = " ".join(["coterie check-env", found.environment, *map(shlex.quote, found.env)])
    if found.exit_code or not found.command:
        return (again, found.command) if found.command else (again,)
    return (found.command,)


def progress_text(stage: str, since: float, seconds: float) -> str:
    """How far a check has come, in one line.

    >>> progress_text("repeating", 4.2, 10.0)
    ' 42 %  repeating · 6 s left'
    """
    left = f"{duration(seconds - since)} left" if since < seconds else f"{duration(since)} by now"
    return f"{min(99, int(100 * since / seconds)):3d} %  {stage} · {left}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
