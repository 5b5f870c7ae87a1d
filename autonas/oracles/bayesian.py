"""Bayesian optimisation: a Gaussian process predicts the scores, and what promises most is tried next."""

import functools

import numpy as np
import threadpoolctl
from scipy import stats

from autonas.oracles import acquisition as acquisitions
from autonas.oracles import base, checks
from autonas.oracles.gaussian_process import GaussianProcess, View
from autonas.search_space import structure as structures

ACQUISITIONS = ("expected_improvement", "upper_confidence_bound", "thompson")
#: More observations than these aren't used: the best half of them and the latest half.
_MAX_OBSERVATIONS = 500
#: And so many at most to fit the kernel, at numbers of observations that grow by a tenth.
_MAX_FITTED, _FIT_GROWTH = 200, 1.1
#: Share of the variance that effects of single decisions, which add up, are expected to explain.
_LINEAR_WEIGHT = 0.1


@functools.cache
def _linear_algebra():
    """The libraries of linear algebra that are loaded; it takes a while to find them."""
    return threadpoolctl.ThreadpoolController()


class BayesianOracle(base.Oracle):
    """Bayesian optimisation with a Gaussian process whose kernel knows the structure.

    After `n_initial` trials, each suggestion maximises an acquisition function over the one-decision neighbours of the
    best architectures and fresh samples (as BANANAS does, White et al. 2021). The kernel, see `GaussianProcess`, is a
    sum of

    - a product over active decisions of how alike they are;
    - a linear one of single decisions, numbers with their squares, for effects that add up: without it, an option that
      was only seen in bad company is never tried again;
    - if a `structure` is given, one on the paths from input to output (White et al. 2021; Kandasamy et al. 2018), for
      which architectures that compute the same are the same.

    Scores are warped: those above the median are kept, those below are replaced by the normal quantiles of their ranks
    (the half-rank warping of Vizier, Song et al. 2024). Scores of networks are skewed, and a few that don't learn at
    all would hide the differences among the good ones. A failed trial counts as much as the worst one. Pending trials
    are taken to score what is predicted for them (the kriging believer, Ginsbourger et al. 2010), so that parallel
    workers get different architectures. The kernel is fitted again whenever there are a tenth more observations.

    Args:
        structure: An `OperationGraph` that says which decisions label the edges of a graph. Defaults to `None`.
        acquisition: `"expected_improvement"` on the best posterior mean, `"upper_confidence_bound"` or `"thompson"`
            (a function drawn from the posterior). Defaults to `"expected_improvement"`.
        beta: β of the upper confidence bound μ + √β σ. Defaults to 1.0.
        n_initial: Number of completed trials before the model is used; beyond the initial points, drawn at random.
            Defaults to 5.
        n_parents: How many of the best have their neighbours considered. Defaults to 5.
        n_samples: How many fresh samples are considered. Defaults to 200.
        **kwargs: As in `Oracle`.
    """

    suggest_changes_state = False

    def __init__(
        self,
        structure=None,
        acquisition="expected_improvement",
        beta=1.0,
        n_initial=5,
        n_parents=5,
        n_samples=200,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.structure = structure
        self.acquisition = acquisition
        self.beta = beta
        self.n_initial = n_initial
        self.n_parents = n_parents
        self.n_samples = n_samples
        self._observed = []
        self._scores = []
        self._n_before_model = None
        self._process, self._fitted_on = None, None

    def check(self):
        super().check()
        if self.structure is not None and not isinstance(self.structure, structures.OperationGraph):
            raise ValueError(f"`structure` must be an OperationGraph or None. Received: structure={self.structure!r}")
        checks.check_option("acquisition", self.acquisition, ACQUISITIONS)
        checks.check_number("beta", self.beta, 0)
        checks.check_integer("n_initial", self.n_initial, 1)
        checks.check_integer("n_parents", self.n_parents, 1)
        checks.check_integer("n_samples", self.n_samples, 1)

    def observe(self, number, values, scores):
        self._observed.append(values)
        self._scores.append(None if scores is None else scores[0])
        if self._n_before_model is None and len(self._scores) - self._scores.count(None) == self.n_initial:
            self._n_before_model = len(self._scores)

    def suggest(self, generator):
        candidates = []
        if self._n_before_model is not None:
            candidates = self._candidates(generator)
        if not candidates:
            return self.encoding.sample(generator)
        # Threads that wait for each other at every small matrix, beside those of a network's training, cost far more
        # than they save.
        with _linear_algebra().limit(limits=1, user_api="blas"):
            return self._most_promising(candidates, generator)

    def _most_promising(self, candidates, generator):
        kept = self._kept(len(self._scores), _MAX_OBSERVATIONS)
        targets = _warped(self._scores)[kept]
        pending = list(self.pending.values())
        views = self._views([*(self._observed[place] for place in kept), *pending, *candidates])
        seen = [view.rows(slice(len(kept))) for view in views]
        taken = [view.rows(slice(len(kept) + len(pending))) for view in views]
        new = [view.rows(slice(len(kept) + len(pending), None)) for view in views]
        process = self._fitted()
        process.condition(seen, targets)
        predicted = process.predict(taken)[0]
        if pending:
            process.condition(taken, np.concatenate([targets, predicted[len(kept) :]]))
        gains = self._acquire(process, new, predicted[: len(kept)].max(), generator)
        return candidates[int(np.argmax(gains))]

    def _acquire(self, process, new, best, generator):
        if self.acquisition == "thompson":
            return process.sample(new, generator)
        mean, deviation = process.predict(new)
        if self.acquisition == "upper_confidence_bound":
            return acquisitions.upper_confidence_bound(mean, deviation, self.beta)
        return acquisitions.log_expected_improvement(mean, deviation, best)

    def _candidates(self, generator):
        """Architectures not tried yet: neighbours of the best ones and samples."""
        found = {}
        for place in self._from_best(range(len(self._scores)))[: self.n_parents]:
            for values in self.encoding.neighbours(self._observed[place], generator):
                found.setdefault(self.encoding.key(values), values)
        for _ in range(self.n_samples):
            values = self.encoding.sample(generator)
            found.setdefault(self.encoding.key(values), values)
        return [values for key, values in found.items() if key not in self._tried]

    def _fitted(self):
        """The process with the kernel fitted to the latest number of observations at which it is to be.

        It depends on those observations alone, so that a search that is continued finds the same one.
        """
        count = following = self._n_before_model
        while following <= len(self._scores):
            count, following = following, max(following + 1, int(following * _FIT_GROWTH))
        if self._fitted_on != (count, self.encoding.width):
            kept = self._kept(count, _MAX_FITTED)
            self._process = GaussianProcess()
            self._process.fit(
                self._views([self._observed[place] for place in kept]), _warped(self._scores[:count])[kept]
            )
            self._fitted_on = (count, self.encoding.width)
        return self._process

    def _kept(self, count, limit):
        """Places of the observations to use of the first `count`: all, or the best and the latest."""
        if count <= limit:
            return list(range(count))
        n_latest = limit // 2
        best = self._from_best(range(count - n_latest))[: limit - n_latest]
        return sorted(best) + list(range(count - n_latest, count))

    def _from_best(self, places):
        return sorted(places, key=lambda place: np.inf if self._scores[place] is None else -self._scores[place])

    def _views(self, architectures):
        features, groups = self.encoding.features(architectures), self.encoding.columns
        ordered = self.encoding.is_ordered
        squares = 4 * features[:, ordered] ** 2 - 0.5
        views = [View(features, groups, linear=False, weight=1.0)]
        if self.structure is not None:
            paths = self.structure.features(architectures)
            views.append(View(paths, np.zeros(paths.shape[1], dtype=int), linear=False, weight=1.0))
        views = [view._replace(weight=(1 - _LINEAR_WEIGHT) / len(views)) for view in views]
        effects, of_effects = np.hstack([features, squares]), np.concatenate([groups, groups[ordered]])
        return [*views, View(effects, of_effects, linear=True, weight=_LINEAR_WEIGHT)]


def _warped(scores):
    """Scores with the lower half replaced by normal quantiles of their ranks, standardised; shape `(n,)`.

    The failed ones, `None`, are tied with the worst.
    """
    known = [score for score in scores if score is not None]
    scores = np.array([min(known) if score is None else score for score in scores])
    median = np.median(scores)
    scale = np.sqrt(np.mean((scores[scores >= median] - median) ** 2)) or 1.0
    quantiles = stats.norm.ppf((stats.rankdata(scores) - 0.5) / len(scores))
    warped = np.where(scores >= median, (scores - median) / scale, np.minimum(quantiles, 0.0))
    return (warped - warped.mean()) / (warped.std() or 1.0)
