"""The penalty game for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of PenaltyOptions."""

from coterie.envs.matrix import penalty
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import PenaltyOptions

env, raw_env, parallel_env = open_door(penalty, PenaltyOptions)

__all__ = ["env", "parallel_env", "raw_env"]
