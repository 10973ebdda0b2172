"""Environments whose agents see parts of one common picture: it is drawn once a joint step and cut up without copies.

`observe` of such an environment copies and turns a part of the picture for every agent, which takes pistonball most of
its time (benchmarks/pettingzoo_rates.py). A `Screen` gives the same numbers as views, and draws faster what the
environment draws slowly. Each is written for the code of one class and serves that class alone; whether it gives what
`observe` gives, bit for bit, is tried before it is used (direct.py).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple, Protocol

import numpy as np

from coterie.pettingzoo.pictures.lenses import Lens, across, averaged, summed_rows

RED_GREEN_BLUE = (2, 1, 0)  # where they stand in the four bytes of a pixel
SHIFTS = (16, 8, 0)


class Window(NamedTuple):
    """A part of a picture: from its top to its bottom, from its left to its right."""

    top: int
    bottom: int
    left: int
    right: int


NOWHERE = Window(0, 0, 0, 0)


class Screen(Protocol):
    """One common picture, and the window of it that each agent sees."""

    @property
    def windows(self) -> Mapping[Hashable, Window]:
        """What of the picture each agent sees."""
        ...

    def surface(self) -> Any:
        """The pygame surface that the picture stands on."""
        ...

    def begin(self) -> None:
        """An episode has begun, and the environment has drawn it."""
        ...

    def hold(self) -> None:
        """A joint step begins: until `draw`, the environment draws no more than the next picture needs."""
        ...

    def draw(self) -> None:
        """The joint step is over: the picture is as the environment would have drawn it, and so is the environment."""
        ...

    def changed(self) -> list[Window]:
        """Outside these windows no pixel has changed since this was last asked, or the picture is new."""
        ...


class Moves:
    """Where the things on a picture have been since somebody asked, the same number of them in every drawing."""

    def __init__(self, whole: Window) -> None:
        self.whole, self.last, self.since = whole, [whole], [whole]

    def begin(self, things: list[Window]) -> None:
        """A new picture: all of it is to be looked at."""
        self.last, self.since = things, [self.whole]

    def drawn(self, things: list[Window]) -> None:
        """The things stand here now."""
        if len(self.since) == len(things):
            self.since = [around(one, other) for one, other in zip(self.since, things, strict=True)]
        self.last = things

    def asked(self) -> list[Window]:
        """Where they have been."""
        found, self.since = self.since, self.last
        return found


def around(one: Window, other: Window) -> Window:
    """The smallest window that holds two; nowhere adds nothing."""
    if NOWHERE in (one, other):
        return one if other == NOWHERE else other
    return Window(
        min(one.top, other.top), max(one.bottom, other.bottom), min(one.left, other.left), max(one.right, other.right)
    )


def window_of(rects: Sequence[Any]) -> Window:
    """The smallest window that holds some of pygame's rectangles."""
    return reduce(around, [Window(rect.top, rect.bottom, rect.left, rect.right) for rect in rects])


class Pistonball:
    """PettingZoo's pistonball: each piston sees itself, its neighbours and what is above them.

    The environment draws once a joint step: it paints all white, then the ball and the pistons. Here only what has
    changed becomes white, and the pistons' narrow rectangles, which SDL fills word by word, are written as arrays.
    """

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        high, wide, margin, size = raw.screen_height, raw.screen_width, raw.wall_width, raw.piston_width
        top, bottom = margin, high - margin - raw.piston_body_height
        lefts = [margin + size * (number - 1) for number in range(raw.n_pistons)]
        self.windows = {
            agent: Window(top, bottom, left, left + 3 * size)
            for agent, left in zip(raw.possible_agents, lefts, strict=True)
        }
        lowest = high - margin - (raw.piston_height - raw.piston_head_height)
        highest = lowest - raw.n_piston_positions * raw.pixels_per_position - raw.piston_radius
        self.strip = Window(highest, high, 0, wide)
        self.walls = [Window(0, high, 0, margin), Window(0, high, wide - margin, wide), Window(0, margin, 0, wide)]
        self.bodies = [(raw.piston_body_sprite, (left + size, bottom)) for left in lefts]
        self.moves, self.ball = Moves(Window(0, high, 0, wide)), Window(0, high, 0, wide)

    def surface(self) -> Any:
        """The pygame surface that the picture stands on."""
        return self.raw.screen

    def begin(self) -> None:
        """An episode has begun, and the environment has drawn it."""
        self.ball = self.ball_now()
        self.moves.begin([self.ball, self.strip, *self.walls])  # the walls are painted, too

    def hold(self) -> None:
        """The environment paints in this way until `draw`."""
        self.raw.draw, self.raw.draw_pistons = self.paint, self.draw_pistons

    def draw(self) -> None:
        """The environment has drawn already."""
        for name in ("draw", "draw_pistons"):
            self.raw.__dict__.pop(name, None)

    def changed(self) -> list[Window]:
        """The ball's way, the pistons, and the walls, which the environment paints where the ball touches them."""
        return self.moves.asked()

    def ball_now(self) -> Window:
        """Where the ball is, its line included."""
        x, y = map(int, self.raw.ball.position)
        reach = self.raw.ball_radius + 3
        return Window(y - reach, y + reach, x - reach, x + reach)

    def paint(self) -> None:
        """What the environment's own `draw` paints."""
        from pygame import Rect, draw

        raw, surface, ball = self.raw, self.raw.screen, self.raw.ball
        if raw.render_mode is None:
            return
        place, inside = ball.position, raw.render_rect
        dirty, walls = [self.ball, self.strip], [NOWHERE] * len(self.walls)
        if not raw.valid_ball_position_rect.collidepoint(place):
            raw.draw_background()
            dirty, walls = [self.moves.whole], self.walls
        for top, bottom, left, right in dirty:
            surface.fill((255, 255, 255), inside.clip(Rect(left, top, right - left, bottom - top)))
        x, y, line = int(place[0]), int(place[1]), raw.ball_radius - 1
        draw.circle(surface, (65, 159, 221), (x, y), raw.ball_radius)
        end = x + line * np.cos(ball.angle), y + line * np.sin(ball.angle)
        draw.line(surface, (58, 64, 65), (x, y), end, 3)
        radius, sprite = raw.piston_radius, raw.piston_sprite
        places = [piston.position for piston in raw.pistonList]
        surface.blits([(sprite, (left - radius, top - radius)) for left, top in places], False)
        raw.draw_pistons()
        self.ball = self.ball_now()
        self.moves.drawn([self.ball, self.strip, *walls])

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
        self.moves = Moves(whole)

    def surface(self) -> Any:
        """The pygame surface that the picture stands on."""
        return self.raw.env.screen

    def begin(self) -> None:
        """An episode has begun, and the environment has drawn it."""
        self.moves.begin(self.things())

    def hold(self) -> None:
        """Nothing is drawn until `draw`."""
        if self.raw.render_mode == "rgb_array":
            self.raw.env.render = nothing

    def draw(self) -> None:
        """Draw once for both."""
        if self.raw.env.__dict__.pop("render", None) is not None:
            self.raw.env.draw()
            self.moves.drawn(self.things())

    def changed(self) -> list[Window]:
        """The ways of paddles and ball; who stands still has not changed."""
        been = self.moves.asked()
        return been if been == [self.moves.whole] else [a for a, b in zip(been, self.moves.last, strict=True) if a != b]

    def things(self) -> list[Window]:
        """Where paddles and ball are."""
        game = self.raw.env
        return [window_of(rects) for rects in (game.p0.rects, game.p1.rects, [game.ball._rect])]


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


class Look:
    """How all agents of a kind see the common picture through their lens at once; it keeps the sums of its rows."""

    def __init__(self, lens: Lens, top: int, lefts: np.ndarray) -> None:
        self.lens, self.top, self.lefts = lens, top, lefts
        self.channels = [RED_GREEN_BLUE[channel] for channel in lens.channels]
        self.rows: np.ndarray | None = None

    def at(self, pixels: np.ndarray, changed: Sequence[Window]) -> np.ndarray:
        """What they see, uint8[N, h, w, C], where nothing outside these windows has changed since they last looked."""
        lens, part = self.lens, pixels[self.top : self.top + self.lens.rows]
        if lens.rows == lens.size[0]:
            return averaged(lens, part, self.channels, self.lefts)
        if self.rows is None:
            self.rows = summed_rows(part, lens.size[0], self.channels, lens.grey)
        else:
            for window in changed:
                self.renew(self.rows, part, window)
        return across(lens, self.rows, self.lefts)

    def renew(self, rows: np.ndarray, part: np.ndarray, window: Window) -> None:
        """Sum again what a window touches, whole pairs of columns, which are eight bytes."""
        (high, wide), count = part.shape[:2], self.lens.size[0]
        top, bottom = max(0, window.top - self.top), min(high, window.bottom - self.top)
        left, right = max(0, window.left // 2 * 2), min(wide, -(-window.right // 2) * 2)
        if top < bottom and left < right:
            first, last = top * count // high, -(-bottom * count // high)
            columns = part[:, left:right]
            rows[first:last, left:right] = summed_rows(columns, count, self.channels, self.lens.grey, first, last)


def looks_of(screen: Screen, kinds: Sequence[Sequence[Hashable]], lenses: Sequence[Lens | None]) -> list[Look]:
    """By kind, how its agents (names in their order) see all at once; [] where some see pictures as they are."""
    found = []
    for names, lens in zip(kinds, lenses, strict=True):
        own = [screen.windows[name] for name in names]
        rows = {(window.top, window.bottom) for window in own}
        if lens is None or len(rows) > 1:
            return []
        top, _, left, _ = lens.part
        found.append(Look(lens, own[0].top + top, np.array([window.left + left for window in own])))
    return found
