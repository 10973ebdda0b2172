"""Matrix games with chance, with individual payoffs, and from files: published numbers, both roads, refusals."""

import itertools
import json
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coterie.cli import main
from coterie.envs import catalogue
from coterie.envs.from_table import from_table
from coterie.envs.matrix import matrix_game
from coterie.envs.payoffs import PAYOFFS, payoffs_of
from coterie.envs.protocol import draw_step
from coterie.envs.tabulate import tabulate
from coterie.errors import BadInput, StorageFault
from coterie.running import tables
from coterie.running.tables import exact_game
from coterie.settings import ClimbingOptions, ConventionsOptions, MatrixOptions, TwoByTwoOptions
from coterie.workflow.planning.plan import environment_options

# Kapetanakis and Kudenko 2002, as in facts: what a cell pays, all equally likely.
FULL = [[(10, 12), (5, -65), (8, -8)], [(5, -65), (14, 0), (12, 0)], [(5, -5), (5, -5), (7, 3)]]
PARTIAL = [[(11,), (-30,), (0,)], [(-30,), (14, 0), (6,)], [(0,), (0,), (5,)]]
MEAN = [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]

# First and second agent's payoffs, rows the first one's action.
CLASSICS = {
    "matching-pennies": [[(1, -1), (-1, 1)], [(-1, 1), (1, -1)]],
    "stag-hunt": [[(9, 9), (0, 8)], [(8, 0), (7, 7)]],
    "prisoners-dilemma": [[(3, 3), (0, 5)], [(5, 0), (1, 1)]],
    "chicken": [[(6, 6), (2, 7)], [(7, 2), (0, 0)]],
}


def edges(game, joint):
    """What a joint action of a game with one state leads to: {rewards: probability}."""
    places = range(game.first_edge[joint], game.first_edge[joint + 1])
    found: dict = {}
    for place in places:
        reward = tuple(game.reward[place].tolist())
        found[reward] = found.get(reward, 0) + Fraction(float(game.probability[place])).limit_denominator(10**6)
    return found


def coins(cell, noise=0):
    """The same by hand: evenly one of the payoffs, each agent's own with a coin's noise."""
    found: dict = {}
    for pay in cell:
        for signs in itertools.product((1, -1), repeat=2):
            reward = tuple(float(pay + noise * sign) for sign in signs)
            found[reward] = found.get(reward, 0) + Fraction(1, 4 * len(cell))
    return found


@pytest.mark.smoke
@pytest.mark.parametrize(
    "noise, cells", [("full", FULL), ("partial", PARTIAL), ("none", [[(x,) for x in y] for y in MEAN])]
)
@pytest.mark.parametrize("own", [0, 2.5])
def test_climbing_with_noise_pays_what_was_published(noise, cells, own):
    game = exact_game("climbing", ClimbingOptions(noise=noise, reward_noise=own))
    for row, column in itertools.product(range(3), repeat=2):
        assert edges(game, 3 * row + column) == coins(cells[row][column], own)
    assert game.spec.team == (0, 0)


@pytest.mark.parametrize("noise", ["partial", "full"])
def test_noise_changes_neither_the_mean_nor_the_aim(noise):
    table = payoffs_of("climbing", ClimbingOptions(noise=noise, reward_noise=3))
    mean = (table.chance[..., None] * table.payoffs).sum(-2)
    assert np.allclose(mean, np.array(MEAN)[..., None])
    assert table.success.tolist() == [[True, False, False], [False] * 3, [False] * 3]
    assert table.chance.shape[-1] <= 8


@pytest.mark.parametrize("name", CLASSICS)
def test_the_classics_pay_each_agent_its_own(name):
    for horizon in (1, 25):
        game = exact_game(name, TwoByTwoOptions(horizon=horizon))
        for row, column in itertools.product(range(2), repeat=2):
            assert edges(game, 2 * row + column) == {CLASSICS[name][row][column]: 1}
        assert game.spec.team == (0, 1)
        assert game.horizon == horizon
        assert game.ended.all() == (horizon == 1) == game.ended.any()


@pytest.mark.parametrize(
    "name, equilibria",
    [
        ("matching-pennies", []),
        ("stag-hunt", [(0, 0), (1, 1)]),
        ("prisoners-dilemma", [(1, 1)]),
        ("chicken", [(0, 1), (1, 0)]),
    ],
)
def test_the_classics_have_their_pure_equilibria(name, equilibria):
    """A pair of actions that nobody would leave alone, by the definition."""
    pay = payoffs_of(name, TwoByTwoOptions()).payoffs[..., 0, :]
    found = [
        (a, b)
        for a, b in itertools.product(range(2), repeat=2)
        if pay[a, b, 0] >= pay[1 - a, b, 0] and pay[a, b, 1] >= pay[a, 1 - b, 1]
    ]
    assert found == equilibria


def test_success_of_the_classics():
    wins = {name: payoffs_of(name, TwoByTwoOptions()).success.tolist() for name in CLASSICS}
    both_first = [[True, False], [False, False]]
    assert wins.pop("matching-pennies") == [[True, False], [False, True]]
    assert all(found == both_first for found in wins.values())


@pytest.mark.parametrize("k, agents", [(2, 2), (5, 2), (3, 3)])
def test_conventions_pay_where_all_agree(k, agents):
    game = exact_game("conventions", ConventionsOptions(k=k, agents=agents))
    for joint, actions in enumerate(itertools.product(range(k), repeat=agents)):
        agree = len(set(actions)) == 1
        assert edges(game, joint) == {(float(agree),) * agents: 1}
        assert game.success[joint] == agree
    assert game.success.sum() == k


NAMED = {name: catalogue.ENVIRONMENTS[name].options() for name in PAYOFFS}
NAMED["noisy"] = ClimbingOptions(noise="full", reward_noise=1, horizon=25)


@pytest.mark.parametrize("name", NAMED)
def test_both_roads_agree_on_sampled_steps(name):
    """What the environment draws with a key is an edge of the table, as often as the table says."""
    options = NAMED[name]
    environment = catalogue.make("climbing" if name == "noisy" else name, options)
    game = exact_game("climbing" if name == "noisy" else name, options)
    again = from_table(game)
    joint = np.array(game.joint_actions)

    def rewards(key, action):
        """Of one step on either road with the same key."""
        first = draw_step(environment, key, jnp.zeros(1, jnp.int32), action).reward
        return first, draw_step(again, key, jnp.int32(0), action).reward

    drawn = jax.jit(jax.vmap(jax.vmap(rewards, (0, None)), (None, 0)))  # compiled once for both roads
    first, second = drawn(jax.random.split(jax.random.key(7), 400), jnp.asarray(joint))
    assert np.array_equal(first, second)
    for number in range(len(joint)):
        expected = {tuple(np.float32(pay).tolist()): chance for pay, chance in edges(game, number).items()}
        drawn = [tuple(one) for one in np.asarray(first[number]).tolist()]
        assert set(drawn) <= set(expected)
        for pay, chance in expected.items():
            deviation = 5 * np.sqrt(float(chance) * (1 - float(chance)) / len(drawn))
            assert abs(drawn.count(pay) / len(drawn) - float(chance)) <= deviation


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_probabilities_add_up_and_expectations_are_by_hand(data):
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    outcomes = data.draw(st.integers(1, 3))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    chance = random.dirichlet(np.ones(outcomes), size=sizes)
    individual = data.draw(st.booleans())
    payoffs = random.integers(-9, 10, [*sizes, outcomes, *([len(sizes)] if individual else [])]).astype(float)
    game = tabulate(matrix_game("any", payoffs, 3, individual=individual, chance=chance))
    best = -np.inf
    worth = []
    for joint, actions in enumerate(itertools.product(*map(range, sizes))):
        rows = slice(game.first_edge[joint], game.first_edge[joint + 1])
        assert abs(game.probability[rows].sum() - 1) < 1e-9
        by_hand = [0.0] * len(sizes)
        for k in range(outcomes):
            for agent in range(len(sizes)):
                pay = payoffs[actions][k]
                by_hand[agent] += chance[actions][k] * (pay[agent] if individual else pay)
        assert np.allclose(game.probability[rows] @ game.reward[rows], by_hand)
        worth.append(sum(by_hand))
        best = max(best, worth[-1])
    succeeds = [bool(game.success[game.first_edge[joint]]) for joint in range(len(worth))]
    assert succeeds == [bool(value > best - 1e-8) for value in worth]


# Files


def written(tmp_path, content):
    path = tmp_path / "payoffs.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return MatrixOptions(file=str(path))


def test_a_file_of_plain_lists_pays_everybody(tmp_path):
    game = exact_game("matrix", written(tmp_path, MEAN))
    plain = exact_game("climbing", ClimbingOptions())
    assert np.array_equal(game.reward, plain.reward)
    assert np.array_equal(game.success, plain.success)


def test_a_file_may_have_individual_payoffs_chances_and_names(tmp_path):
    content = {
        "payoffs": [[[[1, 2], [3, 4]], [[0, 0], [0, 8]]]],
        "individual": True,
        "probabilities": [0.25, 0.75],
        "actions": ["left", "right"],
    }
    game = exact_game("matrix", written(tmp_path, content))
    assert game.actions == (1, 2)
    assert edges(game, 0) == {(1, 2): Fraction(1, 4), (3, 4): Fraction(3, 4)}
    assert edges(game, 1) == {(0, 0): Fraction(1, 4), (0, 8): Fraction(3, 4)}
    assert (game.action_names, game.spec.team) == (("left", "right"), (0, 1))
    assert game.success.all()  # 2.5 + 3.5 and 0 + 6 are equally good


def test_each_cell_may_have_chances_of_its_own(tmp_path):
    content = {"payoffs": [[[14, 0], [6, 6]]], "probabilities": [[[0.5, 0.5], [1, 0]]]}
    game = exact_game("matrix", written(tmp_path, content))
    assert edges(game, 0) == {(14, 14): Fraction(1, 2), (0, 0): Fraction(1, 2)}
    assert edges(game, 1) == {(6, 6): 1}


def test_a_table_belongs_to_the_content_of_the_file(tmp_path):
    """One name, two contents: the second time the first table must not come back."""
    options = written(tmp_path, [[1, 0], [0, 1]])
    first = exact_game("matrix", options)
    before = environment_options("matrix", options)
    written(tmp_path, [[5, 0], [0, 1]])
    assert exact_game("matrix", options).reward.max() == 5
    assert first.reward.max() == 1
    assert (before.file, json.loads(before.payoffs)) == ("", [[1, 0], [0, 1]])  # what a run keeps
    assert exact_game("matrix", before).reward.max() == 1


def test_a_key_of_the_name_alone_would_have_been_wrong(tmp_path):
    """The negative control: without the content in its place, both tables have one key."""
    options = written(tmp_path, [[1, 0], [0, 1]])
    resolve = catalogue.find("matrix").resolve
    keys = []
    for content in ([[1, 0], [0, 1]], [[5, 0], [0, 1]]):
        written(tmp_path, content)
        keys.append((tables._fingerprint("matrix", options), tables._fingerprint("matrix", resolve(options))))
    assert keys[0][0] == keys[1][0]
    assert keys[0][1] != keys[1][1]


BAD_FILES = {
    "no JSON": ("[[1, 2", r"payoffs.json, line 1: this is no JSON: Expecting"),
    "a word": ('"climbing"', 'expected nested lists of numbers, or an object with "payoffs"; found "climbing"'),
    "unequal rows": ([[1, 2], [3]], r"'payoffs' has \[3\] at \[1\], expected 2 entries"),
    "a number among lists": ([[1, 2], 3], r"'payoffs' has 3 at \[1\], expected 2 entries"),
    "a list among numbers": ([[1, [2]], [3, 4]], r"'payoffs' has \[2\] at \[0\]\[1\], expected a number"),
    "a word among numbers": ([[1, "2"]], r"'payoffs' has \"2\" at \[0\]\[1\], expected a number"),
    "true": ([[1, True]], r"'payoffs' has true at \[0\]\[1\], expected a number"),
    "infinite": ("[[1, Infinity]]", r"'payoffs' has Infinity at \[0\]\[1\]; numbers go up to 1,000,000,000"),
    "not a number": ("[[NaN, 1]]", r"'payoffs' has NaN at \[0\]\[0\]; numbers go up to"),
    "too large": ([[1e12]], r"numbers go up to 1,000,000,000"),
    "empty": ([], "'payoffs' has an empty list at the top"),
    "empty row": ([[], []], r"'payoffs' has an empty list at \[0\]"),
    "unknown field": ({"payofs": [[1]]}, "there is no field 'payofs'; did you mean 'payoffs'"),
    "no payoffs": ({"individual": True}, "the field 'payoffs' is missing"),
    "individual": (
        {"payoffs": [[[1, 2, 3]]], "individual": True},
        "2 agents need 2 payoffs a joint action, the table has 3",
    ),
    "only payoffs": (
        {"payoffs": [1, 2], "individual": True},
        "'payoffs' is nested 1 deep, which leaves no actions to any agent",
    ),
    "individual is no word": ({"payoffs": [[1]], "individual": "yes"}, "'individual' is true or false, found \"yes\""),
    "chances": ({"payoffs": [[[1, 2]]], "probabilities": [0.5, 0.4]}, r"add up to 1; those of \(0, 0\) add up to 0.9"),
    "negative chances": ({"payoffs": [[[1, 2]]], "probabilities": [1.5, -0.5]}, "are at least 0 and add up to 1"),
    "chances too many": (
        {"payoffs": [[[1, 2]]], "probabilities": [0.5, 0.25, 0.25]},
        "'probabilities' of shape 3 do not fit 'payoffs' of shape 1 x 1 x 2",
    ),
    "names too few": ({"payoffs": [[1, 2]], "actions": ["a"]}, "'actions' needs 2 different names, found a"),
    "names twice": ({"payoffs": [[1, 2]], "actions": ["a", "a"]}, "'actions' needs 2 different names, found a, a"),
    "names are no list": ({"payoffs": [[1, 2]], "actions": "ab"}, "'actions' is a list of names, found \"ab\""),
    "deep": ("[" * 40 + "1" + "]" * 40, "nested more than 30 deep"),
    "deeper": ("[" * 200_000, "nested too deeply|this is no JSON"),
    "large": ([[0] * 600] * 600, "'payoffs' holds more than 250,000 numbers"),
}


@pytest.mark.parametrize("fault", BAD_FILES)
def test_a_bad_file_is_refused_with_its_name_and_what_is_wrong(tmp_path, fault):
    content, sentence = BAD_FILES[fault]
    with pytest.raises(BadInput, match=sentence) as caught:
        exact_game("matrix", written(tmp_path, content))
    assert str(caught.value).startswith(str(tmp_path / "payoffs.json"))


def test_a_file_that_is_not_there_is_no_text_or_a_folder(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name, sentence in {
        "none": "there is no such file",
        "bytes": "this is no text",
        ".": "this is a folder",
    }.items():
        with pytest.raises(BadInput, match=sentence):
            exact_game("matrix", MatrixOptions(file=str(tmp_path / name)))
    with pytest.raises((BadInput, StorageFault)):
        exact_game("matrix", MatrixOptions(file="a\0b"))
    with pytest.raises(BadInput, match=r"give the file or --env\.payoffs, not both"):
        exact_game("matrix", MatrixOptions(file="x.json", payoffs="[1]"))


@pytest.mark.parametrize(
    "name, options, sentence",
    [
        ("climbing", ClimbingOptions(reward_noise=-1), "--env.reward-noise -1: expected a finite number of at least 0"),
        ("climbing", ClimbingOptions(reward_noise=float("inf")), "--env.reward-noise inf: expected"),
        ("conventions", ConventionsOptions(k=1), "--env.k 1: at least 2 conventions"),
        ("conventions", ConventionsOptions(agents=1), "--env.agents 1: at least 2 agents"),
        ("conventions", ConventionsOptions(k=50, agents=5), "--env.k 50 and --env.agents 5 make a table of more than"),
        ("conventions", ConventionsOptions(agents=10**6), "use fewer of either"),
        ("stag-hunt", TwoByTwoOptions(horizon=0), "--env.horizon 0: an episode needs at least 1 play"),
        ("matrix", MatrixOptions(payoffs="[[1, 2], [3]]"), "--env.payoffs: 'payoffs' has"),
    ],
)
def test_options_that_cannot_be_played_are_refused(name, options, sentence):
    with pytest.raises(BadInput, match=sentence):
        exact_game(name, options)


def test_the_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "payoffs.json").write_text("[[2, 0], [0, 1]]")
    few = ("--seeds", "3", "--episodes", "50", "--no-pictures")
    for words in (
        ("train", "stag-hunt", *few, "--env.horizon", "25"),
        ("watch", "conventions", "--policy", "random"),
        ("solve", "matching-pennies"),
        ("train", "matrix", "--env.file", "payoffs.json", *few),
    ):
        assert main(list(words)) == 0, capsys.readouterr().err
        assert "Traceback" not in capsys.readouterr().err
    (tmp_path / "payoffs.json").unlink()  # the run holds what it read
    assert main(["evaluate", "latest"]) == 0
    assert "optimum 2.00" in capsys.readouterr().out
