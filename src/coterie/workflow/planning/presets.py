"""From the names of an algorithm and a preset to the learner's options; imports nothing heavy."""

from __future__ import annotations

import dataclasses

from coterie.errors import BadInput, nearest
from coterie.settings import ALGORITHMS, PRESETS, TabularOptions

HYSTERESIS = 0.1  # of the hysteretic algorithm, where the preset has none (Matignon et al. 2007)

TEMPERATURES = ("temperature", "temperature_decay", "temperature_floor")
OPTIONS_OF = {
    "fmq": ("fmq_weight",),
    "lenient": (*TEMPERATURES, "lenience", "temperature_diffusion"),
    "commitment": ("commitments", "commitment_growth", "commitment_margin"),
}
OWN = {"lenient": {"temperature": 50.0, "temperature_decay": 0.995, "temperature_floor": 2.0}}  # Wei and Luke 2016


def preset_options(preset: str, algorithm: str | None = None) -> tuple[str, TabularOptions]:
    """The algorithm (the preset's own where none is given) and the learner's options.

    Only hysteretic learns bad news more slowly than good, whatever the preset says.
    """
    if preset not in PRESETS:
        raise BadInput(f"there is no preset '{preset}'{nearest(preset, PRESETS)}")
    algorithm = algorithm or PRESETS[preset].algorithm
    if algorithm not in ALGORITHMS:
        raise BadInput(f"there is no algorithm '{algorithm}'{nearest(algorithm, ALGORITHMS)}")
    options = dataclasses.replace(TabularOptions(), **PRESETS[preset].options)
    if algorithm != "hysteretic":
        options = dataclasses.replace(options, hysteresis=1.0, **OWN.get(algorithm, {}))
    elif options.hysteresis == 1.0:
        options = dataclasses.replace(options, hysteresis=HYSTERESIS)
    return algorithm, options


def preset_for_tables(environment: str, rivals: bool) -> str:
    """The preset of tables where nobody names one: agents from elsewhere who are rivals learn by self-play.

    >>> preset_for_tables("./grid.py:make_env", False), preset_for_tables("pettingzoo:classic/tictactoe_v3", True)
    ('default', 'self-play')
    """
    return "self-play" if rivals and ":" in environment else "default"


def check_algorithm(algorithm: str, options: TabularOptions) -> None:
    """Raises BadInput where the options make another algorithm of it, or belong to another."""
    if algorithm != "hysteretic" and options.hysteresis != 1.0:
        name = "independent Q-learning" if algorithm == "iql" else f"--algorithm {algorithm}"
        raise BadInput(
            f"--hysteresis {options.hysteresis:g}: {name} learns bad news as fast as good; use --algorithm hysteretic"
        )
    if algorithm == "commitment" and options.exploration != "epsilon":
        raise BadInput("--exploration boltzmann: --algorithm commitment explores by the actions it holds")
    warm = algorithm == "lenient" or options.exploration == "boltzmann"
    for owner, names in OPTIONS_OF.items():
        for name in names:
            if getattr(options, name) == getattr(TabularOptions, name) or owner == algorithm:
                continue
            if owner == "lenient" and name in TEMPERATURES and warm:
                continue
            flag = f"--{name.replace('_', '-')} {getattr(options, name):g}"
            other = "--exploration boltzmann" if name in TEMPERATURES else f"--algorithm {owner}"
            raise BadInput(f"{flag}: --algorithm {algorithm} does not use it; add {other}")
