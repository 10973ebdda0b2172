"""Watch anybody play in an environment from elsewhere, by the loop that everybody writes: numbers, and a video."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from coterie.errors import BadInput, StorageFault
from coterie.pettingzoo.forms.anew import anew, leaks
from coterie.pettingzoo.making.drawn import NoPicture, make_drawn, picture, without_a_window
from coterie.pettingzoo.making.makers import Maker, find_maker
from coterie.pettingzoo.making.sources import as_driven, build
from coterie.running import recorder
from coterie.running.watching import LONGEST, Episode, Moment, Watched, aim_of, clock_of, gathered, play
from coterie.showing.video import Film, Written, unused, video_file
from coterie.showing.watched import Tick, result
from coterie.showing.words import number
from coterie.workflow.deep.plan import check_success
from coterie.workflow.deep.teams import own_options
from coterie.workflow.planning.plan import check_seed, whole
from coterie.workflow.watching.names import check_word, name_of, same_word, short, train_command
from coterie.workflow.watching.policies import find_policy, player_of

MOST_EPISODES = 100_000


@dataclasses.dataclass(frozen=True)
class Watching(Watched):
    """What was watched: `returns` [episodes, agents], `lengths`, `endings`, and the video, if one was made.

    video: the file and what is in it; None without one. frames: its pictures, where they were asked for. note: why
    there is no picture. env: the environment's options, those that a run brought among them. train: the command that
    trains here, where one is known.
    """

    video: Written | None = None
    frames: np.ndarray | None = None
    note: str = ""
    env: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    train: str = ""

    def __str__(self) -> str:
        from coterie.showing.terminal import plain_text

        return plain_text(result(self))

    def to_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        episodes = [
            {
                "seed": seed, "length": int(length), "success": success, "endings": endings,
                "return": finite(team), "returns": {a: finite(r) for a, r in zip(self.agents, row, strict=True)},
            }
            for seed, length, success, endings, team, row in zip(
                self.seeds, self.lengths, self.success, self.endings, self.team, self.returns, strict=True
            )
        ]  # fmt: skip
        return {
            "environment": self.environment,
            "env": dict(self.env),
            "policy": self.policy,
            "player": self.words,
            "agents": list(self.agents),
            "unit": self.unit,
            "return": finite(self.team.mean()),
            "aim": self.aim,
            "episodes": episodes,
            "video": None if self.video is None else {**self.video._asdict(), "path": str(self.video.path)},
            "note": self.note,
        }


def watch(
    environment: Any,
    policy: Any = "random",
    episodes: int = 1,
    seed: int = 0,
    *,
    video: str | Path | bool = False,
    frames: bool = False,
    env: Mapping[str, Any] | None = None,
    success: str = "",
    steps: int | None = None,
    team: int | None = None,
    runs: str | Path = "runs",
    on_step: Callable[[Tick], None] | None = None,
) -> Watching:
    """Play episodes in an environment from elsewhere, and see what each agent earns; `video` draws the first one.

    environment: a word, as `coterie train` takes it, a function that makes one, or an environment (AEC, parallel, or a
    gymnasium one with tuples). env: options of a word or function. policy: "random", "idle", "./rule.py:act", a
    function act(observation, agent, info) or less of it, an object with `act`, a function that makes such objects, or a
    run (name, folder, "latest", or what `coterie.train` gave), of which `team` is a seed. success: "info:NAME" for what
    infos say, or "return>=90"; else infos' "success" counts.

    video: a .gif, .webp or .mp4 that does not exist; True: a name of its own. frames keeps the pictures. Episode e is
    reset with seed + e and stopped after `steps`. Raises BadInput, EnvironmentFault and StorageFault in one sentence;
    where nothing can be drawn, `note` says why.
    """
    options, seed, episodes = dict(env or {}), check_seed(seed), whole("--episodes", episodes)
    most = LONGEST if steps is None else whole("--steps", steps)
    if not 1 <= episodes <= MOST_EPISODES:
        raise BadInput(f"--episodes {episodes}: expected 1 to {MOST_EPISODES:,}")
    if most < 1:
        raise BadInput(f"--steps {most}: expected at least 1")
    found = find_policy(policy, runs)
    word = environment if isinstance(environment, str) else name_of(environment)
    if isinstance(environment, str):
        check_word(environment)
        brought, usual = brought_by(found, environment)
        options, success = own_options({**brought, **options})[0], success or usual
    check_success(success, "worker")
    aim = aim_of(success)
    wanted = None if isinstance(video, bool) or not str(video) else video_file("--video", str(video))
    if wanted is not None or video is True:
        check_folder(wanted.parent if wanted is not None else Path())
    with opened(environment, word, options, drawn=bool(video or frames)) as live:
        player = player_of(found, policy, live, seed, team)
        film = Film((short(word), short(player.name)), rate_of(live)) if video or frames else None
        camera = Camera(live, film)
        moments = play(live, player, word, episodes, seed, most, aim)
        played = gathered(live, word, player, list(filmed(moments, live, episodes, most, camera, on_step)), aim)
        train = train_command(word, live, options) if isinstance(environment, str) else ""
    pictures = film.pictures() if film is not None and film.frames and frames else None
    known = {field.name: getattr(played, field.name) for field in dataclasses.fields(Watched)}
    watched = Watching(**known, frames=pictures, note=camera.note, env=options, train=train)
    if not video or film is None or not film.frames:
        return watched
    if wanted is None or wanted.exists():  # somebody has written it meanwhile
        stem = f"{short(word)}-{short(player.name)}" if wanted is None else wanted.stem
        wanted = unused(Path() if wanted is None else wanted.parent, stem, ".gif" if wanted is None else wanted.suffix)
    try:
        return dataclasses.replace(watched, video=film.write(wanted))
    except StorageFault as fault:
        fault.run = watched  # what was played is not lost with its pictures
        raise


class Camera:
    """Takes pictures of the first episode for a film; where that fails it is off, and `note` says why."""

    def __init__(self, environment: Any, film: Film | None) -> None:
        self.environment, self.film, self.note = environment, film, ""

    @property
    def off(self) -> bool:
        """Whether there is nothing to do."""
        return self.film is None or bool(self.note)

    def look(self, moment: Moment, unit: str, limit: int) -> None:
        """Take the picture of a moment, if the film wants it."""
        if self.off or self.film is None or moment.episode or moment.finished is not None:
            return
        if not (moment.over or self.film.wants(moment.step)):
            return
        try:
            pixels = picture(self.environment)
        except NoPicture as why:
            self.note = f"no video: {why}"
            self.film.frames.clear()
            return
        self.film.add(pixels, moment_words(moment, unit, limit))


def filmed(
    moments: Iterable[Moment],
    environment: Any,
    episodes: int,
    most: int,
    camera: Camera,
    on_step: Callable[[Tick], None] | None,
) -> Iterator[Episode]:
    """The episodes as they are played; the camera sees each moment, and `on_step` is told of it."""
    unit, limit = clock_of(environment)
    limit = min(most, limit) or (most if most < LONGEST else 0)
    begun, steps = 0.0, 0
    for moment in moments:
        camera.look(moment, unit, limit)
        if moment.finished is not None:
            yield moment.finished
        elif moment.step:
            begun = begun or time.monotonic()  # after the first step, which may load and compile a lot
            spent = time.monotonic() - begun
            if on_step is not None and steps and spent > 0:
                on_step(Tick(moment.episode, episodes, moment.step, limit, steps / spent, moment.earned, unit, spent))
            steps += 1


@contextmanager
def opened(environment: Any, word: str, options: Mapping[str, Any], *, drawn: bool) -> Iterator[Any]:
    """A live environment, closed in the end if it was made here; what draws it opens no window."""
    object_of_theirs = not isinstance(environment, (str, type)) and hasattr(environment, "reset")
    if object_of_theirs and options:
        raise BadInput(f"{word} is an environment already, so options cannot change it: {', '.join(options)}")
    with without_a_window(options.get("render_mode") == "human"):
        if object_of_theirs:
            yield as_driven(word, environment)
            return
        if not isinstance(environment, str) and not callable(environment):
            raise BadInput(f"{word} is no environment; expected a word, a function that makes one, or an environment")
        maker = find_maker(environment) if isinstance(environment, str) else Maker(environment, environment)
        make = partial(make_drawn if drawn else build, word, maker, options)
        live = anew(make) if isinstance(environment, str) and leaks(partial(build, word, maker, options)) else make()
        try:
            yield live
        finally:
            with suppress(Exception):  # all is played
                live.close()


def brought_by(found: Any, word: str) -> tuple[dict[str, Any], str]:
    """The options and the definition of success that a run was trained with, where it was trained in this world."""
    config = recorder.read_config(found) if isinstance(found, Path) else {}
    if not same_word(str(config.get("environment", "")), word):
        return {}, ""
    return dict(config.get("env") or {}), str(config.get("success") or "")


def check_folder(folder: Path) -> None:
    """Raises StorageFault where nothing can be written, before anything is played for it."""
    if not os.access(folder, os.W_OK):
        raise StorageFault(f"the video cannot be written into {folder.resolve()}; name another file, or: --video none")


def moment_words(moment: Moment, unit: str, limit: int) -> str:
    """A picture's caption."""
    return f"{unit} {moment.step:,}{f' of {limit:,}' if limit else ''} · return {number(moment.earned)}"


def rate_of(environment: Any) -> float | None:
    """How many steps a second an environment wants to be shown at, where it says so."""
    rate = (getattr(environment, "metadata", None) or {}).get("render_fps")
    return float(rate) if isinstance(rate, (int, float)) and rate > 0 else None


def finite(value: float) -> float | None:
    """A number as JSON has it."""
    return float(value) if math.isfinite(value) else None
