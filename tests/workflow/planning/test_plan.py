"""From words to a checked plan: what cannot be is refused before anything is started, and a plan survives its file."""

import dataclasses

import numpy as np
import pytest

from coterie.envs import catalogue
from coterie.errors import BadInput
from coterie.running import recorder
from coterie.settings import ALGORITHMS, PRESETS, ClimbingOptions, RendezvousOptions, TabularOptions
from coterie.workflow.planning.plan import CONFIG_FORMAT, environment_options, plan, planned


def refusal(environment="rendezvous", **given) -> str:
    with pytest.raises(BadInput) as caught:
        plan(environment, **given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"environment": "rendesvous"}, "there is no environment 'rendesvous'; did you mean 'rendezvous'?"),
        ({"algorithm": "hysteretc"}, "there is no algorithm 'hysteretc'; did you mean 'hysteretic'?"),
        ({"preset": "tutrial"}, "there is no preset 'tutrial'; did you mean 'tutorial'?"),
        ({"learner": {"learning_rat": 0.1}}, "there is no option 'learning_rat'; did you mean 'learning_rate'?"),
        ({"env": {"sise": 8}}, "there is no rendezvous option 'sise'; did you mean 'size'?"),
        ({"env": {"k": -1.0}}, "there is no rendezvous option 'k'; known: size, map, agents, starts, stay, "),
        ({"env": {"starts": "rando"}}, "--env.starts 'rando': there is no such choice; did you mean 'random'?"),
        ({"env": {"size": 5.0}}, "--env.size 5.0: expected a whole number"),
        ({"env": {"size": True}}, "--env.size True: expected a whole number"),
        ({"env": {"stay": 1}}, "--env.stay 1: expected True or False"),
        ({"env": {"map": None}}, "--env.map None: expected words"),
        ({"env": {"meet_reward": "10"}}, "--env.meet-reward '10': expected a number"),
        ({"env": {"meet_reward": float("nan")}}, "--env.meet-reward nan: expected a finite number"),
        ({"env": {"meet_reward": 1e300}}, "--env.meet-reward 1e+300: numbers go up to 1,000,000,000"),
        ({"env": {"agents": 10**30}}, f"--env.agents {10**30}: numbers go up to 1,000,000,000"),
        ({"env": "size=8"}, "rendezvous options: expected a mapping or RendezvousOptions, found 'size=8'"),
        ({"env": ClimbingOptions()}, "rendezvous options: expected a mapping or RendezvousOptions, found Climbing"),
        ({"env": RendezvousOptions(starts="rando")}, "--env.starts 'rando': there is no such choice"),
        ({"env": RendezvousOptions(size="8")}, "--env.size '8': expected a whole number"),
        ({"environment": "penalty", "env": {"size": 8}}, "there is no penalty option 'size'"),
        ({"learner": {"ties": "frist"}}, "--ties 'frist': there is no such choice; did you mean 'first'?"),
        ({"learner": {"learning_rate": 0}}, "--learning-rate 0: a learning rate lies in (0, 1]; try 0.1"),
        ({"learner": {"learning_rate": 1.5}}, "--learning-rate 1.5: a learning rate lies in (0, 1]; try 0.1"),
        ({"learner": {"learning_rate": float("nan")}}, "--learning-rate nan: expected a finite number"),
        ({"learner": {"learning_rate_end": float("nan")}}, "--learning-rate-end nan: expected a finite number"),
        ({"learner": {"learning_rate_end": 1.1}}, "--learning-rate-end 1.1: a learning rate is at most 1"),
        ({"learner": {"hysteresis": 0}}, "--hysteresis 0: a share of the learning rate lies in (0, 1]; try 0.5"),
        ({"learner": {"discount": 2}}, "--discount 2: expected a number from 0 to 1"),
        ({"learner": {"epsilon": -0.1}}, "--epsilon -0.1: expected a number from 0 to 1"),
        ({"learner": {"initial_value": float("inf")}}, "--initial-value inf: expected a finite number"),
        ({"learner": TabularOptions(epsilon=7)}, "--epsilon 7: expected a number from 0 to 1"),
        ({"episodes": 0}, "--episodes 0: at least 1 episode is needed to learn from"),
        ({"episodes": 10**20}, f"--episodes {10**20}: at most 1,000,000,000,000 are possible"),
        ({"episodes": 1.5}, "--episodes 1.5: expected a whole number"),
        ({"seeds": 0}, "--seeds 0: at least 1 team is needed"),
        ({"seeds": "50"}, "--seeds '50': expected a whole number"),
        ({"seeds": True}, "--seeds True: expected a whole number"),
        ({"seed": -1}, "--seed -1: expected a whole number from 0 to 2^63 - 1"),
        ({"seed": 2**63}, f"--seed {2**63}: expected a whole number from 0 to 2^63 - 1"),
        ({"seed": None}, "--seed None: expected a whole number"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_is_refused_in_one_sentence(given, sentence):
    assert refusal(**given).startswith(sentence)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"horizon": 0}, "--env.horizon 0: an episode needs at least 1 step"),
        ({"size": 1}, "--env.size 1: a grid has from 2 to 50 rows"),
        ({"size": 51}, "--env.size 51: a grid has from 2 to 50 rows"),
        ({"agents": 1}, "--env.agents 1: at least 2 agents are needed to meet"),
        ({"agents": 5}, "--env.agents 5: a grid has 4 corners; use --env.starts random, or letters in --env.map"),
        ({"map": "A./B"}, "--env.map: all rows must be equally long, these have 1 to 2 cells"),
        ({"map": "A.x/..B"}, "--env.map: 'x' in row 1 means nothing; known: '#' '.' and AB"),
        ({"map": "A../..C"}, "--env.map: 'C' in row 2 means nothing; known: '#' '.' and AB"),
        ({"map": "A../..."}, "--env.map: agent B needs one start cell, the map has 0 (or use --env.starts random)"),
        ({"map": "A.A/..B"}, "--env.map: agent A needs one start cell, the map has 2 (or use --env.starts random)"),
        ({"map": "A##/##B"}, "--env.map: agents that start at (0,0) and (1,2) cannot reach each other; open a wall"),
        ({"map": "##/##", "starts": "random"}, "--env.map: 0 free cells; at least 2 are needed"),
        ({"map": ".#./.#.", "starts": "random"}, "--env.map: agents that start at (0,0) and (0,2) cannot reach each"),
        ({"starts": "random", "agents": 4}, "--env.starts random: 25 cells and 4 agents make more than 200,000 starts"),
        ({"controls": "RLDU"}, "--env.controls: one word an agent, 2 expected, 1 found"),
        ({"controls": "RLDU,RRDU"}, "--env.controls: 'RRDU' must hold each of R, L, D and U once"),
        ({"observation": "window", "window": 0}, "--env.window 0: a window sees at least 1 cell far"),
    ],
    ids=str,
)
def test_a_grid_that_cannot_be_played_is_refused_in_one_sentence(options, sentence):
    assert refusal(env=options).startswith(sentence)


def test_numbers_of_numpy_are_numbers():
    chosen = plan("rendezvous", seeds=np.int64(5), seed=np.uint8(3), episodes=np.int32(7))
    assert (chosen.teams, chosen.seed, chosen.episodes) == (5, 3, 7)
    assert type(chosen.teams) is type(chosen.seed) is type(chosen.episodes) is int


def test_a_mapping_replaces_and_a_dataclass_is_taken_whole():
    assert environment_options("rendezvous") == RendezvousOptions()
    assert environment_options("rendezvous", {"size": 8, "horizon": 30}) == RendezvousOptions(size=8, horizon=30)
    assert environment_options("rendezvous", RendezvousOptions(size=8)) == RendezvousOptions(size=8)
    assert plan("rendezvous", learner={"epsilon": 1}).learner.epsilon == 1.0


def test_a_preset_brings_its_algorithm_and_a_named_algorithm_wins():
    assert plan("rendezvous", preset="tutorial").algorithm == "iql"
    for algorithm in ALGORITHMS:
        chosen = plan("rendezvous", algorithm=algorithm)
        assert chosen.algorithm == algorithm
        assert (chosen.learner.hysteresis < 1) == (algorithm == "hysteretic")
    assert plan("rendezvous").episodes == PRESETS["default"].episodes


@pytest.mark.parametrize("name", catalogue.ENVIRONMENTS)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_plan_survives_its_file(tmp_path, name, preset):
    chosen = plan(name, preset=preset, seeds=3, seed=2**62, episodes=9, learner={"initial_value": 0.1 + 0.2})
    recorder.write_config(tmp_path, {"format": CONFIG_FORMAT, **chosen._asdict()})
    assert planned(tmp_path) == chosen


def test_options_of_an_environment_survive_their_file(tmp_path):
    options = RendezvousOptions(map="A.#/..B", stay=True, controls="RLDU,LRUD", meet_reward=1e-9, observation="all")
    chosen = plan("rendezvous", env=options)
    recorder.write_config(tmp_path, {"format": CONFIG_FORMAT, **chosen._asdict()})
    assert planned(tmp_path).env == options


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 2}, "has the format 2, this coterie reads 1"),
        ({"format": None}, "has the format None, this coterie reads 1"),
        ({"env": None}, "does not describe a run of this coterie"),
        ({"learner": {"speed": 1}}, "does not describe a run of this coterie"),
        ({"environment": "chess"}, "there is no environment 'chess'"),
        ({"teams": "many"}, "--seeds 'many': expected a whole number"),
        ({"env": {"size": 99}}, "--env.size 99: a grid has from 2 to 50 rows"),
    ],
    ids=str,
)
def test_settings_that_were_changed_by_hand_are_checked_again(tmp_path, change, sentence):
    config = {"format": CONFIG_FORMAT, **plan("rendezvous")._asdict(), **change}
    recorder.write_config(tmp_path, config)
    with pytest.raises(BadInput) as caught:
        planned(tmp_path)
    assert sentence in str(caught.value)


def test_every_option_of_every_environment_can_be_checked():
    """A field of a kind that the check does not know would be an error of ours, in the face of the user."""
    for name, entry in catalogue.ENVIRONMENTS.items():
        assert environment_options(name, dataclasses.asdict(entry.options())) == entry.options()


def test_an_end_that_exploration_never_reaches_is_refused():
    sentence = refusal(preset="tutorial", learner={"epsilon_end": 0.0})
    assert sentence == ("--epsilon-end 0: epsilon stays at 0.1 while --epsilon-decay is 0; add --epsilon-decay 0.9"), (
        sentence
    )
    assert plan("rendezvous", preset="tutorial", learner={"epsilon": 0.3}).learner.epsilon == 0.3
    assert plan("rendezvous", preset="tutorial", learner={"epsilon_end": 0.0, "epsilon_decay": 0.9}).learner
