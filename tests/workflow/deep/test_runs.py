"""Deep runs as users have them: stopped and resumed, judged again, and refused where something does not fit."""

import dataclasses
import json
import os
import shutil
import signal

import numpy as np
import pytest

import coterie
import coterie.workflow.deep.train as deep
from coterie.errors import BadInput, Stopped, StorageFault
from coterie.networks.agent import dense_network
from coterie.running import recorder
from coterie.running.checkpoint import list_checkpoints, load_checkpoint
from coterie.running.deep.session import DeepTick
from coterie.running.signals import Signals
from coterie.workflow.deep.opening import open_plan
from coterie.workflow.deep.plan import deep_plan, unit_of
from coterie.workflow.deep.sharing import given_up

SMALL = {
    "algorithm": "vdn", "steps": 960, "seeds": 2, "checks": 4, "environments": 4, "rows": 4, "batch": 8, "hidden": 8,
    "layers": 1, "warmup": 64, "replay": 400, "pictures": False,
}  # fmt: skip
PARTS = ("learner", "replay", "runner", "progress", "policy")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def whole(runs):
    return deep.train_deep("climbing", env={"horizon": 3}, name="whole", runs=runs, **SMALL)


@pytest.fixture(scope="module")
def stopped(runs):
    """A run that got a signal in its middle."""

    def stop(tick: DeepTick) -> None:
        if tick.env_steps >= 600:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped) as raised:
        deep.train_deep("climbing", env={"horizon": 3}, name="stopped", runs=runs, on_tick=stop, **SMALL)
    assert raised.value.exit_code == 143
    Signals.latest = None
    return runs / "stopped"


@pytest.fixture
def copied(stopped, tmp_path):
    return shutil.copytree(stopped, tmp_path / "copied")


def test_the_verdict_is_exact_and_has_its_controls(whole):
    told = whole.verdict
    assert told.exact
    assert told.optimum == pytest.approx(33)
    assert told.random == pytest.approx(3 * (11 - 30 - 30 + 7 + 6 + 5) / 9, abs=6)
    assert len(told.returns) == 2
    assert all(value <= told.optimum for value in told.returns)


def test_stopped_and_resumed_is_uninterrupted(whole, copied):
    assert list_checkpoints(copied)
    resumed = deep.resume_deep(copied)
    (first, _), (second, _) = (load_checkpoint(folder, PARTS) for folder in (whole.folder, copied))
    for part in PARTS:
        assert first[part].keys() == second[part].keys()
        for name, array in first[part].items():
            np.testing.assert_array_equal(array, second[part][name], err_msg=f"{part}.{name}")
    assert (whole.folder / "metrics.jsonl").read_bytes() == (copied / "metrics.jsonl").read_bytes()
    assert resumed.verdict.returns == whole.verdict.returns


def test_it_is_judged_again_alike(whole):
    again = deep.evaluate_deep(whole.folder).verdict
    assert (again.returns, again.sampled, again.best_step) == (
        whole.verdict.returns,
        whole.verdict.sampled,
        whole.verdict.best_step,
    )


def test_the_team_acts_as_it_was_judged(whole, runs):
    team = coterie.load(whole.folder)
    actions = [team.act(agent, [0]) for agent in team.agents]
    payoffs = np.array([[11, -30, 0], [-30, 7, 6], [0, 0, 5]])
    place = whole.verdict.seeds.index(team.seed)
    assert 3 * payoffs[tuple(actions)] == pytest.approx(whole.verdict.returns[place])


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (lambda config: config["learner"].update(learning_rate=0.5), "learner.learning_rate = 0.0005"),
        (lambda config: config["env"].update(noise="full"), "env.noise = 'none'"),
        (lambda config: config.update(seed=1), "seed = 0"),
    ],
)
def test_settings_changed_by_hand_are_refused(copied, change, names):
    config = recorder.read_config(copied)
    change(config)
    recorder.write_config(copied, config)
    for go in (deep.resume_deep, deep.evaluate_deep):
        with pytest.raises(StorageFault, match=names):
            go(copied)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("rows", "x"),
        ("rows", -1),
        ("visited", ["x"]),
        ("visited", [10**9, 0]),
        ("lanes", [0]),
        ("opened", [False, False]),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(copied, fact, value):
    for folder in list_checkpoints(copied):
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["facts"][fact] = value[: len(manifest["facts"][fact])] if isinstance(value, list) else value
        (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StorageFault):
        deep.resume_deep(copied)


def test_a_torn_log_is_not_gone_on_with(tmp_path):
    log = tmp_path / "metrics.jsonl"
    log.write_bytes(b'{"a":1}\n{"a":2')
    with pytest.raises(StorageFault, match="1 lines"):
        recorder.keep_lines(log, 2)
    recorder.keep_lines(log, 1)
    assert log.read_bytes() == b'{"a":1}\n'


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ({"algorithm": "vdn", "learner": {"reward": "individual"}}, "team-sum"),
        ({"steps": 2**31}, "2,147,483,647"),
        ({"success": "return>=nan"}, "return>=90"),
        ({"success": 5}, "return>=90"),
        ({"learner": {"warmup": 10**6}, "steps": 1_000}, "nothing would be learned"),
        ({"learner": {"epsilon": 0.1, "epsilon_end": 0.5}}, "at most"),
        ({"learner": {"learning_rate_end": 5.0}}, "learning-rate-end"),
        ({"algorithm": "qmix", "learner": {"share_experience": "pooled"}}, "iql"),
        ({"learner": {"hiden": 3}}, "hidden"),
        ({"algorithm": "qmx"}, "qmix"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(words, names):
    with pytest.raises(BadInput, match=names):
        deep_plan("climbing", **words)


def test_unlike_agents_do_not_share():
    controls, shared = {"controls": "RLDU,LRUD"}, {"share_experience": "pooled"}
    chosen = deep_plan("rendezvous", algorithm="iql", env=controls, learner=shared)
    with pytest.raises(BadInput, match="not equal capabilities"):
        open_plan(chosen)


@pytest.mark.parametrize("algorithm", ["iql", "ippo"])
def test_unlike_agents_with_one_network_that_is_not_told_whose_it_is_are_warned(algorithm):
    shared = {"share_parameters": True, "identity": False}
    chosen = deep_plan("rendezvous", algorithm=algorithm, env={"controls": "RLDU,LRUD"}, learner=shared)
    note = open_plan(chosen).note
    assert "not equal capabilities" in note
    assert note.endswith("The common network is not told which agent it acts for: leave --no-identity out.")
    told = open_plan(chosen._replace(learner=dataclasses.replace(chosen.learner, identity=True))).note
    assert told.endswith("it has to learn that.") if algorithm == "iql" else not told  # the control


def narrow(own, spec):
    """A smaller network of the user's own, and a loss that does not mind how large an error is."""
    return own._replace(networks=tuple(dense_network(5, 1) for _ in spec.kinds), loss=abs)


def test_parts_of_the_users_own_are_used_and_asked_for_again(tmp_path):
    def stop(tick: DeepTick) -> None:
        if tick.env_steps >= 200:
            signal.raise_signal(signal.SIGTERM)

    small = {**SMALL, "seeds": 1, "steps": 320, "algorithm": "iql", "runs": tmp_path}
    whole = coterie.train("climbing", deep=True, name="whole", parts=narrow, **small)
    shapes = {array.shape for array in load_checkpoint(whole.folder, ("policy",))[0]["policy"].values()}
    assert (1, 2, 5, 1) in shapes
    with pytest.raises(Stopped):
        coterie.train("climbing", deep=True, name="stopped", parts=narrow, on_tick=stop, **small)
    Signals.latest = None
    with pytest.raises(BadInput, match="trained with parts=narrow; give them again"):
        coterie.resume("stopped", runs=tmp_path)
    went_on = coterie.resume("stopped", runs=tmp_path, parts=narrow)
    for part in ("learner", "policy"):
        ours, theirs = (load_checkpoint(run.folder, (part,))[0][part] for run in (went_on, whole))
        assert all(ours[name].tobytes() == theirs[name].tobytes() for name in theirs)
    assert deep.evaluate_deep(whole.folder, parts=narrow).verdict.returns == whole.verdict.returns
    assert coterie.load("whole", runs=tmp_path, parts=narrow).act("agent_0", [0]) in range(3)
    for ask in (coterie.evaluate, coterie.load):
        with pytest.raises(BadInput, match="trained with parts=narrow; give them again"):
            ask("whole", runs=tmp_path)
    with pytest.raises(BadInput, match=r"iql is made of algorithms.qlearning.Parts, found builtins.tuple"):
        coterie.train("climbing", deep=True, name="other", parts=lambda own, spec: (), **small)


def test_python_takes_the_presets_that_the_command_takes(tmp_path):
    run = coterie.train("climbing", deep=True, steps=400, seeds=1, runs=tmp_path, pictures=False)
    assert run.verdict.algorithm == "hysteretic"
    assert 'preset = "coordination"' in (run.folder / "config.toml").read_text()


def test_who_shares_experience_learns_independently():
    assert deep_plan("rendezvous", learner={"share_experience": "pooled"}).algorithm == "iql"
    shared = deep_plan("foraging-8x8-2p-2f-coop", learner={"share_experience": "pooled"}).learner
    alone = deep_plan("foraging-8x8-2p-2f-coop").learner
    assert (alone.share_parameters, alone.prioritised) == (True, True)  # which its preset chooses, and sharing excludes
    assert (shared.share_parameters, shared.prioritised, shared.n_step) == (False, False, alone.n_step)
    with pytest.raises(BadInput, match="--prioritised with --share-experience pooled"):
        deep_plan("foraging-8x8-2p-2f-coop", learner={"share_experience": "pooled", "prioritised": True})


def test_what_sharing_leaves_out_of_a_preset_is_told():
    shared, alone = {"share_experience": "pooled"}, {}

    def given_up_in(environment: str, learner: dict) -> str:
        chosen = deep_plan(environment, learner=learner)
        return given_up(chosen, chosen.algorithm)

    told = given_up_in("foraging-8x8-2p-2f-coop", shared)
    assert "The preset foraging has one network in common (--share-parameters) and replay by surprise" in told
    assert given_up_in("foraging-8x8-2p-2f-coop", alone) == ""
    assert given_up_in("rendezvous", shared) == ""
    assert deep_plan("rendezvous").algorithm == "vdn"
    with pytest.raises(BadInput, match="--algorithm iql"):
        deep_plan("rendezvous", algorithm="vdn", learner={"share_experience": "pooled"})


def test_a_sequence_too_short_for_what_is_asked_is_refused():
    for learner in ({"n_step": 5, "sequence": 4}, {"recurrent": True, "sequence": 1}, {"trace": 0.5, "sequence": 1}):
        with pytest.raises(BadInput, match="too short"):
            deep_plan("rendezvous", learner=learner)


def test_the_unit_of_a_return_is_the_environments_whoever_learns():
    for algorithm in ("iql", "vdn"):
        assert unit_of(deep_plan("foraging-8x8-2p-2f-coop", algorithm=algorithm)) == "team-sum"
        assert unit_of(deep_plan("climbing", algorithm=algorithm, learner={"reward": "team-sum"})) == "team-mean"
        foreign = deep_plan("mpe2:simple_spread_v3", algorithm=algorithm, learner={"reward": "team-sum"})
        assert unit_of(foreign) == "team-sum"


def test_a_world_without_a_table_is_diagnosed_from_its_episodes(tmp_path):
    run = coterie.train("foraging-5x5-2p-1f", runs=tmp_path, success="return>=0", **{**SMALL, "seeds": 1, "steps": 320})
    assert run.verdict.unit == "team-sum"
    found = coterie.diagnose(run.folder)
    assert found.verdict is not None
    lines = [json.loads(line) for line in (run.folder / "episodes" / "greedy.jsonl").read_text().splitlines()[1:]]
    assert lines
    assert all(line["success"] for line in lines)  # which the world never says of teams that have learned nothing
    assert run.verdict.returns[0] < 0.5


def test_what_was_not_learned_yet_has_no_loss(tmp_path):
    """A check before the first gradient step tells of play only; the columns have gaps there."""
    run = coterie.train("climbing", deep=True, preset="default", algorithm="iql", steps=1_600, seeds=1, checks=4,
                        runs=tmp_path, pictures=False, warmup=900)  # fmt: skip
    frame = run.frame()
    assert np.isnan(frame["loss"][:2]).all()
    assert (frame["loss"][2:] > 0).all()
    assert np.isfinite(frame["greedy_return"]).all()
