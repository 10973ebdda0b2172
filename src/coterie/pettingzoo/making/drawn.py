"""Environments that are looked at: made so that they draw themselves, behind no window, and pictures of a moment."""

from __future__ import annotations

import ctypes.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from coterie.pettingzoo.making.makers import Maker
from coterie.pettingzoo.making.sources import build, takes
from coterie.yours import FAILURES, told

DRAWN = "rgb_array"
# What the libraries that environments draw with read when they start: no window, no sound, no greeting.
UNSEEN = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}


class NoPicture(Exception):
    """An environment cannot be drawn; says why, as the end of a sentence."""


@contextmanager
def without_a_window(window: bool = False) -> Iterator[None]:
    """Let pygame and pyglet draw without a display, unless a `window` is asked for; what the user has set is kept."""
    wanted = {} if window else dict(UNSEEN)
    if not window and sys.platform == "linux" and ctypes.util.find_library("EGL"):
        wanted["PYGLET_HEADLESS"] = "True"
    own = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(own)
    try:
        yield
    finally:
        for name in own:
            os.environ.pop(name, None)


def make_drawn(word: str, maker: Maker, options: Mapping[str, Any]) -> Any:
    """An environment that draws itself, where it offers that and its maker takes a `render_mode`; else as it comes."""
    environment = build(word, maker, options)
    asked = "render_mode" in options or not takes(maker.named_by, "render_mode")
    if asked or not offers(environment) or render_mode(environment) == DRAWN:
        return environment
    environment.close()  # first: some close the library that all of them draw with
    return build(word, maker, {**options, "render_mode": DRAWN})


def picture(environment: Any) -> np.ndarray:
    """The present moment, uint8[H, W, 3]; NoPicture where the environment does not draw it."""
    draw = drawer(environment)
    try:
        drawn = draw()
    except FAILURES as error:
        raise NoPicture(told(error)) from error
    if isinstance(drawn, list) and drawn:  # render mode rgb_array_list
        drawn = drawn[-1]
    pixels = np.asarray(drawn) if isinstance(drawn, np.ndarray) else np.empty(0)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    if pixels.ndim != 3 or pixels.shape[-1] not in (3, 4) or not pixels.size or pixels.dtype.kind not in "iu":
        told_of = f"{drawn.dtype}{list(drawn.shape)}" if isinstance(drawn, np.ndarray) else type(drawn).__name__
        raise NoPicture(f"render() gave {told_of}, expected uint8[height, width, 3]")
    return np.ascontiguousarray(pixels[..., :3]).astype(np.uint8)


def drawer(environment: Any) -> Callable[[], Any]:
    """What draws an environment: its `render`, which a few older ones have to be told the mode each time."""
    raw = getattr(environment, "unwrapped", environment)
    try:
        modal = "mode" in inspect.signature(raw.render).parameters
    except (AttributeError, TypeError, ValueError):
        modal = False
    if modal:
        return partial(raw.render, mode=DRAWN)
    if render_mode(environment) == DRAWN:
        return environment.render
    if offers(environment):
        raise NoPicture(f'the environment was made without render_mode="{DRAWN}", which it offers')
    modes = ", ".join(map(str, modes_of(environment)))
    raise NoPicture(f"the environment offers no render mode {DRAWN}" + (f", only {modes}" if modes else ""))


def modes_of(environment: Any) -> tuple[Any, ...]:
    """The render modes that an environment names."""
    return tuple((getattr(environment, "metadata", None) or {}).get("render_modes", ()))


def offers(environment: Any) -> bool:
    """Whether an environment offers to draw itself."""
    return DRAWN in modes_of(environment)


def render_mode(environment: Any) -> str | None:
    """How an environment was made to be shown."""
    return getattr(environment, "render_mode", None)
