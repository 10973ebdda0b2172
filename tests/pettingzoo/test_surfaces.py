"""The common picture of agents, looked at once, against what `observe` gives each of them, bit for bit."""

import numpy as np
import pytest
from pettingzoo.utils.conversions import aec_to_parallel_wrapper
from pettingzoo.utils.wrappers import OrderEnforcingWrapper

from coterie.pettingzoo.forms.direct import Direct, fastest, on_screen, still
from coterie.pettingzoo.forms.parallel import Reads, parallel
from coterie.pettingzoo.pictures import surfaces
from coterie.pettingzoo.pictures.surfaces import CooperativePong, Pistonball, Window, pixels_of, screen_of
from coterie.settings import PictureOptions

pygame = pytest.importorskip("pygame", reason="these environments draw with pygame")


def pistons(**options):
    pistonball = pytest.importorskip("pettingzoo.butterfly.pistonball.pistonball", reason="it needs pymunk")
    options = {"continuous": False, "n_pistons": 5, "max_cycles": 30, "render_mode": "rgb_array", **options}
    return aec_to_parallel_wrapper(OrderEnforcingWrapper(pistonball.raw_env(**options)))


def paddles(**options):
    from pettingzoo.butterfly.cooperative_pong import cooperative_pong

    options = {"max_cycles": 90, "render_mode": "rgb_array", **options}
    return aec_to_parallel_wrapper(OrderEnforcingWrapper(cooperative_pong.raw_env(**options)))


def drawn_at_random(environment, draws):
    return {agent: environment.action_space(agent).sample() for agent in environment.agents}


def right_of_the_ball(environment, draws):
    """A rule that brings the ball to the left wall: pistons right of it go up, the others down."""
    ball = environment.unwrapped.ball.position[0]
    return {agent: 2 if 60 + 40 * n > ball + 10 else 0 for n, agent in enumerate(environment.possible_agents)}


def same_play(behind, screened, choose, seeds):
    """Whole episodes in both forms; everything that is told is equal. How many steps they had."""
    draws, steps = np.random.default_rng(5), []
    for agent in behind.possible_agents:
        behind.action_space(agent).seed(3)
    for seed in seeds:
        expected, found = behind.reset(seed=seed), screened.reset(seed=seed)
        compare(expected[0], found[0])
        before = []
        steps.append(0)
        while behind.agents:
            actions = choose(behind, draws)
            found = ()  # nothing is drawn while it is looked at
            expected, found = behind.step(actions), screened.step(actions)
            compare(expected[0], found[0])
            if screened.screen is not None:
                assert still(screened.screen, before, None)
            assert [dict(one) for one in expected[1:4]] == [dict(one) for one in found[1:4]]
            np.testing.assert_array_equal(behind.state(), screened.state())
            steps[-1] += 1
        found = ()
        np.testing.assert_array_equal(behind.render(), screened.raw.render())
    return steps


def compare(expected, found):
    assert list(expected) == list(found)
    for agent, picture in expected.items():
        assert found[agent].dtype == picture.dtype
        np.testing.assert_array_equal(found[agent], picture)


@pytest.mark.parametrize(
    ("make", "choose", "options"),
    [
        (pistons, drawn_at_random, {"n_pistons": 20}),
        (pistons, drawn_at_random, {"continuous": True, "n_pistons": 7}),
        (pistons, right_of_the_ball, {"n_pistons": 20, "ball_elasticity": 0.5}),
        (pistons, drawn_at_random, {"render_mode": None}),
        (paddles, drawn_at_random, {}),
        (paddles, drawn_at_random, {"cake_paddle": False, "bounce_randomness": True}),
        (paddles, drawn_at_random, {"render_mode": None, "max_cycles": 8}),
    ],
)
def test_views_of_the_common_picture_are_what_observe_gives(make, choose, options, monkeypatch):
    monkeypatch.setattr("gymnasium.logger.warn", lambda *words, **more: None)  # of rendering without a mode
    behind, below = make(**options), make(**options)
    screened = on_screen(below)
    steps = same_play(behind, screened, choose, range(2))
    assert min(steps) > 3
    if choose is right_of_the_ball:
        assert max(steps) < 30  # the ball arrived, so that its end was drawn, too
    assert "draw_pistons" not in vars(below.unwrapped)
    assert "render" not in vars(getattr(below.unwrapped, "env", below))


def test_the_screen_is_chosen_by_trial():
    assert fastest(paddles()) is on_screen
    assert fastest(pistons()) is on_screen
    assert type(parallel([paddles()]).ones[0].screen) is CooperativePong


class Shifted(CooperativePong):
    """The control: a column too far to the left and the right."""

    def __init__(self, raw):
        super().__init__(raw)
        self.windows = dict.fromkeys(self.windows, Window(0, 280, 1, 481))


class Late(CooperativePong):
    """Another: what is shown is the picture of the step before."""

    def draw(self):
        self.raw.env.__dict__.pop("render", None)


class Painted(Pistonball):
    """A third: pistons of another blue."""

    def draw_pistons(self):
        super().draw_pistons()
        surfaces.words_of(self.raw.screen)[480, 71] ^= 1


class Unmoved(CooperativePong):
    """A fourth: it does not tell where the ball has been."""

    def things(self):
        return super().things()[:-1]


class Silent(Pistonball):
    """A fifth: it tells of new pictures alone."""

    def changed(self):
        return [self.moves.whole] if self.moves.asked() == [self.moves.whole] else []


class Broken(CooperativePong):
    def hold(self):
        raise RuntimeError("no screen here")


@pytest.mark.parametrize(
    ("make", "screen"),
    [(paddles, Shifted), (paddles, Late), (paddles, Unmoved), (paddles, Broken), (pistons, Painted), (pistons, Silent)],
)
def test_a_screen_that_shows_something_else_is_not_used(make, screen, monkeypatch):
    environment = make()
    raw = environment.unwrapped
    monkeypatch.setattr(surfaces, "SCREENS", {(type(raw).__module__, type(raw).__qualname__): screen})
    assert isinstance(screen_of(raw), screen)
    assert fastest(environment) is Direct
    assert same_play(make(), Direct(environment), drawn_at_random, [3])


def test_a_screen_serves_the_class_that_it_was_written_for_alone():
    from pettingzoo.butterfly.cooperative_pong import cooperative_pong

    class Mirrored(cooperative_pong.raw_env):
        def observe(self, agent):
            return super().observe(agent)[:, ::-1]

    environment = aec_to_parallel_wrapper(OrderEnforcingWrapper(Mirrored(render_mode="rgb_array")))
    assert screen_of(environment.unwrapped) is None
    assert fastest(environment) is Direct


def test_other_surfaces_are_refused():
    with pytest.raises(ValueError, match="are kept as"):
        pixels_of(pygame.Surface((4, 4), depth=24))
    surface = pygame.Surface((3, 2))
    surface.set_at((1, 0), (10, 20, 30))
    assert pixels_of(surface)[0, 1, :3].tolist() == [30, 20, 10]


@pytest.mark.parametrize(
    "options",
    [
        {"size": "24x12", "channel": "red", "stack": 2},
        {},
        {"size": "9x7", "grey": True, "crop": "60,10,20,4", "stack": 3},
        {"size": "full", "channel": "blue", "stack": 1},
        {"size": "40x8", "channel": "all", "stack": 1},
        None,
    ],
)
@pytest.mark.parametrize("make", [pistons, paddles])
def test_worlds_show_the_same_with_a_screen_and_without(make, options, monkeypatch):
    shown = []
    for screens in (surfaces.SCREENS, {}):
        monkeypatch.setattr(surfaces, "SCREENS", screens)
        picture = None if options is None else PictureOptions(**options)
        worlds = parallel([make(max_cycles=5)], Reads(picture=picture, central=False))
        assert (worlds.ones[0].screen is None) == (not screens)
        draws, seen = np.random.default_rng(0), [worlds.reset(np.array([4])).obs[0]]
        for number in range(7):  # one episode ends among them
            agents = len(worlds.spec.agents)
            outcome, sight = worlds.step(draws.integers(3, size=(1, agents)), np.array([number]))
            seen += [outcome.next.obs[0], sight.obs[0]]
        shown.append(seen)
    assert any(one.any() for one in shown[0])
    for ours, theirs in zip(*shown, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_where_somebody_is_missing_each_is_looked_at_by_itself():
    worlds = parallel([paddles()], Reads(picture=PictureOptions(size="7x8", stack=2)))
    one, glance = worlds.ones[0], worlds.begun[0]
    worlds.reset(np.array([0]))
    before = glance.obs[0].copy()
    observations = one.environment.observe(["paddle_1"])
    glance.obs[0].fill(0)
    one.gone.add("paddle_0")
    one.write(glance, observations, {})
    assert not glance.obs[0][0].any()
    np.testing.assert_array_equal(glance.obs[0][1], before[1])
