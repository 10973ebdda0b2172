"""Two roads for one algorithm: compiled with its environment, or worlds outside with the same act and update.

Given the same seed and the same world, both collect equal rollouts and learn equal parameters: tests/contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from coterie.envs.protocol import Environment, chance_key, draw_start, draw_step
from coterie.partitions import join, joint_action
from coterie.running.rollout import (
    Held,
    Pending,
    Plan,
    Run,
    Scores,
    act_at,
    begin,
    choose,
    episode_seeds,
    learn,
    memory_before,
    settle,
    views,
)
from coterie.types import (
    Algorithm,
    Array,
    Clock,
    Decision,
    Mode,
    Outcome,
    Rollout,
    Sight,
    Spec,
    Transition,
    View,
    World,
)


class Places(NamedTuple):
    """Where the compiled worlds are: their states, who takes part bool[E, all], and the episodes' seeds uint32[E]."""

    state: Any
    alive: Array
    seed: Array


class Worlds(Protocol):
    """What the worker road steps: E environments outside JAX that restart by themselves (see coterie.pettingzoo).

    halves are the slices of [E] that can be stepped by themselves, in order: one is sent, and received later.
    """

    spec: Spec
    halves: tuple[slice, ...]

    def reset(self, seeds: np.ndarray) -> Sight:
        """Begin an episode everywhere, with these seeds [E]."""
        ...

    def step(self, actions: np.ndarray, seeds: np.ndarray) -> tuple[Outcome, Sight]:
        """Step all with actions [E, all]; where an episode is over, begin the next with its seed from [E]."""
        ...

    def send(self, number: int, actions: np.ndarray, seeds: np.ndarray) -> None:
        """Begin to step a half, with its own actions and seeds."""
        ...

    def receive(self, number: int) -> tuple[Outcome, Sight]:
        """What that step did, and what the half shows now; halves are received in the order they were sent in."""
        ...


# The compiled road


def look(environment: Environment, places: Places) -> Sight:
    """What the compiled worlds show."""
    seen = jax.vmap(environment.observe)(places.state)
    legal = jax.vmap(environment.legal)(places.state)
    to_move = jax.vmap(environment.to_move)(places.state) & places.alive
    return Sight(seen, legal, places.alive, to_move, jax.vmap(environment.central)(places.state))


def enter(environment: Environment, seeds: Array) -> Places:
    """The start states of episodes with these seeds [E]."""
    state = jax.vmap(lambda seed: draw_start(environment, chance_key(seed, jnp.int32(0))))(seeds)
    return Places(state, jnp.ones((seeds.shape[0], len(environment.spec.agents)), bool), seeds)


def advance(
    environment: Environment, places: Places, action: Array, steps: Array, seeds: Callable[[], Array]
) -> tuple[Places, Outcome]:
    """One joint step of all compiled worlds; where an episode is over, the next begins with its seed from [E].

    Start states are drawn in a loop of one turn or none, for most steps end no episode; `vmap` keeps it one.
    """

    def one(state: Any, seed: Array, step: Array, joint: Array) -> Any:
        return draw_step(environment, chance_key(seed, step + 1), state, joint)

    step = jax.vmap(one)(places.state, places.seed, steps, action)
    terminated = step.terminated & places.alive
    limit = (steps + 1 >= environment.horizon) if environment.horizon else jnp.zeros(steps.shape, bool)
    truncated = places.alive & ~terminated & limit[:, None]
    alive = places.alive & ~terminated & ~truncated
    over = ~alive.any(-1)
    after = Places(step.state, alive, places.seed)
    outcome = Outcome(step.reward, terminated, truncated, step.success, over, look(environment, after))

    def again(waiting: tuple[Array, Places]) -> tuple[Array, Places]:
        return jnp.bool(False), choose(jnp, over, enter(environment, seeds()), waiting[1])

    return jax.lax.while_loop(lambda waiting: waiting[0], again, (over.any(), after))[1], outcome


def collect(
    algorithm: Algorithm, environment: Environment, plan: Plan, mode: Mode, seed: Array, run: Run
) -> tuple[Held, Places, Rollout, Scores]:
    """T joint steps of E compiled worlds with one policy."""
    spec = environment.spec
    first_row = run.clock.env_steps // plan.environments

    def row(carry: tuple[Held, Places], number: Array) -> Any:
        held, places = carry
        sight = look(environment, places)
        view = views(jnp, spec, sight, held.fresh, sight.alive)
        decisions = act_at(algorithm, mode, seed, first_row + number, run.policy, view, held.memory)
        action = joint_action(spec, tuple(decision.action for decision in decisions))
        places, outcome = advance(
            environment, places, action, held.steps, lambda: episode_seeds(seed, held.episode + 1)
        )
        held, kinds, world_row, scores = settle(jnp, spec, held, view, decisions, sight, outcome)
        return (held, places), (kinds, world_row, scores)

    rows = jnp.arange(plan.rows, dtype=first_row.dtype)
    (held, places), (kinds, worlds, scores) = jax.lax.scan(row, (run.held, run.places), rows)
    rollout = Rollout(kinds, worlds, memory_before(jnp, run.held))
    return held, places, rollout, jax.tree.map(lambda sums: sums.sum(0), scores)


def compiled(
    algorithm: Algorithm, environment: Environment, plan: Plan
) -> tuple[Callable[[Array], Run], Callable[..., tuple[Run, tuple[Any, Scores]]]]:
    """The compiled road: `start(seed) -> run` and `train(seed, run, iterations) -> run, (info, scores)`.

    Both are pure and not yet jitted; `iterations` is static, info and scores are [iterations, ...]. Batch them over
    seeds by `vmap` with `SEED_AXES`, jit them, donate the run.
    """

    def start(seed: Array) -> Run:
        episode = jnp.zeros(plan.environments, jnp.int32)
        places = enter(environment, episode_seeds(seed, episode))
        learner, policy, held, clock = begin(algorithm, environment.spec, plan, seed, look(environment, places))
        return Run(learner, policy, held, places, clock)

    def iteration(seed: Array, run: Run) -> tuple[Run, tuple[Any, Scores]]:
        held, places, rollout, scores = collect(algorithm, environment, plan, "explore", seed, run)
        clock = run.clock._replace(env_steps=run.clock.env_steps + plan.rows * plan.environments)
        lagging = algorithm.policy(run.learner, clock)
        learner, info = learn(algorithm, seed, run.learner, rollout, clock)
        clock = clock._replace(updates=clock.updates + 1)
        policy = lagging if plan.lag else algorithm.policy(learner, clock)
        return Run(learner, policy, held, places, clock), (info, scores)

    def train(seed: Array, run: Run, iterations: int) -> tuple[Run, tuple[Any, Scores]]:
        return jax.lax.scan(lambda carry, _: iteration(seed, carry), run, None, length=iterations)

    return start, train


# The worker road: worlds outside, in this process or in others


class Outside(NamedTuple):
    """The jitted halves of one algorithm for worlds outside; made once, so that each is traced once."""

    plan: Plan
    begin: Callable[..., Any]
    act: Callable[..., Any]
    learn: Callable[..., Any]
    policy: Callable[..., Any]
    seeds: Callable[..., Any]


def outside(
    algorithm: Algorithm,
    spec: Spec,
    plan: Plan,
    *,
    mode: Mode = "explore",
    actor: Any = None,
    compiler_options: Mapping[str, Any] | None = None,
) -> Outside:
    """Jit what the worker road calls, with these options of XLA; the learner is donated to `learn`, the policy never.

    `actor` is the JAX device that acts. With lag 1 and an actor of its own, an update runs while the next rollout is
    collected: the policy is read from the learner before the update is dispatched, and nothing that collecting needs
    runs on the learner's device, where it would wait for the update.
    """
    jit = partial(jax.jit, compiler_options=dict(compiler_options or {}))
    policy, seeds = jit(algorithm.policy), jit(episode_seeds)
    return Outside(
        plan,
        jit(partial(begin, algorithm, spec, plan)),
        jit(partial(act_at, algorithm, mode)),
        jit(partial(learn, algorithm), donate_argnums=1),
        policy if actor is None else lambda learner, clock: jax.device_put(policy(learner, clock), actor),
        seeds if actor is None else lambda seed, episode: seeds(seed, jax.device_put(episode, actor)),
    )


def start_outside(parts: Outside, worlds: Worlds, seed: int) -> tuple[Run, Sight]:
    """The run before its first joint step, and what the worlds show."""
    key = np.uint32(seed)
    sight = worlds.reset(np.asarray(parts.seeds(key, np.zeros(parts.plan.environments, np.int32))))
    learner, _, held, clock = parts.begin(key, sight)
    return Run(learner, parts.policy(learner, clock), on_host(held), (), on_host(clock)), sight


def train_outside(
    parts: Outside, worlds: Worlds, seed: int, run: Run, sight: Sight, iterations: int
) -> tuple[Run, Sight, list[tuple[Any, Scores]]]:
    """So many iterations on the worker road: the run, what the worlds show now, and (info, scores) of each."""
    told = []
    for _ in range(iterations):
        run, sight, one = iterate_outside(parts, worlds, seed, run, sight)
        told.append(one)
    return run, sight, told


def iterate_outside(
    parts: Outside, worlds: Worlds, seed: int, run: Run, sight: Sight
) -> tuple[Run, Sight, tuple[Any, Scores]]:
    """One iteration: T joint steps, and what is learned from them. Where the worlds fail, `run` can still be saved."""
    plan, key = parts.plan, np.uint32(seed)
    held, sight, rollout, scores = collect_outside(parts, worlds, key, run, sight)
    clock = Clock(run.clock.env_steps + np.uint32(plan.rows * plan.environments), run.clock.updates)
    policy = parts.policy(run.learner, clock) if plan.lag else None
    learner, info = parts.learn(key, run.learner, rollout, clock)
    clock = clock._replace(updates=clock.updates + np.uint32(1))
    if not plan.lag:
        policy = parts.policy(learner, clock)
    return Run(learner, policy, held, (), clock), sight, (info, scores)


class Half(NamedTuple):
    """One half of the worlds between two joint steps: what it shows, what its agents see, and its part of `Held`."""

    sight: Sight
    view: tuple[View, ...]
    memory: tuple[Any, ...]
    fresh: Array
    episode: Array


class Row(NamedTuple):
    """One joint step of which no books are made yet; memory is the one before it, `before` has no obs and legal."""

    view: tuple[View, ...]
    decisions: tuple[Decision, ...]
    memory: tuple[Any, ...]
    before: Sight
    outcome: Outcome


def collect_outside(
    parts: Outside, worlds: Worlds, key: np.uint32, run: Run, sight: Sight
) -> tuple[Held, Sight, Rollout, Scores]:
    """T joint steps of E worlds outside with one policy; `sight` is what they show before the first.

    While one half of the worlds is stepped, the policy acts for the other. It acts on all E at once, and only the
    half's decisions are kept: acting treats each environment alike, so how the worlds are divided changes nothing.
    """
    spec, plan, halves = worlds.spec, parts.plan, worlds.halves
    first_row = run.clock.env_steps // np.uint32(plan.environments)
    coming = np.asarray(parts.seeds(key, run.held.episode + 1))
    start = Half(sight, sees(spec, sight, run.held.fresh), *run.held[1:4])
    sides = [part_of(start, half) for half in halves]
    chosen: list[Any] = [()] * len(halves)
    rows = []
    for number in range(plan.rows + 1):
        for place, half in enumerate(halves):
            if number:
                side, decisions, (outcome, shown) = sides[place], chosen[place], worlds.receive(place)
                rows.append(Row(side.view, decisions, side.memory, side.sight._replace(obs=(), legal=()), outcome))
                sides[place] = follow(spec, side, decisions, outcome, shown)
                if outcome.over.any():
                    coming = np.asarray(parts.seeds(key, together([side.episode for side in sides]) + 1))
            if number < plan.rows:
                view, memory = together([(side.view, side.memory) for side in sides])
                decisions = parts.act(key, first_row + np.uint32(number), run.policy, view, memory)
                chosen[place] = decisions = part_of(jax.tree.map(np.asarray, decisions), half)
                worlds.send(place, joint_action(spec, tuple(decision.action for decision in decisions)), coming[half])
    end = together(sides)
    held, kinds, world, scores = settle_rows(spec, plan, run.held, end, together(rows))
    return held, end.sight, Rollout(kinds, world, memory_before(np, run.held)), scores


def follow(spec: Spec, side: Half, decisions: tuple[Decision, ...], outcome: Outcome, shown: Sight) -> Half:
    """The half after its joint step."""
    decided, gone = [view.to_move for view in side.view], (outcome.terminated | outcome.truncated) & side.sight.alive
    fresh = (side.fresh & ~join(spec, tuple(decided))) | gone | outcome.over[:, None]
    memory = side.memory
    if jax.tree.leaves(memory):
        kinds = zip(decided, decisions, memory, strict=True)
        memory = tuple(choose(np, mask, decision.memory, before) for mask, decision, before in kinds)
    return Half(shown, sees(spec, shown, fresh), memory, fresh, side.episode + outcome.over)


def sees(spec: Spec, sight: Sight, fresh: Array) -> tuple[View, ...]:
    """`views` of what is shown now, at a third of the time where agents of one kind all move and may do anything."""
    alike = len(spec.kinds) == 1 and spec.kinds[0].agents == tuple(range(len(spec.agents)))
    if alike and sight.alive.all() and sight.to_move.all() and sight.legal[0].all():
        return (View(sight.obs[0], sight.legal[0], sight.alive, sight.to_move, fresh),)
    return views(np, spec, sight, fresh, sight.alive)


def settle_rows(
    spec: Spec, plan: Plan, held: Held, end: Half, rows: Row
) -> tuple[Held, tuple[Transition, ...], World, Scores]:
    """The books of a whole rollout, equal to `settle` row by row; rows is [T * E, ...].

    Where no decision stays pending from one row to the next, as in every world where all move at once, rows know
    nothing of each other: they are settled in one call, as if they were so many environments.
    """
    every = plan.environments
    by_row = partial(jax.tree.map, lambda leaf: leaf.reshape(plan.rows, every, *leaf.shape[1:]))
    if not any(pending.open.any() for pending in held.pending):
        flags, per_world = np.zeros_like(rows.before.alive), np.zeros_like(rows.outcome.over)
        empty = flags, per_world, per_world, flags, per_world
        flat = Held(nothing_pending(rows), rows.memory, *empty)
        after, kinds, world, _ = settle(np, spec, flat, rows.view, rows.decisions, rows.before, rows.outcome)
        if not any(pending.open.any() for pending in after.pending):
            steps, returns, success, scores = count(held, by_row(rows.before.alive), by_row(rows.outcome))
            pending = jax.tree.map(lambda leaf: leaf[-every:].copy(), after.pending)
            held = Held(pending, end.memory, end.fresh, end.episode, steps, returns, success)
            return held, by_row(kinds), by_row(world), scores
    told = []
    for number in range(plan.rows):
        row = part_of(rows, slice(number * every, (number + 1) * every))
        held, *books = settle(np, spec, held, row.view, row.decisions, row.before, row.outcome)
        told.append(books)
    kinds, world, scores = jax.tree.map(lambda *leaves: np.stack(leaves), *told)
    return held, kinds, world, jax.tree.map(lambda sums: sums.sum(0), scores)


def nothing_pending(rows: Row) -> tuple[Pending, ...]:
    """Nothing is pending before any of these rows; what else stands there is not read."""
    return tuple(
        Pending(v, d.action, d.extras, memory, np.zeros(v.alive.shape, np.float32), np.zeros_like(v.alive))
        for v, d, memory in zip(rows.view, rows.decisions, rows.memory, strict=True)
    )


def count(held: Held, alive: Array, outcome: Outcome) -> tuple[Array, Array, Array, Scores]:
    """Steps, returns and successes of the episodes under way after these rows [T, E], and the scores of those over."""
    earned = np.where(alive, outcome.reward, np.float32(0))
    steps, returns, success = held.steps, held.returns, held.success
    at_end = []
    for number, over in enumerate(outcome.over):
        steps, returns, success = steps + 1, returns + earned[number], success | outcome.success[number]
        at_end.append((steps, returns, success))
        if over.any():
            steps = np.where(over, 0, steps)
            returns, success = np.where(over[:, None], np.float32(0), returns), success & ~over
    all_steps, all_returns, all_success = (np.stack(leaves) for leaves in zip(*at_end, strict=True))
    over = outcome.over
    totals = np.where(over[..., None], all_returns, np.float32(0)).sum(1).sum(0)
    return steps, returns, success, Scores(over.sum(), (all_steps * over).sum(), totals, (all_success & over).sum())


def part_of(tree: Any, where: slice) -> Any:
    """A part of every leaf's first axis."""
    return jax.tree.map(lambda leaf: leaf[where], tree)


def together(parts: list[Any]) -> Any:
    """The parts of a tree, joined along their first axis."""
    return parts[0] if len(parts) == 1 else jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def on_host(tree: Any) -> Any:
    """The same tree in numpy arrays of its own, safe to keep while the device's are donated."""
    return jax.tree.map(lambda leaf: np.array(leaf), tree)
