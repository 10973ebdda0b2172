"""From the names of an algorithm and a preset to the learner's options; imports nothing heavy."""

from __future__ import annotations

import dataclasses

from coterie.errors import BadInput, nearest
from coterie.settings import ALGORITHMS, PRESETS, TabularOptions

HYSTERETIC_RATIO = 0.1  # bad news against good, where the preset does not say


def preset_options(preset: str, algorithm: str | None = None) -> tuple[str, TabularOptions]:
    """The algorithm (the preset's own where none is given) and the learner's options.

    Independent Q-learning has one step size, whatever the preset's; hysteretic has two.
    """
    if preset not in PRESETS:
        raise BadInput(f"there is no preset '{preset}'{nearest(preset, PRESETS)}")
    algorithm = algorithm or PRESETS[preset].algorithm
    if algorithm not in ALGORITHMS:
        raise BadInput(f"there is no algorithm '{algorithm}'{nearest(algorithm, ALGORITHMS)}")
    options = dataclasses.replace(TabularOptions(), **PRESETS[preset].options)
    if algorithm == "iql":
        options = dataclasses.replace(options, learning_rate_down=-1.0)
    elif options.learning_rate_down < 0:
        options = dataclasses.replace(options, learning_rate_down=HYSTERETIC_RATIO * options.learning_rate)
    return algorithm, options
