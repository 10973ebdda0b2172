"""How do episodes end: by themselves or by the clock, is the one taken for the other, and is there time enough?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from coterie.diagnosis.loops import loop_share
from coterie.diagnosis.on_table import edges_along
from coterie.finite.game import FiniteGame
from coterie.finite.solve import greatest_success
from coterie.statistics import percent, wilson
from coterie.types import Evidence, Finding, Picture, Play

NEARLY_ALL = 0.95  # of the episodes, that must be cut off
FEWEST_EPISODES = 4  # of which all are cut off: then surely (95 %) more than half of all are
TOO_SHORT = 0.5  # of the possible successes, that must be within reach of the time limit
POSSIBLE = 1e-6
STUCK = 0.75  # of an episode's steps in repeating stretches: more time would not help
MANY = 0.5  # of the failing episodes, that are stuck
SHOWN = 5
INVENTED, UNMARKED = "a time limit is recorded as an ending", "true endings are recorded as cut off"


def endings(plays: Sequence[Play], game: FiniteGame | None = None, *, success_known: bool = True) -> Finding:
    """Can the aim be reached in time, do true endings occur, and is a time limit taken for one (or one for a limit)?

    On a table the greatest chance of success within the limit, P_T = max_pi P(success by step T) by backward induction
    (Bellman 1957), is held against the one without a limit, P: there is too little time where P_T < P / 2. Recorded
    endings are compared with the table's where all episodes are ways through it (`edges_along`). From episodes alone:
    nearly all are cut off and none of these succeeds, and fewer than half of them stand still or circle nearly all the
    time; or none ends but many stop early at different steps, which a clock does not do; or every failing episode truly
    "ends" at the same last step, where a clock is likelier.

    A game without true endings is cut off by design, so that its episodes run into the limit is nothing to mend; and
    where there is time enough, that all episodes run into the limit is a sign of something else. Not `success_known`:
    nobody says what a success is, so that nothing is said of episodes that fail.
    """
    if game is not None and (short := _too_short(plays, game)) is not None:
        return short
    played = [play for play in plays if len(play.actions)]
    if not played:
        return Finding("endings", "cannot tell", "No episode was recorded.")
    if game is not None and (wrong := _mistaken(played, game)) is not None:
        return wrong
    cut = wilson(sum(not play.ended for play in played), len(played))
    lost = [play for play in played if not play.ended and not play.success]
    lengths = [len(play.actions) for play in played]
    facts = _facts(cut.total - cut.count, cut.count)
    span, picture = (cut.low, cut.high), _picture(played)
    if game is not None and not game.ended.any():
        sentence = f"This game has no ending of its own; the time limit cuts every episode ({max(lengths)} steps)."
        return Finding("endings", "no", sentence, cut.share, span, "")
    if cut.share >= NEARLY_ALL and not success_known:
        sentence = (
            f"{_all(cut.count, cut.total)} run into the time limit ({max(lengths)} steps); whether that is too early "
            "nobody can tell, as nobody says what a success is."
        )
        return Finding("endings", "cannot tell", sentence, cut.share, span, "", picture=picture)
    if cut.share >= NEARLY_ALL and len(lost) >= NEARLY_ALL * cut.count:
        if game is not None and (other := _other_by_table(lost, len(played), max(lengths), game)) is not None:
            return Finding("endings", other[0], other[1], cut.share, span, "some end", picture=picture)
        if cut.total < FEWEST_EPISODES:
            sentence = f"{facts[0].upper()}{facts[1:]}: too few to tell whether all are."
            return Finding("endings", "cannot tell", sentence, cut.share, span, "", picture=picture)
        if (stuck := _stuck(lost, len(played), max(lengths))) is not None:
            return Finding("endings", "no", stuck, cut.share, span, "some end", picture=picture)
        sentence = f"{_all(cut.count, cut.total)} run into the time limit ({max(lengths)} steps) without success."
        remedy = "allow more time, explore more, or start nearer to the aim"
        return Finding("endings", "yes", sentence, cut.share, span, "some end", _places(lost), remedy, picture=picture)
    if game is None and (unmarked := _unmarked(played)):
        sentence = (
            f"No episode is recorded as truly ended, yet {len(unmarked):,} of {len(played):,} stop early, at different "
            "steps, which no time limit does: true endings are recorded as cut off."
        )
        return _taken(sentence, UNMARKED, unmarked, len(played), picture)
    if game is None and success_known and (clock := _clock(played)):
        sentence = (
            f"All {len(clock):,} failing episodes end truly at step {clock[0].actions.shape[0]} and none is cut off: "
            "that looks like a time limit recorded as an ending."
        )
        return _taken(sentence, INVENTED, clock, len(played), picture)
    return Finding("endings", "no", f"{facts}.", cut.share, span, "some end", picture=picture)


def _facts(ended: int, cut: int) -> str:
    """How many episodes end by themselves, and how many the clock ends.

    >>> _facts(1, 1), _facts(8, 2)
    ('1 of 2 episodes ends by itself and 1 is cut off', '8 of 10 episodes end by themselves and 2 are cut off')
    """
    total = ended + cut
    end = "ends by itself" if ended == 1 else "end by themselves"
    return f"{ended:,} of {total:,} episode{'s' * (total > 1)} {end} and {cut:,} {'is' if cut == 1 else 'are'} cut off"


def least_horizon(game: FiniteGame, share: float = TOO_SHORT) -> int:
    """The fewest steps within which at least this share of the possible chance of success is in reach."""
    wanted, high = share * greatest_success(game), 1
    while greatest_success(game, high) < wanted:
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if greatest_success(game, middle) >= wanted else (middle, high)
    return high


def _other_by_table(
    lost: list[Play], total: int, limit: int, game: FiniteGame
) -> tuple[Literal["no", "cannot tell"], str] | None:
    """What is said where the table proves that the limit is not to blame; None where it may be."""
    if not game.success.any():
        sentence = f"{_all(len(lost), total)} run into the time limit ({limit} steps), and this game marks no success."
        return "cannot tell", sentence
    if greatest_success(game, limit) >= TOO_SHORT * greatest_success(game):
        needed = least_horizon(game, 1.0 - POSSIBLE if game.deterministic else TOO_SHORT)
        steps = "1 step is" if needed == 1 else f"{needed} steps are"
        some = "" if game.deterministic else " for half of the possible successes"
        who = "all failing episodes run" if len(lost) > 1 else "the failing episode runs"
        sentence = (
            f"The limit leaves time enough: {steps} needed{some}, {limit} are allowed; {who} into it for another "
            "reason."
        )
        return "no", sentence
    return None


def _stuck(lost: list[Play], total: int, limit: int) -> str | None:
    """What is said where at least half of those that run into the limit go nowhere; None where they do not."""
    stuck = sum(loop_share(np.asarray(play.keys).tolist()) >= STUCK for play in lost)
    if stuck < MANY * len(lost):
        return None
    return (
        f"{_all(len(lost), total)} run into the time limit ({limit} steps) without success, but in {stuck:,} of them "
        "the agents stand still or circle nearly all the time, which more time would not change."
    )


def _too_short(plays: Sequence[Play], game: FiniteGame) -> Finding | None:
    possible = greatest_success(game)
    word = game.success_word
    if possible <= POSSIBLE:
        if not game.success.any():
            return None
        sentence = f"Nobody can {word} in this game, however long it lasts."
        never = f"nobody can {word} in this game"
        null, remedy = "the aim can be reached", "mend the game"
        return Finding("endings", "yes", sentence, 0.0, None, null, _places(plays), remedy, cause=never)
    within = greatest_success(game, game.horizon) if game.horizon else possible
    if within >= TOO_SHORT * possible:
        return None
    needed = least_horizon(game, 1.0 - POSSIBLE if game.deterministic else TOO_SHORT)
    chance = f"nobody can {word}" if within <= POSSIBLE else f"the chance to {word} is at most {percent(within)}"
    sentence = (
        f"The time limit is too short: within {game.horizon} steps {chance}, and {percent(possible)} is possible; "
        f"{needed} steps are needed."
    )
    remedy = f"allow more time (--env.horizon {2 * needed})"
    flags = ("--env.horizon", str(2 * needed))
    return Finding("endings", "yes", sentence, within, None, "what is possible", _places(plays), remedy, flags)


def _mistaken(played: list[Play], game: FiniteGame) -> Finding | None:
    """Endings that the table does not know, and true ones that were recorded as cut off.

    None, too, where some episode is no way through the table: then the recorder has numbers of its own for states.
    """
    ways = [edges_along(game, play) for play in played]
    if any(way is None for way in ways):
        return None
    last = [game.ended[way[-1]] for way in ways if way]
    known = [(play, bool(ends[0])) for play, ends in zip(played, last, strict=True) if (ends == ends[0]).all()]
    invented = [play for play, truly in known if play.ended and not truly]
    missed = [play for play, truly in known if not play.ended and truly]
    if invented:
        at_limit = sum(len(play.actions) == game.horizon for play in invented)
        sentence = (
            f"{len(invented):,} of {len(known):,} episodes are recorded as truly ended where the game goes on "
            f"({at_limit:,} of them at the time limit): a time limit is taken for an ending."
        )
        return _taken(sentence, INVENTED, invented, len(known), None)
    if missed:
        sentence = f"{len(missed):,} of {len(known):,} episodes truly ended but are recorded as cut off by the clock."
        return _taken(sentence, UNMARKED, missed, len(known), None)
    return None


def _unmarked(played: list[Play]) -> list[Play]:
    """The episodes that stop before the longest one does, where none is recorded as ended and lengths differ."""
    longest = max(len(play.actions) for play in played)
    early = [play for play in played if len(play.actions) < longest]
    differ = len({len(play.actions) for play in early}) > 1
    return early if differ and len(early) >= FEWEST_EPISODES and not any(play.ended for play in played) else []


def _clock(played: list[Play]) -> list[Play]:
    """The failing episodes, if all of them truly end at the last step that any episode has; else none."""
    failing = [play for play in played if not play.success]
    longest = max(len(play.actions) for play in played)
    same = all(play.ended and len(play.actions) == longest for play in failing)
    return failing if same and longest > 1 and len(failing) >= FEWEST_EPISODES else []


def _taken(sentence: str, cause: str, plays: list[Play], total: int, picture: Picture | None) -> Finding:
    share = wilson(len(plays), total)
    remedy = (
        "tell terminated from truncated where episodes are recorded: a learner bootstraps past a time limit and never "
        "past an ending"
    )
    span, null = (share.low, share.high), "endings as they are"
    places = _places(plays)
    return Finding("endings", "yes", sentence, share.share, span, null, places, remedy, picture=picture, cause=cause)


def _all(count: int, total: int) -> str:
    return f"All {total:,} episodes" if count == total else f"{count:,} of {total:,} episodes"


def _places(plays: Sequence[Play]) -> tuple[Evidence, ...]:
    ends = [(play, max(1, len(play.actions))) for play in plays[:SHOWN]]
    return tuple(Evidence(play.team, end, end, play.episode) for play, end in ends)


def _picture(played: list[Play]) -> Picture:
    count = float(len(played))
    ways = ((True, True), (True, False), (False, True), (False, False))
    labels = ("ended, success", "ended, failure", "cut off, success", "cut off, failure")
    shares = tuple(sum((play.ended, play.success) == way for play in played) / count for way in ways)
    return Picture("bars", "How episodes end", labels, shares)
