"""Recycling robots for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of DecPomdpOptions."""

from functools import partial

from coterie.envs import catalogue
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import DecPomdpOptions

env, raw_env, parallel_env = open_door(partial(catalogue.make, "recycling-robots"), DecPomdpOptions)

__all__ = ["env", "parallel_env", "raw_env"]
