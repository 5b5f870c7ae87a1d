"""The header of a run: the facts in which a continued search must agree with the earlier search."""

from autonas.data import fingerprint, is_stream
from autonas.objectives import metrics
from autonas.prediction import predictor


def header(estimator, prepared, space, epochs, data):
    """Return the facts that identify a search.

    Args:
        estimator: The `AutoModel`.
        prepared: The prepared data and arguments, as from `preparation`.
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
        "space": {hyperparameter.name: hyperparameter.get_config() for hyperparameter in space.space},
        "goal": prepared.goal.describe(),
        "losses": [None if head.loss is None else metrics.describe(head.loss) for head in prepared.graph.heads],
        "class_weight": class_weight,
        "validation_split": float(estimator.validation_split),
        "strategy": strategy if isinstance(strategy, str) else type(strategy).__name__,
        "epochs": epochs,
        # The argument itself: the journal has the precision of a trial, which depends on the device, with its end.
        "precision": estimator.precision,
        "given_seed": None if estimator.seed is None else int(estimator.seed),
    }


def _fingerprints(prepared, x, y, sample_weight, validation_data, groups):
    if is_stream(x):
        fingerprints = dict(prepared.dataset.facts)
    else:
        fingerprints = _by_name("x", x, prepared.encoders) | _by_name("y", y, prepared.targets)
    if isinstance(validation_data, (list, tuple)):
        fingerprints |= _by_name("validation x", validation_data[0], prepared.encoders)
        fingerprints |= _by_name("validation y", validation_data[1], prepared.targets)
    return fingerprints | {"sample_weight": fingerprint(sample_weight), "groups": fingerprint(groups)}


def _by_name(name, value, names):
    """Return the fingerprint of a value for one input or head, or of the values for several, a dict by name."""
    values = predictor.split_inputs(value, list(names))
    if len(names) == 1:
        return {name: fingerprint(values[0])}
    return {f"{name} {own}": fingerprint(array) for own, array in zip(names, values, strict=True)}
