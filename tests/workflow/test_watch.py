"""`coterie.watch`: environments and policies in all their forms, and the video that is made of them."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_runs import fresh
from watched_worlds import MINE, Crowd, Duel, Ladder

import coterie
from coterie.errors import BadInput, EnvironmentFault, StorageFault
from coterie.pettingzoo.making.drawn import without_a_window
from coterie.pettingzoo.making.sources import make_env
from coterie.workflow.watching.names import short

RULE = Path(__file__).parents[2] / "docs" / "examples" / "pistonball_rule.py"
ON_LADDER = [3.0, 12.0, 18.0]


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file of the user's in the working folder."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def climb(observation, agent):
    return {"first": 1, "second": 0.5, "third": [1, 2]}[agent]


@pytest.mark.parametrize(
    "world", [Ladder(), Ladder, lambda: Ladder(), "./mine.py:make_ladder"], ids=["object", "class", "function", "word"]
)
def test_an_environment_comes_as_a_word_a_function_or_itself(mine, world):
    seen = coterie.watch(world, climb, episodes=2, seed=4)
    assert seen.returns.tolist() == [ON_LADDER] * 2
    assert (seen.agents, seen.seeds, seen.unit) == (("first", "second", "third"), (4, 5), "step")
    assert seen.lengths.tolist() == [3, 3]
    assert seen.endings[1] == {"first": "terminated", "second": "truncated", "third": "terminated"}
    assert (seen.video, seen.frames, seen.note) == (None, None, "")
    assert str(seen).startswith(f"{seen.environment}, played by climb: 2 episodes of 3 agents, seeds 4 to 5")


class Climber:
    """One object for all."""

    def act(self, agent, observation, info=None):
        return climb(observation, agent)


@pytest.mark.parametrize(
    "policy",
    [
        climb,
        Climber(),
        Climber,
        "./mine.py:climb",
        "./mine.py:make_team",
        "./mine.py:make_agents",
        "./mine.py:make_by_name",
        "./mine.py:Climber",
    ],
    ids=["function", "object", "class", "file:function", "file:team", "file:agents", "file:by_name", "file:class"],
)
def test_a_policy_comes_as_a_function_an_object_or_what_makes_them(mine, policy):
    assert coterie.watch(Ladder(), policy).returns.tolist() == [ON_LADDER]


def test_agents_begin_each_episode_anew(mine):
    sys.path.insert(0, str(mine))
    try:
        import mine as module
    finally:
        sys.path.remove(str(mine))
    climber = module.Climber()
    coterie.watch(Ladder(), climber, episodes=3)
    assert climber.steps == 3 + 2 + 3  # not three times as many: forgotten where an episode began
    del sys.modules["mine"]


def test_those_who_come_and_go_and_those_who_take_turns_are_watched(mine):
    crowd = coterie.watch("./mine.py:make_crowd", "random")
    assert crowd.returns.tolist() == [[3.0] * 7 + [2.0, 1.0]]
    assert crowd.success == (True,)
    duel = coterie.watch(Duel(), "idle")
    assert duel.unit == "turn"
    assert duel.returns.tolist() == [[1.0, -1.0]]
    assert coterie.watch(Crowd(), lambda seen, agent: seen["place"][1]).lengths.tolist() == [9]


def test_options_are_given_to_whatever_makes_the_environment(mine):
    with pytest.raises(EnvironmentFault, match=r"^./mine.py:make_ladder, seed 0, step 2 failed: RuntimeError: a rung"):
        coterie.watch("./mine.py:make_ladder", climb, env={"broken": "raises"})
    with pytest.raises(BadInput, match="has no option 'broke'; did you mean 'broken'"):
        coterie.watch("./mine.py:make_ladder", climb, env={"broke": "raises"})
    with pytest.raises(BadInput, match="ladder is an environment already, so options cannot change it: broken"):
        coterie.watch(Ladder(), climb, env={"broken": "raises"})
    assert coterie.watch("./mine.py:make_ladder", climb, env={"team": "0,0,1"}).lengths.tolist() == [3]


@pytest.mark.parametrize(
    "world, policy, more, fault, sentence",
    [
        ("rendezvous", "random", {}, BadInput, "rendezvous is one of ours and is watched on its boards"),
        ("rendezvos", "random", {}, BadInput, "there is no environment 'rendezvos'; did you mean 'rendezvous'"),
        ("jaxmarl:MPE_x", "random", {}, BadInput, "jaxmarl:MPE_x runs inside the program that learns in it"),
        (5, "random", {}, BadInput, "int is no environment; expected a word, a function that makes one"),
        (Ladder(), "randm", {}, BadInput, r"there is no policy and no run 'randm'; did you mean 'random'\?"),
        (Ladder(), "hurry", {}, BadInput, "there is no policy and no run 'hurry'; expected random, idle, a rule of"),
        (Ladder(), "latest", {}, BadInput, "there is no run in runs/ yet"),
        (Ladder(), "./mine.py:climbs", {}, BadInput, "mine.py has no function 'climbs'; did you mean 'climb'"),
        (Ladder(), "./mine.py:tires", {}, BadInput, "agent 'first': ./mine.py:tires failed: RuntimeError: too tired"),
        (Ladder(), "./mine.py:babbles", {}, BadInput, r"babbles gave 'up', expected an action of Discrete\(3\)"),
        (Ladder(), 5, {}, BadInput, "the policy is a int; expected random, idle"),
        (Ladder(), lambda: 5, {}, BadInput, r"<lambda> gave int; expected an object with act\(observation\)"),
        (Ladder(), lambda: [Climber()], {}, BadInput, "make_team must give 3 agents"),
        (Crowd(), lambda: [Climber()], {}, BadInput, "this environment does not list its agents; give one object"),
        (Ladder(), "random", {"episodes": 0}, BadInput, "--episodes 0: expected 1 to 100,000"),
        (Ladder(), "random", {"steps": 0}, BadInput, "--steps 0: expected at least 1"),
        (Ladder(), "random", {"seed": -1}, BadInput, "--seed -1: expected a whole number"),
        (Ladder(), "random", {"video": "film.png"}, BadInput, "the name of a video ends in .gif, .webp or .mp4"),
        (Ladder(), "random", {"video": "mine.py/film.gif"}, StorageFault, "there is no folder mine.py"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(mine, world, policy, more, fault, sentence):
    before = sorted(mine.iterdir())
    with pytest.raises(fault, match=sentence):
        coterie.watch(world, policy, **more)
    assert sorted(mine.iterdir()) == before


def frames_of(path) -> list[np.ndarray]:
    found = []
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")))
    return found


def test_the_first_episode_is_drawn_step_by_step(mine):
    world = Ladder(render_mode="rgb_array")
    seen = coterie.watch(world, climb, episodes=3, video="film.gif", frames=True)
    assert seen.video.path == Path("film.gif")
    assert (seen.video.frames, seen.video.stride) == (4, 1)
    assert world.drawn == 4  # of three episodes only the first
    assert [int(frame[10, 130, 0]) for frame in frames_of("film.gif")] == [0, 40, 80, 120]
    assert seen.frames.shape == (4, seen.video.height, seen.video.width, 3)
    assert sorted(path.name for path in mine.iterdir() if path.suffix != ".py") == ["film.gif"]


def test_a_word_is_made_so_that_it_draws(mine):
    seen = coterie.watch("./mine.py:make_ladder", climb, video=True)
    again = coterie.watch("./mine.py:make_ladder", climb, video=True)
    assert [one.video.path.name for one in (seen, again)] == ["mine-climb.gif", "mine-climb-2.gif"]
    assert Path("mine-climb.gif").read_bytes() == Path("mine-climb-2.gif").read_bytes()


@pytest.mark.parametrize(
    "world, why",
    [
        ("./mine.py:make_undrawn", 'the environment was made without render_mode="rgb_array", which it offers'),
        ("./mine.py:make_crowd", "the environment offers no render mode rgb_array"),
    ],
)
def test_where_nothing_can_be_drawn_it_is_played_all_the_same(mine, world, why):
    seen = coterie.watch(world, "random", video="film.gif", frames=True)
    assert (seen.note, seen.video, seen.frames) == (f"no video: {why}", None, None)
    assert seen.lengths.tolist() in ([3], [9])
    assert not Path("film.gif").exists()


def test_a_world_whose_picture_fails_half_way_is_played_to_its_end(mine):
    class Fading(Ladder):
        def render(self):
            if self.t == 2:
                raise RuntimeError("the light went out")
            return super().render()

    seen = coterie.watch(Fading(render_mode="rgb_array"), climb, video="film.gif")
    assert seen.note == "no video: RuntimeError: the light went out"
    assert seen.returns.tolist() == [ON_LADDER]
    assert not Path("film.gif").exists()


def test_what_was_played_is_not_lost_with_its_pictures(mine, monkeypatch):
    def full(path, data):
        raise StorageFault(f"{path} cannot be written: No space left on device")

    monkeypatch.setattr("coterie.showing.video.write_atomically", full)
    with pytest.raises(StorageFault, match=r"film.gif cannot be written: No space left") as caught:
        coterie.watch(Ladder(render_mode="rgb_array"), climb, video="film.gif")
    assert caught.value.run.returns.tolist() == [ON_LADDER]


def test_a_file_that_somebody_writes_meanwhile_is_not_overwritten(mine):
    def climbs(observation, agent):
        Path("film.gif").write_text("theirs")
        return climb(observation, agent)

    seen = coterie.watch(Ladder(render_mode="rgb_array"), climbs, video="film.gif")
    assert seen.video.path == Path("film-2.gif")
    assert Path("film.gif").read_text() == "theirs"


def test_the_numbers_are_the_same_with_and_without_a_video(mine):
    known = coterie.watch("mpe2:simple_spread_v3", "random", env={"N": 2}, seed=3)
    drawn = coterie.watch("mpe2:simple_spread_v3", "random", env={"N": 2}, seed=3, video="film.gif", frames=True)
    assert drawn.returns.tolist() == known.returns.tolist()
    assert (drawn.video.frames, drawn.lengths.tolist()) == (26, [25])
    assert drawn.frames[0].std() > 0
    assert known.train == "coterie train mpe2:simple_spread_v3 --env.N 2"
    assert known.to_json()["episodes"][0]["return"] == pytest.approx(known.team[0])


def test_continuous_actions_are_trained_as_they_are(mine):
    seen = coterie.watch("mpe2:simple_spread_v3", "random", env={"continuous_actions": True}, steps=3)
    assert seen.train == "coterie train mpe2:simple_spread_v3 --env.continuous-actions true"
    assert set(seen.endings[0].values()) == {"stopped"}


@pytest.mark.parametrize(
    "word, expected",
    [
        ("lbforaging:Foraging-8x8-2p-2f-coop-v3", "Foraging-8x8-2p-2f-coop-v3"),
        ("../two words.py:make_env", "two-words"),
        ("package.worlds:make_env", "worlds"),
        ("simple_spread_v3", "simple_spread_v3"),
        ("runs/first", "first"),
        (":", "environment"),
    ],
)
def test_files_are_named_after_the_world_and_who_plays(word, expected):
    assert short(word) == expected


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder of runs with one that has hardly learned."""
    folder = tmp_path_factory.mktemp("trained")
    made = coterie.train(
        "mpe2:simple_spread_v3", algorithm="iql", deep=True, seeds=2, steps=300, env={"N": 2}, name="spread",
        runs=folder / "runs", hidden=8, layers=0, environments=1, warmup=64, checks=1, pictures=False,
        reward="team-mean",
    )  # fmt: skip
    return folder, made


def test_a_run_plays_greedily_in_the_world_that_it_learned_in(trained, monkeypatch):
    folder, made = trained
    monkeypatch.chdir(folder)
    seen = coterie.watch("mpe2:simple_spread-v3", "spread", seed=1)
    assert seen.agents == ("agent_0", "agent_1")  # its own options come with it
    assert seen.env == {"N": 2}
    assert seen.words == "the greedy team of spread"
    team, environment = coterie.load("spread"), make_env("mpe2:simple_spread_v3", {"N": 2})
    observations, infos = environment.reset(seed=1)
    returns = dict.fromkeys(environment.possible_agents, 0.0)
    while environment.agents:
        observations, rewards, _, _, infos = environment.step(team.act_all(observations, infos))
        returns = {agent: value + rewards[agent] for agent, value in returns.items()}
    assert seen.returns[0].tolist() == list(returns.values())
    for policy in ("latest", "spr", made, Path("runs/spread")):
        assert coterie.watch("mpe2:simple_spread_v3", policy, seed=1).returns.tolist() == seen.returns.tolist()
    other = coterie.watch("mpe2:simple_spread_v3", "spread", seed=1, team=1)
    assert other.agents == seen.agents
    with pytest.raises(BadInput, match="seed 7: the run has seeds 0 to 1"):
        coterie.watch("mpe2:simple_spread_v3", "spread", team=7)


def test_a_run_that_does_not_know_these_agents_is_refused(trained, monkeypatch):
    monkeypatch.chdir(trained[0])
    with pytest.raises(
        BadInput,
        match=r"^the team of spread was trained on mpe2:simple_spread_v3 and knows agent_0, agent_1; here an agent is "
        r"called agent_2$",
    ):
        coterie.watch("mpe2:simple_spread_v3", "spread", env={"N": 3})
    with pytest.raises(BadInput, match="here agents are called adversary_0, adversary_1, adversary_2"):
        coterie.watch("mpe2:simple_tag_v3", "spread")
    with pytest.raises(BadInput, match=r"step 1, agent 'agent_0': the team of spread does not fit: agent_0 saw "):
        coterie.watch("mpe2:simple_spread_v3", "spread", env={"num_landmark_neighbors": 1})


PISTONS = {"n_pistons": 8, "max_cycles": 40}


def pistonball(policy, **more):
    pytest.importorskip("pymunk")
    return coterie.watch("pettingzoo:butterfly/pistonball_v6", policy, env=PISTONS, **more)


def test_a_hand_written_rule_solves_pistonball_from_pictures_and_random_play_does_not():
    ruled = pistonball(f"{RULE}:act")
    assert ruled.team[0] > 90
    assert set(ruled.endings[0].values()) == {"terminated"}
    assert pistonball("random").team[0] < 50
    assert ruled.common
    assert ruled.agents == tuple(f"piston_{number}" for number in range(8))
    assert ruled.train == ("coterie train pettingzoo:butterfly/pistonball_v6 --env.n-pistons 8 --env.max-cycles 40")


def test_a_rule_that_takes_the_wrong_side_for_the_right_one_does_not_solve_it(monkeypatch):
    """The control: mirrored, the same pistons push the ball to the wall that pays nothing."""
    from coterie.yours import read_function

    act = read_function(f"{RULE}:act")
    assert pistonball(lambda observation, agent: -act(observation, agent), steps=30).team[0] < 20


def test_pictures_of_pistonball_are_the_same_for_the_same_seed_and_do_not_disturb_it(tmp_path):
    one, two = (pistonball("random", seed=2, steps=6, frames=True) for _ in range(2))
    assert one.frames.tobytes() == two.frames.tobytes()
    assert one.returns.tobytes() == two.returns.tobytes()
    assert one.frames.shape[0] == 7
    blind = pistonball("random", seed=2, steps=6)
    assert blind.returns.tobytes() == one.returns.tobytes()
    ruled = [pistonball(f"{RULE}:act", steps=8, frames=frames).returns.tobytes() for frames in (True, False)]
    assert ruled[0] == ruled[1]


def test_two_players_take_turns_at_tictactoe(tmp_path, monkeypatch):
    pytest.importorskip("pygame")
    monkeypatch.chdir(tmp_path)
    seen = coterie.watch("pettingzoo:classic/tictactoe_v3", "random", video="game.webp", episodes=10)
    assert seen.unit == "turn"
    assert seen.returns.sum(1).tolist() == [0.0] * 10
    assert set(seen.returns.ravel().tolist()) <= {-1.0, 0.0, 1.0}
    assert ((seen.lengths >= 5) & (seen.lengths <= 9)).all()
    assert seen.video.frames == seen.lengths[0] + 1
    assert len(frames_of("game.webp")) == seen.lengths[0] + 1


def test_tuple_environments_draw_without_a_display(tmp_path):
    pytest.importorskip("lbforaging")
    seen = coterie.watch("lbforaging:Foraging-5x5-2p-1f-v3", "random", frames=True, steps=4)
    assert seen.agents == ("agent_0", "agent_1")
    if seen.note:  # where there is no display and no EGL, there is a sentence
        assert seen.note.startswith("no video: ")
    else:
        assert seen.frames.shape[0] == 5


def test_nothing_heavy_is_loaded_for_play_without_a_team(tmp_path):
    (tmp_path / "rule.py").write_text("def act(observation):\n    return 1\n")
    code = (
        "import sys, coterie\n"
        "for policy in ('random', 'idle', './rule.py:act'):\n"
        "    coterie.watch('mpe2:simple_spread_v3', policy, video=policy == 'random', steps=2)\n"
        "print(sorted({'jax', 'jaxlib', 'numba', 'scipy', 'matplotlib', 'equinox'} & set(sys.modules)))"
    )
    assert fresh(code, cwd=tmp_path).splitlines()[-1] == "[]"


def test_the_variables_that_hide_windows_are_taken_back(monkeypatch):
    import os

    before = dict(os.environ)
    coterie.watch(Ladder(), climb)
    with without_a_window():
        pass
    assert dict(os.environ) == before
