"""What can be told from episodes alone that any tool recorded, and from the exact table where they name our game."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
from coterie.running.episodes import Recording
from coterie.running.evaluate import SAME_RETURN, baselines
from coterie.running.tables import exact_game
from coterie.running.verdict import Verdict
from coterie.statistics import wilson
from coterie.types import Finding, Play
from coterie.workflow.asking import Question, answers
from coterie.workflow.judgement import Judgement
from coterie.workflow.plan import environment_options

DISCOUNT = 0.9  # of the reward audit, for nobody says how the agents discount


def judge_recording(
    name: str, recording: Recording, on_question: Callable[[int, int, str], None] | None = None
) -> Judgement:
    """The verdict on recorded episodes, with all findings. Raises BadInput where there are none, or they do not fit."""
    plays = recording.plays
    if not plays:
        raise BadInput(f"{name} holds no episode")
    game = None
    if recording.environment and catalogue.find(recording.environment).group not in catalogue.DEEP_ONLY:
        game = exact_game(recording.environment, environment_options(recording.environment, dict(recording.options)))
        check_fits(name, recording, game)
    questions = list(play_questions(plays, recording, game))
    findings = in_order(corrected(answers(questions, on_question)))
    return Judgement(recorded_verdict(name, recording, game, findings), None, recording, 0, REPEATS)


def play_questions(plays: list[Play], recording: Recording, game: FiniteGame | None) -> Iterator[Question]:
    """What is asked of episodes that nobody can play again."""
    word = recording.success_word
    failing = [play for play in plays if not play.success]
    yield Question("rewards", lambda: rewards(plays, game, names=recording.agents))
    yield Question("endings", lambda: endings(plays, game))
    yield Question("loops", lambda: loops(failing, len(plays), word))
    yield Question("agent loops", lambda: agent_loops(plays, names=recording.agents))
    yield Question("idle", lambda: idle(plays, recording.idle, names=recording.agents, action_names=recording.actions))
    if game is None:
        yield Question("reward audit", lambda: outcome_audit(plays))
    else:
        yield Question("reward audit", lambda: reward_audit(game, DISCOUNT).finding)
        yield Question(
            "accounting", lambda: accounting(_returns(plays), baselines(game), unit="episode", common=game.common)
        )


def check_fits(name: str, recording: Recording, game: FiniteGame) -> None:
    """Raises BadInput where the episodes cannot have been played in the game that they name."""
    agents, sizes = len(game.spec.agents), np.array(game.actions)
    if len(recording.agents) != agents:
        raise BadInput(f"{name} has {len(recording.agents)} agents, {recording.environment} has {agents}")
    for play in recording.plays:
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
    name: str, recording: Recording, game: FiniteGame | None, findings: tuple[Finding, ...]
) -> Verdict:
    """Episodes in numbers."""
    plays = recording.plays
    returns, base = _returns(plays), baselines(game) if game is not None else None
    return Verdict(
        environment=recording.environment or name,
        algorithm="recorded",
        preset="",
        teams=len(plays),
        agents=len(recording.agents),
        success_word=recording.success_word,
        coordinated=wilson(sum(play.success for play in plays), len(plays)),
        optimal=wilson(int((returns >= base.optimum - SAME_RETURN).sum()), len(plays)) if base else None,
        relapsed=None,
        failed_checks=None,
        return_=float(returns.mean()),
        optimum=base.optimum if base else None,
        objective=base.objective if base else "",
        random=base.random if base else None,
        idle=base.idle if base else None,
        idle_action=base.idle_action if base else "",
        mean_success=float(np.mean([play.success for play in plays])),
        starts=1,
        unit="episode",
        env_steps=sum(len(play.actions) for play in plays),
        findings=findings,
    )


def _returns(plays: list[Play]) -> np.ndarray:
    return np.array([play.rewards.mean(1).sum() for play in plays])
