"""The two convolutions of the image network and their gradient: shifted slices and one product beside `lax.conv`.

    python benchmarks/convolution.py          half a minute on two cores
    python benchmarks/convolution.py --save   writes benchmarks/results/convolution.json

A batch of 32 pictures of 84 x 84 x 4, filters of 3 x 3 with stride 2 and 16, then 32 channels (networks/agent.py:
`image_network`). Each way is timed by itself, and inside a compiled loop, where a learner's gradient steps stand. The
ways take turns; milliseconds are medians over the rounds. Both compute the same numbers, which is checked first.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from coterie.networks.agent import convolve

PLACE = Path(__file__).parent / "results" / "convolution.json"
BATCH, SIDE, CHANNELS, SIZE, STRIDE, LOOPS = 32, 84, (4, 16, 32), 3, 2, 3


def library(filters: eqx.nn.Linear, x: jax.Array, size: int, stride: int) -> jax.Array:
    """The same by `lax.conv_general_dilated`."""
    kernel = filters.weight.reshape(-1, size, size, x.shape[-1]).transpose(1, 2, 3, 0)
    margin = [(size // 2, size // 2)] * 2
    found = jax.lax.conv_general_dilated(
        x[None], kernel, (stride, stride), margin, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    return found[0] + filters.bias


def loss(way: Callable[..., Any], layers: tuple[eqx.nn.Linear, ...], pictures: jax.Array) -> jax.Array:
    """Something of everything that comes out."""

    def one(x: jax.Array) -> jax.Array:
        for layer in layers:
            x = jax.nn.relu(way(layer, x, SIZE, STRIDE))
        return (x**2).mean()

    return jax.vmap(one)(pictures).mean()


def ways() -> dict[str, tuple[Callable[[], Any], int]]:
    """What is timed, by name, and how many gradients it takes."""
    keys = jax.random.split(jax.random.key(0), len(CHANNELS) - 1)
    layers = tuple(
        eqx.nn.Linear(SIZE * SIZE * below, wide, key=key)
        for key, below, wide in zip(keys, CHANNELS[:-1], CHANNELS[1:], strict=True)
    )
    pictures = jax.random.uniform(jax.random.key(1), (BATCH, SIDE, SIDE, CHANNELS[0]))
    made: dict[str, tuple[Callable[[], Any], int]] = {}
    gradients = []
    for name, way in {"slices": convolve, "lax.conv": library}.items():
        gradient = jax.grad(lambda layers, way=way: loss(way, layers, pictures))
        gradients.append(jax.jit(gradient)(layers))

        def inside(layers: Any, gradient: Any = gradient) -> Any:
            step = lambda _, layers: jax.tree.map(lambda w, g: w - 1e-3 * g, layers, gradient(layers))  # noqa: E731
            return jax.lax.fori_loop(0, LOOPS, step, layers)

        alone, looped = jax.jit(gradient), jax.jit(inside)
        made[f"{name}, by itself"] = (lambda alone=alone: alone(layers)), 1
        made[f"{name}, in a compiled loop"] = (lambda looped=looped: looped(layers)), LOOPS
    for first, second in zip(*map(jax.tree.leaves, gradients), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-6)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--save", action="store_true")
    given = parser.parse_args()
    made = ways()
    for work, _ in made.values():
        jax.block_until_ready(work())
    took: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(given.rounds):
        for name, (work, gradients) in made.items():
            began = time.perf_counter()
            jax.block_until_ready(work())
            took[name].append((time.perf_counter() - began) / gradients * 1e3)
    middle = {name: statistics.median(times) for name, times in took.items()}
    for name, milliseconds in middle.items():
        print(f"{name:32} {milliseconds:7.1f} ms a gradient")
    if given.save:
        kept = {
            "command": "python benchmarks/convolution.py --save", "date": datetime.date.today().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, JAX {jax.__version__}",
            "milliseconds": middle, "all": took,
        }  # fmt: skip
        PLACE.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
