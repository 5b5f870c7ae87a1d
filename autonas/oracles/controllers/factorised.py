"""Factorised policy: an independent softmax for each decision."""

from collections.abc import Sequence

import numpy as np

from autonas.arguments import checks
from autonas.oracles.controllers.decision_process import DecisionProcess, Episode
from autonas.search_space.values import Scalar

#: Decay rates β of the moments of Adam, and 1 − β, exactly.
_BETA_1, _BETA_2 = 0.9, 0.999
_STEP_1, _STEP_2 = 0.1, 0.001
#: Constant of Adam that is added to the root of the second moment.
_EPSILON = 1e-8


class FactorisedController:
    """Policy in which each decision d has its own logits θ_d, independent of earlier actions.

        π(a_1 ... a_T) = Π_t softmax(θ_{d_t})[a_t]

    This is the policy of the REINFORCE baseline in NAS-Bench-101 (Ying et al. 2019) and NATS-Bench (Dong et al. 2021),
    whose decisions are always active. Here, a decision that is inactive in an architecture is not updated. Moments and
    steps of Adam are counted for each decision.

    Args:
        learning_rate: Learning rate of Adam. Defaults to 0.2, for searches of 50 to 300 trials; NATS-Bench uses 0.01.

    Example:

    ```python
    import autonas
    from autonas.oracles import controllers

    model = autonas.AutoModel(
        strategy=autonas.oracles.ReinforcementOracle(controller=controllers.FactorisedController(learning_rate=0.1))
    )
    ```
    """

    def __init__(self, learning_rate: float = 0.2) -> None:
        self.learning_rate = learning_rate

    def check(self) -> None:
        """Raise a `ValueError` if an argument is invalid."""
        checks.check_number("learning_rate", self.learning_rate, 0)

    def start(self, process: DecisionProcess, entropy_weight: float, seed: int) -> None:
        """Initialise the uniform policy.

        Args:
            process: A `DecisionProcess`.
            entropy_weight: Weight β of the entropy in the objective.
            seed: Not used; the initial policy isn't random.
        """
        self.entropy_weight = entropy_weight
        self.logits = np.zeros((0, 0))
        self._mean, self._square, self._steps = np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0)
        self.grow(process)

    def grow(self, process: DecisionProcess) -> None:
        """Extend the policy to a `DecisionProcess` with further decisions or actions."""
        self.process = process
        sizes = np.array(process.sizes, int)
        exists = np.arange(sizes.max(initial=1))[None, :] < sizes[:, None]
        # Rows are padded with actions of probability 0.
        self.logits = _embedded(self.logits, np.where(exists, 0.0, -np.inf))
        self._mean = _embedded(self._mean, np.zeros(exists.shape))
        self._square = _embedded(self._square, np.zeros(exists.shape))
        self._steps = _embedded(self._steps, np.zeros(len(sizes)))
        self._normalise()

    def sample(self, generator: np.random.Generator) -> dict[str, Scalar]:
        """Sample an architecture from the policy; return a dict of values."""
        thresholds = generator.random(len(self.logits))[:, None] * self._cumulated[:, -1:]
        actions = (self._cumulated <= thresholds).sum(axis=1)
        return self.process.walk(actions.__getitem__, generator)

    def log_probabilities(self, episodes: Sequence[Episode]) -> list[np.ndarray]:
        """Return the log-probabilities of the actions of episodes, a list with an array for each episode."""
        return [self._log_probabilities[tuple(np.array(episode).T)] for episode in episodes]

    def entropies(self, episode: Episode) -> np.ndarray:
        """Return the entropy of the policy at each decision of an episode, an array in nats."""
        return self._entropies()[[index for index, _ in episode]]

    def ascend(self, episodes: Sequence[Episode], weights: Sequence[np.ndarray]) -> None:
        """Make a step of Adam that increases the mean over episodes of Σ_t w_t log π(a_t | s_t) + β H(π(. | s_t)).

        Args:
            episodes: List of episodes.
            weights: List of arrays, one for each episode, with the weights w_t.
        """
        rows, actions = np.concatenate([np.array(episode) for episode in episodes]).T
        gradient = self.gradient(rows, actions, np.concatenate(weights)) / len(episodes)
        rows = np.unique(rows)
        gradient = gradient[rows]
        self._steps[rows] += 1
        self._mean[rows] += _STEP_1 * (gradient - self._mean[rows])
        self._square[rows] += _STEP_2 * (gradient**2 - self._square[rows])
        steps = self._steps[rows, None]
        mean, square = self._mean[rows] / (1 - _BETA_1**steps), self._square[rows] / (1 - _BETA_2**steps)
        self.logits[rows] += self.learning_rate * mean / (np.sqrt(square) + _EPSILON)
        self._normalise()

    def gradient(self, rows: np.ndarray, actions: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Compute the gradient of the objective with respect to the logits, summed over steps.

        The gradient of a log-probability is the one-hot action minus the probabilities p. The gradient of the entropy H
        is -p (log p + H).

        Args:
            rows: Integer array `(steps,)` of decisions.
            actions: Integer array `(steps,)` of actions.
            weights: Array `(steps,)` of the weights w_t.
        """
        n_rows = len(self.logits)
        gradient = -np.bincount(rows, weights, n_rows)[:, None] * self._probabilities
        np.add.at(gradient, (rows, actions), weights)
        log_probabilities, entropy = self._finite_log_probabilities(), self._entropies()[:, None]
        counts = np.bincount(rows, minlength=n_rows)[:, None]
        gradient -= self.entropy_weight * counts * self._probabilities * (log_probabilities + entropy)
        return gradient

    def _entropies(self) -> np.ndarray:
        return -(self._probabilities * self._finite_log_probabilities()).sum(axis=1)

    def _finite_log_probabilities(self) -> np.ndarray:
        return np.where(self._probabilities > 0, self._log_probabilities, 0.0)

    def _normalise(self) -> None:
        shifted = self.logits - self.logits.max(axis=1, keepdims=True)
        powers = np.exp(shifted)
        total = powers.sum(axis=1, keepdims=True)
        self._probabilities = powers / total
        self._log_probabilities = shifted - np.log(total)
        self._cumulated = self._probabilities.cumsum(axis=1)


def _embedded(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the array `new` with its first entries along each axis replaced by `old`."""
    new[tuple(slice(length) for length in old.shape)] = old
    return new
