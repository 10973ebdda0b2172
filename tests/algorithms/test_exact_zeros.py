"""What must not be learned from gets a gradient of exactly zero: bit for bit, or unchanged where the rest stays.

Two predators and a prey, two kinds and two teams; the mixed loss is that of weighted QMIX, which has every part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from family import FAST, equal, made_up, new_learners, of_cases, zero

from coterie.algorithms.qlearning import Parameters, Sizes, lone_loss, mixed_loss, parts, qlearning
from coterie.replay.keeping import Batch, Row, counted, keep
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions
from coterie.types import Kind, Spec

LENGTH, BATCH = 2, 24  # so three sights: the first one, and what follows each row
OPTIONS = DeepOptions(discount=0.9, n_step=2, hidden=8, layers=1, mixing=4)
KINDS = (Kind((0, 1), 3, (2,), "float32"), Kind((2,), 3, (4,), "float32"))
TWO_TEAMS = Spec(("hunter_0", "hunter_1", "prey"), KINDS, (0, 0, 1), (0, 1, 2), (0, 1, 2), (2,))
ONE_TEAM = replace(TWO_TEAMS, team=(0, 0, 0))
LOSSES = {
    "alone": ("iql", TWO_TEAMS, lone_loss),
    "mixed": ("weighted-qmix", TWO_TEAMS, mixed_loss),
    "one team": ("vdn", ONE_TEAM, mixed_loss),
}


def some_batch(spec: Spec, seed: int = 0) -> Batch:
    """Rows of nothing in particular, [LENGTH, BATCH, ..]."""
    rollout = jax.tree.map(lambda leaf: leaf[0], made_up(spec, Plan(BATCH, LENGTH), 1, seed))
    kept, _ = jax.device_get(keep(spec, rollout, jnp.zeros(BATCH, jnp.int32), "as-is"))
    within = np.ones((LENGTH, BATCH), bool)
    return with_counts(Batch(kept.kinds, (), (), kept.world, within))


def with_counts(batch: Batch) -> Batch:
    counts = tuple(np.asarray(counted(row, batch.within[..., None])) for row in batch.kinds)
    return batch._replace(counts=counts)


@cache
def gradients_of(name: str) -> tuple[Callable[..., Any], Any, Batch]:
    """(online, target, batches) -> gradients by online and by target parameters, for many cases at once."""
    algorithm, spec, loss = LOSSES[name]
    made = parts(algorithm, OPTIONS, spec)
    learner = qlearning(spec, OPTIONS, Sizes(1000, 2, 2, LENGTH), made)
    online, target = (jax.tree.map(lambda leaf: leaf[0], new_learners(learner, spec, [seed]).online) for seed in (0, 1))

    def one(online: Parameters, target: Parameters, batch: Batch) -> Any:
        return loss(spec, OPTIONS, made, online, target, batch)[0]

    program = jax.jit(jax.vmap(jax.grad(one, (0, 1))), compiler_options=FAST)
    return program, (online, target), some_batch(spec)


def gradients(name: str, *changes: Callable[[Any, Any, Batch], Any]) -> list[Any]:
    """The gradients of the plain case and of changed ones: [(by online, by target)], in numpy."""
    program, (online, target), batch = gradients_of(name)
    cases = [(online, target, batch), *(change(online, target, batch) for change in changes)]
    return of_cases(program, cases, 5)


def changed_row(batch: Batch, k: int, change: Callable[[Row], Row]) -> Batch:
    """The batch with one kind's rows changed; what counts is worked out again."""
    kinds = tuple(change(row) if place == k else row for place, row in enumerate(batch.kinds))
    return with_counts(batch._replace(kinds=kinds))


def agent(tree: Any, place: int) -> Any:
    """One agent's part of a kind's networks."""
    return jax.tree.map(lambda leaf: leaf[place], tree)


EVERY = pytest.mark.parametrize("name", LOSSES)


@EVERY
def test_no_gradient_passes_through_the_targets(name):
    ((online, target),) = gradients(name)
    assert zero(target)
    assert not any(zero(part) for part in (*online.agents, *jax.tree.leaves((online.mixers, online.central))))


def on(change: Callable[[Batch], Batch]) -> Any:
    """A change of the batch alone."""
    return lambda online, target, batch: (online, target, change(batch))


@EVERY
def test_what_the_dead_see_changes_nothing_and_their_networks_rest(name):
    def haunted(row: Row) -> Row:
        """Another sight wherever nothing is decided on it and nobody is left to decide."""
        decides_later = np.concatenate([row.valid[1:], np.zeros_like(row.valid[:1])])
        unread = ~row.next_alive & ~decides_later
        assert unread.any()
        return row._replace(
            obs=np.where(row.valid[..., None], row.obs, row.obs + 100),
            next_obs=np.where(unread[..., None], row.next_obs + 100, row.next_obs),
        )

    def risen(row: Row) -> Row:
        alive = np.ones_like(row.alive)
        return haunted(row)._replace(alive=alive, valid=alive, next_alive=alive)

    def unborn(row: Row) -> Row:
        """The first agent takes part nowhere."""
        here = np.arange(row.alive.shape[-1]) != 0
        return row._replace(alive=row.alive & here, valid=row.valid & here, next_alive=row.next_alive & here)

    plain, other, shown, without = gradients(
        name, *(on(lambda batch, change=change: changed_row(batch, 0, change)) for change in (haunted, risen, unborn))
    )
    assert equal(plain, other)
    assert not equal(plain, shown)
    (online, _) = without
    assert zero(agent(online.agents[0], 0))
    assert not zero(agent(online.agents[0], 1))
    if name == "mixed":
        assert zero(agent(online.central[0][0], 0))
        assert not zero(agent(online.central[0][0], 1))


@EVERY
def test_illegal_actions_get_no_gradient_and_no_say(name):
    def without_the_last(row: Row) -> Row:
        legal = np.arange(3) < 2
        return row._replace(action=row.action % 2, next_legal=row.next_legal & legal | (np.arange(3) == 0))

    def forbidden(batch: Batch) -> Batch:
        return changed_row(changed_row(batch, 0, without_the_last), 1, without_the_last)

    def praised(parameters: Parameters) -> Parameters:
        """Networks that hold much of the last action."""

        def one(network: Any) -> Any:
            much = network.top.bias + 100 * (np.arange(3) == 2).astype(np.float32)
            return eqx.tree_at(lambda own: own.top.bias, network, much)

        central = (tuple(map(one, parameters.central[0])), parameters.central[1]) if parameters.central else ()
        return parameters._replace(agents=tuple(map(one, parameters.agents)), central=central)

    plain, other, shown = gradients(
        name,
        on(forbidden),
        lambda online, target, batch: (praised(online), praised(target), forbidden(batch)),
        lambda online, target, batch: (praised(online), praised(target), batch),
    )[1:]
    assert equal(plain, other)
    assert not equal(plain, shown)
    for network, allowed in zip(plain[0].agents, shown[0].agents, strict=True):
        assert zero((network.top.weight[:, 2], network.top.bias[:, 2]))
        assert not zero(network.top.bias[:, :2])
        assert not zero(allowed.top.bias[:, 2])


def test_who_learns_alone_does_not_hear_of_the_others():
    def other_life(row: Row) -> Row:
        """The first hunter sees and earns something else."""
        own = np.arange(2) == 0
        return row._replace(obs=row.obs + own[:, None], reward=row.reward + own)

    for name in ("alone", "one team"):
        plain, other = gradients(name, on(lambda batch: changed_row(batch, 0, other_life)))
        assert not equal(agent(plain[0].agents[0], 0), agent(other[0].agents[0], 0))
        for k, place in ((0, 1), (1, 0)):
            unmoved = equal(agent(plain[0].agents[k], place), agent(other[0].agents[k], place))
            assert unmoved == (name == "alone")


def test_predators_are_never_added_to_prey():
    def other_prey(batch: Batch) -> Batch:
        """The prey sees, does and earns something else."""
        changed = changed_row(batch, 1, lambda row: row._replace(obs=row.obs + 1, action=(row.action + 1) % 3))
        world = batch.world._replace(reward=batch.world.reward + (np.arange(batch.world.reward.shape[-1]) == 1))
        return changed._replace(world=world)

    def other_mind(online: Parameters, target: Parameters, batch: Batch) -> Any:
        """The prey has other networks."""
        change = lambda own: own._replace(agents=(own.agents[0], jax.tree.map(lambda leaf: leaf + 1, own.agents[1])))  # noqa: E731
        return change(online), change(target), batch

    def of_predators(found: Any) -> Any:
        online, _ = found
        return online.agents[0], online.mixers[:1], online.central and (online.central[0][0], online.central[1][0])

    for name in ("mixed", "one team"):
        plain, *others = gradients(name, on(other_prey), other_mind)
        for other in others:
            assert not equal(plain[0].agents[1], other[0].agents[1])
            assert equal(of_predators(plain), of_predators(other)) == (name == "mixed")


@EVERY
@pytest.mark.parametrize("border", ["ring", "boundary"])
def test_rows_beyond_a_boundary_or_beyond_the_ring_change_nothing(name, border):
    def another_end(batch: Batch) -> Batch:
        """The last row tells of something else."""
        late = np.arange(LENGTH) == LENGTH - 1

        def row(own: Row) -> Row:
            wide = late[:, None, None]
            return own._replace(
                action=(own.action + wide) % 3, reward=own.reward + wide, next_obs=own.next_obs + wide[..., None]
            )

        batch = changed_row(changed_row(batch, 0, row), 1, row)
        world = batch.world
        later = late[:, None, None]
        return batch._replace(world=world._replace(reward=world.reward + later, next_state=world.next_state + later))

    def bordered(batch: Batch, there: bool) -> Batch:
        """Everybody takes part, and between the rows lies a border, or none."""
        if border == "ring":
            within = np.ones_like(batch.within)
            within[-1] = not there
            batch = batch._replace(within=within)
        last = np.zeros((LENGTH, BATCH, 1), bool)
        last[0] = there and border == "boundary"

        def row(own: Row) -> Row:
            ones = np.ones_like(own.valid)
            return own._replace(
                valid=ones, alive=ones, next_alive=ones, discount=ones.astype(np.float32), last=ones & last
            )

        world = batch.world
        ones = np.ones_like(world.valid)
        team = world._replace(valid=ones, discount=ones.astype(np.float32), last=ones & last)
        return changed_row(changed_row(batch._replace(world=team), 0, row), 1, row)

    apart, apart_too, near, near_too = gradients(
        name,
        on(lambda batch: bordered(batch, True)),
        on(lambda batch: bordered(another_end(batch), True)),
        on(lambda batch: bordered(batch, False)),
        on(lambda batch: bordered(another_end(batch), False)),
    )[1:]
    assert equal(apart, apart_too)
    assert not equal(near, near_too)
