"""Why does a deep run fail? Its verdict's numbers say how much, its recorded episodes how."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coterie.diagnosis.loops import REPEATS
from coterie.diagnosis.order import corrected, in_order
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.running.checkpoint import list_checkpoints, load_checkpoint
from coterie.running.deep.verdict import RELIABLE
from coterie.running.episodes import Recording, read_recording
from coterie.running.evaluate import SAME_RETURN, Baselines, baselines
from coterie.running.tables import exact_game
from coterie.running.verdict import Verdict, failing_success
from coterie.settings import TEAM_REWARDS
from coterie.statistics import Share, wilson
from coterie.types import Finding, Play
from coterie.workflow.deep.choosing import is_policy
from coterie.workflow.deep.learner_checks import OF_POLICIES, OF_VALUES
from coterie.workflow.deep.numbers import DeepNumbers, deep_numbers
from coterie.workflow.deep.plan import MOST_STEPS, DeepPlan, options_of, planned_deep
from coterie.workflow.deep.teams import own_options
from coterie.workflow.judging.judgement import Judgement
from coterie.workflow.questions.asking import answers
from coterie.workflow.questions.recorded import Crowd, as_evidence, by_team, first_failing, play_questions

LONGER = 4  # times the steps, where hardly anything was learned
NOBODY_SAYS = Share(0, 0, 0.0, 0.0, 1.0)  # of no team it is known whether it succeeds


def judge_deep(folder: Path, on_question: Callable[[int, int, str], None] | None = None) -> Judgement:
    """The judgement on a finished deep run, with all findings; BadInput where the run is not finished.

    Each seed is one team, and its numbers are those of the run's verdict; the recorded episodes show how teams fail.
    """
    chosen, place = planned_deep(folder), folder / "episodes" / "greedy.jsonl"
    numbers = deep_numbers(folder, chosen)
    if not place.exists():
        raise BadInput(f"{folder.name} has no recorded episodes ({place})")
    recording = read_recording(place)
    recording = recording._replace(plays=as_evidence(recording.plays))
    game = exact_game(chosen.environment, chosen.env) if numbers.exact else None
    repeats = 1 if game is not None and game.deterministic else REPEATS
    base, sides = baselines_of(numbers, recording, game), teams_of(folder, chosen, len(recording.agents))
    crowd = crowd_of_seeds(numbers, recording)._replace(sides=tuple(sides) if game is None else ())
    if options_of(chosen, chosen.algorithm).reward in TEAM_REWARDS:
        crowd = crowd._replace(paid=[paid_together(play, sides) for play in crowd.plays])
    questions = list(play_questions(crowd, recording, game, base, chosen.learner.discount, repeats))
    asked = [with_remedy(chosen, one) for one in answers(questions, on_question)]
    findings = tuple(advisable(chosen, one) for one in in_order(corrected(asked)))
    verdict = deep_verdict(folder, chosen, numbers, crowd, game, base, findings)
    return Judgement(verdict, None, recording, int(np.argmax(crowd.returns)), repeats)


def baselines_of(numbers: DeepNumbers, recording: Recording, game: FiniteGame | None) -> Baselines:
    """What untrained play is worth: exactly where there is a table, else as the verdict played it."""
    if game is not None:
        return baselines(game)
    still = recording.idle is not None
    return Baselines(float("inf"), np.empty(0), "", numbers.random, numbers.idle, numbers.idle_action, still)


def crowd_of_seeds(numbers: DeepNumbers, recording: Recording) -> Crowd:
    """The teams of all seeds by the verdict's numbers, with the first failing episode of each team that fails.

    A team that fails seldom may have no failing episode among the few that are recorded.
    """
    groups = by_team(recording.plays)
    fails = [
        first_failing(groups.get(seed, []))
        for seed, success in zip(numbers.seeds, numbers.success, strict=True)
        if success < RELIABLE
    ]
    failing = [play for play in fails if play is not None]
    returns, success = np.array(numbers.returns), np.array(numbers.success)
    return Crowd("team", recording.plays, returns, success, failing, numbers.success_known)


def teams_of(folder: Path, chosen: DeepPlan, agents: int) -> list[int]:
    """The team number of each agent: as the run's checkpoint says, else --env.team, else all are one team."""
    saved = load_checkpoint(folder, ())[1].get("spec", {}).get("team") if list_checkpoints(folder) else None
    saved = saved or (own_options(chosen.env)[1] if isinstance(chosen.env, Mapping) else None)
    return [int(number) for number in saved] if saved and len(saved) == agents else [0] * agents


def paid_together(play: Play, teams: Sequence[int]) -> Play:
    """An episode in which the members of a team share what they earn, as they learned it; the total stays."""
    numbers = np.array(teams)
    rewards = np.array(play.rewards, float)
    for team in set(teams):
        rewards[:, numbers == team] = rewards[:, numbers == team].mean(1, keepdims=True)
    return play._replace(rewards=rewards)


def deep_verdict(
    folder: Path,
    chosen: DeepPlan,
    numbers: DeepNumbers,
    crowd: Crowd,
    game: FiniteGame | None,
    base: Baselines,
    findings: tuple[Finding, ...],
) -> Verdict:
    """A deep run's numbers in the form that findings are told in."""
    count = len(crowd.returns)
    return Verdict(
        environment=chosen.environment,
        algorithm=chosen.algorithm,
        preset=chosen.preset,
        teams=count,
        agents=numbers.agents,
        success_word=numbers.success_word,
        coordinated=wilson(int((crowd.success >= RELIABLE).sum()), count) if crowd.success_known else NOBODY_SAYS,
        optimal=wilson(int((crowd.returns >= base.optimum - SAME_RETURN).sum()), count) if game else None,
        relapsed=None,
        failed_checks=None,
        return_=float(crowd.returns.mean()),
        optimum=numbers.optimum,
        objective=numbers.objective,
        random=base.random,
        idle=base.idle,
        idle_action=base.idle_action,
        mean_success=float(crowd.success.mean()),
        failing_success=failing_success(crowd.success, crowd.success >= RELIABLE),
        least_success=RELIABLE,
        starts=1,
        run=str(folder),
        seed=chosen.seed,
        env_steps=numbers.env_steps,
        findings=findings,
        common=crowd.common(game),
    )


def with_remedy(chosen: DeepPlan, finding: Finding) -> Finding:
    """A finding that hardly anything was learned, with what helps where networks learn: more steps."""
    if finding.name != "accounting" or finding.verdict != "yes":
        return finding
    steps = min(LONGER * chosen.steps, MOST_STEPS)
    longer = "--entropy 0.03" if is_policy(chosen.algorithm) else "--epsilon-decay 0.9"
    remedy = f"train longer (--steps {steps}), explore longer ({longer}), or check the reward"
    return dataclasses.replace(finding, remedy=remedy, flags=("--steps", str(steps)))


def advisable(chosen: DeepPlan, finding: Finding) -> Finding:
    """A finding without a remedy whose words of a command are in force already, or that this run does not know."""
    if not finding.flags or changes(chosen, finding.flags):
        return finding
    return dataclasses.replace(finding, remedy="", flags=())


def changes(chosen: DeepPlan, flags: tuple[str, ...]) -> bool:
    """Whether these words of a command, each with a value, are all known to a deep run and change it."""
    environment = chosen.env if isinstance(chosen.env, Mapping) else vars(chosen.env)
    unread = OF_VALUES if is_policy(chosen.algorithm) else OF_POLICIES
    learner = {name: value for name, value in dataclasses.asdict(chosen.learner).items() if name not in unread}
    named = {f"env.{name}": value for name, value in environment.items()} | learner
    known: dict[str, Any] = {f"--{name.replace('_', '-')}": value for name, value in named.items()}
    known |= {"--steps": chosen.steps, "--seeds": chosen.seeds}
    names, values = flags[::2], flags[1::2]
    if len(names) != len(values) or not set(names) <= known.keys():
        return False
    pairs = [(known[name], value) for name, value in zip(names, values, strict=True)]
    return any(str(now) != value and not same_number(now, value) for now, value in pairs)


def same_number(value: Any, word: str) -> bool:
    """Whether a word says the number that a value is.

    >>> same_number(1.0, "1"), same_number("all", "1")
    (True, False)
    """
    try:
        return isinstance(value, int | float) and float(value) == float(word)
    except ValueError:
        return False
