"""The predictor: a trained network together with the encoders of its inputs and targets."""

from __future__ import annotations

import collections
import copy
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from scipy import sparse

from autonas import data, storage
from autonas.backends import gradients, keras_defaults, node_graph
from autonas.data.checks import name_labels
from autonas.prediction import example_rows, saved_network

#: Largest number of rows, and of operations of the network, for which the network is called without compilation. An
#: operation takes .3 ms then. Whether a network is compiled doesn't change between two calls, since compiled functions
#: round in another way.
_DIRECT_ROWS, _DIRECT_OPERATIONS = 256, 150
#: Numbers of rows for which the network is compiled.
_BATCH_SIZES = 1, 32, 512

#: Names of the files of a saved predictor.
FILES = NETWORK, ENCODERS, EXAMPLES = "network.keras", "predictor.json", "examples.npz"
_SHAPE = {"encoders": {str: {"kind": str, "config": {str: object}}}, "targets": {str: {str: object}}}


#: Loss and metric in Keras of each task.
_LOSSES = {
    "binary": ("binary_crossentropy", "binary_accuracy"),
    "multiclass": ("sparse_categorical_crossentropy", "sparse_categorical_accuracy"),
    "multilabel": ("binary_crossentropy", "binary_accuracy"),
    "regression": ("mean_squared_error", "root_mean_squared_error"),
}


class Predictor:
    """Prediction with one trained network.

    Args:
        network: The trained `keras.Model`. Its inputs are named `"<input>_<tensor>"`, its outputs by head.
        encoders: Dict from input to its fitted encoder, in the order of the inputs.
        targets: Dict from head to its fitted `TargetEncoder`, in the order of the heads.
    """

    def __init__(
        self, network: keras.Model, encoders: dict[str, data.Encoder], targets: dict[str, data.TargetEncoder]
    ) -> None:
        self.network = network
        self.encoders = encoders
        self.targets = targets

    def encode(self, x: Any, owner: str | None = None) -> dict[str, np.ndarray]:
        """Encode raw rows as the network's inputs.

        Args:
            x: One input, or a list or dict of several.
            owner: Name of the estimator for errors about the number of columns. Defaults to `None`.

        Returns:
            Dict from the name of a network input to an array.
        """
        return {name: np.asarray(array) for name, array in self._compact(x, owner).items()}

    def _compact(self, x: Any, owner: str | None) -> dict[str, Any]:
        """Encode raw rows as `encode` does, with `SparseRows` in place of arrays of which most entries are 0."""
        tensors: dict[str, Any] = {}
        inputs = dict(zip(self.encoders, split_inputs(x, list(self.encoders)), strict=True))
        first = next(iter(inputs))
        for number, (name, value) in enumerate(inputs.items()):
            data.check_same_rows(value)
            n_first, n_rows = data.number_of_rows(inputs[first]), data.number_of_rows(value)
            if n_rows != n_first:
                raise ValueError(
                    f"`x` must hold inputs with equal numbers of rows. Received: {n_first} rows in {first!r} and "
                    f"{n_rows} rows in {name!r}. Choose the same rows of all inputs."
                )
            encoder = self.encoders[name]
            options = {"owner": owner} if encoder.kind == "table" else {}
            with data.naming("input", number, list(inputs)):
                arrays = encoder.compact(value, **options)
            tensors |= {f"{name}_{tensor_name}": array for tensor_name, array in arrays.items()}
        return tensors

    def outputs(self, x: Any, owner: str | None = None) -> dict[str, np.ndarray]:
        """Return the network's outputs for raw rows, a dict from head to array `(n, n_outputs)`; see `encode`."""
        tensors = self._compact(x, owner)
        n_rows = len(next(iter(tensors.values())))
        if n_rows <= min(_DIRECT_ROWS, self._most_rows) and self._n_operations <= _DIRECT_OPERATIONS:
            outputs = self.network({name: np.asarray(array) for name, array in tensors.items()}, training=False)
            return {name: keras.ops.convert_to_numpy(output) for name, output in outputs.items()}
        batch_size = next((size for size in _BATCH_SIZES if n_rows <= size), _BATCH_SIZES[-1])
        return self._in_batches(tensors, min(batch_size, self._cached_rows))

    @keras_defaults.scope()
    def compiled_network(self) -> keras.Model:
        """Return the network compiled for Keras, with Adam, and the loss and the metric of each task.

        The model shares its layers and weights with the network, which stays uncompiled: its file must hold nothing but
        layers.
        """
        model = keras.Model(self.network.input, self.network.output, name=self.network.name)
        losses = {name: _LOSSES[target.task_] for name, target in self.targets.items()}
        model.compile(
            "adam",
            loss={name: loss for name, (loss, _) in losses.items()},
            metrics={name: [metric] for name, (_, metric) in losses.items()},
            jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
        )
        return model

    @functools.cached_property
    def _n_operations(self) -> int:
        """Number of operations of the network."""
        return node_graph.n_operations(self.network)

    @functools.cached_property
    def _largest(self) -> int:
        """Number of values of the largest tensor of the network for one row."""
        return node_graph.largest_tensor(self.network)

    @property
    def _most_rows(self) -> int:
        """Largest number of rows that are predicted at once."""
        return node_graph.rows_at_once(self._largest, _BATCH_SIZES[-1])

    @property
    def _cached_rows(self) -> int:
        """Largest number of rows whose tensors stay in the processor's caches."""
        return node_graph.rows_at_once(self._largest, _BATCH_SIZES[-1], node_graph.CACHED_VALUES)

    def _in_batches(self, tensors: Mapping[str, Any], batch_size: int) -> dict[str, np.ndarray]:
        """Return the network's outputs, computed in batches of equal size. The last batch is padded.

        `Model.predict` would compile the network again for a smaller last batch. After several networks TensorFlow
        warns of these compilations, as if they were of the same network.
        """
        n_rows = len(next(iter(tensors.values())))
        batches = []
        for start in range(0, n_rows, batch_size):
            rows = np.arange(start, start + batch_size)
            rows[rows >= n_rows] = start
            batches.append(self._compiled({name: array[rows] for name, array in tensors.items()}))
        return {
            name: np.concatenate([keras.ops.convert_to_numpy(batch[name]) for batch in batches])[:n_rows]
            for name in self.targets
        }

    @functools.cached_property
    def _compiled(self) -> Any:
        return gradients.compiled(lambda tensors: self.network(tensors, training=False), self.network.variables)

    def stream_outputs(
        self, dataset: Any, owner: str | None = None, labelled: bool = False
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """Return the network's outputs for a `tf.data.Dataset`, computed batch by batch, and the dataset's targets.

        Args:
            dataset: Dataset of `x`, `(x, y)` or `(x, y, sample_weight)`, batched or not.
            owner: Name of the estimator, as in `encode`. Defaults to `None`.
            labelled: Whether to return the targets. Defaults to `False`.

        Returns:
            Tuple of a dict from head to array `(n, n_outputs)`, and the targets, `None` unless `labelled`.
        """
        from autonas.data import stream_structure

        classes = next(iter(self.targets.values())).classes_
        named = classes is not None and classes.dtype.kind in "OU"
        class_names = getattr(dataset, "class_names", None) if named else None
        batches, batch_size = [], 1
        labels: list[np.ndarray] = []
        for rows, rest in stream_structure.stream_batches(dataset, next(iter(self.encoders.values()))):
            batch_size = max(batch_size, len(rows))
            batches.append(self._in_batches(self._compact(rows, owner), batch_size))
            labels.extend(stream_structure.as_labels(y, class_names) for y in rest[:1])
        outputs = {name: np.concatenate([batch[name] for batch in batches]) for name in self.targets}
        if not labelled:
            return outputs, None
        if not labels:
            raise ValueError("`x` must be a tf.data.Dataset of (x, y). Received: a dataset without targets")
        if named and labels[0].dtype.kind in "iuf":
            raise ValueError("`x` must have `class_names` as the dataset of fit had. Received: numbers as labels")
        return outputs, np.concatenate(labels)

    def export(self, strings: bool = True, float64: bool = True) -> keras.Model:
        """Return a self-contained `keras.Model` of Keras's own layers, from raw rows to probabilities or numbers.

        Args:
            strings: Whether the model takes strings. Otherwise it takes the numbers of `code_book`. Defaults to `True`.
            float64: Whether numbers of tables are standardised in 64 bits. Defaults to `True`.
        """
        # Keras requires a flat dict, with the columns of a table next to the other inputs.
        inputs, tensors = {}, {}
        raw_names = self._raw_names()
        taken = {self.network.name, *(name for names in raw_names.values() for name in names.values())}
        for name, names in raw_names.items():
            preprocessing = self.encoders[name].keras_model(strings, float64)
            preprocessing.name = _free(preprocessing.name, taken)
            raw = preprocessing.input
            parts = raw if isinstance(raw, dict) else {"": raw}
            parts = {
                key: part if names[key] == key else keras.Input(part.shape[1:], dtype=part.dtype, name=names[key])
                for key, part in parts.items()
            }
            inputs.update({names[key]: part for key, part in parts.items()})
            encoded = preprocessing(parts if isinstance(raw, dict) else parts[""])
            tensors.update({f"{name}_{tensor_name}": tensor for tensor_name, tensor in encoded.items()})
        outputs = self.network(tensors)
        for name, target in self.targets.items():
            if target.task_ == "regression":
                outputs[name] = keras.layers.Rescaling(
                    target.deviation_.tolist(), target.mean_.tolist(), name=_free(f"{name}_units", taken)
                )(outputs[name])
                if target.nonnegative_.any():
                    numbers = keras.Input(outputs[name].shape[1:])
                    bounds = np.where(target.nonnegative_, 0.0, np.finfo("float32").min).astype("float32")
                    # A model of its own: the name of an operation might be the name of an input.
                    bounded = keras.Model(numbers, keras.ops.maximum(numbers, bounds), name=_free("bounded", taken))
                    outputs[name] = bounded(outputs[name])
        if len(self.encoders) == 1 and not isinstance(raw, dict):
            (inputs,) = inputs.values()
        return keras.Model(inputs, next(iter(outputs.values())) if len(outputs) == 1 else outputs)

    def _raw_names(self) -> dict[str, dict[str, str]]:
        """Return the names of the inputs of the model of `export`.

        Returns:
            Dict from input to a dict from the keys of `Encoder.raw_arrays`, `""` for a single array, to names. A column
            of a table has its own name, or `"<input>_<column>"` if another table has such a column or another input
            such a name.
        """
        keys = {name: sorted(encoder.example_names) for name, encoder in self.encoders.items()}
        counts = collections.Counter(key or name for name, several in keys.items() for key in several)
        taken = set(counts)
        names: dict[str, dict[str, str]] = {name: {} for name in keys}
        for name, several in keys.items():
            for key in several:
                chosen = key or name
                if key and counts[key] > 1:
                    chosen = _free(f"{name}_{key}", taken)
                names[name][key] = chosen
        return names

    # ------------------------------------------------------------------ example rows

    @property
    def has_examples(self) -> bool:
        """Whether there are example rows, on which exports are verified."""
        return all(hasattr(encoder, "examples_") for encoder in self.encoders.values())

    def with_examples(self, x: Any) -> Predictor:
        """Return a copy of the predictor whose example rows are a few rows of `x`, see `encode`."""
        predictor = copy.copy(self)
        predictor.encoders = {name: copy.copy(encoder) for name, encoder in self.encoders.items()}
        for encoder, value in zip(predictor.encoders.values(), split_inputs(x, list(self.encoders)), strict=True):
            encoder.keep_examples(value)
        return predictor

    def _examples(self) -> list[Any]:
        """Return the example rows of the encoders, with the same number of rows for all encoders."""
        examples = [encoder.examples_ for encoder in self.encoders.values()]
        n_rows = min(len(_first(example)) for example in examples)
        return [_map_arrays(lambda array: array[:n_rows], example) for example in examples]

    def example_rows(self) -> Any:
        """Return the example rows as an argument of `outputs`."""
        rows = [encoder.rows_of(raw) for encoder, raw in zip(self.encoders.values(), self._examples(), strict=True)]
        return rows if len(rows) > 1 else rows[0]

    def example_inputs(self, coded: bool = False) -> dict[str, np.ndarray]:
        """Return the example rows as inputs of the model of `export`, a dict from input to array.

        Args:
            coded: Whether strings are replaced by the numbers of `code_book`. Defaults to `False`.
        """
        inputs: dict[str, np.ndarray] = {}
        for encoder, names, raw in zip(
            self.encoders.values(), self._raw_names().values(), self._examples(), strict=True
        ):
            raw = encoder.coded(raw) if coded else raw
            inputs.update({names[key]: array for key, array in (raw if isinstance(raw, dict) else {"": raw}).items()})
        return inputs

    def code_book(self) -> dict[str, Any]:
        """Return the code books from strings to numbers by input of the model of `export`; see `Encoder.code_book`."""
        return {
            names[key or ""]: codes
            for name, names in self._raw_names().items()
            for key, codes in self.encoders[name].code_book().items()
        }

    # ------------------------------------------------------------------ files

    def writers(self, examples: bool = True) -> dict[str, Callable[[str], object]]:
        """Return the functions that write the predictor's files, a dict from a name in `FILES` to a function of a path.

        Args:
            examples: Whether to include the example rows. Defaults to `True`.
        """
        writers = {NETWORK: without_training_parts(self.network).save, ENCODERS: self._write_encoders}
        if examples and self.has_examples:
            writers[EXAMPLES] = functools.partial(example_rows.write, self.encoders.values())
        return writers

    def _write_encoders(self, path: str) -> None:
        config = {
            "encoders": {
                name: {"kind": encoder.kind, "config": encoder.get_config()} for name, encoder in self.encoders.items()
            },
            "targets": {name: target.get_config() for name, target in self.targets.items()},
        }
        with open(path, "w", encoding="utf-8") as file:
            file.write(json.dumps(config))  # `json.dump` takes ten times as long.

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_compiled"}

    @classmethod
    def load(cls, paths: Mapping[str, str]) -> Predictor:
        """Load a predictor from the files of `writers`.

        Args:
            paths: Dict from a name in `FILES` to the path of the file. The example rows may be missing.

        Raises:
            DamagedFile: If a file can't be read.
            ValueError: If the network holds a layer that `saved_network.load` refuses.
        """
        with storage.describing_damage(paths[ENCODERS]):
            with open(paths[ENCODERS], encoding="utf-8") as file:
                config = json.load(file)
            storage.check_shape(config, _SHAPE, "content")
            encoders = {
                name: type(data.get_encoder(saved["kind"])).from_config(saved["config"])
                for name, saved in config["encoders"].items()
            }
            targets = {name: data.TargetEncoder.from_config(saved) for name, saved in config["targets"].items()}
        if EXAMPLES in paths:
            with storage.describing_damage(paths[EXAMPLES]):
                example_rows.read(encoders.values(), paths[EXAMPLES])
        return cls(saved_network.load(paths[NETWORK]), encoders, targets)


def _free(name: str, taken: set[str]) -> str:
    """Return a name, with `_` at its end until it isn't in `taken`, and add it there."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _map_arrays(function: Callable[[np.ndarray], np.ndarray], raw: Any) -> Any:
    return {name: function(array) for name, array in raw.items()} if isinstance(raw, dict) else function(raw)


def _first(raw: Any) -> Any:
    return next(iter(raw.values())) if isinstance(raw, dict) else raw


def without_training_parts(network: keras.Model) -> keras.Model:
    """Return the network without optimizer and random augmentation. The layers are shared.

    Keras applies random augmentation, and passes `training=True` on to other layers, wherever a model is called without
    `training=False`.
    """

    def call(layer: keras.Layer, *args: Any, **kwargs: Any) -> Any:
        # A subclass may have an effect in predictions.
        return args[0] if type(layer) in node_graph.AUGMENTATION else layer(*args, **kwargs)

    # A clone of a compiled model would be compiled too, and its file would refer to an optimizer of autonas.
    uncompiled = keras.Model(network.input, network.output)
    return keras.models.clone_model(uncompiled, clone_function=lambda layer: layer, call_function=call)


def split_inputs(x: Any, names: Sequence[str], argument: str = "x") -> list[Any]:
    """Split an argument into a list of one value per input or head.

    Args:
        x: For several names, a list in the order of the names or a dict by name. For one name, the value itself.
        names: List of the names of the inputs or heads.
        argument: Name of the argument in error messages. Defaults to `"x"`.

    Raises:
        ValueError: If the values don't match the names.
    """
    if isinstance(x, dict) and x.keys() == set(names):
        return [x[name] for name in names]
    if len(names) == 1 and (names[0] is None or not isinstance(x, dict) or sparse.issparse(x)):
        return [x]
    if isinstance(x, (list, tuple)) and len(x) == len(names):
        return list(x)
    received = f"{len(x)} arrays" if isinstance(x, (list, tuple)) else type(x).__name__
    if isinstance(x, dict):
        received = f"a dict with the keys {name_labels(x)}" if x else "an empty dict"
    arrays = "an array" if len(names) == 1 else f"a list of {len(names)} arrays"
    raise ValueError(f"`{argument}` must be {arrays}, or a dict by {', '.join(names)}. Received: {received}")
