"""Before agents share what they learn: are they of one kind, and can they do the same?"""

from __future__ import annotations

from collections.abc import Sequence

from coterie.algorithms.side_by_side import part
from coterie.diagnosis.capability import capability
from coterie.errors import BadInput
from coterie.finite.game import FiniteGame
from coterie.settings import DEEP_ALGORITHMS, DEEP_PRESETS, OF_ALGORITHM, POLICY_GRADIENT, DeepOptions
from coterie.types import Spec, Team
from coterie.workflow.deep.choosing import is_policy
from coterie.workflow.deep.exact import small_table
from coterie.workflow.deep.plan import DeepPlan, options_of


def check_sharing(chosen: DeepPlan, spec: Spec, teams: Sequence[Team] = ()) -> str:
    """What to know about agents that share, in sentences; empty where all is well or nothing is shared.

    Raises BadInput where nobody is there to share with, and where agents of one kind are proven unlike and would take
    each other's experience for their own: equal spaces are not equal capabilities.
    """
    if not teams:
        return shared_by(chosen.algorithm, chosen, spec, alone=True)
    learning = [team for team in teams if team.player in DEEP_ALGORITHMS]
    told = [shared_by(team.player, chosen, part(spec, team.members), alone=False) for team in learning]
    return " ".join(dict.fromkeys(filter(None, told)))


def shared_by(player: str, chosen: DeepPlan, spec: Spec, alone: bool) -> str:
    """What to know about agents that share as one algorithm of a run does; raises as `check_sharing`.

    alone: they are all that play, so that the game's exact table, if there is one, can tell what they can do.
    """
    learner = options_of(chosen, player)
    flag = "--share-parameters" if learner.share_parameters else f"--share-experience {learner.share_experience}"
    flag = "--no-identity" if learner.share_parameters and not learner.identity else flag
    if not learner.share_parameters and learner.share_experience == "none":
        return ""
    usual = player in POLICY_GRADIENT and player not in OF_ALGORITHM and learner.share_experience == "none"
    if usual and learner.identity:
        return ""  # their presets' own choice: a network in common is told which agent it acts for
    if all(len(kind.agents) == 1 for kind in spec.kinds):
        sizes = "; ".join(
            f"{spec.agents[kind.agents[0]]} sees {list(kind.observation_shape)} and has {kind.actions} actions"
            for kind in spec.kinds
        )
        instead = "use ia2c" if player == "seac" else "leave it out"
        raise BadInput(f"{flag}: no two agents are alike, so none can learn from another ({sizes}); {instead}")
    game = small_table(chosen) if alone else None
    return " ".join(filter(None, (sure_to_be_alike(player, learner, flag, game), given_up(chosen, player))))


def given_up(chosen: DeepPlan, player: str) -> str:
    """What of its preset a run leaves out because it shares experience; a run without sharing has it."""
    options, left_out = DEEP_PRESETS[chosen.preset].options, []
    others = is_policy(player) != is_policy(chosen.algorithm)  # whose preset is another
    if options_of(chosen, player).share_experience == "none" or player in OF_ALGORITHM or others:
        return ""
    left_out += ["one network in common (--share-parameters)"] if options.get("share_parameters") else []
    left_out += ["replay by surprise (--prioritised)"] if options.get("prioritised") else []
    if not left_out:
        return ""
    told = " and ".join(left_out)
    return f"The preset {chosen.preset} has {told}; who shares experience has not: compare with a run without them."


def sure_to_be_alike(player: str, learner: DeepOptions, flag: str, game: FiniteGame | None) -> str:
    """What cannot be told, or has to be learned, about agents of one kind; BadInput where they are proven unlike."""
    finding = capability(game) if game is not None else None
    if finding is None or finding.verdict == "cannot tell":
        what, other = (player, "ia2c") if player == "seac" else (flag, "a run without it")
        return (
            f"{what} takes it that agents of one kind can do the same; here nobody can tell, for their game has no "
            f"exact table. Compare with {other}."
        )
    if finding.verdict == "yes" and not learner.share_parameters:
        raise BadInput(f"{flag}: {finding.sentence[:1].lower()}{finding.sentence[1:].rstrip('.')}; leave it out")
    if finding.verdict == "yes" and not learner.identity:
        return f"{finding.sentence} The common network is not told which agent it acts for: leave --no-identity out."
    if finding.verdict == "yes":
        return f"{finding.sentence} The common network is told which agent it acts for; it has to learn that."
    return ""
