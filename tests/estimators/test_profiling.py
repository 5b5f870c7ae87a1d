"""Latency tables of the networks of a search."""

import keras_tuner
import numpy as np
import pandas as pd

import autonas
from autonas.costs import latency, latency_table
from autonas.estimators import profiling
from autonas.search_space import encoding
from tests.helpers.networks import of_networks


def test_rows_are_converted_as_in_fit(monkeypatch):
    monkeypatch.setattr(latency.Latency, "measure", lambda self, built: {self.name: 1.0})
    monkeypatch.setattr(latency_table.LatencyTable, "_time", lambda self, model: 1.0)
    numbers = np.random.default_rng(0).normal(size=(20, 2))
    frame = pd.DataFrame(numbers, columns=["a", "b"]).assign(label=["no", "yes"] * 10)
    block = autonas.DenseBlock(autonas.Choice([2, 3, 4, 5]), 1, batch_normalization=False, residual=False, dropout=0.0)
    table = profiling.profile(of_networks(block), frame, "label", runtime="keras", n_architectures=4, n_checked=2)
    assert table.operations


def test_the_first_architectures_of_a_search_are_measured_before_random_ones():
    space = keras_tuner.HyperParameters()
    space.Choice("kind", ["a", "b", "c"])
    space.Int("depth", 1, 9)
    first = [{"kind": "c"}, {"kind": "b", "depth": 7}]
    arguments = encoding.Encoding(space), first, 5, np.random.default_rng(0)
    drawn = profiling._architectures(*arguments)
    assert drawn[:3] == [{"kind": "a", "depth": 1}, {"kind": "c", "depth": 1}, {"kind": "b", "depth": 7}]
    assert len(drawn) == 5
