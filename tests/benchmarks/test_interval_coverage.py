"""The page of statistics says what was measured, and the measurement can be made again."""

import json
from pathlib import Path

import numpy as np
import pytest

from coterie.statistics import Estimate

HERE = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def coverage(script):
    """The script, as a module."""
    return script("interval_coverage")


@pytest.fixture(scope="module")
def saved(coverage):
    """What was measured."""
    return json.loads(coverage.PLACE.read_text())


def rows(saved, **wanted):
    return [row for row in saved["rows"] if all(row[key] == value for key, value in wanted.items())]


def test_the_page_is_written_from_the_saved_results(coverage, saved):
    assert coverage.PAGE.read_text() == coverage.page(saved)
    assert len(saved["rows"]) == 4 * (9 + 12 + 1 + 12)


def test_what_is_printed_covers_where_the_page_says_so(saved):
    for row in saved["rows"]:
        if row["method"].startswith("**") and (row["seeds"] >= 10 or row["scores"] == "normal"):
            assert row["covered"] > 0.91, row


@pytest.mark.parametrize(
    "seeds, normal, bimodal", [(3, 0.74, 0.62), (5, 0.83, 0.81), (10, 0.90, None), (20, 0.93, None)]
)
def test_an_earlier_measurement_of_the_percentile_bootstrap_agrees(saved, seeds, normal, bimodal):
    """Made by other code, before this one was written; it was rounded to whole points."""
    for scores, expected in (("normal", normal), ("bimodal", bimodal)):
        [row] = rows(saved, what="mean", method="bootstrap, percentile", scores=scores, seeds=seeds)
        assert expected is None or row["covered"] == pytest.approx(expected, abs=0.02)


def test_a_fast_slice(coverage, saved):
    """Five and ten seeds again with few draws, against what is saved."""
    for row in coverage.table(150, (5,)):
        [before] = rows(saved, what=row["what"], method=row["method"], scores=row["scores"], seeds=5)
        error = np.hypot(max(row["standard_error"], 0.01), before["standard_error"])
        assert abs(row["covered"] - before["covered"]) < 4.5 * error, row


def test_an_interval_that_is_too_narrow_is_found(coverage):
    """The measure itself: half a true interval must not pass."""
    random = np.random.default_rng(0)
    whole, half = [], []
    for _ in range(400):
        found = coverage.t_interval(random.normal(size=10))
        away = (found.high - found.low) / 4
        whole.append(found)
        half.append(Estimate(found.value, found.value - away, found.value + away))
    assert coverage.covered(whole, 0.0)["covered"] > 0.91
    assert coverage.covered(half, 0.0)["covered"] < 0.8


def test_the_known_values_are_right(coverage):
    """Means, interquartile means and probabilities of improvement, from a large sample of each."""
    random = np.random.default_rng(1)
    for draw, mean, middle in coverage.SCORES.values():
        scores = np.sort(draw(random, 400_000))
        assert scores.mean() == pytest.approx(mean, abs=0.006)
        assert scores[100_000:300_000].mean() == pytest.approx(middle, abs=0.006)
    for first, other, truth in coverage.PAIRS.values():
        x, y = first(random, 400_000), other(random, 400_000)
        assert ((np.sign(x - y) + 1) / 2).mean() == pytest.approx(truth, abs=0.004)
