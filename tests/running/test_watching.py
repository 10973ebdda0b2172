"""The loop that everybody writes: what it earns, who is at fault, and that a seed gives the same bits."""

import numpy as np
import pytest
from pettingzoo.utils import parallel_to_aec
from watched_worlds import Crowd, Duel, Ladder

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.forms.rules import asking
from coterie.pettingzoo.making.sources import make_env
from coterie.running.players import IdlePlay, OwnPlay, RandomPlay, TeamPlay, Turn
from coterie.running.watching import aim_of, gathered, play

ON_LADDER = {"first": 1, "second": 0.5, "third": [1, 2]}
CLIMB = OwnPlay("climb", asking(lambda observation, agent: ON_LADDER[agent], "climb"))


def episodes(environment, player=CLIMB, count=1, seed=0, most=10_000):
    """What is finished, and every moment before."""
    moments = list(play(environment, player, "world", count, seed, most))
    return [one.finished for one in moments if one.finished is not None], moments


def test_every_agent_earns_what_the_world_pays_and_ends_as_it_says():
    (one,), moments = episodes(Ladder())
    assert one.returns == {"first": 1 + 2, "second": 2 * (1 + 2 + 3), "third": 3 * (1 + 2 + 3)}
    assert one.endings == {"first": "terminated", "second": "truncated", "third": "terminated"}
    assert (one.steps, one.success) == (3, None)
    assert [moment.step for moment in moments] == [0, 1, 2, 3, 3]
    assert [moment.over for moment in moments] == [False, False, False, True, True]
    assert [moment.earned for moment in moments] == pytest.approx([0, 2, 6, 11, 11])


def test_the_turns_of_a_world_tell_the_same():
    (one,), _ = episodes(parallel_to_aec(Ladder()))
    (known,), _ = episodes(Ladder())
    assert one.returns == known.returns
    assert one.endings == known.endings
    assert one.steps == 3 + 3 + 2


def test_whoever_has_no_turn_yet_is_paid_too_when_an_episode_is_stopped():
    wise = OwnPlay("four", asking(lambda seen: 4, "four"))
    (whole,), _ = episodes(Duel(), wise)
    assert whole.returns == {"black": 1.0, "white": -1.0}
    assert whole.endings == dict.fromkeys(whole.returns, "terminated")
    assert (whole.steps, whole.success) == (5, True)
    (short,), moments = episodes(Duel(), wise, most=1)
    assert short.returns == {"black": 1.0, "white": -1.0}
    assert short.endings == dict.fromkeys(short.returns, "stopped")
    assert moments[-2].over
    (even,), _ = episodes(Duel(), wise, most=2)
    assert even.returns == {"black": 0.0, "white": 0.0}


def test_those_who_are_born_are_told_apart():
    (one,), _ = episodes(Crowd(), RandomPlay(0))
    assert one.returns == {f"('ant', {n})": min(3.0, 9.0 - n) for n in range(9)}
    assert list(one.endings.values()) == ["terminated"] * 7 + ["truncated"] * 2
    assert one.success
    told = gathered(Crowd(), "crowd", RandomPlay(0), [one, one._replace(returns={"('ant', 0)": 3.0})])
    assert told.returns.shape == (2, 9)
    assert np.isnan(told.returns[1, 1:]).all()
    assert told.team.tolist() == [pytest.approx(24 / 9), 3.0]


@pytest.mark.parametrize(
    "rule, expected",
    [("", True), ("info:success", True), ("info:won", None), ("return>=2.6", True), ("return>=2.7", False)],
)
def test_a_success_is_what_infos_say_or_a_return(rule, expected):
    aim = aim_of(rule)
    found = [one.finished for one in play(Crowd(), RandomPlay(0), "world", aim=aim) if one.finished]
    assert found[0].success is expected
    told = gathered(Crowd(), "crowd", RandomPlay(0), found, aim)
    assert told.aim == ("a return of " + rule[8:] + " or more" if rule[:6] == "return" else f"by the infos' {aim.name}")


def by_the_tutorial(environment, act, seed):
    """The loop in PettingZoo's own documentation, word for word."""
    environment.reset(seed=seed)
    returns = dict.fromkeys(environment.possible_agents, 0.0)
    for agent in environment.agent_iter():
        observation, reward, termination, truncation, info = environment.last()
        returns[agent] += reward
        environment.step(None if termination or truncation else act(observation, agent, info))
    return returns


def first_legal(observation, agent, info):
    return int(np.flatnonzero(observation["action_mask"])[0])


def by_parity(observation, agent, info):
    return int(abs(observation).sum() * 1000) % 5


@pytest.mark.parametrize(
    "word, rule", [("pettingzoo:classic/tictactoe_v3", first_legal), ("mpe2:simple_tag_v3", by_parity)]
)
def test_it_is_the_tutorials_loop(word, rule):
    environment = make_env(word)
    found, _ = episodes(environment, OwnPlay("rule", asking(rule, "rule")), count=3, seed=5)
    for seed, one in zip((5, 6, 7), found, strict=True):
        assert one.seed == seed
        assert one.returns == by_the_tutorial(getattr(environment, "aec_env", environment), rule, seed)


def test_a_team_plays_in_the_form_that_it_learned_in():
    """In mpe2 nothing moves before all have chosen, so both forms give the same; other worlds may differ."""

    class Team:
        def reset(self):
            self.calls = 0

        def act(self, agent, observation, info):
            return by_parity(observation, agent, info)

    environment = make_env("mpe2:simple_spread_v3")
    (by_turns,), _ = episodes(environment, OwnPlay("rule", asking(by_parity, "rule")))
    (at_once,), _ = episodes(environment, TeamPlay("team", Team()))
    assert at_once.returns == pytest.approx(by_turns.returns)
    assert at_once.steps == by_turns.steps == 25


class Noted:
    """Plays at random and notes all that it sees and does."""

    at_once = False

    def __init__(self, seed):
        self.player, self.notes = RandomPlay(seed), []

    def begin(self, episode):
        self.player.begin(episode)

    def act(self, turn):
        action = self.player.act(turn)
        self.notes += [np.asarray(turn.observation).tobytes(), np.asarray(action).tobytes()]
        return action


@pytest.mark.parametrize(
    "word, options", [("mpe2:simple_spread_v3", {"continuous_actions": True}), ("mpe2:simple_tag_v3", {})]
)
def test_a_seed_gives_the_same_bits_and_another_gives_others(word, options):
    environment = make_env(word, options)
    found = []
    for seed in (3, 3, 4):
        player = Noted(seed)
        found.append((episodes(environment, player, count=2, seed=seed)[0], player.notes))
    assert found[0] == found[1]
    assert found[0][1] != found[2][1]
    assert found[0][0][1].seed == found[2][0][0].seed
    assert found[0][0][1].returns != found[2][0][0].returns  # the world is the same, the draws are not


def test_random_play_is_legal_everywhere():
    class Careful(RandomPlay):
        def act(self, turn):
            action = super().act(turn)
            assert turn.space.contains(action)
            return action

    for world in (Ladder(), Duel(), Crowd()):
        episodes(world, Careful(1), count=3)
    found, _ = episodes(make_env("pettingzoo:classic/tictactoe_v3"), Careful(1), count=20)
    assert all(one.steps >= 5 for one in found)  # an illegal move would end the game at once


def test_idle_play_always_does_the_same_and_says_what():
    player, world = IdlePlay(), Ladder()
    episodes(world, player)
    assert [taken["second"].tolist() for taken in world.taken] == [[0.0]] * 3
    assert [taken["third"].tolist() for taken in world.taken] == [[0, 0]] * 3
    assert player.words() == "idle play (always action 0 or 0.0 or the first of each choice)"
    player = IdlePlay()
    episodes(Duel(), player)
    assert player.words() == "idle play (always action 3, else the first that is legal)"


@pytest.mark.parametrize(
    "broken, sentence",
    [
        ("no reset", r"^world, seed 7, reset\(seed=7\) failed: OSError: no ladder$"),
        ("raises", "^world, seed 7, step 2 failed: RuntimeError: a rung broke$"),
        ("unpaid", "^world, seed 7, step 2: the reward of second is nan, expected a finite number$"),
        ("blind", "^world, seed 7, step 3, agent 'third': it sees inf, expected finite numbers$"),
        ("vanishes", "^world, seed 7, step 2, agent 'second': it vanished, neither terminated nor truncated$"),
    ],
)
def test_a_world_that_fails_is_named_with_seed_and_step(broken, sentence):
    with pytest.raises(EnvironmentFault, match=sentence):
        episodes(Ladder(broken), seed=7)


@pytest.mark.parametrize(
    "broken, sentence",
    [
        ("raises", "turn 6, agent 'third': RuntimeError: a rung broke"),
        ("unpaid", "turn 6, agent 'second': it was paid nan, expected a finite number"),
        ("blind", "turn 8, agent 'third': it sees inf, expected finite numbers"),
    ],
)
def test_so_is_one_that_is_played_in_turns(broken, sentence):
    with pytest.raises(EnvironmentFault, match=f"^world, seed 7, {sentence}$"):
        episodes(parallel_to_aec(Ladder(broken)), seed=7)


def test_a_mask_that_allows_nothing_is_the_worlds_fault():
    class Stuck(Duel):
        def reset(self, seed=None, options=None):
            super().reset(seed, options)
            self.infos["white"] = {"action_mask": np.zeros(4, np.int8)}

    with pytest.raises(EnvironmentFault, match="seed 0, turn 2, agent 'white': its action mask allows nothing"):
        episodes(Stuck(), RandomPlay(0))


@pytest.mark.parametrize(
    "rule, sentence",
    [
        (lambda seen: 1 / 0, r"step 1, agent 'first': rule failed: ZeroDivisionError: division by zero$"),
        (lambda seen: None, r"step 1, agent 'first': rule gave None, expected an action of Discrete\(3\)$"),
        (lambda seen: 3, r"rule gave 3, expected an action of Discrete\(3\)$"),
        (lambda seen: True, r"rule gave True, expected an action of Discrete\(3\)$"),
        (
            lambda seen, agent: 0 if agent == "first" else 1.5,
            r"agent 'second': rule gave 1.5, expected an action of Box",
        ),
        (lambda seen, agent: [0.5, float("nan"), [1, 2]][["first", "second", "third"].index(agent)], "rule gave 0.5, "),
    ],
)
def test_a_rule_that_fails_is_named_with_step_agent_and_space(rule, sentence):
    with pytest.raises(BadInput, match=f"^world, seed 0, .*{sentence}"):
        episodes(Ladder(), OwnPlay("rule", asking(rule, "rule")))


def test_an_action_that_the_mask_forbids_is_refused():
    with pytest.raises(BadInput, match="agent 'black': rule gave 6, which its action mask forbids; legal are 4, 5"):
        episodes(Duel(), OwnPlay("rule", asking(lambda seen: 6, "rule")))


def test_a_rule_gets_a_copy_of_what_it_may_change():
    world = Ladder()
    kept = {agent: np.zeros(2) for agent in world.possible_agents}
    world.seen = lambda: kept

    def spoils(seen, agent):
        seen += 1
        return ON_LADDER[agent]

    episodes(world, OwnPlay("spoils", asking(spoils, "spoils")))
    assert all((one == 0).all() for one in kept.values())


def called_with(rule):
    return asking(rule, "rule")("seen", "ann", {"mask": 1})


@pytest.mark.parametrize(
    "rule, expected",
    [
        (lambda observation: observation, "seen"),
        (lambda x: x, "seen"),
        (lambda x, y: (x, y), ("seen", "ann")),
        (lambda x, y, z: (x, y, z), ("seen", "ann", {"mask": 1})),
        (lambda agent, obs: (agent, obs), ("ann", "seen")),
        (lambda observation, info: (observation, info), ("seen", {"mask": 1})),
        (lambda observation, *rest: (observation, rest), ("seen", ("ann", {"mask": 1}))),
        (lambda *all: all, ("seen", "ann", {"mask": 1})),
        (lambda observation, noise=0.1, agent=None: (observation, noise, agent), ("seen", 0.1, "ann")),
        (lambda observation, *, info: (observation, info), ("seen", {"mask": 1})),
        (lambda observation, **more: (observation, more), ("seen", {})),
    ],
)
def test_a_rule_is_given_as_much_as_it_takes(rule, expected):
    assert called_with(rule) == expected


@pytest.mark.parametrize(
    "rule, sentence",
    [
        (lambda a, b, c, d: 0, "rule needs 'd', too; a rule is given"),
        (lambda agent: 0, "rule takes no observation; a rule is given"),
    ],
)
def test_a_rule_that_cannot_be_called_is_refused(rule, sentence):
    with pytest.raises(BadInput, match=sentence):
        asking(rule, "rule")


def test_a_turn_says_where_it_is():
    assert Turn(("ant", 3), 0, {}, None, 12).where == "step 12, agent '('ant', 3)'"
