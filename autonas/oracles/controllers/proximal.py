"""PPO: a policy gradient with several steps on the same episodes, and a clipped objective."""

from collections.abc import Sequence

import numpy as np

from autonas.arguments import checks
from autonas.oracles.controllers.decision_process import DecisionProcess, Episode
from autonas.oracles.controllers.reinforce import Controller, Reinforce


class ProximalPolicyOptimization(Reinforce):
    """Proximal policy optimisation: training on batches of episodes by the clipped objective (Schulman et al. 2017).

    Let ρ_t = π(a_t | s_t) / π_old(a_t | s_t) be the ratio to the policy before the update. An update makes `n_epochs`
    steps that increase the mean over the batch of

        Σ_t min(ρ_t A_t, clip(ρ_t, 1 - ε, 1 + ε) A_t) + β H(π(. | s_t))

    with the advantage A_t = γ^(T-t) (R - b) of REINFORCE. If the clipped term is smaller, the term is constant and has
    no gradient. Otherwise, ∇ρ_t = ρ_t ∇ log π. Thus a step is a step of REINFORCE with the weights ρ_t A_t, or 0 if
    clipped.

    There is no critic, because an episode has a single reward. Batches aren't divided into minibatches.

    Args:
        batch_size: Number of episodes per update. Defaults to 5; the paper uses thousands.
        n_epochs: Number of steps on each batch. Defaults to 4; the paper uses 3 to 15.
        clip: ε. Defaults to 0.2, as in the paper.
        baseline_decay: As in `Reinforce`.
        entropy_weight: As in `Reinforce`.

    Example:

    ```python
    import autonas
    from autonas.oracles import controllers

    algorithm = controllers.ProximalPolicyOptimization(batch_size=10)
    model = autonas.AutoModel(strategy=autonas.oracles.ReinforcementOracle(algorithm))
    ```
    """

    def __init__(
        self,
        batch_size: int = 5,
        n_epochs: int = 4,
        clip: float = 0.2,
        baseline_decay: float = 0.9,
        entropy_weight: float = 0.05,
    ) -> None:
        super().__init__(baseline_decay, entropy_weight)
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.clip = clip

    def check(self) -> None:
        super().check()
        checks.check_integer("batch_size", self.batch_size, 1)
        checks.check_integer("n_epochs", self.n_epochs, 1)
        checks.check_number("clip", self.clip, 0)

    def start(self, process: DecisionProcess, discount: float, seed: int, controller: Controller) -> None:
        super().start(process, discount, seed, controller)
        self._batch: list[tuple[Episode, np.ndarray]] = []
        #: Mean share of clipped decisions in the steps of the latest update; `None` before the first update.
        self.clipped_share: float | None = None

    def learn(self, episode: Episode, reward: float) -> None:
        self._batch.append((episode, self.advantages(episode, reward)))
        if len(self._batch) == self.batch_size:
            self._update(*zip(*self._batch, strict=True))
            self._batch = []

    def numbers(self, episode: Episode) -> dict[str, float]:
        clipped = {} if self.clipped_share is None else {"clipped_share": self.clipped_share}
        return super().numbers(episode) | clipped

    def _update(self, episodes: Sequence[Episode], advantages: Sequence[np.ndarray]) -> None:
        old, shares = self.controller.log_probabilities(episodes), []
        for _ in range(self.n_epochs):
            new = self.controller.log_probabilities(episodes)
            ratios = [np.exp(after - before) for before, after in zip(old, new, strict=True)]
            shares.append(np.concatenate(list(map(self.is_clipped, ratios, advantages))).mean())
            self.controller.ascend(episodes, list(map(self.weights, ratios, advantages)))
        self.clipped_share = float(np.mean(shares))

    def is_clipped(self, ratios: np.ndarray, advantages: np.ndarray) -> np.ndarray:
        """Return a boolean array: whether the clipped term of a decision is smaller."""
        return np.where(advantages > 0, ratios > 1 + self.clip, (advantages < 0) & (ratios < 1 - self.clip))

    def weights(self, ratios: np.ndarray, advantages: np.ndarray) -> np.ndarray:
        """Return the derivatives of the clipped objective with respect to log π(a_t | s_t)."""
        return np.where(self.is_clipped(ratios, advantages), 0.0, ratios * advantages)
