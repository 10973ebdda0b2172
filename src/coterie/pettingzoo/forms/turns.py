"""PettingZoo's AEC API, driven raw: one agent decides at a time, and is paid until its own next turn.

`last()` tells an agent at its turn what it earned since its last decision. The dead take one `step(None)` turn, whose
reward and observation close their last decision; those turns are taken here, so that the runner sees only decisions.
The runner completes a decision at the same agent's next turn, with the rewards that stand between.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from pettingzoo import AECEnv

from coterie.errors import EnvironmentFault
from coterie.pettingzoo.driving.board import Board, Glance
from coterie.pettingzoo.driving.drive import Drive
from coterie.pettingzoo.forms.parallel import USUAL, Reads, Success, read_each, write, write_whole
from coterie.pettingzoo.reading.agents import Reading, Seats
from coterie.pettingzoo.reading.checks import alive_again, paid, unseen
from coterie.pettingzoo.reading.layouts import label


class OneInTurns:
    """One AECEnv: the agent that `agent_selection` names moves, the others wait."""

    def __init__(self, environment: AECEnv, reading: Reading, success: Success | None = None) -> None:
        self.environment, self.reading, self.success = environment, reading, success
        self.seats = Seats(reading, environment)
        self.gone: set[Hashable] = set()
        self.there: set[Hashable] = set()

    def reset(self, seed: int, glance: Glance) -> None:
        """Begin an episode that is a function of this seed."""
        self.environment.reset(seed=seed)
        self.gone.clear()
        self.there.clear()
        self.seats.begin()
        self.write(glance)

    def step(self, actions: Sequence[Any], glance: Glance) -> None:
        """The selected agent's action; the others' entries are ignored."""
        number = self.seats.number(self.environment.agent_selection)
        self.seats.leave(self.gone)
        self.environment.step(self.reading.decoders[number](actions[number]))
        self.write(glance)

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()

    def write(self, glance: Glance) -> None:
        """Take the turns of the dead, up to the next agent that decides; write what each of them is told."""
        environment, reading, seats, infos = self.environment, self.reading, self.seats, {}
        while environment.agents:
            name = environment.agent_selection
            number = seats.number(name)
            observation, reward, terminated, truncated, info = environment.last()
            infos[name] = info or {}
            if name in self.gone:
                raise alive_again(name)
            if observation is None and not terminated:
                raise unseen(name)
            if observation is not None:
                write(seats, glance, number, observation, infos[name])
            glance.reward[number] += paid(name, reward)
            if not (terminated or truncated):
                glance.to_move[number] = True
                break
            glance.terminated[number], glance.truncated[number] = bool(terminated), bool(truncated)
            self.gone.add(name)
            environment.step(None)
        here = set(environment.agents)
        if vanished := self.there - here - self.gone:
            raise EnvironmentFault(
                f"agent '{min(map(label, vanished))}' vanished, neither terminated nor truncated in a last turn of its "
                "own: who has ended stays in `agents` until its step(None), where its last reward is told"
            )
        self.there = here
        for name in environment.agents:
            glance.alive[seats.number(name)] = name not in self.gone
        write_whole(glance, reading, environment, self.success, infos)


def turns(environments: Sequence[AECEnv], reads: Reads = USUAL, board: Board | None = None, first: int = 0) -> Drive:
    """Drive E equal AECEnv objects; without a team every agent is a team of its own, for most such games are contests.

    A joint step is one decision of one agent in every environment. The rest is as in `parallel`.
    """
    readings = read_each(environments, reads, turns=True)
    ones = [OneInTurns(one, reading, reads.success) for one, reading in zip(environments, readings, strict=True)]
    return Drive(ones, board, first)
