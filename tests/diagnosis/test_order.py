"""Many findings as one diagnosis."""

import numpy as np
import pytest

from coterie.diagnosis.order import ORDER, corrected, in_order, over_teams
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
    assert "10% of as many looks" in found[0].sentence
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
    assert told.sentence == "2 of the 3 failing teams looked at; e.g. team 3: about contribution."
    assert (told.remedy, told.flags) == ("try", ("--epsilon", "1"))


def test_one_ill_team_of_many_is_not_the_runs_fault():
    rows = [(0, finding("noise"))] + [(team, finding("noise", "no")) for team in range(1, 20)]
    told = over_teams(rows, "teams")
    assert told.verdict == "no"
    assert "hardly any has this fault (1 of 20 teams have it)" in told.sentence
    assert told.interval is not None


def test_where_nobody_can_tell_that_is_said():
    told = over_teams([(team, finding("gaps", "cannot tell")) for team in range(3)], "teams")
    assert (told.verdict, told.sentence) == ("cannot tell", "about gaps.")


def test_one_team_speaks_for_itself():
    assert over_teams([(0, finding("noise"))], "teams") == finding("noise")


def test_how_many_teams_have_it_is_kept():
    found = over_teams([(team, finding("noise", "yes" if team < 2 else "no")) for team in range(8)], "teams")
    assert (found.verdict, found.share) == ("yes", 0.25)
