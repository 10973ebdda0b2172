"""`coterie list`: what there is to name."""

from __future__ import annotations

from dataclasses import dataclass

from coterie.cli.options import parse
from coterie.envs.catalogue import ENVIRONMENTS
from coterie.settings import ALGORITHMS, DEEP_ALGORITHMS, DEEP_PRESETS, PRESETS

# One environment of each source that can be named, what the source is, and what must be installed for it.
FROM_ELSEWHERE = {
    "mpe2:simple_spread_v3": "PettingZoo's particle worlds; pip install 'coterie[mpe]'",
    "pettingzoo:sisl/pursuit-v5": "PettingZoo's registry, parallel or in turns; pip install 'pettingzoo[sisl]'",
    "lbforaging:Foraging-8x8-2p-2f-coop-v3": "level-based foraging; pip install 'coterie[foraging]'",
    "rware:rware-tiny-2ag-v2": "warehouses of robots; pip install 'coterie[rware]'",
    "magent2:battle_v4": "many agents on a map; pip install 'coterie[magent]'",
    "jaxmarl:MPE_simple_spread_v3": "JaxMARL, compiled with the learner; pip install 'coterie[jaxmarl]'",
    "jumanji:LevelBasedForaging-v0": "Jumanji, compiled with the learner; pip install 'coterie[jumanji]'",
    "./mine.py:make_env": "a function of your own that returns a PettingZoo environment; the file is run",
    "package.module:make_env": "such a function in an installed module",
}
ELSEWHERE = "environments from elsewhere"
TRAIN_ELSEWHERE = "coterie train mpe2:simple_spread_v3 --algo vdn --reward team-mean"


@dataclass(frozen=True)
class ListOptions:
    """Who reads the output."""

    json: bool = False
    """Print for programs."""


def run(words: list[str]) -> int:
    """Print environments, algorithms and presets."""
    options = parse(ListOptions, words, command="list", about="Environments, algorithms and presets.")
    tables = {
        "environments": {name: entry.about for name, entry in ENVIRONMENTS.items()},
        ELSEWHERE: dict(FROM_ELSEWHERE),
        "algorithms": dict(ALGORITHMS),
        "presets": {name: preset.about for name, preset in PRESETS.items()},
        "deep algorithms": dict(DEEP_ALGORITHMS),
        "deep presets": {name: preset.about for name, preset in DEEP_PRESETS.items()},
    }
    if options.json:
        import json

        print(json.dumps(tables, indent=2))
        return 0
    wide = max(len(name) for heading, names in tables.items() if heading != ELSEWHERE for name in names)
    groups = dict.fromkeys(entry.group for entry in ENVIRONMENTS.values())
    for group in groups:
        _show(
            f"environments: {group}",
            {name: one.about for name, one in ENVIRONMENTS.items() if one.group == group},
            wide,
        )
    heading = f"{ELSEWHERE}, in which networks learn, for example: {TRAIN_ELSEWHERE}"
    _show(heading, tables[ELSEWHERE], max(map(len, tables[ELSEWHERE])))
    _show("algorithms", tables["algorithms"], wide)
    _show("presets", tables["presets"], wide)
    _show("algorithms with neural networks (--deep)", tables["deep algorithms"], wide)
    _show("presets with neural networks", tables["deep presets"], wide)
    print("\nNext: coterie train rendezvous   or   coterie train rendezvous --help")
    return 0


def _show(heading: str, rows: dict[str, str], wide: int) -> None:
    print(f"\n{heading}")
    for name, about in rows.items():
        print(f"  {name:<{wide}} {about}")
