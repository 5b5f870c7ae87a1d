"""Gradient search: the distribution over architectures learns with the weights of a supernet, and is then sampled."""

import numpy as np

from autonas.arguments import checks
from autonas.arguments.lists import as_list
from autonas.oracles.one_shot import supernet_oracle
from autonas.trials import reserved

RELAXATIONS = ("softmax", "gumbel", "partial")
ORDERS = ("first", "second", "finite_difference")
GUARDS = (None, "auxiliary_skip", "early_stop")
COSTS = (None, "params", "flops", "latency_ms")
#: What is penalised for the sake of which objective or limit.
_PENALISED = {"params": "params", "flops": "flops", "latency_ms": "latency_ms", "model_size_mb": "params"}
#: Weights of the cost where there is a front to be found, and where a cost is one consideration.
SWEEP, WEIGHT = (0.0, 0.1, 0.3, 1.0), 0.1

#: Options that pass their input on.
_SKIPS = ("identity", "skip")
#: Draws of an architecture that is new, from a distribution that gets flatter with each.
_MAX_DRAWS = 50


class GradientOracle(supernet_oracle.SupernetOracle):
    """Differentiable architecture search (DARTS and what followed).

    Each decision has logits a, whose softmax weighs its options in a supernet with weights w. Both learn by gradient
    descent, in turn, on two parts of the training rows:

      a <- a - eta_a grad_a [L_train(w, a) - lambda R_val(w, a)],   R_val = -L_val,
      w <- w - eta_w grad_w L_train(w, a).

    After the stages of `SupernetOracle`, whose reports hold the `"distribution"`, a dict from decision to the
    probability of each option, come

    3. the derived architecture: at each decision that is active the most probable option;
    4. architectures drawn from the distribution, each new. Where only known ones are drawn, it is flattened.

    All of them are trained by themselves, as the default architecture is; the best score wins.

    With a cost, a minimises the above and mu E_a[cost] / E_0[cost], the second mean being that over all options alike.
    Of several weights mu, ascending, each is in force for an equal share of the epochs (`tuner/cost_weight` names it),
    and both w and a go on from where the one before left them: the distribution follows the Pareto front from its
    accurate end to its cheap one, and leaves one architecture to derive for each weight. Stages 3 and 4 are then:

    3. the derived architecture of each weight in turn;
    4. architectures drawn from the distributions in turn; not from those whose derived architecture breaks a limit,
       as long as there are others, and else from the cheapest.

    Weights that the search had no time for are left out.

    Its `numbers` after an epoch are those of `SupernetOracle` and, under `strategy/`: `entropy`, the mean of the
    decisions, in nats; `expected_cost`, in units of the cost, and `cost_weight`, if there is a cost; `reward_weight`,
    if it is given; and the `temperature` of `"gumbel"`.

    Args:
        relaxation: `"softmax"`: all options at once, each times its probability (DARTS, Liu et al. 2019); `"gumbel"`:
            one drawn path a step, at a fraction of the cost (GDAS, Dong and Yang 2019); `"partial"`: as the first, on a
            part of the channels, the others pass by (PC-DARTS, Xu et al. 2020; what it calls edge normalisation is the
            softmax over the options of an `InputChoice`). Defaults to `"softmax"`.
        order: Whether the gradient of a counts that w follows a: `"first"`: no; `"second"`: through one step of w;
            `"finite_difference"`: approximately so (DARTS, eq. 8). `"gumbel"` takes only `"first"`. Defaults to
            `"first"`.
        epochs: As in `SupernetOracle`.
        reward_weight: lambda. 0 is the training loss alone, on all rows for w and a; `None` the validation term alone,
            as in DARTS. Defaults to `None`.
        validation_share: Share of the training rows that a learns from. Defaults to 0.5.
        learning_rate: eta_w at the beginning, falling to 0. Defaults to 0.05.
        architecture_learning_rate: eta_a, of Adam. Defaults to 0.1: more than in DARTS, as searches are far shorter.
        warm_up: Share of the epochs in which only w learns; of those of the first of several weights of the cost.
            Defaults to 0.2.
        guard: Against the collapse to skip connections, which help a supernet to be trained more than the network that
            is derived. `"auxiliary_skip"`: they needn't be chosen for that, since what is mixed has its input added,
            times a factor that falls from 1 to 0 (DARTS-, Chu et al. 2021). `"early_stop"`: the search of a ends, and
            the distribution of the epoch before holds, once skips dominate (see `skips_dominate`; after DARTS+, Liang
            et al. 2019); with several weights of the cost that of the first weight holds, and the search goes on with
            the others, which ask for skips. `None`: nothing. Defaults to `"auxiliary_skip"`, which `"gumbel"`, where
            nothing is mixed, goes without.
        partial_channels: One in so many channels is worked on, for `"partial"`. Defaults to 4.
        cost: `"params"`, `"flops"` or `"latency_ms"` (the sum over operations of what each takes by itself), or `None`.
            Defaults to the first of these among several objectives, or among the costs that are limited, where a
            `"model_size_mb"` stands for `"params"`. A supernet doesn't know other costs: for them it does nothing.
        cost_weight: mu, a number, or an ascending sequence of them. Defaults to (0, 0.1, 0.3, 1) for a search with
            several objectives or limits, and to 0.1 for others.
        **kwargs: As in `Oracle`.
    """

    # Longer searches fit the weights to their part of the rows, and drift to skips.
    default_updates = 600
    epochs_bounds = (8, 60)

    def __init__(
        self,
        relaxation="softmax",
        order="first",
        epochs=None,
        reward_weight=None,
        validation_share=0.5,
        learning_rate=0.05,
        architecture_learning_rate=0.1,
        warm_up=0.2,
        guard="auxiliary_skip",
        partial_channels=4,
        cost=None,
        cost_weight=None,
        **kwargs,
    ):
        super().__init__(epochs=epochs, **kwargs)
        self.relaxation = relaxation
        self.order = order
        self.reward_weight = reward_weight
        self.validation_share = validation_share
        self.learning_rate = learning_rate
        self.architecture_learning_rate = architecture_learning_rate
        self.warm_up = warm_up
        self.guard = guard
        self.partial_channels = partial_channels
        self.cost = cost
        self.cost_weight = cost_weight
        #: The distributions that are sampled, the last one of each weight of the cost: a dict by weight.
        self.distributions = {}
        self._latest_weight, self._next_weight = None, None
        self._is_stopped = False
        self._refused = set()

    def check(self):
        super().check()
        checks.check_option("relaxation", self.relaxation, RELAXATIONS)
        checks.check_option("order", self.order, ORDERS)
        checks.check_option("guard", self.guard, GUARDS)
        checks.check_option("cost", self.cost, COSTS)
        if self.relaxation == "gumbel" and self.order != "first":
            raise ValueError(
                "`order` must be 'first' with relaxation='gumbel', where a step of the weights on one path tells "
                f"nothing of the others. Received: order={self.order!r}"
            )
        if self.reward_weight is not None:
            checks.check_number("reward_weight", self.reward_weight, 0)
        checks.check_number("validation_share", self.validation_share, 0.05, 0.95)
        checks.check_number("learning_rate", self.learning_rate, 0)
        checks.check_number("architecture_learning_rate", self.architecture_learning_rate, 0)
        checks.check_number("warm_up", self.warm_up, 0, 0.95)
        checks.check_integer("partial_channels", self.partial_channels, 2)
        given = as_list(0.0 if self.cost_weight is None else self.cost_weight)
        if not given or not all(map(checks.is_number, given)) or given[0] < 0 or sorted(set(given)) != given:
            raise ValueError(
                "`cost_weight` must be a number of at least 0, or an ascending sequence of them. "
                f"Received: cost_weight={self.cost_weight!r:.100}"
            )

    @property
    def penalised_cost(self):
        """The cost that is penalised: `cost`, or the first that the search is about and a supernet knows, or `None`."""
        return self.cost or next((_PENALISED[name] for name in self._goals if name in _PENALISED), None)

    @property
    def cost_weights(self):
        """The weights of the cost in turn, a list of floats; 0 alone without a cost."""
        if self.penalised_cost is None:
            return [0.0]
        if self.cost_weight is not None:
            return as_list(self.cost_weight)
        return list(SWEEP) if self._goals else [WEIGHT]

    @property
    def _goals(self):
        """Names of what is to be traded: several objectives, and what is limited."""
        objectives = self.objectives if len(self.objectives or []) > 1 else []
        return [*(objective.name for objective in objectives), *self.constraint_names]

    def default_epochs(self, updates_per_epoch):
        """As in the base class; for a sweep half as many for each weight, as each goes on from the one before."""
        return round(super().default_epochs(updates_per_epoch) * max(1.0, len(self.cost_weights) / 2))

    def supernet_training(self):
        names = ("relaxation", "order", "reward_weight", "validation_share", "learning_rate")
        names += ("architecture_learning_rate", "warm_up", "guard", "epochs", "seed")
        partial_channels = self.partial_channels if self.relaxation == "partial" else 1
        return {
            "method": "bilevel",
            "partial_channels": partial_channels,
            "cost": self.penalised_cost,
            "cost_weights": self.cost_weights,
            **{name: getattr(self, name) for name in names},
        }

    def epoch_values(self):
        if self.penalised_cost is None:
            return {}
        return {reserved.COST_WEIGHT: self.cost_weights[0] if self._next_weight is None else self._next_weight}

    def observe_margins(self, number, values, margins):
        if any(margin is not None and margin < 0 for margin in margins):
            self._refused.add(self.encoding.key(values))

    def observe_report(self, number, values, report):
        super().observe_report(number, values, report)
        if report is None:
            return
        self._next_weight = report["next_cost_weight"]
        found, weight = report["distribution"], values.get(reserved.COST_WEIGHT, 0.0)
        self._latest_weight = values.get(reserved.COST_WEIGHT)
        is_guarded = self.guard == "early_stop" and weight == self.cost_weights[0]
        if is_guarded and (self._is_stopped or (self.distributions and self.skips_dominate(found))):
            self._is_stopped = True
            self._is_trained = self._is_trained or len(self.cost_weights) == 1
        else:
            self.distributions[weight] = found

    def numbers(self):
        if not self._report:
            return {}
        weights = {"cost_weight": self._latest_weight, "reward_weight": self.reward_weight}
        found = self._report.get("numbers", {}) | {name: of for name, of in weights.items() if of is not None}
        return super().numbers() | {f"strategy/{name}": float(number) for name, number in found.items()}

    def derived(self, distribution):
        """The architecture of the most probable options."""
        return self.encoding.walk(lambda dimension: _pick(dimension, distribution, np.argmax))

    def skips_dominate(self, distribution):
        """Whether the derived architecture skips, by `"identity"` or `"skip"`, at more than half of its decisions that
        offer it."""
        values = self.derived(distribution)
        offered = [name for name in distribution if name in values and set(_SKIPS) & set(distribution[name])]
        return 2 * sum(values[name] in _SKIPS for name in offered) > len(offered)

    def derive(self, generator):
        within = [each for each in self.distributions.values() if not self._is_refused(self.derived(each))]
        usable = within or list(self.distributions.values())[-1:]
        for distribution in usable:
            values = self.derived(distribution)
            if not self.has_tried(values):
                return values
        distribution = usable[self.n_asked % len(usable)]
        for draw in range(_MAX_DRAWS):
            # By this power the distribution flattens from what was learned to almost all options alike.
            power = 1.0 - draw / _MAX_DRAWS

            def drawn(probabilities, power=power):
                chances = np.array(probabilities) ** power
                return generator.choice(len(chances), p=chances / chances.sum())

            values = self.encoding.walk(lambda dimension, drawn=drawn: _pick(dimension, distribution, drawn))
            if not self.has_tried(values):
                return values
        return self.encoding.sample(generator)

    def _is_refused(self, values):
        return self.encoding.key(values) in self._refused


def _pick(dimension, distribution, choose):
    """The option of a decision at the position that `choose` finds among probabilities; a fixed one as it is."""
    if dimension.name not in distribution:
        return dimension.default
    chances = [distribution[dimension.name].get(str(option), 0.0) for option in dimension.options]
    return dimension.options[int(choose(chances))]
