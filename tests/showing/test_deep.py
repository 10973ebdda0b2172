"""A deep run as people see it: the check that is kept is marked in its curves, and random play says what it is."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from coterie.showing.deep import curves, facts
from coterie.statistics import interquartile_interval, t_interval, wilson


def told(**changes):
    """A verdict on two seeds; the first was best at its second check, the second at its last."""
    returns = np.array([4.0, -20.0])
    plain = {
        "environment": "rendezvous",
        "algorithm": "iql",
        "seeds": (3, 4),
        "agents": 2,
        "unit": "team-mean",
        "success_word": "meet",
        "success_known": True,
        "sides": (),
        "best_step": (20, 30),
        "returns": tuple(returns),
        "success": (1.0, 0.0),
        "episodes": 320,
        "iqm": interquartile_interval(returns),
        "mean": t_interval(returns),
        "coordinated": wilson(1, 2),
        "random": -15.84,
        "random_success": 0.24,
        "idle": -20.0,
        "idle_success": 0.0,
        "idle_action": "always R",
        "optimum": 7.0,
        "objective": "undiscounted, within 20 steps",
        "exact": True,
        "relapsed": None,
        "drawn": (),
    }
    return SimpleNamespace(**{**plain, **changes})


def log(returns) -> dict[str, np.ndarray]:
    """The log of two seeds, checked after 10, 20 and 30 steps."""
    values = np.array(returns, float)
    steps = np.tile([10, 20, 30], len(values))
    return {"seed": np.repeat([3, 4], 3), "env_steps": steps, "greedy_return": values.ravel()}


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """draw(verdict, log) draws a picture and gives matplotlib's figure of it."""
    figures = []
    save = Figure.savefig

    def kept(figure, *words, **more):
        figures.append(figure)
        return save(figure, *words, **more)

    monkeypatch.setattr(Figure, "savefig", kept)

    def draw(verdict, frame):
        curves(tmp_path / "curves.png", frame, verdict)
        with Image.open(tmp_path / "curves.png") as picture:
            picture.load()
        return figures[-1]

    return draw


def rings(figure) -> list[list[float]]:
    """Where rings stand, as pairs of joint steps and return."""
    (axes,) = figure.axes
    return [place.tolist() for line in axes.lines if line.get_marker() == "o" for place in line.get_xydata()]


def test_each_seed_s_saved_check_is_marked_and_named(drawn):
    figure = drawn(told(), log([[1.0, 4.0, -20.0], [-20.0, -20.0, -19.0]]))
    assert rings(figure) == [[20.0, 4.0], [30.0, -19.0]]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "each seed's check that was saved" in labels
    assert {"random play", "exact optimum", "interquartile mean of greedy teams"} < set(labels)


def test_a_seed_without_a_check_has_no_ring(drawn):
    frozen = log([[1.0, 4.0, -20.0], [np.nan, np.nan, np.nan]])
    assert rings(drawn(told(), frozen)) == [[20.0, 4.0]]


def test_play_that_draws_its_actions_stands_beside_greedy_play_where_there_is_any():
    rows = {label: value for label, value, _ in facts(told(drawn=(3.0, 4.0)))}
    assert rows["drawn actions"] == "3.50"
    assert "drawn actions" not in {label for label, _, _ in facts(told())}


@pytest.mark.parametrize(("exact", "how"), [(True, "exact value"), (False, "mean of 80 episodes")])
def test_random_play_says_whether_its_number_is_exact(exact, how):
    rows = {label: meaning for label, _, meaning in facts(told(exact=exact, untrained=80))}
    assert rows["random play"] == f"{how}; 24.0 % meet"
    assert rows["idle play"] == f"{how}; 0.0 % meet (always R)"
