"""Bayesian optimisation: a Gaussian process predicts the scores, and what promises most is tried next."""

import numpy as np
from scipy import stats

from autonas.oracles import acquisition as acquisitions
from autonas.oracles import base, checks
from autonas.oracles.gaussian_process import GaussianProcess
from autonas.search_space import structure as structures

ACQUISITIONS = ("expected_improvement", "upper_confidence_bound", "thompson")
#: More observations than these aren't used: the best half of them and the latest half.
_MAX_OBSERVATIONS = 500
#: And so many at most to fit the kernel, at numbers of observations that grow by a tenth.
_MAX_FITTED, _FIT_GROWTH = 200, 1.1


class BayesianOracle(base.Oracle):
    """Bayesian optimisation with a Gaussian process whose kernel knows the structure.

    After `n_initial` trials, each suggestion maximises an acquisition function over the one-decision neighbours of the
    best architectures and fresh samples (as BANANAS does, White et al. 2021). The kernel, see `GaussianProcess`, is a
    sum of one on decisions, a product over the active ones of how alike they are, and, if a `structure` is given, one
    on the paths from input to output (White et al. 2021; Kandasamy et al. 2018), for which architectures that compute
    the same are the same.

    Scores are replaced by the normal quantiles of their ranks (a Gaussian copula, Salinas et al. 2020): scores of
    networks are skewed, and a few that don't learn at all would hide the differences among the good ones. A failed
    trial counts as much as the worst one. Pending trials are taken to score what is predicted for them (the kriging
    believer, Ginsbourger et al. 2010), so that parallel workers get different architectures. The kernel is fitted
    again whenever there are a tenth more observations.

    Args:
        structure: An `OperationGraph` that says which decisions label the edges of a graph. Defaults to `None`.
        acquisition: `"expected_improvement"` on the best posterior mean, `"upper_confidence_bound"` or `"thompson"`
            (a function drawn from the posterior). Defaults to `"expected_improvement"`.
        beta: β of the upper confidence bound μ + √β σ. Defaults to 1.0.
        n_initial: Number of trials before the model is used; those beyond the initial points are drawn at random.
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
        self._process, self._fitted_on = None, None

    def check(self):
        super().check()
        checks.check_option("acquisition", self.acquisition, ACQUISITIONS)
        checks.check_number("beta", self.beta, 0)
        checks.check_integer("n_initial", self.n_initial, 1)
        checks.check_integer("n_parents", self.n_parents, 1)
        checks.check_integer("n_samples", self.n_samples, 1)
        if self.structure is not None and not isinstance(self.structure, structures.OperationGraph):
            raise ValueError(f"`structure` must be an OperationGraph or None. Received: structure={self.structure!r}")

    def observe(self, number, values, scores):
        self._observed.append(values)
        self._scores.append(None if scores is None else scores[0])

    def suggest(self, generator):
        if sum(score is not None for score in self._scores) < self.n_initial:
            return self.encoding.sample(generator)
        candidates = self._candidates(generator)
        if not candidates:
            return self.encoding.sample(generator)
        pending = list(self.pending.values())
        kept = self._kept(len(self._scores), _MAX_OBSERVATIONS)
        observed = [self._observed[place] for place in kept]
        targets = _normal_quantiles(self._scores)[kept]
        views, groups = self._views(observed + pending + candidates)
        seen, believed, new = (
            [view[part] for view in views]
            for part in (
                slice(len(observed)),
                slice(len(observed), len(observed) + len(pending)),
                slice(len(observed) + len(pending), None),
            )
        )
        process = self._fitted()
        process.condition(seen, groups, targets)
        best = process.predict(seen)[0].max()
        if pending:
            targets = np.concatenate([targets, process.predict(believed)[0]])
            process.condition([view[: len(targets)] for view in views], groups, targets)
        return candidates[int(np.argmax(self._acquire(process, new, best, generator)))]

    def _acquire(self, process, new, best, generator):
        if self.acquisition == "thompson":
            return process.sample(new, generator)
        mean, deviation = process.predict(new)
        if self.acquisition == "upper_confidence_bound":
            return acquisitions.upper_confidence_bound(mean, deviation, self.beta)
        return acquisitions.log_expected_improvement(mean, deviation, best)

    def _candidates(self, generator):
        """Architectures not tried yet: neighbours of the best ones and samples."""
        best = sorted(range(len(self._scores)), key=lambda place: -_or_worst(self._scores[place]))
        found = {}
        for place in best[: self.n_parents]:
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
        count = following = self.n_initial
        while following <= len(self._scores):
            count, following = following, max(following + 1, int(following * _FIT_GROWTH))
        if self._fitted_on != (count, len(self.encoding.dimensions)):
            kept = self._kept(count, _MAX_FITTED)
            views, groups = self._views([self._observed[place] for place in kept])
            self._process = GaussianProcess()
            self._process.fit(views, groups, _normal_quantiles(self._scores[:count])[kept])
            self._fitted_on = (count, len(self.encoding.dimensions))
        return self._process

    def _kept(self, count, limit):
        """Places of the observations to use of the first `count`: all, or the best and the latest."""
        if count <= limit:
            return list(range(count))
        latest = range(count - limit // 2, count)
        others = sorted(range(count - limit // 2), key=lambda place: -_or_worst(self._scores[place]))
        return sorted(others[: limit - limit // 2]) + list(latest)

    def _views(self, architectures):
        views, groups = [self.encoding.features(architectures)], [self.encoding.columns]
        if self.structure is not None:
            views.append(self.structure.features(architectures))
            groups.append(np.zeros(views[1].shape[1], dtype=int))
        return views, groups


def _or_worst(score):
    return -np.inf if score is None else score


def _normal_quantiles(scores):
    """Normal quantiles of the ranks of scores, the failed ones, `None`, tied with the worst; shape `(n,)`."""
    known = [score for score in scores if score is not None]
    ranks = stats.rankdata([min(known) if score is None else score for score in scores])
    return stats.norm.ppf((ranks - 0.5) / len(scores))
