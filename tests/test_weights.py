"""Weights of trials on disk."""

import os

import keras
import numpy as np
import pytest

from autonas import weights


def network(value):
    inputs = keras.Input((1,), name="x")
    model = keras.Model({"x": inputs}, {"y": keras.layers.Dense(1)(inputs)})
    model.set_weights([np.full(weight.shape, value, "float32") for weight in model.weights])
    return model


def test_weights_are_written_and_read_by_trial(tmp_path):
    kept = weights.TrialWeights(str(tmp_path))
    kept.save(network(3.0), "0001")
    assert kept.exists("0001") and not kept.exists("0002")
    other = network(0.0)
    kept.load(other, "0001")
    assert other.get_weights()[0] == 3.0


def test_what_is_cut_off_while_it_is_written_replaces_nothing(tmp_path, monkeypatch):
    kept = weights.TrialWeights(str(tmp_path))
    kept.save(network(3.0), "0001")

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.save(network(4.0), "0001")
    other = network(0.0)
    kept.load(other, "0001")
    assert other.get_weights()[0] == 3.0
    kept.keep(["0001"])
    assert os.listdir(tmp_path / "weights") == ["0001.weights.h5"]


def test_those_of_other_trials_are_deleted(tmp_path):
    kept = weights.TrialWeights(str(tmp_path))
    for trial_id in ("0001", "0002", "0003"):
        kept.save(network(1.0), trial_id)
    kept.keep({"0001", "0003"})
    assert sorted(os.listdir(tmp_path / "weights")) == ["0001.weights.h5", "0003.weights.h5"]
