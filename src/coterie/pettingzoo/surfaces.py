"""Environments whose agents see parts of one common picture: it is drawn once a joint step and cut up without copies.

`observe` of such an environment copies and turns a part of the picture for every agent, which takes pistonball nine
tenths of its time. A `Screen` gives the same numbers as views, and draws faster what the environment draws slowly. Each
is written for the code of one class and serves that class alone; whether it gives what `observe` gives, bit for bit, is
tried before it is used (direct.py).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from coterie.pettingzoo.pictures import Lens, averaged

RED_GREEN_BLUE = (2, 1, 0)  # where they stand in the four bytes of a pixel
SHIFTS = (16, 8, 0)


class Window(NamedTuple):
    """A part of a picture: from its top to its bottom, from its left to its right."""

    top: int
    bottom: int
    left: int
    right: int


class Screen(Protocol):
    """One common picture, and the window of it that each agent sees."""

    @property
    def windows(self) -> Mapping[Hashable, Window]:
        """What of the picture each agent sees."""
        ...

    def surface(self) -> Any:
        """The pygame surface that the picture stands on."""
        ...

    def hold(self) -> None:
        """A joint step begins: the environment draws no more than it needs for the next picture."""
        ...

    def draw(self) -> None:
        """The joint step is over: the picture is as the environment would have drawn it, and so is the environment."""
        ...


class Pistonball:
    """PettingZoo's pistonball: each piston sees itself, its neighbours and what is above them.

    The environment draws once a joint step. Of the time that takes, the small rectangles of the pistons are seven
    tenths, for SDL fills those narrow ones word by word; here they are written as arrays.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        top, wide = raw.wall_width, raw.piston_width
        bottom = raw.screen_height - raw.wall_width - raw.piston_body_height
        lefts = [raw.wall_width + wide * (number - 1) for number in range(raw.n_pistons)]
        self.windows = {
            agent: Window(top, bottom, left, left + 3 * wide)
            for agent, left in zip(raw.possible_agents, lefts, strict=True)
        }
        self.bodies = [(raw.piston_body_sprite, (left + wide, bottom)) for left in lefts]

    def surface(self) -> Any:
        """The pygame surface that the picture stands on."""
        return self.raw.screen

    def hold(self) -> None:
        """Pistons are drawn faster until `draw`."""
        self.raw.draw_pistons = self.draw_pistons

    def draw(self) -> None:
        """The environment has drawn already."""
        self.raw.__dict__.pop("draw_pistons", None)

    def draw_pistons(self) -> None:
        """What the environment's own `draw_pistons` draws; pistons have columns of their own, so order is free."""
        raw, surface = self.raw, self.raw.screen
        surface.blits(self.bodies, False)
        colour = surface.map_rgb((65, 159, 221))
        foot = raw.screen_height - raw.wall_width - raw.piston_body_height + (raw.piston_body_height - 6)
        words, radius = words_of(surface), raw.piston_radius
        for piston in raw.pistonList:
            x, y = piston.position
            left, top, high = int(x + radius + 1), int(y + radius + 1), int(foot - (y + radius))
            words[top : top + high, left : left + 18] = colour


class CooperativePong:
    """PettingZoo's cooperative_pong: both paddles see all; it draws, and copies what it drew, after each one's turn."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        whole = Window(0, raw.env.s_height, 0, raw.env.s_width)
        self.windows = dict.fromkeys(raw.possible_agents, whole)

    def surface(self) -> Any:
        """The pygame surface that the picture stands on."""
        return self.raw.env.screen

    def hold(self) -> None:
        """Nothing is drawn until `draw`."""
        if self.raw.render_mode == "rgb_array":
            self.raw.env.render = nothing

    def draw(self) -> None:
        """Draw once for both."""
        if self.raw.env.__dict__.pop("render", None) is not None:
            self.raw.env.draw()


# By the module and name of the class that it was written for, no subclass.
SCREENS: Mapping[tuple[str, str], Callable[[Any], Screen]] = {
    ("pettingzoo.butterfly.pistonball.pistonball", "raw_env"): Pistonball,
    ("pettingzoo.butterfly.cooperative_pong.cooperative_pong", "raw_env"): CooperativePong,
}


def screen_of(raw: Any) -> Screen | None:
    """The common picture of an environment; None where none is known, or it is shown in a window of its own."""
    make = SCREENS.get((type(raw).__module__, type(raw).__qualname__))
    return None if make is None or raw.render_mode == "human" else make(raw)


def nothing() -> None:
    """In place of a drawing that nobody looks at."""


def words_of(surface: Any) -> np.ndarray:
    """The pixels of a surface as uint32[H, W], to be written into; nothing can be drawn while they are looked at."""
    from pygame import surfarray

    return surfarray.pixels2d(surface).T


def pixels_of(surface: Any) -> np.ndarray:
    """The pixels of a surface as uint8[H, W, 4], their bytes in the order of RED_GREEN_BLUE; see `words_of`.

    Raises ValueError for a surface whose pixels are kept otherwise.
    """
    if surface.get_bytesize() != len(RED_GREEN_BLUE) + 1 or surface.get_shifts()[:3] != SHIFTS:
        raise ValueError(f"the pixels of a surface are kept as {surface.get_shifts()}, expected {SHIFTS}")
    words = words_of(surface)
    return words.astype("<u4", copy=False).view(np.uint8).reshape(*words.shape, 4)


def sights(screen: Screen, agents: Sequence[Any]) -> dict[Any, np.ndarray]:
    """What these agents see, uint8[H, W, 3]: views of the common picture, good until the next joint step."""
    picture = pixels_of(screen.surface())[..., 2::-1]
    found = {}
    for agent in agents:
        top, bottom, left, right = screen.windows[agent]
        found[agent] = picture[top:bottom, left:right]
    return found


class Look(NamedTuple):
    """How all agents of a kind see the common picture through their lens at once: rows and first columns, int[N]."""

    lens: Lens
    top: int
    bottom: int
    lefts: np.ndarray

    def at(self, pixels: np.ndarray) -> np.ndarray:
        """What they see, uint8[N, h, w, C]."""
        channels = [RED_GREEN_BLUE[channel] for channel in self.lens.channels]
        return averaged(self.lens, pixels[self.top : self.bottom], channels, self.lefts)


def looks_of(screen: Screen, kinds: Sequence[Sequence[Hashable]], lenses: Sequence[Lens | None]) -> list[Look]:
    """By kind, how its agents (names in their order) see all at once; [] where some see pictures as they are."""
    found = []
    for names, lens in zip(kinds, lenses, strict=True):
        own = [screen.windows[name] for name in names]
        rows = {(window.top, window.bottom) for window in own}
        if lens is None or len(rows) > 1:
            return []
        top, bottom, left, _ = lens.part
        first = own[0].top
        found.append(Look(lens, first + top, first + bottom, np.array([window.left + left for window in own])))
    return found
