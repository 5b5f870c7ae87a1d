"""Ensemble selection: members and weights, by the predictions of candidates for the validation set."""

import collections
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

#: Maximum number of additions, and number of additions in a row without improvement after which the selection ends.
_MAX_ADDITIONS = 30
_PATIENCE = 8
#: The same maximum for each of several samples of the rows, whose weights are averaged.
_SAMPLED_ADDITIONS = 15
#: Number of rows as much as which equal weights count. With fewer rows the best candidate owes its place to chance.
_EQUAL_ROWS = 500
#: Number of independent rows as much as which equal weights of the simplest candidate and the others count.
_SIMPLE_ROWS = 100
#: Number of standard errors up to which the difference of two candidates says nothing about which one is better.
_MOST_ERRORS = 2.0

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
    score: Callable[..., _Scores],
    is_better: _IsBetter,
    size: int,
    *,
    samples: Sequence[np.ndarray] = (),
    is_allowed: Callable[[set[str]], bool] = lambda members: True,
    loss: Callable[[_Scores], float] | None = None,
    compared: Mapping[str, _Predictions] | None = None,
) -> Selection:
    """Select an ensemble by greedy forward selection with replacement, on several samples of the validation set.

    Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models", ICML 2004. For
    candidates c with predictions p_c, the ensemble is a bag B with the prediction

        p_B = (1 / |B|) Σ_{c in B} p_c.

    The bag begins with the best candidate. In each step the candidate with the best score of p_B is added, which may be
    a member already: the weight of a member is its share in the bag. The best bag of all steps, and the first of
    equally good bags, is the bag of a sample of rows. The members of the ensemble are those of the `size` largest
    mean weights over the bags of all samples. With the mean weights w_c, made to add up to 1, of k members and n rows,
    the weights are (n w_c + 500 / k) / (n + 500): equal weights count as much as 500 rows. A single selection on all
    rows fits their noise: it prefers few members and uneven weights, which predict worse on other rows.

    The score of the best of many candidates is partly luck, the more the fewer rows there are. With fewer than 500 rows
    the ensemble of the samples is the result, unless a gain is needed or the ensemble is worse than the best candidate
    by more than two standard errors; see `select_equals`.
    With more rows, it is the result if it is better than the best candidate on all rows. Otherwise the bag of all rows
    is the result, which is never worse.

    Deviations from the paper: the bags are of samples of the rows instead of subsets of the candidates, and their
    weights are averaged with equal ones; a bag begins with one candidate instead of several; a bag has at most `size`
    different members, since every member is a network to run; a selection ends after 30 additions (15 on a sample of
    the rows), or after 8 additions in a row without improvement.

    Args:
        predictions: Dict from candidate to its predictions, a dict from head to array `(n, n_outputs)`.
        first: The best candidate.
        score: Function `(predictions, members, rows)` of predictions, the set of their members, and the positions of
            the predicted rows, `None` for all rows. Returns a dict of scores.
        is_better: Function of two dicts of scores.
        size: Maximum number of different members.
        samples: Arrays of positions of rows, one for each sample. Defaults to a single selection on all rows.
        is_allowed: Function from a set of candidates to whether the set may be averaged. Defaults to a function that
            allows every set.
        loss: Function from scores to a number that is lower for better scores. With it, few rows need no gain. Defaults
            to `None`.
        compared: Dict from candidate to the predictions by which members are selected. Defaults to `predictions`.

    Returns:
        A `Selection`.
    """
    compared = predictions if compared is None else compared
    refused: set[str] = set()
    n_rows = len(next(iter(predictions[first].values())))

    def scored(
        made: Mapping[str, _Predictions], weights: Mapping[str, float], rows: np.ndarray | None = None
    ) -> _Scores:
        return score(_rows_of(weighted_mean(made, weights), rows), set(weights), rows)

    alone, before = {first: 1.0}, scored(predictions, {first: 1.0})
    # The scores of given rows are the objective alone, which is faster.
    attempts: list[Sequence[np.ndarray]] = [samples, [np.arange(n_rows)]] if samples else [[np.arange(n_rows)]]
    for attempt in attempts:
        shares = collections.Counter({first: 0.0})
        for rows in attempt:
            sampled = {name: _rows_of(made, rows) for name, made in compared.items()}
            on_rows = functools.partial(score, rows=rows)
            most = _SAMPLED_ADDITIONS if attempt is samples else _MAX_ADDITIONS
            of_bag: set[str] = set()
            bag = _bag(sampled, first, on_rows, is_better, (size, most), is_allowed=is_allowed, refused=of_bag)
            refused |= of_bag
            shares.update({candidate: bag.count(candidate) / len(bag) for candidate in bag})
        members: list[str] = [first]
        for candidate, _ in shares.most_common():
            if candidate not in members and len(members) < size and is_allowed({*members, candidate}):
                members.append(candidate)
        total = sum(shares[candidate] for candidate in members)
        weights = {candidate: shares[candidate] / total for candidate in members if shares[candidate]}
        if attempt is samples:
            weights = {
                candidate: (n_rows * weight + _EQUAL_ROWS / len(weights)) / (n_rows + _EQUAL_ROWS)
                for candidate, weight in weights.items()
            }
        is_chosen = is_better(scored(compared, weights), scored(compared, alone))
        if attempt is samples and not is_chosen and loss is not None and n_rows < _EQUAL_ROWS:
            differences = [
                loss(scored(compared, weights, rows)) - loss(scored(compared, alone, rows))
                for rows in (np.arange(n_rows), *samples)
            ]
            is_chosen = differences[0] <= _largest_luck(np.array(differences[1:]), len(samples[0]) / n_rows)
        if len(weights) > 1 and is_chosen:
            return Selection(weights, before, scored(predictions, weights), len(refused))
    return Selection(alone, before, before, len(refused))


def select_equals(
    predictions: Mapping[str, _Predictions],
    first: str,
    score: Callable[..., _Scores],
    loss: Callable[[_Scores], float],
    size: int,
    *,
    samples: Sequence[np.ndarray],
    is_allowed: Callable[[set[str]], bool] = lambda members: True,
    compared: Mapping[str, _Predictions] | None = None,
) -> Selection:
    """Select the candidates that aren't significantly worse than the best one, with equal weights.

    Which of them is the best one is luck. A candidate is significantly worse if the difference of its loss is more than
    two standard errors. As all candidates predict the same rows, the standard error is that of the paired difference:
    its standard deviation over bootstrap samples of the rows (Efron 1979).

    Args:
        predictions: Dict from candidate to its predictions as of `select`, the best candidate first.
        first: As in `select`.
        score: As in `select`.
        loss: Function from scores to a number that is lower for better scores.
        size: As in `select`.
        samples: Arrays of positions of rows, drawn with replacement.
        is_allowed: As in `select`.
        compared: Dict from candidate to the predictions by which candidates are compared. Defaults to `predictions`.

    Returns:
        A `Selection`.
    """
    compared = predictions if compared is None else compared

    def losses(candidate: str) -> np.ndarray:
        """Return the losses of a candidate on all rows, and on each sample."""
        rows_of_all: list[np.ndarray | None] = [None, *samples]
        scores = [score(_rows_of(compared[candidate], rows), {candidate}, rows) for rows in rows_of_all]
        return np.array([loss(numbers) for numbers in scores])

    best, members = losses(first), [first]
    share = len(samples[0]) / len(next(iter(predictions[first].values())))
    for candidate in predictions:
        if candidate not in members and len(members) < size and is_allowed({*members, candidate}):
            difference = losses(candidate) - best
            if difference[0] <= _largest_luck(difference[1:], share):
                members.append(candidate)
    weights = dict.fromkeys(members, 1 / len(members))
    before = score(predictions[first], {first}, None)
    return Selection(weights, before, score(weighted_mean(predictions, weights), set(weights), None), 0)


def with_simplest(chosen: Mapping[str, float], simplest: str, n_independent: float) -> dict[str, float]:
    """Return the weights of the members of an ensemble with a share for the simplest candidate.

    With n independent rows, the share is 50 / (n + 100), at most one half. On few rows, a correction of the simplest
    forecast that is better by its score is often worse later, and the mean of both errs little more than the better
    one: errors are convex (Bates and Granger 1969).

    Args:
        chosen: Dict from member to weight.
        simplest: The simplest candidate.
        n_independent: Number of independent rows.
    """
    share = _SIMPLE_ROWS / 2 / (n_independent + _SIMPLE_ROWS)
    weights = {member: (1 - share) * weight for member, weight in chosen.items()}
    weights[simplest] = weights.get(simplest, 0.0) + share
    return weights


def capped(probabilities: np.ndarray, task: str, largest: float) -> np.ndarray:
    """Return predictions of a task whose probabilities are at most `largest`; numbers stay as they are."""
    least = 1 - largest
    if task == "regression":
        return probabilities
    if task != "multiclass":
        return np.clip(probabilities, least, largest)
    highest = probabilities.max(axis=1, keepdims=True)
    # The other classes share the rest as before, or equally.
    others = np.where(probabilities == highest, 0.0, probabilities + np.finfo("float32").tiny)
    shares = others / np.maximum(others.sum(axis=1, keepdims=True), np.finfo("float32").tiny)
    return np.where(highest > largest, np.where(probabilities == highest, largest, least * shares), probabilities)


def _bag(
    predictions: Mapping[str, _Predictions],
    first: str,
    score: Callable[[_Predictions, set[str]], _Scores],
    is_better: _IsBetter,
    limits: tuple[int, int],
    *,
    is_allowed: Callable[[set[str]], bool],
    refused: set[str],
) -> list[str]:
    """Return the best bag of one greedy selection, a list with repetitions; see `select`.

    Args:
        limits: Maximum number of different members, and of additions.
        refused: Set of the candidates that aren't allowed, to which more are added.
    """

    def order(one: _Addition, other: _Addition) -> int:
        return is_better(other[2], one[2]) - is_better(one[2], other[2])

    size, most = limits
    bag, total = [first], predictions[first]
    best, best_scores = bag, score(total, {first})
    while len(bag) <= most and len(bag) - len(best) < _PATIENCE:
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
    return best


def weighted_mean(predictions: Mapping[str, _Predictions], members: Mapping[str, float]) -> dict[str, np.ndarray]:
    """Return the averaged predictions of the members of an ensemble, a dict from head to array."""
    weights = list(members.values())
    heads = predictions[next(iter(members))]
    return {head: np.average([predictions[name][head] for name in members], axis=0, weights=weights) for head in heads}


def _largest_luck(differences: np.ndarray, share: float) -> float:
    """Return the difference of two losses on all rows up to which it says nothing about which candidate is better.

    Args:
        differences: The differences on samples of the rows.
        share: Number of rows of a sample, relative to all. Fewer rows have larger errors.
    """
    return float(_MOST_ERRORS * np.sqrt(share) * differences.std())


def _rows_of(predictions: _Predictions, rows: np.ndarray | None) -> _Predictions:
    return predictions if rows is None else {name: array[rows] for name, array in predictions.items()}


def _mean(total: _Predictions, added: _Predictions, n_members: int) -> _Predictions:
    """Return the mean of the predictions of `n_members` members and one more."""
    return {name: array + (added[name] - array) / (n_members + 1) for name, array in total.items()}
