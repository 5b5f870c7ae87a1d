"""Settings of bilevel training: mixing of branches, objective of the logits, and schedule of the learning rates."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Mixing:
    """The mixing of the branches of a decision.

    Args:
        relaxation: `"softmax"` (weighted sum of all branches), `"partial"` (weighted sum on some channels),
            `"dirichlet"` (sum with drawn weights; DrNAS, Chen et al. 2021) or `"gumbel"` (one sampled branch; GDAS,
            Dong and Yang 2019). Defaults to `"softmax"`.
        guard: `"auxiliary_skip"` adds the input of a mixed operation to its output, with a factor that falls from 1 to
            0 over all epochs (DARTS-, Chu et al. 2021). Thus the logits needn't favour skip connections to ease the
            training. Other guards have no effect on the training. Defaults to `"auxiliary_skip"`.
    """

    relaxation: str = "softmax"
    guard: str | None = "auxiliary_skip"

    @property
    def samples_paths(self):
        """Whether each step trains one sampled path."""
        return self.relaxation == "gumbel"

    @property
    def draws_weights(self):
        """Whether the weights of a weighted sum are drawn in each step."""
        return self.relaxation == "dirichlet"


@dataclasses.dataclass(frozen=True)
class ArchitectureObjective:
    """The objective that the logits a minimise, and the order of its gradient; see `BilevelTrainer`.

    Args:
        order: Order of the gradient grad_a: `"first"` (w as a constant), `"second"` or `"finite_difference"` (w after
            one training step); see `architecture_gradient`. Defaults to `"first"`.
        reward_weight: lambda, or `None`. Defaults to `None`.
        beta_decay: Weight of the mean over the decisions of log(sum(exp(a))) in the last step; it grows in proportion
            to the progress of the training (Ye et al. 2022). Defaults to 0.
        cost: `"params"`, `"flops"`, `"latency_ms"` or `None`. Defaults to `None`.
        cost_weights: Sequence of mu. Defaults to `(0.0,)`.
    """

    order: str = "first"
    reward_weight: float | None = None
    beta_decay: float = 0.0
    cost: str | None = None
    cost_weights: Sequence[float] = (0.0,)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The schedule of the learning rates of the weights w and the logits a.

    Args:
        learning_rate: Initial eta_w, annealed to 0 over all epochs by half a cosine. Defaults to 0.05.
        architecture_learning_rate: eta_a; with 0 the logits aren't trained. Defaults to 0.1.
        warm_up: Share of the epochs in which only the weights are trained; with several `cost_weights`, share of the
            epochs of the first one. Defaults to 0.2.
    """

    learning_rate: float = 0.05
    architecture_learning_rate: float = 0.1
    warm_up: float = 0.2
