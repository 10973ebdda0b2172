"""JAX made ready for deep runs: a CPU device a core, compiled programs kept on disk, the device that was asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax

from coterie.errors import BadInput, nearest
from coterie.running.tables import cache_folder

DEVICES = ("auto", "cpu", "gpu", "tpu")
THREADS = "2"  # that XLA divides a program among on a CPU; it adds in another order where they are others
KEPT_SECONDS = 0.5  # programs that compile faster are not worth keeping


def prepare(device: str = "auto", wanted: int = 1) -> list[Any]:
    """The devices of a kind, so many of them where they are CPU devices and JAX has not begun yet.

    Where JAX has been used before in this process its devices and threads stay as they are. Raises BadInput for a
    device that this machine or this JAX does not have.
    """
    if device not in DEVICES:
        raise BadInput(f"--device {device}: there is no such device{nearest(device, DEVICES)}")
    try:
        if jax.config.jax_num_cpu_devices < wanted:  # type: ignore[attr-defined]
            jax.config.update("jax_num_cpu_devices", wanted)
    except RuntimeError:
        pass  # JAX is running already
    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", KEPT_SECONDS)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    try:
        with threads(THREADS):
            if device != "auto":
                jax.config.update("jax_default_device", jax.devices(device)[0])
            return list(jax.devices(None if device == "auto" else device))
    except RuntimeError:
        raise BadInput(f"--device {device}: JAX finds none here; it has {jax.default_backend()}") from None


@contextmanager
def threads(count: str) -> Iterator[None]:
    """JAX begins with so many threads on a CPU, whatever cores there are, so that one seed has the same bits on all.

    XLA reads NPROC when its CPU client is made, and has no option that says the same.
    """
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = count
    try:
        yield
    finally:
        if before is None:
            del os.environ["NPROC"]
        else:
            os.environ["NPROC"] = before
