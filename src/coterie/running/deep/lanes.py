"""Lanes: some seeds of a run that learn together, here on the compiled road; outside.py has the worker road's.

A lane is advanced by so many visits to the replay, checked, and laid out as arrays to be saved. Sums over all visits
since the last mark are carried with the run, so that what is logged does not depend on how the work was cut up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from coterie.algorithms.fixed import fixed
from coterie.algorithms.side_by_side import replay_of, stand_in, with_replay, without_replay
from coterie.envs.protocol import Environment
from coterie.running.deep.playing import Played, compiled_play
from coterie.running.roads import compiled
from coterie.running.rollout import SEED_AXES, Plan, Run, Scores
from coterie.types import Algorithm, Array, Mode, Spec


class Totals(NamedTuple):
    """Sums since the last mark: what `update` told (the visits that learned), how many learned, and scores."""

    info: dict[str, Array]
    learned: Array
    scores: Scores


class Lane(Protocol):
    """Some seeds that learn together; every array that it gives begins with their axis."""

    seeds: np.ndarray

    @property
    def visited(self) -> int:
        """How many whole visits to the replay lie behind."""
        ...

    def advance(self, visits: int) -> None:
        """Learn for so many visits to the replay; returns once that is under way or over."""
        ...

    def wait(self) -> None:
        """Until what was begun is over."""
        ...

    def totals(self) -> Totals:
        """The sums since the last mark, on the host; the next ones begin at zero."""
        ...

    def check(self, number: int) -> Played:
        """Greedy episodes of the present policies, [S, P, ..] on the host."""
        ...

    def policy(self) -> Any:
        """What acting reads, on the host."""
        ...

    def judge(self, policy: Any, number: int, at_random: tuple[int, ...] = (), mode: Mode = "greedy") -> Played:
        """Episodes of given policies, [S, P, ..] on the host; some agents play at random instead."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that going on needs: trees of arrays by part."""
        ...

    def shape(self) -> dict[str, Any]:
        """What a state looks like, before or after anything was learned."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        ...

    def close(self) -> None:
        """Let go of processes and memory."""
        ...


def added(totals: Totals, info: dict[str, Array], scores: Scores) -> Totals:
    """The sums with one more visit."""
    learned = info["learned"]
    named = {name: totals.info[name] + learned * number for name, number in info.items() if name != "learned"}
    return Totals(named, totals.learned + learned, jax.tree.map(lambda a, b: a + b, totals.scores, scores))


# The compiled road


SEEDS, ITEMS = "seeds", "items"  # the axes of devices: seeds are shared out along one, a batch along the other
LEVEL = {"xla_backend_optimization_level": 1}  # as fast as the usual 2 here, in two thirds of the compile time


class Programs(NamedTuple):
    """The programs of a lane, for seeds [S] shared out among devices: start, advance, and greedy episodes.

    advance(S) is the one for so many seeds, compiled, so that it can be made while another is; play(agents, mode) that
    in which these agents play at random, and the others greedily or as mode says.

    devices: the mesh that the seeds are shared out among, along its first axis.
    """

    start: Callable[..., Any]
    advance: Callable[[int], Callable[..., Any]]
    play: Callable[[tuple[int, ...], Mode], Callable[..., Any]]
    devices: Mesh


def programs(
    algorithm: Algorithm, environment: Environment, plan: Plan, episodes: int, devices: Sequence[Any], parts: int = 1
) -> Programs:
    """The programs of the compiled road, batched over the seeds of each device; the clock is not.

    Each is compiled once for all devices, which work side by side. So many `parts` of them have the same seeds and
    share out every batch along the axis ITEMS, if the algorithm was made so; all others never wait for each other.
    """
    start, train = compiled(algorithm, environment, plan)
    mesh = Mesh(np.array(devices).reshape(-1, parts), (SEEDS, ITEMS))

    def begin(seed: Array) -> tuple[Run, Totals]:
        run = start(seed)
        blank = jax.eval_shape(lambda: train(seed, run, 1)[1])
        info, scores = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape[1:], leaf.dtype), blank)
        learned = info.pop("learned")
        return strong((run, Totals(info, learned, scores)))

    def advance(seed: Array, run: Run, totals: Totals, visits: Array) -> tuple[Run, Totals]:
        def visit(_: Array, carry: tuple[Run, Totals]) -> tuple[Run, Totals]:
            run, totals = carry
            run, told = train(seed, run, 1)
            return strong((run, added(totals, *jax.tree.map(lambda leaf: leaf[0], told))))

        return jax.lax.fori_loop(0, visits, visit, (run, totals))

    @cache
    def play(at_random: tuple[int, ...], mode: Mode) -> Callable[..., Any]:
        acting = with_random(algorithm, environment.spec, at_random)
        playing = compiled_play(acting, environment, episodes, mode)
        return over_seeds(mesh, playing, (0, 0, None), 0, compiler_options=LEVEL)

    quickly = {"xla_backend_optimization_level": 0}
    first = over_seeds(mesh, begin, (0,), (SEED_AXES, 0), compiler_options=quickly)
    further = over_seeds(
        mesh, advance, (0, SEED_AXES, 0, None), (SEED_AXES, 0), donate_argnums=(1, 2), compiler_options=LEVEL
    )

    @cache
    def compiled_for(seeds: int) -> Callable[..., Any]:
        def placed(axis: int | None, tree: Any) -> Any:
            place = NamedSharding(mesh, PartitionSpec() if axis is None else PartitionSpec(SEEDS))
            return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place), tree)

        keys = placed(0, jax.ShapeDtypeStruct((seeds,), np.uint32))
        like = jax.tree.map(placed, (SEED_AXES, 0), jax.eval_shape(first, keys), is_leaf=lambda axis: axis is None)
        return further.lower(keys, *like, np.int32(1)).compile()

    return Programs(first, compiled_for, play, mesh)


def with_random(algorithm: Algorithm, spec: Spec, agents: tuple[int, ...]) -> Algorithm:
    """The algorithm, where these agents play at random."""
    return stand_in(spec, algorithm, fixed(spec, None), agents) if agents else algorithm


def over_seeds(mesh: Mesh, function: Callable[..., Any], in_axes: Any, out_axes: Any, **options: Any) -> Any:
    """`function` of one seed jitted for seeds [S], an equal share of them on every device of the mesh."""

    def spec(axis: int | None) -> PartitionSpec:
        return PartitionSpec() if axis is None else PartitionSpec(SEEDS)

    def specs(axes: Any) -> Any:
        return jax.tree.map(spec, axes, is_leaf=lambda axis: axis is None)

    batched = jax.vmap(function, in_axes=in_axes, out_axes=out_axes)
    spread = jax.shard_map(batched, mesh=mesh, in_specs=specs(in_axes), out_specs=specs(out_axes), check_vma=False)
    out = jax.tree.map(lambda spec: NamedSharding(mesh, spec), specs(out_axes))
    return jax.jit(spread, out_shardings=out, **options)


def strong(tree: Any) -> Any:
    """The same with types that no number beside them can change; else what was saved and read is compiled for anew."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, leaf.dtype), tree)


class CompiledLane:
    """Seeds that learn in one compiled program; where they do not fill the devices evenly, the last one fills up."""

    def __init__(self, made: Programs, seeds: np.ndarray) -> None:
        self.made, self.seeds = made, np.asarray(seeds, np.uint32)
        many = len(self.seeds)
        each = -(-many // made.devices.shape[SEEDS])
        self._filled = np.minimum(np.arange(each * made.devices.shape[SEEDS]), many - 1)
        self._keys = self._spread(self.seeds)
        self._like = jax.eval_shape(made.start, self._keys)
        self._begun: tuple[Run, Totals] | None = None

    @property
    def run(self) -> Run:
        """What the seeds carry."""
        return self._at_work()[0]

    def _at_work(self) -> tuple[Run, Totals]:
        """What the seeds carry and the sums; made when first asked for, since judging needs no replay."""
        begun = self._begun if self._begun is not None else self.made.start(self._keys)
        self._begun = begun
        return begun

    def _spread(self, tree: Any) -> Any:
        """Arrays [S, ..] of the host, shared out among the devices."""
        place = NamedSharding(self.made.devices, PartitionSpec(SEEDS))
        return jax.device_put(jax.tree.map(lambda leaf: np.asarray(leaf)[self._filled], tree), place)

    def _own(self, tree: Any) -> Any:
        """The same back on the host, [S, ..]."""
        return jax.tree.map(lambda leaf: leaf[: len(self.seeds)], jax.device_get(tree))

    @property
    def visited(self) -> int:
        """How many whole visits lie behind."""
        return int(self.run.clock.updates)

    def advance(self, visits: int) -> None:
        """Begin so many visits; the devices work on while the caller does other things.

        What begins a run is compiled beside what goes on with it: nobody waits for one after the other.
        """
        many = len(self._keys)
        if self._begun is None:
            with ThreadPoolExecutor(1) as beside:
                beside.submit(self.made.advance, many)
                self._at_work()
        self._begun = self.made.advance(many)(self._keys, *self._at_work(), np.int32(visits))

    def wait(self) -> None:
        """Until the devices are at rest."""
        jax.block_until_ready(self._at_work()[1])

    def totals(self) -> Totals:
        """The sums since the last mark."""
        run, sums = self._at_work()
        told = self._own(sums)
        self._begun = run, self._spread(jax.tree.map(np.zeros_like, told))
        return told

    def policy(self) -> Any:
        """What acting reads."""
        return self._own(self.run.policy)

    def check(self, number: int) -> Played:
        """Greedy episodes of the present policies."""
        return self._own(self.made.play((), "greedy")(self._keys, self.run.policy, np.uint32(number)))

    def judge(self, policy: Any, number: int, at_random: tuple[int, ...] = (), mode: Mode = "greedy") -> Played:
        """Episodes of given policies; some agents play at random instead."""
        return self._own(self.made.play(at_random, mode)(self._keys, self._spread(policy), np.uint32(number)))

    def state(self) -> dict[str, Any]:
        """Everything that going on needs."""
        return self._parts(*self._at_work())

    def _parts(self, run: Run, sums: Any) -> dict[str, Any]:
        told = self._own({"held": run.held, "places": run.places, "policy": run.policy, "sums": sums})
        learner, replay = self._own((without_replay(run.learner), replay_of(run.learner)))
        return {"learner": learner, "replay": replay, "runner": {**told, "clock": jax.device_get(run.clock)}}

    def shape(self) -> dict[str, Any]:
        """What a state looks like; nothing is copied for it."""
        return self._parts(
            *jax.tree.map(lambda leaf: np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape), self._like)
        )

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        told = state["runner"]
        learner = with_replay(state["learner"], state["replay"])
        learner, policy, held, places = self._spread((learner, told["policy"], told["held"], told["places"]))
        clock = jax.device_put(told["clock"], NamedSharding(self.made.devices, PartitionSpec()))
        self._begun = Run(learner, policy, held, places, clock), self._spread(told["sums"])

    def close(self) -> None:
        """Nothing to let go of."""
