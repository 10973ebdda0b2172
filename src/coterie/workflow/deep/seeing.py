"""What agents of a deep run are shown of pictures: from the user's words, in a run's settings, and told in words."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coterie.errors import BadInput
from coterie.running import recorder
from coterie.settings import DEEP_PRESETS, POLICY_GRADIENT, UNTOUCHED, PictureOptions, check_pictures
from coterie.types import Spec
from coterie.workflow.planning.plan import replaced

if TYPE_CHECKING:
    from coterie.running.deep.runs import Opened

USUAL = PictureOptions()
MOST_STATE = 100_000  # numbers of a central state; a picture of a screen has more


def picture_options(
    environment: str, road: str, picture: Mapping[str, Any] | PictureOptions | None, preset: str = "default"
) -> PictureOptions | None:
    """How pictures are shown, checked; BadInput where something is asked on a road where nobody sees any.

    preset: whose own ways stand where nothing else is said.
    """
    usual = PictureOptions(**DEEP_PRESETS[preset].picture)
    options: PictureOptions = replaced(usual, picture or {}, "option of pictures", "--picture.")
    if road == "compiled":
        if picture and options not in (PictureOptions(), UNTOUCHED):
            raise BadInput(f"--picture: the agents of {environment} see no pictures of bytes; leave it out")
        return None
    check_pictures(options)
    return options


def picture_in(settings: Mapping[str, Any]) -> PictureOptions | None:
    """How pictures are shown in a run with these settings; runs of before there was a choice left them as they are."""
    if settings.get("road") != "worker":
        return None
    return PictureOptions(**settings["picture"]) if "picture" in settings else UNTOUCHED


def check_seen_alike(spec: Spec, folder: Path, picture: PictureOptions | None) -> None:
    """Raises BadInput where a saved run that is to play a team was shown pictures in another way than this one is."""
    pictures = any(kind.observation_dtype == "uint8" and len(kind.observation_shape) > 1 for kind in spec.kinds)
    theirs = picture_in(recorder.read_config(folder))
    if pictures and theirs != picture:
        raise BadInput(
            f"{folder.name} cannot play a team here: it was shown pictures with {in_words(theirs)}, and this run shows "
            f"them with {in_words(picture)}; give this one the same"
        )


def in_words(picture: PictureOptions | None) -> str:
    """Options of pictures as flags."""
    changed = {name: value for name, value in vars(picture or UNTOUCHED).items() if value != getattr(USUAL, name)}
    flags = [f"--picture.{name}{'' if value is True else f' {value}'}" for name, value in changed.items()]
    return " ".join(flags) or "no --picture options"


def seen_through(opened: Opened) -> list[str]:
    """What is made of pictures, a line for each kind of agents that see any.

    For example: 20 agents see 24x12x2, grey, of 457x120x3
    """
    from coterie.pettingzoo.pictures.lenses import words

    kinds = zip(opened.spec.kinds, opened.layouts, strict=False)  # no layouts on the compiled road
    shown = [(len(kind.agents), layout.lens) for kind, layout in kinds if layout.lens is not None]
    return [f"{count} agent{' sees' if count == 1 else 's see'} {words(lens)}" for count, lens in shown]


def check_seen_together(environment: str, numbers: int, teams: bool = False) -> None:
    """Raises BadInput where critics would see more than they can learn from; teams: it is said who plays each."""
    if numbers > MOST_STATE:
        raise BadInput(
            f"critics of mappo see what all agents of {environment} see, side by side: {numbers:,} numbers, which is "
            f"too many (at most {MOST_STATE:,}); show smaller pictures, like --picture.size 24x12, or use "
            f"{'--team NAME=ippo' if teams else '--algorithm ippo'}"
        )


def check_state(algorithm: str, environment: str, shape: tuple[int, ...]) -> None:
    """Raises BadInput where the central state is a picture, which no mixer or critic can read as it is."""
    if prod(shape) > MOST_STATE and algorithm in POLICY_GRADIENT:
        raise BadInput(
            f"the central state of {environment} has {'x'.join(map(str, shape))} numbers, too many for critics to see "
            f"(at most {MOST_STATE:,}); use --central observations, or --algorithm ippo"
        )
    if prod(shape) > MOST_STATE:
        raise BadInput(
            f"{algorithm} mixes by the central state, and that of {environment} has {'x'.join(map(str, shape))} "
            f"numbers, too many to be kept with every step (at most {MOST_STATE:,}); use --algorithm vdn or iql, which "
            "need no state"
        )
