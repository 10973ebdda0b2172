"""The public surface is designed: these names and no others, and none of them costs anything before it is used."""

import inspect
import subprocess
import sys

import pytest

import coterie

NAMES = [
    "Run",
    "Team",
    "check_env",
    "compare",
    "diagnose",
    "evaluate",
    "judge",
    "load",
    "record",
    "resume",
    "solve",
    "study",
    "train",
    "watch",
]
HEAVY = "{'jax', 'jaxlib', 'numba', 'scipy', 'numpy', 'matplotlib', 'rich', 'tyro', 'PIL', 'pettingzoo', 'gymnasium'}"


def test_these_are_the_public_names():
    assert coterie.__all__ == NAMES
    assert sorted(dir(coterie)) == sorted([*NAMES, "__version__"])


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there_and_says_what_it_is(name):
    value = getattr(coterie, name)
    assert value.__name__ == name
    assert value.__module__.startswith("coterie.")
    assert inspect.getdoc(value)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="module 'coterie' has no attribute 'trian'"):
        coterie.trian  # noqa: B018
    with pytest.raises(ImportError):
        exec("from coterie import Trainer")


def test_importing_everything_by_name_works():
    namespace: dict = {}
    exec("from coterie import *", namespace)
    assert set(NAMES) <= set(namespace)


def test_importing_coterie_costs_nothing():
    code = f"import sys, coterie; print(sorted({HEAVY} & set(sys.modules)), coterie.__version__)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert finished.stdout.strip() == f"[] {coterie.__version__}", finished.stderr


def test_the_version_is_the_packages():
    from importlib.metadata import version

    assert coterie.__version__ == version("coterie")


@pytest.mark.parametrize(
    "name", ["check_env", "compare", "train", "evaluate", "judge", "load", "resume", "solve", "study", "watch"]
)
def test_everything_that_can_be_called_has_types(name):
    """Types become help in an editor; a public function without them is unfinished."""
    signature = inspect.signature(getattr(coterie, name))
    assert signature.return_annotation is not inspect.Signature.empty
    untyped = [word for word, given in signature.parameters.items() if given.annotation is inspect.Parameter.empty]
    assert untyped == []
