"""Commands of the command line `autonas`: search, predict and inspect results."""

import contextlib
import os
import pathlib
import sys
import traceback
import warnings

from autonas.cli import images, sources, tables
from autonas.cli import options as cli_options


def main(arguments=None):
    """Run one command.

    Args:
        arguments: List of strings. Defaults to `None`, the arguments of the process.

    Returns:
        Exit code: 0 on success, 2 after an error (one line on standard error), 130 after Ctrl-C, 141 if standard output
        was closed before the end, as a shell has it.
    """
    try:
        options = cli_options.parser(_COMMANDS).parse_args(arguments)
    except SystemExit as stop:  # --help, or an error that argparse has printed
        return stop.code
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            options.command(options)
        sys.stdout.flush()
    except BrokenPipeError:  # The reader has seen enough, such as `head` in a pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("autonas: interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        print(f"autonas: error: {_message(error)}", file=sys.stderr)
        return 2
    return 0


def _show_warning(message, *place):
    print(f"autonas: warning: {message}", file=sys.stderr)


def _demo(options):
    import sklearn.datasets
    import sklearn.model_selection

    sources.start_keras()
    from autonas.estimators import tasks

    digits = sklearn.datasets.load_digits()
    x_train, x_test, y_train, y_test = sklearn.model_selection.train_test_split(
        digits.images, digits.target, test_size=0.2, stratify=digits.target, random_state=0
    )
    print(f"searching a classifier for {len(x_train)} images of digits, {options.max_trials} candidates at most")
    model = tasks.ImageClassifier(
        max_trials=options.max_trials,
        time_limit=options.time_limit,
        seed=options.seed,
        directory=options.directory,
        overwrite=options.overwrite,
        verbose=1,
    )
    model.fit(x_train, y_train)
    _print_leaderboard(model, 10)
    print(f"test accuracy: {model.score(x_test, y_test):.4f}")
    path = pathlib.Path(model.directory_) / "model.keras"
    model.export(path)
    print(f"model saved to {path}")
    _print_invitation(model.directory_)


def _fit(options):
    output = pathlib.Path(options.output)
    if output.exists() and not output.is_dir():
        raise ValueError(f"`--output` must be a folder. Received: {output}, which is a file")
    x, y, source = sources.read_training_data(options)
    test = None if options.test is None else sources.read_labelled_data("--test", options.test, source)

    sources.start_keras()
    from autonas.estimators import auto_model, persistence

    _check_can_be_made(output)
    persistence.check_place(output)
    if test is not None:
        _check_test(x, y, *test)
    names = (
        "task", "time_limit", "max_trials", "epochs", "search_space", "strategy", "weight_sharing", "fidelity",
        "executor", "n_workers", "ensemble", "preset", "precision", "seed", "directory", "overwrite",
    )  # fmt: skip
    arguments = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.objective is not None:
        arguments["objective"] = options.objective if len(options.objective) > 1 else options.objective[0]
    if options.limit:
        arguments["constraints"] = _limits(options)
    model = auto_model.AutoModel(**arguments, verbose=0 if options.quiet else 1)
    model.fit(x, y)
    if not options.quiet:
        _print_leaderboard(model, 10)
    _print_score(model)
    # The model is kept whatever the test data are.
    _save(model, output, source)
    if test is not None:
        _print_metrics(model, test, "test ")
    if not options.quiet:
        _print_invitation(model.directory_)


def _limits(options):
    """Return the dict of the limits of the command line. Raise a `ValueError` if one is given twice."""
    names = [name for name, _ in options.limit]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"`--limit` must be given once for {name}. Received: {names.count(name)} limits of {name}")
    return dict(options.limit)


def _check_can_be_made(output):
    """Raise a `ValueError` if a folder doesn't exist and can't be made. It is made in the end only."""
    missing = [folder for folder in (output, *output.parents) if not folder.exists()]
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"`--output` must be a folder that can be made. Received: {output} ({error})") from error
    finally:
        for folder in missing:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _check_test(x, y, x_test, y_test):
    """Raise a `ValueError` if test data of a table lack a column of the training data, or a target, or a class."""
    import pandas

    if not isinstance(x, pandas.DataFrame):
        return
    missing = [str(name) for name in x.columns if name not in x_test.columns]
    if missing:
        raise ValueError(f"the test data lack columns of the training data: {', '.join(missing[:10])}")
    pairs = zip(y.values(), y_test.values(), strict=True) if isinstance(y, dict) else [(y, y_test)]
    for trained, tested in pairs:
        if tested.isna().to_numpy().any():
            raise ValueError("the test data have rows without a target. Remove them, or fill their targets in")
        if pandas.api.types.is_string_dtype(trained):
            unseen = sorted(set(map(str, tested)) - set(map(str, trained)))
            if unseen:
                raise ValueError(f"the test data have labels that the training data lack: {', '.join(unseen[:10])}")


def _select(options):
    model = _load(options.model)
    source = sources.of_model(model, options.model)
    data = sources.read_labelled_data("DATA", options.data, source)
    if not (pathlib.Path(model.directory_) / "journal.jsonl").exists():
        raise FileNotFoundError(
            f"no search in {model.directory_}, the run directory of the model; call `autonas select` in the folder "
            "where `autonas fit` was called"
        )
    model.set_params(verbose=0 if options.quiet else 1).reopen(*data)
    model.select(**_limits(options))
    _print_score(model)
    _save(model, pathlib.Path(options.output or options.model), source)


def _evaluate(options):
    model = _load(options.model)
    _print_metrics(model, _labelled_data("DATA", options.data, model, options.model))


def _save(model, output, source):
    model.source_ = source
    model.save(str(output))
    print(f"model saved to {output}")


def _profile(options):
    x, y, _ = sources.read_training_data(options)

    sources.start_keras()
    from autonas.estimators import auto_model, profiling

    model_names = ("task", "search_space")
    model_arguments = {name: getattr(options, name) for name in model_names if getattr(options, name) is not None}
    model = auto_model.AutoModel(**model_arguments, verbose=0)
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
    images.is_folder(options.data)  # A missing file is an error before the model is loaded.
    model = _load(options.model)
    source = sources.of_model(model, options.model)
    sources.check_kind(f"the model was fitted on {{}}. Received: {options.data}", options.data, source)
    if source["kind"] == "images":
        x = sources.read_images(options.data, source)
    elif source["kind"] == "series":
        x = tables.read_series(options.data)
    else:
        x = _input_columns(tables.read_table(options.data, source.get("words", [])), model, source)
    frame = _prediction_table(model, x, source, options.probabilities)
    if source["kind"] == "images":
        frame.insert(0, "file", x.file_paths)
    frame.to_csv(sys.stdout if options.output is None else options.output, index=False)


def _labelled_data(name, path, model, directory):
    """Return the tuple `(x, y)` of data for a saved model, of a table the columns that the model was fitted on."""
    source = sources.of_model(model, directory)
    x, y = sources.read_labelled_data(name, path, source)
    return (_input_columns(x, model, source) if source["kind"] == "table" else x), y


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
        prediction = model.predict(x)
        if isinstance(prediction, list):  # One array for each head.
            return pandas.DataFrame(dict(zip(targets or range(len(prediction)), prediction, strict=True)))
        if isinstance(prediction, (pandas.Series, pandas.DataFrame)):  # A forecast.
            return tables.without_index(prediction)
        prediction = numpy.asarray(prediction)
        if prediction.ndim == 1:
            return pandas.DataFrame({"prediction": prediction})
        return pandas.DataFrame(prediction, columns=targets or None)
    if not hasattr(model, "predict_proba") or not hasattr(model, "classes_"):
        raise ValueError("`--probabilities` needs a classifier; this model predicts numbers")
    values, classes = model.predict_proba(x), model.classes_
    if not isinstance(values, list):
        columns = targets if model.task_ == "multilabel" and targets else list(map(str, classes))
        return pandas.DataFrame(numpy.asarray(values), columns=columns)
    frames = [
        pandas.DataFrame(probability, columns=[f"{target}={label}" for label in labels])
        for target, probability, labels in zip(targets or range(len(values)), values, classes, strict=True)
        if probability is not None  # A head that predicts numbers.
    ]
    return pandas.concat(frames, axis=1)


def _leaderboard(options):
    _check_folder(options.model)

    from autonas.estimators import description

    search = description.read_search(options.model)
    if options.csv:
        search.leaderboard().to_csv(sys.stdout, index=False)
    else:
        _print_leaderboard(search)


def _report(options):
    model = _load(options.model)
    data = ()
    if options.test is not None:
        data = _labelled_data("--test", options.test, model, options.model)
    model.report(options.output, *data, interactive=options.interactive)
    print(f"report written to {options.output}")


def _export(options):
    export = _load(options.model).export(options.output)
    print(f"model written to {export.path} and verified with {export.runtime}")


def _load(directory):
    """Return the fitted estimator in a folder."""
    _check_folder(directory)

    sources.start_keras()
    from autonas.estimators import auto_model

    return auto_model.AutoModel.load(directory)


def _check_folder(directory):
    if not pathlib.Path(directory).is_dir():
        raise FileNotFoundError(f"no such folder: {directory}")


def _print_leaderboard(model, max_rows=None):
    import rich.console

    from autonas.reporting import render

    rich.console.Console().print(render(model.leaderboard(), max_rows, model.objectives_))


def _print_score(model):
    (objective, _), *_ = model.objectives_
    print(f"best {objective}: {model.best_score_:.4f}")


def _print_metrics(model, data, prefix=""):
    for name, value in model.evaluate(*data).items():
        print(f"{prefix}{name}: {value:.4f}")


def _print_invitation(directory):
    from autonas.reporting import tensorboard

    command, address = tensorboard.invitation(pathlib.Path(directory) / "tensorboard").splitlines()
    print(f"view the run with: {command}\nat {address}")


def _message(error):
    """Return the message of an error as one line, with its class if the error is unexpected."""
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        text = " ".join(str(error).split())
    is_expected = isinstance(error, (ValueError, OSError, ImportError, RuntimeError))
    return text if is_expected and text else f"{type(error).__name__}: {text}"


_COMMANDS = {
    "demo": _demo,
    "fit": _fit,
    "select": _select,
    "profile": _profile,
    "predict": _predict,
    "evaluate": _evaluate,
    "leaderboard": _leaderboard,
    "report": _report,
    "export": _export,
}
