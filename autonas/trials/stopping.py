"""Early stopping: the decision after each epoch of a trial whether its training continues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Stopper(Protocol):
    """A function that ends a training early; it must be picklable, since trials travel between processes."""

    def __call__(self, history: Sequence[Mapping[str, float]]) -> Stop | None:
        """Decide whether a training continues.

        Args:
            history: One dict of numbers for each epoch so far.

        Returns:
            A `Stop`, or `None` if the training continues.
        """

    def scores(self, history: Sequence[Mapping[str, float]]) -> list[float]:
        """Return the objective after each epoch, larger is better."""


class Stop(Protocol):
    """The reason why a training ends early, as text by `str`, with a forecast of the final score."""

    @property
    def forecast(self) -> Any:
        """The forecast of the final score, a dataclass of floats."""
