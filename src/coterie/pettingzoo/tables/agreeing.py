"""Whether a table that was kept is still the table of an environment: its episodes are followed through it."""

from __future__ import annotations

from typing import Any

import numpy as np

from coterie.errors import CoterieError
from coterie.finite.game import FiniteGame
from coterie.pettingzoo.tables.exploring import legal_draw
from coterie.pettingzoo.tables.stepping import Happened, Identity, Look, world_of

EPISODES, LONGEST, FIRST_SEED = 20, 200, 2_000_000
SAME = 1e-9


def agrees(game: FiniteGame, environment: Any, success: str = "", episodes: int = EPISODES) -> bool:
    """Whether random episodes of the environment are ways through the table, as far as agents see and are paid.

    The environment is played and closed.
    """
    try:
        world = world_of(environment, Identity(), game.spec.team, success)
        spec = world.one.reading.spec
        if (spec.agents, spec.kinds) != (game.spec.agents, game.spec.kinds):
            return False
        draws, rows = np.random.default_rng(0), _rows(game)
        for episode in range(episodes):
            look = world.begin(FIRST_SEED + episode)
            states = [int(one) for one in game.start_state if _looks_so(game, rows, int(one), look)]
            if not states and len(game.start_state) == 1:
                return False
            for step in range(1, min(game.horizon, LONGEST) + 1):
                if look.over or not states:
                    break
                joint = legal_draw(draws, look)
                happened, look = world.step(joint)
                states = _after(game, rows, states, joint, happened, look)
                if not states or (happened.cut and step < game.horizon):
                    return False
    except CoterieError:
        return False
    finally:
        environment.close()
    return True


def _rows(game: FiniteGame) -> list[tuple[bytes, bytes]]:
    """What stands behind each number of an observation: what is seen, and what is legal there."""
    sights = [sight.tobytes() for values in game.observations for sight in values]
    sizes = [kind.actions for kind, values in zip(game.spec.kinds, game.observations, strict=True) for _ in values]
    masks = game.legal if game.masked else np.ones((len(sights), max(game.actions)), bool)
    return [(sight, mask[:size].tobytes()) for sight, mask, size in zip(sights, masks, sizes, strict=True)]


def _looks_so(game: FiniteGame, rows: list[tuple[bytes, bytes]], state: int, look: Look) -> bool:
    """Whether everybody who decides sees and may do what the table says."""
    return all(own is None or rows[row] == own for own, row in zip(look.seen, game.seen[state], strict=True))


def _after(
    game: FiniteGame,
    rows: list[tuple[bytes, bytes]],
    states: list[int],
    joint: tuple[int, ...],
    happened: Happened,
    look: Look,
) -> list[int]:
    """The states that some states may have led to, if that is what happened."""
    found = []
    for state in states:
        pair = state * int(np.prod(game.actions)) + int(np.ravel_multi_index(joint, game.actions))
        for edge in range(int(game.first_edge[pair]), int(game.first_edge[pair + 1])):
            paid = np.allclose(happened.reward, game.reward[edge], rtol=SAME, atol=SAME)
            after = int(game.successor[edge])
            if paid and happened.ended == game.ended[edge] and (look.over or _looks_so(game, rows, after, look)):
                found.append(after)
    return found
