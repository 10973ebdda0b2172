"""Learners on finite games, compiled by Numba; a cache for its results is found before it is loaded."""

import os
import tempfile
from pathlib import Path


def _give_the_compiler_a_cache() -> None:
    """Where neither the package nor the home folder can be written, compile into a private temporary folder."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~")
    writable = any(os.access(place, os.W_OK) for place in (Path(__file__).parent, home))
    if "NUMBA_CACHE_DIR" not in os.environ and not writable:
        os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="coterie-compiled-")


_give_the_compiler_a_cache()
