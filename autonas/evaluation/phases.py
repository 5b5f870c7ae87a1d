"""Phases of a trial or a search: the time spent in each phase, in seconds."""

import contextlib
import time


class Phases:
    """A clock that assigns all elapsed time to phases. Nested phases aren't counted in the outer phase.

    ```python
    phases = Phases()
    with phases("train"):
        with phases("report"):  # not counted as "train"
            ...
    ```

    Entering a phase takes a few microseconds, and doesn't synchronise with a GPU. Asynchronous computation counts as
    the phase in which its result is awaited.

    Args:
        seconds: Dict from phase to seconds, of an earlier clock to continue. Defaults to an empty dict.
    """

    def __init__(self, seconds=None):
        self._seconds = dict(seconds or {})
        self._phase, self._since = "other", time.perf_counter()

    @property
    def seconds(self):
        """Dict from phase to seconds. `"other"` is the time outside of all phases."""
        self._enter(self._phase)
        return dict(self._seconds)

    @contextlib.contextmanager
    def __call__(self, phase):
        """Return a context whose time counts as `phase`, except for nested phases."""
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
