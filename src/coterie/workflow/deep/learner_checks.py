"""Options of a deep learner that are out of their range, or do not go together; imports no JAX."""

from __future__ import annotations

from coterie.errors import BadInput
from coterie.settings import MIXED, DeepOptions

RANGES = {
    "discount": (0, 1), "gradient_clip": (1e-6, 1e9), "hysteresis": (1e-6, 1), "trace": (0, 1), "target_rate": (0, 1),
    "learning_rate": (1e-9, 1), "epsilon": (0, 1), "epsilon_end": (0, 1), "epsilon_decay": (0, 1), "n_step": (1, 1_000),
    "target_every": (1, 10**9), "hidden": (1, 8_192), "layers": (0, 16), "share_quantile": (1e-6, 1),
    "sequence": (0, 4_096),
    "environments": (1, 65_536), "rows": (1, 4_096), "updates": (1, 1_000), "batch": (0, 65_536), "mixing": (1, 4_096),
    "replay": (1, 10**9), "reward_scale": (1e-9, 1e9), "warmup": (0, 10**9), "weighting": (0, 1),
    "self_play": (0, 1_000),
}  # fmt: skip


def check_learner(algorithm: str, options: DeepOptions) -> None:
    """Raises BadInput for a number out of its range, and for options that do not go together."""
    for name, (low, high) in RANGES.items():
        value = getattr(options, name)
        if not low <= value <= high:
            raise BadInput(f"--{name.replace('_', '-')} {value:g}: expected {low:g} to {high:g}")
    mixed = algorithm in MIXED
    if options.learning_rate_end > 1:
        raise BadInput(f"--learning-rate-end {options.learning_rate_end:g}: expected 0 to 1, or a negative number")
    if mixed and options.reward == "individual":
        raise BadInput(
            f"--reward individual: {algorithm} mixes the members' values and needs one reward for the team; use "
            "team-sum or team-mean, or --algorithm iql"
        )
    if algorithm == "hysteretic" and options.hysteresis == 1.0:
        raise BadInput("--hysteresis 1: then it is independent Q-learning; use --algorithm iql, or a smaller number")
    if algorithm == "iql" and options.hysteresis != 1.0:
        raise BadInput(
            f"--hysteresis {options.hysteresis:g}: iql learns bad news as fast as good; use --algorithm hysteretic"
        )
    if 0 < options.sequence < max(options.n_step, 1 + (options.recurrent or options.trace > 0)):
        what = f"--n-step {options.n_step}" if options.sequence < options.n_step else "memory and traces"
        raise BadInput(f"--sequence {options.sequence} is too short for {what}; leave it out, or use a longer one")
    if mixed and options.share_experience != "none":
        raise BadInput(
            f"--share-experience {options.share_experience}: {algorithm} learns from the team's joint experience "
            "already; it is for independent learners: --algorithm iql"
        )
    if options.share_experience in ("quantile", "random") and options.recurrent:
        raise BadInput(
            f"--share-experience {options.share_experience} with --recurrent: what is offered is measured on single "
            "steps, which agents with a memory do not have; use pooled or teams"
        )
    if options.share_parameters and options.share_experience != "none":
        raise BadInput(
            "--share-parameters with --share-experience: one common network already learns from everybody's "
            "experience; choose one of them"
        )
    if options.trace > 0 and options.n_step > 1:
        raise BadInput(f"--trace {options.trace:g} with --n-step {options.n_step}: choose one way of looking ahead")
    if options.epsilon_end > options.epsilon:
        raise BadInput(
            f"--epsilon-end {options.epsilon_end:g}: exploration falls from --epsilon {options.epsilon:g} to there, so "
            "it is at most that"
        )
    if options.prioritised and options.share_experience != "none":
        raise BadInput(
            f"--prioritised with --share-experience {options.share_experience}: what surprises one agent need not "
            "surprise another; choose one of them"
        )
