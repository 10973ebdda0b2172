"""Compare runs, and the results of other tools: which scores higher, how sure is that, and what would settle it?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from coterie.envs import catalogue
from coterie.errors import BadInput, StorageFault, nearest
from coterie.running import recorder
from coterie.running.comparison import Comparison, Contestant, compared, differing
from coterie.running.deep.verdict import RELIABLE
from coterie.running.evaluate import SAME_RETURN, baselines, outcomes
from coterie.running.marl_eval import Evaluation, Record, Seed, read_marl_eval, write_marl_eval
from coterie.running.tables import exact_game
from coterie.running.train import checks_made
from coterie.tabular.learn import Teams
from coterie.workflow.deep.numbers import DeepNumbers, deep_numbers
from coterie.workflow.deep.plan import DeepPlan, is_deep, planned_deep
from coterie.workflow.planning.game import game_of
from coterie.workflow.planning.plan import Plan, planned
from coterie.workflow.train import saved_teams

SUITE = "coterie"  # what marl-eval calls the environment; its task is our environment with its options
RETURN, SUCCESS = "mean_episode_return", "success_rate"
RETURN_NAMES = (RETURN, "episode_return", "return")


class Entry(NamedTuple):
    """One contestant, and its record in marl-eval's terms, made only if it is wanted.

    steps: joint steps that a team learned from; episodes: how many fresh ones a deep team was judged by, 0 where its
    value is exact; deep: whether it has networks. None where a file does not tell.
    """

    contestant: Contestant
    record: Callable[[], Record]
    steps: float | None = None
    episodes: int | None = None
    deep: bool | None = None


def compare(
    words: Sequence[str | Path],
    *,
    runs: str | Path = "runs",
    normalised: bool = False,
    metric: str = "",
    task: str = "",
    marl_eval: str | Path | None = None,
) -> Comparison:
    """Compare two or more runs of one environment, by the return of each team's greedy agents.

    It is exact where the game has a table; a deep run on another game is compared by its verdict's fresh episodes.

    words are runs (names, unique beginnings, folders, latest) and JSON files of marl-eval's layout, whose algorithms
    all take part; `metric` and `task` choose among a file's. With `normalised` a return is counted as
    (return - random) / (optimum - random), so that games with other rewards may stand side by side. `marl_eval` names a
    file to write all results to. Raises BadInput for what cannot be compared, StorageFault for what cannot be read.
    """
    if isinstance(words, str | Path) or not all(isinstance(word, str | Path) for word in words):
        raise BadInput(f"runs to compare are expected as a list of names, found {words!r}")
    places = [_place(str(word), Path(runs)) for word in words]
    if len(places) == 1 and places[0].is_dir():
        raise BadInput(f"a comparison needs two runs or more{_another(places[0], Path(runs))}")
    _differ([_name(place) for place in places])
    entries = [entry for place in places for entry in _entries(place, metric, task)]
    contestants = [entry.contestant for entry in entries]
    if len(contestants) < 2:
        raise BadInput(f"a comparison needs two runs or more; {words[0] if words else 'nothing'} alone is no two")
    _differ([one.name for one in contestants])
    contestants, notes = _comparable(contestants, normalised)
    notes += _unlike(entries)
    if marl_eval is not None:
        write_marl_eval(marl_eval, _records(entries, contestants))
    return compared(contestants, notes)


def _place(word: str, runs: Path) -> Path:
    """The folder of a finished run, or a file."""
    if word.endswith(".json") or Path(word).is_file():
        if not Path(word).is_file():
            raise BadInput(f"there is no file {word}")
        return Path(word)
    folder = recorder.find_run(runs, word)
    if not (folder / "evaluation.json").is_file():
        again = f"coterie resume {recorder.word_for(folder)}"
        raise BadInput(f"{folder.name} was stopped before its end; go on with: {again}")
    return folder


def _name(place: Path) -> str:
    """What a run is called; a file by its path."""
    return place.resolve().name if place.is_dir() else str(place)


def _differ(names: list[str]) -> None:
    """Raises BadInput where two have one name: the same run twice, or runs of one name in two folders."""
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f"'{name}' is named twice; a comparison needs runs with different names")


def _entries(place: Path, metric: str, task: str) -> list[Entry]:
    return [entry_of(place)] if place.is_dir() else _of_file(place, metric, task)


def entry_of(folder: Path) -> Entry:
    """A finished run: a tabular one with each team's greedy agents valued exactly from its checkpoint."""
    if is_deep(folder):
        return _of_deep(folder)
    chosen = planned(folder)
    game = game_of(chosen)
    teams = saved_teams(folder, chosen, game)
    base = baselines(game)
    found = outcomes(game, teams.q, base.optimum)
    contestant = Contestant(
        name=_name(folder),
        environment=task_name(chosen),
        scores=found.returns,
        coordinated=found.coordinated,
        success_word=game.success_word,
        optimum=base.optimum,
        random=base.random,
        objective=base.objective,
        settings=_settings(chosen),
    )
    steps = float(teams.progress.steps.mean())
    return Entry(contestant, lambda: _record(chosen, teams, found.returns, found.success), steps, 0, False)


def _of_deep(folder: Path) -> Entry:
    """A finished deep run, by its verdict on each seed's best saved team."""
    chosen = planned_deep(folder)
    saved = deep_numbers(folder, chosen)
    random = saved.random
    if saved.exact:  # then random play has an exact value, too, which older verdicts only played
        random = baselines(exact_game(chosen.environment, chosen.env)).random
    contestant = Contestant(
        name=_name(folder),
        environment=task_name(chosen) + (" (sum over agents)" if saved.unit == "team-sum" else ""),
        scores=np.array(saved.returns),
        coordinated=np.array(saved.success) >= RELIABLE if saved.success_known else None,
        success_word=saved.success_word,
        optimum=saved.optimum,
        random=random,
        objective=saved.objective,
        settings=_settings(chosen),
    )
    steps, episodes = saved.env_steps / len(saved.seeds), 0 if saved.exact else saved.episodes
    return Entry(contestant, lambda: _deep_record(folder, chosen, saved), steps, episodes, True)


def task_name(chosen: Plan | DeepPlan) -> str:
    """An environment with the options that are not its defaults: `rendezvous size=8 horizon=30`."""
    known = catalogue.known(chosen.environment)
    plain = vars(catalogue.find(chosen.environment).options()) if known else {}
    changed = [f"{name}={value}" for name, value in _options(chosen.env).items() if value != plain.get(name)]
    return " ".join([chosen.environment, *changed])


def _options(env: Any) -> Mapping[str, Any]:
    return env if isinstance(env, Mapping) else vars(env)


def _settings(chosen: Plan | DeepPlan) -> dict[str, Any]:
    """All that decides a run's scores, flat; its seed and its number of teams are no such things."""
    deep = isinstance(chosen, DeepPlan)
    budget = {"steps": chosen.steps, "checks": chosen.checks} if deep else {"episodes": chosen.episodes}
    options = {f"env.{name}": value for name, value in _options(chosen.env).items()}
    return {"algorithm": chosen.algorithm, **budget, **dataclasses.asdict(chosen.learner), **options}


def _record(chosen: Plan, teams: Teams, returns: np.ndarray, success: np.ndarray) -> Record:
    """A run as marl-eval has it: the greedy checks of every team, and its exact final values."""
    progress, made = teams.progress, checks_made(teams, chosen.episodes)
    seeds = []
    for team in range(len(teams.q)):
        checks = tuple(
            Evaluation(
                int(progress.check_steps[team, check]),
                {
                    RETURN: (float(progress.check_return[team, check]),),
                    SUCCESS: (float(progress.check_success[team, check]),),
                },
            )
            for check in range(made)
        )
        absolute = {RETURN: (float(returns[team]),), SUCCESS: (float(success[team]),)}
        seeds.append(Seed(f"seed_{team}", checks, absolute))
    return Record(SUITE, task_name(chosen), chosen.algorithm, tuple(seeds))


def _deep_record(folder: Path, chosen: DeepPlan, saved: DeepNumbers) -> Record:
    """A deep run as marl-eval has it: the greedy checks of every seed in its log, and the verdict's final values."""
    checks: dict[int, list[Evaluation]] = {seed: [] for seed in saved.seeds}
    try:
        for row in recorder.read_lines(folder / "metrics.jsonl"):
            told = {RETURN: row["greedy_return"], SUCCESS: row["greedy_success"]}
            finite = {name: (float(value),) for name, value in told.items() if value is not None}
            checks[row["seed"]].append(Evaluation(int(row["env_steps"]), finite))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageFault(f"{folder / 'metrics.jsonl'} is not a deep run's log: {error!r}") from error
    seeds = [
        Seed(f"seed_{seed}", tuple(checks[seed]), {RETURN: (earned,), SUCCESS: (won,)})
        for seed, earned, won in zip(saved.seeds, saved.returns, saved.success, strict=True)
    ]
    return Record(SUITE, task_name(chosen), chosen.algorithm, tuple(seeds))


def _of_file(path: Path, metric: str, task: str) -> list[Entry]:
    """The algorithms of one task in a file of marl-eval's layout."""
    records = read_marl_eval(path)
    tasks = list(dict.fromkeys(f"{record.environment}/{record.task}" for record in records))
    wanted = task or (tasks[0] if len(tasks) == 1 else "")
    if not wanted:
        raise BadInput(f"{path} has {len(tasks)} tasks; choose one with --task: {', '.join(tasks[:12])}")
    chosen = [one for one in records if wanted in (one.task, f"{one.environment}/{one.task}")]
    if not chosen:
        raise BadInput(f"{path} has no task '{wanted}'{nearest(wanted, tasks)}")
    return [Entry(_of_record(path, record, metric), lambda record=record: record) for record in chosen]


def _of_record(path: Path, record: Record, metric: str) -> Contestant:
    finals = [seed.absolute or (seed.evaluations[-1].metrics if seed.evaluations else {}) for seed in record.seeds]
    known = list(dict.fromkeys(name for final in finals for name in final))
    usual = [name for name in RETURN_NAMES if name in known] or (known if len(known) == 1 else [])
    wanted = metric or (usual[0] if usual else "")
    place = f"{path}: {record.environment}/{record.task}/{record.algorithm}"
    if not wanted:
        raise BadInput(f"{place}: choose a metric with --metric: {', '.join(known) or 'none is there'}")
    for seed, final in zip(record.seeds, finals, strict=True):
        if wanted not in final:
            raise BadInput(f"{place}/{seed.name}: there is no metric '{wanted}'{nearest(wanted, known)}")
    reached = None
    if all(SUCCESS in final for final in finals):
        reached = np.array([np.mean(final[SUCCESS]) >= 1 - SAME_RETURN for final in finals])
    ours = record.environment == SUITE
    return Contestant(
        name=_printable(record.algorithm),
        environment=_printable(record.task if ours else f"{record.environment} {record.task}"),
        scores=np.array([np.mean(final[wanted]) for final in finals]),
        coordinated=reached,
        score="return" if wanted in RETURN_NAMES else wanted,
    )


def _printable(name: str) -> str:
    """A name out of a file without what could move the cursor of whoever reads it."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def _comparable(contestants: list[Contestant], normalised: bool) -> tuple[list[Contestant], list[str]]:
    """The contestants if their scores mean the same, made so where that is wished, and what to know about it."""
    if normalised:
        return [_normalised(one) for one in contestants], [
            "scores are normalised: 0 is random play, 1 the exact optimum of each one's own game"
        ]
    first, notes = contestants[0], []
    for other in contestants[1:]:
        if first.score != other.score:
            raise BadInput(f"{first.name} is scored by '{first.score}', {other.name} by '{other.score}'; use --metric")
        if first.environment.split()[0] != other.environment.split()[0] or not _worth_the_same(first, other):
            raise BadInput(
                f"{first.name} plays {first.environment} and {other.name} plays {other.environment}: their returns do "
                "not mean the same; compare them as shares of the way from random play to the optimum with --normalised"
            )
    if len({one.environment for one in contestants}) > 1:
        different = [name for name in differing([one.settings for one in contestants]) if name.startswith("env.")]
        notes.append(
            f"their environments differ in {', '.join(different)}, but optimum and random play are worth the same"
        )
    return contestants, notes


def _unlike(entries: Sequence[Entry]) -> list[str]:
    """What to know where deep runs are compared: unlike budgets, and scores that are found in unlike ways."""
    notes = []
    names = {one.contestant.name: one for one in entries if one.deep is not None}
    if not any(one.deep for one in names.values()):
        return []
    if len({round(one.steps or 0) for one in names.values()}) > 1:
        told = ", ".join(f"{name} {one.steps:,.0f}" for name, one in names.items())
        notes.append(f"a team learned from unlike numbers of joint steps: {told}")
    sampled = [f"{name} by {one.episodes} fresh episodes a seed" for name, one in names.items() if one.episodes]
    exact = [f"{name} exactly" for name, one in names.items() if not one.episodes]
    if sampled and exact:
        notes.append(f"scores are not found alike: {', '.join([*exact, *sampled])}")
    tables = [name for name, one in names.items() if not one.deep]
    if tables:
        notes.append(
            f"a deep team counts as coordinated from {RELIABLE:.0%} of its episodes on, "
            f"one of {', '.join(tables)} where it succeeds from every start"
        )
    return notes


def _worth_the_same(first: Contestant, other: Contestant) -> bool:
    """Whether two games are one, or differ only in what does not change what play is worth."""
    if first.environment == other.environment:
        return True
    known = (first.optimum, first.random, other.optimum, other.random)
    if None in known or first.objective != other.objective:
        return False
    return bool(np.allclose(known[:2], known[2:], rtol=1e-9, atol=1e-9))  # type: ignore[arg-type]


def _normalised(one: Contestant) -> Contestant:
    if one.optimum is None or one.random is None:
        raise BadInput(
            f"{one.name}: a normalised score needs the exact optimum and random play, which are not known of it"
        )
    if one.optimum - one.random <= SAME_RETURN:
        raise BadInput(f"{one.name}: {one.environment} pays no more at its optimum than random play, {one.random:g}")
    scores = (one.scores - one.random) / (one.optimum - one.random)
    return dataclasses.replace(
        one, scores=scores, score="normalised return", optimum=1.0, random=0.0, environment=one.environment
    )


def _records(entries: list[Entry], contestants: list[Contestant]) -> list[Record]:
    """What is written: algorithms keep their names where these differ, else runs give theirs."""
    records = [entry.record() for entry in entries]
    unique = len({(one.environment, one.task, one.algorithm) for one in records}) == len(records)
    if unique:
        return records
    return [record._replace(algorithm=one.name) for record, one in zip(records, contestants, strict=True)]


def _another(folder: Path, runs: Path) -> str:
    """A run that could be the other one."""
    known = sorted(entry.parent.name for entry in runs.glob("*/evaluation.json")) if runs.is_dir() else []
    others = [name for name in known if name != folder.name]
    if others:
        return f", for example: coterie compare {folder.name} {others[-1]}"
    return "; train another one, for example: coterie train rendezvous --algorithm iql"
