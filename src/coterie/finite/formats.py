"""Finite games as bytes: safetensors for the arrays, JSON for the words; nothing that is read is ever executed."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from coterie.finite.game import FiniteGame, check_game
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


class Words(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The fields of a FiniteGame that are not arrays."""

    name: str
    spec: Spec
    action_names: tuple[str, ...]
    horizon: int
    idle: tuple[int, ...]
    idle_is_noop: bool
    success_word: str
    layouts: tuple[Any, ...] = ()
    remarks: tuple[str, ...] = ()


def to_bytes(game: FiniteGame) -> bytes:
    """The game as one safetensors file; a mask stands in it only where there is one."""
    names = (*ARRAYS, "legal") if game.masked else ARRAYS
    arrays = {name: np.ascontiguousarray(getattr(game, name)) for name in names}
    arrays.update({f"observations.{k}": np.ascontiguousarray(values) for k, values in enumerate(game.observations)})
    words = Words(*(getattr(game, name) for name in Words.__struct_fields__))
    return save(arrays, metadata={"game": msgspec.json.encode(words).decode()})


def from_bytes(data: bytes) -> FiniteGame:
    """The game in a safetensors file; raises ValueError where it is not one."""
    try:
        arrays = load(data)
        size = int.from_bytes(data[:8], "little")
        words = msgspec.json.decode(json.loads(data[8 : 8 + size])["__metadata__"]["game"], type=Words)
        observations = tuple(arrays.pop(f"observations.{k}") for k in range(len(words.spec.kinds)))
        fields: dict[str, Any] = {**msgspec.structs.asdict(words), **arrays}
        game = FiniteGame(**fields, observations=observations)
        check_game(game)
        return game
    except (SafetensorError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"this is not a saved finite game: {error}") from error
