"""Reserved names: a trial's values say how it is evaluated, under Keras Tuner's prefix."""

import pytest

from autonas.trials import reserved
from autonas.trials.states import Stage


def test_the_names_are_those_that_keras_tuner_uses():
    assert (reserved.EPOCHS, reserved.INITIAL_EPOCH) == ("tuner/epochs", "tuner/initial_epoch")
    assert (reserved.TRIAL_ID, reserved.BRACKET) == ("tuner/trial_id", "tuner/bracket")


def test_an_architecture_has_no_reserved_names():
    values = {"units": 3, "tuner/epochs": 9, "tuner/anything": 1}
    assert reserved.architecture(values) == {"units": 3}
    assert values["tuner/epochs"] == 9


@pytest.mark.parametrize(
    ("values", "stage"),
    [
        ({"units": 3}, Stage.SEARCH),
        ({"tuner/stage": "train"}, Stage.SEARCH),
        ({"tuner/stage": "supernet"}, Stage.SUPERNET),
        ({"tuner/stage": "one_shot"}, Stage.ONE_SHOT),
    ],
)
def test_the_stage_of_a_trial_is_in_its_values(values, stage):
    assert reserved.stage_of(values) == stage
    assert reserved.is_candidate(values) == (stage == Stage.SEARCH)


def test_an_unknown_stage_is_refused():
    with pytest.raises(ValueError, match="'elsewhere' is not a valid Stage"):
        reserved.stage_of({"tuner/stage": "elsewhere"})


def test_a_trial_without_a_number_of_epochs_counts_as_trained_for_0():
    assert reserved.epochs({"tuner/epochs": 9}) == 9
    assert reserved.epochs({"tuner/epochs": None}) == reserved.epochs({}) == 0


def test_a_training_from_the_weights_of_a_supernet_is_full():
    assert reserved.epochs({"tuner/supernet_epochs": 15, "tuner/epochs": 2}) == reserved.epochs({})


def test_a_trial_that_begins_after_epochs_of_another_is_continued():
    assert reserved.is_continued({"tuner/initial_epoch": 3})
    assert not reserved.is_continued({"tuner/initial_epoch": 0}) and not reserved.is_continued({})
