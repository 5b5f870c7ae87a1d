"""Damage is one error that names the file."""

import zipfile

import pytest

from autonas import storage


def test_any_error_of_the_content_names_the_file():
    with pytest.raises(storage.DamagedFile, match=r"^model/a\.npz is damaged: BadZipFile: not a zip file\. Restore"):
        with storage.describing_damage("model/a.npz"):
            raise zipfile.BadZipFile("not a zip file")


def test_an_error_of_the_file_system_is_kept():
    with pytest.raises(FileNotFoundError), storage.describing_damage("a"):
        open("no such file")


def test_the_innermost_file_is_named():
    with pytest.raises(storage.DamagedFile, match="^inner is damaged"):
        with storage.describing_damage("outer"), storage.describing_damage("inner"):
            raise KeyError("key")
