"""Recurrent policy: an LSTM that makes each decision depend on the preceding ones."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from autonas.arguments import checks
from autonas.oracles.controllers.decision_process import DecisionProcess, Episode
from autonas.search_space.values import Scalar

#: Bound of the initial weights, which are uniform.
_LARGEST_WEIGHT = 0.08
#: Logit of the actions of other decisions.
_IMPOSSIBLE = -1e9
#: Decay rates of the moments of Adam, and its constant that is added to the root of the second moment, as in Keras.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-7

#: Output and carry of the LSTM, and its gates, of shape `(episodes, units)`.
_State: TypeAlias = tuple[np.ndarray, np.ndarray]
_Gates: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class RecurrentController:
    """Autoregressive policy with an LSTM, the controller of Zoph & Le (2017).

    At each active decision, the embedding of the preceding action is the input of the LSTM. A dense layer maps its
    output to the logits of the actions of the decision:

        π(a_1 ... a_T) = Π_t softmax(W_{d_t} h_t)[a_t],   h_t, c_t = LSTM(E a_{t-1}, h_{t-1}, c_{t-1})

    A step of Adam follows the gradient of whole episodes, by backpropagation through time. Everything is computed in
    NumPy: for one short episode at a time, that is faster than a call of Keras, and no model is built. Initial weights
    are uniform from -0.08 to 0.08, as in the paper.

    Args:
        units: Size of the embedding and of the LSTM. Defaults to 35, as in the paper.
        learning_rate: Learning rate of Adam. Defaults to 0.01; the paper uses 0.0006, for 12,800 architectures.

    Example:

    ```python
    import autonas
    from autonas.oracles import controllers

    model = autonas.AutoModel(
        strategy=autonas.oracles.ReinforcementOracle(controller=controllers.RecurrentController(units=64))
    )
    ```
    """

    def __init__(self, units: int = 35, learning_rate: float = 0.01) -> None:
        self.units = units
        self.learning_rate = learning_rate

    def check(self) -> None:
        """Raise a `ValueError` if an argument is invalid."""
        checks.check_integer("units", self.units, 1)
        checks.check_number("learning_rate", self.learning_rate, 0)

    def start(self, process: DecisionProcess, entropy_weight: float, seed: int) -> None:
        """Initialise the weights near 0, which gives a nearly uniform policy.

        Args:
            process: A `DecisionProcess`.
            entropy_weight: Weight β of the entropy in the objective.
            seed: Seed of the initial weights.
        """
        self.entropy_weight = entropy_weight
        self._generator = np.random.default_rng([seed, 0x15D])
        self._weights: list[np.ndarray] = []
        self.grow(process)

    def grow(self, process: DecisionProcess) -> None:
        """Extend the policy to a `DecisionProcess` with further decisions or actions, and keep the trained weights."""
        self.process = process
        n_actions = sum(process.sizes)
        self._first = np.cumsum([0, *process.sizes]).astype(int)
        shapes = [
            (1 + n_actions, self.units),
            (self.units, 4 * self.units),
            (self.units, 4 * self.units),
            (4 * self.units,),
            (self.units, n_actions),
            (n_actions,),
        ]
        weights = [self._generator.uniform(-_LARGEST_WEIGHT, _LARGEST_WEIGHT, shape) for shape in shapes]
        for new, old in zip(weights, self._weights, strict=False):
            new[tuple(slice(length) for length in old.shape)] = old
        self._weights = weights
        self._moments = [(np.zeros(shape), np.zeros(shape)) for shape in shapes]
        self._n_steps = 0

    def sample(self, generator: np.random.Generator) -> dict[str, Scalar]:
        """Sample an architecture from the policy; return a dict of values."""
        state, token = self._first_state(1), np.zeros(1, int)

        def choose(index: int) -> int:
            nonlocal state, token
            _, state = self._step(token, state)
            actions = slice(*self._first[index : index + 2])
            cumulated = np.exp(_log_softmax(self._logits(state[0])[0, actions])).cumsum()
            action = int((cumulated <= generator.random() * cumulated[-1]).sum())
            token = np.array([1 + self._first[index] + action])
            return action

        return self.process.walk(choose, generator)

    def log_probabilities(self, episodes: Sequence[Episode]) -> list[np.ndarray]:
        """Return the log-probabilities of the actions of episodes, a list with an array for each episode."""
        log_probabilities = self._of_episodes(episodes)[-1]
        return [
            log_probabilities[range(len(episode)), row, [self._first[index] + action for index, action in episode]]
            for row, episode in enumerate(episodes)
        ]

    def entropies(self, episode: Episode) -> np.ndarray:
        """Return the entropy of the policy at each decision of an episode, an array in nats."""
        return _entropies(self._of_episodes([episode])[-1])[:, 0, 0]

    def ascend(self, episodes: Sequence[Episode], weights: Sequence[np.ndarray]) -> None:
        """Make a step of Adam that increases the mean over episodes of Σ_t w_t log π(a_t | s_t) + β H(π(. | s_t)).

        Args:
            episodes: List of episodes.
            weights: List of arrays, one for each episode, with the weights w_t.
        """
        self._n_steps += 1
        rate = self.learning_rate * np.sqrt(1 - _BETA_2**self._n_steps) / (1 - _BETA_1**self._n_steps)
        gradients, squares = self.gradients(episodes, weights)
        for array, moments, *numbers in zip(self._weights, self._moments, gradients, squares, strict=True):
            for moment, number, decay in zip(moments, numbers, (_BETA_1, _BETA_2), strict=True):
                moment += (1 - decay) * (number - moment)
            array += rate * moments[0] / (np.sqrt(moments[1]) + _EPSILON)

    def gradients(
        self, episodes: Sequence[Episode], weights: Sequence[np.ndarray]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Compute the gradients of the objective of `ascend` with respect to the weights of the network.

        Args:
            episodes: List of episodes.
            weights: List of arrays, one for each episode, with the weights w_t.

        Returns:
            List of the gradients, one for each array of weights, and list of their squares. As in Keras on TensorFlow,
            the square for an embedding is the sum of the squares over its uses, instead of the square of their sum.
        """
        tokens, states, gates, log_probabilities = self._of_episodes(episodes)
        embedding, kernel, recurrent_kernel, _, output_kernel, _ = self._weights
        hidden, carries = (np.array(arrays) for arrays in zip(*states, strict=True))
        by_logits = self._by_logits(episodes, weights, log_probabilities)
        by_outputs = by_logits @ output_kernel.T
        by_gates = np.zeros((*tokens.shape, 4 * self.units))
        by_hidden = by_carry = np.zeros_like(hidden[0])
        for step in reversed(range(len(tokens))):
            entry, forget, candidate, exit_ = gates[step]
            squashed = np.tanh(carries[step + 1])
            by_hidden = by_hidden + by_outputs[step]
            by_carry = by_carry + by_hidden * exit_ * (1 - squashed**2)
            by_gates[step] = np.hstack(
                [
                    by_carry * candidate * entry * (1 - entry),
                    by_carry * carries[step] * forget * (1 - forget),
                    by_carry * entry * (1 - candidate**2),
                    by_hidden * squashed * exit_ * (1 - exit_),
                ]
            )
            by_carry = by_carry * forget
            by_hidden = by_gates[step] @ recurrent_kernel.T
        by_uses, by_embedding, squares = by_gates @ kernel.T, np.zeros_like(embedding), np.zeros_like(embedding)
        np.add.at(by_embedding, tokens, by_uses)
        np.add.at(squares, tokens, by_uses**2)
        gradients = [
            _summed_products(embedding[tokens], by_gates),
            _summed_products(hidden[:-1], by_gates),
            by_gates.sum(axis=(0, 1)),
            _summed_products(hidden[1:], by_logits),
            by_logits.sum(axis=(0, 1)),
        ]
        return [by_embedding, *gradients], [squares, *(gradient**2 for gradient in gradients)]

    def _by_logits(
        self, episodes: Sequence[Episode], weights: Sequence[np.ndarray], log_probabilities: np.ndarray
    ) -> np.ndarray:
        """Return the gradient of the objective with respect to the logits, shape `(steps, episodes, actions)`.

        The gradient of a log-probability is the one-hot action minus the probabilities p. The gradient of the entropy H
        is -p (log p + H).
        """
        probabilities = np.exp(log_probabilities)
        gradient = -self.entropy_weight * probabilities * (log_probabilities + _entropies(log_probabilities))
        for row, (episode, of_episode) in enumerate(zip(episodes, weights, strict=True)):
            gradient[: len(episode), row] -= of_episode[:, None] * probabilities[: len(episode), row]
            gradient[len(episode) :, row] = 0
            for step, (index, action) in enumerate(episode):
                gradient[step, row, self._first[index] + action] += of_episode[step]
        return gradient / len(episodes)

    # ------------------------------------------------------------------ the network

    def _of_episodes(self, episodes: Sequence[Episode]) -> tuple[np.ndarray, list[_State], list[_Gates], np.ndarray]:
        """Run the network on episodes.

        Returns:
            The inputs `(steps, episodes)`; the list of states, one more than steps; the list of the gates of each step;
            and the log-probabilities of actions `(steps, episodes, actions)`, without meaning after an episode's end.
        """
        tokens = np.zeros((max(map(len, episodes)), len(episodes)), int)
        is_legal = np.zeros((*tokens.shape, self._first[-1]), bool)
        for row, episode in enumerate(episodes):
            for step, (index, action) in enumerate(episode):
                is_legal[step, row, self._first[index] : self._first[index + 1]] = True
                if step + 1 < len(episode):
                    tokens[step + 1, row] = 1 + self._first[index] + action
        states, gates = [self._first_state(len(episodes))], []
        for of_step in tokens:
            step_gates, state = self._step(of_step, states[-1])
            gates.append(step_gates)
            states.append(state)
        logits = self._logits(np.array([hidden for hidden, _ in states[1:]]))
        return tokens, states, gates, _log_softmax(np.where(is_legal, logits, _IMPOSSIBLE))

    def _first_state(self, n_rows: int) -> _State:
        return np.zeros((n_rows, self.units)), np.zeros((n_rows, self.units))

    def _step(self, tokens: np.ndarray, state: _State) -> tuple[_Gates, _State]:
        """Return the gates of the LSTM, each of shape `(episodes, units)`, and its next state."""
        embedding, kernel, recurrent_kernel, bias, _, _ = self._weights
        hidden, carry = state
        gates = np.split(embedding[tokens] @ kernel + hidden @ recurrent_kernel + bias, 4, axis=1)
        entry, forget, exit_ = (1 / (1 + np.exp(-gates[index])) for index in (0, 1, 3))
        candidate = np.tanh(gates[2])
        carry = forget * carry + entry * candidate
        return (entry, forget, candidate, exit_), (exit_ * np.tanh(carry), carry)

    def _logits(self, hidden: np.ndarray) -> np.ndarray:
        return hidden @ self._weights[-2] + self._weights[-1]


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _entropies(log_probabilities: np.ndarray) -> np.ndarray:
    """Return entropies along the last axis, which is kept with length 1."""
    return -(np.exp(log_probabilities) * log_probabilities).sum(axis=-1, keepdims=True)


def _summed_products(inputs: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Return the gradient of a matrix that maps inputs to outputs, summed over steps and episodes."""
    return np.tensordot(inputs, gradients, axes=([0, 1], [0, 1]))
