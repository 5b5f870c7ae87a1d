"""The header of a run: what a search must agree on with the one that it continues."""

from autonas.data import fingerprint, is_stream
from autonas.objectives import metrics
from autonas.prediction import predictor


def header(estimator, prepared, space, epochs, data):
    """Describes a search.

    Args:
        estimator: The `AutoModel`.
        prepared: What `preparation` made of its arguments and the data.
        space: The whole space, a `keras_tuner.HyperParameters`.
        epochs: Epochs of a full training.
        data: Tuple of `x`, `y`, `sample_weight`, `validation_data` and `groups` of `fit`.

    Returns:
        A JSON-like dict.
    """
    class_weight = estimator.class_weight
    if isinstance(class_weight, dict):
        class_weight = {str(label): float(weight) for label, weight in class_weight.items()}
    strategy = estimator.strategy
    return {
        "data": _fingerprints(prepared, *data),
        "tasks": [target.task_ for target in prepared.targets.values()],
        "space": {each.name: each.get_config() for each in space.space},
        "goal": prepared.goal.describe(),
        "losses": [None if head.loss is None else metrics.describe(head.loss) for head in prepared.graph.heads],
        "class_weight": class_weight,
        "validation_split": float(estimator.validation_split),
        "strategy": strategy if isinstance(strategy, str) else type(strategy).__name__,
        "epochs": epochs,
        # As given: what a trial was trained in, on the device where it ran, is in the journal with its end.
        "precision": estimator.precision,
        "given_seed": None if estimator.seed is None else int(estimator.seed),
    }


def _fingerprints(prepared, x, y, sample_weight, validation_data, groups):
    if is_stream(x):
        found = dict(prepared.dataset.facts)
    else:
        found = _of_parts("x", x, prepared.encoders) | _of_parts("y", y, prepared.targets)
    if isinstance(validation_data, (list, tuple)):
        found |= _of_parts("validation x", validation_data[0], prepared.encoders)
        found |= _of_parts("validation y", validation_data[1], prepared.targets)
    return found | {"sample_weight": fingerprint(sample_weight), "groups": fingerprint(groups)}


def _of_parts(name, value, parts):
    """Fingerprints of a value for one input or head, or of the values for several."""
    values = predictor.split_inputs(value, list(parts))
    if len(parts) == 1:
        return {name: fingerprint(values[0])}
    return {f"{name} {part}": fingerprint(each) for part, each in zip(parts, values, strict=True)}
