"""Split of rows into training set and validation set."""

import numbers
import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from autonas.data.checks import check_groups, check_labels_in_training, check_same_rows
from autonas.data.kinds import as_target_array

#: Default share of the rows in the validation set, and largest number of its rows. The standard error of an accuracy on
#: 10,000 rows is at most half a percent, and more rows would take time from the training of every candidate.
_SHARE, _MOST_ROWS = 0.2, 10_000


def train_validation_rows(y, task, validation_split=None, groups=None, generator=None, in_order=False):
    """Split rows into training set and validation set.

    By default the split is random, and for binary and multiclass targets stratified: the validation set has the same
    fraction of every class, up to whole rows, and the training set has at least one row of every class.

    Args:
        y: Targets `(rows,)` or `(rows, columns)`.
        task: `"binary"`, `"multiclass"`, `"multilabel"` or `"regression"`.
        validation_split: Fraction of the rows in the validation set, between 0 and 1. Defaults to `None`: see
            `validation_share`.
        groups: Group labels `(rows,)`. All rows of a group are in the same set, and the fraction is met up to whole
            groups. Defaults to `None`: independent rows.
        generator: A `numpy.random.Generator`. Defaults to `None`: a new generator without a seed.
        in_order: Whether the validation set consists of the last rows, as for forecasting. Defaults to `False`.

    Returns:
        Tuple of two sorted arrays of row indices: training set and validation set.

    Raises:
        ValueError: If there are fewer than 2 rows or groups, or if no split leaves every class in the training set.
    """
    y = as_target_array(y)
    generator = np.random.default_rng() if generator is None else generator
    n_rows = len(y)
    if n_rows < 2:
        raise ValueError(f"`y` must have at least 2 rows to be split. Received: {n_rows} row; n_samples={n_rows}")
    validation_split = validation_share(validation_split, n_rows)
    n_validation = int(np.clip(round(n_rows * validation_split), 1, n_rows - 1))
    classes = task in ("binary", "multiclass")
    if in_order:
        validation = np.arange(n_rows - n_validation, n_rows)
    elif groups is not None:
        check_same_rows(y, groups=groups)
        return _split_groups(y if classes else np.zeros(n_rows, int), groups, validation_split, generator)
    elif classes:
        validation = _split_classes(pd.factorize(pd.Series(y))[0], n_validation, generator)
    else:
        validation = np.sort(generator.permutation(n_rows)[:n_validation])
        if task == "multilabel":
            validation = _keep_labels_in_training(y.reshape(n_rows, -1), validation)
    training = np.setdiff1d(np.arange(n_rows), validation, assume_unique=True)
    if classes and in_order:
        check_labels_in_training(y[training], y[validation])
    return training, validation


def validation_folds(y, task, n_folds, groups=None, generator=None, *, required=True):
    """Split rows into the folds of a cross-validation, each with a training set and a validation set.

    Every row is in the validation set of one fold. For binary and multiclass targets every validation set has the same
    fraction of every class, up to whole rows, and every training set has at least one row of every class: the only row
    of a class is in no validation set.

    Args:
        y: As in `train_validation_rows`.
        task: As in `train_validation_rows`.
        n_folds: Number of folds, at least 2.
        groups: Group labels `(rows,)`. All rows of a group are in the same validation set. Defaults to `None`:
            independent rows.
        generator: As in `train_validation_rows`.
        required: Whether groups that don't leave every class in every training set are an error. Defaults to `True`.

    Returns:
        List of tuples of two sorted arrays of row indices: training set and validation set. Empty if `required` is
        `False` and the groups allow no folds.

    Raises:
        ValueError: If there are fewer rows or groups than folds, or if no folds leave every class in every training
            set.
    """
    codes = _class_codes(y, task)
    generator = np.random.default_rng() if generator is None else generator
    n_rows = len(codes)
    if groups is not None:
        check_same_rows(codes, groups=groups)
        folds = _group_folds(codes, _group_codes(groups), n_folds, generator)
        if len(folds) < n_folds:
            if not required:
                return []
            raise ValueError(
                f"`groups`, or 'group_on' of `validation`, must allow {n_folds} folds with every class in each "
                "training set. Received: groups that allow fewer. Set validation_folds=None for a single split."
            )
        return folds
    is_validated = in_validation(y, task)
    if is_validated.sum() < n_folds:
        raise ValueError(
            f"`y` must have at least {n_folds} rows, whose classes have at least 2 rows, for {n_folds} folds. "
            f"Received: {is_validated.sum()} rows"
        )
    # Rows of the same class follow each other, in random order, and go to the folds in turn.
    shuffled = generator.permutation(np.flatnonzero(is_validated))
    ordered = shuffled[np.argsort(codes[shuffled], kind="stable")]
    validation_sets = [np.sort(ordered[number::n_folds]) for number in range(n_folds)]
    return [(np.setdiff1d(np.arange(n_rows), rows, assume_unique=True), rows) for rows in validation_sets]


def number_of_groups(groups):
    """Return the number of different groups of rows."""
    return int(_group_codes(groups).max()) + 1


def in_validation(y, task):
    """Return whether each row is in the validation set of a fold, `(rows,)`: all are but the only row of a class.

    Args:
        y: As in `train_validation_rows`.
        task: As in `train_validation_rows`.
    """
    codes = _class_codes(y, task)
    return np.bincount(codes)[codes] > 1 if task in ("binary", "multiclass") else np.ones(len(codes), bool)


def _class_codes(y, task):
    """Return the number of the class of every row, and 0 where the target has no classes."""
    y = as_target_array(y)
    return pd.factorize(pd.Series(y))[0] if task in ("binary", "multiclass") else np.zeros(len(y), int)


def validation_share(validation_split, n_rows):
    """Return the fraction of the rows in the validation set: by default 0.2, of more than 50,000 rows 10,000 rows.

    Args:
        validation_split: The fraction, or `None` for the default one.
        n_rows: Number of rows.

    Raises:
        ValueError: If `validation_split` isn't between 0 and 1.
    """
    if validation_split is None:
        return min(_SHARE, _MOST_ROWS / n_rows)
    if (
        isinstance(validation_split, bool)
        or not isinstance(validation_split, numbers.Real)
        or not 0 < validation_split < 1
    ):
        raise ValueError(
            "`validation_split` must be a number between 0 and 1, the share of rows to validate on, or None. "
            f"Received: validation_split={validation_split!r:.60}"
        )
    return validation_split


def _split_classes(codes, n_validation, generator):
    """Return the sorted indices of a stratified validation set.

    The number of rows of every class is determined by the method of largest remainders.

    Args:
        codes: Integer class of every row.
        n_validation: Number of rows of the validation set.
        generator: A `numpy.random.Generator`.
    """
    counts = np.bincount(codes)
    quotas = counts * (n_validation / len(codes))
    n_chosen = np.minimum(np.floor(quotas).astype(int), counts - 1)
    # Break ties at random, as otherwise the first classes would always get the remaining rows.
    order = np.lexsort((generator.random(len(counts)), -(quotas - n_chosen)))
    order = order[counts[order] - n_chosen[order] > 1]
    while n_chosen.sum() < n_validation and len(order):
        incremented = order[: n_validation - n_chosen.sum()]
        n_chosen[incremented] += 1
        order = order[counts[order] - n_chosen[order] > 1]
    if not n_chosen.any():
        raise ValueError(
            "`y` must have a class with at least 2 rows, one for training and one for validation. Received: "
            f"{len(counts)} classes of 1 row"
        )
    shuffled = generator.permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.sort(np.concatenate([by_class[start : start + n] for start, n in zip(starts, n_chosen, strict=True)]))


def _keep_labels_in_training(indicators, validation):
    """Remove rows from the validation set until the training set has a positive row of every label, if possible."""
    kept = np.ones(len(validation), dtype=bool)
    present = indicators.sum(axis=0)
    for label in np.flatnonzero(present == indicators[validation].sum(axis=0)):
        rows = np.flatnonzero(indicators[validation, label])
        if len(rows) and kept[rows].all() and kept.sum() > 1:
            kept[rows[0]] = False
    return validation[kept]


def _split_groups(y, groups, validation_split, generator):
    """Return the rows of the training set and of the validation set, with every group in one of them."""
    groups = _group_codes(groups)
    n_groups = groups.max() + 1
    if n_groups < 2:
        raise ValueError("`groups` must have at least 2 groups, for training set and validation set. Received: 1 group")
    # A fold is the smaller of the two sets.
    share = min(validation_split, 1 - validation_split)
    n_folds = int(np.clip(round(1 / share), 2, n_groups))
    folds = _group_folds(y, groups, n_folds, generator, swapped=validation_split > 0.5)
    if not folds:
        raise ValueError(
            "`groups`, or 'group_on' of `validation`, must allow a split with every class in the training set. "
            "Received: groups that have all rows of some class. Pass `validation_data` instead."
        )
    return min(folds, key=lambda fold: abs(len(fold[1]) / len(y) - validation_split))


def _group_codes(groups):
    """Return the number of the group of every row, integers from 0."""
    return pd.factorize(pd.Series(check_groups(groups)), use_na_sentinel=False)[0]


def _group_folds(y, groups, n_folds, generator, swapped=False):
    """Return the folds whose training set has every class, a list of pairs of training rows and validation rows.

    Args:
        y: Class of every row.
        groups: Number of the group of every row.
        n_folds: Number of folds before the folds without a class are left out.
        generator: A `numpy.random.Generator`.
        swapped: Whether the training set of a fold is the smaller of its two sets. Defaults to `False`.
    """
    if groups.max() + 1 < n_folds:
        raise ValueError(
            f"`groups` must have at least {n_folds} groups for {n_folds} folds. Received: {groups.max() + 1}"
        )
    seed = int(generator.integers(2**31))
    if np.bincount(pd.factorize(pd.Series(y))[0]).max() >= n_folds:
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    else:
        splitter = GroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        folds = list(splitter.split(np.zeros(len(y)), y, groups))
    if swapped:
        folds = [(small, large) for large, small in folds]
    n_classes = len(np.unique(y))
    return [fold for fold in folds if len(np.unique(y[fold[0]])) == n_classes and len(fold[1])]
