"""Weights and checkpoints of trials on disk."""

import os
import resource

import numpy as np
import pytest

from autonas.trials import checkpoint as checkpoints
from autonas.trials import weights


def arrays(value):
    return [np.full((2, 3), value, "float32"), np.full(4, value, "float16"), *[np.array(value)] * 10]


class Network:
    """Stands for a model: it has weights."""

    def __init__(self, value):
        self.weights = arrays(value)

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def test_weights_are_written_and_read_by_trial_in_their_order(tmp_path):
    kept = weights.TrialWeights(str(tmp_path))
    kept.save(arrays(3.0), "0001")
    assert kept.exists("0001") and not kept.exists("0002")
    model = Network(0.0)
    assert kept.assign(model, "0001") and not kept.assign(model, "0002")
    for found, wanted in zip(model.weights, arrays(3.0), strict=True):
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
    assert kept.read("0001")["0"][0, 0] == 3.0
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


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:300]),
        lambda path: path.write_bytes(
            path.read_bytes().replace(np.float32(3.0).tobytes(), np.float32(2.0).tobytes(), 1)
        ),
        lambda path: np.savez(path, np.zeros(3)),
        lambda path: np.savez(path, np.array([print], dtype=object)),
    ],
    ids=["empty", "cut off", "changed", "of another network", "pickled"],
)
def test_a_damaged_file_counts_as_missing_and_is_named(tmp_path, damage):
    kept = weights.TrialWeights(str(tmp_path))
    kept.save(arrays(3.0), "0001")
    damage(tmp_path / "weights" / "0001.npz")
    model = Network(0.0)
    with pytest.warns(UserWarning, match=r"0001\.npz is damaged: .* Its content is computed again"):
        assert not kept.assign(model, "0001")
    assert model.weights[0][0, 0] == 0.0


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    kept = weights.TrialWeights(str(tmp_path))
    kept.save(arrays(3.0), "0001")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            kept.save(arrays(4.0), "0001")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "weights" / "0001.npz")
    assert kept.read("0001")["0"][0, 0] == 3.0 and os.listdir(tmp_path / "weights") == ["0001.npz"]
