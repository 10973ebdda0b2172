"""Climbing for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of ClimbingOptions."""

from coterie.envs.matrix import climbing
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import ClimbingOptions

env, raw_env, parallel_env = open_door(climbing, ClimbingOptions)

__all__ = ["env", "parallel_env", "raw_env"]
