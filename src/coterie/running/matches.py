"""How agents who play against each other do: every seat against its own team, random play and perfect play, exactly."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.finite.backward import PerfectPlay, against, can_lose, decided_at_the_end, perfect_play, shares
from coterie.finite.game import FiniteGame
from coterie.finite.solve import greedy_policy, policy_value, uniform_policy
from coterie.running.verdict import Match
from coterie.statistics import Share, wilson

NEVER = 1e-9


class Contest(NamedTuple):
    """Matches, the teams that nobody can beat by agent, and what each earns where all are perfect (see Verdict)."""

    matches: tuple[Match, ...]
    unbeatable: tuple[Share, ...]
    perfect: tuple[float, ...]


def contest(game: FiniteGame, q: np.ndarray) -> Contest:
    """The greedy agents of teams q float64[W, tables, O, A] against each other, random and perfect play."""
    random, perfect = uniform_policy(game), known_perfect_play(game)
    opponents = {"random play": random, **({"perfect play": perfect.policy} if perfect is not None else {})}
    own = [greedy_policy(game, tables) for tables in q]
    matches = [
        match(game, seat, name, own, opponent)
        for seat in range(len(game.actions))
        for name, opponent in {"itself": None, **opponents}.items()
    ]
    unbeatable = ()
    if decided_at_the_end(game):
        unbeatable = tuple(
            wilson(sum(not can_lose(game, policy, seat) for policy in own), len(own))
            for seat in range(len(game.actions))
        )
    return Contest(tuple(matches), unbeatable, () if perfect is None else tuple(perfect.start.tolist()))


def match(game: FiniteGame, seat: int, name: str, own: list[np.ndarray], opponent: np.ndarray | None) -> Match:
    """One seat of many teams against one opponent in all other seats, or against its own team."""
    played = own if opponent is None else [against(game, policy, opponent, seat) for policy in own]
    agent = game.spec.agents[seat]
    if not decided_at_the_end(game):
        return Match(agent, name, float(np.mean([policy_value(game, policy).returns[seat] for policy in played])))
    found = [shares(game, policy) for policy in played]
    won, drawn, lost = (np.array([getattr(one, part)[seat] for one in found]) for part in ("won", "drawn", "lost"))
    earned = float(np.mean([policy_value(game, policy).returns[seat] for policy in played]))
    random = None
    if opponent is not None:
        random = 1.0 - float(shares(game, against(game, uniform_policy(game), opponent, seat)).lost[seat])
    return Match(
        agent,
        name,
        earned,
        float(won.mean()),
        float(drawn.mean()),
        float(lost.mean()),
        wilson(int((lost <= NEVER).sum()), len(lost)),
        random,
    )


def known_perfect_play(game: FiniteGame) -> PerfectPlay | None:
    """Perfect play, where backward induction finds it and it is worth the same whichever best move is taken."""
    try:
        found = perfect_play(game)
    except ValueError:
        return None
    return found if found.unique else None
