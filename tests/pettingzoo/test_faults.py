"""Workers that are lost change nothing, runs whose environment fails go on from their last visit, and nothing stays."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import jax
import numpy as np
import pytest

import coterie
from coterie.errors import EnvironmentFault
from coterie.pettingzoo.making.sources import make_env, make_worlds
from coterie.pettingzoo.workers import hand as hands
from coterie.pettingzoo.workers import workers as pool
from coterie.pettingzoo.workers.workers import Workers
from coterie.running.checkpoint import load_checkpoint

WORLD = '''
import os, subprocess, sys, time
import numpy as np
import pettingzoo
from coterie.pettingzoo.workers.lifeline import is_worker
from gymnasium.spaces import Box, Discrete


class Ford(pettingzoo.ParallelEnv):
    """Two agents see [step, seed, all actions so far]; an episode has 3 + seed % 4 steps.

    `trouble` comes once: in step `life` of the environment that was made as number `number` of this process.
    """

    made = 0
    metadata = {"name": "ford_v0", "render_modes": []}
    possible_agents = ["a", "b"]

    def __init__(self, trouble="", life=0, number=0, place="", slow=0.0, child=False, forgetful=False):
        self.trouble, self.when, self.place, self.forgetful = trouble, (number, life), place, forgetful
        self.number, self.life, self.slow = Ford.made, 0, slow
        Ford.made += 1
        if place and slow:
            open(f"{place}-{os.getpid()}", "w").close()
        time.sleep(slow)
        if child and is_worker():
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])

    def observation_space(self, agent):
        return Box(-np.inf, np.inf, (3,), np.float64)

    def action_space(self, agent):
        return Discrete(3)

    def seen(self):
        noise = np.random.random() if self.forgetful else 0.0
        return {agent: np.array([self.steps, self.seed % 97, self.total + noise]) for agent in self.agents}

    def reset(self, seed=None, options=None):
        self.seed, self.steps, self.total, self.agents = seed, 0, 0, self.possible_agents[:]
        return self.seen(), {}

    def troubled(self):
        self.life += 1
        if not self.trouble or (self.number, self.life) != self.when:
            return False
        try:
            open(self.place, "x").close()
            return True
        except FileExistsError:
            return False

    def step(self, actions):
        self.steps += 1
        self.total += sum(actions.values())
        if self.troubled():
            if self.trouble == "raise":
                raise ValueError("the ford is deep")
            os._exit(4)
        over = self.steps == 3 + self.seed % 4
        none, flags = dict.fromkeys(self.agents, False), dict.fromkeys(self.agents, over)
        told, paid = self.seen(), {agent: 0.5 * (action == 1) for agent, action in actions.items()}
        self.agents = [] if over else self.agents
        return told, paid, none, flags, {}


def make_env(**options):
    return Ford(**options)
'''


@pytest.fixture(scope="module")
def word(tmp_path_factory):
    path = tmp_path_factory.mktemp("ford") / "ford.py"
    path.write_text(WORLD)
    return f"{path}:make_env"


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch, request):
    """No test leaves a process or a block of shared memory behind; what a test starts is known by its environment."""
    monkeypatch.setenv("COTERIE_TEST", f"{os.getpid()}-{request.node.name}")
    before = set(os.listdir("/dev/shm"))
    yield
    gone(marked)
    assert set(os.listdir("/dev/shm")) <= before


def marked():
    """The processes that this test has started, whoever their parent is now."""
    mark, found = f"COTERIE_TEST={os.environ['COTERIE_TEST']}\0".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if int(place.name) != os.getpid() and mark in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:
            pass
    return found


def gone(those, seconds=10.0):
    until = time.monotonic() + seconds
    while those() and time.monotonic() < until:
        time.sleep(0.02)
    assert not those()


def equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def there(word, told, environments=5, workers=2, options=None, **more):
    return Workers(partial(make_env, word, options or {}), environments, workers, parts=2, on_restart=told, **more)


def kill(workers, number):
    process = workers.hands[number].process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def play(worlds, draws, steps, between=lambda moment: None):
    """All that so many joint steps by halves tell; `between` is called at each moment of them."""
    told = []
    for step in range(steps):
        actions = draws.integers(0, 3, (5, 2))
        seeds = draws.integers(0, 2**31, 5)
        between((step, "before"))
        for number, half in enumerate(worlds.halves):
            worlds.send(number, actions[half], seeds[half])
            between((step, number))
        parts = [worlds.receive(number) for number in range(len(worlds.halves))]
        told.append(jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts))
    return told


@pytest.mark.parametrize("victim, moment", [(0, (0, "before")), (1, (7, "before")), (0, (7, 0)), (1, (7, 1))])
def test_a_worker_that_is_killed_changes_nothing(word, victim, moment):
    """Before its step, or with one half or both on their way; what is saved after it is the same, too."""
    restarts, drive = [], make_worlds(word, {}, 5)
    drive.reset(np.arange(5))
    expected = play(drive, np.random.default_rng(1), 12)
    workers = there(word, restarts.append)
    try:
        workers.reset(np.arange(5))
        found = play(
            workers, np.random.default_rng(1), 12, lambda now: kill(workers, victim) if now == moment else None
        )
        equal(found, expected)
        equal(workers.save(), drive.save())
    finally:
        workers.close()
    assert len(restarts) == 1
    assert restarts[0].startswith(f"worker {victim}, environment ")
    assert "its process ended with signal 9 (SIGKILL); it is started again" in restarts[0]


def test_a_worker_may_be_lost_at_a_reset_and_while_episodes_are_played_again(word):
    restarts, drive = [], make_worlds(word, {}, 5)
    drive.reset(np.arange(5))
    play(drive, np.random.default_rng(1), 10)
    saved = drive.save()
    assert saved["lengths"].any()
    workers = there(word, restarts.append)
    try:
        kill(workers, 0)
        equal(workers.reset(np.arange(5)), make_worlds(word, {}, 5).reset(np.arange(5)))
        kill(workers, 1)
        shown = workers.restore(saved)
        equal(shown, drive.shown)
        equal(play(workers, np.random.default_rng(2), 5), play(drive, np.random.default_rng(2), 5))
    finally:
        workers.close()
    assert len(restarts) == 2


def test_a_hang_is_a_loss(word):
    restarts = []
    workers = there(word, restarts.append, patience=1.5)
    try:
        workers.reset(np.arange(5))
        play(workers, np.random.default_rng(1), 3)
        os.kill(workers.hands[1].process.pid, signal.SIGSTOP)
        found = play(workers, np.random.default_rng(2), 3)
    finally:
        workers.close()
    drive = make_worlds(word, {}, 5)
    drive.reset(np.arange(5))
    play(drive, np.random.default_rng(1), 3)
    equal(found, play(drive, np.random.default_rng(2), 3))
    assert len(restarts) == 1
    assert "no answer in time" in restarts[0]


def test_after_three_restarts_it_is_a_fault(word, monkeypatch):
    restarts = []
    workers = there(word, restarts.append, workers=1)
    workers.reset(np.arange(5))
    for step in range(pool.RESTARTS):
        kill(workers, 0)
        play(workers, np.random.default_rng(step), 2)
    kill(workers, 0)
    with pytest.raises(EnvironmentFault, match=r"worker 0, environment \d, seed \d+, step \d: .* after 3 restarts"):
        play(workers, np.random.default_rng(9), 1)
    assert len(restarts) == pool.RESTARTS
    with pytest.raises(EnvironmentFault, match="the workers are closed"):
        play(workers, np.random.default_rng(9), 1)
    monkeypatch.setattr(pool, "WITHIN", 0.0)  # restarts that are long ago do not count
    workers = there(word, restarts.append, workers=1)
    workers.reset(np.arange(5))
    for step in range(pool.RESTARTS + 1):
        kill(workers, 0)
        play(workers, np.random.default_rng(step), 2)
    workers.close()


def test_without_a_listener_a_restart_is_a_warning(word):
    workers = there(word, None, workers=1)
    workers.reset(np.arange(5))
    kill(workers, 0)
    with pytest.warns(RuntimeWarning, match="it is started again"):
        play(workers, np.random.default_rng(0), 1)
    workers.close()


def test_a_world_that_does_not_repeat_itself_is_not_gone_on_with(word):
    """The control: what is replayed is looked at."""
    workers = there(word, lambda sentence: None, options={"forgetful": True})
    workers.reset(np.arange(5))
    kill(workers, 0)
    with pytest.raises(EnvironmentFault, match=r"^worker 0, environment 0, seed 0, step 0: .* does not repeat itself"):
        play(workers, np.random.default_rng(0), 1)


def test_an_interrupted_wait_closes_everything(word, monkeypatch):
    workers = there(word, lambda sentence: None)
    workers.reset(np.arange(5))

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hands, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            play(workers, np.random.default_rng(0), 1)
    assert not workers.hands


def test_what_an_environment_starts_ends_with_its_worker(word):
    workers = there(word, lambda sentence: None, environments=2, options={"child": True})
    try:
        until = time.monotonic() + 10.0  # a process that is just begun has no environment to be known by
        while len(marked()) < 2 + 2 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(marked()) == 2 + 2  # workers, and the children of their environments
    finally:
        workers.close()


# Programs that end


PROGRAMS: list[subprocess.Popen] = []


def program(tmp_path, word, options):
    path = tmp_path / "program.py"
    path.write_text(
        "from functools import partial\nimport numpy as np\nprint = partial(print, flush=True)\n"
        "from coterie.pettingzoo.making.sources import make_env\n"
        "from coterie.pettingzoo.workers.workers import Workers\n"
        f"workers = Workers(partial(make_env, {word!r}, {options!r}), 4, 2, on_restart=print)\n"
        "workers.reset(np.arange(4))\nprint('begun', *(hand.process.pid for hand in workers.hands))\n"
        "while True:\n    workers.step(np.ones((4, 2), int), np.arange(4))\n"
    )
    running = subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    PROGRAMS.append(running)
    return running


@pytest.fixture(autouse=True)
def nobody_runs_on():
    """Where a test fails, what it started must not slow all the others."""
    yield
    while PROGRAMS:
        running = PROGRAMS.pop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_ends_takes_all_with_it(word, tmp_path, ending):
    """While workers step, with processes of the environments' own."""
    running = program(tmp_path, word, {"child": True})
    assert running.stdout is not None
    assert running.stdout.readline().startswith("begun")
    os.killpg(running.pid, ending)
    said = running.communicate(timeout=20)[1]
    assert running.returncode != 0
    assert said.count("Traceback") == (1 if ending == signal.SIGINT else 0)  # the program's own, none of a worker's
    gone(marked)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_program_that_ends_while_workers_start_takes_all_with_it(word, tmp_path, ending):
    """Workers are in the middle of making an environment, and nobody has waited for them yet."""
    place = tmp_path / "making"
    running = program(tmp_path, word, {"place": str(place), "slow": 1.5})
    until = time.monotonic() + 20
    while len(list(tmp_path.glob("making-*"))) < 2 and time.monotonic() < until:  # the program's own, and a worker's
        time.sleep(0.01)
    os.killpg(running.pid, ending)
    running.communicate(timeout=20)
    assert running.returncode != 0
    gone(marked)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_a_program_that_ends_while_a_worker_is_started_again_takes_all_with_it(word, tmp_path, ending):
    running = program(tmp_path, word, {"slow": 0.5})
    assert running.stdout is not None
    _, first, _ = running.stdout.readline().split()
    os.kill(int(first), signal.SIGKILL)
    assert "it is started again" in running.stdout.readline()
    os.killpg(running.pid, ending)
    running.communicate(timeout=20)
    assert running.returncode != 0
    gone(marked)


# Runs


SMALL = {
    "algorithm": "iql", "steps": 720, "seeds": 1, "checks": 3, "environments": 4, "rows": 3, "batch": 16, "hidden": 16,
    "layers": 1, "warmup": 48, "replay": 600, "updates": 2, "lag": 1, "pictures": False,
}  # fmt: skip
PARTS = ("learner", "replay", "runner", "worlds", "progress", "policy")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def whole(word, runs):
    return coterie.train(word, runs=runs, name="whole", **SMALL)


def same_run(run, whole):
    for part in PARTS:
        ours, theirs = (load_checkpoint(one.folder, (part,))[0][part] for one in (run, whole))
        assert ours.keys() == theirs.keys()
        assert [key for key in theirs if ours[key].tobytes() != theirs[key].tobytes()] == []
    assert run.verdict.returns == whole.verdict.returns
    assert (run.folder / "metrics.jsonl").read_bytes() == (whole.folder / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize(
    "where, workers, number, life, visits",
    [
        ("learning", 0, 3, 100, 33),  # in the first row of visit 34, of three rows each
        ("learning", 2, 1, 100, 33),
        ("the first visit", 2, 1, 1, 0),  # where number 0 is tried before, in the first process
        ("a check", 0, 7, 9, 40),  # the second check, after 40 visits: the mark itself
    ],
)
def test_a_run_whose_environment_fails_goes_on_from_its_last_visit(
    word, runs, whole, tmp_path, where, workers, number, life, visits
):
    env = {"trouble": "raise", "place": str(tmp_path / "place"), "number": number, "life": life}
    name = f"failed in {where} {workers}".replace(" ", "-")
    by = r"worker \d, " if workers else ""
    says = (
        rf"^{word}: {by}environment \d+, seed \d+, step \d: ValueError: the ford is deep; what was learned in "
        rf"{12 * visits} of 720 joint steps of each seed is saved; mend it, and go on with: coterie resume .*{name}$"
    )
    with pytest.raises(EnvironmentFault, match=says) as fault:
        coterie.train(word, env=env, runs=runs, name=name, workers=workers, **SMALL)
    assert fault.value.exit_code == 3
    same_run(coterie.resume(name, runs=runs, workers=2 - workers), whole)


def test_a_run_that_loses_a_worker_says_so_and_goes_on(word, runs, whole, tmp_path):
    env = {"trouble": "exit", "place": str(tmp_path / "place"), "number": 1, "life": 100}
    told = []
    run = coterie.train(word, env=env, runs=runs, name="lost", workers=2, on_restart=told.append, **SMALL)
    [sentence] = told
    assert "its process ended with exit code 4; it is started again" in sentence
    same_run(run, whole)
