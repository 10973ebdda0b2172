"""Words and calls that stay out of the source, and how long a file may grow."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "coterie"
LONGEST_FILE = 400
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "marshal", "shelve", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "builtins.eval", "builtins.exec", "np.load", "numpy.load", "jnp.load", "jax.numpy.load"}
KEYED_CALLS = {"get", "pop", "setdefault"}


def done_lines(text: str) -> list[int]:
    """The lines on which the bare word `done` is a name or a string key; ends and time limits have exact names."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        names: list[object] = []
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=name):
                names = [name]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.alias(name=name, asname=asname):
                names = [*name.split("."), asname]
            case ast.MatchAs(name=name) | ast.MatchStar(name=name) | ast.ExceptHandler(name=name):
                names = [name]
            case ast.Dict(keys=keys):
                names = [key.value for key in keys if isinstance(key, ast.Constant)]
            case ast.Subscript(slice=ast.Constant(value=key)):
                names = [key]
            case ast.Call(func=ast.Attribute(attr=called), args=[ast.Constant(value=key), *_]) if called in KEYED_CALLS:
                names = [key]
        if "done" in names:
            lines.append(node.lineno)
    return sorted(lines)


# Messages between a process and the children that it started, over a pipe that nobody else has; never from a file.
BETWEEN_OWN_PROCESSES = {
    "pettingzoo/workers/hand.py",
    "pettingzoo/workers/worker.py",
    "pettingzoo/workers/workers.py",
    "pettingzoo/check/watch.py",
}


def unsafe_lines(text: str) -> list[int]:
    """The lines that could run code read from a file: pickles, eval, exec and numpy's own loader."""
    lines = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                unsafe = any(alias.name.split(".")[0] in UNSAFE_MODULES for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                # `from numpy import load` would hide the loader from the line below
                unsafe = module.split(".")[0] in UNSAFE_MODULES or any(
                    f"{module}.{alias.name}" in UNSAFE_CALLS for alias in names
                )
            case ast.Call(func=called):
                unsafe = ast.unparse(called) in UNSAFE_CALLS
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=True)):
                unsafe = True
            case _:
                unsafe = False
        if unsafe:
            lines.append(node.lineno)
    return sorted(lines)


def places(path: Path, lines: list[int]) -> list[str]:
    return [f"{path.relative_to(SOURCE)}:{line}" for line in lines]


def test_an_episode_is_never_just_done():
    files = [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).parts[0] != "pettingzoo"]
    assert [place for path in files for place in places(path, done_lines(path.read_text()))] == []


def test_nothing_that_is_loaded_can_run():
    files = [path for path in SOURCE.rglob("*.py") if path.relative_to(SOURCE).as_posix() not in BETWEEN_OWN_PROCESSES]
    assert [place for path in files for place in places(path, unsafe_lines(path.read_text()))] == []


def test_a_file_is_read_in_one_sitting():
    lengths = {path.relative_to(SOURCE).as_posix(): len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


@pytest.mark.parametrize(
    "text",
    [
        "done = True",
        "step.done",
        "def learn(done): pass",
        "learn(done=1)",
        "{'done': 1}",
        "batch['done']",
        "info.get('done')",
        "def done(): pass",
        "import x as done",
    ],
)
def test_the_word_is_found(text):
    assert done_lines(text) == [1]


@pytest.mark.parametrize("text", ["abandoned = 1", "'done'", "say('all is done')", "# done", "condone.dones"])
def test_other_words_are_let_through(text):
    assert done_lines(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "import cloudpickle as c",
        "eval('1')",
        "exec(text)",
        "np.load(path)",
        "numpy.load(path)",
        "from numpy import load",
        "read(path, allow_pickle=True)",
    ],
)
def test_unsafe_calls_are_found(text):
    assert unsafe_lines(text) == [1]


@pytest.mark.parametrize("text", ["jax.eval_shape(f)", "safetensors.numpy.load(data)", "model.eval()", "json.load(f)"])
def test_safe_calls_are_let_through(text):
    assert unsafe_lines(text) == []
