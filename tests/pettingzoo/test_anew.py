"""Environments that leak are made anew for each episode, and their runs go on where they stopped; others are not."""

from functools import partial

import numpy as np
import pytest

from coterie.pettingzoo.forms.anew import Anew, AnewInTurns, is_anew, leaks
from coterie.pettingzoo.forms.direct import Direct
from coterie.pettingzoo.making.sources import make_another, make_worlds
from coterie.types import Sight

FORAGING = "lbforaging:Foraging-8x8-2p-2f-coop-v3"
ZOMBIES = "pettingzoo:butterfly/knights_archers_zombies"
RULE = "import numpy as np\n\n\ndef act(observation):\n    return int(np.abs(observation).sum()) % 5\n"
MINE = '''
import sys

import numpy as np

sys.path.insert(0, FOLDER)
from table_worlds import Corridor

from pettingzoo.utils.conversions import parallel_to_aec

made, closed = [], []


class Keeps(Corridor):
    """The agents begin where the last episode ended, and a step is remembered beyond that."""

    cells = None

    def __init__(self):
        super().__init__()
        made.append(self)

    def start(self):
        return self.cells or [0, self.length - 1]

    def close(self):
        closed.append(self)


class Chance(Keeps):
    """It heeds no seed at all."""

    def reset(self, seed=None, options=None):
        return super().reset(None, options)

    def start(self):
        return [0, self.length - 1]

    def seen(self):
        return {agent: (5 * self.random.random(1)).astype(np.int32) for agent in self.agents}


def make_keeps():
    return Keeps()


def make_keeps_in_turns():
    environment = parallel_to_aec(Keeps())
    environment.metadata = dict(is_parallelizable=False)
    return environment


def make_chance():
    return Chance()


def make_corridor():
    return Corridor()
'''


@pytest.fixture
def mine(tmp_path, monkeypatch, request):
    """A file of the user's, in the folder where the command is given."""
    (tmp_path / "mine.py").write_text(MINE.replace("FOLDER", repr(str(request.path.parent))))
    monkeypatch.chdir(tmp_path)


def equal(one, other):
    for mine, others in zip(one, other, strict=True):
        for a, b in zip(*((x if isinstance(x, tuple) else (x,)) for x in (mine, others)), strict=True):
            np.testing.assert_array_equal(a, b)


def played(worlds, steps, draws):
    """Random legal play: the last sight, and how many episodes ended."""
    count, ended = len(worlds.journal.seeds), 0
    shown = worlds.reset(draws.integers(0, 2**20, count))
    for _ in range(steps):
        outcome, shown = worlds.step(chosen(worlds.spec, shown, draws), draws.integers(0, 2**20, count))
        ended += int(outcome.over.sum())
    return shown, ended


def chosen(spec, shown: Sight, draws):
    """Legal actions [E, all]."""
    actions = np.zeros((len(shown.alive), len(spec.agents)), int)
    for kind, legal in zip(spec.kinds, shown.legal, strict=True):
        actions[:, list(kind.agents)] = (draws.random(legal.shape) * legal).argmax(-1)
    return actions


@pytest.mark.parametrize("word, steps", [(FORAGING, 260), (ZOMBIES, 420)])
@pytest.mark.parametrize("workers", [0, 1])
def test_what_leaked_is_restored_and_goes_on_just_so(word, steps, workers):
    draws = np.random.default_rng(3 if word == ZOMBIES else 4)  # with which those that are not made anew fail
    first = make_worlds(word, {}, 2, workers)
    shown, ended = played(first, steps, draws)
    assert ended
    second = make_worlds(word, {}, 2, 1 - workers)
    equal(shown, second.restore(first.save()))
    for _ in range(30):
        actions, seeds = chosen(first.spec, shown, draws), draws.integers(0, 2**20, 2)
        (told, shown), (told_too, shown_too) = first.step(actions, seeds), second.step(actions, seeds)
        equal(told, told_too)
        equal(shown, shown_too)
    first.close()
    second.close()


def test_episodes_are_functions_of_their_seeds():
    """lbforaging keeps off cells where agents stood: of so many resets some would differ."""
    worlds, seeds = make_worlds(FORAGING), np.arange(100)[:, None]
    once = [np.copy(worlds.reset(seed).obs[0]) for seed in seeds]
    again = [np.copy(worlds.reset(seed).obs[0]) for seed in seeds[::-1]][::-1]
    np.testing.assert_array_equal(once, again)


def test_the_lean_form_is_driven_also_where_it_is_made_anew():
    environment = make_worlds(ZOMBIES).ones[0].environment
    assert isinstance(environment, Anew)
    assert isinstance(environment.env, Direct)
    before = environment.env
    environment.reset(seed=1)
    environment.reset(seed=2)
    assert isinstance(environment.env, Direct)
    assert environment.env is not before


@pytest.mark.parametrize("name, form", [("keeps", Anew), ("keeps_in_turns", AnewInTurns)])
def test_a_users_environment_that_keeps_its_cells_is_found(mine, name, form):
    worlds = make_worlds(f"./mine.py:make_{name}", {}, 2)
    assert isinstance(worlds.ones[1].environment, form)
    draws = np.random.default_rng(0)
    shown, ended = played(worlds, 50, draws)
    assert ended
    equal(shown, make_worlds(f"./mine.py:make_{name}", {}, 2).restore(worlds.save()))


def test_the_old_one_is_closed_before_another_is_made(mine):
    environment = make_worlds("./mine.py:make_keeps").ones[0].environment
    made, closed = (type(environment.env).__init__.__globals__[name] for name in ("made", "closed"))
    environment.reset(seed=0)
    del made[:], closed[:]
    old = environment.env
    environment.reset(seed=1)
    assert (closed, made) == ([old], [environment.env])


@pytest.mark.parametrize("name", ["corridor", "chance"])
def test_who_does_not_leak_or_would_not_repeat_itself_anyway_is_left_alone(mine, name):
    assert not is_anew(make_worlds(f"./mine.py:make_{name}").ones[0].environment)


@pytest.mark.parametrize(
    "word", ["mpe2:simple_spread_v3", "rware:rware-tiny-2ag-v2", "pettingzoo:classic/tictactoe", "magent2:battle_v4"]
)
def test_environments_that_do_not_leak_are_left_alone(word):
    assert not leaks(partial(make_another, word, {}, {}))


def test_rules_act_in_an_environment_that_is_made_anew(tmp_path):
    (tmp_path / "rule.py").write_text(RULE)
    rules = {"agent_0": f"{tmp_path / 'rule.py'}:act"}
    here, there = (make_worlds(FORAGING, {}, 2, workers, rules=rules) for workers in (0, 1))
    (shown, _), (shown_too, _) = (played(worlds, 120, np.random.default_rng(1)) for worlds in (here, there))
    equal(shown, shown_too)
    number = here.spec.agents.index("agent_0")
    assert (here.acted(np.full((2, 2), 5))[:, number] != 5).all()  # the rule's, whatever is said
    equal(shown, make_worlds(FORAGING, {}, 2, rules=rules).restore(there.save()))
    there.close()


def test_a_worker_that_is_lost_plays_its_episodes_again():
    told: list[str] = []
    here, there = make_worlds(FORAGING, {}, 2), make_worlds(FORAGING, {}, 2, 1, on_restart=told.append)
    draws = np.random.default_rng(5), np.random.default_rng(5)
    for worlds, chance in zip((here, there), draws, strict=True):
        played(worlds, 120, chance)
    there.hands[0].process.kill()
    shown = [
        worlds.step(np.ones((2, 2), int), chance.integers(0, 2**20, 2))[1]
        for worlds, chance in zip((here, there), draws, strict=True)
    ]
    assert len(told) == 1
    equal(*shown)
    there.close()
