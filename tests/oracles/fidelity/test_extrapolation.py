"""Extrapolation of learning curves: forecasts, and how sure they are."""

import pickle

import numpy as np
import pytest

from autonas.oracles.fidelity import extrapolation


def curve(final, speed=0.2, n_epochs=20, noise=0.0, seed=0):
    """Scores that rise to `final`, the faster the larger `speed`, with a jump when the learning rate is annealed."""
    epochs = np.arange(1, n_epochs + 1)
    rise = 1 - np.exp(-speed * epochs) + 0.2 / (1 + np.exp(0.8 * n_epochs - epochs))
    return final * rise / rise[-1] + noise * np.random.default_rng(seed).normal(size=n_epochs)


def known(n_curves, seed=0, noise=0.005):
    generator, curves = np.random.default_rng(seed), extrapolation.LearningCurves()
    for number in range(n_curves):
        curves.add(curve(generator.normal(0.8, 0.05), generator.uniform(0.15, 0.3), noise=noise, seed=number), 20)
    return curves


def test_nothing_is_forecast_without_a_training_that_got_as_far():
    curves = extrapolation.LearningCurves()
    assert curves.forecast([0.5]) is None
    curves.add_stopped([0.3, 0.4], extrapolation.Forecast(0.8, 0.1, 5.0))
    assert curves.forecast([0.5]) is not None and curves.forecast([0.3, 0.4, 0.5]) is None


def test_of_one_training_that_is_known_another_gains_as_much():
    curves = extrapolation.LearningCurves()
    curves.add([0.2, 0.5, 0.6, 0.8], 4)
    forecast = curves.forecast([0.1, 0.4])
    assert forecast.score == pytest.approx(0.7)
    # The unit is 0.3; the own score is a third of it lower; no error yet, of 3 + 1 degrees of freedom.
    leverage = 1 / (1 + (0.4 / 0.3) ** 2) + (1 / 3) ** 2 / (0.4 / 0.4) ** 2
    assert forecast.scale == pytest.approx(0.3 * np.sqrt(3 / 4 * 0.4**2 * (1 + leverage)))
    assert forecast.degrees == 4


def test_the_jump_when_the_learning_rate_is_annealed_is_learned_from_others():
    scores = curve(0.85, 0.2)[:14]
    forecast = known(30).forecast(scores)
    assert forecast.score == pytest.approx(0.85, abs=0.02) and forecast.scale < 0.03
    assert forecast.score - scores[-1] > 4 * (scores[-1] - scores[-3])


def test_forecasts_get_surer_with_the_epochs_and_with_what_is_known():
    scales = [known(30).forecast(curve(0.85)[:epoch]).scale for epoch in (2, 6, 12, 19)]
    assert scales == sorted(scales, reverse=True) and scales[-1] < scales[0] / 3
    assert known(30).forecast(curve(0.85)[:6]).scale < known(2).forecast(curve(0.85)[:6]).scale


def test_the_best_epoch_counts():
    curves = extrapolation.LearningCurves()
    curves.add([0.2, 0.8, 0.6, 0.4], 4)
    assert curves.forecast([0.1, 0.7, 0.3]).score == pytest.approx(0.7, abs=0.01)


def test_a_training_that_ended_early_would_have_got_no_better():
    short, whole = extrapolation.LearningCurves(), extrapolation.LearningCurves()
    short.add([0.2, 0.8], 4)
    whole.add([0.2, 0.8, 0.8, 0.8], 4)
    assert short.forecast([0.1, 0.3, 0.4]) == whole.forecast([0.1, 0.3, 0.4])


def test_forecasts_are_in_the_unit_of_the_scores():
    curves, scaled = extrapolation.LearningCurves(), extrapolation.LearningCurves()
    for number in range(5):
        scores = curve(0.8 + 0.02 * number, noise=0.01, seed=number)
        curves.add(scores, 20)
        scaled.add(1000 * scores - 700, 20)
    forecast, of_scaled = curves.forecast(curve(0.7)[:5]), scaled.forecast(1000 * curve(0.7)[:5] - 700)
    assert of_scaled.score == pytest.approx(1000 * forecast.score - 700)
    assert of_scaled.scale == pytest.approx(1000 * forecast.scale)


def test_a_score_that_training_does_not_change_is_known_at_once():
    curves = extrapolation.LearningCurves()
    for score in (-4.0, -2.0, -3.0):
        curves.add([score] * 5, 5)
    forecast = curves.forecast([-2.5])
    assert forecast.score == pytest.approx(-2.5) and forecast.probability_above(-2.0) < 1e-3


def test_what_was_stopped_counts_as_what_it_would_have_come_to_but_less_surely():
    stopped, whole = known(3), known(3)
    for seed in range(10):
        scores = curve(0.7, 0.25, noise=0.005, seed=seed + 50)
        stopped.add_stopped(scores[:8], extrapolation.Forecast(0.7, 0.03, 10.0))
        whole.add(scores, 20)
    query = curve(0.7, 0.25)[:6]
    forecasts = [curves.forecast(query) for curves in (stopped, whole)]
    assert forecasts[0].score == pytest.approx(0.7, abs=0.02) and forecasts[1].score == pytest.approx(0.7, abs=0.02)
    assert forecasts[0].scale > forecasts[1].scale


def test_probabilities_are_those_that_come_about():
    # Of 400 curves, after 10 of 20 epochs, with 12 known ones: how often is the final score beyond a threshold?
    probabilities, happened = [], []
    for seed in range(400):
        generator = np.random.default_rng([1, seed])
        scores = curve(generator.normal(0.8, 0.05), generator.uniform(0.15, 0.3), noise=0.005, seed=1000 + seed)
        forecast = known(12, seed).forecast(scores[:10])
        probabilities.append(forecast.probability_above(0.85))
        happened.append(scores.max() > 0.85)
    probabilities, happened = np.array(probabilities), np.array(happened)
    unlikely = probabilities < 0.05
    assert unlikely.sum() > 50 and happened[unlikely].mean() < 0.05
    assert happened[probabilities > 0.5].mean() > 0.5


def test_a_probability_is_that_of_a_student_distribution():
    forecast = extrapolation.Forecast(1.0, 2.0, 4.0)
    assert forecast.probability_above(1.0) == pytest.approx(0.5)
    assert forecast.probability_above(1.0 + 2.0 * 2.131847) == pytest.approx(0.05, abs=1e-6)
    assert forecast.variance == pytest.approx(8.0)


def test_a_copy_does_not_change_and_travels():
    curves = known(3)
    copy = pickle.loads(pickle.dumps(curves.copy()))
    before = copy.forecast([0.1, 0.2])
    curves.add([0.9] * 20, 20)
    assert copy.forecast([0.1, 0.2]) == before and len(copy) == 3 and len(curves) == 4
