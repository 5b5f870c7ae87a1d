import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_diabetes, load_digits, load_iris

from autonas.data import infer_kind, infer_task

RNG = np.random.default_rng(0)


class ArrayLike:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


def series_with_gap():
    series = RNG.normal(size=(5, 29, 29))
    series[0, -3:] = np.nan
    return series


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (load_digits().images, "image"),
        (np.zeros((4, 28, 20), dtype="uint8"), "image"),
        (RNG.normal(size=(4, 20, 30)), "image"),
        (RNG.normal(size=(4, 8, 8, 3)), "image"),
        ([np.zeros((8, 8, 3))] * 4, "image"),
        (RNG.normal(size=(4, 140, 1)), "series"),
        (RNG.normal(size=(4, 100, 6)), "series"),
        (RNG.normal(size=(4, 29, 12)), "series"),
        (series_with_gap(), "series"),
        ([RNG.normal(size=(5, 2)), RNG.normal(size=(4, 2))], "series"),
        (load_iris().data, "table"),
        (load_iris().data.tolist(), "table"),
        (ArrayLike(load_iris().data), "table"),
        (sparse.eye(4), "table"),
        (load_iris(as_frame=True).data, "table"),
        (pd.DataFrame({"a": ["x", "y"], "b": ["z", "w"]}), "table"),
        (pd.DataFrame({"a": [1.0, 2.0]}), "table"),
        (["a text", "another"], "text"),
        ([None, "another"], "text"),
        (np.array(["a", "b"]), "text"),
        (np.array([["a"], ["b"]]), "text"),
        (pd.Series(["a", None]), "text"),
        (pd.DataFrame({"t": ["a", "b"]}), "text"),
    ],
)
def test_kind(x, kind):
    assert infer_kind(x) == kind


def arrays_of(*arrays):
    array = np.empty(len(arrays), dtype=object)
    array[:] = arrays
    return array


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([{"a": 1}], "list of dicts"),
        ([1, 2, 3], "Reshape your data"),
        (np.ones(3), "Reshape your data"),
        (pd.Series([1, 2]), "Reshape your data"),
        ([], "empty list"),
        ([[1, 2], [1]], "unequal length"),
        (np.ones((2, 2, 2, 2, 2)), "2, 3 or 4 dimensions"),
        (list(range(1_000_000)), "a list of numbers"),
        (np.zeros(3, dtype=[("a", "f4")]), "a structured array of fields a; convert it with `pandas.DataFrame"),
        (arrays_of(np.ones(3), np.ones(3)), r"an array of 2 arrays; pass `numpy.stack\(x\)`"),
        (np.full((2, 4, 4), "a"), "numbers in 3 dimensions. Received: an array of dtype <U1"),
        ([np.ones((8, 8, 3)), np.ones((8, 9, 3))], "images of equal size"),
        ([np.ones((8, 2)), np.ones(8)], "the same number of dimensions"),
        (pd.Series([[1, 2], [3]]), "a pandas Series of dtype object"),
    ],
)
def test_no_kind_is_a_short_error(x, message):
    with pytest.raises(ValueError, match=message) as error:
        infer_kind(x)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("y", "task"),
    [
        (["yes", "no"] * 5, "binary"),
        ([True, False] * 5, "binary"),
        (pd.array([True, False] * 5, dtype="boolean"), "binary"),
        (pd.Series(["a", "b", "c"] * 5, dtype="category"), "multiclass"),
        (pd.DataFrame({"y": pd.Categorical([1.5, 2.5])}), "binary"),
        (pd.CategoricalIndex(range(30)), "multiclass"),
        (np.array([1, 2, 3] * 5, dtype=object), "multiclass"),
        (load_iris().target, "multiclass"),
        (load_iris().target[:, None], "multiclass"),
        ([1.0, 2.0, 3.0] * 5, "multiclass"),
        (np.arange(11.0).repeat(50), "regression"),
        (np.tile(np.arange(100), 6), "multiclass"),
        (np.tile(np.arange(1, 50) * 3, 6), "regression"),
        (np.arange(500), "regression"),
        (np.arange(10), "regression"),
        (load_diabetes().target, "regression"),
        ([0.5, 1.0, 2.0], "regression"),
        (pd.array([1, 2, 3] * 5, dtype="Int64"), "multiclass"),
        (pd.array([0.5, 2.5], dtype="Float64"), "regression"),
        (RNG.integers(0, 2, (10, 3)), "multilabel"),
        (sparse.csr_matrix(RNG.integers(0, 2, (10, 3))), "multilabel"),
        (pd.DataFrame({"a": [True, False], "b": [True, True]}), "multilabel"),
        (RNG.normal(size=(10, 2)), "regression"),
        (pd.DataFrame({"a": [1.5, 2], "b": [3, 4]}), "regression"),
        (RNG.integers(0, 50, (10, 2)), "regression"),
    ],
)
def test_task(y, task):
    assert infer_task(y) == task


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        ([["a"], ["a", "b"]], "Unknown label type"),
        ([1, "a", 2], "Unknown label type"),
        (np.ones((2, 2, 2)), "1d array"),
        ([1j, 2j], "Complex data not supported"),
    ],
)
def test_no_task(y, message):
    with pytest.raises(ValueError, match=message):
        infer_task(y)
