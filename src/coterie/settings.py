"""Every option, as frozen dataclasses that import nothing heavy, so that `--help` is instant.

The comment-strings under the fields are the help texts of the command line. A preset is a named set of replacements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class RendezvousOptions:
    """Agents on a grid who want to stand on one cell; the defaults are exactly the classic tutorial's."""

    size: int = 5
    """Rows and columns of an open square grid (ignored where --env.map is given)."""
    map: str = ""
    """Walls as text, rows separated by '/': '#' wall, '.' floor, 'A', 'B', … where an agent starts. "A.#/..#/#.B"."""
    agents: int = 2
    """How many agents; all must stand on one cell to meet."""
    starts: Literal["fixed", "random"] = "fixed"
    """fixed: the corners, or the letters of the map. random: uniformly any cells, not all the same one."""
    stay: bool = False
    """Adds a fifth action that stands still (the actions are R L D U)."""
    observation: Literal["own", "all", "window"] = "own"
    """own: row and column of the agent itself. all: its own, then the others'. window: what lies around it."""
    window: int = 1
    """How many cells far the window sees in each direction."""
    horizon: int = 20
    """Steps after which an episode is cut off (a time limit, not an ending)."""
    meet_reward: float = 10.0
    """What everybody earns on the step that makes them meet; only shaping is added to it."""
    step_reward: float = -1.0
    """What everybody earns on every other step."""
    closer_reward: float = 0.0
    """Added on a step after which the agents are nearer to each other (walking distance) and have not met."""
    shaping: float = 0.0
    """Potential-based shaping: adds shaping * (distance before - shaping_discount * distance after)."""
    shaping_discount: float = 0.9
    """The discount in that formula; the optimum is kept if it is the learner's own (Ng, Harada, Russell 1999)."""
    reward: Literal["team", "individual"] = "team"
    """team: all earn the same. individual: coming closer and shaping are paid to the agent whose own move did it."""
    controls: str = ""
    """What each agent's actions do, one word an agent: "RLDU,LRUD" mirrors the second agent's controls."""


@dataclass(frozen=True)
class ClimbingOptions:
    """The climbing game (Claus and Boutilier 1998): the best joint action is surrounded by penalties."""

    noise: Literal["none", "partial", "full"] = "none"
    """partial: one cell pays 14 or 0 instead of 7; full: every cell pays one of two amounts around its own."""
    reward_noise: float = 0.0
    """Added to or taken from each agent's own reward by a coin of its own, so that agents hear of different rewards."""
    horizon: int = 1
    """How often the matrix is played in one episode."""


@dataclass(frozen=True)
class PenaltyOptions:
    """The penalty game (Claus and Boutilier 1998): two optima, and k for missing each other."""

    k: float = -100.0
    """The payoff when the agents pick different optima; at most 0."""
    horizon: int = 1
    """How often the matrix is played in one episode."""


@dataclass(frozen=True)
class TwoByTwoOptions:
    """A classic game of two agents with two actions each, and payoffs of their own."""

    horizon: int = 1
    """How often the matrix is played in one episode."""


@dataclass(frozen=True)
class ConventionsOptions:
    """Equally good conventions: everybody earns 1 where all pick the same action, else 0."""

    k: int = 4
    """How many conventions there are: the actions of each agent."""
    agents: int = 2
    """How many agents must agree."""
    horizon: int = 1
    """How often the matrix is played in one episode."""


@dataclass(frozen=True)
class MatrixOptions:
    """Any matrix game, its payoffs as JSON."""

    file: str = ""
    """A file with the payoffs."""
    payoffs: str = "[[1, 0], [0, 1]]"
    """The payoffs themselves, used where no file is given."""
    horizon: int = 1
    """How often the matrix is played in one episode."""


@dataclass(frozen=True)
class DecPomdpOptions:
    """A small problem from the literature in which each agent sees only a part of the world."""

    horizon: int = 3
    """Steps after which an episode is cut off; exact decentralised values are published for 2 to 5."""


@dataclass(frozen=True)
class DpomdpOptions:
    """Any Dec-POMDP in the .dpomdp format."""

    file: str = "dec-tiger"
    """A .dpomdp file, or one that comes with coterie: dec-tiger, recycling-robots, grid-small."""
    text: str = ""
    """The problem itself instead of a file, in the same format."""
    horizon: int = 3
    """Steps after which an episode is cut off."""


@dataclass(frozen=True)
class ForagingOptions:
    """Level-based foraging: agents beside a food load it if their levels add up to its own; rules of lbforaging 2."""

    rows: int = 8
    """Rows of the field."""
    columns: int = 8
    """Columns of the field."""
    agents: int = 2
    """How many agents forage."""
    foods: int = 2
    """How many foods are laid out; fewer where no more have room."""
    coop: bool = False
    """Every food is as heavy as it can be, which is all agents together where there are at most three."""
    sight: int = 0
    """How many cells far an agent sees in each direction; 0: the whole field."""
    horizon: int = 50
    """Steps after which an episode is cut off (a time limit, not an ending)."""
    penalty: float = 0.0
    """What each agent loses that loads a food which is too heavy for those who load it."""
    normalize_reward: bool = True
    """Rewards are divided by the levels of all foods and of those who load, so that a whole episode is worth 1."""
    observe_levels: bool = True
    """Agents see each other's levels, and their own."""
    min_player_level: int = 1
    """The lowest level of an agent."""
    max_player_level: int = 2
    """The highest level of an agent."""
    min_food_level: int = 1
    """The lowest level of a food (with coop it has the highest)."""
    max_food_level: int = 0
    """The highest level of a food; 0: the sum of the three lowest levels of agents."""


@dataclass(frozen=True)
class ProbeOptions:
    """A tiny environment with a known answer, to test learners with."""

    horizon: int = 0
    """Steps an episode; 0 keeps the probe's own."""


@dataclass(frozen=True)
class TabularOptions:
    """How a team of tabular learners learns."""

    learning_rate: float = 0.4
    """The step size of an update, in (0, 1]."""
    learning_rate_end: float = 0.1
    """The step size that it falls to, linearly over the run; negative: it stays as it is."""
    hysteresis: float = 0.5
    """Bad news is learned at this share of the learning rate, in (0, 1] (Matignon 2007: beta / alpha); 1: as fast."""
    discount: float = 0.9
    """The worth of a reward one step later, in [0, 1]."""
    epsilon: float = 0.5
    """The share of random actions at the start."""
    epsilon_end: float = 0.0
    """The share of random actions at the end of the decay."""
    epsilon_decay: float = 0.95
    """The share of the run over which epsilon falls, linearly; 0: epsilon stays."""
    ties: Literal["first", "random"] = "random"
    """Which of several equally good actions is taken while learning; checks and evaluation take the first."""
    terminal_mask: bool = True
    """Do not bootstrap from beyond a true ending. Turning it off is the tutorial's mistake."""
    initial_value: float = 0.0
    """What every entry of the table holds before learning."""
    history: int = 1
    """How many of its last observations an agent acts on, the present one included; as many as steps: all of them."""
    share_experience: Literal["none", "pooled"] = "none"
    """pooled: every agent learns from everybody's experience, as if it were its own."""
    share_parameters: bool = False
    """All agents own one common table."""
    exploration: Literal["epsilon", "boltzmann"] = "epsilon"
    """epsilon: any action at times. boltzmann: actions in proportion to exp(value / temperature), judged greedily."""
    temperature: float = 5_000.0
    """Boltzmann: the temperature at the start, in units of reward. lenient: that of each observation and action."""
    temperature_decay: float = 0.99
    """What the temperature is multiplied by after each episode; lenient: each time its entry is learned. In (0, 1]."""
    temperature_floor: float = 0.0
    """The temperature falls no lower; lenient: with a lower mean, the best action is taken."""
    fmq_weight: float = 10.0
    """fmq: the weight of the greatest payoff seen and of how often it came (Kapetanakis and Kudenko 2002: c)."""
    lenience: float = 1.0
    """lenient: bad news is passed over with probability exp(-1 / (lenience * temperature)) (Wei, Luke 2016: theta)."""
    temperature_diffusion: float = 0.1
    """lenient: the share of the temperature that comes from what is seen next (Wei and Luke 2016: tau)."""
    commitments: int = 64
    """commitment: how many joint actions are drawn and compared, in pairs."""
    commitment_growth: float = 1.0
    """commitment: each round holds its joint actions so many times as long as the round before, 1 to 2."""
    commitment_margin: int = 0
    """commitment: plays at both ends of a hold that are not counted; the agents' clocks may differ by so many."""


POLICIES = ("random", "idle")  # to watch, and to know what is nothing

ALGORITHMS: Mapping[str, str] = {
    "iql": "independent Q-learning: each agent learns its own table as if it were alone (Tan 1993)",
    "hysteretic": "hysteretic Q-learning: independent, but good news is learned faster than bad (Matignon et al. 2007)",
    "distributed": "distributed Q-learning: only good news counts, for games without chance (Lauer, Riedmiller 2000)",
    "fmq": "frequency maximum Q: favours what often gave the greatest payoff (Kapetanakis and Kudenko 2002)",
    "lenient": "lenient Q-learning: bad news is passed over while an action is new (Wei and Luke 2016)",
    "joint-action": "joint-action learners: see all actions and count what the others do (Claus and Boutilier 1998)",
    "commitment": "commitment sequences: actions held and averaged, for one state (Kapetanakis, Kudenko, Strens 2003)",
}


@dataclass(frozen=True)
class Preset:
    """A named configuration: what it is for, its algorithm, and which options differ from the defaults."""

    about: str
    algorithm: str = "hysteretic"
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    episodes: int = 7_000
    claim: str = ""


PRESETS: Mapping[str, Preset] = {
    "default": Preset(
        "a recipe that works on rendezvous: good news is learned faster, exploration ends, endings are masked"
    ),
    "thorough": Preset(
        "for grids of about 8x8: explores longer, and discounts more, so that shorter ways stand out",
        options={
            "learning_rate": 0.1,
            "learning_rate_end": 0.0,
            "hysteresis": 0.2,
            "epsilon": 1.0,
            "epsilon_decay": 0.95,
            "discount": 0.6,
        },
        episodes=10_000,
    ),
    "tutorial": Preset(
        "the classic two-agent tutorial as it stands on the web, flaws included",
        algorithm="iql",
        options={
            "learning_rate": 0.1,
            "learning_rate_end": -1.0,
            "hysteresis": 1.0,
            "epsilon": 0.1,
            "epsilon_end": 0.1,
            "epsilon_decay": 0.0,
            "ties": "first",
            "terminal_mask": False,
        },
        episodes=1_000,
        claim="Agents learned to meet.",
    ),
}


@dataclass(frozen=True)
class DeepOptions:
    """How a team of agents with neural networks learns."""

    discount: float = 0.99
    """The worth of a reward one step later, in [0, 1]."""
    learning_rate: float = 0.0005
    """The step size of Adam."""
    learning_rate_end: float = -1.0
    """The step size that it falls to, linearly over the run; negative: it stays as it is."""
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
    """Q(lambda): how far a reward is traced back, in [0, 1]; 0: by n_step alone."""
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
    recurrent: bool = False
    """Agents remember: a gated recurrent unit of `hidden` units stands before the head."""
    dueling: bool = False
    """The head adds a value and advantages (Wang et al. 2016)."""
    share_parameters: bool = False
    """Agents of one kind have one network in common, which is told which agent it acts for."""
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
    batch: int = 256
    """Items of a gradient step: steps, or sequences where agents remember or rewards are traced back."""
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
    lag: Literal[0, 1] = 0
    """How many visits to the replay acting is behind learning."""


DEEP_ALGORITHMS: Mapping[str, str] = {
    "iql": "independent Q-learning: each agent learns as if it were alone (Tan 1993, with networks: Mnih et al. 2015)",
    "hysteretic": "independent, but good news is learned faster than bad (Matignon 2007; Omidshafiei et al. 2017)",
    "vdn": "value decomposition: the team's value is the sum of its members' (Sunehag et al. 2018)",
    "qmix": "the team's value rises with each member's, mixed by the central state (Rashid et al. 2018)",
    "weighted-qmix": "qmix that counts less what its mixer cannot express (Rashid et al. 2020, optimistic weighting)",
}
MIXED = ("vdn", "qmix", "weighted-qmix")  # algorithms that need a team's reward


@dataclass(frozen=True)
class DeepPreset:
    """A named configuration: what it is for, its algorithm, which options differ, and joint steps a seed."""

    about: str
    algorithm: str = "vdn"
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    steps: int = 200_000


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
        "rare rewards, as in level-based foraging: many updates, five-step returns, larger rewards, one network",
        "vdn",
        {
            "discount": 0.97,
            "n_step": 5,
            "sequence": 8,
            "reward_scale": 20.0,
            "share_parameters": True,
            "learning_rate_end": 0.0,
            "epsilon_decay": 0.25,
            "environments": 32,
            "rows": 8,
            "updates": 8,
            "batch": 64,
            "replay": 400_000,
            "warmup": 5_000,
        },
        2_000_000,
    ),
}
