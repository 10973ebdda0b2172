"""The same verdict for anybody's agents: objects with `act(observation)`, made by a function in the user's file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from coterie.diagnosis.accounting import accounting, shortfall
from coterie.diagnosis.closed_loop import closed_loop
from coterie.diagnosis.contribution import contribution
from coterie.diagnosis.endings import endings
from coterie.diagnosis.identities import identities
from coterie.diagnosis.idle import idle
from coterie.diagnosis.influence import coupling
from coterie.diagnosis.loops import REPEATS, agent_loops, loops
from coterie.diagnosis.noise import noise
from coterie.diagnosis.order import corrected, in_order, over_teams
from coterie.diagnosis.reactions import reactions
from coterie.diagnosis.reward_audit import reward_audit
from coterie.diagnosis.rewards import rewards
from coterie.diagnosis.strangers import strangers
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running.evaluate import SAME_RETURN, baselines, followed_on_table
from coterie.running.stage import ActorStage, own_cast
from coterie.running.verdict import Verdict
from coterie.statistics import wilson
from coterie.types import Finding, Play
from coterie.workflow.judging.actors import actors, takes_seed
from coterie.workflow.judging.judgement import Judgement, recording_of
from coterie.workflow.planning.finite_games import finite_game
from coterie.workflow.planning.plan import check_seed, environment_options, whole
from coterie.workflow.questions.asking import Question, all_alike, answers, stand_in, told_apart, without_training

DISCOUNT = 0.9  # of the reward audit
EPISODES = 30  # that a team plays for every "what if"
TEAMS_LOOKED_AT = 5
STRANGERS = 6


def judge(
    make_team: Callable[..., Any],
    environment: str | Callable[[], Any] = "rendezvous",
    *,
    env: Any = None,
    teams: int = 100,
    seed: int = 0,
    idle: int | None = None,
    on_question: Callable[[int, int, str], None] | None = None,
) -> Judgement:
    """Play one episode with each of `teams` teams, and judge them as our own are judged.

    make_team() gives agents in the environment's order, or by name, each with `act(observation)`; if it has an argument
    named `seed` it is called once a team, else once, and that team plays every episode. Observations are numpy arrays.
    `environment` is one of ours by name, or a function that makes a parallel PettingZoo environment (judge_world);
    `idle` is then the action that does nothing, where there is one.
    Raises BadInput where make_team or an agent fails, or an action lies outside its space.
    """
    if not isinstance(environment, str):
        from coterie.workflow.judging.world import judge_world

        if env:
            raise BadInput("env: an environment of your own takes its options itself")
        return judge_world(make_team, environment, teams=teams, seed=seed, idle_action=idle, on_question=on_question)
    teams, seed = whole("--teams", teams), check_seed(seed)
    if teams < 1:
        raise BadInput(f"--teams {teams}: at least 1 team is needed")
    options = environment_options(environment, env)
    game = finite_game(environment, options)
    seeded = takes_seed(make_team)
    stage = ActorStage(game, [], EPISODES, seed)
    plays = []
    for team in range(teams):
        if seeded or not stage.actors:
            stage.actors.append(
                actors(make_team, game.spec.agents, game.actions, seed + team if seeded else None, team)
            )
        plays.append(stage.play(own_cast(stage, team if seeded else 0), team)._replace(team=team))
    if not seeded and game.deterministic and len(game.start_state) == 1 and all_alike(plays):
        plays = plays[:1]  # a hundred times the same episode is evidence of one
    unit = "team" if seeded or len(plays) == 1 else "episode"
    asked = answers(stage_questions(stage, plays, seeded), on_question)
    return _judgement(environment, options, game, plays, seed, unit, asked)


def stage_questions(stage: ActorStage, plays: list[Play], seeded: bool) -> list[Question]:
    """What is asked by letting the agents play again: of up to five teams, those that fail where any do."""
    game = stage.game
    failing = [play.team for play in plays if not play.success]
    looked, which = (failing, "failing teams") if failing else ([play.team for play in plays], "teams")
    looked = looked[:TEAMS_LOOKED_AT] if seeded else [0]

    def over(ask: Callable[[int], Finding]) -> Callable[[], Finding]:
        return lambda: over_teams([(team, ask(team)) for team in looked], which)

    still = game.idle if game.idle_is_noop else None
    questions = [
        Question("rewards", lambda: rewards(plays, game, names=game.spec.agents)),
        Question("endings", lambda: endings(plays, game)),
        Question("idle", lambda: idle(plays, still, names=game.spec.agents, action_names=game.action_names)),
        Question("agent loops", lambda: agent_loops(plays, names=game.spec.agents)),
        Question("noise", over(lambda team: noise(stage, team))),
        Question("contribution", over(lambda team: contribution(stage, team, stand_in(game)))),
        Question("influence", lambda: reactions(*stage_parts(stage, looked[0], plays))),
        Question("closed loop", over(lambda team: closed_loop(stage, game, team))),
    ]
    if len(game.spec.kinds) < len(game.spec.agents):
        questions.append(Question("identities", over(lambda team: identities(stage, team))))
    if not seeded and any_chance(plays):
        questions.append(Question("coupling", lambda: coupling(plays, habits(plays, max(game.actions)))))
    if seeded and len(plays) > 1:
        crowd = ActorStage(game, stage.actors[:STRANGERS], EPISODES // 3, stage.seed)
        questions.append(Question("strangers", lambda: strangers(crowd, game.success_word)))
    return questions


def stage_parts(stage: ActorStage, team: int, plays: list[Play]) -> tuple[Any, ...]:
    """What `reactions` asks about: names, actors, sizes, the team's recorded episode, and what would have followed."""
    play = next((play for play in plays if play.team == team), plays[0])
    game = stage.game
    return game.spec.agents, stage.actors[team], game.actions, play, followed_on_table(game, play)


def any_chance(plays: list[Play]) -> bool:
    """Whether some agent ever took different actions where it saw the same."""
    taken: dict[tuple[int, bytes], int] = {}
    return any(
        taken.setdefault((agent, sight.tobytes()), int(action)) != action
        for play in plays
        for agent, seen in enumerate(play.observations)
        for sight, action in zip(seen, play.actions[:, agent], strict=False)
    )


def habits(plays: list[Play], actions: int) -> Callable[[int, np.ndarray], np.ndarray]:
    """Each agent's own distribution over actions for what it sees, as it was counted, float64[A]."""
    counts: dict[tuple[int, bytes], np.ndarray] = {}
    for play in plays:
        for agent, seen in enumerate(play.observations):
            for sight, action in zip(seen, play.actions[:, agent], strict=False):
                counts.setdefault((agent, sight.tobytes()), np.zeros(actions))[action] += 1
    return lambda agent, sight: counts[agent, sight.tobytes()] / counts[agent, sight.tobytes()].sum()


def _judgement(
    environment: str,
    options: Any,
    game: FiniteGame,
    plays: list[Play],
    seed: int,
    unit: str,
    asked: list[Finding],
) -> Judgement:
    base, count = baselines(game), len(plays)
    returns = np.array([play.rewards.mean(1).sum() for play in plays])
    won = np.array([play.success for play in plays])
    starts = {int(state): value for state, value in zip(game.start_state, base.start_values, strict=True)}
    best = np.array([starts[int(play.keys[0])] for play in plays])
    audit, word = reward_audit(game, DISCOUNT).finding, game.success_word
    optimal = returns >= best - SAME_RETURN
    findings = (
        *([audit] if audit.verdict == "yes" else []),
        accounting(returns, base, unit=unit, common=game.common),
        *([loops([play for play in plays if not play.success], count, word)] if len(game.states) > 1 else []),
        *([shortfall(returns, won, optimal, base, word, unit)] if game.deterministic and game.common else []),
        *asked,
    )
    verdict = Verdict(
        environment=environment,
        algorithm="your agents",
        preset="",
        teams=count,
        agents=len(game.spec.agents),
        success_word=game.success_word,
        coordinated=wilson(int(won.sum()), count),
        optimal=wilson(int(optimal.sum()), count) if game.deterministic else None,
        relapsed=None,
        failed_checks=None,
        return_=float(returns.mean()),
        optimum=base.optimum,
        objective=base.objective,
        random=base.random,
        idle=base.idle,
        idle_action=base.idle_action,
        mean_success=float(won.mean()),
        starts=len(game.start_state),
        seed=seed,
        unit=unit,
        common=game.common,
        env_steps=sum(len(play.actions) for play in plays),
        findings=tuple(without_training(one) for one in in_order(told_apart(corrected(findings)))),
    )
    recording = recording_of(game, environment, options, plays)
    return Judgement(verdict, None, recording, int(returns.argmax()), REPEATS)
