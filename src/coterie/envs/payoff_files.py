"""Payoffs written down as JSON: read, and refused with the place and the cause where they make no table."""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

import numpy as np

from coterie.errors import BadInput, nearest

FIELDS = ("payoffs", "individual", "probabilities", "actions")
GREATEST = 1e9  # sums of so large payoffs are still exact enough to be compared
DEEPEST = 30  # agents, outcomes and payoffs


class Written(NamedTuple):
    """What stands in a file: payoffs [A1, .., AN] and, behind them, outcomes and agents where there are any."""

    payoffs: np.ndarray
    individual: bool
    chance: np.ndarray | None
    action_names: tuple[str, ...] | None


def read_payoffs(text: str, where: str, most: int) -> Written:
    """The payoffs in a text of JSON, with at most so many numbers; `where` names the text in errors.

    Either nested lists [A1, .., AN], the payoff of a joint action to everybody, or an object: "payoffs", and as far as
    wanted "individual": true (then each joint action holds a list of N payoffs, one an agent), "probabilities" (then
    each joint action holds a list of K outcomes; one list of K for all joint actions, or one list each), and "actions":
    names. Raises BadInput.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadInput(f"{where}, line {error.lineno}: this is no JSON: {error.msg}") from None
    except (RecursionError, ValueError):
        raise BadInput(f"{where}: this is no table: lists that are nested too deeply, or a number too long") from None
    if isinstance(content, list):
        content = {"payoffs": content}
    if not isinstance(content, dict):
        raise BadInput(
            f'{where}: expected nested lists of numbers, or an object with "payoffs"; found {_told(content)}'
        )
    for word in content:
        if word not in FIELDS:
            raise BadInput(f"{where}: there is no field '{word}'{nearest(word, FIELDS)}")
    if "payoffs" not in content:
        raise BadInput(f"{where}: the field 'payoffs' is missing")
    individual = content.get("individual", False)
    if not isinstance(individual, bool):
        raise BadInput(f"{where}: 'individual' is true or false, found {_told(individual)}")
    payoffs = _array(content["payoffs"], where, "payoffs", most)
    chance = None
    agents = payoffs.ndim - individual
    if "probabilities" in content:
        agents -= 1
        chance = _array(content["probabilities"], where, "probabilities", most)
        chance = _fitting(chance, payoffs, agents, where)
    if agents < 1:
        raise BadInput(f"{where}: 'payoffs' is nested {payoffs.ndim} deep, which leaves no actions to any agent")
    return Written(payoffs, individual, chance, _names(content.get("actions"), payoffs.shape[:agents], where))


def _array(value: Any, where: str, field: str, most: int) -> np.ndarray:
    """Nested lists of equal lengths as an array; names the first place that does not fit."""
    shape: list[int] = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        if not first:
            raise BadInput(f"{where}: '{field}' has an empty list at {_place((0,) * (len(shape) - 1))}")
        if len(shape) > DEEPEST:
            raise BadInput(f"{where}: '{field}' is nested more than {DEEPEST} deep")
        first = first[0]
    if not shape:
        raise BadInput(f"{where}: '{field}' is a list of numbers, found {_told(value)}")
    if math.prod(shape) > most:
        raise BadInput(f"{where}: '{field}' holds more than {most:,} numbers")
    numbers: list[float] = []

    def collect(part: Any, path: tuple[int, ...]) -> None:
        if len(path) < len(shape):
            wanted = shape[len(path)]
            if not isinstance(part, list):
                raise BadInput(f"{where}: '{field}' has {_told(part)} at {_place(path)}, expected {wanted} entries")
            if len(part) != wanted:
                raise BadInput(f"{where}: '{field}' has {_told(part)} at {_place(path)}, expected {wanted} entries")
            for index, one in enumerate(part):
                collect(one, (*path, index))
        elif isinstance(part, bool) or not isinstance(part, int | float):
            raise BadInput(f"{where}: '{field}' has {_told(part)} at {_place(path)}, expected a number")
        elif not abs(part) <= GREATEST:
            raise BadInput(f"{where}: '{field}' has {_told(part)} at {_place(path)}; numbers go up to {GREATEST:,.0f}")
        else:
            numbers.append(float(part))

    collect(value, ())
    return np.array(numbers).reshape(shape)


def _fitting(chance: np.ndarray, payoffs: np.ndarray, agents: int, where: str) -> np.ndarray:
    """Probabilities [K], or [A1, .., AN, K], for every joint action."""
    wanted = payoffs.shape[: agents + 1]
    if agents < 1 or chance.shape not in (wanted[-1:], wanted):
        raise BadInput(
            f"{where}: 'probabilities' of shape {_shape(chance.shape)} do not fit 'payoffs' of shape "
            f"{_shape(payoffs.shape)}, in which each joint action needs a list of outcomes"
        )
    return np.broadcast_to(chance, wanted)


def _names(actions: Any, sizes: tuple[int, ...], where: str) -> tuple[str, ...] | None:
    if actions is None:
        return None
    if not isinstance(actions, list) or not all(isinstance(name, str) and name.strip() for name in actions):
        raise BadInput(f"{where}: 'actions' is a list of names, found {_told(actions)}")
    if len(actions) != max(sizes) or len(set(actions)) != len(actions):
        raise BadInput(f"{where}: 'actions' needs {max(sizes)} different names, found {', '.join(actions)}")
    return tuple(actions)


def _place(path: tuple[int, ...]) -> str:
    return "the top" if not path else "".join(f"[{index}]" for index in path)


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _told(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "…"
