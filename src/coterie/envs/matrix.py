"""Matrix games: everybody picks one action, and a table says what the joint action pays.

A one-shot game (horizon 1) is over after its play: the world truly ends. A repeated game has no ending of its own:
it goes on until the time limit, `horizon` plays, cuts it, so its plays are not terminal and may be bootstrapped over.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np

from coterie.envs import boards
from coterie.envs.protocol import Environment, Step, all_legal, all_move
from coterie.errors import BadInput
from coterie.settings import ClimbingOptions, PenaltyOptions
from coterie.types import Array, Kind, Spec

NO_ACTION = -1


def climbing(options: ClimbingOptions) -> Environment:
    """The climbing game of Claus and Boutilier (1998, "The dynamics of reinforcement learning in cooperative
    multiagent systems"): the best joint action, worth 11, is surrounded by penalties.
    """
    return matrix_game("climbing", np.array([[11, -30, 0], [-30, 7, 6], [0, 0, 5]]), options.horizon)


def penalty(options: PenaltyOptions) -> Environment:
    """The penalty game of Claus and Boutilier (1998, as above): two optima worth 10, and k for missing."""
    k = options.k
    if not (math.isfinite(k) and k <= 0):
        raise BadInput(f"--env.k {k:g}: the payoff for missing each other is a finite number of at most 0")
    return matrix_game("penalty", np.array([[10, 0, k], [0, 2, 0], [k, 0, 10]]), options.horizon)


def matrix_game(
    name: str,
    payoffs: Array,
    horizon: int = 1,
    *,
    individual: bool = False,
    action_names: tuple[str, ...] | None = None,
) -> Environment:
    """The game of one payoff table, for any number of agents.

    payoffs [A1, .., AN]: what the joint action pays to everybody; with `individual`, [A1, .., AN, N]: to each agent.
    Everybody observes one constant number, [0]. Success is a joint action that attains the greatest team payoff
    (with `individual`, the greatest sum). The state is a constant [0] too, int32[1]: a play leaves nothing behind.
    """
    table = np.asarray(payoffs, np.float32)
    agents = table.ndim - individual
    if agents < 1 or table.size == 0:
        raise BadInput(f"{name}: a payoff table of shape {table.shape} holds no joint action")
    if individual and table.shape[-1] != agents:
        raise BadInput(f"{name}: {agents} agents need {agents} payoffs a joint action, the table has {table.shape[-1]}")
    if not np.isfinite(table).all():
        raise BadInput(f"{name}: every payoff must be a finite number")
    if horizon < 1:
        raise BadInput(f"--env.horizon {horizon}: an episode needs at least 1 play")
    sizes = table.shape[:agents]
    worth = table.sum(-1) if individual else table
    rewards = jnp.asarray(table if individual else np.repeat(table[..., None], agents, axis=-1))
    best = jnp.asarray(worth == worth.max())
    kinds = kinds_by_actions(sizes)

    def step(state, action, outcome):
        del outcome
        joint = tuple(action[agent] for agent in range(agents))
        return Step(state, rewards[joint], jnp.full(agents, horizon == 1), best[joint])

    everyone = tuple(range(agents))
    return Environment(
        name=name,
        spec=Spec(
            agents=tuple(f"agent_{agent}" for agent in everyone),
            kinds=kinds,
            team=everyone if individual else (0,) * agents,
            parameters=everyone,
            experience=everyone,
            state_shape=(1,),
        ),
        action_names=action_names or letters(max(sizes)),
        horizon=horizon,
        idle=(0,) * agents,
        idle_is_noop=False,
        success_word="coordinate",
        starts=lambda: jnp.ones(1),
        start=lambda outcome: jnp.zeros(1, jnp.int32),
        outcomes=lambda state, action: jnp.ones(1),
        step=step,
        observe=lambda state: tuple(jnp.zeros((len(kind.agents), 1), jnp.int32) for kind in kinds),
        legal=all_legal(tuple((len(kind.agents), kind.actions) for kind in kinds)),
        central=lambda state: state,
        to_move=all_move(agents),
        board=lambda state, action: payoff_board(sizes, action),
    )


def kinds_by_actions(sizes: tuple[int, ...]) -> tuple[Kind, ...]:
    """Agents with equally many actions are of one kind; kinds stand in the order of their first agent.

    The constant observation is said to lie in 0..1, for a range without width makes scaling divide by zero.
    """
    return tuple(
        Kind(tuple(agent for agent, size in enumerate(sizes) if size == actions), actions, (1,), "int32", 1)
        for actions in dict.fromkeys(sizes)
    )


def letters(count: int) -> tuple[str, ...]:
    """Names for nameless actions: a, b, c, …, or numbers where the alphabet is too short."""
    return tuple("abcdefghijklmnopqrstuvwxyz"[:count]) if count <= 26 else tuple(map(str, range(count)))


def payoff_board(sizes: tuple[int, ...], action: Array | None) -> np.ndarray:
    """What was played, uint8[H, W]; empty where `action` is None or -1.

    Two agents: the table itself, rows agent 0's action and columns agent 1's, with both on the chosen cell. Any other
    number: one row an agent and one column an action, walls where an agent has no such action.
    """
    agents = len(sizes)
    if agents == 2:
        picture = np.zeros(sizes, np.uint8)
    else:
        picture = np.where(np.arange(max(sizes)) < np.array(sizes)[:, None], 0, boards.WALL).astype(np.uint8)
    if action is None or np.any(np.asarray(action) == NO_ACTION):
        return picture
    chosen = tuple(int(one) for one in np.asarray(action))
    for agent in range(agents):
        picture[chosen if agents == 2 else (agent, chosen[agent])] |= boards.agent_bit(agent)
    return picture
