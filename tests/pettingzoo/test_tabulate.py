"""Tables of PettingZoo environments against tables from elsewhere, and every reason for which there is none."""

import numpy as np
import pettingzoo
import pytest
import table_worlds as worlds
from finite_games import renumbered
from turn_games import nim
from turn_games import tictactoe as by_hand

from coterie.envs import rendezvous_v0
from coterie.envs.from_table import from_table
from coterie.envs.rendezvous import rendezvous
from coterie.envs.tabulate import tabulate as tabulate_ours
from coterie.errors import BadInput, EnvironmentFault
from coterie.finite.backward import perfect_play, shares
from coterie.finite.solve import optimum, policy_value, uniform_policy
from coterie.pettingzoo.ours import export
from coterie.pettingzoo.tables import proving
from coterie.pettingzoo.tables import tabulate as module
from coterie.pettingzoo.tables.exploring import Limits, Mover, explore, find_starts
from coterie.pettingzoo.tables.stepping import Identity, world_of
from coterie.pettingzoo.tables.tabulate import tabulate
from coterie.settings import RendezvousOptions


@pytest.mark.parametrize(
    "options",
    [
        {"size": 2, "horizon": 5, "observation": "all", "closer_reward": 0.5},
        {"map": "A.#/#.B", "horizon": 6},
    ],
    ids=("sees all", "walls"),
)
def test_a_game_of_ours_seen_from_outside_is_the_game_itself(options):
    ours = tabulate_ours(rendezvous(RendezvousOptions(**options)))
    found = tabulate(rendezvous_v0.parallel_env(**options))
    here, there = renumbered(ours), renumbered(found)
    for part in ("starts", "ways", "sights"):
        assert here[part] == there[part], part
    assert found.horizon == ours.horizon
    assert found.spec.team == ours.spec.team
    assert not found.masked
    assert optimum(found).value == optimum(ours).value


def test_tic_tac_toe_is_the_game_by_its_rules():
    found = tabulate(pettingzoo.make("aec", "classic/tictactoe-v3"), "tictactoe")
    rules = by_hand()
    assert len(found.states) == len(rules.states) == 5_478
    assert len(found.successor) == len(rules.successor)
    assert found.observation_count == rules.observation_count  # what movers see, and one row for who waits
    assert found.horizon == 9
    assert found.spec.team == (0, 1)
    perfect, expected = perfect_play(found), perfect_play(rules)
    assert perfect.start.tolist() == [0.0, 0.0]
    assert np.sort(perfect.values[:, 0]).tolist() == np.sort(expected.values[:, 0]).tolist()
    for mine, theirs in zip(shares(found, uniform_policy(found)), shares(rules, uniform_policy(rules)), strict=True):
        assert mine == pytest.approx(theirs)
    assert found.boards.shape == (5_478, 3, 3)
    assert sorted(np.unique(found.boards).tolist()) == [0, 2, 4]


def test_a_table_in_turns_there_and_back():
    for game in (nim(5), nim(4, most=3)):
        found = tabulate(export.env(from_table(game)))
        assert found.in_turns
        assert perfect_play(found).start.tolist() == perfect_play(game).start.tolist()
        random = [policy_value(one, uniform_policy(one)) for one in (game, found)]
        assert random[1].returns == pytest.approx(random[0].returns)


def value(game):
    return optimum(game).value


def test_a_readers_grid():
    game = tabulate(worlds.Corridor(), "corridor")
    assert game.horizon == 10
    assert game.spec.agents == ("left", "right")
    assert game.common
    assert value(game) == -0.5 + 1.0
    assert game.deterministic
    assert game.success[game.ended].all()
    assert "Checked against the environment: 100 random episodes" in game.remarks[2]


@pytest.mark.parametrize("world", [worlds.Blindfolded, worlds.Tired])
def test_where_nobody_sees_the_state_attributes_tell(world):
    game = tabulate(world(), "dark")
    assert "attributes" in game.remarks[0]
    assert game.observation_count == 1
    assert value(game) == 0.5
    split_by_time = world is worlds.Tired
    assert ("clocks left out" in game.remarks[0]) == (not split_by_time)
    assert (len(game.states) > 40) == split_by_time


def test_without_the_check_the_table_would_be_wrong():
    """The broken copy believes that what looks alike is alike: nothing moves, and nobody ever meets."""
    world = world_of(worlds.Blindfolded(), Identity(), None)
    starts = find_starts(world, float("inf"))
    found = explore(Mover(world, True), "dark", starts, Limits(10_000, 60.0))
    assert len(found.looks) == 1
    assert not any(happened.ended for happened, _ in found.edges.values())
    with pytest.raises(proving.Unlike, match="everything looks as after"):
        proving.check_episodes(world, found, 10, float("inf"))


def test_starts_are_counted():
    game = tabulate(worlds.Lottery(), "lottery")
    assert len(game.start_state) == 2
    assert sorted(game.start_probability) == pytest.approx([1 / 3, 2 / 3], abs=0.02)
    assert "shares of 10,000 seeds, and so not exact" in game.remarks[3]


def test_what_is_drawn_at_the_reset_and_seen_by_nobody_is_a_start():
    game = tabulate(worlds.HiddenDoor(), "door")
    assert len(game.start_state) == 2
    assert game.observation_count == 5
    assert sorted(optimum(game).start_values.tolist()) == [0.5, 5.0]


@pytest.mark.parametrize(
    ("world", "message"),
    [
        (
            worlds.Slippery,
            r"slippery draws chance while it is played, and keeps it to itself, .* seeds \d+ and \d+ begin",
        ),
        (worlds.Deck, r"of 128 episodes 128 begin in a way that no other does"),
        (worlds.Impatient, "it was cut off after 2 steps on one way and after .* on another"),
        (worlds.Endless, r"endless has no time limit: 10,000 steps were played .* --env.horizon 50"),
        (worlds.Mortal, "agents that end before their team have no exact table yet"),
    ],
)
def test_what_has_no_table_says_why(world, message):
    with pytest.raises(BadInput, match=message):
        tabulate(world(), world.__name__.lower())


def test_an_environment_that_ignores_its_seed_is_at_fault():
    with pytest.raises(EnvironmentFault, match=r"unseeded does not repeat itself from its seed: after seed"):
        tabulate(worlds.Unseeded(), "unseeded")


def test_a_time_limit_can_be_asked_for():
    game = tabulate(worlds.Endless(), "endless", horizon=7)
    assert game.horizon == 7
    assert value(game) == 0.5
    assert tabulate(worlds.Corridor(), horizon=3).horizon == 3
    assert tabulate(worlds.Corridor(), horizon=50).horizon == 10


@pytest.mark.parametrize(
    ("world", "copies"), [(worlds.Corridor, True), (worlds.Pickled, True), (worlds.SharedState, False)]
)
def test_copies_are_trusted_only_where_they_go_on_alike(world, copies):
    made = world_of(world(), Identity(), None)
    assert proving.copies_can_be_trusted(made) == copies
    plain, other = tabulate(worlds.Corridor(), "same"), tabulate(world(), "same")
    assert renumbered(plain)["ways"] == renumbered(other)["ways"]


def test_too_large_is_said_before_long():
    with pytest.raises(BadInput, match=r"too large for an exact table: \d+ states and more, with 4 joint actions each"):
        tabulate(worlds.Corridor(9), "long", pairs=40)
    with pytest.raises(BadInput, match=r"after 0 seconds of playing there are still new states"):
        tabulate(worlds.Corridor(), "slow", seconds=0.0)


def test_success_is_what_infos_say_or_the_best_ending():
    told = tabulate(worlds.Told(), success="in_the_middle")
    assert 0 < told.success.sum() < told.ended.sum()
    assert "under 'in_the_middle'" in told.remarks[-1]
    pits = tabulate(worlds.Pits())
    assert (pits.success == (pits.reward[:, 0] == 10)).all()
    assert "kind that pays most (10)" in pits.remarks[-1]
    rivals = tabulate(worlds.Rivals())
    assert not rivals.success.any()
    assert rivals.spec.team == (0, 1)
    assert not rivals.common
    assert tabulate(worlds.Rivals(), team=[0, 0]).spec.team == (0, 0)


def test_dictionaries_and_actions_that_begin_at_one():
    game = tabulate(worlds.Wordy(), "wordy")
    assert value(game) == 0.5
    assert game.observations[0].shape == (5, 7)  # five cells as a row, and two lights
    assert game.layouts[0]["chosen"]["start"] == (1,)


# Turns


@pytest.mark.parametrize("masks", [True, False])
def test_sticks_are_nim(masks):
    for heap in (3, 4, 5):
        found = perfect_play(tabulate(worlds.Sticks(heap, masks=masks), "sticks"))
        expected = perfect_play(nim(heap))
        assert found.start.tolist() == expected.start.tolist()


def test_what_is_told_later_is_counted_when_it_is_earned():
    game = tabulate(worlds.Sticks(5, pays=0.1), "sticks")
    first = game.reward[game.first_edge[game.start_state[0] * 4] : game.first_edge[(game.start_state[0] + 1) * 4]]
    assert first.tolist() == pytest.approx(np.array([[0.1, 0.0], [0.2, 0.0]]))
    random = policy_value(game, uniform_policy(game))
    assert random.returns.sum() == pytest.approx(
        0.5
    )  # whoever plays, five sticks are taken, and one wins what one loses


def test_turns_that_are_cut_off():
    game = tabulate(worlds.Sticks(9, limit=4), "sticks")
    assert game.horizon == 4
    assert "cuts every episode off after 4 steps" in game.remarks[1]
    assert not game.ended[game.successor == len(game.states) - 1].any()


def test_rock_paper_scissors():
    game = tabulate(pettingzoo.make("parallel", "classic/rps-v2", max_cycles=4), "rps")
    assert game.horizon == 4
    assert len(game.states) == 10  # nothing yet, and what both did last
    assert game.spec.team == (0, 1)
    assert policy_value(game, uniform_policy(game)).returns == pytest.approx([0.0, 0.0])


def test_agents_that_wait_see_one_thing_and_may_do_one_thing():
    game = tabulate(worlds.Sticks(4), "sticks")
    waits = game.observation_count - 1
    assert game.legal[waits].tolist() == [True, False]
    assert ((game.seen == waits).sum(1) >= 1).all()
    assert not game.observations[0][waits].any()


def test_states_are_told_as_they_are_found():
    told = []
    game = tabulate(worlds.Corridor(), on_states=told.append)
    assert told == sorted(told)
    assert told[-1] == len(game.states)


def test_a_play_that_always_ends_has_its_own_limit():
    game = tabulate(worlds.Sticks(6), "sticks")
    assert game.horizon == 6
    assert "after 6 steps at the latest" in game.remarks[1]
    assert module.LONGEST_WALK == 10_000
