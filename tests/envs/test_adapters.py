"""Adapters for JAX environments from elsewhere, on tiny worlds of the same interfaces; each number is by hand."""

import sys
from functools import cache
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from foreign_worlds import GroveGenerator, GroveWorld, LampWorld, MaskedLampWorld

import coterie.envs.jaxmarl as jaxmarl_adapter
from coterie.envs import jumanji as jumanji_adapter
from coterie.envs import sources
from coterie.envs.adapters import as_environment
from coterie.envs.foreign_options import Reading, literal, parameters
from coterie.envs.protocol import chance_key, draw_start, draw_step
from coterie.envs.tabulate import tabulate
from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.ours.export import parallel_env
from coterie.running.roads import advance, enter, look

GUARD, SCOUT = 0, 1  # kinds, in the order of their first agents
QUICK = {"xla_backend_optimization_level": 0}


@cache
def lamp(world=None, **reading):
    return as_environment(jaxmarl_adapter.read_game(world or LampWorld(), "jaxmarl:lamp"), Reading(**reading))


@cache
def grove(world=None, one_more=None, **reading):
    game = jumanji_adapter.read_game(world or GroveWorld(), "jumanji:grove", one_more)
    return as_environment(game, Reading(**reading))


def play(environment, *actions):
    """The steps of one episode, stacked along time."""

    def episode(joint):
        def step(state, now):
            after = draw_step(environment, chance_key(jnp.uint32(3), now[0] + 1), state, now[1])
            return after.state, after

        start = draw_start(environment, chance_key(jnp.uint32(3), jnp.int32(0)))
        return jax.lax.scan(step, start, (jnp.arange(len(actions)), joint))[1]

    return jax.jit(episode, compiler_options=QUICK)(jnp.array(actions, jnp.int32))


# Who the agents are, and what they see


def test_agents_with_equal_spaces_are_one_kind_in_the_environments_order():
    spec = lamp().spec
    assert spec.agents == ("guard_0", "scout", "guard_1")
    assert [(kind.agents, kind.actions, kind.observation_shape) for kind in spec.kinds] == [
        ((0, 2), 3, (2,)),
        ((1,), 2, (1,)),
    ]
    assert spec.state_shape == (5,)
    assert spec.team == (0, 0, 0)
    assert spec.parameters == spec.experience == (0, 1, 2)


def test_what_is_seen_and_earned_belongs_to_the_right_agent():
    environment = lamp()
    steps = play(environment, [1, 0, 2], [0, 0, 1])
    assert steps.reward.tolist() == [[1, 0, 2], [0, 0, 1]]
    assert environment.observe(steps.state)[GUARD][1].tolist() == [[1, 2], [1, 2]]  # not shaped by order alone:
    assert environment.observe(steps.state)[GUARD][0].tolist() == [[1, 1], [0, 1]]  # guard_1 had not walked yet
    assert environment.observe(steps.state)[SCOUT].tolist() == [[[0]], [[0]]]
    last = jax.tree.map(lambda leaf: leaf[-1], steps.state)
    assert environment.central(last).tolist() == [1, 2, 1, 2, 0]  # by kind


def test_a_mask_and_a_world_state_are_taken_where_there_are_any():
    environment = lamp(MaskedLampWorld())
    start = draw_start(environment, chance_key(jnp.uint32(0), jnp.int32(0)))
    assert environment.legal(start)[GUARD].tolist() == [[True, True, False]] * 2
    assert environment.legal(start)[SCOUT].tolist() == [[True, True]]
    steps = play(environment, [1, 1, 1])
    later = jax.tree.map(lambda leaf: leaf[-1], steps.state)
    assert environment.legal(later)[GUARD].tolist() == [[True, True, True]] * 2
    assert environment.spec.state_shape == (2,)
    assert environment.central(later).tolist() == [1, 3]
    assert environment.central(later).dtype == jnp.float32


def test_without_a_mask_everything_is_legal():
    environment = lamp()
    assert [mask.shape for mask in environment.legal(None)] == [(2, 3), (1, 2)]
    assert all(mask.all() for mask in environment.legal(None))


# The boundary


@pytest.mark.parametrize(("checks_late", "horizon"), [(False, 5), (True, 6)])
def test_a_time_limit_is_no_ending(checks_late, horizon):
    environment = lamp(LampWorld(checks_late=checks_late))
    assert environment.horizon == horizon
    assert not play(environment, *[[1, 0, 1]] * (horizon + 1)).terminated.any()


def test_a_time_limit_that_is_said_to_be_an_ending_is_one():
    environment = lamp(time_limit_is_ending=True)
    assert environment.horizon == 5
    assert play(environment, *[[1, 0, 1]] * 5).terminated.tolist() == [[False] * 3] * 4 + [[True] * 3]


def test_where_no_clock_is_found_every_ending_is_a_true_one():
    """Fractions are no clock: the same world with its steps counted in float32 shows nothing to tell time from."""
    environment = lamp(LampWorld(clock="float32"))
    assert environment.horizon == 0
    assert play(environment, *[[1, 0, 1]] * 5).terminated.tolist() == [[False] * 3] * 4 + [[True] * 3]


def test_a_true_ending_in_the_very_last_step_is_an_ending():
    ends = play(lamp(), *[[1, 0, 1]] * 4, [2, 0, 2]).terminated.tolist()
    assert ends == [[False] * 3] * 4 + [[True] * 3]


def test_one_agents_death_is_its_own():
    ends = play(lamp(), [0, 1, 0], [0, 0, 0], [2, 0, 2]).terminated.tolist()
    assert ends == [[False, True, False], [False, True, False], [True, True, True]]


def test_a_world_that_is_over_at_once_has_no_time_limit():
    environment = lamp(LampWorld(limit=1))
    assert environment.horizon == 0
    assert play(environment, [0, 0, 0]).terminated.all()


def test_the_true_successor_is_seen_at_the_limit_and_the_reset_only_after_it():
    environment = lamp()
    seeds = jnp.arange(2, dtype=jnp.uint32)

    def through(joint):
        def row(places, steps):
            after, outcome = advance(environment, places, joint, jnp.full(2, steps), lambda: seeds)
            return after, (outcome, look(environment, after))

        return jax.lax.scan(row, enter(environment, seeds), jnp.arange(5))[1]

    outcome, shown = jax.jit(through, compiler_options=QUICK)(jnp.array([[1, 0, 0], [0, 1, 1]]))
    assert outcome.over.tolist() == [[False, False]] * 4 + [[True, True]]
    assert outcome.next.obs[GUARD][4].tolist() == [[[5, 5], [0, 5]], [[0, 5], [5, 5]]]
    assert shown.obs[GUARD][4].tolist() == [[[0, 0], [0, 0]]] * 2
    assert outcome.truncated[4].tolist() == [[True] * 3, [True, False, True]]  # who had died is not cut off
    assert outcome.terminated[:, 1].any(0).tolist() == [False, True, False]


def test_it_has_no_table_and_is_refused_by_name():
    with pytest.raises(BadInput, match="jaxmarl:lamp draws its own chance"):
        tabulate(lamp())


def test_it_has_a_pettingzoo_form():
    form = parallel_env(lamp(MaskedLampWorld(limit=2)))
    _, infos = form.reset(seed=1)
    assert infos["guard_0"]["action_mask"].tolist() == [1, 1, 0]
    form.step({"guard_0": 1, "scout": 0, "guard_1": 0})
    seen, rewards, ends, cuts, _ = form.step({"guard_0": 1, "scout": 0, "guard_1": 0})
    assert seen["guard_0"].tolist() == [2, 2]
    assert rewards == {"guard_0": 1, "scout": 0, "guard_1": 0}
    assert not any(ends.values())
    assert all(cuts.values())


# Options


def test_options_of_ours_change_how_a_world_is_read():
    environment = lamp(team="0,1,0", idle=1, success="lit")
    assert environment.spec.team == (0, 1, 0)
    assert environment.idle == (1, 1, 1)
    assert environment.idle_is_noop
    assert play(environment, [2, 0, 0], [0, 0, 2]).success.tolist() == [True, False]
    assert not lamp().idle_is_noop
    assert not play(lamp(), [2, 0, 0], [0, 0, 2]).success.any()


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        ({"team": "0,1"}, "--env.team 0,1: expected a number from 0 on for each of guard_0, scout, guard_1"),
        ({"team": "0,2,0"}, "--env.team 0,2,0: expected a number from 0 on"),
        ({"idle": 2}, "--env.idle 2: expected an action of every agent, 0 to 1"),
        ({"success": "lid"}, "--env.success lid: jaxmarl:lamp tells no 'lid'; did you mean 'lit'?"),
        ({"success": "lit>=much"}, "--env.success lit>=much: expected KEY or KEY>=NUMBER"),
    ],
)
def test_readings_that_do_not_fit(reading, sentence):
    with pytest.raises(BadInput) as told:
        lamp(**reading)
    assert str(told.value).startswith(sentence)


@pytest.fixture
def packages(monkeypatch):
    """Packages of both names, with one tiny environment each."""
    marl = SimpleNamespace(registered_envs=["lamp", "broken"], make=lambda name, **given: MaskedLampWorld(**given))
    grove = SimpleNamespace(
        registered_environments=lambda: {"Grove-v1"}, make=lambda name, **given: GroveWorld(**given)
    )
    monkeypatch.setitem(sys.modules, "jaxmarl", marl)
    monkeypatch.setitem(sys.modules, "jumanji", grove)
    return marl, grove


def test_options_of_a_constructor_are_passed_on(packages):
    made = sources.jax_environment("jaxmarl", "lamp", {"limit": "3", "checks-late": "true", "team": "0,1,0"})
    assert made.name == "jaxmarl:lamp"
    assert made.horizon == 4
    assert made.spec.team == (0, 1, 0)


def test_options_of_a_generator_are_passed_on(packages):
    made = sources.jax_environment("jumanji", "Grove-v1", {"num_agents": 2, "first": 17, "limit": 9})
    assert len(made.spec.agents) == 2
    assert made.horizon == 9
    assert play(made, [1, 1], [1, 0]).terminated.tolist() == [[False, False], [True, True]]  # 17 + 2, then 20


@pytest.mark.parametrize(
    ("source", "name", "options", "sentence"),
    [
        ("jaxmarl", "lamb", {}, "there is no environment 'lamb' in jaxmarl; did you mean 'lamp'?"),
        ("jumanji", "Grove-v2", {}, "there is no environment 'Grove-v2' in jumanji; did you mean 'Grove-v1'?"),
        ("jaxmarl", "lamp", {"limits": 3}, "jaxmarl:lamp has no option --env.limits; did you mean 'limit'?"),
        ("jumanji", "Grove-v1", {"num_agent": 3}, "jumanji:Grove-v1 has no option --env.num-agent; did you mean"),
        ("jaxmarl", "lamp", {"time-limit-is-ending": "yes"}, "--env.time-limit-is-ending 'yes': expected True or"),
        ("jaxmarl", "lamp", {"idle": "one"}, "--env.idle 'one': expected a whole number"),
        ("jumanji", "Grove-v1", {"num_agents": "x"}, "jumanji:Grove-v1 cannot be made with generator="),
    ],
)
def test_options_that_do_not_fit(packages, source, name, options, sentence):
    with pytest.raises(BadInput) as told:
        sources.jax_environment(source, name, options)
    assert str(told.value).startswith(sentence)
    assert "\n" not in str(told.value)


def test_a_constructor_that_refuses_is_one_sentence(packages, monkeypatch):
    def refuse(name, **given):
        raise AssertionError("no\nsuch thing")

    monkeypatch.setattr(packages[0], "make", refuse)
    with pytest.raises(BadInput, match=r"^jaxmarl:lamp cannot be made with no options: AssertionError: no such thing$"):
        sources.jax_environment("jaxmarl", "lamp")


def test_continuous_actions_and_parts_are_refused_and_a_world_that_fails_is_at_fault():
    with pytest.raises(BadInput, match="agent 'guard_0' has Box actions; only Discrete ones can be used"):
        lamp(LampWorld(kind="Continuous"))

    class Parts(LampWorld):
        def seen(self, state):
            return {agent: {"eye": state.step, "ear": state.step} for agent in self.agents}

    with pytest.raises(BadInput, match=r"what agent 'guard_0' sees has several parts \(eye, ear\)"):
        lamp(Parts())

    class WrongMask(MaskedLampWorld):
        def get_avail_actions(self, state):
            return dict.fromkeys(self.agents, jnp.ones(2, bool))

    with pytest.raises(BadInput, match=r"agent 'guard_0' has 3 actions, but its mask of legal actions has the shape"):
        lamp(WrongMask())

    class Broken(LampWorld):
        def step_env(self, key, state, actions):
            raise KeyError("nobody")

    with pytest.raises(EnvironmentFault, match=r"^jaxmarl:lamp fails when it is tried: KeyError: 'nobody'$"):
        lamp(Broken())
    with pytest.raises(BadInput, match="no row of Discrete ones"):
        jumanji_adapter.read_game(SimpleNamespace(action_spec=SimpleNamespace(num_values=4)), "jumanji:one")


def test_names_that_a_constructor_takes_go_up_to_its_bases_as_far_as_it_passes_on():
    class Base:
        def __init__(self, agents, size=1):
            pass

    class Middle(Base):
        def __init__(self, speed=1.0, **more):
            pass

    class Strict(Middle):
        def __init__(self, only):
            pass

    assert parameters(Middle) == ["speed", "agents", "size"]
    assert parameters(Strict) == ["only"]


@pytest.mark.parametrize(
    ("word", "value"),
    [("3", 3), ("0.5", 0.5), ("True", True), ("false", False), ("(2, 3)", (2, 3)), ("3m", "3m"), (4, 4)],
)
def test_words_are_read_as_values_where_they_are_some(word, value):
    assert literal(word) == value
    assert type(literal(word)) is type(value)


# Jumanji's interface


def test_a_part_with_a_row_an_agent_is_its_own_and_a_board_is_everybodys():
    """The board is as high as there are agents: only a world with one agent more tells it from three rows."""
    sight = grove(one_more=GroveWorld(GroveGenerator(4))).spec
    assert sight.kinds[0].observation_shape == (3 * 3 + 2,)
    assert sight.state_shape == (3 * 11,)
    assert grove().spec.kinds[0].observation_shape == (3 + 2,)  # without it, a row of the board is taken for one's own


def test_one_reward_is_everybodys_and_one_an_agent_is_its_own():
    actions = [[1, 0, 1], [0, 0, 1]]
    assert play(grove(), *actions).reward.tolist() == [[2, 2, 2], [1, 1, 1]]
    assert play(grove(GroveWorld(shared=False)), *actions).reward.tolist() == actions


@pytest.mark.parametrize("honest", [True, False])
def test_a_time_limit_is_no_ending_whatever_jumanji_calls_it(honest):
    environment = grove(GroveWorld(limit=6, honest=honest))
    assert environment.horizon == 6
    assert not play(environment, *[[0, 0, 0]] * 6).terminated.any()
    assert play(environment, *[[1, 1, 1]] * 5, [1, 0, 0]).terminated.tolist() == [[False] * 3] * 5 + [[True] * 3]  # 20


def test_what_is_forbidden_and_the_infos_are_passed_on():
    environment = grove(success="added>=2")
    start = draw_start(environment, chance_key(jnp.uint32(0), jnp.int32(0)))
    assert environment.legal(start)[0].tolist() == [[True, True, False]] * 3
    assert play(environment, [1, 1, 0], [1, 0, 0]).success.tolist() == [True, False]


def test_a_board_of_whole_numbers_alone_keeps_its_range():
    class OnlyBoard(GroveWorld):
        def __init__(self):
            super().__init__(GroveGenerator(2))
            self.observation_spec.example = self.look(self.begin(jnp.zeros(2, jnp.uint32)))

        def look(self, state):
            return {"grid": state.grid, "action_mask": jnp.ones((2, 3), bool), "step_count": state.turn}

    kind = grove(OnlyBoard()).spec.kinds[0]
    assert (kind.observation_shape, kind.observation_dtype, kind.observation_high) == ((3, 3), "int32", 9)
    assert np.dtype(kind.observation_dtype).kind == "i"
