"""Bayesian optimisation: a Gaussian process predicts the scores, and what promises most is tried next."""

import functools
import itertools

import numpy as np
import threadpoolctl

from autonas.arguments import checks
from autonas.oracles import base, feasibility, scalarisation
from autonas.oracles.fidelity import scale as fidelity
from autonas.oracles.gp import acquisition as acquisitions
from autonas.oracles.gp import prediction, targets
from autonas.oracles.gp.gaussian_process import GaussianProcess, View
from autonas.search_space import operation_graph

ACQUISITIONS = ("expected_improvement", "upper_confidence_bound", "thompson")
#: More observations than these aren't used: the best half of them and the latest half.
_MAX_OBSERVATIONS = 500
#: And so many at most to fit the kernel, at numbers of observations that grow by a tenth.
_MAX_FITTED, _FIT_GROWTH = 200, 1.1
#: Draws from the posterior of which the improvement is the mean, with more than two objectives.
_N_DRAWS = 64
#: Share of the variance that effects of single decisions, which add up, are expected to explain.
_LINEAR_WEIGHT = 0.1
#: Decisions of an initial point that are changed at most, to learn where the limits are; and how many architectures in
#: a row are refused until the limits are taken to lie farther away.
_MAX_MUTATIONS, _MAX_REFUSED = 6, 10


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
    all would hide the differences among the good ones. Pending trials are taken to score what is predicted for them
    (the kriging believer, Ginsbourger et al. 2010), so that parallel workers get different architectures. The kernel is
    fitted again whenever there are a tenth more observations.

    A failed trial is no observation of the scores. What promises most is weighed by the probability that a trial of the
    architecture succeeds (see `success.SuccessModel`).

    With several objectives there is a process for each. Of two, the expected improvement is that of the hypervolume,
    exactly, from the worst that was seen in each (see `log_expected_hypervolume_improvement`). For more, and for the
    other acquisition functions, the objectives are made one for each trial, by the augmented Chebyshev scalarisation
    with weights that are drawn (ParEGO, Knowles 2006); but it is what the processes predict that is scalarised, by
    draws, and not the scores, so that the kernels needn't be fitted for each trial's weights (as Daulton et al. 2020).

    Under constraints there is a process for each on the margins, which knows the refused trials too; those of the
    objectives don't, since a refused architecture may be a good one. What promises most is weighed by the probability
    that all limits are kept (Gardner et al., "Bayesian optimization with inequality constraints", 2014). As long as
    nothing within the limits is known, this probability alone counts, and until `n_initial` trials are completed,
    candidates are drawn in proportion to it. Until then these are initial points with a few decisions changed, and
    neighbours, unless many in a row are refused: in eight trials on scikit-learn's digits, within tight limits of
    latency and size, this takes the accuracies from often that of chance to mostly above 0.95.

    Scores of short trainings are evidence of their own kind (as in Swersky et al., "Multi-task Bayesian optimization",
    2013): each is an observation of the architecture at its fidelity, on one scale (see `fidelity.comparable`). The
    kernel is one for what all fidelities have in common plus one in which the fidelity is a coordinate, and how much
    either counts is fitted as all else. What is maximised is the acquisition function at a full training; a pending
    trial is taken to be one of the lowest fidelity.

    Its `numbers` are, under `strategy/`, after a trial that the model was asked for: `predicted` and
    `predicted_deviation`, the mean and the standard deviation that it predicted then (at the lowest fidelity, if there
    are short trainings), `observed`, the score that came of it, `acquisition`, the value that was maximised, on the
    model's own scale, and under constraints `probability_feasible`; and after the kernel was fitted `length_scale/`
    with the name of each decision and `noise` (see `prediction.of_kernel`).

    Args:
        structure: An `OperationGraph` that says which decisions label the edges of a graph. Defaults to `None`.
        acquisition: `"expected_improvement"` on the best posterior mean, `"upper_confidence_bound"` or `"thompson"`
            (a function drawn from the posterior). Defaults to `"expected_improvement"`.
        beta: β of the upper confidence bound μ + √β σ. Defaults to 1.0.
        n_initial: Number of completed trials before the model is used, or of margins for that of a constraint; beyond
            the initial points, drawn at random. Defaults to 5.
        n_parents: How many of the best have their neighbours considered. Defaults to 5.
        n_samples: How many fresh samples are considered. Defaults to 200.
        **kwargs: As in `Oracle`.
    """

    suggest_changes_state = False
    knows_fidelities = True
    weighs_success = True

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
        #: Of each observation: the trial's number, its architecture, scores, margins and fidelity.
        self._numbers, self._observed, self._scores, self._margins, self._fidelities = [], [], [], [], []
        self._latest_margins, self._latest_fidelity = None, 1.0
        #: By the latest number of observations for which they were wanted: their scores on one scale.
        self._scaled = {}
        #: By the name of a quantity: the process, and what it was fitted on.
        self._fits = {}
        #: Quantities whose process was fitted for the trial to come.
        self._newly_fitted = set()
        #: The `Prediction` for each pending trial; and that for the latest one with its scores, or `None`.
        self._predictions, self._latest = {}, None

    def check(self):
        super().check()
        if self.structure is not None and not isinstance(self.structure, operation_graph.OperationGraph):
            raise ValueError(f"`structure` must be an OperationGraph or None. Received: structure={self.structure!r}")
        checks.check_option("acquisition", self.acquisition, ACQUISITIONS)
        checks.check_number("beta", self.beta, 0)
        checks.check_integer("n_initial", self.n_initial, 1)
        checks.check_integer("n_parents", self.n_parents, 1)
        checks.check_integer("n_samples", self.n_samples, 1)

    def observe_margins(self, number, values, margins):
        self._latest_margins = margins

    def observe_fidelity(self, number, values, fidelity):
        self._latest_fidelity = fidelity

    def observe(self, number, values, scores):
        made = self._predictions.pop(number, None)
        is_of_it = made is not None and made.is_of(self.encoding.key(values), self._latest_fidelity)
        self._latest = (made, scores) if is_of_it else None
        self._numbers.append(number)
        self._observed.append(values)
        self._scores.append(scores)
        self._margins.append(self._latest_margins)
        self._fidelities.append(self._latest_fidelity)
        self._latest_margins, self._latest_fidelity = None, 1.0

    def numbers(self):
        made, scores = self._latest or (None, None)
        return {} if made is None else made.numbers(scores, self._objectives)

    def suggest(self, generator):
        n_observed = len(self._observed)
        objectives, constraints = self._objective_quantities(n_observed), self._constraint_quantities(n_observed)
        is_ready = bool(objectives) and objectives[0].start(self.n_initial) is not None
        # Where the limits are is learned around the initial points, if they aren't too far: a sample of the whole space
        # that is within them is rarely good at what has nothing to do with costs.
        is_near = self.initial_points and constraints and not is_ready and self._n_refused_in_a_row() < _MAX_REFUSED
        draw = self._near_initial_point if is_near else self.encoding.sample
        constraints = [one for one in constraints if one.start(self.n_initial) is not None]
        candidates = []
        if is_ready or constraints:
            candidates = self._candidates(generator, draw)
        if not candidates:
            return draw(generator)
        # Threads that wait for each other at every small matrix, beside those of a network's training, cost far more
        # than they save.
        with _linear_algebra().limit(limits=1, user_api="blas"):
            return self._most_promising(objectives if is_ready else [], constraints, candidates, generator)

    def _objective_quantities(self, count):
        """Those of the first `count` observations that have scores: nothing is known of the scores of the others, which
        were refused or have failed."""
        scores = self._on_one_scale(count)
        places = [place for place, of in enumerate(scores) if of is not None]
        n_objectives = max((len(scores[place]) for place in places), default=0)
        return [
            targets.Quantity(
                ("objective", objective), places, [scores[place][objective] for place in places], targets.warped
            )
            for objective in range(n_objectives)
        ]

    def _constraint_quantities(self, count):
        quantities = []
        margins = self._margins[:count]
        for of in range(max((len(each) for each in margins if each is not None), default=0)):
            places = [place for place, each in enumerate(margins) if each is not None and each[of] is not None]
            numbers = targets.squashed([margins[place][of] for place in places]).tolist()
            quantities.append(targets.Quantity(("constraint", of), places, numbers, targets.standardised))
        return quantities

    def _on_one_scale(self, count):
        """Scores of the first `count` observations as they would be at the lowest fidelity; a list."""
        if not self._has_fidelities:
            return self._scores[:count]
        if count not in self._scaled:
            rows = list(zip(self._fidelities, self._numbers, self._scores, strict=True))[:count]
            levels = {share: {} for share in sorted(set(self._fidelities[:count]))}
            for share, number, scores in rows:
                if scores is not None:
                    levels[share][number] = scores
            levels = dict(zip(levels, fidelity.comparable(list(levels.values())), strict=True))
            self._scaled = {count: [levels[share].get(number) for share, number, _ in rows]}
        return self._scaled[count]

    @property
    def _has_fidelities(self):
        return min(self._fidelities, default=1.0) < 1

    def _most_promising(self, objectives, constraints, candidates, generator):
        kept = self._kept(len(self._observed), _MAX_OBSERVATIONS)
        pending = list(self.pending.values())
        observed = [self._observed[place] for place in kept]
        shares = [*(self._fidelities[place] for place in kept), *[min(self._fidelities)] * len(pending)]
        # What was found is what a full training would have given.
        full = observed if self._has_fidelities else []
        architectures = [*observed, *pending, *full, *candidates]
        views = self._views(architectures, shares + [1.0] * (len(architectures) - len(shares)))
        new = [view.rows(slice(len(architectures) - len(candidates), None)) for view in views]
        chances = np.array([self._success.probability(self.encoding, values) for values in candidates])
        feasible = np.log(chances)
        for quantity in constraints:
            process, _ = self._conditioned(quantity, kept, 0, 0, views)
            centre, spread = targets.centre_and_spread(quantity.numbers)
            feasible += acquisitions.log_feasibility(*process.predict(new), -centre / spread)
        promise, processes = feasible, []
        if objectives:
            conditioned = [self._conditioned(one, kept, len(pending), len(full), views) for one in objectives]
            processes, predicted = zip(*conditioned, strict=True)
            known = [
                place
                for place, of in enumerate(kept)
                if self._scores[of] is not None and not feasibility.violation(self._margins[of])
            ]
            found = np.stack(predicted, axis=1)[known]
            promise = (self._acquire(processes, new, found, generator) if known else 0.0) + feasible
        chosen = int(np.argmax(promise))
        if not objectives and any(scores is not None for scores in self._scores):
            # Too little is known of the scores.
            chosen = int(generator.choice(len(candidates), p=np.exp(feasible) / np.exp(feasible).sum()))
        reasons = {"probability_feasible": np.exp(feasible[chosen]) / chances[chosen]} if constraints else {}
        if objectives:
            reasons["acquisition"] = promise[chosen]
        rows = [view.rows([chosen]) for view in new]
        self._predictions[self.n_asked] = self._prediction(candidates[chosen], rows, processes, objectives, reasons)
        return candidates[chosen]

    def _prediction(self, values, rows, processes, quantities, reasons):
        """The `Prediction` for the trial to come, at the fidelity at which it is likely to be scored first."""
        share = min(self._fidelities)
        if share < 1:  # The position of the fidelity is the last column of its view.
            rows[1].features[:, -1:] = fidelity.positions([share])
        means, deviations = prediction.of_scores(processes, quantities, rows)
        is_fitted = not self._newly_fitted.isdisjoint(quantity.name for quantity in quantities)
        kernel = prediction.of_kernel(processes, self.encoding.dimensions) if is_fitted else {}
        self._newly_fitted.clear()
        return prediction.Prediction(self.encoding.key(values), share, reasons, means, deviations, kernel)

    def _conditioned(self, quantity, kept, n_pending, n_full, views):
        """A quantity's process that knows its targets, and that of the pending trials as predicted.

        The views' rows are those of the kept observations, of the pending trials and, `n_full` of them, of the kept
        observations at a full training.

        Returns:
            The process, and the means predicted for the kept observations; at a full training, if there are such rows.
        """
        places, values = quantity.of(kept)
        rows = np.searchsorted(kept, places)
        process = self._fitted(quantity)
        process.condition([view.rows(rows) for view in views], values)
        n_believed = len(kept) + n_pending
        predicted = process.predict([view.rows(slice(n_believed + n_full)) for view in views])[0]
        if n_pending:
            rows = np.append(rows, np.arange(len(kept), n_believed))
            values = np.append(values, predicted[len(kept) : n_believed])
            process.condition([view.rows(rows) for view in views], values)
        return process, predicted[n_believed:] if n_full else predicted[: len(kept)]

    def _acquire(self, processes, new, found, generator):
        """How much each new architecture promises.

        Args:
            processes: List of a process for each objective.
            new: Views of the new architectures.
            found: Predicted scores of those within the limits that were observed, shape `(n, objectives)`.
            generator: The trial's.
        """
        if self.acquisition == "thompson":
            return self._as_one(found, generator)(np.stack([one.sample(new, generator) for one in processes], axis=1))
        means, deviations = (
            np.stack(predicted, axis=1)
            for predicted in zip(*(process.predict(new) for process in processes), strict=True)
        )
        if self.acquisition == "upper_confidence_bound":
            bounds = acquisitions.upper_confidence_bound(means, deviations, self.beta)
            return self._as_one(found, generator)(bounds)
        if len(processes) == 1:
            return acquisitions.log_expected_improvement(means[:, 0], deviations[:, 0], found.max())
        if len(processes) == 2:
            # From what is worst in each: beside it, the ends of the front gain too.
            return acquisitions.log_expected_hypervolume_improvement(means, deviations, found, found.min(axis=0))
        as_one = self._as_one(found, generator)
        draws = means + deviations * generator.standard_normal((_N_DRAWS, 1, len(processes)))
        return acquisitions.log_sampled_improvement(as_one(draws), as_one(found).max())

    @staticmethod
    def _as_one(found, generator):
        """Function from several scores to one, for weights that are drawn; of one score to itself."""
        lowest, highest = found.min(axis=0), found.max(axis=0)
        if len(lowest) == 1:
            return lambda scores: scores[..., 0]
        weights = scalarisation.draw_weights(len(lowest), generator)
        return lambda scores: scalarisation.augmented_chebyshev(
            scalarisation.normalised(scores, lowest, highest), weights
        )

    def _n_refused_in_a_row(self):
        refused = (feasibility.violation(margins) > 0 for margins in reversed(self._margins))
        return sum(1 for _ in itertools.takewhile(bool, refused))

    def _near_initial_point(self, generator):
        """One of the initial points with a few decisions changed."""
        values = self.encoding.complete(self.initial_points[generator.integers(len(self.initial_points))])
        for _ in range(generator.integers(1, _MAX_MUTATIONS, endpoint=True)):
            values = self.encoding.mutate(values, generator)
        return values

    def _candidates(self, generator, draw):
        """Architectures not tried yet: neighbours of the best ones and what `draw` gives."""
        found = {}
        latest = list({number: place for place, number in enumerate(self._numbers)}.values())
        for place in self._from_best(latest, len(self._scores))[: self.n_parents]:
            for values in self.encoding.neighbours(self._observed[place], generator):
                found.setdefault(self.encoding.key(values), values)
        for _ in range(self.n_samples):
            values = draw(generator)
            found.setdefault(self.encoding.key(values), values)
        return [values for values in found.values() if self._is_new(values)]

    def _fitted(self, quantity):
        """A quantity's process with the kernel fitted to the latest number of observations at which it is to be.

        It depends on those observations alone, so that a search that is continued finds the same one.
        """
        count = following = quantity.start(self.n_initial)
        while following <= len(self._observed):
            count, following = following, max(following + 1, int(following * _FIT_GROWTH))
        process, fitted_on = self._fits.get(quantity.name, (None, None))
        state = count, self.encoding.width, self._has_fidelities
        if fitted_on != state:
            kind, of = quantity.name
            quantities = self._objective_quantities if kind == "objective" else self._constraint_quantities
            places, values = quantities(count)[of].of(self._kept(count, _MAX_FITTED))
            architectures, shares = zip(*((self._observed[at], self._fidelities[at]) for at in places), strict=True)
            process = GaussianProcess()
            process.fit(self._views(architectures, shares), values)
            self._fits[quantity.name] = process, state
            self._newly_fitted.add(quantity.name)
        return process

    def _kept(self, count, limit):
        """Places of the observations to use of the first `count`: all, or the best and the latest."""
        if count <= limit:
            return list(range(count))
        n_latest = limit // 2
        best = self._from_best(range(count - n_latest), count)[: limit - n_latest]
        return sorted(best) + list(range(count - n_latest, count))

    def _from_best(self, places, count):
        """Places of some of the first `count` observations, the fittest first."""
        scores = self._on_one_scale(count)
        fitness = feasibility.fitness(
            [scores[place] for place in places], [feasibility.violation(self._margins[place]) for place in places]
        )
        return [places[at] for at in np.argsort(-fitness, kind="stable")]

    def _views(self, architectures, shares=None):
        """Views of architectures that are trained for these shares of a full training; `None` for full trainings."""
        features, groups = self.encoding.features(architectures), self.encoding.columns
        ordered = self.encoding.is_ordered
        squares = 4 * features[:, ordered] ** 2 - 0.5
        views = [View(features, groups, linear=False, weight=1.0)]
        if self._has_fidelities:
            positions = fidelity.positions([1.0] * len(architectures) if shares is None else shares)
            of_position = groups.max(initial=-1) + 1
            views[0] = views[0]._replace(weight=0.5)
            views.append(
                View(np.hstack([features, positions]), np.append(groups, of_position), linear=False, weight=0.5)
            )
        if self.structure is not None:
            paths = self.structure.features(architectures)
            views.append(View(paths, np.zeros(paths.shape[1], dtype=int), linear=False, weight=1.0))
        whole = sum(view.weight for view in views)
        views = [view._replace(weight=(1 - _LINEAR_WEIGHT) * view.weight / whole) for view in views]
        effects, of_effects = np.hstack([features, squares]), np.concatenate([groups, groups[ordered]])
        return [*views, View(effects, of_effects, linear=True, weight=_LINEAR_WEIGHT)]
