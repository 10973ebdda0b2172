"""What is wrong with action masks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from coterie.errors import BadInput
from coterie.pettingzoo.check.items import Item, MaskFacts
from coterie.pettingzoo.check.playing import Episode
from coterie.pettingzoo.reading.layouts import label
from coterie.pettingzoo.reading.spaces import numbered

OTHER_NAMES = (
    "action_masks", "mask", "legal_moves", "legal_actions", "avail_actions", "available_actions", "valid_actions",
    "valid_action_mask", "legal_action_mask", "avail_action",
)  # fmt: skip


def mask_items(environment: Any, episodes: Sequence[Episode], facts: MaskFacts) -> list[Item]:
    """Masks that allow nothing, have another length than the actions, or stand under a name that nobody reads."""
    items = []
    if facts.empty:
        items.append(
            Item(
                "error",
                "empty mask",
                "An action mask allows nothing, to an agent that is to move",
                f"{facts.empty:,} of {facts.decisions:,} decisions{first_empty(episodes)}",
                "allow the action that does nothing, or end the agent",
            )
        )
    for name, mask in {name: mask for one in moments(episodes) for name, mask in one.masks.items()}.items():
        if mask is None:
            continue
        try:
            count = numbered(environment.action_space(name), name).count
        except BadInput:
            continue
        if mask.shape != (count,):
            what = f"The action mask of {label(name)} has the shape {mask.shape}, and there are {count} actions"
            items.append(Item("error", "mask length", what, fix="one entry for each action, np.int8 or bool"))
            break
        if not np.isin(mask, (0, 1)).all():
            what = f"The action mask of {label(name)} holds other values than 0 and 1"
            items.append(Item("warning", "mask values", what, fix="mask.astype(np.int8)"))
            break
    if not facts.place and (found := looks_like_a_mask(environment, episodes)):
        items.append(
            Item(
                "warning",
                "mask under another name",
                f"{found} looks like an action mask, and nobody reads it",
                fix='call it "action_mask", in the info or beside "observation"',
            )
        )
    return items


def moments(episodes: Sequence[Episode]) -> list[Any]:
    """All moments of some episodes."""
    return [one for episode in episodes for one in episode.moments]


def first_empty(episodes: Sequence[Episode]) -> str:
    """Where an empty mask was first seen."""
    for episode in episodes:
        for step, moment in enumerate(episode.moments):
            for name, mask in moment.masks.items():
                if mask is not None and mask.size and not mask.any() and not moment.over(name):
                    return f", first that of {label(name)} at step {step} of seed {episode.seed}"
    return ""


def looks_like_a_mask(environment: Any, episodes: Sequence[Episode]) -> str:
    """An entry of an observation or info that has a mask's usual name and an action's length, in words."""
    for moment in moments(episodes):
        for name in moment.to_move:
            space = environment.action_space(name)
            shown = moment.observations.get(name)
            places: dict[str, Any] = {"the observation": shown and shown.value, "the info": moment.infos.get(name)}
            for place, holder in places.items():
                key = named_like_one(holder, space, name)
                if key:
                    return f"'{key}' in {place} of {label(name)}"
    return ""


def named_like_one(holder: Any, space: Any, name: Hashable) -> str:
    """The key under which something of a mask's length stands."""
    if not isinstance(holder, Mapping) or not isinstance(space, spaces.Discrete):
        return ""
    for key in OTHER_NAMES:
        if key in holder and np.shape(holder[key]) == (int(space.n),):
            return key
    return ""
