"""What a deep run keeps in its folder, and how it is put back: checkpoints in named parts, and recorded episodes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import jax
import msgspec
import numpy as np

from coterie.errors import StorageFault
from coterie.pettingzoo.reading.layouts import Layout
from coterie.running import recorder
from coterie.running.checkpoint import load_checkpoint, save_checkpoint
from coterie.running.deep.rivals import Frozen, Rival, rivals_as_named, rivals_from_named
from coterie.running.deep.runs import Opened
from coterie.running.deep.saving import as_named, from_named
from coterie.running.deep.session import Progress, new_progress
from coterie.running.episodes import Recording, write_recording
from coterie.settings import UNTOUCHED, DeepOptions
from coterie.types import Clock, Play, Team
from coterie.workflow.deep.plan import CHECK_EPISODES, FINAL_EPISODES, LEFT_OUT, DeepPlan, options_of, visits_of


def save_episodes(folder: Path, chosen: DeepPlan, opened: Opened, plays: list[Play]) -> None:
    """Write recorded greedy episodes into a run's folder; what succeeds is what the run's own rule says."""
    schedule = opened.schedule
    if any(layout.lens is not None for layout in opened.layouts):
        plays = [play._replace(observations=()) for play in plays]  # pictures are far too large for lines of numbers
    if schedule.least is not None:
        earned = [float(schedule.team_return(np.asarray(play.rewards).sum(0))) for play in plays]
        plays = [play._replace(success=one >= schedule.least) for play, one in zip(plays, earned, strict=True)]
    try:
        (folder / "episodes").mkdir(exist_ok=True)
    except OSError as error:
        raise StorageFault(f"{folder} cannot be written: {error.strerror or error}") from error
    ours = ":" not in chosen.environment and not isinstance(chosen.env, Mapping)
    options = vars(chosen.env) if ours else {}
    write_recording(
        folder / "episodes" / "greedy.jsonl",
        Recording(
            opened.spec.agents, opened.action_names, plays, opened.success_word, chosen.environment if ours else "",
            options, opened.horizon, opened.idle,
        ),
    )  # fmt: skip


class Facts(msgspec.Struct):
    """What a checkpoint says of itself: log lines behind it, visits and seeds by lane, which lanes are under way.

    devices: how many a lane's seeds, or one seed's batches, are shared out among. changed: which function
    of the user's put parts of their own into the learner; empty where none did.
    """

    rows: Annotated[int, msgspec.Meta(ge=0)]
    visited: list[Annotated[int, msgspec.Meta(ge=0)]]
    lanes: list[list[int]]
    opened: list[bool]
    devices: Annotated[int, msgspec.Meta(ge=1, le=4096)]
    changed: str
    settings: dict[str, Any]
    layouts: list[Layout] = []
    teams: list[Team] = []
    rivals: dict[str, Rival] = {}


def checked_facts(folder: Path, chosen: DeepPlan, facts: Mapping[str, Any]) -> Facts:
    """The facts of a run's checkpoint; raises StorageFault where they are none, or belong to other settings."""
    place = f"the checkpoint of {folder.name}"
    try:
        found = msgspec.convert(dict(facts), Facts)
    except msgspec.ValidationError as error:
        raise StorageFault(f"{place} has a manifest that does not fit: {error}") from error
    saved, wanted = recorder.flat(found.settings), recorder.flat(settings_of(chosen))
    learners, usual = ["learner", *(f"others.{name}" for name in chosen.others)], recorder.flat(vars(DeepOptions()))
    since = {f"{learner}.{name}": value for learner in learners for name, value in usual.items()}
    since |= {"check_episodes": CHECK_EPISODES, "final_episodes": FINAL_EPISODES}
    if "others" not in found.settings:  # before they were kept, all had what the first has
        since |= {name: value for name, value in wanted.items() if name.startswith("others.")}
    if chosen.road == "worker":
        since |= recorder.flat({"picture": vars(UNTOUCHED)})
    for name in sorted(saved.keys() | wanted.keys()):
        if saved.get(name, since.get(name)) != wanted.get(name):  # options that were not there yet had no effect
            raise StorageFault(
                f"{place} was saved with {name} = {saved.get(name)!r}, and its config.toml says {wanted.get(name)!r}; "
                "put that back"
            )
    seeds = sorted(seed for lane in found.lanes for seed in lane)
    visits = visits_of(chosen)
    fits = len(found.lanes) == len(found.visited) == len(found.opened) and max(found.visited, default=0) <= visits
    begun = all(there or count in (0, visits) for count, there in zip(found.visited, found.opened, strict=False))
    if not fits or not begun or seeds != [chosen.seed + number for number in range(chosen.seeds)]:
        raise StorageFault(f"{place} does not fit its run's settings: its seeds or visits differ")
    return found


def saved_rivals(folder: Path, facts: Facts) -> dict[str, Frozen]:
    """The agents of saved runs that play in a run, from its checkpoint."""
    return rivals_from_named(facts.rivals, load_checkpoint(folder, ("rivals",))[0]["rivals"]) if facts.rivals else {}


def settings_of(chosen: DeepPlan) -> dict[str, Any]:
    """The plan as it stands in a checkpoint, plain."""
    settings = {name: value for name, value in chosen._asdict().items() if name not in LEFT_OUT}
    return msgspec.json.decode(msgspec.json.encode(recorder.plain(settings)))


def save_state(folder: Path, chosen: DeepPlan, opened: Opened, progress: Progress, rows: int) -> None:
    """A checkpoint of everything that going on, and acting, needs."""
    parts: dict[str, dict[str, np.ndarray]] = {name: {} for name in ("learner", "replay", "runner", "worlds", "policy")}
    states = [lane.state() for lane in opened.lanes]
    for place, state in enumerate(states):
        for name, tree in state.items():
            named = tree if name == "worlds" else as_named(tree)
            parts[name].update({f"lane{place}.{key}": array for key, array in named.items()})
        if progress.best[place] is not None:
            parts["policy"].update(as_named(progress.best[place], f"lane{place}."))
    parts["rivals"] = rivals_as_named(opened.rivals)
    parts["progress"] = {
        name: getattr(progress, name) for name in ("returns", "success", "steps", "best_return", "best_check", "frozen")
    }
    facts = {
        "kind": "deep",
        "rows": rows,
        "visited": progress.visited,
        "lanes": [[int(seed) for seed in lane.seeds] for lane in opened.lanes],
        "opened": [bool(state) for state in states],
        "devices": opened.devices,
        "changed": opened.changed,
        "layouts": msgspec.to_builtins(opened.layouts),
        "settings": settings_of(chosen),
        "teams": msgspec.to_builtins(opened.teams),
        "rivals": {name: msgspec.to_builtins(one.rival) for name, one in opened.rivals.items()},
        "idle": [int(action) for action in opened.still],
        "spec": msgspec.to_builtins(opened.spec),
        "options": msgspec.to_builtins(options_of(chosen, chosen.algorithm)),
        "others": {name: msgspec.to_builtins(options_of(chosen, name)) for name in chosen.others},
        "best_seed": int(np.argmax(np.where(np.isfinite(progress.best_return), progress.best_return, -np.inf))),
    }
    done_steps = sum(progress.visited) * opened.schedule.steps_a_visit
    save_checkpoint(folder, done_steps, parts, facts)


def restored(
    opened: Opened, parts: Mapping[str, Mapping[str, np.ndarray]], facts: Facts, *, going_on: bool = True
) -> Progress:
    """Progress, and lanes put where the checkpoint left them if the run is `going_on`.

    Raises StorageFault where arrays do not fit the run's settings.
    """
    if [[int(seed) for seed in lane.seeds] for lane in opened.lanes] != facts.lanes:
        raise StorageFault("the checkpoint does not fit its run's settings: its seeds lie in other lanes")
    progress = new_progress(opened.lanes, opened.schedule)
    for name, array in parts["progress"].items():
        before = getattr(progress, name, None)
        if before is None or before.shape != array.shape or before.dtype != array.dtype:
            raise StorageFault(
                f"the checkpoint does not fit its run's settings: progress.{name} has {list(array.shape)}"
            )
        setattr(progress, name, np.array(array))
    progress.visited = list(facts.visited)
    for place, lane in enumerate(opened.lanes):
        prefix = f"lane{place}."
        if going_on and facts.opened[place]:
            shape = lane.shape()
            state = {name: from_named(tree, parts[name], prefix) for name, tree in shape.items() if name != "worlds"}
            if "worlds" in shape:
                state["worlds"] = {
                    key.removeprefix(prefix): array for key, array in parts["worlds"].items() if key.startswith(prefix)
                }
            lane.restore(state)
        if any(key.startswith(prefix) for key in parts["policy"]):
            like = policy_like(opened, len(lane.seeds))
            progress.best[place] = from_named(like, parts["policy"], prefix)
    return progress


def policy_like(opened: Opened, seeds: int) -> Any:
    """The shapes of the policies of so many seeds."""

    def one(key: Any) -> Any:
        clock = Clock(np.uint32(0), np.uint32(0))
        return opened.algorithm.policy(opened.algorithm.init(key, opened.spec), clock)

    shape = jax.eval_shape(one, jax.random.key(0))
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((seeds, *leaf.shape), leaf.dtype), shape)
