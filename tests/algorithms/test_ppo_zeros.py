"""What must not be learned from gets a gradient of exactly zero: bit for bit, or unchanged where the rest stays.

Three agents of a kind and one of another, each with networks of its own; the first and the second share experience
where it is shared. A gradient is that of a whole rollout: study, then loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import equinox as eqx
import jax
import numpy as np
import pytest
from family import FAST, equal, of_cases, zero
from policy_family import made_up_learner, made_up_rollout

from coterie.algorithms.ppo import Learner, loss, parts, ppo, study
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions
from coterie.types import Kind, Rollout, Sizes, Spec, Transition

KINDS = Kind((0, 1, 2), 3, (2,), "float32"), Kind((3,), 3, (4,), "float32")
SPEC = Spec(("a", "b", "c", "d"), KINDS, (0, 0, 0, 0), (0, 1, 2, 3), (0, 0, 1, 2), (2,))
OPTIONS = DeepOptions(
    discount=0.9, trace=0.8, hidden=6, layers=1, environments=6, rows=4, minibatches=1, value_clip=0.2, entropy=0.1
)
SHARING = {"ippo": "none", "mappo": "none", "seac": "teams"}
EVERY = pytest.mark.parametrize("name", SHARING)
Case = tuple[Learner, Rollout]


@cache
def program(name: str) -> tuple[Any, Case]:
    """(learners, rollouts) -> gradients by actors and critics, for many cases at once; and a plain case."""
    options = replace(OPTIONS, share_experience=SHARING[name])
    made = parts(name, options, SPEC)
    own = ppo(SPEC, options, Sizes(1000, 6, 4, 4), made)

    def one(learner: Learner, rollout: Rollout) -> Any:
        batch, before, _, _ = study(SPEC, options, made, learner, rollout)
        return jax.grad(lambda online: loss(SPEC, options, made, online, batch, before, 0.1)[0])(learner.online)

    plain = made_up_learner(own, SPEC), made_up_rollout(SPEC, Plan(6, 4))
    return jax.jit(jax.vmap(one), compiler_options=FAST), plain


def gradients(name: str, *changes: Callable[[Learner, Rollout], Case]) -> list[Any]:
    """The gradients of the plain case and of changed ones."""
    run, plain = program(name)
    return of_cases(run, [plain, *(change(*plain) for change in changes)], 4)


def agent(found: Any, k: int, place: int) -> Any:
    """One agent's part of the gradients: its actor and its critic."""
    return jax.tree.map(lambda leaf: leaf[place], (found.agents[k], found.critics[k]))


def on(change: Callable[[Transition], Transition], kinds: tuple[int, ...] = (0,)) -> Any:
    """A change of the rows of these kinds."""

    def of(learner: Learner, rollout: Rollout) -> Case:
        changed = [change(t) if k in kinds else t for k, t in enumerate(rollout.kinds)]
        return learner, rollout._replace(kinds=tuple(changed))

    return of


@EVERY
def test_rows_that_are_not_valid_teach_nothing(name):
    def haunted(t: Transition) -> Transition:
        """Everything is another where nothing was decided."""
        off = ~t.valid
        view = t.view._replace(
            obs=np.where(off[..., None], t.view.obs + 100, t.view.obs), legal=t.view.legal | off[..., None]
        )
        after = t.next._replace(obs=np.where(off[..., None], t.next.obs - 50, t.next.obs))
        extras = t.extras._replace(
            raw=np.where(off, 1, t.extras.raw),
            log_probability=np.where(off, -30, t.extras.log_probability).astype("f4"),
        )
        return t._replace(view=view, next=after, extras=extras, reward=np.where(off, 9, t.reward).astype("f4"))

    def risen(t: Transition) -> Transition:
        return haunted(t)._replace(valid=np.ones_like(t.valid))

    plain, other, shown = gradients(name, on(haunted, (0, 1)), on(risen, (0, 1)))
    assert equal(plain, other)
    assert not equal(plain, shown)
    assert not any(zero(agent(plain, 0, place)) for place in range(3))


@EVERY
def test_who_takes_part_nowhere_learns_nothing(name):
    def without(place: int) -> Any:
        def unborn(t: Transition) -> Transition:
            here = np.arange(3) != place
            return t._replace(
                valid=t.valid & here, last=t.last & here, reward=t.reward * here, discount=t.discount * here
            )

        return on(unborn)

    first, third = gradients(name, without(0), without(2))[1:]
    assert zero(agent(third, 0, 2))
    assert not any(zero(agent(third, 0, place)) for place in (0, 1))
    assert zero(agent(first, 0, 0)) == (name != "seac")  # who shares learns from its friend
    assert not zero(agent(first, 1, 0))


@EVERY
def test_illegal_actions_get_no_gradient_and_no_say(name):
    def forbidden(t: Transition) -> Transition:
        """The last action is legal nowhere, and was never taken."""
        legal = t.view.legal & (np.arange(3) < 2)
        legal[..., 0] |= ~legal.any(-1)
        raw = np.where(np.take_along_axis(legal, t.action[..., None], -1)[..., 0], t.action, legal.argmax(-1))
        return t._replace(view=t.view._replace(legal=legal), extras=t.extras._replace(raw=raw.astype(np.int32)))

    def praised(learner: Learner, rollout: Rollout) -> Case:
        """Networks that would nearly always do it."""
        much = lambda own: eqx.tree_at(  # noqa: E731
            lambda own: own.top.bias, own, own.top.bias + 100 * (np.arange(3) == 2).astype("f4")
        )
        online = learner.online._replace(agents=tuple(map(much, learner.online.agents)))
        return on(forbidden, (0, 1))(learner._replace(online=online), rollout)

    allowed, plain, other = gradients(name, on(forbidden, (0, 1)), praised)
    assert equal(plain, other)
    for k in range(2):
        top = plain.agents[k].top
        assert zero((top.weight[:, 2], top.bias[:, 2]))
        assert not zero(top.bias[:, :2])
        assert not zero(allowed.agents[k].top.bias[:, 2])


@EVERY
def test_nobody_but_friends_hears_of_what_an_agent_lives_through(name):
    own = np.arange(3) == 0

    def other_life(t: Transition) -> Transition:
        """The first agent earns something else, does something else, and is surprised."""
        raw = np.where(own, t.view.legal.argmax(-1), t.extras.raw).astype(np.int32)
        extras = t.extras._replace(raw=raw, log_probability=t.extras.log_probability - own.astype("f4"))
        return t._replace(reward=(t.reward + own).astype("f4"), extras=extras)

    def other_mind(learner: Learner, rollout: Rollout) -> Case:
        """The first agent has other networks."""
        change = lambda leaf: leaf + own.reshape(-1, *(1,) * (leaf.ndim - 1)).astype("f4")  # noqa: E731
        online = learner.online
        changed = [jax.tree.map(change, networks[0]) for networks in online]
        return learner._replace(
            online=type(online)(*((one, *networks[1:]) for one, networks in zip(changed, online, strict=True)))
        ), rollout

    plain, life, mind = gradients(name, on(other_life), other_mind)
    assert not equal(agent(plain, 0, 0), agent(life, 0, 0))
    assert not equal(agent(plain, 0, 0), agent(mind, 0, 0))
    assert equal(agent(plain, 0, 1), agent(life, 0, 1)) == (name != "seac")
    for k, place in ((0, 2), (1, 0)):
        assert equal(agent(plain, k, place), agent(life, k, place))
    for k, place in ((0, 1), (0, 2), (1, 0)):  # and of what it holds itself, nobody
        assert equal(agent(plain, k, place), agent(mind, k, place))


@EVERY
def test_a_critic_that_may_move_a_little_learns_while_the_scale_of_its_values_does(name):
    """What it told stands on the scale of then, as what it tells now; held against the new one it could not move."""
    far = on(lambda t: t._replace(reward=np.where(t.valid, t.reward + 100, t.reward).astype("f4")), (0, 1))
    found = gradients(name, far)[1]
    for k, place in ((0, 0), (0, 1), (0, 2), (1, 0)):
        assert not zero(agent(found, k, place)[1])
