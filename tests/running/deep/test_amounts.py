"""A lane, its episodes and a loaded team where actions are amounts, with a toy that learns them."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import amount_worlds
import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest

from coterie.algorithms.fixed import frozen
from coterie.equations import choosing
from coterie.errors import BadInput, EnvironmentFault, StorageFault
from coterie.networks.agent import Network
from coterie.networks.team import first_networks
from coterie.pettingzoo.forms.parallel import InfoSays
from coterie.pettingzoo.making.sources import make_worlds
from coterie.pettingzoo.reading.layouts import Layout
from coterie.running.deep.outside import check_worlds
from coterie.running.deep.rivals import Rival
from coterie.running.deep.runs import idle_words, open_outside
from coterie.running.deep.session import Schedule
from coterie.running.deep.team import DeepTeam, Player
from coterie.running.episodes import Recording, read_recording, write_recording
from coterie.settings import DeepOptions
from coterie.types import Algorithm, Decision, Kind, Spec, View

WORLDS = Path(amount_worlds.__file__)


class Toy(NamedTuple):
    """What a toy learns: how strongly each agent follows what it sees, [N]; it has nothing to replay."""

    gain: Any
    replay: Any = ()


def following(spec):
    """Amounts that follow what is seen, explored with noise; the gain grows by each visit, to 1.

    What is wanted back with a decision is the noise in it; memory counts decisions.
    """
    [kind] = spec.kinds
    agents = len(kind.agents)

    def act(key, policy, views, memory, mode):
        [view], [moved] = views, memory
        noise = 0.2 * jax.random.normal(key, view.obs.shape) if mode == "explore" else jnp.zeros(view.obs.shape)
        action = jnp.clip(policy[:, None] * view.obs + noise, jnp.array(kind.low), jnp.array(kind.high))
        return (Decision(action, jnp.where(view.first, 0, moved) + 1, noise),)

    def update(key, learner, rollout, clock):
        [own] = rollout.kinds
        gain = jnp.minimum(1, learner.gain + 0.3)
        spread = own.extras.std() + 0 * rollout.memory[0].sum()
        return Toy(gain), {"loss": -own.reward.mean(), "spread": spread, "finite": jnp.float32(1), "learned": 1.0}

    return Algorithm(
        init=lambda key, spec: Toy(jnp.zeros(agents)),
        policy=lambda learner, clock: learner.gain,
        memory=lambda policy, environments: (jnp.zeros((environments, agents), jnp.int32),),
        act=act,
        update=update,
    )


def opened(workers=0, word="make_rafts"):
    spec = make_worlds(f"{WORLDS}:{word}", {}).spec

    def worlds(episodes, ruled=True):
        helpers = workers if episodes is None else 0
        return make_worlds(f"{WORLDS}:{word}", {}, episodes or 3, helpers, success=InfoSays())

    return open_outside(
        worlds, spec, DeepOptions(environments=3, rows=5), schedule=Schedule(9, 15, 3), steps=99, seeds=[4],
        episodes=4, length=1, horizon=0, memory=1e9, make=lambda sizes, split: following(spec),
    )  # fmt: skip


def equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_a_lane_learns_stops_and_goes_on():
    """With another number of workers, from a state in the middle of episodes."""
    whole = opened()
    [lane] = whole.lanes
    lane.advance(2)
    state = lane.state()
    assert state["worlds"]["actions"].dtype == np.float32
    assert state["worlds"]["actions"].shape[1:] == (2, 1)
    assert state["worlds"]["lengths"].any()
    again = opened(workers=1)
    [other] = again.lanes
    try:
        other.restore(state)
        for one in (lane, other):
            one.advance(3)
        equal(lane.state(), other.state())
        assert lane.totals().info["spread"].item() == pytest.approx(5 * 0.2, rel=0.3)
        assert lane.policy()[0].tolist() == [1, 1]
        equal(lane.check(3), other.check(3))
        assert lane.check(3).success.all()
        spoiled = lane.judge(lane.policy(), 3, at_random=(1,))
        assert (spoiled.returns[..., 0] > -1e-5).all()  # who learned is not touched
        assert (spoiled.returns[..., 1] < -0.5).all()
    finally:
        for one in (lane, other):
            one.close()
    assert (whole.idle_action, whole.action_names) == ("always amounts of 0", ())
    idle, random = whole.baseline(True), whole.baseline(False)
    assert idle.returns.mean() > random.returns.mean()


@pytest.mark.parametrize("change", ["int", "wide", "short", "nan"])
def test_episodes_under_way_that_are_not_whole_are_refused(change):
    spec = make_worlds(f"{WORLDS}:make_rafts", {}).spec
    worlds = {
        "seeds": np.arange(2), "lengths": np.array([1, 2], np.int32), "checksums": np.zeros(2, np.uint32),
        "actions": np.full((3, 2, 1), 0.5, np.float32),
    }  # fmt: skip
    check_worlds(worlds, 2, spec)
    actions = worlds["actions"]
    wrong = {
        "int": actions.astype(np.int32), "wide": np.repeat(actions, 2, -1), "short": actions[1:],
        "nan": actions * np.float32(np.nan),
    }  # fmt: skip
    with pytest.raises(StorageFault, match="its episodes under way are not whole"):
        check_worlds({**worlds, "actions": wrong[change]}, 2, spec)


def test_what_is_recorded_comes_back_from_a_file(tmp_path):
    run = opened()
    [lane] = run.lanes
    lane.advance(1)
    plays = run.record(lane.policy(), 0)
    lane.close()
    assert len(plays) == 4
    for play in plays:
        assert play.amounts == (1, 1)
        assert (play.actions.shape, play.actions.dtype) == ((4, 2, 1), np.float32)
        seen = np.stack([one[:-1, 0] for one in play.observations], 1)
        np.testing.assert_allclose(play.actions[..., 0], 0.3 * seen, rtol=1e-5)
    write_recording(tmp_path / "plays.jsonl", Recording(("a", "b"), run.action_names, plays))
    for before, after in zip(plays, read_recording(tmp_path / "plays.jsonl").plays, strict=True):
        assert after.amounts == before.amounts
        assert after.actions.dtype == np.float32
        assert after.actions.tobytes() == before.actions.tobytes()


def test_what_idle_agents_do_is_told():
    def spec(*bounds):
        kinds = [Kind((n,), 1 if one else 3, (1,), "float32", bounds=one) for n, one in enumerate(bounds)]
        return Spec(tuple("abc")[: len(kinds)], tuple(kinds), *[tuple(range(len(kinds)))] * 3)

    assert idle_words(spec(())) == "always action 0"
    assert idle_words(spec((None, (-1.0, 1.0)))) == "always amounts of 0"
    assert idle_words(spec((), ((0.5, None),))) == "always action 0 or the amounts nearest to 0"


# A loaded team

LAYOUT = make_worlds(f"{WORLDS}:make_boats", {}).ones[0].reading


def network(memory=0):
    """Amounts are what is seen, held within bounds; with a memory they are the sum of all that was seen."""
    return Network(
        init=lambda key, kind, ids: jnp.zeros(()),
        encode=lambda params, obs, who: params * obs,
        recur=(lambda params, before, x: before + x[:memory]) if memory else None,
        head=lambda params, x: x[:2],
        memory=memory,
        greedy=lambda h, legal: jnp.clip(h, jnp.array([-0.05, -1.0]), jnp.array([0.25, 50.0])),
    )


def values():
    """A network of numbers: it prefers the last legal one."""
    return network()._replace(head=lambda params, x: jnp.arange(3.0), greedy=Network._field_defaults["greedy"])


def team(boats, pilot):
    return DeepTeam(LAYOUT.spec, (boats, pilot), 3, LAYOUT.layouts)


def test_a_loaded_team_acts_in_the_spaces_own_type():
    env = amount_worlds.Boats()
    boats = team(Player(network(), np.ones(3, np.float32)[:2]), Player(values(), np.ones(1, np.float32)))
    observations, infos = env.reset(seed=4)
    rows = []
    while env.agents:
        actions = boats.act_all(observations, infos)
        assert actions["left"].dtype == np.float64
        rows.append(actions["left"].tolist())
        assert (actions["pilot"], type(actions["pilot"])) == (7, int)
        observations, *_, infos = env.step(actions)
    assert rows == [[0.0, 4.0], [0.25, 4.0], [0.25, 4.0]]


def test_what_agents_remember_goes_on_until_an_episode_begins():
    boats = team(Player(network(2), np.ones(2, np.float32)), Player())
    seen = np.array([-0.02, 1.5, 0.0])
    assert [boats.act("left", seen)[1] for _ in range(3)] == [1.5, 3.0, 4.5]
    assert boats.act("right", seen)[1] == 1.5
    boats.reset()
    assert boats.act("left", seen).tolist() == pytest.approx([-0.02, 1.5])


def test_untrained_agents_stay_within_bounds():
    space = amount_worlds.Boats().action_space("left")
    random, idle = team(Player(), Player()), team(Player(idle=(0, 0)), Player(idle=(1,)))
    drawn = [random.act("left", np.zeros(3)) for _ in range(30)]
    assert all(space.contains(one) for one in drawn)
    assert len({one.tobytes() for one in drawn}) == 30
    assert [one.tolist() for one in (team(Player(), Player()).act("left", np.zeros(3)),)] == [drawn[0].tolist()]
    assert idle.act("right", np.zeros(3)).tolist() == [0, 0]
    assert idle.act("pilot", np.zeros(3)) == 6


def test_a_mask_has_no_place_with_amounts():
    boats = team(Player(), Player())
    with pytest.raises(EnvironmentFault, match="left was given the mask"):
        boats.act("left", np.zeros(3), {"action_mask": np.ones(2, np.int8)})


def test_saved_agents_play_elsewhere_by_what_they_learned_by():
    """One that draws its actions has another head than one that values them; old checkpoints say nothing of it."""
    [kind, _] = LAYOUT.spec.kinds
    own = Spec(("left", "right"), (dataclasses.replace(kind, agents=(0, 1)),), (0, 0), (0, 1), (0, 1))
    rival = Rival("them", 3, own, (DeepOptions(hidden=4, layers=1),), ("ippo",))
    [parameters] = first_networks(jax.random.key(0), own, rival.networks)
    play = frozen(own, rival.networks, (parameters,))
    there = np.ones((5, 2), bool)
    view = View(np.zeros((5, 2, 3), np.float32), there[..., None], there, there, there)
    [decision] = play.act(jax.random.key(0), (parameters,), (view,), play.memory((), 5), "greedy")
    assert decision.action.shape == (5, 2, 2)
    assert msgspec.convert(msgspec.to_builtins(rival), Rival) == rival
    old = dataclasses.replace(own, kinds=(Kind((0, 1), 3, (3,), "float32"),))
    assert Rival("them", 3, old, (DeepOptions(hidden=4),)).networks[0].greedy is choosing.greedy


def test_agents_of_other_bounds_are_no_rivals_of_these():
    boats = team(Player(network(), np.ones(2, np.float32), DeepOptions()), Player())
    own = dataclasses.replace(LAYOUT.spec, kinds=LAYOUT.spec.kinds[:1], agents=("left", "right"), team=(0, 0),
                              parameters=(0, 1), experience=(0, 1))  # fmt: skip
    own = dataclasses.replace(own, kinds=(dataclasses.replace(own.kinds[0], agents=(0, 1)),))
    theirs = boats.of(own, "them", LAYOUT.layouts[:1])
    assert theirs.parameters[0].tolist() == [1, 1]
    assert theirs.rival.algorithms == ("iql",)
    wider = dataclasses.replace(own.kinds[0], bounds=((-1.0, 1.0), (-1.0, None)))
    with pytest.raises(BadInput, match="them cannot play left, right: it sees or does something else"):
        boats.of(dataclasses.replace(own, kinds=(wider,)), "them", (Layout(),))
