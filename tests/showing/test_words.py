import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_by_hand import CALM, LOOPS, make_verdict

from coterie.showing import words
from coterie.statistics import wilson
from coterie.types import Finding


def shown(text: str) -> float:
    return float(text.removesuffix("%").strip())


@given(st.integers(1, 10**7).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_a_share_inside_never_prints_as_none_or_all(case):
    count, total = case
    text = words.percent(count / total)
    assert (shown(text) == 0) == (count == 0)
    assert (shown(text) == 100) == (count == total)
    assert abs(shown(text) - 100 * count / total) <= 0.05 + 1e-9


@given(st.integers(1, 10**5).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_an_interval_is_rounded_outwards(case):
    share = wilson(*case)
    low, high = map(float, re.fullmatch(r"([\d.]+) to ([\d.]+) %", words.interval(share)).groups())
    assert low <= 100 * share.low + 1e-6
    assert high >= 100 * share.high - 1e-6
    assert (high == 100) == (share.high == 1)
    assert (low == 0) == (share.low == 0)


@pytest.mark.parametrize("value", [6.9999, 6.996, 7.0004])
def test_a_return_never_looks_like_an_optimum_that_it_is_not(value):
    assert words.number(value, 7.0) != words.number(7.0, value)
    assert words.number(7.0, 7.0) == "7.00"


def test_what_is_not_a_number_is_not_known():
    assert words.number(float("nan")) == words.number(None) == "not known"


@pytest.mark.parametrize(
    ("met", "best", "sentence"),
    [
        (1000, 1000, "All 1,000 teams meet. All reach the exact optimum."),
        (921, 580, "921 of 1,000 teams meet; 79 do not. 580 reach the exact optimum."),
        (999, 1, "999 of 1,000 teams meet; 1 does not. 1 reaches the exact optimum."),
        (1, 1, "1 of 1,000 teams meets; 999 do not. 1 reaches the exact optimum."),
        (0, 0, "None of 1,000 teams meets."),
        (0, 1000, "None of 1,000 teams meets. All reach the exact optimum."),
        (5, 0, "5 of 1,000 teams meet; 995 do not. None reaches the exact optimum."),
    ],
)
def test_the_headline_says_what_the_numbers_say(met, best, sentence):
    verdict = make_verdict(coordinated=wilson(met, 1000), optimal=wilson(best, 1000))
    assert words.headline(verdict) == sentence


def test_the_all_clear_claims_no_more_than_was_looked_at():
    assert "Nobody has looked" in words.all_clear(make_verdict(findings=()))
    assert words.all_clear(make_verdict(findings=(CALM,))) == "Nothing wrong was found (1 check)."
    unclear = CALM.__class__("loops", "cannot tell", "?")
    assert "1 cannot tell" in words.all_clear(make_verdict(findings=(CALM, unclear)))
    assert LOOPS.verdict == "yes"


def test_who_succeeds_at_times_is_not_said_never_to():
    verdict = make_verdict(coordinated=wilson(0, 2), mean_success=0.875, failing_success=0.875, findings=())
    assert words.opening(verdict) == "None of 2 teams meets every time. 999 reach the exact optimum."
    rows = {label: (value, meaning) for label, value, _, meaning in words.facts(verdict)}
    assert rows["on average"] == ("87.5 %", "of a team's episodes succeed")
    never = make_verdict(coordinated=wilson(0, 2), findings=())
    assert "every time" not in words.headline(never)
    assert "on average" not in [label for label, *_ in words.facts(never)]


def test_where_nineteen_of_twenty_are_enough_nobody_is_said_to_succeed_every_time():
    """One team meets in 96 %, the other in half or in a fiftieth: it meets at times, whatever the mean is."""
    for other in (0.5, 0.02):
        verdict = make_verdict(
            coordinated=wilson(1, 2),
            optimal=None,
            mean_success=(0.96 + other) / 2,
            failing_success=other,
            least_success=0.95,
            findings=(),
        )
        assert words.headline(verdict) == "1 of 2 teams meets reliably; 1 does not."
        meanings = {label: meaning for label, _, _, meaning in words.facts(verdict)}
        assert meanings["meet"] == "teams whose greedy agents meet reliably (in at least 95 % of their episodes)"
    never = make_verdict(coordinated=wilson(1, 2), optimal=None, mean_success=0.48, least_success=0.95, findings=())
    assert words.headline(never) == "1 of 2 teams meets; 1 does not."


def test_a_finding_may_say_why_in_its_own_words():
    plain = Finding("endings", "yes", "Too short.")
    for finding, why in ((plain, "the time limit is in the way"), (replace(plain, cause="nobody can"), "nobody can")):
        verdict = make_verdict(coordinated=wilson(0, 8), findings=(finding,))
        assert words.opening(verdict) == f"100.0 % of 8 teams do not meet: {why}."


def test_untrained_play_that_was_only_played_says_so():
    assert "not exact" not in words.controls(make_verdict())
    assert words.controls(make_verdict(optimum=None)).endswith(
        "· untrained play as it was played, not exact · undiscounted, within 20 steps"
    )


def test_what_few_of_the_teams_have_is_not_told_of_all():
    few = Finding("noise", "yes", "One needs noise.", share=0.125)
    many = Finding("gaps", "yes", "All lack something.")
    verdict = make_verdict(coordinated=wilson(0, 8), findings=(few, many))
    assert words.summary(verdict) == (
        "100.0 % of 8 teams do not meet: they earn less than they could together. All lack something."
    )
    alone = make_verdict(coordinated=wilson(0, 8), findings=(few,))
    assert (
        words.opening(alone)
        == "100.0 % of 8 teams do not meet: in a few, they need the noise that they are judged without."
    )


def test_every_question_has_a_place_and_most_have_a_cause_in_words():
    from coterie.diagnosis.order import ORDER

    assert set(words.CAUSES) <= set(ORDER)
    assert set(ORDER) - set(words.CAUSES) == {"shortfall", "stability"}  # which do not say why teams fail
