import json
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_iris

from autonas.data import fingerprint

IRIS = load_iris().data
FRAME = pd.DataFrame(
    {"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "d": pd.to_datetime(["2020", "2021"])}
)


@pytest.mark.parametrize(
    "data",
    [IRIS, FRAME, FRAME["b"], ["a", None], sparse.csr_matrix(IRIS), [np.ones((2, 1)), np.ones((3, 1))]],
)
def test_facts_are_plain_and_repeatable(data):
    facts = fingerprint(data)
    assert json.loads(json.dumps(facts)) == facts == fingerprint(data)
    assert facts["rows"] == (data.shape[0] if hasattr(data, "shape") else len(data))


def test_same_in_another_process():
    code = "import autonas.data; print(autonas.data.fingerprint(['a', None, 'ü'])['hash'])"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == fingerprint(["a", None, "ü"])["hash"]


@pytest.mark.parametrize(
    ("texts", "most"),
    [
        (["short"] * 1000 + ["x" * 100_000], 5e6),  # A long text takes no memory in the other rows.
        (["x" * 1000 + str(number) for number in range(20_000)], 10e6),  # Texts aren't encoded all at once.
    ],
    ids=["one_long_text", "many_texts"],
)
def test_texts_take_little_memory(texts, most):
    tracemalloc.start()
    fingerprint(texts)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < most


def test_layout_in_memory_does_not_matter():
    assert fingerprint(np.asfortranarray(IRIS)) == fingerprint(IRIS) == fingerprint(IRIS.tolist())


def test_one_changed_value_shows():
    changed = IRIS.copy()
    changed[7, 1] += 1e-9
    assert fingerprint(IRIS) != fingerprint(changed)
    assert fingerprint(FRAME) != fingerprint(FRAME.assign(b=["x", "y"]))


def test_large_arrays_are_sampled():
    large = np.zeros((9_000_000,))
    before = fingerprint(large)
    large[-1] = 1
    assert fingerprint(large)["hash"] != before["hash"]
    assert fingerprint(large[:-1])["hash"] != before["hash"]
