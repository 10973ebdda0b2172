"""What a tabular run can still try: remedies that are already in force are left out."""

from __future__ import annotations

from coterie.settings import TabularOptions


def against_disturbance(options: TabularOptions) -> str:
    """What keeps partners from being disturbed: for loops and for what is learned and lost again."""
    tries = []
    if options.epsilon > 0 and (options.epsilon_end > 0 or options.epsilon_decay == 0):
        tries.append("let exploration end (--epsilon-end 0 --epsilon-decay 0.9)")
    if not options.terminal_mask:
        tries.append("expect nothing beyond an ending (--terminal-mask)")
    if options.ties == "first":
        tries.append("break ties at random (--ties random)")
    if options.hysteresis == 1.0:
        tries.append("learn bad news more slowly (--algorithm hysteretic)")
    return ", ".join([*tries, "train longer (--episodes)"])
