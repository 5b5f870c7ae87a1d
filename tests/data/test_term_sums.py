"""Sums of the weights of terms: exact in any order, and divided by the norm of the TF-IDF weights."""

import keras
import numpy as np
from scipy import sparse

from autonas.data import term_sums


def test_a_normalised_sum_is_the_product_of_tf_idf_weights_and_weights_of_terms():
    generator = np.random.default_rng(0)
    counts = sparse.csr_matrix(generator.integers(0, 2, size=(20, 8)))
    frequencies, weights = generator.uniform(1, 3, size=8), generator.normal(size=(8, 3))
    table = (term_sums.table(weights, frequencies) * term_sums.UNIT).astype("float32")
    np.testing.assert_allclose(
        term_sums.normalised(counts @ table), term_sums.tf_idf(counts, frequencies) @ weights, atol=1e-3
    )
    assert not term_sums.normalised(np.zeros((1, 4), "float32")).any()


def test_sums_are_the_same_in_every_order_and_in_a_network():
    generator = np.random.default_rng(0)
    table = (term_sums.table(generator.normal(size=(100, 3)), generator.uniform(1, 9, 100)) * term_sums.UNIT).astype(
        "float32"
    )
    expected = term_sums.normalised(table.sum(axis=0, keepdims=True))
    for order in (generator.permutation(100) for _ in range(5)):
        shuffled = term_sums.normalised(keras.ops.sum(table[order], axis=0, keepdims=True), keras.ops)
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(shuffled), expected)
