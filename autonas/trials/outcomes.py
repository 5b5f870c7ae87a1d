"""What came of a trial, as a strategy is told of it: a score for each objective."""

import contextlib
import warnings

import numpy as np

from autonas.costs.orientation import oriented


def missing(metrics, objectives):
    """Names of the objectives that aren't among the metrics."""
    return [objective.name for objective in objectives if objective.name not in metrics]


def read_metrics(trial):
    """The metrics of a trial that has ended, a dict of floats; each at its best step."""
    with nan_allowed():
        return {name: float(trial.metrics.get_best_value(name)) for name in trial.metrics.metrics}


def first_not_finite(metrics, objectives):
    """What is wrong with the first objective whose value isn't a finite number; `None` if all are."""
    for objective in objectives:
        if not np.isfinite(metrics[objective.name]):
            return f"{objective.name} is {metrics[objective.name]}."
    return None


def scores(metrics, objectives):
    """Tuple of one float per objective, larger is better."""
    return tuple(oriented(metrics[objective.name], objective.direction) for objective in objectives)


def as_known(scores, objectives):
    """Scores as the user knows them, a tuple of floats: what is the better the smaller isn't negated.

    Args:
        scores: One float per objective, larger is better.
        objectives: List of `keras_tuner.Objective`.
    """
    return tuple(
        float(oriented(score, objective.direction)) for score, objective in zip(scores, objectives, strict=True)
    )


def by_objective(name, numbers, objectives):
    """Numbers to log, one per objective: under a name, or where there are several under `name/objective`."""
    if len(objectives) == 1:
        return {name: float(numbers[0])}
    return {f"{name}/{one.name}": float(number) for one, number in zip(objectives, numbers, strict=True)}


@contextlib.contextmanager
def nan_allowed():
    """Keras Tuner's tables of metrics take a NaN, such as the AUC of rows of one class, but numpy warns of it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
        yield
