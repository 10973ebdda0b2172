"""Dec-POMDPs in the `.dpomdp` format of the MADP toolbox: text in, a finite game out.

The format (Oliehoek and Spaan; after Cassandra's for POMDPs): seven declarations, then `T:`, `O:` and `R:` lines, of
which later ones overwrite earlier ones. `#` begins a comment. Numbers count from 0; `*` stands for all.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from coterie.envs.dpomdp_tables import Problem, finite_game
from coterie.envs.payoff_files import GREATEST
from coterie.envs.payoffs import check_horizon
from coterie.errors import BadInput, nearest
from coterie.finite.game import FiniteGame

NUMBERS_CAP = 20_000_000  # in one of the three tables
SAME_CHANCE = 1e-3  # published files round
DECLARED = ("agents", "discount", "values", "states", "start", "actions", "observations")
STATEMENT = re.compile(r"\s*([A-Za-z]+)(?:\s+(include|exclude))?\s*:(.*)\Z")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
NAME = re.compile(r"[A-Za-z_][\w.-]*\Z")
RESERVED = ("uniform", "identity", "reset", "include", "exclude")
AXES: dict[str, tuple[str, ...]] = {
    "T": ("action", "state", "state"),
    "O": ("action", "state", "observation"),
    "R": ("action", "state", "state", "observation"),
}


class Statement(NamedTuple):
    """A declaration or entry: its line, its word, what stands behind the colon, and the lines below as words."""

    line: int
    word: str
    only: str
    rest: str
    below: list[tuple[int, list[str]]]


class Declared(NamedTuple):
    """What the declarations say: the name for errors, names of states, and of each agent's actions and observations."""

    where: str
    states: tuple[str, ...]
    actions: tuple[tuple[str, ...], ...]
    observations: tuple[tuple[str, ...], ...]


def read_dpomdp(text: str, name: str, horizon: int, *, where: str = "", success_word: str = "score") -> FiniteGame:
    """The finite game of a `.dpomdp` text.

    A state of the game is the world's state and what each agent has just observed (0: nothing yet), so observations are
    numbers from 0, int32[1]. Every edge carries R(s, a, s', o), the same to all agents. Success is a step that earns
    the greatest reward there is (the format has no aim; where all rewards are equal nothing is a success). The time
    limit is `horizon`; nothing ever truly ends. Left out: the file's discount, which is the learner's own option.
    Raises BadInput with the line and the cause; `where` names the text in errors.
    """
    check_horizon(horizon)
    return finite_game(read_problem(text, where or name), name, horizon, success_word)


def read_problem(text: str, where: str) -> Problem:
    """The tables of a `.dpomdp` text; raises BadInput with the line and the cause."""
    said, entries, last = _statements(text, where)
    missing = [word for word in DECLARED if word not in said]
    if missing:
        raise _bad(where, last, f"the text ends without '{missing[0]}:'; a problem declares {', '.join(DECLARED)}")
    states = _names(where, said["states"].line, _words(said["states"]), "state")
    agents = _agents(where, said["agents"])
    known = Declared(
        where, states, _per_agent(where, said["actions"], agents), _per_agent(where, said["observations"], agents)
    )
    discount = _number(where, said["discount"].line, " ".join(_words(said["discount"])))
    if not 0 <= discount <= 1:
        raise _bad(where, said["discount"].line, f"the discount is a number from 0 to 1, found {discount:g}")
    values = " ".join(_words(said["values"]))
    if values not in ("reward", "cost"):
        raise _bad(where, said["values"].line, f"'values' is reward or cost, found '{values}'")
    transition, observation, reward = _tables(known, entries, last)
    start = _start(known, said["start"])
    return Problem(
        states,
        known.actions,
        known.observations,
        start,
        transition,
        observation,
        -reward if values == "cost" else reward,
    )


def _bad(where: str, line: int, message: str) -> BadInput:
    return BadInput(f"{where}, line {line}: {message}")


def _statements(text: str, where: str) -> tuple[dict[str, Statement], list[Statement], int]:
    """The declarations by word, the T, O and R entries in order, and the number of the last line."""
    said: dict[str, Statement] = {}
    entries: list[Statement] = []
    current: Statement | None = None
    line = 1
    for line, raw in enumerate(text.splitlines(), 1):
        content = raw.partition("#")[0].rstrip()
        if not content.strip():
            continue
        found = STATEMENT.match(content)
        if not found:
            if ":" in content or current is None:
                raise _bad(where, line, f"expected a word and a colon, like 'states:', found '{content.strip()[:40]}'")
            current.below.append((line, content.split()))
            continue
        word, only, rest = found.groups()
        if word not in (*DECLARED, *AXES) or (only and word != "start"):
            raise _bad(where, line, f"there is no '{word}:' here{nearest(word, (*DECLARED, *AXES))}")
        if word in said:
            raise _bad(where, line, f"'{word}:' stands in line {said[word].line} already")
        current = Statement(line, word, only or "", rest, [])
        if word in AXES:
            entries.append(current)
        else:
            said[word] = current
    return said, entries, line


def _words(statement: Statement) -> list[str]:
    return statement.rest.split() + [word for _, words in statement.below for word in words]


def _number(where: str, line: int, word: str) -> float:
    if not NUMBER.match(word) or not math.isfinite(float(word)):
        raise _bad(where, line, f"expected a number, found '{word}'")
    return float(word)


def _names(where: str, line: int, words: list[str], what: str) -> tuple[str, ...]:
    """A list of names, or a count: then the names are the numbers."""
    if len(words) == 1 and words[0].isdecimal():
        if not 1 <= int(words[0][:9]) <= 100_000:
            raise _bad(where, line, f"{words[0]} {what}s: from 1 to 100,000 are possible")
        return tuple(map(str, range(int(words[0]))))
    for word in words:
        if not NAME.match(word) or word in RESERVED:
            raise _bad(where, line, f"'{word}' is no name of a {what}: names begin with a letter")
    if not words or len(set(words)) < len(words):
        raise _bad(where, line, f"expected {what} names, each once, or how many there are; found '{' '.join(words)}'")
    return tuple(words)


def _agents(where: str, statement: Statement) -> int:
    count = len(_names(where, statement.line, _words(statement), "agent"))
    if count > 10:
        raise _bad(where, statement.line, f"{count} agents are more than 10")
    return count


def _per_agent(where: str, statement: Statement, agents: int) -> tuple[tuple[str, ...], ...]:
    lines = [(statement.line, statement.rest.split())] if statement.rest.strip() else []
    lines += statement.below
    if len(lines) != agents:
        raise _bad(
            where, statement.line, f"'{statement.word}:' needs a line for each of {agents} agents, found {len(lines)}"
        )
    return tuple(_names(where, line, words, statement.word.removesuffix("s")) for line, words in lines)


def _start(known: Declared, statement: Statement) -> np.ndarray:
    """The chances of the first state, float64[S]."""
    words, count, line = _words(statement), len(known.states), statement.line
    if count == len(words) == 1 and NUMBER.match(words[0]) and float(words[0]) == 1:
        return np.ones(1)  # the chance of the only state
    chosen = np.zeros(count)
    if statement.only or len(words) != count or count == 1:
        if words == ["uniform"]:
            return np.full(count, 1 / count)
        if not statement.only and len(words) != 1:
            raise _bad(
                known.where, line, f"'start:' needs {count} chances, one state or uniform, found {len(words)} words"
            )
        for word in words:
            chosen[_one(known, line, word, known.states, "state")] = 1
        chosen = 1 - chosen if statement.only == "exclude" else chosen
        if not chosen.any():
            raise _bad(known.where, line, f"'start {statement.only}:' leaves no state to start in")
        return chosen / chosen.sum()
    chances = np.array([_number(known.where, line, word) for word in words])
    if (chances < 0).any() or abs(chances.sum() - 1) > SAME_CHANCE:
        raise _bad(known.where, line, f"the chances of the start are at least 0 and add up to 1, not {chances.sum():g}")
    return chances / chances.sum()


def _one(known: Declared, line: int, word: str, names: tuple[str, ...], what: str) -> int:
    """The index that a name or a number means."""
    if word in names:
        return names.index(word)
    if word.isdecimal() and int(word[:9]) < len(names):
        return int(word)
    if word.isdecimal():
        raise _bad(known.where, line, f"there is no {what} {word}; they are numbered from 0 to {len(names) - 1}")
    raise _bad(known.where, line, f"there is no {what} '{word}'{nearest(word, names)}")


def _indices(known: Declared, line: int, words: list[str], axis: str) -> np.ndarray:
    """The states, joint actions or joint observations that the words between two colons mean."""
    if words == ["*"]:
        return np.arange(_size(known, axis))
    if axis == "state":
        if len(words) != 1:
            raise _bad(known.where, line, f"expected one state, found '{' '.join(words)}'")
        return np.array([_one(known, line, words[0], known.states, "state")])
    each = known.actions if axis == "action" else known.observations
    if len(words) == 1 and words[0].isdecimal():
        if int(words[0][:9]) >= _size(known, axis):
            raise _bad(
                known.where, line, f"joint {axis}s are numbered from 0 to {_size(known, axis) - 1}, not {words[0]}"
            )
        return np.array([int(words[0])])
    if len(words) != len(each):
        raise _bad(known.where, line, f"expected one {axis} an agent, {len(each)} words, found '{' '.join(words)}'")
    own = [
        np.arange(len(names)) if word == "*" else np.array([_one(known, line, word, names, f"{axis} of agent {agent}")])
        for agent, (word, names) in enumerate(zip(words, each, strict=True))
    ]
    return np.ravel_multi_index(np.ix_(*own), tuple(map(len, each))).reshape(-1)


def _size(known: Declared, axis: str) -> int:
    if axis == "state":
        return len(known.states)
    return math.prod(map(len, known.actions if axis == "action" else known.observations))


def _tables(known: Declared, entries: list[Statement], last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T float64[J, S, S], O float64[J, S, Z] and R float64[J, S, S or 1, Z or 1] with chances that add up to 1."""
    split = [(entry, *_fields(known.where, entry)) for entry in entries]
    free = [
        any(entry.word == "R" and (len(fields) <= axis or fields[axis] != ["*"]) for entry, fields, _ in split)
        for axis in (2, 3)
    ]
    shapes = {word: [_size(known, axis) for axis in axes] for word, axes in AXES.items()}
    shapes["R"] = [*shapes["R"][:2], *(size if vary else 1 for size, vary in zip(shapes["R"][2:], free, strict=True))]
    for word, shape in shapes.items():
        if math.prod(shape) > NUMBERS_CAP:
            raise _bad(
                known.where, last, f"the table {word} has {math.prod(shape):,} numbers, {NUMBERS_CAP:,} are the limit"
            )
    tables = {word: np.zeros(shape) for word, shape in shapes.items()}
    lines = {word: np.zeros(shape[:2], np.int64) for word, shape in shapes.items()}
    for entry, fields, values in split:
        table = tables[entry.word]
        chosen = [
            _indices(known, entry.line, words, axis) for words, axis in zip(fields, AXES[entry.word], strict=False)
        ]
        if entry.word == "R":
            chosen = [index if table.shape[axis] > 1 else index[:1] for axis, index in enumerate(chosen)]
        left = table.shape[len(chosen) :]
        place = np.ix_(*chosen, *map(np.arange, left))
        table[place] = _values(known, entry, values, left).reshape((1,) * len(chosen) + left)
        lines[entry.word][np.ix_(*chosen[:2], *map(np.arange, lines[entry.word].shape[len(chosen) :]))] = entry.line
    happens = np.any(tables["T"], axis=1)  # [J, S]: an observation is needed where this state can be arrived in
    for word, needed in (("T", np.ones_like(happens)), ("O", happens)):
        _check_chances(known, word, tables[word], lines[word], needed, last)
        sums = tables[word].sum(-1, keepdims=True)
        tables[word] = np.divide(tables[word], sums, out=np.zeros_like(tables[word]), where=sums > 0)
    return tables["T"], tables["O"], tables["R"]


def _fields(where: str, entry: Statement) -> tuple[list[list[str]], list[str]]:
    """What stands between the colons, and the numbers behind them."""
    fields = [part.split() for part in entry.rest.split(":")]
    if entry.below:
        values = [word for _, words in entry.below for word in words]
        fields = fields[:-1] if not fields[-1] else fields
    else:
        values = fields.pop()
    least, most = (2 if entry.word == "R" else 1), len(AXES[entry.word])
    if not values:
        raise _bad(where, entry.line, f"'{entry.word}:' ends without a number, uniform or identity")
    if not least <= len(fields) <= most or not all(fields):
        axes = " : ".join(AXES[entry.word])
        raise _bad(
            where, entry.line, f"'{entry.word}:' has {len(fields)} parts before its numbers, expected {axes} : number"
        )
    return fields, values


def _values(known: Declared, entry: Statement, words: list[str], left: tuple[int, ...]) -> np.ndarray:
    """The numbers of an entry, as many as its open axes hold."""
    if words == ["uniform"] and left and entry.word != "R":
        return np.full(left, 1 / left[-1])
    if words == ["identity"] and len(left) == 2 and entry.word == "T":
        return np.eye(left[0])
    wanted = math.prod(left)
    if len(words) != wanted:
        raise _bad(known.where, entry.line, f"expected {wanted} number{'s' * (wanted > 1)}, found {len(words)} words")
    numbers = np.array([_number(known.where, entry.line, word) for word in words])
    if entry.word == "R" and (np.abs(numbers) > GREATEST).any():
        raise _bad(known.where, entry.line, f"rewards go up to {GREATEST:,.0f}, found {np.abs(numbers).max():g}")
    if entry.word != "R" and ((numbers < 0) | (numbers > 1)).any():
        raise _bad(
            known.where,
            entry.line,
            f"a chance lies between 0 and 1, found {numbers[(numbers < 0) | (numbers > 1)][0]:g}",
        )
    return numbers


def _check_chances(
    known: Declared, word: str, table: np.ndarray, lines: np.ndarray, needed: np.ndarray, last: int
) -> None:
    off = needed & (np.abs(table.sum(-1) - 1) > SAME_CHANCE)
    if not off.any():
        return
    joint, state = (int(one[0]) for one in np.nonzero(off))
    own = np.unravel_index(joint, tuple(map(len, known.actions)))
    action = " ".join(names[index] for names, index in zip(known.actions, own, strict=True))
    what = "next state from" if word == "T" else "observations in"
    raise _bad(
        known.where,
        int(lines[joint, state]) or last,
        f"the chances of the {what} {known.states[state]} under {action} add up to {table[joint, state].sum():g}, "
        "not 1",
    )
