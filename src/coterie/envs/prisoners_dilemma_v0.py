"""Prisoner's dilemma for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of TwoByTwoOptions."""

from coterie.envs.matrix import prisoners_dilemma
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import TwoByTwoOptions

env, raw_env, parallel_env = open_door(prisoners_dilemma, TwoByTwoOptions)

__all__ = ["env", "parallel_env", "raw_env"]
