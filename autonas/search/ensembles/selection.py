"""Ensemble selection: members and weights, by the predictions of candidates for the validation set."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

#: Maximum number of additions, and number of additions in a row without improvement after which the selection ends.
_MAX_ADDITIONS = 30
_PATIENCE = 8

_Predictions: TypeAlias = Mapping[str, np.ndarray]
_Scores: TypeAlias = dict[str, float]
#: A candidate, the averaged predictions with it, and their scores.
_Addition: TypeAlias = tuple[str, _Predictions, _Scores]
_IsBetter: TypeAlias = Callable[[_Scores, _Scores], bool]


@dataclasses.dataclass(frozen=True)
class Selection:
    """An ensemble.

    Args:
        members: Dict from candidate to weight; weights add up to 1. The best single candidate comes first.
        before: Scores of the best single candidate.
        after: Scores of the ensemble.
        refused: Number of candidates that would have improved the ensemble, but weren't allowed.
    """

    members: dict[str, float]
    before: dict[str, float]
    after: dict[str, float]
    refused: int


def select(
    predictions: Mapping[str, _Predictions],
    first: str,
    score: Callable[[_Predictions, set[str]], _Scores],
    is_better: _IsBetter,
    size: int,
    is_allowed: Callable[[set[str]], bool] = lambda members: True,
) -> Selection:
    """Select an ensemble by greedy forward selection with replacement.

    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004. For
    candidates c with predictions p_c, the ensemble is a bag B with the prediction

        p_B = (1 / |B|) Σ_{c in B} p_c.

    The bag begins with the best candidate. In each step the candidate with the best score of p_B is added, which may be
    a member already: the weight of a member is its share in the bag. The result is the best bag of all steps, and the
    first of equally good bags, so that the ensemble is never worse than the best candidate on the validation set.

    Deviations from the paper: the bag begins with one candidate instead of several; there is no bagging over subsets of
    the candidates; the bag has at most `size` different members, since every member is a network to run; the selection
    ends after 30 additions, or after 8 additions in a row without improvement.

    Args:
        predictions: Dict from candidate to its predictions, a dict from head to array `(n, n_outputs)`.
        first: The best candidate.
        score: Function from predictions and the set of their members to a dict of scores.
        is_better: Function of two dicts of scores.
        size: Maximum number of different members.
        is_allowed: Function from a set of candidates to whether the set may be averaged. Defaults to a function that
            allows every set.

    Returns:
        A `Selection`.
    """

    def order(one: _Addition, other: _Addition) -> int:
        return is_better(other[2], one[2]) - is_better(one[2], other[2])

    bag, total = [first], predictions[first]
    before = best_scores = score(total, {first})
    best, refused = bag, set()
    while len(bag) <= _MAX_ADDITIONS and len(bag) - len(best) < _PATIENCE:
        additions: list[_Addition] = []
        for candidate in predictions if len(set(bag)) < size else dict.fromkeys(bag):
            if candidate not in refused:
                mean = _mean(total, predictions[candidate], len(bag))
                additions.append((candidate, mean, score(mean, {*bag, candidate})))
        additions.sort(key=functools.cmp_to_key(order))
        for added in additions:
            if added[0] in bag or is_allowed({*bag, added[0]}):
                break
            # A candidate that isn't allowed beside these members isn't allowed beside more members.
            refused.add(added[0])
        candidate, total, scores = added
        bag = [*bag, candidate]
        if is_better(scores, best_scores):
            best, best_scores = bag, scores
    members = {candidate: best.count(candidate) / len(best) for candidate in dict.fromkeys(best)}
    return Selection(members, before, best_scores, len(refused))


def _mean(total: _Predictions, added: _Predictions, n_members: int) -> _Predictions:
    """Return the mean of the predictions of `n_members` members and one more."""
    return {name: array + (added[name] - array) / (n_members + 1) for name, array in total.items()}
