"""Candidates are trained and scored on the folds of a cross-validation."""

import contextlib
import dataclasses
import time
import types

import keras
import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import autonas
from autonas.data.dataset import ArrayDataset
from autonas.data.fit_data import FitData
from autonas.estimators.plan import make_plan
from autonas.evaluation import budget, evaluator, fitting, folds, loops
from autonas.search_space.fitted import boosting, boosting_speed, fitters
from autonas.trials import job as jobs
from tests.helpers.networks import of_networks


def make_prepared(estimator, x, y):
    data = FitData(x, y)
    return estimator._prepare(make_plan(estimator, data), data)


def evaluated(prepared, **values):
    """The evaluator of a problem, and the outcome of its default candidate."""
    judge = evaluator.Evaluator(prepared, epochs=4, patience=None, seed=0)
    values = {name: value for name, value in prepared.space.values.items() if value is not None} | values
    outcome = judge.evaluate(jobs.Job("0000", 0, values))
    assert outcome.is_completed, outcome.message
    return judge, outcome


@pytest.fixture(scope="module")
def linear():
    """A problem with 3 folds whose candidate is a linear network, trained in one step per epoch."""
    x, y = load_diabetes(return_X_y=True)
    inputs = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead(dropout=0.0)(autonas.Normalization()(inputs))
    return make_prepared(autonas.AutoModel(inputs, outputs, validation_folds=3, seed=0, verbose=0), x[:90], y[:90])


def test_each_network_is_trained_as_if_its_fold_were_the_only_split(linear):
    batches = {"optimization/batch_size": 256}
    _, outcome = evaluated(linear, **batches)
    alone = [
        evaluated(dataclasses.replace(linear, dataset=split), **batches)[1].predictions
        for split in linear.dataset.splits
    ]
    for name, predictions in outcome.predictions.items():
        # Rows are in another order, and sums are rounded differently.
        np.testing.assert_allclose(predictions, np.concatenate([parts[name] for parts in alone]), rtol=1e-3, atol=1e-4)


def test_the_score_is_of_the_predictions_of_all_rows_out_of_fold(linear):
    _, outcome = evaluated(linear)
    assert sorted(linear.dataset.validation_rows) == list(range(90))
    scores = linear.scorer(outcome.predictions, linear.dataset.validation_rows)
    assert outcome.metrics["val_rmse"] == scores["val_rmse"]
    assert outcome.best_epoch == 1 + np.argmin([numbers["val_rmse"] for numbers in outcome.history])


def test_the_weights_of_a_candidate_are_those_of_one_network_after_another(linear):
    judge, outcome = evaluated(linear)
    length = len(judge.in_memory.latest.weights.scored)
    predicted = []
    for number, split in enumerate(linear.dataset.splits):
        judge.in_memory.latest.model.set_weights(outcome.weights[number * length : (number + 1) * length])
        predicted.append(judge.in_memory.latest.loop.predict(split.validation_rows))
    for name, predictions in outcome.predictions.items():
        together = np.concatenate([parts[name] for parts in predicted])
        np.testing.assert_allclose(predictions, together, rtol=1e-5, atol=1e-6)


def test_the_final_fit_continues_from_the_weights_of_the_score_in_the_same_way_in_any_process(linear):
    judge, outcome = evaluated(linear)
    job = jobs.Job("0000", 0, {name: value for name, value in linear.space.values.items() if value is not None})
    results, others = [], evaluator.Evaluator(linear, epochs=4, patience=None, seed=0)
    for kept in (judge.trained(job, outcome), others.trained(job, outcome)):
        kept.model.set_weights(judge.in_memory.latest.weights.scored)
        final = others.final_fit(kept, job, outcome, budget.FinalLength(0.5))
        assert final.epochs == max(1, outcome.best_epoch // 2)
        results.append(kept.model.get_weights())
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert any(
        (one != scored).any() for one, scored in zip(results[0], judge.in_memory.latest.weights.scored, strict=True)
    )


def test_trees_have_the_same_number_of_iterations_in_all_folds_and_in_the_final_fit():
    x, y = load_diabetes(return_X_y=True)
    inputs = autonas.StructuredDataInput()
    output = autonas.RegressionHead()(autonas.BoostedTreesBlock(iterations=100)(inputs))
    prepared = make_prepared(autonas.AutoModel(inputs, output, validation_folds=3, seed=0, verbose=0), x, y)
    _, outcome = evaluated(prepared)
    ((iterations,),) = [choices["iterations"] for choices in outcome.report["fitted"]]
    alone = [
        evaluated(dataclasses.replace(prepared, dataset=split))[1].report["fitted"][0]["iterations"][0]
        for split in prepared.dataset.splits
    ]
    assert min(alone) <= iterations <= max(alone)
    assert outcome.metrics["val_rmse"] < 1.2 * np.std(y)


@pytest.mark.parametrize("cut", [[0], [1], [0, 1, 2]])
def test_trees_that_the_time_cut_short_in_a_fold_are_told_apart_from_trees_with_other_choices(monkeypatch, cut):
    x, y = load_diabetes(return_X_y=True)
    inputs = autonas.StructuredDataInput()
    block = autonas.BoostedTreesBlock(iterations=100, learning_rate=0.05)
    estimator = autonas.AutoModel(
        inputs, autonas.RegressionHead()(block(inputs)), validation_folds=3, seed=0, verbose=0, time_limit=1000
    )
    prepared = make_prepared(estimator, x, y)
    possible, wanted = iter([5 if fold in cut else 100 for fold in range(3)] + 10 * [100]), []
    boosted = boosting.Boosting._boosted

    def spied(self, training, validation, most, *others):
        wanted.append(most)
        return boosted(self, training, validation, most, *others)

    monkeypatch.setattr(boosting_speed.Speed, "iterations", lambda *arguments: next(possible))
    monkeypatch.setattr(boosting_speed, "_further", lambda *arguments: 0)
    monkeypatch.setattr(boosting.Boosting, "_boosted", spied)
    judge = evaluator.Evaluator(prepared, epochs=4, patience=None, seed=0)
    values = {name: value for name, value in prepared.space.values.items() if value is not None}
    outcome = judge.evaluate(jobs.Job("0000", 0, values, deadline=time.monotonic() + 1000))
    (choices,) = outcome.report["fitted"]
    assert choices["is_cut"] == [True] and 0.5 < choices["time_share"] < 1.0 and outcome.message == "stopped: time"
    # All folds have the same number of iterations, and not more of them, as a final fit would.
    assert wanted == [100] * 3 + choices["iterations"] * (len(wanted) - 3)


def test_folds_whose_weights_are_only_fitted_are_scored_after_the_deadline_too(monkeypatch):
    x, y = load_diabetes(return_X_y=True)
    inputs = autonas.StructuredDataInput()
    outputs = autonas.RegressionHead()(autonas.BoostedTreesBlock(iterations=5, learning_rate=0.1)(inputs))
    estimator = autonas.AutoModel(inputs, outputs, validation_folds=3, seed=0, verbose=0, time_limit=1000)
    prepared = make_prepared(estimator, x, y)
    fold_fit = folds.FoldsLoop.fit

    def late(self, generator, deadline=None):
        chosen = fold_fit(self, generator, deadline)
        monkeypatch.setattr(folds.time, "monotonic", lambda: deadline + 1.0)
        return chosen

    monkeypatch.setattr(folds.FoldsLoop, "fit", late)
    judge = evaluator.Evaluator(prepared, epochs=4, patience=None, seed=0)
    values = {name: value for name, value in prepared.space.values.items() if value is not None}
    job = jobs.Job("0000", 0, values, deadline=time.monotonic() + 1000)
    job.training.is_required = False
    outcome = judge.evaluate(job)
    assert outcome.status == "completed" and outcome.metrics["val_rmse"] < np.std(y)


def test_many_rows_of_a_fold_are_predicted_without_the_weights_that_no_fitter_uses(monkeypatch):
    x, y = np.random.default_rng(0).normal(size=(6000, 3)).astype("float32"), np.arange(6000) % 2
    inputs = autonas.StructuredDataInput()
    outputs = autonas.ClassificationHead()(autonas.BoostedTreesBlock(iterations=50, learning_rate=0.1)(inputs))
    estimator = autonas.AutoModel(inputs, outputs, validation_folds=3, seed=0, verbose=0)
    prepared = make_prepared(estimator, x, y)
    model = prepared.graph.build(prepared.space)
    loop = loops.FittedLoop(model, prepared.dataset)
    fitting.fit(model, prepared.dataset.splits[0], np.arange(4000), np.random.default_rng(0))
    widths, reduced = [], fitters.reduced
    monkeypatch.setattr(fitters, "reduced", lambda network: widths.append(network.count_params()) or reduced(network))
    (many,), (few,) = (loop.predict(np.arange(number)).values() for number in (6000, 600))
    assert len(widths) == 1 and reduced(model).count_params() < widths[0]
    np.testing.assert_allclose(many[:600], few, atol=1e-6)


def test_what_there_was_time_for_in_the_folds_is_the_least_of_them():
    fits = [{}, {"rows_share": 0.5, "time_share": 0.4}, {"time_share": 0.6, "is_cut": [False, True]}]
    assert folds._time_of(fits) == {"rows_share": 0.5, "time_share": 0.4, "is_cut": [False, True]}
    assert folds._time_of([{}, {"rows_share": 1.0}]) == {}
    assert folds._time_of([{"refit_share": 0.3}, {"refit_share": 0.2}, {}]) == {"refit_share": 0.3}


def test_a_custom_score_is_the_mean_over_the_networks_of_the_folds():
    x, y = load_diabetes(return_X_y=True)

    def mean_prediction(model, data):
        return float(np.mean(model.predict(data[0], verbose=0)[next(iter(model.output))]))

    objective = autonas.objectives.CustomScore(mean_prediction, direction="max")
    estimator = of_networks(
        autonas.StructuredDataBlock(kind="linear"),
        autonas.RegressionHead,
        objective=objective,
        validation_folds=3,
        seed=0,
        verbose=0,
    )
    prepared = make_prepared(estimator, x[:90], y[:90])
    _, outcome = evaluated(prepared)
    (predictions,) = outcome.predictions.values()
    assert outcome.metrics["mean_prediction"] == pytest.approx(float(np.mean(predictions)), rel=1e-4, abs=1e-5)


class ScriptedLoop(loops.TrainingLoop):
    """A loop that counts epochs in the model's only weight, each of which takes some time."""

    def __init__(self, seconds):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile(keras.optimizers.SGD(), "mse")
        model.set_weights([np.zeros((1, 1))])
        pairs = [
            (np.array([1, 2]), np.array([0])),
            (np.array([0, 2]), np.array([1])),
            (np.array([0, 1]), np.array([2])),
        ]
        super().__init__(model, ArrayDataset({}, {}, pairs[0][0], np.arange(3), folds=pairs))
        self.seconds = seconds
        self.rows = []

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        time.sleep(self.seconds)
        self.rows.append(rows.tolist())
        self.model.set_weights([self.model.get_weights()[0] + 1])
        return 1.0, True

    def predict(self, rows):
        return {"head": np.full((len(rows), 1), self.model.get_weights()[0][0, 0])}


@pytest.mark.parametrize(("deadline", "n_trained"), [(1.0, 1), (2.9, 2), (3.1, 3)])
def test_a_first_epoch_that_cannot_end_in_time_is_given_up_unless_a_score_is_needed(monkeypatch, deadline, n_trained):
    """Each network takes a second. The first one, which is compiled, says nothing about the others."""
    for is_required in (True, False):
        scripted = ScriptedLoop(seconds=0.0)
        monkeypatch.setattr(folds, "time", types.SimpleNamespace(monotonic=lambda: float(len(scripted.rows))))  # noqa: B023
        loop = folds.FoldsLoop(scripted, is_required)
        given_up = pytest.raises(fitting.TooSlow, match="the first epoch of the networks of all folds would take")
        with contextlib.nullcontext() if is_required or n_trained == 3 else given_up:
            loop.train_epoch(None, 1, None, None, deadline)
        assert len(scripted.rows) == (3 if is_required else n_trained)


def test_all_networks_are_trained_for_one_epoch_however_little_time_there_is():
    loop = folds.FoldsLoop(ScriptedLoop(seconds=0.02))
    _, finished = loop.train_epoch(None, 1, None, None, time.monotonic())
    assert loop.predict(None)["head"].ravel().tolist() == [1, 1, 1]
    assert loop.loop.rows == [[1, 2], [0, 2], [0, 1]]
    _, finished = loop.train_epoch(None, 1, None, None, time.monotonic() + 0.01)
    assert not finished
    assert loop.predict(None)["head"].ravel().tolist() == [2, 1, 1]
