"""The main job: from an environment to trained, evaluated and explained teams, in a run folder."""

from __future__ import annotations

import dataclasses
import inspect
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coterie.diagnosis.capability import capability
from coterie.diagnosis.reward_audit import Audit, reward_audit
from coterie.errors import BadInput, Stopped, nearest
from coterie.finite.game import FiniteGame
from coterie.finite.histories import memory_of
from coterie.running import recorder
from coterie.running.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint
from coterie.running.evaluate import curve
from coterie.running.signals import Signals
from coterie.running.team import Team, load
from coterie.running.train import (
    Tick,
    as_parts,
    begin,
    check_interval,
    check_threads,
    checks_made,
    from_parts,
    train_tabular,
)
from coterie.running.verdict import Curve, Verdict
from coterie.settings import TabularOptions
from coterie.tabular.learn import Teams
from coterie.types import Finding
from coterie.workflow.deep.plan import is_deep
from coterie.workflow.judging.judgement import Judgement, judge_tables, save_judgement
from coterie.workflow.judging.pictures import draw_pictures
from coterie.workflow.planning.finite_games import finite_game
from coterie.workflow.planning.game import game_of
from coterie.workflow.planning.plan import CONFIG_FORMAT, Plan, plan, planned
from coterie.workflow.planning.presets import preset_for_tables
from coterie.workflow.planning.which_learner import check_learner_fits, learns_deep

if TYPE_CHECKING:
    from coterie.workflow.deep.train import DeepRun

FOREIGN_TEAMS = 100  # in environments from elsewhere, whose tables may be large
SAVE_SECONDS = 30.0  # between two checkpoints while learning


class Run:
    """A finished run: its folder, verdict, curve and recorded episodes, and its team, ready to act."""

    def __init__(self, folder: Path, judgement: Judgement) -> None:
        self.folder, self._judgement = folder, judgement

    @property
    def verdict(self) -> Verdict:
        """How well the teams do."""
        return self._judgement.verdict

    @property
    def curve(self) -> Curve | None:
        """The greedy checks over the run."""
        return self._judgement.curve

    @property
    def plays(self) -> list:
        """Recorded greedy episodes: the first hundred teams, and those that findings point to."""
        return self._judgement.plays

    @property
    def action_names(self) -> tuple[str, ...]:
        """What the actions are called."""
        return self._judgement.action_names

    @property
    def team(self) -> Team:
        """The team with the best exact value."""
        team = load(self.folder)
        assert isinstance(team, Team)
        return team

    def draw(self) -> None:
        """Draw the pictures and the report into the run's folder."""
        draw_pictures(self.folder, self._judgement)

    def _repr_html_(self) -> str:
        """The verdict and the wall, for notebooks."""
        from base64 import b64encode
        from html import escape

        wall = self.folder / "wall.gif"
        picture = f'<img src="data:image/gif;base64,{b64encode(wall.read_bytes()).decode()}">' if wall.exists() else ""
        return f"<pre>{escape(repr(self))}</pre>{picture}"

    def __repr__(self) -> str:
        """The verdict in words."""
        from coterie.showing.terminal import plain_text, verdict

        return plain_text(verdict(self.verdict))


def train(
    environment: Any = "rendezvous",
    *,
    deep: bool | None = None,
    algorithm: str | None = None,
    preset: str | None = None,
    env: Any = None,
    seeds: int | None = None,
    seed: int = 0,
    episodes: int | None = None,
    name: str | None = None,
    runs: str | Path = "runs",
    pictures: bool = True,
    threads: int = 0,
    on_tick: Callable[[Any], None] | None = None,
    **learner: Any,
) -> Run | DeepRun:
    """Train `seeds` teams, judge their greedy agents, and keep everything in a run folder.

    Tables learn where a game is finite, networks (`train_deep`) where `deep`, the environment, the algorithm or the
    preset ask for them.

    `environment` is a word, a function that makes a PettingZoo environment (or a gymnasium one with a tuple of
    actions), or such an object, which is copied.

    `env` are the environment's options (a mapping or its dataclass), further words the learner's: for example
    `coterie.train("rendezvous", env={"size": 8, "horizon": 30}, epsilon=0.3)`. Raises BadInput for what cannot be,
    StorageFault where the run cannot be written. Pictures that cannot be drawn are a warning: all else is saved then.
    """
    algorithm = learner.pop("algo", None) or algorithm  # as the command says it
    environment = word_for(environment)
    networks = learns_deep(environment, algorithm, preset, learner) if deep is None else deep
    check_learner_fits(environment, networks, algorithm=algorithm, preset=preset)
    if networks:
        from coterie.workflow.deep.train import train_deep

        if episodes is not None or threads:
            raise BadInput("episodes and threads belong to tables; a deep run has steps")
        return train_deep(
            environment,
            algorithm=algorithm,
            preset=preset,
            env=env,
            seeds=5 if seeds is None else seeds,
            seed=seed,
            name=name,
            runs=runs,
            pictures=pictures,
            on_tick=on_tick,
            **learner,
        )
    if seeds is None:
        seeds = FOREIGN_TEAMS if ":" in environment else 1_000
    _check_words(learner)
    if preset is None and ":" in environment:
        preset = preset_for_tables(environment, not finite_game(environment, env).common)
    chosen = plan(
        environment,
        algorithm=algorithm,
        preset=preset or "default",
        env=env,
        seeds=seeds,
        seed=seed,
        episodes=episodes,
        learner=learner,
    )
    game = game_of(chosen)
    folder, teams = open_run(chosen, game, Path(runs), name, threads)
    run = learn(chosen, game, folder, teams, threads=threads, on_tick=on_tick)
    if pictures:
        try:
            run.draw()
        except Exception as error:
            warnings.warn(f"the pictures could not be drawn: {type(error).__name__}: {error}", stacklevel=2)
    return run


def word_for(environment: Any) -> str:
    """The word of an environment, which may also be given as it is."""
    if isinstance(environment, str):
        return environment
    from coterie.pettingzoo.making.live import word_of

    return word_of(environment)


def audit(chosen: Plan, game: FiniteGame) -> Audit:
    """Does the optimum of this reward, as the learner discounts it, reach the aim?"""
    return reward_audit(game, chosen.learner.discount)


def unlike_sharers(chosen: Plan, game: FiniteGame) -> Finding | None:
    """What is wrong with sharing experience or a table between these agents; None where nothing is, or none is shared.

    Equal spaces are not equal capabilities: whoever learns from a partner whose controls are mirrored learns the wrong
    things.
    """
    shares = chosen.learner.share_experience != "none" or chosen.learner.share_parameters
    finding = capability(game) if shares else None
    return finding if finding is not None and finding.verdict == "yes" else None


def open_run(chosen: Plan, game: FiniteGame, runs: Path, name: str | None, threads: int = 0) -> tuple[Path, Teams]:
    """A new run folder that holds the plan, and teams that have learned nothing; no folder where either cannot be."""
    check_threads(threads)
    teams = begin(game, chosen.learner, chosen.teams, chosen.episodes, chosen.algorithm)
    folder = recorder.create_run(runs, f"{recorder.stem_of(chosen.environment)}-{chosen.algorithm}", name)
    try:
        recorder.write_config(folder, {"format": CONFIG_FORMAT, **chosen._asdict()})
    except BaseException:
        folder.rmdir()
        raise
    return folder, teams


def resume(
    run: str | Path = "latest",
    *,
    runs: str | Path = "runs",
    threads: int = 0,
    on_tick: Callable[[Any], None] | None = None,
    workers: int = 0,
    device: str = "auto",
    parts: Any = None,
    track: Any = None,
    environment: Any = None,
    on_restart: Callable[[str], None] | None = None,
) -> Run | DeepRun:
    """Go on with a stopped run as if it had never been stopped, and judge it; the last six words are of deep runs.

    environment: the function or object that the run was given in Python.
    """
    folder = recorder.find_run(Path(runs), str(run))
    if environment is not None:
        from coterie.pettingzoo.making.live import give_again

        give_again(str(recorder.read_config(folder).get("environment", "")), environment)
    if is_deep(folder):
        from coterie.workflow.deep.train import resume_deep

        return resume_deep(
            folder, workers=workers, device=device, parts=parts, track=track, on_tick=on_tick, on_restart=on_restart
        )
    chosen = planned(folder)
    if (folder / "evaluation.json").exists():
        raise BadInput(f"{folder.name} is finished; look at it with: coterie evaluate {recorder.word_for(folder)}")
    game = game_of(chosen)
    teams = saved_teams(folder, chosen, game, anew=not list_checkpoints(folder))
    return learn(chosen, game, folder, teams, threads=threads, on_tick=on_tick)


def saved_teams(folder: Path, chosen: Plan, game: FiniteGame, *, anew: bool = False) -> Teams:
    """The teams of a run's newest checkpoint, or with `anew` such as have learned nothing."""
    fresh = begin(game, chosen.learner, chosen.teams, chosen.episodes, chosen.algorithm)
    if anew:
        return fresh
    parts, facts = load_checkpoint(folder, ("policy", "progress"))
    return from_parts(parts, facts.get("episode"), fresh, chosen.episodes)


def learn(
    chosen: Plan,
    game: FiniteGame,
    folder: Path,
    teams: Teams,
    *,
    threads: int = 0,
    on_tick: Callable[[Tick], None] | None = None,
) -> Run:
    """Learn to the end of the plan, judge, and save; a signal saves a checkpoint and raises Stopped.

    A checkpoint is saved twice a minute, too, and before judging: whatever kills the process, little is learned twice.
    """
    began, first, saved_at = time.perf_counter(), teams.episode, time.perf_counter()

    def save(teams: Teams, **more: Any) -> None:
        facts = {
            "episode": teams.episode,
            "env_steps": int(teams.progress.steps.sum()),
            "seed": chosen.seed,
            "environment": chosen.environment,
            "agents": game.spec.agents,
            "actions": game.actions,
            "kinds": [kind.agents for kind in game.spec.kinds],
            "history": memory_of(game.horizon, chosen.learner.history),
            "layouts": game.layouts,
            **more,
        }
        save_checkpoint(folder, teams.episode, as_parts(teams, game), facts)

    def save_at_times(teams: Teams) -> None:
        nonlocal saved_at
        if time.perf_counter() - saved_at >= SAVE_SECONDS:
            save(teams)
            saved_at = time.perf_counter()

    with recorder.held(folder), Signals() as signals:
        teams = train_tabular(
            game,
            chosen.learner,
            teams,
            seed=chosen.seed,
            episodes=chosen.episodes,
            threads=threads,
            on_tick=on_tick,
            should_stop=lambda: signals.received is not None,
            between=save_at_times,
        )
        signals.deaf = True  # a second signal must not interrupt the saving
        seconds = time.perf_counter() - began
        save(teams)
    recorder.append_lines(
        folder / "timing.jsonl", [{"from_episode": first, "to_episode": teams.episode, "seconds": seconds}]
    )
    if signals.received is not None and teams.episode < chosen.episodes:
        raise Stopped(
            f"stopped after {teams.episode:,} of {chosen.episodes:,} episodes; "
            f"go on with: coterie resume {recorder.word_for(folder)}",
            signals.received,
        )
    learned = curve(teams.progress, check_interval(chosen.episodes), checks_made(teams, chosen.episodes))
    judgement = judge_tables(chosen, game, teams, learned, folder)
    save(teams, best_team=judgement.best_team)
    recorder.write_lines(folder / "metrics.jsonl", curve_rows(learned))
    save_judgement(folder, judgement)
    return Run(folder, judgement)


def curve_rows(learned: Curve) -> list[dict[str, Any]]:
    """A curve as rows, one a check."""
    columns = {name: getattr(learned, name) for name in learned.__dataclass_fields__ if name != "single"}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _check_words(learner: dict[str, Any]) -> None:
    """Raises BadInput for a keyword of `train` that neither it nor the learner knows."""
    known = {field.name for field in dataclasses.fields(TabularOptions)}
    for word in learner:
        if word not in known:
            own = [name for name in inspect.signature(train).parameters if name != "learner"]
            raise BadInput(f"there is no option '{word}'{nearest(word, [*own, *sorted(known)])}")
