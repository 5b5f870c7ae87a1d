import numpy as np
from scipy import sparse

from autonas.data import sparse_rows


def test_an_index_returns_dense_rows():
    dense = np.random.default_rng(0).integers(0, 3, (7, 5)).astype("int32")
    rows = sparse_rows.SparseRows(sparse.csr_matrix(dense))
    assert (rows.shape, rows.ndim, rows.dtype, len(rows)) == (dense.shape, 2, dense.dtype, 7)
    for index in (slice(2, 5), np.array([6, 0, 6]), dense[:, 0] > 0):
        np.testing.assert_array_equal(rows[index], dense[index])
        np.testing.assert_array_equal(np.asarray(rows.take(index)), dense[index])
    joined = sparse_rows.joined([rows, rows.take(slice(2))])
    np.testing.assert_array_equal(np.asarray(joined), sparse_rows.joined([dense, dense[:2]]))
