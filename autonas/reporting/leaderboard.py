"""Leaderboard: the table of all trials, as a DataFrame and for the terminal."""

import collections
import math
from collections.abc import Sequence
from typing import Any

import pandas
import rich.box
import rich.markup
import rich.table

from autonas.reporting.text import architecture, duration, metric, number, shortened
from autonas.trials.order import are_separate, is_number, sort_key
from autonas.trials.records import TrialRecord
from autonas.trials.states import Stage, Status

#: Names of the columns of all leaderboards, without metrics and decisions.
COLUMNS = (
    *("rank", "trial_id", "stage", "status", "score", "standard_error"),
    *("seconds", "epochs", "best_epoch", "parameters", "reason"),
)
#: Minimum width of the column of architectures in a terminal.
_MIN_WIDTH = 12


def leaderboard(
    records: Sequence[TrialRecord], objective: str, direction: str, further: Sequence[tuple[str, str]] = ()
) -> pandas.DataFrame:
    """Return the leaderboard of a search, with the best trial first.

    The order of the rows is: the final fit, trials with a score (see `trials.order.sort_key`), trials without a score
    (completed, running, interrupted, refused, failed), and the baselines. The columns are:

    - `rank`: 1 for the best trial. Missing for trials without a score, such as the final fit, and for baselines.
    - `trial_id`, `stage`, `status`, `score`, `standard_error`, and one column per metric. The standard error says how
      much the score would differ for other validation rows; it is missing for streams, costs and scores of your own.
    - `seconds`, `epochs`, `best_epoch`, `parameters`, `reason`
    - one column per decision, missing if the decision was inactive
    - one column per entry by which the strategy says how a trial is evaluated, such as `tuner/epochs`, the epochs of a
      short training, or `tuner/stage`

    ```python
    import autonas

    records = [
        autonas.reporting.TrialRecord("0000", 0, values={"units": 8}, score=0.8, status="completed"),
        autonas.reporting.TrialRecord("0001", 1, values={"units": 16}, score=0.9, status="completed"),
    ]
    frame = autonas.reporting.leaderboard(records, "val_accuracy", "max")
    frame["trial_id"].tolist()  # ["0001", "0000"]
    ```

    Args:
        records: Iterable of `TrialRecord`s.
        objective: Name of the score, such as `"val_accuracy"`, for error messages.
        direction: Direction of the score, `"min"` or `"max"`.
        further: Pairs of name and direction of further objectives, which decide between equal scores. Defaults to none.

    Returns:
        A `pandas.DataFrame` with one row per trial. Integers and booleans have pandas' nullable dtypes if a value can
        be missing.

    Raises:
        ValueError: If `direction` is neither `"min"` nor `"max"`.
    """
    if direction not in ("min", "max"):
        raise ValueError(
            f"`direction` of objective {objective!r} must be 'min' or 'max'. Received: direction={direction!r}"
        )
    records = sorted(records, key=lambda record: record.number)
    metrics = list(dict.fromkeys(name for record in records for name in record.metrics))
    decisions = list(dict.fromkeys(name for record in records for name in record.values))
    key = sort_key([(objective, direction), *further])
    records.sort(key=lambda record: (_group(record), key(record) if _has_score(record) else ()))
    ranks = [_has_score(record) and not record.is_baseline for record in records]

    columns = {
        "rank": pandas.array(
            [sum(ranks[: index + 1]) if ranks[index] else pandas.NA for index in range(len(ranks))], dtype="Int64"
        ),
        "trial_id": pandas.Series([record.trial_id for record in records], dtype=str),
        "stage": pandas.Series([record.stage for record in records], dtype=str),
        "status": pandas.Series([record.status for record in records], dtype=str),
        "score": _numbers([record.score for record in records]),
        "standard_error": _numbers([record.standard_error for record in records]),
    }
    # A metric or decision of the name of another column gets a prefix.
    for name in metrics:
        label = f"metric/{name}" if name in COLUMNS else name
        columns[label] = _numbers([record.metrics.get(name) for record in records])
    columns |= {
        "seconds": _numbers([record.seconds for record in records]),
        "epochs": pandas.array([record.epochs for record in records], dtype="int64"),
        "best_epoch": pandas.array([record.best_epoch for record in records], dtype="int64"),
        "parameters": pandas.array([record.parameters for record in records], dtype="Int64"),
        "reason": pandas.Series([record.message for record in records], dtype=str),
    }
    for name in decisions:
        label = f"decision/{name}" if name in columns else name
        columns[label] = _decision([record.values.get(name) for record in records])
    return pandas.DataFrame(columns)


def pareto_front(frame: pandas.DataFrame, objectives: Sequence[tuple[str, str]]) -> pandas.DataFrame:
    """Return the Pareto front: the non-dominated trials among the trials that no other trial continues.

    Args:
        frame: DataFrame from `leaderboard`.
        objectives: Pairs of name and direction, one per objective.

    Returns:
        DataFrame of the rows of the Pareto front, sorted by the first objective, best first.
    """
    from autonas.objectives import pareto  # Imported here, so that a log can be written without Keras.

    frame = frame[(frame.stage == Stage.SEARCH) & (frame.status == Status.COMPLETED)]
    frame = frame[are_separate(frame.trial_id.tolist(), [dict(row.dropna()) for _, row in frame.iterrows()])]
    objectives = [_Objective(*pair) for pair in objectives]
    return frame[pareto.front(frame.to_dict("records"), objectives)].reset_index(drop=True)


def head(frame: pandas.DataFrame, n_rows: int | None) -> pandas.DataFrame:
    """Return the first rows of a leaderboard and its baselines.

    Args:
        frame: DataFrame from `leaderboard`.
        n_rows: Maximum number of rows without the baselines, or `None` for all.
    """
    is_baseline = frame["stage"] == Stage.BASELINE
    return pandas.concat([frame[~is_baseline].head(len(frame) if n_rows is None else n_rows), frame[is_baseline]])


def render(
    frame: pandas.DataFrame, max_rows: int | None = None, objectives: Sequence[tuple[str, str]] = ()
) -> rich.table.Table:
    """Render a leaderboard as a table for the terminal, with a selection of columns.

    ```python
    import rich

    import autonas

    record = autonas.reporting.TrialRecord("0000", 0, values={"units": 8}, score=0.8, status="completed")
    frame = autonas.reporting.leaderboard([record], "val_accuracy", "max")
    rich.print(autonas.reporting.render(frame, objectives=[("val_accuracy", "max")]))
    ```

    Args:
        frame: DataFrame from `leaderboard`.
        max_rows: Maximum number of rows without the baselines. Defaults to `None`, all rows.
        objectives: Pairs of name and direction for the headings of the scores, the objective of the score first.
            Defaults to none, for a single column `score`.

    Returns:
        A `rich.table.Table`.
    """
    shown = head(frame, max_rows)
    left_out = len(frame) - len(shown)
    more = [f"and {left_out} more trial{'s' * (left_out > 1)}"] if left_out else []
    caption = "\n".join([*more, *(metric(*pair) for pair in objectives)])
    box = rich.box.SIMPLE_HEAD  # Without vertical lines, for terminals of 80 columns.
    table = rich.table.Table(caption=caption or None, caption_justify="left", box=box, padding=(0, 1, 0, 0))
    heads = [name for name, _ in objectives] or ["score"]
    has_parameters = "params" not in heads
    for name in ("rank", "trial", *heads, "time", "epochs", *["parameters"] * has_parameters):
        table.add_column(name, justify="left" if name == "trial" else "right", no_wrap=True)
    table.add_column("architecture", min_width=_MIN_WIDTH)
    decisions = frame.columns[frame.columns.get_loc("reason") + 1 :]
    # Only decisions that differ between trials are shown.
    varied = [name for name in decisions if len(frame) < 2 or frame[name].astype(object).nunique(dropna=False) > 1]
    for _, row in shown.iterrows():
        trial, stage = row["trial_id"], row["stage"]
        description = architecture({name: row[name] for name in varied if not pandas.isna(row[name])}, than={})
        if row["status"] != Status.COMPLETED:
            description = ": ".join(filter(None, (row["status"], row["reason"] or description)))
        elif stage == Stage.BASELINE:
            description = f"baseline: {row['reason']}"
        elif stage == Stage.ENSEMBLE:
            description = row["reason"]
        scores = [row["score"], *(row.get(name, math.nan) for name, _ in objectives[1:])]
        shown_scores = ["" if pandas.isna(score) else number(score) for score in scores]
        if not pandas.isna(row["standard_error"]):
            shown_scores[0] += f" ± {row['standard_error']:.2g}"
        cells = (
            "" if pandas.isna(row["rank"]) else str(row["rank"]),
            trial if stage in (Stage.SEARCH, Stage.BASELINE, trial) else f"{trial} ({stage})",
            *shown_scores,
            duration(row["seconds"]),
            str(row["epochs"]),
            *["" if pandas.isna(row["parameters"]) else f"{row['parameters']:,}"] * has_parameters,
            shortened(description, 80),
        )
        table.add_row(*map(rich.markup.escape, cells))
    return table


_Objective = collections.namedtuple("_Objective", ["name", "direction"])
_LAST = (Status.COMPLETED, Status.RUNNING, Status.INTERRUPTED, Status.REFUSED, Status.FAILED)


def _has_score(record: TrialRecord) -> bool:
    return record.status != Status.FAILED and is_number(record.score)


def _group(record: TrialRecord) -> int:
    """Return the group of a record in the order: final fit, trials with a score, other trials by status, baselines."""
    if record.stage == Stage.FINAL and record.is_completed:
        return -2
    if record.is_baseline:
        return len(_LAST)
    return -1 if _has_score(record) else _LAST.index(record.status)


def _numbers(values: Any) -> Any:
    return pandas.Series([math.nan if value is None else value for value in values], dtype="float64")


def _decision(values: Any) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pandas.array(values, dtype="boolean")
    if kinds == {int}:
        return pandas.array(values, dtype="Int64")
    if kinds and kinds <= {int, float}:
        return _numbers(values)
    return pandas.Series(values, dtype=object)
