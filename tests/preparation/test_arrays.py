"""Preparation of arrays in memory."""

import numpy as np
import pytest

import autonas

X = np.random.default_rng(0).normal(size=(600, 2))
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize(
    "n_rows, received",
    [
        pytest.param(120, "validation rows of fold [01]", id="folds"),
        pytest.param(600, "(480 training|120 validation) rows[.]", id="one split"),
    ],
)
def test_rows_whose_weights_are_all_zero_are_refused_before_training(n_rows, received, tmp_path):
    weights = np.eye(1, n_rows)[0]
    model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0, seed=0, directory=tmp_path / "run")
    with pytest.raises(ValueError, match=f"`sample_weight`.*a weight above zero.*weights of zero for all .*{received}"):
        model.fit(X[:n_rows], Y[:n_rows], sample_weight=weights)
    assert not (tmp_path / "run").exists()
