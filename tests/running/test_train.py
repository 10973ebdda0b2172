"""Training in chunks: no cut, no thread and no stop shows in the result, and the clock tells the truth."""

import itertools

import numpy as np
import pytest

from coterie.errors import BadInput, Diverged, StorageFault
from coterie.running import train
from coterie.running.checkpoint import load_checkpoint, save_checkpoint
from coterie.running.tables import exact_game
from coterie.running.train import as_parts, begin, check_interval, checks_made, from_parts, train_tabular
from coterie.settings import ClimbingOptions, RendezvousOptions, TabularOptions

TEAMS, EPISODES = 12, 240
LEARNERS = {
    "default": TabularOptions(),
    "tutorial": TabularOptions(epsilon=0.1, epsilon_end=0.1, ties="first", terminal_mask=False, hysteresis=1.0),
    "pooled": TabularOptions(share_experience="pooled", learning_rate_end=0.0),
    "one table": TabularOptions(share_parameters=True),
}
BOLTZMANN = TabularOptions(exploration="boltzmann", temperature=20.0, hysteresis=1.0)
FURTHER = {
    "iql": BOLTZMANN,
    "distributed": TabularOptions(hysteresis=1.0, share_experience="pooled"),
    "fmq": BOLTZMANN,
    "lenient": TabularOptions(hysteresis=1.0, temperature=50.0, share_parameters=True),
    "joint-action": BOLTZMANN,
}


@pytest.fixture(scope="module")
def game():
    return exact_game("rendezvous", RendezvousOptions())


@pytest.fixture(scope="module")
def scattered():
    """A game with many starts, where chance draws, too."""
    return exact_game("rendezvous", RendezvousOptions(size=3, starts="random", horizon=6))


def learned(game, options=LEARNERS["default"], seed=0, **more):
    fresh = begin(game, options, TEAMS, EPISODES)
    return train_tabular(game, options, fresh, seed=seed, episodes=EPISODES, **{"threads": 1, **more})


def everything(teams) -> dict[str, bytes]:
    """All that a run carries, as bytes: tables, draws, checks, and what is remembered besides."""
    arrays = {"q": teams.q, **teams.progress._asdict(), **teams.memory}
    return {
        "episode": teams.episode,
        **{name: (array.dtype, array.shape, array.tobytes()) for name, array in arrays.items()},
    }


def stop_after(chunks: int):
    """A `should_stop` that lets so many chunks pass."""
    calls = itertools.count()
    return lambda: next(calls) >= chunks


@pytest.mark.parametrize("name", LEARNERS)
def test_stopped_saved_and_resumed_equals_uninterrupted(game, tmp_path, name, monkeypatch):
    """Again and again, through the disk, after the first episode and before the last."""
    monkeypatch.setattr(train, "CHUNK_SECONDS", 1e-4)  # short chunks, so that there is much to cut
    options, stops = LEARNERS[name], []
    teams = begin(game, options, TEAMS, EPISODES)
    for chunks in (1, 0, 2, 1, 3, 5, 10**9):
        teams = train_tabular(
            game, options, teams, seed=3, episodes=EPISODES, threads=2, should_stop=stop_after(chunks)
        )
        stops.append(teams.episode)
        save_checkpoint(tmp_path, teams.episode, as_parts(teams, game), {"episode": teams.episode})
        parts, facts = load_checkpoint(tmp_path, ("policy", "progress"))
        teams = from_parts(parts, facts["episode"], begin(game, options, TEAMS, EPISODES), EPISODES)
    assert stops[0] == 1
    assert len(set(stops)) >= 5
    assert stops[-1] == EPISODES
    assert everything(teams) == everything(learned(game, options, seed=3))


@pytest.mark.parametrize("algorithm", [*FURTHER, "commitment"])
def test_every_algorithm_goes_on_as_if_it_had_never_stopped(game, tmp_path, algorithm, monkeypatch):
    """What a learner remembers beside its table is saved with it; threads do not show, either."""
    monkeypatch.setattr(train, "CHUNK_SECONDS", 1e-4)
    options = FURTHER.get(algorithm, TabularOptions(hysteresis=1.0, commitments=8, commitment_margin=2))
    if algorithm == "commitment":
        game = exact_game("climbing", ClimbingOptions())
    began, stops = begin(game, options, TEAMS, EPISODES, algorithm), []
    whole = train_tabular(game, options, began, seed=3, episodes=EPISODES, threads=1)
    teams = begin(game, options, TEAMS, EPISODES, algorithm)
    for chunks in (1, 2, 3, 10**9):
        teams = train_tabular(
            game, options, teams, seed=3, episodes=EPISODES, threads=2, should_stop=stop_after(chunks)
        )
        stops.append(teams.episode)
        save_checkpoint(tmp_path, teams.episode, as_parts(teams, game), {"episode": teams.episode})
        parts, facts = load_checkpoint(tmp_path, ("policy", "progress"))
        teams = from_parts(parts, facts["episode"], begin(game, options, TEAMS, EPISODES, algorithm), EPISODES)
    assert len(set(stops)) >= 3
    assert teams.algorithm == algorithm
    assert everything(teams) == everything(whole)
    assert everything(teams) != everything(begin(game, options, TEAMS, EPISODES, algorithm))
    forgotten = {name: np.zeros_like(array) for name, array in teams.memory.items()}
    assert everything(teams._replace(memory=forgotten)) != everything(whole)
    del parts["progress"]["memory.last"]
    with pytest.raises(StorageFault, match="last is nothing instead of "):
        from_parts(parts, facts["episode"], began, EPISODES)


def test_many_starts_are_drawn_alike_after_a_stop(scattered):
    teams = begin(scattered, TabularOptions(), TEAMS, EPISODES)
    for chunks in (1, 1, 10**9):
        teams = train_tabular(
            scattered, TabularOptions(), teams, seed=5, episodes=EPISODES, should_stop=stop_after(chunks)
        )
    assert everything(teams) == everything(learned(scattered, seed=5))


@pytest.mark.parametrize("threads", [0, 2, 3, 50])
def test_threads_do_not_show(game, threads):
    assert everything(learned(game, threads=threads)) == everything(learned(game))


def test_every_team_and_every_seed_learns_its_own(game):
    teams = learned(game)
    assert len({team.tobytes() for team in teams.q}) == TEAMS
    assert everything(teams) != everything(learned(game, seed=1))


def test_a_team_does_not_depend_on_how_many_others_there_are(game):
    few = begin(game, TabularOptions(), 3, EPISODES)
    few = train_tabular(game, TabularOptions(), few, seed=0, episodes=EPISODES)
    assert few.q.tobytes() == learned(game).q[:3].tobytes()


def test_teams_are_shown_between_chunks_in_order(game):
    seen = []
    learned(game, between=lambda teams: seen.append(teams.episode))
    assert seen[0] == 1
    assert seen[-1] == EPISODES
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("episodes", "interval"), [(1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (201, 3), (6_000, 60)]
)
def test_a_run_has_about_a_hundred_checks(game, episodes, interval):
    assert check_interval(episodes) == interval
    teams = begin(game, TabularOptions(), 1, episodes)
    assert teams.progress.check_success.shape[1] == episodes // interval
    assert checks_made(teams, episodes) == 0
    assert checks_made(teams._replace(episode=episodes), episodes) == episodes // interval


@pytest.fixture
def slow_start(monkeypatch):
    """A compiled loop whose first call takes ten seconds, and every episode one millisecond, on a clock of our own."""
    clock = [0.0]

    def advance(table, rule, teams, seed, episodes, threads):
        clock[0] += (10.0 if teams.episode == 0 else 0.0) + 0.001 * episodes
        teams.progress.steps[:] += 5 * episodes
        return teams._replace(episode=teams.episode + episodes)

    monkeypatch.setattr(train, "advance", advance)
    monkeypatch.setattr(train.time, "perf_counter", lambda: clock[0])


def test_compiling_is_not_counted_as_learning(game, slow_start):
    """The first tick once said "0 %, 1 episode, 59 min left" of a run of six seconds."""
    ticks = []
    fresh = begin(game, TabularOptions(), 2, 6_000)
    train_tabular(game, TabularOptions(), fresh, seed=0, episodes=6_000, on_tick=ticks.append)
    assert len(ticks) > 10
    for tick in ticks:
        assert tick.seconds_left == pytest.approx(0.001 * (6_000 - tick.episode), abs=1e-6)
        assert tick.steps_per_second == pytest.approx(10_000)
    assert ticks[-1].episode == ticks[-1].episodes == 6_000
    assert ticks[-1].seconds_left == 0


def test_a_resumed_run_counts_from_where_it_stood(game, slow_start):
    ticks = []
    teams = begin(game, TabularOptions(), 2, 6_000)
    teams = train_tabular(game, TabularOptions(), teams, seed=0, episodes=6_000, should_stop=stop_after(6))
    halfway = teams.episode
    train_tabular(game, TabularOptions(), teams, seed=0, episodes=6_000, on_tick=ticks.append)
    assert halfway > 100
    assert ticks[0].episode > halfway
    assert ticks[0].seconds_left == pytest.approx(0.001 * (6_000 - ticks[0].episode), abs=1e-6)


def test_a_tick_knows_the_last_check(game):
    ticks = []
    teams = learned(game, on_tick=ticks.append)
    assert ticks[-1].coordinated == teams.progress.check_success[:, -1].mean()
    assert ticks[-1].return_ == teams.progress.check_return[:, -1].mean()


def test_tables_that_are_no_longer_finite_are_told(game):
    teams = begin(game, TabularOptions(), TEAMS, EPISODES)
    teams.q[2, 0, 0, 0] = np.nan
    teams.q[5, 1, 3, 1] = np.inf
    with pytest.raises(Diverged, match="2 of 12 teams left the finite numbers; use a smaller --learning-rate"):
        train_tabular(game, TabularOptions(), teams, seed=0, episodes=1)


def test_a_negative_number_of_threads_is_refused(game):
    with pytest.raises(BadInput, match="--threads -1: expected a number of cores"):
        learned(game, threads=-1)


def test_more_teams_than_memory_are_refused_before_they_are_made(game, monkeypatch):
    monkeypatch.setattr(train, "memory_bytes", lambda: 50_000)
    with pytest.raises(BadInput, match="--seeds 12: so many teams need 0 GiB of memory; use fewer"):
        begin(game, TabularOptions(), 12, 240)
    monkeypatch.undo()
    with pytest.raises(BadInput, match="--seeds 10000000000: "):
        begin(game, TabularOptions(), 10**10, 240)


@pytest.mark.parametrize(
    ("part", "name", "change"),
    [
        ("policy", "q", lambda q: q[:-1]),
        ("policy", "q", lambda q: q.astype(np.float32)),
        ("progress", "check_success", lambda checks: checks[:, :5]),
        ("progress", "check_success", lambda checks: checks.astype(np.uint8)),
        ("progress", "draws", lambda draws: draws.astype(np.int64)),
        ("progress", "steps", None),
    ],
    ids=["fewer teams", "other floats", "fewer checks", "no flags", "signed draws", "nothing"],
)
def test_a_checkpoint_of_another_run_is_refused(game, part, name, change):
    """The compiled loop writes where the settings say, so what it writes to must be as large as they say."""
    fresh = begin(game, TabularOptions(), TEAMS, EPISODES)
    parts = as_parts(fresh, game)
    from_parts(parts, 7, fresh, EPISODES)
    if change is None:
        del parts[part][name]
    else:
        parts[part][name] = change(parts[part][name])
    with pytest.raises(StorageFault, match=f"does not fit its run's settings: {name} is "):
        from_parts(parts, 7, fresh, EPISODES)


@pytest.mark.parametrize("episode", [-1, EPISODES + 1, 1.5, None, "7"])
def test_an_episode_outside_the_run_is_refused(game, episode):
    fresh = begin(game, TabularOptions(), TEAMS, EPISODES)
    with pytest.raises(StorageFault, match="of 240 episodes"):
        from_parts(as_parts(fresh, game), episode, fresh, EPISODES)


def test_a_container_may_have_less_than_the_machine(monkeypatch):
    """A limit counts where it is lower than what is there, and than what is free; "max" is none."""
    told = {"/sys/fs/cgroup/memory.max": "1048576\n", "/proc/meminfo": "MemTotal: 9 kB\nMemAvailable: 4096 kB\n"}
    monkeypatch.setattr(train.Path, "read_text", lambda self: told[str(self)])
    assert train.memory_bytes() == train.free_bytes() == 2**20
    told["/sys/fs/cgroup/memory.max"] = "max\n"
    assert train.free_bytes() == 2**22 < train.memory_bytes()
    told["/proc/meminfo"] = "nothing of the kind"
    assert train.free_bytes() == train.memory_bytes()
