"""What is known of a plan's worlds before anything is learned."""

import numpy as np
import pytest
from mpe2 import simple_spread_v3

from coterie.pettingzoo.forms.parallel import parallel
from coterie.pettingzoo.forms.turns import turns
from coterie.workflow.deep.opening import horizon_of


@pytest.mark.parametrize(
    "make, form, steps", [(simple_spread_v3.raw_env, turns, 14), (simple_spread_v3.parallel_env, parallel, 7)]
)
def test_a_time_limit_is_so_many_joint_steps_as_an_episode_has(make, form, steps):
    worlds = form([make(N=2, max_cycles=7)])
    worlds.reset(np.arange(1))
    whole = 1
    while not worlds.step(np.zeros((1, 2), int), np.arange(1))[0].over.any():
        whole += 1
    assert horizon_of(worlds) == whole == steps
