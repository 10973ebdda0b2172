"""Do the agents chase each other in circles while they learn, and do their values still jump at the end?"""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from coterie.statistics import percent
from coterie.types import Finding, Picture

MANY_TURNS = 2.0
LITTLE = 0.2  # net movement over the path's length
CHANCE = 0.01  # of so much turning one way, were left and right turns as likely
STILL_MOVING = 0.1  # of the path, in the last quarter of the snapshots
FEWEST_SNAPSHOTS = 10
MOVES = 0.05  # of a probability, at least anywhere, to be movement at all
FLAT = 0.05  # a second component smaller than this share of the first is none
REGULAR = 0.3  # variation of the half periods, standard deviation over mean, of a swing to and fro
FEWEST_SWINGS = 5
JUMP = 0.05  # of the values' scale
LEAST_FLIPS = 0.05  # of the steps between snapshots, that change the best action of what still moves


class Drift(NamedTuple):
    """Signed turns, net movement over the length of the path, the chance of the turns (NaN: none), the last quarter's
    share of the path, and the path in its plane, float64[S, 2].
    """

    turns: float
    net: float
    p: float
    late: float
    plane: np.ndarray


def measure(policies: np.ndarray) -> Drift:
    """How a policy moved: policies float64[S, P, A], S snapshots of the probabilities on P probe observations.

    turns = (1 / 2 pi) sum_s wrap(phi_(s+1) - phi_s), with phi the angle about the path's mean in the plane of its two
    leading principal components (Pearson 1901); net = |x_S - x_1| / sum_s |x_(s+1) - x_s| in all components. p: the
    chance of so great a sum of angles if each had either sign (Fisher 1935; normal for many steps). A path on a line
    cannot wind: its turns, and p = NaN, are half the number of swings beyond half a standard deviation on either side
    of the mean, where these are regular; so are those of a path whose angles are no more than chance.
    """
    path = np.asarray(policies, float).reshape(len(policies), -1)
    away = path - path.mean(0)
    _, sizes, directions = np.linalg.svd(away, full_matrices=False)
    plane = np.zeros((len(path), 2))
    count = min(2, len(sizes))
    plane[:, :count] = away @ directions[:count].T
    plane *= np.where(directions[:2].sum(1) < 0, -1.0, 1.0) if count == 2 else 1.0
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    length = float(steps.sum())
    net = float(np.linalg.norm(path[-1] - path[0]) / length) if length else 1.0
    late = float(steps[len(steps) * 3 // 4 :].sum() / length) if length else 0.0
    swings = Drift(_swings(plane[:, 0]) / 2, net, float("nan"), late, plane)
    if count < 2 or sizes[1] < FLAT * sizes[0]:
        return swings
    angles = np.arctan2(plane[:, 1], plane[:, 0])
    turned = (np.diff(angles) + np.pi) % (2 * np.pi) - np.pi
    found = Drift(float(turned.sum() / (2 * np.pi)), net, _by_chance(turned), late, plane)
    if (found.p >= CHANCE or abs(found.turns) < MANY_TURNS) and swings.turns >= MANY_TURNS:
        return swings
    return found


def drift(policies: np.ndarray) -> Finding:
    """Does a policy go round and round while it is learned? policies float64[S, P, A], see `measure`.

    yes: at least 2 turns, most of them one way (p < 0.01), net movement below a fifth of the path, and a path that
    still goes on in its last quarter. One number alone cannot tell: a random walk gets as little net movement, and a
    policy that is learned straight may wind half a turn. value: the signed turns.
    """
    if len(policies) < FEWEST_SNAPSHOTS:
        sentence = f"{len(policies)} snapshots are too few to tell a cycle from a way; {FEWEST_SNAPSHOTS} are needed."
        return Finding("drift", "cannot tell", sentence)
    if float(np.ptp(policies, axis=0).max()) < MOVES:
        return Finding("drift", "no", "The policy does not move.", 0.0, None, "a path without turns")
    found = measure(policies)
    points = tuple((float(x), float(y)) for x, y in found.plane)
    title = "The policy on its way, in the plane of its greatest movement"
    picture = Picture("path", title, ("first component", "second component"), points)
    facts = (
        f"{abs(found.turns):.1f} turn{'' if round(abs(found.turns), 1) == 1.0 else 's'}, and net movement is "
        f"{percent(found.net)} of its path"
    )
    winding = abs(found.turns) >= MANY_TURNS and not found.p >= CHANCE
    p = None if np.isnan(found.p) else found.p
    null = "turns to both sides alike"
    if winding and found.net < LITTLE and found.late >= STILL_MOVING:
        sentence = f"The policy goes round in circles: {facts}."
        remedy = (
            "agents chase each other: learn more slowly as time goes on (--learning-rate-end 0), or let one learn "
            "while the others stand still"
        )
        flags = ("--learning-rate-end", "0")
        return Finding("drift", "yes", sentence, found.turns, None, null, (), remedy, flags, p, picture)
    why = "it settles" if winding and found.net < LITTLE else "it goes somewhere"
    if not winding and found.net < LITTLE:
        why = "it wanders without a direction of turning"
    return Finding(
        "drift", "no", f"The policy does not cycle, {why}: {facts}.", found.turns, None, null, p=p, picture=picture
    )


def step_size(values: np.ndarray) -> Finding:
    """Do learned values still jump to and fro at the end, as they do where the learning rate is too large?

    values float64[S, K]: S snapshots at equal distances of K learned numbers; or float64[S, .., A], with actions at the
    end, where only differences from the mean over actions count. Over the last half, for the entries that still change,
    jump = sqrt(mean over snapshots of (v_s - 2 v_(s+1) + v_(s+2))^2 / 6): the standard deviation of noise about any
    straight line (after von Neumann 1941). It is held against the scale of all values, the greatest of their range and
    their greatest size. yes: above 5 % of it, root mean square over entries, and not by one step of each alone; and,
    where actions are known, the best one changes to and fro in at least one of twenty steps between snapshots: what
    changes no choice does no harm. Steady growth is no jump, nor is one leap after which the values stay. A constant
    rate a on targets with noise s leaves s sqrt(a / (2 - a)).
    """
    whole = np.asarray(values, float)
    track = (whole - whole.mean(-1, keepdims=True) if whole.ndim > 2 else whole).reshape(len(whole), -1)
    if len(track) < FEWEST_SNAPSHOTS:
        sentence = (
            f"{len(track)} snapshots are too few to tell whether values still jump; {FEWEST_SNAPSHOTS} are needed."
        )
        return Finding("step size", "cannot tell", sentence)
    end = track[len(track) // 2 :]
    scale = max(float(np.ptp(track)), float(np.abs(track).max()))
    moving = np.ptp(end, axis=0) > 1e-12 * max(scale, 1e-300)
    null = f"at most {percent(JUMP)} of the values' scale"
    if not moving.any():
        return Finding("step size", "no", "The values stand still at the end.", 0.0, None, null)
    bends = np.diff(end[:, moving], n=2, axis=0)
    jumps = np.sqrt((bends**2).mean(0) / 6)
    size = float(np.sqrt((jumps**2).mean()) / scale)
    facts = f"by {percent(size)} of their scale ({size * scale:.3g} of {scale:.3g})"
    worst = track[:, np.flatnonzero(moving)[int(jumps.argmax())]]
    points = tuple((float(s), float(value)) for s, value in enumerate(worst))
    picture = Picture("path", "The value that jumps most", ("snapshot", "value"), points)
    steady = end[:, moving] - _greatest_step(end[:, moving])
    kept = float(np.sqrt((np.diff(steady, n=2, axis=0) ** 2).mean() / 6) / scale)
    if size > JUMP and kept <= min(JUMP, size / 2):
        sentence = (
            f"The values leap once late in learning, and apart from that they jump by {percent(kept)} of their scale."
        )
        return Finding("step size", "no", sentence, size, None, null, picture=picture)
    if size > JUMP and whole.ndim > 2 and (flips := _flips(whole[len(whole) // 2 :])) < LEAST_FLIPS:
        sentence = (
            f"The values jump {facts}, and hardly ever change to and fro which action is best ({percent(flips)} of "
            "snapshots)."
        )
        return Finding("step size", "no", sentence, size, None, null, picture=picture)
    if size <= JUMP:
        return Finding("step size", "no", f"At the end the values jump {facts}.", size, None, null, picture=picture)
    sentence = f"The values still jump at the end, from one snapshot to the next {facts}."
    remedy = "let the learning rate fall (--learning-rate-end 0) or make it smaller (--learning-rate 0.1)"
    flags = ("--learning-rate", "0.1", "--learning-rate-end", "0")
    return Finding("step size", "yes", sentence, size, None, null, (), remedy, flags, picture=picture)


def _swings(place: np.ndarray) -> float:
    """Regular changes of side, more than half a standard deviation from the mean; 0 where they are not regular."""
    outside = np.flatnonzero(np.abs(place) > 0.5 * place.std())
    changes = outside[1:][np.diff(np.sign(place[outside])) != 0]
    if len(changes) < FEWEST_SWINGS:
        return 0.0
    halves = np.diff(changes)
    return float(len(changes)) if halves.std() <= REGULAR * halves.mean() else 0.0


def _by_chance(angles: np.ndarray) -> float:
    """The chance of a sum as far from 0 as this one if every angle had either sign, by the normal distribution."""
    spread = float(np.sqrt((angles**2).sum()))
    return 2 * NormalDist().cdf(-abs(float(angles.sum())) / spread) if spread else 1.0


def _flips(values: np.ndarray) -> float:
    """How often the best action changes between two snapshots, values [S, .., A], where anything moves at all.

    An observation counts only if an action becomes the best again that was it before: a change for good is learning.
    """
    table = values.reshape(len(values), -1, values.shape[-1])
    moving = np.ptp(table, axis=0).any(-1)
    best = table[:, moving].argmax(-1)
    if not best.size:
        return 0.0
    changes = np.diff(best, axis=0) != 0
    stays = np.stack([(best == action).astype(int) for action in range(values.shape[-1])], -1)
    begun = stays[0] + (np.diff(stays, axis=0) > 0).sum(0)  # how often each action became the best
    return float((changes & (begun > 1).any(-1)).mean())


def _greatest_step(values: np.ndarray) -> np.ndarray:
    """The greatest step of each entry, [S, K], as 0 before it and its height from then on."""
    steps = np.diff(values, axis=0)
    at, entries = np.abs(steps).argmax(0), np.arange(values.shape[1])
    return np.where(np.arange(len(values))[:, None] > at, steps[at, entries], 0.0)
