"""Peak memory is exact, on networks that are small enough to count by hand."""

import keras
import pytest
from keras import layers, ops

from autonas.costs import base, memory


def peak(inputs, outputs, batch_size=1):
    return memory.peak_memory(keras.Model(inputs, outputs), batch_size)


def test_a_chain_takes_the_largest_input_and_output_of_a_layer():
    x = keras.Input((10,))
    assert peak(x, layers.Dense(5)(layers.Dense(40)(layers.Dense(30)(x)))) == 4 * (30 + 40)


def test_a_residual_connection_keeps_its_tensor_alive():
    x = keras.Input((20,))
    inner = layers.Dense(20)(layers.Dense(50)(x))
    # At the second dense layer: the tensor that is kept, its input and its output.
    assert peak(x, layers.Add()([x, inner])) == 4 * (20 + 50 + 20)


def test_branches_are_alive_until_they_are_joined():
    x = keras.Input((20,))
    parts = [layers.Dense(units)(x) for units in (30, 40, 50)]
    # At the concatenation, the input is no longer needed.
    assert peak(x, layers.Concatenate()(parts)) == 4 * 2 * (30 + 40 + 50)


def test_outputs_are_alive_to_the_end():
    x = keras.Input((10,))
    early = layers.Dense(100)(x)
    late = layers.Dense(3)(layers.Dense(60)(layers.Dense(60)(early)))
    assert peak(x, [early, late]) == 4 * (100 + 60 + 60)


def test_several_inputs_are_alive_until_they_were_used():
    first, second = keras.Input((10,)), keras.Input((70,))
    summed = layers.Add()([layers.Dense(70)(layers.Dense(30)(first)), second])
    assert peak([first, second], summed) == 4 * (70 + 70 + 70)


def test_the_type_of_numbers_counts():
    tokens = keras.Input((8,), dtype="int32")
    assert peak(tokens, layers.Embedding(9, 5)(tokens)) == 4 * 8 + 4 * 8 * 5
    x = keras.Input((10,), dtype="float16")
    assert peak(x, layers.Dense(5, dtype="float16")(x)) == 2 * (10 + 5)
    assert peak(x, ops.isnan(x)) == 2 * 10 + 10


def test_dropout_and_augmentation_pass_their_input_on():
    x = keras.Input((4, 4, 3))
    assert peak(x, layers.Dropout(0.5)(layers.RandomFlip()(layers.ReLU()(layers.Dropout(0.1)(x))))) == 4 * 2 * 48


def test_a_model_inside_counts_with_all_that_is_alive_in_it():
    inputs = keras.Input((10,))
    inner = keras.Model(inputs, layers.Dense(10)(layers.Dense(80)(layers.Dense(60)(inputs))))
    x = keras.Input((10,))
    assert peak(x, layers.Add()([x, inner(x)])) == 4 * (60 + 80)
    kept = layers.Dense(10)(x)
    assert peak(x, layers.Add()([kept, inner(x)])) == 4 * (10 + 60 + 80)


def test_a_batch_takes_as_many_times_the_memory():
    x = keras.Input((10,))
    built = base.BuiltModel(keras.Model(x, layers.Dense(5)(x)))
    assert memory.PeakMemory(batch_size=32).measure(built) == {"memory_mb": 32 * 4 * 15 / 1e6}


def test_shapes_that_are_not_known_are_refused():
    x = keras.Input((None, 3), name="steps")
    with pytest.raises(ValueError, match="The tensor 'steps' has the shape"):
        peak(x, layers.Dense(2)(x))


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True, "all"])
def test_a_wrong_batch_size_is_refused(wrong):
    with pytest.raises(ValueError, match="`batch_size` must be an integer of at least 1. Received"):
        memory.PeakMemory(wrong).check()
