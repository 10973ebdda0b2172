"""Whether agents can change anything: the same episode with one action exchanged, compared with what it was."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces

from coterie.pettingzoo.check.digests import digest
from coterie.pettingzoo.check.facts import everybody
from coterie.pettingzoo.check.following import differs
from coterie.pettingzoo.check.items import Facts, Item, KindFacts, Trial
from coterie.pettingzoo.check.playing import Episode, Moment, Subject, legal_action, listed
from coterie.pettingzoo.reading.layouts import label
from coterie.yours import FAILURES

AHEAD = 40  # steps in which an exchanged action may show
SOON = 6  # steps in which two actions are compared
PLACES = (0, 1, 2, 4, 7, 11, 16, 22, 30, 40)
MOST_EPISODES = 8
MOST_ACTIONS = 24  # of one agent that are compared with each other
FEWEST = 12  # situations, before two actions are called alike
ENOUGH, SURE = 20, 30  # replays, before an agent is said to change nothing

GoOn = Callable[[], bool]
Begin = Callable[[], Subject]


class Branch(NamedTuple):
    """A decision that is taken differently: in which episode, at which moment, whose, and what was done there."""

    episode: Episode
    place: int
    agent: Hashable
    action: Any


def influence(
    begin: Begin, episodes: Sequence[Episode], facts: Facts, share: Callable[[float], GoOn]
) -> tuple[list[Trial], list[Item]]:
    """Which agents change anything, and which of their actions do the same; begin: what each replay is played on."""
    usable = [one for one in episodes if one.fault is None and len(one.moments) > 1]
    changed, tried = who_changes(begin, usable, share(0.18))
    trials, items = told_of_agents(changed, tried, len(facts.agents))
    go_on = share(0.1)
    for kind in facts.kinds:
        able = [label(name) for name, found in changed.items() if found]
        if 1 < kind.actions <= MOST_ACTIONS and any(name in kind.agents for name in able):
            items += same_actions(begin, usable, kind, go_on)
    return trials, items


def branches(episodes: Sequence[Episode]) -> Iterator[Branch]:
    """Decisions to exchange, early ones of many episodes first, all agents' in turn."""
    for place in PLACES:
        for episode in episodes[:MOST_EPISODES]:
            if place + 1 < len(episode.moments):
                for agent, action in episode.moments[place + 1].acted.items():
                    if action is not None:
                        yield Branch(episode, place, agent, action)


def who_changes(
    begin: Begin, episodes: Sequence[Episode], go_on: GoOn
) -> tuple[dict[Hashable, bool], dict[Hashable, int]]:
    """For each agent that decided: whether another action of its ever changed anything, in how many replays."""
    changed: dict[Hashable, bool] = {}
    tried: dict[Hashable, int] = {}
    draws, space_of = np.random.default_rng(0), begin().environment.action_space
    for branch in branches(episodes):
        if changed.get(branch.agent) or tried.get(branch.agent, 0) >= SURE:
            continue
        if not go_on():
            break
        other = another_action(space_of(branch.agent), branch, draws)
        if other is None:
            continue
        found = diverges(begin(), branch, other, go_on)
        if found or go_on():
            tried[branch.agent] = tried.get(branch.agent, 0) + 1
            changed[branch.agent] = found
    return changed, tried


def another_action(space: Any, branch: Branch, draws: np.random.Generator) -> Any:
    """A legal action that is not the one that was taken; None where there is none."""
    mask = branch.episode.moments[branch.place].masks.get(branch.agent)
    for _ in range(20):
        action = legal_action(draws, space, mask)
        if digest(np.asarray(action) if np.isscalar(action) else action) != digest(
            np.asarray(branch.action) if np.isscalar(branch.action) else branch.action
        ):
            return action
    return None


def diverges(subject: Subject, branch: Branch, action: Any, go_on: GoOn) -> bool:
    """Whether anything that anybody is told, infos left out, becomes another than it was."""
    moments = branch.episode.moments
    for place, moment in replayed(subject, branch, action, AHEAD, go_on):
        if moment is None or differs(moments[place], moment, infos=False):
            return True
    return False


def replayed(
    subject: Subject, branch: Branch, action: Any, ahead: int, go_on: GoOn
) -> Iterator[tuple[int, Moment | None]]:
    """What follows when one action is exchanged and all others stay; None where the environment raises."""
    moments = branch.episode.moments
    try:
        moment = subject.reset(branch.episode.seed)
        for past in moments[1 : branch.place + 1]:
            if not go_on():
                return
            moment = subject.act(past.acted)
        last = min(len(moments) - 1, branch.place + ahead)
        for place in range(branch.place + 1, last + 1):
            acted = {name: as_before(subject, moment, moments[place], name) for name in moment.to_move}
            if place == branch.place + 1:
                acted[branch.agent] = action
            if not acted or not go_on():
                return
            moment = subject.act(acted)
            yield place, moment
    except FAILURES:
        yield branch.place + 1, None


def as_before(subject: Subject, moment: Moment, recorded: Moment, name: Hashable) -> Any:
    """What an agent did then, where that is legal now; else some legal action, None for one who has ended."""
    if subject.turns and moment.over(name):
        return None
    action, mask = recorded.acted.get(name), moment.masks.get(name)
    space = subject.environment.action_space(name)
    legal = action is not None and (
        mask is None or not isinstance(space, spaces.Discrete) or bool(mask[int(action - space.start)])
    )
    return action if legal else legal_action(np.random.default_rng(0), space, mask)


def told_of_agents(
    changed: dict[Hashable, bool], tried: dict[Hashable, int], agents: int
) -> tuple[list[Trial], list[Item]]:
    """Who changes something, in words."""
    if not changed:
        return [Trial("agents have influence", None, "not tried: nobody had a choice, or there was no time")], []
    powerless = [name for name in changed if not changed[name] and tried[name] >= ENOUGH]
    unsure = [name for name in changed if not changed[name] and tried[name] < ENOUGH]
    replays = sum(tried.values())
    if powerless:
        count = sum(tried[name] for name in powerless)
        everybody = len(powerless) == len(changed)
        who = "No agent" if everybody else listed(powerless)
        can = "can" if everybody else "cannot"
        what = f"{who} {can} influence anything: observations, rewards, state and endings stay the same"
        fix = "does step read actions[agent]? does what it changes reach an observation or a reward?"
        evidence = f"0 of {count:,} paired replays, with one action exchanged, differed within {AHEAD} steps"
        item = Item("error" if everybody else "warning", "no influence", what, evidence, fix)
        return [Trial("agents have influence", False, evidence)], [item]
    sure = sum(changed.values())
    if unsure or sure < agents:
        told = f"{sure} of {agents} do; for the others there were too few replays to tell ({replays:,})"
        return [Trial("agents have influence", None, told)], []
    told = f"an exchanged action of {'each of ' * (sure > 1)}{sure:,} agent{'s' * (sure != 1)} changed what followed"
    return [Trial("agents have influence", True, f"{told} ({replays:,} paired replays)")], []


def same_actions(begin: Begin, episodes: Sequence[Episode], kind: KindFacts, go_on: GoOn) -> list[Item]:
    """Actions that did the same as another in every situation in which both were tried."""
    environment = begin().environment
    names = [name for name in everybody(environment, episodes) if label(name) in kind.agents]
    if not names or not isinstance(environment.action_space(names[0]), spaces.Discrete):
        return []
    space = environment.action_space(names[0])
    first, count = int(space.start), int(space.n)
    together, apart = np.zeros((count, count), int), np.zeros((count, count), bool)
    for branch in spread(episodes, names):
        if not go_on() or (apart | (together >= 2 * FEWEST)).all():
            break
        mask = branch.episode.moments[branch.place].masks.get(branch.agent)
        legal = np.arange(count) if mask is None or len(mask) != count else np.flatnonzero(mask)
        outcome = {int(a): outcome_of(begin(), branch, int(a) + first, go_on) for a in legal}
        if not go_on():
            break
        for one in outcome:
            for other in outcome:
                together[one, other] += 1
                apart[one, other] |= outcome[one] != outcome[other]
    alike = (together >= FEWEST) & ~apart
    groups = {tuple(np.flatnonzero(alike[one] | (np.arange(count) == one))) for one in range(count)}
    items = []
    for group in sorted(group for group in groups if len(group) > 1):
        numbers = [str(int(one) + first) for one in group]
        situations = int(together[np.ix_(group, group)].min())
        what = f"Actions {', '.join(numbers)} of {listed(kind.agents)} did the same"
        told = f"in all {situations} situations of random play in which they were compared, {SOON} steps ahead"
        items.append(Item("note", "same actions", what, told))
    return items


def spread(episodes: Sequence[Episode], names: Sequence[Hashable]) -> Iterator[Branch]:
    """Decisions of some agents all over the episodes, in an order of their own."""
    places = [
        Branch(episode, place, agent, action)
        for episode in episodes
        for place in range(min(len(episode.moments) - 1, 60))
        for agent, action in episode.moments[place + 1].acted.items()
        if action is not None and agent in names
    ]
    for place in np.random.default_rng(0).permutation(len(places)):
        yield places[place]


def outcome_of(subject: Subject, branch: Branch, action: int, go_on: GoOn) -> tuple[int, ...]:
    """A number for all that is told in each of the next steps."""
    following = replayed(subject, branch, action, SOON, go_on)
    return tuple(0 if moment is None else whole_digest(moment) for _, moment in following)


def whole_digest(moment: Moment) -> int:
    """A number for what a moment tells, infos and actions left out."""
    shown = tuple((label(name), one.digest) for name, one in moment.observations.items())
    state = moment.state.digest if moment.state is not None else 0
    ends = moment.terminations, moment.truncations
    agents = tuple(map(label, moment.agents))
    return digest((shown, moment.rewards, *ends, agents, tuple(map(label, moment.to_move)), moment.masks, state))
