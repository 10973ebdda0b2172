"""Our environments in PettingZoo's forms: PettingZoo's own tests, and what those do not look at."""

import copy
import subprocess
import sys
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pettingzoo
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

import coterie.pettingzoo
from coterie.envs import boards, climbing_v0, penalty_v0, rendezvous_v0
from coterie.envs.matrix import matrix_game
from coterie.envs.protocol import Step
from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.ours import compiled, export
from coterie.types import Kind

DOORS = {
    "tutorial": (rendezvous_v0, {}),
    "all-random": (rendezvous_v0, {"observation": "all", "starts": "random", "size": 3, "horizon": 6}),
    "window-three": (rendezvous_v0, {"observation": "window", "agents": 3, "stay": True, "size": 4, "window": 2}),
    "individual": (rendezvous_v0, {"reward": "individual", "closer_reward": 0.3, "shaping": 0.7, "map": "A.#/..#/#.B"}),
    "climbing": (climbing_v0, {}),
    "climbing-often": (climbing_v0, {"horizon": 5}),
    "penalty": (penalty_v0, {"k": -3.0, "horizon": 4}),
}
every_door = pytest.mark.parametrize("door, options", DOORS.values(), ids=DOORS)
# PettingZoo warns of two things that are so on purpose here: the corner of a grid is (0, 0), and a matrix game has
# nothing to see but one constant zero.
seen_on_purpose = [
    pytest.mark.filterwarnings("ignore:Observation numpy array is all zeros:UserWarning"),
    pytest.mark.filterwarnings("ignore:Observation is a single number:UserWarning"),
]


def on_purpose(test):
    for mark in seen_on_purpose:
        test = mark(test)
    return test


def random_actions(env, rng):
    return {agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents}


def same(first, second):
    """Equal keys, values and types, however deep."""
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    return type(first) is type(second) and first == second


# PettingZoo's own tests


@every_door
@on_purpose
def test_aec_api(door, options):
    api_test(door.env(**options), num_cycles=30)
    api_test(door.raw_env(**options), num_cycles=30)


@every_door
def test_parallel_api(door, options):
    parallel_api_test(door.parallel_env(**options), num_cycles=30)


@every_door
def test_seeds(door, options):
    seed_test(lambda: door.env(**options), num_cycles=30)
    parallel_seed_test(lambda: door.parallel_env(**options), num_cycles=30)


@every_door
def test_rendering(door, options):
    render_test(lambda render_mode: door.env(render_mode=render_mode, **options))


# What they do not look at


@every_door
def test_whole_episodes_repeat(door, options):
    first, second = door.parallel_env(**options), door.parallel_env(**options)
    rng = np.random.default_rng(1)
    assert same(first.reset(seed=7), second.reset(seed=7))
    for _ in range(3):
        while first.agents:
            actions = random_actions(first, rng)
            assert same(first.step(actions), second.step(actions))
            assert np.array_equal(first.state(), second.state())
        assert same(first.reset(), second.reset())


@every_door
def test_the_parallel_loop_of_the_documentation(door, options):
    env = door.parallel_env(render_mode="ansi", **options)
    observations, infos = env.reset(seed=42)
    steps = 0
    while env.agents:
        actions = {agent: env.action_space(agent).sample() for agent in env.agents}
        observations, rewards, terminations, truncations, infos = env.step(actions)
        steps += 1
        assert list(observations) == list(rewards) == list(infos) == env.possible_agents
        for agent in env.possible_agents:
            assert env.observation_space(agent).contains(observations[agent])
            assert type(rewards[agent]) is float
            assert type(terminations[agent]) is type(truncations[agent]) is type(infos[agent]["success"]) is bool
    env.close()
    assert 1 <= steps <= env.environment.horizon


@every_door
def test_the_aec_loop_of_the_documentation(door, options):
    env = door.env(render_mode="ansi", **options)
    env.reset(seed=42)
    turns = 0
    for agent in env.agent_iter():
        observation, _reward, termination, truncation, _info = env.last()
        if termination or truncation:
            action = None
        else:
            assert env.observation_space(agent).contains(observation)
            action = env.action_space(agent).sample()
        env.step(action)
        turns += 1
    env.close()
    assert env.agents == []
    assert turns % len(env.possible_agents) == 0


@every_door
def test_both_forms_are_one_game(door, options):
    """What `last` accumulates is what the parallel form pays, seen at the agent's next turn."""
    parallel, turns = door.parallel_env(**options), door.env(**options)
    rng = np.random.default_rng(3)
    observations, infos = parallel.reset(seed=5)
    turns.reset(seed=5)
    outcome = observations, dict.fromkeys(parallel.agents, 0.0), *[dict.fromkeys(parallel.agents, False)] * 2, infos
    living = parallel.agents[:]
    while living:
        actions = random_actions(parallel, rng) if parallel.agents else dict.fromkeys(living)
        for agent in living:
            assert turns.agent_selection == agent
            assert same(turns.last(), tuple(part[agent] for part in outcome))
            turns.step(actions[agent])
        living = parallel.agents[:] if not parallel.agents else living
        if parallel.agents:
            outcome = parallel.step(actions)
    assert turns.agents == []


def test_the_horizon_truncates_and_the_meeting_terminates():
    env = rendezvous_v0.parallel_env(size=3, horizon=2)
    env.reset()
    _, _, terminations, truncations, _ = env.step({"agent_0": 1, "agent_1": 0})
    assert not any(terminations.values())
    assert not any(truncations.values())
    _, rewards, terminations, truncations, infos = env.step({"agent_0": 1, "agent_1": 0})
    assert truncations == {"agent_0": True, "agent_1": True}
    assert terminations == {"agent_0": False, "agent_1": False}
    assert infos == {"agent_0": {"success": False}, "agent_1": {"success": False}}
    assert env.agents == []
    env.reset()
    env.step({"agent_0": 0, "agent_1": 1})
    observations, rewards, terminations, truncations, infos = env.step({"agent_0": 2, "agent_1": 3})
    assert terminations == {"agent_0": True, "agent_1": True}  # at the limit too, but the world itself ended
    assert truncations == {"agent_0": False, "agent_1": False}
    assert rewards == {"agent_0": 10.0, "agent_1": 10.0}
    assert infos["agent_0"] == {"success": True}
    assert observations["agent_0"].tolist() == observations["agent_1"].tolist() == [1, 1]
    assert env.agents == []


def test_one_shot_terminates_and_repeated_play_truncates():
    once, twice = climbing_v0.parallel_env(), climbing_v0.parallel_env(horizon=2)
    once.reset()
    assert once.step({"agent_0": 0, "agent_1": 0})[1:4] == (
        {"agent_0": 11.0, "agent_1": 11.0},
        {"agent_0": True, "agent_1": True},
        {"agent_0": False, "agent_1": False},
    )
    twice.reset()
    ends = [twice.step({"agent_0": 0, "agent_1": 0})[2:4] for _ in range(2)]
    assert [any(part.values()) for pair in ends for part in pair] == [False, False, False, True]


def test_state_is_the_central_state():
    env = rendezvous_v0.parallel_env()
    env.reset()
    env.step({"agent_0": 0, "agent_1": 3})
    assert env.state().tolist() == [1, 19]
    assert env.state_space.contains(env.state())
    turns = rendezvous_v0.env()
    turns.reset()
    assert turns.state().tolist() == [0, 24]


def test_observations_have_true_bounds():
    spaces = [
        rendezvous_v0.parallel_env(map="A..../...B.").observation_space("agent_0"),
        rendezvous_v0.parallel_env(observation="window", agents=4).observation_space("agent_3"),
        climbing_v0.parallel_env().observation_space("agent_0"),
    ]
    assert [(space.low.min(), space.high.max(), space.shape, space.dtype) for space in spaces] == [
        (0, 4, (2,), np.int32),
        (0, 3, (2, 3, 3), np.int32),
        (0, 1, (1,), np.int32),
    ]


def test_what_is_returned_belongs_to_the_caller():
    env = rendezvous_v0.parallel_env()
    observations, _ = env.reset()
    observations["agent_0"][:] = 99
    after, *_ = env.step({"agent_0": 0, "agent_1": 1})
    assert after["agent_0"].tolist() == [0, 1]
    state = env.state()
    state[:] = 99
    assert env.state().tolist() == [1, 23]


def test_any_whole_number_is_an_action():
    env = rendezvous_v0.parallel_env()
    for action in (2, np.int64(2), np.array(2, np.uint8), jnp.int32(2)):
        env.reset()
        assert env.step({"agent_1": 3, "agent_0": action})[0]["agent_0"].tolist() == [1, 0]


# Seeds


def starts(env, count=8):
    return [tuple(env.state().tolist()) for _ in range(count) if env.reset() or True]


def test_seeds_begin_streams_and_resets_continue_them():
    options = {"size": 7, "starts": "random"}
    first, second, other, fresh, fresher = (rendezvous_v0.parallel_env(**options) for _ in range(5))
    for env, seed in ((first, 3), (second, 3), (other, 4), (fresh, None), (fresher, None)):
        env.reset(seed=seed)
    stream = starts(first)
    assert stream == starts(second)
    assert len(set(stream)) > 1
    assert stream != starts(other)
    assert starts(fresh) != starts(fresher)  # one chance in 10^27 to be equal
    first.reset(seed=3)
    assert starts(first) == stream


def test_large_seeds_are_not_cut():
    keys = [tuple(jax.random.key_data(export.seed_key(seed)).tolist()) for seed in (1, 2**32 + 1, 2**64 + 1, 2**100)]
    assert len(set(keys)) == 4
    assert keys[0] == tuple(jax.random.key_data(jax.random.key(1)).tolist())


def test_words_carry_every_type_of_number():
    arrays = [
        np.array([[1.5, -np.inf], [np.nan, -0.0]], np.float32),
        np.array([0.1, -2], np.float16),
        np.array([True, False]),
        np.array(200, np.uint8),
        np.array([-3, 127], np.int8),
        np.array([2**32 - 1], np.uint32),
        np.zeros((0, 3), np.int32),
        np.array([-(2**31), 2**31 - 1], np.int32),
    ]
    leaves = [jnp.asarray(array) for array in arrays]
    report = compiled.Report(*[tuple(leaves[at : at + 2]) for at in (0, 2, 4, 6)], (), ())
    back = compiled.reader(report)(np.asarray(jax.jit(compiled.to_words)(report)))
    for array, copied in zip(arrays, jax.tree.leaves(back), strict=True):
        assert (array.dtype, array.shape) == (copied.dtype, copied.shape)
        assert array.tobytes() == copied.tobytes()


def test_a_copy_goes_its_own_way():
    env = rendezvous_v0.parallel_env()
    env.reset(seed=1)
    twin = copy.deepcopy(env)
    env.step({"agent_0": 0, "agent_1": 1})
    assert twin.state().tolist() == [0, 24]
    assert twin.step({"agent_0": 2, "agent_1": 1})[0]["agent_0"].tolist() == [1, 0]
    assert env.state().tolist() == [1, 23]


# Environments with other habits


def counting(step=None, **changes):
    """Three plays of a 2x2 game that counts its plays."""

    def count(state, action, outcome):
        return Step(state + 1, 1.0 + action, jnp.full(2, state[0] == 2), jnp.bool(False))

    return matrix_game("counting", np.zeros((2, 2)), 9)._replace(step=step or count, **changes)


def test_agents_may_end_one_by_one():
    def step(state, action, outcome):
        return Step(state + 1, jnp.array([5.0, 1.0]), jnp.array([True, False]), jnp.bool(False))

    env = export.parallel_env(counting(step, horizon=3))
    env.reset()
    _, rewards, terminations, _, _ = env.step({"agent_0": 0, "agent_1": 0})
    assert rewards == {"agent_0": 5.0, "agent_1": 1.0}
    assert terminations == {"agent_0": True, "agent_1": False}
    assert env.agents == ["agent_1"]
    with pytest.raises(EnvironmentFault, match=r"^counting_v0: agent_0 acts, but has ended"):
        env.step({"agent_0": 0, "agent_1": 0})
    assert [set(part) for part in env.step({"agent_1": 0})] == [{"agent_1"}] * 5
    _, _, terminations, truncations, _ = env.step({"agent_1": 0})
    assert (terminations, truncations) == ({"agent_1": False}, {"agent_1": True})
    parallel_api_test(export.parallel_env(counting(step, horizon=3)), num_cycles=10)


@on_purpose
def test_agents_that_end_one_by_one_take_their_leave_in_turn():
    def step(state, action, outcome):
        return Step(state + 1, jnp.array([5.0, 1.0]), jnp.array([True, False]), jnp.bool(False))

    env = export.env(counting(step, horizon=3))
    env.reset()
    story = []
    for agent in env.agent_iter():
        _, reward, termination, truncation, _ = env.last()
        story.append((agent, reward, termination, truncation))
        env.step(None if termination or truncation else 0)
    assert story == [
        ("agent_0", 0.0, False, False),
        ("agent_1", 0.0, False, False),
        ("agent_0", 5.0, True, False),
        ("agent_1", 1.0, False, False),
        ("agent_1", 1.0, False, False),
        ("agent_1", 1.0, False, True),
    ]
    api_test(export.env(counting(step, horizon=3)), num_cycles=10)


@on_purpose
def test_illegal_actions_are_masked():
    def legal(state):
        return (jnp.stack([jnp.array([True, True]), jnp.array([True, False]) | (state[0] > 0)]),)

    env = export.parallel_env(counting(legal=legal))
    _, infos = env.reset()
    assert infos["agent_1"]["action_mask"].tolist() == [1, 0]
    assert infos["agent_1"]["action_mask"].dtype == np.int8
    assert env.action_space("agent_1").sample(infos["agent_1"]["action_mask"]) == 0
    *_, infos = env.step({"agent_0": 0, "agent_1": 0})
    assert infos["agent_1"]["action_mask"].tolist() == [1, 1]
    api_test(export.env(counting(legal=legal)), num_cycles=10)
    always = export.parallel_env(counting(legal=lambda state: (jnp.array([[True, True], [True, False]]),)))
    assert always.reset()[1]["agent_1"]["action_mask"].tolist() == [1, 0]


def test_no_mask_where_everything_is_legal():
    assert rendezvous_v0.parallel_env().reset()[1] == {"agent_0": {}, "agent_1": {}}


@on_purpose
def test_agents_in_turn_are_asked_in_turn():
    """Only the mover is asked, and its reward waits for its next turn."""

    def step(state, action, outcome):
        return Step(state + 1, jnp.array([1.0, 10.0]) * (1 + state[0]), jnp.full(2, state[0] == 3), jnp.bool(False))

    game = counting(step, to_move=lambda state: jnp.arange(2) == state[0] % 2)
    env = export.env(game)
    assert env.metadata["is_parallelizable"] is False
    env.reset()
    story = []
    for agent in env.agent_iter():
        _, reward, termination, truncation, _ = env.last()
        story.append((agent, reward))
        env.step(None if termination or truncation else 0)
    assert story == [
        ("agent_0", 0.0),
        ("agent_1", 10.0),
        ("agent_0", 1.0 + 2.0),
        ("agent_1", 20.0 + 30.0),
        ("agent_0", 3.0 + 4.0),
        ("agent_1", 40.0),
    ]
    api_test(export.env(game), num_cycles=10)
    with pytest.raises(BadInput, match=r"^counting: its agents move in turn, so it has no parallel form"):
        export.parallel_env(game)


def test_nobody_to_move_is_a_fault():
    env = export.env(counting(to_move=lambda state: jnp.full(2, state[0] < 0)))
    with pytest.raises(EnvironmentFault, match="none of them is to move"):
        env.reset()


def test_unlike_agents_have_their_own_spaces():
    env = export.parallel_env(matrix_game("odd", np.zeros((2, 4, 2))))
    assert [env.action_space(agent).n for agent in env.possible_agents] == [2, 4, 2]
    parallel_api_test(env, num_cycles=5)


def test_numbers_of_unknown_range_span_their_type():
    kinds = tuple(Kind((place,), 2, (1,), dtype) for place, dtype in enumerate(("float32", "uint8")))
    base = counting()
    game = base._replace(
        spec=type(base.spec)(base.spec.agents, kinds, (0, 0), (0, 1), (0, 1), (1,)),
        observe=lambda state: (jnp.full((1, 1), -1.5), jnp.full((1, 1), 200, jnp.uint8)),
        legal=lambda state: (jnp.ones((1, 2), bool),) * 2,
    )
    env = export.parallel_env(game)
    observations, _ = env.reset()
    assert (observations["agent_0"].tolist(), observations["agent_1"].tolist()) == ([-1.5], [200])
    assert (env.observation_space("agent_0").low.item(), env.observation_space("agent_1").high.item()) == (-np.inf, 255)
    parallel_api_test(env, num_cycles=5)


# Rendering


def test_pictures():
    env = rendezvous_v0.parallel_env(size=3, render_mode="rgb_array")
    env.reset()
    picture = env.render()
    assert (picture.shape, picture.dtype) == ((120, 120, 3), np.uint8)
    assert tuple(picture[20, 20]) == boards.AGENT_COLOURS[0]
    text = climbing_v0.parallel_env(horizon=3, render_mode="ansi")
    text.reset()
    assert text.render() == ". . .\n. . .\n. . ."
    text.step({"agent_0": 1, "agent_1": 2})
    assert text.render() == ". . .\n. . *\n. . ."
    text.reset()
    assert "*" not in text.render()


def test_a_person_sees_each_frame_once(capsys):
    env = rendezvous_v0.parallel_env(size=2, render_mode="human")
    env.reset()
    assert env.render() is None
    env.step({"agent_0": 0, "agent_1": 0})
    env.render()
    assert capsys.readouterr().out == "A .\n. B\n\n. A\n. B\n\n"


def test_rendering_without_a_mode_warns():
    env = rendezvous_v0.parallel_env()
    env.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
    blind = export.parallel_env(counting(board=None))
    assert blind.metadata["render_modes"] == []
    with pytest.raises(BadInput, match=r"^render_mode 'ansi': no such mode of counting"):
        export.parallel_env(counting(board=None), "ansi")


# Errors


@pytest.mark.parametrize(
    "actions, message",
    [
        ({"agent_0": 0}, "agent_1 is to act, but has no action"),
        ({}, "agent_0 is to act, but has no action"),
        ({"agent_0": 0, "agent_1": 4}, "agent_1's action 4 is outside its space, 0 to 3"),
        ({"agent_0": -1, "agent_1": 0}, "agent_0's action -1 is outside its space, 0 to 3"),
        ({"agent_0": None, "agent_1": 0}, "agent_0's action None is not a whole number"),
        ({"agent_0": 1.0, "agent_1": 0}, "agent_0's action 1.0 is not a whole number"),
        ({"agent_0": 0, "agent_1": 0, "agent_2": 0}, "'agent_2' is no agent here; did you mean 'agent_"),
        ({"agent_0": 0, "agent_1": 0, 7: 0}, "7 is no agent here; known: agent_0, agent_1"),
    ],
)
def test_wrong_actions(actions, message):
    env = rendezvous_v0.parallel_env()
    env.reset()
    with pytest.raises(EnvironmentFault) as fault:
        env.step(actions)
    assert str(fault.value).startswith(f"rendezvous_v0: {message}")
    env.step({"agent_0": 0, "agent_1": 0})  # and nothing has happened
    assert env.state().tolist() == [1, 24]


def test_calls_in_the_wrong_order():
    env = climbing_v0.parallel_env(render_mode="ansi")
    both = {"agent_0": 0, "agent_1": 0}
    for call in (lambda: env.step(both), env.state, env.render):
        with pytest.raises(EnvironmentFault, match=r"call reset\(\) first"):
            call()
    env.reset()
    env.step(both)
    for actions in (both, {}):
        with pytest.raises(EnvironmentFault, match=r"step\(\) after the episode's end"):
            env.step(actions)
    env.reset()
    turns = climbing_v0.env()
    with pytest.raises(AttributeError, match="cannot be accessed before reset"):
        turns.agent_selection  # noqa: B018
    turns.reset()
    with pytest.raises(EnvironmentFault, match="agent_0's action 3 is outside its space, 0 to 2"):
        turns.step(3)


@pytest.mark.parametrize("seed", [-1, 1.5, "1"])
def test_wrong_seeds(seed):
    with pytest.raises(BadInput, match="a seed is a whole number of at least 0"):
        climbing_v0.parallel_env().reset(seed=seed)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"sise": 5}, "sise: no such option; did you mean 'size'?"),
        ({"render_mod": "human"}, "render_mod: no such option; did you mean 'render_mode'?"),
        ({"size": "5"}, "size '5': expected `int`, got `str`"),
        ({"starts": "sometimes"}, "starts 'sometimes': invalid enum value"),
        ({"size": 1}, "--env.size 1: a grid has from 2 to 50 rows"),
        ({"render_mode": "ascii"}, "render_mode 'ascii': no such mode of rendezvous; did you mean 'ansi'?"),
        ({"max_cycles": 5, "horizon": 6}, "max_cycles 5 and horizon 6 are one option; give one of them"),
        ({"max_cycles": 0}, "--env.horizon 0: an episode needs at least 1 step"),
    ],
)
def test_wrong_options(options, message):
    for door in (rendezvous_v0.env, rendezvous_v0.raw_env, rendezvous_v0.parallel_env):
        with pytest.raises(BadInput) as refusal:
            door(**options)
        assert str(refusal.value).startswith(message)


# Doors and PettingZoo's registry


def test_doors_take_numpy_numbers_and_the_other_word_for_the_horizon():
    assert rendezvous_v0.parallel_env(size=np.int64(4), max_cycles=7).environment.horizon == 7
    assert penalty_v0.parallel_env(k=-5).environment.horizon == 1


def test_a_second_copy_compiles_nothing():
    first, second = (rendezvous_v0.parallel_env(size=6) for _ in range(2))
    assert first.environment is second.environment
    assert first._programs is second._programs


@pytest.mark.parametrize("name", coterie.pettingzoo.EXPORTED)
def test_the_registry_knows_ours(name):
    mode = None if name in ("dec-tiger", "recycling-robots") else "ansi"  # these have no pictures
    env = pettingzoo.make("parallel", f"coterie/{name}-v0", max_cycles=3, render_mode=mode)
    assert (str(env), env.environment.horizon, env.render_mode) == (f"{name}_v0", 3, mode)
    assert str(pettingzoo.make("aec", f"coterie/{name}_v0")) == f"{name}_v0"


def test_registering_again_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        coterie.pettingzoo.register_ours()


def test_what_a_user_types_and_that_the_library_itself_stays_light():
    program = (
        "import sys, coterie, coterie.envs; assert not {'jax', 'pettingzoo'} & set(sys.modules)\n"
        "import coterie.pettingzoo, pettingzoo; assert 'jax' not in sys.modules\n"
        "assert 'coterie/rendezvous-v0' in pettingzoo.parallel_registry\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
