"""The criteria of a prepared problem: its scorer and its goal."""

import dataclasses
import re

import keras
import numpy as np

from autonas.arguments.lists import as_list
from autonas.costs import registry
from autonas.objectives import goal, scoring
from autonas.objectives import metrics as metrics_module
from autonas.search_space import heads, losses

#: Validation rows from which accuracy separates two candidates better than the loss, except on tables.
_ENOUGH_FOR_ACCURACY = 1000
#: Largest rounding of a target by float32, relative to its mean and its deviation.
_ROUNDING = 1e-6
#: Number of rows for trying metrics and losses, in addition to one row of every class.
_N_TRIED = 64


def find_goal(plan, searched, scorer, n_validation):
    """Return the `Goal` of the plan, with the default objective if the plan has none.

    Args:
        plan: The `Plan`.
        searched: The bound graph.
        scorer: The `Scorer` of the graph's heads.
        n_validation: Number of validation rows.
    """
    default = default_objective(searched, scorer, n_validation)
    return goal.get_goal(plan.criteria.objective, plan.criteria.constraints, scorer.directions(), default)


def default_objective(searched, scorer, n_validation):
    """Return the name of the default objective.

    It is the accuracy of a classifier, the root mean squared error of a regressor, the summed loss of several heads,
    and the loss with weights of rows or classes, which metrics don't count. The loss of a classifier is used in two
    cases:

    - With few validation rows, accuracy can't tell candidates apart and the best of many candidates is the luckiest
      one.
    - On tables, accuracy hardly differs between good candidates, and the best of many epochs by accuracy is a late one,
      with worse probabilities. In a minute on six tables of more than 1,000 validation rows, one search each, the
      models chosen by loss are as accurate, and their log loss is equal or up to 5 % lower on five, and 2 % higher on
      one.

    Args:
        searched: The bound graph.
        scorer: The `Scorer` of the graph's heads.
        n_validation: Number of validation rows.
    """
    if len(scorer.heads) > 1 or scorer.heads[0].task == "multilabel" or scorer.weights is not None:
        return "val_loss"
    if scorer.heads[0].task == "regression":
        return "val_rmse"
    is_table = all(feature.kind == "table" for feature in searched.features.values())
    return "val_loss" if is_table or n_validation < _ENOUGH_FOR_ACCURACY else "val_accuracy"


def make_scorer(plan, searched, targets, encoded, weights=None, *, form=None):
    """Return the `Scorer` of the graph's heads.

    Args:
        plan: The `Plan`.
        searched: The bound graph.
        targets: Dict from head to fitted target encoder.
        encoded: Dict from head to encoded targets.
        weights: Weight of each row in the loss, or `None`. Defaults to `None`.
        form: Function from a target encoder and encoded targets to the `truth` and the `to_metric` of a `HeadScoring`.
            Defaults to `None`: the decoded targets, and the predictions of the network as `metric_form` converts them.
    """
    scorings = []
    form = form or _form
    names = [searched.names[id(head)] for head in searched.heads]
    further = _metrics_by_head(plan.criteria.metrics, names)
    for head, name in zip(searched.heads, names, strict=True):
        target, values = targets[name], encoded[name]
        metrics = {
            metric: metrics_module.get_metric(metric, target.task_)
            for metric in metrics_module.DEFAULT_METRICS[target.task_]
        }
        truth, to_metric = form(target, values)
        tried = _rows_to_try(truth, target)
        guess = np.full((len(tried), target.n_outputs_), 1 / max(2, target.n_outputs_), "float32")
        needed = set()
        for argument, metric in [
            *(("metrics", metric) for metric in further[name]),
            *_objective_metrics(plan.criteria.objective, name, names),
        ]:
            if argument == "objective" and metric in metrics:
                needed.add(metric)
                continue
            try:
                resolved = metrics_module.get_metric(metric, target.task_)
                if resolved.name not in metrics or not isinstance(metric, str):
                    resolved(truth[tried], to_metric(guess, tried))
            except Exception as error:  # Whatever the user's function raises.
                costs_too = f" Costs are {', '.join(registry.COSTS)}." if argument == "objective" else ""
                raise ValueError(
                    f"`{argument}` can't be {metrics_module.describe(metric)} for a {target.task_} target: "
                    f"{_first_line(error)}{_of_labels(metric, target.task_)}{costs_too}"
                ) from error
            if argument == "objective":
                needed.add(resolved.name)
            if resolved.name not in metrics or not isinstance(metric, str):
                metrics[resolved.name] = resolved
        scorings.append(
            scoring.HeadScoring(
                name,
                target.task_,
                values,
                truth,
                to_metric,
                loss=scoring.HeadLoss(_loss(head, target, values, tried, guess), head.loss_weight),
                metrics=[
                    dataclasses.replace(metric, is_optional=label not in needed) for label, metric in metrics.items()
                ],
                classes=[] if target.classes_ is None else list(map(str, target.classes_.tolist())),
            )
        )
    return scoring.Scorer(scorings, weights)


def check_defined(scorer, validation_rows):
    """Raise a `ValueError` if a metric of the objective is undefined, as the validation rows lack a class.

    Args:
        scorer: The `Scorer`.
        validation_rows: Indices of the validation rows.
    """
    generator = np.random.default_rng(0)
    for head in scorer.heads:
        truth = head.truth[validation_rows]
        missing = [label for number, label in enumerate(head.classes) if not (truth == number).any()]
        if head.task not in ("binary", "multiclass") or not missing:
            continue
        guess = generator.dirichlet(np.ones(len(head.classes)), len(truth)).astype("float32")
        for metric in head.metrics:
            if not metric.is_optional and np.isnan(metric(truth, guess)):
                raise ValueError(
                    f"`objective` can't be {metric.name!r}: it is undefined for validation rows without each class. "
                    f"Received: {len(truth)} validation rows without the classes {', '.join(missing[:10])}. Choose "
                    "another objective, such as 'val_auc', which leaves them out, or more rows by `validation`."
                )


def _of_labels(metric, task):
    """Return the advice for a function of scikit-learn that takes labels: the name of its scorer."""
    name = metrics_module.scorer_of(metric, task)
    if name is None or task == "regression":
        return ""
    return f" A function gets probabilities. Use the name of the scorer, {name!r}."


def _rows_to_try(truth, target):
    """Return the indices of a few rows for trying metrics and losses, with a row of every class."""
    first = np.arange(min(len(truth), _N_TRIED))
    if target.task_ not in ("binary", "multiclass"):
        return first
    return np.union1d(first, np.unique(truth, return_index=True)[1])


def _metrics_by_head(metrics, names):
    """Return the user's further metrics, a dict from head to list."""
    if metrics is None:
        return {name: [] for name in names}
    if not isinstance(metrics, dict):
        return {name: as_list(metrics) for name in names}
    unknown = [name for name in metrics if name not in names]
    if unknown:
        raise ValueError(f"`metrics` must be by head: {', '.join(names)}. Received: {unknown[0]!r:.60}")
    return {name: as_list(metrics.get(name, [])) for name in names}


def _objective_metrics(objective, name, names):
    """Return the metrics of a head that the objective needs, a list of pairs of `"objective"` and a metric."""
    wanted, own = goal.metric_names(objective), goal.own_metrics(objective)
    if len(names) > 1:
        wanted = [metric.removeprefix(f"{name}_") for metric in wanted if metric.startswith(f"{name}_")]
        if own:
            metric = metrics_module.name_of(own[0])
            raise ValueError(
                f"`objective` must say which of the heads {', '.join(names)} it is of. Received: {metric}. Give it as "
                f"metrics={{{name!r}: {metric}}}, and objective='val_{name}_{metric}'."
            )
    return [("objective", metric) for metric in [*wanted, *own] if metric != "loss"]


def _loss(head, target, values, tried, guess):
    """Return the loss function of a head, after a trial on rows of the data.

    Args:
        head: The head.
        target: The fitted target encoder.
        values: Encoded targets.
        tried: Indices of the rows of the trial.
        guess: Predictions of these rows.
    """
    try:
        function = head.loss_function()
        if target.task_ in ("binary", "multilabel") and losses.takes_one_hot(function):
            raise ValueError(
                "it needs an output for each of several classes that exclude each other. Use 'binary_crossentropy'"
            )
        if isinstance(function, keras.losses.Loss) and function.reduction in (None, "none"):
            raise ValueError("it has a number for each row. Give it reduction='sum_over_batch_size'")
        _check_targets(head, target, values)
        loss = np.asarray(keras.ops.convert_to_numpy(function(values[tried], guess)))
    except Exception as error:  # Whatever Keras or the user's function raises.
        raise ValueError(
            f"`loss` can't be {metrics_module.describe(head.loss)} for a {target.task_} target: {_first_line(error)}"
        ) from error
    if loss.ndim > 1 or loss.dtype.kind != "f":
        raise ValueError(
            f"`loss` must give one number a row. Received: {metrics_module.describe(head.loss)}, which gives an array "
            f"of shape {loss.shape} and dtype {loss.dtype} for {len(guess)} rows"
        )
    return function


def _check_targets(head, target, values):
    """Raise a `ValueError` for targets below those for which the loss is defined. Keras computes some number for them.

    Args:
        head: The head.
        target: The fitted target encoder.
        values: Encoded targets.
    """
    least = heads.LEAST_TARGETS.get(head.loss_name())
    if least is None or target.task_ != "regression":
        return
    below = (target.numbers(values).reshape(len(values), -1) < least).any(axis=1)
    if below.any():
        raise ValueError(
            f"it needs targets of at least {least:g}. Received: {below.sum()} rows below, the first at index "
            f"{int(below.argmax())}"
        )


def _first_line(error):
    """Return the first line of an error as a sentence, without TensorFlow's name of the operation."""
    line = re.sub(r"\{\{function_node .*?\}\} |\[Op:\w+\] name:\s*$", "", str(error).strip().splitlines()[0]).strip()
    return f"{line:.300}".removesuffix(".") + "."


def _form(target, encoded):
    convert = metric_form(target)
    return truth_of(target, encoded), lambda outputs, rows: convert(outputs)


def truth_of(target, encoded):
    """Return encoded targets in the form that metrics take: class indices, indicators, or numbers in their units."""
    if target.task_ == "regression":
        numbers = target.unscaled(encoded)
        # Of a target that is never negative, the round trip through float32 makes 0 a little less.
        is_rounded = np.abs(numbers) < _ROUNDING * (np.abs(target.mean_) + target.deviation_)
        return np.where(target.nonnegative_ & is_rounded, 0.0, numbers)
    return encoded.reshape(len(encoded)).astype("int32") if target.task_ == "binary" else encoded.astype("int32")


def metric_form(target):
    """Return the function from the outputs of a network to probabilities or numbers, as metrics take them."""
    return target.numbers if target.task_ == "regression" else target.probabilities
