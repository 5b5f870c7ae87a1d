"""Q-learning: a table of what actions are worth, explored by an ε-greedy schedule and taught by replayed episodes."""

import numpy as np

from autonas.arguments import checks


class QLearning:
    """Learns the value of each action in each state (MetaQNN, Baker et al. 2017); it needs no controller.

    The state is which decision is to be taken and which action the decision before it was, as a layer of MetaQNN sees
    its depth and the layer before. Each transition (s, a, r, s') of an episode, the last first, is backed up as

        Q(s, a) ← (1 - α) Q(s, a) + α (r + γ max_a' Q(s', a'))

    An action is drawn uniformly with probability ε and is the best by Q otherwise. After each trial its episode, and
    `n_replays` drawn from the memory of all, are backed up. Values begin at 0.5, as in the paper.

    A table needs many trials: on spaces of a dozen decisions and more it gains little on random search in a few dozen.

    Where we deviate:

    - The reward R isn't given at the end but in equal parts to all T decisions, r = R / T, as in BlockQNN (Zhong et al.
      2018). With R at the end, the value of an early action is the best that can follow, which in this state doesn't
      depend on the action. On NAS-Bench-201 (CIFAR-10), test % at 100 and 200 queries, means over 100 seeds: 93.87
      and 94.11 with R at the end, 94.12 and 94.32 with parts of it.
    - The paper's schedule (1,500 trials at ε = 1, then 100 to 150 at each of 0.9 ... 0.1) and α (0.01, 100 replays)
      are for 2,700 trials; the defaults are for a few hundred.

    Args:
        learning_rate: α. Defaults to 0.2.
        exploration: The schedule, a list of pairs of an ε and the number of distinct architectures it is for; the last
            ε holds to the end. Defaults to `((1.0, 20), (0.5, 30), (0.3, 30), (0.1, 1))`.
        n_replays: Number of replayed episodes after each trial. Defaults to 30.
    """

    def __init__(self, learning_rate=0.2, exploration=((1.0, 20), (0.5, 30), (0.3, 30), (0.1, 1)), n_replays=30):
        self.learning_rate = learning_rate
        self.exploration = exploration
        self.n_replays = n_replays

    def check(self):
        """Raises a `ValueError` if an argument isn't valid."""
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

    def start(self, process, discount, seed):
        """Begins a search.

        Args:
            process: A `DecisionProcess`.
            discount: γ.
            seed: Seed of what is replayed.
        """
        self.discount = discount
        self._generator = np.random.default_rng([seed, 0x9])
        self._table = {}
        self._rewards = {}
        self._memory = []
        self.grow(process)

    def grow(self, process):
        """Goes on with the decisions of a space that may have grown."""
        self.process = process

    @property
    def epsilon(self):
        """ε by the number of distinct architectures so far."""
        ends = np.cumsum([count for _, count in self.exploration])
        place = int(np.searchsorted(ends, len(self._memory), side="right"))
        return self.exploration[min(place, len(ends) - 1)][0]

    def sample(self, generator):
        """An architecture, each decision ε-greedy."""
        epsilon, previous = self.epsilon, None

        def choose(index):
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

    def learn(self, episode, reward):
        """Learns from an architecture, and again from some of those before.

        Args:
            episode: Its decisions and actions.
            reward: Its reward, from 0 to 1.
        """
        episode = tuple(episode)
        if episode not in self._rewards:
            self._memory.append(episode)
        self._rewards[episode] = reward
        self._back_up(episode)
        for place in self._generator.integers(len(self._memory), size=self.n_replays):
            self._back_up(self._memory[place])

    def numbers(self, episode):
        """What is worth logging after an episode, a dict of floats: ε, and the mean Q of its actions."""
        taken = [
            self.values(index, episode[place - 1] if place else None)[action]
            for place, (index, action) in enumerate(episode)
        ]
        return {"epsilon": self.epsilon, "mean_q": np.mean(taken)}

    def values(self, index, previous):
        """Q of each action of a decision, by the pair `(decision, action)` before it, or `None` at the first."""
        state = (index, previous)
        if state not in self._table:
            self._table[state] = [0.5] * self.process.sizes[index]
        return self._table[state]

    def _back_up(self, episode):
        part = self._rewards[episode] / len(episode)
        best_of_next = 0.0
        for place in range(len(episode) - 1, -1, -1):
            index, action = episode[place]
            values = self.values(index, episode[place - 1] if place else None)
            values[action] += self.learning_rate * (part + self.discount * best_of_next - values[action])
            best_of_next = max(values)
