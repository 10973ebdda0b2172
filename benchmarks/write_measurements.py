"""Write docs/measurements.md from the saved results, so that the page says what was measured and nothing else.

python benchmarks/write_measurements.py
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "measurements.md"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The page, from benchmarks/results/*.json."""
    names = ("tabular", "start", "meeting_game", "matrix_games", "exact_values")
    speed, start, meeting, matrix, exact = (
        json.loads((HERE / "results" / f"{name}.json").read_text()) for name in names
    )
    parts = [
        "# Measurements",
        "Every figure here was measured by the command above its table and is kept in `benchmarks/results/`; this page "
        "is written from there by `python benchmarks/write_measurements.py`. Rates and times are of one machine "
        f"({speed['machine']}): compare ratios. *Earlier* are the figures of a separate implementation, measured "
        "before this one was written (1,000 teams, 60 for sharing), and *sigmas* the difference in standard errors.",
        *speed_table(speed),
        *start_table(start),
        *diagnosis_table(HERE / "results" / "diagnosis_time.json"),
        "## The meeting game",
        "Recipes were chosen on seed 0 and are measured on another. Intervals are Wilson's, 95 %.",
    ]
    parts += [part for name, heading in MEETING.items() for part in section(meeting[name], heading)]
    parts += [
        "## Matrix games",
        "The share of trials whose last joint action is an optimal one. *Relabelled*: each agent's actions are "
        "permuted at random in every trial, so that no order of actions can help. *Paper* is Table II of Matignon, "
        "Laurent and Le Fort-Piat (IROS 2007). Intervals are Wilson's, 95 %.",
    ]
    parts += [part for name, heading in MATRIX.items() for part in section(matrix[name], heading)]
    parts += [
        "## Exact values of small Dec-POMDPs",
        "Undiscounted, of the best that agents can do who each see only their own observations. *Published* are the "
        "values of the MADP toolbox's database.",
    ]
    parts += [part for name, heading in EXACT.items() for part in section(exact[name], heading, plain_rows)]
    parts += [
        *tictactoe_table(HERE / "results" / "tictactoe.json"),
        "## Diagnosis and statistics",
        "[How often the diagnostics are right](diagnostics/known_answers.md), "
        "[ten bad set-ups](diagnostics/bad_setups.md) and [the coverage of every printed interval](statistics.md) "
        "have pages of their own, written from `benchmarks/results/` in the same way.",
    ]
    return "\n\n".join(parts) + "\n"


MEETING = {
    "tutorial": "The tutorial, and how often its teams lose what they had learned",
    "presets": "The recipes that work (each agent sees its own cell only)",
    "variants": "One change at a time, 1,000 episodes",
    "sharing": "Shared experience, and the same with mirrored controls (random starts, both cells seen)",
    "audit": "The reward audit",
}
MATRIX = {
    "table": "The published table, made again",
    "stochastic": "Partially and fully stochastic climbing",
    "commitment": "Independent learners that hold their actions (commitment)",
    "offsets": "Commitment with clocks that start apart (the margin is 25)",
    "relabelled": "The published games, relabelled",
    "random": "Random 8x8 games with stochastic payoffs",
    "choose": "How options for random games were chosen",
}
EXACT = {
    "exact": "The optimal decentralised value",
    "learners": "Independent learners with histories as keys: 30 seeds each, default recipe",
}


def section(found: dict, heading: str, table: Callable[[list[dict]], str] | None = None) -> list[str]:
    """A heading, the command, and the table that it made."""
    return [f"### {heading}", f"`{found['command']}`, {found['date']}", (table or rows)(found["rows"])]


def plain_rows(found: list[dict]) -> str:
    """A table whose numbers are values and counts, never shares; lists (single seeds) are left to the results."""
    columns = list(dict.fromkeys(key for row in found for key, value in row.items() if not isinstance(value, list)))
    lines = ["| " + " | ".join("" if key == "what" else key for key in columns) + " |", "|" + "---|" * len(columns)]
    for row in found:
        cells = (row.get(key) for key in columns)
        texts = ("" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value) for value in cells)
        lines.append("| " + " | ".join(texts) + " |")
    return "\n".join(lines)


def speed_table(speed: dict) -> list[str]:
    """Speed of tabular learning."""
    lines = ["| what | million steps a second | one core of the engine is |", "|---|---|---|"]
    ratios = {
        "NumPy listing": speed["engine_over_numpy_listing"],
        "plain lists": speed["engine_over_plain_lists"],
        "tuned lists": speed["engine_over_tuned_lists"],
        "coterie.lesson": speed["engine_over_lesson"],
    }
    for name, rate in speed["steps_per_second"].items():
        if name != "simple operations":
            ratio = f"{ratios[name]:,.0f} x" if name in ratios else ""
            lines.append(f"| {name} | {rate / 1e6:.3f} | {ratio} |")
    paired = sorted(speed["two_cores_over_one_each_round"])
    median = paired[len(paired) // 2]
    limit = speed["steps_per_second"]["simple operations"]
    rest = (
        f"Two cores are {speed['two_cores_over_one']:.2f} x one, best against best (each round: median {median:.2f}, "
        f"{paired[0]:.2f} to {paired[-1]:.2f}). A step of both agents, learning included, is "
        f"{speed['operations_a_step']} simple operations (counted in the source); one core does at most "
        f"{limit / 1e9:.1f} billion of them a second, measured in the same run, so the engine reaches "
        f"{speed['share_of_arithmetic_limit']:.0%} of that limit. All operations count alike, though multiplications "
        "and loads have fewer ports, so the true limit is lower. The rest probably goes into chance: wrongly "
        "guessed branches (explore or not, which value is largest) and loads that wait for the step before, as each "
        "state depends on the last. *Plain lists* is the tutorial's listing with lists for NumPy arrays; *tuned lists* "
        "is the fastest plain Python that we could write for this one game."
    )
    return ["## Speed of tabular learning", f"`{speed['command']}`, {speed['date']}", "\n".join(lines), rest]


def start_table(start: dict) -> list[str]:
    """How long a user waits."""
    lines = ["| what | median | least to greatest |", "|---|---|---|"]
    for what, values in start["seconds"].items():
        ordered = sorted(values)
        lines.append(f"| {what} | {ordered[len(ordered) // 2]:.2f} s | {ordered[0]:.2f} to {ordered[-1]:.2f} s |")
    return ["## How long a user waits", f"`{start['command']}`, {start['date']}", "\n".join(lines)]


def diagnosis_table(place: Path) -> list[str]:
    """How long a diagnosis takes, every repetition shown; nothing before it was first measured."""
    if not place.exists():
        return []
    saved = json.loads(place.read_text())
    lines = ["| 1,000 teams | cold | cold, processor | warm | warm, processor |", "|---|---|---|---|---|"]
    for row in saved["rows"]:
        cells = (" / ".join(f"{one:.1f}" for one in row[key]) for key in ("cold", "cold CPU", "warm", "warm CPU"))
        lines.append(f"| {row['what']} | {' | '.join(cells)} |")
    say = (
        "`coterie diagnose` of a run, in seconds, each repetition shown. *Cold*: nothing compiled and no table kept; "
        "*processor*: the time of all cores together. Without pictures no report is drawn (`--no-pictures`)."
    )
    return ["### A diagnosis", f"`{saved['command']}`, {saved['date']}", say, "\n".join(lines)]


def tictactoe_table(place: Path) -> list[str]:
    """Tic-tac-toe in self-play, every team shown; nothing before it was first measured."""
    if not place.exists():
        return []
    saved = json.loads(place.read_text())
    say = (
        "PettingZoo's `classic/tictactoe_v3` as a table, independent learners in self-play with the preset `self-play` "
        "(chosen by `python benchmarks/tictactoe.py --only choose --save`, on another seed). Shares of games not lost "
        "are exact; every one of ten teams is shown, in one order. The perfect player takes any of its best moves."
    )
    parts = ["## Tic-tac-toe in self-play", say]
    for name in ("learning", "controls"):
        found = saved[name]
        parts.append(f"`{found['command']}`, {found['date']}")
        for column in (key for key in found["rows"][0] if key != "what"):
            lines = [f"| {column} | by team |", "|---|---|", *tictactoe_rows(found["rows"], column)]
            parts.append("\n".join(lines))
    return parts


def tictactoe_rows(found: list[dict], column: str) -> list[str]:
    """One column of all rows, a team a number: shares in per cent, or whether nobody can beat it."""

    def told(value: float | bool) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        return f"{100 * value:.1f} %" if value < 1 else "100 %"

    return [f"| {row['what']} | {' · '.join(map(told, row[column]))} |" for row in found]


def rows(found: list[dict]) -> str:
    """A table of rows that need not have the same columns."""
    columns = list(dict.fromkeys(key for row in found for key in row))
    heads = {"what": "", "low": "from", "high": "to", "expected": "earlier", "standard_error": "standard error"}
    lines = ["| " + " | ".join(heads.get(key, key) for key in columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(key, row.get(key), "value" in row) for key in columns) + " |" for row in found]
    return "\n".join(lines)


def cell(column: str, value: object, absolute: bool) -> str:
    """A number as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if not isinstance(value, float):
        return str(value)
    if column == "sigmas":
        return f"{value:+.1f}"
    if column == "value" or absolute:
        return f"{value:.3f}"
    return f"{100 * value:.2f} %"


if __name__ == "__main__":
    main()
