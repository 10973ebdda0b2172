"""Judging a deep run: fresh greedy episodes of the best saved policies, beside what untrained play earns."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from coterie.running.deep.playing import Played
from coterie.running.deep.runs import Opened
from coterie.running.deep.session import Progress
from coterie.running.deep.verdict import DeepVerdict, coordinated_seeds, estimates, relapses
from coterie.settings import POLICY_GRADIENT
from coterie.workflow.deep.choosing import learning_of
from coterie.workflow.deep.exact import Exact, exact_judgement
from coterie.workflow.deep.plan import (
    DeepPlan,
    knows_success,
    options_of,
    unit_of,
)
from coterie.workflow.deep.sides import judged_sides


def judge(chosen: DeepPlan, opened: Opened, progress: Progress, folder: Path, rate: float) -> DeepVerdict:
    """Fresh greedy episodes of each seed's best saved policy, beside random and idle play and the exact optimum."""
    count = max(1, chosen.final_episodes // chosen.check_episodes)
    returns, success, all_played, schedule = [], [], [], opened.schedule
    for lane, policy in zip(opened.lanes, progress.best, strict=True):
        played = [lane.judge(policy, schedule.marks + number) for number in range(count)]
        returns.append(np.concatenate([schedule.team_return(one.returns) for one in played], axis=1).mean(1))
        success.append(np.concatenate([schedule.success(one) for one in played], axis=1).mean(1))
        all_played.append(played)
    drawn = [
        schedule.team_return(lane.judge(policy, schedule.marks + count, mode="sample").returns).mean(1)
        for lane, policy in zip(opened.lanes, progress.best, strict=True)
        if draws(chosen)
    ]
    random_play = opened.baseline(False)
    sides = judged_sides(opened, chosen.algorithm, all_played, progress.best, random_play)
    for lane in opened.lanes:
        lane.close()
    sampled, succeeded_share = np.concatenate(returns).astype(float), np.concatenate(success).astype(float)
    exact = exact_judgement(chosen, opened, progress)
    random = untrained(chosen, opened, exact, False, random_play)
    idle = untrained(chosen, opened, exact, True)
    values = sampled if exact is None else exact.returns
    won = succeeded_share if exact is None or chosen.success else exact.success  # the table knows the world's word only
    middle, mean = estimates(values)
    visited = sum(many * len(lane.seeds) for many, lane in zip(progress.visited, opened.lanes, strict=True))
    learned = visited * schedule.steps_a_visit
    steps = [opened.schedule.mark(int(check)) * opened.schedule.steps_a_visit for check in progress.best_check]
    return DeepVerdict(
        environment=chosen.environment,
        algorithm=chosen.algorithm,
        preset=chosen.preset,
        road=chosen.road,
        agents=len(opened.spec.agents),
        success_word=opened.success_word,
        reward=options_of(chosen, chosen.algorithm).reward,
        unit=unit_of(chosen),
        success_known=knows_success(chosen),
        seeds=tuple(chosen.seed + place for place in range(chosen.seeds)),
        episodes=count * chosen.check_episodes,
        returns=tuple(values.tolist()),
        success=tuple(won.tolist()),
        sampled=tuple(sampled.tolist()),
        drawn=tuple(np.concatenate(drawn).astype(float).tolist()) if drawn else (),
        best_step=tuple(steps),
        iqm=middle,
        mean=mean,
        coordinated=coordinated_seeds(won),
        relapsed=relapses(progress.success),
        random=random.return_,
        random_success=random.success,
        idle=idle.return_,
        idle_success=idle.success,
        idle_action=opened.idle_action,
        optimum=None if exact is None else exact.optimum,
        objective="" if exact is None else exact.objective,
        exact=exact is not None,
        frozen=tuple(int(chosen.seed + place) for place in np.flatnonzero(progress.frozen)),
        env_steps=learned,
        steps_per_second=rate,
        run=str(folder),
        findings=() if exact is None else exact.findings,
        sides=sides,
        untrained=0 if exact is not None else len(random_play.steps),
        cut=sum(int((~np.asarray(one.over)).sum()) for played in all_played for one in played),
        finished=learned == chosen.seeds * schedule.visits * schedule.steps_a_visit,
    )


def draws(chosen: DeepPlan) -> bool:
    """Whether a run's learners draw their actions, so that greedy play is another policy than the one that learned."""
    return any(one in POLICY_GRADIENT for one in learning_of(chosen.teams) or [chosen.algorithm])


class Untrained(NamedTuple):
    """What play that nobody trained earns, and how often it succeeds."""

    return_: float
    success: float


def untrained(
    chosen: DeepPlan, opened: Opened, exact: Exact | None, idle: bool, known: Played | None = None
) -> Untrained:
    """Random or idle play: exactly where the game has a table, else as it was played in some hundred episodes.

    known: episodes of it that were played already. A success by the user's own rule (--success) is counted in episodes
    in any case, as the table does not know it.
    """
    value = None if exact is None else exact.idle if idle else exact.random
    if value is not None and not chosen.success:
        return Untrained(float(value.returns.mean()), value.success)
    played, schedule = opened.baseline(idle) if known is None else known, opened.schedule
    earned = float(schedule.team_return(played.returns).mean()) if value is None else float(value.returns.mean())
    return Untrained(earned, float(schedule.success(played).mean()))
