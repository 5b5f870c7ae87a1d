"""The Gaussian process: its gradients, what it learns, and that it agrees with scikit-learn's."""

import numpy as np
import pytest
from sklearn import gaussian_process as reference
from sklearn.gaussian_process import kernels

from autonas.oracles.gp import gaussian_process
from autonas.oracles.gp.gaussian_process import GaussianProcess, View


def two_views(n, generator):
    """A view with two groups, and a linear one with three."""
    return [
        View(generator.normal(size=(n, 3)), np.array([0, 0, 1]), linear=False, weight=0.7),
        View(generator.normal(size=(n, 4)), np.array([0, 1, 1, 2]), linear=True, weight=0.3),
    ]


def test_the_gradient_is_that_of_finite_differences():
    generator = np.random.default_rng(0)
    views, targets = two_views(12, generator), generator.normal(size=12)
    centre, deviation = gaussian_process._prior(views)
    assert len(centre) == 2 + 1 + 2 + 3
    parameters = centre + generator.normal(size=8)

    def loss(parameters):
        return GaussianProcess()._loss(parameters, centre, deviation, views, targets)

    differences = [(loss(parameters + step)[0] - loss(parameters - step)[0]) / 2e-6 for step in 1e-6 * np.eye(8)]
    np.testing.assert_allclose(loss(parameters)[1], differences, atol=1e-6)


def test_the_loss_is_the_marginal_likelihood_less_the_log_prior():
    generator = np.random.default_rng(0)
    features, targets = generator.normal(size=(10, 2)), generator.normal(size=10)
    view = View(features, np.array([0, 1]), linear=False, weight=1.0)
    centre, deviation = gaussian_process._prior([view])
    kernel = kernels.ConstantKernel(1.5) * kernels.Matern([0.5, 2.0], nu=2.5) + kernels.WhiteKernel(0.1)
    expected = reference.GaussianProcessRegressor(kernel, optimizer=None, alpha=1e-8).fit(features, targets)
    # A relevance is an inverse squared length scale.
    parameters = np.log([1.5, 0.1, 1 / 0.5**2, 1 / 2.0**2])
    loss = GaussianProcess()._loss(parameters, centre, deviation, [view], targets)[0]
    prior = 0.5 * np.sum(((parameters - centre) / deviation) ** 2)
    constant = 0.5 * len(targets) * np.log(2 * np.pi)
    assert loss - prior + constant == pytest.approx(-expected.log_marginal_likelihood_value_)


def test_predictions_are_those_of_scikit_learn():
    generator = np.random.default_rng(1)
    features, targets, new = generator.normal(size=(15, 2)), generator.normal(size=15), generator.normal(size=(6, 2))
    kernel = kernels.ConstantKernel(0.8) * kernels.Matern(0.7, nu=2.5) + kernels.ConstantKernel(0.3) * (
        kernels.DotProduct(sigma_0=1e-9)
    )
    expected = reference.GaussianProcessRegressor(kernel, optimizer=None, alpha=0.05 + 1e-8).fit(features, targets)
    views = [
        View(features, np.array([0, 0]), linear=False, weight=1.0),
        View(features, np.array([0, 0]), linear=True, weight=1.0),
    ]
    process = GaussianProcess()
    process._parameters = np.log([0.8, 0.3, 0.05, 1 / 0.7**2, 1.0])
    process.condition(views, targets)
    found = process.predict([view._replace(features=new) for view in views])
    np.testing.assert_allclose(found, expected.predict(new, return_std=True), rtol=1e-6)


def test_it_learns_which_decisions_matter():
    generator = np.random.default_rng(0)
    features = generator.uniform(-0.5, 0.5, size=(60, 4))
    targets = np.sin(6 * features[:, 1]) + 0.01 * generator.normal(size=60)
    view = View(features, np.arange(4), linear=False, weight=1.0)
    process = GaussianProcess()
    process.fit([view], targets)
    process.condition([view], targets)
    (relevances,) = process.relevances
    assert relevances[1] > 20 * max(relevances[[0, 2, 3]])
    new = generator.uniform(-0.5, 0.5, size=(50, 4))
    mean, deviation = process.predict([view._replace(features=new)])
    assert np.sqrt(np.mean((mean - np.sin(6 * new[:, 1])) ** 2)) < 0.1
    assert np.all(deviation < 0.5)


def test_effects_that_add_up_are_foreseen_where_nothing_was_seen():
    # Options 1 of both decisions are good; they were never seen together.
    features = np.array([[1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]] * 4, dtype=float) * np.sqrt(0.5)
    targets = np.array([-1.0, 0.5, 0.5] * 4)
    views = [
        View(features, np.array([0, 0, 1, 1]), linear=False, weight=0.5),
        View(features, np.array([0, 0, 1, 1]), linear=True, weight=0.5),
    ]
    both = np.array([[0, 1, 0, 1]]) * np.sqrt(0.5)

    def foreseen(views):
        process = GaussianProcess()
        process.fit(views, targets)
        process.condition(views, targets)
        return process.predict([view._replace(features=both) for view in views])[0].item()

    assert foreseen(views) > foreseen(views[:1]) > 0.0
    assert foreseen(views) > 0.5


def test_the_prior_does_not_depend_on_the_number_of_decisions():
    generator = np.random.default_rng(0)
    for n_decisions in (3, 30, 300):
        view = View(generator.uniform(-0.5, 0.5, size=(80, n_decisions)), np.arange(n_decisions), False, 1.0)
        relevances = np.exp(gaussian_process._prior([view])[0][2:])
        scaled = view.scaled(relevances)
        distances = gaussian_process._squared_distances(scaled[:40], scaled[40:])
        assert distances.mean() == pytest.approx(2.0, rel=0.1)


def test_samples_have_the_predicted_mean_and_deviation():
    generator = np.random.default_rng(0)
    views, targets = two_views(10, generator), generator.normal(size=10)
    process = GaussianProcess()
    process.fit(views, targets)
    process.condition(views, targets)
    new = two_views(5, generator)
    samples = np.array([process.sample(new, generator) for _ in range(4000)])
    mean, deviation = process.predict(new)
    np.testing.assert_allclose(samples.mean(axis=0), mean, atol=0.08)
    np.testing.assert_allclose(samples.std(axis=0), deviation, rtol=0.1)
