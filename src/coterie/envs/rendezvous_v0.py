"""Rendezvous for PettingZoo: `env`, `raw_env`, `parallel_env`; keywords are the fields of RendezvousOptions."""

from coterie.envs.rendezvous import rendezvous
from coterie.pettingzoo.ours.doors import open_door
from coterie.settings import RendezvousOptions

env, raw_env, parallel_env = open_door(rendezvous, RendezvousOptions)

__all__ = ["env", "parallel_env", "raw_env"]
