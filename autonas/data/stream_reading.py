"""Time limit and cache of the first pass over a stream."""

import concurrent.futures
import time


class ReadingClock:
    """Clock that stops a pass over a stream after a fraction of the time limit.

    Args:
        time_limit: Time limit of the whole search in seconds, or `None` for no limit.

    Attributes:
        share: Fraction of the time limit after which the pass stops. Can be changed during the pass. Initially 1.
    """

    def __init__(self, time_limit):
        self.time_limit = time_limit
        self.share = 1.0
        self._started = time.monotonic()

    def elapsed(self):
        """Return the seconds since the clock was created."""
        return time.monotonic() - self._started

    def within_limit(self, iterator):
        """Yield the items of an iterator until the time is over.

        A thread waits for the items, so that an iterator that blocks is stopped, too.

        Args:
            iterator: Iterator of items other than `None`.

        Raises:
            concurrent.futures.TimeoutError: If the time is over before the iterator ends.
        """
        if self.time_limit is None:
            yield from iterator
            return
        thread = concurrent.futures.ThreadPoolExecutor(1)
        try:
            while True:
                left = self.share * self.time_limit - self.elapsed()
                item = thread.submit(next, iterator, None).result(max(0.0, left))
                if item is None:
                    return
                yield item
        finally:
            thread.shutdown(wait=False)


class RawRows:
    """Cache of the raw batches of a stream, up to a maximum size.

    Args:
        most_bytes: Maximum total size in bytes.

    Attributes:
        batches: List of the batches, or `None` if their total size exceeds the maximum.
    """

    def __init__(self, most_bytes):
        self.batches = []
        self._bytes_left = most_bytes

    def add(self, batch, n_bytes):
        """Add a batch of `n_bytes` bytes."""
        self._bytes_left -= n_bytes
        if self._bytes_left < 0:
            self.batches = None
        elif self.batches is not None:
            self.batches.append(batch)
