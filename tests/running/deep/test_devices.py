"""JAX is begun so that the number of processor cores changes no bit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from coterie.running.deep.devices import threads

GRADIENT = """
import hashlib, os, sys
if sys.argv[1] == "one core":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import jax, numpy as np
from coterie.running.deep.devices import prepare
if sys.argv[2] == "prepared":
    prepare("cpu", 1)
draws = np.random.default_rng(0)
weights, seen = draws.normal(size=(2, 64, 64)).astype("f4"), draws.normal(size=(4096, 64)).astype("f4")
loss = lambda weights, seen: (jax.numpy.tanh(jax.numpy.tanh(seen @ weights[0]) @ weights[1]) ** 2).mean()
print(hashlib.sha256(np.asarray(jax.jit(jax.grad(loss))(weights, seen)).tobytes()).hexdigest())
"""
SEVERAL = len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else False


def gradient(*words: str) -> str:
    """The bits of a network's gradient in a process of its own."""
    plain = {name: value for name, value in os.environ.items() if name not in ("NPROC", "JAX_NUM_CPU_DEVICES")}
    told = subprocess.run(
        [sys.executable, "-c", GRADIENT, *words], capture_output=True, text=True, check=True, env=plain
    )
    return told.stdout


@pytest.mark.skipif(not SEVERAL, reason="there is one core only, or nobody can say which to use")
def test_the_number_of_cores_changes_no_bit_and_would_have():
    assert gradient("one core", "prepared") == gradient("all", "prepared")
    assert gradient("one core", "plain") != gradient("all", "plain")


def test_the_environment_is_as_it_was_after_jax_has_begun(monkeypatch):
    monkeypatch.delenv("NPROC", raising=False)
    with threads("2"):
        assert os.environ["NPROC"] == "2"
    assert "NPROC" not in os.environ
    monkeypatch.setenv("NPROC", "7")
    with pytest.raises(RuntimeError), threads("2"):
        raise RuntimeError
    assert os.environ["NPROC"] == "7"
