"""From the names of an algorithm and a preset to the learner's options; imports nothing heavy."""

from __future__ import annotations

import dataclasses

from coterie.errors import BadInput, nearest
from coterie.settings import ALGORITHMS, PRESETS, TabularOptions

HYSTERESIS = 0.1  # of the hysteretic algorithm, where the preset has none (Matignon et al. 2007)


def preset_options(preset: str, algorithm: str | None = None) -> tuple[str, TabularOptions]:
    """The algorithm (the preset's own where none is given) and the learner's options.

    Independent Q-learning learns bad news as fast as good, whatever the preset says; hysteretic does not.
    """
    if preset not in PRESETS:
        raise BadInput(f"there is no preset '{preset}'{nearest(preset, PRESETS)}")
    algorithm = algorithm or PRESETS[preset].algorithm
    if algorithm not in ALGORITHMS:
        raise BadInput(f"there is no algorithm '{algorithm}'{nearest(algorithm, ALGORITHMS)}")
    options = dataclasses.replace(TabularOptions(), **PRESETS[preset].options)
    if algorithm == "iql":
        options = dataclasses.replace(options, hysteresis=1.0)
    elif options.hysteresis == 1.0:
        options = dataclasses.replace(options, hysteresis=HYSTERESIS)
    return algorithm, options


def check_algorithm(algorithm: str, options: TabularOptions) -> None:
    """Raises BadInput where the options make another algorithm of it."""
    if algorithm == "iql" and options.hysteresis != 1.0:
        raise BadInput(
            f"--hysteresis {options.hysteresis:g}: independent Q-learning learns bad news as fast as good; "
            "use --algorithm hysteretic"
        )
