"""Which family an algorithm is of, values (qlearning) or policies (ppo), and what its agents have in common."""

from __future__ import annotations

from dataclasses import replace

from coterie.algorithms import ppo, qlearning
from coterie.algorithms.splitting import ALONE, Split
from coterie.settings import POLICY_GRADIENT, DeepOptions
from coterie.types import Algorithm, Sizes, Spec

Parts = qlearning.Parts | ppo.Parts


def parts_of(algorithm: str, options: DeepOptions, spec: Spec) -> Parts:
    """What an algorithm of this name is made of, before a user's own parts are put in."""
    return (ppo if algorithm in POLICY_GRADIENT else qlearning).parts(algorithm, options, spec)


def learner_of(spec: Spec, options: DeepOptions, sizes: Sizes, made_of: Parts, split: Split = ALONE) -> Algorithm:
    """The algorithm that is made of these parts; only batches of learners of values are shared out among devices."""
    if isinstance(made_of, ppo.Parts):
        return ppo.ppo(spec, options, sizes, made_of)
    return qlearning.qlearning(spec, options, sizes, made_of, split)


def partitioned(spec: Spec, options: DeepOptions) -> Spec:
    """The agents with their partitions into parameters and experience, as the options say."""
    own = tuple(range(len(spec.agents)))
    by_kind = tuple(next(k for k, kind in enumerate(spec.kinds) if agent in kind.agents) for agent in own)
    experience = {"none": own, "teams": spec.team}.get(options.share_experience, by_kind)
    common = options.share_parameters or spec.births  # who comes and goes has no network of its own
    return replace(spec, parameters=by_kind if common else own, experience=experience)
