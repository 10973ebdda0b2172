"""What `check-env` finds: nothing in a sound environment, and in one for each fault just that fault."""

import random
import time
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, Text
from pettingzoo import ParallelEnv

import coterie

SECONDS = 10.0  # at most; these environments need far less


class Sound(ParallelEnv):
    """Two agents on a line are paid for being near each other; nothing is wrong with it."""

    metadata = {"name": "sound", "render_modes": []}  # noqa: RUF012

    def __init__(self, render_mode=None):
        self.possible_agents = ["left", "right"]
        self.observation_spaces = {name: Box(-1, 1, (3,), np.float32) for name in self.possible_agents}
        self.action_spaces = {name: Discrete(3) for name in self.possible_agents}
        self.max_cycles = 12
        self.render_mode = render_mode

    def observation_space(self, agent):
        return self.observation_spaces[agent]

    def action_space(self, agent):
        return self.action_spaces[agent]

    def reset(self, seed=None, options=None):
        if seed is not None or not hasattr(self, "chance"):
            self.chance = np.random.default_rng(seed)
        self.agents = self.possible_agents[:]
        self.places = self.chance.integers(0, 5, 2)
        self.first, self.steps = self.places[0], 0
        return self.sights(), self.infos()

    def step(self, actions):
        for number, name in enumerate(self.possible_agents):
            if not 0 <= actions[name] < 3:
                raise ValueError(actions[name])
            self.places[number] = np.clip(self.places[number] + actions[name] - 1, 0, 4)
        self.steps += 1
        told = self.sights(), self.rewards(), self.terminations(), self.truncations(), self.infos()
        if self.over():
            self.agents = []
        return told

    def over(self):
        return self.steps >= self.max_cycles

    def sights(self):
        return {name: self.sight(number) for number, name in enumerate(self.agents)}

    def sight(self, number):
        own, other = self.places[number], self.places[1 - number]
        return np.array([own / 4, other / 4, self.steps / 12], np.float32)

    def rewards(self):
        return dict.fromkeys(self.agents, -abs(float(self.places[0] - self.places[1])))

    def terminations(self):
        return dict.fromkeys(self.agents, False)

    def truncations(self):
        return dict.fromkeys(self.agents, self.over())

    def infos(self):
        return {name: {} for name in self.agents}

    def state(self):
        return np.array([*self.places, self.steps], np.float32)


def like_sound(**changed):
    """The sound environment, but for these attributes."""
    return type("Broken", (Sound,), changed)


def both(function):
    """A dictionary by agent from a function of the environment and an agent's number."""
    return lambda self: {name: function(self, number) for number, name in enumerate(self.agents)}


def sight(function):
    return like_sound(sight=function)


def with_space(space, function=None):
    changed = {"observation_space": lambda self, agent, space=space: space}
    return like_sound(**changed, **({"sight": function} if function else {}))


def acting(space):
    return like_sound(action_space=lambda self, agent, space=space: space)


def paid(function):
    return like_sound(rewards=both(function))


def after_step(change):
    """What a step returns, changed: `change(env, told, was)`, where `was` are the agents before it."""

    def step(self, actions):
        was = self.agents[:]
        told = Sound.step(self, actions)
        return change(self, told, was)

    return like_sound(step=step)


def edited(place, change):
    """A step whose dictionary at this place of what it returns is edited."""

    def edit(self, told, was):
        told = list(told)
        told[place] = change(self, dict(told[place]))
        return tuple(told)

    return after_step(edit)


def not_at_5(self):
    return np.nan if self.steps == 5 else 0.0


def without_right(self, told):
    told.pop("right", None)
    return told


class Dying(Sound):
    """The right one ends after five steps, in the right way."""

    def step(self, actions):
        actions = {name: actions.get(name, 1) for name in self.possible_agents}
        told = super().step(actions)
        if self.steps == 5:
            told[2]["right"] = True
            self.agents = ["left"]
        return told


class Shared(Sound):
    """Two objects have their places in common."""

    common = SimpleNamespace(places=None)

    @property
    def places(self):
        return self.common.places

    @places.setter
    def places(self, value):
        self.common.places = value


def not_reset(self, seed=None, options=None):
    kept = getattr(self, "places", None)
    told = Sound.reset(self, seed)
    if kept is not None:
        self.places = kept
        told = self.sights(), self.infos()
    return told


class Counting(Sound):
    """Every object that is made begins elsewhere, but repeats itself."""

    made = 0

    def __init__(self):
        super().__init__()
        Counting.made += 1
        self.number = Counting.made

    def reset(self, seed=None, options=None):
        super().reset(seed)
        self.places = (self.places + self.number) % 5
        return self.sights(), self.infos()


def from_numpy(seeded):
    def reset(self, seed=None, options=None):
        if seeded and seed is not None:
            np.random.seed(seed)  # noqa: NPY002
        Sound.reset(self, seed)
        self.places = np.random.randint(0, 5, 2)  # noqa: NPY002
        return self.sights(), self.infos()

    return like_sound(reset=reset)


def from_random(self, seed=None, options=None):
    Sound.reset(self, seed)
    self.places = np.array([random.randrange(5), random.randrange(5)])
    return self.sights(), self.infos()


def always_seeded(self, seed=None, options=None):
    self.chance = np.random.default_rng(0 if seed is None else seed)
    return Sound.reset(self)


def no_seed_no_reset(self, seed=None, options=None):
    if seed is None:
        raise KeyError("seed")
    return Sound.reset(self, seed)


def shallow(self, memo):
    twin = object.__new__(type(self))
    twin.__dict__.update(self.__dict__)  # the array of places stays the same array
    return twin


def taken(change):
    """Actions are checked as usual, and then others are taken."""

    def step(self, actions):
        if not all(0 <= action < 3 for action in actions.values()):
            raise ValueError(actions)
        return Sound.step(self, change(self, actions))

    return like_sound(step=step)


def by_chance(self, name):
    return 2 * int(self.chance.integers(2))


def one_buffer(self):
    """What is shown is one array a place, written again and again."""
    shown = self.__dict__.setdefault("buffers", {name: np.zeros(3, np.float32) for name in self.possible_agents})
    for number, name in enumerate(self.agents):
        shown[name][:] = self.sight(number)
    return {name: shown[name] for name in self.agents}


def masked_by(mask):
    """Masks in the infos, from a function of the environment."""
    return like_sound(infos=lambda self: {name: {"action_mask": np.asarray(mask(self))} for name in self.agents})


def hangs_later(self, actions):
    if self.steps == 7:
        time.sleep(60)
    return Sound.step(self, actions)


def raises_later(self, actions):
    if self.steps == 7:
        raise ZeroDivisionError("no floor")
    return Sound.step(self, actions)


def raises_at_once(self, seed=None, options=None):
    raise ZeroDivisionError("no floor")


def warns(self, actions):
    warnings.warn("the wheels are worn", stacklevel=1)
    return Sound.step(self, actions)


def prints(self, actions):
    print("left, right")
    return Sound.step(self, actions)


def terminates(self):
    return dict.fromkeys(self.agents, self.over())


def never(self):
    return dict.fromkeys(self.agents, False)


class Endless(Sound):
    """Goes on and on."""

    def __init__(self):
        super().__init__()
        del self.max_cycles

    def over(self):
        return False

    def sight(self, number):
        return np.array([*self.places[:: 1 - 2 * number] / 4, self.steps % 2], np.float32)


class Long(Endless):
    """Says how long it is, and nobody waits for that."""

    def __init__(self):
        super().__init__()
        self.max_cycles = 10**6


class Rare(Sound):
    """Pays in the last of a hundred steps."""

    def __init__(self):
        super().__init__()
        self.max_cycles = 100

    def sight(self, number):
        return np.array([*self.places[:: 1 - 2 * number] / 4, self.steps / 100], np.float32)

    def rewards(self):
        return dict.fromkeys(self.agents, float(self.over()))


class Unlisted(Sound):
    """Nobody is listed; the agents are there after a reset."""

    def __init__(self):
        super().__init__()
        self.everybody = self.possible_agents
        del self.possible_agents

    def reset(self, seed=None, options=None):
        self.possible_agents = self.everybody
        told = super().reset(seed)
        del self.possible_agents
        return told

    def step(self, actions):
        self.possible_agents = self.everybody
        told = super().step(actions)
        del self.possible_agents
        return told


class Renamed(Sound):
    """Two names that are printed alike."""

    def __init__(self):
        super().__init__()
        self.possible_agents = [1, "1"]
        self.observation_spaces = dict.fromkeys(self.possible_agents, self.observation_spaces["left"])
        self.action_spaces = dict.fromkeys(self.possible_agents, self.action_spaces["left"])


def told_after_death(self, told, was):
    if "right" not in was:
        told[0]["right"] = self.sight(1)
    return told


def paid_after_death(self, told, was):
    if "right" not in was:
        told[1]["right"] = -3.0
    return told


def dying_and(change):
    def step(self, actions):
        was = self.agents[:]
        return change(self, Dying.step(self, actions), was)

    return type("DyingBroken", (Dying,), {"step": step})


class Reviving(Dying):
    """The dead comes back two steps later."""

    def step(self, actions):
        told = super().step(actions)
        if self.steps == 7:
            self.agents = ["left", "right"]
            for place, value in enumerate((self.sight(1), -1.0, False, False, {})):
                told[place]["right"] = value
        return told


def vanishing(self, actions):
    told = Sound.step(self, {"right": 1, **actions})
    if self.steps == 5:
        self.agents = ["left"]
    return told


def linger(self, told, was):
    if self.steps == 5:
        self.agents = ["left", "right"]
    if self.steps > 5:
        told[1]["right"] = 0.0
    return told


class WithStranger(Sound):
    """Somebody whom nobody listed comes in the fifth step."""

    def observation_space(self, agent):
        return self.observation_spaces["left"]

    def action_space(self, agent):
        return self.action_spaces["left"]

    def step(self, actions):
        self.agents = self.possible_agents[:]
        told = super().step({name: actions[name] for name in self.possible_agents})
        if self.steps >= 5:
            self.agents = [*self.agents, "stranger"] if self.steps < 12 else []
            for place, value in enumerate((self.sight(1), -1.0, False, self.steps == 12, {})):
                told[place]["stranger"] = value
        return told


def forgets_agents(self, seed=None, options=None):
    told = Sound.reset(self, seed)
    self.agents = []
    return told


def stale(self, seed=None, options=None):
    told = Sound.reset(self, seed)
    self.agents = ["left"]
    return told


def state_that_grows(self):
    return np.zeros(3 + self.steps % 2, np.float32)


class StateAttribute(Sound):
    """What should be a method is a dictionary."""

    state = None

    def __init__(self):
        super().__init__()
        self.state = {"places": None}


class SlowReset(Sound):
    """A reset takes longer than anybody likes."""

    def reset(self, seed=None, options=None):
        time.sleep(0.01)
        return super().reset(seed)


class NoPicture(Sound):
    """Draws nothing although it was asked to."""

    metadata = {"name": "no picture", "render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self):
        super().__init__("rgb_array")

    def render(self):
        return None


BROKEN = {
    # observations
    "blind": sight(lambda self, number: np.zeros(3, np.float32)),
    "blind agent": sight(lambda self, number: Sound.sight(self, number) * (1 - number)),
    "told once": sight(
        lambda self, number: Sound.sight(self, 0) if number == 0 else np.full(3, self.first / 4, np.float32)
    ),
    "observation dtype": sight(lambda self, number: Sound.sight(self, number).astype(np.float64)),
    "observation shape": sight(lambda self, number: Sound.sight(self, number)[None]),
    "observation range": sight(lambda self, number: Sound.sight(self, number) * 1.5),
    "observation no number": sight(
        lambda self, number: Sound.sight(self, number) + np.float32(0 if self.steps != 5 else np.nan)
    ),
    "observation list": sight(lambda self, number: Sound.sight(self, number).tolist()),
    "observation kind": with_space(Discrete(5)),
    "observation part": with_space(
        Dict({"a": Box(-1, 1, (3,)), "b": Discrete(2)}), lambda self, number: {"a": Sound.sight(self, number)}
    ),
    "observation extra": with_space(
        Dict({"a": Box(-1, 1, (3,))}), lambda self, number: {"a": Sound.sight(self, number), "b": self.steps}
    ),
    "huge values": with_space(
        Box(-np.inf, np.inf, (3,)), lambda self, number: Sound.sight(self, number) * np.float32(4_000)
    ),
    "precision": with_space(
        Box(-np.inf, np.inf, (3,), np.float64),
        lambda self, number: 900 + 1e-6 * Sound.sight(self, number).astype(float),
    ),
    "constant parts": with_space(
        Box(-1, 1, (6,)), lambda self, number: np.concatenate([Sound.sight(self, number), np.zeros(3, np.float32)])
    ),
    "observation changes later": like_sound(sights=one_buffer),
    # rewards
    "no reward": paid(lambda self, number: 0.0),
    "constant reward": paid(lambda self, number: 1.0),
    "rare rewards": Rare,
    "never paid": paid(lambda self, number: -float(self.places[0]) * number),
    "reward no number": paid(lambda self, number: float("nan") if self.steps == 5 else float(self.places[0])),
    "reward type": paid(lambda self, number: np.array(float(self.places[0]))),
    "reward scale": paid(lambda self, number: 500.0 * self.places[0]),
    "unlike rewards": paid(lambda self, number: float(self.places[0]) * (20.0 if number else 0.02)),
    # masks
    "empty mask": masked_by(lambda self: [0, 0, 0] if self.steps == 5 else [1, 1, 1]),
    "mask length": masked_by(lambda self: [1, 1]),
    "mask values": masked_by(lambda self: [2, 2, 2]),
    "mask under another name": like_sound(infos=both(lambda self, number: {"legal_moves": np.array([1, 1, 0])})),
    # the central state
    "state shape": like_sound(state=state_that_grows),
    "state no number": like_sound(state=lambda self: np.array([self.steps + not_at_5(self)], np.float32)),
    "state no method": StateAttribute,
    # spaces
    "new observation space": like_sound(observation_space=lambda self, agent: Box(-1, 1, (3,), np.float32)),
    "new action space": like_sound(action_space=lambda self, agent: Discrete(3)),
    "observations of another sort": with_space(Text(8), lambda self, number: f"at{self.places[number]}x{self.steps}"),
    "names alike": Renamed,
    "possible_agents missing": Unlisted,
    # who is there, and who is told what
    "no agents": like_sound(reset=forgets_agents),
    "stale agents": like_sound(reset=stale, step=lambda self, actions: Sound.step(self, {"right": 1, **actions})),
    "unknown agent": WithStranger,
    "vanished": like_sound(step=vanishing),
    "lingering": dying_and(linger),
    "revived": Reviving,
    "ended twice": like_sound(terminations=Sound.truncations),
    "missing observation": edited(0, without_right),
    "missing reward": edited(1, without_right),
    "missing ending": edited(3, without_right),
    "missing info": edited(4, without_right),
    "info kind": edited(4, lambda self, told: dict.fromkeys(told, "fine")),
    "told the dead": dying_and(told_after_death),
    "paid the dead": dying_and(paid_after_death),
    # endings
    "step raised": like_sound(step=raises_later),
    "reset raised": like_sound(reset=raises_at_once),
    "reset returns": like_sound(reset=lambda self, seed=None, options=None: Sound.reset(self, seed)[0]),
    "step returns": like_sound(step=lambda self, actions: Sound.step(self, actions)[:4]),
    "time limit as an ending": like_sound(terminations=terminates, truncations=never),
    "endless": Endless,
    "not played to its end": Long,
    # repeating
    "not repeatable": from_numpy(seeded=False),
    "leak": like_sound(reset=not_reset),
    "fresh differs": Counting,
    "shared": Shared,
    "global chance": from_numpy(seeded=True),
    "reset without a seed": like_sound(reset=no_seed_no_reset),
    "same without a seed": like_sound(reset=always_seeded),
    "false copy": like_sound(__deepcopy__=shallow),
    # influence
    "no influence": taken(lambda self, actions: {name: by_chance(self, name) for name in actions}),
    "same actions": taken(lambda self, actions: {name: min(action, 1) for name, action in actions.items()}),
    "outside action accepted": like_sound(
        step=lambda self, actions: Sound.step(self, {name: min(action, 2) for name, action in actions.items()})
    ),
    # the rest
    "it warns": like_sound(step=warns),
    "it prints": like_sound(step=prints),
    "slow reset": SlowReset,
    "no picture": NoPicture,
}

# What a fault brings with it that is a fault, too.
ALSO = {
    "paid the dead": {"told the dead"},
    "stale agents": {"never paid"},
    "revived": {"paid the dead"},
    "missing reward": {"never paid"},
    "missing ending": {"vanished"},
    "shared": {"false copy"},
}
ERRORS = {
    "blind", "observation shape", "observation no number", "observation kind", "observation part", "constant reward",
    "reward no number", "empty mask", "mask length", "state shape", "state no number", "names alike", "no agents",
    "stale agents", "unknown agent", "vanished", "missing observation", "missing reward", "missing ending", "info kind",
    "step raised", "reset raised", "reset returns", "step returns", "not repeatable", "leak", "fresh differs", "shared",
    "reset without a seed", "no influence",
}  # fmt: skip


def checked(make, seconds=SECONDS, **more):
    """The check of what a function makes."""
    return coterie.check_env(make, seconds=seconds, **more)


def names(check):
    """What was found, but for what PettingZoo's own test says of it."""
    return {item.name for item in check.items} - {"api test"}


def unfinished(check):
    return [trial for trial in check.trials if "could not be finished" in trial.told]


@pytest.fixture(autouse=True)
def fewer_steps(monkeypatch):
    """Small environments show everything in a few episodes."""
    monkeypatch.setattr("coterie.pettingzoo.check.examine.MOST_EPISODES", 12)
    monkeypatch.setattr("coterie.pettingzoo.check.examine.ENOUGH_STEPS", 80)
    monkeypatch.setattr("coterie.pettingzoo.check.repeating.RESETS", 10)


def test_nothing_is_wrong_with_the_sound_environment():
    check = checked(Sound_)
    assert check.items == ()
    assert check.exit_code == 0
    assert {trial.passed for trial in check.trials} == {True, None}
    assert {trial.name for trial in check.trials if trial.passed is None} == {"another seed"}


def Sound_():
    return Sound()


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_found_and_no_other(name, monkeypatch):
    monkeypatch.setattr("coterie.pettingzoo.check.examine.SLOW_RESET", 0.005)
    kind = BROKEN[name]
    check = checked(lambda: kind())
    assert names(check) == {name} | ALSO.get(name, set()), [item.what for item in check.items]
    item = check.found(name)
    assert (item.severity == "error") == (name in ERRORS)
    assert check.exit_code == (3 if name in ERRORS else 0)
    assert not item.what.endswith(".")  # it is printed with one
    assert unfinished(check) == []
