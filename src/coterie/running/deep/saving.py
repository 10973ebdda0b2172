"""Trees of arrays as named arrays and back: what a checkpoint of a deep run is made of.

Reading never trusts: every array must have the name, dtype and shape that the run's own settings call for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from coterie.errors import StorageFault

Named = dict[str, np.ndarray]


def as_named(tree: Any, prefix: str = "") -> Named:
    """A tree's arrays by the path to each."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {prefix + path_name(path): np.asarray(leaf) for path, leaf in leaves}


def path_name(path: Any) -> str:
    """The path to a leaf in words: `agents.0.top.weight`."""
    words = []
    for step in path:
        word = getattr(step, "name", None)
        word = getattr(step, "key", None) if word is None else word
        words.append(str(getattr(step, "idx", None) if word is None else word))
    return ".".join(words)


def from_named(like: Any, named: Mapping[str, np.ndarray], prefix: str = "") -> Any:
    """The tree of these arrays, shaped as `like` (arrays or their shapes).

    Raises StorageFault for an array that is missing or of another dtype or shape.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(like)
    found = []
    for path, leaf in leaves:
        name = prefix + path_name(path)
        array = named.get(name)
        wanted = f"{np.dtype(leaf.dtype)}{list(leaf.shape)}"
        if array is None or array.dtype != leaf.dtype or array.shape != leaf.shape:
            has = "nothing" if array is None else f"{array.dtype}{list(array.shape)}"
            raise StorageFault(f"the checkpoint does not fit its run's settings: {name} is {has} instead of {wanted}")
        found.append(array)
    return jax.tree.unflatten(structure, found)


def size_of(tree: Any) -> int:
    """The bytes of a tree's arrays, or of their shapes."""
    return sum(int(np.prod(leaf.shape)) * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(tree))
