"""Optimizers, their settings and the schedule of the learning rate, as values and as decisions."""

import keras
import keras_tuner
import pytest

import autonas
from autonas.backends import precision
from autonas.optimizers import fused_adam, fused_muon
from autonas.search_space import schedules


def built(optimization, **values):
    """The optimizer for some values, and the space."""
    hp = keras_tuner.HyperParameters()
    hp.values.update({f"optimization/{name}": value for name, value in values.items()})
    return optimization.build(hp), {declared.name.removeprefix("optimization/") for declared in hp.space}


def test_by_default_everything_but_the_optimizer_and_the_schedule_is_searched():
    optimizer, names = built(autonas.Optimization())
    assert isinstance(optimizer, fused_adam.FusedAdamW) and optimizer.clip_norm == 1.0
    assert names == {"learning_rate", "weight_decay", "batch_size", "epochs_share"}


def test_a_choice_of_names_is_a_decision():
    optimization = autonas.Optimization(autonas.Choice(["adamw", "sgd"]), learning_rate=0.5, weight_decay=0.0)
    optimizer, names = built(optimization, optimizer="sgd")
    assert type(optimizer) is keras.optimizers.SGD
    assert float(optimizer.learning_rate) == 0.5 and optimizer.global_clipnorm == 1.0
    assert names == {"optimizer", "batch_size", "epochs_share"}


def test_convolutions_may_be_trained_by_muon_in_the_precision_of_the_network():
    optimization = autonas.Optimization("convolution_muon", learning_rate=0.002, weight_decay=0.0)
    optimizer, _ = built(optimization)
    assert isinstance(optimizer, fused_muon.FusedMuon) and optimizer.compute_dtype == "float32"
    assert optimizer.clip_norm == 1.0 and float(optimizer.learning_rate) == pytest.approx(0.002)
    with precision.policy("mixed_bfloat16"):
        assert built(optimization)[0].compute_dtype == "bfloat16"


def test_an_object_is_copied_with_its_own_settings():
    own = keras.optimizers.SGD(0.25, momentum=0.9, clipnorm=3.0)
    optimizer, names = built(autonas.Optimization(own, batch_size=32, epochs_share=1.0))
    assert optimizer is not own and not names
    assert (float(optimizer.learning_rate), optimizer.momentum, optimizer.clipnorm) == (0.25, 0.9, 3.0)
    optimizer, names = built(autonas.Optimization(own, autonas.Float(0.1, 0.5, default=0.5)))
    assert float(optimizer.learning_rate) == 0.5 and optimizer.momentum == 0.9 and "learning_rate" in names


def test_the_schedule_may_be_a_decision():
    optimization = autonas.Optimization(schedule=autonas.Choice(["linear", "constant"]))
    assert optimization.schedule_of({"optimization/schedule": "constant"}) is schedules.constant
    assert autonas.Optimization().schedule_of({}) is schedules.cosine


def test_the_configuration_holds_an_optimizer():
    optimization = autonas.Optimization(keras.optimizers.SGD(0.25, momentum=0.9), schedule="constant")
    again = autonas.Optimization.from_config(optimization.get_config())
    assert again.optimizer.momentum == 0.9 and again.schedule == "constant"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"optimizer": "nothing"}, "`optimizer` must be the name of an optimizer of Keras"),
        ({"optimizer": 3}, "`optimizer` must be the name"),
        ({"schedule": "step"}, "`schedule` must be one of 'cosine', 'linear', 'constant'"),
        ({"schedule": autonas.Choice(["cosine", "step"])}, "Received: 'step'"),
        ({"batch_size": 0}, "`batch_size` must be a positive number of rows"),
        (
            {"learning_rate": "high"},
            "`learning_rate` must be a number, a range or None",
        ),
        (
            {"optimizer": keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))},
            "a SGD with a ExponentialDecay. Use `schedule`",
        ),
    ],
)
def test_other_values_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        autonas.Optimization(**arguments)
