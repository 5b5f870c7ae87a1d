"""`autonas`: search, predict and look at results from a shell."""

import argparse
import json
import os
import pathlib
import shlex
import shutil
import sys
import traceback

from autonas import files
from autonas.backends import silence

# Beside a saved model: where its data came from, so that `predict` reads new data the same way.
SOURCE = "source.json"


def main(arguments=None):
    """Runs one command.

    Args:
        arguments: List of strings, or None for those of the process.

    Returns:
        Exit code: 0, 2 after an error (one line on standard error), 130 after Ctrl-C.
    """
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:  # --help, or an error that argparse has printed
        return stop.code
    try:
        options.command(options)
    except KeyboardInterrupt:
        print("autonas: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        print(f"autonas: error: {_message(error)}", file=sys.stderr)
        return 2
    return 0


def _demo(options):
    import sklearn.datasets
    import sklearn.model_selection

    silence.import_keras()
    from autonas import tasks

    digits = sklearn.datasets.load_digits()
    x_train, x_test, y_train, y_test = sklearn.model_selection.train_test_split(
        digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=0
    )
    print(f"searching a classifier for {len(x_train)} images of digits, {options.time_limit:g} s at most")
    model = tasks.ImageClassifier(
        time_limit=options.time_limit,
        seed=options.seed,
        directory=options.directory,
        overwrite=True,
        verbose=1,
    )
    model.fit(x_train, y_train)
    _print_leaderboard(model.leaderboard(), 10)
    print(f"test accuracy: {model.score(x_test, y_test):.4f}")
    path = pathlib.Path(model.directory_) / "model.keras"
    model.export_model().save(path)
    print(f"model saved to {path}")
    print(f"look at the run with: {_tensorboard_command(model.directory_)}")


def _fit(options):
    output = pathlib.Path(options.output)
    if output.exists() and not output.is_dir():
        raise ValueError(f"`--output` must be a folder. Received: {output}, which is a file")
    x, y, source = _read_training_data(options)
    test = None if options.test is None else _read_test_data(options.test, source)

    silence.import_keras()
    from autonas import auto_model

    names = (
        "task", "time_limit", "max_trials", "epochs", "strategy", "weight_sharing", "fidelity", "executor", "n_workers",
        "preset", "precision", "seed", "directory",
    )  # fmt: skip
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.objective is not None:
        given["objective"] = options.objective if len(options.objective) > 1 else options.objective[0]
    if options.limit is not None:
        given["constraints"] = dict(options.limit)
    model = auto_model.AutoModel(**given, verbose=0 if options.quiet else 1)
    model.fit(x, y)
    if not options.quiet:
        _print_leaderboard(model.leaderboard(), 10)
    print(f"validation score: {model.best_score_:.4f}")
    if test is not None:
        for name, value in model.evaluate(*test).items():
            print(f"test {name}: {value:.4f}")
    model.save(str(output))
    (output / SOURCE).write_text(json.dumps(source), encoding="utf-8")
    print(f"model saved to {output}")
    if not options.quiet:
        print(f"look at the run with: {_tensorboard_command(model.directory_)}")


def _read_training_data(options):
    """Returns (x, y, source)."""
    if files.is_image_folder(options.data):
        if options.target:
            raise ValueError("`--target` is for tables; the classes of images are their folders")
        source = {"kind": "images", **files.image_format(options.data)}
        if options.image_size is not None:
            source["image_size"] = options.image_size
        silence.import_keras()
        x = files.read_images(
            options.data, source["image_size"], source["color_mode"], seed=options.seed or 0
        )
        return x, None, source | {"class_names": list(x.class_names)}
    if not options.target:
        raise ValueError("a table needs `--target COLUMN`")
    x, y = files.split_targets(files.read_table(options.data), options.target)
    return x, y, {"kind": "table", "targets": options.target}


def _read_test_data(path, source):
    """Returns (x, y)."""
    if (source["kind"] == "images") != files.is_image_folder(path):
        raise ValueError(f"`--test` must be of the same kind as DATA. Received: {path}")
    if source["kind"] == "table":
        return files.split_targets(files.read_table(path), source["targets"])
    return (
        files.read_images(path, source["image_size"], source["color_mode"], source["class_names"]),
        None,
    )


def _profile(options):
    x, y, _ = _read_training_data(options)

    silence.import_keras()
    from autonas import auto_model, profiling

    given = {name: getattr(options, name) for name in ("task", "search_space") if getattr(options, name) is not None}
    model = auto_model.AutoModel(**given, verbose=0)
    names = ("runtime", "batch_size", "n_threads", "n_architectures", "n_checked", "seed")
    arguments = {name: getattr(options, name) for name in names} | {"report": None if options.quiet else print}
    table = profiling.profile(model, x, y, options.device_out, **arguments)
    error = table.error
    print(
        f"{error['architectures']} other architectures measured directly: median error "
        f"{error['median_percentage_error']:.1f} %, Kendall's tau {error['kendall_tau']:.2f}"
    )
    print(f"latency table of {len(table.operations)} operations written to {options.device_out}")


def _predict(options):
    source = _read_source(options.model)
    images = files.is_image_folder(options.data)
    if images != (source["kind"] == "images"):
        raise ValueError(f"the model was fitted on {source['kind']}. Received: {options.data}")

    silence.import_keras()
    from autonas import auto_model

    model = auto_model.AutoModel.load(options.model)
    if images:
        x = files.read_images(options.data, source["image_size"], source["color_mode"], labelled=False)
    else:
        x = _input_columns(files.read_table(options.data), model, source)
    frame = _prediction_table(model, x, source, options.probabilities)
    if images:
        frame.insert(0, "file", x.file_paths)
    frame.to_csv(sys.stdout if options.output is None else options.output, index=False)


def _read_source(directory):
    directory = pathlib.Path(directory)
    if not directory.is_dir():
        raise FileNotFoundError(f"no such folder: {directory}")
    path = directory / SOURCE
    if not path.exists():  # saved from Python
        return {"kind": "table", "targets": []}
    return json.loads(path.read_text(encoding="utf-8"))


def _input_columns(frame, model, source):
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return frame.drop(columns=source["targets"], errors="ignore")
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ValueError(f"the data lacks columns that the model was fitted on: {', '.join(missing[:10])}")
    return frame[list(names)]


def _prediction_table(model, x, source, probabilities):
    import numpy
    import pandas

    targets = source.get("targets", [])
    if not probabilities:
        prediction = numpy.asarray(model.predict(x))
        if prediction.ndim == 1:
            return pandas.DataFrame({"prediction": prediction})
        return pandas.DataFrame(prediction, columns=targets or None)
    if not hasattr(model, "predict_proba") or not hasattr(model, "classes_"):
        raise ValueError("`--probabilities` needs a classifier; this model predicts numbers")
    values, classes = model.predict_proba(x), model.classes_
    if not isinstance(values, list):
        return pandas.DataFrame(numpy.asarray(values), columns=list(map(str, classes)))
    tables = [
        pandas.DataFrame(part, columns=[f"{target}={label}" for label in labels])
        for target, part, labels in zip(targets or range(len(values)), values, classes, strict=True)
    ]
    return pandas.concat(tables, axis=1)


def _leaderboard(options):
    if not pathlib.Path(options.model).is_dir():
        raise FileNotFoundError(f"no such folder: {options.model}")

    silence.import_keras()
    from autonas import auto_model

    frame = auto_model.AutoModel.load(options.model).leaderboard()
    if options.csv:
        frame.to_csv(sys.stdout, index=False)
    else:
        _print_leaderboard(frame)


def _print_leaderboard(frame, max_rows=None):
    import rich.console

    from autonas.reporting import render

    rich.console.Console().print(render(frame, max_rows))


def _tensorboard_command(directory):
    """Returns a command that works in the caller's shell, whether or not the environment is activated."""
    beside = pathlib.Path(sys.executable).with_name("tensorboard")
    if shutil.which("tensorboard") == str(beside):
        command = ["tensorboard"]
    elif beside.exists():
        near = os.path.relpath(beside)
        command = [near if not near.startswith("..") else str(beside)]
    else:
        command = [sys.executable, "-m", "tensorboard.main"]
    return shlex.join([*command, "--logdir", str(directory)])


def _message(error):
    """Puts an error in one line."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        text = " ".join(str(error).split())
    expected = isinstance(error, (ValueError, OSError, ImportError, RuntimeError))
    return text if expected and text else f"{type(error).__name__}: {text}"


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message):
        self.exit(2, f"autonas: error: {message} (see `{self.prog} --help`)\n")


def _limit(text):
    name, _, limit = text.partition("=")
    try:
        if name:
            return name, float(limit)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be like latency_ms=5. Received: {text}")


def _image_size(text):
    """Reads `28` or `28x32` (height x width) as [height, width]."""
    height, _, width = text.partition("x")
    size = [int(height), int(width or height)]
    if min(size) < 1:
        raise ValueError
    return size


_image_size.__name__ = "image size"  # argparse names the type in its message


def _parser():
    parser = _Parser(prog="autonas", description="Finds a Keras model for a data set.")
    commands = parser.add_subparsers(required=True, metavar="command", parser_class=_Parser)

    def add(name, command, text):
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        added.add_argument("--debug", action="store_true", help="show the traceback of an error")
        return added

    demo = add("demo", _demo, "search a classifier for scikit-learn's digits, within a minute")
    demo.add_argument("--time-limit", type=float, default=40.0, metavar="S", help="seconds, default 40")
    demo.add_argument("--directory", default="autonas_demo", help="folder, overwritten; default autonas_demo")
    demo.add_argument("--seed", type=int, default=0)

    fit = add("fit", _fit, "search a model for a table or a folder of images")
    fit.add_argument("--output", required=True, metavar="DIR", help="folder the fitted model is saved to")
    fit.add_argument("--test", metavar="DATA", help="data like DATA, scored by the final model")
    fit.add_argument("--time-limit", type=float, metavar="S", help="seconds, the final fit included")
    fit.add_argument("--max-trials", type=int, metavar="N", help="number of models tried")
    fit.add_argument("--epochs", type=int, metavar="N", help="most epochs of a trial")
    fit.add_argument("--strategy", help="how the next model is chosen, e.g. random")
    fit.add_argument(
        "--weight-sharing", action="store_const", const=True, help="choose by the scores of one network of all models"
    )
    fit.add_argument("--fidelity", help="full, or how short trainings come first, e.g. successive_halving")
    fit.add_argument("--workers", dest="n_workers", type=int, metavar="N", help="number of trials at a time")
    fit.add_argument("--executor", help="where trials run: inline, process or ray")
    fit.add_argument(
        "--objective", action="append", metavar="NAME",
        help="what is good, e.g. val_accuracy or latency_ms; repeat for a Pareto front",
    )  # fmt: skip
    fit.add_argument(
        "--limit",
        action="append",
        type=_limit,
        metavar="COST=LIMIT",
        help="what a model may cost, e.g. latency_ms=5 or model_size_mb=2; repeat for several",
    )
    fit.add_argument("--preset", help="fast, balanced or best")
    fit.add_argument(
        "--precision", help="auto (what the device is made for), float32, mixed_bfloat16 or mixed_float16; default auto"
    )
    fit.add_argument("--seed", type=int)
    fit.add_argument("--directory", metavar="DIR", help="folder of the run; an interrupted one continues")
    fit.add_argument("--quiet", action="store_true", help="print the results only")

    profile = add("profile", _profile, "measure the latency of each operation of a search's networks on this device")
    profile.add_argument(
        "--device-out", required=True, metavar="FILE", help="JSON file of the latency table, for Latency(table=...)"
    )
    profile.add_argument("--search-space", help="chain, cell, hierarchical or layered; default: the usual families")
    profile.add_argument("--runtime", default="litert", help="litert, onnx or keras; default litert")
    for option, name, default, text in (
        ("--batch-size", "batch_size", 1, "rows of a prediction"),
        ("--threads", "n_threads", 1, "threads of the run time"),
        ("--architectures", "n_architectures", 100, "networks whose operations are measured"),
        ("--check", "n_checked", 12, "networks measured directly to tell the error"),
    ):
        text = f"{text}, default {default}"
        profile.add_argument(option, dest=name, type=int, default=default, metavar="N", help=text)
    profile.add_argument("--seed", type=int, default=0)
    profile.add_argument("--quiet", action="store_true", help="print the error only")

    for each in (fit, profile):
        each.add_argument("data", help=f"table ({files.SUFFIXES}), or folder with one folder of images a class")
        each.add_argument(
            "--target", action="append", metavar="COLUMN", help="column to predict; repeat for several"
        )
        each.add_argument("--task", help="what to predict, if it isn't to be inferred, e.g. regression")
        each.add_argument(
            "--image-size",
            type=_image_size,
            metavar="HxW",
            help=f"images are resized to it; default: that of the first, at most {files.LARGEST_SIDE}",
        )

    predict = add("predict", _predict, "predict new data with a fitted model")
    predict.add_argument("model", help="folder that `autonas fit` wrote")
    predict.add_argument("data", help="table, with or without the target column, or folder of images")
    predict.add_argument("--output", metavar="FILE", help="CSV file; default: standard output")
    predict.add_argument("--probabilities", action="store_true", help="one column a class")

    leaderboard = add("leaderboard", _leaderboard, "show everything that was tried")
    leaderboard.add_argument("model", help="folder that `autonas fit` wrote")
    leaderboard.add_argument("--csv", action="store_true", help="all columns, as CSV")
    return parser
