"""Write docs/policies_measured.md from the saved results, so that the page says what was measured and nothing else.

python benchmarks/write_policies.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from coterie.statistics import FEW, interquartile_interval, t_interval

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "policies_measured.md"
KEPT = HERE / "results" / "policies.json"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(json.loads(KEPT.read_text())))


def page(kept: dict[str, Any]) -> str:
    """The page, from benchmarks/results/policies.json."""
    parts = [
        "# Learners of policies, measured",
        f"Every figure was measured by `{kept['command']}` on {kept['machine']} and is kept in "
        "`benchmarks/results/policies.json`; this page is written from there by `python benchmarks/write_policies.py`. "
        "What these learners are: [policies](algorithms/policy_gradients.md).",
        "All seeds are shown. *greedy* is the mean of 80 fresh greedy episodes (320 of ours, 40 of multiwalker) of "
        "each seed's saved policy (its best check's; of pistonball, whose step size falls to nothing, its last one's), "
        "*drawn* that of fresh episodes in which actions are drawn as while learning; "
        "random and idle play are the controls. *seconds* is the whole command as a user waits for it: importing, "
        "compiling, learning, and all judging, on one core while the other had another seed; while some rows were "
        "taken a third program ran, so theirs are upper bounds. Returns are means over agents, of foraging the sum.",
        *(part for name, case in kept["results"].items() for part in section(name, case)),
    ]
    return "\n\n".join(parts) + "\n"


def section(name: str, case: dict[str, Any]) -> list[str]:
    """One case: its command, the middle of its seeds, a row for each, and the controls."""
    rows = case["seeds"]
    one = next(iter(rows.values()))
    if any((row["algorithm"], row["preset"]) != (one["algorithm"], one["preset"]) for row in rows.values()):
        raise ValueError(f"{name}: seeds of several algorithms or presets; take the older ones out")
    digits = 2 if "foraging" in name else 1
    dates = sorted({row["date"] for row in rows.values()})
    command = case["command"].replace("--seed N", "--seed 0")
    head = f"`{command}` and so on, {' to '.join(dict.fromkeys((dates[0], dates[-1])))}: {one['algorithm']}, "
    head += f"preset {one['preset']}, {one['env_steps']:,} joint steps a seed."
    lines = ["| seed | greedy | drawn | succeeds | saved at | seconds |", "|---|---|---|---|---|---|"]
    for seed, row in rows.items():
        drawn = f"{row['drawn']:.{digits}f}" if "drawn" in row else ""
        won = f"{100 * row['success']:.1f} %" if "--success" in case["command"] or "foraging" in name else ""
        greedy = f"{row['return']:.{digits}f}"
        lines.append(f"| {seed} | {greedy} | {drawn} | {won} | {row['saved at']:,} | {row['seconds']:.0f} |")
    controls = f"Random play {one['random']:.{digits}f}, idle play {one['idle']:.{digits}f}."
    return [f"## {name[:1].upper()}{name[1:]}", head, told(case), "\n".join(lines), f"{controls} {stuck(rows)}".strip()]


def told(case: dict[str, Any]) -> str:
    """The middle of the seeds with its interval, and how many reach what was aimed at."""
    import numpy as np

    returns = np.array([row["return"] for row in case["seeds"].values()])
    middle, mean = interquartile_interval(returns), t_interval(returns)
    sentence = f"Interquartile mean {middle.value:.2f}{span(middle)}, mean {mean.value:.2f}{span(mean)}"
    if len(returns) < FEW:
        sentence += f" (fewer than {FEW} seeds are too few for an interval)"
    if case["aim"] is None:
        return f"{sentence}."
    reached = int((returns >= case["aim"]).sum())
    aim = f"{reached} of {len(returns)} seeds reach the {case['aim']:g} aimed at, the least {returns.min():.1f}"
    return f"{sentence}; {aim}."


def span(estimate: Any) -> str:
    """An estimate's interval, where it has one."""
    return "" if estimate.low is None else f" ({estimate.low:.2f} to {estimate.high:.2f})"


def stuck(rows: dict[str, Any]) -> str:
    """What the diagnosis says of the recorded greedy episodes that fail."""
    found = [(seed, row["loops"]) for seed, row in rows.items() if row["loops"]]
    if not found:
        return ""
    circling = [f"seed {seed}: {one['sentence']}" for seed, one in found if one["verdict"] != "no"]
    if not circling:
        return f"In none of the {len(found)} seeds do recorded greedy episodes run in circles."
    return " ".join(circling)


if __name__ == "__main__":
    main()
