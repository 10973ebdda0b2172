"""The adapters held to the packages themselves, step by step, where they are installed (coterie[jaxmarl])."""

import importlib.util
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.envs import sources
from coterie.envs.protocol import chance_key, draw_start, draw_step

pytestmark = pytest.mark.filterwarnings("default")  # what the packages warn of is not ours
with_jaxmarl = pytest.mark.skipif(importlib.util.find_spec("jaxmarl") is None, reason="jaxmarl is not installed")
with_jumanji = pytest.mark.skipif(importlib.util.find_spec("jumanji") is None, reason="jumanji is not installed")
STEPS = 30


def played(environment, actions):
    """The start and the steps of an episode with seed 3, stacked along time."""

    def episode(joint):
        def step(state, now):
            after = draw_step(environment, chance_key(jnp.uint32(3), now[0] + 1), state, now[1])
            return after.state, after

        start = draw_start(environment, chance_key(jnp.uint32(3), jnp.int32(0)))
        return start, jax.lax.scan(step, start, (jnp.arange(len(actions)), joint))[1]

    return jax.jit(episode)(jnp.asarray(actions, jnp.int32))


def raw(step):
    return jax.random.key_data(chance_key(jnp.uint32(3), jnp.int32(step)))


def random_actions(environment, steps):
    sizes = np.empty(len(environment.spec.agents), int)
    for kind in environment.spec.kinds:
        sizes[list(kind.agents)] = kind.actions
    return np.random.default_rng(0).integers(sizes, size=(steps, len(sizes)))


def seen_by(environment, state):
    """What each agent sees, by name."""
    return {
        environment.spec.agents[agent]: obs[..., place, :]
        for kind, obs in zip(environment.spec.kinds, environment.observe(state), strict=True)
        for place, agent in enumerate(kind.agents)
    }


@with_jaxmarl
@pytest.mark.parametrize("name", ["MPE_simple_spread_v3", "MPE_simple_speaker_listener_v4"])
def test_a_particle_world_is_jaxmarls_own_step_by_step(name):
    environment = sources.jax_environment("jaxmarl", name)
    assert environment.horizon == 26  # max_steps 25, looked at before the clock is moved
    actions = random_actions(environment, STEPS)
    start, steps = played(environment, actions)
    seen = seen_by(environment, steps.state)
    assert not steps.terminated.any()

    import jaxmarl

    theirs = jaxmarl.make(name)
    obs, state = theirs.reset(raw(0))
    for agent, first in seen_by(environment, start).items():
        np.testing.assert_allclose(first, obs[agent], rtol=1e-5, atol=1e-6)
    for t, joint in enumerate(actions):
        chosen = dict(zip(theirs.agents, joint, strict=True))
        after_reset, *_ = theirs.step(raw(t + 1), state, chosen)
        obs, state, reward, ends, _ = theirs.step_env(raw(t + 1), state, chosen)
        assert bool(ends["__all__"]) == (t >= 25)
        for number, agent in enumerate(theirs.agents):
            np.testing.assert_allclose(seen[agent][t], obs[agent], rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(steps.reward[t, number], reward[agent], rtol=1e-4, atol=1e-5)
        if t == 25:  # the step that resets by itself shows another world
            assert any(abs(after_reset[agent] - obs[agent]).max() > 0.01 for agent in theirs.agents)


@with_jaxmarl
def test_a_true_ending_and_the_limit_of_switch_riddle_are_told_apart():
    environment = sources.jax_environment("jaxmarl", "switch_riddle")
    assert environment.horizon == 6
    _, waiting = played(environment, [[0, 0, 0]] * 6)
    assert not waiting.terminated.any()
    _, telling = played(environment, [[2, 2, 2]] * 6)  # whoever is in the room tells, which ends it
    assert telling.terminated[0].all()


@with_jaxmarl
def test_particle_worlds_are_imported_alone_and_in_silence():
    program = (
        "import sys\nfrom coterie.envs import sources\n"
        "made = sources.jax_environment('jaxmarl', 'MPE_simple_spread_v3', {'num-agents': '2'})\n"
        "assert len(made.spec.agents) == 2 and not any('jaxmarl' == one.split('.')[0] for one in sys.modules)\n"
        "import io\nsys.stdout = seen = io.StringIO()\n"
        "sources.jax_environment('jaxmarl', 'switch_riddle')\nassert sys.stdout is seen and not seen.getvalue()\n"
        "import jaxmarl\nassert jaxmarl.environments.mpe.SimpleSpreadMPE\n"
        "again = sources.jax_environment('jaxmarl', 'MPE_simple_spread_v3', {'num-agents': '2'})\n"
        "assert again.spec == made.spec"
    )
    told = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout == ""


@with_jumanji
def test_foraging_is_jumanjis_own_step_by_step():
    import jumanji

    options = {"grid-size": 6, "num-food": 1, "fov": 6, "time-limit": 9}
    environment = sources.jax_environment("jumanji", "LevelBasedForaging-v0", options)
    assert environment.horizon == 9
    actions = random_actions(environment, 9)
    _, steps = played(environment, actions)
    from jumanji.environments.routing.lbf.generator import RandomGenerator

    generator = RandomGenerator(grid_size=6, fov=6, num_agents=2, num_food=1, force_coop=True)
    theirs = jumanji.make("LevelBasedForaging-v0", generator=generator, time_limit=9)
    state, _ = theirs.reset(raw(0))
    for t, joint in enumerate(actions):
        state, told = theirs.step(state, jnp.asarray(joint))
        np.testing.assert_array_equal(environment.observe(steps.state)[0][t], told.observation.agents_view)
        np.testing.assert_array_equal(steps.state.legal[0][t], told.observation.action_mask)
        np.testing.assert_array_equal(steps.reward[t], told.reward)
        np.testing.assert_array_equal(steps.terminated[t], told.discount == 0)
    assert told.last()
    assert not steps.terminated[-1].any()


@with_jumanji
def test_the_warehouses_limit_is_no_ending_though_it_says_so():
    options = {"shelf-rows": 1, "column-height": 2, "num-agents": 2, "request-queue-size": 2, "time-limit": 5}
    environment = sources.jax_environment("jumanji", "RobotWarehouse-v0", options)
    assert environment.horizon == 5
    assert len(environment.spec.agents) == 2
    _, steps = played(environment, [[0, 0]] * 5)
    assert not steps.terminated.any()


@with_jumanji
def test_connectors_board_is_everybodys():
    environment = sources.jax_environment("jumanji", "Connector-v3", {"num-agents": 4, "grid-size": 4})
    assert environment.spec.kinds[0].observation_shape == (4, 4)
