"""Rules about arguments that are refused together with folds, a splitter or columns of a validation."""

from autonas import oracles
from autonas.arguments import checks
from autonas.preparation import validation
from autonas.preparation.rule import STREAM, SUPERNET, Rule

_FOLDS = "`validation_folds` a number"

#: Rules about folds. Where one of them applies, there are no folds that the user didn't ask for.
_OF_FOLDS = [
    Rule(
        _FOLDS, STREAM,
        "`x` must be arrays for folds: a tf.data.Dataset is split as it is read",
        "Give arrays",
        received=("x", "validation_folds"),
        applies=lambda request: request.reads_stream,
    ),
    Rule(
        _FOLDS, "`validation_data` of `fit`",
        "`validation_data` must be None with folds, which are validation sets of `x`",
        "Leave one of the two out",
        received=("validation_data", "validation_folds"),
        applies=lambda request: request.data.validation_data is not None,
    ),
    Rule(
        _FOLDS, "`TimeSeriesForecaster`",
        "`validation_folds` and `validation` must ask for no folds of a TimeSeriesForecaster, which is validated on "
        "the last steps",
        "Use `validation_split`",
        received=("validation_folds",),
        applies=lambda request: request.in_order,
    ),
    Rule(
        _FOLDS, SUPERNET,
        "`validation_folds` and `validation` must ask for no folds with a supernet, whose weights are trained on one "
        "training set",
        "Use `validation_split`",
        received=("validation_folds", "strategy", "weight_sharing"),
        applies=lambda request: request.trains_supernet,
    ),
    Rule(
        _FOLDS,
        "short trainings that are continued: `fidelity` `'successive_halving'` or `'hyperband'`, their oracles, "
        "and oracles of Keras Tuner",
        "`validation_folds` and `validation` must ask for no folds where short trainings are continued, which are of "
        "one network each",
        "Set fidelity='full', or use `validation_split`",
        received=("validation_folds", "fidelity", "strategy"),
        applies=lambda request: request.fidelity in ("successive_halving", "hyperband")
        or oracles.is_low_fidelity(request.strategy)
        or oracles.is_keras_tuners(request.strategy),
    ),
]  # fmt: skip

_STRUCTURE = "`validation` a splitter or columns"
_OF_STRUCTURE = [
    Rule(
        _STRUCTURE, STREAM,
        "`x` must be arrays for a splitter or columns: a tf.data.Dataset is split as it is read",
        "Give arrays",
        received=("x", "validation"),
        applies=lambda request: validation.is_structured(request.validation) and request.reads_stream,
    ),
    Rule(
        _STRUCTURE, "`validation_data` of `fit`",
        "`validation_data` must be None with a splitter or columns, by which `x` is split",
        "Leave one of the two out",
        received=("validation_data", "validation"),
        applies=lambda request: validation.is_structured(request.validation)
        and request.data.validation_data is not None,
    ),
    Rule(
        _STRUCTURE, "`TimeSeriesForecaster`",
        "`validation` must be a share or None for a TimeSeriesForecaster, which is validated on the last steps",
        "Give a share",
        received=("validation",),
        applies=lambda request: validation.is_structured(request.validation) and request.in_order,
    ),
]  # fmt: skip

#: All rules of this module. The rules about folds hold for a number of folds that the user asked for.
RULES = [
    *(
        rule._replace(
            applies=lambda request, rule=rule: checks.is_integer(request.validation_folds) and rule.applies(request)
        )
        for rule in _OF_FOLDS
    ),
    *_OF_STRUCTURE,
]


def allows_folds(request):
    """Return whether candidates can be validated in folds."""
    return not any(rule.applies(request) for rule in _OF_FOLDS)
