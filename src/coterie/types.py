"""The central types of coterie, and the one table of axis letters.

Axes: T time, E environments, N agents (of one kind where kinds are split), A actions, S states, O observations,
J joint actions, B batch. A trailing `...` is whatever one observation or memory needs.

Nothing here imports JAX: every type is a tuple or a frozen dataclass, so JAX treats the tuples as trees by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Literal, NamedTuple

Array = Any  # a numpy or a jax array; shapes are stated beside each field
Key = Any  # a jax random key
Mode = Literal["explore", "greedy", "sample"]


class View(NamedTuple):
    """What the agents of one kind see before they decide.

    obs      [.., N, ...]
    legal    bool[.., N, A]; never a row without a legal action: where there is none (the dead, the waiting), all are
    alive    bool[.., N]: False where this agent has truly ended; cut off by a time limit is alive
    to_move  bool[.., N]: this agent decides now; what it would decide elsewhere is ignored
    first    bool[.., N]: this agent's own first decision of an episode, so its memory is reset here
    """

    obs: Array
    legal: Array
    alive: Array
    to_move: Array
    first: Array


class Decision(NamedTuple):
    """What one kind decided: the action, the memory after it, and extras; every leaf begins with [.., N].

    action: int32[.., N], or float32[.., N, D] where it is a row of amounts, which are within their bounds.

    The runner keeps the new memory only where the agent was to move. `extras` is whatever the learner wants back with
    the decision (a log-probability, a value); it is stored with the transition and never recomputed.
    """

    action: Array
    memory: Any
    extras: Any


class Transition(NamedTuple):
    """One completed decision of each agent of one kind; every field is [.., N] (obs has its own trailing axes).

    reward    everything earned from this decision to the same agent's next one
    discount  0 where the world truly ended for this agent, 1 elsewhere: it says whether to bootstrap
    last      a boundary follows: cut traces, reset memory. A time limit is discount 1, last True
    next      the view of the true successor, never of the reset
    valid     a completed decision stands here; elsewhere nothing is learned and memory stands still

    A row that is not valid has reward 0, discount 0 and last False. An agent's time axis is its valid rows: what runs
    along T (returns, traces, memory) passes through the other rows unchanged.
    """

    view: View
    action: Array
    extras: Any
    reward: Array
    discount: Array
    next: View
    last: Array
    valid: Array


class World(NamedTuple):
    """The central state and the team's own boundary; discount, last and valid are [.., teams].

    One agent's death is not its team's end: a team's discount is 0 only where the last of its members has ended.
    valid: a member took part in this row. A team that has ended before the others has rows that are not valid.
    """

    state: Array
    next_state: Array
    discount: Array
    last: Array
    valid: Array


class Rollout(NamedTuple):
    """What `update` learns from: one Transition a kind, [T, E, N], the world, and each kind's memory.

    memory: [E, N, ...] before the first decision that is completed in these rows. Where everybody moves at once that is
    the memory before row 0; in a turn-based game it is the memory before the pending decision.
    """

    kinds: tuple[Transition, ...]
    world: World
    memory: tuple[Any, ...]


class Clock(NamedTuple):
    """How far the run has come; never batched over seeds, for every branch and every ring head depends on it alone.

    env_steps counts joint steps of all environments, updates those that the learner has seen. Episodes are not here:
    they end at different times for different seeds; the runner counts them in its scores.
    """

    env_steps: Array
    updates: Array


class Sight(NamedTuple):
    """What E worlds show between two joint steps: obs and legal are tuples by kind, [E, N, ...]; the rest is [E, all].

    Agents are in the environment's order. alive: taking part; to_move: deciding now; state: [E, ...] for the centre.
    """

    obs: tuple[Array, ...]
    legal: tuple[Array, ...]
    alive: Array
    to_move: Array
    state: Array


class Outcome(NamedTuple):
    """What one joint step of E worlds did, before any reset; agents are in the environment's order.

    reward float32[E, all]; terminated bool[E, all]: the world truly ended for this agent; truncated bool[E, all]: cut
    off by a time limit; success bool[E]; over bool[E]: a new episode begins after this; next: the true successor.
    """

    reward: Array
    terminated: Array
    truncated: Array
    success: Array
    over: Array
    next: Sight


@dataclass(frozen=True)
class Kind:
    """Agents with equal spaces: their indices in the environment's agent order, and the spaces.

    observation_high: observations are numbers from 0 to this; None: their range is not known.
    actions: how many there are to choose from, or 1 where an action is a row of amounts. choices: where an action is
    several choices at once, how many each has, the last one changing fastest in the action's number; () where it is
    one. bounds: where an action is a row of amounts, from where to where each of them goes; None for an end, or for
    both, where there is none.
    """

    agents: tuple[int, ...]
    actions: int
    observation_shape: tuple[int, ...]
    observation_dtype: str
    observation_high: int | None = None
    choices: tuple[int, ...] = ()
    bounds: tuple[tuple[float | None, float | None] | None, ...] = ()

    @property
    def action_shape(self) -> tuple[int, ...]:
        """() where an action is a number, else (D,) amounts."""
        return (len(self.bounds),) if self.bounds else ()

    @property
    def action_dtype(self) -> str:
        """What an action is made of: float32 for amounts, int32 for a number."""
        return "float32" if self.bounds else "int32"

    @property
    def low(self) -> tuple[float, ...]:
        """The least that each amount may be, -inf where it has no such bound."""
        return tuple(-inf if bound is None or bound[0] is None else bound[0] for bound in self.bounds)

    @property
    def high(self) -> tuple[float, ...]:
        """The most that each amount may be, inf where it has no such bound."""
        return tuple(inf if bound is None or bound[1] is None else bound[1] for bound in self.bounds)


@dataclass(frozen=True)
class Spec:
    """Who the agents are: names, kinds, and the partitions into teams, parameters and experience.

    team[i], parameters[i] and experience[i] are group numbers of agent i: agents with one team number share a reward;
    with one parameters number, a network; with one experience number, what they learn from. state_shape (0,): the
    environment has no central state. waits: between two decisions of an agent there may be joint steps without one of
    its own (turns, births). births: agents come and go, and `agents` are the places that they take.
    """

    agents: tuple[str, ...]
    kinds: tuple[Kind, ...]
    team: tuple[int, ...]
    parameters: tuple[int, ...]
    experience: tuple[int, ...]
    state_shape: tuple[int, ...] = (0,)
    waits: bool = False
    births: bool = False

    @property
    def teams(self) -> int:
        """How many teams there are."""
        return len(set(self.team))

    @property
    def action_shape(self) -> tuple[int, ...]:
        """() where everybody's action is a number, else (W,): as many numbers as the longest action has."""
        return max(kind.action_shape for kind in self.kinds)

    @property
    def action_dtype(self) -> str:
        """What a joint action is made of: float32 where anybody acts in amounts, else int32."""
        return "float32" if self.action_shape else "int32"


class Team(NamedTuple):
    """A team: its name, its members' numbers, and what plays it.

    player: an algorithm that learns, random, idle, a rule of the user's (./rule.py:act), or a run's name.
    """

    name: str
    members: tuple[int, ...]
    player: str


class Sizes(NamedTuple):
    """The static sizes of one learner: env steps a run, environments E, rows T a rollout, rows L a sequence."""

    env_steps: int
    environments: int
    rows: int
    length: int


class Algorithm(NamedTuple):
    """A learner as a tuple of pure functions; static sizes are closed over, arrays are passed.

    init(key, spec) -> learner                         parameters, targets, optimiser, replay: arrays only
    policy(learner, clock) -> policy                   what acting reads; small, never donated
    memory(policy, environments) -> memory             a tuple, one entry a kind, leaves [E, N, ...]; () where none
    act(key, policy, view, memory, mode) -> decisions  for all kinds: views, memories and decisions are tuples by kind
    update(key, learner, rollout, clock) -> learner, info

    In `update`, clock.env_steps counts this rollout and clock.updates does not count this update.
    """

    init: Callable[..., Any]
    policy: Callable[..., Any]
    memory: Callable[..., Any]
    act: Callable[..., tuple[Decision, ...]]
    update: Callable[..., tuple[Any, dict[str, Array]]]


class Play(NamedTuple):
    """One recorded episode, ready to be looked at and judged.

    keys       int64[T + 1]: equal where the world's states are equal (what loops are found in)
    boards     uint8[T + 1, H, W], see envs/boards.py
    actions    int32[T, N], or float32[T, N, W] where anybody acts in amounts (see `joint_action`);
               rewards float64[T, N];  amounts: how many each agent's action has, 0 for a number; () for all
    success    the environment's own word that the aim was reached;  ended: a true ending, not the time limit
    team       which team played it;  episode: which of its episodes, counted from 1; 0 where it is the only one
    observations  one array an agent, [T + 1, ...]; empty where they were not recorded
    values     float64[T, N]: what each agent expected to earn from this action on; None where it is not known
    reported   the return of this episode as whoever recorded it reports it; None where nobody did
    """

    keys: Array
    boards: Array
    actions: Array
    rewards: Array
    success: bool
    ended: bool
    team: int
    observations: tuple[Array, ...] = ()
    values: Array | None = None
    reported: float | None = None
    episode: int = 0
    amounts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """Where to see a finding: a team's greedy episode, from its first step to its last (both counted from 1).

    episode: which of the team's episodes, counted from 1; 0 where it has only one.
    """

    team: int
    first_step: int
    last_step: int
    episode: int = 0


@dataclass(frozen=True)
class Picture:
    """What a finding looks like, as plain numbers that `showing` draws.

    bars  one value a label, with an interval each where there are any;  line: a value held against all bars
    grid  values by rows and columns, named by `rows` and `labels`
    path  points of a plane in their order, values are (x, y) pairs, `labels` names the two axes
    """

    kind: Literal["bars", "grid", "path"]
    title: str
    labels: tuple[str, ...]
    values: tuple[Any, ...]
    intervals: tuple[tuple[float, float], ...] = ()
    rows: tuple[str, ...] = ()
    line: float | None = None


@dataclass(frozen=True)
class Finding:
    """One diagnostic's answer.

    value with its interval, the null that it is held against, a verdict of yes, no or cannot tell (yes: there is
    something to mend), a plain sentence, the places to look at, and what to try: `remedy` in words, `flags` as the
    words of a `coterie train` command that do it. p: the chance of such a value under the null, where one was tested.
    share: of the teams looked at, how many have it; 1 where they were not asked one by one. cause: what it says of
    those that fail, in a few words, where that is not what a finding of its name says as a rule.
    """

    name: str
    verdict: Literal["yes", "no", "cannot tell"]
    sentence: str
    value: float | None = None
    interval: tuple[float, float] | None = None
    null: str = ""
    evidence: tuple[Evidence, ...] = ()
    remedy: str = ""
    flags: tuple[str, ...] = ()
    p: float | None = None
    picture: Picture | None = None
    share: float = 1.0
    cause: str = ""
