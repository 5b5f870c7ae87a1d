"""Tutorials run from beginning to end, and say what their text says."""

import pathlib

import nbclient
import nbformat
import pytest

TUTORIALS = sorted((pathlib.Path(__file__).parents[1] / "tutorials").glob("*.ipynb"))


# Each is a program of its own that searches several times: up to two minutes.
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert (tmp_path / "autonas_runs").exists(), "it searched"


def test_there_are_tutorials():
    assert TUTORIALS
