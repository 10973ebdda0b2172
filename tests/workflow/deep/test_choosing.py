"""Who learns and how where nobody says so: by words, by a look at the environment; and options that nobody reads."""

from __future__ import annotations

import dataclasses

import pytest

from coterie.cli.train_deep import said_words
from coterie.errors import BadInput
from coterie.running.recorder import plain
from coterie.settings import (
    ALGORITHMS,
    DEEP_ALGORITHMS,
    DEEP_PRESETS,
    OF_ALGORITHM,
    POLICY_GRADIENT,
    DeepOptions,
    usual_options,
)
from coterie.types import Kind, Spec
from coterie.workflow.deep import choosing
from coterie.workflow.deep.choosing import choice_for, defaults_of, is_policy, preset_for, said_in
from coterie.workflow.deep.learner_checks import OF_POLICIES, OF_VALUES, check_learner, check_read
from coterie.workflow.deep.opening import check_policies, open_plan, schedule_of
from coterie.workflow.deep.plan import deep_config, deep_plan, options_of, others_in

BOUNDED = {"actions": 1, "bounds": ((-1.0, 1.0),)}


def agents(count: int = 2, shape: tuple[int, ...] = (4,), **kind) -> Spec:
    """So many agents of one kind."""
    own = tuple(range(count))
    names, sees = tuple(f"agent_{number}" for number in own), "uint8" if len(shape) == 3 else "float32"
    return Spec(names, (Kind(own, **{"actions": 3, **kind}, observation_shape=shape, observation_dtype=sees),),
                (0,) * count, own, own)  # fmt: skip


def grids() -> Spec:
    """Agents that see a grid of numbers in three axes, which are no picture."""
    spec = agents(shape=(13, 13, 5))
    return dataclasses.replace(spec, kinds=(dataclasses.replace(spec.kinds[0], observation_dtype="float32"),))


@pytest.mark.parametrize(
    ("spec", "in_turns", "algorithm", "preset", "why"),
    [
        (agents(), False, "ippo", "vectors", "rows of numbers"),
        (agents(**BOUNDED), False, "ippo", "vectors", "amounts"),
        (agents(**BOUNDED), True, "ippo", "vectors", "amounts"),
        (agents(), True, "iql", "default", "turns"),
        (agents(shape=(24, 12, 2)), False, "mappo", "images", "pictures"),
        (agents(20, shape=(24, 12, 2), **BOUNDED), False, "mappo", "images", "pictures"),
        (agents(20, shape=(24, 12, 2), **BOUNDED), True, "ippo", "images", "pictures"),
        (dataclasses.replace(agents(shape=(24, 12, 2)), births=True), False, "ippo", "images", "pictures"),
        (agents(20, shape=(84, 84, 2)), False, "ippo", "images", "pictures"),
        (grids(), False, "ippo", "vectors", "numbers"),
        (agents(10), False, "ippo", "many", "10 agents"),
        (agents(9), False, "ippo", "vectors", "rows of numbers"),
    ],
)
def test_a_look_at_the_environment_chooses_and_says_why(spec, in_turns, algorithm, preset, why):
    chosen = choice_for(spec, in_turns)
    assert chosen[:2] == (algorithm, preset)
    assert why in chosen.why


def test_a_named_algorithm_is_kept_and_only_its_preset_is_looked_for():
    assert choice_for(agents(), in_turns=True, algorithm="mappo")[:2] == ("mappo", "vectors")
    assert preset_for("rendezvous", "seac")[:2] == ("seac", "vectors")
    assert preset_for("mpe2:simple_spread_v3", "vdn")[:2] == ("vdn", "default")  # without a look


def test_an_option_of_learners_of_values_chooses_one():
    chosen = defaults_of("mpe2:simple_spread_v3", None, None, [], {"prioritised"})
    assert chosen[:2] == ("default", "iql")
    assert "--prioritised" in chosen.why
    assert defaults_of("mpe2:simple_spread_v3", None, None, [], {"share_experience"}).algorithm == "iql"


def test_a_preset_of_central_critics_leaves_them_out_where_experience_is_shared():
    assert defaults_of("rendezvous", None, "images", [], {"share_experience"}).algorithm == "ippo"
    assert defaults_of("rendezvous", None, "images", []).algorithm == "mappo"


@pytest.mark.parametrize(
    ("spec", "in_turns", "algorithm"),
    [(agents(shape=(24, 12, 2)), False, "mappo"), (agents(shape=(24, 12, 2)), True, "ippo"),
     (agents(20, shape=(84, 84, 2)), False, "ippo")],
)  # fmt: skip
def test_a_preset_that_is_named_takes_central_critics_where_they_can_see(monkeypatch, spec, in_turns, algorithm):
    asked = []
    monkeypatch.setattr(choosing, "seen", lambda *words: asked.append(words) or (spec, in_turns))
    size = {"size": "84x84"}
    assert defaults_of("./mine.py:world", None, "images", [], env={"a": 1}, picture=size).algorithm == algorithm
    assert defaults_of("./mine.py:world", None, None, [], env={"a": 1}, picture=size)[:2] in (
        ("images", algorithm), ("default", "iql"),
    )  # fmt: skip
    assert asked == [("./mine.py:world", {"a": 1}, size)] * 2
    assert defaults_of("./mine.py:world", "mappo", "images", []).algorithm == "mappo"
    assert len(asked) == 2


@pytest.mark.parametrize(("size", "fits"), [(84, False), (34, True)])
def test_critics_do_not_see_more_than_they_can_learn_from(size, fits):
    chosen, spec = deep_plan("rendezvous", preset="images"), agents(20, shape=(size, size, 2))
    if fits:
        return check_policies(chosen, spec)
    with pytest.raises(BadInput, match=r"side by side: 282,240 numbers, .*\(at most 100,000\).*--algorithm ippo$"):
        check_policies(chosen, spec)
    check_policies(deep_plan("rendezvous", preset="images", algorithm="ippo"), spec)


def test_a_run_whose_step_size_falls_to_nothing_settles():
    assert schedule_of(deep_plan("rendezvous", preset="images")).settles
    assert not schedule_of(deep_plan("rendezvous", preset="vectors")).settles
    assert not schedule_of(deep_plan("rendezvous", preset="images", teams={"a": "mappo", "b": "vdn"})).settles


def test_sharing_is_said_only_where_something_is_shared():
    assert said_in({"share_experience": "pooled", "hidden": 3}) == {"share_experience", "hidden"}
    assert said_in({"share_experience": "none", "hidden": 3}) == {"hidden"}
    assert said_in(DeepOptions()) == said_in(None) == set()


@pytest.mark.parametrize("algorithm", DEEP_ALGORITHMS)
def test_what_is_usual_passes_its_own_checks_whatever_the_preset(algorithm):
    for preset, one in DEEP_PRESETS.items():
        if is_policy(one.algorithm) == is_policy(algorithm):
            options = usual_options(preset, algorithm)
            check_learner(algorithm, options)
            check_read([algorithm], options, options)


def test_what_only_central_critics_read_is_theirs_alone_in_a_preset():
    assert usual_options("images", "mappo").central == "observations"
    assert {usual_options("images", one).central for one in POLICY_GRADIENT if one != "mappo"} == {"auto"}
    chosen = deep_plan("rendezvous", preset="images", teams={"a": "mappo", "b": "ippo"})
    assert [options_of(chosen, player).central for player in ("mappo", "ippo")] == ["observations", "auto"]
    assert all(options_of(chosen, player).layer_norm for player in ("mappo", "ippo"))


@pytest.mark.parametrize("algorithm", POLICY_GRADIENT)
def test_a_preset_of_another_family_is_answered_with_those_that_fit(algorithm):
    with pytest.raises(BadInput, match="its presets are vectors, images, many"):
        defaults_of("rendezvous", algorithm, "foraging", [])
    with pytest.raises(BadInput, match="learns values of actions; its presets are default"):
        defaults_of("rendezvous", "vdn", "images", [])


def test_each_option_is_of_one_family_or_of_both():
    names = {one.name for one in dataclasses.fields(DeepOptions)}
    assert {*OF_VALUES, *OF_POLICIES} <= names
    assert not {*OF_VALUES} & {*OF_POLICIES}


@pytest.mark.parametrize(
    ("algorithm", "option", "value", "near"),
    [("vdn", "clip", 0.1, "--algorithm ippo"), ("ippo", "replay", 1_000_000, "--algorithm vdn"),
     ("mappo", "double", False, "--algorithm vdn"), ("iql", "squash", True, "--algorithm ippo")],
)  # fmt: skip
def test_an_option_that_nobody_reads_is_refused(algorithm, option, value, near):
    with pytest.raises(BadInput, match=f"--{option}: only learners of .*{near}"):
        deep_plan("rendezvous", algorithm=algorithm, learner={option: value})
    deep_plan("rendezvous", algorithm=algorithm, learner={"hidden": 32})  # read by both


@pytest.mark.parametrize(
    ("algorithm", "options", "sentence"),
    [
        ("ia2c", {"epochs": 4}, "--epochs 4: ia2c learns once"),
        ("seac", {"clip": 0.2}, "--clip 0.2: seac learns once"),
        ("ippo", {"minibatches": 4_000}, "--minibatches 4000: expected 1024 at most"),
        ("ippo", {"share_experience": "quantile"}, "pooled, or teams"),
        ("mappo", {"share_experience": "pooled"}, "its critics see what all agents see already"),
        ("seac", {"recurrent": True}, "nobody knows what one agent would remember"),
        ("seac", {"share_experience": "none"}, "use --algorithm ia2c"),
        ("ippo", {"central": "observations"}, "use mappo"),
        ("ippo", {"deviation_start": 0.0}, "--deviation-start 0"),
        ("ippo", {"layers": 0, "layer_norm": True}, "--layers 0: there is no layer .* --no-layer-norm"),
    ],
)
def test_what_does_not_go_together_is_answered(algorithm, options, sentence):
    with pytest.raises(BadInput, match=sentence):
        deep_plan("rendezvous", algorithm=algorithm, learner=options)


def test_seac_shares_what_ia2c_does_not_and_is_ia2c_else():
    alone, sharing = usual_options("vectors", "ia2c"), usual_options("vectors", "seac")
    assert (alone.share_experience, sharing.share_experience) == ("none", "pooled")
    assert dataclasses.replace(sharing, share_experience="none") == alone
    assert all(getattr(alone, name) == value for name, value in OF_ALGORITHM["ia2c"].items())
    assert not alone.share_parameters  # or nobody could learn from another


def test_teams_that_learn_side_by_side_each_have_what_is_usual_for_them_and_what_is_said():
    teams = {"adversary": "ippo", "agent": "seac"}
    chosen = deep_plan("mpe2:simple_tag_v3", preset="vectors", teams=teams, learner={"entropy": 0.02, "epochs": 7})
    first, other = (options_of(chosen, player) for player in teams.values())
    assert (first.epochs, first.minibatches, first.share_parameters, first.share_experience) == (7, 16, True, "none")
    assert (other.epochs, other.minibatches, other.share_parameters, other.share_experience) == (1, 1, False, "pooled")
    assert first.entropy == other.entropy == 0.02
    assert (other.environments, other.rows) == (first.environments, first.rows)  # how the world is stepped is one
    assert other.trace == usual_options("vectors", "seac").trace != first.trace


@pytest.mark.parametrize("players", [("iql", "ippo"), ("ippo", "iql")])
def test_a_team_of_the_other_family_learns_with_a_preset_of_its_own(players):
    """The one preset of `iql` was everybody's once: ippo beside it had no trace and the wrong activation."""
    chosen = deep_plan("rendezvous", teams=dict(zip("ab", players, strict=True)), learner={"replay": 5_000})
    values, policies = options_of(chosen, "iql"), options_of(chosen, "ippo")
    assert chosen.algorithm == players[0]
    alone = usual_options("vectors", "ippo")
    assert (policies.trace, policies.activation, policies.epochs) == (alone.trace, alone.activation, alone.epochs)
    assert (values.trace, values.replay, values.hidden) == (0.0, 5_000, usual_options("default", "iql").hidden)
    assert (values.environments, values.rows) == (policies.environments, policies.rows)


def test_what_only_the_second_team_reads_is_checked_for_it():
    with pytest.raises(BadInput, match=r"--replay 100: expected 1,024 at least"):
        deep_plan("rendezvous", teams={"a": "ippo", "b": "iql"}, learner={"replay": 100})
    with pytest.raises(BadInput, match=r"^iql: --n-step 3|^iql: --trace"):
        deep_plan("rendezvous", teams={"a": "ippo", "b": "iql"}, learner={"n_step": 3, "trace": 0.5})


@pytest.mark.parametrize(
    ("players", "said", "heard"),
    [(("iql", "ippo"), {"n_step": 3}, {"iql": 3, "ippo": 1}), (("ippo", "iql"), {"n_step": 3}, {"iql": 3, "ippo": 1}),
     (("vdn", "seac"), {"prioritised": True}, {"vdn": True, "seac": False}),
     (("ippo", "mappo"), {"central": "observations"}, {"ippo": "auto", "mappo": "observations"}),
     (("iql", "vdn"), {"share_experience": "pooled"}, {"iql": "pooled", "vdn": "none"}),
     (("mappo", "ia2c"), {"share_experience": "pooled"}, {"mappo": "none", "ia2c": "pooled"}),
     (("iql", "seac"), {"share_parameters": True}, {"iql": True, "seac": False}),
     (("hysteretic", "iql"), {"hysteresis": 0.5}, {"hysteretic": 0.5, "iql": 1.0})],
)  # fmt: skip
def test_each_team_is_told_what_it_reads(players, said, heard):
    chosen = deep_plan("foraging-8x8-2p-2f-coop", teams=dict(zip("ab", players, strict=True)), learner=said)
    assert {player: getattr(options_of(chosen, player), *said) for player in players} == heard


@pytest.mark.parametrize(
    ("players", "said", "says"),
    [(("seac", "ia2c"), {"epochs": 8}, "--epochs 8: seac learns once"),
     (("iql", "vdn"), {"hysteresis": 0.5}, "--hysteresis 0.5: iql learns bad news as fast"),
     (("ippo", "iql"), {"central": "observations"}, "--central observations: critics of ippo"),
     (("ippo", "iql"), {"share_weight": 0.5}, "--share-weight: ippo shares nothing")],
)  # fmt: skip
def test_what_no_team_reads_is_refused_as_it_is_alone(players, said, says):
    with pytest.raises(BadInput, match=says):
        deep_plan("rendezvous", teams=dict(zip("ab", players, strict=True)), learner=said)


def test_who_is_asked_less_often_than_usual_learns_as_much_more_when_it_is():
    """Beside a policy's rollouts of 16 x 64 steps one update for 64 steps became one for 1,024."""
    chosen = deep_plan("rendezvous", teams={"a": "ippo", "b": "iql"})
    usual, own = usual_options("default", "iql"), options_of(chosen, "iql")
    assert own.updates / (own.environments * own.rows) == usual.updates / (usual.environments * usual.rows)
    chosen = deep_plan("rendezvous", preset="vectors", teams={"a": "ia2c", "b": "ippo"})
    assert options_of(chosen, "ippo").minibatches == 1  # of 40 rows; 16 of 1,024 are usual


def test_a_team_that_learns_by_itself_learns_as_it_does_without_teams():
    """How the world is stepped may be said: that is no reason to learn more."""
    said = {"rows": 16, "epsilon": 0.5}
    alone = deep_plan("rendezvous", algorithm="iql", learner=said)
    among = deep_plan("rendezvous", teams={"a": "iql", "b": "random"}, learner=said)
    assert options_of(among, "iql") == options_of(alone, "iql")
    assert options_of(deep_plan("rendezvous", teams={"a": "vdn", "b": "iql"}, learner=said), "iql").updates == 1


def test_whose_options_are_wrong_is_said_where_there_are_several_algorithms():
    with pytest.raises(BadInput, match=r"^--hidden 0: expected"):
        deep_plan("rendezvous", algorithm="ippo", learner={"hidden": 0})
    with pytest.raises(BadInput, match=r"^ippo: --minibatches 5000: expected"):
        deep_plan("rendezvous", teams={"a": "iql", "b": "ippo"}, learner={"minibatches": 5_000})


def test_options_of_sharing_and_of_amounts_are_refused_where_nothing_is_shared_or_has_an_amount():
    for name, value in {"share_weight": 0.5, "share_clip": 1.0, "share_target": "partner"}.items():
        with pytest.raises(BadInput, match="ippo shares nothing; use --algorithm seac"):
            deep_plan("rendezvous", algorithm="ippo", learner={name: value})
    for name, value in {"squash": True, "deviation": "state-dependent", "deviation_start": 0.5}.items():
        with pytest.raises(BadInput, match="actions of rendezvous are numbered"):
            open_plan(deep_plan("rendezvous", algorithm="ippo", learner={name: value}))


def test_seeds_have_32_bits():
    for seed, seeds in ((2**32 - 1, 2), (2**40, 1)):
        with pytest.raises(BadInput, match=f"^--seed {seed}: expected 0 to {2**32 - seeds:,}"):
            deep_plan("rendezvous", algorithm="ippo", seed=seed, seeds=seeds)
    assert deep_plan("rendezvous", algorithm="ippo", seed=2**32 - 1, seeds=1).seed == 2**32 - 1


def test_a_choice_among_numbers_is_refused_with_them():
    for lag in (2, "1"):
        with pytest.raises(BadInput, match=r"there is no such choice; (known: 0, 1|did you mean '1'\?)"):
            deep_plan("rendezvous", algorithm="ippo", learner={"lag": lag})


def test_networks_of_one_s_own_are_told_nothing():
    with pytest.raises(BadInput, match=r"^--no-identity: each agent has a network of its own, .* --share-parameters$"):
        deep_plan("rendezvous", algorithm="vdn", learner={"identity": False})
    with pytest.raises(BadInput, match="--no-identity: each agent has a network of its own"):
        deep_plan("rendezvous", preset="images", learner={"identity": False, "share_parameters": False})
    with pytest.raises(BadInput, match=r"--no-identity: each agent has a network of its own, .*; leave it out"):
        deep_plan("rendezvous", teams={"a": "seac", "b": "random"}, learner={"identity": False})
    chosen = deep_plan("rendezvous", algorithm="vdn", learner={"share_parameters": True, "identity": False})
    assert not chosen.learner.identity
    chosen = deep_plan("rendezvous", teams={"a": "seac", "b": "ippo"}, preset="vectors", learner={"identity": False})
    assert [options_of(chosen, player).identity for player in ("seac", "ippo")] == [True, False]


def test_teams_of_a_run_from_before_their_own_options_were_kept_go_on_with_the_first_one_s():
    teams = {"a": "iql", "b": "hysteretic"}
    config = plain(deep_config(deep_plan("rendezvous", teams=teams, learner={"hysteresis": 0.5})))
    del config["others"]
    config["learner"]["hysteresis"] = 0.5  # which was said, and stood there for both
    old = others_in(config)
    assert {player: old[player].hysteresis for player in teams.values()} == {"iql": 1.0, "hysteretic": 0.5}


def test_a_preset_of_policies_shares_experience_with_its_own_algorithm():
    assert defaults_of("rendezvous", None, "vectors", [], {"share_experience"})[:2] == ("vectors", "ippo")


def test_a_switch_turned_off_is_said_too():
    assert {"double", "prioritised"} <= said_words(["--no-double", "--no-prioritised"])


def test_a_whole_set_of_options_says_what_is_not_usual():
    assert said_in(DeepOptions(epsilon_decay=0.3)) == {"epsilon_decay"}
    assert deep_plan("mpe2:simple_spread_v3", learner=DeepOptions(epsilon_decay=0.3)).algorithm == "iql"


def test_options_of_an_environment_are_looked_at_before_the_environment_is():
    with pytest.raises(BadInput, match="expected as a mapping, found 3"):
        deep_plan("mpe2:simple_spread_v3", env=3)


def test_tables_keep_their_own_algorithms():
    assert not {*ALGORITHMS} & {*POLICY_GRADIENT}
