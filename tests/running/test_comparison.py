"""What a comparison says: a winner only where there is one, and never more than the scores allow."""

import json

import numpy as np
import pytest

from coterie.running.comparison import Contestant, compared, differing
from coterie.statistics import holm, mann_whitney_p


def contestant(name, scores, reached=None, **more):
    coordinated = None if reached is None else np.array(reached, bool)
    return Contestant(name, "meeting", np.array(scores, float), coordinated, success_word="meet", **more)


def about_scores(found):
    return [pair for pair in found.pairs if pair.about == "score"]


def test_a_winner_is_named_where_every_score_is_higher():
    found = compared([contestant("low", range(8)), contestant("high", range(10, 18))])
    assert [row.name for row in found.rows] == ["high", "low"]
    [pair] = found.pairs
    assert (pair.higher, pair.lower, pair.settled) == ("high", "low", True)
    assert pair.improvement.value == 1
    assert pair.p == pytest.approx(2 / 12_870)  # 2 of the ways to choose 8 of 16
    assert found.concluded.startswith(
        "a team of high tends to score higher than one of low (probability 1.00, 95 %: 0.7"
    )
    assert found.to_settle == "nothing more is needed; 6 teams each would have done (80 % power)."


def test_no_winner_where_scores_overlap():
    found = compared([contestant("a", [1, 2, 3, 4, 5]), contestant("b", [2, 3, 4, 5, 6])])
    [pair] = found.pairs
    assert (pair.higher, pair.settled) == ("b", False)
    assert found.concluded == "no winner; a team of b scores higher than one of a with a probability of 0.26 to 1.00."
    assert found.not_concluded.startswith("which scores higher, b or a (probability 0.68")
    # P = (15 + 5 x 1/2 ... ) by counting 25 pairs: b is higher in 15, equal in 4
    assert pair.improvement.value == pytest.approx((15 + 4 / 2) / 25)
    assert f"about {pair.seeds_needed} teams each would settle it" in found.to_settle


def test_equal_scores_settle_nothing_with_any_number():
    found = compared([contestant("a", [7] * 20), contestant("b", [7] * 20)])
    assert found.pairs[0].p == 1
    assert found.pairs[0].seeds_needed is None
    assert found.to_settle == "no number of teams up to 100,000 would; they look alike."


def test_fewer_than_five_are_too_few_however_far_apart():
    found = compared([contestant("a", [1, 2, 3, 4]), contestant("b", [11, 12, 13, 14])])
    assert found.pairs[0].p == pytest.approx(2 / 70)
    assert not found.pairs[0].settled
    assert found.concluded == "nothing yet; there are too few teams."
    assert "b and a: fewer than 5 teams are too few" in found.notes[0]
    five = compared([contestant("a", [1, 2, 3, 4, 5]), contestant("b", [11, 12, 13, 14, 15])])
    assert five.pairs[0].settled  # the control: one more on each side is enough


def test_alike_scores_get_no_interval_and_the_reason_is_told():
    found = compared([contestant("a", [7] * 6), contestant("b", [1, 2, 3, 4, 5, 6])])
    assert found.rows[0].iqm.low is None
    assert any("a: all scores alike" in note for note in found.notes)


def test_no_interval_reaches_beyond_the_optimum():
    found = compared([contestant(name, [-20, 7, 7, 7, 7], optimum=7.0) for name in "ab"])
    for row in found.rows:
        assert row.mean.high <= 7
        assert row.mean.low < row.mean.value < 7
    wider = compared([contestant(name, [-20, 7, 7, 7, 7]) for name in "ab"])
    assert wider.rows[0].mean.high > 7  # the control: without the optimum it does


def test_holm_covers_every_pair_and_both_questions():
    random = np.random.default_rng(0)
    made = [contestant(str(k), random.normal(k / 2, 1, 12), random.random(12) < 0.3 * k + 0.1) for k in range(3)]
    found = compared(made)
    assert len(found.pairs) == 6
    by_name = {one.name: one for one in made}
    p_values = []
    for pair in found.pairs:
        one, other = by_name[pair.higher], by_name[pair.lower]
        x, y = (one.scores, other.scores) if pair.about == "score" else (one.coordinated, other.coordinated)
        p_values.append(mann_whitney_p(np.asarray(x, float), np.asarray(y, float)))
    assert [pair.p for pair in found.pairs] == pytest.approx(p_values)
    assert [pair.adjusted_p for pair in found.pairs] == pytest.approx(holm(p_values).tolist())
    for pair in found.pairs:
        assert pair.settled == (pair.adjusted_p <= 0.05 and pair.improvement.low > 0.5)


@pytest.mark.parametrize("kind", ["normal", "bimodal"])
def test_equal_runs_are_hardly_ever_told_apart(kind):
    """Three runs of one source: in at most one comparison of twenty is any pair called settled."""
    random = np.random.default_rng(7)
    wrong = 0
    for _ in range(150):
        made = []
        for name in "abc":
            reached = random.random(10) < 0.7
            scores = random.normal(size=10) if kind == "normal" else np.where(reached, 7.0, -20.0)
            made.append(contestant(name, scores, reached))
        wrong += any(pair.settled for pair in compared(made).pairs)
    assert wrong <= 150 * 0.05 + 3 * np.sqrt(150 * 0.05 * 0.95)


def test_the_share_that_meets_is_a_question_of_its_own():
    many, few = [True] * 30, [True] * 12 + [False] * 18
    found = compared([contestant("a", [7] * 30, many), contestant("b", [7] * 12 + [-20] * 18, few)])
    assert [pair.about for pair in found.pairs] == ["score", "coordinated"]
    assert "more teams of a meet than of b (100.0 % against 40.0 %, p < 0.001)" in found.concluded
    without = compared([contestant("a", [7] * 30, many), contestant("b", [7] * 12 + [-20] * 18)])
    assert [pair.about for pair in without.pairs] == ["score"]
    assert without.rows[1].coordinated is None


def test_several_runs_are_told_in_one_sentence():
    made = [contestant(name, np.arange(8) + 10 * k) for k, name in enumerate("abc")] + [
        contestant("d", np.arange(8) + 0.5)
    ]
    found = compared(made)
    assert found.concluded.startswith("a team of c tends to score higher than one of b (probability 1.00")
    assert "which scores higher, d or a (probability 0.56" in found.not_concluded
    assert found.to_settle.startswith("d against a: about ")


def test_what_runs_differ_in_is_told_only_where_it_could_be_any_of_several():
    one, other = {"algorithm": "iql", "episodes": 10, "seed": 1}, {"algorithm": "hysteretic", "episodes": 20, "seed": 1}
    assert differing([one, other]) == ["algorithm", "episodes"]
    assert differing([one, {}]) == []
    scores = range(5)
    both = compared([contestant("a", scores, settings=one), contestant("b", scores, settings=other)])
    assert "which of the things in which they differ made it (algorithm and episodes)" in both.not_concluded
    single = compared(
        [contestant("a", scores, settings=one), contestant("b", scores, settings={**one, "episodes": 20})]
    )
    assert "differ" not in single.not_concluded


def test_it_is_plain_for_programs_and_short_for_people():
    found = compared([contestant("a", range(2_000)), contestant("b", range(3, 9))])
    plain = json.loads(json.dumps(found.to_json()))
    assert len(plain["rows"][0]["scores"]) == 2_000
    assert plain["pairs"][0]["improvement"]["value"] > 0.9
    assert len(str(found)) < 1_500
    assert repr(found).splitlines()[-1].startswith("To settle it: ")


def test_a_wide_few_against_a_narrow_many_is_no_winner():
    """Equal medians, unequal spreads: Mann and Whitney's test alone names a false winner in a third of such pairs."""
    random, settled, ranks_alone = np.random.default_rng(11), 0, 0
    for _ in range(100):
        few, many = random.normal(0, 5, 10), random.normal(0, 0.1, 400)
        (pair,) = about_scores(compared([contestant("few", few), contestant("many", many)]))
        settled += pair.settled
        ranks_alone += mann_whitney_p(few, many) <= 0.05
    assert settled <= 12  # at a true rate of 5 % exceeded twice in a thousand times
    assert ranks_alone >= 20


def test_ties_are_told_where_a_probability_counts_them():
    tied = compared([contestant("one", [1, 2, 3, 4, 5]), contestant("other", [1, 2, 3, 4, 6])])
    apart = compared([contestant("one", [1, 2, 3, 4, 5]), contestant("other", [1.5, 2.5, 3.5, 4.5, 5.5])])
    assert "in the probability of scoring higher, equal scores count as half" in tied.notes
    assert not apart.notes


def test_too_few_teams_do_not_say_how_many_it_takes():
    found = compared([contestant("one", [5.0]), contestant("other", [5.0] * 4)])
    assert found.to_settle == "train 5 teams each at least, for fewer do not say how many it takes."


def test_many_pairs_are_told_in_sentences_that_are_true():
    scores = [[1, 2, 3, 4, 5], [2, 3, 4, 5, 6], [1, 2, 3, 4, 5], [3.5], [0, 1, 2, 3, 9]]
    found = compared([contestant(f"run {place}", one) for place, one in enumerate(scores)])
    parts = found.to_settle.removesuffix(".").split("; ")
    assert parts[-1] == "6 more pairs are open"  # ten pairs, four of them told
    assert parts[0].endswith("would settle it, if the difference is what it looks like (80 % power)")
    assert all("teams each would" not in part for part in parts[1:])
