"""Search by one-shot scores: a strategy asks and is told, and the best of what it asked for are finalists."""

import dataclasses
import heapq
import time

import numpy as np

from autonas.objectives import pareto

#: How many architectures a strategy may ask for in order to get one that is scored: the others break a limit.
_ASKED_PER_SCORED = 5
#: Architectures beyond the limits that are handed on where none is within them.
_N_NEAREST = 5


@dataclasses.dataclass
class Examined:
    """An architecture that a strategy asked for, and what came of it.

    Args:
        values: The architecture.
        numbers: Its metrics and costs, a dict of floats.
        scores: List of one float per objective, larger is better; `None` if it was refused, or one isn't finite.
        margins: How far it is within each limit, a list; `None` without constraints. Defaults to `None`.
    """

    values: dict
    numbers: dict
    scores: list | None
    margins: list | None = None

    @property
    def is_refused(self):
        """Whether it breaks a limit: it was not scored then."""
        return any(margin is not None and margin < 0 for margin in self.margins or ())


def ask_and_tell(strategy, n_scored, examine, deadline=None):
    """Lets a strategy search.

    Those that break a limit aren't counted, up to four for each one that is.

    Args:
        strategy: An `autonas.oracles.Oracle`.
        n_scored: Number of architectures to be scored.
        examine: Function from an architecture to its `Examined`.
        deadline: `time.monotonic()` at which to stop, once one was examined; `None`, the default, for none.

    Returns:
        List of `Examined` in the order in which they were asked for.
    """
    found = []
    while sum(not each.is_refused for each in found) < n_scored and len(found) < _ASKED_PER_SCORED * n_scored:
        if found and deadline is not None and time.monotonic() >= deadline:
            break
        number, values = strategy.n_asked, strategy.ask()
        if not isinstance(values, dict):
            break
        found.append(examine(values))
        scores = found[-1].scores
        strategy.tell(number, values, None if scores is None else tuple(scores), found[-1].margins)
    return found


def finalists(found, n):
    """The best architectures, each once, the best first: by the score; by `in_order` if there are several.

    If all break a limit, the few that are nearest to their limits.

    Args:
        found: List of `Examined`.
        n: How many at most.
    """
    distinct = list({tuple(sorted(each.values.items())): each for each in found}.values())
    scored = [each for each in distinct if each.scores is not None]
    if not scored:
        refused = [each for each in distinct if each.is_refused]
        return sorted(refused, key=lambda each: -_nearness(each.margins))[: min(n, _N_NEAREST)]
    return [scored[place] for place in in_order([each.scores for each in scored], n)]


def in_order(scores, n):
    """The places of the best rows.

    Rows that none dominates come first, then those that only these dominate, and so on. Among them each next row is
    the one that adds the most hypervolume to those before it, so that the first few are spread over the front.

    Args:
        scores: Array-like of shape `(rows, objectives)`, larger is better.
        n: How many at most.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.shape[1] == 1:
        return np.argsort(-scores[:, 0], kind="stable")[:n].tolist()
    spans = np.ptp(scores, axis=0)
    scores = (scores - scores.min(axis=0)) / np.where(spans > 0, spans, 1.0)
    left, order = np.arange(len(scores)), []
    while len(left) and len(order) < n:
        is_best = pareto.non_dominated(scores[left])
        order += [int(left[is_best][place]) for place in _spread(scores[left][is_best], n - len(order))]
        left = left[~is_best]
    return order


def _spread(front, n):
    """The places of the rows of a front, in [0, 1], such that each adds the most hypervolume to those before it."""
    # Rows at the ends of the front are to add something too.
    reference = np.full(front.shape[1], -0.1)
    chosen, volume = [], 0.0
    # What a row adds only gets less, so that what it added before is a bound of what it adds now.
    bounds = [(-np.inf, place) for place in range(len(front))]
    while bounds and len(chosen) < n:
        _, place = heapq.heappop(bounds)
        gain = pareto.hypervolume(front[[*chosen, place]], reference) - volume
        if bounds and (-gain, place) > bounds[0]:
            heapq.heappush(bounds, (-gain, place))
        else:
            chosen.append(place)
            volume += gain
    return chosen


def _nearness(margins):
    """The margin of the limit that is broken the most."""
    return min(margin for margin in margins if margin is not None)
