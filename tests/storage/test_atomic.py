"""A file appears under its name once it is complete."""

import errno
import os

import pytest

from autonas import storage


def test_the_file_has_its_name_only_when_the_block_has_ended(tmp_path):
    path = tmp_path / "state.json"
    with storage.atomic_file(path, "w") as file:
        file.write("ä")
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "ä"
    assert os.listdir(tmp_path) == ["state.json"]


def test_an_error_in_the_block_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "state.bin"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), storage.atomic_file(path) as file:
        file.write(b"new")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["state.bin"]


def test_an_error_of_the_file_system_names_the_file(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, storage.atomic_file(tmp_path / "missing" / "state.bin"):
        pass
    assert caught.value.filename == str(tmp_path / "missing" / "state.bin")


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path / "state.bin"
    with pytest.raises(OSError, match="No space left") as caught, storage.atomic_file(path) as file:
        file.write(b"new")
    assert caught.value.filename == str(path)
    assert os.listdir(tmp_path) == []


def test_a_link_under_the_unfinished_name_is_not_followed(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    path = tmp_path / "state.bin"
    os.symlink(tmp_path / "theirs", f"{path}.unfinished")
    with storage.atomic_file(path) as file:
        file.write(b"new")
    assert (tmp_path / "theirs").read_text() == "theirs"
    assert path.read_bytes() == b"new"
