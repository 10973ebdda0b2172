"""Episodes of environments that draw no board: what was done and what it earned, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.text import Text

from coterie.diagnosis.loops import REPEATS
from coterie.running.episodes import taken
from coterie.showing import words
from coterie.showing.outcomes import last_words, outcome, who
from coterie.showing.terminal_boards import WORD_STYLES, actions_text
from coterie.types import Play

MOST_STEPS = 24
LAST_STEPS = 4  # of a longer episode, that are shown, too
MOST_EPISODES = 40
NO_BOARD = "This environment draws no board, so here is what was done and what it earned (mean over agents)."


def steps_told(
    play: Play, action_names: Sequence[str], success_word: str = "succeed", repeats: int = REPEATS
) -> list[Text]:
    """One episode, a line a step: the actions, the reward, and the reward so far; of a long one the middle is left out.

    Actions without a name are told by their number.
    """
    steps, rewards = len(play.actions), np.asarray(play.rewards, float).mean(axis=1)
    moves = [actions_text(taken(play, step), action_names) for step in range(steps)]
    shown = list(range(steps))
    if steps > MOST_STEPS:
        shown = [*range(MOST_STEPS - LAST_STEPS), *range(steps - LAST_STEPS, steps)]
    wide = max(len("actions"), *(len(moves[step]) for step in shown)) if shown else 0
    lines = [Text(f"{who(play).capitalize()}:"), Text(f"  step  {'actions'.ljust(wide)}    reward    so far", "dim")]
    for before, step in zip([-1, *shown], shown, strict=False):
        if step > before + 1:
            lines.append(Text(f"  … {words.plural(step - before - 1, 'more step')} …", "dim"))
        earned, so_far = words.number(float(rewards[step])), words.number(float(rewards[: step + 1].sum()))
        lines.append(Text(f"  {step + 1:>4}  {moves[step].ljust(wide)}  {earned:>8}  {so_far:>8}"))
    one = outcome(play, repeats)
    return [*lines, Text(f"  {last_words(play, one, success_word)}", WORD_STYLES[one.kind])]


def episodes_told(plays: Sequence[Play], success_word: str = "succeed", repeats: int = REPEATS) -> list[Text]:
    """Many episodes, a line each: who played, what it earned, and how it ended."""
    shown = plays[:MOST_EPISODES]
    wide = max((len(who(play)) for play in shown), default=0)
    lines = []
    for play in shown:
        one = outcome(play, repeats)
        earned = words.number(float(np.asarray(play.rewards, float).mean(axis=1).sum()))
        line = Text(f"  {who(play).ljust(wide)}  return {earned:>8}  ")
        lines.append(line.append(last_words(play, one, success_word), WORD_STYLES[one.kind]))
    left = len(plays) - len(shown)
    return lines + ([Text(f"  … and {words.plural(left, 'more episode')}", "dim")] if left else [])
