"""Write docs/pettingzoo_measured.md from the saved results, so that the page says what was measured and nothing else.

python benchmarks/write_pettingzoo.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from every_environment import HEADS, line
from pettingzoo_rates import busy

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "pettingzoo_measured.md"
SEATS = ("first", "second")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


def page() -> str:
    """The page, from benchmarks/results/*.json."""
    environments, spread, tictactoe, rates = map(
        saved, ("every_environment", "simple_spread", "tictactoe_deep", "pettingzoo_rates")
    )
    parts = [
        "# PettingZoo environments, measured",
        "Every figure was measured by the command above its table and is kept in `benchmarks/results/`; this page is "
        "written from there by `python benchmarks/write_pettingzoo.py`. What is read of an environment, and how: "
        "[any PettingZoo environment](pettingzoo.md); its tables: [tables](environments/pettingzoo_tables.md).",
        *environments_table(environments),
        *spread_table(spread),
        *tictactoe_table(tictactoe),
        *rates_table(rates),
    ]
    return "\n\n".join(parts) + "\n"


def saved(name: str) -> dict[str, Any]:
    """What a benchmark kept."""
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def command(kept: dict[str, Any]) -> str:
    """How and when it was measured."""
    machine = f", on {kept['machine']}" if "machine" in kept else ""
    return f"`{kept['command']}`, {kept['date']}{machine}"


def environments_table(kept: dict[str, Any]) -> list[str]:
    """Sixteen environments."""
    return [
        "## Sixteen environments, without a line of code",
        f"{command(kept)}. Each row is one training by the command, with the word and flags that it shows, of 20,000 "
        "joint steps (turns, in games in turns), independent Q-learning, seed 0, in a process of its own. "
        "*Random stepping* is legal random play "
        "through the package's own interface, a moment before; *training* has the environment, acting and learning, "
        "and in brackets how many "
        "times as fast that is; compiling and judging are apart. Returns are undiscounted, of 20 greedy episodes, the "
        "mean over agents; for rivals each side's against random play, and its share of episodes won / drawn. 20,000 "
        "steps are few: the table shows that each runs, how fast, and what is wrong with it, not how well it can be "
        "learned.",
        "\n".join([HEADS, *(line(word, row) for word, row in kept["rows"].items())]),
    ]


def spread_table(kept: dict[str, Any]) -> list[str]:
    """simple_spread."""
    found = kept["results"]
    seeds = sorted({seed for rows in found.values() for seed in rows}, key=int)
    lines = ["| | " + " | ".join(f"seed {seed}" for seed in seeds) + " |", "|---|" + "---|" * len(seeds)]
    for name, rows in found.items():
        told = [f"{rows[seed]['return']:.1f}" if seed in rows else "" for seed in seeds]
        lines.append(f"| {name} | {' | '.join(told)} |")
    one = next(iter(next(iter(found.values())).values()))
    flags = " ".join(
        f"--{key.replace('_', '-')}{'' if value is True else f' {value}'}" for key, value in kept["recipe"].items()
    )
    return [
        "## simple_spread with value decomposition",
        f"{command(kept)}. `coterie train mpe2:simple_spread_v3 --algo vdn --steps {kept['steps']} {flags}`, options "
        "chosen on seed 100 among two; 80 fresh greedy episodes a seed.",
        "*How returns are summed*: each of the three agents is paid in each of 25 steps half of the common reward "
        "(minus the sum over landmarks of the distance to the nearest agent) and half of its own (minus one for each "
        "collision). A return is the undiscounted sum over the episode, and the mean over the three agents; who sums "
        "over agents has three times as much.",
        "\n".join(lines),
        f"Random play earns {one['random']:.1f}, idle play {one['idle']:.1f}. *Hardly begun* is the control: the same "
        "after 3,200 steps. A seed without a figure was not run: two seeds of independent learners are no comparison.",
    ]


def tictactoe_table(kept: dict[str, Any]) -> list[str]:
    """Tic-tac-toe with networks."""
    lines = [
        "| | seat | not lost against random play, by seed | not lost against the perfect player |",
        "|---|---|---|---|",
    ]
    for name, seeds in kept["results"].items():
        for seat in SEATS:
            told = [
                " · ".join(per_cent(one[f"{seat}, not lost against {opponent}"]) for one in seeds)
                for opponent in ("random", "perfect")
            ]
            lines.append(f"| {name} | {seat} | {' | '.join(told)} |")
    return [
        "## Tic-tac-toe with networks, in self-play",
        f"{command(kept)}. Independent Q-learning, one common network, {kept['steps']:,} turns, five seeds, options "
        "chosen on seed 100 among four. Exact: the greedy agents are asked about every decision of the game's table. "
        "The perfect player takes any of its best moves. Tables instead of networks: "
        "[measurements](measurements.md).",
        "\n".join(lines),
    ]


def per_cent(share: float) -> str:
    """A share, never rounded up to all."""
    return "100" if share >= 1 else f"{min(100 * share, 99.9):.1f}"


def rates_table(kept: dict[str, Any]) -> list[str]:
    """How fast it is beside `parallel_env()`."""
    lines = ["| environment | side | times as fast (quartiles) | by processor time |", "|---|---|---|---|"]
    for name, found in kept["cases"].items():
        for side, ratio in found["ratio"].items():
            low, high = ratio["quartiles"]
            cpu = f"{ratio['cpu_median']:.1f}" if "cpu_median" in ratio else ""
            note = " *" if busy(ratio) else ""
            words = side.replace(" ,", ",").strip()
            lines.append(f"| {name} | {words} | {ratio['median']:.1f} ({low:.1f} to {high:.1f}){note} | {cpu} |")
    shares = []
    for name, found in kept["cases"].items():
        whole = found["microseconds"]["all"]
        told = ", ".join(
            f"{part} {spent / whole:.0%}" for part, spent in found["microseconds"].items() if part != "all"
        )
        shares.append(f"- {name}, {whole:,.0f} microseconds a joint step of one environment: {told}")
    return [
        "## Beside PettingZoo's own `parallel_env()`",
        f"{command(kept)}. Joint steps a second of random play through `parallel_env()`, one environment in one "
        "process, are 1 (drawn, where agents see pictures); ratios are taken within a round, medians and quartiles "
        "over the rounds. *Random* steps 8 of our worlds side by side (32 of simple_spread); *acting* has "
        "the network and the books of a rollout; *training* an update of the usual options after every eight joint "
        "steps of each. A star marks sides whose ratio by the clock and by processor time differ by more than a tenth, "
        "or whose quartiles lie that far apart.",
        "\n".join(lines),
        limit(kept["cases"]),
        "Where the time of a step goes:\n\n" + "\n".join(shares),
    ]


def limit(cases: dict[str, Any]) -> str:
    """What was aimed at, what was reached, and why not more."""
    spread, ball = (cases[name]["ratio"] for name in ("simple_spread", "pistonball"))
    share = cases["simple_spread"]["microseconds"]
    return (
        f"Aimed at were 8 for acting in pistonball ({ball['acting 24x12 red']['median']:.1f} at 24x12, "
        f"{ball['acting usual']['median']:.1f} at the usual size, where averaging the picture takes longer) and 1.7 "
        f"for acting in simple_spread: {spread['acting ']['median']:.1f} in one process and "
        f"{spread['acting , 2 workers']['median']:.1f} with two workers. In one process simple_spread is stepped at "
        f"{spread['random ']['median']:.1f} without any network: mpe2's own Python is "
        f"{share['the environment'] / share['all']:.0%} of a step, so acting cannot reach 1.7 there. EPyMARL and "
        "BenchMARL are not installed here; [deep runs](deep_runs.md) has JaxMARL side by side."
    )


if __name__ == "__main__":
    main()
