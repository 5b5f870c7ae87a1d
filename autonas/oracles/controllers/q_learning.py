"""Q-learning: a table of action values, with ε-greedy exploration and experience replay."""

from collections.abc import Sequence

import numpy as np

from autonas.arguments import checks
from autonas.oracles.controllers.decision_process import DecisionProcess, Episode
from autonas.search_space.values import Scalar

#: Initial value of all actions.
_INITIAL_VALUE = 0.5


class QLearning:
    """Tabular Q-learning with experience replay (MetaQNN, Baker et al. 2017), without a controller.

    The state is the pair of the next decision and the preceding action. Each transition (s, a, r, s') of an episode is
    backed up, the last transition first, by

        Q(s, a) ← (1 - α) Q(s, a) + α (r + γ max_a' Q(s', a'))

    With probability ε, an action is drawn uniformly. Otherwise, the action with the largest Q is chosen. After each
    trial, its episode and `n_replays` episodes from the replay memory are backed up. The initial values are 0.5, as in
    the paper.

    Q-learning needs many trials. On spaces of a dozen decisions or more, it is hardly better than random search in a
    few dozen trials.

    Differences to the paper:

    - The reward R is divided equally among the T decisions, r = R / T, as in BlockQNN (Zhong et al. 2018). With R at
      the end of an episode, the value of an early action is the maximum over all continuations, which doesn't depend on
      the action in this definition of the state.
    - The schedule of the paper (1,500 trials at ε = 1, then 100 to 150 at each of 0.9 ... 0.1) and α (0.01, 100
      replays) are for 2,700 trials. The defaults are for a few hundred trials.

    Args:
        learning_rate: α. Defaults to 0.2.
        exploration: Schedule of ε: a list of pairs of an ε and the number of distinct architectures with this ε. The
            last ε holds to the end. Defaults to `((1.0, 20), (0.5, 30), (0.3, 30), (0.1, 1))`.
        n_replays: Number of replayed episodes after each trial. Defaults to 30.

    Example:

    ```python
    import autonas
    from autonas.oracles import controllers

    model = autonas.AutoModel(strategy=autonas.oracles.ReinforcementOracle(controllers.QLearning(learning_rate=0.1)))
    ```
    """

    def __init__(
        self,
        learning_rate: float = 0.2,
        exploration: Sequence[tuple[float, int]] = ((1.0, 20), (0.5, 30), (0.3, 30), (0.1, 1)),
        n_replays: int = 30,
    ) -> None:
        self.learning_rate = learning_rate
        self.exploration = exploration
        self.n_replays = n_replays

    def check(self) -> None:
        """Raise a `ValueError` if an argument is invalid."""
        checks.check_number("learning_rate", self.learning_rate, 0, 1)
        checks.check_integer("n_replays", self.n_replays, 0)
        is_list = isinstance(self.exploration, (list, tuple)) and len(self.exploration) > 0
        if not is_list or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in self.exploration):
            raise ValueError(
                "`exploration` must be a list of pairs (ε, number of architectures). "
                f"Received: exploration={self.exploration!r}"
            )
        for epsilon, count in self.exploration:
            checks.check_number("exploration", epsilon, 0, 1)
            checks.check_integer("exploration", count, 1)

    def start(self, process: DecisionProcess, discount: float, seed: int) -> None:
        """Initialise the table of values and the replay memory.

        Args:
            process: A `DecisionProcess`.
            discount: Discount factor γ.
            seed: Seed of the replayed episodes.
        """
        self.discount = discount
        self._generator = np.random.default_rng([seed, 0x9])
        self._table: dict[tuple[int, tuple[int, int] | None], list[float]] = {}
        self._rewards: dict[Episode, float] = {}
        self._memory: list[Episode] = []
        self.grow(process)

    def grow(self, process: DecisionProcess) -> None:
        """Replace the `DecisionProcess` by one with further decisions or actions."""
        self.process = process

    @property
    def epsilon(self) -> float:
        """Current ε, which depends on the number of distinct architectures so far."""
        ends = np.cumsum([count for _, count in self.exploration])
        phase = int(np.searchsorted(ends, len(self._memory), side="right"))
        return self.exploration[min(phase, len(ends) - 1)][0]

    def sample(self, generator: np.random.Generator) -> dict[str, Scalar]:
        """Sample an architecture with ε-greedy decisions; return a dict of values."""
        epsilon = self.epsilon
        previous: tuple[int, int] | None = None

        def choose(index: int) -> int:
            nonlocal previous
            values = self.values(index, previous)
            if generator.random() < epsilon:
                action = int(generator.integers(len(values)))
            else:
                largest = max(values)
                best = [action for action, value in enumerate(values) if value == largest]
                action = best[int(generator.integers(len(best)))]
            previous = (index, action)
            return action

        return self.process.walk(choose, generator)

    def learn(self, episode: Episode, reward: float) -> None:
        """Update the values by an episode, and by replayed episodes.

        Args:
            episode: List of pairs `(decision, action)`.
            reward: Reward of the episode, from 0 to 1.
        """
        episode = tuple(episode)
        if episode not in self._rewards:
            self._memory.append(episode)
        self._rewards[episode] = reward
        self._back_up(episode)
        for index in self._generator.integers(len(self._memory), size=self.n_replays):
            self._back_up(self._memory[index])

    def numbers(self, episode: Episode) -> dict[str, float]:
        """Return numbers to log after an episode: ε, and the mean Q of the actions of the episode."""
        taken = [
            self.values(index, episode[step - 1] if step else None)[action]
            for step, (index, action) in enumerate(episode)
        ]
        return {"epsilon": self.epsilon, "mean_q": float(np.mean(taken))}

    def values(self, index: int, previous: tuple[int, int] | None) -> list[float]:
        """Return Q of each action of a decision.

        Args:
            index: Index of the decision.
            previous: Preceding pair `(decision, action)` of the episode, or `None` for the first decision.
        """
        state = (index, previous)
        if state not in self._table:
            self._table[state] = [_INITIAL_VALUE] * self.process.sizes[index]
        return self._table[state]

    def _back_up(self, episode: Episode) -> None:
        reward = self._rewards[episode] / len(episode)
        best_of_next = 0.0
        for step in range(len(episode) - 1, -1, -1):
            index, action = episode[step]
            values = self.values(index, episode[step - 1] if step else None)
            values[action] += self.learning_rate * (reward + self.discount * best_of_next - values[action])
            best_of_next = max(values)
