"""A judgement: the verdict with its findings, curve and episodes, from tables or from anybody's recorded episodes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from coterie.diagnosis.accounting import accounting, shortfall
from coterie.diagnosis.loops import REPEATS, loops
from coterie.diagnosis.remedies import against_disturbance, flags_against_disturbance
from coterie.diagnosis.reward_audit import reward_audit
from coterie.diagnosis.stability import stability_finding
from coterie.errors import StorageFault
from coterie.finite.game import FiniteGame
from coterie.running import recorder
from coterie.running.episodes import Recording, write_recording
from coterie.running.evaluate import baselines, outcomes, play_of, stability
from coterie.running.matches import contest
from coterie.running.train import checks_made
from coterie.running.verdict import Curve, Verdict, failing_success
from coterie.settings import PRESETS
from coterie.statistics import Share, wilson
from coterie.tabular.learn import Teams
from coterie.types import Finding, Play
from coterie.workflow.planning.plan import Plan
from coterie.workflow.planning.presets import preset_options

NOBODY_SAYS = Share(0, 0, 0.0, 0.0, 1.0)  # of no team it is known whether it succeeds
SHOWN = 100  # teams on the wall: the first ones, not chosen


class Judgement(NamedTuple):
    """A verdict and what stands behind it."""

    verdict: Verdict
    curve: Curve | None
    recording: Recording
    best_team: int
    repeats: int  # rounds that prove a loop: 1 where memoryless agents act for certain in a certain world

    @property
    def plays(self) -> list[Play]:
        """The recorded episodes."""
        return self.recording.plays

    @property
    def action_names(self) -> tuple[str, ...]:
        """What the actions are called."""
        return self.recording.actions


def recording_of(game: FiniteGame, environment: str, options: Any, plays: list[Play]) -> Recording:
    """Episodes in a game's table, with what is needed to read them."""
    return Recording(
        game.spec.agents,
        game.action_names,
        plays,
        game.success_word,
        environment,
        dict(options) if isinstance(options, Mapping) else dataclasses.asdict(options),
        game.horizon,
        game.idle,
    )


def judge_tables(chosen: Plan, game: FiniteGame, teams: Teams, learned: Curve, folder: Path) -> Judgement:
    """Judge the greedy agents of every team exactly, and say how the failing ones fail.

    Where nobody says what a success is (no `success_word`), nobody fails; rivals who play in turn are told by matches.
    """
    base = baselines(game)
    found = outcomes(game, teams.q, base.optimum)
    stable = stability(teams.progress, checks_made(teams, chosen.episodes))
    count, seed = len(teams.q), chosen.seed
    known, rivals = bool(game.success_word), not game.common and (":" in chosen.environment or game.in_turns)
    failing = [
        play_of(game, teams.q[team], seed, int(team), int(found.failing_start[team]))
        for team in np.flatnonzero(~found.coordinated & known)
    ]
    fails = {play.team: play for play in failing}
    plays = [fails.get(team) or play_of(game, teams.q[team], seed, team) for team in range(min(count, SHOWN))]
    remember = chosen.learner.history > 1
    if remember:
        failing, plays = without_memory(game, failing), without_memory(game, plays)
    repeats = 1 if game.deterministic and not remember else REPEATS
    audit = reward_audit(game, chosen.learner.discount).finding
    calm = audit.verdict == "yes"  # the reward comes first
    remedy = "" if calm else against_disturbance(chosen.learner, chosen.algorithm)
    flags = () if calm else flags_against_disturbance(chosen.learner, chosen.algorithm)
    word = game.success_word
    met = teams.progress.success_count if known else None
    counted = accounting(found.returns, base, met, teams.episode, environment=chosen.environment)
    findings = (
        (audit,)
        if not game.common
        else (audit, counted)
        if not known
        else (
            audit,
            counted,
            *([with_flags(loops(failing, count, word, repeats, remedy), flags)] if len(game.states) > 1 else []),
            *(
                [shortfall(found.returns, found.coordinated, found.optimal, base, word, environment=chosen.environment)]
                if found.optimal is not None
                else []
            ),
            stability_finding(stable, word, remedy, flags),
        )
    )
    shown = {play.team for play in plays}
    wanted = {place.team for finding in findings for place in finding.evidence} - shown
    plays += [play for play in failing if play.team in wanted]
    ever = int(stable.succeeded.sum())
    verdict = Verdict(
        environment=chosen.environment,
        algorithm=chosen.algorithm,
        preset=chosen.preset,
        teams=count,
        agents=len(game.spec.agents),
        success_word=game.success_word,
        coordinated=wilson(int(found.coordinated.sum()), count) if known else NOBODY_SAYS,
        optimal=None if found.optimal is None else wilson(int(found.optimal.sum()), count),
        relapsed=wilson(int(stable.relapsed.sum()), count) if ever else None,
        failed_checks=stable.failed_share if ever else None,
        return_=float(found.returns.mean()),
        optimum=base.optimum,
        objective=base.objective,
        random=base.random,
        idle=base.idle,
        idle_action=base.idle_action,
        mean_success=float(found.success.mean()),
        failing_success=failing_success(found.success, found.coordinated),
        starts=len(game.start_state),
        run=str(folder),
        seed=seed,
        episodes=teams.episode,
        env_steps=int(teams.progress.steps.sum()),
        claim=PRESETS[chosen.preset].claim if is_the_tutorial(chosen) else "",
        findings=findings,
        common=game.common,
        **(contest(game, teams.q)._asdict() if rivals else {}),
    )
    recording = recording_of(game, chosen.environment, chosen.env, plays)
    return Judgement(verdict, learned, recording, int(found.returns.argmax()), repeats)


def with_flags(finding: Finding, flags: tuple[str, ...]) -> Finding:
    """A finding of something to mend, with the words of a command that mend it."""
    return dataclasses.replace(finding, flags=flags) if finding.verdict == "yes" else finding


def without_memory(game: FiniteGame, plays: list[Play]) -> list[Play]:
    """Episodes of agents that remember, with keys that are equal where the world is, whatever they remember."""
    world = np.unique(game.states.reshape(len(game.states), -1), axis=0, return_inverse=True)[1].reshape(-1)
    return [play._replace(keys=world[play.keys].astype(np.int64)) for play in plays]


def is_the_tutorial(chosen: Plan) -> bool:
    """Whether this is the tutorial as it stands: its environment, its options, nothing mended."""
    return (
        chosen.preset == "tutorial"
        and chosen.environment == "rendezvous"
        and (chosen.algorithm, chosen.learner) == preset_options("tutorial")
        and chosen.episodes == PRESETS["tutorial"].episodes
    )


def save_judgement(folder: Path, judgement: Judgement) -> None:
    """Write verdict, findings and episodes into a run's folder."""
    try:
        (folder / "episodes").mkdir(exist_ok=True)
    except OSError as error:
        raise StorageFault(f"{folder} cannot be written: {error.strerror or error}") from error
    write_recording(folder / "episodes" / "greedy.jsonl", judgement.recording)
    recorder.write_json(folder / "findings.json", [dataclasses.asdict(f) for f in judgement.verdict.findings])
    recorder.write_json(folder / "evaluation.json", judgement.verdict.to_json())
