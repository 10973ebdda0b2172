"""Small runs, and the command called in this process: what the tests of running, workflow and cli share."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from coterie import cli
from coterie.cli import (
    check_env,
    compare,
    diagnose,
    evaluate,
    judge,
    lesson,
    listing,
    main,
    resume,
    solve,
    study,
    train,
    train_deep,
    watch,
    watch_elsewhere,
)

TEAMS, EPISODES = 40, 100
SMALL = ("--seeds", str(TEAMS), "--episodes", str(EPISODES), "--no-pictures")
ENOUGH_TO_FAIL = ("--preset", "tutorial", *SMALL)  # some of these teams circle
VERBS = (
    check_env,
    compare,
    diagnose,
    evaluate,
    judge,
    lesson,
    listing,
    resume,
    solve,
    study,
    train,
    train_deep,
    watch,
    watch_elsewhere,
)


class Parsed(Exception):
    """A command line was understood; it is not carried out."""


def run(capsys, *words: str) -> str:
    """What a command that succeeds prints."""
    capsys.readouterr()
    code = main(list(words))
    out, err = capsys.readouterr()
    assert code == 0, err
    return out


def run_json(capsys, *words: str):
    """What a command prints for programs; nothing but JSON may be there."""
    return json.loads(run(capsys, *words, "--json"))


def refused(capsys, words, code: int = 2) -> str:
    """The one sentence with which a command refuses; before it, it may have begun to make a table."""
    capsys.readouterr()
    assert main(list(words)) == code
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if not line.startswith("making the exact table ")]
    assert len(lines) == 1, err
    assert lines[0].startswith("coterie: ")
    assert "Traceback" not in err
    return lines[0].removeprefix("coterie: ")


def parse_only(words: list[str]) -> None:
    """Parse a command line as the command does, and stop there; raises what the command would raise."""
    with pytest.MonkeyPatch.context() as patch:
        for verb in VERBS:

            def parse(*given, real=verb.parse, **more):
                real(*given, **more)
                raise Parsed

            patch.setattr(verb, "parse", parse)
        with pytest.raises((Parsed, SystemExit)) as caught:
            cli._run(words)
        assert isinstance(caught.value, Parsed) or caught.value.code == 0  # help ends the process, gladly


def next_commands(out: str) -> list[str]:
    """The commands in the closing line of an output for people, each parsed."""
    last = out.rstrip().splitlines()[-1]
    assert last.startswith("Next: "), out
    commands = re.split(r"\s{2,}or\s{2,}", last.removeprefix("Next: "))
    for command in commands:
        name, *words = shlex.split(command)
        assert name == "coterie"
        parse_only(words)
    return commands


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder under a folder, and what is in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def fresh(code: str, *arguments: str, cwd: Path | None = None) -> str:
    """What some lines of Python print in a process of their own."""
    finished = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


HEAVY = "import sys; print(sorted({'jax', 'numba', 'matplotlib', 'rich', 'PIL', 'pettingzoo'} & set(sys.modules)))"
