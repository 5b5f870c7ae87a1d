"""Networks without values: no initial value is computed, neither then nor later."""

import keras
import pytest

from autonas.backends import valueless
from tests.helpers.initializers import Counted


@pytest.fixture(autouse=True)
def uncounted():
    Counted.n_computed = 0


def dense():
    return keras.layers.Dense(3, kernel_initializer=Counted(), use_bias=False)


def test_no_value_is_computed_neither_in_the_context_nor_later():
    with valueless.building():
        outputs = dense()(keras.Input((5,)))
    assert outputs.shape == (None, 3)
    with keras.StatelessScope():  # Computes the values of all variables that await them.
        pass
    assert Counted.n_computed == 0


def test_variables_that_awaited_a_value_before_get_it_nevertheless():
    with keras.StatelessScope(initialize_variables=False):
        layer = dense()
        layer.build((None, 5))
    with valueless.building():
        dense().build((None, 5))
    with keras.StatelessScope():
        pass
    assert Counted.n_computed == 1
    assert keras.ops.convert_to_numpy(layer(keras.ops.ones((2, 5)))).tolist() == [[5.0] * 3] * 2
