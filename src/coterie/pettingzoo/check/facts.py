"""What an environment is, from its spaces and from recorded episodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from pettingzoo.utils.conversions import aec_to_parallel_wrapper

from coterie.errors import BadInput
from coterie.pettingzoo.check.digests import numbers_of
from coterie.pettingzoo.check.fitting import does, is_picture, sees
from coterie.pettingzoo.check.items import EpisodeFacts, Facts, KindFacts, MaskFacts, SuccessFlag
from coterie.pettingzoo.check.playing import Episode
from coterie.pettingzoo.check.rewards import reward_facts
from coterie.pettingzoo.forms.tuples import TupleForm
from coterie.pettingzoo.reading.layouts import label
from coterie.pettingzoo.reading.spaces import discrete_form, numbered, sight_of

LIMITS = ("max_cycles", "_max_episode_steps", "max_episode_steps", "max_steps", "max_num_steps", "max_iter", "horizon")
MOST_LAYERS = 20
SUCCESS = (
    "success", "is_success", "successful", "succeeded", "solved", "delivered", "goal", "goal_reached", "reached_goal",
    "reached", "achieved", "completed", "complete", "finished", "won", "win", "battle_won", "victory", "met",
)  # fmt: skip


def facts_of(environment: Any, episodes: Sequence[Episode]) -> Facts:
    """All that is known of an environment after some episodes of random play."""
    agents = everybody(environment, episodes)
    metadata = getattr(environment, "metadata", None) or {}
    in_turns = hasattr(environment, "agent_iter")
    return Facts(
        form="tuple" if isinstance(environment, TupleForm) else "in turns" if in_turns else "parallel",
        driven="behind its parallel form it acts in a cycle of turns"
        if type(environment) is aec_to_parallel_wrapper
        else "",
        agents=tuple(map(label, agents)),
        listed=bool(getattr(environment, "possible_agents", None)),
        kinds=kinds_of(environment, agents),
        order=turn_order(episodes, agents) if in_turns else "all at once",
        state=state_shape(episodes),
        masks=mask_facts(episodes),
        episodes=episode_facts(environment, episodes),
        rewards=reward_facts(episodes, agents),
        success=success_flags(episodes),
        render_modes=tuple(map(str, metadata.get("render_modes", ()))),
        render_mode=str(getattr(environment, "render_mode", None) or ""),
    )


def everybody(environment: Any, episodes: Sequence[Episode]) -> tuple[Hashable, ...]:
    """Those that are listed, and those that were seen."""
    seen = [name for episode in episodes for moment in episode.moments for name in moment.agents]
    return tuple(dict.fromkeys([*(getattr(environment, "possible_agents", None) or ()), *seen]))


def kinds_of(environment: Any, agents: Sequence[Hashable]) -> tuple[KindFacts, ...]:
    """The agents by equal spaces."""
    groups: list[tuple[Any, Any, list[Hashable]]] = []
    for name in agents:
        own = sight_of(environment.observation_space(name)), environment.action_space(name)
        group = next((one for one in groups if one[:2] == own), None)
        if group is None:
            groups.append((*own, [name]))
        else:
            group[2].append(name)
    return tuple(kind_facts(environment, *group) for group in groups)


def kind_facts(environment: Any, seen: Any, acts: Any, agents: Sequence[Hashable]) -> KindFacts:
    """One kind in plain words."""
    try:
        actions, flag = numbered(acts, agents[0]).count, ()
    except BadInput:
        asked = discrete_form(environment).partition("--env.")[2]
        actions, flag = 0, tuple(f"--env.{asked}".split()) if asked else ()
    picture = is_picture(seen)
    height, width = seen.shape[:2] if picture else (0, 0)
    return KindFacts(
        tuple(map(label, agents)), sees(seen), does(acts), actions, picture, (int(height), int(width)), flag
    )


def turn_order(episodes: Sequence[Episode], agents: Sequence[Hashable]) -> str:
    """In which order agents take turns: a cycle, in which those who have ended are left out, or not."""
    irregular = 0
    turns = 0
    for episode in episodes:
        movers = [
            next(iter(one.acted)) for one in episode.moments[1:] if any(a is not None for a in one.acted.values())
        ]
        here = [set(one.here) for one in episode.moments[1:] if any(a is not None for a in one.acted.values())]
        for place in range(1, len(movers)):
            turns += 1
            irregular += movers[place] != following(movers[place - 1], agents, here[place])
    if not turns:
        return "turns"
    if not irregular:
        return "turns in a cycle"
    return f"turns, not in a fixed cycle ({irregular:,} of {turns:,} out of order)"


def following(name: Hashable, agents: Sequence[Hashable], here: set[Hashable]) -> Hashable:
    """Who comes after an agent in a cycle of those who are there."""
    first = agents.index(name) + 1
    return next((one for one in [*agents[first:], *agents[:first]] if one in here), name)


def state_shape(episodes: Sequence[Episode]) -> tuple[int, ...] | None:
    """The shape of the central state, None where there is none."""
    states = [one.state.value for episode in episodes for one in episode.moments if one.state is not None]
    kept = next((state for state in states if state is not None), None)
    return None if kept is None else tuple(np.shape(kept))


def mask_facts(episodes: Sequence[Episode]) -> MaskFacts:
    """Where masks stand, and how often they forbid something, or everything."""
    place, decisions, restrictive, empty = "", 0, 0, 0
    for moment in (one for episode in episodes for one in episode.moments):
        for name, mask in moment.masks.items():
            if moment.over(name):
                continue
            decisions += 1
            if mask is None or not mask.size:
                continue
            shown = moment.observations.get(name)
            beside = shown is not None and isinstance(shown.value, Mapping) and "action_mask" in shown.value
            place = place or ("observation" if beside else "info")
            restrictive += not mask.all()
            empty += not mask.any()
    return MaskFacts(place, decisions, restrictive, empty)


def episode_facts(environment: Any, episodes: Sequence[Episode]) -> EpisodeFacts:
    """How episodes go and end."""
    whole = [one for one in episodes if one.over]
    ends = [endings(one) for one in whole]
    return EpisodeFacts(
        played=len(episodes),
        steps=sum(one.steps for one in episodes),
        lengths=tuple(one.steps for one in whole),
        limit=limit_of(environment),
        terminated=sum(bool(ended) for ended, _ in ends),
        truncated=sum(bool(cut) for _, cut in ends),
        mixed=sum(bool(ended - cut) and bool(cut - ended) for ended, cut in ends),
        deaths=sum(died(one) for one in episodes),
        births=sum(bool(born(one)) for one in episodes),
    )


def endings(episode: Episode) -> tuple[set[Hashable], set[Hashable]]:
    """Who was terminated, and who truncated."""
    ended = {name for one in episode.moments for name, flag in one.terminations.items() if flag}
    cut = {name for one in episode.moments for name, flag in one.truncations.items() if flag}
    return ended, cut


def died(episode: Episode) -> bool:
    """Whether somebody ended while others went on."""
    for moment in episode.moments[1:]:
        over = {name for name in {*moment.terminations, *moment.truncations} if moment.over(name)}
        if over and any(name not in over for name in moment.agents):
            return True
    return False


def born(episode: Episode) -> set[Hashable]:
    """Who came after the episode had begun."""
    if not episode.moments:
        return set()
    present = set(episode.moments[0].agents)
    return {name for one in episode.moments[1:] for name in one.agents} - present


def limit_of(environment: Any) -> tuple[str, int] | None:
    """The attribute that names a time limit, and its number."""
    waiting, holders = [environment], []
    while waiting and len(holders) < MOST_LAYERS:
        holder = waiting.pop(0)
        if holder is None or any(holder is one for one in holders):
            continue
        holders.append(holder)
        waiting += [getattr(holder, name, None) for name in ("unwrapped", "aec_env", "environment", "env")]
    for holder in holders:
        for name in LIMITS:
            limit = getattr(holder, name, None)
            if isinstance(limit, int | np.integer) and not isinstance(limit, bool) and limit > 0:
                return name, int(limit)
    return None


def success_flags(episodes: Sequence[Episode]) -> tuple[SuccessFlag, ...]:
    """Keys of infos that may say that the aim was reached, those with the usual names first."""
    values: dict[str, Counter[Any]] = {}
    for moment in (one for episode in episodes for one in episode.moments[1:]):
        for info in moment.infos.values():
            for key, value in numbers_of(info).items():
                if np.ndim(value) == 0 and key != "action_mask":
                    values.setdefault(key, Counter())[np.asarray(value).item()] += 1
    found = [
        SuccessFlag(key, type(next(iter(seen))).__name__, described(seen), key.lower().rpartition(".")[2] in SUCCESS)
        for key, seen in values.items()
    ]
    return tuple(sorted((one for one in found if one.likely or one.type == "bool"), key=lambda one: not one.likely))


def described(seen: Counter[Any]) -> str:
    """Which values were seen, and how often they were true where they are truths."""
    total = sum(seen.values())
    if all(one in (0, 1) for one in seen):
        return f"true in {sum(seen[one] for one in seen if one):,} of {total:,}"
    return f"{min(seen):.4g} to {max(seen):.4g}"
