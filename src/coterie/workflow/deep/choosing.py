"""Who learns and with which recipe, where nobody says so: by the user's words, else by a look at the environment."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from coterie.envs import catalogue, sources
from coterie.errors import BadInput, nearest
from coterie.settings import (
    ALGORITHMS,
    DEEP_ALGORITHMS,
    DEEP_PRESETS,
    POLICY_GRADIENT,
    DeepOptions,
    options_of_algorithm,
    usual_options,
)
from coterie.types import Spec
from coterie.workflow.deep.learner_checks import OF_VALUES, reads
from coterie.workflow.deep.seeing import MOST_STATE, picture_options
from coterie.workflow.deep.teams import own_options

Road = Literal["compiled", "worker"]
MANY = 10  # agents of one kind
OF_A_RUN = ("environments", "rows", "lag", "reward")  # options that all who learn in a run have in common
PICTURE_AXES = 3


class Choice(NamedTuple):
    """An algorithm and a preset, and why it is these, in a sentence."""

    algorithm: str
    preset: str
    why: str = ""


class Defaults(NamedTuple):
    """What a run has where nobody says otherwise: preset, algorithm, the learner's options; why it has these."""

    preset: str
    algorithm: str
    options: DeepOptions
    why: str = ""


def defaults_of(
    environment: str,
    algorithm: str | None,
    preset: str | None,
    learning: Sequence[str],
    said: Collection[str] = (),
    env: Any = None,
    picture: Any = None,
) -> Defaults:
    """The preset, the algorithm (of teams the first that learns) and the learner's options where nobody says others.

    said: the options of the learner that are said. env: the environment's options, picture: what is said of how
    pictures are shown, for a look at it.
    """
    sharing = "share_experience" in said
    if learning and algorithm and algorithm not in learning:
        raise BadInput(f"--algorithm {algorithm}: the teams say who learns how ({', '.join(learning)}); leave it out")
    values = preset is None or not is_policy(DEEP_PRESETS[preset].algorithm if preset in DEEP_PRESETS else "")
    algorithm = algorithm or (learning[0] if learning else "iql" if sharing and values else None)
    check_words(algorithm, preset)
    why = ""
    if preset is None:
        of_values = next((name for name in OF_VALUES if name in said), None)
        if algorithm is None and of_values and road_of(environment) == "worker":
            chosen = Choice("iql", "default", f"--{of_values.replace('_', '-')} is of learners of values")
        else:
            chosen = preset_for(environment, algorithm, env, picture)
        preset, algorithm, why = chosen.preset, algorithm or chosen.algorithm, chosen.why
    usual = DEEP_PRESETS[preset].algorithm
    if algorithm is None and usual == "mappo":
        apart = sharing or (road_of(environment) == "worker" and not together(*seen(environment, env, picture)))
        usual = "ippo" if apart else usual
    algorithm = algorithm or usual
    return Defaults(preset, algorithm, usual_options(preset, algorithm, sharing), why)


def options_beside(
    first: Defaults, player: str, options: DeepOptions, said: Collection[str], environment: str, env: Any = None
) -> DeepOptions:
    """The options of an algorithm among teams that learn: what is said, where it reads it, and else what is usual.

    first: the first of them, whose preset the run has; options: the run's, with what is said. An algorithm of the other
    family has a preset of its own. How the world is stepped is one for all: whom the first's preset asks less often
    than its own learns as much more at each visit, and who has fewer rows cuts them into fewer parts.
    """
    other = is_policy(player) != is_policy(first.algorithm)
    preset = preset_for(environment, player, env).preset if other else first.preset
    told = [name for name in said if reads(player, name, options)]
    own = usual_options(preset, player, "share_experience" in told and options.share_experience != "none")
    times = first.options.environments * first.options.rows / (own.environments * own.rows)
    if is_policy(player):
        own = replace(own, minibatches=max(1, round(own.minibatches * min(1.0, times))))
    else:
        own = replace(own, updates=max(1, round(own.updates * times)))
    if other and DEEP_PRESETS[preset].picture:
        own = replace(own, convolution=True)  # pictures are shown as the first team's preset has them
    common = {name: getattr(options, name) for name in (*told, *OF_A_RUN)}
    return options_of_algorithm(player, replace(own, **common))


def check_words(algorithm: str | None, preset: str | None) -> None:
    """Raises BadInput for an algorithm or a preset that nobody knows, and where a preset is another family's."""
    if preset is not None and preset not in DEEP_PRESETS:
        raise BadInput(f"there is no preset '{preset}' of deep learners{nearest(preset, DEEP_PRESETS)}")
    if algorithm is not None and algorithm not in DEEP_ALGORITHMS:
        raise BadInput(f"there is no deep algorithm '{algorithm}'{nearest(algorithm, DEEP_ALGORITHMS)}")
    if preset is None or algorithm is None:
        return
    own = [name for name, one in DEEP_PRESETS.items() if is_policy(one.algorithm) == is_policy(algorithm)]
    if preset not in own:
        learns = "policies" if is_policy(algorithm) else "values of actions"
        raise BadInput(
            f"--preset {preset} is for {DEEP_PRESETS[preset].algorithm} and its kin, and {algorithm} learns {learns}; "
            f"its presets are {', '.join(own)}"
        )


def is_policy(algorithm: str) -> bool:
    """Whether an algorithm learns policies, and not values of actions."""
    return algorithm in POLICY_GRADIENT


def preset_for(environment: str, algorithm: str | None, env: Any = None, picture: Any = None) -> Choice:
    """The algorithm and the preset that an environment is known to need, or that a look at it suggests."""
    if road_of(environment) == "worker":
        if algorithm is not None and not is_policy(algorithm):
            return Choice(algorithm, "default")
        return choice_for(*seen(environment, env, picture), algorithm)
    if algorithm is not None and is_policy(algorithm):
        return Choice(algorithm, "vectors")
    group = "" if ":" in environment else catalogue.find(environment).group
    if group == catalogue.FORAGING:
        return Choice(DEEP_PRESETS["foraging"].algorithm, "foraging")
    matrix = group == catalogue.MATRIX_GAMES and algorithm in (None, "hysteretic")
    preset = "coordination" if matrix else "default"
    return Choice(DEEP_PRESETS[preset].algorithm, preset)


def seen(environment: str, env: Any, picture: Any) -> tuple[Spec, bool]:
    """What agents of an environment outside JAX see and do, and whether in turns; one is made, and closed again.

    Pictures, where they see any, are as the preset `images` shows them if nothing else is said of them.
    """
    usual, small = (picture_options(environment, "worker", picture, preset) for preset in ("default", "images"))
    spec, in_turns = made(environment, env, usual)
    return made(environment, env, small) if shows_pictures(spec) and small != usual else (spec, in_turns)


def made(environment: str, env: Any, picture: Any) -> tuple[Spec, bool]:
    """What an environment shows with these pictures, and whether in turns."""
    from coterie.pettingzoo.forms.turns import OneInTurns
    from coterie.pettingzoo.making.sources import make_worlds

    own, numbers, slots = own_options(env)
    asked: Any = {"team": numbers, "central": False, "slots": slots, "again": False, "picture": picture}
    worlds: Any = make_worlds(environment, own, 1, **asked)
    try:
        return worlds.spec, isinstance(worlds.ones[0], OneInTurns)
    finally:
        worlds.close()


def shows_pictures(spec: Spec) -> bool:
    """Whether any agents see pictures of bytes, which can be shown in other ways; grids of numbers cannot."""
    return any(len(one.observation_shape) == PICTURE_AXES and one.observation_dtype == "uint8" for one in spec.kinds)


def choice_for(spec: Spec, in_turns: bool, algorithm: str | None = None) -> Choice:
    """What suits agents that see and do this: policies, but in turns of numbered actions independent Q-learning."""
    amounts = any(kind.bounds for kind in spec.kinds)
    most = max(len(kind.agents) for kind in spec.kinds)
    if in_turns and not amounts and algorithm is None:
        return Choice("iql", "default", "agents move in turns, one at a time")
    does = "actions are amounts" if amounts else "actions are numbered"
    if shows_pictures(spec):
        preset, why = "images", "agents see pictures"
    elif most >= MANY:
        preset, why = "many", f"{most} agents are alike"
    else:
        preset, why = "vectors", "agents see rows of numbers"
    usual = DEEP_PRESETS[preset].algorithm
    usual = "ippo" if usual == "mappo" and not together(spec, in_turns) else usual
    return Choice(algorithm or usual, preset, f"{why}, and their {does}")


def together(spec: Spec, in_turns: bool) -> bool:
    """Whether critics can see what all see: of agents who decide at the same time, are always the same, and few."""
    from coterie.networks.policies import seen_together

    return not in_turns and not spec.births and seen_together(spec) <= MOST_STATE


def learning_of(teams: Mapping[str, str]) -> list[str]:
    """The algorithms that teams learn with."""
    return [player for player in teams.values() if player in DEEP_ALGORITHMS]


def needs_networks(environment: str, algorithm: str | None = None) -> bool:
    """Whether an environment has no exact table, or the algorithm none to learn with, so that networks must learn."""
    if algorithm in DEEP_ALGORITHMS and algorithm not in ALGORITHMS:
        return True
    return not catalogue.has_table(environment)


def road_of(environment: str) -> Road:
    """Which road an environment is trained on: compiled for ours and those of JAX libraries, else the worker road."""
    if ":" in environment:
        source = sources.parse(environment)
        return "compiled" if source is not None and source.source in sources.JAX_SOURCES else "worker"
    catalogue.find(environment)
    return "compiled"


def said_in(learner: Mapping[str, Any] | DeepOptions | None) -> set[str]:
    """The options of a learner that are said; of a whole set of options those that are not as usual."""
    options = learner if isinstance(learner, Mapping) else {} if learner is None else vars(learner)
    usual = vars(DeepOptions())
    names = set(options) if isinstance(learner, Mapping) else {name for name in options if options[name] != usual[name]}
    return names if options.get("share_experience", "none") != "none" else names - {"share_experience"}
