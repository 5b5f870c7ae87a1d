"""The predictor: a trained network with what turns raw rows into its inputs and its outputs into labels."""

import copy
import functools
import json

import keras
import numpy as np

from autonas import data, storage
from autonas.backends import gradients
from autonas.prediction import saved_network

#: Rows up to which the network is called directly: to compile it takes longer than they take.
_DIRECT_ROWS = 256
_BATCH_SIZE = 512

#: Names of the files of a saved predictor.
FILES = NETWORK, ENCODERS, EXAMPLES = "network.keras", "predictor.json", "examples.npz"
_SHAPE = {"encoders": {str: {"kind": str, "config": {str: object}}}, "targets": {str: {str: object}}}


class Predictor:
    """Serves one trained network.

    Args:
        network: The trained `keras.Model`, inputs `"<input>_<tensor>"`, outputs by head.
        encoders: Dict from input to its fitted encoder, in the order of the inputs.
        targets: Dict from head to its fitted `TargetEncoder`, in the order of the heads.
    """

    def __init__(self, network, encoders, targets):
        self.network = network
        self.encoders = encoders
        self.targets = targets

    def encode(self, x, owner=None):
        """The network's inputs for raw rows; `x` is one input, or a list or dict of several.

        `owner` is the estimator's name for errors about another number of columns.
        """
        tensors = {}
        for (name, encoder), value in zip(self.encoders.items(), split_inputs(x, list(self.encoders)), strict=True):
            data.number_of_rows(value)
            options = {"owner": owner} if encoder.kind == "table" else {}
            for tensor_name, array in encoder.transform(value, **options).items():
                tensors[f"{name}_{tensor_name}"] = array
        return tensors

    def outputs(self, x, owner=None):
        """The network's outputs for raw rows, a dict from head to array `(n, n_outputs)`; see `encode`."""
        tensors = self.encode(x, owner)
        n_rows = len(next(iter(tensors.values())))
        if n_rows <= _DIRECT_ROWS:
            outputs = self.network(tensors, training=False)
            return {name: keras.ops.convert_to_numpy(output) for name, output in outputs.items()}
        return self._in_batches(tensors, _BATCH_SIZE)

    def _in_batches(self, tensors, batch_size):
        """The network's outputs, in batches of one size: the last one is filled up with its first row.

        `Model.predict` would compile the network again for a last batch of fewer rows, and TensorFlow warns of that
        after a few networks, as if they were one.
        """
        n_rows = len(next(iter(tensors.values())))
        parts = []
        for start in range(0, n_rows, batch_size):
            rows = np.arange(start, start + batch_size)
            rows[rows >= n_rows] = start
            parts.append(self._compiled({name: array[rows] for name, array in tensors.items()}))
        return {
            name: np.concatenate([keras.ops.convert_to_numpy(part[name]) for part in parts])[:n_rows]
            for name in self.targets
        }

    @functools.cached_property
    def _compiled(self):
        return gradients.compiled(lambda tensors: self.network(tensors, training=False), self.network.variables)

    def stream_outputs(self, dataset, owner=None, labelled=False):
        """The network's outputs for a `tf.data.Dataset` of rows, batch by batch, and its targets.

        Args:
            dataset: Dataset of `x`, `(x, y)` or `(x, y, sample_weight)`, batched or not.
            owner: As in `encode`.
            labelled: Whether the targets are wanted.

        Returns:
            Dict from head to array `(n, n_outputs)`, and the targets, or `None`.
        """
        from autonas.data import streams

        classes = next(iter(self.targets.values())).classes_
        named = classes is not None and classes.dtype.kind in "OU"
        class_names = getattr(dataset, "class_names", None) if named else None
        parts, labels, batch_size = [], [], 1
        for rows, rest in streams.stream_batches(dataset, next(iter(self.encoders.values()))):
            batch_size = max(batch_size, len(rows))
            parts.append(self._in_batches(self.encode(rows, owner), batch_size))
            labels.extend(streams.as_labels(y, class_names) for y in rest[:1])
        outputs = {name: np.concatenate([part[name] for part in parts]) for name in self.targets}
        if not labelled:
            return outputs, None
        if not labels:
            raise ValueError("`x` must be a tf.data.Dataset of (x, y). Received: a dataset without targets")
        if named and labels[0].dtype.kind in "iuf":
            raise ValueError("`x` must have `class_names` as the dataset of fit had. Received: numbers as labels")
        return outputs, np.concatenate(labels)

    def export(self, strings=True, float64=True):
        """One self-contained `keras.Model` of stock layers: raw rows in, probabilities or numbers out.

        Args:
            strings: Whether it takes strings; else the numbers of `code_book`.
            float64: Whether numbers of tables are standardised in 64 bits.
        """
        raw_inputs, tensors = {}, {}
        for name, encoder in self.encoders.items():
            preprocessing = encoder.keras_model(strings, float64)
            raw_inputs[name] = preprocessing.input
            if not isinstance(preprocessing.input, dict):
                raw = preprocessing.input
                raw_inputs[name] = keras.Input(raw.shape[1:], dtype=raw.dtype, name=name)
            encoded = preprocessing(raw_inputs[name])
            tensors.update({f"{name}_{tensor_name}": tensor for tensor_name, tensor in encoded.items()})
        outputs = self.network(tensors)
        for name, target in self.targets.items():
            if target.task_ == "regression":
                outputs[name] = keras.layers.Rescaling(
                    scale=target.deviation_.tolist(), offset=target.mean_.tolist(), name=f"{name}_units"
                )(outputs[name])
        inputs = raw_inputs
        if len(raw_inputs) == 1:
            inputs = next(iter(raw_inputs.values()))
        elif any(isinstance(each, dict) for each in raw_inputs.values()):
            # Keras takes flat dicts: the columns of a table beside the other inputs.
            inputs = {}
            for name, each in raw_inputs.items():
                inputs.update(each if isinstance(each, dict) else {name: each})
        return keras.Model(inputs, next(iter(outputs.values())) if len(outputs) == 1 else outputs)

    # ------------------------------------------------------------------ the rows to try exports on

    @property
    def has_examples(self):
        """Whether there are rows to try exports on."""
        return all(hasattr(encoder, "examples_") for encoder in self.encoders.values())

    def with_examples(self, x):
        """Return a copy with other rows to try exports on, a few of `x`, which is as in `encode`."""
        predictor = copy.copy(self)
        predictor.encoders = {name: copy.copy(encoder) for name, encoder in self.encoders.items()}
        for encoder, value in zip(predictor.encoders.values(), split_inputs(x, list(self.encoders)), strict=True):
            encoder.keep_examples(value)
        return predictor

    def _examples(self):
        """The rows that the encoders keep, equally many of each."""
        examples = [encoder.examples_ for encoder in self.encoders.values()]
        n_rows = min(len(_first(each)) for each in examples)
        return [_each(lambda array: array[:n_rows], example) for example in examples]

    def example_rows(self):
        """Rows of the data of `fit`, as `outputs` takes them."""
        rows = [encoder.rows_of(raw) for encoder, raw in zip(self.encoders.values(), self._examples(), strict=True)]
        return rows if len(rows) > 1 else rows[0]

    def example_inputs(self, coded=False):
        """The same rows as what `export` makes takes them, a dict from input to array; `coded` without strings."""
        inputs = {}
        for (name, encoder), raw in zip(self.encoders.items(), self._examples(), strict=True):
            raw = encoder.coded(raw) if coded else raw
            inputs.update(raw if isinstance(raw, dict) else {name: raw})
        return inputs

    def code_book(self):
        """How strings become numbers, a dict by input of what `export` makes; see `Encoder.code_book`."""
        return {
            name if key is None else key: codes
            for name, encoder in self.encoders.items()
            for key, codes in encoder.code_book().items()
        }

    # ------------------------------------------------------------------ files

    def writers(self, examples=True):
        """Return the functions that write the predictor's files, a dict from a name in `FILES` to a function of a path.

        Args:
            examples: Whether the rows to try exports on are among them. Defaults to `True`.
        """
        writers = {NETWORK: without_training_parts(self.network).save, ENCODERS: self._write_encoders}
        return writers | ({EXAMPLES: self._write_examples} if examples and self.has_examples else {})

    def _write_encoders(self, path):
        config = {
            "encoders": {
                name: {"kind": encoder.kind, "config": encoder.get_config()} for name, encoder in self.encoders.items()
            },
            "targets": {name: target.get_config() for name, target in self.targets.items()},
        }
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)

    def _write_examples(self, path):
        examples = {}
        for place, encoder in enumerate(self.encoders.values()):
            raw = encoder.examples_
            for key, array in (raw if isinstance(raw, dict) else {"": raw}).items():
                examples[f"{place}:{key}"] = array.astype("U") if array.dtype == object else array
        np.savez(path, **examples)

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "_compiled"}

    @classmethod
    def load(cls, paths):
        """Return the predictor of files that `writers` wrote.

        Args:
            paths: Dict from a name in `FILES` to the path of the file. The examples may be missing.

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
                _read_examples(paths[EXAMPLES], encoders.values())
        return cls(saved_network.load(paths[NETWORK]), encoders, targets)


def _read_examples(path, encoders):
    """Give encoders the rows to try exports on that a file holds."""
    examples = storage.read_arrays(path)
    for place, encoder in enumerate(encoders):
        names = [name for name in examples if name.startswith(f"{place}:")]
        parts = {name.split(":", 1)[1]: examples.pop(name) for name in names}
        parts = {key: array.astype(object) if array.dtype.kind == "U" else array for key, array in parts.items()}
        if parts.keys() != encoder.example_names or len({len(array) for array in parts.values()}) != 1:
            raise ValueError(
                f"the rows have the parts {sorted(parts)!r:.100}, not {sorted(encoder.example_names)!r:.100}"
            )
        encoder.examples_ = parts.get("", parts)
    if examples:
        raise ValueError(f"the array {next(iter(examples))!r:.60} belongs to no input")


def _each(function, raw):
    return {name: function(array) for name, array in raw.items()} if isinstance(raw, dict) else function(raw)


def _first(raw):
    return next(iter(raw.values())) if isinstance(raw, dict) else raw


def without_training_parts(network):
    """The same network, its layers shared, without what only training needs: the optimizer, and random augmentation,
    which Keras would apply, and pass `training=True` on from, wherever a model is called without `training=False`."""

    def call(layer, *args, **kwargs):
        return args[0] if type(layer).__name__.startswith("Random") else layer(*args, **kwargs)

    # A clone of a compiled model is compiled, and its file would name our optimizer.
    uncompiled = keras.Model(network.input, network.output)
    return keras.models.clone_model(uncompiled, clone_function=lambda layer: layer, call_function=call)


def split_inputs(x, names, argument="x"):
    """One value for each input (or head).

    Args:
        x: The value itself if there is one name; otherwise a list in their order, or a dict by name.
        names: Their names.
        argument: What to call it in errors.

    Raises:
        ValueError: If the parts don't match the names.
    """
    if isinstance(x, dict) and x.keys() == set(names):
        return [x[name] for name in names]
    if len(names) == 1:
        return [x]
    if isinstance(x, (list, tuple)) and len(x) == len(names):
        return list(x)
    received = f"{len(x)} parts" if isinstance(x, (list, tuple, dict)) else type(x).__name__
    raise ValueError(
        f"`{argument}` must be a list of {len(names)} parts, or a dict by {', '.join(names)}. Received: {received}"
    )
