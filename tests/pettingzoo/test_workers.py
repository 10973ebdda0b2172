"""Environments in other processes: equal to those in this one, faults by name, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.making.sources import make_env, make_worlds
from coterie.pettingzoo.workers.workers import Workers, halves_of, share
from coterie.running.roads import outside, start_outside, train_outside
from coterie.running.rollout import Plan
from coterie.types import Algorithm, Decision

ENVIRONMENT = '''
import os, sys, time
import numpy as np
import pettingzoo
from coterie.pettingzoo.workers.lifeline import is_worker
from gymnasium.spaces import Box, Discrete


class Counting(pettingzoo.ParallelEnv):
    """Two agents see [step, seed, all actions so far]; an episode has 2 + seed % 5 steps; 'second' may end early.

    `trouble` happens in step `step` of the episode with the seed `seed`.
    """

    def __init__(self, trouble="", seed=-1, step=2):
        self.metadata = {"name": "counting_v0", "render_modes": []}
        self.possible_agents = ["first", "second"]
        self.trouble, self.at = trouble, (seed, step)
        if is_worker():
            assert "jax" not in sys.modules and os.environ["OMP_NUM_THREADS"] == "1"

    def observation_space(self, agent):
        return Box(-np.inf, np.inf, (3,), np.float64)

    def action_space(self, agent):
        return Discrete(4)

    def seen(self):
        return {agent: np.array([self.steps, self.seed, self.total], float) for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.seed, self.steps, self.total = seed, 0, 0
        self.agents = self.possible_agents[:]
        return self.seen(), self.infos()

    def infos(self):
        return {agent: {"action_mask": np.arange(4) != self.total % 4} for agent in self.agents}

    def step(self, actions):
        self.steps += 1
        if (self.seed, self.steps) == self.at:
            if self.trouble == "raise":
                raise ValueError("the bridge is out")
            if self.trouble == "exit":
                os._exit(3)
            if self.trouble == "kill":
                os.kill(os.getpid(), 9)
            while self.trouble == "hang":
                time.sleep(0.01)
        self.total += sum(actions.values())
        told, infos = self.seen(), self.infos()
        if self.trouble == "blind" and (self.seed, self.steps) == self.at:
            told["second"][1] = np.nan
        rewards = {agent: 0.1 * action + self.seed for agent, action in actions.items()}
        if self.trouble == "unpaid" and (self.seed, self.steps) == self.at:
            rewards["first"] = np.inf
        over = self.steps == 2 + self.seed % 5
        ended = {agent: agent == "second" and self.seed % 3 == 0 and self.steps == 2 for agent in self.agents}
        cut = {agent: over and not ended[agent] for agent in self.agents}
        self.agents = [agent for agent in self.agents if not (ended[agent] or cut[agent])]
        return told, rewards, ended, cut, infos

    def state(self):
        return np.array([self.total], float)


def make_env(**options):
    return Counting(**options)
'''


@pytest.fixture
def word(tmp_path):
    """The name of a function that makes the environment, in a file of its own."""
    path = tmp_path / "counting.py"
    path.write_text(ENVIRONMENT)
    return f"{path}:make_env"


@pytest.fixture(autouse=True)
def nothing_left():
    """No test leaves a process or a block of shared memory behind."""
    before, ours = set(os.listdir("/dev/shm")), children()
    yield
    assert children() <= ours
    assert set(os.listdir("/dev/shm")) <= before


def children():
    """The processes that this one has started and not yet taken leave of."""
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return set(file.read().split())


def here(word, environments):
    return make_worlds(word, {}, environments)


def there(word, environments, workers, **options):
    return Workers(partial(make_env, word, options), environments, workers, parts=2)


def equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("environments, workers", [(1, 1), (2, 1), (3, 2), (5, 2), (8, 3), (32, 2)])
def test_every_environment_has_one_worker_in_one_half(environments, workers):
    assert len(halves_of(environments, workers, 1)) == 1
    halves = halves_of(environments, workers, 2)
    assert len(halves) == (2 if environments >= 2 * workers else 1)
    shares = [share(half, worker, workers) for half in halves for worker in range(workers)]
    assert [place for one in shares for place in range(one.start, one.stop)] == list(range(environments))
    assert all(one.start < one.stop for one in shares)


def test_workers_change_nothing(word, monkeypatch):
    """The same outcomes and sights from this process, one worker and two; what two saved, one restores."""
    monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", "2")
    size, draws = 5, np.random.default_rng(0)
    drive, one, two = here(word, size), there(word, size, 1), there(word, size, 2)
    assert os.environ["OMP_NUM_THREADS"] == "2"  # what the children got is taken back
    try:
        assert drive.spec == one.spec == two.spec
        seeds = np.arange(size)
        shown = drive.reset(seeds)
        for other in (one, two):
            equal(shown, other.reset(seeds))
        ends = 0
        for _ in range(25):
            actions, seeds = draws.integers(0, 4, (size, 2)), draws.integers(0, 2**31, size)
            outcome, shown = drive.step(actions, seeds)
            equal((outcome, shown), one.step(actions, seeds))
            for number, half in enumerate(two.halves):  # both halves are on their way at once
                two.send(number, actions[half], seeds[half])
            parts = [two.receive(number) for number in range(2)]
            equal((outcome, shown), jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts))
            ends += int(outcome.over.sum())
        assert ends > size  # unequal episodes have begun again in the meantime
        saved = drive.save()
        equal(saved, one.save())
        equal(saved, two.save())
        assert saved["lengths"].any()
        equal(shown, one.restore(two.save()))
        again = here(word, size)
        equal(shown, again.restore(two.save()))
        expected = drive.step(actions, seeds)
        equal(expected, one.step(actions, seeds))
        equal(expected, again.step(actions, seeds))
        changed = {**saved, "actions": (saved["actions"] + 1) % 4}
        with pytest.raises(EnvironmentFault, match=r"worker 0, environment 0, .*does not repeat itself"):
            two.restore(changed)
    finally:
        one.close()
        two.close()


def wanderer(spec):
    """Draws actions by key and place, remembers how often it moved, and tells its whole rollout."""
    agents, actions = len(spec.agents), spec.kinds[0].actions

    def act(key, policy, views, memory, mode):
        scores = jax.random.uniform(key, (*views[0].alive.shape, actions)) + policy
        chosen = jnp.argmax(jnp.where(views[0].legal, scores, -1), -1).astype(jnp.int32)
        moved = jnp.where(views[0].first, 0, memory[0]) + 1
        return (Decision(chosen, moved, {"score": scores.max(-1)}),)

    def update(key, learner, rollout, clock):
        return learner + jnp.mean(rollout.kinds[0].reward), {"rollout": rollout}

    return Algorithm(
        init=lambda key, spec: jnp.float32(0),
        policy=lambda learner, clock: learner,
        memory=lambda policy, environments: (jnp.zeros((environments, agents), jnp.int32),),
        act=act,
        update=update,
    )


def test_rollouts_by_halves_are_those_of_this_process(word):
    """Acting and learning meet the same bits, though one half is acted for while the other is stepped."""
    plan, told = Plan(environments=4, rows=6, lag=1), []
    for worlds in (here(word, 4), there(word, 4, 2)):
        parts = outside(
            wanderer(worlds.spec), worlds.spec, plan, compiler_options={"xla_backend_optimization_level": 0}
        )
        run, sight = start_outside(parts, worlds, 7)
        told.append(jax.device_get(train_outside(parts, worlds, 7, run, sight, 3)))
        worlds.close()
    equal(*told)
    (_, _, steps), _ = told
    episodes = sum(int(scores.episodes) for _, scores in steps)
    assert episodes > 4
    memories = np.stack([info["rollout"].memory[0] for info, _ in steps])
    assert memories.max() > 1  # what was remembered crosses from one rollout to the next


@pytest.mark.parametrize(
    "trouble, says",
    [
        ("raise", "ValueError: the bridge is out"),
        ("exit", r"its process ended with exit code 3"),
        ("kill", r"its process ended with signal 9 \(SIGKILL\)"),
        ("hang", "no answer in time"),
        ("blind", r"agent 'second' sees nan at \[1\]; expected finite numbers"),
        ("unpaid", "agent 'first' was paid inf; expected a finite number"),
    ],
)
def test_a_fault_names_the_environment_its_seed_and_its_step(word, trouble, says):
    make = partial(make_env, word, {"trouble": trouble, "seed": 22})
    restarts = []
    workers = Workers(make, 4, 2, parts=2, patience=0.5 if trouble == "hang" else 60, on_restart=restarts.append)
    workers.reset(np.array([20, 21, 22, 23]))
    actions, seeds = np.ones((4, 2), int), np.arange(4)
    workers.step(actions, seeds)
    with pytest.raises(EnvironmentFault, match=f"^worker 0, environment 2, seed 22, step 2: {says}"):
        workers.step(actions, seeds)
    with pytest.raises(EnvironmentFault, match="the workers are closed"):
        workers.step(actions, seeds)


def test_a_fault_in_this_process_is_named_too(word):
    drive = make_worlds(word, {"trouble": "raise", "seed": 22}, 2)
    drive.reset(np.array([21, 22]))
    drive.step(np.ones((2, 2), int), np.arange(2))
    with pytest.raises(EnvironmentFault, match=r"^environment 1, seed 22, step 2: ValueError: the bridge is out"):
        drive.step(np.ones((2, 2), int), np.arange(2))


def test_what_no_other_process_can_find_is_refused(word):
    with pytest.raises(BadInput, match=r"cannot be made in other processes .* use workers=0"):
        Workers(lambda: make_env(word), 2, 1)
    with pytest.raises(BadInput, match="3 workers for 2 environments; expected 1 to 2"):
        there(word, 2, 3)


PROGRAM = """
import os, sys, time
from functools import partial
import numpy as np
from coterie.pettingzoo.making.sources import make_env
from coterie.pettingzoo.workers.workers import Workers

workers = Workers(partial(make_env, sys.argv[1], {"trouble": "hang", "seed": 1}), 2, 2)
workers.reset(np.arange(2))
workers.step(np.ones((2, 2), int), np.arange(2))
print(*(hand.process.pid for hand in workers.hands), flush=True)
workers.step(np.ones((2, 2), int), np.arange(2))
"""


def alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_their_program(word, tmp_path, ending):
    """A program without `if __name__ == "__main__"`, stopped while a worker hangs, by Ctrl-C or at once."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    program = subprocess.Popen(
        [sys.executable, str(path), word],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert program.stdout is not None
    workers = [int(word) for word in program.stdout.readline().split()]
    assert len(workers) == 2
    assert all(map(alive, workers))
    os.killpg(program.pid, signal.SIGINT) if ending == signal.SIGINT else program.kill()
    errors = program.communicate(timeout=30)[1]
    deadline = time.monotonic() + 10
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))
    assert errors.count("Traceback") == (1 if ending == signal.SIGINT else 0)  # the program's own, none of a worker's
