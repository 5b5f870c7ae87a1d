"""Gradient boosting in a limited time: how many iterations can be fitted to how many rows."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

from autonas.search_space.fitted.fitters import Rows

#: Smallest share of the time of a fit of some iterations that those after the first one are taken to have, and share of
#: the seconds left for a fit of one iteration, above which there are no further ones.
_LEAST_SHARE, _LARGEST_SHARE = 0.1, 0.3
#: Largest share of the time of an iteration that is taken not to depend on the number of rows.
_MOST_FIXED = 0.5
#: Number of iterations, after the first one, from which the time of further ones is estimated.
_PILOT = 5
#: Share of the time left that further iterations are to take, and the fewest of them, relative to those before.
_SHARE_OF_FURTHER, _FEWEST_FURTHER = 0.9, 0.05
#: Time in which the trees of an iteration predict all rows, relative to the time in which the iteration is fitted.
_PREDICTION = 0.3


@dataclasses.dataclass(frozen=True)
class Speed:
    """Seconds of the fits of an estimator of scikit-learn on a number of rows.

    A fit takes a time of its own for the bins of the rows, often as long as that of twenty iterations. So the time of
    an iteration is the difference between a fit of some iterations and a fit of one. A part of it is the same for any
    number of rows, since each leaf has as many bins.

    Args:
        n_rows: Number of rows.
        of_first: Seconds of a fit of one iteration.
        of_one: Seconds of a further iteration, infinity if there is no time for one.
        fixed: Seconds of a further iteration that don't depend on the number of rows. Defaults to 0.
    """

    n_rows: int
    of_first: float
    of_one: float
    fixed: float = 0.0

    @classmethod
    def of(cls, estimator: Any, training: Rows, n_more: int, seconds: float = math.inf) -> Speed:
        """Return the speed of an estimator on training rows, by a fit of one iteration and one of some more.

        Args:
            estimator: The estimator.
            training: The training rows.
            n_more: Number of further iterations.
            seconds: Seconds that are left, of which the measurement takes a part. Defaults to no limit.
        """

        def seconds_of(n_iterations: int) -> float:
            started = time.monotonic()
            estimator.set_params(max_iter=n_iterations)
            estimator.fit(training.inputs, training.targets, sample_weight=training.weights)
            return time.monotonic() - started

        n_rows, of_first = len(training.targets), seconds_of(1)
        if of_first > _LARGEST_SHARE * seconds:
            return cls(n_rows, of_first, math.inf)
        of_more = seconds_of(n_more + 1)
        return cls(n_rows, of_first, max(of_more - of_first, _LEAST_SHARE * of_more) / n_more)

    def beside(self, smaller: Speed) -> Speed:
        """Return the same speed, with the fixed part of an iteration by comparison with the speed on fewer rows."""
        of_rows = (self.of_one - smaller.of_one) * self.n_rows / (self.n_rows - smaller.n_rows)
        return dataclasses.replace(self, fixed=min(max(0.0, self.of_one - of_rows), _MOST_FIXED * self.of_one))

    def of_several(self, n_fits: int, seconds: float) -> Speed:
        """Return the speed of several fits after a preparation of the rows that takes some seconds."""
        return Speed(self.n_rows, seconds + n_fits * self.of_first, n_fits * self.of_one, n_fits * self.fixed)

    def rows(self, n_iterations: int, seconds: float) -> int:
        """Return the number of rows to which iterations can be fitted in some seconds."""
        of_rows = self.of_first + n_iterations * (self.of_one - self.fixed)
        return max(0, int(self.n_rows * (seconds - n_iterations * self.fixed) / of_rows))

    def iterations(self, n_rows: int, seconds: float) -> int:
        """Return the number of iterations that can be fitted to some rows in some seconds, at least 1."""
        share = n_rows / self.n_rows
        of_one = self.fixed + share * (self.of_one - self.fixed)
        return max(1, int((seconds - share * self.of_first) / of_one))


@dataclasses.dataclass(frozen=True)
class TimeLimit:
    """Time limit of a fit.

    Args:
        deadline: Value of `time.monotonic()` at which to be done, or `None`.
        speed: The `Speed` on a sample of the rows, or `None` to measure it on all of them.
    """

    deadline: float | None
    speed: Speed | None

    def fit(self, estimator: Any, training: Rows, validation: Rows | None, n_iterations: int) -> None:
        """Fit an estimator of scikit-learn, with as many iterations as there is time for.

        Args:
            estimator: The estimator.
            training: The training rows.
            validation: Rows for early stopping, or `None`.
            n_iterations: Largest number of iterations.
        """
        possible = max(1, n_iterations)
        if self.deadline is not None:
            speed = self.speed or Speed.of(estimator, training, _PILOT, self.deadline - time.monotonic())
            possible = min(possible, speed.iterations(len(training.targets), self.deadline - time.monotonic()))
        stopping: dict[str, Any] = {}
        if validation is not None:
            stopping = {"X_val": validation.inputs, "y_val": validation.targets}
            stopping["sample_weight_val"] = validation.weights
        n_before = 0
        while possible > n_before:
            started = time.monotonic()
            # A fit with `warm_start` goes on from the iterations of the last one.
            estimator.set_params(max_iter=possible, early_stopping=bool(stopping), warm_start=n_before > 0)
            estimator.fit(training.inputs, training.targets, sample_weight=training.weights, **stopping)
            if self.deadline is None or estimator.n_iter_ < possible:
                break
            now = time.monotonic()
            of_one = (now - started) / (possible - n_before + _PREDICTION * n_before)
            n_before = possible
            possible = min(n_iterations, n_before + _further(n_before, (self.deadline - now) / of_one))


def _further(n_before: int, n_possible: float) -> int:
    """Return the number of further iterations for which there is time; 0 if there are too few to be worth a fit.

    A fit that goes on predicts all rows by the trees before, and makes the bins anew.

    Args:
        n_before: Number of iterations before.
        n_possible: Number of iterations that could be fitted in the time that is left.
    """
    number = int(_SHARE_OF_FURTHER * n_possible - _PREDICTION * n_before)
    return number if number >= max(1.0, _FEWEST_FURTHER * n_before) else 0
