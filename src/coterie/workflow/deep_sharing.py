"""Before agents share what they learn: are they of one kind, and can they do the same?"""

from __future__ import annotations

from coterie.diagnosis.capability import capability
from coterie.errors import BadInput
from coterie.types import Spec
from coterie.workflow.deep_exact import small_table
from coterie.workflow.deep_plan import DeepPlan


def check_sharing(chosen: DeepPlan, spec: Spec) -> str:
    """What cannot be told about agents that share; empty where all is known to be well or nothing is shared.

    Raises BadInput where nobody is there to share with, and where agents of one kind are proven unlike and would take
    each other's experience for their own: equal spaces are not equal capabilities.
    """
    learner = chosen.learner
    flag = "--share-parameters" if learner.share_parameters else f"--share-experience {learner.share_experience}"
    if not learner.share_parameters and learner.share_experience == "none":
        return ""
    if all(len(kind.agents) == 1 for kind in spec.kinds):
        sizes = "; ".join(
            f"{spec.agents[kind.agents[0]]} sees {list(kind.observation_shape)} and has {kind.actions} actions"
            for kind in spec.kinds
        )
        raise BadInput(f"{flag}: no two agents are alike, so none can learn from another ({sizes}); leave it out")
    game = small_table(chosen)
    finding = capability(game) if game is not None else None
    if finding is None or finding.verdict == "cannot tell":
        return (
            f"{flag} takes it that agents of one kind can do the same; here nobody can tell, for the game has no exact "
            "table. Compare with a run without it."
        )
    if finding.verdict == "yes" and not learner.share_parameters:
        raise BadInput(f"{flag}: {finding.sentence[:1].lower()}{finding.sentence[1:].rstrip('.')}; leave it out")
    if finding.verdict == "yes":
        return f"{finding.sentence} The common network is told which agent it acts for; it has to learn that."
    return ""
