"""Search by one-shot scores: the evaluation of the architectures of a strategy, and the choice of finalists."""

import dataclasses
import heapq
import time

import numpy as np

from autonas.objectives import pareto

#: Maximum number of architectures for each one that is scored. The others violate a constraint.
_ASKED_PER_SCORED = 5
#: Number of finalists if all architectures violate a constraint.
_N_NEAREST = 5
#: Coordinates of the reference point of the hypervolume, below the range [0, 1] of the scores.
_REFERENCE = -0.1


@dataclasses.dataclass
class Examined:
    """An architecture with its scores and margins.

    Args:
        values: Dict of the values of the architecture.
        numbers: Dict of its metrics and costs.
        scores: List of floats, one for each objective; larger is better. `None` if the architecture violates a
            constraint, or if a score isn't finite.
        margins: List of the margins to the constraints, negative if violated; `None` without constraints. Defaults to
            `None`.
    """

    values: dict
    numbers: dict
    scores: list | None
    margins: list | None = None

    @property
    def is_refused(self):
        """Whether the architecture violates a constraint, and therefore wasn't scored."""
        return any(margin is not None and margin < 0 for margin in self.margins or ())


def ask_and_tell(strategy, n_scored, examine, deadline=None):
    """Run a strategy until `n_scored` architectures satisfy the constraints, for at most `5 * n_scored` suggestions.

    Args:
        strategy: An `autonas.oracles.Oracle`.
        n_scored: Number of architectures to score.
        examine: Function from an architecture to its `Examined`.
        deadline: Value of `time.monotonic()` at which to stop, after at least one architecture. Defaults to `None`.

    Returns:
        List of `Examined` in the order of the suggestions.
    """
    examined = []
    max_asked = _ASKED_PER_SCORED * n_scored
    while sum(not architecture.is_refused for architecture in examined) < n_scored and len(examined) < max_asked:
        if examined and deadline is not None and time.monotonic() >= deadline:
            break
        number, values = strategy.n_asked, strategy.ask()
        if not isinstance(values, dict):
            break
        examined.append(examine(values))
        scores = examined[-1].scores
        strategy.tell(number, values, None if scores is None else tuple(scores), examined[-1].margins)
    return examined


def finalists(examined, n, network_of):
    """Return the best architectures of distinct networks, the best first; several objectives are ranked by `in_order`.

    Of architectures with the same network, such as one layer, and one layer followed by an identity, the
    best one is returned. If all architectures violate a constraint, return at most five with the largest margins.

    Args:
        examined: List of `Examined`.
        n: Maximum number of finalists.
        network_of: Function from the values of an architecture to a key, equal for architectures with the same network.
    """
    by_values = {tuple(sorted(architecture.values.items())): architecture for architecture in examined}
    distinct = list(by_values.values())
    scored = [architecture for architecture in distinct if architecture.scores is not None]
    if scored:
        ranked = (scored[row] for row in in_order([architecture.scores for architecture in scored]))
    else:
        refused = [architecture for architecture in distinct if architecture.is_refused]
        ranked = iter(sorted(refused, key=lambda architecture: -_smallest_margin(architecture.margins)))
        n = min(n, _N_NEAREST)
    by_network = {}
    while len(by_network) < n and (architecture := next(ranked, None)) is not None:
        by_network.setdefault(network_of(architecture.values), architecture)
    return list(by_network.values())


def in_order(scores):
    """Yield the indices of rows by non-dominated sorting, the best first.

    Within a front, the order is greedy: the next row adds the most hypervolume to the preceding rows, so that the first
    rows are spread over the front.

    Args:
        scores: Array-like of shape `(rows, objectives)`, larger is better.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.shape[1] == 1:
        yield from np.argsort(-scores[:, 0], kind="stable").tolist()
        return
    spans = np.ptp(scores, axis=0)
    scores = (scores - scores.min(axis=0)) / np.where(spans > 0, spans, 1.0)
    left = np.arange(len(scores))
    while len(left):
        is_best = pareto.non_dominated(scores[left])
        yield from (int(left[is_best][row]) for row in _spread(scores[left][is_best]))
        left = left[~is_best]


def _spread(front):
    """Yield the rows of a front, scaled to [0, 1], so that each row adds the most hypervolume to the preceding ones."""
    # Below 0, so that rows at the ends of the front add hypervolume too.
    reference = np.full(front.shape[1], _REFERENCE)
    chosen, volume = [], 0.0
    # Hypervolume is submodular: an earlier gain of a row is an upper bound of its gain now.
    bounds = [(-np.inf, row) for row in range(len(front))]
    while bounds:
        _, row = heapq.heappop(bounds)
        gain = pareto.hypervolume(front[[*chosen, row]], reference) - volume
        if bounds and (-gain, row) > bounds[0]:
            heapq.heappush(bounds, (-gain, row))
        else:
            yield row
            chosen.append(row)
            volume += gain


def _smallest_margin(margins):
    """Return the margin of the constraint that is violated the most."""
    return min(margin for margin in margins if margin is not None)
