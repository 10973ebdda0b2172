"""Does anybody react to anybody? Tried out, for agents of whom only their actions are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from coterie.running.stage import Actor
from coterie.types import Finding, Picture, Play

MOMENTS = 10  # of an episode that are tried, evenly spread
LEAST_BITS = 0.01  # of influence: below this nobody reacts

Follows = Callable[[int, Sequence[int]], Sequence[Any] | None]


def reactions(
    names: Sequence[str],
    actors: Sequence[Actor],
    sizes: Sequence[int],
    play: Play,
    follows: Follows,
    shown: Sequence[Sequence[Any]] | None = None,
    firsts: Sequence[int] | None = None,
) -> Finding:
    """How much each agent's action moves each other's next one, in bits, tried out along a recorded episode.

    I(i -> j) = mean over moments of H(mean over a of P(a_j' | do(a_i = a))), after the social influence of Jaques et
    al. (2019), which is this for agents that decide for certain: everything up to the moment is as recorded, agent i
    takes each of its actions in turn, the others theirs, and j is asked what it does next. follows(t, actions) gives
    what everybody sees after those joint actions at step t (from 0) of the episode, None where it ends there. shown[t]
    is what the agents saw, where that is more than the recording's flat numbers; actions count from `firsts`, else 0.

    Agents are brought to the moment by showing them again what they saw; where they then do not do again what they did
    (they draw their actions, or carry something over from episode to episode), this cannot be told. Left out: whether
    reacting would pay, which needs the exact table.
    """
    steps, agents = len(play.actions), range(len(names))
    firsts = firsts or [0] * len(names)
    if len(names) < 2 or steps < 2 or len(play.observations) != len(names):
        return Finding("influence", "cannot tell", "Nobody decides after seeing what another did.")
    moments = np.unique(np.linspace(0, steps - 2, min(MOMENTS, steps - 1)).astype(int))
    shown = shown or [[np.array(seen[step]) for seen in play.observations] for step in range(steps)]
    bits = np.zeros((len(names), len(names), len(moments)))
    for at, moment in enumerate(moments):
        for one in agents:
            seen = [_after(follows, play, int(moment), one, firsts[one] + action) for action in range(sizes[one])]
            seen = [sights for sights in seen if sights is not None]
            for other in agents:
                if other == one or len(seen) < 2:
                    continue
                replies = [_reply(actors[other], play, shown, other, int(moment), sights[other]) for sights in seen]
                if None in replies:
                    sentence = (
                        f"{names[other]} does not do again what it did when it is shown the same again, so what moves "
                        "its actions cannot be tried out."
                    )
                    return Finding("influence", "cannot tell", sentence)
                share = np.unique(np.array(replies, int), return_counts=True)[1] / len(replies)
                bits[one, other, at] = -(share * np.log2(share)).sum()
    found = bits.mean(2)
    one, other = divmod(int(found.argmax()), len(names))
    value, null = float(found[one, other]), f"at most {LEAST_BITS} bits"
    title = "how far the action of the row moves the next one of the column, in bits"
    picture = Picture("grid", title, tuple(names), tuple(map(tuple, found.tolist())), rows=tuple(names))
    tried = f"{len(moments)} moments of one episode"
    if value > LEAST_BITS:
        sentence = (
            f"{names[other]} reacts to {names[one]}: another action moves its next one by {value:.3f} bits ({tried})."
        )
        return Finding("influence", "no", sentence, value, null=null, picture=picture)
    sentence = f"Nobody reacts to anybody in {tried}; whether reacting would pay is not known here."
    return Finding("influence", "cannot tell", sentence, value, null=null, picture=picture)


def _after(follows: Follows, play: Play, moment: int, agent: int, action: int) -> Sequence[Any] | None:
    joint = [int(one) for one in play.actions[moment]]
    joint[agent] = action
    return follows(moment, joint)


def _reply(actor: Actor, play: Play, shown: Sequence[Sequence[Any]], agent: int, moment: int, seen: Any) -> int | None:
    """What an agent does next when it sees something; None where it does not come to this moment as it did before."""
    actor.begin()
    for step in range(moment + 1):
        if actor.act(shown[step][agent], step + 1) != play.actions[step, agent]:
            return None
    return actor.act(seen, moment + 2)
