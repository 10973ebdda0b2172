"""Do agents only know each other? Cross-play over teams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from coterie.diagnosis.paired import CHANCE, FEWEST_EPISODES, TINY, effect, scale, whole_episode
from coterie.finite.game import FiniteGame
from coterie.finite.visits import joint_chance, visits_by_step
from coterie.running.stage import Part, Score, Stage, TableStage, own_cast, replaced
from coterie.statistics import percent
from coterie.types import Finding, Picture

LEAST_DROP = 0.1  # of success, or of what own partners earn above random play
HARDLY = 0.01  # decisions an episode: what a team sees more rarely in its own play is strange to it
MOSTLY = 0.5  # the chance of having been led somewhere strange, above which failing is put down to coverage
ENOUGH_TEAMS = 4  # whose partners can be dealt in 24 ways in every episode; fewer have only their episodes
DEALS = 4_999
PAIRS = 12  # failing pairs whose ways are followed
EPISODES = 10  # recorded episodes a pair, where ways are sampled


class CrossPlay(NamedTuple):
    """What team w earns with a stranger of team v in it: returns (team-mean) and success, float64[W, W, E].

    The diagonal is each team as it is.
    """

    returns: np.ndarray
    success: np.ndarray


def cross_play(stage: Stage, teams: Sequence[int]) -> CrossPlay:
    """Cross-play (Hu et al. 2020): every team with a stranger of every other team in each place but the first.

    With two agents these are all pairs of a first and a second agent; with more, the mean over the stranger's places.
    """
    returns, success = [], []
    for host in teams:
        for guest in teams:
            places = range(1, len(stage.agents)) if guest != host else range(1)
            scores = [_score(stage, replaced(own_cast(stage, host), place, team=guest)) for place in places]
            returns.append(np.mean([score.team for score in scores], axis=0))
            success.append(np.mean([score.success for score in scores], axis=0))
    shape = (len(teams), len(teams), -1)
    return CrossPlay(np.stack(returns).reshape(shape), np.stack(success).reshape(shape))


def _score(stage: Stage, cast: Sequence[Part]) -> Score:
    """A cast's score; on a table by flows along all edges at once, where that gives the same and is faster."""
    if not isinstance(stage, TableStage) or not stage.game.horizon:
        return stage.score(cast)
    policy = stage.policy(cast)
    if stage.game.ended[stage.game.success].all() and ((policy > 0).sum(2) > 1).any():
        return _flowing(stage.game, policy)
    return stage.score(cast)


def _flowing(game: FiniteGame, policy: np.ndarray) -> Score:
    """The exact score of a policy float64[N, O, A] in a game where every success is an ending."""
    counts, states = np.diff(game.first_edge), len(game.states)
    pair = np.repeat(np.arange(len(counts)), counts)
    flow = joint_chance(game, policy).reshape(-1)[pair] * game.probability
    source = pair // int(np.prod(game.actions))
    earned = np.stack([np.bincount(source, flow * reward, states) for reward in game.reward.T])
    succeeding = np.bincount(source, flow * game.success, states)
    on = np.flatnonzero(~game.ended & (flow > 0))
    source, flow, successor = source[on], flow[on], game.successor[on]
    mass = np.bincount(game.start_state, game.start_probability, states)
    total = mass.copy()
    for _ in range(game.horizon - 1):
        mass = np.bincount(successor, mass[source] * flow, states)
        total += mass
    return Score((earned @ total)[None], np.array([succeeding @ total]))


def strangers(stage: Stage, word: str, teams: Sequence[int] | None = None) -> Finding:
    """Whether agents of different teams can do together what each team can do by itself.

    drop = mean over w of self-play minus mean over w != v of cross-play, in success, and in return as a share of what
    self-play earns above random play. yes: a drop above 0.1 (sampled: also p < 0.05). From four teams on p is the
    chance that partners dealt anew among the teams in every episode do as well together as own partners (a permutation
    test, Fisher 1935); with fewer it is that of the paired episodes. It speaks of these teams alone. Where all episodes
    of every cast are alike they are one exact observation, and nothing is tested. Then, as far as ways tell:
    coverage, where within the length of a self-play episode somebody sees what it meets less than once in a hundred of
    its own team's episodes; else convention: everybody is at home, and yet they fail. Raises ValueError for a team that
    the stage does not have.
    """
    chosen = list(range(stage.teams) if teams is None else teams)
    if any(not 0 <= team < stage.teams for team in chosen):
        raise ValueError(f"teams are numbered 0 to {stage.teams - 1}")
    if len(chosen) < 2 or len(stage.agents) < 2:
        return Finding("strangers", "cannot tell", "Strangers need at least two teams of two agents.")
    found = cross_play(stage, chosen)
    episodes = found.returns.shape[2]
    if not stage.exact and episodes < FEWEST_EPISODES and len(chosen) < ENOUGH_TEAMS:
        return Finding("strangers", "cannot tell", f"{episodes} episodes a pair are too few to compare partners.")
    random = stage.score([Part(chosen[0], agent, "random") for agent in range(len(stage.agents))])
    own, apart = np.eye(len(chosen), dtype=bool), ~np.eye(len(chosen), dtype=bool)
    selves, others = found.success[own].mean(0), found.success[apart].mean(0)
    earned, with_others = found.returns[own].mean(0), found.returns[apart].mean(0)
    above = float(earned.mean() - random.team.mean())
    known = float(selves.mean() - random.success.mean()) > LEAST_DROP
    if not known and above <= LEAST_DROP * scale(earned.mean(), random.team.mean()):
        sentence = "With their own partners they do no better than random play, so there is nothing to lose."
        return Finding("strangers", "cannot tell", sentence)
    by_success = known and (selves - others).mean() > LEAST_DROP
    by_return = above > 0 and (earned - with_others).mean() > LEAST_DROP * above
    in_success = by_success or (known and not by_return)
    worth = found.success if in_success else found.returns
    exact = stage.exact or all(not np.ptp(one, axis=2).any() for one in found)
    grid = worth.mean(2)
    size = effect(selves - others if in_success else earned - with_others, exact)
    if not exact and len(chosen) >= ENOUGH_TEAMS:
        size = size._replace(p=_dealt_p(worth))
    names = tuple(f"team {team}" for team in chosen)
    picture = Picture("grid", "each team with each team's agents", names, tuple(map(tuple, grid.tolist())), rows=names)
    if in_success:
        told = f"{percent(float(selves.mean()))} of episodes with their own partners, {percent(float(others.mean()))}"
        told = f"{len(chosen)} teams {word} in {told} with strangers"
    else:
        told = (
            f"{len(chosen)} teams earn {earned.mean():.2f} with their own partners and {with_others.mean():.2f} with "
            "strangers"
        )
    null = "their own partners"
    if not (by_success or by_return):
        return Finding("strangers", "no", f"{told}.", size.value, size.interval, null, picture=picture)
    if size.p is not None and size.p >= CHANCE:
        sentence = f"{told}, which {episodes} episodes a pair do not set apart."
        return Finding("strangers", "cannot tell", sentence, size.value, size.interval, null, p=size.p, picture=picture)
    why, remedy, flags = _reason(stage, chosen, worth)
    worst = int(grid.mean(1).argmin())
    steps = len(stage.play(own_cast(stage, chosen[worst])).actions)
    evidence = whole_episode(chosen[worst], steps)
    return Finding(
        "strangers", "yes", f"{told}: {why}", size.value, size.interval, null, evidence, remedy, flags, size.p, picture
    )


def _dealt_p(worth: np.ndarray) -> float:
    """The chance that partners who are dealt anew in every episode do as well as own ones; worth float64[W, W, E].

    Hosts and guests who are better with everybody count in every deal, so that they do not matter.
    """
    teams, _, episodes = worth.shape
    guests = np.random.default_rng(0).random((DEALS, episodes, teams)).argsort(2)
    found = worth[np.arange(teams), guests, np.arange(episodes)[:, None]].sum((1, 2))
    own = np.einsum("wwe->", worth)
    return float((1 + (found >= own - TINY * scale(worth)).sum()) / (1 + DEALS))


def _reason(stage: Stage, teams: list[int], worth: np.ndarray) -> tuple[str, str, tuple[str, ...]]:
    """Convention or coverage, in words, with the remedy and its flags."""
    mean = worth.mean(2)
    drops = np.minimum(np.diag(mean)[:, None], np.diag(mean)[None]) - mean
    np.fill_diagonal(drops, 0.0)
    failing = [divmod(int(at), len(teams)) for at in np.argsort(-drops, axis=None) if drops.flat[at] > 0]
    spread = failing[:: max(1, len(failing) // PAIRS)][:PAIRS]
    if not stage.play(own_cast(stage, teams[0])).observations:
        return "what they see was not recorded, so it is not known why.", "train with partners of other seeds", ()
    homes = {team: _ways(stage, own_cast(stage, teams[team])) for pair in spread for team in pair}
    led = [_strange(stage, teams, homes, host, guest) for host, guest in spread]
    if led and np.mean(led) > MOSTLY:
        return (
            "a matter of coverage, as strangers lead them where they have hardly ever been.",
            "let them learn from more starts and with more partners, so that they have been everywhere",
            ("--env.starts", "random"),
        )
    return (
        "a matter of convention, as all of them are where they have often been and still do not fit together.",
        "agree on a convention: train with partners of other seeds, or let the game itself break the tie",
        (),
    )


Ways = list[list[dict[bytes | int, float]]]  # by step and place: how often each sight is decided at, an episode


def _strange(stage: Stage, teams: list[int], homes: dict[int, Ways], host: int, guest: int) -> float:
    """The chance, at most, that within the length of self-play somebody decides at a sight that is strange to it."""
    length = max(1, round(max(_steps(homes[host]), _steps(homes[guest]))))
    chances = []
    for place in range(1, len(stage.agents)):
        ways = _ways(stage, replaced(own_cast(stage, teams[host]), place, team=teams[guest]))[:length]
        totals = []
        for seat in range(len(stage.agents)):
            home = _total(homes[guest if seat == place else host], seat)
            strange = [sum(m for sight, m in row[seat].items() if home.get(sight, 0.0) < HARDLY) for row in ways]
            totals.append(sum(strange))
        chances.append(min(1.0, max(totals)))
    return float(np.mean(chances))


def _steps(ways: Ways) -> float:
    return sum(sum(row[0].values()) for row in ways)


def _total(ways: Ways, seat: int) -> dict[bytes | int, float]:
    total: dict[bytes | int, float] = {}
    for row in ways:
        for sight, mass in row[seat].items():
            total[sight] = total.get(sight, 0.0) + mass
    return total


def _ways(stage: Stage, cast: Sequence[Part]) -> Ways:
    """How often a cast decides at each sight, exactly on a table, else by recorded episodes."""
    if isinstance(stage, TableStage):
        game = stage.game
        rows = visits_by_step(game, stage.policy(cast))
        return [[_by_sight(game.seen[:, seat], row) for seat in range(len(cast))] for row in rows]
    plays = [stage.play(cast, episode) for episode in range(EPISODES)]
    ways: Ways = [[{} for _ in cast] for _ in range(max(len(play.actions) for play in plays))]
    for play in plays:
        for step in range(len(play.actions)):
            for seat in range(len(cast)):
                sight = np.ascontiguousarray(play.observations[seat][step]).tobytes()
                ways[step][seat][sight] = ways[step][seat].get(sight, 0.0) + 1.0 / len(plays)
    return ways


def _by_sight(seen: np.ndarray, mass: np.ndarray) -> dict[bytes | int, float]:
    live = np.flatnonzero(mass > 0.0)
    total = np.bincount(seen[live], mass[live])
    return {int(sight): float(total[sight]) for sight in np.flatnonzero(total)}
