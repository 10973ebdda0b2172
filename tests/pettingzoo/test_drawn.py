"""Pictures of a moment: where they come from, and why there are none."""

import os
from types import SimpleNamespace

import numpy as np
import pytest

from coterie.pettingzoo.making.drawn import NoPicture, make_drawn, picture, without_a_window
from coterie.pettingzoo.making.makers import Maker, find_maker


def world(drawn=None, **more):
    """Something that draws what it is told."""
    return SimpleNamespace(render_mode="rgb_array", render=lambda: drawn, **more)


@pytest.mark.parametrize(
    "drawn",
    [
        np.full((4, 6, 3), 7, np.uint8),
        np.full((4, 6, 4), 7, np.uint8),
        np.full((4, 6), 7, np.uint8),
        np.full((4, 6, 3), 7, np.int64),
        [np.zeros((4, 6, 3), np.uint8), np.full((4, 6, 3), 7, np.uint8)],
    ],
    ids=["as it should be", "with transparency", "grey", "wide numbers", "a list"],
)
def test_pictures_of_all_kinds_are_read(drawn):
    found = picture(world(drawn))
    assert found.dtype == np.uint8
    assert found.shape == (4, 6, 3)
    assert (found == 7).all()


@pytest.mark.parametrize(
    "one, why",
    [
        (world("text"), r"render\(\) gave str, expected uint8\[height, width, 3\]"),
        (world(np.zeros((3, 3, 3))), r"render\(\) gave float64\[3, 3, 3\]"),
        (world(), r"render\(\) gave NoneType"),
        (SimpleNamespace(render_mode=None), "the environment offers no render mode rgb_array$"),
        (
            SimpleNamespace(render_mode=None, metadata={"render_modes": ["human", "ansi"]}),
            "the environment offers no render mode rgb_array, only human, ansi$",
        ),
        (
            SimpleNamespace(render_mode=None, metadata={"render_modes": ["rgb_array"]}),
            'the environment was made without render_mode="rgb_array", which it offers',
        ),
    ],
)
def test_where_there_is_no_picture_it_is_said_why(one, why):
    with pytest.raises(NoPicture, match=why):
        picture(one)


def test_an_environment_that_cannot_draw_here_says_what_it_says():
    def render():
        raise RuntimeError("no display")

    with pytest.raises(NoPicture, match=r"^RuntimeError: no display$"):
        picture(SimpleNamespace(render_mode="rgb_array", render=render))


def test_older_environments_are_told_the_mode_each_time():
    asked = []

    def render(mode="human"):
        asked.append(mode)
        return np.zeros((2, 2, 3), np.uint8)

    assert picture(SimpleNamespace(unwrapped=SimpleNamespace(render=render))).shape == (2, 2, 3)
    assert asked == ["rgb_array"]


def test_no_window_is_opened_and_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    monkeypatch.delenv("SDL_AUDIODRIVER", raising=False)
    before = dict(os.environ)
    with without_a_window():
        assert os.environ["SDL_VIDEODRIVER"] == "x11"
        assert os.environ["SDL_AUDIODRIVER"] == "dummy"
    assert dict(os.environ) == before
    with without_a_window(window=True):
        assert dict(os.environ) == before


def test_an_environment_is_made_to_draw_where_it_can():
    word = "mpe2:simple_spread_v3"
    with without_a_window():
        environment = make_drawn(word, find_maker(word), {"N": 2})
        environment.reset(seed=0)
        assert environment.render_mode == "rgb_array"
        assert environment.possible_agents == ["agent_0", "agent_1"]
        assert picture(environment).std() > 0
        environment.close()


def test_a_maker_that_takes_no_render_mode_is_left_alone():
    made = []

    class Plain(SimpleNamespace):
        def observation_space(self, agent):
            raise AssertionError("nobody asks")

        reset = step = action_space = observation_space

        def close(self):
            made.remove(self)

    def make_env(size=3):
        made.append(Plain(size=size, metadata={"render_modes": ["rgb_array"]}, render_mode=None))
        return made[-1]

    found = make_drawn("mine", Maker(make_env, make_env), {"size": 5})
    assert found.size == 5
    assert made == [found]
