"""What is asked of a run beside its verdict: of its teams, of how they learned, and of strangers among them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from coterie.diagnosis.capability import capability
from coterie.diagnosis.closed_loop import closed_loop
from coterie.diagnosis.contribution import contribution
from coterie.diagnosis.drift import drift, step_size
from coterie.diagnosis.endings import endings
from coterie.diagnosis.exploration import exploration
from coterie.diagnosis.gaps import gaps
from coterie.diagnosis.influence import influence
from coterie.diagnosis.noise import noise
from coterie.diagnosis.order import any_of, over_teams
from coterie.diagnosis.rewards import rewards
from coterie.diagnosis.shadow import shadow
from coterie.diagnosis.strangers import strangers
from coterie.finite.game import FiniteGame
from coterie.finite.solve import greedy_policy, uniform_policy
from coterie.finite.visits import visits
from coterie.running.evaluate import outcomes
from coterie.running.stage import TableStage
from coterie.running.tables import exact_game
from coterie.running.train import snapshots_made
from coterie.tabular.learn import Teams
from coterie.types import Finding
from coterie.workflow.judging.judgement import Judgement
from coterie.workflow.planning.plan import Plan
from coterie.workflow.questions.asking import Question, stand_in

TEAMS_LOOKED_AT, FEWEST_LOOKED_AT = 20, 4
EDGES_LOOKED_AT = 800_000  # of all teams' tables together; fewer teams are looked at where the table is large
STRANGERS = 10
TELLING = ("iql", "hysteretic")  # algorithms whose tables tell what was tried


def run_questions(chosen: Plan, game: FiniteGame, teams: Teams, judgement: Judgement) -> list[Question]:
    """What is asked of a run beside its verdict: of up to twenty teams, those that fail where any do."""
    found = outcomes(game, teams.q, judgement.verdict.optimum)
    told = game.common and bool(game.success_word)  # whether a team can be said to fail
    failing = found.coordinated if told else np.ones_like(found.coordinated)
    looked, which, count = teams_to_look_at(failing, found.optimal if game.common else None, looked_at(game))
    stage, plays = table_stage(game, teams.q[looked], chosen), judgement.plays
    short = [place for place, team in enumerate(looked) if found.optimal is None or not found.optimal[team]]
    remember = chosen.learner.history > 1
    plain = exact_game(chosen.environment, chosen.env) if remember else None

    def over(ask: Callable[[int], Finding], places: Sequence[int] | None = None) -> Callable[[], Finding]:
        chosen_places = range(len(looked)) if places is None else places
        return lambda: over_teams(
            [(int(looked[place]), _placed(ask(place), place, looked)) for place in chosen_places], which, count
        )

    questions = []
    if game.common or not judgement.verdict.matches:  # rivals in turns may draw every game, and answer to be drawn
        questions += [Question("rewards", lambda: rewards(plays, None if remember else game))]
    if not game.masked:
        questions += [
            Question("closed loop", over(lambda place: closed_loop(stage, game, place, remember=remember))),
            Question("influence", over(lambda place: influence(game, stage.policies[place]))),
        ]
    if told:
        questions += [
            Question("endings", lambda: endings(plays, game)),
            Question("noise", over(lambda place: noise(stage, place))),
            Question("contribution", over(lambda place: contribution(stage, place, stand_in(game)))),
        ]
    if chosen.learner.share_experience != "none" or chosen.learner.share_parameters:
        questions.append(Question("capability", lambda: capability(game)))
    if short or not game.common:
        places = short or range(len(looked))
        questions += learning_questions(chosen, game, teams, looked[short])
        questions.append(Question("gaps", over(lambda place: gaps(game, stage.policies[place], plain), places)))
    if short and game.common and not game.masked:
        questions.append(Question("shadowed optimum", lambda: shadow(game, stage.policies[short[0]])))
    if len(teams.q) > 1 and told:
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
    if len(short) and game.common and game.success_word:
        questions.append(Question("exploration", lambda: tried_enough(chosen, game, teams, short)))
    return questions


def worst_drift(game: FiniteGame, tables: np.ndarray) -> Finding:
    """Whether any agent's greedy choices go in circles while they are learned; tables float[K, tables, O, A]."""
    chances = np.stack([greedy_policy(game, one) for one in tables.astype(float)])  # [K, N, O, A]
    seen = visits(game, uniform_policy(game)) > 0
    found = [drift(chances[:, agent, np.unique(game.seen[seen, agent])]) for agent in range(chances.shape[1])]
    return any_of(found)


def tried_enough(chosen: Plan, game: FiniteGame, teams: Teams, short: np.ndarray) -> Finding:
    """Whether teams that fall short tried what was within reach, as far as their tables tell.

    An entry that still holds its first value was never tried, where every reward differs from 0 and values begin at 0.
    """
    options, episodes = chosen.learner, np.arange(chosen.episodes)
    span = max(1.0, options.epsilon_decay * chosen.episodes)
    falls = np.minimum(episodes / span, 1.0) if options.epsilon_decay else np.zeros(len(episodes))
    epsilon = options.epsilon + (options.epsilon_end - options.epsilon) * falls
    first = np.where(teams.progress.success_count[short] > 0, 1.0, np.inf)
    if chosen.algorithm not in TELLING or options.initial_value != 0 or not (game.reward != 0).all():
        return exploration(None, None, first, epsilon)
    at = visits(game, uniform_policy(game))
    agents, width = len(game.actions), max(game.actions)
    within = np.stack([np.bincount(game.seen[:, agent], at, game.observation_count) > 0 for agent in range(agents)])
    may = game.allowed
    reached = within[..., None] & may & ((may.sum(2) > 1)[..., None] if game.masked else True)
    shape = (len(short), agents, game.observation_count, width)
    return exploration(np.broadcast_to(teams.q[short] != 0, shape), np.broadcast_to(reached, shape), first, epsilon)


def teams_to_look_at(
    coordinated: np.ndarray, optimal: np.ndarray | None, most: int = TEAMS_LOOKED_AT
) -> tuple[np.ndarray, str, int]:
    """Up to `most` teams, what they are called, and how many such there are.

    The failing, else those short of the optimum, else the first.
    """
    if not coordinated.all():
        which, name = np.flatnonzero(~coordinated), "failing teams"
    elif optimal is not None and (~optimal).mean() > 0.05:
        which, name = np.flatnonzero(~optimal), "teams short of the optimum"
    else:
        return np.arange(min(len(coordinated), most)), "teams", min(len(coordinated), most)
    return which[:most], name, len(which)


def looked_at(game: FiniteGame) -> int:
    """How many teams are looked at: twenty, fewer where every question takes seconds a team."""
    size = len(game.states) * len(game.joint_actions) if game.masked else len(game.successor)
    return int(np.clip(EDGES_LOOKED_AT // size, FEWEST_LOOKED_AT, TEAMS_LOOKED_AT))


def table_stage(game: FiniteGame, q: np.ndarray, chosen: Plan) -> TableStage:
    """The greedy agents of teams q float64[W, tables, O, A] on their table; sampled: as they explored at the end."""
    policies = np.stack([greedy_policy(game, tables) for tables in q])
    epsilon = chosen.learner.epsilon_end if chosen.learner.epsilon_decay else chosen.learner.epsilon
    sampled = np.stack([greedy_policy(game, tables, epsilon) for tables in q]) if epsilon > 0 else None
    return TableStage(game, policies, sampled, chosen.seed)


def _placed(finding: Finding, place: int, looked: np.ndarray) -> Finding:
    """A finding about the `place`-th team looked at, its evidence named by the run's own numbers."""
    team = int(looked[place])
    return dataclasses.replace(
        finding, evidence=tuple(dataclasses.replace(one, team=team) for one in finding.evidence if one.team >= 0)
    )
