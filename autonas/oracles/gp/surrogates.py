"""Gaussian processes of the objectives and constraints of a search, fitted to its observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import numpy as np

from autonas.oracles.fidelity import scale as fidelity
from autonas.oracles.gp.costs import CostFeatures
from autonas.oracles.gp.gaussian_process import GaussianProcess, View
from autonas.oracles.gp.observations import Observations
from autonas.oracles.gp.targets import Quantity
from autonas.search_space.drawn_graph import DrawnGraphs
from autonas.search_space.encoding import Encoding
from autonas.search_space.operation_graph import OperationGraph
from autonas.search_space.values import Scalar

#: Maximum number of observations that the kernel is fitted to, and growth of their number between two fits.
_MAX_FITTED, _FIT_GROWTH = 200, 1.1
#: Prior share of the variance that additive effects of single decisions explain.
_LINEAR_WEIGHT = 0.1

_Name: TypeAlias = tuple[Literal["objective", "constraint"], int]


class Surrogates:
    """The Gaussian processes of a search, one for each objective and constraint.

    Args:
        observations: The `Observations`, which may grow.
        structure: An `OperationGraph` or `DrawnGraphs`, as in `BayesianOracle`, or `None`.
        costs: The `CostFeatures`, or `None`.
        n_initial: Number of observations before the first fit.
    """

    def __init__(
        self,
        observations: Observations,
        structure: OperationGraph | DrawnGraphs | None,
        costs: CostFeatures | None,
        n_initial: int,
    ) -> None:
        self._observations = observations
        self._structure = structure
        self._costs = costs
        self._n_initial = n_initial
        #: By the name of a quantity: the process, and the state for which it was fitted.
        self._fits: dict[_Name, tuple[GaussianProcess, tuple[int, int, bool]]] = {}
        #: Quantities whose process was fitted since the last call of `were_fitted`.
        self._newly_fitted: set[_Name] = set()

    def fitted(self, encoding: Encoding, quantity: Quantity) -> GaussianProcess:
        """Return the process of a quantity, whose kernel is fitted at growing numbers of observations.

        The kernel depends on these observations alone, so that a continued search fits the same one.
        """
        observations = self._observations
        count = following = quantity.start(self._n_initial)
        while following <= len(observations):
            count, following = following, max(following + 1, int(following * _FIT_GROWTH))
        state = count, encoding.width, observations.has_fidelities
        if quantity.name in self._fits and self._fits[quantity.name][1] == state:
            return self._fits[quantity.name][0]
        kind, index = quantity.name
        quantities = observations.objectives if kind == "objective" else observations.constraints
        rows, values = quantities(count)[index].of(observations.kept(count, _MAX_FITTED))
        architectures = [observations.architectures[row] for row in rows]
        shares = [observations.fidelities[row] for row in rows]
        process = GaussianProcess()
        process.fit(self.views(encoding, architectures, shares), values)
        self._fits[quantity.name] = process, state
        self._newly_fitted.add(quantity.name)
        return process

    def were_fitted(self, quantities: Iterable[Quantity]) -> bool:
        """Return whether a process of some quantities was fitted since the last call."""
        newly_fitted, self._newly_fitted = self._newly_fitted, set()
        return not newly_fitted.isdisjoint(quantity.name for quantity in quantities)

    def conditioned(
        self,
        process: GaussianProcess,
        quantity: Quantity,
        kept: Sequence[int],
        n_pending: int,
        views: Sequence[View],
    ) -> np.ndarray:
        """Condition a process on the targets of a quantity, and on the predictions for the pending trials.

        Args:
            process: The process of the quantity.
            quantity: The quantity.
            kept: Numbers of the observations to use, in ascending order.
            n_pending: Number of pending trials.
            views: `View`s whose first rows are the kept observations, followed by the pending trials.

        Returns:
            The means predicted for all rows of the views, before the pending trials are believed.
        """
        observed_rows, values = quantity.of(kept)
        rows = np.searchsorted(kept, observed_rows)
        process.condition([view.rows(rows) for view in views], values)
        predicted = process.predict(views)[0]
        if n_pending:
            n_believed = len(kept) + n_pending
            rows = np.append(rows, np.arange(len(kept), n_believed))
            values = np.append(values, predicted[len(kept) : n_believed])
            process.condition([view.rows(rows) for view in views], values)
        return predicted

    def views(
        self,
        encoding: Encoding,
        architectures: Sequence[Mapping[str, Scalar]],
        shares: Sequence[float] | None = None,
    ) -> list[View]:
        """Return the views of the kernel on architectures.

        Args:
            encoding: The `Encoding` of the space.
            architectures: List of architectures.
            shares: List of their fidelities, shares of a full training. Defaults to `None`: full trainings.
        """
        features, groups = encoding.features(architectures), encoding.columns
        ordered = encoding.is_ordered
        squares = 4 * features[:, ordered] ** 2 - 0.5
        views = [View(features, groups, linear=False, weight=1.0)]
        if self._observations.has_fidelities:
            positions = fidelity.positions([1.0] * len(architectures) if shares is None else shares)
            position_group = groups.max(initial=-1) + 1
            views[0] = views[0]._replace(weight=0.5)
            views.append(
                View(np.hstack([features, positions]), np.append(groups, position_group), linear=False, weight=0.5)
            )
        if self._structure is not None:
            views.append(View(*self._structure.features(architectures), linear=False, weight=1.0))
        total = sum(view.weight for view in views)
        views = [view._replace(weight=(1 - _LINEAR_WEIGHT) * view.weight / total) for view in views]
        if self._costs is not None:
            views.append(self._costs.view(encoding, architectures))
        effects, effect_groups = np.hstack([features, squares]), np.concatenate([groups, groups[ordered]])
        return [*views, View(effects, effect_groups, linear=True, weight=_LINEAR_WEIGHT)]
