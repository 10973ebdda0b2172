"""A deep team that acts on any loop: its networks and memories, without trainer or environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from coterie.algorithms.fixed import drawn, still
from coterie.errors import BadInput, EnvironmentFault, nearest
from coterie.networks.agent import Network
from coterie.networks.team import act_values, groups, identity_size
from coterie.pettingzoo.forms.rules import own_copy, rule_of
from coterie.pettingzoo.pictures.lenses import small, stack_of
from coterie.pettingzoo.reading.checks import put
from coterie.pettingzoo.reading.layouts import Layout, masked
from coterie.running.deep.rivals import Frozen, Rival
from coterie.settings import DeepOptions
from coterie.types import Kind, Spec, View


class Player(NamedTuple):
    """What plays the agents of a kind: a network and its parameters, leaves [groups, ...], or neither.

    options, algorithm: that the network is made by. idle: by place, the action of who does nothing; None: at random.
    rule: the word for a function of the user's that is asked instead.
    """

    network: Network | None = None
    parameters: Any = None
    options: DeepOptions | None = None
    idle: tuple[int, ...] | None = None
    rule: str = ""
    algorithm: str = ""


class DeepTeam:
    """Greedy agents with networks; `act` is one step of one agent, and its memory, where it has one, goes on with it.

    agents are the names the team was trained with, seed the seed of its run that it is from, players and layouts by
    kind who plays it and what stands between its own spaces and arrays. Agents without a network play as they played in
    their run: at random (seeded by `seed`) or idle; a rule of the user's is asked only where `asks_rules` is set to
    true, for a run's folder has no more than its name.
    """

    def __init__(self, spec: Spec, players: Sequence[Player], seed: int, layouts: Sequence[Layout] = ()) -> None:
        self._layouts = tuple(layouts) or (Layout(),) * len(spec.kinds)
        self.spec, self.seed, self.agents = spec, seed, spec.agents
        self._players = tuple(players)
        self._place = {spec.agents[a]: (k, n) for k, kind in enumerate(spec.kinds) for n, a in enumerate(kind.agents)}
        self._values = [
            jax.jit(partial(act_values, one.network, spec, kind)) if one.network is not None else None
            for one, kind in zip(players, spec.kinds, strict=True)
        ]
        self._draws = np.random.default_rng(seed)
        self.asks_rules = False
        self.reset()

    def reset(self) -> None:
        """Begin a new episode: what agents remember is forgotten."""
        self._memory: dict[str, Any] = {}
        self._stacks: dict[str, Any] = {}
        self._acted: set[str] = set()

    def act(self, agent: Any, observation: Any, info: Mapping[str, Any] | None = None) -> Any:
        """The greedy action for an observation; an `action_mask` in the observation or the info is obeyed.

        Raises BadInput for an agent that the team does not have, EnvironmentFault for an observation or a mask that
        does not fit what it was trained on.
        """
        name, agent, given, info = agent, str(agent), observation, info or {}
        observation, mask = masked(observation, info)
        k, n = self._place_of(agent, observation, mask)
        kind, layout, player = self.spec.kinds[k], self._layouts[k], self._players[k]
        if player.rule:
            return self._ask(player.rule, name, given, info)
        seen, (dtype, shown) = layout.observed(observation), layout.expected(kind)
        if seen.shape != shown or seen.dtype.kind not in "biuf":
            raise EnvironmentFault(
                f"{agent} saw {seen.dtype}{list(seen.shape)}, its team was trained on {dtype}{list(shown)}"
            )
        shape = (1, len(kind.agents))
        obs = np.zeros((*shape, *kind.observation_shape), kind.observation_dtype)
        legal = np.ones((*shape, kind.actions), bool)
        put(obs[0], n, agent, self._shown(layout, agent, seen))
        if mask is not None:
            allowed = np.asarray(mask).astype(bool)
            if allowed.shape != (kind.actions,) or not allowed.any():
                raise EnvironmentFault(
                    f"{agent} was given the mask {mask!r}, which leaves none of {kind.actions} actions"
                )
            legal[0, n] = allowed
        values, network = self._values[k], player.network
        if values is None or network is None:
            return layout.action(self._untrained(player, kind, n, np.flatnonzero(legal[0, n])))
        there = np.ones(shape, bool)
        first = np.full(shape, agent not in self._acted)
        before: Any = ()
        if network.memory:
            before = np.zeros((*shape, network.memory), np.float32)
            before[0, n] = self._memory.get(agent, 0)
        head, memory = values(player.parameters, View(obs, legal, there, there, first), before)
        if network.memory:
            self._memory[agent] = np.asarray(memory[0, n])
        self._acted.add(agent)
        action = np.asarray(network.greedy(head, legal))[0, n]
        return layout.action(action if kind.bounds else int(action))

    def _ask(self, rule: str, agent: Any, observation: Any, info: Mapping[str, Any]) -> Any:
        """What a rule of the user's does; BadInput where nobody said that it may be read."""
        if not self.asks_rules:
            raise BadInput(
                f"'{agent}' was played by your rule {rule}, which the run does not hold; ask it yourself, or set "
                "asks_rules = True on this team to have it asked"
            )
        return rule_of(rule)(own_copy(observation), agent, info)

    def _untrained(self, player: Player, kind: Kind, n: int, legal: np.ndarray) -> Any:
        """The action of who has no network: a random legal one, or the idle one (the first, where it is illegal)."""
        if kind.bounds:
            key = jax.random.key(int(self._draws.integers(2**31)))
            told = drawn(key, kind, kind.action_shape) if player.idle is None else still(kind, kind.action_shape)
            return np.asarray(told)
        if player.idle is None:
            return int(self._draws.choice(legal))
        return int(player.idle[n] if player.idle[n] in legal else legal[0])

    def _shown(self, layout: Layout, agent: str, seen: np.ndarray) -> np.ndarray:
        """What the network is shown of what an agent observes: pictures through its lens, the last ones together."""
        if layout.lens is None:
            return seen
        frame = small(layout.lens, seen)
        stack = self._stacks.setdefault(agent, stack_of(layout.lens, 1))
        return frame if stack is None else stack.add(frame[None], slice(0, 1))[0]

    def _place_of(self, agent: str, observation: Any, mask: Any) -> tuple[int, int]:
        """Kind and place of an agent; where agents come and go, the first place of the kind that sees and does so.

        They are told apart by nothing but their memories there, which are kept by name.
        """
        if not self.spec.births:
            if agent not in self._place:
                raise BadInput(f"the team has no agent '{agent}'{nearest(agent, self.agents)}")
            return self._place[agent]
        actions = None if mask is None else len(mask)
        fitting = [
            k
            for k, (kind, layout) in enumerate(zip(self.spec.kinds, self._layouts, strict=True))
            if sees_so(kind, layout, observation) and actions in (None, kind.actions)
        ]
        told = "; ".join(f"{kind.observation_shape}, {does(kind)}" for kind in self.spec.kinds)
        if not fitting:
            raise BadInput(f"'{agent}' sees {np.shape(observation)}, and the team's kinds of agents see {told}")
        if len(fitting) > 1:
            raise BadInput(
                f"'{agent}' may be of {len(fitting)} kinds ({told}), and nothing that it sees tells which; an "
                "action_mask would"
            )
        return fitting[0], 0

    def of(self, own: Spec, run: str, layouts: Sequence[Layout] = ()) -> Frozen:
        """These agents as they play in another run; BadInput where it has them not.

        layouts: by kind, what stands between their spaces and arrays there.
        """
        options, algorithms, parameters, numbers = [], [], [], list(own.parameters)
        for kind, layout in zip(own.kinds, layouts or (Layout(),) * len(own.kinds), strict=True):
            names = [own.agents[agent] for agent in kind.agents]
            unknown = next((name for name in names if name not in self._place), None)
            if unknown is not None:
                raise BadInput(f"{run} has no agent '{unknown}'{nearest(unknown, self.agents)}")
            k, places = self._place[names[0]][0], [self._place[name][1] for name in names]
            saved, player = self.spec.kinds[k], self._players[k]
            known = dataclasses.replace(saved, agents=kind.agents, choices=kind.choices)  # which old runs do not say
            alike = known == kind and self._layouts[k] == layout
            if any(self._place[name][0] != k for name in names) or not alike or self.spec.births != own.births:
                raise BadInput(f"{run} cannot play {', '.join(names)}: it sees or does something else")
            if player.network is None or player.options is None:
                raise BadInput(f"{run} has nothing that was learned for {', '.join(names)}")
            told_apart = identity_size(player.network, self.spec, saved)
            if told_apart and names != [self.spec.agents[agent] for agent in saved.agents]:
                raise BadInput(
                    f"{run} has one network for {told_apart} agents, and {', '.join(names)} are not the same"
                )
            index = jnp.array([groups(self.spec, saved, len(saved.agents))[place] for place in places])
            common = len(set(index.tolist())) == 1 and len(names) > 1
            options.append(player.options)
            algorithms.append(player.algorithm or "iql")
            parameters.append(
                player.parameters if common else jax.tree.map(lambda leaf, at=index: leaf[at], player.parameters)
            )
            for place, agent in enumerate(kind.agents):
                numbers[agent] = len(own.agents) * (k + 1) + (0 if common else place)
        divided = dataclasses.replace(own, parameters=tuple(numbers))
        return Frozen(Rival(run, self.seed, divided, tuple(options), tuple(algorithms)), tuple(parameters))

    def act_all(
        self, observations: Mapping[Any, Any], infos: Mapping[Any, Mapping[str, Any]] | None = None
    ) -> dict[Any, Any]:
        """The actions of all agents that see something."""
        return {agent: self.act(agent, seen, (infos or {}).get(agent)) for agent, seen in observations.items()}

    def __repr__(self) -> str:
        """Which team of its run this is."""
        return f"DeepTeam({', '.join(self.agents)}; seed {self.seed} of its run)"


def does(kind: Kind) -> str:
    """How agents of a kind act, in words."""
    return f"{len(kind.bounds)} amounts" if kind.bounds else f"{kind.actions} actions"


def sees_so(kind: Kind, layout: Layout, observation: Any) -> bool:
    """Whether an observation can be one of this kind's."""
    try:
        return layout.observed(observation).shape == layout.expected(kind)[1]
    except EnvironmentFault:  # it lacks a part
        return False
