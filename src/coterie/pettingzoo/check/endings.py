"""What is wrong with how episodes end: never, at a time limit that is called an ending, or by what was raised."""

from __future__ import annotations

from collections.abc import Sequence

from coterie.pettingzoo.check.items import EpisodeFacts, Item
from coterie.pettingzoo.check.playing import Episode, Subject

ENDLESS_STEPS = 1_000
FEWEST_EPISODES, SHORTEST_LIMIT = 4, 10
MANY = 0.2  # of the episodes, where others end before


def ending_items(episodes: Sequence[Episode], facts: EpisodeFacts, subject: Subject) -> list[Item]:
    """All that is wrong with endings."""
    items = raised(episodes, subject)
    longest = max((one.steps for one in episodes), default=0)
    if not facts.lengths and longest and not items:
        limit = facts.limit[1] if facts.limit else 0
        if longest >= max(ENDLESS_STEPS, limit + 1):
            what = "No episode ended"
            fix = "truncate after so many steps: truncations[agent] = self.steps >= max_cycles"
            items.append(Item("warning", "endless", what, f"{longest:,} steps of random play", fix))
        else:
            more = f"; {facts.limit[0]} is {limit:,}" if facts.limit else ""
            what = "No episode was played to its end in the time that there was"
            items.append(Item("note", "not played to its end", what, f"{longest:,} steps{more}", "--seconds 60"))
    items += time_called_an_ending(facts)
    return items


def time_called_an_ending(facts: EpisodeFacts) -> list[Item]:
    """A termination that always comes at the same step is a time limit, as far as anybody can see.

    So is one of many that come at the step that the environment itself calls its limit, and none after it.
    """
    if facts.truncated or facts.deaths or len(facts.lengths) < FEWEST_EPISODES:
        return []
    length = max(facts.lengths)
    many = sum(one == length for one in facts.lengths)
    named = facts.limit is not None and abs(facts.limit[1] - length) <= 1
    enough = many >= max(FEWEST_EPISODES, MANY * len(facts.lengths)) if named else many == len(facts.lengths)
    if length < SHORTEST_LIMIT or not enough:
        return []
    return [
        Item(
            "warning" if named else "note",
            "time limit as an ending",
            "Agents are terminated when time is up, as far as can be seen: then learners take it that nothing follows, "
            "and late rewards seem worthless",
            f"{'all' if many == len(facts.lengths) else many} of {len(facts.lengths)} episodes were terminated at step "
            f"{length:,}" + (f", and {facts.limit[0]} is {facts.limit[1]:,}" if named and facts.limit else ""),
            "say truncations[agent] = True at a time limit, and terminations[agent] = False",
        )
    ]


def raised(episodes: Sequence[Episode], subject: Subject) -> list[Item]:
    """What the environment raised while legal actions were played, each kind of it once."""
    items, known = [], set()
    faults = [one.fault for one in episodes if one.fault is not None]
    for fault in faults:
        if (kind := fault.told.partition(":")[0] + fault.place) in known:
            continue
        known.add(kind)
        count = sum(one.told.partition(":")[0] + one.place == kind for one in faults)
        broken = subject.malformed.get(fault.told)
        if broken is not None:
            items.append(
                Item("error", broken.name, fault.told, f"at step {fault.step} of seed {fault.seed}", broken.fix)
            )
            continue
        what = f"{fault.call} raised {fault.told}"
        place = f" ({fault.place})" if fault.place else ""
        evidence = f"in {count} of {len(episodes)} episodes, first at step {fault.step} of seed {fault.seed}{place}"
        fix = ""
        if "Parallel environment wrapper expects" in fault.told:
            fix = 'it does not act in a cycle: metadata["is_parallelizable"] = False'
        items.append(Item("error", f"{fault.call} raised", what, evidence, fix))
    return items
