"""Fitters are run on the rows whose inputs can be computed in time."""

import dataclasses
import itertools
import types

import keras
import numpy as np
import pytest
import threadpoolctl

from autonas.data.dataset import ArrayDataset
from autonas.evaluation import fitting
from autonas.search_space.fitted import fitters


def blas_threads():
    """Return the numbers of threads of the libraries of linear algebra, a set."""
    return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}


class Recorder(fitters.Fitter):
    """A fitter that keeps the rows it receives."""

    uses_validation = False

    def fit(self, training, validation, generator, deadline=None):
        self.training = training
        self.n_threads = blas_threads()
        return {}


@pytest.fixture
def problem(monkeypatch):
    """A network with a fitter, and its data set of 300 rows, of which 10 are computed in a second."""
    inputs = keras.Input((1,), name="x")
    layer = keras.layers.Dense(1, kernel_initializer="ones", trainable=False)
    model = keras.Model({"x": inputs}, layer(inputs))
    fitters.attach(Recorder(layer.output, "head"), layer)
    values = np.arange(300, dtype="float32")
    dataset = ArrayDataset({"x": values[:, None]}, {"head": values}, np.arange(300), np.arange(280, 300))
    clock = itertools.count(0.0)
    monkeypatch.setattr(fitting, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(
        "autonas.backends.node_graph.rows_at_once", lambda largest, most, values=None: 10 if values else 80
    )
    return model, dataset


def fitted_rows(model, dataset, rows, deadline, **arguments):
    fitting.fit(model, dataset, rows, np.random.default_rng(0), deadline, **arguments)
    (fitter,) = fitters.fitters_of(model)
    np.testing.assert_array_equal(fitter.training.inputs[:, 0], fitter.training.targets)
    return fitter.training.targets


def test_without_a_deadline_or_with_a_late_one_it_is_all_rows_in_order(problem):
    for deadline in (None, 1e6):
        np.testing.assert_array_equal(fitted_rows(*problem, np.arange(280), deadline), np.arange(280))


def test_linear_algebra_has_one_thread(problem):
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        fitted_rows(*problem, np.arange(280), None)
        assert blas_threads() == {2}
    assert fitters.fitters_of(problem[0])[0].n_threads == {1}


def test_with_an_early_deadline_it_is_a_random_sample_in_order(problem):
    rows = fitted_rows(*problem, np.arange(280), deadline=30.0)
    assert 100 < len(rows) < 200
    assert (np.diff(rows) > 0).all() and rows[-1] > 250
    assert len(fitted_rows(*problem, np.arange(280), deadline=0.0)) == 100


def test_the_share_of_the_rows_that_there_is_time_for_is_known(problem):
    model, dataset = problem
    generator = np.random.default_rng(0)
    assert fitting.fit(model, dataset, np.arange(280), generator) == [{}]
    (choices,) = fitting.fit(model, dataset, np.arange(280), generator, 0.0)
    assert choices == {"rows_share": 100 / 280, "time_share": 100 / 280}
    (fitter,) = fitters.fitters_of(model)
    fitter.rows_share = 0.5  # Of the rows that it receives, the fitter itself uses a half.
    final = dataclasses.replace(dataset, final_rows=np.arange(300))
    assert fitting.refit(model, final, [choices], generator) == 0.5
    (choices,) = fitting.fit(model, dataset, np.arange(280), generator, 0.0)
    assert choices["rows_share"] == 50 / 280


def test_a_quarter_as_many_rows_as_are_validated_are_taken_however_little_time_there_is(problem, monkeypatch):
    monkeypatch.setattr(fitting, "_FEWEST_ROWS", 10)
    model, dataset = problem
    sizes = []
    for n_validation in (20, 280):
        some = dataclasses.replace(dataset, validation_rows=np.arange(n_validation))
        sizes.append(len(fitted_rows(model, some, np.arange(280), deadline=0.0)))
    assert sizes == [10, 70]


def test_a_fit_that_needs_all_rows_is_given_up_early(problem):
    with pytest.raises(fitting.TooSlow, match="the features of 280 rows take longer than the time"):
        fitted_rows(*problem, np.arange(280), deadline=20.0, takes_fewer_rows=False)


def test_a_fit_that_is_of_no_use_after_a_deadline_is_given_up_before_the_fewest_rows_are_done(problem):
    few = np.arange(60)
    assert len(fitted_rows(*problem, few, deadline=5.0)) == 60
    with pytest.raises(fitting.TooSlow, match="the features of 60 rows take longer than the time"):
        fitted_rows(*problem, few, deadline=5.0, last=5.0)
    assert len(fitted_rows(*problem, few, deadline=1e6, last=1e6)) == 60


def test_inputs_and_targets_of_some_training_rows_are_kept_for_the_loss(problem):
    model, dataset = problem
    for deadline in (None, 30.0):
        used = fitted_rows(*problem, np.arange(280), deadline)
        (fitter,) = fitters.fitters_of(model)
        rows, values = fitter.sample
        assert len(set(rows)) == 100 and set(rows) <= set(used.astype(int))
        np.testing.assert_array_equal(values[:, 0], dataset.targets["head"][rows])


def test_all_rows_are_used_if_they_take_little_more_time_than_a_sample_may(problem):
    np.testing.assert_array_equal(fitted_rows(*problem, np.arange(280), deadline=50.0), np.arange(280))
