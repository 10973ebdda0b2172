"""A deep run on the compiled road: where its work is cut, stopped or saved changes nothing.

Two agents with a memory learn in a game that seldom pays something that is no number, so one of the seeds diverges.
"""

from __future__ import annotations

import copy
import io
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.algorithms.qlearning import Sizes, parts, qlearning
from coterie.envs.probes import cue, everybody, later, probe
from coterie.envs.protocol import Environment, Step
from coterie.errors import StorageFault
from coterie.running.deep import lanes, session
from coterie.running.deep.lanes import CompiledLane, Programs
from coterie.running.deep.playing import Played
from coterie.running.deep.saving import as_named, from_named
from coterie.running.deep.session import Progress, Schedule, new_progress
from coterie.running.rollout import Plan, Scores
from coterie.settings import DeepOptions

PLAN, EPISODES = Plan(environments=2, rows=2, lag=1), 4
SCHEDULE = Schedule(visits=23, steps_a_visit=4, every=5)
SEEDS = np.array([0, 1, 2], np.uint32)
OPTIONS = DeepOptions(
    discount=0.9, environments=2, rows=2, batch=8, replay=48, warmup=8, hidden=4, layers=1, recurrent=True,
    learning_rate=1e-2, target_every=3, lag=1,
)  # fmt: skip


def seldom_paid_badly() -> Environment:
    """`memory` for two, in which one step in a hundred pays no number."""

    def step(state: Any, action: Any, outcome: Any) -> Step:
        end = state[0] + 1 >= 3
        right = (action == state[1]).all() & end
        reward = jnp.where(outcome == 1, jnp.nan, jnp.where(right, 1.0, 0.0))
        return Step(later(state), *everybody(2, reward, end), right)

    def observe(state: Any) -> tuple[Any]:
        seen = jnp.stack([jnp.where(state[0] == 0, cue(state), 0.0), 1.0 * (state[0] == 2)])
        return (jnp.stack([seen, seen]),)

    outcomes = 0.99, 0.01
    return probe("seldom", step=step, observe=observe, kinds=(((0, 1), 2, 2),), starts=2, outcomes=outcomes)


@cache
def made(devices: int) -> Programs:
    """The programs of a lane on so many devices, quickly compiled."""
    environment = seldom_paid_badly()
    sizes = Sizes(SCHEDULE.visits * 4, PLAN.environments, PLAN.rows, 3)
    algorithm = qlearning(environment.spec, OPTIONS, sizes, parts("iql", OPTIONS, environment.spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "LEVEL", {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False})
        return lanes.programs(algorithm, environment, PLAN, EPISODES, jax.devices()[:devices])


def new_lane(devices: int = 1) -> CompiledLane:
    return CompiledLane(made(devices), SEEDS)


def learn(lane: CompiledLane, progress: Progress, chunks: int | None = None, seconds: float = 0.0) -> list[Any]:
    """The rows of a run to its end, or of so many chunks; with 0 seconds every visit is a chunk."""
    rows, ran = [], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "CHUNK_SECONDS", seconds)
        session.learn(
            [lane], SCHEDULE, progress, on_rows=rows.extend, between=lambda: ran.append(1),
            should_stop=lambda: len(ran) == chunks,
        )  # fmt: skip
    return rows


def everything(lane: CompiledLane, progress: Progress) -> dict[str, np.ndarray]:
    """All that a run ends with, copied."""
    found = {**as_named(lane.state()), **as_named(vars(progress), "progress.")}
    return {name: np.array(array) for name, array in found.items()}


@cache
def uninterrupted() -> tuple[list[Any], dict[str, np.ndarray]]:
    lane = new_lane()
    progress = new_progress([lane], SCHEDULE)
    return learn(lane, progress), everything(lane, progress)


def differing(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """The names under which not every bit is the same."""
    assert one.keys() == other.keys()
    return [name for name in one if not same(one[name], other[name])]


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


def through_a_file(named: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays as they come back from a disk."""
    file = io.BytesIO()
    np.savez(file, **named)
    file.seek(0)
    return dict(np.load(file))


def test_how_the_work_is_cut_changes_nothing():
    lane = new_lane()
    progress = new_progress([lane], SCHEDULE)
    rows = learn(lane, progress, seconds=1e9)
    assert rows == uninterrupted()[0]
    assert differing(everything(lane, progress), uninterrupted()[1]) == []


@pytest.mark.parametrize("chunks", [1, 2, 5, 11, 20])  # 5 and 20: just after a check
def test_killed_and_resumed_is_uninterrupted(chunks):
    rows, end = uninterrupted()
    first = new_lane()
    progress = new_progress([first], SCHEDULE)
    told = learn(first, progress, chunks)
    assert progress.visited == [chunks]
    saved, kept = through_a_file(as_named(first.state())), copy.deepcopy(progress)
    learn(first, progress, 3)  # what comes after the save is lost

    def resumed(saved: dict[str, np.ndarray]) -> tuple[list[Any], list[str]]:
        lane, progress = new_lane(), copy.deepcopy(kept)
        lane.restore(from_named(lane.shape(), saved))
        return told + learn(lane, progress), differing(everything(lane, progress), end)

    assert resumed(saved) == (rows, [])
    if chunks > 5:  # and without any one of its parts, it is another run
        for part in ("learner.online", "learner.optimiser", "learner.age", "replay", "runner.held", "runner.policy"):
            lost = {name: np.zeros_like(a) if name.startswith(part) else a for name, a in saved.items()}
            assert resumed(lost)[1] != [], part
    if chunks == 11:
        lost = {name: np.zeros_like(a) if name.startswith("runner.sums") else a for name, a in saved.items()}
        assert resumed(lost)[0] != rows


def test_a_saved_state_is_not_touched_by_going_on():
    lane = new_lane()
    lane.advance(3)
    state = lane.state()
    before = {name: array.copy() for name, array in as_named(state).items()}
    lane.advance(3)
    lane.wait()
    assert differing(before, as_named(state)) == []
    assert differing(before, as_named(lane.state())) != []
    lane.restore(state)
    lane.advance(3)
    lane.wait()
    assert differing(before, as_named(state)) == []


def test_going_on_from_a_saved_state_compiles_nothing_anew():
    lane, other = new_lane(), new_lane()
    lane.advance(1)
    lane.check(0)
    other.restore(from_named(other.shape(), through_a_file(as_named(lane.state()))))
    for _ in range(2):
        other.advance(1)
        other.totals()
        other.check(1)
        other.judge(lane.policy(), 2)
    programs = made(1).start, made(1).play((), "greedy")
    assert [program._cache_size() for program in programs] == [1, 1]  # of all tests in this file
    assert made(1).advance.cache_info().currsize == 1


class Counted:
    """A lane that only notes how much it is asked for at once; a visit takes a tenth of a second."""

    def __init__(self) -> None:
        self.seeds, self.sizes, self.now = np.array([0]), [], 0.0

    def advance(self, visits: int) -> None:
        self.sizes.append(visits)
        self.now += 0.1 * visits

    def wait(self) -> None: ...

    def totals(self) -> lanes.Totals:
        one = np.ones(1)
        return lanes.Totals({"loss": one}, one, Scores(np.ones(1, int), one, np.ones((1, 1)), one))

    def check(self, number: int) -> Played:
        one = np.ones((1, 1))
        return Played(one[None], one, one, one)

    def policy(self) -> Any:
        return np.ones(1)

    def close(self) -> None: ...


def test_seeds_shared_out_among_devices_learn_as_by_themselves():
    first, second, lane = CompiledLane(made(1), SEEDS[:2]), CompiledLane(made(1), SEEDS[2:].repeat(2)), new_lane(2)
    checks = []
    for one in (first, second, lane):
        one.advance(SCHEDULE.visits)
        checks.append(one.check(3))
    apart = [{name: a for name, a in as_named(one.state()).items() if a.ndim} for one in (first, second)]
    state = as_named(lane.state())
    for name in apart[0]:  # two programs may add in another order, no more
        alone = np.concatenate([apart[0][name], apart[1][name][:1]])
        np.testing.assert_allclose(state[name], alone, rtol=1e-4, atol=1e-5, err_msg=name)
    policy = jax.tree.leaves(lane.policy())[0]
    assert not same(policy[1], policy[2])
    assert same(np.concatenate([checks[0].returns, checks[1].returns[:1]]), checks[2].returns)
    other = new_lane(2)
    other.restore(from_named(other.shape(), as_named(lane.state())))
    assert differing(as_named(other.state()), as_named(lane.state())) == []


def test_of_a_run_that_settles_the_last_policy_is_kept_and_else_the_best():
    lane, schedule = new_lane(), SCHEDULE._replace(settles=True)
    progress = new_progress([lane], schedule)
    session.learn([lane], schedule, progress, on_rows=lambda rows: None)
    usual = uninterrupted()[1]
    assert same(progress.returns, usual["progress.returns"])
    going = ~progress.frozen
    assert (progress.best_check[going] == schedule.marks - 1).all()
    assert (progress.best_check[~going] < schedule.marks - 1).all()  # but nobody's that is no number
    assert usual["progress.best_check"].tolist() != progress.best_check.tolist()
    best = np.nanmax(usual["progress.returns"], 1)
    assert (usual["progress.best_return"][going] == best[going]).all()


def test_a_chunk_takes_about_a_second(monkeypatch):
    lane, schedule = Counted(), Schedule(visits=100, steps_a_visit=1, every=17)
    monkeypatch.setattr(session.time, "perf_counter", lambda: lane.now)
    session.learn([lane], schedule, new_progress([lane], schedule), on_rows=lambda rows: None)
    assert lane.sizes[:3] == [1, 8, 8]
    assert sum(lane.sizes) == 100
    assert max(lane.sizes) <= 10
    assert len(lane.sizes) <= 14


def test_a_diverged_seed_is_reported_and_its_policy_is_not_chosen():
    rows, end = uninterrupted()
    finite = {int(seed): [row["finite"] for row in rows if row["seed"] == seed] for seed in SEEDS}
    frozen = np.array([min(finite[seed]) < 1 for seed in SEEDS])
    assert sorted(frozen) != [frozen[0]] * 3  # some did and some did not
    assert (end["progress.frozen"] == frozen).all()
    assert (end["learner.finite"] == ~frozen).all()
    for seed, gone in zip(SEEDS, frozen, strict=True):
        if gone:
            first = next(place for place, value in enumerate(finite[seed]) if value < 1)
            assert finite[seed][first + 1 :] == [0.0] * (len(finite[seed]) - first - 1)
            assert end["progress.best_check"][list(SEEDS).index(seed)] < first
            last = [row for row in rows if row["seed"] == seed][-1]
            assert last["loss"] is None
    for name, array in end.items():
        if name.startswith(("learner.online", "learner.target", "learner.optimiser", "progress.best.")):
            assert np.isfinite(array).all(), name


def test_a_state_that_does_not_fit_is_refused():
    lane = new_lane()
    saved = as_named(lane.state())
    name = next(name for name in saved if "online" in name)
    for other in (saved[name].astype(np.float16), saved[name][..., :1]):
        with pytest.raises(StorageFault, match="does not fit"):
            from_named(lane.shape(), {**saved, name: other})
    with pytest.raises(StorageFault, match="nothing instead of"):
        from_named(lane.shape(), {key: array for key, array in saved.items() if key != name})
