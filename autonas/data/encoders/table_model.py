"""Encoding of a table as a Keras model of stock layers, for export."""

import functools

import keras
import numpy as np

from autonas.data.encoders import dates, standardisation

#: Variance above which numbers are scaled before they are standardised, within the range of float32.
_LARGEST_VARIANCE = 1e36


def table_model(encoder, strings=True, float64=True):
    """Return the `keras.Model` that computes `encoder.transform(x)` from `encoder.raw_inputs(x)`.

    Args:
        encoder: A fitted `TableEncoder`.
        strings: Whether categories and texts are strings. With `False` they are the integers of `encoder.coded`.
            Defaults to `True`.
        float64: Whether numbers are standardised in float64, and are float64 inputs if float32 would round them too
            much. The parts of dates are always computed in float64. Defaults to `True`.
    """
    standardise = functools.partial(_standardise, encoder=encoder, dtype="float64" if float64 else "float32")
    float_dtypes = encoder.float_dtypes() if float64 else {}
    if encoder.columns_ is None:
        dtype = "float64" if "float64" in float_dtypes.values() else "float32"
        inputs = used = keras.Input((len(encoder.kinds_),), dtype=dtype, name="table")
        if len(encoder.used_) < len(encoder.kinds_):
            used = keras.ops.take(inputs, encoder.used_.tolist(), -1)
        return keras.Model(inputs, {"numbers": standardise(used)}, name="table_encoder")
    inputs = {
        name: _input(encoder, name, float_dtypes.get(str(name), "float32") if kind == "number" else kind, strings)
        for name, kind in encoder.used_columns()
    }
    outputs, numbers = {}, []
    for name, kind in encoder.used_columns():
        if kind == "number":
            numbers.append(inputs[name] if not float64 else keras.ops.cast(inputs[name], "float64"))
        elif kind == "date":
            missing = keras.ops.equal(inputs[name], dates.MISSING_DATE)
            seconds = keras.ops.where(missing, float("nan"), keras.ops.cast(inputs[name], "float64"))
            date_parts = dates.date_parts(seconds, keras.ops.floor)
            columns = [date_parts[index] for index in encoder.numbers_[name].parts]
            numbers.extend(columns if float64 else [keras.ops.cast(column, "float32") for column in columns])
    if numbers:
        outputs["numbers"] = standardise(keras.ops.stack(numbers, axis=-1))
    codes, texts, vectors = [], [], []
    for name, column in encoder.strings_.items():
        tensors = column.symbolic(inputs[name], strings)
        for key, group in (("code", codes), ("vector", vectors)):
            group.extend([tensors[key]] if key in tensors else [])
        if column.text is not None:
            texts.append({key: tensors[key] for key in ("tokens", "ngrams") if key in tensors})
    if codes:
        outputs["categories"] = keras.ops.cast(keras.ops.stack(codes, axis=-1), "int32")
    if vectors:
        outputs["strings"] = keras.ops.concatenate(vectors, axis=-1)
    for index, text in enumerate(texts):
        outputs |= {f"{key}_{index}": tensor for key, tensor in text.items()}
    return keras.Model({tensor.name: tensor for tensor in inputs.values()}, outputs, name="table_encoder")


def _input(encoder, name, kind, strings):
    n_integers = None if strings or name not in encoder.strings_ else encoder.strings_[name].n_integers
    dtypes = {"float32": "float32", "float64": "float64", "date": "int64"}
    dtype = dtypes.get(kind, "string" if strings else "int32")
    return keras.Input(() if n_integers is None else (n_integers,), dtype=dtype, name=encoder.input_names[name])


def _standardise(numbers, encoder, dtype):
    moments = encoder.standardisation_
    numbers = keras.ops.cast(numbers, dtype)
    if moments.bulk is not None:
        numbers = standardisation.compressed(numbers, *moments.bulk.astype(dtype), ops=keras.ops)
    numbers = standardisation.standardised(
        numbers, moments.mean, np.square(moments.deviation), _LARGEST_VARIANCE, dtype
    )
    return keras.ops.cast(numbers, "float32")
