"""A deep team that acts on any loop: its networks and memories, without trainer or environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from coterie.equations.choosing import greedy
from coterie.errors import BadInput, EnvironmentFault, StorageFault, nearest
from coterie.networks.agent import Network
from coterie.networks.team import act_values, first_networks
from coterie.pettingzoo.layouts import Layout, masked
from coterie.running.checkpoint import load_checkpoint
from coterie.running.deep.own_parts import Change, made_of, must_be_given
from coterie.running.deep.saving import from_named
from coterie.settings import DeepOptions
from coterie.types import Spec, View


class DeepTeam:
    """Greedy agents with networks; `act` is one step of one agent, and its memory, where it has one, goes on with it.

    agents are the names the team was trained with, seed the seed of its run that it is from, layouts by kind what
    stands between its own spaces and arrays.
    """

    def __init__(
        self,
        spec: Spec,
        networks: tuple[Network, ...],
        parameters: tuple[Any, ...],
        seed: int,
        layouts: Sequence[Layout] = (),
    ) -> None:
        self._layouts = tuple(layouts) or (Layout(),) * len(spec.kinds)
        self.spec, self.seed, self.agents = spec, seed, spec.agents
        self._parameters = parameters
        self._place = {spec.agents[a]: (k, n) for k, kind in enumerate(spec.kinds) for n, a in enumerate(kind.agents)}
        self._values = [
            jax.jit(partial(act_values, network, spec, kind))
            for network, kind in zip(networks, spec.kinds, strict=True)
        ]
        self._sizes = [network.memory for network in networks]
        self.reset()

    def reset(self) -> None:
        """Begin a new episode: what agents remember is forgotten."""
        self._memory: list[Any] = [
            jnp.zeros((1, len(kind.agents), size)) if size else ()
            for kind, size in zip(self.spec.kinds, self._sizes, strict=True)
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
        observation = layout.array(observation)
        shape = (1, len(kind.agents))
        obs = np.zeros((*shape, *kind.observation_shape), kind.observation_dtype)
        legal = np.ones((*shape, kind.actions), bool)
        seen = np.asarray(observation)
        if seen.shape != kind.observation_shape or seen.dtype.kind not in "biuf":
            raise EnvironmentFault(
                f"{agent} saw {seen.dtype}{list(seen.shape)}, its team was trained on "
                f"{kind.observation_dtype}{list(kind.observation_shape)}"
            )
        obs[0, n] = seen
        if mask is not None:
            allowed = np.asarray(mask).astype(bool)
            if allowed.shape != (kind.actions,) or not allowed.any():
                raise EnvironmentFault(
                    f"{agent} was given the mask {mask!r}, which leaves none of {kind.actions} actions"
                )
            legal[0, n] = allowed
        there = np.ones(shape, bool)
        first = np.full(shape, agent not in self._acted)
        view = View(obs, legal, there, there, first)
        q, memory = self._values[k](self._parameters[k], view, self._memory[k])
        if self._sizes[k]:
            self._memory[k] = self._memory[k].at[0, n].set(memory[0, n])
        self._acted.add(agent)
        return layout.action(int(greedy(q, legal)[0, n]))

    def _place_of(self, agent: str, observation: Any) -> tuple[int, int]:
        """Kind and place of an agent; where agents come and go, a new one gets the next place of the kind that fits."""
        if not self.spec.births:
            if agent not in self._place:
                raise BadInput(f"the team has no agent '{agent}'{nearest(agent, self.agents)}")
            return self._place[agent]
        if agent not in self._seated:
            shapes = [kind.observation_shape for kind in self.spec.kinds]
            fitting = [k for k, shape in enumerate(shapes) if shape == np.shape(self._layouts[k].array(observation))]
            if not fitting:
                raise BadInput(f"'{agent}' sees {np.shape(observation)}, and the team's agents see {shapes}")
            taken = sum(kind == fitting[0] for kind, _ in self._seated.values())
            self._seated[agent] = fitting[0], taken % len(self.spec.kinds[fitting[0]].agents)
        return self._seated[agent]

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
    except (KeyError, TypeError, ValueError, IndexError, msgspec.ValidationError) as error:
        raise StorageFault(f"{folder} does not hold a deep team: {error!r}") from error
    chosen = best if seed is None else seed
    if chosen not in seeds:
        raise BadInput(f"seed {chosen}: the run has seeds {seeds[0]} to {seeds[-1]}")
    place, row = next((i, lane.index(chosen)) for i, lane in enumerate(facts["lanes"]) if chosen in lane)
    must_be_given(folder.name, changed, parts)
    networks = made_of(algorithm, options, spec, parts).networks
    one = jax.eval_shape(lambda key: first_networks(key, spec, networks), jax.random.key(0))
    like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((sizes[place], *leaf.shape), leaf.dtype), one)
    stacked = from_named(like, arrays["policy"], f"lane{place}.agents.")
    return DeepTeam(spec, networks, jax.tree.map(lambda leaf: leaf[row], stacked), chosen, layouts)
