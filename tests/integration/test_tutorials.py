"""Tutorials run from beginning to end, and say what their text says."""

import pathlib
import re

import nbclient
import nbformat
import pytest

TUTORIALS = sorted((pathlib.Path(__file__).parents[2] / "tutorials").glob("*.ipynb"))


#: What the tests search for instead of the budgets that readers see, which take minutes.
BUDGETS = {
    r"\bmax_trials=([3-9]|\d\d+)": "max_trials=2",
    r"\bepochs=([3-9]|\d\d+)": "epochs=2",
    r'"epochs": \d+': '"epochs": 2',
    r"\bqueries=\d+": "queries=20",
    r"\bn_trials=\d+": "n_trials=12",
    # One of the three strategies that train the same supernet.
    r'"(reinforcement|Bayesian)": shared\(\S+\),': "",
}


@pytest.fixture(scope="module")
def run_cell():
    """Function that runs code in one kernel for all tutorials: each start of a kernel would import TensorFlow."""
    notebook = nbformat.v4.new_notebook()
    client = nbclient.NotebookClient(notebook, timeout=1200)

    def run_cell(source):
        # The client reads from its notebook which outputs of the cell are there to be changed.
        notebook.cells = [nbformat.v4.new_code_cell(source)]
        client.reset_execution_trackers()
        client.execute_cell(notebook.cells[0], 0)

    with client.setup_kernel():
        yield run_cell


# Each searches several times: up to half a minute.
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_runs(path, run_cell, tmp_path):
    run_cell(f"%reset -f\n%cd -q {tmp_path}")
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            source = cell.source
            for shown, small in BUDGETS.items():
                source = re.sub(shown, small, source)
            run_cell(source)
    assert list(tmp_path.rglob("journal.jsonl")), "it searched"


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_a_tutorial_searches_the_same_on_slow_machines(path):
    cells = nbformat.read(path, as_version=4).cells
    assert not [cell.source for cell in cells if cell.cell_type == "code" and "time_limit" in cell.source]


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
