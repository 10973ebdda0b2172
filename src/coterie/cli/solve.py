"""`coterie solve ENVIRONMENT`: the exact optimum, its objective named, and one optimal play."""

from __future__ import annotations

import math
from dataclasses import dataclass

from coterie.cli.options import first_word, parse, with_options
from coterie.envs import catalogue

PLAY_SHOWN = 14  # steps


@dataclass(frozen=True)
class SolveOptions:
    """How the optimum is asked for."""

    discount: float = 0.9
    """The discount of the reward audit: does the optimum of the discounted reward reach the aim at all?"""
    json: bool = False
    """Print for programs."""


def run(words: list[str]) -> int:
    """Solve and print."""
    helping = "--help" in words or "-h" in words
    name, rest = (
        ("rendezvous", words)
        if helping and words[0].startswith("-")
        else first_word(words, "environment", "coterie solve rendezvous")
    )
    entry = catalogue.find(name)
    kind = with_options("Solve", SolveOptions, env=(entry.options(), False))
    options = parse(kind, rest, command=f"solve {name}", about=f"{name}: {entry.about}.")
    from coterie.cli.output import next_step, say_making, show, show_json, show_play
    from coterie.workflow.solve import solve

    found = solve(name, env=options.env, discount=options.discount, on_making=say_making)
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
                "discounted_optimum": audit.value if math.isfinite(audit.value) else None,
                "discount": options.discount,
                "random": base.random,
                "idle": base.idle,
                "audit": audit.finding.sentence,
                "play": {"actions": found.play.actions.tolist(), "rewards": found.play.rewards.tolist()},
            }
        )
        return 0
    starts = f", averaged over {found.starts:,} starts" if found.starts > 1 else ""
    show(
        "",
        f"{name}: {found.states:,} states, {found.joint_actions} joint actions",
        f"  optimum  {base.optimum:.2f}   the best that one mind could do with all agents: {base.objective}{starts}",
        f"  random   {base.random:.2f}   every action equally likely",
        f"  idle     {base.idle:.2f}   {base.idle_action}",
        f"  {audit.finding.sentence}",
    )
    if found.play.boards.size:
        show(f"\n  One optimal play, {len(found.play.actions)} steps:")
        shown = min(len(found.play.actions), PLAY_SHOWN)
        show_play(found.play, found.action_names, found.success_word, 0, shown)
        if shown < len(found.play.actions):
            show(f"  … and {len(found.play.actions) - shown} more steps")
    next_step(f"coterie train {name}")
    return 0
