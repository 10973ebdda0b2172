"""Which compiled loop an algorithm runs in, the numbers it is given, and the arrays that it remembers beside q.

iql and hysteretic with epsilon-greedy exploration run in `engine.learn` and remember nothing else; in games with
illegal actions they run in `masked.learn_among`. Every other loop is compiled when it is first used, and only then.
"""

from __future__ import annotations

import numpy as np

from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.settings import TabularOptions
from coterie.tabular import independent
from coterie.tabular.commitment import CommitmentMemory, CommitmentRule, learn_by_commitment, timetable
from coterie.tabular.engine import Progress, Rule, Table, learn
from coterie.tabular.independent import IndependentMemory, IndependentRule, learn_independently
from coterie.tabular.joint_action import JointActionMemory, JointActionRule, learn_joint_actions
from coterie.tabular.masked import MaskedMemory, MaskedRule, choices, learn_among

Rules = Rule | IndependentRule | JointActionRule | CommitmentRule | MaskedRule
WITH_MASKS = ("iql", "hysteretic")  # algorithms that know of illegal actions

VARIANTS = {
    "iql": independent.Q,
    "hysteretic": independent.Q,
    "distributed": independent.DISTRIBUTED,
    "fmq": independent.FMQ,
    "lenient": independent.LENIENT,
}
NEEDED = {"distributed": ("value",), "fmq": ("value", "best", "best_count", "plays"), "lenient": ("temperature",)}


def as_rule(
    options: TabularOptions,
    episodes: int,
    check_every: int,
    algorithm: str = "hysteretic",
    game: FiniteGame | None = None,
) -> Rules:
    """The options as the compiled loop reads them; floats, for a whole number would compile the loop anew.

    game: the one that is learned, where it matters which. Its masks, and its horizon: commitment divides episodes *
    horizon plays among its rounds; raises BadInput where they are too few.
    """
    rate = float(options.learning_rate)
    falls = options.learning_rate_end >= 0
    base = Rule(
        rate_start=rate,
        rate_end=float(options.learning_rate_end) if falls else rate,
        rate_episodes=float(episodes) if falls else 0.0,
        down_ratio=float(options.hysteresis),
        discount=float(options.discount),
        epsilon_start=float(options.epsilon),
        epsilon_end=float(options.epsilon_end),
        epsilon_episodes=float(options.epsilon_decay * episodes),
        random_ties=options.ties == "random",
        terminal_mask=options.terminal_mask,
        pooled=options.share_experience == "pooled",
        check_every=check_every,
    )
    if algorithm == "commitment":
        margin, growth = options.commitment_margin, float(options.commitment_growth)
        horizon = 1 if game is None else max(1, game.horizon)
        rounds = timetable(options.commitments, growth, margin, episodes * horizon)
        return CommitmentRule(base, *rounds, margin)
    boltzmann = options.exploration == "boltzmann"
    schedule = float(options.temperature), float(options.temperature_decay), float(options.temperature_floor)
    if game is not None and game.masked:
        return MaskedRule(base, boltzmann, *schedule, *choices(game))
    if algorithm == "joint-action":
        return JointActionRule(base, boltzmann, *schedule)
    if algorithm in NEEDED or boltzmann:
        further = float(options.fmq_weight), float(options.lenience), float(options.temperature_diffusion)
        return IndependentRule(base, VARIANTS[algorithm], boltzmann, *schedule, *further)
    return base


def check_game_for(algorithm: str, game: FiniteGame, options: TabularOptions) -> None:
    """Raises BadInput where an algorithm cannot learn this game, or agents that are to share have unequal actions."""
    shares = options.share_parameters or options.share_experience != "none"
    if shares and algorithm in ("joint-action", "commitment"):
        flag = "--share-parameters" if options.share_parameters else "--share-experience"
        raise BadInput(f"{flag}: agents of --algorithm {algorithm} keep their own counts; use --algorithm hysteretic")
    if shares and len(game.spec.kinds) > 1:
        raise BadInput("agents with unequal observations or actions cannot share a table or experience")
    if game.masked and algorithm not in WITH_MASKS:
        raise BadInput(
            f"--algorithm {algorithm}: in {game.name} some actions are illegal at times, as in games that go in turns, "
            f"and only {' and '.join(WITH_MASKS)} know of that; use --algorithm iql"
        )
    if algorithm == "commitment" and len(game.states) > 1:
        raise BadInput(
            f"--algorithm commitment plays games with one state, such as climbing; {game.name} has "
            f"{len(game.states):,} states; use --algorithm hysteretic"
        )


def memory_shapes(game: FiniteGame, options: TabularOptions, algorithm: str) -> dict[str, tuple[tuple[int, ...], type]]:
    """The arrays that a team remembers beside q: shape without the axis of teams, and type, by name."""
    agents, seen, width = len(game.actions), game.observation_count, max(game.actions)
    last = {"last": ((agents,), np.int64)}
    if algorithm == "commitment":
        each = (agents, options.commitments)
        numbers = {"actions": (each, np.int64), "survivors": (each, np.int64), "round": ((agents,), np.int64)}
        return {**numbers, "total": (each, np.float64), "plays": (each, np.float64), **last}
    if algorithm == "joint-action":
        joint = (agents, seen, int(np.prod(game.actions, dtype=float)))
        return {"joint": (joint, np.float64), "counts": ((agents, seen, agents, width), np.float64), **last}
    if algorithm in NEEDED or options.exploration == "boltzmann" or game.masked:
        entries = (1 if options.share_parameters else agents, seen, width)
        return {**dict.fromkeys(NEEDED.get(algorithm, ()), (entries, np.float64)), **last}
    return {}


def new_memory(game: FiniteGame, options: TabularOptions, algorithm: str, teams: int) -> dict[str, np.ndarray]:
    """What teams that have learned nothing remember."""
    shapes = memory_shapes(game, options, algorithm)
    memory = {name: np.zeros((teams, *shape), dtype) for name, (shape, dtype) in shapes.items()}
    for name in ("value", "joint"):
        if name in memory:
            memory[name][:] = options.initial_value
    if algorithm == "lenient":
        memory["temperature"][:] = options.temperature
    return memory


def learn_part(
    table: Table,
    rule: Rules,
    q: np.ndarray,
    memory: dict[str, np.ndarray],
    keys: np.ndarray,
    check_keys: np.ndarray,
    progress: Progress,
    first_episode: int,
    stop_episode: int,
) -> None:
    """Let some teams learn in the loop that their rule belongs to, in place."""
    more = keys, check_keys, progress, first_episode, stop_episode
    if isinstance(rule, Rule):
        learn(table, rule, q, *more)
    elif isinstance(rule, CommitmentRule):
        learn_by_commitment(table, rule, q, CommitmentMemory(**memory), *more)
    elif isinstance(rule, MaskedRule):
        learn_among(table, rule, q, MaskedMemory(**memory), *more)
    elif isinstance(rule, JointActionRule):
        learn_joint_actions(table, rule, q, JointActionMemory(**memory), *more)
    else:
        unused = np.zeros((len(q), 1, 1, 1))
        named = {name: memory.get(name, unused) for name in IndependentMemory._fields}
        learn_independently(table, rule, q, IndependentMemory(**named), *more)
