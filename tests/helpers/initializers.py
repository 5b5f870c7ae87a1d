"""Initializers that count how often values are computed."""

import keras


@keras.saving.register_keras_serializable("tests.helpers")
class Counted(keras.initializers.Initializer):
    """Ones, with the number of tensors that were computed in `n_computed`."""

    n_computed = 0

    def __call__(self, shape, dtype=None):
        Counted.n_computed += 1
        return keras.ops.ones(shape, dtype)

    def get_config(self):
        return {}
