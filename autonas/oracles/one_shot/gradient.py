"""Gradient search: a distribution over architectures is learned with the weights of a supernet, and then sampled."""

import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from scipy import special

from autonas.arguments import checks
from autonas.arguments.lists import as_list
from autonas.oracles.observation import Observation
from autonas.oracles.one_shot import supernet_oracle
from autonas.search_space.dimension import Dimension
from autonas.search_space.values import Key, Scalar
from autonas.trials import reserved
from autonas.trials.states import Stage

RELAXATIONS = ("softmax", "gumbel", "partial", "dirichlet")
ORDERS = ("first", "second", "finite_difference")
SELECTIONS = (None, "probability", "perturbation")
GUARDS = (None, "auxiliary_skip", "early_stop")
COSTS = (None, "params", "flops", "latency_ms")
#: By the name of an objective or a limited cost: the cost of the supernet that is penalised.
_PENALISED = {"params": "params", "flops": "flops", "latency_ms": "latency_ms", "model_size_mb": "params"}
#: Weights of the cost for a search for a front, and for a search with one objective.
SWEEP, WEIGHT = (0.0, 0.1, 0.3, 1.0), 0.1

#: Default of eta_a where the logits are learned.
_ARCHITECTURE_LEARNING_RATE = 0.1
#: Options that return their input.
_SKIPS = ("identity", "skip")
#: Maximum number of draws of a new architecture, from a distribution that gets flatter from draw to draw.
_MAX_DRAWS = 50
#: Smallest standard deviation that losses are divided by.
_SMALLEST_DEVIATION = 1e-12

#: Probability of each option by decision.
Distribution: TypeAlias = Mapping[str, Mapping[str, float]]


class GradientOracle(supernet_oracle.SupernetOracle):
    """Differentiable architecture search (DARTS and its successors).

    Every decision has logits a, whose softmax weighs its options in a supernet with weights w. Both are learned by
    gradient descent in turn, on two halves of the training rows:

      a <- a - eta_a grad_a [L_train(w, a) - lambda R_val(w, a)],   R_val = -L_val,
      w <- w - eta_w grad_w L_train(w, a).

    By default only w is learned, and the options are selected by perturbation; see `selection`.

    After the stages of `SupernetOracle`, whose reports hold the `"distribution"`, a dict from decision to the
    probability of each option, come

    3. the derived architecture: the most probable option of every active decision, or the one of `selection`;
    4. architectures drawn from the distribution, without repetition. If only known ones are drawn, it is flattened.

    All of them are trained by themselves, like the default architecture, and the best score wins.

    With a cost, a minimises mu E_a[cost] / E_0[cost] in addition, where the second mean is over all options alike. Of
    several weights mu, ascending, each is in force for an equal share of the epochs (`tuner/cost_weight` names it), and
    w and a continue from their last values. So the distribution follows the Pareto front from its accurate end to its
    cheap one, and one architecture is derived for each weight. Stages 3 and 4 are then:

    3. the derived architecture of every weight in turn;
    4. architectures drawn from the distributions in turn. Distributions whose derived architecture violates a
       constraint are left out as long as there are others; without others, the cheapest is used.

    Weights that the search had no time for are left out.

    Its `diagnostics` after an epoch are the diagnostics of `SupernetOracle` and, under `strategy/`: `entropy`, the mean
    over the decisions, in nats; `expected_cost`, in units of the cost, and `cost_weight`, if there is a cost;
    `reward_weight`, if it isn't `None`; the `temperature` of `"gumbel"`; and the weight `beta_decay`, if it isn't 0.

    Args:
        relaxation: `"softmax"`: all options at once, weighted by their probabilities (DARTS, Liu et al. 2019);
            `"gumbel"`: one drawn path a step, at a fraction of the cost (GDAS, Dong and Yang 2019); `"partial"`: as
            `"softmax"`, on a part of the channels, while the others bypass the operation (PC-DARTS, Xu et al. 2020; its
            edge normalisation is the softmax over the options of an `InputChoice`); `"dirichlet"`: all options at once,
            with weights drawn in every step from a Dirichlet distribution of concentrations elu(a) + 1, which explores
            more (DrNAS, Chen et al. 2021). Defaults to `"softmax"`.
        order: How the gradient of a accounts for the dependence of w on a: `"first"`: not at all; `"second"`: through
            one step of w; `"finite_difference"`: approximately so (DARTS, eq. 8). `"gumbel"` takes only `"first"`.
            Defaults to `"first"`.
        epochs: As in `SupernetOracle`.
        reward_weight: lambda. 0 is the training loss alone, on all rows for w and a; `None` the validation term alone,
            as in DARTS. Defaults to `None`.
        validation_share: Share of the training rows that a is learned from. Defaults to 0.5.
        learning_rate: Initial eta_w, annealed to 0. Defaults to 0.05.
        architecture_learning_rate: eta_a, of Adam; with 0, a isn't learned, and `guard` has no effect.
            Defaults to 0 for a selection by perturbation if no other argument asks for a way to learn a; else to 0.1:
            larger than in DARTS, as searches are far shorter.
        warm_up: Share of the epochs in which only w is learned; of several weights of the cost, of the epochs of the
            first. Defaults to 0.2.
        guard: Protection against the collapse to skip connections, which help to train a supernet more than they help
            the derived network. `"auxiliary_skip"`: the input is added to each mixture, times a factor that falls from
            1 to 0, so that skips needn't be chosen for that reason (DARTS-, Chu et al. 2021). `"early_stop"`: the
            search of a ends once skips dominate (see `skips_dominate`), with the distribution of the epoch before
            (after DARTS+, Liang et al. 2019); with several weights of the cost, this holds for the first weight, and
            the search continues with the others, which favour skips. `None`: no protection. Defaults to
            `"auxiliary_skip"`, which has no effect on `"gumbel"`, where nothing is mixed.
        partial_channels: For `"partial"`, operations work on one of `partial_channels` channels. A warning names the
            decisions whose options can't be narrowed; without any other decision, `fit` raises a `ValueError`. Defaults
            to 4.
        cost: `"params"`, `"flops"` or `"latency_ms"` (the sum over operations of their own latency), or `None`.
            Defaults to the first of these among the objectives, also of a combination, or among the limited costs,
            where `"model_size_mb"` stands for `"params"`. A supernet can't compute other costs: they aren't penalised.
            The penalty has the weights `cost_weight`, whatever the weights of a combination are.
        cost_weight: mu, a number, or an ascending sequence of numbers. `fit` raises a `ValueError` if there is no cost.
            Defaults to (0, 0.1, 0.3, 1) for a search with several objectives, a combination of them, or constraints, to
            1 if such a cost is the only objective, and to 0.1 for others.
        selection: How the derived architecture follows from the supernet. `"probability"`: the most probable options;
            `"perturbation"`: in one trial with `tuner/stage` `"one_shot"`, the options whose removal increases the loss
            of the supernet the most, decision by decision (DARTS-PT, Wang et al. 2021); stage 4 then draws from the
            softmax of these losses, standardised for each decision. `"gumbel"` and searches with a cost take only
            `"probability"`. Defaults to `"perturbation"` of a supernet whose a isn't learned, which measured best
            (`benchmarks/gradient_searches.py`), and to `"probability"` if another argument asks for a way to learn a:
            another `relaxation` or `order`, a cost, `reward_weight`, `architecture_learning_rate`, `beta_decay`, or
            `guard="early_stop"`.
        beta_decay: beta. The term beta t mean(log(sum(exp(a)))) is minimised in addition, with the mean over the
            decisions and t, the share of the search that is done. Its gradient beta t softmax(a) holds back the options
            that lead (Ye et al. 2022, with beta = 50). Defaults to 0.
        **kwargs: As in `SupernetOracle`.

    Example:

    ```python
    import autonas

    model = autonas.AutoModel(strategy=autonas.oracles.GradientOracle("gumbel", epochs=20))
    ```
    """

    # Longer searches overfit the weights to their half of the rows, and drift to skips.
    default_updates = 600
    epochs_bounds = (8, 60)

    def __init__(
        self,
        relaxation: Literal["softmax", "gumbel", "partial", "dirichlet"] = "softmax",
        order: Literal["first", "second", "finite_difference"] = "first",
        epochs: int | None = None,
        reward_weight: float | None = None,
        validation_share: float = 0.5,
        learning_rate: float = 0.05,
        architecture_learning_rate: float | None = None,
        warm_up: float = 0.2,
        guard: Literal["auxiliary_skip", "early_stop"] | None = "auxiliary_skip",
        partial_channels: int = 4,
        cost: Literal["params", "flops", "latency_ms"] | None = None,
        cost_weight: float | Sequence[float] | None = None,
        selection: Literal["probability", "perturbation"] | None = None,
        beta_decay: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(epochs=epochs, **kwargs)
        self.relaxation = relaxation
        self.order = order
        self.reward_weight = reward_weight
        self.validation_share = validation_share
        self.learning_rate = learning_rate
        self.architecture_learning_rate = architecture_learning_rate
        self.warm_up = warm_up
        self.guard = guard
        self.selection = selection
        self.beta_decay = beta_decay
        self.partial_channels = partial_channels
        self.cost = cost
        self.cost_weight = cost_weight
        #: By weight of the cost: the latest distribution.
        self.distributions: dict[float, Distribution] = {}
        self._latest_weight: float | None = None
        self._next_weight: float | None = None
        self._is_stopped = False
        #: Whether the options were selected by perturbation.
        self._is_selected = False
        self._refused: set[Key] = set()

    def check(self) -> None:
        super().check()
        checks.check_option("relaxation", self.relaxation, RELAXATIONS)
        checks.check_option("order", self.order, ORDERS)
        checks.check_option("guard", self.guard, GUARDS)
        checks.check_option("selection", self.selection, SELECTIONS)
        checks.check_option("cost", self.cost, COSTS)
        if self.relaxation == "gumbel" and self.order != "first":
            raise ValueError(
                "`order` must be 'first' with relaxation='gumbel', where a step of the weights on one path doesn't "
                f"change the other paths. Received: order={self.order!r}"
            )
        cannot_perturb = self.relaxation == "gumbel" or self.penalised_cost is not None
        if self.selection == "perturbation" and cannot_perturb:
            raise ValueError(
                "`selection` must be 'probability' with relaxation='gumbel', and in a search with a cost. "
                f"Received: selection={self.selection!r}"
            )
        if self.reward_weight is not None:
            checks.check_number("reward_weight", self.reward_weight, 0)
        checks.check_number("validation_share", self.validation_share, 0.05, 0.95)
        checks.check_number("learning_rate", self.learning_rate, 0)
        if self.architecture_learning_rate is not None:
            checks.check_number("architecture_learning_rate", self.architecture_learning_rate, 0)
        checks.check_number("warm_up", self.warm_up, 0, 0.95)
        checks.check_number("beta_decay", self.beta_decay, 0)
        checks.check_integer("partial_channels", self.partial_channels, 2)
        is_search_known = self.objectives is not None and self.constraint_names is not None
        if is_search_known and self.cost_weight is not None and self.penalised_cost is None:
            raise ValueError(
                "`cost_weight` must be None without a cost that a supernet can compute. Give a `cost`, such as "
                f"'params', or a further objective or a constraint. Received: cost_weight={self.cost_weight!r:.100}"
            )
        weights = as_list(0.0 if self.cost_weight is None else self.cost_weight)
        are_finite = all(checks.is_number(weight) and 0 <= weight < math.inf for weight in weights)
        if not weights or not are_finite or sorted(set(weights)) != weights:
            raise ValueError(
                "`cost_weight` must be a finite number of at least 0, or an ascending sequence of them. "
                f"Received: cost_weight={self.cost_weight!r:.100}"
            )

    @property
    def selects_by_perturbation(self) -> bool:
        """Whether options are selected by perturbation: by `selection`, or by default."""
        return self.selection == "perturbation" or (self.selection is None and self._is_plain)

    @property
    def logits_rate(self) -> float:
        """The learning rate of a: `architecture_learning_rate`, or its default."""
        if self.architecture_learning_rate is not None:
            return self.architecture_learning_rate
        return 0.0 if self.selects_by_perturbation and self._is_plain else _ARCHITECTURE_LEARNING_RATE

    @property
    def _is_plain(self) -> bool:
        """Whether no argument asks for a way to learn a."""
        is_plain = self.relaxation == "softmax" and self.order == "first" and self.guard != "early_stop"
        return is_plain and not (
            self.beta_decay or self.architecture_learning_rate or self.reward_weight is not None or self.penalised_cost
        )

    @property
    def penalised_cost(self) -> str | None:
        """The penalised cost: `cost`, or the first objective or limited cost that a supernet can compute, or `None`."""
        return self.cost or next((_PENALISED[name] for name in self._goals if name in _PENALISED), None)

    @property
    def cost_weights(self) -> list[float]:
        """List of the weights of the cost in order, floats; 0 alone without a cost."""
        if self.penalised_cost is None:
            return [0.0]
        if self.cost_weight is not None:
            return as_list(self.cost_weight)
        if len(self._objectives) == 1 and self._objectives[0].name in _PENALISED:
            return [SWEEP[-1]]
        return list(SWEEP) if self._goals else [WEIGHT]

    @property
    def _goals(self) -> list[str]:
        """Names of the combined objectives, of several objectives, of a cost as the only one, and of limited costs."""
        names = [objective.name for objective in self._objectives]
        if len(names) == 1 and names[0] not in _PENALISED:
            names = []
        return [*(self.combined_names or ()), *names, *(self.constraint_names or ())]

    def default_epochs(self, updates_per_epoch: int) -> int:
        """Return the default number of epochs; for a sweep half as many per weight, as weights follow one another."""
        return round(super().default_epochs(updates_per_epoch) * max(1.0, len(self.cost_weights) / 2))

    @property
    def supernet_divisor(self) -> int:
        return self.partial_channels if self.relaxation == "partial" else 1

    @property
    def traces_per_build(self) -> int:
        # Blending needs no branches. Higher orders have a second trace, 4 to 19 times as long as the build.
        return 4 if self.relaxation != "gumbel" and self.order == "first" else super().traces_per_build

    def supernet_training(self) -> dict[str, Any]:
        names = ["relaxation", "order", "reward_weight", "validation_share", "learning_rate", "warm_up", "seed"]
        # Headers of earlier versions have no beta-decay.
        names += ["beta_decay"] if self.beta_decay else []
        return {
            "method": "bilevel",
            "epochs": self.total_epochs,
            "partial_channels": self.supernet_divisor,
            "cost": self.penalised_cost,
            "cost_weights": self.cost_weights,
            "architecture_learning_rate": self.logits_rate,
            "guard": self.guard if self.logits_rate else None,
            **{name: getattr(self, name) for name in names},
        }

    def epoch_values(self) -> dict[str, Scalar]:
        if self.penalised_cost is None:
            return {}
        return {reserved.COST_WEIGHT: self.cost_weights[0] if self._next_weight is None else self._next_weight}

    def observe(self, observation: Observation) -> None:
        super().observe(observation)
        if observation.violation:
            self._refused.add(self.encoding.key(observation.values))
        if observation.report is None:
            return
        if observation.stage == Stage.ONE_SHOT:
            self._is_selected = True
            (weight,) = self.cost_weights
            self.distributions[weight] = {
                **self.distributions.get(weight, {}),
                **{name: _preferences(losses) for name, losses in observation.report["losses_without"].items()},
            }
            return
        self._next_weight = observation.report["next_cost_weight"]
        distribution = observation.report["distribution"]
        weight = float(observation.values.get(reserved.COST_WEIGHT, 0.0))
        self._latest_weight = weight if reserved.COST_WEIGHT in observation.values else None
        is_guarded = self.guard == "early_stop" and weight == self.cost_weights[0]
        if is_guarded and (self._is_stopped or (self.distributions and self.skips_dominate(distribution))):
            self._is_stopped = True
            self._is_trained = self._is_trained or len(self.cost_weights) == 1
        else:
            self.distributions[weight] = distribution

    def diagnostics(self) -> dict[str, float]:
        if not self._report:
            return {}
        weights = {"cost_weight": self._latest_weight, "reward_weight": self.reward_weight}
        weights = {name: weight for name, weight in weights.items() if weight is not None}
        numbers = self._report.get("numbers", {}) | weights
        return super().diagnostics() | {f"strategy/{name}": float(number) for name, number in numbers.items()}

    def derived(self, distribution: Distribution) -> dict[str, Scalar]:
        """Return the architecture of the most probable options."""
        return self.encoding.walk(lambda dimension: _pick(dimension, distribution, np.argmax))

    def skips_dominate(self, distribution: Distribution) -> bool:
        """Return whether the derived architecture skips at more than half of the decisions that offer a skip, which is
        an option `"identity"` or `"skip"`."""
        values = self.derived(distribution)
        offered = [name for name in distribution if name in values and set(_SKIPS) & set(distribution[name])]
        return 2 * sum(values[name] in _SKIPS for name in offered) > len(offered)

    def derive(self, generator: np.random.Generator) -> dict[str, Scalar]:
        if self.selects_by_perturbation and not self._is_selected:
            return {reserved.STAGE: Stage.ONE_SHOT.value}
        distributions = list(self.distributions.values())
        is_refused = [self._is_refused(self.derived(distribution)) for distribution in distributions]
        feasible = list(itertools.compress(distributions, np.logical_not(is_refused)))
        usable = feasible or distributions[-1:]
        for distribution in usable:
            values = self.derived(distribution)
            if self.is_new(values):
                return values
        distribution = usable[self.n_asked % len(usable)]
        for draw in range(_MAX_DRAWS):
            # The power flattens the distribution from the learned one to almost the uniform one.
            power = 1.0 - draw / _MAX_DRAWS

            def drawn(probabilities: Sequence[float], power: float = power) -> int:
                chances = np.array(probabilities) ** power
                return int(generator.choice(len(chances), p=chances / chances.sum()))

            values = self.encoding.walk(functools.partial(_pick, distribution=distribution, choose=drawn))
            if self.is_new(values):
                return values
        return self.encoding.sample(generator)

    def _is_refused(self, values: Mapping[str, Scalar]) -> bool:
        return self.encoding.key(values) in self._refused


def _preferences(losses: Mapping[str, float]) -> dict[str, float]:
    """Return a probability for each option: the softmax of the standardised losses without the option."""
    values = np.array(list(losses.values()))
    chances = special.softmax((values - values.mean()) / max(values.std(), _SMALLEST_DEVIATION))
    return dict(zip(losses, map(float, chances), strict=True))


def _pick(dimension: Dimension, distribution: Distribution, choose: Callable[[Sequence[float]], Any]) -> Scalar:
    """Return the option of a decision at the position that `choose` returns for its probabilities."""
    if dimension.name not in distribution:
        return dimension.default
    chances = [distribution[dimension.name].get(str(option), 0.0) for option in dimension.options]
    return dimension.options[int(choose(chances))]
