"""The header of a run: the facts in which a continued search must agree with the earlier search."""

from collections.abc import Collection
from typing import Any

from autonas.data import fingerprint
from autonas.data.fit_data import FitData
from autonas.objectives import metrics
from autonas.prediction import predictor
from autonas.preparation.arrays import Prepared


def header(plan: Any, prepared: Prepared, epochs: int, data: FitData) -> dict[str, Any]:
    """Return the facts that identify a search.

    Args:
        plan: The `Plan`.
        prepared: The `Prepared` problem.
        epochs: Epochs of a full training.
        data: The `FitData`.

    Returns:
        A JSON-like dict.
    """
    class_weight = plan.task.class_weight
    if isinstance(class_weight, dict):
        class_weight = {str(label): float(weight) for label, weight in class_weight.items()}
    strategy, seed = plan.strategy.strategy, plan.request.seed
    return {
        "data": _fingerprints(prepared, data),
        "tasks": [target.task_ for target in prepared.targets.values()],
        "space": {hyperparameter.name: hyperparameter.get_config() for hyperparameter in prepared.space.space},
        "goal": prepared.goal.describe(),
        "losses": [None if head.loss is None else metrics.describe(head.loss) for head in prepared.graph.heads],
        "class_weight": class_weight,
        "validation_split": None if plan.selection.split is None else float(plan.selection.split),
        "validation_folds": None if prepared.dataset.folds is None else len(prepared.dataset.folds),
        "n_classes": [
            None if target.classes_ is None else len(target.classes_) for target in prepared.targets.values()
        ],
        "strategy": strategy if isinstance(strategy, str) else type(strategy).__name__,
        "epochs": epochs,
        # The argument: the journal has the precision in which a trial was trained on its device.
        "precision": plan.execution.precision,
        "given_seed": None if seed is None else int(seed),
        # The oracle may have a seed of its own, which is the seed of the journal.
        **({"drawn_seed": plan.execution.seed} if seed is None else {}),
        # Fixed values aren't decisions of the space.
        "optimization": None if plan.request.optimization is None else plan.request.optimization.get_config(),
        "validation": None,
        "training_rows": None,
        **prepared.facts,
    }


def _fingerprints(prepared: Prepared, data: FitData) -> dict[str, Any]:
    if data.is_stream:
        fingerprints = dict(prepared.dataset.facts)
    else:
        fingerprints = _by_name("x", data.x, prepared.encoders) | _by_name("y", data.y, prepared.targets)
    if isinstance(data.validation_data, (list, tuple)):
        fingerprints |= _by_name("validation x", data.validation_data[0], prepared.encoders)
        fingerprints |= _by_name("validation y", data.validation_data[1], prepared.targets)
    return fingerprints | {"sample_weight": fingerprint(data.sample_weight), "groups": fingerprint(data.groups)}


def _by_name(name: str, value: Any, names: Collection[str]) -> dict[str, Any]:
    """Return the fingerprint of a value for one input or head, or of the values for several, a dict by name."""
    values = predictor.split_inputs(value, list(names))
    if len(names) == 1:
        return {name: fingerprint(values[0])}
    return {f"{name} {own}": fingerprint(array) for own, array in zip(names, values, strict=True)}
