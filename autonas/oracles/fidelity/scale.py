"""Fidelities: lengths of trainings, and scores of short and long trainings on one scale."""

import functools
import typing
from collections.abc import Hashable, Sequence
from typing import TypeVar

import numpy as np

_Architecture = TypeVar("_Architecture", bound=Hashable)


class Rung(typing.NamedTuple):
    """Rung: the extent of a training after which architectures are compared.

    Args:
        epochs: Epochs since the beginning of the training.
        data_share: Share of the training rows in the epochs since the rung below, in (0, 1].
        resolution: Height and width of images in these epochs relative to the data, in (0, 1].
    """

    epochs: int
    data_share: float = 1.0
    resolution: float = 1.0

    def cost(self, max_epochs: int) -> float:
        """Return the approximate cost as a share of that of a full training, in (0, 1]."""
        return self.epochs / max_epochs * self.data_share * self.resolution**2


@functools.cache
def rungs(
    min_epochs: int, max_epochs: int, reduction: float, min_data_share: float = 1.0, min_resolution: float = 1.0
) -> tuple[Rung, ...]:
    """Return the rungs from the shortest training to a full one, both included.

    From rung to rung, the cost grows by about the same factor, which is as near to `reduction` as a whole number of
    steps allows. Epochs, share of the data and resolution grow by a factor of their own, epochs by at least one.

    Args:
        min_epochs: Epochs of the shortest training, at least 1.
        max_epochs: Epochs of a full training, at least `min_epochs`.
        reduction: η, larger than 1.
        min_data_share: Share of the training rows in the shortest training, in (0, 1]. Defaults to 1.
        min_resolution: Resolution in the shortest training, in (0, 1]. Defaults to 1.

    Returns:
        Tuple of `Rung`, ascending.
    """
    ratio = max_epochs / min_epochs
    n_steps = max(1, round(np.log(ratio / min_data_share / min_resolution**2) / np.log(reduction)))
    n_steps = min(n_steps, max_epochs - min_epochs)
    lower: list[Rung] = []
    for step in range(n_steps):
        exponent = 1 - step / n_steps
        epochs = max(round(max_epochs * ratio**-exponent), lower[-1].epochs + 1 if lower else 1)
        epochs = min(epochs, max_epochs - n_steps + step)
        lower.append(Rung(epochs, float(min_data_share**exponent), float(min_resolution**exponent)))
    return (*lower, Rung(max_epochs))


def comparable(
    levels: Sequence[dict[_Architecture, tuple[float, ...]]],
) -> list[dict[_Architecture, tuple[float, ...]]]:
    r"""Return the scores of all fidelities on the scale of the lowest one.

    The scores y of a level are mapped linearly, every objective by itself, so that the architectures that also have
    scores at a lower level have the same mean and deviation as there; without such architectures, all of a level do:

        z(y) = mean(z_low) + (y − mean(y)) · deviation(z_low) / deviation(y).

    The order within a level is that of its own scores. A cost, which is the same at all levels, isn't changed.

    Args:
        levels: List of one dict per fidelity, the lowest first: from an architecture to its tuple of scores.

    Returns:
        List of such dicts.
    """
    known: dict[_Architecture, tuple[float, ...]] = {}
    mapped = []
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


def latest(levels: Sequence[dict[_Architecture, tuple[float, ...]]]) -> dict[_Architecture, tuple[float, ...]]:
    """Return the scores of all architectures at their highest fidelity, on the scale of the lowest one.

    Args:
        levels: As in `comparable`.
    """
    scores: dict[_Architecture, tuple[float, ...]] = {}
    for level in comparable(levels):
        scores |= level
    return scores


def positions(fidelities: Sequence[float]) -> np.ndarray:
    """Return fidelities on the scale of a kernel.

    Args:
        fidelities: List of n shares of a full training, more than 0 and at most 1.

    Returns:
        Array of shape `(n, 1)`: 0 for a full training, -1 for a hundredth of it.
    """
    return np.log10(np.asarray(fidelities, dtype=float))[:, None] / 2
