"""The small Dec-POMDPs that come with coterie, and any other in a file; needs no JAX."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from coterie.envs import boards
from coterie.envs.dpomdp import read_dpomdp, read_problem
from coterie.envs.files import read_text
from coterie.envs.payoffs import check_horizon
from coterie.errors import BadInput, nearest
from coterie.finite.game import FiniteGame
from coterie.settings import DecPomdpOptions, DpomdpOptions


class Shipped(NamedTuple):
    """A problem that comes with coterie: what its greatest reward is called, and the action that is nearest to none."""

    success_word: str
    idle: str
    idle_is_noop: bool


SHIPPED = {
    "dec-tiger": Shipped("score", "listen", False),
    "recycling-robots": Shipped("score", "recharge", False),
    "grid-small": Shipped("meet", "stay", True),
}


def shipped_game(name: str, options: DecPomdpOptions) -> FiniteGame:
    """A problem that comes with coterie; its source stands at the top of its file in envs/problems."""
    about = SHIPPED[name]
    game = read_dpomdp(shipped_text(name), name, options.horizon, success_word=about.success_word)
    idle = game.action_names.index(about.idle)
    game = game._replace(idle=(idle,) * len(game.idle), idle_is_noop=about.idle_is_noop)
    if name == "grid-small":
        game = game._replace(boards=_grid_boards(game), action_boards=np.empty((0, 2, 2), np.uint8))
    return game


def dpomdp_game(options: DpomdpOptions) -> FiniteGame:
    """The game of a file, of a name that comes with coterie, or of a text."""
    options = dpomdp_options(options)
    if options.text:
        return read_dpomdp(options.text, "dpomdp", options.horizon, where="--env.text")
    return read_dpomdp(shipped_text(options.file), "dpomdp", options.horizon)


def dpomdp_options(options: DpomdpOptions) -> DpomdpOptions:
    """Options that hold the file's content instead of its name, so that a run is what was read when it began."""
    check_horizon(options.horizon)
    if options.text:
        if options.file not in ("", DpomdpOptions.file):
            raise BadInput(f"--env.file {options.file}: give the file or --env.text, not both")
        return replace(options, file="")
    if options.file in SHIPPED:
        return options
    if not options.file:
        raise BadInput(f"--env.file: which file? A .dpomdp file, or one of {', '.join(SHIPPED)}")
    try:
        text = read_text(options.file)
    except BadInput as error:
        known = nearest(options.file, SHIPPED) if "no such file" in str(error) else ""
        raise BadInput(f"{error}{known}") from None
    read_problem(text, options.file)
    return replace(options, file="", text=text)


def shipped_text(name: str) -> str:
    """The text of a problem that comes with coterie."""
    return files("coterie").joinpath("envs", "problems", f"{name}.dpomdp").read_text("utf-8")


def _grid_boards(game: FiniteGame) -> np.ndarray:
    """Both agents on the 2x2 grid, uint8[S, 2, 2]: cells are counted along the rows."""
    pictures = np.zeros((len(game.states), 4), np.uint8)
    for picture, world in zip(pictures, game.states[:, 0], strict=True):
        for agent, at in enumerate(divmod(int(world), 4)):
            picture[at] |= boards.agent_bit(agent)
    return pictures.reshape(-1, 2, 2)
