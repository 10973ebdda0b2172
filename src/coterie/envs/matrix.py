"""Matrix games: everybody picks one action, and a table says what the joint action pays.

A one-shot game (horizon 1) is over after its play: the world truly ends. A repeated game has no ending of its own:
it goes on until the time limit, `horizon` plays, cuts it, so its plays are not terminal and may be bootstrapped over.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np

from coterie.envs import boards
from coterie.envs.payoffs import Payoffs, check_horizon, payoff_table, payoffs_of
from coterie.envs.protocol import Environment, Step, all_legal, all_move
from coterie.types import Array, Kind, Spec

NO_ACTION = -1
PICTURES_CAP = 10_000_000  # bytes of pictures, one a joint action; larger games have none


def named_game(name: str, options: Any) -> Environment:
    """A matrix game of the catalogue; its table and its source stand in payoffs.py."""
    return environment_of(name, payoffs_of(name, options), options.horizon)


climbing = partial(named_game, "climbing")
penalty = partial(named_game, "penalty")
conventions = partial(named_game, "conventions")
stag_hunt = partial(named_game, "stag-hunt")
prisoners_dilemma = partial(named_game, "prisoners-dilemma")
chicken = partial(named_game, "chicken")
matching_pennies = partial(named_game, "matching-pennies")


def matrix_game(
    name: str,
    payoffs: Array,
    horizon: int = 1,
    *,
    individual: bool = False,
    chance: Array | None = None,
    action_names: tuple[str, ...] | None = None,
    success: Array | None = None,
    success_word: str = "coordinate",
) -> Environment:
    """The game of one payoff table, for any number of agents.

    payoffs [A1, .., AN]: what the joint action pays to everybody; with `individual`, [A1, .., AN, N]: to each agent.
    chance [A1, .., AN, K]: the probabilities of K outcomes; then payoffs are [A1, .., AN, K] or [A1, .., AN, K, N].
    Everybody observes one constant number, [0]. Success (bool[A1, .., AN]) is, where it is not given, a joint action
    with the greatest expected team payoff (with `individual`, the greatest sum). The state is a constant [0], too,
    int32[1]: a play leaves nothing behind. Raises BadInput for a table that cannot be played.
    """
    table = payoff_table(
        name,
        payoffs,
        individual=individual,
        chance=chance,
        action_names=action_names,
        success=success,
        success_word=success_word,
    )
    return environment_of(name, table, horizon)


def environment_of(name: str, table: Payoffs, horizon: int) -> Environment:
    """The environment of a checked table. Agents with payoffs of their own are a team each, else all are one team."""
    check_horizon(horizon)
    agents = table.payoffs.shape[-1]
    sizes = table.success.shape
    kinds = kinds_by_actions(sizes)
    everyone = tuple(range(agents))
    high, wide = sizes if agents == 2 else (agents, max(sizes))

    def cell(action):
        return tuple(action[agent] for agent in everyone)

    # JAX 0.10 remembers a constant in float64 once it was traced so; `float` is the width of the present trace.
    def outcomes(state, action):
        return jnp.asarray(table.chance, float)[cell(action)]

    def step(state, action, outcome):
        reward = jnp.asarray(table.payoffs, float)[(*cell(action), outcome)]
        return Step(state, reward, jnp.full(agents, horizon == 1), jnp.asarray(table.success)[cell(action)])

    return Environment(
        name=name,
        spec=Spec(
            agents=tuple(f"agent_{agent}" for agent in everyone),
            kinds=kinds,
            team=everyone if table.individual else (0,) * agents,
            parameters=everyone,
            experience=everyone,
            state_shape=(1,),
        ),
        action_names=table.action_names,
        horizon=horizon,
        idle=(0,) * agents,
        idle_is_noop=False,
        success_word=table.success_word,
        starts=lambda: jnp.ones(1),
        start=lambda outcome: jnp.zeros(1, jnp.int32),
        outcomes=outcomes,
        step=step,
        observe=lambda state: tuple(jnp.zeros((len(kind.agents), 1), jnp.int32) for kind in kinds),
        legal=all_legal(tuple((len(kind.agents), kind.actions) for kind in kinds)),
        central=lambda state: state,
        to_move=all_move(agents),
        board=None
        if int(np.prod(sizes)) * high * wide > PICTURES_CAP
        else lambda state, action: payoff_board(sizes, action),
    )


def kinds_by_actions(sizes: tuple[int, ...]) -> tuple[Kind, ...]:
    """Agents with equally many actions are of one kind; kinds stand in the order of their first agent.

    The constant observation is said to lie in 0..1, for a range without width makes scaling divide by zero.
    """
    return tuple(
        Kind(tuple(agent for agent, size in enumerate(sizes) if size == actions), actions, (1,), "int32", 1)
        for actions in dict.fromkeys(sizes)
    )


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
