"""Why did they not coordinate? Every question that can be asked of a run or of recorded episodes, in order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from coterie.diagnosis.accounting import accounting
from coterie.diagnosis.capability import capability
from coterie.diagnosis.closed_loop import closed_loop
from coterie.diagnosis.contribution import contribution
from coterie.diagnosis.drift import drift, step_size
from coterie.diagnosis.endings import endings
from coterie.diagnosis.exploration import exploration
from coterie.diagnosis.gaps import gaps
from coterie.diagnosis.idle import idle
from coterie.diagnosis.influence import influence
from coterie.diagnosis.loops import REPEATS, agent_loops, loops
from coterie.diagnosis.noise import noise
from coterie.diagnosis.order import corrected, in_order, over_teams
from coterie.diagnosis.reward_audit import outcome_audit, reward_audit
from coterie.diagnosis.rewards import rewards
from coterie.diagnosis.shadow import shadow
from coterie.diagnosis.strangers import strangers
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.finite.solve import greedy_policy, uniform_policy
from coterie.finite.visits import visits
from coterie.running import recorder
from coterie.running.episodes import Recording, is_recording, read_recording
from coterie.running.evaluate import SAME_RETURN, baselines, outcomes, play_of
from coterie.running.stage import TableStage
from coterie.running.tables import exact_game
from coterie.running.train import snapshots_made
from coterie.running.verdict import Verdict
from coterie.statistics import wilson
from coterie.tabular.learn import Teams
from coterie.types import Finding, Play
from coterie.workflow.asking import Question, answers, stand_in
from coterie.workflow.evaluate import saved_judgement
from coterie.workflow.judgement import Judgement, without_memory
from coterie.workflow.plan import Plan, environment_options
from coterie.workflow.trying import possible

TEAMS_LOOKED_AT, FEWEST_LOOKED_AT = 20, 4
EDGES_LOOKED_AT = 800_000  # of all teams' tables together; fewer teams are looked at where the table is large
STRANGERS = 10
TELLING = ("iql", "hysteretic")  # algorithms whose tables tell what was tried
DISCOUNT = 0.9  # of the reward audit where nobody says how the agents discount


class Diagnosis(NamedTuple):
    """What is wrong with a run or with recorded episodes: a sentence, and all findings, the most important first.

    page: where its report is drawn; folder and chosen: the run's, None where episodes were recorded elsewhere
    """

    name: str
    judgement: Judgement
    page: Path
    folder: Path | None = None
    chosen: Plan | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the most important first."""
        return self.judgement.verdict.findings

    @property
    def verdict(self) -> Verdict:
        """The numbers that the findings explain."""
        return self.judgement.verdict


def diagnose(
    what: str | Path = "latest",
    *,
    runs: str | Path = "runs",
    on_question: Callable[[int, int, str], None] | None = None,
) -> Diagnosis:
    """Ask everything that can be asked of a run, or of a file of episodes that any tool recorded (docs/episodes.md).

    `on_question(number, of, name)` is called before each question. Raises BadInput for an unknown run, StorageFault for
    a damaged file.
    """
    path = Path(what)
    if path.is_file():
        if not is_recording(path):
            raise BadInput(f"{path} is neither a run's folder nor recorded episodes (docs/episodes.md)")
        return diagnose_recording(path, read_recording(path), on_question)
    folder = recorder.find_run(Path(runs), str(what))
    chosen, game, teams, judgement = saved_judgement(folder)
    verdict = judgement.verdict
    questions = run_questions(chosen, game, teams, judgement)
    asked = answers(questions, on_question)
    findings = in_order(corrected([*verdict.findings, *asked]))
    findings = tuple(dataclasses.replace(one, flags=possible(chosen, one)) for one in findings)
    judgement = with_findings(judgement, findings, game, teams, chosen)
    return Diagnosis(folder.name, judgement, folder / "report.html", folder, chosen)


def run_questions(chosen: Plan, game: FiniteGame, teams: Teams, judgement: Judgement) -> list[Question]:
    """What is asked of a run beside its verdict: of up to twenty teams, those that fail where any do."""
    found = outcomes(game, teams.q, judgement.verdict.optimum)
    looked, which = teams_to_look_at(found.coordinated, found.optimal, looked_at(game))
    q = teams.q[looked]
    stage = table_stage(game, q, chosen)
    short = [place for place, team in enumerate(looked) if found.optimal is None or not found.optimal[team]]
    plays = judgement.plays

    def over(ask: Callable[[int], Finding], places: Sequence[int] | None = None) -> Callable[[], Finding]:
        chosen_places = range(len(looked)) if places is None else places
        return lambda: over_teams(
            [(int(looked[place]), _placed(ask(place), place, looked)) for place in chosen_places], which
        )

    remember = chosen.learner.history > 1
    plain = exact_game(chosen.environment, chosen.env) if remember else None
    questions = [
        Question("rewards", lambda: rewards(plays, None if remember else game)),
        Question("endings", lambda: endings(plays, game)),
        Question("noise", over(lambda place: noise(stage, place))),
        Question("contribution", over(lambda place: contribution(stage, place, stand_in(game)))),
        Question("closed loop", over(lambda place: closed_loop(stage, game, place, remember=remember))),
        Question("influence", over(lambda place: influence(game, stage.policies[place]))),
    ]
    if chosen.learner.share_experience != "none" or chosen.learner.share_parameters:
        questions.append(Question("capability", lambda: capability(game)))
    questions += learning_questions(chosen, game, teams, looked if short else looked[:0])
    if short:
        questions.append(Question("gaps", over(lambda place: gaps(game, stage.policies[place], plain), short)))
        questions.append(Question("shadowed optimum", lambda: shadow(game, stage.policies[short[0]])))
    if len(teams.q) > 1:
        crowd = table_stage(game, teams.q[: min(STRANGERS, looked_at(game))], chosen)
        questions.append(Question("strangers", lambda: strangers(crowd, game.success_word)))
    return questions


def learning_questions(chosen: Plan, game: FiniteGame, teams: Teams, short: np.ndarray) -> list[Question]:
    """What is asked of how the teams learned; of those that are short of the optimum also whether they tried enough."""
    kept = snapshots_made(teams, chosen.episodes)
    numbers = range(kept.shape[1])
    questions = []
    if len(numbers):
        questions = [
            Question(
                "drift", lambda: over_teams([(team, worst_drift(game, kept[:, team])) for team in numbers], "teams")
            ),
            Question("step size", lambda: over_teams([(team, step_size(kept[:, team])) for team in numbers], "teams")),
        ]
    if len(short):
        questions.append(Question("exploration", lambda: tried_enough(chosen, game, teams, short)))
    return questions


def worst_drift(game: FiniteGame, tables: np.ndarray) -> Finding:
    """Whether any agent's greedy choices go in circles while they are learned; tables float[K, tables, O, A]."""
    chances = np.stack([greedy_policy(game, one) for one in tables.astype(float)])  # [K, N, O, A]
    seen = visits(game, uniform_policy(game)) > 0
    found = [drift(chances[:, agent, np.unique(game.seen[seen, agent])]) for agent in range(chances.shape[1])]
    return next((one for one in found if one.verdict == "yes"), found[0])


def tried_enough(chosen: Plan, game: FiniteGame, teams: Teams, short: np.ndarray) -> Finding:
    """Whether teams that fall short tried what was within reach, as far as their tables tell.

    An entry that still holds its first value was never tried, where every reward differs from 0 and values begin at 0.
    """
    options, episodes = chosen.learner, np.arange(chosen.episodes)
    span = max(1.0, options.epsilon_decay * chosen.episodes)
    falls = np.minimum(episodes / span, 1.0) if options.epsilon_decay else np.zeros(len(episodes))
    epsilon = options.epsilon + (options.epsilon_end - options.epsilon) * falls
    first = np.where(teams.progress.success_count[short] > 0, 1.0, np.inf)
    at = visits(game, uniform_policy(game))
    agents, sizes = len(game.actions), np.array(game.actions)
    within = np.stack([np.bincount(game.seen[:, agent], at, game.observation_count) > 0 for agent in range(agents)])
    reached = within[..., None] & (np.arange(max(sizes)) < sizes[:, None, None])
    shape = (len(short), agents, game.observation_count, max(sizes))
    told = chosen.algorithm in TELLING and options.initial_value == 0 and (game.reward != 0).all()
    tried = np.broadcast_to(teams.q[short] != 0, shape) if told else np.ones(shape, bool)
    return exploration(tried, np.broadcast_to(reached if told else reached & False, shape), first, epsilon)


def teams_to_look_at(
    coordinated: np.ndarray, optimal: np.ndarray | None, most: int = TEAMS_LOOKED_AT
) -> tuple[np.ndarray, str]:
    """Up to `most` teams and what they are called: the failing, else those short of the optimum, else the first."""
    if not coordinated.all():
        return np.flatnonzero(~coordinated)[:most], "failing teams"
    if optimal is not None and (~optimal).mean() > 0.05:
        return np.flatnonzero(~optimal)[:most], "teams short of the optimum"
    return np.arange(min(len(coordinated), most)), "teams"


def looked_at(game: FiniteGame) -> int:
    """How many teams are looked at: twenty, fewer where every question takes seconds a team."""
    return int(np.clip(EDGES_LOOKED_AT // len(game.successor), FEWEST_LOOKED_AT, TEAMS_LOOKED_AT))


def table_stage(game: FiniteGame, q: np.ndarray, chosen: Plan) -> TableStage:
    """The greedy agents of teams q float64[W, tables, O, A] on their table; sampled: as they explored at the end."""
    policies = np.stack([greedy_policy(game, tables) for tables in q])
    epsilon = chosen.learner.epsilon_end if chosen.learner.epsilon_decay else chosen.learner.epsilon
    sampled = np.stack([greedy_policy(game, tables, epsilon) for tables in q]) if epsilon > 0 else None
    return TableStage(game, policies, sampled, chosen.seed)


def with_findings(
    judgement: Judgement, findings: tuple[Finding, ...], game: FiniteGame, teams: Teams, chosen: Plan
) -> Judgement:
    """A judgement with other findings, and with the episodes that they point to."""
    shown = {play.team for play in judgement.plays}
    wanted = sorted({place.team for one in findings for place in one.evidence} - shown)
    more = [play_of(game, teams.q[team], chosen.seed, team) for team in wanted if 0 <= team < len(teams.q)]
    if chosen.learner.history > 1:
        more = without_memory(game, more)
    return judgement._replace(
        verdict=dataclasses.replace(judgement.verdict, findings=findings),
        recording=judgement.recording._replace(plays=[*judgement.plays, *more]),
    )


def diagnose_recording(
    path: Path, recording: Recording, on_question: Callable[[int, int, str], None] | None = None
) -> Diagnosis:
    """What can be told from episodes alone, and from the exact table where they were played in one of our games."""
    plays, name = recording.plays, path.name
    if not plays:
        raise BadInput(f"{name} holds no episode")
    game = None
    if recording.environment:
        game = exact_game(recording.environment, environment_options(recording.environment, dict(recording.options)))
        check_fits(name, recording, game)
    questions = list(play_questions(plays, recording, game))
    findings = in_order(corrected(answers(questions, on_question)))
    judgement = Judgement(recorded_verdict(name, recording, game, findings), None, recording, 0, REPEATS)
    return Diagnosis(name, judgement, path.with_name(f"{path.stem}-report.html"))


def play_questions(plays: list[Play], recording: Recording, game: FiniteGame | None) -> Iterator[Question]:
    """What is asked of episodes that nobody can play again."""
    word = recording.success_word
    failing = [play for play in plays if not play.success]
    yield Question("rewards", lambda: rewards(plays, game))
    yield Question("endings", lambda: endings(plays, game))
    yield Question("loops", lambda: loops(failing, len(plays), word))
    yield Question("agent loops", lambda: agent_loops(plays))
    yield Question("idle", lambda: idle(plays, recording.idle))
    if game is None:
        yield Question("reward audit", lambda: outcome_audit(plays))
    else:
        yield Question("reward audit", lambda: reward_audit(game, DISCOUNT).finding)
        yield Question("accounting", lambda: accounting(_returns(plays), baselines(game), unit="episode"))


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


def plain(found: Diagnosis) -> dict[str, Any]:
    """A diagnosis as plain dictionaries, for programs."""
    from coterie.showing.words import summary

    return {"name": found.name, "summary": summary(found.verdict), **found.verdict.to_json()}


def draw(found: Diagnosis) -> Path:
    """Write findings and report into the run's folder, or a page beside recorded episodes; returns the page."""
    from coterie.showing.report import report

    judgement, verdict = found.judgement, found.judgement.verdict
    if found.folder is not None:
        recorder.write_json(found.folder / "findings.json", [dataclasses.asdict(one) for one in verdict.findings])
    report(
        found.page,
        verdict,
        judgement.curve,
        judgement.plays,
        judgement.action_names,
        (found.folder / "config.toml").read_text() if found.folder is not None else "",
        repeats=judgement.repeats,
    )
    return found.page


def _placed(finding: Finding, place: int, looked: np.ndarray) -> Finding:
    """A finding about the `place`-th team looked at, its evidence named by the run's own numbers."""
    team = int(looked[place])
    return dataclasses.replace(
        finding, evidence=tuple(dataclasses.replace(one, team=team) for one in finding.evidence if one.team >= 0)
    )


def _returns(plays: list[Play]) -> np.ndarray:
    return np.array([play.rewards.mean(1).sum() for play in plays])
