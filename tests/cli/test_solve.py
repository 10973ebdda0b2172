"""What `coterie solve` says of equilibria and of agents that see different things."""

import pytest
from small_runs import run, run_json

from coterie.cli import solve as command
from coterie.workflow import solve as workflow


def lines(out):
    return [line.strip() for line in out.splitlines()]


def test_the_equilibria_of_climbing(capsys):
    out = run(capsys, "solve", "climbing")
    told = lines(out)
    place = told.index("Equilibria (nobody gains by changing alone):")
    assert [" ".join(line.split()) for line in told[place + 1 : place + 4]] == [
        "a, a pays 11.00 optimal, strict",
        "b, b pays 7.00 strict, dominated by another",
        "a 0.31 c 0.69, a 0.31 c 0.69 pays 3.44 mixed, dominated by another",
    ]
    assert "degenerate" not in out
    found = run_json(capsys, "solve", "climbing")
    assert found["decentralised_optimum"] == 11.0
    assert [one["payoffs"] for one in found["equilibria"]["found"]][:2] == [[11.0, 11.0], [7.0, 7.0]]
    assert found["equilibria"]["optima"] == [[0, 0]]


def test_a_repeated_game_has_the_equilibria_of_one_play(capsys):
    once, again = (run_json(capsys, "solve", "climbing", "--env.horizon", steps) for steps in ("1", "25"))
    assert once["equilibria"] == again["equilibria"]
    assert again["decentralised_optimum"] == again["optimum"] == 275.0


def test_where_the_best_is_no_equilibrium(capsys):
    out = run(capsys, "solve", "prisoners-dilemma")
    assert "The best for all together, 3.00 each in the mean, is no equilibrium: cooperate, cooperate." in out


def test_more_than_two_agents_and_more_than_twelve_equilibria(capsys):
    out = run(capsys, "solve", "conventions", "--env.agents", "3")
    assert "Mixed equilibria were not looked for." in out
    assert "… and 16 more" in out
    told = lines(out)
    place = told.index("Equilibria (nobody gains by changing alone):")
    assert all("optimal, strict" in line for line in told[place + 1 : place + 5])  # the best ones first


@pytest.mark.parametrize(("horizon", "value", "joint"), [("2", -4.0, 40.0), ("3", 5.1908125, 60.0)])
def test_the_tiger_is_worth_less_to_those_who_do_not_see_it(capsys, horizon, value, joint):
    found = run_json(capsys, "solve", "dec-tiger", "--env.horizon", horizon)
    assert found["decentralised_optimum"] == pytest.approx(value)
    assert found["optimum"] == pytest.approx(joint)
    assert found["equilibria"] is None
    out = run(capsys, "solve", "dec-tiger", "--env.horizon", horizon)
    assert f"decentralised  {value:.2f}   the best that agents can do who each act on what they have seen" in out


def test_where_nothing_is_lost_by_not_seeing_it_says_so(capsys):
    assert "decentralised  7.00   " in run(capsys, "solve", "rendezvous")
    assert "themselves: the same" in run(capsys, "solve", "rendezvous")


def test_what_is_too_large_is_said_in_a_sentence(capsys):
    words = ("solve", "rendezvous", "--env.size", "3", "--env.starts", "random")
    out = run(capsys, *words)
    assert "The decentralised optimum is not computed: step 1 has 68,719,476,736 joint decision rules to try" in out
    assert "decentralised  " not in out
    found = run_json(capsys, *words)
    assert found["decentralised_optimum"] is None
    assert found["decentralised_missing"].startswith("step 1 has 68,719,476,736")


def test_a_long_search_is_announced_once_and_ends(capsys, monkeypatch):
    monkeypatch.setattr(command, "PATIENCE", -1.0)
    monkeypatch.setattr(workflow, "EFFORT", 100)
    from coterie.cli import main

    assert main(["solve", "dec-tiger", "--env.horizon", "4"]) == 0
    out, err = capsys.readouterr()
    assert "not computed: more than 100 joint decision rules would have to be weighed over 4 steps." in out
    assert err.count("searching for the best decentralised play") == 1
