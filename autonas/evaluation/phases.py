"""What the time of a trial, or of a search, goes to: seconds by phase."""

import contextlib
import time


class Phases:
    """A clock whose seconds belong to one phase at a time, so that those of all phases add up to all that have passed.

    ```python
    phases = Phases()
    with phases("train"):
        with phases("report"):  # isn't "train"
            ...
    ```

    Two readings of the clock of the system for each phase that is entered: a few microseconds, and no device is waited
    for. What a device still computes when a phase ends counts as the phase in which it is waited for.

    Args:
        seconds: What earlier clocks have counted, a dict to go on with. Defaults to nothing.
    """

    def __init__(self, seconds=None):
        self._seconds = dict(seconds or {})
        self._phase, self._since = "other", time.perf_counter()

    @property
    def seconds(self):
        """Dict from the name of each phase so far to its seconds. `"other"` is what was in none."""
        self._enter(self._phase)
        return dict(self._seconds)

    @contextlib.contextmanager
    def __call__(self, phase):
        """What is run within belongs to a phase, but for phases within it."""
        before = self._enter(phase)
        try:
            yield
        finally:
            self._enter(before)

    def _enter(self, phase):
        now = time.perf_counter()
        self._seconds[self._phase] = self._seconds.get(self._phase, 0.0) + now - self._since
        before, self._phase, self._since = self._phase, phase, now
        return before
