"""The stag hunt for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of TwoByTwoOptions."""

from coterie.envs.matrix import stag_hunt
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import TwoByTwoOptions

env, raw_env, parallel_env = open_door(stag_hunt, TwoByTwoOptions)

__all__ = ["env", "parallel_env", "raw_env"]
