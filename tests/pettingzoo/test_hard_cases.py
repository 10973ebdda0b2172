"""Each hard case through arrays, by books kept by hand, and the same in this process and in one or two workers."""

from pathlib import Path

import hard_cases
import jax
import jax.numpy as jnp
import numpy as np
import pettingzoo
import pytest

from coterie.algorithms.fixed import fixed
from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.forms.parallel import InfoSays, parallel
from coterie.pettingzoo.forms.tuples import TupleForm
from coterie.pettingzoo.making.sources import make_worlds
from coterie.running.roads import outside, start_outside, train_outside
from coterie.running.rollout import Plan
from coterie.types import Algorithm

FILE = Path(__file__).parent / "hard_cases.py"
CASES = [
    "births", "deaths", "mixed_endings", "mask_in_info", "unlike", "doubles", "tuple_names", "image_state", "parts",
    "in_tuples", "one_by_one", "in_turns",
]  # fmt: skip


def worlds(case, environments=1, workers=0, **more):
    return make_worlds(f"{FILE}:make_{case}", {}, environments, workers, **more)


def recorder_of(spec) -> Algorithm:
    """Random play whose info is the rollout."""
    return fixed(spec, None)._replace(update=lambda key, learner, rollout, clock: ((), rollout))


def rollouts(drive, rows=6, environments=4, iterations=3):
    parts = outside(recorder_of(drive.spec), drive.spec, Plan(environments, rows))
    run, sight = start_outside(parts, drive, 3)
    told = train_outside(parts, drive, 3, run, sight, iterations)[2]
    return jax.tree.map(np.asarray, told)


@pytest.mark.parametrize("case", CASES)
def test_workers_change_nothing(case):
    drive = worlds(case, 4)
    here = rollouts(drive)
    for count in (1, 2):
        others = worlds(case, 4, count)
        try:
            there = rollouts(others)
        finally:
            others.close()
        assert others.spec == drive.spec
        for one, other in zip(jax.tree.leaves(here), jax.tree.leaves(there), strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)


def valid_of(rollout, kind=0):
    return np.asarray(rollout.kinds[kind].valid)[:, 0]


def play(case, actions, rows):
    """One world played by these actions [agent]: its only rollout."""
    drive = worlds(case)
    spec = drive.spec

    def act(key, policy, views, memory, mode):
        told = fixed(spec, tuple(actions[: len(spec.agents)])).act(key, policy, views, memory, mode)
        return told

    algorithm = recorder_of(spec)._replace(act=act)
    parts = outside(algorithm, spec, Plan(1, rows))
    run, sight = start_outside(parts, drive, 0)
    (rollout, scores) = train_outside(parts, drive, 0, run, sight, 1)[2][0]
    return drive, jax.tree.map(np.asarray, rollout), scores


def test_agents_that_are_born_take_places_and_leave_them():
    # Steps 1 2 3 4 5 6: cell-0 lives through 1-3, cell-1 through 2-4 (born after 1), cell-2 through 4-6 (born after 3).
    drive, rollout, scores = play("births", [1, 1, 1], 6)
    assert drive.spec.births
    assert len(drive.spec.agents) == 3  # cell-2 is born in the step that cell-0 ends in, so its place is not yet free
    t = rollout.kinds[0]
    valid = valid_of(rollout)
    assert valid.sum(1).tolist() == [1, 2, 2, 2, 1, 1]
    assert valid.sum(0).tolist() == [3, 3, 3]
    firsts = (t.view.first & t.valid)[:, 0]
    assert firsts.sum() == 3  # each begins with an empty memory
    assert np.argwhere(firsts).tolist() == [[0, 0], [1, 1], [3, 2]]
    names = t.view.obs[:, 0, :, 0][valid]
    assert sorted(names.tolist()) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert t.last[:, 0].sum() == 3
    assert (t.discount[:, 0][t.last[:, 0]] == 0).all()
    assert scores.episodes == 1


def test_a_place_is_given_again():

    class Later(hard_cases.Births):
        def newcomers(self):
            if self.step_number not in (1, 4):
                return []
            self.born[f"cell-{len(self.born)}"] = self.step_number
            return [f"cell-{len(self.born) - 1}"]

    from coterie.pettingzoo.forms.parallel import parallel

    drive = parallel([Later()])
    drive.reset(np.array([0]))
    alive = [
        drive.step(np.zeros((1, len(drive.spec.agents)), int), np.array([1]))[1].alive[0].tolist() for _ in range(6)
    ]
    assert len(drive.spec.agents) == 2
    assert alive[:6] == [[True, True], [True, True], [False, True], [True, False], [True, False], [True, False]]


def test_too_few_places_are_a_fault_that_says_how_many():
    drive = worlds("births", slots=1)
    drive.reset(np.array([0]))
    with pytest.raises(EnvironmentFault, match=r"all 1 places of its kind are taken; give more: --env.slots 2"):
        drive.step(np.zeros((1, 1), int), np.array([1]))


def test_deaths_and_mixed_endings():
    _, rollout, _ = play("deaths", [1, 1], 4)
    t = rollout.kinds[0]
    assert valid_of(rollout).tolist() == [[True, True], [True, True], [False, True], [False, True]]
    assert t.last[:, 0].tolist() == [[False, False], [True, False], [False, False], [False, True]]
    assert t.next.obs[1, 0, 0].tolist() == [0, 2, 1]  # the dead agent's last sight is kept
    _, rollout, _ = play("mixed_endings", [1, 1], 4)
    t = rollout.kinds[0]
    assert t.last[3, 0].tolist() == [True, True]
    assert t.discount[3, 0].tolist() == [0, 1]  # one ended, the other was cut off
    assert rollout.world.discount[3, 0].tolist() == [1]  # so the team is bootstrapped


def test_masks_in_infos_and_beside_observations():
    _, rollout, _ = play("mask_in_info", [0, 1], 4)
    legal = rollout.kinds[0].view.legal[:, 0, 0]
    assert legal.tolist() == [[False, True, True], [True, False, True], [True, True, False], [False, True, True]]
    assert rollout.kinds[0].action[0, 0].tolist() == [1, 1]  # what was illegal was not done
    drive, rollout, _ = play("parts", [0, 0], 4)
    assert rollout.kinds[0].view.legal[:, 0, 0, 0].tolist() == [False, True, False, True]
    assert [kind.actions for kind in drive.spec.kinds] == [6, 3]


def test_parts_become_a_row_and_combinations_become_actions():
    drive, rollout, _ = play("parts", [5, 1], 4)
    kinds = drive.spec.kinds
    assert [kind.observation_shape for kind in kinds] == [(10,), (10,)]
    # Gymnasium sorts keys: bits (2), what (one of 4), where (2); then who (one of 2). Step 2 of agent b, number 1.
    assert rollout.kinds[1].view.obs[2, 0, 0].tolist() == [1, 0, 0, 0, 1, 0, 2, -1, 0, 1]
    # Combination 5 of 3 x 2 is (2, 1); action 1 of b is 6.
    assert rollout.kinds[0].reward[0, 0, 0] == 21
    assert rollout.kinds[1].reward[0, 0, 0] == 6


def test_float64_names_that_are_tuples_and_states_that_are_pictures():
    drive, rollout, _ = play("doubles", [1, 1], 2)
    assert drive.spec.kinds[0].observation_dtype == "float32"
    np.testing.assert_allclose(rollout.kinds[0].view.obs[1, 0, 1], np.array([1, 1, 1]) + 1 / 3, rtol=1e-6)
    assert worlds("tuple_names").spec.agents == ("('team', 0)", "('team', 1)")
    drive, rollout, _ = play("image_state", [1, 1], 2)
    assert drive.spec.state_shape == (6, 7, 3)
    assert rollout.world.state[1, 0].max() == 1
    assert rollout.kinds[0].view.obs.dtype == np.uint8


def test_an_environment_in_tuples():
    drive, rollout, scores = play("in_tuples", [2, 1], 4)
    assert drive.spec.agents == ("agent_0", "agent_1")
    assert rollout.kinds[0].reward[:, 0].tolist() == [[2, 1]] * 4
    assert rollout.kinds[0].discount[3, 0].tolist() == [1, 1]  # a time limit is no ending
    assert scores.episodes == 1


def test_the_spaces_of_newcomers_are_asked_while_they_are_there():
    class Strict(hard_cases.Births):
        def observation_space(self, agent):
            assert agent in self.agents, f"nobody is called {agent}"
            return super().observation_space(agent)

        def action_space(self, agent):
            assert agent in self.agents, f"nobody is called {agent}"
            return super().action_space(agent)

    strict, usual = parallel([Strict()]), parallel([hard_cases.Births()])
    assert strict.spec == usual.spec
    for drive in (strict, usual):
        drive.reset(np.arange(1))
    for _ in range(5):
        told = [drive.step(np.zeros((1, len(drive.spec.agents)), int), np.arange(1))[0] for drive in (strict, usual)]
        jax.tree.map(np.testing.assert_array_equal, *told)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_state_that_fails_in_an_episode_is_told_with_what_to_use(tmp_path, workers):
    """As in magent2's tiger_deer, whose state fails once a side is dead."""
    file = tmp_path / "side.py"
    file.write_text(
        f"{FILE.read_text()}\n\nclass Side(Deaths):\n    def state(self):\n"
        "        return np.array([[1.0][self.step_number // 2]])\n\n\ndef make_env():\n    return Side()\n"
    )
    drive = make_worlds(f"{file}:make_env", {}, 1, workers)
    actions, seeds = np.zeros((1, 2), int), np.arange(1)
    drive.reset(seeds)
    drive.step(actions, seeds)
    says = (
        r"environment 0, seed 0, step 2: state\(\) fails \(IndexError: .*\), and .* needs none: --algorithm iql or vdn$"
    )
    with pytest.raises(EnvironmentFault, match=says):
        drive.step(actions, seeds)
    drive.close()
    other = make_worlds(f"{file}:make_env", {}, 1, workers, central=False)
    other.reset(seeds)
    for _ in range(4):
        other.step(actions, seeds)
    other.close()


def test_in_tuples_each_agent_ends_by_its_own_entry():
    drive = worlds("one_by_one", success=InfoSays("reached"))
    assert drive.reset(np.arange(1)).legal[0][0, 0].tolist() == [True, True, False]  # the first kind's, in its info
    told = [drive.step(np.array([[1, 2]]), np.arange(1))[0] for _ in range(4)]
    assert [one.reward[0].tolist() for one in told] == [[2, 2], [2, 2], [0, 2], [0, 2]]  # actions are 1 to 3, 0 to 2
    assert [one.terminated[0].tolist() for one in told] == [[False, False], [True, False], [False] * 2, [False] * 2]
    assert [one.truncated[0].tolist() for one in told] == [[False, False]] * 3 + [[False, True]]
    assert [one.next.alive[0].tolist() for one in told] == [[True, True], [False, True], [False, True], [False] * 2]
    assert all(one.success.all() for one in told)


@pytest.mark.parametrize("what", ["endings", "truncations", "infos"])
def test_lists_of_another_length_are_told(what):
    class Odd(hard_cases.InTuples):
        def step(self, action):
            told = list(super().step(action))
            told[{"endings": 2, "truncations": 3, "infos": 4}[what]] = [{}] * 3
            return tuple(told)

    one = TupleForm(Odd(), "odd")
    one.reset()
    with pytest.raises(EnvironmentFault, match=f"^it told 3 {what} for 2 agents$"):
        one.step({"agent_0": 0, "agent_1": 0})


def test_turns_keep_each_agents_own_time():
    drive, rollout, _ = play("in_turns", [2, 2], 4)
    t = rollout.kinds[0]
    # first, second, first (its second 2: it wins): decisions complete at their own next turn, or at the end.
    assert drive.spec.waits
    assert valid_of(rollout)[:3].tolist() == [[False, False], [True, False], [True, True]]
    assert t.reward[:3, 0].tolist() == [[0, 0], [0, 0], [1, -1]]
    assert t.discount[2, 0].tolist() == [0, 0]
    assert t.view.legal[1, 0, 0].tolist() == [False, True, True]  # its own mask when it decided


def test_what_no_array_can_hold_is_refused_in_words():
    from gymnasium.spaces import Box, Text

    class Talking(pettingzoo.ParallelEnv):
        def __init__(self, seen, does):
            self.seen, self.does, self.possible_agents, self.agents = seen, does, ["a"], ["a"]

        def reset(self, seed=None, options=None):
            return {"a": None}, {"a": {}}

        def observation_space(self, agent):
            return self.seen

        def action_space(self, agent):
            return self.does

    from gymnasium.spaces import Discrete, MultiDiscrete

    from coterie.pettingzoo.reading.agents import read

    with pytest.raises(BadInput, match="observes Text, which has no fixed number of values"):
        read(Talking(Text(5), Discrete(2)))
    with pytest.raises(BadInput, match="finite number of actions"):
        read(Talking(Discrete(2), Text(5)))
    with pytest.raises(BadInput, match="of uint8; expected amounts in float32 or float64"):
        read(Talking(Discrete(2), Box(0, 9, (1,), np.uint8)))
    with pytest.raises(BadInput, match="10,000 combinations of actions; expected 4,096 at most"):
        read(Talking(Discrete(2), MultiDiscrete([100, 100])))


def test_the_value_of_an_endless_reward_needs_time_limits_to_be_no_endings():
    """A reward of 1 for ever is worth 1 / (1 - discount), though episodes are cut off; a broken copy says less."""

    from coterie.pettingzoo.forms.parallel import parallel

    class Endless(hard_cases.Small):
        ends = False

        def sight(self, agent):
            return np.zeros(3, np.float32)

        def reward(self, agent, actions):
            return 1.0

        def ending(self, agent):
            over = self.step_number >= 3
            return over and self.ends, over and not self.ends

    class Broken(Endless):
        ends = True  # a time limit told as an ending

    gamma, values = 0.9, {}
    for world in (Endless, Broken):
        drive = parallel([world()])
        rollout = rollouts(drive, rows=12, environments=1, iterations=1)[0][0]
        t = rollout.kinds[0]
        value = 0.0
        for _ in range(400):  # the value of the one thing that is seen, by sweeps over the transitions
            value = float((t.reward + gamma * t.discount * value)[t.valid].mean())
        values[world.__name__] = value
    assert values["Endless"] == pytest.approx(1 / (1 - gamma), rel=1e-3)
    assert values["Broken"] < 0.5 / (1 - gamma)
    assert jnp.isfinite(values["Broken"])
