"""What a check finds, as plain data: facts, tests and items, each with its words; it can be written as JSON."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Item(msgspec.Struct, frozen=True):
    """One thing that is wrong with an environment, or worth knowing.

    name: in a word or two. what: a sentence. evidence: what was counted. fix: code or a flag, in words. flags: those
    of `coterie train` that mend it.
    """

    severity: Severity
    name: str
    what: str
    evidence: str = ""
    fix: str = ""
    flags: tuple[str, ...] = ()


class Trial(msgspec.Struct, frozen=True):
    """One thing that was tried: `passed` is None where it was not tried, or where it is neither good nor bad."""

    name: str
    passed: bool | None
    told: str


class KindFacts(msgspec.Struct, frozen=True):
    """Agents with equal spaces: what they see and do, in plain words.

    pictures: they see uint8 images, picture is their height and width. actions: how many there are, 0 where they are
    not finite. flag: what asks the environment for a finite number, where it has such an option.
    """

    agents: tuple[str, ...]
    sees: str
    does: str
    actions: int
    pictures: bool = False
    picture: tuple[int, int] = (0, 0)
    flag: tuple[str, ...] = ()


class MaskFacts(msgspec.Struct, frozen=True):
    """Where action masks stand ("" where there are none), and of how many decisions they forbid something, or all."""

    place: Literal["", "observation", "info"] = ""
    decisions: int = 0
    restrictive: int = 0
    empty: int = 0


class EpisodeFacts(msgspec.Struct, frozen=True):
    """How episodes go. Lengths are those of whole episodes, in steps (turns, where agents act in turns).

    limit: the attribute that names a time limit, and its number. terminated, truncated: how many whole episodes ended
    so for somebody; mixed: how many in both ways. deaths and births: in how many episodes there were any.
    """

    played: int
    steps: int
    lengths: tuple[int, ...]
    limit: tuple[str, int] | None
    terminated: int
    truncated: int
    mixed: int
    deaths: int
    births: int


class RewardFacts(msgspec.Struct, frozen=True):
    """Who is rewarded together, as far as random play tells.

    teams: agents whose rewards were equal at every step; unpaid: those who were never paid, so nobody can tell.
    zero_sum: what one team wins the other loses; None where nothing was paid. steps: of play; paid: steps in which
    somebody was; least and most: of all rewards; largest: the largest absolute one.
    """

    teams: tuple[tuple[str, ...], ...]
    unpaid: tuple[str, ...]
    zero_sum: bool | None
    steps: int
    paid: int
    least: float
    most: float

    @property
    def largest(self) -> float:
        """The largest absolute reward."""
        return max(abs(self.least), abs(self.most))


class SuccessFlag(msgspec.Struct, frozen=True):
    """A key of infos that may say that the aim was reached: its type, the values that were seen, and how likely it is.

    likely: by its name; others are truths that may say anything.
    """

    name: str
    type: str
    values: str
    likely: bool


class Facts(msgspec.Struct, frozen=True):
    """What an environment is.

    form: parallel, in turns, or tuple. driven: how coterie steps it, where that is not the form. order: of turns.
    state: the shape of the central state, None where there is none.
    """

    form: Literal["parallel", "in turns", "tuple"]
    driven: str
    agents: tuple[str, ...]
    listed: bool
    kinds: tuple[KindFacts, ...]
    order: str
    state: tuple[int, ...] | None
    masks: MaskFacts
    episodes: EpisodeFacts
    rewards: RewardFacts
    success: tuple[SuccessFlag, ...]
    render_modes: tuple[str, ...]
    render_mode: str


class Speed(msgspec.Struct, frozen=True):
    """Steps a second of random play, all agents moved (one turn, in turns); the shares of the time it takes."""

    steps: float
    resetting: float
    observing: float | None


class Checked(msgspec.Struct, frozen=True):
    """All that is said of an environment. facts and speed are None where it could not even be played.

    env: the flags of its own options, as they were given. command: the `coterie train` line to try, "" where there is
    none; because: a reason for each of its parts.
    """

    environment: str
    seed: int
    seconds: float
    facts: Facts | None
    speed: Speed | None
    trials: tuple[Trial, ...]
    items: tuple[Item, ...]
    env: tuple[str, ...] = ()
    command: str = ""
    because: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where nothing is an error, else 3: the environment's fault."""
        return 3 if any(item.severity == "error" for item in self.items) else 0

    def found(self, name: str) -> Item | None:
        """The item of this name."""
        return next((item for item in self.items if item.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values."""
        return msgspec.to_builtins(self)


def in_order(items: list[Item]) -> tuple[Item, ...]:
    """Errors before warnings before notes; among equals those found earlier first, and nothing twice."""
    once = {(item.name, item.what): item for item in reversed(items)}
    first = sorted(once.values(), key=items.index)
    return tuple(sorted(first, key=lambda item: SEVERITIES.index(item.severity)))
