"""The first reading of a stream: how long it may take, and what of it is kept."""

import concurrent.futures
import time


class ReadingClock:
    """Ends a reading that takes more than a share of the time limit.

    Args:
        time_limit: Seconds of the whole search, or `None`.

    Attributes:
        share: Share of the time limit that the reading may take, which may change while it goes on.
    """

    def __init__(self, time_limit):
        self.time_limit = time_limit
        self.share = 1.0
        self._started = time.monotonic()

    def elapsed(self):
        """Return the seconds since the beginning."""
        return time.monotonic() - self._started

    def within_limit(self, iterator):
        """Yield the items of an iterator; raise `concurrent.futures.TimeoutError` when the share is spent.

        Items, none of which may be `None`, are awaited in a thread, so that an iterator that gives nothing more is
        ended as well.
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
    """Batches as they were read, as long as they aren't too large to be kept.

    Args:
        most_bytes: Bytes that are kept at most.

    Attributes:
        batches: List of the batches, `None` if they are too large.
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
