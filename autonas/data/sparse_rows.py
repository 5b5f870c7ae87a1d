"""Arrays of integers of which most are 0, in a fraction of the memory."""

import numpy as np
from scipy import sparse


class SparseRows:
    """Integers `(n, length)` of which most are 0. An index of rows returns a dense array.

    Args:
        matrix: The integers, a `scipy.sparse.csr_matrix`.
    """

    ndim = 2

    def __init__(self, matrix):
        self.matrix = matrix

    @property
    def shape(self):
        return self.matrix.shape

    @property
    def dtype(self):
        return self.matrix.dtype

    @property
    def nbytes(self):
        """Number of bytes in memory."""
        return sum(array.nbytes for array in (self.matrix.data, self.matrix.indices, self.matrix.indptr))

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """Return some rows as a dense array."""
        return self.matrix[rows].toarray()

    def __array__(self, dtype=None, copy=None):
        return self.matrix.toarray().astype(dtype or self.dtype, copy=False)

    def take(self, rows):
        """Return some rows as `SparseRows`."""
        return SparseRows(self.matrix[rows])


def joined(arrays):
    """Return the rows of arrays, or of `SparseRows`, one after another."""
    if isinstance(arrays[0], SparseRows):
        return SparseRows(sparse.vstack([array.matrix for array in arrays], format="csr"))
    return np.concatenate(arrays)
