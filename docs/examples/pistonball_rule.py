"""A rule for pistonball: a piston rises while it sees the ball on its left, and sinks otherwise.

The risen pistons make a slope behind the ball, which rolls down to the left wall. Each piston knows nothing but its own
picture, of itself in the middle and one piston on either side; between the pistons only the ball is blue.

    coterie watch pettingzoo:butterfly/pistonball_v6 --policy ./pistonball_rule.py:act
"""

import numpy as np

BLUE = (65, 159, 221)
BETWEEN = np.r_[0:10, 32:50, 72:90, 112:120]  # columns of the picture that no piston's blue body can be in
MIDDLE = 60


def act(observation, agent):
    """What a piston does: 1 is up, -1 down."""
    ball = BETWEEN[(observation[:, BETWEEN] == BLUE).all(-1).any(0)]
    return 1.0 if ball.size and ball.mean() < MIDDLE else -1.0
