"""Architectures that are tried before a strategy proposes others: initial points, and architectures that failed."""

import collections
from collections.abc import Callable, Iterator, Mapping, Sequence

from autonas.search_space.encoding import Encoding
from autonas.search_space.values import Key, Scalar


class PlannedArchitectures:
    """Queue of initial points and of architectures that have failed and are tried again.

    Args:
        initial_points: Sequence of dicts of the values that differ from the default architecture, or `None` for the
            default architecture alone.
    """

    def __init__(self, initial_points: Sequence[Mapping[str, Scalar]] | None) -> None:
        self._initial_points = [{}] if initial_points is None else initial_points
        #: Number of initial points that were returned or passed over by this process.
        self._n_passed = 0
        #: Keys of the initial points that were returned.
        self._returned: set[Key] = set()
        self._retries: collections.deque[dict[str, Scalar]] = collections.deque()

    def add_retry(self, values: dict[str, Scalar]) -> None:
        """Add an architecture that has failed."""
        self._retries.append(values)

    def next(
        self, encoding: Encoding, is_new: Callable[[dict[str, Scalar]], bool], retries: bool
    ) -> dict[str, Scalar] | None:
        """Return the next architecture that is new, or `None`.

        Args:
            encoding: The space.
            is_new: Function from an architecture to whether it may be tried.
            retries: Whether failed architectures are tried again.
        """
        for values in self._initial(encoding, self._n_passed):
            self._n_passed += 1
            key = encoding.key(values)
            if key not in self._returned and is_new(values):
                self._returned.add(key)
                return values
        while self._retries and retries:
            values = self._retries.popleft()
            if is_new(values):
                return values
        return None

    def take(self, encoding: Encoding, values: dict[str, Scalar], retries: bool) -> bool:
        """Take an architecture that `next` returned in an earlier process; return whether there is such a one.

        The initial points are compared by their values: a search that is continued with more time may have others.

        Args:
            encoding: The space.
            values: The architecture.
            retries: Whether failed architectures are tried again.
        """
        key = encoding.key(values)
        if key not in self._returned and key in map(encoding.key, self._initial(encoding, 0)):
            self._returned.add(key)
            return True
        if retries and values in self._retries:
            self._retries.remove(values)
            return True
        return False

    def _initial(self, encoding: Encoding, first: int) -> Iterator[dict[str, Scalar]]:
        """Return an iterator over the architectures of the initial points from a number on."""
        return map(encoding.complete, self._initial_points[first:])
