"""Preparation: from arguments and raw data to all that a search needs, before anything is written."""

import copy
import dataclasses
import typing

import keras
import numpy as np

from autonas import data, oracles
from autonas.arguments.lists import as_list
from autonas.costs import registry
from autonas.data import checks, dataset, splits
from autonas.objectives import goal, scoring
from autonas.objectives import metrics as metrics_module
from autonas.prediction import predictor
from autonas.preparation import combinations
from autonas.search_space import defaults, graph, heads


@dataclasses.dataclass(eq=False)
class Prepared:
    """What a search needs.

    Args:
        graph: The bound graph.
        dataset: The encoded rows.
        scorer: The `Scorer`.
        goal: The `Goal`.
        encoders: Dict from input to fitted encoder.
        targets: Dict from head to fitted target encoder.
        as_served: Function that makes the network that is served of a trained one, or `None` if they are the same.
    """

    graph: graph.Graph
    dataset: object
    scorer: scoring.Scorer
    goal: goal.Goal
    encoders: dict
    targets: dict
    as_served: typing.Callable | None = None


def prepare(estimator, x, y, sample_weight, validation_data, groups, seed):
    """Prepares arrays in memory.

    Args:
        estimator: An `AutoModel`.
        x: Rows: one input, or a list or dict of several.
        y: Targets: one head's, or a list or dict of several.
        sample_weight: Weight of each row, or `None`.
        validation_data: Tuple `(x, y)`, or `None`.
        groups: Group of each row, or `None`.
        seed: Seed of the split.

    Raises:
        ValueError: If an argument and the data don't fit together.
    """
    nodes, output_nodes = given_graph(estimator)
    heads_given = None if output_nodes is None else [node.block for node in output_nodes]
    if nodes is None:
        input_names, head_names = data.part_names(x, y)
    else:
        drawn = graph.Graph(nodes, output_nodes)
        input_names, head_names = drawn.input_names, drawn.head_names
    inputs = predictor.split_inputs(x, input_names)
    outputs = predictor.split_inputs(y, head_names, "y")
    for each in inputs:
        for target in outputs:
            checks.check_same_rows(each, target, sample_weight, groups)
    kinds = [getattr(node, "kind", None) or estimator.kind or data.infer_kind(each)
             for node, each in zip(nodes or [None] * len(inputs), inputs, strict=True)]  # fmt: skip
    targets = target_encoders(estimator, heads_given, len(outputs))
    for target, values in zip(targets, outputs, strict=True):
        target.fit(values)
    n_rows = checks.number_of_rows(outputs[0], "y")
    if validation_data is None:
        stratify = next((i for i, target in enumerate(targets) if target.task_ in ("binary", "multiclass")), 0)
        train_rows, validation_rows = splits.train_validation_rows(
            outputs[stratify],
            targets[stratify].task_,
            estimator.validation_split,
            groups,
            np.random.default_rng(seed),
            in_order=estimator.in_order,
        )
    else:
        train_rows, validation_rows = np.arange(n_rows), None
    combinations.check_data(combinations.Request(estimator, kinds=kinds, tasks=[target.task_ for target in targets]))
    encoders = []
    for kind, node, values in zip(kinds, nodes or [None] * len(kinds), inputs, strict=True):
        options = node.encoder_options() if node is not None and kind == node.kind else {}
        encoders.append(data.get_encoder(kind, **options).fit(values, train_rows))
    for target, values in zip(targets, outputs, strict=True):
        target.fit(values, train_rows)
    if nodes is None:
        nodes, output_nodes = default_graph(estimator, encoders, targets, input_names, head_names)
    searched, encoders, targets = bound_graph(estimator, nodes, output_nodes, encoders, targets, len(train_rows))
    rows = _encode(encoders, targets, inputs, outputs)
    if validation_data is not None:
        validation = _encode_validation(encoders, targets, validation_data)
        validation_rows = np.arange(n_rows, n_rows + validation[2])
        rows = [{name: np.concatenate([part[name], other[name]]) for name in part}
                for part, other in zip(rows, validation[:2], strict=True)]  # fmt: skip
    weights = _weights(estimator, sample_weight, targets, rows[1], n_rows)
    if weights is not None:
        if not weights[train_rows].any():
            raise ValueError(
                "`sample_weight` and `class_weight` must leave a training row with a weight above zero. Received: "
                "weights of zero for all of them"
            )
        weights = (weights / np.mean(weights[:n_rows])).astype("float32")
    encoded = dataset.ArrayDataset(
        *rows,
        train_rows,
        validation_rows,
        final_rows=np.arange(n_rows) if validation_data is None else None,
        sample_weight=weights,
    )
    scorer = make_scorer(estimator, searched, targets, rows[1], weights)
    return Prepared(searched, encoded, scorer, find_goal(estimator, scorer, len(validation_rows)), encoders, targets)


def default_graph(estimator, encoders, targets, input_names=None, head_names=None):
    """Return the input nodes and the output nodes of the graph that is searched when the user draws none.

    Args:
        estimator: An `AutoModel`.
        encoders: List of fitted encoders, one for each input.
        targets: List of fitted target encoders, one for each head.
        input_names: Name of each input, or `None`. Defaults to none.
        head_names: Name of each head, or `None`. Defaults to none.
    """
    return defaults.default_nodes(
        [encoder.kind for encoder in encoders], [target.task_ for target in targets],
        [estimator.loss] * len(targets), estimator.num_classes, estimator.search_space,
        oracles.needs_supernet(estimator.strategy, estimator.weight_sharing), input_names, head_names,
    )  # fmt: skip


def bound_graph(estimator, nodes, output_nodes, encoders, targets, n_train):
    """The graph that is searched, told what the data looks like.

    Args:
        estimator: An `AutoModel`.
        nodes: Its input nodes.
        output_nodes: Its output nodes.
        encoders: List of fitted encoders, one for each input.
        targets: List of fitted target encoders, one for each head.
        n_train: Number of training rows.

    Returns:
        The graph, and the encoders and targets as dicts by the names in the graph.
    """
    features = [encoder.feature for encoder in encoders]
    searched = graph.Graph(nodes, output_nodes, estimator.optimization(n_train, features))
    searched.bind(features, [heads.Target(target.task_, target.n_outputs_) for target in targets])
    encoders = dict(zip(searched.input_names, encoders, strict=True))
    return searched, encoders, dict(zip(searched.head_names, targets, strict=True))


#: Validation rows from which two candidates' accuracies tell more than their losses.
_ENOUGH_FOR_ACCURACY = 1000


def find_goal(estimator, scorer, n_validation):
    """The `Goal` that the estimator asks for, or the default one."""
    weighed = estimator.class_weight is not None and scorer.weights is not None
    default = "val_loss" if weighed else default_objective(scorer, n_validation)
    return goal.get_goal(
        goal.wanted(estimator.objective, estimator.strategy), estimator.constraints, scorer.directions(), default
    )


def default_objective(scorer, n_validation):
    """Accuracy of a classifier, root mean squared error of a regressor, the summed loss of several heads.

    On few validation rows accuracy can't tell candidates apart, and the best of many is the luckiest: there the loss
    decides.
    """
    if len(scorer.heads) > 1 or scorer.heads[0].task == "multilabel":
        return "val_loss"
    if scorer.heads[0].task == "regression":
        return "val_rmse"
    return "val_accuracy" if n_validation >= _ENOUGH_FOR_ACCURACY else "val_loss"


def given_graph(estimator):
    """A copy of the user's graph, whose blocks are bound to this fit's data, or two times `None`."""
    if estimator.inputs is None:
        return None, None
    nodes, outputs = copy.deepcopy((as_list(estimator.inputs), as_list(estimator.outputs)))
    graph.Graph(nodes, outputs)  # Refuses what isn't a graph before the data is looked at.
    return nodes, outputs


def target_encoders(estimator, given, n_heads=1):
    if given is None:
        # Whether the target may be standardised depends on the head that will be made for it.
        scales = heads.RegressionHead(loss=estimator.loss).scales_target()
        return [data.TargetEncoder(estimator.given_task, estimator.num_classes, scales) for _ in range(n_heads)]
    encoders = []
    for head in given:
        task = estimator.given_task if len(given) == 1 else None
        if task is None:
            task = "regression" if head.tasks == ("regression",) else None
            task = "classification" if isinstance(head, heads.ClassificationHead) else task
            task = "multilabel" if getattr(head, "multi_label", None) else task
        encoders.append(data.TargetEncoder(task, getattr(head, "num_classes", None), head.scales_target()))
    return encoders


def _encode(encoders, targets, inputs, outputs):
    """The network's inputs and targets for raw rows."""
    tensors = {
        f"{name}_{tensor}": array
        for (name, encoder), values in zip(encoders.items(), inputs, strict=True)
        for tensor, array in encoder.transform(values).items()
    }
    return [tensors, {name: target.transform(values)
                      for (name, target), values in zip(targets.items(), outputs, strict=True)}]  # fmt: skip


def _encode_validation(encoders, targets, validation_data):
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
        raise ValueError(f"`validation_data` must be a tuple (x, y). Received: {type(validation_data).__name__}")
    x, y = validation_data
    inputs = predictor.split_inputs(x, list(encoders), "validation_data[0]")
    outputs = predictor.split_inputs(y, list(targets), "validation_data[1]")
    for each in inputs:
        for target in outputs:
            checks.check_same_rows(each, target)
    return [*_encode(encoders, targets, inputs, outputs), checks.number_of_rows(outputs[0], "y")]


def _weights(estimator, sample_weight, targets, encoded, n_rows):
    """Weights of rows in the loss: the user's, times those of the classes.

    Of `validation_data`, which come after the first `n_rows` rows, the user's weights are 1.
    """
    weights = None
    if sample_weight is not None:
        weights = np.ones(len(next(iter(encoded.values()))))
        weights[:n_rows] = checks.check_sample_weight(sample_weight)
    if estimator.class_weight is not None:
        (target,) = targets.values()
        check_class_weight(estimator.class_weight, target)
        codes = next(iter(encoded.values())).reshape(-1).astype(int)
        counts = np.bincount(codes[:n_rows], minlength=len(target.classes_))
        if estimator.class_weight == "balanced":
            by_class = n_rows / (np.count_nonzero(counts) * np.maximum(counts, 1))
        else:
            by_class = np.array([estimator.class_weight.get(label, 1.0) for label in target.classes_.tolist()])
        weights = by_class[codes] if weights is None else weights * by_class[codes]
    return weights


def check_class_weight(class_weight, target):
    """Raise a `ValueError` if `class_weight` has labels that the target doesn't have."""
    if isinstance(class_weight, dict):
        unknown = [label for label in class_weight if label not in target.classes_]
        if unknown:
            raise ValueError(
                f"`class_weight` must name labels of `y`. Received: {checks.name_labels(unknown)}, not in y"
            )
        if not any(class_weight.get(label, 1.0) for label in target.classes_.tolist()):
            raise ValueError(
                "`class_weight` must give a label of `y` a weight above zero. Received: zero for each of "
                f"{checks.name_labels(target.classes_.tolist())}"
            )


def make_scorer(estimator, searched, targets, encoded, weights=None):
    """The `Scorer` of the graph's heads on encoded targets, a dict from head to array, with weights of rows."""
    scorings = []
    names = [searched.names[id(head)] for head in searched.heads]
    given = _metrics_by_head(estimator.metrics, names)
    for head, name in zip(searched.heads, names, strict=True):
        target, values = targets[name], encoded[name]
        found = {
            metric: metrics_module.get_metric(metric, target.task_)
            for metric in metrics_module.DEFAULT_METRICS[target.task_]
        }
        truth, convert = truth_of(target, values), metric_form(target)
        tried = _rows_to_try(truth, target)
        guess = np.full((len(tried), target.n_outputs_), 1 / max(2, target.n_outputs_), "float32")
        for argument, metric in [
            *(("metrics", each) for each in given[name]),
            *_objective_metrics(estimator, name, names),
        ]:
            if argument == "objective" and metric in found:
                continue
            try:
                resolved = metrics_module.get_metric(metric, target.task_)
                if resolved.name not in found or not isinstance(metric, str):
                    resolved(truth[tried], convert(guess))
            except Exception as error:  # Whatever the user's function raises.
                costs_too = f" Costs are {', '.join(registry.COSTS)}." if argument == "objective" else ""
                raise ValueError(
                    f"`{argument}` can't be {metrics_module.describe(metric)} for a {target.task_} target: "
                    f"{str(error).strip().splitlines()[0]:.300}{costs_too}"
                ) from error
            if resolved.name not in found or not isinstance(metric, str):
                found[resolved.name] = resolved
        scorings.append(
            scoring.HeadScoring(
                name, target.task_, values, truth, convert, _loss(head, target, values[tried], guess), head.loss_weight,
                list(found.values()), [] if target.classes_ is None else list(map(str, target.classes_.tolist())),
            )
        )  # fmt: skip
    return scoring.Scorer(scorings, weights)


def _rows_to_try(truth, target):
    """A few rows to try metrics and losses on, among them one of each class."""
    first = np.arange(min(len(truth), 64))
    if target.task_ not in ("binary", "multiclass"):
        return first
    return np.union1d(first, np.unique(truth, return_index=True)[1])


def _metrics_by_head(metrics, names):
    """The user's further metrics as a list for each head."""
    if metrics is None:
        return {name: [] for name in names}
    if not isinstance(metrics, dict):
        return {name: as_list(metrics) for name in names}
    unknown = [name for name in metrics if name not in names]
    if unknown:
        raise ValueError(f"`metrics` must be by head: {', '.join(names)}. Received: {unknown[0]!r:.60}")
    return {name: as_list(metrics.get(name, [])) for name in names}


def _objective_metrics(estimator, name, names):
    """The metrics that the objective asks of a head, a list of pairs."""
    objective = goal.wanted(estimator.objective, estimator.strategy)
    wanted, own = goal.metric_names(objective), goal.own_metrics(objective)
    if len(names) > 1:
        wanted = [each.removeprefix(f"{name}_") for each in wanted if each.startswith(f"{name}_")]
        if own:
            metric = metrics_module.name_of(own[0])
            raise ValueError(
                f"`objective` must say which of the heads {', '.join(names)} it is of. Received: {metric}. Give it as "
                f"metrics={{{name!r}: {metric}}}, and objective='val_{name}_{metric}'."
            )
    return [("objective", each) for each in [*wanted, *own] if each != "loss"]


def metric_of(estimator, name, task):
    """Return a metric of a fitted estimator by its name, for a task.

    Raises:
        ValueError: If the metric is a function that the estimator was saved without.
    """
    own = metrics_module.by_name(goal.own_metrics(goal.wanted(estimator.objective, estimator.strategy)))
    own = metrics_module.by_name(estimator.metrics) | own
    try:
        return metrics_module.get_metric(own.get(name, name), task)
    except ValueError as error:
        raise ValueError(
            f"`evaluate` needs the function {name!r}, which isn't saved with a model. Give it again: "
            f"`model.set_params(metrics=[{name}])`."
        ) from error


def _loss(head, target, values, guess):
    """The head's loss as a function, tried on rows of the data."""
    try:
        function = head.loss_function()
        loss = np.asarray(keras.ops.convert_to_numpy(function(values, guess)))
    except Exception as error:  # Whatever Keras or the user's function raises.
        raise ValueError(
            f"`loss` can't be {metrics_module.describe(head.loss)} for a {target.task_} target: "
            f"{str(error).strip().splitlines()[0]:.300}"
        ) from error
    if loss.ndim > 1 or loss.dtype.kind != "f":
        raise ValueError(
            f"`loss` must give one number a row. Received: {metrics_module.describe(head.loss)}, which gives an array "
            f"of shape {loss.shape} and dtype {loss.dtype} for {len(guess)} rows"
        )
    return function


def truth_of(target, encoded):
    """Encoded targets as metrics take them."""
    if target.task_ == "regression":
        return encoded.astype("float64") * target.deviation_ + target.mean_
    return encoded.reshape(len(encoded)).astype("int32") if target.task_ == "binary" else encoded.astype("int32")


def metric_form(target):
    """The function from a network's outputs to what metrics take."""
    if target.task_ == "regression":
        return lambda outputs: outputs.astype("float64") * target.deviation_ + target.mean_
    return target.probabilities
