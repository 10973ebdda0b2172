"""Many probes in one world, so that one compiled program tries a learner on all of them; and two matrix games.

Every episode is one of the games. Three agents of two kinds stand in for the agents of all games: a_0 and a_1, and b_0,
who sees one number more; they have 3 actions, of which a game may forbid some. Each sees which game it is and what the
game shows; who has no part in a game sees nothing, has one legal action and earns nothing.

The games are walked through once, into tables, and played in NumPy with the books of the runner (`settle`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from family import FAST, stacked

from coterie.algorithms.qlearning import Learner, Parts
from coterie.envs.matrix import matrix_game
from coterie.envs.probes import PROBES
from coterie.envs.protocol import Environment
from coterie.networks.mixers import Mixer
from coterie.networks.team import act_values
from coterie.partitions import split
from coterie.running.rollout import Plan, hold, settle, views
from coterie.settings import ProbeOptions
from coterie.types import Decision, Kind, Outcome, Rollout, Sight, Spec

CLIMBING = np.array([[11, -30, 0], [-30, 7, 6], [0, 0, 5]]) / 20
TWO_BY_THREE = np.array([[1.0, -0.5, 0.3], [0.2, 0.9, -1.2]])
ACTIONS, LONGEST = 3, 4
PLACES = [(step, more) for step in range(LONGEST + 1) for more in range(2)]  # the states of a probe
JOINT = np.stack(np.unravel_index(np.arange(ACTIONS**3), (ACTIONS,) * 3), -1).astype(np.int32)


class Game(NamedTuple):
    """One game: which of the world's agents play, in the game's own order, and how often it is begun, in quarters."""

    environment: Environment
    seats: tuple[int, ...]
    quarters: int


def all_games() -> dict[str, Game]:
    seats = {"joint": (0, 2), "death": (0, 2), "turns": (0, 2), "unlike": (0, 1, 2)}
    quarters = {"joint": 12, "choice": 8, "memory": 12, "chance": 8, "endless": 2}
    games = {name: Game(make(ProbeOptions()), seats.get(name, (0,)), quarters.get(name, 4))
             for name, make in PROBES.items()}  # fmt: skip
    games["climbing"] = Game(matrix_game("climbing", CLIMBING), (0, 2), 12)
    games["two-by-three"] = Game(matrix_game("two-by-three", TWO_BY_THREE), (0, 1), 8)
    return games


class Tables(NamedTuple):
    """What is seen and what happens, by game G and place P, which is 2 step + the second number of a probe's state.

    obs float32[G, P, 3, ..], legal bool[G, P, 3, A] and moves bool[G, P, 3]; by joint action J and outcome K: after
    int[G, P, J, K], reward float32[G, P, J, K, 3], terminated bool[G, P, J, K, 3], success bool[G, P, J, K].
    """

    obs: Any
    legal: Any
    moves: Any
    after: Any
    reward: Any
    terminated: Any
    success: Any


def seated(game: Game, values: Any, blank: Any) -> Any:
    """Values by the game's agents as values by the world's three."""
    return jnp.stack([values[game.seats.index(agent)] if agent in game.seats else blank for agent in range(3)])


def by_agent(environment: Environment, values: tuple[Any, ...]) -> list[Any]:
    """Values by kinds, as a list by agents, each flat."""
    of = {agent: rows[i] for kind, rows in zip(environment.spec.kinds, values, strict=True) for i, agent in
          enumerate(kind.agents)}  # fmt: skip
    return [of[agent].reshape(-1) for agent in sorted(of)]


def walked(game: Game) -> Tables:
    """The tables of one game, [P, ..]."""
    environment = game.environment
    size = environment.spec.state_shape[0]

    def at(place: Any) -> Tables:
        state = place[:size]
        told = [jnp.pad(obs.astype(jnp.float32), (0, 3 - obs.size)) for obs in
                by_agent(environment, environment.observe(state))]  # fmt: skip
        legal = [jnp.pad(mask, (0, ACTIONS - mask.size)) for mask in by_agent(environment, environment.legal(state))]

        def then(action: Any, outcome: Any) -> tuple[Any, ...]:
            took = environment.step(state, action[jnp.array(game.seats)], outcome)
            after = (2 * took.state[0] + took.state[1]) if size == 2 else jnp.int32(0)
            reward = seated(game, took.reward.astype(jnp.float32), jnp.float32(0))
            return after, reward, seated(game, took.terminated, took.terminated.all()), took.success

        many = jax.vmap(jax.vmap(then, (None, 0)), (0, None))(jnp.array(JOINT), jnp.arange(2))
        moves = seated(game, environment.to_move(state), jnp.bool(True))
        seen, legal = seated(game, told, jnp.zeros(3)), seated(game, legal, jnp.arange(ACTIONS) == 0)
        return Tables(seen, legal, moves, *many)

    return jax.vmap(at)(jnp.array(PLACES, jnp.int32))


@cache
def all_tables() -> dict[str, Tables]:
    """The tables of all games."""
    build = jax.jit(lambda: {name: walked(game) for name, game in all_games().items()}, compiler_options=FAST)
    return jax.device_get(build())


class World:
    """Some games as one; without `b_0` where none of them needs it."""

    def __init__(self, names: tuple[str, ...]) -> None:
        games = all_games()
        self.names, self.games = names, [games[name] for name in names]
        tables = stacked([all_tables()[name] for name in names])
        seats = np.array([[agent in game.seats for agent in range(3)] for game in self.games])
        which = np.eye(len(names), dtype=np.float32)[:, None, None] * seats[:, None, :, None]
        which = np.broadcast_to(which, (*tables.obs.shape[:-1], len(names)))
        self.tables: Tables = tables._replace(obs=np.concatenate([which, tables.obs], -1))
        wide = len(names) + 2
        kinds = (Kind((0, 2), ACTIONS, (wide,), "float32"), Kind((1,), ACTIONS, (wide + 1,), "float32"))
        self.agents = [0, 1, 2] if seats[:, 1].any() else [0, 2]
        if self.agents == [0, 2]:
            kinds = (Kind((0, 1), ACTIONS, (wide,), "float32"),)
        every = tuple(range(len(self.agents)))
        called = tuple(("a_0", "b_0", "a_1")[agent] for agent in self.agents)
        self.spec = Spec(called, kinds, (0,) * len(every), every, every, (wide,))
        self.horizon = LONGEST if "turns" in names else LONGEST - 1
        legal = tables.legal[:, 0]
        self.legal_joint = [[joint for joint in JOINT.tolist() if mask[range(3), joint].all()] for mask in legal]

    def sight(self, game: np.ndarray, place: np.ndarray, alive: np.ndarray) -> Sight:
        """What is seen at these places of these games, [E]; alive is by the world's agents."""
        t = self.tables
        obs, legal, moves = t.obs[game, place], t.legal[game, place], t.moves[game, place][:, self.agents]
        state = np.concatenate([np.eye(len(self.names))[game], np.array(PLACES)[place]], -1).astype(np.float32)
        kinds = [([0, 2], obs.shape[-1] - 1), ([1], obs.shape[-1])][: len(self.spec.kinds)]
        seen = tuple(obs[:, agents, :size] for agents, size in kinds)
        return Sight(seen, tuple(legal[:, agents] for agents, _ in kinds), alive, moves & alive, state)


@cache
def world_of(names: tuple[str, ...]) -> World:
    return World(names)


class Even:
    """Chance without luck: of each question all answers come equally often, in a new order every time round."""

    def __init__(self, seed: int) -> None:
        self.rng, self.left = np.random.default_rng(seed), {}

    def draw(self, question: Any, answers: list[Any]) -> Any:
        if not self.left.get(question):
            self.left[question] = [answers[place] for place in self.rng.permutation(len(answers))]
        return self.left[question].pop()


class Played:
    """E worlds side by side, in which all joint actions are played evenly."""

    def __init__(self, world: World, environments: int, seed: int) -> None:
        starts = [int(game.environment.starts().size) for game in world.games]
        self.starts = [(number, start) for number, (game, count) in enumerate(zip(world.games, starts, strict=True))
                       for start in range(count) for _ in range(game.quarters // count)]  # fmt: skip
        self.world, self.even = world, Even(seed)
        self.game, self.place = np.array([self.even.draw("start", self.starts) for _ in range(environments)]).T
        self.alive, self.steps = np.ones((environments, len(world.agents)), bool), np.zeros(environments, int)

    def sight(self) -> Sight:
        return self.world.sight(self.game, self.place, self.alive)

    def step(self) -> tuple[np.ndarray, Outcome]:
        """What is played and what it does; where an episode is over, the next one has begun."""
        t, here = self.world.tables, list(zip(self.game, self.place, strict=True))
        actions = np.array([self.even.draw(place, self.world.legal_joint[place[0]]) for place in here], np.int32)
        draw = lambda place: self.even.draw(("paid", place), [0, 1, 1, 1])  # noqa: E731
        outcome = [draw(place) if self.world.names[place[0]] == "chance" else 0 for place in here]
        cell = self.game, self.place, actions @ np.array([9, 3, 1]), np.array(outcome)
        terminated = t.terminated[cell][:, self.world.agents] & self.alive
        self.steps += 1
        truncated = self.alive & ~terminated & (self.steps >= self.world.horizon)[:, None]
        self.place, self.alive = t.after[cell], self.alive & ~terminated & ~truncated
        over = ~self.alive.any(-1)
        reward = t.reward[cell][:, self.world.agents]
        told = Outcome(reward, terminated, truncated, t.success[cell], over, self.sight())
        for place in np.flatnonzero(over):
            self.game[place], self.place[place] = self.even.draw("start", self.starts)
            self.alive[place], self.steps[place] = True, 0
        return actions[:, self.world.agents], told


@cache
def uniform_play(names: tuple[str, ...], plan: Plan, iterations: int, seed: int = 0) -> Rollout:
    """Rollouts of uniformly random play, one after another: leaves are [iterations, T, E, ..]."""
    world = world_of(names)
    spec, played = world.spec, Played(world, plan.environments, seed)
    sight, blank = played.sight(), ((),) * len(spec.kinds)
    view = views(np, spec, sight, np.ones_like(sight.alive), sight.alive)
    nothing = tuple(Decision(own, (), ()) for own in split(spec, np.zeros(sight.alive.shape, np.int32)))
    held = jax.tree.map(np.array, hold(spec, view, nothing, blank))
    rollouts = []
    for _ in range(iterations):
        rows = []
        for _ in range(plan.rows):
            view = views(np, spec, sight, held.fresh, sight.alive)
            action, outcome = played.step()
            decisions = tuple(Decision(own, (), ()) for own in split(spec, action))
            held, kinds, team, _ = settle(np, spec, held, view, decisions, sight, outcome)
            rows.append((kinds, team))
            sight = played.sight()
        rollouts.append(Rollout(*stacked(rows), blank))
    return stacked(rollouts)


# What a learner holds of the games

PATHS = {
    "constant": [(0, 0)],
    "sign +": [(0, 1)],
    "sign -": [(0, 0)],
    "delay": [(0, 0), (1, 0)],
    "chance": [(0, 0), (1, 0)],
    "chance paid": [(0, 0), (1, 1)],
    "choice +": [(0, 1)],
    "choice -": [(0, 0)],
    "joint": [(0, 0)],
    "endless": [(0, 0)] * 3,
    "death": [(0, 0), (1, 0), (2, 0)],
    "memory +": [(0, 1), (1, 1), (2, 1)],
    "memory -": [(0, 0), (1, 0), (2, 0)],
    "unlike": [(0, 0)],
    "turns": [(0, 0), (1, 0), (2, 0), (3, 0)],
    "climbing": [(0, 0)],
    "two-by-three": [(0, 0)],
}


def paths(world: World) -> list[str]:
    """The paths through the world's games."""
    return [path for path in PATHS if path.split()[0] in world.names]


class Held(NamedTuple):
    """What learners hold of the steps of paths P: q float32[R, P, step, 3, A], the team's by the joint action of a_0,
    b_0 and a_1, [R, P, step, 3, 3, 3], and the same of weighted QMIX's central twin; () where there is none."""

    q: Any
    q_tot: Any
    free: Any


def held(world: World, spec: Spec, build: Callable[[Any], Parts], learners: Learner, flags: Any) -> Held:
    """The values as they are when acting along the paths, memory carried from step to step; build(flag): the parts."""
    names = paths(world)
    game = np.array([world.names.index(name.split()[0]) for name in names])
    padded = [PATHS[name] + PATHS[name][-1:] * LONGEST for name in names]
    alive = np.ones((LONGEST, len(names), len(world.agents)), bool)
    alive[1:, np.array(names) == "death", 0] = False
    sights = [world.sight(game, np.array([2 * path[t][0] + path[t][1] for path in padded]), alive[t])
              for t in range(LONGEST)]  # fmt: skip

    def along(networks: Any, agents: Any, mixers: Any, mixer: Mixer | None) -> tuple[Any, Any]:
        memories = [jnp.zeros((len(names), len(kind.agents), network.memory)) if network.memory else ()
                    for kind, network in zip(spec.kinds, networks, strict=True)]  # fmt: skip
        own, team = [], []
        for number, sight in enumerate(sights):
            fresh, values = np.full(sight.alive.shape, number == 0), []
            for k, view in enumerate(views(np, spec, sight, fresh, sight.alive)):
                q, memories[k] = act_values(networks[k], spec, spec.kinds[k], agents[k], view, memories[k])
                values.append(q)
            absent = jnp.zeros_like(values[0][:, 0])
            q = jnp.stack([values[0][:, 0], values[1][:, 0] if len(values) > 1 else absent, values[0][:, 1]], 1)
            own.append(q)
            if mixer is not None:
                chosen = jnp.stack([q[:, agent, JOINT[:, agent]] for agent in world.agents], -1)
                present = jnp.broadcast_to(sight.alive[:, None], chosen.shape)
                state = jnp.broadcast_to(sight.state[:, None], (*chosen.shape[:2], sight.state.shape[-1]))
                mix = jax.vmap(jax.vmap(lambda *row: mixer.mix(mixers[0], *row)))
                team.append(mix(chosen, present, state))
        cells = (len(names), LONGEST, ACTIONS, ACTIONS, ACTIONS)
        return jnp.stack(own, 1), jnp.stack(team, 1).reshape(cells) if team else ()

    def of(learner: Learner, flag: Any) -> Held:
        online, made = learner.online, build(flag)
        free = along(made.networks, *online.central, made.central)[1] if made.central is not None else ()
        return Held(*along(made.networks, online.agents, online.mixers, made.mixer), free)

    return jax.device_get(jax.jit(jax.vmap(of), compiler_options=FAST)(learners, flags))


def recall(world: World, spec: Spec, made: Parts, learners: Learner, rollout: Rollout) -> np.ndarray:
    """The share of right answers in `memory` of greedy learners in a whole run of episodes, [R, 2].

    First with the memory emptied where an episode begins, then without. What is seen there no action changes.
    """
    view = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), rollout.kinds[0].view)
    game = rollout.world.state[..., : len(world.names)].argmax(-1) == world.names.index("memory")
    step, cue = np.moveaxis(rollout.world.state[..., len(world.names) :], -1, 0)
    asked, cue = (game & (step == 2)).reshape(len(view.first), -1), cue.reshape(len(view.first), -1)

    def right(learner: Learner, emptied: Any) -> Any:
        def row(memory: Any, now: Any) -> Any:
            q, after = act_values(made.networks[0], spec, spec.kinds[0], learner.online.agents[0], now, memory)
            moved = now.to_move[..., None]
            return jnp.where(moved, after, memory), jnp.where(now.legal, q, -jnp.inf)[:, 0].argmax(-1)

        empty = jnp.zeros((*view.alive.shape[1:], made.networks[0].memory))
        action = jax.lax.scan(row, empty, view._replace(first=view.first & emptied))[1]
        return (asked & (action == cue)).sum() / asked.sum()

    both = jax.vmap(jax.vmap(right, (None, 0)), (0, None))
    return jax.device_get(jax.jit(both, compiler_options=FAST)(learners, jnp.array([True, False])))
