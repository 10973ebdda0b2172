"""The probes' known answers against an independent oracle, the exact solution of their tables."""

import numpy as np
import pytest
from helpers import probe

from coterie.envs.probes import PROBES
from coterie.envs.tabulate import tabulate
from coterie.errors import BadInput
from coterie.finite.solve import discounted_optimum

# The best discounted return a joint mind can have, mean over agents, from each start; the discount is 0.9.
KNOWN = {
    "constant": [1.0],
    "sign": [-1.0, 1.0],
    "delay": [0.9],
    "chance": [0.75 + 0.9 * 0.75],
    "choice": [1.0, 1.0],
    "joint": [1.0],
    "endless": [1 / (1 - 0.9)],
    "memory": [0.81, 0.81],
    "unlike": [4.0],
    "turns": [(0.9 + 0.81 + 2 * 0.729) / 2],  # paid in joint steps 1, 2, 3 and 3: here time is joint steps
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_table_of_a_probe_has_the_known_optimum(name):
    best = discounted_optimum(tabulate(probe(name)), 0.9)
    np.testing.assert_allclose(best.start_values, KNOWN[name], atol=1e-6)


def test_a_probe_with_individual_endings_has_no_table():
    with pytest.raises(BadInput):
        tabulate(probe("death"))


def test_every_probe_is_known():
    assert set(PROBES) == {*KNOWN, "death"}
