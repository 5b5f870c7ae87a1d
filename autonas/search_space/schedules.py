"""Schedules of the learning rate: factors by the completed share of a training."""

import math
from collections.abc import Callable

#: Share of a training for the warm-up, and factor of the learning rate in the first step.
_WARM_UP, _FIRST_FACTOR = 0.05, 0.1


def cosine(progress: float, warm_up: float = _WARM_UP) -> float:
    """Return the factor of the learning rate: a linear warm-up from 0.1 to 1, then half a cosine to 0.

    Args:
        progress: Completed share of the training, in [0, 1].
        warm_up: Share of the training for the warm-up. Defaults to 0.05.
    """
    return _warmed_up(progress, warm_up, lambda share: 0.5 * (1 + math.cos(math.pi * share)))


def linear(progress: float) -> float:
    """Return the factor of the learning rate: a linear warm-up from 0.1 to 1, then a line to 0."""
    return _warmed_up(progress, _WARM_UP, lambda share: 1 - share)


def constant(progress: float) -> float:
    """Return the factor of the learning rate, 1."""
    return 1.0


def _warmed_up(progress: float, warm_up: float, factor: Callable[[float], float]) -> float:
    if progress < warm_up:
        return _FIRST_FACTOR + (1 - _FIRST_FACTOR) * progress / warm_up
    return factor(min(1.0, (progress - warm_up) / (1 - warm_up)))


#: Schedules by name.
SCHEDULES = {"cosine": cosine, "linear": linear, "constant": constant}
