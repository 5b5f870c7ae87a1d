"""The argument `validation`: a share, a number of folds, a splitter of scikit-learn, or a declaration by columns."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from autonas.arguments import checks
from autonas.data import splits
from autonas.data.checks import check_groups, check_labels_in_training, name_labels
from autonas.data.encoders import columns, dates
from autonas.data.kinds import as_target_array

#: The keys of a declaration: columns, the size of the validation set, and the number of times that folds are drawn.
_COLUMNS, _SIZES, _REPEATS = ("group_on", "time_on", "stratify_on"), ("share", "folds"), "repeats"
_EXPECTED = (
    "a share of the rows between 0 and 1, a number of folds of at least 2, a splitter of scikit-learn such as "
    "TimeSeriesSplit(5), or a dict of columns such as {'group_on': 'patient'}"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """The rows to split.

    Args:
        inputs: List of the rows of all inputs.
        y: Targets of the head whose classes are stratified.
        task: Task of this head.
        groups: Group of each row, the argument of `fit`, or `None`.
    """

    inputs: list
    y: Any
    task: str
    groups: Any = None

    @property
    def target(self) -> np.ndarray:
        """The targets, an array."""
        return as_target_array(self.y)

    def column(self, key: str, name: Any) -> pd.Series:
        """Return a column of the inputs by the key of the declaration and its name, or by its index in an array.

        Raises:
            ValueError: If no input has the column, an input has it twice, several inputs have it with different values,
                or it has missing values.
        """
        known: list[Any] = []
        columns: list[pd.Series] = []
        for rows in self.inputs:
            is_frame = isinstance(rows, pd.DataFrame)
            names = list(rows.columns) if is_frame else list(range(rows.shape[1])) if _is_table(rows) else []
            known += names
            if names.count(name) > 1:
                raise ValueError(
                    f"`validation` {key!r} must name one column of `x`. Received: {name!r:.60}, the name of "
                    f"{names.count(name)} columns"
                )
            if name in names:
                values = rows[name] if is_frame else pd.Series(rows[:, name])
                values = values.reset_index(drop=True)
                if values.isna().any():
                    raise ValueError(
                        f"`validation` {key!r} must be a column without missing values. Received: {name!r:.60} with "
                        f"{int(values.isna().sum())} missing values"
                    )
                columns.append(values)
        if columns and all(values.equals(columns[0]) for values in columns):
            return columns[0]
        if columns:
            raise ValueError(
                f"`validation` {key!r} must name a column of one input, or of several with the same values. Received: "
                f"{name!r:.60}, with different values in {len(columns)} inputs. Rename one of the columns."
            )
        raise ValueError(
            f"`validation` {key!r} must name a column of `x`, {name_labels(known) if known else 'which has none'}. "
            f"Received: {name!r:.60}"
        )


def resolved(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of an estimator with the `validation_split` and `validation_folds` of its `validation`.

    Raises:
        ValueError: If `validation` is invalid, or stands beside one of the other two arguments.
    """
    validation = arguments.get("validation")
    if validation is None:
        return arguments
    for name, expected, unset in (
        ("validation_split", "None", (None,)),
        ("validation_folds", "'auto' or None", ("auto", None)),
    ):
        if arguments[name] not in unset:
            raise ValueError(
                f"`{name}` must be {expected} beside `validation`, which says how to validate. Received: "
                f"validation={validation!r:.60}, {name}={arguments[name]!r:.60}"
            )
    arguments = arguments | {"validation_folds": None}
    if checks.is_integer(validation) and validation >= 2:
        return arguments | {"validation_folds": int(validation)}
    if checks.is_number(validation) and not checks.is_integer(validation) and 0 < validation < 1:
        return arguments | {"validation_split": float(validation)}
    if isinstance(validation, Mapping):
        _check_declaration(validation)
        sizes = {"share": "validation_split", "folds": "validation_folds"}
        return arguments | {sizes[key]: validation[key] for key in _SIZES if key in validation}
    if isinstance(validation, type) or not hasattr(validation, "get_n_splits"):
        raise ValueError(f"`validation` must be {_EXPECTED}. Received: validation={validation!r:.100}")
    n_splits = _n_splits(validation)
    return arguments if n_splits == 1 else arguments | {"validation_folds": n_splits}


def is_structured(validation: Any) -> bool:
    """Return whether `validation` is a splitter or a declaration by columns."""
    return validation is not None and not checks.is_number(validation)


def sets(plan: Any, rows: Rows, generator: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the training rows and the validation rows of a splitter or a declaration, one pair or one for each fold.

    Args:
        plan: The `Plan`.
        rows: The `Rows`.
        generator: A `numpy.random.Generator`.

    Raises:
        ValueError: If a column is missing, or the rows can't be split as wanted.
    """
    validation = plan.request.validation
    if isinstance(validation, Mapping):
        found = _declared_sets(plan, validation, rows, generator)
    else:
        found = _splitter_sets(validation, rows)
    if rows.task in ("binary", "multiclass"):
        for training, validated in found:
            check_labels_in_training(rows.target[training], rows.target[validated])
    return found


def _is_table(rows: Any) -> bool:
    return getattr(rows, "ndim", 0) == 2


def _check_declaration(declaration: Mapping[str, Any]) -> None:
    known = (*_COLUMNS, _REPEATS)
    if any(key not in (*known, *_SIZES) for key in declaration) or not any(key in declaration for key in known):
        raise ValueError(
            f"`validation` must be a dict with one of the keys {', '.join(map(repr, known))}, and at most one of "
            f"'share' and 'folds'. Received: the keys {', '.join(map(repr, declaration))}"
        )
    if all(key in declaration for key in _SIZES):
        raise ValueError("`validation` must have a 'share' or 'folds', not both. Received: both")
    if "time_on" in declaration and "stratify_on" in declaration:
        raise ValueError("`validation` can't have 'stratify_on' beside 'time_on', which determines the sets alone.")
    if _REPEATS not in declaration:
        return
    checks.check_integer("validation['repeats']", declaration[_REPEATS], 1, "a positive number of repeats")
    if "folds" not in declaration or "time_on" in declaration:
        raise ValueError(
            "`validation` must have 'folds' beside 'repeats', and no 'time_on', which determines the sets alone. "
            f"Received: the keys {', '.join(map(repr, declaration))}"
        )


def _n_splits(splitter: Any) -> int:
    """Return the number of splits of a splitter; 2 if it depends on the data."""
    try:
        return int(splitter.get_n_splits())
    except (TypeError, ValueError, AttributeError):
        return 2


def _splitter_sets(splitter: Any, rows: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
    target, name = rows.target, type(splitter).__name__
    groups = None if rows.groups is None else check_groups(rows.groups)
    try:
        pairs = list(splitter.split(np.zeros((len(target), 1)), target, groups))
    except (TypeError, ValueError) as error:
        advice = "" if rows.groups is not None else " If it splits by groups, pass `groups` to `fit`."
        raise ValueError(
            f"`validation` can't split the rows: {name} raised {type(error).__name__}: {error}{advice}"
        ) from error
    if not pairs or not all(len(training) and len(validated) for training, validated in pairs):
        raise ValueError(f"`validation` must give training rows and validation rows. Received: an empty set of {name}")
    pairs = [(np.sort(training), np.sort(validated)) for training, validated in pairs]
    for training, validated in pairs:
        if not 0 <= min(training[0], validated[0]) <= max(training[-1], validated[-1]) < len(target):
            raise ValueError(
                f"`validation` must give indices of the {len(target)} rows. Received: {name} with the index "
                f"{max(training[-1], validated[-1])}"
            )
        if len(both := np.intersect1d(training, validated)):
            raise ValueError(
                "`validation` must give validation rows that aren't training rows. Received: "
                f"{name} with {len(both)} rows that are both"
            )
    return pairs


def _declared_sets(
    plan: Any, declaration: Mapping[str, Any], rows: Rows, generator: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    groups, n_folds = rows.groups, int(plan.selection.folds or 1)
    if "group_on" in declaration:
        if groups is not None:
            raise ValueError("`groups` of `fit` must be None if `validation` has 'group_on'. Leave one of the two out.")
        groups = rows.column("group_on", declaration["group_on"])
        if groups.nunique() < max(2, n_folds):
            raise ValueError(
                f"`validation` 'group_on' must name a column with at least {max(2, n_folds)} different values. "
                f"Received: {declaration['group_on']!r:.60} with {groups.nunique()}"
            )
    if "time_on" in declaration:
        times = _times(rows.column("time_on", declaration["time_on"]), declaration["time_on"])
        if groups is not None:
            # A group is as late as its last row, so that its rows stay together.
            times = pd.Series(times).groupby(check_groups(groups)).transform("max").to_numpy()
        return _sets_by_time(times, splits.validation_share(plan.selection.split, len(times)), n_folds)
    y, task = rows.y, rows.task
    if "stratify_on" in declaration:
        y, task = rows.column("stratify_on", declaration["stratify_on"]).to_numpy(), "multiclass"
    if n_folds > 1:
        repeats = range(int(declaration.get(_REPEATS, 1)))
        return [fold for _ in repeats for fold in splits.validation_folds(y, task, n_folds, groups, generator)]
    return [splits.train_validation_rows(y, task, plan.selection.split, groups, generator)]


def _times(values: pd.Series, name: Any) -> np.ndarray:
    """Return the order of the values of a column as integers: numbers or dates, read as the encoder of tables does."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    # Numbers and datetimes are compared as they are: a conversion would round them.
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)):
        kind = columns.infer_column(values)
        times = None
        if kind == "number":
            times = pd.Series(columns.as_numbers(values, columns.find_number_notation(values)))
        elif kind == "date":
            times = dates.as_datetimes(values, columns.find_notation(values))
        if times is None or times.isna().any():
            wrong = values.iloc[0 if times is None else int(np.argmax(times.isna()))]
            raise ValueError(
                "`validation` 'time_on' must be a column of numbers or dates. Received: "
                f"{name!r:.60} with the value {wrong!r:.60}. Convert it with pandas.to_datetime."
            )
        values = times
    return values.rank(method="dense").to_numpy().astype(int)


def _sets_by_time(times: np.ndarray, share: float, n_folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return validation sets after their training sets in time, of which each fold has a longer one.

    Rows of the same time are in the same set.
    """
    ordered = np.sort(times)
    n_rows = len(times)
    if n_folds == 1:
        starts = [n_rows - max(1, round(share * n_rows))]
    else:
        starts = [round(n_rows * number / (n_folds + 1)) for number in range(1, n_folds + 1)]
    bounds = [*(ordered[start] for start in starts), ordered[-1] + 1]
    found = []
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        training, validated = np.flatnonzero(times < begin), np.flatnonzero((times >= begin) & (times < end))
        if not len(training) or not len(validated):
            raise ValueError(
                f"`validation` 'time_on' must have more different times for {n_folds} validation set"
                f"{'s' * (n_folds > 1)} after their training sets. Received: {len(np.unique(times))} different times"
            )
        found.append((training, validated))
    return found
