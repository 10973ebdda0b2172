"""The verdict on anybody's agents in anybody's world: a parallel PettingZoo environment without an exact table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from coterie.diagnosis.accounting import accounting
from coterie.diagnosis.contribution import contribution
from coterie.diagnosis.endings import endings
from coterie.diagnosis.identities import identities
from coterie.diagnosis.idle import idle
from coterie.diagnosis.loops import REPEATS, agent_loops, loops
from coterie.diagnosis.noise import noise
from coterie.diagnosis.order import corrected, in_order, over_teams
from coterie.diagnosis.reactions import reactions
from coterie.diagnosis.reward_audit import outcome_audit
from coterie.diagnosis.rewards import rewards
from coterie.diagnosis.strangers import strangers
from coterie.errors import BadInput
from coterie.running.cloning import followed_by, seen_again
from coterie.running.env_stage import EnvStage
from coterie.running.episodes import Recording
from coterie.running.evaluate import Baselines
from coterie.running.record import episode_seed
from coterie.running.stage import Part, Way, own_cast
from coterie.running.verdict import Verdict
from coterie.statistics import wilson
from coterie.types import Finding, Play
from coterie.workflow.judging.actors import actors, takes_seed
from coterie.workflow.judging.judgement import Judgement
from coterie.workflow.planning.plan import check_seed, whole
from coterie.workflow.questions.asking import Question, all_alike, answers, told_apart, without_training

EPISODES = 30  # that are played for every "what if"
TEAMS_LOOKED_AT = 3
STRANGERS = 4


def judge_world(
    make_team: Callable[..., Any],
    make_env: Callable[[], Any],
    *,
    teams: int = 100,
    seed: int = 0,
    success_word: str = "succeed",
    idle_action: int | None = None,
    on_question: Callable[[int, int, str], None] | None = None,
) -> Judgement:
    """Play one episode with each of `teams` teams in the environment that make_env() gives, and judge them.

    As `judge`, without what needs an exact table: random play is sampled, and so is idle play where `idle_action` names
    an action that does nothing; an episode succeeds where an agent's info says so (`info["success"]`). Raises BadInput
    and EnvironmentFault where agents or world fail.
    """
    teams, seed = whole("--teams", teams), check_seed(seed)
    if teams < 1:
        raise BadInput(f"--teams {teams}: at least 1 team is needed")
    seeded = takes_seed(make_team)
    stage = EnvStage(make_env, [], EPISODES, seed, idle_action)
    if idle_action is not None and not all(
        first <= idle_action < first + size for first, size in zip(stage.firsts, stage.sizes, strict=True)
    ):
        raise BadInput(
            f"--idle {idle_action}: not every agent has that action; the first has {stage.sizes[0]}, "
            f"from {stage.firsts[0]} on"
        )
    plays = []
    for team in range(teams):
        if seeded or not stage.actors:
            own_seed = seed + team if seeded else None
            stage.actors.append(actors(make_team, stage.agents, stage.sizes, own_seed, team, stage.firsts))
        plays.append(stage.play(own_cast(stage, team if seeded else 0), team)._replace(team=team))
    if not seeded and all_alike(plays):
        plays = plays[:1]  # a hundred times the same episode is evidence of one
    base = sampled_baselines(stage)
    unit = "team" if seeded or len(plays) == 1 else "episode"
    asked = answers(world_questions(stage, plays, base, seeded, success_word), on_question)
    findings = tuple(without_training(one) for one in in_order(told_apart(corrected(asked))))
    returns = _returns(plays)
    verdict = Verdict(
        environment=world_name(stage.env),
        algorithm="your agents",
        preset="",
        teams=len(plays),
        agents=len(stage.agents),
        success_word=success_word,
        coordinated=wilson(sum(play.success for play in plays), len(plays)),
        optimal=None,
        relapsed=None,
        failed_checks=None,
        return_=float(returns.mean()),
        optimum=None,
        objective="",
        random=base.random,
        idle=None if idle_action is None else base.idle,
        idle_action=base.idle_action,
        mean_success=float(np.mean([play.success for play in plays])),
        starts=1,
        seed=seed,
        unit=unit,
        env_steps=sum(len(play.actions) for play in plays),
        findings=findings,
    )
    recording = Recording(
        stage.agents, (), plays, success_word, idle=None if idle_action is None else (idle_action,) * len(stage.agents)
    )
    return Judgement(verdict, None, recording, int(returns.argmax()), REPEATS)


def sampled_baselines(stage: EnvStage) -> Baselines:
    """Random play, and idle play where it is known, each a mean over the stage's episodes; no optimum is known."""

    def mean(way: Way) -> float:
        return float(stage.score([Part(0, place, way) for place in range(len(stage.agents))]).team.mean())

    if stage.idle is None:
        return Baselines(float("inf"), np.empty(0), "", mean("random"), float("nan"), "")
    return Baselines(float("inf"), np.empty(0), "", mean("random"), mean("idle"), f"always action {stage.idle}")


def world_name(env: Any) -> str:
    """What an environment calls itself, without what would move a terminal's cursor."""
    metadata = getattr(env, "metadata", None)
    name = str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
    return "".join(letter for letter in name if letter.isprintable()) or "your environment"


def world_questions(stage: EnvStage, plays: list[Play], base: Baselines, seeded: bool, word: str) -> list[Question]:
    """What can be asked by looking at episodes, and by letting up to three teams play again."""
    failing = [play for play in plays if not play.success]
    looked = [play.team for play in failing or plays][:TEAMS_LOOKED_AT] if seeded else [0]
    which = "failing teams" if failing else "teams"

    def over(ask: Callable[[int], Finding]) -> Callable[[], Finding]:
        return lambda: over_teams([(team, ask(team)) for team in looked], which)

    still = None if stage.idle is None else (stage.idle,) * len(stage.agents)
    questions = [
        Question("rewards", lambda: rewards(plays, names=stage.agents)),
        Question("endings", lambda: endings(plays)),
        Question("accounting", lambda: accounting(_returns(plays), base, unit="team" if seeded else "episode")),
        Question("reward audit", lambda: outcome_audit(plays)),
        Question("loops", lambda: loops(failing, len(plays), word)),
        Question("idle", lambda: idle(plays, still, names=stage.agents)),
        Question("agent loops", lambda: agent_loops(plays, names=stage.agents)),
        Question("noise", over(lambda team: noise(stage, team))),
        Question("influence", lambda: tried_reactions(stage, looked[0], plays)),
        Question(
            "contribution", over(lambda team: contribution(stage, team, "random" if stage.idle is None else "idle"))
        ),
    ]
    if len(
        {(str(stage.env.observation_space(a)), str(stage.env.action_space(a))) for a in stage.env.possible_agents}
    ) < len(stage.agents):
        questions.append(Question("identities", over(lambda team: identities(stage, team))))
    if seeded and len(plays) > 1:
        crowd = EnvStage(lambda: stage.env, stage.actors[:STRANGERS], EPISODES // 3, stage.seed)
        questions.append(Question("strangers", lambda: strangers(crowd, word)))
    return questions


def tried_reactions(stage: EnvStage, team: int, plays: list[Play]) -> Finding:
    """Who reacts to whom, by cloning the environment along a team's recorded episode, where a clone can be trusted."""
    play = next((play for play in plays if play.team == team), plays[0])
    begun_with = episode_seed(stage.seed, play.team)
    shown = seen_again(stage.make_env, begun_with, play)
    follows = followed_by(stage.make_env, begun_with, play) if shown else None
    if shown is None or follows is None:
        sentence = "No copy of this environment goes on as it did, so what others' actions do cannot be tried out."
        return Finding("influence", "cannot tell", sentence)
    return reactions(stage.agents, stage.actors[team], stage.sizes, play, follows, shown, stage.firsts)


def _returns(plays: list[Play]) -> np.ndarray:
    return np.array([play.rewards.mean(1).sum() for play in plays])
