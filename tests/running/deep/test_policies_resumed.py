"""Learners of policies, stopped and resumed on both roads, and loaded where nothing is trained.

What they carry besides networks counts: the scale of their values, their critics' memories, decisions that wait.
"""

from __future__ import annotations

import io
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import coterie
from coterie.algorithms.ppo import parts, ppo
from coterie.envs.probes import PROBES
from coterie.pettingzoo.forms.parallel import Reads, parallel
from coterie.pettingzoo.ours.export import ParallelForm
from coterie.running.deep import lanes
from coterie.running.deep.lanes import CompiledLane, Programs
from coterie.running.deep.outside import OutsideLane
from coterie.running.deep.saving import as_named, from_named
from coterie.running.episodes import read_recording
from coterie.running.roads import Outside, outside
from coterie.running.rollout import Plan
from coterie.settings import DeepOptions, ProbeOptions
from coterie.types import Algorithm, Sizes

QUICKLY = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
PLAN, VISITS = Plan(environments=2, rows=5), 8
SEEDS = np.array([0, 1], np.uint32)
OPTIONS = DeepOptions(
    discount=0.9, trace=0.9, environments=2, rows=5, hidden=4, layers=1, recurrent=True, learning_rate=1e-2, epochs=1,
    minibatches=1,
)  # fmt: skip


def learner(name: str, algorithm: str) -> tuple[Any, Algorithm]:
    environment = PROBES[name](ProbeOptions())
    spec = replace(environment.spec, waits=name == "turns")
    own = ppo(spec, OPTIONS, Sizes(VISITS * 10, 2, 5, 5), parts(algorithm, OPTIONS, spec))
    return environment._replace(spec=spec), own


@cache
def programs() -> Programs:
    """Central critics with memories in a game of turns: everything that can be carried."""
    environment, own = learner("turns", "mappo")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "LEVEL", QUICKLY)
        return lanes.programs(own, environment, PLAN, 2, jax.devices()[:1])


def differing(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """The names under which not every bit is the same."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name].tobytes() != other[name].tobytes()]


def through_a_file(named: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays as they come back from a disk."""
    file = io.BytesIO()
    np.savez(file, **named)
    file.seek(0)
    return dict(np.load(file))


def saved(lane: Any) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in as_named(lane.state()).items()}


def assert_resumed_is_uninterrupted(new_lane: Any, stop: int, loses: tuple[str, ...]) -> None:
    """And without one of the parts it would be another run."""
    whole, first = new_lane(), new_lane()
    whole.advance(VISITS)
    end = saved(whole)
    first.advance(stop)
    stopped = through_a_file(saved(first))

    def resumed(named: dict[str, np.ndarray]) -> list[str]:
        lane = new_lane()
        shape = lane.shape()
        state = from_named({part: tree for part, tree in shape.items() if part != "worlds"}, named)
        if "worlds" in shape:  # whose sums and journal are as long as they are
            own = {name.removeprefix("worlds."): one for name, one in named.items() if name.startswith("worlds.")}
            state["worlds"] = own
        lane.restore(state)
        lane.advance(VISITS - stop)
        return differing(saved(lane), end)

    assert resumed(stopped) == []
    for part in loses:
        lost = {name: np.zeros_like(array) if name.startswith(part) else array for name, array in stopped.items()}
        assert any(stopped[name].any() for name in stopped if name.startswith(part)), part
        assert resumed(lost) != [], part


def test_stopped_and_resumed_on_the_compiled_road():
    assert_resumed_is_uninterrupted(
        lambda: CompiledLane(programs(), SEEDS),
        6,  # after 30 rows, before the third step of four
        ("learner.online", "learner.optimiser", "learner.scale", "learner.memory", "learner.waiting", "runner.held"),
    )
    lane = CompiledLane(programs(), SEEDS)
    lane.advance(VISITS)
    one, other = (leaf for leaf in jax.tree.leaves(lane.policy())[0])
    assert one.tobytes() != other.tobytes()  # two seeds are two runs


@cache
def halves() -> tuple[Any, Algorithm, Outside]:
    environment, own = learner("memory", "ippo")
    return environment, own, outside(own, environment.spec, PLAN, compiler_options=QUICKLY)


@pytest.mark.parametrize("seed", SEEDS.tolist())
def test_stopped_and_resumed_on_the_worker_road(seed):
    environment, own, jitted = halves()

    def worlds(episodes: int | None, ruled: bool = True) -> Any:
        return parallel([ParallelForm(environment) for _ in range(episodes or 2)], Reads(team=environment.spec.team))

    assert_resumed_is_uninterrupted(
        lambda: OutsideLane(own, jitted, worlds, seed, 2, 8),
        5,  # after 25 rows, before the second step of three
        ("learner.online", "learner.optimiser", "learner.scale", "learner.memory", "runner.held"),
    )


CASES = Path(__file__).parents[2] / "pettingzoo"
WORST = """
import sys
sys.path.insert(0, {folder!r})
from hard_cases import Parts


class Worst(Parts):
    def reward(self, agent, actions):
        return -super().reward(agent, actions)
"""


@pytest.mark.parametrize("recurrent", [False, True])
def test_a_saved_team_acts_as_the_trainer_s_greedy_agents_do(tmp_path, monkeypatch, recurrent):
    """Unlike kinds, masks, and several choices at once: action for action what was recorded of the best.

    They are paid for the lowest actions, of which the mask forbids the very lowest in every second step.
    """
    monkeypatch.syspath_prepend(CASES)
    from hard_cases import played_parts

    (tmp_path / "worst.py").write_text(WORST.format(folder=str(CASES)))
    monkeypatch.setattr("coterie.running.deep.runs.ONE_THREAD", QUICKLY)
    coterie.train(
        f"{tmp_path / 'worst.py'}:Worst", algorithm="ippo", recurrent=recurrent, share_parameters=False, steps=512,
        seeds=2, checks=2, check_episodes=2, final_episodes=2, hidden=8, layers=1, environments=4, rows=8,
        learning_rate=0.05, runs=tmp_path, name="team", pictures=False,
    )  # fmt: skip
    team = coterie.load("team", runs=tmp_path)
    recorded = read_recording(tmp_path / "team" / "episodes" / "greedy.jsonl").plays
    play = next(play for play in recorded if play.team == team.seed)
    acted = played_parts(team)
    assert acted == play.actions.tolist()
    assert len({tuple(row) for row in acted}) > 1  # it does not always do the same
