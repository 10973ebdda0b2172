"""Agents of a saved run that play in another one: what is kept of them there, so that their own run is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import msgspec

from coterie.algorithms.families import parts_of
from coterie.networks.agent import Network
from coterie.networks.team import first_networks
from coterie.running.deep.saving import Named, as_named, from_named
from coterie.settings import DeepOptions, options_of_algorithm
from coterie.types import Spec


class Rival(msgspec.Struct, frozen=True):
    """The run and seed that they are from, their spec as it divides their parameters, and each kind's options.

    algorithms: what each kind learned by; () in checkpoints from before any drew its actions.
    """

    run: str
    seed: int
    spec: Spec
    options: tuple[DeepOptions, ...]
    algorithms: tuple[str, ...] = ()

    @property
    def networks(self) -> tuple[Network, ...]:
        """By kind."""
        names = self.algorithms or ("iql",) * len(self.options)
        return tuple(
            parts_of(name, options_of_algorithm(name, own), self.spec).networks[k]
            for k, (name, own) in enumerate(zip(names, self.options, strict=True))
        )


class Frozen(NamedTuple):
    """A rival with its parameters, by kind [groups, ...]."""

    rival: Rival
    parameters: tuple[Any, ...]


def rivals_as_named(rivals: Mapping[str, Frozen]) -> Named:
    """The parameters of all rivals, by their teams."""
    return {key: array for name, one in rivals.items() for key, array in as_named(one.parameters, f"{name}.").items()}


def rivals_from_named(rivals: Mapping[str, Rival], named: Named) -> dict[str, Frozen]:
    """The rivals with these parameters; raises StorageFault where they do not fit."""
    return {
        name: Frozen(one, from_named(shapes_of(one.spec, one.networks), named, f"{name}."))
        for name, one in rivals.items()
    }


def shapes_of(spec: Spec, networks: tuple[Network, ...]) -> Any:
    """The shapes of the parameters of these networks, by kind [groups, ...]."""
    return jax.eval_shape(lambda key: first_networks(key, spec, networks), jax.random.key(0))
