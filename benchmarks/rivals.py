"""Quality of a model after one minute, compared to other libraries in the same run, on the same split and core.

Each library runs under its own interpreter, since the requirements of the libraries exclude each other:

    python benchmarks/rivals.py DATA_DIR --python autokeras=ENV1/bin/python flaml=ENV2/bin/python

`autonas` and `keras_tuner` run under this interpreter. Each library gets the rows in the form that its documentation
recommends. Data sets of texts or series are left out for libraries that can't read them. Keras Tuner searches the
networks that this script defines.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time

import common

LIBRARIES = ("autonas", "keras_tuner", "autokeras", "autogluon", "flaml")
#: Seconds beyond the budget after which a library is killed. AutoKeras and Keras Tuner have no time limit: they are
#: interrupted during a training, and serve the best completed trial.
_OVERRUN = 600


def fit_autonas(dataset, budget, seed, directory):
    import autonas

    return autonas.AutoModel(
        time_limit=budget,
        seed=seed,
        verbose=0,
        directory=directory,
        objective="auc" if dataset.metric == "auc" else None,
        task="regression" if dataset.metric == "rmse" else "classification",
    ).fit(dataset.x_train, dataset.y_train)


def fit_flaml(dataset, budget, seed, directory):
    import flaml

    automl = flaml.AutoML()
    metric = {"auc": "roc_auc", "rmse": "rmse", "accuracy": "accuracy"}[dataset.metric]
    task = "regression" if dataset.metric == "rmse" else "classification"
    x_train, dataset.x_test = _columns(dataset.x_train), _columns(dataset.x_test)
    automl.fit(x_train, dataset.y_train, task=task, metric=metric, time_budget=budget, seed=seed, verbose=0)
    return automl


def fit_autogluon(dataset, budget, seed, directory):
    import pandas
    from autogluon.tabular import TabularPredictor

    metric = {"auc": "roc_auc", "rmse": "root_mean_squared_error", "accuracy": "accuracy"}[dataset.metric]
    frame = pandas.DataFrame(_columns(dataset.x_train))
    frame.columns = frame.columns.map(str)
    dataset.x_test = pandas.DataFrame(_columns(dataset.x_test)).rename(columns=str)
    # AutoGluon takes integers of few values for classes.
    problem = "regression" if dataset.metric == "rmse" else None
    predictor = TabularPredictor("target", problem_type=problem, eval_metric=metric, path=directory, verbosity=0)
    predictor.fit(frame.assign(target=dataset.y_train), time_limit=budget, num_cpus=1)
    return _Named(
        lambda x: predictor.predict(x).to_numpy(), lambda x: predictor.predict_proba(x).to_numpy(),
        predictor.class_labels,
    )  # fmt: skip


def fit_autokeras(dataset, budget, seed, directory):
    import autokeras
    import numpy as np
    from autokeras import pipeline

    deadline = _interruption_after(budget)
    kinds = {"image": "Image", "text": "Text", "table": "StructuredData"}
    task = "Regressor" if dataset.metric == "rmse" else "Classifier"
    model = getattr(autokeras, kinds[dataset.kind] + task)(max_trials=1000, seed=seed, directory=directory)
    convert = np.asarray if dataset.kind in ("image", "text") else _as_words
    try:
        model.fit(convert(dataset.x_train), np.asarray(dataset.y_train), callbacks=[deadline], verbose=0)
    except KeyboardInterrupt:
        pass
    # `predict` needs a completed search. Do the same as a completed search with the best trial so far.
    tuner = model.tuner
    (best,) = tuner.oracle.get_best_trials(1)
    steps, network = pipeline.load_pipeline(tuner._pipeline_path(best.trial_id)), tuner.get_best_model()
    labels = np.unique(dataset.y_train)

    def outputs(x):
        return np.asarray(network.predict(steps.transform_x(model._adapt(convert(x), model.inputs)), verbose=0))

    if dataset.metric == "rmse":
        return _Named(lambda x: outputs(x)[:, 0], None, None)

    def probabilities(x):
        chances = outputs(x)
        return np.hstack([1 - chances, chances]) if chances.shape[1] == 1 else chances

    def predict(x):
        # Heads of AutoKeras have their own order of labels, and return labels as strings.
        return np.asarray(steps.postprocess(outputs(x))).ravel().astype(labels.dtype)

    return _Named(predict, probabilities, labels)


def fit_keras_tuner(dataset, budget, seed, directory):
    import keras
    import keras_tuner
    import numpy as np
    from sklearn import compose, impute, pipeline, preprocessing

    is_number = dataset.metric == "rmse"
    labels, y = (None, dataset.y_train) if is_number else np.unique(dataset.y_train, return_inverse=True)
    if is_number:
        mean, deviation = y.mean(), y.std()
        y = (y - mean) / deviation
    if dataset.kind == "table":
        numbers = dataset.x_train.select_dtypes("number").columns
        encode = compose.make_column_transformer(
            (pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), numbers),
            (
                preprocessing.OneHotEncoder(handle_unknown="ignore", max_categories=50, sparse_output=False),
                [name for name in dataset.x_train if name not in set(numbers) | set(dataset.text_columns)],
            ),
        )
        x, convert = encode.fit_transform(dataset.x_train), encode.transform
    else:
        largest = float(dataset.x_train.max())

        def convert(images):
            return (images / largest).astype("float32").reshape(*images.shape[:3], -1)

        x = convert(dataset.x_train)

    def build(hp):
        inputs = features = keras.Input(x.shape[1:])
        if dataset.kind == "image":
            for _ in range(hp.Int("blocks", 1, 3)):
                for _ in range(hp.Int("layers", 1, 2)):
                    features = keras.layers.Conv2D(hp.Choice("filters", [16, 32, 64]), 3, padding="same")(features)
                    features = keras.layers.ReLU()(keras.layers.BatchNormalization()(features))
                features = keras.layers.MaxPooling2D(padding="same")(features)
            features = keras.layers.Flatten()(features)
        for _ in range(hp.Int("depth", 0, 3)):
            features = keras.layers.Dense(hp.Choice("units", [32, 64, 128, 256]), activation="relu")(features)
            features = keras.layers.Dropout(hp.Choice("dropout", [0.0, 0.25, 0.5]))(features)
        outputs = keras.layers.Dense(*((1,) if is_number else (len(labels), "softmax")))(features)
        model = keras.Model(inputs, outputs)
        loss = "mse" if is_number else "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-2, sampling="log")), loss)
        return model

    deadline = _interruption_after(budget)
    tuner = keras_tuner.RandomSearch(
        build, objective="val_loss", max_trials=1000, seed=seed, directory=directory, project_name="search"
    )
    stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
    rows = np.random.default_rng(seed).permutation(len(x))
    try:
        tuner.search(
            x[rows], y[rows], validation_split=0.2, epochs=50, batch_size=64, callbacks=[stop, deadline], verbose=0
        )
    except KeyboardInterrupt:
        pass
    model = tuner.get_best_models(1)[0]

    def outputs(rows):
        return model.predict(convert(rows), verbose=0)

    if is_number:
        return _Named(lambda rows: outputs(rows)[:, 0] * deviation + mean, None, None)
    return _Named(lambda rows: labels[outputs(rows).argmax(axis=1)], outputs, labels)


class _Named:
    """Predictions of functions, with the method names of scikit-learn."""

    def __init__(self, predict, predict_proba, classes):
        self.predict, self.predict_proba, self.classes_ = predict, predict_proba, classes


def _interruption_after(seconds):
    """Return a Keras callback that interrupts the training after some seconds."""
    import keras

    ends = time.monotonic() + seconds

    class Interruption(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if time.monotonic() > ends:
                raise KeyboardInterrupt

    return Interruption()


def _columns(x):
    """Flatten images to rows of pixels."""
    return x.reshape(len(x), -1) if hasattr(x, "reshape") else x


def _as_words(frame):
    """Convert a table to an array for AutoKeras: of strings if there is a column of strings, without missing values."""
    numbers = frame.select_dtypes("number").columns
    filled = frame.fillna({name: frame[name].median() for name in numbers})
    return filled.to_numpy() if len(numbers) == frame.shape[1] else filled.fillna("missing").astype(str).to_numpy()


def measure(library, name, data, budget, seed):
    """Return the scores of a library on a data set, and the seconds of its `fit`."""
    dataset = common.load(name, data)
    # Importing the library isn't measured.
    modules = {"autonas": "autonas.estimators.auto_model", "autogluon": "autogluon.tabular"}
    importlib.import_module(modules.get(library, library))
    with tempfile.TemporaryDirectory() as directory:
        started = time.monotonic()
        model = globals()[f"fit_{library}"](dataset, budget, seed, os.path.join(directory, "run"))
        seconds = time.monotonic() - started
        scores = common.scores(dataset, model)
        return {"score": scores[dataset.metric], "log_loss": scores.get("log_loss"), "seconds": seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", help="folder of the data sets")
    parser.add_argument("--python", nargs="*", default=[], metavar="LIBRARY=PYTHON")
    parser.add_argument("--without", nargs="*", default=[], metavar="LIBRARY", help="libraries to leave out")
    parser.add_argument(
        "--sets",
        nargs="*",
        default=["digits", "fashion_mnist", "adult", "california_housing", "breast_cancer", "trec6"],
    )
    parser.add_argument("--budget", type=float, default=60)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0])
    parser.add_argument("--output", help="file of results, JSON")
    options = parser.parse_args()
    interpreters = {"autonas": sys.executable, "keras_tuner": sys.executable}
    interpreters |= dict(pair.split("=", 1) for pair in options.python)
    unknown = set(interpreters) - set(LIBRARIES)
    interpreters = {library: python for library, python in interpreters.items() if library not in options.without}
    if unknown:
        parser.error(f"--python takes {', '.join(LIBRARIES)}. Received: {', '.join(unknown)}")
    import pandas

    rows = []
    for name in options.sets:
        dataset = common.load(name, options.data)
        for library, python in interpreters.items():
            if not _reads(library, dataset.kind):
                continue
            for seed in options.seeds:
                arguments = {
                    "library": library, "name": name, "data": options.data, "budget": options.budget, "seed": seed
                }  # fmt: skip
                result = common.in_fresh_process(
                    os.path.abspath(__file__), "measure", arguments, python=python, timeout=options.budget + _OVERRUN
                )
                result.pop("stderr", None)
                rows.append({"set": f"{name} {dataset.metric}", "library": library, "seed": seed, **result})
                print(rows[-1], flush=True)
                if options.output:
                    common.write_json(options.output, rows)
    frame = pandas.DataFrame(rows)
    for value in ("score", "log_loss", "seconds"):
        print(f"\n{value}, median over seeds {options.seeds}")
        table = frame.pivot_table(index="set", columns="library", values=value, aggfunc="median")
        print(table.round(0 if value == "seconds" else 4).to_string())


def _reads(library, kind):
    return {
        "autonas": True,
        "keras_tuner": kind in ("image", "table"),
        "autokeras": kind != "series",
        # FLAML has no documented use with texts.
        "flaml": kind in ("image", "table"),
        "autogluon": kind in ("image", "table"),
    }[library]


if __name__ == "__main__":
    main()
