"""Importance of the decisions of a search for the score."""

import math

import numpy as np

from autonas.costs.orientation import oriented
from autonas.trials import order

#: Minimum number of comparable trials. With fewer trials a forest often seems to predict scores that are pure noise.
_FEWEST = 8
#: Maximum squared error of the forest, relative to the squared error of the mean, for its importances to be used.
_MAX_RELATIVE_ERROR = 0.9
#: Maximum number of trials that the forest is fitted to, which takes about a second.
_MOST = 200
_N_TREES = 20
_N_FOLDS = 5
_N_SPLITS = 3
_N_PERMUTATIONS = 4


def importances(records, space, direction):
    """Compute the importance of decisions: the share of the score's variation that each decision explains.

    A forest of extremely randomised trees (Geurts et al. 2006) is fitted to predict the score from the decisions. The
    importance of a decision is the increase of the forest's squared error on held-out trials when the values of the
    decision are permuted (permutation importance, Breiman 2001):

        I_j = mean_i [(y_i - f(x_i with x_ij of another trial))^2 - (y_i - f(x_i))^2],   share_j = I_j / sum_k I_k

    Negative importances count as 0. On independently drawn trials, I_j estimates twice the total Sobol index of the
    decision, including its interactions. A decision without effect has an expected importance of 0. With few trials
    this isn't true of a functional ANOVA of the same forest (Hutter et al. 2014), whose variances are never negative.

    - An inactive decision gets a random value of the trials in which it was active. The decision therefore doesn't
      reveal the choice that made it active, and its importance grows with the share of trials in which it is active.
    - Only trials with the same number of epochs are used, see `trials.order.comparable`.
    - Very bad scores are clipped at 1.5 interquartile ranges beyond the quartile (Tukey's fences). Otherwise a few of
      them would dominate.
    - At most 200 trials are used, spread evenly over the search.

    Args:
        records: Iterable of `TrialRecord`s. Only candidates with a finite score are used.
        space: List of one dict per decision, as in `SearchInfo.space`.
        direction: Direction of the score, `"min"` or `"max"`.

    Returns:
        Dict from the names of decisions with more than one value to their shares, which sum to 1, in descending order.
        Empty for fewer than 8 trials, for equal scores, and if the forest predicts hardly better than the mean.
    """
    records = order.comparable(records)
    records = records[:: max(1, math.ceil(len(records) / _MOST))]
    scores = np.array([record.score for record in records], dtype=float)
    if len(records) < _FEWEST or np.ptp(scores) == 0:
        return {}
    scores = clip_outliers(scores, direction)
    codes = {info["name"]: _codes([record.values.get(info["name"]) for record in records], info) for info in space}
    codes = {name: column for name, column in codes.items() if len(set(column[~np.isnan(column)])) > 1}
    if not codes or np.ptp(scores) == 0:
        return {}
    growth = np.maximum(_error_growth(np.column_stack(list(codes.values())), scores), 0.0)
    if not growth.sum() > 0:
        return {}
    names = list(codes)
    return {names[index]: float(growth[index] / growth.sum()) for index in np.argsort(-growth, kind="stable")}


def clip_outliers(scores, direction):
    """Return scores, an array, with scores beyond Tukey's fence on the worse side replaced by the fence.

    The fence is 1.5 interquartile ranges away from the worse quartile. Without a range, nothing is replaced.
    """
    scores = oriented(scores, direction)
    first, third = np.quantile(scores, [0.25, 0.75])
    if third > first:
        scores = np.maximum(scores, first - 1.5 * (third - first))
    return oriented(scores, direction)


def _codes(values, info):
    """Return the values of a decision as indices of its ordered options, NaN for an inactive decision."""
    options = info.get("values") or sorted({value for value in values if value is not None})
    indices = {value: index for index, value in enumerate(options)}
    return np.array([math.nan if value is None else indices[value] for value in values], dtype=float)


def _error_growth(codes, scores):
    """Compute the increase of the mean squared error when a column is permuted, shape `(n_columns,)`.

    Zeros if the forest predicts hardly better than the mean.
    """
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.model_selection import KFold

    n_columns = codes.shape[1]
    growth, error, error_of_mean = np.zeros(n_columns), 0.0, 0.0
    for split in range(_N_SPLITS):
        generator = np.random.default_rng([0, split])
        filled = _filled(codes, generator)
        for train, test in KFold(_N_FOLDS, shuffle=True, random_state=split).split(filled):
            forest = ExtraTreesRegressor(_N_TREES, random_state=split).fit(filled[train], scores[train])
            # One call for all permutations of all columns, since the time of a call hardly depends on its rows.
            permuted = np.tile(filled[test], (1 + _N_PERMUTATIONS * n_columns, 1, 1))
            for index in range(_N_PERMUTATIONS * n_columns):
                column = index % n_columns
                permuted[1 + index, :, column] = generator.permutation(filled[:, column])[: len(test)]
            predicted = forest.predict(permuted.reshape(-1, n_columns)).reshape(len(permuted), len(test))
            errors = ((predicted - scores[test]) ** 2).sum(1)
            growth += errors[1:].reshape(_N_PERMUTATIONS, n_columns).mean(0) - errors[0]
            error += errors[0]
            error_of_mean += ((scores[train].mean() - scores[test]) ** 2).sum()
    is_predictive = error < _MAX_RELATIVE_ERROR * error_of_mean
    return growth / (_N_SPLITS * len(scores)) if is_predictive else np.zeros(n_columns)


def _filled(codes, generator):
    """Replace missing codes by random codes of the same column."""
    filled = codes.copy()
    for column in filled.T:
        missing = np.isnan(column)
        column[missing] = generator.choice(column[~missing], missing.sum())
    return filled
