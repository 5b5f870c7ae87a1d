"""An estimator for tables whose trials take milliseconds, for tests of searches that hold for any space."""

import keras
import keras_tuner

import autonas


class Powers(autonas.Block):
    """Powers of the first columns of a table, up to a degree."""

    def build(self, hp: keras_tuner.HyperParameters, inputs):
        columns = inputs[:, : hp.Int("columns", 1, inputs.shape[1])]
        return keras.ops.concatenate([columns**power for power in range(1, 1 + hp.Int("degree", 1, 6))], axis=1)


def of_regressions(**arguments):
    """Return an `AutoModel` that searches linear models of powers, which are fitted in closed form, without tracing.

    The number of parameters grows with the number of columns and the degree.

    Args:
        **arguments: Arguments of `AutoModel`.
    """
    inputs = autonas.StructuredDataInput()
    scores = autonas.RidgeBlock()(Powers()(autonas.Normalization()(inputs)))
    return autonas.AutoModel(inputs, autonas.ClassificationHead()(scores), **arguments)
