"""What an environment is, what is wrong with it and how to mend that, and the `coterie train` line to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from coterie.envs import catalogue, sources
from coterie.errors import BadInput
from coterie.pettingzoo.check.items import Checked
from coterie.pettingzoo.check.origin import of_object
from coterie.pettingzoo.check.watch import PATIENCE, examine_apart, examine_here
from coterie.workflow.planning.plan import check_seed

SECONDS = 10.0
LEAST_SECONDS, MOST_SECONDS = 0.1, 86_400.0


class Check(Checked, frozen=True):
    """All that a check found: `facts`, `trials`, `items` and the `command` to try; printed, it is the whole report."""

    def __str__(self) -> str:
        from coterie.showing.check import check
        from coterie.showing.terminal import plain_text

        return plain_text(check(self))


def check_env(
    environment: Any,
    *,
    env: Mapping[str, Any] | None = None,
    seed: int = 0,
    seconds: float = SECONDS,
    patience: float = PATIENCE,
    on_progress: Callable[[str, float], None] | None = None,
) -> Check:
    """Play an environment for about so many seconds, and say what it is and what is wrong with it.

    environment: a word, as `coterie train` takes it, a function that makes environments, or an environment; the last
    two are played in this process. env: options of a word or function. patience: seconds after which one call of the
    environment's is a hang. on_progress is told what is done, and the seconds since the beginning.
    """
    seed, progress = check_seed(seed), on_progress or (lambda stage, since: None)
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise BadInput(f"--seconds {seconds:g}: expected {LEAST_SECONDS:g} to {MOST_SECONDS:,.0f}")
    if isinstance(environment, str):
        check_word(environment)
        found = examine_apart(environment, env or {}, seed, seconds, progress, patience)
    else:
        found = examine_here(of_object(environment, env or {}), seed, seconds, progress, patience)
    return Check(**msgspec.structs.asdict(found))


def check_word(word: str) -> None:
    """Raises BadInput at once where a word cannot be that of a PettingZoo environment."""
    if ":" not in word:
        catalogue.find(word)
        raise BadInput(f"{word} is one of ours, in JAX; its PettingZoo form can be checked: pettingzoo:coterie/{word}")
    source = sources.parse(word)
    if source is not None and source.source in sources.JAX_SOURCES:
        raise BadInput(
            f"{word} is compiled with its learner and is no PettingZoo environment; expected "
            f"{', '.join(f'{name}:…' for name in sources.SOURCES if name not in sources.JAX_SOURCES)}, "
            "./file.py:make_env or package.module:make_env"
        )
