"""Speed of gradient boosting: how many iterations can be fitted to some rows in some seconds."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

from autonas.search_space.fitters import Rows

#: Smallest share of the time of a fit of some iterations that those after the first one are taken to have, and share of
#: the seconds left for a fit of one iteration, above which there are no further ones.
_LEAST_SHARE, _LARGEST_SHARE = 0.1, 0.3


@dataclasses.dataclass(frozen=True)
class Speed:
    """Seconds of the fits of an estimator of scikit-learn on a number of rows.

    A fit takes a time of its own for the bins of the rows, often as long as that of twenty iterations. So the time of
    an iteration is the difference between a fit of some iterations and a fit of one.

    Args:
        n_rows: Number of rows.
        of_first: Seconds of a fit of one iteration.
        of_one: Seconds of a further iteration, infinity if there is no time for one.
    """

    n_rows: int
    of_first: float
    of_one: float

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

    def seconds(self, n_rows: int, n_iterations: int) -> float:
        """Return the seconds of a fit, in proportion to the number of rows."""
        return n_rows / self.n_rows * (self.of_first + n_iterations * self.of_one)

    def iterations(self, n_rows: int, seconds: float) -> int:
        """Return the number of iterations that can be fitted in some seconds, at least 1."""
        return max(1, int((seconds * self.n_rows / n_rows - self.of_first) / self.of_one))
