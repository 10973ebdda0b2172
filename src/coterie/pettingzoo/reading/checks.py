"""What an environment tells, held against what it promised: each fault names the agent, what was expected and found.

Where all is well, a check compares a shape and a type and costs a fraction of a microsecond. That numbers are finite is
seen for all environments at once (board.no_number).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable
from typing import Any

import numpy as np

from coterie.errors import EnvironmentFault
from coterie.yours import FAILURES, told

NUMBERS = "fiub"  # kinds of dtypes: floats, integers, unsigned ones and truths
LARGEST = float(np.finfo(np.float32).max)
LONGEST = 60  # letters of a value that is shown


def put(
    seen: np.ndarray, place: int, agent: str, observation: Any, encode: Callable[[Any], np.ndarray] | None = None
) -> None:
    """Write what an agent observes into its place; raises EnvironmentFault where it would not stay what it is.

    Whole numbers must stay the same, others may be rounded.
    """
    if encode is not None:
        observation = encoded(agent, observation, encode)
    given = observation if type(observation) is np.ndarray else as_array(agent, observation, seen)
    if given.dtype is not seen.dtype or given.shape != seen.shape[1:]:
        check_fit(agent, given, seen)
    try:
        seen[place] = given
    except RuntimeWarning:  # where warnings are errors
        raise unfit(agent, "numbers beyond float32", seen) from None


def check_fit(agent: str, given: np.ndarray, seen: np.ndarray) -> None:
    """Raises EnvironmentFault where an array has another shape, or holds what the wanted dtype cannot."""
    if given.shape != seen.shape[1:] or given.dtype.kind not in NUMBERS:
        raise unfit(agent, described(given.dtype, given.shape), seen)
    if seen.dtype.kind != "f" and given.dtype != seen.dtype:
        with np.errstate(over="ignore", invalid="ignore"):
            same = given.astype(seen.dtype) == given
        if not same.all():
            at = tuple(np.argwhere(~same)[0].tolist())
            raise unfit(agent, f"{given[at]}{place_word(at)}", seen)


def as_array(agent: str, observation: Any, seen: np.ndarray) -> np.ndarray:
    """A number, a list or what else becomes an array by itself."""
    try:
        given = np.asarray(observation)
    except FAILURES:
        raise unfit(agent, shown(observation), seen) from None
    if given.dtype.kind not in NUMBERS:
        raise unfit(agent, shown(observation), seen)
    return given


def encoded(agent: str, observation: Any, encode: Callable[[Any], np.ndarray]) -> np.ndarray:
    """An observation of several parts as a row."""
    try:
        return encode(observation)
    except FAILURES as error:
        what = str(error) if isinstance(error, EnvironmentFault) else told(error)
        raise EnvironmentFault(f"agent '{agent}' sees {shown(observation)}: {what}") from error


def unfit(agent: str, found: str, seen: np.ndarray) -> EnvironmentFault:
    """What to raise where an observation does not fit its space."""
    return EnvironmentFault(f"agent '{agent}' sees {found}; expected {described(seen.dtype, seen.shape[1:])}")


def described(dtype: np.dtype, shape: tuple[int, ...]) -> str:
    """What an array holds, in words."""
    number = f"{dtype} number"
    return f"{number}s of shape {shape}" if shape else f"one {number}"


def put_mask(legal: np.ndarray, place: int, agent: str, mask: Any) -> None:
    """Write what an agent may do; raises EnvironmentFault where the mask has another number of actions."""
    try:
        given = np.asarray(mask, bool)
    except FAILURES:
        raise EnvironmentFault(f"agent '{agent}' has the action mask {shown(mask)}; expected truths") from None
    if given.shape != legal.shape[1:]:
        wanted = legal.shape[-1]
        amounts = "; where actions are amounts (Box), nothing can be masked: leave it out" if wanted == 1 else ""
        raise EnvironmentFault(
            f"agent '{agent}' has an action mask of shape {given.shape}; expected ({wanted},){amounts}"
        )
    if type(mask) is not np.ndarray or mask.dtype.kind != "b":
        numbers = np.asarray(mask)
        if not ((numbers == 0) | (numbers == 1)).all():
            raise EnvironmentFault(f"agent '{agent}' has the action mask {shown(mask)}; expected zeros and ones")
    legal[place] = given


def told_state(environment: Any) -> Any:
    """The central state of an environment that told one at first; raises EnvironmentFault where it fails."""
    try:
        return environment.state()
    except FAILURES as error:
        raise EnvironmentFault(
            f"state() fails ({told(error)}), and the algorithm learns from the central state; use one that needs none: "
            "--algorithm iql or vdn"
        ) from error


def put_state(state: np.ndarray, found: Any) -> None:
    """Write the central state; raises EnvironmentFault where it has another shape than after the first reset."""
    try:
        given = np.asarray(found)
    except FAILURES:
        raise EnvironmentFault(f"the central state is {shown(found)}; expected numbers") from None
    if given.shape != state.shape or given.dtype.kind not in NUMBERS:
        found = described(given.dtype, given.shape)
        raise EnvironmentFault(f"the central state is {found}; expected {described(state.dtype, state.shape)}")
    with np.errstate(over="ignore"):
        state[...] = given


def everybody_sees(agents: Iterable[Hashable], observations: Container[Hashable], gone: Container[Hashable]) -> None:
    """Raises EnvironmentFault where somebody is alive and to move and is told nothing."""
    for name in agents:
        if name not in observations and name not in gone:
            raise unseen(name)


def unseen(name: Hashable) -> EnvironmentFault:
    """What to raise where an agent that is to move is told nothing."""
    return EnvironmentFault(f"agent '{name}' is alive and to move, and there is no observation for it")


def alive_again(name: Hashable) -> EnvironmentFault:
    """What to raise where an agent that has ended goes on."""
    return EnvironmentFault(
        f"agent '{name}' has ended and is asked again; PettingZoo's agents end once and are taken out of `agents` "
        "then: give who comes back a new name"
    )


def of_32_bits(number: float) -> str:
    """What is left to say of a number that is finite, but not in 32 bits."""
    return f", at most {LARGEST:.2g} in size" if np.isfinite(number) else ""


def paid(name: Hashable, reward: Any) -> float:
    """The reward as a number; raises EnvironmentFault where it is none, or none that is finite in 32 bits."""
    number = reward if type(reward) is float else as_number(name, reward)
    if not abs(number) <= LARGEST:
        raise EnvironmentFault(f"agent '{name}' was paid {number}; expected a finite number{of_32_bits(number)}")
    return number


def as_number(name: Hashable, reward: Any) -> float:
    """A reward of another type, as NumPy's numbers and arrays of one, and other libraries' that have an `item`."""
    if isinstance(reward, (float, int, np.floating, np.integer)):
        return float(reward)
    try:
        number = reward.item()
        if isinstance(number, (float, int)):
            return float(number)
    except FAILURES:
        pass
    raise EnvironmentFault(f"agent '{name}' was paid {shown(reward)}; expected one number")


def shown(value: Any) -> str:
    """A value in one short line, with what it is."""
    try:
        text = " ".join(repr(value).split())
    except FAILURES:
        text = "something that cannot be printed"
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return text if value is None else f"{text} ({type(value).__name__})"


def place_word(at: tuple[int, ...]) -> str:
    """Where a number stands in an array; nothing where it stands alone."""
    return f" at {list(at)}" if at else ""
