"""The `.dpomdp` reader: the three problems against their definitions and published values, and what is refused."""

import itertools
from functools import partial
from importlib.resources import files

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from coterie.cli import main
from coterie.envs import boards, catalogue
from coterie.envs.dpomdp import read_dpomdp, read_problem
from coterie.envs.protocol import draw_step
from coterie.envs.tabulate import tabulate
from coterie.errors import BadInput
from coterie.running.tables import exact_game
from coterie.settings import DecPomdpOptions, DpomdpOptions
from coterie.workflow.planning.plan import environment_options

PUBLISHED = {"dec-tiger": -4, "recycling-robots": 7, "grid-small": 0.91}  # horizon 2, facts


def text_of(name):
    return (files("coterie") / "envs" / "problems" / f"{name}.dpomdp").read_text("utf-8")


# The problems


def value_of_two_steps(game):
    """The best pair of deterministic policies by history over two steps, every one tried, on the table's edges."""
    sizes = game.actions
    joint = {pair: number for number, pair in enumerate(itertools.product(*map(range, sizes)))}
    sights = [sorted(set(game.seen[:, agent].tolist())) for agent in range(2)]

    def ways(state, pair):
        first = state * len(joint) + joint[pair]
        return range(game.first_edge[first], game.first_edge[first + 1])

    best = -np.inf
    for pair in joint:
        now = 0.0
        later = np.zeros((len(sights[0]), len(sights[1]), *sizes))  # by what was seen and what is played then
        for start, chance in zip(game.start_state, game.start_probability, strict=True):
            for edge in ways(start, pair):
                weight = chance * game.probability[edge]
                now += weight * game.reward[edge, 0]
                state = game.successor[edge]
                place = tuple(sights[agent].index(game.seen[state, agent]) for agent in range(2))
                for second in joint:
                    then = sum(game.probability[e] * game.reward[e, 0] for e in ways(state, second))
                    later[(*place, *second)] += weight * then
        answers = [
            list(itertools.product(range(size), repeat=len(seen))) for size, seen in zip(sizes, sights, strict=True)
        ]
        for one in answers[0]:
            by_other = sum(later[row, :, action, :] for row, action in enumerate(one))
            best = max(best, now + by_other.max(1).sum())
    return best


@pytest.mark.smoke
@pytest.mark.parametrize("name", PUBLISHED)
def test_two_steps_are_worth_what_was_published(name):
    assert value_of_two_steps(exact_game(name, DecPomdpOptions(horizon=2))) == pytest.approx(PUBLISHED[name], abs=1e-9)


def test_a_wrong_number_in_the_file_is_not_worth_what_was_published():
    """The negative control."""
    broken = text_of("dec-tiger").replace("0.7225 0.1275 0.1275 0.0225", "0.7225 0.0775 0.1775 0.0225")
    broken = broken.replace("R: listen listen : * : * : * : -2", "R: listen listen : * : * : * : -1")
    assert value_of_two_steps(read_dpomdp(broken, "broken", 2)) == pytest.approx(-2)


def test_dec_tiger_is_its_definition():
    problem = read_problem(text_of("dec-tiger"), "dec-tiger")
    for joint, (a, b) in enumerate(itertools.product(range(3), repeat=2)):
        both_listen = a == b == 0
        assert np.array_equal(problem.transition[joint], np.eye(2) if both_listen else np.full((2, 2), 0.5))
        for tiger in (0, 1):
            heard = [0.85 if side == tiger else 0.15 for side in (0, 1)]
            expected = np.outer(heard, heard).reshape(-1) if both_listen else np.full(4, 0.25)
            assert problem.observation[joint, tiger] == pytest.approx(expected)
            opened = [action - 1 for action in (a, b) if action]
            if not opened:
                reward = -2
            elif len(opened) == 1:
                reward = -101 if opened[0] == tiger else 9
            else:
                reward = -100 if a != b else -50 if opened[0] == tiger else 20
            assert problem.reward[joint, tiger].item() == reward


def test_recycling_robots_are_their_definition():
    problem = read_problem(text_of("recycling-robots"), "recycling-robots")
    high = {(0, 0): 1, (0, 1): 1, (1, 0): 0.7, (1, 1): 0.2, (2, 0): 0.5, (2, 1): 0.3}  # (action, low) -> P(high after)
    fails = {0: 0, 1: 0.2, 2: 0.3}
    for (joint, pair), (state, low) in itertools.product(
        enumerate(itertools.product(range(3), repeat=2)), enumerate(itertools.product((0, 1), repeat=2))
    ):
        own = [(high[one, is_low], 1 - high[one, is_low]) for one, is_low in zip(pair, low, strict=True)]
        assert problem.transition[joint, state] == pytest.approx(np.outer(*own).reshape(-1))
        risk = [fails[one] * is_low for one, is_low in zip(pair, low, strict=True)]
        items = 5 if pair == (2, 2) else 2 * pair.count(1)
        reward = items * (1 - risk[0]) * (1 - risk[1]) - 10 * sum(risk)
        assert problem.reward[joint, state].item() == pytest.approx(reward)
        assert np.array_equal(problem.observation[joint], np.eye(4))


def test_the_grid_is_its_definition():
    problem = read_problem(text_of("grid-small"), "grid-small")
    steps = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1), "stay": (0, 0)}

    def after(cell, action):
        chances = np.zeros(4)
        for step, (down, right) in steps.items():
            row, column = min(max(cell // 2 + down, 0), 1), min(max(cell % 2 + right, 0), 1)
            chances[2 * row + column] += (step == "stay") if action == "stay" else 0.6 if step == action else 0.1
        return chances

    assert problem.actions == (tuple(steps),) * 2
    for (joint, pair), (a, b) in itertools.product(
        enumerate(itertools.product(steps, repeat=2)), itertools.product(range(4), repeat=2)
    ):
        moved = np.outer(after(a, pair[0]), after(b, pair[1])).reshape(-1)
        assert problem.transition[joint, 4 * a + b] == pytest.approx(moved)
        seen = np.zeros(4)
        seen[2 * (a % 2) + b % 2] = 1
        assert np.array_equal(problem.observation[joint, 4 * a + b], seen)
    assert problem.start.tolist() == [0] * 6 + [1] + [0] * 9
    assert np.array_equal(problem.reward[..., 0], np.broadcast_to(np.eye(4).reshape(-1), (25, 16, 16)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_games_states_are_the_world_and_what_was_just_seen(name):
    game = exact_game(name, DecPomdpOptions())
    starts = game.states[game.start_state]
    assert (starts[:, 1:] == 0).all()  # nothing yet
    later = np.delete(game.states, game.start_state, axis=0)
    assert (later[:, 1:] > 0).all()
    assert np.array_equal(game.seen, game.states[:, 1:])  # one kind of agent, so its numbers are the sights themselves
    assert not game.ended.any()
    assert game.spec.team == (0, 0)
    top = game.reward[:, 0] == game.reward.max()
    assert np.array_equal(game.success, top)


def test_the_grid_is_drawn():
    game = exact_game("grid-small", DecPomdpOptions())
    start = game.boards[game.start_state[0]]
    assert boards.to_text(start) == ". A\nB ."
    assert (game.success_word, game.idle, game.idle_is_noop) == ("meet", (4, 4), True)


@pytest.mark.parametrize("name", PUBLISHED)
def test_both_roads_agree_on_sampled_steps(name):
    """The environment's draws are edges of the file's table, as often as it says; and it tabulates to the same size."""
    game, environment = exact_game(name, DecPomdpOptions()), catalogue.make(name)
    again = tabulate(environment)
    assert (len(again.states), len(again.successor)) == (len(game.states), len(game.successor))
    keys = jax.random.split(jax.random.key(3), 2_000)
    joint_count = len(game.joint_actions)
    draw = jax.jit(jax.vmap(partial(draw_step, environment), in_axes=(0, None, None)))  # compiled once for all places
    for state in (0, len(game.states) // 2, len(game.states) - 1):
        joint = joint_count - 1 - state % joint_count
        drawn = draw(keys, jnp.int32(state), jnp.asarray(game.joint_actions[joint]))
        rows = slice(game.first_edge[state * joint_count + joint], game.first_edge[state * joint_count + joint + 1])
        counts = np.bincount(np.asarray(drawn.state), minlength=len(game.states)) / len(keys)
        expected = np.bincount(game.successor[rows], game.probability[rows], len(game.states))
        assert not counts[expected == 0].any()
        assert (np.abs(counts - expected) <= 5 * np.sqrt(expected * (1 - expected) / len(keys)) + 1e-12).all()
        reward = dict(zip(game.successor[rows].tolist(), game.reward[rows, 0].tolist(), strict=True))
        wanted = [reward[one] for one in np.asarray(drawn.state).tolist()]
        assert np.allclose(np.asarray(drawn.reward), np.array(wanted)[:, None])


# The format

HEAD = """agents: 2
discount: 1
values: reward
states: here there
start: here
actions:
a b
c d e
observations:
x y
2
"""
BODY = """T: * :
uniform
O: * :
uniform
R: a c : here : * : * : 5
"""
SMALL = HEAD + BODY


def problem_of(body, head=HEAD):
    return read_problem(head + body, "small")


def test_names_numbers_stars_and_later_entries():
    problem = problem_of(
        """T: * * :
identity   # stays
T: b * : here : 0.25 0.75
T: 5 : 1 :
1 0
T: a d : * : here : 0.5
T: a d : * : there : 0.5
O: * :
uniform
O: a 2 : there : x 0 : 0.5
O: a 2 : there : x 1 : 0.5
O: a 2 : there : y * : 0
O: b c :
1 0 0 0
0 0 0 1
R: * : here : * : * : -1
R: a * : * : there : y 1 : +2.5e1
R: b e : there :
1 2 3 4
5 6 7 8
"""
    )
    eye, here_b = np.eye(2), [[0.25, 0.75], [0, 1]]
    assert problem.transition.tolist() == [
        eye.tolist(),
        [[0.5, 0.5], [0.5, 0.5]],
        eye.tolist(),
        here_b,
        here_b,
        [[0.25, 0.75], [1, 0]],
    ]
    assert problem.observation[2].tolist() == [[0.25] * 4, [0.5, 0.5, 0, 0]]
    assert problem.observation[3].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert problem.reward[0].tolist() == [[[-1] * 4, [-1, -1, -1, 25]], [[0] * 4, [0, 0, 0, 25]]]
    assert problem.reward[5, 1].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    "start, chances",
    [
        ("start: uniform", [1 / 3, 1 / 3, 1 / 3]),
        ("start:\nuniform", [1 / 3, 1 / 3, 1 / 3]),
        ("start:\n0.2 0.3 0.5", [0.2, 0.3, 0.5]),
        ("start: 0.2 0.3 0.5", [0.2, 0.3, 0.5]),
        ("start: two", [0, 0, 1]),
        ("start: 1", [0, 1, 0]),
        ("start include: zero two", [0.5, 0, 0.5]),
        ("start include: 0 1 2", [1 / 3, 1 / 3, 1 / 3]),
        ("start exclude: 1", [0.5, 0, 0.5]),
        ("start exclude: zero 2", [0, 1, 0]),
    ],
)
def test_every_way_to_start(start, chances):
    head = HEAD.replace("start: here", start).replace("states: here there", "states: zero one two")
    assert problem_of(BODY.replace("here", "0"), head).start == pytest.approx(chances)


def test_costs_are_rewards_the_other_way_round():
    assert problem_of(BODY, HEAD.replace("reward", "cost")).reward.min() == -5


def test_agents_of_different_kinds_and_names():
    game = read_dpomdp(SMALL, "small", 4)
    assert [kind.agents for kind in game.spec.kinds] == [(0,), (1,)]
    assert (game.actions, game.action_names, game.horizon) == ((2, 3), ("a/c", "b/d", "e"), 4)
    assert game.seen.max(0).tolist() == [2, 5]
    assert game.success.any()
    assert not read_dpomdp(HEAD + BODY.replace(": 5", ": 0"), "small", 4).success.any()  # nothing is the greatest


def test_what_cannot_be_reached_is_left_out():
    game = read_dpomdp(HEAD + BODY.replace("uniform", "identity", 1), "small", 1)
    assert set(game.states[:, 0].tolist()) == {0}


BAD = {
    "no colon": (SMALL + "T a c\n", "line 16: 'R:' has 5 parts before its numbers"),
    "unknown word": (SMALL.replace("states:", "state:"), "line 4: there is no 'state:' here; did you mean 'states'"),
    "missing": (SMALL.replace("discount: 1\n", ""), "line 15: the text ends without 'discount:'"),
    "empty": ("", "line 1: the text ends without 'agents:'"),
    "twice": (SMALL + "agents: 3\n", "line 17: 'agents:' stands in line 1 already"),
    "text first": ("hello\n" + SMALL, "line 1: expected a word and a colon, like 'states:', found 'hello'"),
    "agents": (
        SMALL.replace("agents: 2", "agents: 3"),
        "line 6: 'actions:' needs a line for each of 3 agents, found 2",
    ),
    "many agents": (SMALL.replace("agents: 2", "agents: 11"), "line 1: 11 agents are more than 10"),
    "no agents": (SMALL.replace("agents: 2", "agents: 0"), "line 1: 0 agents: from 1 to 100,000"),
    "discount": (
        SMALL.replace("discount: 1", "discount: 1.5"),
        "line 2: the discount is a number from 0 to 1, found 1.5",
    ),
    "discount no number": (SMALL.replace("discount: 1", "discount: much"), "line 2: expected a number, found 'much'"),
    "values": (SMALL.replace("values: reward", "values: money"), "line 3: 'values' is reward or cost, found 'money'"),
    "state twice": (SMALL.replace("here there", "here here"), "line 4: expected state names, each once"),
    "state name": (SMALL.replace("here there", "here 2nd"), "line 4: '2nd' is no name of a state"),
    "start unknown": (
        SMALL.replace("start: here", "start: hre"),
        "line 5: there is no state 'hre'; did you mean 'here'",
    ),
    "start chances": (SMALL.replace("start: here", "start: 0.5 0.6"), "line 5: the chances of the start .* not 1.1"),
    "start too many": (SMALL.replace("start: here", "start: 0.5 0.5 0"), "line 5: 'start:' needs 2 chances"),
    "start nowhere": (SMALL.replace("start: here", "start exclude: 0 1"), "line 5: 'start exclude:' leaves no state"),
    "action": (SMALL + "R: a f : * : * : * : 1", "line 17: there is no action of agent 1 'f'"),
    "one action": (SMALL + "R: a : * : * : * : 1", "line 17: expected one action an agent, 2 words, found 'a'"),
    "joint number": (SMALL + "R: 6 : * : * : * : 1", "line 17: joint actions are numbered from 0 to 5, not 6"),
    "state number": (SMALL + "R: a c : 2 : * : * : 1", "line 17: there is no state 2; they are numbered from 0 to 1"),
    "observation": (SMALL + "O: a c : here : x z : 1", "line 17: there is no observation of agent 1 'z'"),
    "no number": (SMALL + "T: a c : here : there :", "line 17: 'T:' ends without a number"),
    "word for number": (SMALL + "R: a c : * : * : * : much", "line 17: expected a number, found 'much'"),
    "not finite": (SMALL + "R: a c : * : * : * : 1e999", "line 17: expected a number, found '1e999'"),
    "too few numbers": (SMALL + "T: a c : here :\n1", "line 17: expected 2 numbers, found 1 words"),
    "too many parts": (SMALL + "T: a c : here : here : here : 1", "line 17: 'T:' has 4 parts before its numbers"),
    "reward for too much": (SMALL + "R: a c : 1", "line 17: 'R:' has 1 parts before its numbers"),
    "uniform reward": (SMALL + "R: a c : here :\nuniform", "line 17: expected 8 numbers, found 1 words"),
    "negative": (SMALL + "T: a c : here : here : -0.5", "line 17: a chance lies between 0 and 1, found -0.5"),
    "T adds up": (
        SMALL + "T: b d : here : 0.5 0.4",
        "line 17: the chances of the next state from here under b d add up to 0.9, not 1",
    ),
    "O adds up": (
        SMALL + "O: b d : here : y 1 : 0.5",
        r"line 17: the chances of the observations in here under b d add up to 1\.25, not 1",
    ),
    "no T": (HEAD + "O: * :\nuniform\n", "line 13: the chances of the next state from here under a c add up to 0"),
    "large": (
        SMALL.replace("states: here there", "states: 9999").replace("here", "0"),
        "numbers, 20,000,000 are the limit",
    ),
}


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_file_is_refused_with_its_line_and_cause(tmp_path, fault):
    text, sentence = BAD[fault]
    path = tmp_path / "mine.dpomdp"
    path.write_text(text)
    with pytest.raises(BadInput, match=sentence) as caught:
        exact_game("dpomdp", DpomdpOptions(file=str(path)))
    assert str(caught.value).startswith(f"{path}, line ")


def test_a_file_becomes_its_content(tmp_path):
    path = tmp_path / "mine.dpomdp"
    path.write_text(SMALL)
    options = environment_options("dpomdp", {"file": str(path), "horizon": 2})
    assert options == DpomdpOptions(file="", text=SMALL, horizon=2)
    path.write_text(SMALL.replace(": 5", ": 7"))
    assert exact_game("dpomdp", options).reward.max() == 5
    assert exact_game("dpomdp", DpomdpOptions(file=str(path))).reward.max() == 7
    with pytest.raises(BadInput, match=r"give the file or --env\.text, not both"):
        environment_options("dpomdp", {"file": str(path), "text": SMALL})
    with pytest.raises(BadInput, match="which file"):
        environment_options("dpomdp", {"file": ""})
    with pytest.raises(BadInput, match="there is no such file; did you mean 'dec-tiger'"):
        environment_options("dpomdp", {"file": "dec-tigr"})


def test_the_commands_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    few = ("--seeds", "3", "--episodes", "50")
    for words in (("train", "dec-tiger", *few), ("solve", "dec-tiger"), ("watch", "grid-small", "--policy", "random")):
        assert main(list(words)) == 0, capsys.readouterr().err
    assert "60.00   the best that one mind" in capsys.readouterr().out
    assert main(["watch", "dec-tiger", "--policy", "random"]) == 0
    assert "This environment draws no board, so here is what was done" in capsys.readouterr().out


def test_files_of_windows_editors_are_read(tmp_path):
    """A mark of the order of bytes, carriage returns, tabs, and the observations before the actions."""
    actions, sights = HEAD.index("actions:"), HEAD.index("observations:")
    turned = HEAD[:actions] + HEAD[sights:] + HEAD[actions:sights] + BODY
    plain, path = read_dpomdp(HEAD + BODY, "x", 3), tmp_path / "windows.dpomdp"
    path.write_bytes(b"\xef\xbb\xbf" + turned.replace("\n", "\r\n").replace(": ", ":\t").encode())
    found = exact_game("dpomdp", DpomdpOptions(file=str(path), horizon=3))
    for part in ("successor", "probability", "reward", "seen"):
        assert np.array_equal(getattr(found, part), getattr(plain, part))


def test_rewards_too_large_to_be_added_up_are_refused():
    with pytest.raises(BadInput, match="rewards go up to 1,000,000,000, found 1e\\+308"):
        read_dpomdp(HEAD + BODY.replace(": 5", ": 1e308"), "x", 3)


def test_the_only_state_may_start_with_its_chance():
    text = (HEAD + BODY).replace("here there", "here").replace("start: here", "start: 1.0")
    assert read_problem(text, "x").start.tolist() == [1.0]
