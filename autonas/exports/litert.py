"""Export to a LiteRT file (formerly TensorFlow Lite), verified by LiteRT's interpreter."""

from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np

from autonas import exceptions, runtimes
from autonas.exports import base
from autonas.runtimes import base as runtimes_base
from autonas.runtimes import litert, tensorflow_function


class LiteRT(base.Format):
    """LiteRT's format. The model takes raw rows with codes for categories and ids for texts.

    The number of rows is set by resizing the inputs. If the model can't be resized, its inputs have one row.
    """

    name = "LiteRT"
    coded = ("category", "text")
    float64 = False

    def names(self, inputs: Iterable[str]) -> dict[str, str]:
        return base.identifiers(inputs)

    def packages(self) -> str:
        return runtimes.LiteRT.packages()

    def write(
        self, model: keras.Model, path: str, rows: dict[str, np.ndarray], codes: Mapping[str, Any]
    ) -> dict[str, str]:
        dates = [tensor.name for tensor in model.inputs if tensor.dtype == "int64"]
        if dates:
            raise exceptions.ExportFailed(
                f"LiteRT has no 64-bit numbers, which dates such as {dates[0]!r} need. Nothing was written. Export to "
                "ONNX, or pass the year, the month and so on to `fit` as numbers."
            )
        try:
            self._write(model, path, None)
            self.run(path, rows)
            return base.shapes(model)
        except Exception:  # The loops of recurrent layers, for example, need a fixed number of rows.
            self._write(model, path, 1)
            return base.shapes(model, 1)

    def _write(self, model: keras.Model, path: str, n_rows: int | None) -> None:
        function = _named_function(model, runtimes_base.input_specs(model, n_rows))
        with open(path, "wb") as file:
            file.write(litert.converted(function))

    def run(self, path: str, rows: dict[str, np.ndarray]) -> list[np.ndarray]:
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(model_path=path).get_signature_runner()
        names = self.names(rows)
        n_rows = len(next(iter(rows.values())))
        is_fixed = any(detail["shape_signature"][:1] == [1] for detail in runner.get_input_details().values())
        batches = []
        for start in range(0, n_rows, 1 if is_fixed else n_rows):
            batch = {name: array[start : start + 1] if is_fixed else array for name, array in rows.items()}
            batches.append(runner(**{names[name]: array for name, array in batch.items()}))
        return [np.concatenate([batch[name] for batch in batches]) for name in sorted(batches[0])]


def _named_function(model: keras.Model, specs: Any) -> Any:
    """Return the concrete function of a model, with the names of the model's inputs and outputs."""
    import tensorflow as tf

    function, _ = tensorflow_function.constant_function(model, specs)
    outputs = base.output_names(model)
    names = base.identifiers(base.input_names(model))
    signature = {
        names[name]: tf.TensorSpec(spec.shape, spec.dtype, name=names[name])
        for name, spec in zip(base.input_names(model), specs, strict=True)
    }

    def named(**tensors: Any) -> Any:
        results = function(*(tensors[name] for name in signature))
        return {name: results[f"output_{position}"] for position, name in enumerate(outputs)}

    return tf.function(named, autograph=False).get_concrete_function(**signature)
