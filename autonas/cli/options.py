"""Parser of the command line's options."""

import argparse

import autonas
from autonas.cli import images, tables


class _Parser(argparse.ArgumentParser):
    """A parser that prints errors on one line."""

    def error(self, message):
        self.exit(2, f"autonas: error: {message} (see `{self.prog} --help`)\n")


#: Values of options, written out here because their modules take seconds to import. A test compares them.
CHOICES = {
    "--search-space": ["chain", "cell", "hierarchical", "layered"],
    "--strategy": [
        "auto", "bayesian", "evolution", "local_search", "random", "reinforcement", "gradient",
    ],
    "--fidelity": ["auto", "full", "successive_halving", "hyperband", "learning_curve"],
    "--executor": ["inline", "process", "ray"],
    "--preset": ["fast", "balanced", "best"],
    "--precision": ["auto", "float32", "mixed_bfloat16", "mixed_float16"],
    "--task": ["classification", "binary", "multiclass", "multilabel", "regression"],
    "--runtime": ["litert", "onnx", "keras"],
}  # fmt: skip


def _limit(text):
    name, _, limit = text.partition("=")
    try:
        if name:
            return name, float(limit)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be a name and a number, such as latency_ms=5. Received: {text}")


def image_size(text):
    """Parse `28` or `28x32` (height x width) as [height, width]."""
    height, _, width = text.partition("x")
    size = [int(height), int(width or height)]
    if min(size) < 1:
        raise ValueError
    return size


image_size.__name__ = "image size"  # argparse shows the name of the type in its error message.


def _add_choice(command, option, text, **arguments):
    """Add an option that takes one of its `CHOICES`."""
    command.add_argument(option, choices=CHOICES[option], help=text, **arguments)


def parser(commands):
    """Build the parser of the command line.

    Args:
        commands: Dict from the name of a command to a function of the parsed options.
    """
    root = _Parser(prog="autonas", description="Finds a Keras model for a data set.")
    root.add_argument("--version", action="version", version=f"autonas {autonas.__version__}")
    subparsers = root.add_subparsers(required=True, metavar="command", parser_class=_Parser)

    def add(name, text):
        subparser = subparsers.add_parser(name, help=text, description=text)
        subparser.set_defaults(command=commands[name])
        subparser.add_argument("--debug", action="store_true", help="show the traceback of an error")
        return subparser

    demo = add("demo", "search a classifier for scikit-learn's digits")
    demo.add_argument("--max-trials", type=int, default=3, metavar="N", help="maximum number of trials, default 3")
    demo.add_argument("--time-limit", type=float, metavar="S", help="time limit in seconds, default none")
    demo.add_argument(
        "--directory",
        default="autonas_demo",
        help="run directory, default autonas_demo; an interrupted demo resumes",
    )
    overwriting = "delete an earlier search in the run directory first"
    demo.add_argument("--overwrite", action="store_true", help=overwriting)
    demo.add_argument("--seed", type=int, default=0, help="seed of all random numbers, default 0")

    fit = add("fit", "search a model for a table or a folder of images")
    fit.add_argument("--output", required=True, metavar="DIR", help="folder the fitted model is saved to")
    fit.add_argument("--test", metavar="DATA", help="test set in the format of DATA, to score the final model")
    fit.add_argument("--time-limit", type=float, metavar="S", help="time limit in seconds, including the final fit")
    fit.add_argument("--max-trials", type=int, metavar="N", help="maximum number of trials")
    fit.add_argument("--epochs", type=int, metavar="N", help="maximum number of epochs per trial")
    _add_choice(fit, "--strategy", "search strategy, default auto")
    fit.add_argument(
        "--weight-sharing", action="store_const", const=True, help="rank candidates by the scores of a supernet"
    )
    _add_choice(fit, "--fidelity", "full trainings, or a schedule of short trainings; default auto")
    fit.add_argument("--workers", dest="n_workers", type=int, metavar="N", help="number of concurrent trials")
    _add_choice(fit, "--executor", "executor of the trials, default process with several workers, otherwise inline")
    fit.add_argument(
        "--objective", action="append", metavar="NAME",
        help="objective, e.g. val_accuracy or latency_ms; repeat for a Pareto front",
    )  # fmt: skip
    fit.add_argument(
        "--limit",
        action="append",
        type=_limit,
        metavar="COST=LIMIT",
        help="constraint on a cost, e.g. latency_ms=5 or model_size_mb=2; repeat for several",
    )
    fit.add_argument("--ensemble", type=int, metavar="K", help="serve an ensemble of at most K trials")
    _add_choice(fit, "--preset", "number of trials and epochs, default balanced")
    _add_choice(fit, "--precision", "precision of the trainings, default auto, which depends on the device")
    fit.add_argument("--seed", type=int, help="seed of all random numbers, default: drawn")
    fit.add_argument("--directory", metavar="DIR", help="run directory; an interrupted search is resumed")
    fit.add_argument("--overwrite", action="store_const", const=True, help=overwriting)
    fit.add_argument("--quiet", action="store_true", help="print the results only")

    profile = add("profile", "measure the latencies of the operations in a search space on this device")
    profile.add_argument(
        "--device-out", required=True, metavar="FILE", help="JSON file of the latency table, for Latency(table=...)"
    )
    _add_choice(profile, "--runtime", "run time, default litert", default="litert")
    for option, name, default, text in (
        ("--batch-size", "batch_size", 1, "rows of a prediction"),
        ("--threads", "n_threads", 1, "threads of the run time"),
        ("--architectures", "n_architectures", 100, "architectures whose operations are measured"),
        ("--check", "n_checked", 12, "architectures measured directly to estimate the error"),
    ):
        text = f"{text}, default {default}"
        profile.add_argument(option, dest=name, type=int, default=default, metavar="N", help=text)
    profile.add_argument("--seed", type=int, default=0, help="seed of the architectures, default 0")
    profile.add_argument("--quiet", action="store_true", help="print the error only")

    for command in (fit, profile):
        command.add_argument("data", help=f"table ({tables.SUFFIXES}), or folder with one folder of images per class")
        command.add_argument(
            "--target",
            action="append",
            metavar="COLUMN",
            help="target column, required for a table; repeat for several targets",
        )
        _add_choice(command, "--search-space", "space of architectures, default: the usual families of networks")
        _add_choice(command, "--task", "task, default: inferred from the target")
        command.add_argument(
            "--image-size",
            type=image_size,
            metavar="HxW",
            help=f"size of the images after resizing; default: size of the first image, at most {images.LARGEST_SIDE}",
        )

    select = add("select", "train another architecture of the Pareto front, without searching again")
    select.add_argument("model", help="folder that `autonas fit` wrote")
    select.add_argument("data", help="the training data")
    select.add_argument(
        "--limit",
        action="append",
        required=True,
        type=_limit,
        metavar="OBJECTIVE=LIMIT",
        help="limit of an objective, e.g. latency_ms=4; repeat for several",
    )
    select.add_argument("--output", metavar="DIR", help="folder the model is saved to; default: its own folder")
    select.add_argument("--quiet", action="store_true", help="print the results only")

    evaluate = add("evaluate", "score a fitted model on new data with known targets")
    evaluate.add_argument("model", help="folder that `autonas fit` wrote")
    evaluate.add_argument("data", help="table with the target columns, or folder with one folder of images per class")

    predict = add("predict", "predict new data with a fitted model")
    predict.add_argument("model", help="folder that `autonas fit` wrote")
    predict.add_argument("data", help="table, with or without the target column, or folder of images")
    predict.add_argument("--output", metavar="FILE", help="CSV file; default: standard output")
    predict.add_argument("--probabilities", action="store_true", help="print one column of probabilities per class")

    leaderboard = add("leaderboard", "show all trials of a search")
    leaderboard.add_argument("model", help="folder that `autonas fit` wrote")
    leaderboard.add_argument("--csv", action="store_true", help="all columns, as CSV")

    report = add("report", "write a report of a search as one HTML page")
    report.add_argument("model", help="folder that `autonas fit` wrote")
    report.add_argument("output", help="HTML file")
    report.add_argument("--test", metavar="DATA", help="labelled data that explains the model: scores and features")
    report.add_argument("--interactive", action="store_true", help="charts that can be zoomed (autonas[interactive])")

    export = add("export", "export the model to a run time and verify the export")
    export.add_argument("model", help="folder that `autonas fit` wrote")
    export.add_argument("output", help="a .keras, .onnx or .tflite file, or a folder for a SavedModel")
    return root
