"""Options, algorithms and presets of learners with neural networks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal


@dataclass(frozen=True)
class DeepOptions:
    """How a team of agents with neural networks learns."""

    discount: float = 0.99
    """The worth of a reward one step later, in [0, 1]."""
    learning_rate: float = 0.0005
    """The step size of Adam."""
    learning_rate_end: float = -1.0
    """The step size that it falls to, linearly over the run; negative: it stays as it is. 0: the run settles, and of
    its checks the last one's policy is kept, not the best one's."""
    gradient_clip: float = 10.0
    """The gradient is scaled down to this norm where it is longer."""
    hysteresis: float = 1.0
    """Bad news is learned at this share of the learning rate, in (0, 1]; 1: as fast as good news."""
    loss: Literal["squared", "huber"] = "squared"
    """What is made small: the square of the error, or Huber's, which grows more slowly beyond 1."""
    double: bool = True
    """The online network picks the next action and the target network values it (van Hasselt et al. 2016)."""
    n_step: int = 1
    """How many rewards are summed before the rest is estimated."""
    trace: float = 0.0
    """lambda: how far a reward is traced back, in [0, 1]; Q-learning: 0: by n_step alone."""
    target_every: int = 200
    """The target network is replaced after so many updates."""
    target_rate: float = 0.0
    """Above 0: the target network follows by this share with every update instead."""
    epsilon: float = 1.0
    """The share of random actions at the start."""
    epsilon_end: float = 0.05
    """The share of random actions at the end of the decay."""
    epsilon_decay: float = 0.5
    """The share of the run over which epsilon falls, linearly; 0: epsilon stays."""
    hidden: int = 64
    """Units of a hidden layer."""
    layers: int = 2
    """Hidden layers before the head; with --recurrent those before the memory."""
    layer_norm: bool = False
    """What a hidden layer tells has mean 0 and deviation 1 before it is bent (Ba et al. 2016)."""
    recurrent: bool = False
    """Agents remember: a gated recurrent unit of `hidden` units stands before the head."""
    dueling: bool = False
    """The head adds a value and advantages (Wang et al. 2016)."""
    share_parameters: bool = False
    """Agents of one kind have one network in common."""
    identity: bool = True
    """A network in common is told which agent it acts for; else alike agents that see the same do the same."""
    share_experience: Literal["none", "pooled", "teams", "quantile", "random", "seql", "seql-as-published"] = "none"
    """Who learns from whose experience: nobody; all from all; from its team; what surprised; at random; SEQL."""
    share_quantile: float = 0.1
    """quantile and random: the share of an agent's experience that is offered to the others."""
    environments: int = 8
    """Environments that are stepped side by side."""
    rows: int = 8
    """Joint steps of each environment between two visits to the replay."""
    updates: int = 1
    """Gradient steps at each visit."""
    batch: int = 0
    """Items of a gradient step: steps, or sequences where agents remember or rewards are traced back; 0: 256 or 32."""
    sequence: int = 0
    """Rows of a sequence; 0: one step, or as many as an episode has (at most 64) where sequences are needed."""
    replay: int = 50_000
    """Joint steps that are kept."""
    warmup: int = 1_000
    """Joint steps before the first update."""
    prioritised: bool = False
    """Steps with a large error are drawn more often (Schaul et al. 2016)."""
    reward: Literal["as-is", "individual", "team-sum", "team-mean"] = "as-is"
    """What a team's reward is; as-is asks all members to earn the same where values are mixed."""
    reward_scale: float = 1.0
    """Rewards are multiplied by this before learning: rare small rewards drown in the noise of the values else."""
    mixing: int = 32
    """qmix: units of the mixing layer."""
    weighting: float = 0.1
    """weighted-qmix: the weight of an error that the mixer cannot express (Rashid et al. 2020: alpha)."""
    self_play: int = 0
    """Half of the environments are played against so many of the learners' past selves; 0: present ones only."""
    epochs: int = 4
    """Policy gradients: how often each rollout is learned from."""
    minibatches: int = 4
    """Policy gradients: gradient steps in an epoch, each on its part; at most one an environment with --recurrent."""
    clip: float = 0.2
    """Policy gradients: how far an action's probability may move, as a share of what it was; 0: as far as it will."""
    value_clip: float = 0.0
    """Policy gradients: how far a value may move from what it was, in its own scale; 0: as far as it will."""
    entropy: float = 0.01
    """Policy gradients: the worth of an undecided policy, a nat of entropy."""
    entropy_end: float = -1.0
    """The worth that it falls to, linearly over the run; negative: it stays as it is."""
    stop_divergence: float = 0.0
    """Policy gradients: no further epoch where the policy has moved so far in one, in nats; 0: all epochs."""
    normalise_values: bool = True
    """Policy gradients: values are learned on a running scale of their own."""
    normalise_advantages: bool = True
    """Policy gradients: advantages of a rollout have mean 0 and deviation 1."""
    central: Literal["auto", "state", "observations"] = "auto"
    """mappo: what critics see: the central state, or what all agents see; auto: the state, where there is one."""
    squash: bool = False
    """Amounts are brought inside their bounds by tanh, in place of clipping."""
    deviation: Literal["state-free", "state-dependent"] = "state-free"
    """How widely amounts are drawn: a number of its own for each, or as the network says at each sight."""
    deviation_start: float = 1.0
    """How widely amounts are drawn at first, in halves of what lies between their bounds."""
    activation: Literal["relu", "tanh"] = "relu"
    """Policy gradients: what bends the hidden layers."""
    convolution: bool = True
    """Pictures pass through convolutions first; else they are one row of numbers, which small ones are best as.
    Critics that see all agents' pictures have them as one row."""
    share_weight: float = 1.0
    """seac: the weight of other agents' experience."""
    share_clip: float = 0.0
    """seac: the importance of another agent's decision is at most this; 0: as published, without a limit."""
    share_target: Literal["own", "partner"] = "own"
    """seac: what another's decision is held to be worth: by one's own values (the paper), or by its (the code)."""
    lag: Literal[0, 1] = 0
    """How many visits to the replay acting is behind learning."""


DEEP_ALGORITHMS: Mapping[str, str] = {
    "iql": "independent Q-learning: each agent learns as if it were alone (Tan 1993, with networks: Mnih et al. 2015)",
    "hysteretic": "independent, but good news is learned faster than bad (Matignon 2007; Omidshafiei et al. 2017)",
    "vdn": "value decomposition: the team's value is the sum of its members' (Sunehag et al. 2018)",
    "qmix": "the team's value rises with each member's, mixed by the central state (Rashid et al. 2018)",
    "weighted-qmix": "qmix that counts less what its mixer cannot express (Rashid et al. 2020, optimistic weighting)",
    "ippo": "independent proximal policies: moved a little at a time (Schulman et al. 2017; de Witt et al. 2020)",
    "mappo": "proximal policies with central critics: ippo whose critics see the central state (Yu et al. 2022)",
    "ia2c": "independent actor-critic: each rollout is learned from once (Mnih et al. 2016)",
    "seac": "shared experience actor-critic: ia2c that learns from others' experience, too (Christianos et al. 2020)",
}
CHECKING = {"checks": 20, "check_episodes": 32, "final_episodes": 320}  # of the greedy team, where nobody says more
CHECKING_OUTSIDE = {"checks": 10, "check_episodes": 8, "final_episodes": 80}  # worlds outside JAX take their time
LONGEST_EPISODE = 1_000  # joint steps, where nothing ends one that is judged
HYSTERESIS = 0.2  # of the hysteretic algorithm, where nobody says another
MIXED = ("vdn", "qmix", "weighted-qmix")  # algorithms that need a team's reward
TEAM_REWARDS = ("team-sum", "team-mean")  # what all members of a team earn in common
CENTRAL = ("qmix", "weighted-qmix", "mappo")  # and those that learn from the central state
POLICY_GRADIENT = ("ippo", "mappo", "ia2c", "seac")  # learn policies, whose actions may be amounts
OF_ALGORITHM: Mapping[str, Mapping[str, Any]] = {  # what an algorithm is, whatever its preset says
    "ia2c": {"epochs": 1, "minibatches": 1, "clip": 0.0},
    "seac": {"epochs": 1, "minibatches": 1, "clip": 0.0},
}


def options_of_algorithm(algorithm: str, options: DeepOptions) -> DeepOptions:
    """The options with what makes an algorithm that one: its hysteresis or none, one pass over a rollout, sharing."""
    options = replace(options, **OF_ALGORITHM.get(algorithm, {}))
    if algorithm == "seac" and options.share_experience == "none":
        options = replace(options, share_experience="pooled")
    if algorithm != "hysteretic":
        return replace(options, hysteresis=1.0)
    return options if options.hysteresis < 1 else replace(options, hysteresis=HYSTERESIS)


def usual_options(preset: str, algorithm: str, sharing: bool = False) -> DeepOptions:
    """What a preset and an algorithm have where nobody says more.

    sharing: experience is shared, which what a preset chooses must not contradict: networks in common, priorities.
    """
    chosen = dict(DEEP_PRESETS[preset].options)
    if algorithm != "mappo":
        chosen.pop("central", None)  # which nobody else has
    if algorithm in ONCE:
        chosen |= {name: value for name, value in ONCE[algorithm].items() if name not in OF_ALGORITHM[algorithm]}
    if sharing or algorithm == "seac":
        chosen |= {"share_parameters": False, "prioritised": False}
    return options_of_algorithm(algorithm, replace(DeepOptions(), **chosen))


@dataclass(frozen=True)
class DeepPreset:
    """A named configuration: what it is for, its algorithm, which options differ, and joint steps a seed.

    picture: which options of pictures differ.
    """

    about: str
    algorithm: str = "vdn"
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    steps: int = 200_000
    picture: Mapping[str, Any] = field(default_factory=dict[str, Any])


_POLICIES = {
    "learning_rate": 0.0007, "gradient_clip": 0.5, "trace": 0.95, "activation": "tanh", "share_parameters": True,
    "minibatches": 16, "hidden": 128,
}  # fmt: skip
_A2C = {
    "rows": 5, "environments": 8, "trace": 1.0, "learning_rate": 0.0007, "normalise_values": False,
    "normalise_advantages": False, "share_parameters": False,
}  # fmt: skip
ONCE: Mapping[str, Mapping[str, Any]] = {"ia2c": _A2C, "seac": _A2C}  # and what suits who learns once from short rows

DEEP_PRESETS: Mapping[str, DeepPreset] = {
    "default": DeepPreset("small networks, one update for 64 joint steps; a beginning for most environments"),
    "coordination": DeepPreset(
        "independent agents that stay hopeful: finds the best joint action among penalties (climbing, penalty)",
        "hysteretic",
        {
            "hysteresis": 0.02,
            "discount": 0.0,
            "learning_rate": 0.003,
            "epsilon_decay": 0.8,
            "hidden": 32,
            "layers": 1,
            "environments": 8,
            "rows": 4,
            "batch": 32,
            "replay": 2_000,
            "warmup": 200,
            "target_every": 100,
        },
        60_000,
    ),
    "foraging": DeepPreset(
        "rare rewards, as in level-based foraging: long exploration, replay by surprise, many updates, larger rewards",
        "vdn",
        {
            "discount": 0.9,
            "hidden": 128,
            "n_step": 5,
            "sequence": 8,
            "reward_scale": 20.0,
            "share_parameters": True,
            "epsilon_end": 0.01,
            "epsilon_decay": 0.55,
            "environments": 32,
            "rows": 8,
            "updates": 8,
            "batch": 64,
            "replay": 400_000,
            "prioritised": True,
            "warmup": 5_000,
        },
        2_000_000,
    ),
    "vectors": DeepPreset(
        "policies of agents that see rows of numbers; amounts or numbered actions",
        "ippo",
        {**_POLICIES, "environments": 16, "rows": 64},
        500_000,
    ),
    "images": DeepPreset(
        "policies of agents that see pictures, coarse and as rows of numbers, which small layers read fast",
        "mappo",
        {
            **_POLICIES,
            "central": "observations",
            "layer_norm": True,
            "environments": 16,
            "rows": 32,
            "minibatches": 8,
            "epochs": 8,
            "learning_rate": 0.0015,
            "learning_rate_end": 0.0,
            "discount": 0.95,
            "convolution": False,
        },
        20_000,
        {"size": "coarse"},
    ),
    "many": DeepPreset(
        "policies of ten agents of one kind or more, who learn one network from everybody's steps",
        "ippo",
        {**_POLICIES, "environments": 8, "rows": 64},
        200_000,
    ),
}
