"""`coterie list`: what there is to name."""

from __future__ import annotations

from dataclasses import dataclass

from coterie.cli.options import parse
from coterie.envs.catalogue import ENVIRONMENTS
from coterie.settings import ALGORITHMS, DEEP_ALGORITHMS, DEEP_PRESETS, PRESETS


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
        "algorithms": dict(ALGORITHMS),
        "presets": {name: preset.about for name, preset in PRESETS.items()},
        "deep algorithms": dict(DEEP_ALGORITHMS),
        "deep presets": {name: preset.about for name, preset in DEEP_PRESETS.items()},
    }
    if options.json:
        import json

        print(json.dumps(tables, indent=2))
        return 0
    wide = max(len(name) for names in tables.values() for name in names)
    groups = dict.fromkeys(entry.group for entry in ENVIRONMENTS.values())
    for group in groups:
        _show(
            f"environments: {group}",
            {name: one.about for name, one in ENVIRONMENTS.items() if one.group == group},
            wide,
        )
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
