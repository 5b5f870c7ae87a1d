"""The environment of worker processes: cores, GPUs, backend."""

import os
import stat

import joblib
import keras
import pytest

from autonas.backends import memory
from autonas.execution import environment

_SPLIT = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aa)
  MIG 3g.20gb     Device  0: (UUID: MIG-a1)
  MIG 3g.20gb     Device  1: (UUID: MIG-a2)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bb)
"""


@pytest.fixture
def bare(monkeypatch):
    """An environment that says nothing of threads or GPUs, on a machine of 8 cores."""
    for name in (*environment._THREADS, "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    return monkeypatch


def test_one_worker_has_the_environment_of_the_driver(bare):
    bare.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert environment.of_worker(0, 1) == {**os.environ, "KERAS_BACKEND": keras.backend.backend(), **memory.variables()}


def test_each_takes_the_memory_of_its_gpu_as_it_needs_it(bare):
    bare.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", "true")  # The user's own stays.
    bare.delenv("TF_FORCE_GPU_ALLOW_GROWTH", raising=False)
    for n_workers in (1, 2):
        variables = environment.of_worker(0, n_workers)
        assert variables["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
        assert variables["XLA_PYTHON_CLIENT_PREALLOCATE"] == "true"


def test_several_share_the_cores(bare):
    variables = environment.of_worker(0, 3)
    assert {variables[name] for name in environment._THREADS} == {"2"}
    assert environment.of_worker(0, 16)["TF_NUM_INTRAOP_THREADS"] == "1"


def test_what_the_user_has_set_stays(bare):
    bare.setenv("OMP_NUM_THREADS", "7")
    variables = environment.of_worker(0, 2)
    assert variables["OMP_NUM_THREADS"] == "7" and variables["TF_NUM_INTRAOP_THREADS"] == "4"


def test_each_has_one_gpu_in_turn(bare):
    bare.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    assert [environment.of_worker(index, 3)["CUDA_VISIBLE_DEVICES"] for index in range(3)] == ["0", "3", "0"]


def test_each_has_as_many_gpus_as_a_trial_is_to_have(bare):
    bare.setenv("CUDA_VISIBLE_DEVICES", "0,1,2,3,4")
    seen = [environment.of_worker(index, 3, 2)["CUDA_VISIBLE_DEVICES"] for index in range(3)]
    assert seen == ["0,1", "2,3", "0,1"]
    assert environment.of_worker(0, 1, 4)["CUDA_VISIBLE_DEVICES"] == "0,1,2,3"


def test_fewer_gpus_than_a_trial_is_to_have_are_an_error(bare):
    bare.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(ValueError, match="`gpus_per_trial` must be at most .* visible, 2. Received: gpus_per_trial=3"):
        environment.of_worker(0, 1, 3)


@pytest.mark.parametrize(
    "given, names", [("", []), ("-1", []), ("1,-1,2", ["1"]), ("GPU-aa, GPU-bb", ["GPU-aa", "GPU-bb"])]
)
def test_gpus_are_those_that_the_user_left_visible(bare, given, names):
    bare.setenv("CUDA_VISIBLE_DEVICES", given)
    assert environment.visible_gpus() == names


@pytest.mark.parametrize("listed, names", [(_SPLIT, ["MIG-a1", "MIG-a2", "GPU-bb"]), ("No devices found.", [])])
def test_gpus_are_found_without_cuda(bare, tmp_path, listed, names):
    command = tmp_path / "nvidia-smi"
    command.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}\nEND\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    bare.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert environment.visible_gpus() == names


def test_there_is_none_without_a_driver(bare, tmp_path):
    bare.setenv("PATH", str(tmp_path))
    assert environment.visible_gpus() == []
    assert "CUDA_VISIBLE_DEVICES" not in environment.of_worker(0, 2)
