"""Model size: four bytes for each weight that is left in the exported file, and little else."""

import keras
import pytest

from autonas.costs import base, model_size
from tests.helpers.known_networks import KNOWN

#: Most bytes of a file that aren't weights: the graph, names and shapes.
LARGEST_STRUCTURE = 4096
#: Weights begin at multiples of so many bytes.
ALIGNMENT = 16


def size(model, runtime="litert"):
    """Bytes of the exported file."""
    return 1e6 * model_size.ModelSize(runtime).measure(base.BuiltModel(model))["model_size_mb"]


@pytest.mark.parametrize("runtime", ["litert", "onnx"])
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.build.__name__)
def test_a_file_has_four_bytes_for_each_weight_counted_by_hand(known, runtime):
    assert 0 < size(known.build(), runtime) - 4 * known.exported < LARGEST_STRUCTURE


@pytest.mark.parametrize("runtime", ["litert", "onnx"])
def test_a_file_grows_by_four_bytes_for_each_further_weight(runtime):
    def dense(units):
        inputs = keras.Input((50,), name="x")
        return keras.Model(inputs, keras.layers.Dense(units, name="dense")(inputs))

    grown = size(dense(300), runtime) - size(dense(100), runtime)
    assert grown == pytest.approx(4 * 200 * (50 + 1), abs=2 * ALIGNMENT)


def test_a_keras_file_holds_all_parameters_and_no_optimizer():
    known = KNOWN[3]
    model = known.build()
    plain = size(model, "keras")
    assert 4 * known.params < plain < 4 * known.params + 40_000
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    assert size(model, "keras") == pytest.approx(plain, abs=200)


def test_an_unknown_run_time_is_refused():
    with pytest.raises(ValueError, match="`runtime` must be one of 'litert', 'onnx', 'keras'. Received: runtime='tf'"):
        model_size.ModelSize("tf").check()
