"""Pictures made small: averages against a slow oracle, lenses from options, stacks, and what a loaded team sees."""

import tomllib
from functools import partial

import jax
import numpy as np
import pettingzoo
import pytest
from gymnasium.spaces import Box, Discrete
from hypothesis import given, settings
from hypothesis import strategies as st

import coterie
from coterie.algorithms.qlearning import Policy
from coterie.errors import BadInput, EnvironmentFault, StorageFault
from coterie.pettingzoo.forms.parallel import Reads, parallel
from coterie.pettingzoo.forms.turns import turns
from coterie.pettingzoo.making.sources import make_worlds
from coterie.pettingzoo.pictures.lenses import Lens, Stack, averaged, bins, fitted, lens_for, small, words
from coterie.running.checkpoint import load_checkpoint
from coterie.running.deep.playing import check_seeds, outside_play
from coterie.running.deep.team import DeepTeam
from coterie.running.episodes import read_recording
from coterie.running.recorder import write_config
from coterie.running.rollout import act_at
from coterie.settings import UNTOUCHED, PictureOptions, check_pictures
from coterie.workflow.deep.opening import open_plan
from coterie.workflow.deep.plan import deep_plan, planned_deep
from coterie.workflow.deep.saving import checked_facts
from coterie.workflow.deep.seeing import seen_through

SCREEN = Box(0, 255, (457, 120, 3), np.uint8)


# Averaging


def oracle(lens, picture):
    """Every pixel as h x w equal ones, so that small pixels lie over whole ones; then plain means, rounded at half."""
    top, bottom, left, right = lens.part
    (high, wide), cut = lens.size, picture.reshape(*picture.shape[:2], -1)[top:bottom, left:right].astype(object)
    rows, columns = cut.shape[:2]
    fine = cut.repeat(high, 0).repeat(wide, 1)[..., list(lens.channels)]
    if lens.grey:
        fine = (fine * np.array([77, 150, 29], object)).sum(-1, keepdims=True)
    total = fine.reshape(high, rows, wide, columns, -1).sum(3).sum(1)
    count = rows * columns * (256 if lens.grey else 1)
    return np.array([(2 * int(one) + count) // (2 * count) for one in total.ravel()]).reshape(total.shape)


@st.composite
def lenses(draw):
    shape = draw(st.integers(1, 30)), draw(st.integers(1, 30)), draw(st.sampled_from([1, 2, 3, 4]))
    top, left = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
    bottom, right = draw(st.integers(top + 1, shape[0])), draw(st.integers(left + 1, shape[1]))
    size = draw(st.integers(1, bottom - top)), draw(st.integers(1, right - left))
    grey = shape[2] >= 3 and draw(st.booleans())
    channels = (0, 1, 2) if grey else draw(st.sampled_from([tuple(range(shape[2])), (shape[2] - 1,)]))
    return Lens(shape, (top, bottom, left, right), size, channels, grey)


@given(lenses(), st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=150, deadline=None)
def test_averages_are_those_of_a_slow_oracle(lens, seed, bright):
    chance = np.random.default_rng(seed)
    picture = np.full(lens.shape, 255, np.uint8) if bright else chance.integers(0, 256, lens.shape, np.uint8)
    found = small(lens, picture)
    assert found.dtype == np.uint8
    assert found.shape == lens.frame
    np.testing.assert_array_equal(found, oracle(lens, picture))


def test_bins_of_more_rows_than_one_sum_has_room_for():
    picture = np.random.default_rng(0).integers(0, 256, (1100, 5, 3), np.uint8)
    for size in ((1, 2), (2, 1), (3, 5)):
        lens = Lens(picture.shape, (0, 1100, 0, 5), size, (0, 1, 2))
        np.testing.assert_array_equal(small(lens, picture), oracle(lens, picture))
    white = np.full((1100, 5, 3), 255, np.uint8)
    assert (small(Lens(white.shape, (0, 1100, 0, 5), (1, 1), (0,)), white) == 255).all()


def test_closed_forms():
    checks = np.array([[0, 255], [255, 0]], np.uint8)
    assert small(Lens((2, 2), (0, 2, 0, 2), (1, 1), (0,)), checks).item() == 128  # 127.5, up at half
    ramp = np.arange(9, dtype=np.uint8).reshape(3, 3)
    halves = small(Lens((3, 3), (0, 3, 0, 3), (2, 2), (0,)), ramp)[..., 0]
    # rows weigh 2/3 and 1/3, columns too: 0 * 4/9 + 1 * 2/9 + 3 * 2/9 + 4 * 1/9 = 12/9
    np.testing.assert_array_equal(halves, [[1, 3], [5, 7]])
    assert small(Lens((1, 1, 3), (0, 1, 0, 1), (1, 1), (0, 1, 2), grey=True), np.full((1, 1, 3), 255, np.uint8)) == 255


@given(st.integers(1, 400), st.data())
@settings(max_examples=60, deadline=None)
def test_every_row_is_shared_out_wholly(size, data):
    count = data.draw(st.integers(1, size))
    first = data.draw(st.integers(0, count - 1))
    last = data.draw(st.integers(first + 1, count))
    whole, some = shares_of(size, count, 0, count), shares_of(size, count, first, last)
    assert (whole >= 0).all()
    assert (whole.sum(0) == count).all()
    assert (whole.sum(1) == size).all()
    np.testing.assert_array_equal(some, whole[first:last])


def shares_of(size, count, first, last):
    """How much of each row lies in each bin, [bins, rows]."""
    cut, shares = bins(size, count, first, last), np.zeros((last - first, size), int)
    heads = [*(cut.heads or range(last - first)), len(cut.pieces)]
    for one in range(last - first):
        for begin, end in cut.pieces[heads[one] : heads[one + 1]]:
            shares[one, begin:end] += count
        for edge, share in zip(cut.edges[:, one], cut.shares[:, one, 0], strict=True):
            shares[one, edge] += share
    return shares


def test_windows_of_one_picture_are_averaged_as_each_by_itself():
    picture = np.random.default_rng(1).integers(0, 256, (23, 50, 4), np.uint8)
    lens = Lens((23, 11, 3), (0, 23, 0, 11), (6, 4), (0, 1, 2), grey=True)
    lefts = np.array([0, 7, 39, 7])
    found = averaged(lens, picture, (2, 1, 0), lefts)
    alone = [small(lens, np.ascontiguousarray(picture[:, left : left + 11, 2::-1])) for left in lefts]
    np.testing.assert_array_equal(found, alone)


def test_pictures_that_lie_askew_in_memory():
    picture = np.random.default_rng(2).integers(0, 256, (12, 31, 3), np.uint8)
    lens = Lens((31, 12, 3), (0, 31, 0, 12), (7, 5), (1,))
    askew = np.fliplr(np.rot90(picture, k=3))
    assert not askew.flags.c_contiguous
    np.testing.assert_array_equal(small(lens, askew), oracle(lens, askew))


@pytest.mark.parametrize("other", [np.zeros((4, 4, 3), np.uint8), np.zeros((457, 120, 3), np.float32), 7])
def test_another_picture_than_was_promised_is_a_fault(other):
    lens = lens_for(SCREEN, PictureOptions())
    with pytest.raises(EnvironmentFault, match=r"expected uint8\[457, 120, 3\]"):
        small(lens, other)


# Lenses


def test_screens_are_made_small_grey_and_shown_by_twos():
    assert lens_for(SCREEN, PictureOptions()) == Lens(SCREEN.shape, (0, 457, 0, 120), (76, 20), (0, 1, 2), True, 2)
    assert lens_for(Box(0, 255, (280, 480, 3), np.uint8), PictureOptions()).shown == (47, 80, 2)
    assert lens_for(Box(0, 255, (85, 3), np.uint8), PictureOptions()).shown == (43, 2, 2)


def test_a_large_board_is_no_screen():
    assert lens_for(Box(0, 5, (100, 100), np.uint8), PictureOptions()) is None
    assert lens_for(Box(0, 5, (100, 100), np.uint8), PictureOptions(size="50x50")).shown == (50, 50, 1)


@pytest.mark.parametrize("shape", [(84, 84, 3), (7, 7, 3), (5, 9), (1, 1, 12)])
def test_small_pictures_stay_as_they_are(shape):
    assert lens_for(Box(0, 255, shape, np.uint8), PictureOptions()) is None


@pytest.mark.parametrize("space", [Box(0, 1, (90, 90, 3), np.float32), Box(0, 255, (90,), np.uint8), Discrete(300)])
def test_what_is_no_picture_of_bytes_has_no_lens(space):
    assert lens_for(space, PictureOptions(stack=3)) is None


def test_untouched_pictures_stay_as_they_are():
    assert lens_for(SCREEN, UNTOUCHED) is None


@pytest.mark.parametrize(
    ("options", "shown", "told"),
    [
        ({"size": "24x12", "channel": "red"}, (24, 12, 2), "24x12x2, red, of 457x120x3"),
        ({"size": "24X12", "grey": True, "stack": 3}, (24, 12, 3), "24x12x3, grey, of 457x120x3"),
        ({"size": "full", "channel": "all", "stack": 2}, (457, 120, 6), "457x120x6, of 457x120x3"),
        ({"crop": "57, 0, 40, 40", "size": "4x4", "channel": "all", "stack": 1}, (4, 4, 3),
         "4x4x3, rows 57-457, columns 40-80 of 457x120x3"),
        ({"crop": "400,0,60,0"}, (57, 60, 2), "57x60x2, grey, rows 400-457, columns 60-120 of 457x120x3"),
    ],
)  # fmt: skip
def test_options_and_what_is_told_of_them(options, shown, told):
    lens = lens_for(SCREEN, PictureOptions(**options))
    assert lens.shown == shown
    assert words(lens) == told


def test_a_fitted_picture_keeps_its_form():
    assert fitted(457, 120) == (76, 20)
    assert fitted(84, 84) == (84, 84)
    assert fitted(85, 1) == (43, 1)
    for rows in range(1, 700, 13):
        assert max(fitted(rows, 500)) <= 84


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"size": "24*12"},
            "24.12: expected rows x columns, like 24x12, coarse, or full; did you mean 24x12?",
        ),
        ({"size": "32"}, "did you mean 32x32?"),
        ({"size": "0x3"}, "--picture.size 0x3: expected rows"),
        ({"crop": "9"}, "did you mean 9,9,9,9?"),
        ({"crop": "1,2,3,-4"}, "expected pixels, as top,bottom,left,right"),
        ({"stack": -1}, "--picture.stack -1: expected 1 to 16"),
        ({"grey": True, "channel": "red"}, "choose one of them"),
    ],
)
def test_words_that_mean_nothing(options, message):
    with pytest.raises(BadInput) as told:
        check_pictures(PictureOptions(**options))
    assert message.replace("24.12", "24*12") in str(told.value)


@pytest.mark.parametrize(
    ("space", "options", "message"),
    [
        (SCREEN, {"size": "458x3"}, "--picture.size 458x3: expected at most 457x120, what is there"),
        (
            SCREEN,
            {"size": "58x3", "crop": "200,200,0,0"},
            "expected at most 57x120, what is there after --picture.crop",
        ),
        (SCREEN, {"crop": "400,57,0,0"}, "nothing would be left of a picture of 457x120x3"),
        (Box(0, 255, (9, 9), np.uint8), {"channel": "red"}, "a picture of 9x9 has no colours"),
        (Box(0, 255, (9, 9, 2), np.uint8), {"grey": True}, "a picture of 9x9x2 has no colours"),
    ],
)
def test_options_that_do_not_fit_a_picture(space, options, message):
    with pytest.raises(BadInput, match=message):
        lens_for(space, PictureOptions(**options))


# Stacks


def test_a_stack_begins_with_its_first_picture_and_keeps_the_last_ones():
    lens = Lens((1, 1, 3), (0, 1, 0, 1), (1, 1), (0, 1, 2), stack=3)
    stack, all_of_them = Stack(lens, 2), slice(None)
    frame = lambda *values: np.array(values, np.uint8).reshape(-1, 1, 1, 3)  # noqa: E731
    now = [stack.add(frame([n, n + 1, n + 2], [9, 9, n]), all_of_them).copy() for n in (0, 10, 20, 30)]
    assert now[0][0].ravel().tolist() == [0, 1, 2] * 3
    assert now[1][0].ravel().tolist() == [0, 1, 2, 0, 1, 2, 10, 11, 12]
    assert now[3][0].ravel().tolist() == [10, 11, 12, 20, 21, 22, 30, 31, 32]
    assert now[3][1].ravel().tolist() == [9, 9, 10, 9, 9, 20, 9, 9, 30]
    stack.forget(1)
    after = stack.add(frame([5, 5, 5], [6, 6, 6]), all_of_them)
    assert after[0].ravel().tolist() == [20, 21, 22, 30, 31, 32, 5, 5, 5]
    assert after[1].ravel().tolist() == [6] * 9
    stack.begin()
    assert stack.add(frame([7, 7, 7]), slice(0, 1)).ravel().tolist() == [7] * 9


ENVIRONMENT = '''
import numpy as np
import pettingzoo
from gymnasium.spaces import Box, Discrete


class Lamps(pettingzoo.ParallelEnv):
    """Two kinds of agents see pictures of chance; 'short' ends after 3 steps, all after 6. The square left is right."""

    metadata = {"name": "lamps_v0", "render_modes": []}
    possible_agents = ["a", "short", "b"]

    def observation_space(self, agent):
        return Box(0, 255, (10, 7, 3) if agent != "b" else (90, 100), np.uint8)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.chance, self.steps, self.agents = np.random.default_rng(seed), 0, self.possible_agents[:]
        return self.seen(), {agent: {} for agent in self.agents}

    def seen(self):
        told = {}
        for agent in self.agents:
            told[agent] = self.chance.integers(0, 100, self.observation_space(agent).shape, np.uint8)
            told[agent][:3, :3] += np.uint8(150 * (self.steps % 2))
        return told

    def step(self, actions):
        rewards = {agent: float(action == self.steps % 2) for agent, action in actions.items()}
        self.steps += 1
        told, present = self.seen(), self.agents
        ended = {agent: agent == "short" and self.steps == 3 for agent in present}
        cut = {agent: self.steps == 6 for agent in present}
        self.agents = [agent for agent in present if not (ended[agent] or cut[agent])]
        return told, rewards, ended, cut, {agent: {} for agent in present}


def make_env():
    return Lamps()
'''
OPTIONS = {"size": "5x3", "grey": True, "stack": 2}


@pytest.fixture(scope="module")
def word(tmp_path_factory):
    path = tmp_path_factory.mktemp("lamps") / "lamps.py"
    path.write_text(ENVIRONMENT)
    return f"{path}:make_env"


def play(worlds, steps, environments, sight=None):
    """Random play: what is shown after each step, and the outcomes' successors."""
    draws = np.random.default_rng(4)
    shown = [worlds.reset(np.arange(environments)) if sight is None else sight]
    for number in range(steps):
        actions = draws.integers(2, size=(environments, 3)).astype(np.int32)
        outcome, sight = worlds.step(actions, np.arange(environments) + 50 + number)
        shown += [outcome.next, sight]
    return shown


def test_worlds_show_what_the_lenses_and_stacks_make(word):
    worlds = make_worlds(word, environments=2, picture=PictureOptions(**OPTIONS))
    assert [(kind.observation_shape, kind.observation_dtype) for kind in worlds.spec.kinds] == [
        ((5, 3, 2), "uint8"), ((5, 3, 2), "uint8"),
    ]  # fmt: skip
    assert [kind.observation_high for kind in worlds.spec.kinds] == [255, 255]
    plain = make_worlds(word, environments=2)
    ours, raw = play(worlds, 9, 2), play(plain, 9, 2)
    lenses_of = [layout.lens for layout in worlds.ones[0].reading.layouts]
    before: dict = {}
    for number, (mine, theirs) in enumerate(zip(ours, raw, strict=True)):
        if number % 2 == 0 and number:
            continue  # shown after a step: its successor, or an episode's beginning
        for world in range(2):
            for k in range(2):
                for agent in range(theirs.obs[k].shape[1]):
                    there = theirs.alive[world, worlds.spec.kinds[k].agents[agent]]
                    seen = theirs.obs[k][world, agent]
                    if not seen.any():
                        assert not mine.obs[k][world, agent].any()
                        continue
                    frame = oracle(lenses_of[k], seen)
                    old = before.get((world, k, agent), frame)
                    np.testing.assert_array_equal(mine.obs[k][world, agent], np.concatenate([old, frame], -1))
                    before[world, k, agent] = frame
                    if not there:
                        del before[world, k, agent]
        if number and not theirs.alive.any(-1).all():
            break
    assert number == 11  # six steps: all have ended, and nothing was left out on the way


def test_stacks_are_built_again_where_an_episode_is_played_again(word):
    picture = PictureOptions(**OPTIONS)
    worlds = make_worlds(word, environments=2, picture=picture)
    play(worlds, 4, 2)
    saved = worlds.save()
    other = make_worlds(word, environments=2, picture=picture)
    restored = other.restore(saved)
    assert restored.obs[0][0, 0].any()
    one, two = play(worlds, 5, 2, sight=restored), play(other, 5, 2, sight=restored)
    for mine, theirs in zip(one, two, strict=True):
        for a, b in zip(mine.obs, theirs.obs, strict=True):
            np.testing.assert_array_equal(a, b)


def test_workers_show_the_same(word):
    picture = PictureOptions(**OPTIONS)
    here = make_worlds(word, environments=3, picture=picture)
    there = make_worlds(word, environments=3, workers=2, picture=picture)
    try:
        assert there.spec == here.spec
        for mine, theirs in zip(play(here, 8, 3), play(there, 8, 3), strict=True):
            for a, b in zip(mine.obs, theirs.obs, strict=True):
                np.testing.assert_array_equal(a, b)
    finally:
        there.close()


class Turns(pettingzoo.AECEnv):
    """Two agents see the number of the turn, in turn."""

    def __init__(self):
        self.metadata = {"name": "turns_v0"}
        self.render_mode = None
        self.possible_agents = ["first", "second"]

    def observation_space(self, agent):
        return Box(0, 255, (2, 2), np.uint8)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.agents, self.turn, self.agent_selection = self.possible_agents[:], 0, "first"
        self.rewards = self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {agent: {} for agent in self.agents}

    def observe(self, agent):
        return np.full((2, 2), self.turn, np.uint8)

    def step(self, action):
        self.turn += 1
        self.agent_selection = self.possible_agents[self.turn % 2]


def test_in_turns_a_stack_holds_what_the_agent_saw_at_its_own_turns():
    worlds = turns([Turns()], Reads(picture=PictureOptions(stack=2)))
    assert worlds.spec.kinds[0].observation_shape == (2, 2, 2)
    sight = worlds.reset(np.array([0]))
    told = [sight.obs[0][0, :, 0, 0].tolist()]
    for _ in range(4):
        _, sight = worlds.step(np.zeros((1, 2), np.int32), np.array([0]))
        told.append(sight.obs[0][0, :, 0, 0].tolist())
    assert told == [[[0, 0], [0, 0]], [[0, 0], [1, 1]], [[0, 2], [0, 0]], [[0, 0], [1, 3]], [[2, 4], [0, 0]]]


class Crowd(pettingzoo.ParallelEnv):
    """One agent at a time, with a new name every two steps, sees the number of the step."""

    def __init__(self):
        self.metadata = {"name": "crowd_v0"}

    def observation_space(self, agent):
        return Box(0, 255, (1, 1, 1), np.uint8)

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, seed=None, options=None):
        self.steps, self.agents = 0, ["agent 0"]
        return {"agent 0": np.zeros((1, 1, 1), np.uint8)}, {}

    def step(self, actions):
        self.steps += 1
        (name,) = self.agents
        told, ended = {name: np.full((1, 1, 1), self.steps, np.uint8)}, {name: self.steps % 2 == 0}
        if ended[name]:
            self.agents = [f"agent {self.steps}"] if self.steps < 6 else []
            told |= dict.fromkeys(self.agents, told[name])
        return told, {name: 1.0}, ended, {name: False}, {}


def test_who_is_born_has_seen_nothing():
    worlds = parallel([Crowd()], Reads(picture=PictureOptions(stack=2), slots=2))
    worlds.reset(np.array([0]))
    told = []
    for _ in range(4):
        outcome, _ = worlds.step(np.zeros((1, 2), np.int32), np.array([0]))
        told.append(outcome.next.obs[0][0, :, 0, 0].tolist())
    # 0 sees the steps 0, 1, 2; 2 is born into the other place and sees 2, 3, 4; 4 takes the first place again
    assert told == [[[0, 1], [0, 0]], [[1, 2], [2, 2]], [[0, 0], [2, 3]], [[4, 4], [3, 4]]]


# Runs

SMALL = {
    "algorithm": "iql", "steps": 240, "seeds": 1, "checks": 1, "environments": 4, "rows": 3, "batch": 8, "hidden": 8,
    "layers": 1, "warmup": 24, "replay": 240, "check_episodes": 4, "final_episodes": 4, "pictures": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def run(word, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return coterie.train(word, runs=runs, name="lamps", picture=OPTIONS, **SMALL)


def test_what_is_shown_is_kept_with_the_run_and_told(word, run):
    assert planned_deep(run.folder).picture == PictureOptions(**OPTIONS)
    opened = open_plan(planned_deep(run.folder))
    assert seen_through(opened) == ["2 agents see 5x3x2, grey, of 10x7x3", "1 agent sees 5x3x2, of 90x100"]
    assert read_recording(run.folder / "episodes" / "greedy.jsonl").plays[0].observations == ()


class Watched(DeepTeam):
    """A team that tells what its networks are shown."""

    def _shown(self, layout, agent, seen):
        self.told = super()._shown(layout, agent, seen).copy()
        return self.told


class Forgetful(Watched):
    """The control: it sees every picture as if it were the first."""

    def _shown(self, layout, agent, seen):
        self._stacks.pop(agent, None)
        return super()._shown(layout, agent, seen)


def team_of(form, run):
    """The run's team in another form."""
    own = run.team
    return form(own.spec, own._players, own.seed, own._layouts)


def apart(word, run, team, episodes=6):
    """How often a team that acts alone, on pictures as they are, is shown or does what the trainer would not: shares.

    The trainer's greedy play is recorded first, then played again; the actions that it would take are those that are
    taken, so that a team that errs sees the same episodes.
    """
    opened, told, pictures, actions = open_plan(planned_deep(run.folder)), [], [], []
    act = jax.jit(partial(act_at, opened.algorithm, "greedy"))
    worlds = make_worlds(word, environments=episodes, picture=PictureOptions(**OPTIONS))
    keep = lambda sight, action, outcome: told.append((sight, action))  # noqa: E731
    policy = Policy(tuple(one.parameters for one in run.team._players), np.float32(0))
    outside_play(act, opened.algorithm.memory, worlds, 0, policy, 3, episodes, 20, keep)
    env, spec = make_worlds(word).ones[0].environment, worlds.spec
    for place, seed in enumerate(np.asarray(check_seeds(np.uint32(0), np.uint32(3), episodes)).tolist()):
        team.reset()
        observations, _ = env.reset(seed=seed)
        for sight, wanted in told:
            if not env.agents:
                break
            assert [spec.agents[number] for number in np.flatnonzero(sight.alive[place])] == env.agents
            taken = {}
            for agent in env.agents:
                number = spec.agents.index(agent)
                k = next(k for k, kind in enumerate(spec.kinds) if number in kind.agents)
                taken[agent] = int(wanted[place, number])
                actions.append(team.act(agent, observations[agent]) != taken[agent])
                pictures.append(
                    team.told.tobytes() != sight.obs[k][place, spec.kinds[k].agents.index(number)].tobytes()
                )
            observations, *_ = env.step(taken)
    assert len(actions) == episodes * (3 + 6 + 6)
    return np.mean(pictures), np.mean(actions)


def test_a_loaded_team_does_what_the_trainer_would_on_pictures_as_they_are(word, run):
    assert apart(word, run, team_of(Watched, run)) == (0, 0)
    shown, _ = apart(word, run, team_of(Forgetful, run))
    assert shown == 1 - 6 * 3 / (6 * 15)  # it is right about the first picture of each episode alone


def test_runs_of_before_there_was_a_choice_see_pictures_as_they_are(run, tmp_path):
    config = tomllib.loads((run.folder / "config.toml").read_text())
    assert config.pop("picture")["size"] == "5x3"
    write_config(tmp_path, config)
    before = planned_deep(tmp_path)
    assert before.picture == UNTOUCHED
    _, facts = load_checkpoint(run.folder, ("policy",))
    settings_before = {name: value for name, value in facts["settings"].items() if name != "picture"}
    assert checked_facts(tmp_path, before, {**facts, "settings": settings_before}).settings == settings_before
    with pytest.raises(StorageFault, match=r"was saved with picture.channel = None, and its config.toml says ''"):
        checked_facts(tmp_path, planned_deep(run.folder), {**facts, "settings": settings_before})


def test_a_saved_run_that_was_shown_other_pictures_plays_no_team(word, run):
    asked = {"algorithm": None, "teams": ["b=lamps", "rest=iql"], "runs": str(run.folder.parent)}
    with pytest.raises(BadInput, match=r"with --picture.size 5x3 --picture.grey --picture.stack 2, and"):
        open_plan(deep_plan(word, picture={**OPTIONS, "size": "4x3"}, **asked))
    assert open_plan(deep_plan(word, picture=OPTIONS, **asked)).teams


def test_pictures_are_asked_for_where_there_are_some(word):
    with pytest.raises(BadInput, match=r"no agent of .* sees pictures of bytes; they see Discrete"):
        parallel([Blind()], Reads(picture=PictureOptions(grey=True)))
    assert parallel([Blind()], Reads(picture=PictureOptions())).spec.kinds[0].observation_shape == ()
    with pytest.raises(BadInput, match="the agents of rendezvous see no pictures"):
        deep_plan("rendezvous", picture={"size": "3x3"})
    assert deep_plan("rendezvous").picture is None
    with pytest.raises(BadInput, match="there is no option of pictures 'sise'; did you mean 'size'"):
        deep_plan(word, picture={"sise": "3x3"})


class Blind(Crowd):
    def observation_space(self, agent):
        return Discrete(3)

    possible_agents = ("agent 0",)


def test_a_replay_that_does_not_fit_says_what_pictures_need(word):
    chosen = deep_plan(word, algorithm="iql", picture={"stack": 6}, learner={"replay": 100_000})
    with pytest.raises(BadInput, match=r"--replay 100000 needs .* fits is \d+; each step keeps 45x50x6 bytes"):
        open_plan(chosen, memory=2**30)
