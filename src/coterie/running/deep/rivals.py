"""Agents of a saved run that play in another one: what is kept of them there, so that their own run is not needed."""

from __future__ import annotations

from typing import Any

import jax
import msgspec

from coterie.networks.agent import Network
from coterie.networks.team import first_networks, network_for
from coterie.settings import DeepOptions
from coterie.types import Spec


class Rival(msgspec.Struct, frozen=True):
    """The run and seed that they are from, their spec as it divides their parameters, and each kind's options."""

    run: str
    seed: int
    spec: Spec
    options: tuple[DeepOptions, ...]

    @property
    def networks(self) -> tuple[Network, ...]:
        """By kind."""
        return tuple(network_for(kind, own) for kind, own in zip(self.spec.kinds, self.options, strict=True))


def shapes_of(spec: Spec, networks: tuple[Network, ...]) -> Any:
    """The shapes of the parameters of these networks, by kind [groups, ...]."""
    return jax.eval_shape(lambda key: first_networks(key, spec, networks), jax.random.key(0))
