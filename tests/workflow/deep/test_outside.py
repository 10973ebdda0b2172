"""Deep runs on worlds outside JAX: stopped and resumed with any number of workers, teams named by the user, bounds."""

import os
import shutil
import signal

import numpy as np
import pytest

import coterie
from coterie.errors import BadInput, Stopped, StorageFault
from coterie.running.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint
from coterie.running.signals import Signals
from coterie.workflow.deep import train as deep
from coterie.workflow.deep.opening import open_plan
from coterie.workflow.deep.plan import deep_plan

ENVIRONMENT = '''
import numpy as np
import pettingzoo
from gymnasium.spaces import Discrete


class Echo(pettingzoo.ParallelEnv):
    """Three agents see a number and earn 1 each for saying it; an episode has five steps, actions begin with 1."""

    metadata = {"name": "echo_v0", "render_modes": []}
    possible_agents = ["a", "b", "c"]

    def observation_space(self, agent):
        return Discrete(3)

    def action_space(self, agent):
        return Discrete(3, start=1)

    def reset(self, seed=None, options=None):
        self.chance, self.steps, self.agents = np.random.default_rng(seed), 0, self.possible_agents[:]
        return self.seen(), {agent: {} for agent in self.agents}

    def seen(self):
        self.number = int(self.chance.integers(3))
        return {agent: self.number for agent in self.agents}

    def step(self, actions):
        self.steps += 1
        rewards = {agent: float(action == self.number + 1) for agent, action in actions.items()}
        told, over = self.seen(), self.steps == 5
        flags = {agent: over for agent in self.agents}
        none = {agent: False for agent in self.agents}
        infos = {agent: {} for agent in self.agents}
        self.agents = [] if over else self.agents
        return told, rewards, none, flags, infos


def make_env():
    return Echo()
'''
SMALL = {
    "algorithm": "iql", "steps": 960, "seeds": 1, "checks": 2, "environments": 4, "rows": 3, "batch": 16, "hidden": 16,
    "layers": 1, "warmup": 48, "replay": 600, "updates": 2, "learning_rate": 0.01, "lag": 1, "pictures": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def word(tmp_path_factory):
    path = tmp_path_factory.mktemp("echo") / "echo.py"
    path.write_text(ENVIRONMENT)
    return f"{path}:make_env"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def whole(word, runs):
    return coterie.train(word, runs=runs, name="whole", success="return>=5", **SMALL)


def stop(tick):
    if tick.env_steps >= 300:  # between two checks
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("before, after", [(0, 2), (2, 2), (2, 0)])
def test_stopped_and_resumed_with_any_number_of_workers(word, runs, whole, monkeypatch, before, after):
    monkeypatch.setattr("coterie.running.deep.session.CHUNK_SECONDS", 0.05)
    name = f"stopped-{before}-{after}"
    with pytest.raises(Stopped):
        coterie.train(word, runs=runs, name=name, success="return>=5", workers=before, on_tick=stop, **SMALL)
    Signals.latest = None
    run = coterie.resume(name, runs=runs, workers=after)
    for part in ("learner", "replay", "runner", "progress", "policy", "worlds"):
        ours, theirs = (load_checkpoint(one.folder, (part,))[0][part] for one in (run, whole))
        assert ours.keys() == theirs.keys()
        assert [key for key in theirs if ours[key].tobytes() != theirs[key].tobytes()] == []
    assert run.verdict.returns == whole.verdict.returns
    assert (run.folder / "metrics.jsonl").read_bytes() == (whole.folder / "metrics.jsonl").read_bytes()


def test_success_is_what_the_user_says_in_every_check(whole):
    rows = whole.frame()
    perfect = rows["greedy_return"] == 5  # the mean of 32 episodes that are worth 5 at most
    assert perfect.any()
    assert (rows["greedy_success"][perfect] == 1).all()
    assert (rows["greedy_success"][~perfect] < 1).all()
    assert whole.verdict.success[0] > whole.verdict.random_success
    assert whole.verdict.unit == "team-mean"


def test_a_loaded_team_counts_actions_as_its_environment_does(whole):
    team = whole.team
    assert [team.act("a", number) for number in range(3)] == [1, 2, 3]  # it has learned to say what it sees


def test_what_is_seen_is_bounded_as_the_space_says(word):
    opened = open_plan(deep_plan(word, algorithm="iql"))
    assert [kind.observation_high for kind in opened.spec.kinds] == [2]


def test_teams_are_what_the_user_says(word):
    opened = open_plan(deep_plan(word, algorithm="vdn", env={"team": "0,1,1"}, learner={"reward": "team-sum"}))
    assert opened.spec.team == (0, 1, 1)
    assert opened.schedule.summed
    with pytest.raises(BadInput, match="2 team numbers for 3 agents"):
        open_plan(deep_plan(word, algorithm="vdn", env={"team": [0, 1]}))
    with pytest.raises(BadInput, match="like 0,0,1"):
        open_plan(deep_plan(word, algorithm="vdn", env={"team": "us"}))


@pytest.mark.parametrize("spoil", ["missing", "longer", "lanes"])
def test_episodes_under_way_that_do_not_fit_are_refused(word, runs, spoil):
    name = f"spoiled-{spoil}"
    with pytest.raises(Stopped):
        coterie.train(word, runs=runs, name=name, on_tick=stop, **{**SMALL, "seeds": 2})
    Signals.latest = None
    newest = list_checkpoints(runs / name)[-1]
    parts, facts = load_checkpoint(runs / name, ("learner", "replay", "runner", "worlds", "progress", "policy"))
    parts, facts = {part: dict(arrays) for part, arrays in parts.items()}, dict(facts)
    if spoil == "missing":
        del parts["worlds"]["lane0.lengths"]
    elif spoil == "longer":
        parts["worlds"]["lane0.lengths"] = np.asarray(parts["worlds"]["lane0.lengths"]) + 1
    else:
        facts |= {"lanes": [[0, 1]], "visited": facts["visited"][:1], "opened": [True]}
    save_checkpoint(runs / name, int(newest.name[5:]), parts, facts)
    with pytest.raises(StorageFault, match="does not fit its run's settings"):
        deep.resume_deep(runs / name)


def test_a_success_that_nobody_defined_is_not_compared(word, runs, whole):
    coterie.train(word, runs=runs, name="undefined", **{**SMALL, "steps": 240})
    for name, known in (("undefined", False), ("whole", True)):
        shutil.copytree(runs / name, runs / f"{name}-again")
        found = coterie.compare([name, f"{name}-again"], runs=runs)
        assert [row.coordinated is not None for row in found.rows] == [known, known]
        assert ("succeed" in str(found)) is known
