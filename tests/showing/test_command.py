"""The command that tries a remedy: what made the run stays, and the flags have the last word."""

import json
import shlex

import pytest
from made_by_hand import CONFIG, make_verdict, tutorial

from coterie.cli.train import run  # the command itself refuses a flag that it does not know
from coterie.settings import DeepOptions, usual_options
from coterie.showing.command import command


def test_a_run_of_a_preset():
    assert command(tutorial(), CONFIG, ("--terminal-mask",)) == (
        "coterie train rendezvous --preset tutorial --terminal-mask"
    )
    assert command(tutorial(), CONFIG, ("--preset", "thorough")) == "coterie train rendezvous --preset thorough"
    assert command(tutorial(), CONFIG, ()) == ""


def test_what_was_changed_is_kept_unless_a_flag_says_otherwise():
    changed = (
        CONFIG.replace("seed = 0", "seed = 7") + 'stay = true\nmap = "a b"\n[learner]\nepsilon = 0.3\nties = "first"\n'
    )
    assert command(tutorial(), changed, ("--env.size", "7")) == (
        "coterie train rendezvous --preset tutorial --seed 7 --env.stay --env.map 'a b' --epsilon 0.3 --env.size 7"
    )
    assert command(tutorial(), changed, ("--epsilon=0.1", "--env.no-stay", "--seed", "1")) == (
        "coterie train rendezvous --preset tutorial --env.map 'a b' --epsilon=0.1 --env.no-stay --seed 1"
    )
    assert "--algorithm iql" in command(make_verdict(), CONFIG, ("--terminal-mask",))
    assert "--algorithm iql" not in command(make_verdict(), CONFIG, ("--algo", "hysteretic"))


def test_an_environment_of_others_gets_the_flags_alone():
    assert command(make_verdict(environment="./mine.py:make_env"), "", ("--epsilon-end", "0")) == "--epsilon-end 0"
    assert command(make_verdict(environment="x"), "no = [toml", ("a b; rm",)) == "'a b; rm'"


def test_a_configuration_that_cannot_be_read_is_left_out():
    assert command(tutorial(), "no = [toml", ("--terminal-mask",)).endswith("--preset tutorial --terminal-mask")


@pytest.mark.parametrize("flags", [("--terminal-mask",), ("--epsilon-end", "0", "--epsilon-decay", "0.9")])
def test_the_command_can_be_run(flags, tmp_path, capsys):
    small = CONFIG.replace("teams = 1000", "teams = 3").replace("episodes = 1000", "episodes = 20")
    words = shlex.split(command(tutorial(), small, flags))
    assert words[:2] == ["coterie", "train"]
    assert run([*words[2:], "--runs", str(tmp_path), "--no-pictures"]) == 0
    assert "3 teams of 2 agents" in capsys.readouterr().out


@pytest.mark.parametrize("known", [True, False])
def test_an_option_that_a_run_did_not_know_yet_was_as_usual(known):
    """Where the preset has changed since: the remedy must not change the network, too."""
    learner = {**vars(DeepOptions()), **vars(usual_options("images", "ippo")), "layer_norm": False}
    told = [f"{name} = {json.dumps(value)}" for name, value in learner.items() if known or name != "layer_norm"]
    config = "\n".join(['kind = "deep"', 'road = "worker"', "seeds = 5", "seed = 0", "[learner]", *told])
    verdict = make_verdict(environment="./mine.py:make_env", algorithm="ippo", preset="images")
    assert "--no-layer-norm" in command(verdict, config, ("--env.size", "7"))
