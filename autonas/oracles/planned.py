"""Architectures that are tried before a strategy proposes others: initial points, and architectures that failed."""

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence

from autonas.search_space import narrowing
from autonas.search_space.encoding import Encoding
from autonas.search_space.reserved import is_reserved
from autonas.search_space.values import Scalar


def check_points(points: Iterable[Mapping[str, Scalar]], encoding: Encoding) -> None:
    """Raise a `ValueError` if an initial point has a name or a value that the space doesn't have.

    Args:
        points: The initial points. Values of inactive decisions and of reserved names are allowed, and `None`.
        encoding: The space.
    """
    known = {dimension.name for dimension in encoding.dimensions}
    for point in points:
        narrowing.check_names([name for name in point if not is_reserved(name)], known, "initial_points")
        for name, value in point.items():
            same = [dimension for dimension in encoding.dimensions if dimension.name == name]
            if same and value is not None and not any(dimension.is_legal(value) for dimension in same):
                raise ValueError(
                    f"`initial_points` must give {name!r} a value that the decision has, {same[0].in_words}. "
                    f"Received: {value!r:.60}"
                )


class PlannedArchitectures:
    """Queue of initial points and of architectures that have failed and are tried again.

    Args:
        initial_points: Sequence of dicts of the values that differ from the default architecture, or `None` for the
            default architecture alone.
    """

    def __init__(self, initial_points: Sequence[Mapping[str, Scalar]] | None) -> None:
        self._initial_points = [{}] if initial_points is None else initial_points
        #: Number of initial points that were returned or passed over by this process, and the numbers of points that an
        #: earlier process returned.
        self._n_passed = 0
        self._taken: set[int] = set()
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
        if self._n_passed == 0:
            check_points(self._initial_points, encoding)
        while self._n_passed < len(self._initial_points):
            number = self._n_passed
            self._n_passed += 1
            values = encoding.complete(self._initial_points[number])
            if number not in self._taken and is_new(values):
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
        for number, point in enumerate(self._initial_points):
            if number in self._taken:
                continue
            # The values are incomplete if trials declared further hyperparameters later.
            if values == point or encoding.key(encoding.complete(point)) == key:
                self._taken.add(number)
                return True
        if retries and values in self._retries:
            self._retries.remove(values)
            return True
        return False
