"""Equal conventions for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of ConventionsOptions."""

from coterie.envs.matrix import conventions
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import ConventionsOptions

env, raw_env, parallel_env = open_door(conventions, ConventionsOptions)

__all__ = ["env", "parallel_env", "raw_env"]
