"""Names and sizes of level-based foraging, read and checked without JAX.

A name says how large a field is: `foraging-8x8-2p-2f-coop` has 8 rows, 8 columns, 2 agents and 2 foods, which must be
loaded together; in `foraging-2s-8x8-2p-2f-coop` agents see 2 cells far. The names of lbforaging's own catalogue, with a
capital and `-v3`, are understood, too.
"""

from __future__ import annotations

import re

from coterie.errors import BadInput
from coterie.settings import ForagingOptions

NAME = re.compile(
    r"foraging(?:-(\d{1,6})s)?-(\d{1,6})x(\d{1,6})-(\d{1,6})p-(\d{1,6})f(-coop)?(?:[-_]v3)?", re.IGNORECASE | re.ASCII
)
LIKE_OURS = re.compile(r"fora?g|^lbf", re.IGNORECASE)  # what somebody may write who means foraging
FORM = "foraging-ROWSxCOLUMNS-AGENTSp-FOODSf, then -coop where food must be loaded together"
MOST_ROWS = 50
MOST_AGENTS = 20
MOST_FOODS = 20
HIGHEST_LEVEL = 100
HELPERS = 3  # a food is as heavy as this many of the weakest agents at most, where no other weight is asked for


def read_name(name: str) -> ForagingOptions | None:
    """The options that a name stands for; None where it is no name of foraging.

    >>> read_name("foraging-2s-8x10-3p-4f-coop")
    ForagingOptions(rows=8, columns=10, agents=3, foods=4, coop=True, sight=2, ...)
    >>> read_name("foraging-8x8-2p") is None
    True
    """
    found = NAME.fullmatch(name)
    if found is None:
        return None
    sight, rows, columns, agents, foods = (int(number or 0) for number in found.groups()[:5])
    return ForagingOptions(rows, columns, agents, foods, coop=found[6] is not None, sight=sight)


def write_name(options: ForagingOptions) -> str:
    """The name of a field's size.

    >>> write_name(ForagingOptions(coop=True, sight=2))
    'foraging-2s-8x8-2p-2f-coop'
    """
    sight = f"-{options.sight}s" if options.sight else ""
    size = f"{options.rows}x{options.columns}-{options.agents}p-{options.foods}f"
    return f"foraging{sight}-{size}{'-coop' if options.coop else ''}"


def near_miss(name: str) -> str:
    """What to write instead of a name that means foraging and is not written so; empty where it means no such thing.

    >>> near_miss("lbf-8x8-2p-2f_coop")
    "; did you mean 'foraging-8x8-2p-2f-coop'? ..."
    >>> near_miss("chess")
    ''
    """
    if not LIKE_OURS.search(name):
        return ""

    def number(pattern: str, usual: int) -> int:
        found = re.search(pattern, name, re.ASCII)
        return int(found[1]) if found else usual

    plain = ForagingOptions()
    rows = number(r"(\d{1,6})x", number(r"[x-](\d{1,6})(?=-|$)", plain.rows))
    meant = ForagingOptions(
        rows,
        columns=number(r"x(\d{1,6})", rows),
        agents=number(r"(\d{1,6})p", plain.agents),
        foods=number(r"(\d{1,6})f", plain.foods),
        sight=number(r"-(\d{1,6})s", plain.sight),
        coop="coop" in name.lower() or not re.search(r"\d", name),
    )
    older = re.search(r"[-_]v([0-24-9])$", name)
    which = f" (the rules are those of v3, where agents have levels 1 and 2, not of v{older[1]})" if older else ""
    return f"; did you mean '{write_name(meant)}'? Such names are {FORM}{which}"


def check_options(options: ForagingOptions) -> None:
    """Raises BadInput where such a field cannot be foraged."""
    for flag, value in (("rows", options.rows), ("columns", options.columns)):
        if not 3 <= value <= MOST_ROWS:
            raise BadInput(f"--env.{flag} {value}: a field has 3 to {MOST_ROWS} rows and columns")
    if not 1 <= options.agents <= MOST_AGENTS:
        raise BadInput(f"--env.agents {options.agents}: 1 to {MOST_AGENTS} agents can forage")
    if options.agents >= options.rows * options.columns:
        raise BadInput(
            f"--env.agents {options.agents}: {options.rows} x {options.columns} cells leave no room for food"
        )
    if not 1 <= options.foods <= MOST_FOODS:
        raise BadInput(f"--env.foods {options.foods}: a field has 1 to {MOST_FOODS} foods")
    if options.sight < 0:
        raise BadInput(f"--env.sight {options.sight}: 0 sees the whole field, a positive number so many cells far")
    if options.horizon < 1:
        raise BadInput(f"--env.horizon {options.horizon}: an episode needs at least 1 step")
    if options.penalty < 0:
        raise BadInput(f"--env.penalty {options.penalty:g}: it is taken from the reward, so it is not negative")
    lowest, highest = options.min_player_level, options.max_player_level
    if not 1 <= lowest <= highest <= HIGHEST_LEVEL:
        raise BadInput(
            f"--env.min-player-level {lowest} --env.max-player-level {highest}: expected 1 or more, up to "
            f"{HIGHEST_LEVEL}, the lower one first"
        )
    light, heavy = options.min_food_level, options.max_food_level
    if light < 1 or not 0 <= heavy <= HIGHEST_LEVEL:
        raise BadInput(
            f"--env.min-food-level {light} --env.max-food-level {heavy}: expected 1 or more, up to {HIGHEST_LEVEL} "
            "(a highest level of 0: as much as agents together)"
        )
    together = heavy or min(HELPERS, options.agents) * lowest  # the least that the highest level can be
    if light > together and not options.coop:
        raise BadInput(
            f"--env.min-food-level {light}: the highest level of a food can be {together}, so at most that is possible"
        )
