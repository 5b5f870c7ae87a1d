"""Preparation of a `tf.data.Dataset`: the counterpart of `arrays.py`. TensorFlow only."""

import dataclasses

import numpy as np

from autonas.data import get_encoder, streams
from autonas.evaluation import stream_loop
from autonas.preparation import arrays, combinations, criteria


def prepare(plan, data):
    """Prepare a stream; arguments, result and errors are the same as of `arrays.prepare`.

    A stream whose rows fit into memory is prepared as arrays; see `StreamSource.arrays`.
    """
    nodes, output_nodes = arrays.drawn_graph(plan.space)
    node_kind = getattr(nodes[0], "kind", None) if nodes else None
    source = streams.StreamSource(data.x, node_kind or plan.task.kind, data.validation_data)
    options = nodes[0].encoder_options() if node_kind else {}
    # Models of the n-grams of texts need all rows in memory.
    options |= {"has_ngrams": False} if source.kind in ("text", "table") else {}
    encoder = get_encoder(source.kind, **options)
    target = arrays.target_encoders(plan.task, output_nodes)[0]
    source.fit(encoder, target, plan.selection.split, plan.execution.seed, time_limit=plan.budget.time_limit)
    rows = source.arrays()
    if rows is not None:
        prepared = arrays.prepare(plan, rows)
        prepared.dataset.facts = source.facts
        return prepared
    combinations.check_data(plan.request, [source.kind], [target.task_])
    if nodes is None:
        nodes, output_nodes = arrays.default_graph(plan, [encoder], [target])
    n_train = source.rows["train"]
    searched, encoders, targets = arrays.bound_graph(
        plan, (nodes, output_nodes), [encoder], [target], n_train, in_memory=False
    )
    (input_name,), (head_name,) = encoders, targets
    dataset = stream_loop.StreamDataset(source, input_name, head_name, _class_weight(plan.task.class_weight, source))
    some_targets = {head_name: target.transform(source.some_labels)}
    scorer = criteria.make_scorer(plan, searched, targets, some_targets)
    scorer.heads = [
        dataclasses.replace(
            head,
            encoded=stream_loop.Parts(dataset.encoded),
            truth=stream_loop.Parts(dataset.encoded, lambda encoded: criteria.truth_of(target, encoded)),
        )
        for head in scorer.heads
    ]
    goal = criteria.find_goal(plan, searched, scorer, source.rows["validation"])
    return arrays.Prepared(searched, dataset, scorer, goal, encoders=encoders, targets=targets)


def _class_weight(class_weight, source):
    """Return the weight of each class in the loss, with a mean of 1 over the rows, or `None`."""
    if class_weight is None:
        return None
    target = source.target_encoder
    arrays.check_class_weight(class_weight, target)
    labels = target.classes_.tolist()
    counts = np.array([source.labels.get(label, 0) for label in labels])
    if class_weight == "balanced":
        weights = 1.0 / np.maximum(counts, 1)
    else:
        weights = np.array([float(class_weight.get(label, 1.0)) for label in labels])
    return weights * counts.sum() / (weights @ counts)
