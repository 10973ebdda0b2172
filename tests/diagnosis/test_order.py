"""Many findings as one diagnosis."""

import numpy as np
import pytest

from coterie.diagnosis.order import ORDER, any_of, corrected, in_order, over_teams
from coterie.types import Evidence, Finding


def finding(name, verdict="yes", **more):
    return Finding(name, verdict, f"about {name}.", **more)


def test_what_makes_later_questions_moot_comes_first():
    found = [finding("strangers"), finding("loops", "no"), finding("rewards"), finding("gaps", "cannot tell")]
    assert [one.name for one in in_order(found)] == ["rewards", "strangers", "gaps", "loops"]
    assert len(set(ORDER)) == len(ORDER)


def test_a_chance_find_among_many_questions_is_not_kept():
    found = corrected([finding("noise", p=0.02), *[finding("idle", "no", p=0.5)] * 4, finding("loops")])
    assert found[0].verdict == "cannot tell"
    assert found[0].p == pytest.approx(0.1)  # 5 tests, the smallest times 5
    assert "in 10% of as many looks" in found[0].sentence
    assert found[-1] == finding("loops")  # exact findings stay


def test_what_is_certain_enough_is_kept():
    found = corrected([finding("noise", p=0.001), finding("identities", p=0.04), finding("closed loop", p=0.2)])
    assert [one.verdict for one in found] == ["yes", "cannot tell", "cannot tell"]


def test_under_pure_noise_any_false_finding_is_rare():
    draws = np.random.default_rng(0)
    wrong = sum(
        any(one.verdict == "yes" for one in corrected([finding("noise", p=float(p)) for p in row]))
        for row in draws.random((2000, 12))
    )
    assert wrong / 2000 < 0.065
    naive = sum(bool((row < 0.05).any()) for row in np.random.default_rng(0).random((2000, 12)))
    assert naive / 2000 > 0.4  # the control: without the correction nearly every second diagnosis is wrong


def test_several_teams_are_told_as_one():
    ill = finding("contribution", evidence=(Evidence(3, 1, 20),), remedy="try", flags=("--epsilon", "1"))
    told = over_teams([(3, ill), (4, finding("contribution", "no")), (7, ill)], "failing teams")
    assert told.verdict == "yes"
    assert told.sentence == "2 of the 3 failing teams; e.g. team 3: about contribution."
    assert (told.remedy, told.flags, told.share) == ("try", ("--epsilon", "1"), 2 / 3)
    some = over_teams([(3, ill), (4, finding("contribution", "no")), (7, ill)], "failing teams", 81)
    assert some.sentence.startswith("2 of the 3 looked at (of 81 failing teams); e.g. team 3:")


def test_one_ill_team_of_many_is_not_the_runs_fault():
    rows = [(0, finding("noise"))] + [(team, finding("noise", "no")) for team in range(1, 20)]
    told = over_teams(rows, "teams")
    assert told.verdict == "no"
    assert told.sentence == "Of the 20 teams, one has this fault. about noise."
    assert told.interval is not None


def test_the_only_failing_team_is_not_told_as_the_run():
    told = over_teams([(7, finding("noise"))], "failing teams")
    assert told.sentence == "Team 7, the one of the failing teams: about noise."
    assert over_teams([(0, finding("noise"))], "teams") == finding("noise")


def test_where_hardly_anybody_can_be_told_there_is_no_all_clear():
    rows = [(team, finding("gaps", "cannot tell")) for team in range(19)] + [(19, finding("gaps", "no"))]
    told = over_teams(rows, "failing teams")
    assert told.verdict == "cannot tell"
    assert told.sentence == "Of the 20 failing teams, 19 cannot be told; e.g. team 0: about gaps."


def test_a_fault_of_few_comes_after_one_of_most():
    found = in_order([finding("noise", share=0.25), finding("gaps")])
    assert [one.name for one in found] == ["gaps", "noise"]


def test_chance_among_teams_makes_no_false_finding():
    draws = np.random.default_rng(1)
    wrong = naive = 0
    for row in draws.random((2_000, 5)):
        rows = [(team, finding("noise", "yes" if p < 0.05 else "no", p=float(p))) for team, p in enumerate(row)]
        wrong += over_teams(rows, "teams").verdict == "yes"
        naive += bool((row < 0.05).any())
    assert wrong / 2_000 < 0.065
    assert naive / 2_000 > 0.2  # the control: one of five teams by luck


def test_agents_are_asked_together():
    assert any_of([finding("drift", "no", p=0.5), finding("drift", p=0.001)]).verdict == "yes"
    assert any_of([finding("drift", "no", p=0.5), finding("drift", p=0.03)]).verdict == "cannot tell"
    assert any_of([finding("drift", "no"), finding("drift", "no")]).verdict == "no"
