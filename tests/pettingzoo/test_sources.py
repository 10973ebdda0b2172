"""From a word to environments: sources, the user's own functions, options, and mistakes in one sentence."""

import sys
from pathlib import Path

import numpy as np
import pytest

from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.making.sources import make_env, make_worlds

MINE = '''
import numpy as np
import pettingzoo
from gymnasium.spaces import Box, Discrete


class Painter(pettingzoo.ParallelEnv):
    """One agent sees a picture, which stays black unless it is drawn."""

    metadata = {"render_modes": ["human", "rgb_array"]}
    possible_agents = ["painter"]

    def __init__(self, size, colour, render_mode):
        self.size, self.colour, self.render_mode = size, colour, render_mode
        self.closed = False

    def observation_space(self, agent):
        return Box(0, 255, (self.size, self.size, 3), np.uint8)

    def action_space(self, agent):
        return Discrete(2)

    def picture(self):
        return np.full((self.size, self.size, 3), 200 * (self.render_mode == "rgb_array"), np.uint8)

    def reset(self, seed=None, options=None):
        self.agents = ["painter"]
        return {"painter": self.picture()}, {"painter": {}}

    def step(self, actions):
        told = {"painter": self.picture()}, {"painter": 1.0}, {"painter": False}, {"painter": True}, {"painter": {}}
        self.agents = []
        return told

    def close(self):
        self.closed = True


def make_env(size=4, colour="red", render_mode=None):
    return Painter(size, colour, render_mode)


def make_broken():
    raise RuntimeError("no paint left")


def make_number():
    return 5


not_a_function = 3
'''


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file of the user's, in the folder where the command is given."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    return "./mine.py:make_env"


@pytest.mark.parametrize("word", ["mpe2:simple_spread_v3", "mpe2:simple_spread-v3", "mpe2:simple_spread"])
def test_an_environment_of_mpe2_with_its_options(word):
    environment = make_env(word, {"N": "2", "max-cycles": "7", "local_ratio": "0.25"})
    assert environment.possible_agents == ["agent_0", "agent_1"]
    assert environment.unwrapped.max_cycles == 7
    assert environment.unwrapped.local_ratio == 0.25


@pytest.mark.parametrize("word", ["pettingzoo:classic/rps_v2", "pettingzoo:classic/rps-v2", "pettingzoo:classic/rps"])
def test_an_environment_of_pettingzoo(word):
    environment = make_env(word, {"max_cycles": 3})
    assert environment.possible_agents == ["player_0", "player_1"]
    assert environment.unwrapped.max_cycles == 3


def test_functions_by_module_and_by_file(mine, tmp_path, monkeypatch):
    assert make_env("mpe2.simple_tag_v3:parallel_env", {"num_good": 2}).possible_agents[-1] == "agent_1"
    assert make_env("mpe2.simple_tag_v3:env").possible_agents[-1] == "agent_0"  # its turns are those of a cycle
    assert make_env(mine, {"size": 6}).size == 6
    (tmp_path / "painting.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert make_env("painting:make_env").size == 4


def test_the_users_file_is_run_once_for_all_environments_and_again_for_new_ones(mine):
    path = Path("mine.py")
    path.write_text(MINE + "\nimport os\nos.mkdir('ran')\n")  # a second time it would fail
    make_worlds(mine, {}, 3)
    assert Path("ran").is_dir()
    path.write_text(MINE.replace("size=4", "size=7"))
    assert make_worlds(mine).spec.kinds[0].observation_shape == (7, 7, 3)


def test_words_become_numbers_unless_a_word_is_expected(mine):
    environment = make_env(mine, {"size": "5", "colour": "8"})
    assert (environment.size, environment.colour) == (5, "8")


def test_agents_that_see_pictures_get_drawn_ones(mine):
    drawn, black = (make_worlds(mine, options, 2) for options in ({}, {"render_mode": None}))
    assert drawn.reset(np.arange(2)).obs[0].min() == 200
    assert black.reset(np.arange(2)).obs[0].max() == 0  # who says how is heard


def test_without_a_central_state():
    assert make_worlds("mpe2:simple_spread_v3").spec.state_shape == (54,)
    worlds = make_worlds("mpe2:simple_spread_v3", central=False)
    assert worlds.spec.state_shape == (0,)
    assert worlds.reset(np.arange(1)).state.shape == (1, 0)


def test_teams_and_success():
    worlds = make_worlds("mpe2:simple_tag_v3", {}, 2, team=(0, 0, 0, 1), success=lambda infos: len(infos) == 4)
    assert worlds.spec.team == (0, 0, 0, 1)
    worlds.reset(np.arange(2))
    assert worlds.step(np.zeros((2, 4), int), np.arange(2))[0].success.all()


@pytest.mark.parametrize(
    "word, options, says",
    [
        ("mpe2:simple_spred_v3", {}, "mpe2 has no environment 'simple_spred_v3'; did you mean 'simple_spread_v3'?"),
        ("mpe2:simple_spread_v3", {"local_ration": 1}, "has no option 'local_ration'; did you mean 'local_ratio'?"),
        ("pettingzoo:classic/rpss_v2", {}, "no environment 'classic/rpss-v2'; did you mean 'classic/rps-v2'?"),
        ("lbforaging:Foraging-8x8-2p-2f-coup-v3", {}, "did you mean 'Foraging-8x8-2p-2f-coop-v3'?"),
        ("lbforaging:Foraging-8x8-2p-2f-coop-v3", {"sights": 2}, "has no option 'sights'; did you mean 'sight'?"),
        ("jumanji:Maze-v0", {}, "jumanji has no PettingZoo environments; those have pettingzoo, mpe2, magent2"),
        ("mpe2.simple_tag_v3:parallel_envs", {}, "has no function 'parallel_envs'; did you mean 'parallel_env'?"),
        ("mpe2.simple_tag_v3:parallel_env", {"num_bad": 1}, "unexpected keyword argument 'num_bad'"),
        ("no_such_place.at_all:make_env", {}, "no_such_place.at_all cannot be loaded: ModuleNotFoundError"),
        ("./mine.py:make_envy", {}, "has no function 'make_envy'; did you mean 'make_env'?"),
        ("./mine.py:make_env", {"sise": 3}, "has no option 'sise'; did you mean 'size'?"),
        ("./mine.py:make_number", {}, "made a int; expected a PettingZoo ParallelEnv"),
        ("./none.py:make_env", {}, "there is no file none.py"),
    ],
)
def test_mistakes_are_one_sentence(mine, word, options, says):
    with pytest.raises(BadInput) as told:
        make_env(word, options)
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_a_function_that_fails_is_the_environments_fault(mine):
    with pytest.raises(EnvironmentFault, match="cannot be made: RuntimeError: no paint left"):
        make_env("./mine.py:make_broken")


@pytest.mark.parametrize(
    "missing, word, extra",
    [
        ("mpe2", "mpe2:simple_spread_v3", "coterie[mpe]"),
        ("pettingzoo.butterfly.pistonball.pistonball", "pettingzoo:butterfly/pistonball_v6", "pettingzoo[butterfly]"),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(monkeypatch, missing, word, extra):
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(BadInput) as told:
        make_env(word)
    assert str(told.value).endswith(f"pip install '{extra}'")
