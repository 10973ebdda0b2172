"""Parts of the user's own in a deep learner: put in, named in the checkpoint, and asked for again."""

from __future__ import annotations

from collections.abc import Callable

from coterie.algorithms.families import Parts, parts_of
from coterie.algorithms.ppo import Parts as PolicyParts
from coterie.errors import BadInput
from coterie.settings import DeepOptions
from coterie.types import Spec

Change = Callable[[Parts, Spec], Parts]


def made_of(algorithm: str, options: DeepOptions, spec: Spec, change: Change | None) -> Parts:
    """What the learner is made of, with the user's own parts where there are any."""
    usual = parts_of(algorithm, options, spec)
    if change is None:
        return usual
    changed = change(usual, spec)
    if type(changed) is not type(usual):
        wanted = f"{type(usual).__module__.removeprefix('coterie.')}.Parts"
        raise BadInput(
            f"parts: {algorithm} is made of {wanted}, found {type(changed).__module__}.{type(changed).__qualname__}"
        )
    return checked(changed, options, spec) if isinstance(changed, PolicyParts) else changed


def checked(changed: PolicyParts, options: DeepOptions, spec: Spec) -> PolicyParts:
    """Parts of policies that fit together: networks say what is greedy, and that is their draws' to say."""
    if any(one.memory for one in (*changed.networks, *changed.critics)) and not options.recurrent:
        raise BadInput("parts: a network that remembers learns from whole rollouts; train with recurrent=True")
    if changed.central == "state" and spec.state_shape == (0,):
        raise BadInput('parts: central="state", and there is no central state here; use algorithm="mappo", or "own"')
    pairs = zip(changed.networks, changed.draws, strict=True)
    return changed._replace(networks=tuple(network._replace(greedy=draws.greedy) for network, draws in pairs))


def name_of(change: Change | None) -> str:
    """What a checkpoint calls the function that put the user's own parts in; nothing is loaded by this name.

    Its module does not count: what a script calls `__main__` is another module to whoever imports it.
    """
    return "" if change is None else getattr(change, "__qualname__", type(change).__name__)


def must_be_given(run: str, changed: str, change: Change | None) -> None:
    """Raises BadInput where a run was trained with other parts of the user's own than are given now."""
    if changed != name_of(change):
        raise BadInput(
            f"{run} was trained with "
            + (f"parts={changed}; give them again: parts=…" if changed else "no parts of the user's own")
        )
