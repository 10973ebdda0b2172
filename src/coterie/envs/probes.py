"""Tiny environments with exactly known answers, to try learners and runners on; g is the learner's discount.

constant  one step, 1 for anything.                                       V = 1
sign      sees +1 or -1 (a fair coin), earns what it saw, ends.           V(+1) = 1, V(-1) = -1
delay     two steps, 1 at the end.                                        V = g, then 1
chance    two steps; each pays 1 with probability 3/4, else 0, and        V = 3/4 + 3/4 g, then 3/4
          shows what it paid.
choice    sees +1 or -1, earns 1 for action 1 at +1 or action 0 at -1.    V = 1, Q of the other action = 0
joint     two agents earn 1 each if both take action 1.                   joint optimum 1, uniform play 1/4
endless   1 a step, never ends, cut off every 8 steps.                    V = 1 / (1 - g); if the limit were an ending,
                                                                          1 + g + .. + g^(n-1) with n steps left
death     1 a step for each of two agents; the first dies in the first    V of the first = 1; of the second, with n of
          step, the team's end comes with the third.                      3 steps left, 1 + .. + g^(n-1); of the team's
                                                                          sum at the start, 2 + g + g^2
memory    a cue of +1 or -1 in the first of three steps, then blanks;     V at the end = 1 with memory; no policy
          in the last, 1 for action 1 after +1 or action 0 after -1.      without memory earns more than 1/2
unlike    one step; agents a_0, b_0, a_1 of two kinds (2 numbers seen     best joint 1 + 2 + 1 = 4 at actions 1 1 1,
          and 2 actions; 3 and 3); all earn u(a_0) + w(b_0) + u(a_1)      uniform play 1/2 + 1 + 1/2 = 2
          with u = (0, 1) and w = (0, 2, 1).
turns     two agents decide in turn, twice each; action 1 is paid 1 in    V = 1 + g, then 1, over the agent's *own*
          the *next* joint step, the very last one at once.               decisions
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp

from coterie.envs.protocol import Environment, Step, all_legal, all_move
from coterie.settings import ProbeOptions
from coterie.types import Array, Kind, Spec

UNLIKE_A = (0.0, 1.0)
UNLIKE_B = (0.0, 2.0, 1.0)


def probe(
    name: str,
    *,
    step: Callable[[Any, Array, Array], Step],
    observe: Callable[[Any], tuple[Array, ...]],
    kinds: tuple[tuple[tuple[int, ...], int, int], ...] = (((0,), 2, 1),),
    names: tuple[str, ...] = (),
    starts: int = 1,
    start: Callable[[Array], Any] = lambda outcome: jnp.stack([jnp.int32(0), jnp.asarray(outcome, jnp.int32)]),
    horizon: int = 0,
    to_move: Callable[[Any], Array] | None = None,
    outcomes: tuple[float, ...] = (1.0,),
) -> Environment:
    """An Environment whose chance is equal everywhere after its start; kinds are (agents, actions, observed numbers).

    The state of a probe is int32[2]: the step, and the outcome of the start.
    """
    count = sum(len(agents) for agents, _, _ in kinds)
    everyone = tuple(range(count))
    return Environment(
        name=name,
        spec=Spec(
            agents=names or tuple(f"agent_{i}" for i in everyone),
            kinds=tuple(Kind(agents, actions, (seen,), "float32") for agents, actions, seen in kinds),
            team=(0,) * count,
            parameters=everyone,
            experience=everyone,
            state_shape=(2,),
        ),
        action_names=tuple(str(action) for action in range(max(actions for _, actions, _ in kinds))),
        horizon=horizon,
        idle=(0,) * count,
        idle_is_noop=False,
        success_word="succeed",
        starts=lambda: jnp.full(starts, 1 / starts),
        start=start,
        outcomes=lambda state, action: jnp.array(outcomes),
        step=step,
        observe=observe,
        legal=all_legal(tuple((len(agents), actions) for agents, actions, _ in kinds)),
        central=lambda state: state.astype(jnp.float32),
        to_move=to_move or all_move(count),
        board=None,
    )


def later(state: Array) -> Array:
    """The state one step on."""
    return state.at[0].add(1)


def everybody(agents: int, reward: Array | float, ended: Array | bool) -> tuple[Array, Array]:
    """One reward and one ending for all."""
    return jnp.full(agents, reward, jnp.float32), jnp.full(agents, ended)


def cue(state: Array) -> Array:
    """+1 or -1: the outcome of the start."""
    return 2.0 * state[1] - 1.0


def constant(options: ProbeOptions) -> Environment:
    """One reward for anything: the value head works."""
    length = options.horizon or 1

    def step(state, action, outcome):
        return Step(later(state), *everybody(1, 1.0, state[0] + 1 >= length), jnp.bool(True))

    return probe("constant", step=step, observe=lambda state: (jnp.ones((1, 1)),))


def sign(options: ProbeOptions) -> Environment:
    """The reward is what was seen: the observation reaches the value."""
    length = options.horizon or 1

    def step(state, action, outcome):
        return Step(later(state), *everybody(1, cue(state), state[0] + 1 >= length), cue(state) > 0)

    return probe("sign", step=step, observe=lambda state: (cue(state).reshape(1, 1),), starts=2)


def delay(options: ProbeOptions) -> Environment:
    """The reward comes at the end: discounting and bootstrapping work; V = g^(steps left - 1)."""
    length = options.horizon or 2

    def step(state, action, outcome):
        end = state[0] + 1 >= length
        return Step(later(state), *everybody(1, jnp.where(end, 1.0, 0.0), end), end)

    return probe("delay", step=step, observe=lambda state: (state[:1, None].astype(jnp.float32),))


def chance(options: ProbeOptions) -> Environment:
    """The reward is a draw: the chance of a step is new in every step and every episode, and the same on every road."""
    length = options.horizon or 2

    def step(state, action, outcome):
        paid = jnp.asarray(outcome, jnp.int32)
        told = everybody(1, paid.astype(jnp.float32), state[0] + 1 >= length)
        return Step(jnp.stack([state[0] + 1, paid]).astype(jnp.int32), *told, paid == 1)

    observe = lambda state: (state[None].astype(jnp.float32),)  # noqa: E731
    return probe("chance", step=step, observe=observe, kinds=(((0,), 2, 2),), outcomes=(0.25, 0.75))


def choice(options: ProbeOptions) -> Environment:
    """The action decides, and which one is seen: the policy works."""
    length = options.horizon or 1

    def step(state, action, outcome):
        right = action[0] == state[1]
        return Step(later(state), *everybody(1, jnp.where(right, 1.0, 0.0), state[0] + 1 >= length), right)

    return probe("choice", step=step, observe=lambda state: (cue(state).reshape(1, 1),), starts=2)


def joint(options: ProbeOptions) -> Environment:
    """Both must act: the joint action reaches the world in the right order."""
    length = options.horizon or 1

    def step(state, action, outcome):
        both = jnp.all(action == 1)
        return Step(later(state), *everybody(2, jnp.where(both, 1.0, 0.0), state[0] + 1 >= length), both)

    return probe("joint", step=step, observe=lambda state: (jnp.ones((2, 1)),), kinds=(((0, 1), 2, 1),))


def endless(options: ProbeOptions) -> Environment:
    """A reward for ever, cut off by a time limit, which is not an ending: V = 1 / (1 - g)."""

    def step(state, action, outcome):
        return Step(state, *everybody(1, 1.0, False), jnp.bool(True))  # one state, so that its table is finite

    observe = lambda state: (jnp.ones((1, 1)),)  # noqa: E731
    return probe("endless", step=step, observe=observe, horizon=options.horizon or 8)


def death(options: ProbeOptions) -> Environment:
    """One agent ends before its team: it learns nothing more, contributes zero, and its team goes on.

    The second agent sees the step; the first sees it too, and -9 once it is dead.
    """
    length = options.horizon or 3

    def step(state, action, outcome):
        dead = state[0] >= 1
        reward = jnp.stack([jnp.where(dead, 0.0, 1.0), 1.0])
        end = state[0] + 1 >= length
        return Step(later(state), reward, jnp.stack([jnp.bool(True), end]), end)

    def observe(state):
        now = state[0].astype(jnp.float32)
        return (jnp.stack([jnp.where(state[0] >= 1, -9.0, now), now])[:, None],)

    return probe("death", step=step, observe=observe, kinds=(((0, 1), 2, 1),))


def memory(options: ProbeOptions) -> Environment:
    """A cue in the first step is asked for in the last: memory carries within an episode and resets between them.

    Sees (cue in the first step and 0 later, 1 when asked and 0 before).
    """
    length = options.horizon or 3

    def step(state, action, outcome):
        end = state[0] + 1 >= length
        right = (action[0] == state[1]) & end
        return Step(later(state), *everybody(1, jnp.where(right, 1.0, 0.0), end), right)

    def observe(state):
        return (jnp.stack([jnp.where(state[0] == 0, cue(state), 0.0), 1.0 * (state[0] + 1 >= length)])[None],)

    return probe("memory", step=step, observe=observe, kinds=(((0,), 2, 2),), starts=2)


def unlike(options: ProbeOptions) -> Environment:
    """Two unlike kinds share one reward, which is a sum over agents: a mixer may span kinds."""
    length = options.horizon or 1

    def step(state, action, outcome):
        a, b = jnp.array(UNLIKE_A), jnp.array(UNLIKE_B)
        reward = a[action[0]] + b[action[1]] + a[action[2]]
        return Step(later(state), *everybody(3, reward, state[0] + 1 >= length), reward == 4)

    def observe(state):
        return jnp.array([[1.0, 0.0], [0.0, 1.0]]), jnp.array([[1.0, -1.0, 0.5]])

    return probe(
        "unlike", step=step, observe=observe, kinds=(((0, 2), 2, 2), ((1,), 3, 3)), names=("a_0", "b_0", "a_1")
    )


def turns(options: ProbeOptions) -> Environment:
    """Agents decide in turn and are paid while they wait: reward belongs to the decision that it follows.

    State int32[2]: the step, and the action of the step before. Each sees how many decisions it has behind it.
    """
    length = options.horizon or 4

    def step(state, action, outcome):
        mover = state[0] % 2
        end = state[0] + 1 >= length
        own = action[mover]
        waiting = jnp.where(state[0] > 0, state[1], 0)
        reward = jnp.zeros(2).at[1 - mover].set(waiting).at[mover].set(jnp.where(end, own, 0))
        return Step(jnp.stack([state[0] + 1, own]).astype(jnp.int32), reward, jnp.full(2, end), end)

    return probe(
        "turns",
        step=step,
        observe=lambda state: (((state[0] + jnp.array([1, 0])) // 2).astype(jnp.float32)[:, None],),
        kinds=(((0, 1), 2, 1),),
        to_move=lambda state: jnp.arange(2) == state[0] % 2,
    )


PROBES: Mapping[str, Callable[[ProbeOptions], Environment]] = {
    "constant": constant,
    "sign": sign,
    "delay": delay,
    "chance": chance,
    "choice": choice,
    "joint": joint,
    "endless": endless,
    "death": death,
    "memory": memory,
    "unlike": unlike,
    "turns": turns,
}
