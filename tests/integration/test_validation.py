"""The validation set has the structure of the data: a leak that a random split rewards gains nothing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import TimeSeriesSplit

import autonas

pytestmark = pytest.mark.usefixtures("folder")

BUDGET = {"max_trials": 1, "tensorboard": False, "verbose": 0, "seed": 0, "refit": False, "ensemble": None}


def patients(n_patients=60, n_visits=10):
    """Rows of patients with a weak sign of their class, and a leak: a number that every patient has to himself.

    The class of a patient is a coin toss, so that the number of a new patient says nothing.
    """
    generator = np.random.default_rng(0)
    patient = np.repeat(np.arange(n_patients), n_visits)
    sick = generator.integers(2, size=n_patients)[patient]
    sign = sick + generator.normal(size=len(patient))
    return pd.DataFrame({"sign": sign, "patient": [f"p{number}" for number in patient]}), sick


def score(x, y, validation):
    model = autonas.StructuredDataClassifier(
        objective="val_accuracy", validation=validation, hyperparameters={"structured_data_block_1/kind": "trees"},
        **BUDGET,
    )  # fmt: skip
    return model.fit(x, y).best_score_


def test_a_planted_leak_gains_under_a_random_split_and_nothing_under_groups():
    x, y = patients()
    groups = {"group_on": "patient", "folds": 3}
    without = x.assign(patient=0)
    random_gain = score(x, y, 3) - score(without, y, 3)
    assert random_gain >= 0.10
    # The model without the leak is validated on the same sets.
    splitter = GroupFolds(x.patient)
    assert score(x, y, groups) - score(without, y, splitter) <= 0.01


class GroupFolds:
    """The sets that `{"group_on": "patient", "folds": 3}` gives, for rows that lack the column."""

    def __init__(self, groups):
        self.groups = groups

    def get_n_splits(self, x=None, y=None, groups=None):
        return 3

    def split(self, x, y=None, groups=None):
        from autonas.data import splits

        return splits.validation_folds(y, "binary", 3, self.groups, np.random.default_rng(0))


def test_a_splitter_of_scikit_learn_gives_the_folds(iris):
    x, y = iris
    order = np.random.default_rng(0).permutation(len(x))
    model = autonas.AutoModel(**BUDGET, epochs=2, validation=TimeSeriesSplit(3)).fit(x[order], y[order])
    (head,) = model.validation_predictions_
    expected = np.concatenate([validated for _, validated in TimeSeriesSplit(3).split(x)])
    np.testing.assert_array_equal(head.truth, y[order][expected])


def test_repeated_folds_score_each_row_several_times_and_serve_all_networks(iris):
    arguments = {**BUDGET, "epochs": 2, "hyperparameters": {"structured_data_block_1/kind": "dense"}}
    once = autonas.StructuredDataClassifier(**arguments, validation=3).fit(*iris)
    thrice = autonas.StructuredDataClassifier(**arguments, validation={"folds": 3, "repeats": 3}).fit(*iris)
    (head,) = thrice.validation_predictions_
    assert np.bincount(head.truth).tolist() == [150, 150, 150]
    assert thrice.model_.count_params() == 3 * once.model_.count_params()
    (few,), (many,) = (model.leaderboard().query("stage == 'search'").standard_error for model in (once, thrice))
    assert 0.7 < many / few < 1.4


def test_a_search_goes_on_with_the_same_validation_only(iris, tmp_path):
    x = pd.DataFrame(iris[0]).set_axis(list("abcd"), axis=1)
    arguments = {**BUDGET, "epochs": 1, "directory": tmp_path / "run"}
    autonas.AutoModel(**arguments, validation={"stratify_on": "d"}).fit(x.assign(d=iris[1]), iris[1])
    again = autonas.AutoModel(**arguments, validation={"stratify_on": "d"}).fit(x.assign(d=iris[1]), iris[1])
    assert len(again.leaderboard().query("stage == 'search'")) == 1
    with pytest.raises(ValueError, match="holds a search of something else.*validation"):
        autonas.AutoModel(**arguments).fit(x.assign(d=iris[1]), iris[1])


@pytest.mark.parametrize(
    "arguments, fit, message",
    [
        ({"validation": {"group_on": "a"}}, {"validation_data": ([[0.0]], [0])}, "`validation_data` must be None"),
        ({"validation": TimeSeriesSplit(3), "weight_sharing": True}, {}, "with a supernet"),
        ({"validation": 0.2, "validation_folds": 3}, {}, "`validation_folds` must be 'auto' or None"),
        ({"validation": 0.2}, {"validation_split": 0.3}, "`validation_split` must be None beside `validation`"),
    ],
)
def test_what_does_not_go_together_is_refused(iris, arguments, fit, message):
    with pytest.raises(ValueError, match=message):
        autonas.AutoModel(**BUDGET, **arguments).fit(*iris, **fit)


def test_a_forecaster_is_validated_on_the_last_steps_whose_share_may_be_given():
    series = np.sin(np.arange(80) / 3)
    model = autonas.TimeSeriesForecaster(4, 1, **BUDGET, epochs=1, validation=0.5).fit(series)
    assert len(model.validation_predictions_[0].truth) == 38
    with pytest.raises(
        ValueError, match="`validation` must ask for no folds of a TimeSeriesForecaster.*: validation=5"
    ):
        autonas.TimeSeriesForecaster(4, 1, **BUDGET, validation=5).fit(series)
    with pytest.raises(ValueError, match="`validation` must be a share or None for a TimeSeriesForecaster"):
        autonas.TimeSeriesForecaster(4, 1, **BUDGET, validation={"time_on": 0}).fit(series)
