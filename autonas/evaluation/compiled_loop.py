"""Training loops that run many steps in one call of a compiled function."""

import time

import numpy as np

from autonas.evaluation import fitting, loops

#: Target seconds of one call, so that a deadline is checked within an epoch.
_SECONDS_PER_CALL = 0.4
#: Remaining steps, relative to the steps of a call, up to which one call takes all of them.
_LAST_CALL = 1.5
#: Estimated time of predictions, relative to a training on as many rows, which has a backward pass, too.
_PREDICTED_SHARE = 1 / 3
#: Share of the estimated time of a validation for which there must be time.
_LEAST_VALIDATION = 0.5


class CompiledLoop(loops.TrainingLoop):
    """A training loop whose steps don't return to Python, which dominates the time of small networks in `model.fit`.

    Args:
        model: As in `TrainingLoop`.
        dataset: An `ArrayDataset`.
    """

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        self._seconds_per_step = None
        #: Seconds of the first call, which include the compilation.
        self._first_seconds = 0.0

    def _run(self, batches, learning_rates, span, total):
        """Train in some steps; return the sum of the losses of these and all earlier steps of the epoch.

        The sum, of 32 bits, is the same however the steps are divided into calls.

        Args:
            batches: Row indices `(steps, batch)` of the epoch.
            learning_rates: Learning rates `(steps,)` of the epoch.
            span: Tuple of the first step, and the step after the last one.
            total: Sum of the losses of the earlier steps.
        """
        raise NotImplementedError

    def _rows(self, rows, deadline):
        """Return the training rows that are ready at the deadline."""
        return rows

    def _validation_seconds(self, batch_size):
        """Estimate the seconds of the first validation; 0 if there is none, or if later ones are measured already."""
        if not self.validation.n_rows or self.validation.seconds is not None:
            return 0.0
        steps = self.validation.n_rows / batch_size
        return _PREDICTED_SHARE * (self._first_seconds + steps * self._seconds_per_step)

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        """Train for one epoch, or until the deadline; see `TrainingLoop.train_epoch`.

        Raises:
            TooSlow: If the first steps show that the first validation would end long after the deadline.
        """
        n_rows = len(rows)
        rows = self._rows(rows, deadline)
        batches = loops.shuffled_batches(rows, batch_size, generator)
        rates = _rates(learning_rate, 0, len(batches), len(batches))
        is_first = self._seconds_per_step is None
        total, done = 0.0, 0
        while done < len(batches):
            # The first call, which traces and optimises the function, has a single step: its time is the compilation.
            length = 1
            if self._seconds_per_step is not None:
                length = max(1, int(_SECONDS_PER_CALL / self._seconds_per_step))
            if len(batches) - done < _LAST_CALL * length:
                length = len(batches) - done
            if is_first:
                # Rates depend on the clock if the deadline ends the training, and the first epoch may take all of the
                # time. Later epochs keep the higher rates of their beginning: the weights are averaged over epochs.
                rates[done : done + length] = _rates(learning_rate, done, done + length, len(batches))
            start = time.monotonic()
            with self._first("train"):
                total = self._run(batches, rates, (done, done + length), total)
            now = time.monotonic()
            seconds = (now - start) / length
            if self._seconds_per_step is None:
                # With the compilation, an upper bound, which keeps the second call short.
                self._first_seconds = self._seconds_per_step = seconds
            self._seconds_per_step = min(seconds, self._seconds_per_step)
            done += length
            if deadline is not None and done < len(batches):
                left = deadline - now
                validation = self._validation_seconds(batches.shape[1]) if done > length else 0.0
                if _LEAST_VALIDATION * validation > max(0.0, left) + _SECONDS_PER_CALL:
                    raise fitting.TooSlow(
                        f"the predictions for the validation set would take about {validation:.1f} s, "
                        f"and {max(0.0, left):.1f} s are left"
                    )
                if left <= validation:
                    return total / done, False
        return total / len(batches), len(rows) == n_rows


def _rates(learning_rate, first, last, n_steps):
    """Return the learning rates of the steps of an epoch from `first` on and before `last`."""
    return np.array([learning_rate(step / n_steps) for step in range(first, last)], "float32")
