"""Whether agents that see pictures are blind where nothing is drawn, and whether drawing works."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from coterie.pettingzoo.check.facts import everybody
from coterie.pettingzoo.check.items import Item
from coterie.pettingzoo.check.origin import Origin
from coterie.pettingzoo.check.playing import Beat, Subject, at_random, play
from coterie.pettingzoo.check.sights import blindness

SEEN_STEPS = 40  # of play without drawing


def undrawn(origin: Origin, seed: int, beat: Beat, go_on: Callable[[], bool]) -> list[Item]:
    """Whether agents are blind in the environment as other code gets it, where nothing is drawn."""
    assert origin.default is not None
    subject = Subject(origin.default(), beat)
    episode = play(subject, seed, at_random(subject, np.random.default_rng(0)), SEEN_STEPS, go_on)
    blind = blindness(subject.environment, [episode], everybody(subject.environment, [episode]))
    subject.environment.close()
    return [
        Item(
            "warning",
            "blind by default",
            "With render_mode=None, which is the default, agents are blind: observations never change. coterie "
            "itself asks for drawing",
            item.evidence,
            'elsewhere, too, make it with render_mode="rgb_array"',
        )
        for item in blind
        if item.severity == "error"
    ]


def drawn(subject: Subject, seed: int) -> list[Item]:
    """Whether `render` draws a picture where it was asked to."""
    subject.reset(seed)
    picture = subject.call("render", subject.environment.render)
    shape = np.shape(picture)
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and len(shape) == 3 and shape[-1] == 3:
        return []
    told = (
        f"an array {picture.dtype}{list(shape)}" if isinstance(picture, np.ndarray) else f"a {type(picture).__name__}"
    )
    what = f'render() gives {told} although render_mode is "rgb_array"'
    return [Item("warning", "no picture", what, fix="return an array uint8[height, width, 3]")]
