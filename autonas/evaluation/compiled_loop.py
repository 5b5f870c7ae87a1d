"""Training loops that run many steps in one call of a compiled function."""

import time

import numpy as np

from autonas.evaluation import loops

#: Target seconds of one call, so that a deadline is checked within an epoch.
_SECONDS_PER_CALL = 0.4
#: Number of steps in the first call, which traces and optimises the function.
_FIRST_STEPS = 4
#: Remaining steps, relative to the steps of a call, up to which one call takes all of them.
_LAST_CALL = 1.5
#: Estimated share of the computation in the time of the first call.
_COMPUTED_SHARE = 0.1


class CompiledLoop(loops.TrainingLoop):
    """A training loop whose steps don't return to Python, which dominates the time of small networks in `model.fit`.

    Args:
        model: As in `TrainingLoop`.
        dataset: An `ArrayDataset`.
    """

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        self._seconds_per_step = None

    def _run(self, batches, learning_rates, start, stop):
        """Train in the steps from `start` to `stop`; return the mean loss.

        Args:
            batches: Row indices `(steps, batch)` of the epoch.
            learning_rates: Learning rates `(steps,)` of the epoch.
            start: First step.
            stop: Step after the last one.
        """
        raise NotImplementedError

    def _rows(self, rows, deadline):
        """Return the training rows that are ready at the deadline."""
        return rows

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        n_rows = len(rows)
        rows = self._rows(rows, deadline)
        batches = loops.shuffled_batches(rows, batch_size, generator)
        rates = np.array([learning_rate(step / len(batches)) for step in range(len(batches))], "float32")
        total, done = 0.0, 0
        while done < len(batches):
            if self._seconds_per_step is None:
                length = _FIRST_STEPS
            else:
                length = max(1, int(_SECONDS_PER_CALL / self._seconds_per_step))
            if len(batches) - done < _LAST_CALL * length:
                length = len(batches) - done
            start = time.monotonic()
            with self._first("train"):
                loss = self._run(batches, rates, done, done + length)
            seconds = (time.monotonic() - start) / length
            self._seconds_per_step = min(seconds, self._seconds_per_step or _COMPUTED_SHARE * seconds)
            total += loss * length
            done += length
            if deadline is not None and time.monotonic() >= deadline and done < len(batches):
                return total / done, False
        return total / len(batches), len(rows) == n_rows
