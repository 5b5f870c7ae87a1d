"""The factorised policy: a softmax of its own for each decision, independent of all others."""

import numpy as np

from autonas.arguments import checks


class FactorisedController:
    """A policy without memory: each decision d has its own logits θ_d.

        π(a_1 ... a_T) = Π_t softmax(θ_{d_t})[a_t]

    That of the REINFORCE baseline of NAS-Bench-101 (Ying et al. 2019) and NATS-Bench (Dong et al. 2021), there on
    fixed lists of decisions. Here a decision that isn't active in an architecture gets no gradient from it, neither
    directly nor through the momentum of Adam, whose moments and steps are counted for each decision.

    Args:
        learning_rate: Learning rate of Adam. Defaults to 0.2, for searches of 50 to 300 trials; NATS-Bench has 0.01.
    """

    def __init__(self, learning_rate=0.2):
        self.learning_rate = learning_rate

    def check(self):
        """Raises a `ValueError` if an argument isn't valid."""
        checks.check_number("learning_rate", self.learning_rate, 0)

    def start(self, process, entropy_weight, seed):
        """Begins with the uniform policy.

        Args:
            process: A `DecisionProcess`.
            entropy_weight: Weight of the entropy in what is maximised.
            seed: Unused: nothing is drawn.
        """
        self.entropy_weight = entropy_weight
        self.logits = np.zeros((0, 0))
        self._mean, self._square, self._steps = np.zeros((0, 0)), np.zeros((0, 0)), np.zeros(0)
        self.grow(process)

    def grow(self, process):
        """Goes on with the decisions of a space that may have grown."""
        self.process = process
        sizes = np.array(process.sizes, int)
        exists = np.arange(sizes.max(initial=1))[None, :] < sizes[:, None]
        # Actions that don't exist fill the rows up; their probability is 0.
        self.logits = _embedded(self.logits, np.where(exists, 0.0, -np.inf))
        self._mean = _embedded(self._mean, np.zeros(exists.shape))
        self._square = _embedded(self._square, np.zeros(exists.shape))
        self._steps = _embedded(self._steps, np.zeros(len(sizes)))
        self._normalise()

    def sample(self, generator):
        """An architecture drawn from the policy."""
        thresholds = generator.random(len(self.logits))[:, None] * self._cumulated[:, -1:]
        actions = (self._cumulated <= thresholds).sum(axis=1)
        return self.process.walk(actions.__getitem__, generator)

    def log_probabilities(self, episodes):
        """Log-probability of each action taken: an array for each episode."""
        return [self._log_probabilities[tuple(np.array(episode).T)] for episode in episodes]

    def entropies(self, episode):
        """Entropy of the policy at each decision of an episode, in nats; an array."""
        return self._entropies()[[index for index, _ in episode]]

    def ascend(self, episodes, weights):
        """A step of Adam up the gradient of the mean over episodes of Σ_t w_t log π(a_t | s_t) + β H(π(. | s_t)).

        Args:
            episodes: List of episodes.
            weights: List of an array of the weights w_t for each.
        """
        rows, actions = np.concatenate([np.array(episode) for episode in episodes]).T
        gradient = self.gradient(rows, actions, np.concatenate(weights)) / len(episodes)
        rows = np.unique(rows)
        gradient = gradient[rows]
        self._steps[rows] += 1
        self._mean[rows] += 0.1 * (gradient - self._mean[rows])
        self._square[rows] += 0.001 * (gradient**2 - self._square[rows])
        steps = self._steps[rows, None]
        mean, square = self._mean[rows] / (1 - 0.9**steps), self._square[rows] / (1 - 0.999**steps)
        self.logits[rows] += self.learning_rate * mean / (np.sqrt(square) + 1e-8)
        self._normalise()

    def gradient(self, rows, actions, weights):
        """With respect to the logits: of a log-probability, the one-hot action less the probabilities; of the entropy,
        -p (log p + H)."""
        n_rows = len(self.logits)
        gradient = -np.bincount(rows, weights, n_rows)[:, None] * self._probabilities
        np.add.at(gradient, (rows, actions), weights)
        log_probabilities, entropy = self._finite_log_probabilities(), self._entropies()[:, None]
        times = np.bincount(rows, minlength=n_rows)[:, None]
        gradient -= self.entropy_weight * times * self._probabilities * (log_probabilities + entropy)
        return gradient

    def _entropies(self):
        return -(self._probabilities * self._finite_log_probabilities()).sum(axis=1)

    def _finite_log_probabilities(self):
        return np.where(self._probabilities > 0, self._log_probabilities, 0.0)

    def _normalise(self):
        shifted = self.logits - self.logits.max(axis=1, keepdims=True)
        powers = np.exp(shifted)
        total = powers.sum(axis=1, keepdims=True)
        self._probabilities = powers / total
        self._log_probabilities = shifted - np.log(total)
        self._cumulated = self._probabilities.cumsum(axis=1)


def _embedded(old, new):
    """`new`, with `old` in its corner."""
    new[tuple(slice(length) for length in old.shape)] = old
    return new
