"""Search for the strength of a penalty by the loss of rows that weren't trained on."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

TriedT = TypeVar("TriedT", bound=tuple)


def tried(
    attempt: Callable[[float], TriedT],
    strengths: Sequence[float],
    first: int,
    least_gain: float,
    until: float | None = None,
) -> dict[int, TriedT]:
    """Return the results of strengths, from the first one on in the directions in which the loss falls.

    Smaller strengths are tried first, and larger ones only if the first smaller one is no better.

    Args:
        attempt: Function from a strength to a tuple that begins with the loss.
        strengths: The strengths in order.
        first: Position of the strength that is tried first.
        least_gain: Relative gain of the loss that a strength must have for a further one to be tried.
        until: Value of `time.monotonic()` at which to be done, or `None`. The first strength is tried in any case.

    Returns:
        Dict from the position of a strength to its result.
    """
    started = time.monotonic()
    results = {first: attempt(strengths[first])}
    for step in (-1, 1):
        position, is_worse = first + step, False
        while 0 <= position < len(strengths):
            now = time.monotonic()
            if until is not None and now + (now - started) / len(results) > until:
                break
            results[position] = attempt(strengths[position])
            loss, before = results[position][0], results[position - step][0]
            is_worse = loss > before * (1 + least_gain)
            if loss > before * (1 - least_gain):
                break
            position += step
        if len(results) > 2 or not is_worse:
            break
    return results
