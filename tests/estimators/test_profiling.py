"""Latency tables of the networks of a search."""

import numpy as np
import pandas as pd

import autonas
from autonas.costs import latency, latency_table
from autonas.estimators import profiling
from tests.helpers.networks import of_networks


def test_rows_are_converted_as_in_fit(monkeypatch):
    monkeypatch.setattr(latency.Latency, "measure", lambda self, built: {self.name: 1.0})
    monkeypatch.setattr(latency_table.LatencyTable, "_time", lambda self, model: 1.0)
    numbers = np.random.default_rng(0).normal(size=(20, 2))
    frame = pd.DataFrame(numbers, columns=["a", "b"]).assign(label=["no", "yes"] * 10)
    block = autonas.DenseBlock(autonas.Choice([2, 3, 4, 5]), 1, batch_normalization=False, residual=False, dropout=0.0)
    table = profiling.profile(of_networks(block), frame, "label", runtime="keras", n_architectures=4, n_checked=2)
    assert table.operations
