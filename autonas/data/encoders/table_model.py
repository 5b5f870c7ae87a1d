"""Encoding of a table as a Keras model of stock layers, for export."""

import keras
import numpy as np

from autonas.data.encoders import dates


def table_model(encoder, strings=True, float64=True):
    """Return the `keras.Model` that computes `encoder.transform(x)` from `encoder.raw_inputs(x)`.

    Args:
        encoder: A fitted `TableEncoder`.
        strings: Whether categories and texts are strings. With `False` they are the integers of `encoder.coded`.
            Defaults to `True`.
        float64: Whether numbers are standardised in float64. The parts of dates are always computed in float64.
            Defaults to `True`.
    """
    standardise = _standardisation(encoder, "float64" if float64 else "float32")
    if encoder.columns_ is None:
        inputs = used = keras.Input((len(encoder.kinds_),), dtype="float32", name="table")
        if len(encoder.used_) < len(encoder.kinds_):
            used = keras.ops.take(inputs, encoder.used_.tolist(), -1)
        return keras.Model(inputs, {"numbers": standardise(used)}, name="table_encoder")
    inputs = {name: _input(encoder, name, kind, strings) for name, kind in encoder.used_columns()}
    outputs, numbers = {}, []
    for name, kind in encoder.used_columns():
        if kind == "number":
            numbers.append(inputs[name] if not float64 else keras.ops.cast(inputs[name], "float64"))
        elif kind == "date":
            missing = keras.ops.equal(inputs[name], dates.MISSING_DATE)
            seconds = keras.ops.where(missing, float("nan"), keras.ops.cast(inputs[name], "float64"))
            date_parts = dates.date_parts(seconds, keras.ops.floor)
            columns = [date_parts[index] for index in encoder.parts_[name]]
            numbers.extend(columns if float64 else [keras.ops.cast(column, "float32") for column in columns])
    if numbers:
        outputs["numbers"] = standardise(keras.ops.stack(numbers, axis=-1))
    codes = [
        keras.layers.StringLookup(vocabulary=words)(inputs[name]) if strings else inputs[name]
        for name, words in encoder.vocabularies_.items()
    ]
    if codes:
        outputs["categories"] = keras.ops.cast(keras.ops.stack(codes, axis=-1), "int32")
    for index, (name, text) in enumerate(encoder.texts_.items()):
        outputs[f"tokens_{index}"] = text.apply(inputs[name]) if strings else keras.ops.copy(inputs[name])
    return keras.Model({tensor.name: tensor for tensor in inputs.values()}, outputs, name="table_encoder")


def _input(encoder, name, kind, strings):
    shape = (encoder.texts_[name].length_,) if kind == "text" and not strings else ()
    dtypes = {"number": "float32", "date": "int64"}
    return keras.Input(shape, dtype=dtypes.get(kind, "string" if strings else "int32"), name=encoder.input_names[name])


def _standardisation(encoder, dtype):
    layer = keras.layers.Normalization(
        mean=encoder.mean_.tolist(), variance=np.square(encoder.deviation_).tolist(), dtype=dtype
    )
    return lambda numbers: keras.ops.cast(layer(keras.ops.cast(numbers, dtype)), "float32")
