"""LiteRT's file, once TensorFlow Lite's."""

import numpy as np

from autonas import exceptions, runtimes
from autonas.exports import base
from autonas.runtimes import base as runtimes_base
from autonas.runtimes import litert, tensorflow_function


class LiteRT(base.Format):
    """LiteRT: it takes raw rows, but codes for categories and ids for texts; of any number, by resizing the inputs,
    or of one, if it can't be resized."""

    name = "LiteRT"
    coded = ("category", "text")
    float64 = False

    def packages(self):
        return runtimes.LiteRT.packages()

    def write(self, model, path, rows, codes):
        dated = [each.name for each in model.inputs if each.dtype == "int64"]
        if dated:
            raise exceptions.ExportFailed(
                f"LiteRT has no 64-bit numbers, which dates such as {dated[0]!r} need. Nothing was written. Export to "
                "ONNX, or give `fit` the year, the month and so on as numbers."
            )
        try:
            self._write(model, path, None)
            self.run(path, rows)
            return base.shapes(model)
        except Exception:  # Loops of recurrent layers, for one, need to know the number of rows.
            self._write(model, path, 1)
            return base.shapes(model, 1)

    def _write(self, model, path, n_rows):
        function = _named_function(model, runtimes_base.input_specs(model, n_rows))
        with open(path, "wb") as file:
            file.write(litert.converted(function))

    def run(self, path, rows):
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(model_path=path).get_signature_runner()
        n_rows = len(next(iter(rows.values())))
        is_fixed = any(detail["shape_signature"][:1] == [1] for detail in runner.get_input_details().values())
        parts = []
        for start in range(0, n_rows, 1 if is_fixed else n_rows):
            batch = {name: array[start : start + 1] if is_fixed else array for name, array in rows.items()}
            parts.append(runner(**{base.identifier(name): array for name, array in batch.items()}))
        return [np.concatenate([part[name] for part in parts]) for name in sorted(parts[0])]


def _named_function(model, specs):
    """The concrete function of a model whose arguments and results have the names of its inputs and outputs."""
    import tensorflow as tf

    function, _ = tensorflow_function.constant_function(model, specs)
    outputs = list(map(base.identifier, base.output_names(model)))
    signature = {
        base.identifier(name): tf.TensorSpec(spec.shape, spec.dtype, name=base.identifier(name))
        for name, spec in zip(base.input_names(model), specs, strict=True)
    }

    def named(**tensors):
        found = function(*(tensors[name] for name in signature))
        return {name: found[f"output_{place}"] for place, name in enumerate(outputs)}

    return tf.function(named, autograph=False).get_concrete_function(**signature)
