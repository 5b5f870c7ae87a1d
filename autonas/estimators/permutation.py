"""Importance of the features of a fitted estimator, by permutation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from autonas.data import Encoder, masks, number_of_rows
from autonas.data.encoders import frames


def importances(
    parts: Mapping[Any, Callable[[np.ndarray], Any]],
    score: Callable[[Any], float],
    rows: Any,
    n_repeats: int,
    seed: int,
) -> pd.DataFrame:
    """Return the mean decrease of a score when a feature is permuted (Breiman, "Random forests", 2001).

    Args:
        parts: Dict from the name of a feature to a function of an order of the rows, which returns the rows with the
            feature in this order.
        score: Function from rows to a score, of which a larger one is better.
        rows: The rows.
        n_repeats: Number of permutations of each feature.
        seed: Seed of the permutations.

    Returns:
        DataFrame with the columns `feature`, `importance` and `standard_deviation` over the permutations, the most
        important feature first.
    """
    generator = np.random.default_rng(seed)
    n_rows = number_of_rows(rows[0] if isinstance(rows, list) else rows)  # A list holds several inputs.
    orders = [generator.permutation(n_rows) for _ in range(n_repeats)]
    before = score(rows)
    decreases = {name: [before - score(permuted(order)) for order in orders] for name, permuted in parts.items()}
    frame = pd.DataFrame(
        {
            "feature": list(decreases),
            "importance": [float(np.mean(values)) for values in decreases.values()],
            "standard_deviation": [float(np.std(values)) for values in decreases.values()],
        }
    )
    return frame.sort_values("importance", ascending=False, kind="stable").reset_index(drop=True)


def permutable(rows: Any, encoder: Encoder) -> Any:
    """Return the rows of one input as a DataFrame or an array, of which columns or channels can be permuted.

    Args:
        rows: Rows as in `fit`, such as a list of rows, a sparse matrix, or a list of series of different lengths, whose
            channels are padded with NaN as in `fit`.
        encoder: The fitted encoder of the input.

    Raises:
        ValueError: If the input is neither a table nor series.
    """
    if encoder.kind == "table":
        return frames.frame_or_matrix(rows)
    if encoder.kind == "series":
        return encoder.transform(rows)["series"]
    raise ValueError(
        "`x` must have columns or channels to permute: a table, or series of several channels. Received: "
        f"{type(rows).__name__}, an input of kind {encoder.kind!r}"
    )


def parts_of(
    rows: Any, groups: Mapping[Any, Sequence[Any]] | None = None, names: Sequence[Any] | None = None
) -> dict[Any, Callable[[np.ndarray], Any]]:
    """Return the features of one input, as `importances` takes them.

    Args:
        rows: A DataFrame, an array `(n, columns)`, or series `(n, time, channels)`.
        groups: Dict from the name of a group to its columns, which are permuted together. Defaults to `None`: every
            column or channel alone.
        names: Names of the columns or channels of an array. Defaults to `None`: their indices.

    Raises:
        ValueError: If a group names a column that the rows don't have.
    """
    is_frame = isinstance(rows, pd.DataFrame)
    columns = list(rows.columns) if is_frame else list(names or range(rows.shape[-1]))
    for name, members in (groups or {}).items():
        unknown = [column for column in members if column not in columns]
        if unknown or not len(members):
            known = ", ".join(map(str, columns[:10]))
            raise ValueError(
                f"`groups` must map a name to columns of `x`, {known}. Received: {name!r:.60}: {list(members)!r:.100}"
            )
    grouped = {column: [column] for column in columns} if groups is None else groups

    def permuted(members: Sequence[Any]) -> Callable[[np.ndarray], Any]:
        positions = [columns.index(column) for column in members]

        def function(order: np.ndarray) -> Any:
            if not is_frame:
                changed = rows.copy()
                changed[..., positions] = rows[order][..., positions]
                return changed
            changed = rows.copy()
            for position in positions:
                changed[columns[position]] = rows.iloc[order, position].array
            return changed

        return function

    return {name: permuted(members) for name, members in grouped.items()}


def parts_of_several(inputs: Sequence[Any], names: Sequence[str]) -> dict[str, Callable[[np.ndarray], Any]]:
    """Return the features of several inputs: each input as a whole."""

    def permuted(index: int) -> Callable[[np.ndarray], Any]:
        def function(order: np.ndarray) -> list[Any]:
            changed = _in_order(inputs[index], order)
            return [changed if position == index else value for position, value in enumerate(inputs)]

        return function

    return {name: permuted(index) for index, name in enumerate(names)}


def _in_order(rows: Any, order: np.ndarray) -> Any:
    """Return the rows of any input in another order."""
    rows = masks.with_missing(rows)
    if sparse.issparse(rows):
        return rows.tocsr()[order]  # Some sparse formats don't support indexing.
    if hasattr(rows, "iloc"):
        return rows.iloc[order]
    return [rows[index] for index in order] if isinstance(rows, (list, tuple)) else np.asarray(rows)[order]
