"""Gradient search: the distribution over architectures learns with the weights of a supernet, and is then sampled."""

import numpy as np

from autonas.oracles import checks, supernet_oracle

RELAXATIONS = ("softmax", "gumbel", "partial")
ORDERS = ("first", "second", "finite_difference")
GUARDS = (None, "auxiliary_skip", "early_stop")
COSTS = (None, "parameters", "flops", "latency_ms")

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
        warm_up: Share of the epochs in which only w learns. Defaults to 0.2.
        guard: Against the collapse to skip connections, which help a supernet to be trained more than the network that
            is derived. `"auxiliary_skip"`: they needn't be chosen for that, since what is mixed has its input added,
            times a factor that falls from 1 to 0 (DARTS-, Chu et al. 2021). `"early_stop"`: the search of a ends, and
            the distribution of the epoch before holds, once skips dominate (see `skips_dominate`; after DARTS+, Liang
            et al. 2019). `None`: nothing. Defaults to `"auxiliary_skip"`, which `"gumbel"`, where nothing is mixed,
            goes without.
        partial_channels: One in so many channels is worked on, for `"partial"`. Defaults to 4.
        cost: `"parameters"`, `"flops"` or `"latency_ms"` (measured, operation by operation), or `None`. Defaults to
            `None`.
        cost_weight: Adds `cost_weight * E[cost] / cost(default architecture)` to what a minimises. Defaults to 0.1.
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
        cost_weight=0.1,
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
        #: The distribution that is sampled; `None` before the supernet's first epoch.
        self.distribution = None

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
        checks.check_number("cost_weight", self.cost_weight, 0)

    def supernet_training(self):
        names = ("relaxation", "order", "reward_weight", "validation_share", "learning_rate")
        names += ("architecture_learning_rate", "warm_up", "guard", "cost", "cost_weight", "epochs", "seed")
        partial_channels = self.partial_channels if self.relaxation == "partial" else 1
        return {
            "method": "bilevel",
            "partial_channels": partial_channels,
            **{name: getattr(self, name) for name in names},
        }

    def observe_report(self, number, values, report):
        super().observe_report(number, values, report)
        if report is None:
            return
        found = report["distribution"]
        if self.guard == "early_stop" and self.distribution is not None and self.skips_dominate(found):
            self._is_trained = True
        else:
            self.distribution = found

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
        values = self.derived(self.distribution)
        for draw in range(_MAX_DRAWS):
            if not self.has_tried(values):
                return values
            # By this power the distribution flattens from what was learned to almost all options alike.
            power = 1.0 - draw / _MAX_DRAWS

            def drawn(probabilities, power=power):
                chances = np.array(probabilities) ** power
                return generator.choice(len(chances), p=chances / chances.sum())

            values = self.encoding.walk(lambda dimension, drawn=drawn: _pick(dimension, self.distribution, drawn))
        return values if not self.has_tried(values) else self.encoding.sample(generator)


def _pick(dimension, distribution, choose):
    """The option of a decision at the position that `choose` finds among probabilities; a fixed one as it is."""
    if dimension.name not in distribution:
        return dimension.default
    chances = [distribution[dimension.name].get(str(option), 0.0) for option in dimension.options]
    return dimension.options[int(choose(chances))]
