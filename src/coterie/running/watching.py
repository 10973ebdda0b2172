"""Episodes in a live environment, agent by agent, as anybody's loop plays them; whoever is at fault is named."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from pettingzoo import AECEnv
from pettingzoo.utils.conversions import aec_to_parallel_wrapper

from coterie.errors import CoterieError, EnvironmentFault
from coterie.pettingzoo.check.facts import limit_of
from coterie.pettingzoo.reading.layouts import label
from coterie.running.foreign import begun, moved
from coterie.running.players import Player, Turn
from coterie.yours import FAILURES, let_through, shown, told

LONGEST = 10_000  # joint steps of an episode that nothing ends
MOST_SEEDS = 2**31  # what every environment takes

Told = TypeVar("Told")


class Episode(NamedTuple):
    """One episode: returns by agent, in the order in which they appeared; how each ended, and for whom it did not.

    endings: terminated (its world ended), truncated (its time was up), or stopped (it would have gone on).
    success: what infos say, None where they do not.
    """

    seed: int
    steps: int
    returns: dict[str, float]
    endings: dict[str, str]
    success: bool | None


@dataclass(frozen=True)
class Watched:
    """Some episodes of one player: returns float64[P, N], NaN where an agent took no part; lengths in `unit`s, int[P].

    unit: step, in which all agents move once, or turn, in which one does; limit: after how many an episode is cut off,
    0 where nobody says. endings and success: see Episode; aim: what counts as a success.
    """

    environment: str
    policy: str
    words: str
    unit: str
    limit: int
    agents: tuple[str, ...]
    seeds: tuple[int, ...]
    returns: np.ndarray
    lengths: np.ndarray
    endings: tuple[dict[str, str], ...]
    success: tuple[bool | None, ...]
    aim: str = ""

    @property
    def team(self) -> np.ndarray:
        """The mean over the agents of each episode, float64[P]."""
        return np.nanmean(self.returns, axis=1)

    @property
    def common(self) -> bool:
        """Whether all agents earned the same in each episode."""
        spread = np.nanmax(self.returns, axis=1) - np.nanmin(self.returns, axis=1)
        return bool((spread <= 1e-9 * np.maximum(1, np.abs(self.team))).all())


class Aim(NamedTuple):
    """What counts as a success: what infos say under a name, or a return of at least so much (mean over agents)."""

    name: str = "success"
    least: float | None = None

    @property
    def words(self) -> str:
        """The same in words."""
        return f"by the infos' {self.name}" if self.least is None else f"a return of {self.least:g} or more"


USUAL_AIM = Aim()


def aim_of(rule: str) -> Aim:
    """The aim that a rule like info:won or return>=90 means.

    >>> aim_of(""), aim_of("info:won"), aim_of("return>=90").words
    (Aim(name='success', least=None), Aim(name='won', least=None), 'a return of 90 or more')
    """
    if rule.startswith("return>="):
        return Aim(least=float(rule.removeprefix("return>=")))
    return Aim(rule.removeprefix("info:") or "success")


def gathered(environment: Any, name: str, player: Player, episodes: Sequence[Episode], aim: Aim = USUAL_AIM) -> Watched:
    """What a player's episodes came to; agents in the order in which the environment lists them, else as they came."""
    listed = map(label, getattr(environment, "possible_agents", None) or ())
    present = {agent for one in episodes for agent in one.returns}
    known = dict.fromkeys(
        [*(agent for agent in listed if agent in present), *(a for one in episodes for a in one.returns)]
    )
    return Watched(
        name,
        player.name,
        player.words(),
        *clock_of(environment),
        tuple(known),
        tuple(one.seed for one in episodes),
        np.array([[one.returns.get(agent, np.nan) for agent in known] for one in episodes]),
        np.array([one.steps for one in episodes]),
        tuple(one.endings for one in episodes),
        tuple(one.success for one in episodes),
        aim.words,
    )


def clock_of(environment: Any) -> tuple[str, int]:
    """What an episode's length is counted in, and after how many it is cut off; 0 where nobody says."""
    limit = None if isinstance(environment, AECEnv) else limit_of(environment)
    return ("turn" if isinstance(environment, AECEnv) else "step", limit[1] if limit else 0)


class Moment(NamedTuple):
    """The state after so many steps of an episode: what was earned so far (mean over agents), and whether it is over.

    finished: the episode, in its last moment, which follows the one after its last step.
    """

    episode: int
    step: int
    earned: float
    over: bool = False
    finished: Episode | None = None


class Tally:
    """What an episode came to so far."""

    def __init__(self, seed: int, unit: str, aim: Aim) -> None:
        self.seed, self.unit, self.aim, self.step = seed, unit, aim, 0
        self.returns: dict[Hashable, float] = {}
        self.pending: dict[Hashable, float] = {}  # paid, and not told yet
        self.endings: dict[Hashable, str] = {}
        self.success: bool | None = None

    def meet(self, agents: Iterable[Hashable]) -> None:
        """These take part."""
        for agent in agents:
            self.returns.setdefault(agent, 0.0)

    def pay(self, agent: Hashable, reward: Any) -> None:
        """An agent is told a reward; EnvironmentFault where it is no finite number."""
        number = np.asarray(reward)
        if number.size != 1 or number.dtype.kind not in "iufb" or not np.isfinite(number.item()):
            raise EnvironmentFault(f"{self.where(agent)}: it was paid {shown(reward)}, expected a finite number")
        self.returns[agent] = self.returns.get(agent, 0.0) + float(number.item())

    def owe(self, environment: AECEnv) -> None:
        """What agents have earned since they were last told."""
        paid = getattr(environment, "_cumulative_rewards", None) or {}
        self.pending = {agent: float(paid.get(agent, 0.0)) for agent in environment.agents}
        for agent, value in self.pending.items():
            if not np.isfinite(value):
                raise EnvironmentFault(f"{self.where(agent)}: it was paid {value}, expected a finite number")

    def hear(self, info: Mapping[str, Any] | None) -> None:
        """An info may say that the aim was reached."""
        if self.aim.least is None and info and self.aim.name in info:
            self.success = bool(self.success) or bool(np.any(info[self.aim.name]))

    def leave(self, agent: Hashable, ended: bool) -> None:
        """An agent takes no further part: its world ended, or its time was up."""
        self.endings.setdefault(agent, "terminated" if ended else "truncated")

    def where(self, agent: Hashable | None = None) -> str:
        """The step under way, in words."""
        return f"{self.unit} {self.step + 1}" + ("" if agent is None else f", agent '{label(agent)}'")

    def moment(self, over: bool = False) -> Moment:
        """What there is to see now."""
        return Moment(0, self.step, self.earned(), over)

    def earned(self) -> float:
        """The return so far, mean over agents."""
        return (sum(self.returns.values()) + sum(self.pending.values())) / max(1, len(self.returns))

    def episode(self) -> Episode:
        """The whole."""
        return Episode(
            self.seed,
            self.step,
            {label(agent): value + self.pending.get(agent, 0.0) for agent, value in self.returns.items()},
            {label(agent): self.endings.get(agent, "stopped") for agent in self.returns},
            self.success if self.aim.least is None else self.earned() >= self.aim.least,
        )


def play(
    environment: Any,
    player: Player,
    name: str,
    episodes: int = 1,
    seed: int = 0,
    most: int = LONGEST,
    aim: Aim = USUAL_AIM,
) -> Iterator[Moment]:
    """Episodes of a player, a moment a step; episode e is reset with seed + e, and stopped after `most` steps.

    environment: an AECEnv is played in its turns; behind an AEC-to-parallel wrapper, what is below it is, each agent
    once a step, unless the player learned from the parallel form. Raises EnvironmentFault and BadInput with the seed,
    the step and the agent.
    """
    below = environment.aec_env if isinstance(environment, aec_to_parallel_wrapper) else None
    for number in range(episodes):
        tally = Tally((seed + number) % MOST_SEEDS, clock_of(environment)[0], aim)
        try:
            player.begin(number)
            if isinstance(environment, AECEnv):
                moments = in_turns(environment, player, tally, most, False)
            elif below is None or player.at_once:
                moments = at_once(environment, player, tally, most)
            else:
                moments = in_turns(below, player, tally, most, True)
            for moment in moments:
                yield moment._replace(episode=number)
        except CoterieError as error:
            raise type(error)(f"{name}, seed {tally.seed}, {error}") from error
        yield tally.moment(True)._replace(episode=number, finished=tally.episode())


def in_turns(environment: AECEnv, player: Player, tally: Tally, most: int, together: bool) -> Iterator[Moment]:
    """One agent after the other, by `agent_iter` and `last`; `together`: a step is over when everybody has moved."""
    asked(f"reset(seed={tally.seed})", environment.reset, seed=tally.seed)
    tally.meet(environment.agents)
    yield tally.moment()
    acted: set[Hashable] = set()
    for agent in environment.agent_iter():
        where, action = tally.where(agent), None
        observation, reward, terminated, truncated, info = asked(where, environment.last)
        tally.pay(agent, reward)
        tally.hear(info)
        check_sight(where, observation)
        if terminated or truncated:
            tally.leave(agent, bool(terminated))
        else:
            space = asked(where, environment.action_space, agent)
            action = player.act(Turn(agent, observation, info or {}, space, tally.step + 1, tally.unit))
            acted.add(agent)
        asked(where, environment.step, action)
        tally.meet(environment.agents)
        tally.owe(environment)
        over = not environment.agents
        if action is None or (together and not over and environment.agent_selection not in acted):
            continue
        acted.clear()
        tally.step += 1
        yield tally.moment(over or nobody_goes_on(environment) or tally.step == most)
        if tally.step == most:
            return


def at_once(environment: Any, player: Player, tally: Tally, most: int) -> Iterator[Moment]:
    """All agents at once, as a ParallelEnv steps."""
    observations, infos = begun(environment, tally.seed)
    acting = list(environment.agents)
    tally.meet(acting)
    yield tally.moment()
    while acting and tally.step < most:
        step, actions = tally.step + 1, {}
        for agent in acting:
            where = tally.where(agent)
            check_sight(where, observations[agent])
            space = asked(where, environment.action_space, agent)
            actions[agent] = player.act(Turn(agent, observations[agent], infos.get(agent, {}), space, step))
        observations, rewards, ended, cut, following, infos = moved(environment, actions, step)
        for agent in acting:
            tally.pay(agent, rewards[agent])
            if agent in ended | cut:
                tally.leave(agent, agent in ended)
            elif agent not in following:
                raise EnvironmentFault(f"{tally.where(agent)}: it vanished, neither terminated nor truncated")
        for info in infos.values():
            tally.hear(info)
        acting = [agent for agent in following if agent not in tally.endings]
        tally.meet(acting)
        tally.step += 1
        yield tally.moment(not acting or tally.step == most)


def asked(where: str, call: Callable[..., Told], *words: Any, **named: Any) -> Told:
    """What an environment answers; EnvironmentFault where it fails."""
    try:
        return call(*words, **named)
    except CoterieError:
        raise
    except FAILURES as error:
        let_through(error)
        raise EnvironmentFault(f"{where}: {told(error)}") from error


def check_sight(where: str, observation: Any) -> None:
    """Raises EnvironmentFault where an agent sees what is no finite number."""
    if isinstance(observation, Mapping):
        observation = tuple(observation.values())
    if isinstance(observation, tuple):
        for part in observation:
            check_sight(where, part)
    elif isinstance(observation, np.ndarray) and observation.dtype.kind == "f" and not np.isfinite(observation).all():
        strange = observation[~np.isfinite(observation)][0]
        raise EnvironmentFault(f"{where}: it sees {strange}, expected finite numbers")


def nobody_goes_on(environment: AECEnv) -> bool:
    """Whether all that is left to do is to take the dead out."""
    return all(environment.terminations[agent] or environment.truncations[agent] for agent in environment.agents)
