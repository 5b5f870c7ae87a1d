"""Scores and metrics of a trial, as strategies receive them: one score per objective."""

import contextlib
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence

import keras_tuner
import numpy as np

from autonas.costs.orientation import oriented


def missing(metrics: Collection[str], objectives: Sequence[keras_tuner.Objective]) -> list[str]:
    """Return the names of the objectives that the metrics lack, a list."""
    return [objective.name for objective in objectives if objective.name not in metrics]


def read_metrics(trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
    """Return the metrics of a trial that has ended, a dict of floats, every metric at its best step."""
    with nan_allowed():
        return {name: float(trial.metrics.get_best_value(name)) for name in trial.metrics.metrics}


def first_not_finite(metrics: Mapping[str, float], objectives: Sequence[keras_tuner.Objective]) -> str | None:
    """Return a message about the first objective whose value isn't finite; `None` if all values are finite."""
    for objective in objectives:
        if not np.isfinite(metrics[objective.name]):
            return f"{objective.name} is {metrics[objective.name]}."
    return None


def scores(metrics: Mapping[str, float], objectives: Sequence[keras_tuner.Objective]) -> tuple[float, ...]:
    """Return a tuple of one float per objective; larger is better."""
    return tuple(oriented(metrics[objective.name], objective.direction) for objective in objectives)


def as_known(scores: Sequence[float] | np.ndarray, objectives: Sequence[keras_tuner.Objective]) -> tuple[float, ...]:
    """Return scores in the units of the objectives, a tuple of floats: a loss isn't negated.

    Args:
        scores: One float per objective, larger is better.
        objectives: List of `keras_tuner.Objective`.
    """
    return tuple(
        float(oriented(score, objective.direction)) for score, objective in zip(scores, objectives, strict=True)
    )


def by_objective(
    name: str, numbers: Sequence[float] | np.ndarray, objectives: Sequence[keras_tuner.Objective]
) -> dict[str, float]:
    """Return numbers to log by name, a dict: `name` for one objective, `name/objective` for several objectives."""
    if len(objectives) == 1:
        return {name: float(numbers[0])}
    return {f"{name}/{objective.name}": float(number) for objective, number in zip(objectives, numbers, strict=True)}


@contextlib.contextmanager
def nan_allowed() -> Iterator[None]:
    """Return a context without numpy warnings of NaN in tables of Keras Tuner, such as the AUC of rows of one class."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
        yield
