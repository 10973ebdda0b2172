"""Does an agent do nothing, or always the same? A screen from episodes alone: what it is worth, contribution tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from coterie.diagnosis.naming import called, labels_of
from coterie.statistics import percent
from coterie.types import Evidence, Finding, Picture, Play

NEARLY_ALWAYS = 0.9  # the share of an agent's steps with one action
FEWEST_STEPS = 10  # of a team, before its agents are judged
LEAST_TEAMS = 0.05  # the share of judged teams with such an agent
SHOWN = 5


def idle(
    plays: Sequence[Play],
    idle_actions: Sequence[int] | None = None,
    names: Sequence[str] = (),
    action_names: Sequence[str] = (),
) -> Finding:
    """Does an agent (nearly) always take its idle action, or (nearly) always one and the same?

    For each team and agent: the share of its steps with its most frequent action, max_a n(a) / n, or with its idle
    action where `idle_actions` (one an agent) are given and that is more than 9 in 10. A team is judged from 10 steps
    on; teams with too few are put together. value: the greatest such share. idle_actions: only those that are known to
    do nothing; with them the sentence tells nothing from always the same. names, action_names: what agents and actions
    are called.

    It is a screen and no proof: a sentinel that is right to stay looks the same. Left out: an agent that wears out
    different actions to no effect; see contribution for both.
    """
    if any(play.amounts for play in plays):
        sentence = "Agents act in amounts, of which hardly two are the same, so that nothing can be counted."
        return Finding("idle", "cannot tell", sentence)
    by_team: dict[int, list[Play]] = {}
    for play in plays:
        if len(play.actions):
            by_team.setdefault(play.team, []).append(play)
    judged = {team: group for team, group in by_team.items() if _steps(group) >= FEWEST_STEPS}
    if not judged and sum(map(_steps, by_team.values())) >= FEWEST_STEPS:
        judged = {-1: [play for group in by_team.values() for play in group]}
    if not judged or all(len(play.actions) == 1 for group in judged.values() for play in group):
        sentence = "Too little was recorded to tell whether an agent always does the same."
        if judged:
            sentence = "Every episode is a single decision, where always the same may be all there is to do."
        return Finding("idle", "cannot tell", sentence)
    found, greatest = [], np.zeros(0)
    for team, group in judged.items():
        actions = np.concatenate([np.asarray(play.actions) for play in group])
        shares, taken = zip(*(_most(actions[:, agent]) for agent in range(actions.shape[1])), strict=True)
        greatest = np.maximum(greatest, shares) if greatest.size else np.array(shares)
        found += [(team, agent, share, taken[agent]) for agent, share in enumerate(shares) if share >= NEARLY_ALWAYS]
    labels = labels_of(len(greatest), names)
    title = "Share of steps with the most frequent action"
    picture = Picture("bars", title, labels, tuple(map(float, greatest)), line=NEARLY_ALWAYS)
    value, null = float(greatest.max()), f"less than {percent(NEARLY_ALWAYS)} of an agent's steps"
    teams = len({team for team, *_ in found})
    total = 1 if -1 in judged else len(by_team)
    if teams < LEAST_TEAMS * total or not found:
        sentence = f"No agent does nearly always the same (at most {percent(value)} of its steps)."
        if found:
            sentence = f"Only {teams:,} of {total:,} teams have an agent that does nearly always the same."
        return Finding("idle", "no", sentence, value, None, null, picture=picture)
    team, agent, share, action = max(found, key=lambda one: one[2])
    nothing = idle_actions is not None and agent < len(idle_actions) and action == idle_actions[agent]
    act = f"'{action_names[action]}'" if 0 <= action < len(action_names) else f"{action}"
    what = f"does nothing on {percent(share)} of its steps"
    if not nothing:
        what = f"always does the same (action {act})"
        if share < 1:
            what = f"nearly always does the same (action {act} on {percent(share)} of its steps)"
    short = f"; {total - len(judged):,} played too few steps to be judged" if total > len(judged) else ""
    more = f" ({teams:,} of {total:,} teams have such an agent{short})" if total > 1 else ""
    who = f"{called(agent, names, first=True)}{f' of team {team}' if total > 1 else ''}"
    sentence = f"{who} {what}{more}. That is a reason to look, not a proof: the others may need just that."
    seen = [judged[t][0] for t in dict.fromkeys(one[0] for one in found) if t >= 0]
    places = tuple(Evidence(play.team, 1, len(play.actions), play.episode) for play in seen)
    remedy = (
        "if it is not needed there, explore more, or pay each agent for its own part; where the agents can play again, "
        "contribution tells whether it is needed"
    )
    flags = ("--epsilon", "1", "--epsilon-decay", "0.9")
    cause = "" if nothing else "an agent always does the same"
    return Finding(
        "idle", "yes", sentence, value, None, null, places[:SHOWN], remedy, flags, picture=picture, cause=cause
    )


def _most(actions: np.ndarray) -> tuple[float, int]:
    """The share of an agent's most frequent action, and the action."""
    values, counts = np.unique(actions, return_counts=True)
    return float(counts.max() / len(actions)), int(values[counts.argmax()])


def _steps(group: Sequence[Play]) -> int:
    return sum(len(play.actions) for play in group)
