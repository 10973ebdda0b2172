"""A trained team that acts on any loop: no trainer, no environment, no JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from coterie.errors import BadInput, EnvironmentFault, StorageFault, nearest
from coterie.finite.game import ALL_LEGAL
from coterie.finite.histories import Memory
from coterie.running.checkpoint import load_checkpoint
from coterie.running.recorder import find_run, read_config

if TYPE_CHECKING:
    from coterie.pettingzoo.reading.layouts import Layout
    from coterie.running.deep.team import DeepTeam

PRESENT = Memory(1, False)  # what is seen now, and nothing else


class Team:
    """Greedy agents with one table each (or one in common): the first best action for what an agent sees.

    agents are the names the team was trained with; index is its number in its run; greedy actions equal the trainer's.
    A team that was trained with a history remembers what each agent has seen since `reset()`: every call of `act` is
    one step of that agent. sights: for each agent the dtype of what it sees, its table's rows by what is seen, and
    what stands where nothing was seen yet. legal bool[O, A], or [0, 0]: what may be done there. layouts: for each
    agent, what stands between its environment's own spaces and arrays.
    """

    def __init__(
        self,
        agents: tuple[str, ...],
        actions: tuple[int, ...],
        q: np.ndarray,
        sights: list[Any],
        index: int,
        memory: Memory = PRESENT,
        legal: np.ndarray = ALL_LEGAL,
        layouts: Sequence[Layout] = (),
    ) -> None:
        self.agents, self.actions, self.index = agents, actions, index
        self._q, self._sights, self._memory = q, sights, memory
        self._legal, self._layouts = legal, tuple(layouts)
        self._past: dict[str, tuple[np.ndarray, ...]] = {}

    def act(self, agent: Any, observation: Any, info: Mapping[str, Any] | None = None) -> Any:
        """The greedy action for an observation; an `action_mask` in the observation or the info is obeyed.

        Raises BadInput for an agent that the team does not have, EnvironmentFault for an observation (or a history)
        that does not occur in what it was trained on, and for a mask that does not fit or leaves no action.
        """
        agent = str(agent)
        if agent not in self.agents:
            raise BadInput(f"the team has no agent '{agent}'{nearest(agent, self.agents)}")
        place = self.agents.index(agent)
        observation, mask = self._parted(place, observation, info or {})
        past = self._remembered(agent, place, observation)
        row = self._row(place, past, mask)
        if row is None:
            raise EnvironmentFault(self._unknown(agent, observation))
        values = self._q[place if len(self._q) > 1 else 0, row, : self.actions[place]]
        if self._legal.size:
            values = np.where(self._legal[row, : len(values)], values, -np.inf)
        if mask is not None:
            legal = np.asarray(mask).astype(bool)
            if legal.shape != values.shape or not legal.any():
                raise EnvironmentFault(
                    f"{agent} was given the mask {mask!r}, which leaves none of {len(values)} actions"
                )
            values = np.where(legal, values, -np.inf)
        self._past[agent] = past
        action = int(values.argmax())
        return self._layouts[place].action(action) if self._layouts else action

    def _parted(self, place: int, observation: Any, info: Mapping[str, Any]) -> tuple[Any, Any]:
        """What an agent sees as its table knows it, and the mask that stands beside it or in the info."""
        if self._layouts:
            from coterie.pettingzoo.reading.layouts import masked  # loads a package that teams of our games do not need

            seen, mask = masked(observation, info)
            return self._layouts[place].array(seen), mask
        mask = info.get("action_mask")
        if isinstance(observation, Mapping):
            mask = observation.get("action_mask", mask)
            observation = observation.get("observation")
        return observation, mask

    def _remembered(self, agent: str, place: int, observation: Any) -> tuple[np.ndarray, ...]:
        """What an agent has seen of late, the present last; nothing where it cannot have seen that."""
        dtype = self._sights[place][0]
        try:
            seen = np.asarray(observation)
            with np.errstate(invalid="ignore"):
                exact = seen.astype(dtype)
        except (TypeError, ValueError):
            return ()
        if exact.dtype.kind == "f" and seen.dtype.kind == "f":
            exact = exact + 0.0  # an environment may see in more digits than its table, and zeros with a sign
        elif not np.array_equal(exact, seen):
            return ()
        past = (*self._past.get(agent, ()), exact.reshape(-1))
        if self._memory.whole:
            return past if len(past) <= self._memory.length else ()
        return past[-self._memory.length :]

    def _row(self, place: int, past: tuple[np.ndarray, ...], mask: Any) -> int | None:
        """The table's row for what an agent has seen; None where that never occurred.

        Of several rows, which differ in what is legal, the one with this mask, else the first.
        """
        dtype, rows, nothing = self._sights[place]
        if not past:
            return None
        missing = np.full((self._memory.length - len(past)) * past[-1].size, nothing, dtype)
        found = rows.get(np.concatenate([missing, *past]).tobytes(), ())
        if mask is not None and len(found) > 1:
            wanted = np.asarray(mask).astype(bool)
            found = [row for row in found if np.array_equal(self._legal[row, : self.actions[place]], wanted)] or found
        return found[0] if found else None

    def _unknown(self, agent: str, observation: Any) -> str:
        many = len(self._past.get(agent, ())) if self._memory.length > 1 else 0
        after = f" after {many} other{'s' if many > 1 else ''}" if many else ""
        advice = "; call reset() where an episode begins" if many else ""
        return f"{agent} saw {observation!r}{after}, which does not occur in what its team was trained on{advice}"

    def act_all(
        self, observations: Mapping[str, Any], infos: Mapping[str, Mapping[str, Any]] | None = None
    ) -> dict[str, int]:
        """The actions of all agents that see something."""
        return {agent: self.act(agent, seen, (infos or {}).get(agent)) for agent, seen in observations.items()}

    def reset(self) -> None:
        """Begin a new episode: what agents trained with a history have seen is forgotten."""
        self._past.clear()

    def __repr__(self) -> str:
        """Which team of its run this is."""
        return f"Team({', '.join(self.agents)}; number {self.index} of its run)"


def load(
    run: str | Path = "latest", *, team: int | None = None, runs: str | Path = "runs", parts: Any = None
) -> Team | DeepTeam:
    """The trained team of a run: `team` chooses it, else the best one (the first of equals).

    Of a deep run `team` is a seed, and the best one is that with the best greedy check.
    """
    folder = find_run(Path(runs), str(run))
    if read_config(folder).get("kind") == "deep":
        from coterie.running.deep.loading import load_deep

        return load_deep(folder, team, parts)
    parts, facts = load_checkpoint(folder, ("policy",))
    try:
        policy = parts["policy"]
        q, agents, actions = policy["q"], tuple(facts["agents"]), tuple(facts["actions"])
        kinds = [(tuple(kind), policy[f"observations.{k}"]) for k, kind in enumerate(facts["kinds"])]
        best, memory = int(facts.get("best_team", 0)), Memory(*facts.get("history", PRESENT))
        legal = policy.get("legal", ALL_LEGAL)
        told = _layouts(facts.get("layouts"))
        fits = q.ndim == 4 and 0 <= best < len(q) and q.shape[2] == sum(len(values) for _, values in kinds)
        fits &= not legal.size or (legal.dtype == bool and legal.shape == q.shape[2:])
        fits &= len(told) in (0, len(kinds))
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise StorageFault(f"{folder} does not hold a tabular team: {error!r}") from error
    if not fits or len(agents) != len(actions) or q.shape[3] != max(actions, default=0):
        raise StorageFault(f"{folder} does not hold a tabular team: its table has the shape {list(q.shape)}")
    if team is not None and not 0 <= team < len(q):
        raise BadInput(f"team {team}: the run has teams 0 to {len(q) - 1}")
    index = best if team is None else team
    sights: list[Any] = [None] * len(agents)
    layouts: list[Any] = [None] * len(agents) if told else []
    offset = 0
    for k, (members, values) in enumerate(kinds):
        rows: dict[bytes, list[int]] = {}
        for place, value in enumerate(values):
            rows.setdefault(value.reshape(-1).tobytes(), []).append(offset + place)
        nothing = values.min(initial=0)  # with a history: what stands where nothing was seen yet
        for agent in members:
            sights[agent] = (values.dtype, rows, nothing)
            if told:
                layouts[agent] = told[k]
        offset += len(values)
    return Team(agents, actions, q[index], sights, index, memory, legal, layouts)


def _layouts(told: Any) -> list[Layout]:
    """The layouts of a checkpoint; none for teams of our own games."""
    if not told:
        return []
    from coterie.pettingzoo.reading.layouts import Layout

    return msgspec.convert(told, list[Layout])
