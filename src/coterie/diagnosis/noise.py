"""Does the team need noise? Own play against play that draws its actions, and against play with random slips."""

from __future__ import annotations

import numpy as np

from coterie.diagnosis.loops import find_loop
from coterie.finite.game import FiniteGame
from coterie.running.stage import NOISE, Score, Stage, TableStage, Way, own_cast
from coterie.statistics import paired_p, percent, t_interval
from coterie.types import Evidence, Finding, Picture

LEAST_GAIN = 0.01  # of the spread between own, sampled, noisy and random play, where scores are exact
GOOD = 0.5  # of what idle and random play lack to the best seen, that drawn actions must make up to be advised
CLEARLY_UP = 0.25  # of success, that drawn actions must add to be advised
ALPHA = 0.05  # shared among the comparisons (Holm 1979), where scores are sampled


def noise(stage: Stage, team: int = 0) -> Finding:
    """Do the agents earn less as they are judged than with some randomness in their actions?

    gain = max over ways w of J(w) - J(own), with w in {sampled: actions drawn from the agents' own distributions, where
    known; noisy: every action is random with chance 0.1}; J is the team-mean return. Exact on a table. Elsewhere the
    difference is paired over the same episodes and tested by random signs (Fisher 1935).

    yes: own play is worse. Typically greedy agents block each other or circle, which a slip undoes, and exploration
    that never ended hid it during learning. To judge the agents with drawn actions is advised only where these do well:
    at least half of what the better of idle and random play lacks to the best seen (of all ways, and of all teams of an
    exact stage or all episodes of a sampled one), and at least 25 % more success. Left out: other amounts of noise.

    cannot tell: where agents of different teams are paid differently, for the mean is then nobody's aim.
    """
    if _differently_paid(stage):
        sentence = (
            "The agents are in different teams and each is paid for itself, so what they earn together does not tell "
            "whether they need noise."
        )
        return Finding("noise", "cannot tell", sentence)
    cast = own_cast(stage, team)
    ways = {"own": stage.score(cast)}
    if stage.can_sample:
        ways["sampled"] = stage.score([part._replace(way="sampled") for part in cast])
    ways["noisy"] = stage.score([part._replace(way="noisy") for part in cast])
    means = {way: float(score.team.mean()) for way, score in ways.items()}
    rivals = {way: ways[way].team - ways["own"].team for way in ways if way != "own"}
    best = max(rivals, key=lambda way: means[way])
    gain, interval, p = means[best] - means["own"], None, None
    if stage.exact:
        random = float(stage.score([part._replace(way="random") for part in cast]).team.mean())
        worse = gain > max(1e-9, LEAST_GAIN * float(np.ptp([*means.values(), random])))
        if worse and best == "noisy" and random >= means[best] and _decides_once(stage):
            sentence = (
                f"Own play ({means['own']:.2f}) earns less than random play ({random:.2f}), and each agent decides "
                "once, so no slip undoes anything: more noise is better whatever is wrong."
            )
            return Finding("noise", "no", sentence, gain)
    else:
        if len(ways["own"].team) < 6:
            few = len(ways["own"].team)
            return Finding("noise", "cannot tell", f"{few} episodes are too few to compare own and noisy play.", gain)
        p = min(1.0, paired_p(rivals[best]) * len(rivals))
        worse = gain > 0 and p < ALPHA
        estimate = t_interval(rivals[best])
        interval = None if estimate.low is None or estimate.high is None else (estimate.low, estimate.high)
    labels = {"own": "own play", "sampled": "drawn actions", "noisy": "1 in 10 random"}
    title = "What the team earns, with and without noise"
    picture = Picture("bars", title, tuple(labels[way] for way in ways), tuple(means.values()), line=means["own"])
    null = "own play is as good"
    rival = {"sampled": "when they draw their actions", "noisy": f"with {percent(NOISE)} random actions"}[best]
    if not worse:
        sentence = f"Own play ({means['own']:.2f}) is not worse than play {rival} ({means[best]:.2f})."
        return Finding("noise", "no", sentence, gain, interval, null, p=p, picture=picture)
    play = stage.play(cast)
    loop = None if play.ended else find_loop(np.asarray(play.keys).tolist(), repeats=1)
    place = (loop.first_step, loop.last_step) if loop else (1, max(1, len(play.actions)))
    sentence = (
        f"The team needs noise: as it is judged it earns {means['own']:.2f}{_success(ways['own'], stage.exact)}, "
        f"{rival} {means[best]:.2f}{_success(ways[best], stage.exact)}."
    )
    remedy = "let exploration end before learning does, so that the agents learn to do without it"
    if best == "sampled" and _do_well(stage, team, ways):
        remedy = f"judge and use the agents with drawn actions, for that is what they learned; or {remedy}"
    flags = ("--epsilon-end", "0", "--epsilon-decay", "0.9")
    evidence = (Evidence(team, *place),)
    return Finding("noise", "yes", sentence, gain, interval, null, evidence, remedy, flags, p, picture)


def _decides_once(stage: Stage) -> bool:
    return isinstance(stage, TableStage) and stage.game.horizon == 1


def _differently_paid(stage: Stage) -> bool:
    """Whether agents of different teams earn differently, as far as a table tells."""
    game = getattr(stage, "game", None)
    if not isinstance(game, FiniteGame) or len(set(game.spec.team)) == 1:
        return False
    return not np.allclose(game.reward, game.reward[:, :1])


def _do_well(stage: Stage, team: int, ways: dict[str, Score]) -> bool:
    """Whether drawn actions are good by themselves, and not only better than what is worse."""
    cast = own_cast(stage, team)
    floors: tuple[Way, Way] = ("idle", "random")
    floor = max(float(stage.score([part._replace(way=way) for part in cast]).team.mean()) for way in floors)
    seen = [*ways.values()]
    if stage.exact:
        seen += [stage.score(own_cast(stage, other)) for other in range(stage.teams) if other != team]
    best = max(float(score.team.max()) for score in seen)
    more = float(ways["sampled"].success.mean() - ways["own"].success.mean())
    return best > floor and ways["sampled"].team.mean() >= floor + GOOD * (best - floor) and more >= CLEARLY_UP


def _success(score: Score, exact: bool) -> str:
    share = percent(float(score.success.mean()))
    return f" and succeeds with a chance of {share}" if exact else f" and succeeds in {share} of episodes"
