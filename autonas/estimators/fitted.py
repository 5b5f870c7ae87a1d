"""Fitted estimators as files: export, saving and loading."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import check_is_fitted

from autonas import exports
from autonas.backends import keras_defaults
from autonas.data import interchange
from autonas.estimators import persistence, predictive, tags

if TYPE_CHECKING:
    import keras

    from autonas.exports import Export


class FittedModel(predictive.PredictiveModel):
    """Base class of the estimators: every method that writes or reads files of a model."""

    @keras_defaults.scope()
    def export_model(self) -> keras.Model:
        """Return one self-contained `keras.Model` from raw rows to probabilities or numbers in the target's units.

        The model consists of Keras's own layers: `keras.models.load_model` loads its file in a process without
        autonas. The inputs of a DataFrame are a dict by column, with dates as seconds since 1970 of the local time in
        the time zone that the column had in `fit`. Two classes are one column of the output, the probability of the
        second class: to train such a model in Keras, use the loss `"binary_crossentropy"`. A model with a backbone of
        KerasHub or with layers of your own needs their classes when it is loaded: `import keras_hub` first, and
        register your layers with `keras.saving.register_keras_serializable`.

        Example:

        ```python
        import autonas
        from sklearn.datasets import load_iris

        x, y = load_iris(return_X_y=True)
        networks = {"structured_data_block_1/kind": "dense"}
        model = autonas.AutoModel(hyperparameters=networks, max_trials=1, epochs=1, verbose=0).fit(x, y)
        network = model.export_model()  # and on in Keras
        network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        network.fit(x, y, epochs=2, verbose=0)
        ```
        """
        check_is_fitted(self, "predictor_")
        return self.make_export()

    def make_export(self, strings: bool = True, float64: bool = True) -> keras.Model:
        """Return the model to export; see `Predictor.export` for the arguments."""
        return self.predictor_.export(strings, float64)

    @keras_defaults.scope()
    def export(self, path: str | os.PathLike, x: Any = None) -> Export:
        """Write a self-contained model to a file that needs no autonas, run the file, and compare its outputs.

        The outputs of the file in its run time must be the outputs of the estimator, for up to 32 rows of `fit`,
        validation rows if there are any. Otherwise nothing is written. The model takes any number of raw rows, and
        returns probabilities, or numbers in the target's units.

        A file is replaced in one step: if the process is killed, the earlier file or the new file is there. A code book
        never stands beside a file to which it doesn't belong: the earlier code book is moved away before the file is
        replaced. An earlier SavedModel is moved to a folder `.<name>.earlier` beside it before the new SavedModel gets
        its name; if the process is killed in between, the next `export` to the same path moves it back first.

        | `path` | run time | strings |
        | --- | --- | --- |
        | `"model.keras"` | Keras on any backend; with string inputs on the TensorFlow backend only | as they are |
        | `"saved_model/"`, a folder | TensorFlow (Serving): one signature, `"serving_default"` | as they are |
        | `"model.onnx"` | ONNX Runtime | categories as they are, texts as ids |
        | `"model.tflite"` | LiteRT, once TensorFlow Lite | as codes and ids |

        On the JAX backend, a SavedModel takes no strings, and some models can't be converted to LiteRT. Such a model
        is saved, and exported in a process on the TensorFlow backend, by `load(folder).export(path)`.

        - Images and series are one input `(n, ...)`, uint8 or float32 as in `fit`, series padded with NaN.
        - An array of numbers is one input `(n, columns)` of float32.
        - A DataFrame is an input `(n,)` for each column: numbers and booleans float32 (missing: NaN), dates int64,
          seconds since 1970 of the local time in the time zone of `fit` (missing: -2^63), strings (missing: `""`). A
          column whose name another input or a column of another DataFrame has is named `"<input>_<column>"`.
        - One head is the output `"output"`, `"output_0"` in a SavedModel; several heads are outputs by their names,
          `(n, n_outputs)`. Two classes are one column, the probability of the second class.
        - Codes and ids are int32 `(n,)` and `(n, length)`. Their code book is the file `model.onnx.codes.json` beside
          the model: a dict from input to the rules of `Encoder.code_book`. The `"codes"` of a category are 0 for all
          other values. For ids, the ASCII letters of a text are lowered and its ASCII punctuation is deleted. The words
          between white space are cut to the `"length"`, and all substrings of three characters to `"n_trigrams"`. The
          word or trigram at position p of `"words"` or `"trigrams"`, from 0, has the id p + 2; others have the id 1;
          the rest is filled with 0. A column of more than 100 categories, some of them rare, counts as a text: its code
          comes first, then the ids of words, then those of trigrams, then those of `"ngrams"`, a list with the rules of
          each group of them, as far as the code book has them.
        - LiteRT has no 64-bit numbers for dates, and takes some networks with one row at a time only: see `inputs` of
          the returned object.
        - `names` of the returned object is a dict from input to its name in the file. In a SavedModel and in LiteRT,
          characters other than ASCII letters, digits and `_` become `_`, a name that doesn't begin with a letter gets
          an `x` in front, and a name that is taken (in capitals or small letters) or is a word of Python's gets a `_`
          at the end. In ONNX, an output that has the name of an input gets a `_` at the end.

        Args:
            path: Path of the file or folder. Its suffix is the format.
            x: Rows to compare on, as `predict` takes them. Required for an estimator that was saved with
                `examples=False`. Defaults to `None`: rows of `fit`.

        Returns:
            An `autonas.exports.Export`, which can be used as a path, with the largest difference, inputs and outputs.

        Raises:
            ValueError: If the path has another suffix or is taken by another file or folder, or there are no rows to
                compare on.
            ImportError: If the run time isn't installed; the message says which package to install.
            autonas.exceptions.ExportFailed: If the run time lacks an operation, or its outputs differ. Nothing is
                written then.
        """
        check_is_fitted(self, "predictor_")
        return exports.export(self, path, None if x is None else self._raw_rows(x))

    def _raw_rows(self, x: Any) -> Any:
        """Return the rows of `x` as the encoders take them."""
        return interchange.converted(x)

    def save(self, path: str | os.PathLike, examples: bool = True) -> None:
        """Write the fitted estimator to a folder.

        The folder holds everything that predictions, scores and the leaderboard need, without constructor arguments
        that are objects (a graph of blocks, an oracle, functions). An estimator that is loaded without such an argument
        can predict, but `fit` raises an error until `set_params` passes the argument again.

        By default the folder also holds data of `fit`: up to 32 raw rows, on which `export` compares what it writes,
        and the true labels of up to 5,000 validation rows beside the predictions, which `report` draws. Texts of the
        data, such as words, categories and labels, are part of the encoding and are always in the folder.

        A model that is in the folder already is replaced atomically: a process that is killed at any moment, or a full
        disk, leaves the earlier model or the new one. Other files in the folder aren't touched.

        Example:

        ```python
        model.save("folder", examples=False)
        model = autonas.AutoModel.load("folder")
        ```

        Args:
            path: The folder. It is created if it doesn't exist.
            examples: Whether to save rows of `fit` and true labels. Without these rows, `export` of the loaded
                estimator needs its argument `x`, and `report` says that no predictions are kept. Defaults to `True`.

        Raises:
            ValueError: If `path` is a file or ends like one, such as `"model.keras"`, which `export` writes; or if the
                folder holds a file `"estimator.json"` that isn't the one of a saved model.
            OSError: If a file can't be written.
        """
        check_is_fitted(self, "predictor_")
        persistence.save(self, path, examples)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Any:
        """Return the fitted estimator of a folder that `save` wrote, in any process.

        No code in the folder is run, and no other file is opened: all objects are estimators of autonas, layers of
        Keras without code, or of classes that you have registered with `keras.saving.register_keras_serializable`. A
        folder that a subclass of yours has saved is loaded by the subclass: `MyModel.load(path)`.

        Args:
            path: The folder.

        Returns:
            An estimator of the class that was saved.

        Raises:
            FileNotFoundError: If there is no saved model.
            ValueError: If a file is damaged, of another version, a link, or holds a class that isn't accepted. The
                message names the file.
        """
        return persistence.load(cls, path)

    def __getstate__(self) -> dict[str, Any]:
        # A pickled copy has no search: the search holds the rows of `fit`.
        # Its `model_` is made from its predictor again, so that both share their weights.
        return {name: value for name, value in super().__getstate__().items() if name not in ("_searched", "model_")}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "predictor_")

    def __sklearn_tags__(self) -> Any:
        return tags.set_tags(super().__sklearn_tags__(), self)
