"""Who reacts to whom, tried out with agents of whom only their actions are known."""

import numpy as np
import pytest
from small_stages import copying

import coterie
from coterie.diagnosis.reactions import reactions
from coterie.envs import rendezvous_v0
from coterie.running.evaluate import followed_on_table, walk
from coterie.running.stage import Actor


def actor(choose):
    """An agent that remembers everything it saw in the episode: choose(all it saw)."""
    memory = []

    def act(observation, step):
        memory.append(np.array(observation).reshape(-1).tolist())
        return choose(memory)

    return Actor(memory.clear, act)


def asked(game, *actors, seed=0):
    for one in actors:
        one.begin()
    kinds = [values for kind, values in zip(game.spec.kinds, game.observations, strict=True) for _ in kind.agents]
    firsts = np.cumsum([0, *(len(values) for values in game.observations)])[:-1]
    first = [firsts[k] for k, kind in enumerate(game.spec.kinds) for _ in kind.agents]

    def choose(state, step):
        return [one.act(kinds[p][game.seen[state, p] - first[p]], step) for p, one in enumerate(actors)]

    play = walk(game, choose, np.random.default_rng(seed), 0)
    return reactions(game.spec.agents, actors, game.actions, play, followed_on_table(game, play))


@pytest.mark.parametrize("actions", [2, 4])
def test_a_copycat_is_moved_by_all_the_bits_there_are(actions):
    game = copying(actions)
    found = asked(game, actor(lambda memory: len(memory) % actions), actor(lambda memory: memory[-1][-1] % actions))
    assert found.verdict == "no"
    assert "agent_1 reacts to agent_0" in found.sentence
    assert found.value == pytest.approx(np.log2(actions), abs=0.35)


def test_who_looks_at_nothing_reacts_to_nobody():
    game = copying(4)
    found = asked(game, actor(lambda memory: len(memory) % 4), actor(lambda memory: 1))
    assert (found.verdict, found.value) == ("cannot tell", 0.0)
    assert "Nobody reacts to anybody" in found.sentence


def test_who_draws_its_actions_cannot_be_tried_out():
    draws = np.random.default_rng(0)
    found = asked(copying(4), actor(lambda memory: 0), actor(lambda memory: int(draws.integers(4))))
    assert found.verdict == "cannot tell"
    assert "agent_1 does not do again what it did" in found.sentence


class Chaser:
    """Sees both cells and walks to the other: R L D U."""

    def act(self, observation):
        row, column, other_row, other_column = observation
        if column != other_column:
            return 0 if column < other_column else 1
        return 2 if row < other_row else 3


class Blind:
    def act(self, observation):
        return 0


def finding(judged):
    return next(one for one in judged.verdict.findings if one.name == "influence")


def test_in_a_world_that_can_be_cloned_chasers_react_and_the_blind_do_not():
    def world():
        return rendezvous_v0.parallel_env(observation="all")

    both = finding(coterie.judge(lambda: [Chaser(), Chaser()], world, teams=3))
    assert both.verdict == "no"
    assert both.value > 0.2
    assert finding(coterie.judge(lambda: [Blind(), Blind()], world, teams=3)).value == 0.0


def test_a_world_whose_chance_no_seed_reaches_is_not_trusted():

    def world():
        env = rendezvous_v0.parallel_env(observation="all")
        step = env.step

        def noisy(actions):
            seen, rewards, *rest = step(actions)
            return seen, {agent: reward + np.random.random() for agent, reward in rewards.items()}, *rest  # noqa: NPY002

        env.step = noisy
        return env

    found = finding(coterie.judge(lambda: [Chaser(), Chaser()], world, teams=3))
    assert found.verdict == "cannot tell"
    assert "No copy of this environment goes on as it did" in found.sentence
