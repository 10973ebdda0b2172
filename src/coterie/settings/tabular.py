"""Options, algorithms and presets of learners with tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


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
    "self-play": Preset(
        "for games against each other that end, such as tic-tac-toe: independent learners who try everything for long",
        algorithm="iql",
        options={
            "learning_rate": 0.4,
            "learning_rate_end": -1.0,
            "hysteresis": 1.0,
            "epsilon": 1.0,
            "epsilon_end": 0.1,
            "epsilon_decay": 0.9,
            "discount": 1.0,
        },
        episodes=100_000,
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
