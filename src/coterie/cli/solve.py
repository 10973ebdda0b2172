"""`coterie solve ENVIRONMENT`: the exact optimum, its objective named, and one optimal play."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coterie.cli.options import first_word, parse, with_options
from coterie.envs import catalogue
from coterie.statistics import percent

if TYPE_CHECKING:
    from coterie.finite.equilibria import Equilibria, Equilibrium
    from coterie.workflow.solve import Perfect, Solution

PLAY_SHOWN = 14  # steps
EQUILIBRIA_SHOWN = 12
SAME = 1e-9
PATIENCE = 2.0  # seconds until it is said what takes so long


@dataclass(frozen=True)
class SolveOptions:
    """How the optimum is asked for."""

    discount: float = 0.9
    """The discount of the reward audit: does the optimum of the discounted reward reach the aim at all?"""
    json: bool = False
    """Print for programs."""


@dataclass(frozen=True)
class SolveTheirs(SolveOptions):
    """How the optimum of an environment from elsewhere is asked for."""

    success: str = ""
    """What says that an episode succeeded: info:NAME for what infos tell, as --env.success NAME."""


def run(words: list[str]) -> int:
    """Solve and print."""
    helping = "--help" in words or "-h" in words
    name, rest = (
        ("rendezvous", words)
        if helping and words[0].startswith("-")
        else first_word(words, "environment", "coterie solve rendezvous")
    )
    options, env = _read(name, rest)
    from coterie.cli.output import next_step, say, say_making, say_playing, show, show_json, show_play
    from coterie.workflow.solve import solve

    making = say_playing if ":" in name else say_making
    found = solve(name, env=env, discount=options.discount, on_making=making, on_searching=_patience(say))
    base, audit = found.baselines, found.audit
    if options.json:
        show_json(
            {
                "environment": name,
                "states": found.states,
                "joint_actions": found.joint_actions,
                "starts": found.starts,
                "optimum": base.optimum,
                "objective": base.objective,
                "decentralised_optimum": found.decentralised,
                "decentralised_missing": found.too_large or None,
                "equilibria": None if found.equilibria is None else _as_json(found.equilibria),
                "discounted_optimum": audit.value if math.isfinite(audit.value) else None,
                "discount": options.discount,
                "random": base.random,
                "idle": base.idle,
                "audit": audit.finding.sentence,
                "play": {"actions": found.play.actions.tolist(), "rewards": found.play.rewards.tolist()},
                "perfect": _perfect_as_json(found.perfect),
                "remarks": found.remarks,
            }
        )
        return 0
    if found.perfect is not None:
        show("", f"{name}: {found.states:,} states, {found.joint_actions} joint actions")
        show(*_told_of_perfect(found.perfect), *(f"  {one}" for one in found.remarks))
        _show_perfect(found.perfect, found)
        next_step(_training(name))
        return 0
    objective = base.objective + (f", averaged over {found.starts:,} starts" if found.starts > 1 else "")
    show(
        "",
        f"{name}: {found.states:,} states, {found.joint_actions} joint actions",
        f"  optimum        {base.optimum:.2f}   the best that one mind could do with all agents: {objective}",
        *_decentralised(found.decentralised, base.optimum),
        f"  random         {base.random:.2f}   every action equally likely",
        f"  idle           {base.idle:.2f}   {base.idle_action}",
        f"  {audit.finding.sentence}",
        *([f"  The decentralised optimum is not computed: {found.too_large}."] if found.too_large else []),
        *(f"  {one}" for one in found.remarks),
        *(_equilibria(found.equilibria, found.action_names) if found.equilibria else []),
    )
    if found.play.boards.size:
        show(f"\n  One optimal play, {len(found.play.actions)} steps:")
        shown = min(len(found.play.actions), PLAY_SHOWN)
        show_play(found.play, found.action_names, found.success_word, 0, shown)
        if shown < len(found.play.actions):
            show(f"  … and {len(found.play.actions) - shown} more steps")
    next_step(_training(name))
    return 0


def _training(name: str) -> str:
    return f"coterie train {name}{' --tabular' if ':' in name else ''}"


def _read(name: str, words: list[str]) -> tuple[Any, Any]:
    """The options of the command, and the environment's."""
    if ":" not in name:
        entry = catalogue.find(name)
        kind = with_options("Solve", SolveOptions, env=(entry.options(), False))
        options = parse(kind, words, command=f"solve {name}", about=f"{name}: {entry.about}.")
        return options, options.env
    from coterie.cli.train import info_named
    from coterie.cli.train_deep import foreign_options
    from coterie.workflow.planning.finite_games import check_finite

    env, rest = foreign_options(name, words)
    options = parse(SolveTheirs, rest, command=f"solve {name}", about=f"{name}, played to write down its table.")
    if options.success:
        env["success"] = info_named(options.success)
    check_finite(name)
    return options, env


def _told_of_perfect(perfect: Perfect) -> list[str]:
    """What each agent earns where all are perfect, beside random play."""
    lines = ["  perfect play (backward induction; of equally good moves any):"]
    width = max(map(len, perfect.agents))
    for place, (name, value) in enumerate(zip(perfect.agents, perfect.values, strict=True)):
        line = f"    {name:{width}}  {value:.2f}"
        if perfect.random is not None:
            won, drawn, lost = (percent(float(one[place])) for one in perfect.random)
            line += f"   where all play at random it wins {won}, draws {drawn}, loses {lost}"
        lines.append(line)
    if not perfect.unique:
        lines.append(
            "  Equally good moves of one are not equally good for others: other perfect play may pay otherwise."
        )
    return lines


def _show_perfect(perfect: Perfect, found: Solution) -> None:
    from coterie.cli.output import show, show_play

    play = perfect.play
    if play.boards.size:
        show(f"\n  One perfect game, {len(play.actions)} moves:")
        moves = [f"{name} {action}" for name, action in perfect.moves]
        show_play(play, found.action_names, found.success_word, 0, len(play.actions), moves)
    else:
        show(f"  One perfect game: {'; '.join(f'{name} {action}' for name, action in perfect.moves)}")


def _patience(say: Callable[[str], None]) -> Callable[[int], None]:
    """Says once what is being searched for, if it takes long."""
    began, said = time.perf_counter(), False

    def on_searching(looked: int) -> None:
        nonlocal said
        if not said and time.perf_counter() - began > PATIENCE:
            said = True
            say(f"searching for the best decentralised play, {looked:,} partial policies so far …")

    return on_searching


def _decentralised(value: float | None, joint: float) -> list[str]:
    if value is None:
        return []
    told = "the best that agents can do who each act on what they have seen themselves"
    same = ": the same" if abs(value - joint) <= SAME * max(1.0, abs(joint)) else ""
    return [f"  decentralised  {value:.2f}   {told}{same}"]


def _equilibria(found: Equilibria, action_names: tuple[str, ...]) -> list[str]:
    lines = ["", "  Equilibria (nobody gains by changing alone):" if found.found else "  No pure equilibrium."]
    best_first = sorted(found.found, key=lambda one: -one.payoffs.mean())[:EQUILIBRIA_SHOWN]
    words = [_played(one, action_names) for one in best_first]
    width = max(map(len, words), default=0)
    for played, one in zip(words, best_first, strict=True):
        lines.append(f"    {played:{width}}   pays {_paid(one)}   {_marks(one, found)}".rstrip())
    if len(found.found) > EQUILIBRIA_SHOWN:
        lines.append(f"    … and {len(found.found) - EQUILIBRIA_SHOWN:,} more")
    if not any(one.optimal for one in found.found):
        names = "; ".join(", ".join(action_names[action] for action in joint) for joint in found.optima[:3])
        lines.append(f"  The best for all together, {found.optimum:.2f} each in the mean, is no equilibrium: {names}.")
    if not found.complete:
        lines.append("  Mixed equilibria were not looked for.")
    if found.degenerate:
        lines.append("  The game is degenerate: there may be more equilibria than these.")
    return lines


def _played(one: Equilibrium, action_names: tuple[str, ...]) -> str:
    """What each agent plays: "a, b", or with chances, "a 0.31 c 0.69, b"."""
    words = []
    for strategy in one.strategies:
        used = [(action_names[action], chance) for action, chance in enumerate(strategy) if chance > SAME]
        words.append(used[0][0] if len(used) == 1 else " ".join(f"{name} {chance:.2f}" for name, chance in used))
    return ", ".join(words)


def _paid(one: Equilibrium) -> str:
    if one.payoffs.max() - one.payoffs.min() <= SAME * max(1.0, abs(one.payoffs).max()):
        return f"{one.payoffs[0]:.2f}"
    return ", ".join(f"{paid:.2f}" for paid in one.payoffs)


def _marks(one: Equilibrium, found: Equilibria) -> str:
    marks = {
        "optimal": one.optimal,
        "mixed": not one.pure,
        "strict": one.strict,
        "risk-dominant": one.pure and found.risk_dominant == tuple(int(part.argmax()) for part in one.strategies),
        "dominated by another": one.dominated,
    }
    return ", ".join(name for name, holds in marks.items() if holds)


def _perfect_as_json(perfect: Perfect | None) -> dict[str, Any] | None:
    if perfect is None:
        return None
    random = None if perfect.random is None else {name: one.tolist() for name, one in perfect.random._asdict().items()}
    return {
        "values": dict(zip(perfect.agents, perfect.values, strict=True)),
        "unique": perfect.unique,
        "random": random,
        "play": perfect.play.actions.tolist(),
    }


def _as_json(found: Equilibria) -> dict[str, Any]:
    return {
        "found": [
            {
                "strategies": [strategy.tolist() for strategy in one.strategies],
                "payoffs": one.payoffs.tolist(),
                "pure": one.pure,
                "strict": one.strict,
                "dominated": one.dominated,
                "optimal": one.optimal,
            }
            for one in found.found
        ],
        "optima": found.optima,
        "risk_dominant": found.risk_dominant,
        "complete": found.complete,
        "degenerate": found.degenerate,
    }
