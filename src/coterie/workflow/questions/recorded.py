"""What can be told from episodes alone that any tool recorded, and from the exact table where they name our game."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from coterie.diagnosis.accounting import accounting
from coterie.diagnosis.endings import endings
from coterie.diagnosis.idle import idle
from coterie.diagnosis.loops import REPEATS, agent_loops, loops
from coterie.diagnosis.order import corrected, in_order
from coterie.diagnosis.reward_audit import outcome_audit, reward_audit
from coterie.diagnosis.rewards import rewards
from coterie.envs import catalogue
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running.deep.verdict import RELIABLE
from coterie.running.episodes import Recording
from coterie.running.evaluate import SAME_RETURN, Baselines, baselines
from coterie.running.tables import exact_game
from coterie.running.verdict import Verdict, failing_success
from coterie.statistics import wilson
from coterie.types import Finding, Play
from coterie.workflow.judging.judgement import Judgement
from coterie.workflow.planning.plan import environment_options
from coterie.workflow.questions.asking import Question, answers

DISCOUNT = 0.9  # of the reward audit, where nobody says how the agents discount


class Crowd(NamedTuple):
    """Those who are judged by recorded episodes: several teams, or one team episode by episode.

    returns and success float64[W] have a number for each (of a team, means over its episodes); failing: an episode of
    each that fails, where such a one was recorded; success_known: whether anybody says what a success is; paid: the
    episodes with what the agents learned from, where that is not what the environment pays them; sides: the team number
    of each agent, where a run says it: rivals are no team.
    """

    unit: str
    plays: list[Play]
    returns: np.ndarray
    success: np.ndarray
    failing: list[Play]
    success_known: bool = True
    paid: list[Play] | None = None
    sides: tuple[int, ...] = ()

    @property
    def fails(self) -> int:
        """How many fail, whether a failing episode of theirs was recorded or not."""
        return int((self.success < RELIABLE).sum())

    @property
    def groups(self) -> list[list[int]] | None:
        """The agents of each side; None where nobody says who is a rival."""
        return [[a for a, side in enumerate(self.sides) if side == one] for one in sorted(set(self.sides))] or None

    def common(self, game: FiniteGame | None) -> bool:
        """Whether all agents want the same, as far as it is known."""
        return (game is None or game.common) and len(set(self.sides)) <= 1


def judge_recording(
    name: str, recording: Recording, on_question: Callable[[int, int, str], None] | None = None
) -> Judgement:
    """The verdict on recorded episodes, with all findings. Raises BadInput where there are none, or they do not fit."""
    if not recording.plays:
        raise BadInput(f"{name} holds no episode")
    game = None
    if recording.environment and catalogue.has_table(recording.environment):
        game = exact_game(recording.environment, environment_options(recording.environment, dict(recording.options)))
        check_fits(name, recording, game)
    recording = recording._replace(plays=as_evidence(recording.plays))
    base = baselines(game) if game is not None else None
    crowd = crowd_of(recording.plays)
    questions = list(play_questions(crowd, recording, game, base))
    findings = in_order(corrected(answers(questions, on_question)))
    return Judgement(recorded_verdict(name, recording, crowd, game, base, findings), None, recording, 0, REPEATS)


def as_evidence(plays: Sequence[Play]) -> list[Play]:
    """The episodes team by team, each told once; those of a team that has several are numbered.

    A team that plays one and the same episode again and again has shown it, and a hundred copies are evidence of one.
    """
    told: list[Play] = []
    for group in by_team(plays).values():
        several = [play for place, play in enumerate(group) if not place or not same(play, group[0])]
        told += group[:1] if len(several) == 1 else [play._replace(episode=n) for n, play in enumerate(group, 1)]
    return told


def by_team(plays: Sequence[Play]) -> dict[int, list[Play]]:
    """The episodes of each team, in their order."""
    groups: dict[int, list[Play]] = {}
    for play in plays:
        groups.setdefault(play.team, []).append(play)
    return groups


def same(first: Play, other: Play) -> bool:
    """Whether two episodes are alike in all that is judged."""
    flags = [(play.success, play.ended, play.reported) for play in (first, other)]
    rows = [(play.actions, play.rewards, play.keys) for play in (first, other)]
    return flags[0] == flags[1] and all(np.array_equal(a, b) for a, b in zip(*rows, strict=True))


def crowd_of(plays: list[Play]) -> Crowd:
    """Each team by all its episodes where there are several teams; else the one team's episodes, each by itself."""
    groups = list(by_team(plays).values())
    unit = "team" if len(groups) > 1 or len(plays) == 1 else "episode"
    if unit == "episode":
        groups = [[play] for play in plays]
    earned = [float(np.mean([np.asarray(play.rewards).mean(1).sum() for play in group])) for group in groups]
    success = [float(np.mean([play.success for play in group])) for group in groups]
    failing = [first_failing(group) for group, share in zip(groups, success, strict=True) if share < RELIABLE]
    return Crowd(unit, plays, np.array(earned), np.array(success), [play for play in failing if play is not None])


def first_failing(group: Sequence[Play]) -> Play | None:
    """The first episode of a team that does not succeed; not chosen by how it fails."""
    return next((play for play in group if not play.success), None)


def play_questions(
    crowd: Crowd,
    recording: Recording,
    game: FiniteGame | None,
    base: Baselines | None,
    discount: float = DISCOUNT,
    repeats: int = REPEATS,
) -> Iterator[Question]:
    """What is asked of episodes that nobody can play again.

    Where nobody says what a success is, or not all agents want the same, nothing is asked of those who fail.
    """
    plays, names, word = crowd.plays, recording.agents, recording.success_word
    common = crowd.common(game)
    yield Question("rewards", lambda: rewards(crowd.paid or plays, game, names=names, groups=crowd.groups))
    if common:
        yield Question("endings", lambda: endings(plays, game, success_known=crowd.success_known))
    if common and crowd.success_known:
        if game is None or len(game.states) > 1:
            total = len(crowd.success)
            yield Question(
                "loops", lambda: loops(crowd.failing, total, word, repeats, unit=crowd.unit, fails=crowd.fails)
            )
        yield Question("agent loops", lambda: agent_loops(plays, names=names))
    yield Question("idle", lambda: idle(plays, recording.idle, names=names, action_names=recording.actions))
    if game is not None:
        yield Question("reward audit", lambda: reward_audit(game, discount).finding)
    elif crowd.success_known:
        yield Question("reward audit", lambda: outcome_audit(plays))
    if base is not None:
        yield Question("accounting", lambda: accounting(crowd.returns, base, unit=crowd.unit, common=common))


def check_fits(name: str, recording: Recording, game: FiniteGame) -> None:
    """Raises BadInput where the episodes cannot have been played in the game that they name."""
    agents, sizes = len(game.spec.agents), np.array(game.actions)
    if len(recording.agents) != agents:
        raise BadInput(f"{name} has {len(recording.agents)} agents, {recording.environment} has {agents}")
    for play in recording.plays:
        if play.amounts:
            raise BadInput(f"{name} holds actions of amounts, {recording.environment} has {sizes.max()} numbered ones")
        if game.horizon and len(play.actions) > game.horizon:
            raise BadInput(
                f"{name} holds an episode of {len(play.actions)} steps, {recording.environment} with these options "
                f"ends after {game.horizon}; name the options that were played (docs/episodes.md)"
            )
        if (play.actions >= sizes).any():
            raise BadInput(
                f"{name} holds action {play.actions.max()}, {recording.environment} has {sizes.max()} actions"
            )


def recorded_verdict(
    name: str,
    recording: Recording,
    crowd: Crowd,
    game: FiniteGame | None,
    base: Baselines | None,
    findings: tuple[Finding, ...],
) -> Verdict:
    """Episodes in numbers."""
    count = len(crowd.success)
    return Verdict(
        environment=recording.environment or name,
        algorithm="recorded",
        preset="",
        teams=count,
        agents=len(recording.agents),
        success_word=recording.success_word,
        coordinated=wilson(int((crowd.success >= RELIABLE).sum()), count),
        optimal=wilson(int((crowd.returns >= base.optimum - SAME_RETURN).sum()), count) if base else None,
        relapsed=None,
        failed_checks=None,
        return_=float(crowd.returns.mean()),
        optimum=base.optimum if base else None,
        objective=base.objective if base else "",
        random=base.random if base else None,
        idle=base.idle if base else None,
        idle_action=base.idle_action if base else "",
        mean_success=float(crowd.success.mean()),
        failing_success=failing_success(crowd.success, crowd.success >= RELIABLE),
        least_success=RELIABLE,
        starts=1,
        unit=crowd.unit,
        common=crowd.common(game),
        env_steps=sum(len(play.actions) for play in crowd.plays),
        findings=findings,
    )
