"""Learning with masks and in turns: the plain loop where all is legal, a slow definition elsewhere, closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from finite_games import make_game, meeting_game, random_game, ways_of
from slow_learner import MASKED, TUTORIAL, between, index_of, stream
from turn_games import nim, own_teams, randomly_masked, tictactoe, with_masks

from coterie.errors import BadInput
from coterie.finite.backward import perfect_play, shares
from coterie.finite.solve import greedy_policy, policy_value
from coterie.tabular.engine import Rule
from coterie.tabular.families import IndependentRule, MaskedRule
from coterie.tabular.learn import advance, as_rule, as_table, greedy_outcomes, greedy_play, new_teams
from coterie.tabular.masked import choices

ALL = replace(MASKED, epsilon=0.4, epsilon_end=0.05, epsilon_decay=0.5, learning_rate_end=0.02)


def learned(game, options, *, episodes=40, teams=3, seed=0, chunks=1, threads=1, check_every=10):
    state = new_teams(game, options, teams, episodes // check_every, "iql" if options.hysteresis == 1 else "hysteretic")
    rule = as_rule(options, episodes, check_every, state.algorithm, game)
    for _ in range(chunks):
        state = advance(as_table(game), rule, state, seed, episodes // chunks, threads)
    return state


def everything_legal(game):
    return game._replace(legal=np.ones((game.observation_count, max(game.actions)), bool))


VARIANTS = {
    "the tutorial": TUTORIAL,
    "schedules": ALL,
    "random ties": replace(ALL, ties="random"),
    "hysteretic": replace(ALL, hysteresis=0.3, ties="random"),
    "pooled": replace(ALL, share_experience="pooled"),
    "one table": replace(ALL, share_parameters=True),
    "no terminal mask": replace(ALL, terminal_mask=False),
    "boltzmann": replace(ALL, exploration="boltzmann", temperature=5.0),
}
GAMES = {
    "meeting": meeting_game(3),
    "chance": random_game(3, states=5, horizon=6),
    "three agents": random_game(4, sizes=(2, 2, 2), horizon=4),
    "no limit": random_game(5, states=4, horizon=0, endings=0.3),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", GAMES)
def test_where_all_is_legal_it_is_the_plain_loop_bit_for_bit(name, variant):
    game, options = GAMES[name], VARIANTS[variant]
    plain, masked = learned(game, options), learned(everything_legal(game), options)
    rules = [as_rule(options, 40, 10, "iql", one) for one in (game, everything_legal(game))]
    assert isinstance(rules[0], IndependentRule if variant == "boltzmann" else Rule)
    assert isinstance(rules[1], MaskedRule)
    assert np.array_equal(plain.q, masked.q)
    for before, after in zip(plain.progress, masked.progress, strict=True):
        assert np.array_equal(before, after)


def learn_slowly(game, options, episodes, numbers):
    """The tables of one team, by the definition: a decision is complete at the agent's next one, or at the end."""
    agents, shape = range(len(game.actions)), (len(game.actions), game.observation_count, max(game.actions))
    q = np.full(shape, options.initial_value)
    for episode in range(episodes):
        epsilon = between(options.epsilon, options.epsilon_end, options.epsilon_decay * episodes, episode)
        rate = between(options.learning_rate, options.learning_rate_end, episodes, episode)
        starts = game.start_probability.tolist()
        state = int(game.start_state[index_of(starts, numbers.random()) if len(starts) > 1 else 0])
        last, ended = [None for _ in agents], False

        def settle(agent, worth, rate=rate, last=last):
            if last[agent] is not None:
                (seen, action), earned = last[agent]
                error = earned + worth - q[agent, seen, action]
                q[agent, seen, action] += (rate if error > 0 else rate * options.hysteresis) * error
                last[agent] = None

        for _ in range(game.horizon):
            sights = [int(game.seen[state, agent]) for agent in agents]
            may = [np.flatnonzero(game.legal[sights[agent], : game.actions[agent]]) for agent in agents]
            for agent in agents:
                if len(may[agent]) > 1:
                    settle(agent, options.discount * q[agent, sights[agent], may[agent]].max())
            joint = []
            for agent in agents:
                values = q[agent, sights[agent], may[agent]]
                if len(may[agent]) == 1:
                    chosen = 0
                elif numbers.random() < epsilon:
                    chosen = numbers.randrange(len(may[agent]))
                else:
                    best = np.flatnonzero(values == values.max())
                    chosen = int(best[numbers.randrange(len(best)) if len(best) > 1 else 0])
                joint.append(int(may[agent][chosen]))
                if len(may[agent]) > 1:
                    last[agent] = [(sights[agent], joint[agent]), 0.0]
            ways = ways_of(game, state, int(np.ravel_multi_index(joint, game.actions)))
            way = ways[index_of([one[0] for one in ways], numbers.random()) if len(ways) > 1 else 0]
            _, state, reward, ended, _ = way
            for agent in agents:
                if last[agent] is not None:
                    last[agent][1] += reward[agent]
            if ended:
                break
        for agent in agents:
            if ended:
                settle(agent, 0.0)
            elif (game.legal[game.seen[state, agent], : game.actions[agent]]).sum() > 1:
                seen = game.seen[state, agent]
                legal = game.legal[seen, : game.actions[agent]]
                settle(agent, options.discount * q[agent, seen, : game.actions[agent]][legal].max())
    return q


SLOW = replace(ALL, ties="random", hysteresis=0.5)


@pytest.mark.parametrize(
    "game",
    [
        nim(6),
        nim(5, most=3, agents=3),
        tictactoe(),
        *(randomly_masked(random_game(seed, states=5, sizes=(3, 2), horizon=5), seed) for seed in range(8)),
    ],
    ids=lambda game: game.name,
)
def test_it_learns_what_the_definition_says(game):
    teams, episodes = 2, 60
    state = learned(game, SLOW, episodes=episodes, teams=teams)
    for team in range(teams):
        numbers = stream(team)
        assert np.allclose(state.q[team], learn_slowly(game, SLOW, episodes, numbers), rtol=1e-12, atol=1e-12)
        assert state.progress.draws[team] == numbers.count


def test_the_time_of_others_costs_nothing():
    """A decides, B decides, A decides and earns 1: the first is worth one discount, B's nothing."""
    ways = {(0, (a, 0)): [(1.0, 1, 0.0, False, False)] for a in (0, 1)}
    ways |= {(1, (0, b)): [(1.0, 2, (0.25, 0.0), False, False)] for b in (0, 1)}
    ways |= {(2, (a, 0)): [(1.0, 3, (1.0, 0.0), True, False)] for a in (0, 1)}
    waits = (0, 0)
    seen = [((1, 0), waits), (waits, (1, 1)), ((1, 2), waits), (waits, waits)]
    legal = [[[0, 1], [0]], [[0], [0, 1]], [[0, 1], [0]], [[0], [0]]]
    game = own_teams(with_masks(make_game((2, 2), ways, seen, horizon=3), legal))
    options = replace(MASKED, epsilon=1.0, epsilon_end=1.0, discount=0.5, learning_rate=0.5)
    q = learned(game, options, episodes=200).q[0]
    assert q[0, game.seen[0, 0]] == pytest.approx([0.25 + 0.5, 0.25 + 0.5])  # B's step pays A .25, undiscounted
    assert q[0, game.seen[2, 0]] == pytest.approx([1.0, 1.0])
    assert q[1, game.seen[1, 1]] == pytest.approx([0.0, 0.0])
    assert not q[0, game.seen[3, 0]].any()  # what is seen while waiting is never learned about


def test_a_decision_that_the_limit_leaves_open_is_not_learned_from():
    game = nim(6)._replace(horizon=2)  # A, B, and A would be next: what B's decision leads to is never known
    q = learned(game, replace(MASKED, epsilon=1.0, epsilon_end=1.0, initial_value=0.7), episodes=100).q[0]
    assert (q[1] == 0.7).all()
    assert (q[0] != 0.7).any()


def test_illegal_entries_are_never_touched_and_never_played():
    game = tictactoe()
    state = learned(game, replace(ALL, initial_value=0.5), episodes=300)
    untouched = ~game.allowed[None] | (game.allowed.sum(2) == 1)[None, :, :, None]
    assert (state.q[np.broadcast_to(untouched, state.q.shape)] == 0.5).all()
    assert (state.q != 0.5).any()
    wanted = np.where(game.allowed[None], state.q, 99.0)  # broken values beside the mask must not matter
    for team, tables in enumerate(wanted):
        _, edges, actions = greedy_play(game, tables, 0, team)
        board = set()
        for step, joint in enumerate(actions):
            board.add(int(joint[step % 2]))
        assert len(board) == len(actions)
        assert game.ended[edges[-1]]


def test_checks_are_greedy_outcomes():
    for game in (nim(7), tictactoe()):
        state = learned(game, ALL, episodes=40)
        returns, success = greedy_outcomes(game, state.q)
        assert returns[:, 0] == pytest.approx(state.progress.check_return[:, -1])
        assert (success[:, 0] > 0).tolist() == state.progress.check_success[:, -1].tolist()
        values = [policy_value(game, greedy_policy(game, tables)) for tables in state.q]
        assert [value.returns.mean() for value in values] == pytest.approx(returns[:, 0])


def test_neither_chunks_nor_threads_change_a_bit():
    once, cut = (learned(nim(7), ALL, teams=5, chunks=n, threads=t) for n, t in ((1, 1), (4, 3)))
    assert np.array_equal(once.q, cut.q)
    assert all(np.array_equal(a, b) for a, b in zip(once.progress, cut.progress, strict=True))


def never_told_of_defeat(game):
    """The broken copy: whoever does not move on the last step is not told what it earns, and the mover never loses."""
    return game._replace(reward=np.maximum(game.reward, 0.0))


def test_self_play_learns_tic_tac_toe_and_a_broken_copy_does_not():
    game = tictactoe()
    options = replace(
        MASKED, learning_rate=0.4, learning_rate_end=0.0, epsilon=1.0, epsilon_decay=0.9, discount=1.0, ties="random"
    )
    perfect = perfect_play(game).policy

    def not_lost(learned_from):
        tables = learned(learned_from, options, episodes=100_000, teams=2, check_every=100_000).q
        found = []
        for q in tables:
            own = greedy_policy(game, q)
            for seat in (0, 1):
                rival = np.stack([own[a] if a == seat else perfect[a] for a in (0, 1)])
                found.append(1.0 - shares(game, rival).lost[seat])
        return float(np.mean(found))

    sound, broken = not_lost(game), not_lost(never_told_of_defeat(game))
    assert sound > 0.99
    assert broken < 0.9


@pytest.mark.parametrize("algorithm", ["distributed", "fmq", "lenient", "joint-action", "commitment"])
def test_learners_that_know_no_masks_refuse(algorithm):
    with pytest.raises(BadInput, match=r"only iql and hysteretic know of that; use --algorithm iql"):
        new_teams(nim(4), MASKED, 1, 0, algorithm)


def test_choices_by_what_is_seen():
    game = random_game(0, sizes=(3, 2))
    first, actions = choices(everything_legal(game))
    kinds = np.repeat([kind.actions for kind in game.spec.kinds], [len(one) for one in game.observations])
    assert np.diff(first).tolist() == kinds.tolist()
    assert actions.tolist() == [action for size in kinds for action in range(size)]
