"""A deep team that acts on any loop: its networks and memories, without trainer or environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from coterie.algorithms.side_by_side import columns, part
from coterie.equations.choosing import greedy
from coterie.errors import BadInput, EnvironmentFault, StorageFault, nearest
from coterie.networks.agent import Network
from coterie.networks.team import act_values, first_networks, groups, identity_size
from coterie.pettingzoo.layouts import Layout, masked
from coterie.pettingzoo.pictures import small, stack_of
from coterie.running.checkpoint import load_checkpoint
from coterie.running.deep.own_parts import Change, made_of, must_be_given
from coterie.running.deep.saving import from_named
from coterie.running.recorder import find_run
from coterie.settings import DEEP_ALGORITHMS, POLICIES, DeepOptions, hysteresis_of
from coterie.types import Spec, Team, View

FAR = 1_000_000  # between the numbers of two teams' networks


class DeepTeam:
    """Greedy agents with networks; `act` is one step of one agent, and its memory, where it has one, goes on with it.

    agents are the names the team was trained with, seed the seed of its run that it is from, layouts by kind what
    stands between its own spaces and arrays. A kind without a network is played as its run played it: at random (seeded
    by `seed`), or idle, its parameters being the action then.
    """

    def __init__(
        self,
        spec: Spec,
        networks: Sequence[Network | None],
        parameters: Sequence[Any],
        seed: int,
        layouts: Sequence[Layout] = (),
    ) -> None:
        self._layouts = tuple(layouts) or (Layout(),) * len(spec.kinds)
        self.spec, self.seed, self.agents = spec, seed, spec.agents
        self._networks, self._parameters = tuple(networks), tuple(parameters)
        self._place = {spec.agents[a]: (k, n) for k, kind in enumerate(spec.kinds) for n, a in enumerate(kind.agents)}
        self._values = [
            jax.jit(partial(act_values, network, spec, kind)) if network is not None else None
            for network, kind in zip(networks, spec.kinds, strict=True)
        ]
        self._sizes = [network.memory if network is not None else 0 for network in networks]
        self._draws = np.random.default_rng(seed)
        self.reset()

    def reset(self) -> None:
        """Begin a new episode: what agents remember is forgotten."""
        self._memory: list[Any] = [
            jnp.zeros((1, len(kind.agents), size)) if size else ()
            for kind, size in zip(self.spec.kinds, self._sizes, strict=True)
        ]
        self._stacks = [
            stack_of(layout.lens, len(kind.agents)) for layout, kind in zip(self._layouts, self.spec.kinds, strict=True)
        ]
        self._acted: set[str] = set()
        self._seated: dict[str, tuple[int, int]] = {}

    def act(self, agent: Any, observation: Any, info: Mapping[str, Any] | None = None) -> Any:
        """The greedy action for an observation; an `action_mask` in the observation or the info is obeyed.

        Raises BadInput for an agent that the team does not have, EnvironmentFault for an observation or a mask that
        does not fit what it was trained on.
        """
        agent = str(agent)
        observation, mask = masked(observation, info or {})
        k, n = self._place_of(agent, observation)
        kind, layout = self.spec.kinds[k], self._layouts[k]
        seen, (dtype, shown) = layout.observed(observation), layout.expected(kind)
        if seen.shape != shown or seen.dtype.kind not in "biuf":
            raise EnvironmentFault(
                f"{agent} saw {seen.dtype}{list(seen.shape)}, its team was trained on {dtype}{list(shown)}"
            )
        shape = (1, len(kind.agents))
        obs = np.zeros((*shape, *kind.observation_shape), kind.observation_dtype)
        legal = np.ones((*shape, kind.actions), bool)
        obs[0, n] = self._shown(k, n, seen)
        if mask is not None:
            allowed = np.asarray(mask).astype(bool)
            if allowed.shape != (kind.actions,) or not allowed.any():
                raise EnvironmentFault(
                    f"{agent} was given the mask {mask!r}, which leaves none of {kind.actions} actions"
                )
            legal[0, n] = allowed
        values, own = self._values[k], self._parameters[k]
        if values is None:
            return layout.action(self._untrained(own, np.flatnonzero(legal[0, n])))
        there = np.ones(shape, bool)
        first = np.full(shape, agent not in self._acted)
        view = View(obs, legal, there, there, first)
        q, memory = values(own, view, self._memory[k])
        if self._sizes[k]:
            self._memory[k] = self._memory[k].at[0, n].set(memory[0, n])
        self._acted.add(agent)
        return layout.action(int(greedy(q, legal)[0, n]))

    def _untrained(self, idle: Any, legal: np.ndarray) -> int:
        """The action of who has no network: a random legal one, or the idle one (the first, where it is illegal)."""
        if idle is None:
            return int(self._draws.choice(legal))
        return int(idle if idle in legal else legal[0])

    def _shown(self, k: int, n: int, seen: np.ndarray) -> np.ndarray:
        """What the network is shown of what an agent observes: pictures through its lens, the last ones together."""
        lens, stack = self._layouts[k].lens, self._stacks[k]
        if lens is None:
            return seen
        frame = small(lens, seen)
        return frame if stack is None else stack.add(frame[None], slice(n, n + 1))[0]

    def _place_of(self, agent: str, observation: Any) -> tuple[int, int]:
        """Kind and place of an agent; where agents come and go, a new one gets the next place of the kind that fits."""
        if not self.spec.births:
            if agent not in self._place:
                raise BadInput(f"the team has no agent '{agent}'{nearest(agent, self.agents)}")
            return self._place[agent]
        if agent not in self._seated:
            kinds = zip(self.spec.kinds, self._layouts, strict=True)
            shapes = [layout.expected(kind)[1] for kind, layout in kinds]
            fitting = [k for k, shape in enumerate(shapes) if shape == self._layouts[k].observed(observation).shape]
            if not fitting:
                raise BadInput(f"'{agent}' sees {np.shape(observation)}, and the team's agents see {shapes}")
            taken = sum(kind == fitting[0] for kind, _ in self._seated.values())
            self._seated[agent] = fitting[0], taken % len(self.spec.kinds[fitting[0]].agents)
        return self._seated[agent]

    def of(self, own: Spec, run: str) -> tuple[Spec, tuple[Network, ...], tuple[Any, ...]]:
        """These agents' networks and parameters, and their spec as it divides those; BadInput where it has them not."""
        networks, parameters, numbers = [], [], list(own.parameters)
        for kind in own.kinds:
            names = [own.agents[agent] for agent in kind.agents]
            unknown = next((name for name in names if name not in self._place), None)
            if unknown is not None:
                raise BadInput(f"{run} has no agent '{unknown}'{nearest(unknown, self.agents)}")
            k, places = self._place[names[0]][0], [self._place[name][1] for name in names]
            saved, network = self.spec.kinds[k], self._networks[k]
            alike = (saved.actions, saved.observation_shape) == (kind.actions, kind.observation_shape)
            if network is None or not alike or any(self._place[name][0] != k for name in names):
                raise BadInput(f"{run} cannot play {', '.join(names)}: it sees or does something else")
            told_apart = identity_size(self.spec, saved)
            if told_apart and names != [self.spec.agents[agent] for agent in saved.agents]:
                raise BadInput(
                    f"{run} has one network for {told_apart} agents, and {', '.join(names)} are not the same"
                )
            index = jnp.array([groups(self.spec, saved, len(saved.agents))[place] for place in places])
            common = len(set(index.tolist())) == 1 and len(names) > 1
            networks.append(network)
            parameters.append(
                self._parameters[k] if common else jax.tree.map(lambda leaf, at=index: leaf[at], self._parameters[k])
            )
            for place, agent in enumerate(kind.agents):
                numbers[agent] = len(own.agents) * (k + 1) + (0 if common else place)
        return dataclasses.replace(own, parameters=tuple(numbers)), tuple(networks), tuple(parameters)

    def act_all(
        self, observations: Mapping[Any, Any], infos: Mapping[Any, Mapping[str, Any]] | None = None
    ) -> dict[Any, Any]:
        """The actions of all agents that see something."""
        return {agent: self.act(agent, seen, (infos or {}).get(agent)) for agent, seen in observations.items()}

    def __repr__(self) -> str:
        """Which team of its run this is."""
        return f"DeepTeam({', '.join(self.agents)}; seed {self.seed} of its run)"


def load_deep(folder: Path, seed: int | None = None, parts: Change | None = None) -> DeepTeam:
    """The team of one seed of a deep run (the best by its checks where none is named).

    parts: what the run was trained with, where it was given parts of the user's own: (Parts, Spec) -> Parts.
    """
    arrays, facts = load_checkpoint(folder, ("policy",))
    try:
        spec = msgspec.convert(facts["spec"], Spec)
        options = msgspec.convert(facts["options"], DeepOptions)
        seeds = [int(one) for lane in facts["lanes"] for one in lane]
        best = dict(enumerate(seeds))[int(facts["best_seed"])]
        sizes = [len(lane) for lane in facts["lanes"]]
        changed = str(facts["changed"])
        layouts = msgspec.convert(facts.get("layouts", []), list[Layout])
        algorithm = str(facts["settings"]["algorithm"])
        teams = msgspec.convert(facts.get("teams", []), list[Team])
    except (KeyError, TypeError, ValueError, IndexError, msgspec.ValidationError) as error:
        raise StorageFault(f"{folder} does not hold a deep team: {error!r}") from error
    chosen = best if seed is None else seed
    if chosen not in seeds:
        raise BadInput(f"seed {chosen}: the run has seeds {seeds[0]} to {seeds[-1]}")
    place, row = next((i, lane.index(chosen)) for i, lane in enumerate(facts["lanes"]) if chosen in lane)
    must_be_given(folder.name, changed, parts)

    def saved(spec: Spec, networks: tuple[Network, ...], prefix: str) -> tuple[Any, ...]:
        one = jax.eval_shape(lambda key: first_networks(key, spec, networks), jax.random.key(0))
        like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((sizes[place], *leaf.shape), leaf.dtype), one)
        stacked = from_named(like, arrays["policy"], f"lane{place}.{prefix}agents.")
        return jax.tree.map(lambda leaf: leaf[row], stacked)

    if not teams:
        networks = made_of(algorithm, options, spec, parts).networks
        own = saved(spec, networks, "own." if options.self_play else "")
        return DeepTeam(spec, networks, own, chosen, layouts)
    kinds, networks, parameters, numbers, of_kinds = [], [], [], list(spec.parameters), []
    for number, team in enumerate(teams):
        own, members = part(spec, team.members), sorted(team.members)
        made: Sequence[Network | None] = [None] * len(own.kinds)
        given: Sequence[Any] = [0 if team.player == "idle" else None] * len(own.kinds)
        if team.player in DEEP_ALGORITHMS:
            learned = made_of(team.player, hysteresis_of(team.player, options), own, None).networks
            made, given = learned, saved(own, learned, f"{number}.")
        elif team.player not in POLICIES and ".py:" not in team.player:
            own, made, given = load_deep(find_run(folder.parent, team.player)).of(own, team.player)
        for agent, group in zip(members, own.parameters, strict=True):
            numbers[agent] = (number + 1) * FAR + group
        places = [tuple(members[agent] for agent in kind.agents) for kind in own.kinds]
        kinds += [dataclasses.replace(kind, agents=at) for kind, at in zip(own.kinds, places, strict=True)]
        of_kinds += [layouts[k] for k in columns(spec, members).kinds] if layouts else []
        networks, parameters = [*networks, *made], [*parameters, *given]
    divided = dataclasses.replace(spec, kinds=tuple(kinds), parameters=tuple(numbers))
    return DeepTeam(divided, networks, parameters, chosen, of_kinds)
