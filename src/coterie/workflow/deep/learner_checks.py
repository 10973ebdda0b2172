"""Options of a deep learner that are out of their range, or do not go together; imports no JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coterie.errors import BadInput
from coterie.settings import MIXED, OF_ALGORITHM, POLICY_GRADIENT, DeepOptions

RANGES = {
    "discount": (0, 1), "gradient_clip": (1e-6, 1e9), "hysteresis": (1e-6, 1), "trace": (0, 1), "target_rate": (0, 1),
    "learning_rate": (1e-9, 1), "epsilon": (0, 1), "epsilon_end": (0, 1), "epsilon_decay": (0, 1), "n_step": (1, 1_000),
    "target_every": (1, 10**9), "hidden": (1, 8_192), "layers": (0, 16), "share_quantile": (1e-6, 1),
    "sequence": (0, 4_096),
    "environments": (1, 65_536), "rows": (1, 4_096), "updates": (1, 1_000), "batch": (0, 65_536), "mixing": (1, 4_096),
    "replay": (1, 10**9), "reward_scale": (1e-9, 1e9), "warmup": (0, 10**9), "weighting": (0, 1),
    "self_play": (0, 1_000), "epochs": (1, 1_000), "minibatches": (1, 65_536), "clip": (0, 1e3), "value_clip": (0, 1e3),
    "entropy": (0, 1e3), "stop_divergence": (0, 1e3), "deviation_start": (0.007, 7), "share_weight": (0, 1e3),
    "share_clip": (0, 1e6),
}  # fmt: skip
OF_VALUES = (  # what only learners of values read, and what only learners of policies do
    "hysteresis", "loss", "double", "n_step", "target_every", "target_rate", "epsilon", "epsilon_end", "epsilon_decay",
    "dueling", "share_quantile", "updates", "batch", "sequence", "replay", "warmup", "prioritised", "mixing",
    "weighting",
)  # fmt: skip
OF_POLICIES = (
    "epochs", "minibatches", "clip", "value_clip", "entropy", "entropy_end", "stop_divergence", "normalise_values",
    "normalise_advantages", "central", "squash", "deviation", "deviation_start", "activation", "convolution",
    "share_weight", "share_clip", "share_target",
)  # fmt: skip


def check_read(algorithms: Sequence[str], options: DeepOptions, usual: DeepOptions) -> None:
    """Raises BadInput for an option that was changed and that none of these algorithms reads."""
    families = {"policies": OF_POLICIES, "values": OF_VALUES}
    read = {name for one in algorithms for name in families["policies" if one in POLICY_GRADIENT else "values"]}
    for learns, names in families.items():
        for name in names:
            if name not in read and getattr(options, name) != getattr(usual, name):
                raise BadInput(
                    f"--{name.replace('_', '-')}: only learners of {learns} read it, and {', '.join(algorithms)} is "
                    f"none; leave it out, or use {'--algorithm ippo' if learns == 'policies' else '--algorithm vdn'}"
                )
    if len(algorithms) == 1 and options.identity != usual.identity and not options.share_parameters:
        alone = options.share_experience == "none" and algorithms[0] != "seac"
        raise BadInput(
            f"--{'' if options.identity else 'no-'}identity: each agent has a network of its own, which need not be "
            f"told for whom; {'use it with --share-parameters' if alone else 'leave it out'}"
        )


def reads(player: str, name: str, options: DeepOptions) -> bool:
    """Whether an algorithm reads an option that is said for all teams of a run, or what it is has no room for it."""
    if name in OF_ALGORITHM.get(player, {}) or name in (OF_VALUES if player in POLICY_GRADIENT else OF_POLICIES):
        return False
    only = {"central": ("mappo",), "hysteresis": ("hysteretic",)}
    if name in only:
        return player in only[name]
    if name == "share_experience":
        return player not in (*MIXED, "mappo")
    if name in ("share_weight", "share_clip", "share_target"):
        return player == "seac" or options.share_experience != "none"
    if name == "identity":
        return player != "seac"
    if name in ("share_parameters", "prioritised"):
        return player != "seac" and (options.share_experience == "none" or player in (*MIXED, "mappo"))
    return True


def changed(options: DeepOptions, usual: DeepOptions) -> set[str]:
    """The names of the options that are not as usual."""
    return {name for name, value in vars(usual).items() if getattr(options, name) != value}


def check_heard(learning: Sequence[str], options: DeepOptions, usual: DeepOptions) -> None:
    """Raises BadInput for an option that was changed and that no team which learns has a use for."""
    for name in sorted(changed(options, usual)):
        if not any(reads(player, name, options) for player in learning):
            for player in learning:
                check_learner(player, options)  # who has a better sentence for it
            raise BadInput(
                f"--{name.replace('_', '-')}: {', '.join(dict.fromkeys(learning))} do not read it; leave it out"
            )


def check_each(of_each: Mapping[str, DeepOptions]) -> None:
    """Raises BadInput for what is wrong with an algorithm's options, and names it where there are several."""
    for player, options in of_each.items():
        try:
            check_learner(player, options)
        except BadInput as error:
            if len(of_each) == 1:
                raise
            raise BadInput(f"{player}: {error}") from None


def check_learner(algorithm: str, options: DeepOptions) -> None:
    """Raises BadInput for a number out of its range, and for options that do not go together."""
    for name, (low, high) in RANGES.items():
        value = getattr(options, name)
        if not low <= value <= high:
            raise BadInput(f"--{name.replace('_', '-')} {value:g}: expected {low:g} to {high:g}")
    if options.layer_norm and options.layers == 0:
        raise BadInput("--layers 0: there is no layer for --layer-norm to normalise; use --no-layer-norm, or a layer")
    mixed = algorithm in MIXED
    if algorithm in POLICY_GRADIENT:
        check_policy(algorithm, options)
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


def check_policy(algorithm: str, options: DeepOptions) -> None:
    """Raises BadInput for options of a learner of policies that do not go together."""
    for name, value in OF_ALGORITHM.get(algorithm, {}).items():
        if getattr(options, name) != value:
            flag = f"--{name.replace('_', '-')}"
            raise BadInput(
                f"{flag} {getattr(options, name):g}: {algorithm} learns once from all that a rollout brings, with "
                f"{flag} {value:g}; leave it out, or use --algorithm ippo"
            )
    if options.entropy_end > 1e3:
        raise BadInput(f"--entropy-end {options.entropy_end:g}: expected 0 to 1000, or a negative number")
    items = options.environments * options.rows
    if options.minibatches > items:
        raise BadInput(
            f"--minibatches {options.minibatches}: expected {items} at most, --environments times --rows "
            f"{options.rows}, for each holds one at least"
        )
    if options.share_experience not in ("none", "pooled", "teams"):
        raise BadInput(
            f"--share-experience {options.share_experience}: {algorithm} learns from what was just played, and shares "
            "all of it: pooled, or teams"
        )
    for name in ("share_weight", "share_clip", "share_target"):
        if options.share_experience == "none" and getattr(options, name) != getattr(DeepOptions(), name):
            raise BadInput(f"--{name.replace('_', '-')}: {algorithm} shares nothing; use --algorithm seac")
    if algorithm == "seac" and options.share_experience == "none":
        raise BadInput("--share-experience none: seac learns from others' experience; use --algorithm ia2c")
    if algorithm != "mappo" and options.central != "auto":
        raise BadInput(f"--central {options.central}: critics of {algorithm} see what their agents see; use mappo")
    if algorithm == "mappo" and options.share_experience != "none":
        raise BadInput(
            "--share-experience with mappo: its critics see what all agents see already; use --algorithm seac or ippo"
        )
    if options.share_experience != "none" and options.recurrent:
        raise BadInput(
            f"--share-experience {options.share_experience} with --recurrent: nobody knows what one agent would "
            "remember of another's episode; leave one of them out"
        )
