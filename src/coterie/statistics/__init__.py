"""Intervals that have the coverage they claim, tests that count, and shares in words; NumPy alone."""

from coterie.statistics.comparisons import (
    binomial_p,
    brunner_munzel,
    holm,
    improvement,
    improvement_interval,
    mann_whitney_p,
    paired_p,
    seeds_needed,
)
from coterie.statistics.intervals import (
    FEW,
    Estimate,
    bootstrap,
    interquartile_interval,
    interquartile_mean,
    performance_profile,
    t_interval,
    t_quantile,
    trimmed_t_interval,
)
from coterie.statistics.shares import Share, interval, percent, wilson

__all__ = [
    "FEW",
    "Estimate",
    "Share",
    "binomial_p",
    "bootstrap",
    "brunner_munzel",
    "holm",
    "improvement",
    "improvement_interval",
    "interquartile_interval",
    "interquartile_mean",
    "interval",
    "mann_whitney_p",
    "paired_p",
    "percent",
    "performance_profile",
    "seeds_needed",
    "t_interval",
    "t_quantile",
    "trimmed_t_interval",
    "wilson",
]
