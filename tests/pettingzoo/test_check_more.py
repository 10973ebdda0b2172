"""Turns, facts, words, hangs and real environments: what `check-env` says of each."""

import dataclasses
import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils import AgentSelector, wrappers
from small_runs import next_commands

import coterie
from coterie.errors import BadInput, EnvironmentFault
from coterie.pettingzoo.check.facts import facts_of
from coterie.pettingzoo.check.items import Item, Trial, in_order
from coterie.pettingzoo.check.playing import Subject, at_random, play
from coterie.pettingzoo.check.rewards import reward_facts
from coterie.pettingzoo.making.sources import make_env
from coterie.showing.terminal import plain_text

SHORT = 5.0  # seconds at most; small environments need far less


class Nim(AECEnv):
    """Two take one to three of nine sticks in turn; who takes the last one wins. Nothing is wrong with it."""

    metadata = {"name": "nim", "render_modes": [], "is_parallelizable": False}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.possible_agents = ["first", "second"]
        space = Dict({"observation": Box(0, 9, (1,), np.int8), "action_mask": Box(0, 1, (3,), np.int8)})
        self.observation_spaces = dict.fromkeys(self.possible_agents, space)
        self.action_spaces = {name: Discrete(3) for name in self.possible_agents}

    def observation_space(self, agent):
        return self.observation_spaces[agent]

    def action_space(self, agent):
        return self.action_spaces[agent]

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.chance = np.random.default_rng(seed)
        self.agents = self.possible_agents[:]
        self.sticks = 5 + int(self.chance.integers(5))
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self.terminations = dict.fromkeys(self.agents, False)
        self.truncations = dict.fromkeys(self.agents, False)
        self.infos = {name: {} for name in self.agents}
        self.order = AgentSelector(self.agents)
        self.agent_selection = self.order.next()

    def observe(self, agent):
        mask = np.array([take <= self.sticks for take in (1, 2, 3)], np.int8)
        return {"observation": np.array([self.sticks], np.int8), "action_mask": mask}

    def step(self, action):
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        if not 0 <= action < min(3, self.sticks):
            raise ValueError(action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        self.sticks -= action + 1
        if self.sticks == 0:
            self.pay(agent)
            self.terminations = dict.fromkeys(self.agents, True)
        self.agent_selection = self.order.next()
        self._accumulate_rewards()

    def pay(self, winner):
        self.rewards = {name: 1.0 if name == winner else -1.0 for name in self.agents}


class NeverCleared(Nim):
    """Forgets to clear what was paid: a small reward for each move is paid again and again."""

    def _clear_rewards(self):
        self.rewards[self.agent_selection] = 0.5

    def step(self, action):
        kept = dict(self._cumulative_rewards)
        super().step(action)
        for name in self.agents:
            self._cumulative_rewards[name] += kept.get(name, 0.0)


class EndsWhenIllegal(Nim):
    """What the mask forbids loses the game."""

    def step(self, action):
        if action is not None and self.sticks <= action < 3:
            self.rewards = {name: -1.0 if name == self.agent_selection else 0.0 for name in self.agents}
            self.terminations = dict.fromkeys(self.agents, True)
            self.agent_selection = self.order.next()
            return
        super().step(action)


class Unselected(Nim):
    """Says that it is the turn of somebody who is not there."""

    def step(self, action):
        super().step(action)
        if self.agents and self.sticks < 4:
            self.agent_selection = "nobody"


def names(check):
    return {item.name for item in check.items} - {"api test"}


def checked(kind, seconds=SHORT):
    return coterie.check_env(lambda: kind(), seconds=seconds)


@pytest.fixture(autouse=True)
def fewer_steps(monkeypatch):
    """Small environments show everything in a few episodes."""
    monkeypatch.setattr("coterie.pettingzoo.check.examine.MOST_EPISODES", 12)
    monkeypatch.setattr("coterie.pettingzoo.check.examine.ENOUGH_STEPS", 80)
    monkeypatch.setattr("coterie.pettingzoo.check.repeating.RESETS", 10)


def test_nothing_is_wrong_with_a_sound_game_in_turns():
    check = checked(Nim)
    assert check.items == ()
    assert check.facts.form == "in turns"
    assert check.facts.order == "turns in a cycle"
    assert check.facts.masks.place == "observation"
    assert 0 < check.facts.masks.restrictive < check.facts.masks.decisions
    assert check.facts.rewards.zero_sum
    assert check.facts.state is None
    assert {trial.name: trial.passed for trial in check.trials}["can be cloned"]
    assert "--algo iql" in check.command


@pytest.mark.parametrize(
    "kind, name, severity",
    [
        (NeverCleared, "accumulation", "error"),
        (EndsWhenIllegal, "illegal action ends", "note"),
        (Unselected, "not selected", "error"),
    ],
)
def test_faults_of_games_in_turns(kind, name, severity):
    check = checked(kind)
    assert check.found(name).severity == severity
    assert names(check) == {name}


def test_pettingzoos_own_wrappers_change_nothing():
    check = checked(lambda: wrappers.OrderEnforcingWrapper(Nim()))
    assert check.items == ()


class Crowd(ParallelEnv):
    """Agents of two kinds, under a name that is a tuple, too; what they do is moved by the options of a test."""

    metadata = {"name": "crowd", "render_modes": []}  # noqa: RUF012

    def __init__(self, pay=None, ends=None, flags=None, powerless=(), length=12):
        self.possible_agents = [("a", 0), "b_0", "b_1"]
        self.spaces = {
            name: (Box(-9, 9, (2 + (name == ("a", 0)),), np.float32), Discrete(2)) for name in self.possible_agents
        }
        self.pay, self.ends, self.flags, self.powerless, self.length = pay, ends, flags, powerless, length

    def observation_space(self, agent):
        return self.spaces[agent][0]

    def action_space(self, agent):
        return self.spaces[agent][1]

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.chance = np.random.default_rng(seed)
        self.agents = self.possible_agents[:]
        self.steps, self.sum = 0, int(self.chance.integers(3))
        return self.sights(), {name: {} for name in self.agents}

    def sights(self):
        full = np.array([self.sum % 9, self.steps % 2, self.steps % 3], np.float32)
        return {name: full[: self.spaces[name][0].shape[0]] for name in self.agents}

    def step(self, actions):
        if any(not 0 <= action < 2 for action in actions.values()):
            raise ValueError(actions)
        self.steps += 1
        self.sum += sum(action for name, action in actions.items() if name not in self.powerless)
        rewards = self.pay(self) if self.pay else dict.fromkeys(self.agents, float(self.sum % 2))
        rewards = {name: rewards[name] for name in self.agents}
        over = self.steps >= self.length
        terminations = {name: over and bool(self.ends and self.ends[name]) for name in self.agents}
        truncations = {name: over and not terminations[name] for name in self.agents}
        infos = {name: self.flags(self) if self.flags else {} for name in self.agents}
        told = self.sights(), rewards, terminations, truncations, infos
        if over:
            self.agents = []
        return told


def crowd(**options):
    return coterie.check_env(lambda: Crowd(**options), seconds=SHORT)


def test_kinds_are_agents_with_equal_spaces():
    kinds = crowd().facts.kinds
    assert [kind.agents for kind in kinds] == [("('a', 0)",), ("b_0", "b_1")]
    assert [kind.sees for kind in kinds] == ["3 numbers (float32), -9 to 9", "2 numbers (float32), -9 to 9"]


def by_agent(*values):
    """What ("a", 0), b_0 and b_1 are paid, from functions of the sum."""
    return lambda crowd: {
        name: float(value(crowd.sum)) for name, value in zip(crowd.possible_agents, values, strict=True)
    }


def odd(total):
    return total % 2


def test_teams_as_far_as_rewards_tell():
    same = crowd(pay=by_agent(odd, odd, odd)).facts.rewards
    assert same.teams == (("('a', 0)", "b_0", "b_1"),)
    assert same.zero_sum is False
    two = crowd(pay=by_agent(lambda s: -odd(s), odd, odd)).facts.rewards
    assert two.teams == (("('a', 0)",), ("b_0", "b_1"))
    assert two.zero_sum  # one team's reward is the opposite of the other's
    summed = crowd(pay=by_agent(lambda s: -2 * odd(s), odd, odd)).facts.rewards
    assert summed.zero_sum  # all rewards of a step add up to nothing
    own = crowd(pay=by_agent(odd, lambda s: s % 3, lambda s: s % 5)).facts.rewards
    assert len(own.teams) == 3
    assert own.zero_sum is False
    nothing = crowd(pay=by_agent(*[lambda s: 0] * 3)).facts.rewards
    assert (nothing.teams, len(nothing.unpaid), nothing.zero_sum) == ((), 3, None)


def test_one_agent_without_influence_is_named():
    check = coterie.check_env(lambda: Crowd(powerless=("b_1",)), seconds=10.0)
    item = check.found("no influence")
    assert item.severity == "warning"
    assert item.what.startswith("b_1 cannot influence anything")
    assert names(check) == {"no influence"}


def test_endings_of_both_sorts_in_one_episode_are_told():
    check = crowd(ends={("a", 0): True, "b_0": False, "b_1": False})
    assert check.facts.episodes.mixed == len(check.facts.episodes.lengths) > 0
    assert names(check) == set()
    assert crowd().facts.episodes.mixed == 0


def test_success_flags_are_found_and_used():
    check = crowd(flags=lambda crowd: {"delivered": crowd.sum % 7 == 0, "speed": 0.3, "battery_low": False})
    assert [(flag.name, flag.likely) for flag in check.facts.success] == [("delivered", True), ("battery_low", False)]
    assert "--success info:delivered" in check.command
    assert "--success" not in crowd(flags=lambda crowd: {"battery_low": crowd.sum > 9}).command
    assert crowd(flags=lambda crowd: {"speed": 0.3}).facts.success == ()
    assert "--success" not in crowd().command


class Growing(ParallelEnv):
    """A cell that divides: agents are born and die, and nobody is listed."""

    metadata = {"name": "growing", "render_modes": []}  # noqa: RUF012

    def __init__(self):
        self.space = Box(0, 30, (2,), np.float32), Discrete(2)

    def observation_space(self, agent):
        return self.space[0]

    def action_space(self, agent):
        return self.space[1]

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.chance = np.random.default_rng(seed)
        self.steps, self.born, self.agents = 0, 1, ["cell_0"]
        return self.told(self.agents), {name: {} for name in self.agents}

    def told(self, who):
        return {name: np.array([self.steps, len(self.agents)], np.float32) for name in who}

    def step(self, actions):
        if any(not 0 <= action < 2 for action in actions.values()):
            raise ValueError(actions)
        self.steps += 1
        dying = {self.agents[0]} if len(self.agents) > 3 else set()
        divides = sum(actions.values()) > 0
        over, here = self.steps == 20, list(self.agents)
        if divides and not over:
            self.agents.append(f"cell_{self.born}")
            self.born += 1
        told = list(self.agents)
        self.agents = [] if over else [name for name in self.agents if name not in dying]
        return (
            self.told(told),
            dict.fromkeys(told, float(divides)),
            {name: name in dying for name in told},
            {name: over and name not in dying for name in told if name in here or not over},
            {name: {} for name in told},
        )


def test_deaths_and_births_are_told_and_share_parameters():
    check = checked(Growing)
    assert check.facts.episodes.births > 0
    assert check.facts.episodes.deaths > 0
    assert "--share-parameters" in check.command
    assert names(check) == {"possible_agents missing"}


# Words of environments in a file, in a process of their own.

FILE = """
import os, time
import numpy as np
from gymnasium.spaces import Box, Discrete
from pettingzoo import ParallelEnv


class Walker(ParallelEnv):
    metadata = {"name": "walker", "render_modes": []}
    possible_agents = ["one"]
    spaces = Box(-99, 99, (1,), np.float32), Discrete(2)

    def __init__(self, trouble="", drawn=False):
        self.trouble = trouble

    def observation_space(self, agent):
        return self.spaces[0]

    def action_space(self, agent):
        return self.spaces[1]

    def reset(self, seed=None, options=None):
        self.agents, self.place, self.steps = ["one"], 0, 0
        return self.told({})

    def told(self, _):
        return {"one": np.array([self.place], np.float32)}, {"one": {}}

    def step(self, actions):
        self.steps += 1
        action = actions["one"]
        if self.trouble == "dared" and action > 1:
            os.abort()
        if action > 1:
            raise ValueError(action)
        if self.steps == 7 and self.trouble == "hang":
            time.sleep(600)
        if self.steps == 7 and self.trouble == "kill":
            os.kill(os.getpid(), 9)
        if self.steps == 7 and self.trouble == "exit":
            raise SystemExit(3)
        self.place += 2 * action - 1
        over = self.steps == 20
        told = {"one": np.array([self.place], np.float32)}
        self.agents = [] if over else ["one"]
        return told, {"one": float(self.place)}, {"one": False}, {"one": over}, {"one": {}}


def make_env(trouble=""):
    return Walker(trouble)


def make_broken():
    raise RuntimeError("no floor")
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file of the user's, in the folder where the command is given."""
    (tmp_path / "mine.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return "./mine.py:make_env"


def test_a_hang_ends_in_time_and_is_named(mine):
    began = time.monotonic()
    check = coterie.check_env(mine, env={"trouble": "hang"}, seconds=2.0, patience=1.0)
    assert time.monotonic() - began < 30
    assert check.exit_code == 3
    assert "step 7 of seed 0 takes more than 1 s" in check.found("hangs").what
    assert check.command == ""


def test_an_end_of_the_process_is_named(mine):
    check = coterie.check_env(mine, env={"trouble": "kill"}, seconds=SHORT)
    assert "signal 9 (SIGKILL), in step 7 of seed 0" in check.found("ends the process").what


def test_an_exit_is_what_a_step_raised(mine):
    check = coterie.check_env(mine, env={"trouble": "exit"}, seconds=SHORT)
    assert "SystemExit" in check.found("step raised").what
    assert "mine.py, line " in check.found("step raised").evidence


def test_what_only_an_illegal_action_breaks_is_forgiven(mine):
    check = coterie.check_env(mine, env={"trouble": "dared"}, seconds=SHORT)
    assert check.found("ends the process").severity == "warning"
    assert check.exit_code == 0
    assert check.command.startswith("coterie train ./mine.py:make_env --env.trouble dared --algo iql")


def test_a_hang_in_this_process_is_interrupted():
    class Sleepy(Nim):
        def step(self, action):
            if self.sticks < 4:
                time.sleep(60)
            super().step(action)

    began = time.monotonic()
    check = coterie.check_env(Sleepy(), seconds=SHORT, patience=0.5)
    assert time.monotonic() - began < 10
    assert names(check) == {"hangs"}


def test_an_object_is_examined_and_left_open():
    class Closing(Nim):
        closed = False

        def close(self):
            self.closed = True

    environment = Closing()
    check = coterie.check_env(environment, seconds=SHORT)
    assert check.items == ()
    assert not environment.closed
    assert "an object was given" in {one.name: one.told for one in check.trials}["a fresh one repeats it"]
    assert check.command.startswith("coterie train ./mine.py:make_env")  # where it has to be put
    assert str(check) == plain_text_of(check)


def plain_text_of(check):
    from coterie.showing.check import check as shown

    return plain_text(shown(check))


@pytest.mark.parametrize(
    "environment, options, says",
    [
        (
            "rendezvous",
            {},
            "rendezvous is one of ours, in JAX; its PettingZoo form can be checked: pettingzoo:coterie/",
        ),
        ("rendezvou", {}, "did you mean 'rendezvous'?"),
        ("jaxmarl:MPE_simple_spread_v3", {}, "is no PettingZoo environment; expected pettingzoo:…, mpe2:…"),
        ("mpe:simple_spread_v3", {}, "there is no source 'mpe' of environments; did you mean 'mpe2'?"),
        ("mpe2:simple_spred_v3", {}, "did you mean 'simple_spread_v3'?"),
        ("mpe2:simple_spread_v3", {"sise": 3}, "has no option 'sise'"),
        ("./none.py:make_env", {}, "there is no file none.py"),
        (partial(gymnasium.make, "CartPole-v1"), {}, "is a gymnasium environment of one agent (CartPoleEnv); expected"),
        (5, {}, "5 made a int; expected"),
    ],
)
def test_mistakes_are_one_sentence(environment, options, says):
    with pytest.raises(BadInput) as told:
        coterie.check_env(environment, env=options)
    assert says.replace("5 made a int", "made a int") in str(told.value)
    assert "\n" not in str(told.value)


def test_options_of_an_object_and_seconds_out_of_range_are_refused():
    with pytest.raises(BadInput, match="takes no options"):
        coterie.check_env(Nim(), env={"size": 3})
    with pytest.raises(BadInput, match=r"--seconds 0: expected 0\.1"):
        coterie.check_env(Nim(), seconds=0)


def test_what_cannot_be_made_is_the_environments_fault(mine):
    with pytest.raises(EnvironmentFault, match="cannot be made: RuntimeError: no floor"):
        coterie.check_env("./mine.py:make_broken")


# Real environments.


# What random play may say of any environment, depending on how much there was of it.
CHANCE = {"not played to its end", "constant parts", "same actions", "rare rewards", "never paid"}


@pytest.mark.parametrize(
    "word, options, expected",
    [
        ("mpe2:simple_spread_v3", {}, set()),
        ("mpe2:simple_tag_v3", {}, set()),
        ("mpe2:simple_speaker_listener_v4", {}, {"told once"}),
        ("pettingzoo:classic/rps_v2", {}, {"state no method"}),
        ("pettingzoo:classic/tictactoe_v3", {}, {"illegal action ends"}),
        ("rware:rware-tiny-2ag-v2", {}, {"no reward", "time limit as an ending"}),
        ("pettingzoo:sisl/pursuit_v5", {"max_cycles": 25}, set()),
        ("pettingzoo:coterie/rendezvous", {}, set()),
    ],
)
def test_sound_environments_are_not_called_faulty(word, options, expected):
    skip_where_missing(word)
    check = coterie.check_env(lambda: make_env(word, options), seconds=2.0)
    assert names(check) <= expected | CHANCE
    assert check.exit_code == 0
    assert not any(trial.passed is False for trial in check.trials)


def skip_where_missing(word):
    packages = {"rware": "rware", "pettingzoo:sisl": "pygame", "pettingzoo:butterfly": "pymunk"}
    for start, package in packages.items():
        if word.startswith(start):
            pytest.importorskip(package)


def test_what_foraging_leaves_behind_is_found(monkeypatch):
    """lbforaging's players stand where the last episode left them while the next one is being begun."""
    monkeypatch.setattr("coterie.pettingzoo.check.repeating.RESETS", 60)
    check = coterie.check_env(lambda: make_env("lbforaging:Foraging-8x8-2p-2f-coop-v3"), seconds=60.0)
    assert names(check) - CHANCE == {"leak", "time limit as an ending", "no reward"}


PISTONS = """
from pettingzoo.butterfly.pistonball import pistonball


def blind():
    return pistonball.parallel_env(n_pistons=4, continuous=False, render_mode=None)


def seeing(render_mode=None):
    return pistonball.parallel_env(n_pistons=4, continuous=False, render_mode=render_mode)


def amounts(render_mode=None):
    return pistonball.parallel_env(n_pistons=4, render_mode=render_mode)
"""


def test_pistonball_is_blind_where_it_is_not_drawn_and_sees_where_coterie_asks(tmp_path, monkeypatch):
    pytest.importorskip("pymunk")
    monkeypatch.chdir(tmp_path)
    Path("pistons.py").write_text(PISTONS)
    blind = coterie.check_env("./pistons.py:blind", seconds=2.0)
    assert blind.exit_code == 3
    assert blind.found("blind").evidence.startswith("0 of ")
    assert 'render_mode="rgb_array"' in blind.found("blind").fix
    seeing = coterie.check_env("./pistons.py:seeing", seconds=2.0)
    assert seeing.found("blind") is None
    assert seeing.found("blind by default").severity == "warning"
    assert "coterie itself asks for drawing" in seeing.found("blind by default").what
    assert seeing.facts.render_mode == "rgb_array"
    assert seeing.exit_code == 0
    assert "--picture.size" in seeing.command


def test_who_sees_pictures_and_acts_in_amounts_is_left_to_a_look(tmp_path, monkeypatch):
    pytest.importorskip("pymunk")
    monkeypatch.chdir(tmp_path)
    Path("pistons.py").write_text(PISTONS)
    check = coterie.check_env("./pistons.py:amounts", seconds=2.0)
    assert "--algo" not in check.command
    assert any("amounts" in why and "who learns is chosen" in why for why in check.because)


def test_amounts_are_learned_as_policies_and_an_option_makes_them_numbered():
    check = coterie.check_env("mpe2:simple_spread_v3", env={"continuous_actions": True}, seconds=1.0)
    assert check.found("actions of another sort").severity == "note"
    assert "--algo ippo" in check.command
    assert "--env.continuous-actions true" in check.command
    assert any("--env.continuous-actions false makes them numbered" in why for why in check.because)


# The command.


def test_the_command_for_people_and_for_programs(mine, capsys):
    from coterie.cli import main

    assert main(["check-env", mine, "--seconds", "2"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "./mine.py:make_env  1 agent that moves alone: nothing wrong was found" in out
    (command,) = next_commands(out)  # which parses it
    assert command.startswith("coterie train ./mine.py:make_env --algo iql --steps ")
    assert main(["check-env", mine, "--seconds", "2", "--json", "--env.trouble", "exit"]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["env"] == ["--env.trouble", "exit"]
    assert told["items"][0]["severity"] == "error"
    assert main(["check-env", "mpe2:simple_spred_v3"]) == 2
    assert "did you mean 'simple_spread_v3'?" in capsys.readouterr().err
    assert main(["check-env", mine, "--second", "3"]) == 2
    assert "did you mean '--seconds'?" in capsys.readouterr().err


def test_no_jax_is_loaded(mine):
    code = (
        "import sys, coterie\n"
        f"check = coterie.check_env({mine!r}, seconds=0.5)\n"
        "from coterie.showing.check import check as shown\n"
        "print(check.exit_code, sorted({'jax', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "0 []", done.stderr


# Parts.


def test_items_are_told_once_and_the_worst_first():
    note, error, same = Item("note", "a", "x"), Item("error", "b", "y"), Item("note", "a", "x", "again")
    assert in_order([note, error, same]) == (error, note)


def test_facts_and_rewards_of_nothing():
    facts = facts_of(Crowd(), [])
    assert facts.episodes.played == 0
    assert reward_facts([], []).zero_sum is None


def test_the_same_play_is_recorded_again():
    first, second = (play(Subject(Crowd()), 3, at_random(Subject(Crowd()), np.random.default_rng(1)), 9, lambda: True)
                     for _ in range(2))  # fmt: skip
    assert [one.acted for one in first.moments] == [one.acted for one in second.moments]


def test_trials_are_marked():
    from coterie.showing.check import trial_lines

    shown = [
        plain_text(line) for line in trial_lines([Trial("a", True, "x"), Trial("b", False, "y"), Trial("c", None, "z")])
    ]
    assert [line.split()[0] for line in shown] == ["✓", "✗", "·"]


def test_everything_in_a_check_can_be_written_as_json():
    check = crowd()
    assert json.loads(json.dumps(check.to_json()))["facts"]["agents"] == ["('a', 0)", "b_0", "b_1"]
    assert not dataclasses.is_dataclass(check)


def test_a_file_that_checks_when_it_is_loaded_is_told_so(tmp_path, monkeypatch):
    """Else every check would begin another one."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(FILE + "\nimport coterie\ncoterie.check_env('./mine.py:make_env', seconds=1)\n")
    with pytest.raises(BadInput, match="this file checks when it is loaded"):
        coterie.check_env("./mine.py:make_env", seconds=1.0)
