"""Gaussian processes of numbers and of classes, beside those of scikit-learn."""

import time

import numpy as np
import pytest
from scipy.special import expit
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels

from autonas.search_space.fitted import gaussian_process
from autonas.search_space.fitted.gaussian_process import Kernel, Observed

KERNEL = Kernel(amplitude=1.5, length=0.8, slope=0.3, noise=0.4)


def scaled(x):
    x = x - x.mean(axis=0)
    return x / np.sqrt(np.mean(np.sum(x**2, axis=1)))


def numbers(n_rows=120):
    x, y = load_diabetes(return_X_y=True)
    return scaled(x[:n_rows]), ((y - y[:n_rows].mean()) / y[:n_rows].std())[:n_rows]


def classes(n_rows=120):
    x, y = load_breast_cancer(return_X_y=True)
    return scaled((x / x.std(axis=0))[:n_rows]), y[:n_rows].astype(float)


def reference(kernel):
    """Return the same kernel of scikit-learn without noise."""
    linear = kernels.ConstantKernel(kernel.slope) * kernels.DotProduct(sigma_0=1e-5)
    return kernels.ConstantKernel(kernel.amplitude) * kernels.RBF(kernel.length) + linear + kernels.ConstantKernel(4.0)


def posterior(kernel, kind, x, y, weights=None):
    observed = Observed(kind, y.reshape(len(x), -1), np.ones(len(x)) if weights is None else weights)
    (only,) = observed.posteriors(kernel, x @ x.T)
    return only


def mean(kernel, x, coefficients, others):
    """Return the posterior means of other rows."""
    factors, slopes, intercept = kernel.parts(x, coefficients)
    distances = np.sum((others[:, None] - x) ** 2, axis=-1)
    return np.exp(distances / (-2 * kernel.length**2)) @ factors + others @ slopes + intercept


def test_the_mean_of_numbers_and_their_likelihood_are_those_of_scikit_learn():
    x, y = numbers()
    known = posterior(KERNEL, "numbers", x[:80], y[:80])
    process = GaussianProcessRegressor(reference(KERNEL), alpha=KERNEL.noise, optimizer=None).fit(x[:80], y[:80])
    expected = process.predict(x[80:])
    np.testing.assert_allclose(mean(KERNEL, x[:80], known.coefficients, x[80:])[:, 0], expected, atol=1e-8)
    constant = 40 * np.log(2 * np.pi)
    assert known.loss + constant == pytest.approx(-process.log_marginal_likelihood_value_)


def test_the_scores_of_a_class_and_their_likelihood_are_those_of_scikit_learn():
    x, y = classes()
    known = posterior(KERNEL, "classes", x[:80], y[:80])
    process = GaussianProcessClassifier(reference(KERNEL), optimizer=None).fit(x[:80], y[:80])
    scores = mean(KERNEL, x[:80], known.coefficients, x[80:])[:, 0]
    laplace = process.base_estimator_
    expected = laplace.kernel_(laplace.X_train_, x[80:]).T @ (laplace.y_train_ - laplace.pi_)
    np.testing.assert_allclose(scores, expected, atol=1e-2)
    assert known.loss == pytest.approx(-process.log_marginal_likelihood_value_, abs=1e-2)


@pytest.mark.parametrize(("kind", "data", "error"), [("numbers", numbers, 1e-8), ("classes", classes, 0.05)])
def test_the_mean_without_a_row_is_that_of_a_process_of_the_other_rows(kind, data, error):
    x, y = data(40)
    others = [np.delete(np.arange(40), row) for row in range(40)]
    refitted = [
        mean(KERNEL, x[kept], posterior(KERNEL, kind, x[kept], y[kept]).coefficients, x[[row]])[0, 0]
        for row, kept in enumerate(others)
    ]
    np.testing.assert_allclose(posterior(KERNEL, kind, x, y).left_out()[:, 0], refitted, atol=error)


@pytest.mark.parametrize(("kind", "data"), [("numbers", numbers), ("classes", classes)])
def test_a_row_of_weight_2_counts_as_two_rows_and_a_row_of_weight_0_not_at_all(kind, data):
    x, y = data(60)
    twice = np.r_[np.arange(40), np.arange(20)]
    weights = np.repeat([2.0, 1.0, 0.0], 20)
    weighted = mean(KERNEL, x, posterior(KERNEL, kind, x, y, weights).coefficients, x)
    repeated = mean(KERNEL, x[twice], posterior(KERNEL, kind, x[twice], y[twice]).coefficients, x)
    np.testing.assert_allclose(weighted, repeated, atol=2e-3)


@pytest.mark.parametrize(("kind", "data"), [("numbers", numbers), ("classes", classes)])
def test_the_kernel_is_more_likely_than_others_around_it(kind, data):
    x, y = data()
    found = gaussian_process.most_likely_kernel(x, Observed(kind, y[:, None], np.ones(len(x))))
    losses = []
    for name in ("amplitude", "length", "slope", "noise") if kind == "numbers" else ("amplitude", "length", "slope"):
        for factor in (0.1, 10.0):
            values = {**vars(found), name: getattr(found, name) * factor}
            losses.append(posterior(Kernel(**values), kind, x, y).loss)
    # A factor of 10 changes the logarithm of the prior of a variance by 2.7 from its maximum.
    assert posterior(found, kind, x, y).loss < min(losses) + 2.7


def test_the_kernel_of_a_known_process_is_found():
    generator = np.random.default_rng(0)
    x = scaled(generator.normal(size=(250, 2)))
    truth = Kernel(amplitude=1.0, length=0.3, slope=0.01, noise=0.01)
    covariances = truth.covariances(x @ x.T) - 4.0 + truth.noise * np.eye(250)
    y = np.linalg.cholesky(covariances) @ generator.normal(size=250)
    found = gaussian_process.most_likely_kernel(x, Observed("numbers", (y - y.mean())[:, None], np.ones(250)))
    # The prior prefers a longer length and more noise.
    assert found.length == pytest.approx(truth.length, rel=0.4)
    assert found.noise == pytest.approx(truth.noise, rel=0.5)


def test_several_classes_share_a_kernel_and_have_scores_of_their_own():
    generator = np.random.default_rng(0)
    x = scaled(generator.normal(size=(90, 2)))
    number = np.digitize(x[:, 0], [-0.3, 0.3])
    observed = Observed("classes", (number[:, None] == np.arange(3)).astype(float), np.ones(90))
    kernel = gaussian_process.most_likely_kernel(x, observed)
    scores = [mean(kernel, x, known.coefficients, x)[:, 0] for known in observed.posteriors(kernel, x @ x.T)]
    assert np.mean(np.argmax(scores, axis=0) == number) > 0.95
    assert np.all((expit(scores[0]) > 0.5)[number == 2] == 0)


def test_the_search_of_the_kernel_stops_at_the_deadline():
    x, y = numbers()
    observed = Observed("numbers", y[:, None], np.ones(len(x)))
    started = time.monotonic()
    gaussian_process.most_likely_kernel(x, observed)
    middle = time.monotonic()
    gaussian_process.most_likely_kernel(x, observed, deadline=middle)
    assert time.monotonic() - middle < 0.5 * (middle - started)
