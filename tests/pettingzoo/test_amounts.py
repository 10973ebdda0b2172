"""Actions that are amounts: as spaces say them, in joint actions, and in books that are kept by hand."""

from pathlib import Path

import amount_worlds
import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Tuple
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import coterie
from coterie.algorithms.fixed import fixed
from coterie.errors import BadInput, EnvironmentFault
from coterie.partitions import joint_action
from coterie.pettingzoo.driving.drive import told_as
from coterie.pettingzoo.forms.direct import Direct
from coterie.pettingzoo.making.sources import make_env, make_worlds
from coterie.pettingzoo.reading.agents import read
from coterie.pettingzoo.reading.layouts import Layout, decoder
from coterie.pettingzoo.reading.spaces import chosen, numbered
from coterie.pettingzoo.tables.tabulate import tabulate
from coterie.running.deep.recording import amounts_of
from coterie.running.episodes import read_recording
from coterie.running.roads import outside, start_outside, train_outside
from coterie.running.rollout import Plan
from coterie.types import Kind, Spec

PLACE = Path(amount_worlds.__file__)
LARGEST = float(np.finfo(np.float32).max)


def worlds(name, count=1, workers=0, options=None, **more):
    return make_worlds(f"{PLACE}:make_{name}", options or {}, count, workers, **more)


def kind_of(space):
    found = chosen(space, "a")
    return Kind((0,), found.count, (1,), "float32", choices=found.choices, bounds=found.bounds)


# Spaces


def test_bounds_are_kept_as_plain_numbers():
    found = chosen(Box(np.array([0, -np.inf, -1], np.float32), np.array([np.inf, 5, 1], np.float32)), "a")
    assert found.bounds == ((0.0, None), (None, 5.0), (-1.0, 1.0))
    kind = kind_of(Box(np.array([0, -np.inf, -1], np.float32), np.array([np.inf, 5, 1], np.float32)))
    assert (kind.low, kind.high) == ((0.0, -np.inf, -1.0), (np.inf, 5.0, 1.0))
    assert (kind.actions, kind.action_shape, kind.action_dtype) == (1, (3,), "float32")
    assert chosen(Box(-np.inf, np.inf, (2,)), "a").bounds == (None, None)
    assert chosen(Box(-LARGEST, LARGEST, (1,)), "a").bounds == (None,)  # what stands for infinity elsewhere
    layout = Layout(chosen=chosen(Box(-1, 1, (2, 3), np.float64), "a"))
    assert msgspec.json.decode(msgspec.json.encode(layout), type=Layout) == layout
    again = msgspec.json.decode(msgspec.json.encode(kind), type=Kind)
    assert again == kind


def test_several_choices_are_known_one_by_one():
    assert kind_of(MultiDiscrete([3, 2])).choices == (3, 2)
    assert kind_of(MultiBinary(3)).choices == (2, 2, 2)
    assert kind_of(Tuple((Discrete(4), Discrete(2)))).choices == (4, 2)
    assert kind_of(Dict(b=Discrete(2), a=Discrete(5))).choices == (2, 5)  # in the space's own order of its keys
    assert kind_of(Discrete(7)).choices == kind_of(Box(-1, 1, (2,))).choices == ()


def test_the_last_choice_changes_fastest():
    space = Dict(b=Discrete(2), a=Discrete(5))
    decode, kind = decoder(chosen(space, "a")), kind_of(space)
    for number in range(kind.actions):
        assert tuple(decode(number).values()) == np.unravel_index(number, kind.choices)


@pytest.mark.parametrize(
    "space, says",
    [
        (Box(0, 255, (2,), np.uint8), "of uint8; expected amounts in float32 or float64"),
        (Box(-1, 1, (2,), np.float16), "of float16; expected amounts in float32 or float64"),
        (Box(-1, 1, ()), r"of the shape \(\); expected one to 256 amounts"),
        (Box(-1, 1, (0,)), r"of the shape \(0,\); expected one to 256 amounts"),
        (Box(-1, 1, (257,)), r"of the shape \(257,\); expected one to 256 amounts"),
        (Box(0.1, 0.1, (1,), np.float64), "no number of float32 lies within one of its bounds"),
        (Box(1e300, 1e301, (1,), np.float64), "no number of float32 lies within one of its bounds"),
        (Tuple((Discrete(2), Box(-1, 1, (1,)))), "expected Discrete parts only"),
        (Dict(push=Box(-1, 1, (1,))), "expected Discrete parts only"),
    ],
)
def test_what_cannot_be_amounts_is_refused(space, says):
    with pytest.raises(BadInput, match=f"agent 'ann' has the action space .*{says}"):
        chosen(space, "ann")


@pytest.mark.parametrize("space", [MultiDiscrete([[3, 2], [2, 2]]), MultiBinary((2, 2))])
def test_choices_stand_in_one_row(space):
    with pytest.raises(BadInput, match=r"agent 'ann' has an action space of shape \(2, 2\); expected one axis"):
        chosen(space, "ann")


def test_amounts_are_no_numbered_actions():
    with pytest.raises(BadInput, match="only a finite number of actions can be valued") as refused:
        numbered(Box(-1, 1, (1,)), "a", amount_worlds.Rafts())
    assert str(refused.value).endswith("; ask the environment for them: --env.continuous false")
    with pytest.raises(BadInput, match=r"agent 'a' has the action space .* only a finite number of actions"):
        tabulate(amount_worlds.Rafts())
    assert len(tabulate(FewRafts()).states)


class FewRafts(amount_worlds.Rafts):
    """The same in numbers, and always the same: it has a table."""

    def __init__(self):
        super().__init__(False)

    def seen(self):
        self.wanted = dict.fromkeys(self.possible_agents, np.zeros(1, np.float32))
        return {agent: self.wanted[agent] for agent in self.agents}


ends = st.floats(allow_nan=False, allow_infinity=False, width=64, min_value=-1e30, max_value=1e30)
pairs_of_ends = st.lists(st.tuples(ends, ends), min_size=1, max_size=4)


@given(pairs_of_ends, st.sampled_from([np.float32, np.float64]), st.data())
def test_no_float32_within_the_kinds_bounds_leaves_the_space(pairs, dtype, data):
    """Rounded inward: of float64, too, whose ends float32 cannot hold."""
    low, high = np.sort(np.array(pairs, dtype).T, axis=0) + dtype(0)  # no -0.0
    assume((high - low > 1e-3 * np.maximum(np.abs(low), np.abs(high))).all())
    assume((high - low > 1e-37).all())
    space = Box(low, high, dtype=dtype)
    found = chosen(space, "a")
    kind, decode = Kind((0,), 1, (1,), "float32", bounds=found.bounds), decoder(found)
    row = np.array([
        data.draw(st.one_of(st.sampled_from([low, high]), st.floats(low, high, width=32)))
        for low, high in zip(kind.low, kind.high, strict=True)
    ], np.float32)  # fmt: skip
    action = decode([*row.tolist(), 99.0])
    assert action.dtype == dtype
    assert space.contains(action)
    np.testing.assert_array_equal(action, row.astype(dtype))
    width = np.max(np.abs(np.stack([low, high])).astype(float), axis=0)
    assert (np.array(kind.low) - low.astype(float) <= 1e-6 * width + 1e-40).all()  # and no further than need be


def test_an_action_has_its_spaces_own_shape():
    decode = decoder(chosen(Box(-1, 1, (2, 2), np.float64), "a"))
    assert decode([0.5, -0.25, 1.0, 0.0, 7.0]).tolist() == [[0.5, -0.25], [1.0, 0.0]]
    assert decode(np.arange(4, dtype=np.float32) / 4).dtype == np.float64


# Joint actions

MIXED = Spec(
    tuple("abcd"),
    (
        Kind((1, 3), 1, (1,), "float32", bounds=(None, (0.0, 1.0))),
        Kind((0,), 5, (1,), "float32"),
        Kind((2,), 1, (1,), "float32", bounds=(None, None, None)),
    ),
    (0,) * 4,
    tuple(range(4)),
    tuple(range(4)),
)
numbers32 = st.floats(width=32, allow_nan=False)


@settings(deadline=None)  # the first call compiles
@given(arrays(np.float32, (2, 2, 2), elements=numbers32), arrays(np.int32, (2, 1), elements=st.integers(0, 4)),
       arrays(np.float32, (2, 1, 3), elements=numbers32))  # fmt: skip
def test_a_joint_action_holds_everybodys_own(pair, single, three):
    """Each agent's own row comes back, with either library; what stands behind it is zero."""
    assert MIXED.action_shape == (3,)
    assert amounts_of(MIXED) == (0, 2, 3, 2)
    for xp in (np, jnp):
        joint = np.asarray(joint_action(MIXED, tuple(map(xp.asarray, (pair, single, three)))))
        assert (joint.shape, joint.dtype) == ((2, 4, 3), np.float32)
        np.testing.assert_array_equal(joint[:, [1, 3], :2], pair)
        np.testing.assert_array_equal(joint[:, 0], np.pad(single.astype(np.float32), ((0, 0), (0, 2))))
        np.testing.assert_array_equal(joint[:, 2], three[:, 0])
        assert (joint[:, [1, 3], 2] == 0).all()


def test_what_everybody_did_can_be_read_from_a_row():
    reading = read(amount_worlds.Boats())
    assert reading.spec.action_shape == (2,)
    assert reading.decoders[0]([0.25, 2.0]).tolist() == [0.25, 2.0]
    assert reading.decoders[1]([1.0, 0.0]) == 6
    assert told_as(reading, 1, 7).tolist() == [2, 0]
    assert told_as(reading, 2, np.array([0.25, 1e300])).tolist() == [0.25, LARGEST]


# Books by hand


def rollout_of(drive, joint, rows, bounds=None):
    """One world played by the same joint action, given by kind: its only rollout."""
    spec = drive.spec

    def act(key, policy, views, memory, mode):
        told = fixed(spec, (0,) * len(spec.agents)).act(key, policy, views, memory, mode)
        return tuple(
            one._replace(action=jnp.broadcast_to(jnp.asarray(own, one.action.dtype), one.action.shape))
            for one, own in zip(told, joint, strict=True)
        )

    algorithm = fixed(spec, None)._replace(act=act, update=lambda key, learner, rollout, clock: (learner, rollout))
    parts = outside(algorithm, spec, Plan(1, rows))
    run, sight = start_outside(parts, drive, 0)
    told = train_outside(parts, drive, 0, run, sight, 1)[2][0][0]
    return jax.tree.map(np.asarray, told)


def test_a_boat_earns_what_it_gives():
    """Three steps, or more by the seed; the pilot may not choose its first number after an odd step."""
    drive = worlds("boats")
    boats, pilot = drive.spec.kinds
    assert (boats.agents, pilot.agents) == ((0, 2), (1,))
    assert boats.bounds[0] == (pytest.approx(-0.1), pytest.approx(0.3))
    assert boats.bounds[0][0] >= -0.1
    assert boats.bounds[0][1] <= 0.3
    assert boats.bounds[1] == (-1.0, None)
    assert (boats.actions, pilot.actions, pilot.bounds) == (1, 3, ())
    drive.reset(np.array([3]))  # 6 steps, of which `right` takes two
    given = np.array([[[0.25, 2.0], [1, 0], [-0.0625, 0.5]]], np.float32)
    total, paid = 0.0, []
    for step in range(6):
        outcome, shown = drive.step(given, np.array([7]))
        paid.append(outcome.reward[0].tolist())
        total += 2.25 + 6 + (0.4375 if step < 2 else 0)
        assert outcome.next.obs[0][0, 0].tolist() == [step + 1, 3, total]
        assert outcome.next.legal[1][0, 0].tolist() == [step % 2 == 1, True, True]
        assert outcome.next.legal[0].shape == (1, 2, 1)
        assert outcome.next.legal[0].all()
    assert paid == [[20.25, 6.0, 4.9375]] * 2 + [[20.25, 6.0, 0.0]] * 4
    assert outcome.over.tolist() == [True]
    assert shown.obs[0][0, 0].tolist() == [0, 7, 0]


def test_transitions_hold_the_rows_that_were_given():
    drive = worlds("boats")
    rollout = rollout_of(drive, ([[0.25, 2.0], [-0.0625, 0.5]], [1]), 4)
    boats, pilot = rollout.kinds
    assert (boats.action.shape, boats.action.dtype) == ((4, 1, 2, 2), np.float32)
    assert (pilot.action.shape, pilot.action.dtype) == ((4, 1, 1), np.int32)
    assert boats.reward[0, 0].tolist() == [20.25, 4.9375]
    assert (boats.action[:, 0] == np.array([[0.25, 2.0], [-0.0625, 0.5]], np.float32)).all()


def test_in_turns_each_is_paid_until_its_own_next_turn():
    """first gives 0.5 + 0.25, second gives -2: by hand, what stands between two turns of one's own."""
    drive = worlds("barter")
    assert [kind.bounds for kind in drive.spec.kinds] == [((-1.0, 1.0),) * 2, (None,)]
    rollout = rollout_of(drive, ([[0.5, 0.25]], [[-2.0]]), 6)
    first, second = rollout.kinds
    assert first.action.shape[-1:] == (2,)
    assert second.action.shape[-1:] == (1,)
    assert first.valid[:, 0, 0].tolist() == [False, True, False, True, False, True]
    assert first.reward[:, 0, 0].tolist() == [0, -2.75, 0, -2.75, 0, -2.75]
    assert second.valid[:, 0, 0].tolist() == [False, False, True, False, True, True]
    assert second.reward[:, 0, 0].tolist() == [0, 0, 2.75, 0, 2.75, 2.0]
    assert first.discount[:, 0, 0].tolist() == [0, 1, 0, 1, 0, 0]
    assert (first.action[first.valid] == [0.5, 0.25]).all()
    assert (second.action[second.valid] == -2.0).all()


def test_tuples_of_amounts_are_a_parallel_environment():
    drive = worlds("pairs")
    assert [kind.bounds for kind in drive.spec.kinds] == [((0.5, 2.0),), ((-1.0, 1.0),)]
    rollout = rollout_of(drive, ([[1.5]], [[-0.25]]), 3)
    assert [kind.reward[:, 0, 0].tolist() for kind in rollout.kinds] == [[1.5] * 3, [-0.25] * 3]
    assert rollout.kinds[0].last[:, 0, 0].tolist() == [False, False, True]


def test_amounts_go_below_the_wrappers_as_through_them():
    """mpe2's spread is driven directly; behind the wrapper of PettingZoo it does the same with the same amounts."""
    drive = make_worlds("mpe2:simple_spread_v3", {"continuous_actions": True}, 1)
    assert type(drive.ones[0].environment) is Direct
    wrapped, draws = make_env("mpe2:simple_spread_v3", {"continuous_actions": True}), np.random.default_rng(0)
    drive.reset(np.array([5]))
    wrapped.reset(seed=5)
    for _ in range(10):
        given = draws.random((1, 3, 5), np.float32)
        outcome, _ = drive.step(given, np.array([6]))
        seen, rewards, *_ = wrapped.step(dict(zip(wrapped.agents, given[0], strict=True)))
        assert outcome.reward[0].tolist() == np.float32(list(rewards.values())).tolist()
        np.testing.assert_array_equal(outcome.next.obs[0][0], np.float32(list(seen.values())))


@pytest.mark.parametrize("name", ["boats", "rafts", "barter", "pairs"])
@pytest.mark.parametrize("again", [True, False])
def test_a_world_that_is_made_anew_or_not_is_the_same(name, again):
    one, other = worlds(name, 2), worlds(name, 2, again=again)
    one.reset(np.arange(2))
    other.reset(np.arange(2))
    for step in range(12):
        idle = tuple(
            np.broadcast_to(np.clip(0, kind.low, kind.high).astype(np.float32), (2, len(kind.agents), len(kind.bounds)))
            if kind.bounds
            else np.ones((2, len(kind.agents)), np.int32)
            for kind in one.spec.kinds
        )
        given = joint_action(one.spec, idle)
        for a, b in zip(
            jax.tree.leaves(one.step(given, np.arange(2) + step)),
            jax.tree.leaves(other.step(given, np.arange(2) + step)),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["boats", "rafts", "barter", "pairs"])
@pytest.mark.parametrize("idle", [True, False])
def test_untrained_play_stays_within_bounds(name, idle):
    """The worlds themselves refuse what is not in their spaces."""
    drive = worlds(name, 3)
    spec = drive.spec
    algorithm = fixed(spec, (0,) * len(spec.agents) if idle else None)
    parts = outside(
        algorithm._replace(update=lambda key, learner, rollout, clock: (learner, rollout)), spec, Plan(3, 20)
    )
    run, sight = start_outside(parts, drive, 0)
    told = train_outside(parts, drive, 0, run, sight, 1)[2][0]
    assert told[1].episodes > 3
    for kind, of in zip(spec.kinds, told[0].kinds, strict=True):
        if kind.bounds and idle:
            assert (of.action == np.clip(0, kind.low, kind.high).astype(np.float32)).all()
        elif kind.bounds:
            assert len(np.unique(of.action)) > 20


# Rules of the user's


def test_a_rule_gives_amounts():
    drive = worlds("boats", rules={"left": f"{PLACE}:steady"})
    drive.reset(np.array([4]))
    given = np.array([[[0.0, 0.0], [2, 0], [0.125, 0.0]]], np.float32)
    outcome, _ = drive.step(given, np.array([0]))
    assert outcome.reward[0].tolist() == [30.25, 7.0, 0.125]
    assert drive.acted(given)[0].tolist() == [[0.25, 3], [2, 0], [0.125, 0]]
    assert given[0, 0].tolist() == [0, 0]


def test_a_rule_that_leaves_its_bounds_is_told():
    drive = worlds("boats", rules={"left": f"{PLACE}:pushy"})
    drive.reset(np.array([4]))
    with pytest.raises(EnvironmentFault, match=r"agent 'left': .*:pushy gave \[2.0, 0.0\].*expected an action of Box"):
        drive.step(np.zeros((1, 3, 2), np.float32), np.array([0]))


# Who learns


@pytest.mark.parametrize("algorithm", ["iql", "hysteretic", "vdn", "qmix", "weighted-qmix"])
def test_who_values_each_action_refuses_amounts(algorithm, tmp_path):
    with pytest.raises(BadInput, match=r"agent 'a' has the action space .* only a finite number of actions") as refused:
        coterie.train(f"{PLACE}:make_rafts", algorithm=algorithm, steps=64, warmup=8, runs=tmp_path)
    assert "--env.continuous false" in str(refused.value)
    assert str(refused.value).endswith("--algorithm ippo")


def test_only_who_learns_is_asked_for_numbers(tmp_path):
    teams = {"left": "iql", "pilot": "random", "right": "random"}
    with pytest.raises(BadInput, match="agent 'left' has the action space"):
        coterie.train(f"{PLACE}:make_boats", teams=teams, steps=64, warmup=8, runs=tmp_path)
    run = coterie.train(
        f"{PLACE}:make_boats",
        teams={**teams, "left": "idle", "pilot": "iql"},
        **{"steps": 64, "seeds": 1, "checks": 1, "check_episodes": 2, "final_episodes": 2, "hidden": 4, "layers": 1},
        **{"batch": 4, "warmup": 8, "environments": 2, "rows": 4, "runs": tmp_path, "name": "pilot", "pictures": False},
    )
    told = read_recording(run.folder / "episodes" / "greedy.jsonl").plays
    assert {play.amounts for play in told} == {(2, 0, 2)}
    assert all((play.actions[:, 0] == 0).all() for play in told)  # idle
    assert all((play.actions[:, 2] != 0).any() for play in told)
    team, env = coterie.load("pilot", runs=tmp_path), amount_worlds.Boats()
    observations, infos = env.reset(seed=1)
    while env.agents:
        actions = team.act_all(observations, infos)
        assert actions["left"].tolist() == [0, 0]
        assert actions["right"].dtype == np.float64
        observations, *_, infos = env.step(actions)
    assert env.total != 0
