"""How often each interval covers what it should, at few seeds; the page docs/statistics.md shows the result.

    python benchmarks/interval_coverage.py              about three minutes on one core
    python benchmarks/interval_coverage.py --draws 200  a quick look
    python benchmarks/interval_coverage.py --save       writes its results and the table in docs/statistics.md

Scores are drawn again and again from a distribution whose mean, interquartile mean and probability of improvement are
known; *covered* is the share of draws whose 95 % interval holds the known value, *none given* the share for which the
method declines to give one (those count neither for nor against it; `wilson` and the bootstraps always give one).
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import time
from collections.abc import Callable, Iterator
from math import erf, sqrt
from pathlib import Path
from typing import Any

import numpy as np

from coterie.statistics import (
    Estimate,
    bootstrap,
    improvement_interval,
    interquartile_interval,
    interquartile_mean,
    t_interval,
    trimmed_t_interval,
    wilson,
)

PLACE = Path(__file__).parent / "results" / "interval_coverage.json"
PAGE = Path(__file__).parents[1] / "docs" / "statistics.md"
BEGIN, END = "<!-- written by benchmarks/interval_coverage.py -->", "<!-- end -->"
SEED = 20_261_123
SEEDS = (3, 5, 10, 20)
SHARE, OTHER_SHARE, SPREAD = 0.7, 0.4, 0.05  # teams that coordinate score about 1, the others about 0
SHIFT = 1.0  # of the other normal scores, in standard deviations


def normal(random: np.random.Generator, count: int) -> np.ndarray:
    """Scores of one bell."""
    return random.normal(size=count)


def bimodal(random: np.random.Generator, count: int, share: float = SHARE) -> np.ndarray:
    """Scores near 1 of the teams that coordinate, near 0 of the others."""
    return (random.random(count) < share) + SPREAD * random.normal(size=count)


def two_valued(random: np.random.Generator, count: int, share: float = SHARE) -> np.ndarray:
    """Scores 1 or 0, as greedy agents in a game without chance have them."""
    return (random.random(count) < share).astype(float)


def below(x: float) -> float:
    """The normal distribution function."""
    return (1 + erf(x / sqrt(2))) / 2


def middle_mean(distribution: Callable[[float], float]) -> float:
    """The mean of the middle half of a distribution: the integral of its quantiles from 1/4 to 3/4, times 2."""
    grid = np.linspace(-6, 6, 1_200_001)
    reached = distribution(grid)
    inside = np.clip(reached, 0.25, 0.75)
    return float(2 * (np.diff(inside) * (grid[1:] + grid[:-1]) / 2).sum())


def bimodal_distribution(grid: np.ndarray) -> np.ndarray:
    """The distribution function of bimodal scores."""
    bell = np.vectorize(below)
    coarse = np.linspace(-6, 6, 24_001)
    values = (1 - SHARE) * bell(coarse / SPREAD) + SHARE * bell((coarse - 1) / SPREAD)
    return np.interp(grid, coarse, values)


SCORES = {  # how they are drawn, their mean, their interquartile mean
    "normal": (normal, 0.0, 0.0),
    "bimodal": (bimodal, SHARE, middle_mean(bimodal_distribution)),
    "two-valued": (two_valued, SHARE, 0.9),  # a tenth of the middle half are zeros
}
BOTH_COORDINATE = SHARE * (1 - OTHER_SHARE) + (SHARE * OTHER_SHARE + (1 - SHARE) * (1 - OTHER_SHARE)) / 2
PAIRS = {  # two ways to draw, and the probability that the first is higher
    "normal, equal": (normal, normal, 0.5),
    "normal, one deviation apart": (
        lambda random, count: normal(random, count) + SHIFT,
        normal,
        below(SHIFT / sqrt(2)),
    ),
    "bimodal, 70 and 40 %": (bimodal, lambda random, count: bimodal(random, count, OTHER_SHARE), BOTH_COORDINATE),
    "two-valued, 70 and 40 %": (
        two_valued,
        lambda random, count: two_valued(random, count, OTHER_SHARE),
        BOTH_COORDINATE,
    ),
}


def mean_of(scores: np.ndarray) -> np.ndarray:
    """The mean, for the bootstrap."""
    return scores.mean(-1)


def improvement_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The probability of improvement, for the bootstrap: float64[R, m], float64[R, n] -> float64[R]."""
    return ((np.sign(x[:, :, None] - y[:, None, :]) + 1) / 2).mean((1, 2))


MEANS: dict[str, Callable[[np.ndarray], Estimate]] = {
    "**Student's t**": t_interval,
    "bootstrap, percentile": lambda x: bootstrap(mean_of, x, expanded=False),
    "bootstrap, expanded": lambda x: bootstrap(mean_of, x),
}
MIDDLES: dict[str, Callable[[np.ndarray], Estimate]] = {
    "**t below 5, bootstrap from 5**": interquartile_interval,
    "trimmed t": trimmed_t_interval,
    "bootstrap, percentile": lambda x: bootstrap(interquartile_mean, x, expanded=False),
    "bootstrap, expanded": lambda x: bootstrap(interquartile_mean, x),
}
IMPROVEMENTS: dict[str, Callable[[np.ndarray, np.ndarray], Estimate]] = {
    "**score interval**": improvement_interval,
    "bootstrap, percentile": lambda x, y: bootstrap(improvement_of, x, y, expanded=False),
    "bootstrap, expanded": lambda x, y: bootstrap(improvement_of, x, y),
}


def covered(estimates: list[Estimate], truth: float) -> dict[str, Any]:
    """How many of the intervals hold the truth, with the standard error of that share."""
    given = [one for one in estimates if one.low is not None]
    held = sum(one.low <= truth + 1e-12 and one.high >= truth - 1e-12 for one in given)
    share = held / len(given)
    return {
        "covered": share,
        "standard_error": sqrt(share * (1 - share) / len(given)),
        "none_given": 1 - len(given) / len(estimates),
        "width": float(np.median([one.high - one.low for one in given])),
    }


def table(draws: int, seeds: tuple[int, ...] = SEEDS) -> Iterator[dict[str, Any]]:
    """Every interval on every kind of scores."""
    for count in seeds:
        for what, truth_at, methods in (("mean", 1, MEANS), ("interquartile mean", 2, MIDDLES)):
            for name, entry in SCORES.items():
                random = np.random.default_rng([SEED, count])
                samples = [entry[0](random, count) for _ in range(draws)]
                for method, give in methods.items():
                    found = covered([give(scores) for scores in samples], entry[truth_at])
                    yield {"what": what, "method": method, "scores": name, "seeds": count, **found}
        random = np.random.default_rng([SEED, count])
        shares = [wilson(int((random.random(count) < SHARE).sum()), count) for _ in range(draws)]
        found = covered([Estimate(one.share, one.low, one.high) for one in shares], SHARE)
        yield {"what": "share that coordinates", "method": "**Wilson**", "scores": "70 %", "seeds": count, **found}
        for name, (first, other, truth) in PAIRS.items():
            random = np.random.default_rng([SEED, count])
            pairs = [(first(random, count), other(random, count)) for _ in range(draws)]
            for method, give in IMPROVEMENTS.items():
                if count > 10 and "bootstrap" in method and draws > 2_000:
                    pairs = pairs[:2_000]  # 20 x 20 comparisons in each of 2,000 resamples
                found = covered([give(x, y) for x, y in pairs], truth)
                what = "probability of improvement"
                yield {"what": what, "method": method, "scores": name, "seeds": count, **found}


def page_table(saved: dict[str, Any]) -> str:
    """The table of docs/statistics.md, from the saved results."""
    cells: dict[tuple[str, str, str], dict[int, dict[str, Any]]] = {}
    for row in saved["rows"]:
        cells.setdefault((row["what"], row["method"], row["scores"]), {})[row["seeds"]] = row
    seeds = sorted({row["seeds"] for row in saved["rows"]})
    lines = ["| interval of the | method | scores | " + " | ".join(f"{count} seeds" for count in seeds) + " |"]
    lines.append("|" + "---|" * (3 + len(seeds)))
    for (what, method, scores), by_seeds in cells.items():
        lines.append(f"| {what} | {method} | {scores} | " + " | ".join(cell(by_seeds[count]) for count in seeds) + " |")
    worst = max(row["standard_error"] for row in saved["rows"])
    return "\n\n".join(
        [
            BEGIN,
            f"`{saved['command']}`, {saved['date']}: {saved['draws']:,} draws a cell (2,000 for the bootstrap of the "
            f"probability of improvement at 20), so standard errors are at most {100 * worst:.1f} points.",
            "\n".join(lines),
            END,
        ]
    )


def cell(row: dict[str, Any]) -> str:
    """One coverage, and how often no interval is given."""
    given = f" ({100 * row['none_given']:.0f} % none)" if row["none_given"] >= 0.005 else ""
    return f"{100 * row['covered']:.1f}{given}"


def page(saved: dict[str, Any]) -> str:
    """docs/statistics.md with the table between its two marks."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + page_table(saved) + rest.partition(END)[2]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4_000)
    parser.add_argument("--json", action="store_true", help="print for programs")
    parser.add_argument("--save", action="store_true", help=f"write {PLACE.name} and the table of {PAGE.name}")
    options = parser.parse_args()
    began, rows = time.perf_counter(), []
    for row in table(options.draws):
        rows.append(row)
        if not options.json:
            print(
                f"{row['seeds']:3d}  {row['what']:26s} {row['method'].strip('*'):30s} {row['scores']:28s} "
                f"{100 * row['covered']:5.1f} ± {100 * row['standard_error']:.1f}  "
                f"none {100 * row['none_given']:.0f} %  width {row['width']:.2f}",
                flush=True,
            )
    saved = {
        "command": f"python benchmarks/interval_coverage.py --draws {options.draws} --save",
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "seconds": round(time.perf_counter() - began, 1),
        "seed": SEED,
        "draws": options.draws,
        "rows": rows,
    }
    if options.save:
        PLACE.write_text(json.dumps(saved, indent=1) + "\n")
        PAGE.write_text(page(saved))
    if options.json:
        print(json.dumps(saved, indent=1))


if __name__ == "__main__":
    main()
