"""Bayesian optimisation: a Gaussian process predicts the scores, and the most promising architecture is tried next."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import special

from autonas.arguments import checks
from autonas.backends import linear_algebra
from autonas.oracles import base, earlier_search, feasibility, scalarisation
from autonas.oracles.fidelity import scale as fidelity
from autonas.oracles.gp import acquisition as acquisitions
from autonas.oracles.gp import prediction, targets, transfer
from autonas.oracles.gp.costs import CostFeatures, Costs
from autonas.oracles.gp.gaussian_process import GaussianProcess, View
from autonas.oracles.gp.observations import Observations
from autonas.oracles.gp.surrogates import Surrogates
from autonas.oracles.gp.targets import Quantity
from autonas.oracles.observation import Observation
from autonas.search_space import drawn_graph, operation_graph
from autonas.search_space.values import Key, Scalar

ACQUISITIONS = ("expected_improvement", "upper_confidence_bound", "thompson")
#: Maximum number of observations that are used: the best ones for one half, the latest for the other.
_MAX_OBSERVATIONS = 500
#: Number of draws from the posterior for the mean improvement, with more than two objectives.
_N_DRAWS = 64
#: Maximum number of changed decisions of an initial point before the model is used, and number of refused
#: architectures in a row after which the limits are taken to lie farther away.
_MAX_MUTATIONS, _MAX_REFUSED = 6, 10

_Draw: TypeAlias = Callable[[np.random.Generator], dict[str, Scalar]]


class BayesianOracle(base.Oracle):
    """Bayesian optimisation with a Gaussian process whose kernel knows the structure.

    After `n_initial` trials, each suggestion maximises an acquisition function over the one-decision neighbours of the
    best architectures and random samples (as BANANAS does, White et al. 2021). The kernel, see `GaussianProcess`, is a
    sum of

    - a product over active decisions of their similarity;
    - a linear kernel of single decisions, numbers with their squares, for additive effects: without it, an option that
      was only tried in bad company is never tried again;
    - with a `structure`, a kernel on the paths from input to output (White et al. 2021; Kandasamy et al. 2018) of an
      `OperationGraph`, or on the walks of `DrawnGraphs` (Ru et al. 2021), to which architectures that compute the same
      function are equal.

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
    scalarisation with random weights (ParEGO, Knowles 2006). The predictions are scalarised, by draws from the
    posterior (as in Daulton et al. 2020). Scores aren't, so the kernels don't have to be fitted again for each trial's
    weights.

    With constraints there is one process per constraint on the margins, which includes the refused trials. The
    processes of the objectives don't, since a refused architecture may be a good one. The acquisition function is
    weighted by the probability that all constraints are satisfied (Gardner et al., "Bayesian optimization with
    inequality constraints", 2014). While no feasible architecture is known, this probability alone counts. Until
    `n_initial` trials are completed, candidates are drawn in proportion to it, from initial points with a few changed
    decisions and from neighbours, unless many in a row are refused: then they are random.

    Scores of short trainings are evidence of their own kind (as in Swersky et al., "Multi-task Bayesian optimization",
    2013): they are observations at a fidelity, on one scale (see `scale.comparable`). The kernel is a sum of a kernel
    that all fidelities share and one in which the fidelity is a coordinate, with fitted weights. The acquisition
    function is that of a full training; a pending trial is taken to be one of the lowest fidelity.

    With `earlier_searches` and one objective, there is a process per earlier search on its warped scores. The
    acquisition function is that of a weighted sum of all processes, whose weights say how well each process orders the
    trials of this search (the ranking-weighted ensemble of Feurer et al. 2018; see `transfer.agreement`). An earlier
    search on data with other best architectures loses its weight after a few trials. The neighbours of the best
    architectures of the earlier searches are candidates too.

    Its `diagnostics` are, under `strategy/`, after a trial that the model suggested: `predicted` and
    `predicted_deviation`, the mean and the standard deviation of the prediction (at the lowest fidelity, if there are
    short trainings), `observed`, the score of the trial, `acquisition`, the maximum on the model's own scale, with
    constraints `probability_feasible`, with earlier searches `weight_of_earlier_searches`; and after the kernel was
    fitted `length_scale/` with the name of each decision and `noise` (see `prediction.of_kernel`).

    Args:
        structure: An `OperationGraph` that says which decisions label the edges of a graph, or the `DrawnGraphs` of a
            block. `AutoModel` sets it for cells, chains, motifs and all blocks that draw a graph. Defaults to `None`.
        acquisition: `"expected_improvement"` on the best posterior mean, `"upper_confidence_bound"` or `"thompson"`
            (a function drawn from the posterior). Defaults to `"expected_improvement"`.
        beta: β of the upper confidence bound μ + √β σ. Defaults to 1.0.
        n_initial: Number of completed trials before the Gaussian process of an objective is used. For a constraint, it
            is the number of measured margins. Until then, trials after the initial points are initial points with one
            to six changed decisions, or random architectures if there are no initial points. Defaults to 5.
        n_parents: Number of best architectures whose neighbours are candidates. Defaults to 5.
        n_samples: Number of random samples among the candidates. Defaults to 200.
        earlier_searches: Sequence of `EarlierSearch`, each with at least two architectures. Defaults to none.
        costs: Function from an architecture, a dict of values, to a sequence of positive numbers, such as its
            parameters and FLOPs. It is called once for each of a few hundred new candidates of a suggestion, so that it
            must be fast. Defaults to `None`: costs are unknown.
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
        structure: operation_graph.OperationGraph | drawn_graph.DrawnGraphs | None = None,
        acquisition: Literal["expected_improvement", "upper_confidence_bound", "thompson"] = "expected_improvement",
        beta: float = 1.0,
        n_initial: int = 5,
        n_parents: int = 5,
        n_samples: int = 200,
        earlier_searches: Sequence[earlier_search.EarlierSearch] = (),
        costs: Costs | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.structure = structure
        self.acquisition = acquisition
        self.beta = beta
        self.n_initial = n_initial
        self.n_parents = n_parents
        self.n_samples = n_samples
        self.earlier_searches = earlier_searches
        self.costs = costs
        self._observations = Observations()
        cost_features = None if costs is None else CostFeatures(costs)
        self._surrogates = Surrogates(self._observations, structure, cost_features, n_initial)
        self._transferred = transfer.EarlierProcesses(earlier_searches, self._surrogates)
        #: By pending trial: its `Prediction`; and the one of the latest trial with its scores, or `None`.
        self._predictions: dict[int, prediction.Prediction] = {}
        self._latest: tuple[prediction.Prediction, tuple[float, ...] | None] | None = None

    def check(self) -> None:
        super().check()
        structures = (operation_graph.OperationGraph, drawn_graph.DrawnGraphs, type(None))
        if not isinstance(self.structure, structures):
            raise ValueError(
                f"`structure` must be an OperationGraph, DrawnGraphs or None. Received: structure={self.structure!r}"
            )
        checks.check_option("acquisition", self.acquisition, ACQUISITIONS)
        checks.check_number("beta", self.beta, 0)
        checks.check_integer("n_initial", self.n_initial, 1)
        checks.check_integer("n_parents", self.n_parents, 1)
        checks.check_integer("n_samples", self.n_samples, 1)
        earlier_search.check(self.earlier_searches)
        if self.costs is not None and not callable(self.costs):
            raise ValueError(
                "`costs` must be a function from an architecture to a sequence of positive numbers, or None. "
                f"Received: costs={self.costs!r:.100}"
            )

    def observe(self, observation: Observation) -> None:
        predicted = self._predictions.pop(observation.number, None)
        key = self.encoding.key(observation.values)
        self._observations.add(observation)
        self._latest = None
        if predicted is not None and predicted.is_of(key, observation.training.fidelity):
            self._latest = predicted, self._observations.scores[-1]

    def diagnostics(self) -> dict[str, float]:
        predicted, scores = self._latest or (None, None)
        return {} if predicted is None else predicted.numbers(scores, self._objectives)

    def suggest(self, generator: np.random.Generator) -> dict[str, Scalar]:
        observations = self._observations
        objectives = observations.objectives(len(observations))
        constraints = observations.constraints(len(observations))
        is_ready = bool(objectives) and objectives[0].is_known(self.n_initial)
        # Scores and limits are learned around the initial points, if the limits aren't too far away: a sample of the
        # whole space is rarely good.
        is_far = observations.n_refused_in_a_row() >= _MAX_REFUSED
        is_near = self.initial_points and not is_ready and not is_far
        draw = self._near_initial_point if is_near else self.encoding.sample
        constraints = [constraint for constraint in constraints if constraint.is_known(self.n_initial)]
        candidates = []
        if is_ready or constraints:
            candidates = self._candidates(generator, draw)
        if not candidates:
            return draw(generator)
        # Threads that wait for one another at every small matrix, beside the threads of a network's training, cost far
        # more than they save.
        with linear_algebra.one_thread():
            return self._most_promising(objectives if is_ready else [], constraints, candidates, generator)

    def _most_promising(
        self,
        objectives: Sequence[Quantity],
        constraints: Sequence[Quantity],
        candidates: Sequence[dict[str, Scalar]],
        generator: np.random.Generator,
    ) -> dict[str, Scalar]:
        observations = self._observations
        kept = observations.kept(len(observations), _MAX_OBSERVATIONS)
        pending = list(self.pending.values())
        observed = [observations.architectures[row] for row in kept]
        shares = [*(observations.fidelities[row] for row in kept), *[min(observations.fidelities)] * len(pending)]
        # The best score so far is that of a full training.
        full = observed if observations.has_fidelities else []
        architectures = [*observed, *pending, *full, *candidates]
        all_views = self._surrogates.views(
            self.encoding, architectures, shares + [1.0] * (len(architectures) - len(shares))
        )
        n_new = len(candidates)
        new = [view.rows(slice(len(architectures) - n_new, None)) for view in all_views]
        views = [view.rows(slice(len(architectures) - n_new)) for view in all_views]
        log_success = np.log([self._success.probability(self.encoding, values) for values in candidates])
        feasible = log_success.copy()
        for quantity in constraints:
            process = self._surrogates.fitted(self.encoding, quantity)
            self._surrogates.conditioned(process, quantity, kept, 0, views)
            centre, spread = targets.centre_and_spread(quantity.numbers)
            feasible += acquisitions.log_feasibility(*process.predict(new), -centre / spread)
        promise, weights = feasible, None
        processes = [self._surrogates.fitted(self.encoding, objective) for objective in objectives]
        if len(objectives) == 1 and self.earlier_searches:
            weights = self._agreement(objectives[0], kept, views, generator)
        if objectives:
            predicted = [
                self._surrogates.conditioned(process, objective, kept, len(pending), views)
                for process, objective in zip(processes, objectives, strict=True)
            ]
            best_rows = slice(len(kept) + len(pending), None) if full else slice(len(kept))
            successful = [
                index
                for index, row in enumerate(kept)
                if observations.scores[row] is not None and not feasibility.violation(observations.margins[row])
            ]
            known = np.stack(predicted, axis=1)[best_rows][successful]
            mixed: Sequence[GaussianProcess | transfer.Mixture] = processes
            if weights is not None:
                mixed = [self._transferred.mixture(processes[0], candidates, weights)]
                earlier = self._transferred.means([observed[index] for index in successful])
                known = (weights @ np.vstack([*earlier, known.T]))[:, np.newaxis]
            promise = (self._acquire(mixed, new, known, generator) if successful else 0.0) + feasible
        chosen = int(np.argmax(promise))
        if not objectives and any(scores is not None for scores in observations.scores):
            # Too few scores are known.
            chosen = int(generator.choice(len(candidates), p=special.softmax(feasible)))
        reasons = {"probability_feasible": np.exp((feasible - log_success)[chosen])} if constraints else {}
        if objectives:
            reasons["acquisition"] = promise[chosen]
        if weights is not None:
            reasons["weight_of_earlier_searches"] = 1 - weights[-1]
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
        share = min(self._observations.fidelities)
        if share < 1:  # The position of the fidelity is the last column of its view.
            rows[1].features[:, -1:] = fidelity.positions([share])
        means, deviations = prediction.of_scores(processes, quantities, rows)
        were_fitted = self._surrogates.were_fitted(quantities)
        kernel = prediction.of_kernel(processes, self.encoding.dimensions) if were_fitted else {}
        return prediction.Prediction(self.encoding.key(values), share, reasons, means, deviations, kernel=kernel)

    def _agreement(
        self, quantity: Quantity, kept: Sequence[int], views: Sequence[View], generator: np.random.Generator
    ) -> np.ndarray:
        """Return the weights of the earlier searches and of this search, see `transfer.agreement`."""
        rows, values = quantity.of(kept)
        process = self._surrogates.fitted(self.encoding, quantity)
        process.condition([view.rows(np.searchsorted(kept, rows)) for view in views], values)
        self._transferred.update(self.encoding, self._observations.has_fidelities)
        earlier = self._transferred.means([self._observations.architectures[row] for row in rows])
        return transfer.agreement(earlier, process.left_out(), values, generator)

    def _acquire(
        self,
        processes: Sequence[GaussianProcess | transfer.Mixture],
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
        parents = self._observations.best(self.n_parents)
        if self.earlier_searches:
            parents += earlier_search.best(self.earlier_searches, encoding, self.n_parents)
        for parent in parents:
            for values in encoding.neighbours(parent, generator):
                candidates.setdefault(encoding.key(values), values)
        for _ in range(self.n_samples):
            values = draw(generator)
            candidates.setdefault(encoding.key(values), values)
        return [values for values in candidates.values() if self.is_new(values)]
