"""Finite games as bytes: safetensors for the arrays, JSON for the words; nothing that is read is ever executed."""

from __future__ import annotations

import json

import msgspec
import numpy as np
from safetensors.numpy import load, save

from coterie.finite.game import FiniteGame
from coterie.types import Spec

ARRAYS = (
    "first_edge",
    "probability",
    "successor",
    "reward",
    "ended",
    "success",
    "seen",
    "start_probability",
    "start_state",
    "states",
    "boards",
    "action_boards",
)
WORDS = ("name", "spec", "action_names", "horizon", "idle", "idle_is_noop", "success_word")


def to_bytes(game: FiniteGame) -> bytes:
    """The game as one safetensors file."""
    arrays = {name: np.ascontiguousarray(getattr(game, name)) for name in ARRAYS}
    arrays.update({f"observations.{k}": np.ascontiguousarray(values) for k, values in enumerate(game.observations)})
    words = {name: getattr(game, name) for name in WORDS}
    return save(arrays, metadata={"game": msgspec.json.encode(words).decode()})


def from_bytes(data: bytes) -> FiniteGame:
    """The game in a safetensors file; raises ValueError where it is not one."""
    arrays = load(data)
    size = int.from_bytes(data[:8], "little")
    words = json.loads(json.loads(data[8 : 8 + size])["__metadata__"]["game"])
    kinds = len(words["spec"]["kinds"])
    spec = msgspec.convert(words.pop("spec"), Spec)
    words["action_names"], words["idle"] = tuple(words["action_names"]), tuple(words["idle"])
    observations = tuple(arrays[f"observations.{k}"] for k in range(kinds))
    return FiniteGame(**words, spec=spec, observations=observations, **{name: arrays[name] for name in ARRAYS})
