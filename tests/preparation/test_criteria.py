"""Criteria of a prepared problem."""

import numpy as np
import pytest

import autonas


@pytest.mark.parametrize(
    ("node", "shape", "n_validation", "objective"),
    [
        (autonas.ImageInput, (2, 2, 1), 1000, ("val_accuracy", "max")),
        (autonas.ImageInput, (2, 2, 1), 999, ("val_loss", "min")),
        (autonas.StructuredDataInput, (4,), 1000, ("val_loss", "min")),
    ],
)
def test_classifiers_are_compared_by_accuracy_except_on_tables_and_on_few_rows(node, shape, n_validation, objective):
    generator = np.random.default_rng(0)
    x, y = generator.random((n_validation + 100, *shape), "float32"), np.arange(n_validation + 100) % 2
    inputs = node()
    outputs = autonas.ClassificationHead()(autonas.DenseBlock(units=2, depth=1)(inputs))
    options = {"max_trials": 1, "epochs": 1, "seed": 0, "tensorboard": False, "verbose": 0, "refit": False}
    model = autonas.AutoModel(inputs, outputs, **options)
    model.fit(x[:100], y[:100], validation_data=(x[100:], y[100:]))
    assert model.objectives_ == [objective]
