"""What an agent is called in a sentence: by its own name where it is known, else by its number."""

from __future__ import annotations

from collections.abc import Sequence


def called(agent: int, names: Sequence[str] = (), first: bool = False) -> str:
    """An agent's name, or its number; `first`: the sentence begins with it, and a name stays as it is written.

    >>> called(1), called(1, first=True), called(1, ("scout", "carrier"), first=True)
    ('agent 1', 'Agent 1', 'carrier')
    """
    if agent < len(names):
        return names[agent]
    return f"{'A' if first else 'a'}gent {agent}"


def labels_of(agents: int, names: Sequence[str] = ()) -> tuple[str, ...]:
    """What all agents are called."""
    return tuple(called(agent, names) for agent in range(agents))
