"""What is told by kind, by agent and by team, and how one becomes another; arrays of numpy or of jax."""

from __future__ import annotations

from typing import Literal

from coterie.types import Array, Spec, Transition


def split(spec: Spec, values: Array) -> tuple[Array, ...]:
    """Values by agent, [.., all], as a tuple by kind, [.., N]."""
    return tuple(values[..., list(kind.agents)] for kind in spec.kinds)


def join(spec: Spec, values: tuple[Array, ...]) -> Array:
    """Values by kind, [.., N] each, in the environment's agent order, [.., all]; undoes `split`."""
    order = [agent for kind in spec.kinds for agent in kind.agents]
    places = sorted(range(len(order)), key=order.__getitem__)
    together = values[0].__array_namespace__().concat(list(values), axis=-1)
    return together if places == list(range(len(order))) else together[..., places]


def joint_action(spec: Spec, actions: tuple[Array, ...]) -> Array:
    """What everybody does: actions by kind, [.., N] or [.., N, D], in the environment's agent order.

    int32[.., all] where all of them are numbers; else float32[.., all, W] with zeros behind an agent's own amounts,
    and an action that is a number as the first of its row.
    """
    if not spec.action_shape:
        return join(spec, actions)
    if len(spec.kinds) == 1 and spec.kinds[0].agents == tuple(range(len(spec.agents))):
        return actions[0]
    xp = actions[0].__array_namespace__()
    rows: list[Array] = []
    for kind, own in zip(spec.kinds, actions, strict=True):
        row = xp.astype(own if kind.bounds else own[..., None], xp.float32)
        rest = xp.zeros((*row.shape[:-1], spec.action_shape[0] - row.shape[-1]), dtype=xp.float32)
        rows.append(xp.concat([row, rest], axis=-1))
    together = xp.concat(rows, axis=-2)
    order = [agent for kind in spec.kinds for agent in kind.agents]
    return together[..., sorted(range(len(order)), key=order.__getitem__), :]


def members(spec: Spec, team: int) -> list[int]:
    """The agents of one team, in the environment's order."""
    return [agent for agent, number in enumerate(spec.team) if number == team]


def team_reward(spec: Spec, kinds: tuple[Transition, ...], unit: Literal["team-sum", "team-mean"]) -> Array:
    """What each team earned in a row, [.., teams]: the sum, or the mean, over the members who took part (valid)."""
    reward = join(spec, tuple(kind.reward for kind in kinds))
    valid = join(spec, tuple(kind.valid for kind in kinds))
    xp = reward.__array_namespace__()
    groups = [members(spec, team) for team in range(spec.teams)]
    total = xp.stack([xp.where(valid, reward, 0)[..., group].sum(-1) for group in groups], axis=-1)
    if unit == "team-sum":
        return total
    return total / xp.stack([xp.clip(valid[..., group].sum(-1), 1, None) for group in groups], axis=-1).astype(
        total.dtype
    )


def earned(spec: Spec, kinds: tuple[Transition, ...], unit: str) -> tuple[Array, ...]:
    """What each agent learns from, by kind [.., N]: its own reward, or with team-sum or team-mean its team's."""
    if unit not in ("team-sum", "team-mean"):
        return tuple(kind.reward for kind in kinds)
    reward = team_reward(spec, kinds, unit)  # type: ignore[arg-type]
    each = split(spec, reward[..., list(spec.team)])
    xp = reward.__array_namespace__()
    return tuple(xp.where(kind.valid, own, 0) for kind, own in zip(kinds, each, strict=True))
