"""From the names of an algorithm and a preset to the learner's options; imports nothing heavy."""

from __future__ import annotations

import dataclasses

from coterie.settings import PRESETS, TabularOptions


def preset_options(algorithm: str, preset: str) -> TabularOptions:
    """The learner's options of a preset, with what the algorithm adds."""
    options = dataclasses.replace(TabularOptions(), **PRESETS[preset].options)
    if algorithm == "hysteretic":
        options = dataclasses.replace(options, learning_rate_down=options.learning_rate / 10)
    return options
