"""REINFORCE: the policy gradient from whole episodes, with a moving baseline and an entropy bonus."""

import numpy as np

from autonas.arguments import checks


class Reinforce:
    """Learns from each episode at once (Williams 1992), as the search of Zoph & Le (2017) does.

    What is maximised is J(θ) = E_π[R] + β E_π[Σ_t H(π(. | s_t))], by steps along

        Σ_t γ^(T-t) (R - b) ∇ log π(a_t | s_t) + β ∇ H(π(. | s_t))

    where the reward R comes at the end, T - t decisions later, and the baseline b is an exponential moving average of
    the rewards before: b ← δ b + (1 - δ) R. As usual, what the policy could do to meet states of a larger entropy is
    left out.

    Rewards are ranks from 0 to 1 (see `ReinforcementOracle`), so that the baseline begins at 0.5, and weights of the
    entropy are larger than where rewards are accuracies (0.0001 in ENAS, Pham et al. 2018).

    Args:
        baseline_decay: δ, from 0 to 1. Defaults to 0.9, as in NATS-Bench (Dong et al. 2021).
        entropy_weight: β. Defaults to 0.05, measured on tables of architectures.
    """

    def __init__(self, baseline_decay=0.9, entropy_weight=0.05):
        self.baseline_decay = baseline_decay
        self.entropy_weight = entropy_weight

    def check(self):
        """Raises a `ValueError` if an argument isn't valid."""
        checks.check_number("baseline_decay", self.baseline_decay, 0, 1)
        checks.check_number("entropy_weight", self.entropy_weight, 0)

    def start(self, process, discount, seed, controller):
        """Begins a search.

        Args:
            process: A `DecisionProcess`.
            discount: γ.
            seed: Seed of the policy's first weights.
            controller: The policy.
        """
        self.controller = controller
        self.discount = discount
        self.baseline = 0.5
        controller.start(process, self.entropy_weight, seed)

    def grow(self, process):
        """Goes on with the decisions of a space that may have grown."""
        self.controller.grow(process)

    def sample(self, generator):
        """An architecture drawn from the policy."""
        return self.controller.sample(generator)

    def learn(self, episode, reward):
        """Learns from an architecture.

        Args:
            episode: Its decisions and actions.
            reward: Its reward, from 0 to 1.
        """
        self.controller.ascend([episode], [self.advantages(episode, reward)])

    def numbers(self, episode):
        """What is worth logging after an episode, a dict: the mean entropy of its decisions, and the baseline."""
        return {"policy_entropy": self.controller.entropies(episode).mean(), "baseline": self.baseline}

    def advantages(self, episode, reward):
        """γ^(T-t) (R - b) for each decision t; then the baseline moves."""
        advantages = self.discount ** np.arange(len(episode) - 1.0, -1.0, -1.0) * (reward - self.baseline)
        self.baseline += (1 - self.baseline_decay) * (reward - self.baseline)
        return advantages
