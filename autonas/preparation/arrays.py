"""Preparation of arrays in memory: from the plan and raw data to the problem of a search."""

import copy
import dataclasses

import numpy as np

from autonas import data as data_module
from autonas.arguments.lists import as_list
from autonas.data import checks, dataset, fingerprint, sparse_rows, splits
from autonas.evaluation.problem import Problem
from autonas.prediction import predictor
from autonas.preparation import combinations, criteria, validation
from autonas.search_space import defaults, graph, heads, narrowing


@dataclasses.dataclass(eq=False)
class Prepared(Problem):
    """The problem of a search, and the encodings between raw and encoded data.

    Args:
        graph: As in `Problem`.
        dataset: As in `Problem`.
        scorer: As in `Problem`.
        goal: As in `Problem`.
        as_served: As in `Problem`. The function takes a second argument `refitted`: whether the network was trained on
            all rows. Defaults to `None`.
        has_groups: As in `Problem`.
        encoders: Dict from input to fitted encoder. Defaults to none.
        targets: Dict from head to fitted target encoder. Defaults to none.
        facts: JSON-like dict of further facts that a continued search must agree on. Defaults to none.
    """

    encoders: dict = dataclasses.field(default_factory=dict)
    targets: dict = dataclasses.field(default_factory=dict)
    facts: dict = dataclasses.field(default_factory=dict)


#: Share of the time limit that n-grams of the characters of texts in tables may take.
_CHARACTERS_SHARE = 0.06


def prepare(plan, data, form=None):
    """Prepare arrays in memory.

    Args:
        plan: The `Plan`.
        data: The `FitData`.
        form: Form of truth and predictions in metrics; see `criteria.make_scorer`. Defaults to `None`.

    Returns:
        A `Prepared`.

    Raises:
        ValueError: If an argument and the data don't fit together.
    """
    nodes, output_nodes = drawn_graph(plan.space)
    if nodes is None:
        input_names, head_names = data_module.part_names(data.x, data.y)
    else:
        drawn = graph.Graph(nodes, output_nodes)
        input_names, head_names = drawn.input_names, drawn.head_names
    inputs = predictor.split_inputs(data.x, input_names)
    outputs = predictor.split_inputs(data.y, head_names, "y")
    checks.check_parts(inputs, input_names, "x", "input")
    checks.check_parts(outputs, head_names, "y", "head")
    checks.check_same_rows(inputs[0], outputs[0], data.sample_weight, data.groups)
    kinds = []
    for number, (node, rows) in enumerate(zip(nodes or [None] * len(inputs), inputs, strict=True)):
        with checks.naming("input", number, input_names):
            kinds.append(getattr(node, "kind", None) or plan.task.kind or data_module.infer_kind(rows))
    targets = target_encoders(plan.task, output_nodes, len(outputs))
    for number, (target, values) in enumerate(zip(targets, outputs, strict=True)):
        with checks.naming("head", number, head_names):
            target.fit(values)
    n_rows = checks.number_of_rows(outputs[0], "y")
    stratify = next((i for i, target in enumerate(targets) if target.task_ in ("binary", "multiclass")), 0)
    target, task = outputs[stratify], targets[stratify].task_
    generator = np.random.default_rng(plan.execution.seed)
    n_validated = int(splits.in_validation(target, task).sum())
    n_folds = plan.n_folds(n_validated, _number_of_values(inputs), kinds)
    folds, facts = None, {}
    if data.validation_data is not None:
        train_rows, validation_rows = np.arange(n_rows), None
    elif validation.is_structured(plan.request.validation):
        sets = validation.sets(plan, validation.Rows(inputs, target, task, data.groups), generator)
        training, validated = (fingerprint(np.concatenate(rows)) for rows in zip(*sets, strict=True))
        facts = {"validation": validated, "training_rows": training}
        train_rows, validation_rows = sets[0][0], np.concatenate([rows for _, rows in sets])
        if len(sets) > 1:
            plan, folds = plan.with_full_trainings(), sets
    elif n_folds > 1 and (
        folds := splits.validation_folds(
            target, task, n_folds, data.groups, generator, required=plan.selection.folds != "auto"
        )
    ):
        plan = plan.with_full_trainings()
        train_rows, validation_rows = folds[0][0], np.concatenate([rows for _, rows in folds])
    else:
        folds = None
        train_rows, validation_rows = splits.train_validation_rows(
            target, task, plan.selection.split, data.groups, generator, in_order=plan.selection.in_order
        )
    row_weights, all_rows = None, np.arange(n_rows)
    if data.sample_weight is not None:
        row_weights = checks.check_sample_weight(data.sample_weight)
        validated = all_rows if validation_rows is None else validation_rows
        _check_weights(row_weights, folds or [(train_rows, validated)])
        # No set has rows of weight zero, whose values may be anything.
        all_rows, train_rows, validation_rows = _weighted(row_weights, all_rows, train_rows, validation_rows)
        folds = None if folds is None else [_weighted(row_weights, *pair) for pair in folds]
        row_weights = None if np.ptp(row_weights[all_rows]) == 0 else row_weights
    # Encodings are of all rows that candidates are trained on.
    encoded_rows = train_rows if folds is None else all_rows
    combinations.check_data(plan.request, kinds, [target.task_ for target in targets])
    encoders = []
    for number, (kind, values) in enumerate(zip(kinds, inputs, strict=True)):
        node = nodes[number] if nodes is not None else None
        options = node.encoder_options() if node is not None and kind == node.kind else {}
        if kind == "table" and plan.budget.time_limit is not None:
            options |= {"seconds": _CHARACTERS_SHARE * plan.budget.time_limit}
        with checks.naming("input", number, input_names):
            encoders.append(data_module.get_encoder(kind, **options).fit(values, encoded_rows))
    for number, (target, values) in enumerate(zip(targets, outputs, strict=True)):
        with checks.naming("head", number, head_names):
            target.fit(values, encoded_rows, row_weights)
    if nodes is None:
        nodes, output_nodes = default_graph(plan, encoders, targets, input_names, head_names)
    searched, encoders, targets = bound_graph(plan, (nodes, output_nodes), encoders, targets, len(train_rows))
    rows = _encode(encoders, targets, inputs, outputs)
    if data.validation_data is not None:
        encoded = _encode_validation(encoders, targets, data.validation_data)
        validation_rows = np.arange(n_rows, n_rows + encoded[2])
        rows = [
            {name: sparse_rows.joined([arrays[name], others[name]]) for name in arrays}
            for arrays, others in zip(rows, encoded[:2], strict=True)
        ]
    weights = _weights(plan.task.class_weight, row_weights, targets, rows[1], all_rows)
    if weights is not None:
        _check_weights(weights, folds or [(train_rows, validation_rows)])
        weights = (weights / np.mean(weights[all_rows])).astype("float32")
    encoded = dataset.ArrayDataset(
        *rows,
        train_rows,
        validation_rows,
        final_rows=all_rows if data.validation_data is None else None,
        sample_weight=weights,
        folds=folds,
    )
    scorer = criteria.make_scorer(plan, searched, targets, rows[1], weights, form=form)
    criteria.check_defined(scorer, validation_rows)
    return Prepared(
        searched,
        encoded,
        scorer,
        criteria.find_goal(plan, searched, scorer, len(validation_rows)),
        has_groups=data.groups is not None or validation.is_structured(plan.request.validation),
        encoders=encoders,
        targets=targets,
        facts=facts,
    )


def default_graph(plan, encoders, targets, input_names=None, head_names=None):
    """Return the input nodes and the output nodes of the graph that is searched when the user draws none.

    Args:
        plan: The `Plan`.
        encoders: List of fitted encoders, one for each input.
        targets: List of fitted target encoders, one for each head.
        input_names: Name of each input, or `None`. Defaults to none.
        head_names: Name of each head, or `None`. Defaults to none.
    """
    return defaults.default_nodes(
        [encoder.kind for encoder in encoders],
        [target.task_ for target in targets],
        losses=[plan.task.loss] * len(targets),
        num_classes=plan.task.num_classes,
        search_space=plan.space.name,
        shares_weights=plan.strategy.trains_supernet,
        input_names=input_names,
        head_names=head_names,
    )


def bound_graph(plan, ends, encoders, targets, n_train, in_memory=True):
    """Return the graph to search, bound to the data.

    Args:
        plan: The `Plan`.
        ends: Tuple of the list of input nodes and the list of output nodes.
        encoders: List of fitted encoders, one for each input.
        targets: List of fitted target encoders, one for each head.
        n_train: Number of training rows.
        in_memory: Whether all rows are in memory. Defaults to `True`.

    Returns:
        The graph, and the encoders and targets as dicts by the names in the graph.
    """
    features = [encoder.feature for encoder in encoders]
    searched = graph.Graph(*ends, plan.optimization(n_train, features))
    searched.narrowed = narrowing.decisions_of(plan.request.hyperparameters)
    searched.bind(
        features, [heads.Target(target.task_, target.n_outputs_, target.units_) for target in targets], in_memory
    )
    encoders = dict(zip(searched.input_names, encoders, strict=True))
    return searched, encoders, dict(zip(searched.head_names, targets, strict=True))


def drawn_graph(space):
    """Return the input nodes and the output nodes of the user's graph, or two times `None` without one.

    They are copies, whose blocks can be bound to the data.

    Args:
        space: The `Space` of the plan.
    """
    if space.inputs is None:
        return None, None
    nodes, outputs = copy.deepcopy((as_list(space.inputs), as_list(space.outputs)))
    # Raises an error for anything but a graph before the data is looked at.
    graph.Graph(nodes, outputs).check_names()
    return nodes, outputs


def target_encoders(task, output_nodes, n_heads=1):
    """Return the target encoder of each head, not fitted.

    Args:
        task: The `Task` of the plan.
        output_nodes: Output nodes of the user's graph, or `None` for the default graph.
        n_heads: Number of heads of the default graph. Defaults to 1.
    """
    if output_nodes is None:
        # Whether the target may be standardised and bounded depends on the head that will be made for it.
        head = heads.RegressionHead(loss=task.loss)
        options = {"scale": head.scales_target(), "bounded": head.predicts_numbers()}
        return [data_module.TargetEncoder(task.name, task.num_classes, **options) for _ in range(n_heads)]
    encoders = []
    for head in (node.block for node in output_nodes):
        name = task.name if len(output_nodes) == 1 else None
        if name is None:
            name = "regression" if head.tasks == ("regression",) else None
            name = "classification" if isinstance(head, heads.ClassificationHead) else name
            name = "multilabel" if getattr(head, "multi_label", None) else name
        num_classes = getattr(head, "num_classes", None)
        options = {"scale": head.scales_target(), "center": head.centers_target, "bounded": head.predicts_numbers()}
        encoders.append(data_module.TargetEncoder(name, num_classes, **options))
    return encoders


def _number_of_values(inputs):
    """Return the number of numbers, categories and characters in the rows of all inputs."""
    n_values = 0
    for rows in inputs:
        if not hasattr(rows, "__iter__"):  # An object that only converts to an array.
            rows = np.asarray(rows)
        if getattr(rows, "ndim", 1) > 1:
            n_values += rows.size
        else:
            n_values += sum(len(row) if isinstance(row, str) else np.size(row) for row in rows)
    return n_values


def _encode(encoders, targets, inputs, outputs):
    """Return the inputs and the targets of a network for raw rows, two dicts."""
    tensors = {
        f"{name}_{tensor}": array
        for (name, encoder), values in zip(encoders.items(), inputs, strict=True)
        for tensor, array in encoder.compact(values).items()
    }
    encoded = {name: target.transform(values) for (name, target), values in zip(targets.items(), outputs, strict=True)}
    return [tensors, encoded]


def _encode_validation(encoders, targets, validation_data):
    if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
        raise ValueError(
            f"`validation_data` must be a tuple (x, y), without weights. Received: {checks.describe(validation_data)}"
        )
    x, y = validation_data
    inputs = predictor.split_inputs(x, list(encoders), "validation_data[0]")
    outputs = predictor.split_inputs(y, list(targets), "validation_data[1]")
    try:
        checks.check_parts(inputs, list(encoders), "x", "input")
        checks.check_parts(outputs, list(targets), "y", "head")
        checks.check_same_rows(inputs[0], outputs[0])
        encoded = _encode(encoders, targets, inputs, outputs)
    except ValueError as error:
        raise ValueError(f"`validation_data` must suit the rows of `fit`. {error}") from error
    for target, values in zip(targets.values(), outputs, strict=True):
        if target.task_ == "regression":
            target.nonnegative_ &= (target.comparable(values) >= 0).all(axis=0)
    return [*encoded, checks.number_of_rows(outputs[0], "y")]


def _weights(class_weight, sample_weight, targets, encoded, rows):
    """Return the weights of rows in the loss, the user's times the weights of the classes; `None` without either.

    The user's weights are 1 for the rows of `validation_data`, which come after the rows of `fit`. Classes are counted
    in the given `rows`, an array of indices.
    """
    weights = None
    if sample_weight is not None:
        weights = np.ones(len(next(iter(encoded.values()))))
        weights[: len(sample_weight)] = sample_weight
    if class_weight is not None:
        (target,) = targets.values()
        check_class_weight(class_weight, target)
        codes = next(iter(encoded.values())).reshape(-1).astype(int)
        counts = np.bincount(codes[rows], minlength=len(target.classes_))
        if class_weight == "balanced":
            by_class = len(rows) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        else:
            by_class = np.array([class_weight.get(label, 1.0) for label in target.classes_.tolist()])
        weights = by_class[codes] if weights is None else weights * by_class[codes]
    return weights


def _weighted(weights, *sets):
    """Return sets of rows, each an array of indices or `None`, without the rows of weight zero, as a tuple."""
    return tuple(None if rows is None else rows[weights[rows] > 0] for rows in sets)


def _check_weights(weights, sets):
    """Raise a `ValueError` unless each training set and each validation set has a row with a weight above zero.

    Args:
        weights: Weight of each row, `(n,)`.
        sets: List of pairs of training rows and validation rows, one for each fold.
    """
    for number, pair in enumerate(sets):
        for name, rows in zip(("training", "validation"), pair, strict=True):
            if not weights[rows].any():
                fold = f" of fold {number}" if len(sets) > 1 else ""
                raise ValueError(
                    "`sample_weight` and `class_weight` must leave a weight above zero among the training rows and "
                    f"among the validation rows. Received: weights of zero for all {len(rows)} {name} rows{fold}. "
                    "Leave out rows of weight zero, or choose the sets by `validation` or `validation_data`."
                )


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
