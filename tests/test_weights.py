"""Weights and checkpoints of trials on disk."""

import os

import numpy as np
import pytest

from autonas import weights
from autonas.evaluation import checkpoint as checkpoints


def arrays(value):
    return [np.full((2, 3), value, "float32"), np.full(4, value, "float16"), *[np.array(value)] * 10]


def test_weights_are_written_and_read_by_trial_in_their_order(tmp_path):
    kept = weights.TrialWeights(str(tmp_path))
    kept.save(arrays(3.0), "0001")
    assert kept.exists("0001") and not kept.exists("0002")
    for found, wanted in zip(kept.load("0001"), arrays(3.0), strict=True):
        np.testing.assert_array_equal(found, wanted)
        assert found.dtype == wanted.dtype


def test_what_is_cut_off_while_it_is_written_replaces_nothing(tmp_path, monkeypatch):
    kept = weights.TrialWeights(str(tmp_path))
    kept.save(arrays(3.0), "0001")

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        kept.save(arrays(4.0), "0001")
    assert kept.load("0001")[0][0, 0] == 3.0
    kept.keep(["0001"])
    assert os.listdir(tmp_path / "weights") == ["0001.npz"]


def test_those_of_other_trials_are_deleted(tmp_path):
    kept = weights.TrialWeights(str(tmp_path))
    kept.keep({"0001"})
    for trial_id in ("0001", "0002", "0003"):
        kept.save(arrays(1.0), trial_id)
    kept.keep({"0001", "0003"})
    assert sorted(os.listdir(tmp_path / "weights")) == ["0001.npz", "0003.npz"]


def test_checkpoints_are_there_or_not(tmp_path):
    kept = weights.TrialCheckpoints(str(tmp_path))
    made = checkpoints.Checkpoint(arrays(1.0), [], arrays(2.0), arrays(3.0), {"epoch": 4, "best": {"val_loss": 0.5}})
    kept.save(made, "0007")
    read = kept.load("0007")
    assert read.epoch == 4 and read.progress == made.progress and read.optimizer == []
    assert [field[0][0, 0] for field in (read.variables, read.average, read.best_weights)] == [1, 2, 3]
    assert kept.load("0008") is None
