"""Options of our environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
