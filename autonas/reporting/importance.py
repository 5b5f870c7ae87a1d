"""Importance: which decisions of a search matter for the score, and which don't."""

import math

import numpy as np

from autonas.costs.orientation import oriented
from autonas.trials import order

#: Trials of equal training below which nothing is said: of 5 or 6 with scores that are noise, a forest takes every
#: second table for one that it understands; of 8 one in twelve.
_FEWEST = 8
#: Share of the mean's squared error that a forest must leave at most, to be asked what it has learnt.
_UNDERSTOOD = 0.9
#: Trials that the forest learns from at most: it takes a minute for 10,000, and a second for these.
_MOST = 200
_N_TREES = 50
_N_FOLDS = 5
_N_SPLITS = 3
_N_PERMUTATIONS = 4


def importances(records, space, direction):
    """How much of what varies in the score each decision accounts for.

    A forest of extremely randomised trees (Geurts et al. 2006) learns the score from the decisions. A decision's
    importance is how much the forest's squared error grows on trials that it hasn't learnt from when the values of
    that decision are exchanged among them (permutation importance, Breiman 2001):

        I_j = mean_i [(y_i - f(x_i with x_ij of another trial))^2 - (y_i - f(x_i))^2],   share_j = I_j / sum_k I_k,

    negative ones counted as 0. On trials that were drawn independently this estimates twice the total Sobol index of
    the decision, its interactions included; a decision that does nothing has 0, which the variances of a functional
    ANOVA of the same forest (Hutter et al. 2014), being never negative, don't have where trials are few.

    - A decision that was inactive in a trial has a value drawn from the trials where it was active: so it doesn't stand
      for the choice that made it active, and matters as often as it is active.
    - Trials compare with those that were trained for as many epochs: of several lengths, the longest is taken of which
      there are 10 trials, or else the one with most.
    - A few disasters would explain all: scores that are worse than the quartile by more than 1.5 times the distance
      of the quartiles are brought there (Tukey's fences).
    - Of many trials, 200 are taken, evenly over the search.

    Args:
        records: Iterable of `TrialRecord`s. Only candidates with a finite score count.
        space: List of a dict for each decision, as in `SearchInfo.space`.
        direction: `"min"` or `"max"`: which scores are better.

    Returns:
        Dict from the names of decisions that took more than one value to their shares, which sum to 1, the largest
        first. Empty if nothing can be said: fewer than 8 trials, equal scores, or a forest that learns nothing from
        them.
    """
    records = order.comparable(records)
    records = records[:: max(1, math.ceil(len(records) / _MOST))]
    scores = np.array([record.score for record in records], dtype=float)
    if len(records) < _FEWEST or np.ptp(scores) == 0:
        return {}
    scores = without_disasters(scores, direction)
    codes = {info["name"]: _codes([record.values.get(info["name"]) for record in records], info) for info in space}
    codes = {name: column for name, column in codes.items() if len(set(column[~np.isnan(column)])) > 1}
    if not codes or np.ptp(scores) == 0:
        return {}
    found = np.maximum(_error_growth(np.column_stack(list(codes.values())), scores), 0.0)
    if not found.sum() > 0:
        return {}
    names = list(codes)
    return {names[index]: float(found[index] / found.sum()) for index in np.argsort(-found, kind="stable")}


def without_disasters(scores, direction):
    """Return scores, an array, with scores beyond Tukey's fence on the worse side replaced by the fence.

    The fence is 1.5 interquartile ranges away from the worse quartile. Without a range, nothing is replaced.
    """
    scores = oriented(scores, direction)
    first, third = np.quantile(scores, [0.25, 0.75])
    if third > first:
        scores = np.maximum(scores, first - 1.5 * (third - first))
    return oriented(scores, direction)


def _codes(values, info):
    """The values of a decision as whole numbers in their order, NaN where it was inactive."""
    options = info.get("values") or sorted({value for value in values if value is not None})
    places = {value: place for place, value in enumerate(options)}
    return np.array([math.nan if value is None else places[value] for value in values], dtype=float)


def _error_growth(codes, scores):
    """How much the mean squared error grows when a column is permuted, shape `(n_columns,)`; zeros if the forest
    predicts hardly better than the mean does, and so knows nothing of any column."""
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.model_selection import KFold

    n_columns = codes.shape[1]
    growth, error, error_of_mean = np.zeros(n_columns), 0.0, 0.0
    for split in range(_N_SPLITS):
        generator = np.random.default_rng([0, split])
        filled = _filled(codes, generator)
        for learnt, held in KFold(_N_FOLDS, shuffle=True, random_state=split).split(filled):
            forest = ExtraTreesRegressor(_N_TREES, random_state=split).fit(filled[learnt], scores[learnt])
            # All permutations of all columns in one call: a call takes as long as its trees, however few the rows.
            exchanged = np.tile(filled[held], (1 + _N_PERMUTATIONS * n_columns, 1, 1))
            for place in range(_N_PERMUTATIONS * n_columns):
                column = place % n_columns
                exchanged[1 + place, :, column] = generator.permutation(filled[:, column])[: len(held)]
            predicted = forest.predict(exchanged.reshape(-1, n_columns)).reshape(len(exchanged), len(held))
            errors = ((predicted - scores[held]) ** 2).sum(1)
            growth += errors[1:].reshape(_N_PERMUTATIONS, n_columns).mean(0) - errors[0]
            error += errors[0]
            error_of_mean += ((scores[learnt].mean() - scores[held]) ** 2).sum()
    return growth / (_N_SPLITS * len(scores)) if error < _UNDERSTOOD * error_of_mean else np.zeros(n_columns)


def _filled(codes, generator):
    """Codes with each missing one drawn from those of its column."""
    filled = codes.copy()
    for column in filled.T:
        missing = np.isnan(column)
        column[missing] = generator.choice(column[~missing], missing.sum())
    return filled
