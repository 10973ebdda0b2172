"""Signals end a command, also where Python swallows what they raise."""

import contextlib
import importlib
import signal
import sys
import time

import pytest

from coterie.cli import main
from coterie.envs import tabulate
from coterie.running.checkpoint import list_checkpoints
from coterie.running.signals import Signals

WORDS = ["train", "rendezvous", "--seeds", "20", "--episodes", "400", "--name", "run", "--no-pictures"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("swallowed", [True, False])
def test_a_signal_before_learning_ends_the_command(tmp_path, monkeypatch, capsys, number, swallowed):
    real, before = tabulate.tabulate, signal.getsignal(number)

    def tabulated(environment):
        with contextlib.suppress(*((BaseException,) if swallowed else ())):
            signal.raise_signal(number)
        return real(environment)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COTERIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tabulate, "tabulate", tabulated)
    assert main(WORDS) == 128 + number
    told = capsys.readouterr().err
    assert "stopped" in told
    assert ("go on with: coterie resume run" in told) == swallowed  # what was swallowed is heard of in learning
    assert len(list_checkpoints(tmp_path / "runs" / "run")) == swallowed
    assert signal.getsignal(number) is before
    assert Signals.early is None
    monkeypatch.setattr(tabulate, "tabulate", real)
    assert main(["resume", "run", "--json"] if swallowed else WORDS) == 0  # it stops nothing that comes after it


def test_a_signal_waits_for_the_end_of_an_import(tmp_path, monkeypatch, capsys):
    """A module that is imported is whole before the command ends."""
    (tmp_path / "slow_to_load.py").write_text(
        "import signal, time\nsignal.raise_signal(signal.SIGTERM)\ntime.sleep(0.2)\nwhole = True\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("coterie.cli._run", lambda words: importlib.import_module("slow_to_load") and time.sleep(5))
    began = time.monotonic()
    assert main(["list"]) == 143
    assert time.monotonic() - began < 4
    assert sys.modules.pop("slow_to_load").whole


def test_a_signal_that_nobody_swallowed_stops_nothing_else():
    with Signals() as signals:
        assert signals.received is None
