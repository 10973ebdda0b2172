"""A lane on the worker road: one seed that learns in worlds outside JAX, and can be saved after any whole visit.

Worlds may fail in the middle of a visit. What the lane stands on is what it had after the visit before: the learner,
and a mark in the worlds' journal from which the episodes that were under way then can be played again.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from coterie.algorithms.side_by_side import replay_of, with_replay, without_replay
from coterie.errors import StorageFault
from coterie.pettingzoo.driving.journal import Mark
from coterie.running.deep.lanes import Totals, added, with_random
from coterie.running.deep.playing import Played, outside_play
from coterie.running.deep.recording import plays_outside
from coterie.running.deep.saving import as_named
from coterie.running.roads import Outside, iterate_outside, start_outside
from coterie.running.rollout import Run, Scores, act_at
from coterie.types import Algorithm, Array, Mode, Outcome, Play, Sight, Spec


class Standing(NamedTuple):
    """What a seed carries after a whole visit, what its worlds showed then, and the mark of their episodes."""

    run: Run
    sight: Sight
    mark: Mark


class MakeWorlds(Protocol):
    """What opens worlds."""

    def __call__(self, episodes: int | None, ruled: bool = True) -> Any:
        """Those to learn in with `episodes` None, else so many for checks; not `ruled`: no rule of the user's acts."""
        ...


class OutsideLane:
    """One seed that learns in worlds outside JAX; they are opened when they are first needed.

    ruled: some agents act by rules of the user's.
    """

    def __init__(
        self,
        algorithm: Algorithm,
        parts: Outside,
        make_worlds: MakeWorlds,
        seed: int,
        episodes: int,
        limit: int,
        ruled: bool = False,
    ) -> None:
        self.algorithm, self.parts, self.episodes, self.limit = algorithm, parts, episodes, limit
        self.seeds = np.array([seed], np.uint32)
        self._stands: Standing | None = None
        self._make, self._worlds, self._ruled = make_worlds, None, ruled
        self._checking: dict[bool, Any] = {}
        self._sums: Totals | None = None
        self._acting: dict[tuple[tuple[int, ...], Mode], Any] = {}

    def _opened(self) -> Any:
        if self._worlds is None:
            self._worlds = self._make(None)
        return self._worlds

    def _checked(self, ruled: bool = True) -> Any:
        """The worlds that are played in to judge, with rules or without."""
        ruled = ruled or not self._ruled
        if ruled not in self._checking:
            self._checking[ruled] = self._make(self.episodes, ruled=ruled)
        return self._checking[ruled]

    def _acts(self, at_random: tuple[int, ...] = (), mode: Mode = "greedy") -> Any:
        """What acts greedily or as mode says, some agents at random instead; compiled once."""
        if (at_random, mode) not in self._acting:
            spec, own = self._checked().spec, self.algorithm
            acting = with_random(own, spec, at_random) if at_random else own
            self._acting[at_random, mode] = jax.jit(partial(act_at, acting, mode))
        return self._acting[at_random, mode]

    def _started(self) -> Standing:
        """Where the lane stands, before the first visit where there was none."""
        if self._stands is None:
            worlds = self._opened()
            run, sight = start_outside(self.parts, worlds, int(self.seeds[0]))
            self._stands = Standing(run, sight, worlds.journal.mark())
        return self._stands

    @property
    def run(self) -> Run | None:
        """What the seed carries after its last whole visit."""
        return None if self._stands is None else self._stands.run

    @property
    def visited(self) -> int:
        """How many whole visits lie behind."""
        return 0 if self._stands is None else int(self._stands.run.clock.updates)

    def advance(self, visits: int) -> None:
        """Learn for so many visits; where the worlds fail, those that were whole stand."""
        worlds, seed = self._opened(), int(self.seeds[0])
        stands, told = self._started(), []
        try:
            for _ in range(visits):
                run, sight, one = iterate_outside(self.parts, worlds, seed, stands.run, stands.sight)
                self._stands = stands = Standing(run, sight, worlds.journal.mark())
                told.append(one)
        finally:
            for info, scores in jax.device_get(told):
                self._sums = added(self._sums if self._sums is not None else blank_totals(info, scores), info, scores)

    def wait(self) -> None:
        """Until the learner is at rest."""
        if self._stands is not None:
            jax.block_until_ready(self._stands.run.learner)

    def totals(self) -> Totals:
        """The sums since the last mark."""
        sums = self._sums
        assert sums is not None, "nothing was learned since the last mark"
        self._sums = None
        return jax.tree.map(lambda leaf: np.asarray(leaf)[None], sums)

    def policy(self) -> Any:
        """What acting reads."""
        assert self._stands is not None, "a policy is asked for before the first visit"
        return jax.tree.map(lambda leaf: np.array(leaf)[None], jax.device_get(self._stands.run.policy))

    def check(self, number: int) -> Played:
        """Greedy episodes of the present policy."""
        return self.judge(self.policy(), number)

    def judge(self, policy: Any, number: int, at_random: tuple[int, ...] = (), mode: Mode = "greedy") -> Played:
        """Episodes of a given policy, in worlds of their own; some agents play at random instead.

        Then no rule of the user's acts: it would be some of them.
        """
        one, seed = jax.tree.map(lambda leaf: leaf[0], policy), int(self.seeds[0])
        acting, worlds = self._acts(at_random, mode), self._checked(not at_random)
        played = outside_play(acting, self.algorithm.memory, worlds, seed, one, number, self.episodes, self.limit)
        return jax.tree.map(lambda leaf: leaf[None], played)

    def record(self, policy: Any, episodes: int) -> list[Play]:
        """Greedy episodes of a policy, step by step: as many of the first ones of a check as asked for."""
        kept: list[tuple[Sight, np.ndarray, Outcome]] = []
        one, seed = jax.tree.map(lambda leaf: leaf[0], policy), int(self.seeds[0])
        worlds, many = self._checked(), self.episodes

        def keep(sight: Sight, action: np.ndarray, outcome: Outcome) -> None:
            kept.append(jax.tree.map(np.array, (sight, worlds.acted(action), outcome)))

        outside_play(self._acts(), self.algorithm.memory, worlds, seed, one, 1_000_000, many, self.limit, keep)
        return plays_outside(worlds.spec, kept, seed, min(episodes, many))

    def state(self) -> dict[str, Any]:
        """Everything that going on needs, the episodes under way included; nothing where nothing is under way."""
        if self._stands is None:
            return {}
        run, sight, mark = jax.device_get(self._stands.run), *self._stands[1:]
        told = {"held": run.held, "clock": run.clock, "policy": run.policy}
        learner = without_replay(run.learner)
        sums = {} if self._sums is None else as_named(self._sums, "sums.")
        worlds = {**mark.saved(sight), **sums}
        return {"learner": learner, "replay": replay_of(run.learner), "runner": told, "worlds": worlds}

    def shape(self) -> dict[str, Any]:
        """What a state looks like; opens the worlds."""
        self._started()
        return self.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state: the episodes under way are played again."""
        told = state["runner"]
        learner = jax.device_put(with_replay(state["learner"], state["replay"]))
        run = Run(learner, jax.device_put(told["policy"]), told["held"], (), told["clock"])
        saved, opened = state["worlds"], self._opened()
        sums = {name.removeprefix("sums."): array for name, array in saved.items() if name.startswith("sums.")}
        self._sums = sums_of(sums) if sums else None
        worlds = {name: array for name, array in saved.items() if not name.startswith("sums.")}
        check_worlds(worlds, len(run.held.steps), opened.spec)
        sight = opened.restore(worlds)
        self._stands = Standing(run, sight, opened.journal.mark())

    def close(self) -> None:
        """Let go of the worlds, and of what only learning needs."""
        for worlds in (self._worlds, *self._checking.values()):
            if worlds is not None and hasattr(worlds, "close"):
                worlds.close()
        self._worlds = self._stands = None
        self._checking.clear()


def check_worlds(saved: dict[str, np.ndarray], environments: int, spec: Spec) -> None:
    """Raises StorageFault where these are not the episodes under way of so many environments."""
    numbers = ("seeds", "lengths", "checksums")
    fits = {*numbers, "actions"} == saved.keys() and all(
        saved[name].dtype.kind in "iu" and saved[name].shape == (environments,) for name in numbers
    )
    fits = fits and not (saved["lengths"] < 0).any() and saved["actions"].dtype == spec.action_dtype
    shape = (saved["lengths"].sum(), len(spec.agents), *spec.action_shape) if fits else ()
    if not fits or saved["actions"].shape != shape or not np.isfinite(saved["actions"]).all():
        raise StorageFault("the checkpoint does not fit its run's settings: its episodes under way are not whole")


def blank_totals(info: dict[str, Array], scores: Scores) -> Totals:
    """Sums of nothing."""
    zero = jax.tree.map(np.zeros_like, {name: number for name, number in info.items() if name != "learned"})
    return Totals(zero, np.zeros_like(info["learned"]), jax.tree.map(np.zeros_like, scores))


def sums_of(named: dict[str, np.ndarray]) -> Totals:
    """The sums that were saved by these names; raises StorageFault where one is missing."""
    info = {name.removeprefix("info."): array for name, array in named.items() if name.startswith("info.")}
    try:
        scores = Scores(*(named[f"scores.{name}"] for name in Scores._fields))
        return Totals(info, named["learned"], scores)
    except KeyError as missing:
        raise StorageFault(f"the checkpoint does not fit its run's settings: {missing} is missing") from missing
