"""Effort: whether short trainings come first follows from the data and the arguments."""

import numpy as np
import pytest

import autonas
from autonas import oracles
from autonas.data import features
from autonas.estimators import effort


def images(side, channels=1):
    tensor = features.Tensor((side, side, channels), "uint8")
    return [features.Feature("image", {"image": tensor}, {})]


def table(n_columns):
    return [features.Feature("table", {"numbers": features.Tensor((n_columns,), "float32")}, {})]


def fidelity(n_train, of, is_stream=False, **arguments):
    return effort.fidelity(autonas.AutoModel(**arguments), n_train, of, is_stream)


def test_many_images_are_searched_by_short_trainings_first():
    assert fidelity(8000, images(28)) == ("successive_halving", {"min_epochs": 1})


def test_the_shortest_training_takes_about_as_long_as_the_tracing():
    name, arguments = fidelity(2000, images(28), epochs=100)
    assert name == "successive_halving" and arguments == {"min_epochs": 4}
    assert 2000 * 28 * 28 * arguments["min_epochs"] == pytest.approx(6e6, rel=0.1)


def test_less_than_an_epoch_is_one_on_a_share_of_the_rows():
    name, arguments = fidelity(40_000, images(32, 3), epochs=20)
    assert name == "successive_halving" and arguments == {"min_epochs": 1, "min_data_share": pytest.approx(0.4)}
    # A stream is read whole.
    assert fidelity(40_000, images(32, 3), is_stream=True, epochs=20) == (name, {"min_epochs": 1})


@pytest.mark.parametrize("n_train, of", [(120, table(4)), (39_000, table(14)), (1437, images(8))])
def test_what_is_trained_in_seconds_is_trained_in_full(n_train, of):
    assert fidelity(n_train, of) == ("full", {})


@pytest.mark.parametrize(
    "arguments",
    [
        {"fidelity": "full"},
        {"max_trials": 8},
        {"preset": "fast"},
        {"objective": ["val_accuracy", "params"]},
        {"weight_sharing": True},
        {"strategy": "gradient"},
        {"strategy": oracles.HyperbandOracle()},
        {"strategy": oracles.LearningCurveOracle()},
    ],
)
def test_where_it_could_not_be_or_leaves_too_few_all_are_trained_in_full(arguments):
    assert fidelity(8000, images(28), **arguments) == ("full", {})


def test_with_a_time_limit_there_is_no_number_of_trials():
    assert fidelity(8000, images(28), time_limit=60)[0] == "successive_halving"
    assert fidelity(8000, images(28), time_limit=60, max_trials=4)[0] == "full"


def test_it_is_so_through_fit(folder):
    generator = np.random.default_rng(0)
    x, y = generator.integers(0, 255, (600, 48, 48), "uint8"), generator.integers(0, 2, 600)
    x[y == 1, :, 20:28] = 255
    model = autonas.ImageClassifier(
        max_trials=9, epochs=80, strategy="random", refit=False, patience=1, seed=0, tensorboard=False, verbose=0
    )
    searched = model.fit(x, y).leaderboard().query("stage == 'search'")
    assert searched["tuner/epochs"].min() == 5 and "optimization/epochs_share" not in searched
    assert model.stop_reason_ == "patience"
