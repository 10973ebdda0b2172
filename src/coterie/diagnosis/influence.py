"""Does anybody react to anybody? What an agent's action does to another's next one, and what ties their actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from coterie.diagnosis.paired import scale
from coterie.diagnosis.responses import response
from coterie.diagnosis.rivals import apart
from coterie.diagnosis.sights import own_part, unmoved_part
from coterie.diagnosis.ties import beyond_steps, tied
from coterie.finite.decentralised import decentralised_optimum, is_certain
from coterie.finite.game import FiniteGame
from coterie.finite.solve import best_response
from coterie.finite.visits import visits_by_step
from coterie.statistics import holm
from coterie.types import Finding, Picture, Play

LEAST_BITS = 0.01  # of influence: below this nobody reacts
LEAST_GAIN = 0.01  # of what is earned: reacting, or seeing, must pay at least this much more
LARGEST_SEARCH, EFFORT = 500, 300_000  # states times joint actions, and decision rules weighed: a second or so
TIED = 0.01  # below this p actions are called tied: decisions are plenty, and the claim is a strong one
FEWEST_DECISIONS, MOST_DECISIONS = 20, 4_000  # recorded decisions that are asked for, and that are looked at
UNCLEAR_BITS = 0.1  # of spread under the null: beyond it, finding nothing says nothing


def influences(game: FiniteGame, policy: np.ndarray) -> np.ndarray:
    """How much each agent's action moves each other's next policy, in bits, float64[N, N] (from row to column).

    I(i -> j) = E_s 1/|A| sum over a of KL(P(a_j' | s, do(a_i = a)) || mean over a of the same), after the social
    influence of Jaques et al. (2019): s as policy float64[N, O, A] visits states that are followed by another decision,
    the others act by their policies, and a_j' is drawn from pi_j at what j sees next. Actions that end the game count
    by their chance of going on. The diagonal is 0.
    """
    agents, joint, sizes = len(game.actions), game.joint_actions, game.actions
    steps = visits_by_step(game, policy)
    followed = steps[: game.horizon - 1] if game.horizon else steps
    weight = followed.sum(0) if len(followed) else np.zeros(len(game.states))
    live = np.flatnonzero(weight > 0.0)
    found = np.zeros((agents, agents))
    if not len(live):
        return found
    number = np.full(len(game.states), -1)
    number[live] = np.arange(len(live))
    counts = np.diff(game.first_edge)
    pair = np.repeat(np.arange(len(counts)), counts)
    kept = np.flatnonzero((number[pair // len(joint)] >= 0) & ~game.ended)
    state, chosen = pair[kept] // len(joint), pair[kept] % len(joint)
    for i in range(agents):
        chance = game.probability[kept].copy()
        for other in range(agents):
            if other != i:
                chance *= policy[other, game.seen[state, other], joint[chosen, other]]
        flowing = np.flatnonzero(chance > 0.0)
        row = number[state[flowing]] * sizes[i] + joint[chosen[flowing], i]
        after, mass = game.successor[kept[flowing]], chance[flowing]
        going = np.bincount(row, mass, len(live) * sizes[i]).reshape(len(live), -1)
        for j in range(agents):
            if j != i:
                reply = policy[j, game.seen[after, j]] * mass[:, None]
                table = np.stack([np.bincount(row, column, len(live) * sizes[i]) for column in reply.T], axis=1)
                found[i, j] = _mean_divergence(table.reshape(len(live), sizes[i], -1), going, weight[live])
    return found


def influence(game: FiniteGame, policy: np.ndarray) -> Finding:
    """Whether nobody reacts to anybody although reacting could pay; policy float64[N, O, A].

    yes: no agent's action moves another's next policy by more than 0.01 bits (`influences`), and some agent could earn
    1 % more by reacting to what it sees of others than by its best response to its own part of what it sees
    (`sights.own_part`; `sights.unmoved_part` where no number is about teammates alone), the others unchanged. no:
    somebody reacts, or nobody needs to: where nobody can see what others do, that is where the best that agents can do,
    each with its own history (`finite/decentralised.py`), is within 1 % of what they could do if each saw what all see.
    cannot tell: it is below that, so that seeing is missing and not a reaction; or everybody decides only once.
    """
    if len(game.actions) < 2 or game.horizon == 1:
        sentence = "Everybody decides only once, so nobody can react to anybody."
        if len(game.actions) < 2:
            sentence = "There is nobody to react to."
        return Finding("influence", "cannot tell", sentence, 0.0)
    found, names = influences(game, policy), game.spec.agents
    strongest = divmod(int(found.argmax()), len(names))
    value = float(found[strongest])
    picture = Picture(
        "grid",
        "how far the action of the row moves the next one of the column, in bits",
        names,
        tuple(map(tuple, found.tolist())),
        rows=names,
    )
    null = f"at most {LEAST_BITS} bits"
    if value > LEAST_BITS:
        sentence = (
            f"{names[strongest[1]]} reacts to {names[strongest[0]]}: an action of {names[strongest[0]]} moves its next "
            f"one by {value:.3f} bits."
        )
        return Finding("influence", "no", sentence, value, null=null, picture=picture)
    if not game.horizon:
        sentence = "Nobody reacts to anybody; what reacting could earn is not computed without a time limit."
        return Finding("influence", "cannot tell", sentence, value, null=null, picture=picture)
    parts = [_own_part(game, agent) for agent in range(len(names))]
    if not any(part is not None for part in parts):
        verdict, more, flags, remedy = _unseen(game)
        sentence = f"Nobody can see what others do, so nobody reacts to anybody, {more}"
        return Finding("influence", verdict, sentence, value, null=null, remedy=remedy, flags=flags, picture=picture)
    for agent, part in enumerate(parts):
        gain = 0.0 if part is None else _gain(game, policy, agent, part)
        if gain > 0:
            sentence = (
                f"Nobody reacts to anybody (at most {value:.3f} bits), though {names[agent]} could earn {gain:.2f} "
                "more by reacting to what it sees of others than by going by its own part of what it sees."
            )
            remedy = "explore more and longer, so that reacting to others can be learned"
            flags = ("--epsilon", "1", "--epsilon-decay", "0.9")
            return Finding("influence", "yes", sentence, value, null=null, remedy=remedy, flags=flags, picture=picture)
    sentence = (
        f"Nobody reacts to anybody (at most {value:.3f} bits), and as the others act now nobody could earn more by it."
    )
    return Finding("influence", "no", sentence, value, null=null, picture=picture)


def _own_part(game: FiniteGame, agent: int) -> np.ndarray | None:
    """For each sight the first with the same own part, int[O]; None where nothing of what others do can be seen."""
    part = own_part(game, agent)
    part = unmoved_part(game, agent) if part is None else part
    return None if np.array_equal(part, np.arange(len(part))) else part


def _gain(game: FiniteGame, policy: np.ndarray, agent: int, part: np.ndarray) -> float:
    """What an agent could earn more by reacting to others than without; 0 where that is next to nothing."""
    most = best_response(game, policy, agent)
    merged = game.seen.copy()
    merged[:, agent] = part[merged[:, agent]]
    without = response(game._replace(seen=merged), policy, agent)
    alone = max(without.reacting, without.fixed)
    if most - alone <= LEAST_GAIN * scale(most, alone):
        return 0.0
    found = response(game, policy, agent)
    gain = found.reacting - max(found.now, alone)
    return gain if gain > LEAST_GAIN * scale(found.reacting, found.now) else 0.0


def _unseen(game: FiniteGame) -> tuple[Literal["no", "cannot tell"], str, tuple[str, ...], str]:
    """Whether anybody needs to see others where nobody can: verdict, what follows in the sentence, flags, remedy."""
    fine = "and nobody needs to: as much can be earned without"
    if apart(game):
        return "cannot tell", "and agents of different teams owe each other no common best.", (), ""
    if is_certain(game):  # all can be known by heart
        return "no", f"{fine}.", (), ""
    if len(game.states) * int(np.prod(game.actions)) > LARGEST_SEARCH:
        return "cannot tell", "and this game is too large to know whether anybody needs to.", (), ""
    team = game._replace(reward=np.repeat(game.reward.mean(1, keepdims=True), game.reward.shape[1], axis=1))
    sights = np.unique(game.seen, axis=0, return_inverse=True)[1].reshape(-1, 1).astype(np.int32)
    shared = team._replace(seen=np.repeat(sights, game.seen.shape[1], axis=1))
    try:
        alone, together = (decentralised_optimum(one, effort=EFFORT).value for one in (team, shared))
    except ValueError:
        return "cannot tell", "and this game is too large to know whether anybody needs to.", (), ""
    if together - alone <= LEAST_GAIN * scale(together, alone):
        return "no", f"{fine} ({alone:.2f}).", (), ""
    flags = ("--env.observation", "all") if game.name == "rendezvous" else ()
    more = f"though the team could earn {together:.2f} instead of at best {alone:.2f} if each saw what all see."
    return "cannot tell", more, flags, "let agents see each other, or tell each other what they see"


def _mean_divergence(table: np.ndarray, going: np.ndarray, weight: np.ndarray) -> float:
    """The mean over states of the spread of replies: table float64[S, A, B] unnormalised, going float64[S, A]."""
    reply = table / np.where(going > 0, going, 1.0)[:, :, None]
    share = going / np.maximum(going.sum(1, keepdims=True), 1e-300)
    mean = (share[:, :, None] * reply).sum(1, keepdims=True)
    ratio = np.divide(reply, mean, out=np.ones_like(reply), where=(reply > 0) & (mean > 0))
    spread = (share * (reply * np.log2(ratio)).sum(2)).sum(1)
    alive = weight * going.mean(1)
    return float(max(0.0, (alive * spread).sum() / alive.sum())) if alive.any() else 0.0


PolicyOf = Callable[[int, np.ndarray], np.ndarray]  # (agent, what it sees) -> its probabilities, float64[A]


def coupling(plays: Sequence[Play], policy_of: PolicyOf) -> Finding:
    """Whether something besides what they see ties two agents' actions.

    I(A_i; A_j | O_i, O_j, t), tested by conditional randomisation (Candes et al. 2018): a_j is drawn 999 times again
    from pi_j(. | o_j) = policy_of(j, o_j), float64[A], and the plug-in information and the squared covariance of the
    two actions' residuals, whichever stands out more, are held against these draws. yes: p < 0.01 by Holm over pairs.
    Where the habits of both change with the step t (`by_step.drifts`), they must also be tied with a_j shuffled among
    the decisions at the same o_j and t; cannot tell, where these are too few (below 4 on average). Two memoryless
    agents that see one shared feature stay "no", where shuffling all their actions would say "yes".
    """
    if not plays or plays[0].actions.shape[1] < 2 or any(len(play.observations) == 0 for play in plays):
        sentence = "Two agents and what they saw are needed to ask what ties their actions."
        return Finding("coupling", "cannot tell", sentence)
    actions = np.concatenate([play.actions for play in plays])[:MOST_DECISIONS]
    agents = range(actions.shape[1])
    sights, chances = zip(*(_sights(plays, policy_of, agent) for agent in agents), strict=True)
    for agent in agents:
        if (chances[agent][sights[agent], actions[:, agent]] <= 0).any():
            sentence = f"agent {agent} takes actions that its policy never takes, so this is not how it decides."
            return Finding("coupling", "cannot tell", sentence)
    if len(actions) < FEWEST_DECISIONS:
        return Finding("coupling", "cannot tell", f"{len(actions)} decisions are too few to tie actions together.")
    ties = [
        tied(one, other, sights[one], sights[other], actions, chances[one], chances[other])
        for one, other in combinations(agents, 2)
    ]
    adjusted = holm([tie.p for tie in ties])
    at = min(range(len(ties)), key=lambda place: (adjusted[place], -ties[place].bits))
    tie, p = ties[at], float(adjusted[at])
    null = "actions drawn again from what each sees"
    pair = f"agent {tie.one} and agent {tie.other}"
    if p < TIED:
        steps = np.concatenate([np.arange(len(play.actions)) for play in plays])[:MOST_DECISIONS]
        found = [tie for tie, chance in zip(ties, adjusted, strict=True) if chance < TIED]
        judged = [one for tie in found if (one := beyond_steps(tie, sights, steps, actions, chances)) is not None]
        chance = holm([one.p for one in judged]) if judged else np.ones(0)
        if judged and chance.min() < TIED:
            tie, p = judged[int(chance.argmin())], max(p, float(chance.min()))
            sentence = (
                f"agent {tie.one} and agent {tie.other} are tied by more than what they see: their actions share "
                f"{tie.bits:.3f} bits beyond chance ({len(actions):,} decisions)."
            )
            remedy = "look for a common seed or message, or for memory; if none is meant, give each its own chance"
            return Finding("coupling", "yes", sentence, tie.bits, null=null, remedy=remedy, p=p)
        if len(judged) < len(found):
            sentence = (
                f"The habits of {pair} change with the step, and {len(plays):,} episodes are too few to tell whether "
                "more than that ties them."
            )
            return Finding("coupling", "cannot tell", sentence, tie.bits, null=null)
        tie, p = judged[0], float(chance.min())
        sentence = (
            f"The habits of {pair} change with the step; what each sees and the step explain how their actions go "
            f"together ({tie.bits:.3f} bits beyond it)."
        )
        null = "actions shuffled among those at the same sight and step"
        return Finding("coupling", "no", sentence, tie.bits, null=null, p=p)
    if tie.spread > UNCLEAR_BITS:
        sentence = f"{len(actions):,} decisions are too few to tell what ties the actions of {pair}."
        return Finding("coupling", "cannot tell", sentence, tie.bits, null=null, p=p)
    sentence = f"What each agent sees explains how their actions go together ({tie.bits:.3f} bits beyond it)."
    return Finding("coupling", "no", sentence, tie.bits, null=null, p=p)


def _sights(plays: Sequence[Play], policy_of: PolicyOf, agent: int) -> tuple[np.ndarray, np.ndarray]:
    """The number of what one agent saw at each decision, int[D], and its policy at each of them, float64[O, A]."""
    seen = np.concatenate([np.asarray(play.observations[agent])[: len(play.actions)] for play in plays])
    seen = seen[:MOST_DECISIONS]
    _, first, number = np.unique(seen.reshape(len(seen), -1), axis=0, return_index=True, return_inverse=True)
    chances = np.stack([np.asarray(policy_of(agent, seen[at]), np.float64) for at in first])
    return number.reshape(-1), chances / chances.sum(1, keepdims=True)
