"""What is missing from the best, rung by rung: learning, selection of an equilibrium, or seeing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.diagnosis.paired import TINY, scale
from coterie.diagnosis.responses import response
from coterie.diagnosis.rivals import apart, equilibrium
from coterie.finite.decentralised import is_certain
from coterie.finite.game import FiniteGame
from coterie.finite.ladder import gap_ladder
from coterie.finite.solve import optimum, policy_value
from coterie.types import Finding, Picture

LEAST_GAP = 0.01  # of what is earned: less is not worth climbing for
SMALL = 500  # states times joint actions up to which every rung is searched for; beyond, only what is quick


class Rungs(NamedTuple):
    """Team-mean returns, each at least the one before; decentralised is None where it is not known, for `reason`.

    now            what the team earns
    response       what it would earn if the one best agent reacted at best to what it sees, the others unchanged
    decentralised  the most that agents can earn who each see only their own part
    joint          the most that one mind could earn that sees everything
    """

    now: float
    response: float
    decentralised: float | None
    joint: float
    agent: int
    reason: str = ""


def rungs(game: FiniteGame, policy: np.ndarray, plain: FiniteGame | None = None) -> Rungs:
    """The ladder J(pi) <= best response <= decentralised optimum <= joint optimum of a policy float64[N, O, A].

    joint - J = (joint - decentralised) + (decentralised - response) + (response - J), from `finite/ladder.py` where the
    game is small, or everything in it is certain. Elsewhere the response is the best that improvement finds for an
    agent without memory (`responses.response`, a lower bound), and the decentralised optimum is given where it is
    plain to see. `plain` is the same game without memory, where `game` is one of agents that remember. Raises
    ValueError for a game without a time limit.
    """
    sure, size = is_certain(game), len((plain or game).states) * int(np.prod(game.actions))
    if (sure and np.isin(policy, (0.0, 1.0)).all()) or size <= SMALL:
        ladder = gap_ladder(game, policy, plain=plain)
        if not ladder.is_bound:  # else one agent alone may earn less than the ladder says
            reason = ladder.reasons[-1] if ladder.reasons else ""
            height = ladder.decentralised
            return Rungs(ladder.value, ladder.best_response, height, ladder.joint, ladder.responder, reason)
    shared = game._replace(reward=np.repeat(game.reward.mean(1, keepdims=True), game.reward.shape[1], axis=1))
    now, joint = float(policy_value(game, policy).returns.mean()), optimum(game).value
    replies = [response(shared, policy, agent).reacting for agent in range(len(game.actions))]
    best = int(np.argmax(replies))
    reply = min(max(replies[best], now), joint)
    see_all = all(len(np.unique(game.seen[:, agent])) == len(game.states) for agent in range(len(game.actions)))
    if sure or see_all or reply >= joint - TINY * scale(joint):
        return Rungs(now, reply, joint, joint, best)
    reason = "the game is too large to know what agents who see only their own part could earn"
    return Rungs(now, reply, None, joint, best, reason)


def gaps(game: FiniteGame, policy: np.ndarray, plain: FiniteGame | None = None) -> Finding:
    """What is missing from the joint optimum, and which rung of the ladder is missing most.

    yes: more than 1 % of what is earned is missing. The largest rung says what to try: an agent alone could improve
    (learning); nobody alone could, but together they could (selection of an equilibrium); or only with more
    information (seeing). Agents of different teams who are paid differently owe each other no common optimum: there
    the question is whether they play an equilibrium (`rivals.equilibrium`).
    """
    if game.horizon <= 0:
        return Finding("gaps", "cannot tell", "Without a time limit the rungs of the ladder are not computed.")
    if apart(game):
        return equilibrium(game, policy)
    found = rungs(game, policy, plain)
    missing = found.joint - found.now
    labels = ("the team", "best response", "decentralised optimum", "joint optimum")
    heights = (found.now, found.response, found.decentralised, found.joint)
    known = [(label, height) for label, height in zip(labels, heights, strict=True) if height is not None]
    picture = Picture(
        "bars",
        "what the team earns, and could earn",
        tuple(label for label, _ in known),
        tuple(height for _, height in known),
        line=found.joint,
    )
    if missing <= LEAST_GAP * scale(found.joint, found.now):
        sentence = f"Nothing is missing: the team earns {found.now:.2f} of {found.joint:.2f}."
        return Finding("gaps", "no", sentence, missing, null="the joint optimum", picture=picture)
    name, size, why, remedy, flags = _largest(game, found, plain is not None)
    sentence = (
        f"The team earns {found.now:.2f}, the joint optimum is {found.joint:.2f}; {size:.2f} of the missing "
        f"{missing:.2f} is {name}: {why}"
    )
    return Finding(
        "gaps", "yes", sentence, missing, null="the joint optimum", remedy=remedy, flags=flags, picture=picture
    )


def _largest(game: FiniteGame, found: Rungs, remembers: bool) -> tuple[str, float, str, str, tuple[str, ...]]:
    """The rung that is missing most: its name, its height, what it means, the remedy and its flags."""
    averaging = ("--algorithm", "distributed") if game.deterministic else ("--algorithm", "hysteretic")
    who = game.spec.agents[found.agent]
    learning = (
        "learning",
        found.response - found.now,
        f"{who} alone could earn that by reacting better to what it sees.",
        "train longer, or with a learner that weighs good news more than bad",
        ("--algorithm", "hysteretic"),
    )
    selection = (
        "selection",
        (found.joint if found.decentralised is None else found.decentralised) - found.response,
        "nobody can earn that alone, they would have to change together.",
        "explore together, or with a learner that keeps to the best that happened",
        averaging,
    )
    if found.decentralised is None:
        kept = (
            "selection or seeing",
            selection[1],
            f"nobody can earn that alone ({found.reason}).",
            "explore together, with a learner that keeps to the best that happened, or let agents see more",
            averaging,
        )
        return max(kept, learning, key=lambda rung: rung[1])
    seeing = (
        "seeing",
        found.joint - found.decentralised,
        "agents who see only their own part cannot earn more.",
        *_to_see_more(game, remembers),
    )
    return max(learning, selection, seeing, key=lambda rung: rung[1])


def _to_see_more(game: FiniteGame, remembers: bool) -> tuple[str, tuple[str, ...]]:
    """The remedy where seeing is missing, and its flags: only the meeting game has an option that shows more."""
    if game.name == "rendezvous":
        return "let agents see each other", ("--env.observation", "all")
    if remembers or game.horizon == 1:
        return "let agents see more, or tell each other what they see", ()
    remedy = "let agents see more or tell each other; without that, only what they remember can make up for it"
    return remedy, ("--history", "3")
