"""Environments that do not keep to PettingZoo's word: each is told by name, and none is learned from in silence."""

import numpy as np
import pytest
from hard_cases import InTurns, Small

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.driving.drive import Drive
from coterie.pettingzoo.forms.parallel import InfoSays, parallel
from coterie.pettingzoo.forms.turns import turns
from coterie.pettingzoo.making.sources import make_worlds
from coterie.pettingzoo.reading.checks import put_mask
from coterie.pettingzoo.workers.worker import several

STEPS = 12


class Vanishing(InTurns):
    """Everybody leaves in the last move, without a last turn."""

    def step(self, action):
        super().step(action)
        if any(self.terminations.values()) or any(self.truncations.values()):
            self.agents = []


class Undead(InTurns):
    """Who has ended is never taken out."""

    def step(self, action):
        if not self.terminations[self.agent_selection] and not self.truncations[self.agent_selection]:
            super().step(action)


class CutBlind(Small):
    """Cut off after two steps, and shown nothing then."""

    def ending(self, agent):
        return False, self.step_number >= 2

    def step(self, actions):
        observations, *rest = super().step(actions)
        return ({}, *rest) if self.step_number >= 2 else (observations, *rest)


class Unpaid(Small):
    """The first agent is not paid in the second step."""

    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        if self.step_number == 2:
            rewards.pop(next(iter(rewards)))
        return observations, rewards, *rest


class Revived(Small):
    """The first agent ends in the first step, and is there again after the third."""

    def ending(self, agent):
        return agent == self.possible_agents[0] and self.step_number == 1, False

    def step(self, actions):
        first = self.possible_agents[0]
        told = super().step(actions)
        if self.step_number == 3:
            self.agents = list(self.possible_agents)
        if self.step_number >= 3 and first not in told[0]:
            told[0][first], told[1][first], told[2][first], told[3][first] = self.sight(first), 0.0, False, False
        return told


def played(worlds: Drive) -> None:
    """Some steps of an episode, and the next ones."""
    worlds.reset(np.arange(1))
    actions = np.zeros((1, len(worlds.spec.agents)), np.int32)
    for _ in range(STEPS):
        worlds.step(actions, np.arange(1))


@pytest.mark.parametrize(
    ("form", "world", "says"),
    [
        (turns, Vanishing, "vanished, neither terminated nor truncated in a last turn of its own"),
        (turns, Undead, "has ended and is asked again"),
        (parallel, CutBlind, "there is no observation for it"),
        (parallel, Unpaid, "moved, and there is no reward for it"),
        (parallel, Revived, "has ended and is asked again"),
    ],
)
def test_a_broken_world_is_told(form, world, says):
    with pytest.raises(EnvironmentFault) as told:
        played(form([world()]))
    assert says in str(told.value)
    played(form([world.__base__()]))  # the sound one is not


def test_one_environment_is_not_two():
    one = Small()
    with pytest.raises(BadInput, match="gave the same Small twice, and 2 are stepped side by side"):
        several(lambda: one, 2)
    assert len(several(Small, 2)) == 2


@pytest.mark.parametrize("value", [float("nan"), "yes", [0.0, np.inf]])
def test_a_success_that_is_neither_true_nor_false(value):
    with pytest.raises(EnvironmentFault, match=r"the info 'win' is .* which is neither true nor false"):
        InfoSays("win")({"a": {"win": value}})


def test_a_success_that_is():
    assert InfoSays("win")({"a": {"win": np.array([0, 1])}, "b": None})
    assert not InfoSays("win")({"a": {"win": False}, "b": {"win": None, "lost": True}})
    assert InfoSays()({"a": {"is_success": 1}})


@pytest.mark.parametrize("mask", [[np.nan, 0, 1], [2, 0, -1], np.array([0.5, 0, 0])])
def test_a_mask_of_anything_but_zeros_and_ones(mask):
    legal = np.zeros((1, 3), bool)
    with pytest.raises(EnvironmentFault, match=r"agent 'a' has the action mask .*; expected zeros and ones"):
        put_mask(legal, 0, "a", mask)
    put_mask(legal, 0, "a", np.array([1.0, 0.0, 1.0]))
    assert legal.tolist() == [[True, False, True]]


@pytest.mark.parametrize(
    ("word", "agent"),
    [("pettingzoo:classic/tictactoe_v3", "player_1"), ("lbforaging:Foraging-5x5-2p-1f-v3", "agent_1")],
)
def test_what_a_rule_did_in_the_last_step_is_known(tmp_path, word, agent):
    """Also where the next episode has begun since, in turns and in an environment that is made anew."""
    file = tmp_path / "rule.py"
    file.write_text("import numpy as np\n\n\ndef act(observation, name, info):\n    return LAST(observation)\n")
    legal = "int(np.flatnonzero(observation['action_mask'])[-1])" if "tictactoe" in word else "4"
    file.write_text(file.read_text().replace("LAST(observation)", legal))
    worlds = make_worlds(word, {}, 1, rules={agent: f"{file}:act"})
    number, ends = worlds.spec.agents.index(agent), 0
    sight = worlds.reset(np.arange(1))
    for step in range(120):
        first = [[int(np.flatnonzero(mask)[0]) if mask.any() else 0 for mask in kind[0]] for kind in sight.legal]
        filler = np.array([first[0]], np.int32)
        decides = bool(sight.to_move[0, number])
        wanted = 4 if "tictactoe" not in word else int(np.flatnonzero(sight.legal[0][0, number])[-1])
        outcome, sight = worlds.step(filler, np.array([step]))
        if decides:
            assert worlds.acted(filler)[0, number] == wanted
            ends += bool(outcome.over[0])
    assert ends
    worlds.close()
