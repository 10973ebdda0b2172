"""Who learns with tables and who with networks; what does not go together is answered with commands that do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from coterie.envs import catalogue
from coterie.envs.sources import can_be_played_out
from coterie.errors import BadInput, nearest
from coterie.settings import ALGORITHMS, DEEP_ALGORITHMS, DEEP_PRESETS, PRESETS, DeepPreset, Preset
from coterie.workflow.deep.choosing import needs_networks

# The learner with networks that is nearest to one with tables: who stays hopeful, or who learns of the others' actions.
WITH_NETWORKS = {"joint-action": "vdn"}
HOPEFUL = "hysteretic"
OF_NETWORKS = ("recurrent", "steps", "device", "workers", "track", "teams", "hidden", "layers", "batch")  # no table has


def learns_deep(
    environment: str, algorithm: str | None = None, preset: str | None = None, words: Iterable[str] = ()
) -> bool:
    """Whether networks learn where nobody says so: only they have this preset, or one of these options, or can learn.

    >>> learns_deep("rendezvous"), learns_deep("rendezvous", preset="foraging"), learns_deep("rendezvous", "qmix")
    (False, True, True)
    >>> learns_deep("rendezvous", words=["steps", "seed"])
    True
    """
    asked = not {*OF_NETWORKS}.isdisjoint(words)
    return asked or only_networks_have(preset) or needs_networks(environment, algorithm)


def only_networks_have(preset: str | None) -> bool:
    """Whether a preset is one of networks and none of tables."""
    return preset in DEEP_PRESETS and preset not in PRESETS


def check_learner_fits(
    environment: str, deep: bool, *, algorithm: str | None = None, preset: str | None = None, asked_by: str = ""
) -> None:
    """Raises BadInput for an algorithm that nobody knows, and for an algorithm or a preset of the other kind.

    deep: whether networks are to learn; asked_by: the flag that asks for that, or for tables.
    """
    if algorithm and algorithm not in {*ALGORITHMS, *DEEP_ALGORITHMS}:
        known = dict.fromkeys([*ALGORITHMS, *DEEP_ALGORITHMS])
        raise BadInput(f"there is no algorithm '{algorithm}'{nearest(algorithm, known)}")
    for flag, word, about, fitting in (
        ("", algorithm, ALGORITHMS if deep else DEEP_ALGORITHMS, DEEP_ALGORITHMS if deep else ALGORITHMS),
        ("--preset ", preset, abouts(PRESETS if deep else DEEP_PRESETS), DEEP_PRESETS if deep else PRESETS),
    ):
        if not word or word in fitting or word not in about:
            continue
        wanted, other = ("networks", "tables") if deep else ("tables", "networks")
        why = f"{asked_by} asks for {wanted}" if asked_by else f"{wanted} were asked for"
        if deep and can_be_played_out(environment) and not asked_by:
            why = "networks learn here unless --tabular asks for tables"
        elif deep and not catalogue.has_table(environment):
            why = f"{environment} has no table"
        elif deep and not flag and not asked_by and only_networks_have(preset):
            why = f"--preset {preset} is for networks"
        elif flag and algorithm and not asked_by and algorithm not in (ALGORITHMS if deep else DEEP_ALGORITHMS):
            why = f"--algo {algorithm} learns with {wanted}"
        told = about[word].replace(" (", ", ").replace(")", "")
        raise BadInput(
            f"{flag}{word} ({told}) {'is for' if flag else 'learns with'} {other}, and {why}; try: "
            f"{right(environment, deep, flag, word, algorithm)}"
        )


def abouts(presets: Mapping[str, Preset | DeepPreset]) -> dict[str, str]:
    """What presets are for."""
    return {name: preset.about for name, preset in presets.items()}


def right(environment: str, deep: bool, flag: str, word: str, algorithm: str | None) -> str:
    """The nearest commands that work, where this algorithm (no flag) or preset does not go with the other words."""
    played_out = can_be_played_out(environment)
    own = f"coterie train {environment}{' --tabular' if played_out and deep else ''} {flag or '--algo '}{word}"
    if not deep:
        return own
    asked = " --deep" if catalogue.has_table(environment) else ""
    named = algorithm if flag and algorithm in DEEP_ALGORITHMS else "" if flag else WITH_NETWORKS.get(word, HOPEFUL)
    network = f"coterie train {environment}{asked}{f' --algo {named}' if named else ''}"
    return f"{own}, or with networks: {network}" if played_out or catalogue.has_table(environment) else network
