"""From a deep run's folder to a team that acts: who played each kind there, and with which parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import msgspec

from coterie.algorithms.families import partitioned
from coterie.algorithms.side_by_side import columns, part
from coterie.errors import BadInput, StorageFault
from coterie.networks.agent import Network
from coterie.pettingzoo.reading.layouts import Layout
from coterie.running.checkpoint import load_checkpoint
from coterie.running.deep.own_parts import Change, made_of, must_be_given
from coterie.running.deep.rivals import Rival, shapes_of
from coterie.running.deep.saving import from_named
from coterie.running.deep.team import DeepTeam, Player
from coterie.settings import DEEP_ALGORITHMS, DeepOptions, options_of_algorithm
from coterie.types import Spec, Team
from coterie.yours import names_function

FAR = 1_000_000  # between the numbers of two teams' networks


class Saved(msgspec.Struct):
    """What a checkpoint says of its teams.

    options: those of the first that learns; others: by name those of algorithms beside it. idle: each agent's action
    where it does nothing.
    """

    spec: Spec
    options: DeepOptions
    lanes: list[list[int]]
    best_seed: Annotated[int, msgspec.Meta(ge=0)]
    changed: str
    settings: dict[str, Any]
    layouts: list[Layout] = []
    teams: list[Team] = []
    rivals: dict[str, Rival] = {}
    idle: list[int] = []
    others: dict[str, DeepOptions] = {}

    @property
    def seeds(self) -> list[int]:
        """All seeds, lane by lane."""
        return [seed for lane in self.lanes for seed in lane]


class Piece(NamedTuple):
    """The agents of one team: their own spec, and who plays each of its kinds."""

    spec: Spec
    players: tuple[Player, ...]


Read = Callable[[Spec, tuple[Network, ...], str], tuple[Any, ...]]  # parameters by kind, by what their names begin with


def load_deep(folder: Path, seed: int | None = None, parts: Change | None = None) -> DeepTeam:
    """The team of one seed of a deep run (the best by its checks where none is named).

    parts: what the run was trained with, where it was given parts of the user's own: (Parts, Spec) -> Parts.
    """
    arrays, facts = load_checkpoint(folder, ("policy",))
    try:
        saved = msgspec.convert(dict(facts), Saved)
        chosen, algorithm = saved.seeds[saved.best_seed] if seed is None else seed, str(saved.settings["algorithm"])
    except (KeyError, IndexError, msgspec.ValidationError) as error:
        raise StorageFault(f"{folder} does not hold a deep team: {error!r}") from error
    if chosen not in saved.seeds:
        raise BadInput(f"seed {chosen}: the run has seeds {saved.seeds[0]} to {saved.seeds[-1]}")
    must_be_given(folder.name, saved.changed, parts)
    read = reader(arrays["policy"], saved, chosen)
    if saved.teams:
        return joined(saved, [piece_of(saved, number, read) for number in range(len(saved.teams))], chosen)
    networks = made_of(algorithm, saved.options, saved.spec, parts).networks
    own = read(saved.spec, networks, "own.agents." if saved.options.self_play else "agents.")
    options = None if parts else saved.options
    players = [Player(network, one, options, algorithm=algorithm) for network, one in zip(networks, own, strict=True)]
    return DeepTeam(saved.spec, players, chosen, saved.layouts)


def reader(policy: Mapping[str, Any], saved: Saved, seed: int) -> Read:
    """What reads a seed's parameters from the arrays of its lane."""
    place, lane = next((place, lane) for place, lane in enumerate(saved.lanes) if seed in lane)

    def read(spec: Spec, networks: tuple[Network, ...], prefix: str) -> tuple[Any, ...]:
        shapes = shapes_of(spec, networks)
        like = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(lane), *leaf.shape), leaf.dtype), shapes)
        return jax.tree.map(lambda leaf: leaf[lane.index(seed)], from_named(like, policy, f"lane{place}.{prefix}"))

    return read


def piece_of(saved: Saved, number: int, read: Read) -> Piece:
    """Who played a team."""
    team = saved.teams[number]
    own, members = part(saved.spec, team.members), sorted(team.members)
    if team.player in DEEP_ALGORITHMS:
        options = saved.others.get(team.player) or options_of_algorithm(team.player, saved.options)
        own = partitioned(own, options)
        networks = made_of(team.player, options, own, None).networks
        pairs = zip(networks, read(own, networks, f"{number}.agents."), strict=True)
        return Piece(own, tuple(Player(*one, options, algorithm=team.player) for one in pairs))
    if team.name in saved.rivals:
        rival = saved.rivals[team.name]
        names = rival.algorithms or ("",) * len(rival.options)
        kept = zip(rival.networks, read(rival.spec, rival.networks, f"{number}."), rival.options, names, strict=True)
        return Piece(rival.spec, tuple(Player(*one[:3], algorithm=one[3]) for one in kept))
    if team.player == "idle":
        still = saved.idle or [0] * len(saved.spec.agents)
        return Piece(own, tuple(Player(idle=tuple(still[members[n]] for n in kind.agents)) for kind in own.kinds))
    return Piece(own, (Player(rule=team.player if names_function(team.player) else ""),) * len(own.kinds))


def joined(saved: Saved, pieces: list[Piece], seed: int) -> DeepTeam:
    """The teams as one, each kind of each team a kind of its own."""
    kinds, layouts, numbers = [], [], list(saved.spec.parameters)
    for number, (team, piece) in enumerate(zip(saved.teams, pieces, strict=True)):
        members = sorted(team.members)
        for agent, group in zip(members, piece.spec.parameters, strict=True):
            numbers[agent] = (number + 1) * FAR + group
        for kind in piece.spec.kinds:
            kinds.append(dataclasses.replace(kind, agents=tuple(members[agent] for agent in kind.agents)))
        layouts += [saved.layouts[k] for k in columns(saved.spec, members).kinds] if saved.layouts else []
    divided = dataclasses.replace(saved.spec, kinds=tuple(kinds), parameters=tuple(numbers))
    return DeepTeam(divided, [player for piece in pieces for player in piece.players], seed, layouts)
