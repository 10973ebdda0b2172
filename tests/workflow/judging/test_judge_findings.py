"""What `coterie judge` finds by letting anybody's agents play again."""

import numpy as np
import pytest

import coterie
from coterie.cli import main


class Coin:
    """Plays stag or hare by a coin, which may be the other agent's, too."""

    def __init__(self, draws):
        self.draws = draws

    def act(self, observation):
        return int(self.draws.random() < 0.5)


class Shared:
    """One draw for both agents in every episode, which neither of them sees."""

    def __init__(self, seed):
        self.draws, self.asked, self.number = np.random.default_rng(seed), 0, 0

    def random(self):
        if self.asked % 2 == 0:
            self.number = self.draws.random()
        self.asked += 1
        return self.number


def finding(judged, name):
    return next((one for one in judged.verdict.findings if one.name == name), None)


@pytest.mark.parametrize("seed", range(3))
def test_agents_with_a_common_coin_that_nobody_sees_are_named(seed):
    coin = Shared(seed)
    judged = coterie.judge(lambda: [Coin(coin), Coin(coin)], "stag-hunt", teams=200)
    assert finding(judged, "coupling").verdict == "yes"


@pytest.mark.parametrize("seed", range(3))
def test_agents_with_coins_of_their_own_are_not(seed):
    draws = np.random.default_rng(seed).spawn(2)
    judged = coterie.judge(lambda: [Coin(one) for one in draws], "stag-hunt", teams=200)
    assert finding(judged, "coupling").verdict != "yes"


def test_certain_agents_are_not_asked_about_coins():
    class Still:
        def act(self, observation):
            return 0

    assert finding(coterie.judge(lambda: [Still(), Still()], "stag-hunt", teams=20), "coupling") is None


def test_agents_that_should_not_share_are_named_before_they_learn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    few = ("--seeds", "5", "--episodes", "50", "--no-pictures", "--share-experience", "pooled")
    assert main(["train", "rendezvous", *few, "--env.controls", "RLDU,LRUD", "--env.starts", "random"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[1].startswith("! agent_0 and agent_1 have equal spaces but not equal capabilities")
    assert main(["train", "rendezvous", *few, "--env.starts", "random"]) == 0
    assert "capabilities" not in capsys.readouterr().out
