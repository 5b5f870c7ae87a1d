"""Calibration of the scores of a classification."""

import numpy as np
import pytest
from scipy.special import expit

from autonas.search_space import calibration


def test_the_factor_is_that_which_made_the_labels():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(20_000, 1))
    labels = generator.random(20_000) < expit(2.5 * scores[:, 0])
    assert calibration.factor(scores, labels) == pytest.approx(2.5, rel=0.05)
    scores = generator.normal(size=(20_000, 4))
    labels = np.argmax(1.7 * scores + generator.gumbel(size=scores.shape), axis=1)
    assert calibration.factor(scores, labels) == pytest.approx(1.7, rel=0.05)


def test_scores_that_are_all_right_have_a_finite_factor_that_grows_with_the_rows():
    factors = [calibration.factor(np.resize([-1.0, 1.0], n)[:, None], np.resize([0, 1], n)) for n in (10, 100, 1000)]
    assert 1 < factors[0] < factors[1] < factors[2] < 20


def test_labels_have_factors_of_their_own_classes_one_together_and_numbers_none():
    generator = np.random.default_rng(0)
    scores = generator.normal(size=(20_000, 2))
    labels = generator.random((20_000, 2)) < expit(scores * [0.5, 3.0])
    np.testing.assert_allclose(calibration.factors(scores, labels, "multilabel"), [0.5, 3.0], rtol=0.06)
    classes = np.argmax(1.7 * scores + generator.gumbel(size=scores.shape), axis=1)
    np.testing.assert_allclose(calibration.factors(scores, classes, "multiclass"), 1.7, rtol=0.05)
    assert calibration.factors(scores, scores, "regression").tolist() == [1.0, 1.0]
