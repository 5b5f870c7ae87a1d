"""Arrays come back as they were written, or not at all."""

import os

import numpy as np
import pytest

from autonas import storage


def test_arrays_come_back_in_their_order_under_any_name(tmp_path):
    arrays = {"file": np.eye(3, dtype="float16"), "0": np.array("a"), "head 1/x": np.zeros((0, 2), "int64")}
    storage.write_arrays(tmp_path / "a.npz", arrays)
    found = storage.read_arrays(tmp_path / "a.npz")
    assert list(found) == list(arrays) and os.listdir(tmp_path) == ["a.npz"]
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    with np.load(tmp_path / "a.npz") as read_by_numpy:
        np.testing.assert_array_equal(read_by_numpy["file"], arrays["file"])


def test_damage_anywhere_is_noticed_or_changes_nothing(tmp_path):
    path = tmp_path / "a.npz"
    storage.write_arrays(path, {"0": np.arange(50.0), "1": np.ones((3, 4), "float32")})
    whole, expected = path.read_bytes(), storage.read_arrays(path)
    damaged = [whole[:length] for length in range(0, len(whole), 7)]
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        damaged.append(bytes(changed))
    n_named = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            found = storage.read_arrays(path)
        except storage.DamagedFile as error:
            assert str(error).startswith(f"{path} is damaged: ")
            n_named += 1
        else:
            assert list(found) == list(expected)
            assert all(np.array_equal(found[name], array) for name, array in expected.items())
    assert n_named > 0.8 * len(damaged)


def test_python_objects_are_neither_written_nor_read(tmp_path):
    objects = np.array([{"a": 1}], dtype=object)
    with pytest.raises(ValueError, match="Object arrays"):
        storage.write_arrays(tmp_path / "a.npz", {"0": objects})
    np.savez(tmp_path / "b.npz", objects)
    with pytest.raises(storage.DamagedFile, match=r"b\.npz is damaged: ValueError: Object arrays"):
        storage.read_arrays(tmp_path / "b.npz")


def test_a_link_is_not_followed(tmp_path):
    storage.write_arrays(tmp_path / "a.npz", {"0": np.zeros(1)})
    os.symlink(tmp_path / "a.npz", tmp_path / "link.npz")
    with pytest.raises(OSError, match="link.npz"):
        storage.read_arrays(tmp_path / "link.npz")
