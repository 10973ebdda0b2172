"""Imports point one way: a learner never sees an environment, and only the command prints."""

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "coterie"

BASE = "errors types partitions settings"
LEARNERS = "tabular algorithms equations networks replay"
UP_TO_DOORS = f"{BASE} yours statistics finite {LEARNERS} envs pettingzoo"

# What each part may import, besides itself. A module belongs to the part with the longest matching name; a dotted
# entry opens only that module. "doors" are the thin files coterie/envs/*_v0.py. "top" is coterie/__init__.py.
LAYERS = {
    "errors": "",
    "types": "errors",
    "partitions": "types",
    "settings": "errors",
    "yours": "errors",
    "statistics": "errors",
    "lesson": "",
    "finite": BASE,
    "equations": BASE,
    "tabular": f"{BASE} finite",
    "networks": f"{BASE} equations",
    "replay": f"{BASE} equations",
    "algorithms": f"{BASE} equations networks replay",
    "envs": f"{BASE} finite",
    "pettingzoo": f"{BASE} yours finite envs.protocol envs.boards envs.sources",
    "doors": f"{BASE} finite envs pettingzoo",
    "running": f"{UP_TO_DOORS} doors",
    "diagnosis": f"{UP_TO_DOORS} doors running",
    "showing": f"{UP_TO_DOORS} doors running diagnosis",
    "workflow": f"{UP_TO_DOORS} doors running diagnosis showing",
    "cli": f"{UP_TO_DOORS} doors running diagnosis showing workflow lesson top",
    "__main__": "cli errors",
    "top": f"{UP_TO_DOORS} doors running diagnosis showing workflow cli lesson",
}
DOORS = "envs.*_v0"
LIGHT = {"errors", "types", "settings", "yours"}  # imported by --help, which must be instant
HEAVY = {"jax", "jaxlib", "numba"}
STANDARD_LIBRARY_ONLY = {"lesson"}
MAY_PRINT = {"cli", "lesson"}


def part_of(module: str) -> str | None:
    """The part that a module, named without `coterie.`, belongs to; None where the table does not know it."""
    if module == "":
        return "top"
    if fnmatch(module, DOORS):
        return "doors"
    known = [part for part in LAYERS if module == part or module.startswith(part + ".")]
    return max(known, key=len, default=None)


def imported(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    """Every module that a tree imports, anywhere in it, as (line, absolute name)."""
    package = ["coterie", *module.split(".")] if module else ["coterie"]
    if not is_package:
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                # `from coterie import envs` imports a part; `from coterie.types import View` imports a name.
                whole = f"{name}.{alias.name}"
                yield node.lineno, whole if is_module(whole) else name
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value


def is_module(name: str) -> bool:
    """Whether a dotted name is a module of coterie, by the table or by the files that exist."""
    if not name.startswith("coterie."):
        return False
    inner = name.removeprefix("coterie.")
    path = SOURCE.joinpath(*inner.split("."))
    named = {*LAYERS, *" ".join(LAYERS.values()).split()}
    return inner in named or fnmatch(inner, DOORS) or path.with_suffix(".py").exists() or path.is_dir()


def faults(text: str, module: str, is_package: bool = False) -> list[str]:
    """What is wrong with the imports and the printing of one file, a sentence each."""
    part = part_of(module)
    if part is None:
        return [f"coterie.{module} belongs to no part: name it in LAYERS"]
    tree = ast.parse(text)
    allowed = LAYERS[part].split()
    found = []
    for line, name in imported(tree, module, is_package):
        where = f"coterie.{module or '__init__'}:{line} imports {name}"
        root = name.split(".")[0]
        if root == "coterie":
            target = name.removeprefix("coterie").removeprefix(".")
            target_part = part_of(target)
            if target_part == part:
                continue
            by_prefix = target_part not in ("doors", "top") and any(
                target == entry or target.startswith(entry + ".") for entry in allowed
            )
            if not by_prefix and target_part not in allowed:
                found.append(f"{where}, which {part} may not")
        elif part in LIGHT and root in HEAVY:
            found.append(f"{where}, which is too heavy for {part}")
        elif part in STANDARD_LIBRARY_ONLY and root not in sys.stdlib_module_names:
            found.append(f"{where}, which is not in the standard library")
    if part not in MAY_PRINT:
        for node in ast.walk(tree):
            into_text = isinstance(node, ast.Call) and any(word.arg == "file" for word in node.keywords)
            if (
                isinstance(node, ast.Call)
                and not into_text
                and ast.unparse(node.func)
                in (
                    "print",
                    "Console",
                    "rich.print",
                    "console.Console",
                    "rich.console.Console",
                    "rich.get_console",
                )
            ):
                found.append(f"coterie.{module}:{node.lineno} prints; only the command does")
    return found


def sources() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def module_name(path: Path) -> str:
    names = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


@pytest.mark.smoke
@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_imports_point_one_way(path):
    assert faults(path.read_text(), module_name(path), path.name == "__init__.py") == []


def test_the_table_is_a_direction():
    """No two parts may import each other, directly or round a corner."""
    reach = {part: {entry.split(".")[0] for entry in allowed.split()} for part, allowed in LAYERS.items()}
    assert set().union(*reach.values()) <= set(LAYERS)
    reach["top"].discard("cli")  # the one agreed circle: the command may import the public names
    for _ in LAYERS:
        reach = {part: below.union(*(reach[one] for one in below)) for part, below in reach.items()}
    assert [part for part, below in reach.items() if part in below] == []


ROOMS = ("pictures", "reading", "driving", "forms", "workers", "tables", "making", "check", "ours")  # of pettingzoo


def upward(text: str, room: str) -> list[str]:
    """What a file of a room of pettingzoo imports from rooms that stand above it."""
    names = [name.split(".") for _, name in imported(ast.parse(text), f"pettingzoo.{room}.file", False)]
    rooms = [name[2] for name in names if name[:2] == ["coterie", "pettingzoo"]]
    return [one for one in rooms if ROOMS.index(one) > ROOMS.index(room)]


def test_the_rooms_of_pettingzoo_stand_on_each_other():
    files = [path for path in sources() if path.relative_to(SOURCE).parts[0] == "pettingzoo"]
    found = {path.name: upward(path.read_text(), path.parent.name) for path in files if path.parent.name in ROOMS}
    assert len(found) > 30
    assert {name: rooms for name, rooms in found.items() if rooms} == {}
    assert upward("from coterie.pettingzoo.workers.worker import drive", "forms") == ["workers"]


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("tabular.engine", "from coterie.envs.protocol import Step"),
        ("tabular.engine", "from coterie import envs"),
        ("tabular.engine", "from ..envs import protocol"),
        ("tabular.engine", "from .. import envs"),
        ("tabular.engine", "def late():\n    import coterie.pettingzoo.forms.parallel"),
        ("tabular.engine", "import importlib\nimportlib.import_module('coterie.running.train')"),
        ("algorithms.qlearning", "import coterie"),
        ("algorithms.qlearning", "from coterie import load"),
        ("finite.game", "import coterie.equations.returns"),
        ("finite.game", "from coterie.tabular import engine"),
        ("networks.heads", "import coterie.replay.buffer"),
        ("envs.rendezvous", "import coterie.envs.rendezvous_v0"),
        ("envs.rendezvous", "from coterie.envs import rendezvous_v0"),
        ("pettingzoo.ours.export", "from coterie.envs.rendezvous import rendezvous"),
        ("pettingzoo.ours.export", "import coterie.envs.matrix_v0"),
        ("running.train", "from coterie.diagnosis import circling"),
        ("diagnosis.circling", "from coterie.showing import wall"),
        ("showing.wall", "from coterie.cli import main"),
        ("running.train", "import coterie.lesson"),
        ("statistics", "import coterie.types"),
        ("types", "import coterie.settings"),
        ("settings", "import jax.numpy as jnp"),
        ("errors", "from numba import njit"),
        ("lesson.agent", "import numpy"),
        ("lesson.agent", "from coterie.errors import BadInput"),
        ("running.train", "print('hello')"),
        ("showing.terminal", "from rich.console import Console\nConsole().print('hello')"),
        ("mystery", ""),
    ],
)
def test_a_wrong_import_is_found(module, text):
    assert len(faults(text, module)) == 1


@pytest.mark.parametrize(
    ("module", "text"),
    [
        ("tabular.engine", "import numba\nfrom coterie.finite.game import FiniteGame\nfrom . import rules"),
        ("envs.tabulate", "import jax\nfrom coterie.finite.game import FiniteGame"),
        (
            "envs.rendezvous_v0",
            "from coterie.envs.rendezvous import rendezvous\nfrom coterie.pettingzoo.ours import export",
        ),
        ("pettingzoo.ours.export", "from coterie.envs.protocol import Environment\nfrom coterie.envs import boards"),
        ("running.train", "from coterie.pettingzoo.forms import parallel\nfrom coterie.algorithms import qlearning"),
        ("cli.train", "import coterie\nfrom coterie.workflow import train\nprint(coterie)"),
        ("lesson.agent", "import random\nfrom . import world\nprint(random)"),
    ],
)
def test_a_right_import_is_let_through(module, text):
    assert faults(text, module) == []
