"""Policy gradients written out in NumPy, in float64, one agent after another; gradients are differences of the loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from coterie.algorithms.ppo import Learner
from coterie.settings import DeepOptions
from coterie.types import Kind, Rollout, Spec


def arrays_of(params: Any) -> list[list[np.ndarray]]:
    """By network of a kind: W, b of each layer, with the gain and shift of what is normalised; the head's last."""
    norms = [[norm] for norm in params.norms] or [[] for _ in params.layers]
    layers = [one for layer, norm in zip(params.layers, norms, strict=True) for one in (layer, *norm)] + [params.top]
    networks = len(params.top.weight)
    return [[np.array(a[g], float) for layer in layers for a in (layer.weight, layer.bias)] for g in range(networks)]


def told(network: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """What a network tells of rows [.., F]: tanh between its layers, of what is normalised where there is a gain."""
    rest = network
    while rest:
        weight, bias, *rest = rest
        x = x @ weight.T + bias
        if rest and rest[0].ndim == 1:
            gain, shift, *rest = rest
            x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + shift
        x = np.tanh(x) if rest else x
    return x


def log_probabilities(h: np.ndarray, legal: np.ndarray) -> np.ndarray:
    """Of all actions, -inf of those that are not legal."""
    h = np.where(legal, h, -np.inf)
    h = h - h.max(-1, keepdims=True)
    return h - np.log(np.exp(h).sum(-1, keepdims=True))


def entropies(log_p: np.ndarray) -> np.ndarray:
    p = np.exp(log_p)
    return -(p * np.where(p > 0, log_p, 0)).sum(-1)


def advantages_of(rows: list[np.ndarray], gamma: float, trace: float) -> np.ndarray:
    """Of reward, discount, last, valid, value and ahead, each [T] of one agent in one world; the last row first."""
    advantage, later = np.zeros(len(rows[0])), 0.0
    for t in reversed(np.flatnonzero(rows[3])):
        reward, discount, last, _, value, ahead = (leaf[t] for leaf in rows)
        error = reward + gamma * discount * ahead - value
        advantage[t] = later = error if last else error + gamma * trace * discount * later
    return advantage


@dataclass
class Told:
    """What one agent of a kind learns from, by row [T, E]: see `Plain.study`."""

    x: np.ndarray
    critic_x: np.ndarray
    legal: np.ndarray
    action: np.ndarray
    then: np.ndarray
    valid: np.ndarray
    value: np.ndarray
    wanted: np.ndarray
    advantage: np.ndarray
    raw_wanted: np.ndarray


@dataclass
class Plain:
    """Learners of policies: networks by kind and group, the scale of their values, Adam's moments."""

    spec: Spec
    options: DeepOptions
    actors: list[list[list[np.ndarray]]]
    critics: list[list[list[np.ndarray]]]
    scale: list[tuple[np.ndarray, np.ndarray, np.ndarray]]  # by kind: weight, mean, variance of each group
    central: str = "own"
    moments: list[Any] = field(default_factory=list)
    steps: int = 0

    def groups(self, kind: Kind) -> list[int]:
        known = sorted({self.spec.parameters[agent] for agent in kind.agents})
        return [known.index(self.spec.parameters[agent]) for agent in kind.agents]

    def named(self, kind: Kind, place: int, x: np.ndarray) -> np.ndarray:
        """What a network sees, with who it acts for behind it where several share it."""
        if len(set(self.groups(kind))) == len(kind.agents):
            return x
        who = np.broadcast_to(np.eye(len(kind.agents))[place], (*x.shape[:-1], len(kind.agents)))
        return np.concatenate([x, who], -1)

    def centre(self, rollout: Rollout, k: int, place: int, when: str) -> np.ndarray:
        """What the critic of one agent sees now (`view`) or next (`next`)."""
        if self.central == "state":
            return rollout.world.state if when == "view" else rollout.world.next_state
        if self.central == "own":
            return getattr(rollout.kinds[k], when).obs[:, :, place]
        everybody = [getattr(t, when).obs for t in rollout.kinds]
        return np.concatenate([obs.reshape(*obs.shape[:2], -1) for obs in everybody], -1)

    def reward(self, rollout: Rollout, k: int, place: int) -> np.ndarray:
        return rollout.kinds[k].reward[:, :, place].astype(float) * self.options.reward_scale

    def study(self, rollout: Rollout) -> list[list[Told]]:
        """By kind and agent; the scale hears of the rollout."""
        return [self.study_kind(rollout, k) for k in range(len(self.spec.kinds))]

    def study_kind(self, rollout: Rollout, k: int) -> list[Told]:
        kind, t, o = self.spec.kinds[k], rollout.kinds[k], self.options
        groups, found = self.groups(kind), []
        for place, group in enumerate(groups):
            weight, mean, variance = (leaf[group] for leaf in self.scale[k])
            middle, width = (mean, np.sqrt(variance)) if weight else (0.0, 1.0)
            x, after = (self.named(kind, place, self.centre(rollout, k, place, when)) for when in ("view", "next"))
            now, after = (told(self.critics[k][group], one)[..., 0] for one in (x, after))
            value, ahead = middle + width * now, middle + width * after
            rows = [self.reward(rollout, k, place), t.discount[:, :, place], t.last[:, :, place], t.valid[:, :, place]]
            columns = [[leaf[:, e] for leaf in (*rows, value, ahead)] for e in range(value.shape[1])]
            advantage = np.stack([advantages_of(column, o.discount, o.trace) for column in columns], 1)
            own = self.named(kind, place, t.view.obs[:, :, place].astype(float))
            extras = t.extras.raw[:, :, place], t.extras.log_probability[:, :, place].astype(float)
            legal = t.view.legal[:, :, place]
            wanted = value + advantage
            found.append(Told(own, x, legal, *extras, rows[3], now, wanted, advantage, wanted))
        for group in sorted(set(groups)):
            self.rescale(k, group, [one for one, g in zip(found, groups, strict=True) if g == group])
        return found

    def rescale(self, k: int, group: int, members: list[Told]) -> None:
        """The scale hears of what the members of a group are to value, and their rows are brought to it."""
        wanted = np.concatenate([one.wanted[one.valid] for one in members])
        if self.options.normalise_values:
            weight, mean, variance = (leaf[group] for leaf in self.scale[k])
            old, new = 0.95 * weight, 0.05
            total = old + new
            first = (old * mean + new * wanted.mean()) / total
            second = (old * (variance + mean**2) + new * (wanted**2).mean()) / total
            for leaf, number in zip(self.scale[k], (total, first, second - first**2), strict=True):
                leaf[group] = number
        weight, mean, variance = (leaf[group] for leaf in self.scale[k])
        middle, width = (mean, np.sqrt(variance)) if weight else (0.0, 1.0)
        gains = np.concatenate([one.advantage[one.valid] for one in members])
        for one in members:
            one.wanted = (one.wanted - middle) / width
            if self.options.normalise_advantages:
                one.advantage = (one.advantage - gains.mean()) / gains.std()

    def loss_of(self, k: int, group: int, studied: list[list[Told]]) -> float:
        """The mean loss of one network of a kind, over its own agents' valid decisions."""
        o, each = self.options, []
        for one, g in zip(studied[k], self.groups(self.spec.kinds[k]), strict=True):
            if g != group:
                continue
            log_p = log_probabilities(told(self.actors[k][group], one.x), one.legal)
            ratio = np.exp(np.take_along_axis(log_p, one.action[..., None], -1)[..., 0] - one.then)
            gain = ratio * one.advantage
            if o.clip:
                gain = np.minimum(gain, np.clip(ratio, 1 - o.clip, 1 + o.clip) * one.advantage)
            value = told(self.critics[k][group], one.critic_x)[..., 0]
            error = (one.wanted - value) ** 2
            if o.value_clip:
                near = one.value + np.clip(value - one.value, -o.value_clip, o.value_clip)
                error = np.maximum(error, (one.wanted - near) ** 2)
            each.append((error / 2 - gain - o.entropy * entropies(log_p))[one.valid])
        return float(np.concatenate(each).mean())

    def gradients(self, studied: Any, step: float = 1e-6) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
        """(network, its gradient) of each actor and critic, by differences of its own loss."""
        found = []
        for k in range(len(self.spec.kinds)):
            for group, pair in enumerate(zip(self.actors[k], self.critics[k], strict=True)):
                for network in pair:
                    slopes = [np.zeros_like(array) for array in network]
                    for array, slope in zip(network, slopes, strict=True):
                        for place in np.ndindex(array.shape):
                            middle, ends = array[place], []
                            for sign in (1, -1):
                                array[place] = middle + sign * step
                                ends.append(self.loss_of(k, group, studied))
                            array[place] = middle
                            slope[place] = (ends[0] - ends[1]) / (2 * step)
                    found.append((network, slopes))
        return found

    def descend(self, studied: Any) -> None:
        """One step of Adam, every network's gradient cut to its longest by itself."""
        self.steps += 1
        gradients = self.gradients(studied)
        self.moments = self.moments or [[(0.0, 0.0)] * len(slopes) for _, slopes in gradients]
        for (network, slopes), moments in zip(gradients, self.moments, strict=True):
            norm = np.sqrt(sum((slope**2).sum() for slope in slopes))
            for place, (array, slope) in enumerate(zip(network, slopes, strict=True)):
                g = slope * min(1, self.options.gradient_clip / norm)
                m, v = 0.9 * moments[place][0] + 0.1 * g, 0.999 * moments[place][1] + 0.001 * g**2
                moments[place] = m, v
                step = m / (1 - 0.9**self.steps) / (np.sqrt(v / (1 - 0.999**self.steps)) + 1e-5)
                array -= self.options.learning_rate * step

    def update(self, rollout: Rollout) -> None:
        studied = self.study(rollout)
        for _ in range(self.options.epochs):
            self.descend(studied)


class ActorCritic(Plain):
    """The plain advantage actor-critic (Mnih et al. 2016): - A log pi + (V - y)^2 / 2 - b H, with no ratio."""

    def loss_of(self, k: int, group: int, studied: list[list[Told]]) -> float:
        each = []
        for one, g in zip(studied[k], self.groups(self.spec.kinds[k]), strict=True):
            if g == group:
                log_p = log_probabilities(told(self.actors[k][group], one.x), one.legal)
                chosen = np.take_along_axis(log_p, one.action[..., None], -1)[..., 0]
                value = told(self.critics[k][group], one.critic_x)[..., 0]
                lost = (one.wanted - value) ** 2 / 2 - one.advantage * chosen - self.options.entropy * entropies(log_p)
                each.append(lost[one.valid])
        return float(np.concatenate(each).mean())


def plain_of(spec: Spec, options: DeepOptions, central: str, learner: Learner, kind: type[Plain] = Plain) -> Plain:
    """The same learner in float64."""
    actors, critics = ([arrays_of(params) for params in own] for own in learner.online)
    scale = [tuple(np.array(leaf, float) for leaf in one) for one in learner.scale]
    return kind(spec, options, actors, critics, scale, central)


def distance(plain: Plain, learner: Learner) -> float:
    """The largest difference of any weight, as a share of a step."""
    ours = [arrays_of(params) for own in learner.online for params in own]
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves([plain.actors, plain.critics]), strict=True)
    return max(np.abs(one - other).max() for one, other in pairs) / plain.options.learning_rate


def as_drawn(spec: Spec, plain: Plain, rollout: Rollout) -> Rollout:
    """The rollout, its decisions as likely as they are now."""
    kinds = []
    for k, t in enumerate(rollout.kinds):
        columns = []
        for place, group in enumerate(plain.groups(spec.kinds[k])):
            x = plain.named(spec.kinds[k], place, t.view.obs[:, :, place].astype(float))
            log_p = log_probabilities(told(plain.actors[k][group], x), t.view.legal[:, :, place])
            columns.append(np.take_along_axis(log_p, t.action[:, :, place, None], -1)[..., 0])
        then = np.stack(columns, -1).astype(np.float32)
        kinds.append(t._replace(extras=t.extras._replace(log_probability=then)))
    return rollout._replace(kinds=tuple(kinds))
