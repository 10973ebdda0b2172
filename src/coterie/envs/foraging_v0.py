"""Foraging for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of ForagingOptions."""

from coterie.envs.foraging import foraging
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import ForagingOptions

env, raw_env, parallel_env = open_door(foraging, ForagingOptions)

__all__ = ["env", "parallel_env", "raw_env"]
