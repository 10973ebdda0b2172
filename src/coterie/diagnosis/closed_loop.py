"""Does an agent use what it sees? What it is shown is replaced by draws from its own visits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from coterie.diagnosis.paired import CHANCE, FEWEST_EPISODES, TINY, Effect, effect, scale, whole_episode
from coterie.diagnosis.responses import response
from coterie.diagnosis.sights import own_part, present_part
from coterie.finite.game import FiniteGame
from coterie.finite.solve import best_response, uniform_policy
from coterie.finite.visits import visits
from coterie.running.stage import Stage, TableStage, own_cast, replaced
from coterie.types import Finding, Picture

LEAST_GAIN = 0.01  # of what is earned: reacting must pay at least this much more than any fixed action
LEAST_USE = 0.05  # of that gain: a smaller change, shown something else, is no use of what is seen
LEAST_REACTION = 0.01  # bits that action and sight have in common: less is no reaction
LEAST_OF_BITS = 0.05  # of the bits that they could have in common: a reaction once in a hundred times is none
LEAST_BITS = 0.02  # the same beyond luck, where episodes are sampled
SHUFFLES = 200
VISIBLE = 0.005  # of a loss: less is 0.00 in a sentence
ALL, TEAMMATES, MEMORY = "what it sees", "what it sees of its teammates", "what it remembers"


class Loop(NamedTuple):
    """One agent: what it loses when it is shown something else, what reacting could gain, and whether it ignores it.

    what: all that it sees, or the part of it that is about its teammates; reacts: its actions go by it, whether that
    changes what it earns (uses) or not.
    """

    agent: int
    what: str
    loss: Effect
    gain: float
    reacts: bool | None
    uses: bool

    @property
    def ignores(self) -> bool:
        """Whether it neither reacts nor would feel the difference."""
        return self.reacts is False and not self.uses


def closed_loop(stage: Stage, game: FiniteGame, team: int = 0, *, remember: bool = False) -> Finding:
    """Whether each agent uses what it sees, where that could pay.

    loss_i = J_i(pi) - J_i(pi with o_i replaced by o' drawn from d_i), d_i being the agent's own visits: the closed loop
    is opened and nothing else is changed. gain_i = what i could earn by reacting to what it sees, less the most that
    its policy or any fixed action earns, the others unchanged (`responses.response`). Who uses what it sees is asked
    again, on a table, about the part that is about its teammates (`sights.about_teammates`): o' is then drawn among
    those with the same own part, and the gain is over reacting to that part alone. yes: gain above 1 % of what is
    earned, a loss below 5 % of it, and actions that have less than 0.01 bits, or 5 % of the bits that they could have,
    in common with what is seen (so that it is no reaction in vain, but may be one in a hundred steps). On a sampled
    stage "uses" is a loss above 5 % of the gain with p < 0.05 of one who may react, and the actions may have 0.02 bits
    in common with what is seen beyond luck, three deviations of luck included. With `remember`, sights
    are windows of observations, and on a table the same is asked about what is remembered: all of the window but the
    present one is drawn again among those with the same present. Left out: a memory that an agent keeps to itself.
    """
    if game.horizon <= 0:
        return Finding("closed loop", "cannot tell", "What reacting could earn is not computed without a time limit.")
    seen, policy, rows = _as_seen(stage, game, team)
    own = stage.score(own_cast(stage, team)).returns
    if not stage.exact and len(own) < FEWEST_EPISODES:
        return Finding("closed loop", "cannot tell", f"{len(own)} episodes are too few to tell what agents react to.")
    loops = [_loop(stage, game, team, agent, seen, policy, rows, own) for agent in range(len(stage.agents))]
    if stage.exact and not any(one.ignores and one.gain > 0 for one in loops):
        using = [one.agent for one in loops if one.uses]
        parts = [(agent, TEAMMATES, own_part(game, agent)) for agent in using]
        parts += [(agent, MEMORY, present_part(game, agent)) for agent in using if remember]
        loops += [
            _part(stage, game, team, agent, what, part, seen[agent], policy, own)
            for agent, what, part in parts
            if part is not None
        ]
    paying = [one for one in loops if one.gain > 0]
    picture = Picture(
        "bars",
        "what each agent loses when it is shown something else",
        tuple(f"{stage.agents[one.agent]}: {one.what}" for one in loops),
        tuple(one.loss.value for one in loops),
        tuple(one.loss.interval for one in loops if one.loss.interval is not None)
        if all(one.loss.interval for one in loops)
        else (),
    )
    null = "shown draws from its own visits"
    worst = max(paying or loops, key=lambda one: (one.ignores, one.gain))
    name, loss = stage.agents[worst.agent], worst.loss
    if worst.ignores and worst.gain > 0:
        steps = len(stage.play(own_cast(stage, team)).actions)
        does = "ignores" if abs(loss.value) < VISIBLE else "hardly uses"
        return Finding(
            "closed loop",
            "yes",
            f"{name} {does} {worst.what}: shown something else, it earns {abs(loss.value):.2f} "
            f"{'less' if loss.value >= 0 else 'more'}, though reacting to it could earn {worst.gain:.2f} more.",
            loss.value,
            loss.interval,
            null,
            whole_episode(team, steps),
            "explore more and longer, so that it meets the moments in which reacting pays",
            ("--epsilon", "1", "--epsilon-decay", "0.9"),
            picture=picture,
        )
    unclear = [stage.agents[one.agent] for one in paying if not one.uses and one.reacts is None]
    if unclear:
        sentence = f"{len(own)} episodes do not tell whether {unclear[0]} uses what it sees."
        return Finding("closed loop", "cannot tell", sentence, loss.value, loss.interval, null, picture=picture)
    felt = [one for one in loops if one.uses and one.what == ALL]
    if felt:
        most = max(felt, key=lambda one: abs(one.loss.value))
        sentence = (
            f"{stage.agents[most.agent]} uses what it sees: shown something else, it earns {abs(most.loss.value):.2f} "
            f"{'less' if most.loss.value >= 0 else 'more'}."
        )
    elif any(one.reacts for one in paying):
        most = max((one for one in paying if one.reacts), key=lambda one: one.gain)
        sentence = f"{stage.agents[most.agent]} reacts to {most.what}, {_in_vain(most)}."
    else:
        sentence = "No agent uses what it sees, and none could earn more by it than by a fixed action."
        most = worst
    return Finding("closed loop", "no", sentence, most.loss.value, most.loss.interval, null, picture=picture)


def _in_vain(loop: Loop) -> str:
    """How little a reaction changes."""
    if abs(loop.loss.value) < VISIBLE:
        return f"but that changes nothing in what it earns, where reacting well could earn {loop.gain:.2f} more"
    than = "less" if loop.loss.value >= 0 else "more"
    return (
        f"but little comes of it: shown something else, it earns {abs(loop.loss.value):.2f} {than}, where reacting "
        f"well could earn {loop.gain:.2f} more"
    )


def _loop(
    stage: Stage,
    game: FiniteGame,
    team: int,
    agent: int,
    seen: np.ndarray,
    policy: np.ndarray,
    rows: list[np.ndarray],
    own: np.ndarray,
) -> Loop:
    shown = np.tile(seen[agent], (game.observation_count, 1))
    other = stage.score(replaced(own_cast(stage, team), agent, shown=shown)).returns[:, agent]
    loss = effect(own[:, agent] - other, stage.exact)
    size = scale(own[:, agent].mean(), other.mean())
    if stage.exact and abs(loss.value) > max(LEAST_USE * _possible(game, policy, own[0], agent), TINY * size):
        return Loop(agent, ALL, loss, 0.0, True, True)
    found = response(game, policy, agent)
    gain = found.reacting - max(found.now, found.fixed)
    gain = gain if gain > LEAST_GAIN * scale(found.reacting, found.now) else 0.0
    if stage.exact:
        weight = seen[agent]
        if weight.max() > 1 - TINY:
            weight = np.isin(np.arange(len(weight)), game.seen[:, agent]) / len(np.unique(game.seen[:, agent]))
        reacts = _bits(weight[:, None] * policy[agent]) > _least_bits(weight, game.actions[agent])
        return Loop(agent, ALL, loss, gain, reacts, abs(loss.value) > max(LEAST_USE * gain, TINY * size))
    reacts = _related(rows[agent])
    felt = loss.p is not None and loss.p < CHANCE and abs(loss.value) > LEAST_USE * gain
    return Loop(agent, ALL, loss, gain, reacts, reacts is not False and felt)


def _possible(game: FiniteGame, policy: np.ndarray, own: np.ndarray, agent: int) -> float:
    """What an agent could earn more, at most, than it does: if it saw the whole state and did its best."""
    return best_response(game, policy, agent) - float(own[agent])


def _least_bits(weight: np.ndarray, actions: int) -> float:
    """The bits that actions must have in common with sights of chances float64[O] to be a reaction to them."""
    seen = weight[weight > 0] / weight.sum()
    could = min(float(-(seen * np.log2(seen)).sum()), float(np.log2(actions)))
    return max(LEAST_REACTION, LEAST_OF_BITS * could)


def _part(
    stage: Stage,
    game: FiniteGame,
    team: int,
    agent: int,
    what: str,
    part: np.ndarray,
    seen: np.ndarray,
    policy: np.ndarray,
    own: np.ndarray,
) -> Loop:
    """The same question about some of what an agent sees; sights with one number in part, int[O], share the rest."""
    same = part[:, None] == part[None]
    drawn = np.where(same, seen[None], 0.0)
    total = drawn.sum(1, keepdims=True)
    shown = np.where(total > 0, drawn / np.where(total > 0, total, 1.0), np.eye(len(part)))
    other = stage.score(replaced(own_cast(stage, team), agent, shown=shown)).returns[:, agent]
    loss = effect(own[:, agent] - other, True)
    found = response(game, policy, agent)
    merged, blind = game.seen.copy(), policy.copy()
    merged[:, agent] = part[merged[:, agent]]
    blind[agent] = shown @ policy[agent]
    without = response(game._replace(seen=merged), blind, agent)
    gain = found.reacting - max(found.now, without.reacting)
    gain = gain if gain > LEAST_GAIN * scale(found.reacting, found.now) else 0.0
    uses = abs(loss.value) > max(LEAST_USE * gain, TINY * scale(own[:, agent].mean(), other.mean()))
    taken = seen[:, None] * policy[agent]
    group = np.zeros_like(taken)
    np.add.at(group, part, taken)
    within = float(-(seen[seen > 0] * np.log2(seen[seen > 0] / total[seen > 0, 0])).sum())  # bits of that part
    least = max(LEAST_REACTION, LEAST_OF_BITS * min(within, float(np.log2(game.actions[agent]))))
    reacts = _bits(taken) - _bits(group) > least
    return Loop(agent, what, loss, gain, reacts, uses)


def _as_seen(stage: Stage, game: FiniteGame, team: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Shares of visits float64[N, O], the policy float64[N, O, A] (estimated where it is not known), and what was
    recorded, int[D, 2] an agent: sight and action of every decision.
    """
    cast, agents = own_cast(stage, team), range(len(stage.agents))
    if isinstance(stage, TableStage):
        policy = stage.policy(cast)
        times = visits(game, policy)
        counts = np.stack([np.bincount(game.seen[:, agent], times, game.observation_count) for agent in agents])
        return counts / counts.sum(1, keepdims=True), policy, []
    plays = [stage.play(cast, episode) for episode in range(len(stage.score(cast).success))]
    rows = [
        np.concatenate([np.stack([game.seen[play.keys[:-1], one], play.actions[:, one]], 1) for play in plays])
        for one in agents
    ]
    policy = uniform_policy(game).copy()
    counts = np.zeros(policy.shape)
    for agent in agents:
        np.add.at(counts[agent], (rows[agent][:, 0], rows[agent][:, 1]), 1.0)
    total = counts.sum(2, keepdims=True)
    policy = np.where(total > 0, counts / np.maximum(total, 1.0), policy)
    return counts.sum(2) / counts.sum((1, 2))[:, None], policy, rows


def _bits(table: np.ndarray) -> float:
    """The information in bits between the rows and columns of a table float64[R, C] that adds up to 1."""
    apart = table.sum(1, keepdims=True) * table.sum(0)
    return float((table[table > 0] * np.log2(table[table > 0] / apart[table > 0])).sum())


def _related(rows: np.ndarray) -> bool | None:
    """Whether action and sight, int[D, 2], have much more in common than by shuffling; None: not to be told."""
    sights, sight = np.unique(rows[:, 0], return_inverse=True)
    actions, action = np.unique(rows[:, 1], return_inverse=True)
    if len(sights) == 1 or len(actions) == 1:
        return False
    draws, shape = np.random.default_rng(0), (len(sights), len(actions))

    def bits(taken: np.ndarray) -> float:
        return _bits(np.bincount(sight * shape[1] + taken, minlength=shape[0] * shape[1]).reshape(shape) / len(taken))

    luck, found = np.array([bits(draws.permutation(action)) for _ in range(SHUFFLES)]), bits(action)
    beyond, sure = found - luck.mean(), np.mean(luck >= found) <= CHANCE
    if sure and beyond >= LEAST_BITS:
        return True
    return False if not sure and beyond + 3 * luck.std() < LEAST_BITS else None
