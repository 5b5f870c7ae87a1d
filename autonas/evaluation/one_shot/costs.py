"""Costs of architectures in a one-shot search: summed over the graph of the supernet, estimated, or measured."""

import numpy as np
import sklearn
from sklearn import linear_model

from autonas.costs import flops, latency_table, registry
from autonas.search_space import encoding
from autonas.supernet import costs as supernet_costs

#: Arguments of `ExpectedCost`, by the name of the quantity that is summed over the operations in use.
_SUMS = {
    "params": lambda: (supernet_costs.parameters, True),
    "flops": lambda: (flops.node_flops,),
    "latency_ms": lambda: (latency_table.OperationLatency(),),
    "operations": lambda: (lambda node: 1.0,),
}
#: Costs that are equal to a sum, and costs that are estimated from a sum and the number of operations.
_EXACT = {registry.Params: "params", registry.Flops: "flops"}
_ESTIMATED = {registry.Latency: "latency_ms", registry.ModelSize: "params"}
#: Number of architectures that are drawn to fit the estimates, and number of them that are measured.
_N_DRAWN, _N_MEASURED = 50, 6


def expected_cost(supernet, name):
    """Return the `ExpectedCost` of a supernet.

    Args:
        supernet: A `Supernet`.
        name: `"params"`, `"flops"` or `"latency_ms"` (sum of the latencies of single operations).
    """
    return supernet_costs.ExpectedCost(supernet, *_SUMS[name]())


class OneShotCosts:
    """Costs of thousands of architectures, and their margins to the constraints.

    - Parameters and FLOPs are exact: sums over the operations of the supernet that the architecture uses.
    - Latency and the size of the exported file are estimated by

        cost = a + sum over the operations in use of (b + c * cost of the operation),   b, c >= 0,

      where the cost of an operation is its latency, or its number of parameters. The coefficients a, b and c are fitted
      to the measured costs of six architectures, from cheap to expensive, before the first estimate.
    - All other costs, such as peak memory and costs of the user, are measured on the stand-alone network of the
      architecture. Building the network takes several times as long as a one-shot score. Therefore, the network isn't
      built if another cost violates a constraint.

    Args:
        supernet: A `Supernet`.
        build: Function from an architecture to its stand-alone model.
        problem: The `Problem`.
        generator: A `numpy.random.Generator` that draws the architectures to measure.
    """

    def __init__(self, supernet, build, problem, generator):
        self.supernet = supernet
        self.build = build
        self.problem = problem
        self.goal = problem.goal
        self.generator = generator
        self._sums, self._added = {}, {}
        self._estimators = None
        #: Lists of pairs of a cost and the name of its sum.
        self._exact, self._estimated = (
            [(cost, name) for cost in problem.goal.costs for kind, name in kinds.items() if isinstance(cost, kind)]
            for kinds in (_EXACT, _ESTIMATED)
        )
        known = [cost for cost, _ in (*self._exact, *self._estimated)]
        self._measured = [cost for cost in problem.goal.costs if cost not in known]

    def measure(self, values):
        """Return the `Measurement` of an architecture. Costs that weren't measured have `None` as their margin."""
        numbers = {cost.name: self._sum(name, values) + self._added_by_serving(cost) for cost, name in self._exact}
        if self._estimated and self._estimators is None:
            self._estimators = self._fit()
        for cost, name in self._estimated:
            numbers[cost.name] = float(self._estimators[cost.name].predict([self._features(name, values)])[0])
        if self._measured and not self.goal.measured(numbers).violations:
            built = registry.BuiltModel(self.problem.served(self.build(values)))
            for cost in self._measured:
                numbers |= cost.measure(built)
        return self.goal.measured(numbers)

    def _added_by_serving(self, cost):
        """Return the additional cost of the served network, which is the same for all architectures."""
        if self.problem.as_served is None:
            return 0.0
        if cost.name not in self._added:
            model = self.build(self.supernet.space.values)
            alone, served = (
                cost.measure(registry.BuiltModel(network))[cost.name] for network in (model, self.problem.served(model))
            )
            self._added[cost.name] = served - alone
        return self._added[cost.name]

    def _sum(self, name, values):
        if name not in self._sums:
            self._sums[name] = expected_cost(self.supernet, name)
        return self._sums[name].of(values)

    def _features(self, name, values):
        return [self._sum(name, values), self._sum("operations", values)]

    def _fit(self):
        space = encoding.Encoding(self.supernet.space)
        drawn = [space.sample(self.generator) for _ in range(_N_DRAWN)]
        sums = [self._sum(self._estimated[0][1], values) for values in drawn]
        indices = np.argsort(sums, kind="stable")[np.linspace(0, _N_DRAWN - 1, _N_MEASURED).round().astype(int)]
        points = {cost.name: ([], []) for cost, _ in self._estimated}
        for values in (drawn[index] for index in indices):
            built = registry.BuiltModel(self.problem.served(self.build(values)))
            for cost, name in self._estimated:
                points[cost.name][0].append(self._features(name, values))
                points[cost.name][1].append(cost.measure(built)[cost.name])
        line = linear_model.LinearRegression(positive=True)
        return {name: sklearn.clone(line).fit(features, costs) for name, (features, costs) in points.items()}
