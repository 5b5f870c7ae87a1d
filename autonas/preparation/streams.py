"""Preparation of a `tf.data.Dataset`: what `arrays.py` does for arrays. TensorFlow only."""

import dataclasses

import numpy as np

from autonas import data
from autonas.data import streams
from autonas.evaluation import stream_loop
from autonas.preparation import arrays, combinations


def prepare(estimator, x, validation_data, seed):
    """Prepares a stream; the arguments are those of `preparation.prepare`.

    Raises:
        ValueError: If an argument and the data don't fit together.
    """
    nodes, output_nodes = arrays.given_graph(estimator)
    node_kind = getattr(nodes[0], "kind", None) if nodes else None
    source = streams.StreamSource(x, node_kind or estimator.kind, validation_data)
    options = nodes[0].encoder_options() if node_kind else {}
    encoder = data.get_encoder(source.kind, **options)
    target = arrays.target_encoders(estimator, output_nodes and [node.block for node in output_nodes])[0]
    source.fit(encoder, target, estimator.validation_split, seed, time_limit=estimator.time_limit)
    combinations.check_data(combinations.Request(estimator, kinds=[source.kind], tasks=[target.task_]))
    if nodes is None:
        nodes, output_nodes = arrays.default_graph(estimator, [encoder], [target])
    searched, encoders, targets = arrays.bound_graph(
        estimator, nodes, output_nodes, [encoder], [target], source.rows["train"]
    )
    (input_name,), (head_name,) = encoders, targets
    dataset = stream_loop.StreamDataset(source, input_name, head_name, _class_weight(estimator, source))
    some_targets = {head_name: target.transform(source.some_labels)}
    scorer = arrays.make_scorer(estimator, searched, targets, some_targets)
    scorer.heads = [
        dataclasses.replace(
            head,
            encoded=stream_loop.Parts(dataset.encoded),
            truth=stream_loop.Parts(dataset.encoded, lambda encoded: arrays.truth_of(target, encoded)),
        )
        for head in scorer.heads
    ]
    goal = arrays.find_goal(estimator, scorer, source.rows["validation"])
    return arrays.Prepared(searched, dataset, scorer, goal, encoders, targets)


def _class_weight(estimator, source):
    """Weight of each class in the loss, of mean 1 over the rows, or `None`."""
    if estimator.class_weight is None:
        return None
    target = source.target_encoder
    arrays.check_class_weight(estimator.class_weight, target)
    labels = target.classes_.tolist()
    counts = np.array([source.labels.get(label, 0) for label in labels])
    if estimator.class_weight == "balanced":
        weights = 1.0 / np.maximum(counts, 1)
    else:
        weights = np.array([float(estimator.class_weight.get(label, 1.0)) for label in labels])
    return weights * counts.sum() / (weights @ counts)
