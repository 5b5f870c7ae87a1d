"""Tutorials run from beginning to end, and say what their text says."""

import pathlib
import re

import nbclient
import nbformat
import pytest

TUTORIALS = sorted((pathlib.Path(__file__).parents[2] / "tutorials").glob("*.ipynb"))


# Each is a program of its own that searches several times: up to two minutes.
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert list(tmp_path.rglob("journal.jsonl")), "it searched"


def test_the_guide_names_every_tutorial():
    guide = (TUTORIALS[0].parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\((\w+)\.ipynb\)", guide) and TUTORIALS
    assert set(re.findall(r"\((\w+)\.ipynb\)", guide)) == {path.stem for path in TUTORIALS}


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_shows_what_its_cells_print(path):
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
