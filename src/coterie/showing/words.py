"""Numbers and verdicts in plain words, honestly rounded."""

from __future__ import annotations

from math import isclose, isfinite
from typing import TYPE_CHECKING

from coterie.settings import ALGORITHMS, DEEP_ALGORITHMS
from coterie.statistics import interval, percent

if TYPE_CHECKING:
    from coterie.running.verdict import Verdict
    from coterie.statistics import Share
    from coterie.types import Finding

NOT_KNOWN = "not known"
MOST_DIGITS = 12
MOST = 0.5  # the share of the teams looked at that must have a fault before it is said of all
VERDICTS = {"yes": "to mend", "cannot tell": "cannot tell", "no": "fine"}
SAME_SHARE = 1e-9
NEARLY_ALL = 0.95  # of the teams reach the optimum: a good run
NO_FAULT_OF_THE_GOOD = {"strangers", "drift", "step size", "stability"}  # worth knowing where all is well
CAUSES = {  # what a finding says about those that fail, in a few words
    "rewards": "the rewards are not what they seem",
    "endings": "the time limit is in the way",
    "capability": "agents that are not alike learn from each other",
    "accounting": "hardly anything was learned",
    "exploration": "too little was tried",
    "step size": "their values still jump",
    "reward audit": "the reward asks for something else",
    "loops": "they run in circles or stand still",
    "agent loops": "an agent goes round in circles of its own",
    "noise": "they need the noise that they are judged without",
    "idle": "an agent does nothing",
    "contribution": "an agent adds nothing",
    "identities": "the agents stand in each other's places",
    "closed loop": "an agent ignores what it sees",
    "influence": "nobody reacts to anybody",
    "coupling": "they lean on something that nobody records",
    "gaps": "they earn less than they could together",
    "shadowed optimum": "the optimum is in a shadow",
    "drift": "learning goes in circles",
    "strangers": "they only know each other",
}
PAST = {
    "meet": "met",
    "win": "won",
    "catch": "caught",
    "find": "found",
    "score": "scored",
    "agree": "agreed",
    "cooperate": "cooperated",
    "coordinate": "coordinated",
}


def number(value: float | None, unlike: float | None = None) -> str:
    """A return with two decimals, and more where it would else look like another number that it is not.

    >>> number(7.0, unlike=7.0), number(6.998, unlike=7.0), number(-0.001), number(None)
    ('7.00', '6.998', '0.00', 'not known')
    """
    if value is None or not isfinite(value):
        return NOT_KNOWN
    same = unlike is None or isclose(value, unlike, rel_tol=1e-7, abs_tol=1e-7)
    digits = 2
    while not same and digits < MOST_DIGITS and f"{value:.{digits}f}" == f"{unlike:.{digits}f}":
        digits += 1
    text = f"{value:,.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def measured(finding: Finding) -> str:
    """A finding's number with its interval, in three digits; empty where it has none."""
    if finding.value is None or not isfinite(finding.value):
        return ""
    span = "" if finding.interval is None else " ({:.3g} to {:.3g})".format(*finding.interval)
    return f"{finding.value:.3g}{span}"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "team"), plural(1000, "team")
    ('1 team', '1,000 teams')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def past(success_word: str) -> str:
    """The past of an environment's word for success.

    >>> past("meet"), past("deliver the goods")
    ('met', 'succeeded')
    """
    return PAST.get(success_word, "succeeded")


def algorithm_name(algorithm: str) -> str:
    """What an algorithm is called in a sentence."""
    return {**DEEP_ALGORITHMS, **ALGORITHMS}.get(algorithm, algorithm).split(":")[0]


def setting(verdict: Verdict) -> str:
    """Who learned what, and for how long: the line above every verdict."""
    crew = f"{plural(verdict.teams, verdict.unit)} of {plural(verdict.agents, 'agent')}"
    parts = [crew, verdict.environment, algorithm_name(verdict.algorithm)]
    if verdict.episodes:
        parts.append(plural(verdict.episodes, "episode") + (" each" if verdict.teams > 1 else ""))
    return ", ".join(part for part in parts if part) + f" (seed {verdict.seed})"


def doing(verdict: Verdict) -> str:
    """What teams do that succeed, in a heading."""
    return verdict.success_word or "succeed (nobody says what that is)"


def success_known(verdict: Verdict) -> bool:
    """Whether anybody says what a success is: else there is nobody of whom it is known."""
    return verdict.coordinated.total > 0


def always(verdict: Verdict) -> str:
    """What is added to a word for success where those that fail do it at times; empty where they never do.

    >>> from types import SimpleNamespace
    >>> team = SimpleNamespace(failing_success=0.5, least_success=0.95, unit="team", starts=1)
    >>> always(team), always(SimpleNamespace(**{**vars(team), "least_success": 1.0}))
    (' reliably', ' every time')
    """
    if verdict.failing_success <= SAME_SHARE or verdict.unit != "team" or verdict.starts > 1:
        return ""
    return " reliably" if verdict.least_success < 1 else " every time"


def headline(verdict: Verdict) -> str:
    """The verdict in one or two sentences.

    A picture's title, and what a report begins with.
    """
    word, reached = verdict.success_word, verdict.coordinated
    if verdict.matches:
        return contest(verdict)
    if not success_known(verdict):
        return "Nobody says what a success is here (--success 'return>=NUMBER' does), so nobody can be said to fail."
    if not verdict.common:
        return (
            f"Each agent wants its own reward here: {reached.count:,} of {plural(reached.total, verdict.unit)} {word}."
        )
    every = always(verdict)
    if reached.total == 1:
        first = f"The team {word}s." if reached.count else f"The team does not {word}{every}."
    elif reached.count == reached.total:
        first = f"All {plural(reached.total, verdict.unit)} {word}."
    elif reached.count == 0:
        first = f"None of {plural(reached.total, verdict.unit)} {word}s{every}."
    else:
        rest = reached.total - reached.count
        verb = f"{word}s" if reached.count == 1 else word
        first = f"{reached.count:,} of {plural(reached.total, verdict.unit)} {verb}{every}; "
        first += f"{rest:,} {'does' if rest == 1 else 'do'} not."
    best = verdict.optimal
    if best is None or reached.total == 1 or reached.count == best.count == 0:
        return first
    if best.count == best.total:
        return f"{first} All reach the exact optimum."
    how_many = f"{best.count:,}" if best.count else "None"
    return f"{first} {how_many} reach{'es' if best.count < 2 else ''} the exact optimum."


def contest(verdict: Verdict) -> str:
    """The first sentence about agents who play against each other.

    >>> from types import SimpleNamespace as Some
    >>> all_of, some = Some(count=10, total=10), Some(count=4, total=10)
    >>> first, second = (Some(agent=name, opponent="itself") for name in ("anna", "bert"))
    >>> contest(Some(matches=(first, second), unbeatable=(all_of, some), unit="team"))
    'Each agent wants its own reward here: nobody can beat anna in 10 of 10 teams, bert in 4.'
    """
    seats = list(dict.fromkeys(one.agent for one in verdict.matches))
    if not verdict.unbeatable:
        return "Each agent wants its own reward here, so each is held against others than its own team."
    told = [f"{name} in {share.count:,}" for name, share in zip(seats, verdict.unbeatable, strict=True)]
    told[0] += f" of {plural(verdict.unbeatable[0].total, verdict.unit)}"
    return f"Each agent wants its own reward here: nobody can beat {', '.join(told)}."


def match_rows(verdict: Verdict) -> list[tuple[str, str, str, str]]:
    """The rows of agents who play against each other: by seat, games not lost, and how they went."""
    rows = []
    for place, seat in enumerate(dict.fromkeys(one.agent for one in verdict.matches)):
        for one in (match for match in verdict.matches if match.agent == seat):
            label = f"{seat}, {one.opponent.split(' ')[0]}"
            if one.won is None or one.drawn is None or one.lost is None:
                rows.append((label, number(one.earned), "", f"earned on average against {one.opponent}"))
                continue
            went = f"won {percent(one.won)}, drawn {percent(one.drawn)}"
            random = "" if one.random is None else f"; random play: {percent(one.random)}"
            rows.append(
                (label, percent(1.0 - one.lost), "", f"of games against {one.opponent} not lost: {went}{random}")
            )
        if verdict.unbeatable:
            share = verdict.unbeatable[place]
            rows.append((f"{seat}, anybody", *_share(share), "teams in which it cannot lose, whatever others play"))
    if verdict.perfect:
        worth = ", ".join(map(number, verdict.perfect))
        rows.append(("perfect", worth, "", "what each agent earns where all are perfect"))
    return rows


def leading(verdict: Verdict) -> Finding | None:
    """The finding that the first sentence tells: the most important that at least half of those looked at have."""
    faults = [one for one in verdict.findings if one.verdict == "yes"]
    if verdict.coordinated.count == verdict.coordinated.total:
        return faults[0] if faults else None
    causes = [one for one in faults if one.name in CAUSES]
    return next((one for one in causes if one.share >= MOST), next(iter(causes or faults), None))


def opening(verdict: Verdict) -> str:
    """What share fails and why, in one sentence; the headline where nobody fails, or nothing explains it."""
    failing, told = verdict.coordinated.total - verdict.coordinated.count, leading(verdict)
    if not verdict.common or not failing or told is None or told.name not in CAUSES:
        return headline(verdict)
    total, cause, doing = verdict.coordinated.total, told.cause or CAUSES[told.name], verdict.success_word
    doing += always(verdict)
    if total == 1:
        return f"The team does not {doing}: {cause}."
    who = f"1 of {plural(total, verdict.unit)} does" if failing == 1 else ""
    who = who or f"{percent(failing / total)} of {plural(total, verdict.unit)} do"
    few = "" if told.share >= MOST else "in a few, "
    return f"{who} not {doing}: {few}{cause}."


def summary(verdict: Verdict) -> str:
    """What share fails and why, and that finding in its own words; a good run is told so."""
    told = leading(verdict)
    if verdict.matches or not verdict.common:
        balance = next((one for one in verdict.findings if one.name == "gaps"), None)
        return f"{headline(verdict)} {balance.sentence}" if balance else headline(verdict)
    if not success_known(verdict):
        return headline(verdict) + (f" {told.sentence}" if told else "")
    if verdict.coordinated.count < verdict.coordinated.total:
        return f"{opening(verdict)} {told.sentence if told else 'Nothing that was asked explains it.'}"
    best = verdict.optimal is None or verdict.optimal.share >= NEARLY_ALL
    faults = {one.name for one in verdict.findings if one.verdict == "yes"}
    good = "A good run: " if best and faults <= NO_FAULT_OF_THE_GOOD else ""
    return f"{good}{headline(verdict)}" + (f" Worth knowing: {told.sentence}" if told else "")


def difference(before: Verdict, after: Verdict) -> str:
    """What a trial made better and what it made worse, where the intervals of shares lie apart."""
    word = before.success_word
    pairs = [(word, before.coordinated, after.coordinated)]
    if before.optimal is not None and after.optimal is not None:
        pairs.append(("reach the optimum", before.optimal, after.optimal))
    better = [f"{name} ({percent(a.share)} to {percent(b.share)})" for name, a, b in pairs if b.low > a.high]
    worse = [f"{name} ({percent(a.share)} to {percent(b.share)})" for name, a, b in pairs if b.high < a.low]
    parts = [f"more teams {' and '.join(better)}"] if better else []
    parts += [f"fewer {' and '.join(worse)}"] if worse else []
    if not parts:
        first, then = percent(before.coordinated.share), percent(after.coordinated.share)
        return f"It made no clear difference: {first} {word} before, {then} after."
    return f"It helped in part: {', but '.join(parts)}." if better and worse else f"The difference: {parts[0]}."


def facts(verdict: Verdict) -> list[tuple[str, str, str, str]]:
    """The rows of a verdict: label, number, interval, what it means."""
    word = verdict.success_word
    if verdict.matches:
        return match_rows(verdict)
    starts = f" from each of {verdict.starts:,} starts" if verdict.starts > 1 else ""
    episodic = verdict.unit == "episode"
    greedy = "greedy agents" if verdict.episodes else "agents"
    every = f"{always(verdict)}{starts}"
    if verdict.least_success < 1 and not episodic:
        every += f" (in at least {verdict.least_success:.0%} of their episodes)".replace("%", " %")
    meaning = f"episodes in which the agents {word}" if episodic else f"teams whose {greedy} {word}{every}"
    rows = [(word, *_share(verdict.coordinated), meaning)]
    if not success_known(verdict):
        rows = [("success", NOT_KNOWN, "", "nobody says what it is here")]
    elif always(verdict):
        rows.append(("on average", percent(verdict.mean_success), "", "of a team's episodes succeed"))
    if verdict.starts > 1 and not episodic:
        rows.append(("of starts", percent(verdict.mean_success), "", f"starts from which a team {word}s, on average"))
    meaning = f"{verdict.unit}s whose return is the exact optimum{'' if episodic else starts}"
    rows.append(("optimal", *_share(verdict.optimal), meaning if verdict.optimal else "this game has no exact table"))
    rows.append(("return", number(verdict.return_, verdict.optimum), "", controls(verdict)))
    if not verdict.episodes or not success_known(verdict):  # nothing was learned here, or nobody could lose it
        return rows
    rows.append(("relapsed", *relapsed(verdict)))
    return rows


def relapsed(verdict: Verdict) -> tuple[str, str, str]:
    """How much of what was learned was lost again: number, interval, what it means.

    First the share of checks, which says how often a team is found to have lost it. That of teams grows with how often
    each is checked: one lost check of a hundred makes a relapsed team.
    """
    if verdict.relapsed is None or verdict.failed_checks is None:
        return NOT_KNOWN, "", "no team ever passed a greedy check"
    some = f"{percent(verdict.relapsed.share)} of the teams failed at least one"
    meaning = f"of the greedy checks after a team's first success failed (unstable above 5 %); {some}"
    return percent(verdict.failed_checks), "", meaning


def _share(share: Share | None) -> tuple[str, str]:
    return (NOT_KNOWN, "") if share is None else (percent(share.share), interval(share))


def controls(verdict: Verdict) -> str:
    """What the return is held against: the optimum, random play and idle play."""
    idle = f" ({verdict.idle_action})" if verdict.idle_action else ""
    best = number(verdict.optimum, verdict.return_)
    text = f"optimum {best} · random {number(verdict.random)} · idle {number(verdict.idle)}{idle}"
    if verdict.optimum is None and verdict.random is not None:
        text += " · untrained play as it was played, not exact"
    return text + (f" · {verdict.objective}" if verdict.objective else "")


def quoted_claim(verdict: Verdict) -> str:
    """What somebody else printed over the same run, quoted."""
    return f'The {verdict.preset or "original"} prints: "{verdict.claim}"  coterie looked:'


def all_clear(verdict: Verdict) -> str:
    """One sentence for a verdict without a finding of "yes", which never claims more than was looked at."""
    looked, unclear = len(verdict.findings), sum(finding.verdict == "cannot tell" for finding in verdict.findings)
    if not looked:
        return "Nobody has looked for what might be wrong."
    doubt = f", {unclear:,} cannot tell" if unclear else ""
    failing = verdict.coordinated.total - verdict.coordinated.count
    if failing and verdict.common:
        those = f"{plural(failing, verdict.unit)} {'does' if failing == 1 else 'do'} not {verdict.success_word}"
        return f"Nothing that was asked explains why {those} ({plural(looked, 'check')}{doubt})."
    return f"Nothing wrong was found ({plural(looked, 'check')}{doubt})."
