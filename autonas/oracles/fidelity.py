"""Fidelities: scores of short trainings and of long ones, on one scale and as evidence of different kinds."""

import numpy as np


def rung_epochs(min_epochs, max_epochs, reduction):
    """After how many epochs trainings are compared: from `min_epochs` to `max_epochs`, both exactly, in steps by
    about the same factor, which is as near to `reduction` as a whole number of steps allows.

    Args:
        min_epochs: Epochs of the shortest training, at least 1.
        max_epochs: Epochs of a full training, at least `min_epochs`.
        reduction: η, larger than 1.

    Returns:
        List of integers, ascending.
    """
    ratio = max_epochs / min_epochs
    n_steps = max(1, round(np.log(ratio) / np.log(reduction)))
    return sorted({round(min_epochs * ratio ** (step / n_steps)) for step in range(n_steps + 1)})


def comparable(levels):
    r"""Scores of all fidelities on the scale of the lowest one.

    The scores y at each level are mapped linearly, each objective by itself, so that mean and spread of the
    architectures that are known at a lower level, too, are what they are there, or of all if there is no such one:

        z(y) = mean(z_low) + (y − mean(y)) · deviation(z_low) / deviation(y).

    At each level, the order is that of its own scores. A cost, which is the same at each level, stays as it is.

    Args:
        levels: List of a dict for each fidelity, the lowest first: from an architecture to its tuple of scores.

    Returns:
        List of such dicts.
    """
    known, mapped = {}, []
    for level in levels:
        if level and known:
            both = [architecture for architecture in level if architecture in known]
            here = np.array([level[architecture] for architecture in both or level], dtype=float)
            there = np.array([known[architecture] for architecture in both or known], dtype=float)
            deviation = here.std(axis=0)
            slope = np.where(deviation > 0, there.std(axis=0) / np.where(deviation > 0, deviation, 1.0), 0.0)
            rows = there.mean(axis=0) + (np.array(list(level.values()), dtype=float) - here.mean(axis=0)) * slope
            level = dict(zip(level, map(tuple, rows.tolist()), strict=True))
        mapped.append(level)
        known = known | level
    return mapped


def latest(levels):
    """The scores of each architecture at the highest fidelity, on the scale of the lowest one; arguments as in
    `comparable`."""
    found = {}
    for level in comparable(levels):
        found |= level
    return found


def positions(fidelities):
    """Fidelities on a scale for a kernel.

    Args:
        fidelities: List of n shares of a full training, more than 0 and at most 1.

    Returns:
        Array of shape `(n, 1)`: 0 for a full training, -1 for a hundredth of it.
    """
    return np.log10(np.asarray(fidelities, dtype=float))[:, None] / 2
