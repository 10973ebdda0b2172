"""PettingZoo, both ways: environments of PettingZoo's users here, and ours there.

Importing this package writes our environments into PettingZoo's registry (names only, nothing is built):

>>> import pettingzoo
>>> import coterie.pettingzoo
>>> pettingzoo.make("parallel", "coterie/rendezvous-v0", size=4).possible_agents
['agent_0', 'agent_1']
"""

from pettingzoo import aec_registry, parallel_registry, register

EXPORTED = (
    "rendezvous",
    "climbing",
    "penalty",
    "conventions",
    "stag-hunt",
    "prisoners-dilemma",
    "chicken",
    "matching-pennies",
    "dec-tiger",
    "recycling-robots",
    "grid-small",
)


def register_ours() -> None:
    """Write `coterie/…-v0` into both registries, once."""
    for name in EXPORTED:
        identity = f"coterie/{name}-v0"
        if identity not in aec_registry:
            register("aec", identity, f"coterie.envs.{name.replace('-', '_')}_v0:env")
        if identity not in parallel_registry:
            register("parallel", identity, f"coterie.envs.{name.replace('-', '_')}_v0:parallel_env")


register_ours()
