"""What people see of a deep run: its verdict, its progress in a line, its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from coterie.settings import DEEP_ALGORITHMS, LONGEST_EPISODE
from coterie.showing import words
from coterie.statistics import FEW, Estimate, interval, percent

if TYPE_CHECKING:
    from coterie.running.deep.session import DeepTick
    from coterie.running.deep.verdict import DeepVerdict, Side


def verdict(told: DeepVerdict) -> RenderableType:
    """The verdict: every seed, the middle of them with its interval, and what untrained play earns."""
    name = DEEP_ALGORITHMS.get(told.algorithm, told.algorithm).split(":")[0]
    head = (
        f"{words.plural(len(told.seeds), 'seed')} of {words.plural(told.agents, 'agent')}, {told.environment}, "
        f"{told.algorithm} ({name}), {told.env_steps // len(told.seeds):,} joint steps each"
        f"{'' if told.finished else ', stopped before its end'}"
    )
    lines: list[RenderableType] = [Text(head, "bold"), Text()]
    for label, value, meaning in facts(told):
        lines.append(Text.assemble("  ", label.ljust(14), (value.rjust(10), "bold"), "   ", (meaning, "dim")))
    lines.append(Text())
    rows = zip(told.seeds, told.returns, told.success, told.best_step, strict=True)
    best = max(told.returns)
    for place, (seed, earned, success, step) in enumerate(rows):
        frozen = "  left the finite numbers" if seed in told.frozen else ""
        if contest(told):
            lines.append(seed_of_rivals(told, place, seed, step).append(frozen, "bold red"))
            continue
        bar = "█" * round(20 * _share(earned, told.random, best if told.optimum is None else told.optimum))
        line = Text(f"  seed {seed:<6}").append(f"{words.number(earned):>10}", "bold")
        line.append(f"  {_succeeds(told, success):>{9 + len(told.success_word)}}").append(
            f"  saved at {step:>11,}  ", "dim"
        )
        lines.append(line.append(bar, "green").append(frozen, "bold red"))
    if told.sides:
        lines += [Text(), *map(side_line, told.sides)]
    if told.iqm.value <= told.random and not any(side.against for side in told.sides):
        steps = told.env_steps // len(told.seeds)
        text = f"no better than random play after {steps:,} joint steps a seed: nothing was learned yet"
        lines += [Text(), Text.assemble(("  ! ", "bold red"), text)]
    if told.cut:
        judged = told.episodes * len(told.seeds)
        text = f"{told.cut:,} of {judged:,} judged episodes had no end and were stopped after {LONGEST_EPISODE:,} steps"
        lines += [Text(), Text.assemble(("  ! ", "bold red"), text)]
    wrong = [finding for finding in told.findings if finding.verdict == "yes"]
    for finding in wrong:
        lines += [Text(), Text.assemble(("  ! ", "bold red"), finding.sentence)]
        if finding.remedy:
            lines.append(Text.assemble("    ", ("Try: ", "bold"), finding.remedy))
    return Group(*lines)


def contest(told: DeepVerdict) -> bool:
    """Whether several teams learned against each other: then their mean says nothing."""
    return sum(bool(side.against) for side in told.sides) > 1


def seed_of_rivals(told: DeepVerdict, place: int, seed: int, step: int) -> Text:
    """What each team of one seed earns against random play."""
    earned = ", ".join(f"{side.name} {words.number(side.against[place])}" for side in told.sides if side.against)
    return Text(f"  seed {seed:<6}").append(earned, "bold").append(f" against random play; saved at {step:,}", "dim")


def side_line(side: Side) -> Text:
    """One side of a game: what it earns among the greedy teams, and against random play."""
    line = Text(f"  {side.name} ", "bold").append(
        f"({words.plural(len(side.agents), 'agent')}, {side.player}): ", "dim"
    )
    line.append(words.number(float(np.mean(side.returns))), "bold").append(" among these teams", "dim")
    if side.against:
        line.append("; ").append(words.number(float(np.mean(side.against))), "bold").append(
            " against random play", "dim"
        )
    if side.won is not None and side.drawn is not None:
        lost = max(0.0, 1 - side.won - side.drawn)
        line.append(f" (wins {percent(side.won)}, draws {percent(side.drawn)}, loses {percent(lost)})", "dim")
    return line.append(f"; random play earns {words.number(side.random)}", "dim")


def facts(told: DeepVerdict) -> list[tuple[str, str, str]]:
    """Label, number and meaning of each line of a verdict."""
    how = "exact values" if told.exact else f"{told.episodes} fresh greedy episodes a seed"
    few = f"; fewer than {FEW} seeds are too few for an interval" if len(told.seeds) < FEW else ""
    spans = ("", "") if few else (_span(told.iqm), _span(told.mean))
    unit = "; sum over agents" if told.unit == "team-sum" else "; mean over agents" if ":" in told.environment else ""
    found = [
        ("return", words.number(told.iqm.value), f"{spans[0]}interquartile mean over seeds ({how}{unit}){few}"),
        ("mean", words.number(told.mean.value), f"{spans[1]}mean over seeds"),
        (
            told.success_word,
            f"{told.coordinated.count}/{told.coordinated.total}",
            f"({interval(told.coordinated)}) seeds whose team does so in at least 95 % of episodes; on average "
            f"{percent(float(np.mean(told.success)))} of them",
        )
        if told.success_known
        else ("success", "", "nobody says what it is here; --success 'return>=NUMBER' does"),
        ("random play", words.number(told.random), _untrained(told, told.random_success)),
        ("idle play", words.number(told.idle), f"{_untrained(told, told.idle_success)} ({told.idle_action})"),
    ]
    if contest(told):
        return [("rivals", "", "what one wins another may lose, so each team is shown by itself, below"), *found[2:3]]
    if told.drawn:
        drawn = words.number(float(np.mean(told.drawn)))
        found.insert(2, ("drawn actions", drawn, "mean over seeds of play that draws its actions, as it did to learn"))
    if told.optimum is not None:
        found.insert(2, ("optimum", words.number(told.optimum), f"the exact joint optimum, {told.objective}"))
    if told.relapsed is not None:
        found.append(("relapsed", percent(told.relapsed), "of the greedy checks after a seed's first success failed"))
    return found


def _untrained(told: DeepVerdict, success: float) -> str:
    """Whether the number of untrained play is exact or was played, and how often it succeeds."""
    how = "exact value" if told.exact else f"mean of {words.plural(told.untrained, 'episode')}"
    return "; ".join(part for part in (how, _succeeds(told, success)) if part)


def _succeeds(told: DeepVerdict, share: float) -> str:
    return f"{percent(share)} {told.success_word}" if told.success_known else ""


def _span(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return ""
    return f"({words.number(estimate.low)} to {words.number(estimate.high)}) "


def _share(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0, 1)) if high > low else 0.0


def progress_text(tick: DeepTick, success_word: str = "succeed", columns: int = 100) -> str:
    """How far a deep run has come, in one line.

    >>> from coterie.running.deep.session import DeepTick
    >>> progress_text(DeepTick(420_000, 1_000_000, 400_000, 10.0, 4.2, 0.71, 0.8, 0.013))
    ' 42 %  420,000 steps · 40.0 k steps/s · 14 s left · return 0.71 · 80.0 % succeed · loss 0.013'
    """
    from coterie.showing.terminal import duration, rate

    if not tick.seconds:
        return f"{int(100 * tick.env_steps / tick.total):3d} %  compiled and begun in {tick.compiling:.1f} s"
    parts = [
        *([f"seed {tick.lane} of {tick.lanes}"] if tick.lanes > 1 else []),
        f"{tick.env_steps:,} steps",
        f"{rate(tick.steps_per_second)} steps/s",
        f"{duration(tick.seconds_left)} left",
        "" if tick.return_ is None else f"return {words.number(tick.return_)}",
        "" if tick.success is None else f"{percent(tick.success)} {success_word}",
        "" if tick.loss is None else f"loss {tick.loss:.3g}",
    ]
    return f"{int(100 * tick.env_steps / tick.total):3d} %  " + " · ".join(part for part in parts if part)[:columns]


def saved_checks(steps: np.ndarray, table: np.ndarray, best: Sequence[int]) -> tuple[list[int], list[float]]:
    """Where each seed's saved check lies: joint steps and greedy return; a seed that has none is left out.

    steps int[C] of all checks; table float[S, C] of returns, not a number where there was no check; best: a step a seed

    >>> saved_checks(np.array([10, 20]), np.array([[1.0, 3.0], [2.0, np.nan], [0.0, 0.0]]), (20, 20, 30))
    ([20], [3.0])
    """
    places = [
        (int(step), float(row[steps == step][0]))
        for row, step in zip(table, best, strict=True)
        if np.isfinite(row[steps == step]).any()
    ]
    return [step for step, _ in places], [value for _, value in places]


def curves(path: Path, frame: Mapping[str, np.ndarray], told: DeepVerdict) -> None:
    """The greedy return of every seed over the run, their interquartile mean, random play and the optimum, as a PNG.

    Each seed's check whose policy is kept, and judged in the end, is marked by a ring.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    from coterie.statistics import interquartile_mean

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    steps = np.unique(frame["env_steps"])
    table = np.full((len(told.seeds), len(steps)), np.nan)
    for seed, step, value in zip(frame["seed"], frame["env_steps"], frame["greedy_return"], strict=True):
        table[told.seeds.index(int(seed)), np.searchsorted(steps, step)] = value
    for row in table:
        axes.plot(steps, row, color="tab:blue", alpha=0.35, linewidth=1)
    whole = ~np.isnan(table).any(0)
    middle = [float(interquartile_mean(column)) for column in table[:, whole].T]
    axes.plot(steps[whole], middle, color="tab:blue", linewidth=2.5, label="interquartile mean of greedy teams")
    kept = "each seed's check that was saved" if len(told.seeds) > 1 else "the check that was saved"
    ring = {"color": "tab:blue", "markersize": 6, "markerfacecolor": "white", "zorder": 3}
    axes.plot(*saved_checks(steps, table, told.best_step), "o", label=kept, **ring)
    axes.axhline(told.random, color="tab:gray", linestyle=":", label="random play")
    if told.optimum is not None:
        axes.axhline(told.optimum, color="tab:green", linestyle="--", label="exact optimum")
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.set_xlabel("joint steps of each seed")
    axes.set_ylabel(f"return of an episode, {'sum' if told.unit == 'team-sum' else 'mean'} over agents")
    axes.set_title(f"{told.environment}, {told.algorithm}: every seed")
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
