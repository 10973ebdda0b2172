"""Named ways of sharing experience, as what a learner needs: a rule, what is offered, and who only studies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp

from coterie.replay import sharing
from coterie.types import Array, Kind, Spec

CANDIDATES = 16  # draws of which a selective learner takes the first that it may see
WINDOW = 1_500  # errors of late that say what is surprising (Gerstgrasser et al. 2023)


class Sharing(NamedTuple):
    """Who studies whose experience.

    rule(spec, kind) -> the rule of replay/sharing.py for the learners of one kind
    offer(key, errors float[T, E, N], valid bool[T, E, N], window float[W, N]) -> offered bool[T, E, N], window; None:
    nothing is filtered. candidates: draws K given to the rule. students: learners beyond the agents, who never act.
    terminal_mask: False bootstraps through endings, which is what SEQL's published code does.
    """

    rule: Callable[[Spec, Kind], Callable[..., sharing.Draw]]
    offer: Callable[..., tuple[Array, Array]] | None = None
    candidates: int = 1
    window: int = 0
    students: int = 0
    terminal_mask: bool = True


def named(name: str, share: float) -> Sharing | None:
    """The sharing of an option `--share-experience`; None: each learns from its own."""
    if name == "none":
        return None
    if name in ("quantile", "random"):
        offer = surprising if name == "quantile" else by_chance
        return Sharing(
            lambda spec, kind: sharing.selective(sharing.pooled(len(kind.agents))),
            partial(offer, share=share),
            CANDIDATES,
            WINDOW,
        )
    if name.startswith("seql"):
        published = name == "seql-as-published"

        def rule(spec: Spec, kind: Kind) -> Callable[..., sharing.Draw]:
            count = len(kind.agents)
            return sharing.stratified(count, max(1.0, count - 1.0) if published else 1.0)

        return Sharing(rule, terminal_mask=not published)
    if name == "pooled":
        return Sharing(lambda spec, kind: sharing.matrix(sharing.pooled(len(kind.agents))))
    return Sharing(lambda spec, kind: sharing.matrix(sharing.teams([spec.experience[agent] for agent in kind.agents])))


def surprising(key: Array, errors: Array, valid: Array, window: Array, share: float) -> tuple[Array, Array]:
    """Offers what surprised its owner: |TD error| above the (1 - share) quantile of its last ones."""
    return sharing.by_quantile(jnp.where(valid, errors, jnp.nan), window, share)


def by_chance(key: Array, errors: Array, valid: Array, window: Array, share: float) -> tuple[Array, Array]:
    """Offers a share at random: the control of every other way to choose."""
    return jnp.logical_and(sharing.at_random(key, errors.shape, share), valid), window
