"""Bayesian optimisation: a Gaussian process predicts the scores, and the most promising architecture is tried next."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import threadpoolctl

from autonas.arguments import checks
from autonas.oracles import base, feasibility, scalarisation
from autonas.oracles.fidelity import scale as fidelity
from autonas.oracles.gp import acquisition as acquisitions
from autonas.oracles.gp import prediction, targets
from autonas.oracles.gp.gaussian_process import GaussianProcess, View
from autonas.oracles.gp.targets import Quantity
from autonas.oracles.observation import Observation
from autonas.search_space import operation_graph
from autonas.search_space.values import Key, Scalar

ACQUISITIONS = ("expected_improvement", "upper_confidence_bound", "thompson")
#: Maximum number of observations that are used: the best ones for one half, the latest for the other.
_MAX_OBSERVATIONS = 500
#: Maximum number of observations that the kernel is fitted to, and growth of their number between two fits.
_MAX_FITTED, _FIT_GROWTH = 200, 1.1
#: Number of draws from the posterior for the mean improvement, with more than two objectives.
_N_DRAWS = 64
#: Prior share of the variance that additive effects of single decisions explain.
_LINEAR_WEIGHT = 0.1
#: Maximum number of changed decisions of an initial point while the limits are unknown, and number of refused
#: architectures in a row after which the limits are taken to lie farther away.
_MAX_MUTATIONS, _MAX_REFUSED = 6, 10

_Name: TypeAlias = tuple[Literal["objective", "constraint"], int]
_Draw: TypeAlias = Callable[[np.random.Generator], dict[str, Scalar]]


@functools.cache
def _linear_algebra() -> threadpoolctl.ThreadpoolController:
    """Return a controller of the loaded libraries of linear algebra; finding them takes a while."""
    return threadpoolctl.ThreadpoolController()


class BayesianOracle(base.Oracle):
    """Bayesian optimisation with a Gaussian process whose kernel knows the structure.

    After `n_initial` trials, each suggestion maximises an acquisition function over the one-decision neighbours of the
    best architectures and random samples (as BANANAS does, White et al. 2021). The kernel, see `GaussianProcess`, is a
    sum of

    - a product over active decisions of their similarity;
    - a linear kernel of single decisions, numbers with their squares, for additive effects: without it, an option that
      was only tried in bad company is never tried again;
    - with a `structure`, a kernel on the paths from input to output (White et al. 2021; Kandasamy et al. 2018), to
      which architectures that compute the same function are equal.

    Scores are warped: scores above the median are kept, lower ones are replaced by the normal quantiles of their ranks
    (the half-rank warping of Vizier, Song et al. 2024). Scores of networks are skewed, and a few networks that don't
    learn at all would hide the differences among the good ones. Pending trials are taken to have their predicted scores
    (the kriging believer, Ginsbourger et al. 2010), so that parallel workers get different architectures. The kernel is
    fitted again whenever the number of observations has grown by a tenth.

    A failed trial is no observation of the scores. The acquisition function is weighted by the probability that a trial
    of the architecture succeeds (see `success.SuccessModel`).

    With several objectives there is one process per objective. With two, the expected improvement is that of the
    hypervolume, exactly, relative to the worst value of each (see `log_expected_hypervolume_improvement`). With more,
    and for the other acquisition functions, the objectives are combined anew for each trial by the augmented Chebyshev
    scalarisation with random weights (ParEGO, Knowles 2006). Predictions are scalarised, by draws, not the scores, so
    that the kernels needn't be fitted for the weights of every trial (as Daulton et al. 2020).

    With constraints there is one process per constraint on the margins, which includes the refused trials. The
    processes of the objectives don't, since a refused architecture may be a good one. The acquisition function is
    weighted by the probability that all constraints are satisfied (Gardner et al., "Bayesian optimization with
    inequality constraints", 2014). While no feasible architecture is known, this probability alone counts. Until
    `n_initial` trials are completed, candidates are drawn in proportion to it, from initial points with a few changed
    decisions and from neighbours, unless many in a row are refused.

    Scores of short trainings are evidence of their own kind (as in Swersky et al., "Multi-task Bayesian optimization",
    2013): they are observations at a fidelity, on one scale (see `scale.comparable`). The kernel is a sum of a kernel
    that all fidelities share and one in which the fidelity is a coordinate, with fitted weights. The acquisition
    function is that of a full training; a pending trial is taken to be one of the lowest fidelity.

    Its `diagnostics` are, under `strategy/`, after a trial that the model suggested: `predicted` and
    `predicted_deviation`, the mean and the standard deviation of the prediction (at the lowest fidelity, if there are
    short trainings), `observed`, the score of the trial, `acquisition`, the maximum on the model's own scale, and with
    constraints `probability_feasible`; and after the kernel was fitted `length_scale/` with the name of each decision
    and `noise` (see `prediction.of_kernel`).

    Args:
        structure: An `OperationGraph` that says which decisions label the edges of a graph. `AutoModel` sets it for
            spaces that have one. Defaults to `None`.
        acquisition: `"expected_improvement"` on the best posterior mean, `"upper_confidence_bound"` or `"thompson"`
            (a function drawn from the posterior). Defaults to `"expected_improvement"`.
        beta: β of the upper confidence bound μ + √β σ. Defaults to 1.0.
        n_initial: Number of completed trials, or for a constraint of measured margins, before its process is used;
            beyond the initial points, they are drawn at random. Defaults to 5.
        n_parents: Number of best architectures whose neighbours are candidates. Defaults to 5.
        n_samples: Number of random samples among the candidates. Defaults to 200.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas
    import keras_tuner

    space = keras_tuner.HyperParameters()
    space.Int("units", 8, 64)
    oracle = autonas.oracles.BayesianOracle(
        acquisition="thompson", objective=keras_tuner.Objective("score", "max"), hyperparameters=space, seed=0
    )
    for number in range(8):
        values = oracle.ask()
        oracle.tell(number, values, (-abs(values["units"] - 40),))
    ```
    """

    suggest_changes_state = False
    weighs_success = True

    def __init__(
        self,
        structure: operation_graph.OperationGraph | None = None,
        acquisition: Literal["expected_improvement", "upper_confidence_bound", "thompson"] = "expected_improvement",
        beta: float = 1.0,
        n_initial: int = 5,
        n_parents: int = 5,
        n_samples: int = 200,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.structure = structure
        self.acquisition = acquisition
        self.beta = beta
        self.n_initial = n_initial
        self.n_parents = n_parents
        self.n_samples = n_samples
        #: By observation: the number of the trial, its architecture, scores, margins and fidelity.
        self._numbers: list[int] = []
        self._observed: list[dict[str, Scalar]] = []
        self._scores: list[tuple[float, ...] | None] = []
        self._margins: list[tuple[float | None, ...] | None] = []
        self._fidelities: list[float] = []
        #: By number of observations, the latest one alone: their scores on one scale.
        self._scaled: dict[int, list[tuple[float, ...] | None]] = {}
        #: By the name of a quantity: the process, and the state for which it was fitted.
        self._fits: dict[_Name, tuple[GaussianProcess, tuple[int, int, bool]]] = {}
        #: Quantities whose process was fitted for the next trial.
        self._newly_fitted: set[_Name] = set()
        #: By pending trial: its `Prediction`; and the one of the latest trial with its scores, or `None`.
        self._predictions: dict[int, prediction.Prediction] = {}
        self._latest: tuple[prediction.Prediction, tuple[float, ...] | None] | None = None

    def check(self) -> None:
        super().check()
        if self.structure is not None and not isinstance(self.structure, operation_graph.OperationGraph):
            raise ValueError(f"`structure` must be an OperationGraph or None. Received: structure={self.structure!r}")
        checks.check_option("acquisition", self.acquisition, ACQUISITIONS)
        checks.check_number("beta", self.beta, 0)
        checks.check_integer("n_initial", self.n_initial, 1)
        checks.check_integer("n_parents", self.n_parents, 1)
        checks.check_integer("n_samples", self.n_samples, 1)

    def observe(self, observation: Observation) -> None:
        # The scores of all fidelities are mapped to one scale anew for each suggestion.
        scores = observation.training.measured_scores or observation.scores
        predicted = self._predictions.pop(observation.number, None)
        key = self.encoding.key(observation.values)
        self._latest = None
        if predicted is not None and predicted.is_of(key, observation.training.fidelity):
            self._latest = predicted, scores
        self._numbers.append(observation.number)
        self._observed.append(observation.values)
        self._scores.append(scores)
        self._margins.append(observation.margins)
        self._fidelities.append(observation.training.fidelity)

    def diagnostics(self) -> dict[str, float]:
        predicted, scores = self._latest or (None, None)
        return {} if predicted is None else predicted.numbers(scores, self._objectives)

    def suggest(self, generator: np.random.Generator) -> dict[str, Scalar]:
        n_observed = len(self._observed)
        objectives, constraints = self._objective_quantities(n_observed), self._constraint_quantities(n_observed)
        is_ready = bool(objectives) and objectives[0].is_known(self.n_initial)
        # The limits are learned around the initial points, if they aren't too far away: a feasible sample of the whole
        # space is rarely good in the objectives.
        is_near = self.initial_points and constraints and not is_ready and self._n_refused_in_a_row() < _MAX_REFUSED
        draw = self._near_initial_point if is_near else self.encoding.sample
        constraints = [constraint for constraint in constraints if constraint.is_known(self.n_initial)]
        candidates = []
        if is_ready or constraints:
            candidates = self._candidates(generator, draw)
        if not candidates:
            return draw(generator)
        # Threads that wait for one another at every small matrix, beside the threads of a network's training, cost far
        # more than they save.
        with _linear_algebra().limit(limits=1, user_api="blas"):
            return self._most_promising(objectives if is_ready else [], constraints, candidates, generator)

    def _objective_quantities(self, count: int) -> list[Quantity]:
        """Return a quantity per objective of the first `count` observations, without refused and failed trials."""
        scores = self._on_one_scale(count)
        known = {row: of_row for row, of_row in enumerate(scores) if of_row is not None}
        n_objectives = max(map(len, known.values()), default=0)
        return [
            Quantity(
                ("objective", objective), list(known), [of_row[objective] for of_row in known.values()], targets.warped
            )
            for objective in range(n_objectives)
        ]

    def _constraint_quantities(self, count: int) -> list[Quantity]:
        """Return a quantity per constraint of the first `count` observations, without margins that weren't measured."""
        quantities = []
        margins = self._margins[:count]
        for constraint in range(max((len(row) for row in margins if row is not None), default=0)):
            known = {
                row: margin
                for row, of_row in enumerate(margins)
                if of_row is not None and (margin := of_row[constraint]) is not None
            }
            numbers = targets.squashed(list(known.values())).tolist()
            quantities.append(Quantity(("constraint", constraint), list(known), numbers, targets.standardised))
        return quantities

    def _on_one_scale(self, count: int) -> list[tuple[float, ...] | None]:
        """Return the scores of the first `count` observations as they would be at the lowest fidelity, a list."""
        if not self._has_fidelities:
            return self._scores[:count]
        if count not in self._scaled:
            rows = list(zip(self._fidelities, self._numbers, self._scores, strict=True))[:count]
            levels: dict[float, dict[int, tuple[float, ...]]] = {
                share: {} for share in sorted(set(self._fidelities[:count]))
            }
            for share, number, scores in rows:
                if scores is not None:
                    levels[share][number] = scores
            levels = dict(zip(levels, fidelity.comparable(list(levels.values())), strict=True))
            self._scaled = {count: [levels[share].get(number) for share, number, _ in rows]}
        return self._scaled[count]

    @property
    def _has_fidelities(self) -> bool:
        return min(self._fidelities, default=1.0) < 1

    def _most_promising(
        self,
        objectives: Sequence[Quantity],
        constraints: Sequence[Quantity],
        candidates: Sequence[dict[str, Scalar]],
        generator: np.random.Generator,
    ) -> dict[str, Scalar]:
        kept = self._kept(len(self._observed), _MAX_OBSERVATIONS)
        pending = list(self.pending.values())
        observed = [self._observed[row] for row in kept]
        shares = [*(self._fidelities[row] for row in kept), *[min(self._fidelities)] * len(pending)]
        # The best score so far is that of a full training.
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
            conditioned = [
                self._conditioned(objective, kept, len(pending), len(full), views) for objective in objectives
            ]
            processes, predicted = zip(*conditioned, strict=True)
            successful = [
                index
                for index, row in enumerate(kept)
                if self._scores[row] is not None and not feasibility.violation(self._margins[row])
            ]
            known = np.stack(predicted, axis=1)[successful]
            promise = (self._acquire(processes, new, known, generator) if successful else 0.0) + feasible
        chosen = int(np.argmax(promise))
        if not objectives and any(scores is not None for scores in self._scores):
            # Too few scores are known.
            chosen = int(generator.choice(len(candidates), p=np.exp(feasible) / np.exp(feasible).sum()))
        reasons = {"probability_feasible": np.exp(feasible[chosen]) / chances[chosen]} if constraints else {}
        if objectives:
            reasons["acquisition"] = promise[chosen]
        rows = [view.rows([chosen]) for view in new]
        self._predictions[self.n_asked] = self._prediction(candidates[chosen], rows, processes, objectives, reasons)
        return candidates[chosen]

    def _prediction(
        self,
        values: Mapping[str, Scalar],
        rows: Sequence[View],
        processes: Sequence[GaussianProcess],
        quantities: Sequence[Quantity],
        reasons: dict[str, float],
    ) -> prediction.Prediction:
        """Return the `Prediction` of the next trial, at the fidelity at which it is likely to be scored first."""
        share = min(self._fidelities)
        if share < 1:  # The position of the fidelity is the last column of its view.
            rows[1].features[:, -1:] = fidelity.positions([share])
        means, deviations = prediction.of_scores(processes, quantities, rows)
        is_fitted = not self._newly_fitted.isdisjoint(quantity.name for quantity in quantities)
        kernel = prediction.of_kernel(processes, self.encoding.dimensions) if is_fitted else {}
        self._newly_fitted.clear()
        return prediction.Prediction(self.encoding.key(values), share, reasons, means, deviations, kernel=kernel)

    def _conditioned(
        self, quantity: Quantity, kept: Sequence[int], n_pending: int, n_full: int, views: Sequence[View]
    ) -> tuple[GaussianProcess, np.ndarray]:
        """Return a process conditioned on its targets, and on the predictions for the pending trials.

        The rows of the views are the kept observations, the pending trials and, `n_full` of them, the kept observations
        at a full training.

        Returns:
            The process, and the means predicted for the kept observations; at a full training, if there are such rows.
        """
        observed_rows, values = quantity.of(kept)
        rows = np.searchsorted(kept, observed_rows)
        process = self._fitted(quantity)
        process.condition([view.rows(rows) for view in views], values)
        n_believed = len(kept) + n_pending
        predicted = process.predict([view.rows(slice(n_believed + n_full)) for view in views])[0]
        if n_pending:
            rows = np.append(rows, np.arange(len(kept), n_believed))
            values = np.append(values, predicted[len(kept) : n_believed])
            process.condition([view.rows(rows) for view in views], values)
        return process, predicted[n_believed:] if n_full else predicted[: len(kept)]

    def _acquire(
        self,
        processes: Sequence[GaussianProcess],
        new: Sequence[View],
        known: np.ndarray,
        generator: np.random.Generator,
    ) -> np.ndarray:
        """Return the acquisition function of new architectures, shape `(candidates,)`.

        Args:
            processes: List of one process per objective.
            new: Views of the new architectures.
            known: Predicted scores of the feasible architectures that were observed, shape `(n, objectives)`.
            generator: The generator of the trial.
        """
        if self.acquisition == "thompson":
            draws = np.stack([process.sample(new, generator) for process in processes], axis=1)
            return self._as_one(known, generator)(draws)
        means, deviations = (
            np.stack(predicted, axis=1)
            for predicted in zip(*(process.predict(new) for process in processes), strict=True)
        )
        if self.acquisition == "upper_confidence_bound":
            bounds = acquisitions.upper_confidence_bound(means, deviations, self.beta)
            return self._as_one(known, generator)(bounds)
        if len(processes) == 1:
            return acquisitions.log_expected_improvement(means[:, 0], deviations[:, 0], known.max())
        if len(processes) == 2:
            # Relative to the worst values, so that the ends of the front have a volume too.
            return acquisitions.log_expected_hypervolume_improvement(means, deviations, known, known.min(axis=0))
        as_one = self._as_one(known, generator)
        draws = means + deviations * generator.standard_normal((_N_DRAWS, 1, len(processes)))
        return acquisitions.log_sampled_improvement(as_one(draws), as_one(known).max())

    @staticmethod
    def _as_one(known: np.ndarray, generator: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
        """Return a function from several scores to one, with random weights; from one score to itself."""
        lowest, highest = known.min(axis=0), known.max(axis=0)
        if len(lowest) == 1:
            return lambda scores: scores[..., 0]
        weights = scalarisation.draw_weights(len(lowest), generator)
        return lambda scores: scalarisation.augmented_chebyshev(
            scalarisation.normalised(scores, lowest, highest), weights
        )

    def _n_refused_in_a_row(self) -> int:
        refused = (feasibility.violation(margins) > 0 for margins in reversed(self._margins))
        return sum(1 for _ in itertools.takewhile(bool, refused))

    def _near_initial_point(self, generator: np.random.Generator) -> dict[str, Scalar]:
        """Return one of the initial points with a few decisions changed."""
        points = self.initial_points or ({},)
        values = self.encoding.complete(points[int(generator.integers(len(points)))])
        for _ in range(generator.integers(1, _MAX_MUTATIONS, endpoint=True)):
            values = self.encoding.mutate(values, generator)
        return values

    def _candidates(self, generator: np.random.Generator, draw: _Draw) -> list[dict[str, Scalar]]:
        """Return new architectures: neighbours of the best ones, and samples by `draw`."""
        candidates: dict[Key, dict[str, Scalar]] = {}
        encoding = self.encoding
        latest = list({number: row for row, number in enumerate(self._numbers)}.values())
        for row in self._from_best(latest, len(self._scores))[: self.n_parents]:
            for values in encoding.neighbours(self._observed[row], generator):
                candidates.setdefault(encoding.key(values), values)
        for _ in range(self.n_samples):
            values = draw(generator)
            candidates.setdefault(encoding.key(values), values)
        return [values for key, values in candidates.items() if self._is_new_key(key)]

    def _fitted(self, quantity: Quantity) -> GaussianProcess:
        """Return the process of a quantity, whose kernel is fitted at growing numbers of observations.

        The kernel depends on these observations alone, so that a continued search fits the same one.
        """
        count = following = quantity.start(self.n_initial)
        while following <= len(self._observed):
            count, following = following, max(following + 1, int(following * _FIT_GROWTH))
        state = count, self.encoding.width, self._has_fidelities
        if quantity.name in self._fits and self._fits[quantity.name][1] == state:
            return self._fits[quantity.name][0]
        kind, index = quantity.name
        quantities = self._objective_quantities if kind == "objective" else self._constraint_quantities
        rows, values = quantities(count)[index].of(self._kept(count, _MAX_FITTED))
        architectures, shares = zip(*((self._observed[row], self._fidelities[row]) for row in rows), strict=True)
        process = GaussianProcess()
        process.fit(self._views(architectures, shares), values)
        self._fits[quantity.name] = process, state
        self._newly_fitted.add(quantity.name)
        return process

    def _kept(self, count: int, limit: int) -> list[int]:
        """Return the rows of the first `count` observations to use: all, or the best and the latest."""
        if count <= limit:
            return list(range(count))
        n_latest = limit // 2
        best = self._from_best(range(count - n_latest), count)[: limit - n_latest]
        return sorted(best) + list(range(count - n_latest, count))

    def _from_best(self, rows: Sequence[int], count: int) -> list[int]:
        """Return some rows of the first `count` observations in order, the fittest first."""
        scores = self._on_one_scale(count)
        violations = [feasibility.violation(self._margins[row]) for row in rows]
        fitness = feasibility.fitness([scores[row] for row in rows], violations)
        return [rows[index] for index in np.argsort(-fitness, kind="stable")]

    def _views(
        self, architectures: Sequence[Mapping[str, Scalar]], shares: Sequence[float] | None = None
    ) -> list[View]:
        """Return views of architectures at these fidelities; `None` for full trainings."""
        features, groups = self.encoding.features(architectures), self.encoding.columns
        ordered = self.encoding.is_ordered
        squares = 4 * features[:, ordered] ** 2 - 0.5
        views = [View(features, groups, linear=False, weight=1.0)]
        if self._has_fidelities:
            positions = fidelity.positions([1.0] * len(architectures) if shares is None else shares)
            position_group = groups.max(initial=-1) + 1
            views[0] = views[0]._replace(weight=0.5)
            views.append(
                View(np.hstack([features, positions]), np.append(groups, position_group), linear=False, weight=0.5)
            )
        if self.structure is not None:
            paths = self.structure.features(architectures)
            views.append(View(paths, np.zeros(paths.shape[1], dtype=int), linear=False, weight=1.0))
        total = sum(view.weight for view in views)
        views = [view._replace(weight=(1 - _LINEAR_WEIGHT) * view.weight / total) for view in views]
        effects, effect_groups = np.hstack([features, squares]), np.concatenate([groups, groups[ordered]])
        return [*views, View(effects, effect_groups, linear=True, weight=_LINEAR_WEIGHT)]
