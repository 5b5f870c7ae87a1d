"""Sums of the weights of the terms of a text, divided by the norm of the text: exact, and equal, everywhere.

A row of a table of terms holds the weights of a term, each multiplied by its inverse document frequency, and the square
of the frequency. The sum of the rows of a text has the squared norm of its TF-IDF weights as last column. Each
occurrence of a term counts for itself in the norm, so that a network needs no comparison of terms.
"""

import numpy as np

#: Weights are multiples of 2^-12. Sums of them are exact in float32, in every order, as long as they are below 2^12.
UNIT = 2.0**-12


def tf_idf(counts, frequencies):
    """Return the TF-IDF weights of texts, a `scipy.sparse.csr_matrix` `(n, terms)`.

    Args:
        counts: How often each term occurs in each text, a sparse matrix `(n, terms)`.
        frequencies: Inverse document frequency of each term, `(terms,)`.
    """
    from scipy import sparse

    norms = np.sqrt(np.maximum(counts @ frequencies**2, 1.0))
    return (sparse.diags(1 / norms) @ counts @ sparse.diags(frequencies)).tocsr()


def table(weights, frequencies):
    """Return the table of terms as integers, multiples of `UNIT`, `(terms, columns + 1)`.

    Args:
        weights: Weights of each term, `(terms, columns)`.
        frequencies: Inverse document frequency of each term, `(terms,)`.
    """
    rows = np.column_stack([weights * frequencies[:, None], frequencies**2])
    return np.round(rows / UNIT).astype("int64")


def normalised(sums, ops=np):
    """Return sums of rows of the table, `(n, columns + 1)`, divided by the norms of the texts, `(n, columns)`.

    A text without terms has zeros.

    Args:
        sums: Sums of the rows of each text times `UNIT`, a float32 array or tensor.
        ops: `numpy` or `keras.ops`. Defaults to `numpy`.
    """
    return sums[:, :-1] / ops.sqrt(ops.maximum(sums[:, -1:], UNIT))
