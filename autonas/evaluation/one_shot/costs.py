"""Costs of architectures in a one-shot search: from the supernet's graph, as far as it tells them."""

import numpy as np
import sklearn
from sklearn import linear_model

from autonas.costs import flops, latency_table, registry
from autonas.search_space import encoding
from autonas.supernet import costs as supernet_costs

#: What is summed over the operations in use, by the name of the sum: arguments of `ExpectedCost`.
_SUMS = {
    "params": lambda: (supernet_costs.parameters, True),
    "flops": lambda: (flops.node_flops,),
    "latency_ms": lambda: (latency_table.OperationLatency(),),
    "operations": lambda: (lambda node: 1.0,),
}
#: Costs that the sum of that name is, and those that nearly follow it and the number of operations.
_EXACT = {registry.Params: "params", registry.Flops: "flops"}
_ESTIMATED = {registry.Latency: "latency_ms", registry.ModelSize: "params"}
#: Architectures that are drawn for an estimate, and those of them that are measured.
_N_DRAWN, _N_MEASURED = 50, 6


def expected_cost(supernet, name):
    """The `ExpectedCost` of a supernet for `"params"`, `"flops"` or `"latency_ms"`, the sum of the latencies of single
    operations."""
    return supernet_costs.ExpectedCost(supernet, *_SUMS[name]())


class OneShotCosts:
    """Costs of thousands of architectures, and how far they are within their limits.

    - Parameters and FLOPs are those of the architecture's own network, summed up over the supernet's operations that
      are in use.
    - Latency and the size of the exported file are estimated,

        cost = a + sum over the operations in use of (b + c * what each takes by itself),   b, c >= 0,

      where a, b and c are fitted to six architectures, from a cheap one to a dear one, that are measured when the first
      cost is asked for. What each takes by itself is its latency, or its number of parameters. Of random chains and
      cells of 4 and 16 filters, half are estimated within 2 to 6 % of what is measured in LiteRT.
    - All others, such as the peak of memory and the user's own, are measured on the architecture's own network. To
      build it takes several times as long as a one-shot score, so it isn't built if another cost is beyond its limit.

    Args:
        supernet: A `Supernet`.
        build: Function from an architecture to its own model.
        goal: An `objectives.goal.Goal`.
        generator: A `numpy.random.Generator` that draws the architectures to measure.
        as_served: Function that makes the network that is served of a trained one; `None` if they are the same.
    """

    def __init__(self, supernet, build, goal, generator, as_served=None):
        self.supernet = supernet
        self.build = build
        self.goal = goal
        self.generator = generator
        self.as_served = as_served
        self._sums, self._added = {}, {}
        self._estimators = None
        #: Pairs of a cost and the name of its sum.
        self._exact, self._estimated = (
            [(cost, name) for cost in goal.costs for kind, name in kinds.items() if isinstance(cost, kind)]
            for kinds in (_EXACT, _ESTIMATED)
        )
        known = [cost for cost, _ in (*self._exact, *self._estimated)]
        self._measured = [cost for cost in goal.costs if cost not in known]

    def measure(self, values):
        """The `Measurement` of an architecture; what was not measured has `None` as its margin."""
        found = {cost.name: self._sum(name, values) + self._added_by_serving(cost) for cost, name in self._exact}
        if self._estimated and self._estimators is None:
            self._estimators = self._fit()
        for cost, name in self._estimated:
            found[cost.name] = float(self._estimators[cost.name].predict([self._features(name, values)])[0])
        if self._measured and not self.goal.measured(found).violations:
            built = registry.BuiltModel(self._served(self.build(values)))
            for cost in self._measured:
                found |= cost.measure(built)
        return self.goal.measured(found)

    def _served(self, model):
        return model if self.as_served is None else self.as_served(model)

    def _added_by_serving(self, cost):
        """The cost of what is served besides the network: the same for all architectures."""
        if self.as_served is None:
            return 0.0
        if cost.name not in self._added:
            model = self.build(self.supernet.space.values)
            alone, served = (
                cost.measure(registry.BuiltModel(each))[cost.name] for each in (model, self._served(model))
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
        places = np.argsort(sums, kind="stable")[np.linspace(0, _N_DRAWN - 1, _N_MEASURED).round().astype(int)]
        points = {cost.name: ([], []) for cost, _ in self._estimated}
        for values in (drawn[place] for place in places):
            built = registry.BuiltModel(self._served(self.build(values)))
            for cost, name in self._estimated:
                points[cost.name][0].append(self._features(name, values))
                points[cost.name][1].append(cost.measure(built)[cost.name])
        line = linear_model.LinearRegression(positive=True)
        return {name: sklearn.clone(line).fit(*each) for name, each in points.items()}
