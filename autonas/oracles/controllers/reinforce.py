"""REINFORCE: the policy gradient of whole episodes, with a moving baseline and an entropy bonus."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from autonas.arguments import checks
from autonas.oracles.controllers.decision_process import DecisionProcess, Episode
from autonas.oracles.controllers.factorised import FactorisedController
from autonas.oracles.controllers.recurrent import RecurrentController
from autonas.search_space.values import Scalar

#: Initial baseline, the mean of rewards that are ranks.
_INITIAL_BASELINE = 0.5

#: A policy.
Controller: TypeAlias = FactorisedController | RecurrentController


class Reinforce:
    """REINFORCE (Williams 1992): a policy gradient step after each episode, as in the search of Zoph & Le (2017).

    The objective is J(θ) = E_π[R] + β E_π[Σ_t H(π(. | s_t))]. A step follows

        Σ_t γ^(T-t) (R - b) ∇ log π(a_t | s_t) + β ∇ H(π(. | s_t))

    where the reward R is given at the end of the episode, T - t decisions later. The baseline b is an exponential
    moving average of earlier rewards, b ← δ b + (1 - δ) R. As usual, the gradient neglects the effect of actions on the
    entropy of later states.

    Rewards are ranks from 0 to 1 (see `ReinforcementOracle`). Therefore the initial baseline is 0.5, and β is larger
    than for accuracies as rewards (0.0001 in ENAS, Pham et al. 2018).

    Args:
        baseline_decay: δ, from 0 to 1. Defaults to 0.9, as in NATS-Bench (Dong et al. 2021).
        entropy_weight: β. Defaults to 0.05, tuned on tabular benchmarks.

    Example:

    ```python
    import autonas
    from autonas.oracles import controllers

    model = autonas.AutoModel(strategy=autonas.oracles.ReinforcementOracle(controllers.Reinforce(entropy_weight=0.1)))
    ```
    """

    def __init__(self, baseline_decay: float = 0.9, entropy_weight: float = 0.05) -> None:
        self.baseline_decay = baseline_decay
        self.entropy_weight = entropy_weight

    def check(self) -> None:
        """Raise a `ValueError` if an argument is invalid."""
        checks.check_number("baseline_decay", self.baseline_decay, 0, 1)
        checks.check_number("entropy_weight", self.entropy_weight, 0)

    def start(self, process: DecisionProcess, discount: float, seed: int, controller: Controller) -> None:
        """Initialise the policy and the baseline.

        Args:
            process: A `DecisionProcess`.
            discount: Discount factor γ.
            seed: Seed of the initial weights of the policy.
            controller: Policy, such as a `FactorisedController`.
        """
        self.controller = controller
        self.discount = discount
        self.baseline = _INITIAL_BASELINE
        controller.start(process, self.entropy_weight, seed)

    def grow(self, process: DecisionProcess) -> None:
        """Extend the policy to a `DecisionProcess` with further decisions or actions."""
        self.controller.grow(process)

    def sample(self, generator: np.random.Generator) -> dict[str, Scalar]:
        """Sample an architecture from the policy; return a dict of values."""
        return self.controller.sample(generator)

    def learn(self, episode: Episode, reward: float) -> None:
        """Update the policy by an episode.

        Args:
            episode: List of pairs `(decision, action)`.
            reward: Reward of the episode, from 0 to 1.
        """
        self.controller.ascend([episode], [self.advantages(episode, reward)])

    def numbers(self, episode: Episode) -> dict[str, float]:
        """Return numbers to log after an episode: the mean entropy of its decisions, and the baseline."""
        return {"policy_entropy": self.controller.entropies(episode).mean(), "baseline": self.baseline}

    def advantages(self, episode: Episode, reward: float) -> np.ndarray:
        """Return γ^(T-t) (R - b) for each decision t, then update the baseline."""
        advantages = self.discount ** np.arange(len(episode) - 1.0, -1.0, -1.0) * (reward - self.baseline)
        self.baseline += (1 - self.baseline_decay) * (reward - self.baseline)
        return advantages
