"""Export to TensorFlow's SavedModel, a folder for TensorFlow Serving and `tf.saved_model.load`."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from autonas.exports import base


class SavedModel(base.Format):
    """TensorFlow's format. The signature `"serving_default"` takes any number of raw rows, strings included."""

    name = "TensorFlow"

    def names(self, inputs: Iterable[str]) -> dict[str, str]:
        return base.identifiers(inputs)

    def output_names(self, model: keras.Model) -> list[str]:
        return base.output_names(model) if isinstance(model.output, dict) else ["output_0"]

    def packages(self) -> str:
        return "tensorflow"

    def write(
        self, model: keras.Model, path: str, rows: dict[str, np.ndarray], codes: Mapping[str, Any]
    ) -> dict[str, str]:
        names = self.names(base.input_names(model))
        specs = [
            keras.InputSpec(dtype=tensor.dtype, shape=tensor.shape, name=names[name])
            for name, tensor in zip(base.input_names(model), keras.tree.flatten(model.input), strict=True)
        ]
        signature = [keras.tree.pack_sequence_as(model.input, specs)]
        model.export(path, format="tf_saved_model", input_signature=signature, verbose=False)
        return base.shapes(model)

    def run(self, path: str, rows: dict[str, np.ndarray]) -> list[np.ndarray]:
        import tensorflow as tf

        names = self.names(rows)
        tensors = {
            names[name]: tf.constant(array.tolist() if array.dtype == object else array) for name, array in rows.items()
        }
        signature = tf.saved_model.load(path).signatures["serving_default"]
        outputs = signature(**tensors)
        return [outputs[name].numpy() for name in sorted(outputs)]
