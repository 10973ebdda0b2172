"""The scripts of benchmarks/ as modules."""

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def script() -> Callable[[str], ModuleType]:
    """A function that imports the script of a name; its folder is on the path meanwhile only."""

    def imported(name: str) -> ModuleType:
        sys.path.insert(0, str(BENCHMARKS))
        try:
            return import_module(name)
        finally:
            sys.path.remove(str(BENCHMARKS))

    return imported
