"""A learner of the wrong kind is refused with what it is, and with commands that work."""

import re
import shlex

import pytest
from small_runs import parse_only

import coterie
from coterie.errors import BadInput
from coterie.settings import ALGORITHMS, DEEP_ALGORITHMS, DEEP_PRESETS, PRESETS
from coterie.workflow.planning.which_learner import check_learner_fits, learns_deep

WITH_TABLES = [name for name in ALGORITHMS if name not in DEEP_ALGORITHMS]
WITH_NETWORKS = [name for name in DEEP_ALGORITHMS if name not in ALGORITHMS]


def told(environment, deep, **more) -> str:
    with pytest.raises(BadInput) as refused:
        check_learner_fits(environment, deep, **more)
    return str(refused.value)


def commands(sentence: str) -> list[str]:
    return [part.rstrip(",. ") for part in re.findall(r"coterie train [^,]+", sentence)]


@pytest.mark.parametrize("name", WITH_TABLES)
@pytest.mark.parametrize("environment", ["rendezvous", "foraging-8x8-2p-2f-coop", "mpe2:simple_spread_v3"])
def test_who_learns_with_tables(environment, name):
    sentence = told(environment, True, algorithm=name, asked_by="--deep")
    assert sentence.startswith(f"{name} ({ALGORITHMS[name].split(' (')[0]}")
    assert "learns with tables" in sentence
    right = commands(sentence)
    tables = {"rendezvous": "", "mpe2:simple_spread_v3": " --tabular"}  # and foraging has none
    assert len(right) == (2 if environment in tables else 1)
    assert any(f"coterie train {environment}{flag} --algo {name}" in right for flag in tables.values()) == (
        environment in tables
    )
    for command in right:
        parse_only(shlex.split(command)[1:])


@pytest.mark.parametrize("name", WITH_NETWORKS)
def test_who_learns_with_networks(name):
    sentence = told("rendezvous", False, algorithm=name, asked_by="--tabular")
    assert "learns with networks, and --tabular asks for tables; try: " in sentence
    assert commands(sentence) == [f"coterie train rendezvous --algo {name}"]
    parse_only(shlex.split(commands(sentence)[0])[1:])


def test_presets_are_told_apart_like_algorithms():
    for name in PRESETS.keys() - DEEP_PRESETS.keys():
        for command in commands(told("rendezvous", True, preset=name, asked_by="--deep")):
            parse_only(shlex.split(command)[1:])
    for name in DEEP_PRESETS.keys() - PRESETS.keys():
        for command in commands(told("rendezvous", False, preset=name, asked_by="--tabular")):
            parse_only(shlex.split(command)[1:])
    sentence = told("rendezvous", True, preset="tutorial", algorithm="qmix")
    assert "is for tables, and --algo qmix learns with networks" in sentence


def test_what_goes_together_is_let_through():
    for deep, algorithms, presets in ((True, DEEP_ALGORITHMS, DEEP_PRESETS), (False, ALGORITHMS, PRESETS)):
        for name in algorithms:
            check_learner_fits("rendezvous", deep, algorithm=name)
        for name in presets:
            check_learner_fits("rendezvous", deep, preset=name)
    check_learner_fits("mpe2:simple_spread_v3", True)


def test_a_slip_of_the_pen_finds_the_other_kind_too():
    assert told("rendezvous", False, algorithm="qmx") == "there is no algorithm 'qmx'; did you mean 'qmix'?"
    assert told("rendezvous", True, algorithm="leniant").endswith("did you mean 'lenient'?")


def test_a_preset_that_only_networks_have_chooses_networks():
    assert learns_deep("rendezvous", "iql", "foraging")
    assert not learns_deep("rendezvous", "iql", "default")
    for algorithm in (None, "iql"):
        with pytest.raises(BadInput, match="episodes and threads belong to tables"):
            coterie.train("rendezvous", preset="foraging", algorithm=algorithm, episodes=1)
    with pytest.raises(BadInput, match=r"lenient .* learns with tables, and --preset foraging is for networks"):
        coterie.train("rendezvous", preset="foraging", algorithm="lenient")
    with pytest.raises(BadInput, match=r"is for networks, and tables were asked for"):
        coterie.train("rendezvous", deep=False, preset="foraging", algorithm="iql")  # iql learns with either


def test_in_python_as_in_the_command():
    with pytest.raises(BadInput, match=r"lenient .* learns with tables, and networks were asked for"):
        coterie.train("rendezvous", deep=True, algorithm="lenient")
    with pytest.raises(BadInput, match=r"vdn .* learns with networks, and tables were asked for"):
        coterie.train("rendezvous", deep=False, algorithm="vdn")
