"""Combinations of arguments that are refused: one table of rules, which `fit` checks and the documentation prints."""

import dataclasses

import keras

from autonas import execution, oracles
from autonas.data import is_stream
from autonas.data.fit_data import FitData
from autonas.preparation import validation_rules
from autonas.preparation.rule import STREAM, SUPERNET, Rule

_ELSEWHERE = "trials in other processes: `executor` `'process'` or `'ray'`, `n_workers` of 2 or more"
_GRAPH = "a drawn graph: `inputs` and `outputs`"
_KERAS_TUNERS = "an oracle of Keras Tuner as `strategy`"
_FINALIST_EPOCHS = "`finalist_epochs` of a `WeightSharingOracle`"
_ENDS_EARLY = "a strategy that ends trainings early itself, such as `HyperbandOracle`"


def _is_forecaster_with(name):
    return lambda request: request.in_order and getattr(request, name) is not None


#: Rules about the arguments alone.
OF_ARGUMENTS = [
    Rule(
        "`inputs`", "no `outputs`",
        "`inputs` and `outputs` must be given together: they are the two ends of a graph of blocks",
        "Give both, or none for the default graph",
        received=("inputs", "outputs"),
        applies=lambda request: not request.in_order and (request.inputs is None) != (request.outputs is None),
    ),
    Rule(
        _GRAPH, "`search_space`",
        "`search_space` is for the default graph",
        "Use its block in the graph, such as autonas.CellBlock()",
        received=("search_space",),
        applies=lambda request: request.inputs is not None and request.search_space is not None,
    ),
    *(
        Rule(
            _GRAPH, f"`{name}`",
            f"`{name}` must be given to the heads of your graph, not beside it",
            f"Give it to the head, such as autonas.ClassificationHead({name}=...)",
            received=(name,),
            applies=lambda request, name=name: request.inputs is not None and getattr(request, name) is not None,
        )
        for name in ("loss", "num_classes")
    ),
    *(
        Rule(
            "`TimeSeriesForecaster`", f"`{name}`",
            f"`{name}` must be None for a TimeSeriesForecaster, {why}",
            advice, received=(name,), applies=_is_forecaster_with(name),
        )
        for name, why, advice in [
            ("inputs", "whose network corrects a linear forecast of the windows that it cuts itself",
             "Use `search_space`, or `from autonas.data import make_windows` to cut windows for an AutoModel with a "
             "graph"),
            ("outputs", "whose network corrects a linear forecast of the windows that it cuts itself",
             "Use `search_space`, or `from autonas.data import make_windows` to cut windows for an AutoModel with a "
             "graph"),
            ("num_classes", "which forecasts numbers", "Use a TimeSeriesClassifier for classes"),
            ("class_weight", "which forecasts numbers", "Use a TimeSeriesClassifier for classes"),
        ]
    ),
    *(
        Rule(
            f"a class for {fixed}, such as `{example}`", "another `task`",
            f"`task` must be None or a kind of {fixed}, which the class is for",
            "Use AutoModel, or the class of that task",
            received=("task",),
            applies=lambda request, fixed=fixed: request.fixed_task == fixed and request.task
            and (fixed == "regression") != (request.task == "regression"),
        )
        for fixed, example in [("classification", "ImageClassifier"), ("regression", "TimeSeriesForecaster")]
    ),
    Rule(
        "`executor` an object", "`n_workers`",
        "`n_workers` must be None with an executor that is an object, which has its own",
        "Give the number to the object",
        received=("n_workers", "executor"),
        applies=lambda request: isinstance(request.executor, execution.Executor) and request.n_workers is not None,
    ),
    Rule(
        "`executor='inline'`", "`n_workers` of 2 or more",
        "`n_workers` must be 1 or None with executor='inline', which is this process alone",
        "Use executor='process'",
        received=("n_workers",),
        applies=lambda request: request.executor == "inline" and request.n_workers not in (None, 1),
    ),
    Rule(
        "several GPUs for one trial", "the TensorFlow and PyTorch backends",
        '`gpus_per_trial` (on Ray, the "gpu" of `resources_per_trial`) must be 1 at most on this backend: Keras trains '
        "one network on several GPUs on JAX only",
        "Set the environment variable KERAS_BACKEND=jax, or give each trial one GPU, and several trials at a time",
        received=("executor",),
        applies=lambda request: request.trial_executor.gpus_per_trial > 1 and keras.backend.backend() != "jax",
    ),
    Rule(
        "`ensemble` of 2 or more", "a `CustomScore` as objective",
        "`ensemble` must be 'auto' or None with a CustomScore, which can't be computed from averaged predictions",
        "Use a metric, or leave `ensemble` out",
        received=("ensemble", "objective"),
        applies=lambda request: not isinstance(request.ensemble, str) and (request.ensemble or 1) > 1
        and request.has_custom_score,
    ),
    Rule(
        _KERAS_TUNERS, "several objectives",
        "`objective` must be a single one with an oracle of Keras Tuner",
        "For several use a strategy of autonas, such as 'bayesian' or 'evolution'",
        received=("objective", "strategy"),
        applies=lambda request: oracles.is_keras_tuners(request.strategy) and request.has_several_objectives,
    ),
    Rule(
        "`fidelity='learning_curve'`, or a `LearningCurveOracle`", "several objectives",
        "`objective` must be a single one where trials are stopped that can't become the best: of a Pareto front, none "
        "is",
        "Give a combination of them, such as autonas.objectives.WeightedSum, or another `fidelity`",
        received=("objective",),
        applies=lambda request: (
            request.fidelity == "learning_curve" or isinstance(request.strategy, oracles.LearningCurveOracle)
        )
        and request.has_several_objectives,
    ),
    Rule(
        "`fidelity` other than `'auto'` and `'full'`", _ENDS_EARLY,
        "`fidelity` must be 'auto' or 'full' with a strategy that ends trainings early itself",
        "Give one of the two",
        received=("fidelity", "strategy"),
        applies=lambda request: request.fidelity not in ("auto", "full") and oracles.is_low_fidelity(request.strategy),
    ),
    Rule(
        "`epochs`", f"another `max_epochs` of {_ENDS_EARLY}",
        "`epochs` must be equal to the `max_epochs` of a strategy that ends trainings early itself, which plans their "
        "lengths by it",
        "Leave one of the two out, or give both the same number: the `max_epochs` of "
        "keras_tuner.oracles.HyperbandOracle is 100 by default",
        received=("epochs", "strategy.max_epochs"),
        applies=lambda request: request.epochs is not None
        and request.inner("max_epochs", None) not in (None, request.epochs),
    ),
    Rule(
        "`weight_sharing=True`", _KERAS_TUNERS,
        "`weight_sharing` must be False with an oracle of Keras Tuner, which can't be asked for thousands of scores",
        "Use a strategy of autonas",
        received=("weight_sharing", "strategy"),
        applies=lambda request: request.weight_sharing and oracles.is_keras_tuners(request.strategy),
    ),
    Rule(
        "`weight_sharing=True`", "`strategy='gradient'`, or an oracle that trains a supernet",
        "`weight_sharing` must be False with a strategy that trains a supernet by itself",
        "Leave one of the two out",
        received=("weight_sharing", "strategy"),
        applies=lambda request: request.weight_sharing and oracles.needs_supernet(request.strategy),
    ),
    Rule(
        "`warm_start`", f"{SUPERNET}; {_KERAS_TUNERS}",
        "`warm_start` must be None with a strategy that trains a supernet, whose scores are of other weights, and with "
        "an oracle of Keras Tuner",
        "Use another strategy of autonas, such as 'bayesian'",
        received=("warm_start", "strategy", "weight_sharing"),
        applies=lambda request: request.warm_start not in (None, False)
        and (request.trains_supernet or oracles.is_keras_tuners(request.strategy)),
    ),
    Rule(
        SUPERNET, "`max_trials=1`",
        "`max_trials` must be at least 2 with a supernet: the default architecture and a finalist",
        "Give more trials",
        received=("max_trials",),
        applies=lambda request: request.trains_supernet and request.max_trials == 1,
    ),
    Rule(
        "`WeightSharingOracle(inherit=True)`", "`executor='ray'`, or an executor of your own",
        "`inherit` must be False where trials may run on other machines: the supernet's weights are files of this one",
        "Use executor='process' or 'inline'",
        received=("executor", "strategy"),
        applies=lambda request: request.inner("inherit", False) and request.is_elsewhere,
    ),
    Rule(
        _FINALIST_EPOCHS, "`fidelity` `'successive_halving'` or `'hyperband'`, or their oracles",
        "`finalist_epochs` must be None where short trainings are continued, whose schedule sets the number of epochs",
        "Leave it out, or set fidelity='full'",
        received=("strategy.finalist_epochs", "fidelity", "strategy"),
        applies=lambda request: request.inner("finalist_epochs", None) is not None
        and (
            request.fidelity in ("successive_halving", "hyperband")
            or isinstance(request.strategy, oracles.SuccessiveHalvingOracle)
        ),
    ),
    Rule(
        _FINALIST_EPOCHS, "fewer `epochs`",
        "`finalist_epochs` must be at most `epochs`, the number of epochs of a full training",
        "Lower it, or give more `epochs`",
        received=("strategy.finalist_epochs", "epochs"),
        applies=lambda request: request.epochs is not None
        and (request.inner("finalist_epochs", None) or 0) > request.epochs,
    ),
    Rule(
        "`hyperparameters`", SUPERNET,
        "`hyperparameters` must be None with a supernet, whose branches are all values of its decisions",
        "Draw a graph whose blocks have fewer values, or use another `strategy`",
        received=("hyperparameters", "strategy", "weight_sharing"),
        applies=lambda request: request.hyperparameters is not None and request.trains_supernet,
    ),
    Rule(
        "an oracle of autonas as `strategy`", "its own `hyperparameters`",
        "`strategy` must be an oracle without `hyperparameters`: it searches the space of the networks",
        "Give them to the argument `hyperparameters` of the estimator instead, which narrows this space",
        received=("strategy",),
        applies=lambda request: _has_space(request.strategy),
    ),
    Rule(
        STREAM, SUPERNET,
        "`x` must be arrays for a strategy that trains a supernet, whose every step draws rows",
        "Give arrays, or set `weight_sharing=False` and another `strategy`",
        received=("x", "strategy", "weight_sharing"),
        applies=lambda request: request.reads_stream and request.trains_supernet,
    ),
    Rule(
        STREAM, _ELSEWHERE,
        "`x` must be arrays for trials in other processes: a tf.data.Dataset can't travel",
        "Give arrays, or executor='inline'",
        received=("x", "executor", "n_workers"),
        applies=lambda request: request.reads_stream and not request.is_inline,
    ),
    *(
        Rule(
            STREAM, f"`{name}` of `fit`",
            f"`{name}` must be None if `x` is a tf.data.Dataset",
            "Give a dataset of (x, y) or (x, y, sample_weight)",
            received=(name,),
            applies=lambda request, name=name: request.reads_stream and getattr(request.data, name) is not None,
        )
        for name in ("y", "sample_weight", "groups")
    ),
    Rule(
        STREAM, "`validation_data` of arrays",
        "`validation_data` must be a tf.data.Dataset if `x` is one",
        "Give a dataset of (x, y)",
        received=("validation_data",),
        applies=lambda request: request.reads_stream
        and request.data.validation_data is not None and not is_stream(request.data.validation_data),
    ),
    Rule(
        STREAM,
        "several inputs or heads",
        "`x` must be arrays for several inputs or heads: a tf.data.Dataset serves one input and one head",
        "Give arrays",
        received=("x",),
        applies=lambda request: (
            request.reads_stream
            and (_is_several(request.inputs) or _is_several(request.outputs) or _has_parts(request.data.x))
        ),
    ),
    Rule(
        STREAM,
        "the JAX and PyTorch backends",
        "`x` must be arrays on this backend: a tf.data.Dataset, and a loader, is trained on by TensorFlow only",
        "Give arrays, or set the environment variable KERAS_BACKEND=tensorflow",
        received=("x",),
        applies=lambda request: request.reads_stream and keras.backend.backend() != "tensorflow",
    ),
    Rule(
        STREAM, "a `CustomScore` as objective",
        "`objective` can't be a CustomScore for a tf.data.Dataset: its function is given all validation rows",
        "Give arrays, or use a metric",
        received=("objective",),
        applies=lambda request: request.reads_stream and request.has_custom_score,
    ),
    *(
        Rule(
            STREAM, f"`{name}` below 1 of a `SuccessiveHalvingOracle`",
            f"`strategy.{name}` must be 1 for a tf.data.Dataset, which is read whole",
            "Give arrays, or shorten trainings by their epochs alone",
            received=(f"strategy.{name}",),
            applies=lambda request, name=name: request.reads_stream and request.inner(name, 1) < 1,
        )
        for name in ("min_data_share", "min_resolution")
    ),
    *validation_rules.RULES,
]  # fmt: skip

#: Rules about the arguments and the kinds of the data.
OF_DATA = [
    Rule(
        "a table alone", "`search_space` other than `'layered'`",
        "`search_space` must be 'layered' for tables, or None",
        "The other spaces are of networks on images, series and texts",
        received=("search_space",),
        applies=lambda request: set(request.kinds) == {"table"}
        and request.search_space in ("chain", "cell", "hierarchical"),
    ),
    Rule(
        "data without images", "`min_resolution` below 1 of a `SuccessiveHalvingOracle`",
        "`strategy.min_resolution` must be 1 for data without images",
        "Use `min_data_share`",
        received=("strategy.min_resolution",),
        applies=lambda request: "image" not in request.kinds and request.inner("min_resolution", 1) < 1,
    ),
    Rule(
        "numbers, several labels, or several heads to predict", "`class_weight`",
        "`class_weight` needs a single target of two or more classes",
        "Use the `sample_weight` of `fit`, or the `loss_weight` of heads",
        received=("class_weight",),
        applies=lambda request: request.class_weight is not None
        and (len(request.tasks) > 1 or request.tasks[0] not in ("binary", "multiclass")),
    ),
    Rule(
        "anything to predict but two classes", "`threshold`",
        "`threshold` must be 0.5 unless there is one target of two classes",
        "Leave it out",
        received=("threshold",),
        applies=lambda request: request.threshold != 0.5 and request.tasks != ["binary"],
    ),
    Rule(
        "several heads without a drawn graph", "`loss` or `num_classes`",
        "`loss` and `num_classes` must be None for several heads, of which each has its own",
        "Draw a graph, and give them to its heads",
        received=("loss", "num_classes"),
        applies=lambda request: len(request.tasks) > 1
        and (request.loss is not None or request.num_classes is not None),
    ),
]  # fmt: skip


def check_arguments(request):
    """Raise a `ValueError` for the first combination of arguments that is refused."""
    _check(OF_ARGUMENTS, request)


def check_data(request, kinds, tasks):
    """Raise a `ValueError` for the first combination of arguments and data that is refused.

    Args:
        request: The `Request`.
        kinds: Kind of each input.
        tasks: Task of each head.
    """
    _check(OF_DATA, dataclasses.replace(request, kinds=kinds, tasks=tasks))


def table():
    """Return the rules as a table of the documentation, in Markdown."""
    rows = [f"| {rule.one} | {rule.other} | {rule.message}. {rule.advice}. |" for rule in [*OF_ARGUMENTS, *OF_DATA]]
    return "\n".join(["| this | with that | why, and what to do |", "| --- | --- | --- |", *rows])


def _check(rules, request):
    for rule in rules:
        if rule.applies(request):
            names = [_given(request, name) for name in rule.received]
            values = [f"{name}={_shown(request, name)}" for name in names]
            raise ValueError(f"{rule.message}. {rule.advice}. Received: {', '.join(values)}")


def _given(request, name):
    """Return the name of the argument that was given: folds may be those of `validation`."""
    return "validation" if name == "validation_folds" and request.validation is not None else name


def _shown(request, name):
    if name in FitData.__dataclass_fields__:
        value = getattr(request.data, name)
        return "None" if value is None else type(value).__name__
    if name.startswith("strategy."):
        return repr(request.inner(name.removeprefix("strategy."), None))
    value = getattr(request, name)
    if isinstance(value, oracles.Oracle) or oracles.is_keras_tuners(value) and name == "strategy":
        return repr(type(getattr(value, "oracle", value)).__name__)
    if name == "objective":
        value = [getattr(objective, "name", objective) for objective in request.objectives]
    return f"{value!r:.100}"


def _has_space(strategy):
    """Whether a space was given to an oracle of autonas, or to the oracle inside."""
    if not isinstance(strategy, oracles.Oracle):
        return False
    return strategy.arguments.get("hyperparameters") is not None or _has_space(getattr(strategy, "strategy", None))


def _is_several(ends):
    return isinstance(ends, (list, tuple)) and len(ends) > 1


def _has_parts(dataset):
    """Whether the elements of a dataset hold several inputs or several targets; a dict of inputs is one table."""
    spec = dataset.element_spec
    return (
        isinstance(spec, tuple)
        and len(spec) > 1
        and (isinstance(spec[0], (tuple, list)) or isinstance(spec[1], (tuple, list, dict)))
    )
