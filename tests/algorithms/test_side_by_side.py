"""Algorithms side by side: each learns as it would alone, whoever plays the others."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import made_up

from coterie.algorithms.fixed import fixed
from coterie.algorithms.qlearning import Policy, Sizes, parts, qlearning
from coterie.algorithms.self_play import against_past, as_daring, self_play
from coterie.algorithms.side_by_side import Member, part, rollout_of, side_by_side, stand_in, summed_up
from coterie.algorithms.side_by_side import columns as columns_of
from coterie.partitions import join
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions
from coterie.types import Algorithm, Clock, Decision, Kind, Rollout, Spec, Transition, View, World

# Agents 0 2 3 are of one kind, 1 and 4 of another; teams (0, 1) and (2, 3, 4).
SPEC = Spec(
    tuple("abcde"),
    (Kind((0, 2, 3), 3, (2,), "float32"), Kind((1, 4), 2, (4,), "float32")),
    (0, 0, 1, 1, 1),
    tuple(range(5)),
    tuple(range(5)),
    (3,),
)
OPTIONS = DeepOptions(hidden=4, layers=1, environments=2, rows=4, batch=8, warmup=0, replay=16, reward="team-sum")
SIZES = Sizes(64, 2, 4, 1)
LEFT, RIGHT = (0, 1), (2, 3, 4)


def learner(spec, name="iql", **more):
    options = dataclasses.replace(OPTIONS, **more)
    sizes = SIZES._replace(length=3) if options.recurrent else SIZES
    return qlearning(spec, options, sizes, parts(name, options, spec))


def views(seed=0):
    rng = np.random.default_rng(seed)

    def of(kind):
        size = (2, len(kind.agents))
        there = np.ones(size, bool)
        obs = rng.normal(size=(*size, *kind.observation_shape)).astype(np.float32)
        return View(obs, np.ones((*size, kind.actions), bool), there, there, there)

    return tuple(map(of, SPEC.kinds))


def told_to_two():
    """A rollout of two members that both have agents of both kinds, remember nothing and want nothing back."""
    rollout = jax.tree.map(lambda leaf: leaf[0], made_up(SPEC, Plan(2, 4), 1))
    nothing = ((), ())
    return rollout._replace(
        kinds=tuple(kind._replace(extras=nothing) for kind in rollout.kinds), memory=(nothing, nothing)
    )


def test_a_part_has_its_own_numbers():
    right = part(SPEC, RIGHT)
    assert right.agents == ("c", "d", "e")
    assert [kind.agents for kind in right.kinds] == [(0, 1), (2,)]
    assert right.team == (0, 0, 0)
    assert right.parameters == (0, 1, 2)
    assert part(SPEC, (1, 4)).kinds == (dataclasses.replace(SPEC.kinds[1], agents=(0, 1)),)


@pytest.mark.parametrize("recurrent", [False, True])
def test_each_member_acts_and_learns_as_if_it_were_alone(recurrent):
    own = [part(SPEC, LEFT), part(SPEC, RIGHT)]
    members = [learner(own[0], "vdn", recurrent=recurrent), learner(own[1], "iql", recurrent=recurrent)]
    both = side_by_side(SPEC, [Member("left", LEFT, members[0]), Member("right", RIGHT, members[1])])
    key, clock = jax.random.key(5), Clock(jnp.uint32(8), jnp.uint32(0))
    together = both.init(key, SPEC)
    alone = [one.init(jax.random.fold_in(key, m), spec) for m, (one, spec) in enumerate(zip(members, own, strict=True))]
    policy, seen = both.policy(together, clock), views()
    decisions = both.act(key, policy, seen, both.memory(policy, 2), "explore")
    action = join(SPEC, tuple(decision.action for decision in decisions))
    for m, (one, spec, agents) in enumerate(zip(members, own, (LEFT, RIGHT), strict=True)):
        at = columns_of(SPEC, agents)
        mine = tuple(
            jax.tree.map(lambda leaf, p=p: leaf[:, list(p)], seen[k]) for k, p in zip(at.kinds, at.places, strict=True)
        )
        its = one.policy(alone[m], clock)
        wanted = one.act(jax.random.fold_in(key, m), its, mine, one.memory(its, 2), "explore")
        np.testing.assert_array_equal(action[:, list(agents)], join(spec, tuple(d.action for d in wanted)))
    rollout = told_to_two()
    after, info = jax.jit(both.update)(key, together, rollout, clock)
    for m, (one, agents, name) in enumerate(zip(members, (LEFT, RIGHT), ("left", "right"), strict=True)):
        its, told = jax.jit(one.update)(
            jax.random.fold_in(key, m), alone[m], rollout_of(rollout, columns_of(SPEC, agents), (m, m)), clock
        )
        for ours, theirs in zip(
            jax.tree.leaves(after.members[m]), jax.tree.leaves(its._replace(replay=())), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(info[f"{name}.loss"], told["loss"], rtol=1e-5)


def test_who_has_not_learned_yet_is_not_counted():
    """One before its warm-up tells zeros; the other's numbers are the run's, and nobody is taken for diverged."""
    early = {"loss": jnp.float32(0), "finite": jnp.float32(0), "learned": jnp.float32(0)}
    late = {"loss": jnp.float32(3), "finite": jnp.float32(1), "learned": jnp.float32(1), "fit": jnp.float32(0.5)}
    both = summed_up({"early": early, "late": late})
    assert (both["loss"], both["finite"], both["learned"], both["late.fit"]) == (3, 1, 1, 0.5)
    assert "fit" not in both
    assert summed_up({"late": late, "other": {**late, "finite": jnp.float32(0)}})["finite"] == 0
    assert summed_up({"late": late, "other": {**late, "loss": jnp.float32(1)}})["loss"] == 2
    assert summed_up({"early": early})["learned"] == 0
    assert summed_up({}) == {}


def test_who_learns_nothing_changes_nothing_for_the_other():
    own = part(SPEC, LEFT)
    results = []
    for rival in (fixed(part(SPEC, RIGHT), None), fixed(part(SPEC, RIGHT), (1, 1, 1))):
        both = side_by_side(SPEC, [Member("left", LEFT, learner(own)), Member("right", RIGHT, rival)])
        rollout = told_to_two()
        key, clock = jax.random.key(0), Clock(jnp.uint32(8), jnp.uint32(0))
        after, info = jax.jit(both.update)(key, both.init(key, SPEC), rollout, clock)
        results.append((after.members[0], info))
        assert "left.loss" not in info  # one learner's numbers are the run's
    for one, other in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_array_equal(one, other)


def test_some_agents_stand_in_for_others():
    algorithm = fixed(SPEC, (0, 0, 0, 0, 0))
    mixed = stand_in(SPEC, algorithm, fixed(SPEC, (1, 1, 1, 1, 1)), (1, 3))
    decisions = mixed.act(jax.random.key(0), (), views(), ((), ()), "greedy")
    assert join(SPEC, tuple(d.action for d in decisions)).tolist() == [[0, 1, 0, 1, 0]] * 2


# Agents 0 1 2 act in two amounts, 3 and 4 choose among three; a member has 0 1 3, another 2 4, the last none of a kind.
AMOUNTS = Spec(
    tuple("abcde"),
    (Kind((0, 1, 2), 1, (2,), "float32", bounds=((-1.0, 1.0), (0.0, None))), Kind((3, 4), 3, (1,), "float32")),
    (0, 0, 1, 0, 2),
    tuple(range(5)),
    tuple(range(5)),
)
THREE = {"left": (0, 1, 3), "middle": (2,), "right": (4,)}


def noting(spec, sign):
    """A toy that acts by its memory, counts its decisions in it, and wants twice its action back; learns all of it.

    By agent the memory is sign * (decisions + place / 10), with the place in its kind.
    """

    def memory(policy, environments):
        return tuple(
            jnp.broadcast_to(sign * jnp.arange(len(kind.agents)) / 10, (environments, len(kind.agents)))
            for kind in spec.kinds
        )

    def act(key, policy, seen, memory, mode):
        decisions = []
        for kind, before in zip(spec.kinds, memory, strict=True):
            action = jnp.abs(before[..., None] * jnp.ones(len(kind.bounds))) if kind.bounds else before.astype("int32")
            decisions.append(Decision(action, before + sign, {"twice": 2 * action}))
        return tuple(decisions)

    def update(key, learner, rollout, clock):
        told = [(kind.action, kind.extras["twice"], memory) for kind, memory in zip(*rollout[::2], strict=True)]
        return tuple(told), {}

    nothing = lambda *arguments: ()  # noqa: E731
    return Algorithm(nothing, nothing, memory, act, update)


def test_members_get_back_their_own_extras_and_memories():
    signs = {"left": 1, "middle": -1, "right": 5}
    members = [Member(name, agents, noting(part(AMOUNTS, agents), signs[name])) for name, agents in THREE.items()]
    both = side_by_side(AMOUNTS, members)
    there = {size: np.ones((2, size), bool) for size in (2, 3)}
    seen = (
        View(np.zeros((2, 3, 2), np.float32), np.ones((2, 3, 1), bool), *[there[3]] * 3),
        View(np.zeros((2, 2, 1), np.float32), np.ones((2, 2, 3), bool), *[there[2]] * 3),
    )
    memory, rows = both.memory(((), (), ()), 2), []
    start = memory
    for _ in range(3):
        decisions = both.act(jax.random.key(0), ((), (), ()), seen, memory, "explore")
        memory = tuple(decision.memory for decision in decisions)
        rows.append(decisions)
    amounts, numbers = (decision.action for decision in rows[2])
    assert (amounts.shape, str(amounts.dtype)) == ((2, 3, 2), "float32")
    assert (numbers.shape, str(numbers.dtype)) == ((2, 2), "int32")
    np.testing.assert_allclose(amounts[0, :, 0], [2.0, 2.1, 2.0], rtol=1e-6)
    assert numbers.tolist() == [[2, 10]] * 2
    told = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)
    flags = jnp.ones((3, 2, 3))
    kinds = tuple(
        Transition(view, d.action, d.extras, flags[..., :n], flags[..., :n], view, flags[..., :n], flags[..., :n])
        for view, d, n in zip(jax.tree.map(lambda leaf: np.stack([leaf] * 3), seen), told, (3, 2), strict=True)
    )
    rollout = Rollout(kinds, World(jnp.zeros((3, 2, 0)), jnp.zeros((3, 2, 0)), flags, flags, flags), start)
    after, _ = both.update(jax.random.key(0), both.init(jax.random.key(0), AMOUNTS), rollout, None)
    for (name, agents), (own, *rest) in zip(THREE.items(), after.members, strict=True):
        action, twice, before = own
        assert action.shape[:3] == twice.shape[:3] == (3, 2, len([a for a in agents if a < 3]) or 1), name
        np.testing.assert_array_equal(twice, 2 * action)
        assert len(rest) == (name == "left")
        assert before.shape == action.shape[1:3]
    np.testing.assert_allclose(after.members[0][0][2], [[0, 0.1]] * 2)  # the first one's own, in its own places
    assert after.members[2][0][0][:, 0, 0].tolist() == [0, 5, 10]


def test_amounts_stand_in_for_amounts():
    mixed = stand_in(AMOUNTS, fixed(AMOUNTS, (1,) * 5), fixed(AMOUNTS, None), (1, 4))
    there = np.ones((4, 3), bool)
    seen = (
        View(np.zeros((4, 3, 2), np.float32), there[..., None], there, there, there),
        View(np.zeros((4, 2, 1), np.float32), np.ones((4, 2, 3), bool), *[there[:, :2]] * 3),
    )
    amounts, numbers = (d.action for d in mixed.act(jax.random.key(0), (), seen, ((), ()), "greedy"))
    assert (amounts[:, [0, 2]] == 0).all()
    assert (amounts[:, 1] != 0).all()
    assert (numbers[:, 0] == 1).all()


def numbered(spec):
    """An algorithm that acts by how many updates it has seen: its policy is that number."""
    still = fixed(spec, None)

    def act(key, policy, seen, memory, mode):
        told = still.act(key, (), seen, memory, mode)
        return tuple(d._replace(action=jnp.full_like(d.action, policy)) for d in told)

    return still._replace(
        init=lambda key, of: jnp.int32(0),
        policy=lambda learner, clock: learner,
        act=act,
        update=lambda key, learner, rollout, clock: (learner + 1, {}),
    )


def test_half_of_the_environments_are_played_against_the_past():
    spec = Spec(("x", "y"), (Kind((0, 1), 99, (1,), "float32"),), (0, 1), (0, 1), (0, 1))
    algorithm = self_play(spec, numbered(spec), slots=3, every=2)
    learner = algorithm.init(jax.random.key(0), spec)
    for updates in range(12):
        learner, _ = algorithm.update(jax.random.key(0), learner, None, Clock(jnp.uint32(0), jnp.uint32(updates)))
    assert np.asarray(learner.past).tolist() == [8, 10, 12]  # after updates 8, 10 and 12; older ones were replaced
    policy = algorithm.policy(learner, Clock(jnp.uint32(0), jnp.uint32(12)))
    there = np.ones((8, 2), bool)
    seen = (View(np.zeros((8, 2, 1), np.float32), np.ones((8, 2, 99), bool), there, there, there),)
    explored = np.asarray(algorithm.act(jax.random.key(1), policy, seen, ((),), "explore")[0].action)
    assert (explored[:4] == 12).all()
    for place, row in enumerate(explored[4:], start=4):
        assert row[place % 2] == 12  # one seat is the present
        assert row[1 - place % 2] in (8, 10, 12)
    assert len(set(explored[4:].ravel().tolist())) > 1
    greedy = np.asarray(algorithm.act(jax.random.key(1), policy, seen, ((),), "greedy")[0].action)
    assert (greedy == 12).all()
    alone = tuple(jax.tree.map(lambda leaf: leaf[:1], view) for view in seen)
    assert (np.asarray(algorithm.act(jax.random.key(1), policy, alone, ((),), "explore")[0].action) == 12).all()
    others = {
        tuple(
            np.asarray(
                algorithm.act(jax.random.key(1), policy._replace(salt=jnp.uint32(salt)), seen, ((),), "explore")[
                    0
                ].action
            ).ravel()
        )
        for salt in range(5)
    }
    assert len(others) > 1  # each seed draws opponents of its own


@pytest.mark.parametrize("environments", [4, 5, 8])
def test_each_team_is_seated_as_the_present_among_the_past(environments):
    """Whose action is the present's, in the environments that are played against the past."""
    spec = Spec(("x", "y"), (Kind((0, 1), 99, (1,), "float32"),), (0, 1), (0, 1), (0, 1))
    algorithm = self_play(spec, numbered(spec), slots=1, every=1)
    learner = algorithm.init(jax.random.key(0), spec)
    for updates in range(3):
        learner, _ = algorithm.update(jax.random.key(0), learner, None, Clock(jnp.uint32(0), jnp.uint32(updates)))
    learner = learner._replace(past=jnp.zeros_like(learner.past))
    policy = algorithm.policy(learner, Clock(jnp.uint32(0), jnp.uint32(3)))
    there = np.ones((environments, 2), bool)
    seen = (
        View(np.zeros((environments, 2, 1), np.float32), np.ones((environments, 2, 99), bool), there, there, there),
    )
    told = np.asarray(algorithm.act(jax.random.key(1), policy, seen, ((),), "explore")[0].action)
    past = told[environments - against_past(environments) :]
    assert {int(np.flatnonzero(row == 3)[0]) for row in past} == {0, 1}
    assert (np.sort(past, 1) == [0, 3]).all()


def test_the_past_explores_as_little_as_the_present_does():
    past, present = Policy((), jnp.float32(0.9)), Policy((), jnp.float32(0.1))
    assert as_daring(past, present).epsilon == present.epsilon
    assert as_daring(jnp.int32(3), jnp.int32(4)) == 3
