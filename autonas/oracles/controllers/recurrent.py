"""Recurrent policy: an LSTM that makes each decision depend on the preceding ones."""

import numpy as np

from autonas.arguments import checks

#: Bound of the initial weights, which are uniform.
_LARGEST_WEIGHT = 0.08
#: Number that is subtracted from the logits of actions of other decisions.
_LARGEST_LOGIT = 1e9


class RecurrentController:
    """Autoregressive policy with an LSTM, the controller of Zoph & Le (2017).

    At each active decision, the embedding of the preceding action is the input of the LSTM. A dense layer maps its
    output to the logits of the actions of the decision:

        π(a_1 ... a_T) = Π_t softmax(W_{d_t} h_t)[a_t],   h_t, c_t = LSTM(E a_{t-1}, h_{t-1}, c_{t-1})

    Keras trains the network on whole episodes with Adam. Sampling and probabilities are computed in NumPy with the same
    weights, which is faster than a call of Keras for one episode. Initial weights are uniform from -0.08 to 0.08, as in
    the paper.

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

    def __init__(self, units=35, learning_rate=0.01):
        self.units = units
        self.learning_rate = learning_rate

    def check(self):
        """Raise a `ValueError` if an argument is invalid."""
        checks.check_integer("units", self.units, 1)
        checks.check_number("learning_rate", self.learning_rate, 0)

    def start(self, process, entropy_weight, seed):
        """Initialise the weights near 0, which gives a nearly uniform policy.

        Args:
            process: A `DecisionProcess`.
            entropy_weight: Weight β of the entropy in the objective.
            seed: Seed of the initial weights.
        """
        self.entropy_weight = entropy_weight
        self._generator = np.random.default_rng([seed, 0x15D])
        self._weights = []
        self.grow(process)

    def grow(self, process):
        """Extend the policy to a `DecisionProcess` with further decisions or actions, and keep the trained weights."""
        self.process = process
        self._n_actions = sum(process.sizes)
        self._first = np.cumsum([0, *process.sizes]).astype(int)
        self._length = max(1, sum(size > 1 for size in process.sizes))
        self._model = self._new_model()
        weights = [
            self._generator.uniform(-_LARGEST_WEIGHT, _LARGEST_WEIGHT, array.shape)
            for array in self._model.get_weights()
        ]
        for new, old in zip(weights, self._weights, strict=False):
            new[tuple(slice(length) for length in old.shape)] = old
        self._model.set_weights(weights)
        self._weights = self._model.get_weights()

    def __getstate__(self):
        """Return the state for copies, with the variables of the optimizer instead of the Keras model."""
        state = dict(self.__dict__)
        if "_model" in state:
            state["_optimizer"] = [np.array(variable) for variable in state.pop("_model").optimizer.variables]
        return state

    def __setstate__(self, state):
        variables = state.pop("_optimizer", None)
        self.__dict__.update(state)
        if variables is not None:
            self._model = self._new_model()
            self._model.set_weights(self._weights)
            for variable, value in zip(self._model.optimizer.variables, variables, strict=True):
                variable.assign(value)

    def sample(self, generator):
        """Sample an architecture from the policy; return a dict of values."""
        state, token = self._first_state(1), np.zeros(1, int)

        def choose(index):
            nonlocal state, token
            output, state = self._step(token, state)
            cumulated = np.exp(self._log_softmax(output[0], index)).cumsum()
            action = int((cumulated <= generator.random() * cumulated[-1]).sum())
            token = np.array([1 + self._first[index] + action])
            return action

        return self.process.walk(choose, generator)

    def log_probabilities(self, episodes):
        """Return the log-probabilities of the actions of episodes, a list with an array for each episode."""
        taken = [[] for _ in episodes]
        for step, outputs in enumerate(self._outputs(episodes)):
            for row, episode in enumerate(episodes):
                if step < len(episode):
                    index, action = episode[step]
                    taken[row].append(self._log_softmax(outputs[row], index)[action])
        return [np.array(row) for row in taken]

    def entropies(self, episode):
        """Return the entropy of the policy at each decision of an episode, an array in nats."""
        entropies = []
        for (index, _), outputs in zip(episode, self._outputs([episode]), strict=True):
            log_probabilities = self._log_softmax(outputs[0], index)
            entropies.append(-(np.exp(log_probabilities) * log_probabilities).sum())
        return np.array(entropies)

    def ascend(self, episodes, weights):
        """Make a step of Adam that increases the mean over episodes of Σ_t w_t log π(a_t | s_t) + β H(π(. | s_t)).

        Args:
            episodes: List of episodes.
            weights: List of arrays, one for each episode, with the weights w_t.
        """
        shape = (len(episodes), self._length)
        legal = np.ones((*shape, self._n_actions), "float32")
        targets, is_step = np.zeros((*shape, 2), "float32"), np.zeros(shape, "float32")
        for row, (episode, of_episode) in enumerate(zip(episodes, weights, strict=True)):
            for step, (index, action) in enumerate(episode):
                legal[row, step] = 0
                legal[row, step, self._first[index] : self._first[index + 1]] = 1
                targets[row, step] = self._first[index] + action, of_episode[step]
            is_step[row, : len(episode)] = 1
        # Keras averages over steps, and the objective is a sum.
        self._model.train_on_batch([self._tokens(episodes), legal], targets, sample_weight=is_step * self._length)
        self._weights = self._model.get_weights()

    def _new_model(self):
        import keras

        tokens = keras.Input((self._length,), dtype="int32")
        legal = keras.Input((self._length, self._n_actions))
        embedded = keras.layers.Embedding(1 + self._n_actions, self.units, dtype="float32")(tokens)
        outputs = keras.layers.LSTM(self.units, return_sequences=True, dtype="float32")(embedded)
        logits = keras.layers.Dense(self._n_actions, dtype="float32")(outputs)
        log_probabilities = keras.ops.log_softmax(logits + (legal - 1) * _LARGEST_LOGIT)

        def loss(targets, log_probabilities):
            actions = keras.ops.one_hot(keras.ops.cast(targets[..., 0], "int32"), self._n_actions)
            taken = keras.ops.sum(actions * log_probabilities, axis=-1)
            entropy = -keras.ops.sum(keras.ops.exp(log_probabilities) * log_probabilities, axis=-1)
            return -(targets[..., 1] * taken + self.entropy_weight * entropy)

        model = keras.Model([tokens, legal], log_probabilities)
        model.compile(keras.optimizers.Adam(self.learning_rate), loss)
        model.optimizer.build(model.trainable_variables)
        return model

    def _tokens(self, episodes):
        """Return the inputs of the network `(episodes, steps)`: 0, then 1 + the index of the preceding action."""
        tokens = np.zeros((len(episodes), self._length), "int32")
        for row, episode in enumerate(episodes):
            for step, (index, action) in enumerate(episode[:-1]):
                tokens[row, step + 1] = 1 + self._first[index] + action
        return tokens

    # ------------------------------------------------------------------ the network in numpy

    def _outputs(self, episodes):
        """Yield the logits `(episodes, actions)` of each step."""
        tokens, state = self._tokens(episodes), self._first_state(len(episodes))
        for step in range(max(map(len, episodes))):
            outputs, state = self._step(tokens[:, step], state)
            yield outputs

    def _first_state(self, n_rows):
        return np.zeros((n_rows, self.units)), np.zeros((n_rows, self.units))

    def _step(self, tokens, state):
        embedding, kernel, recurrent_kernel, bias, output_kernel, output_bias = self._weights
        hidden, carry = state
        gates = embedding[tokens] @ kernel + hidden @ recurrent_kernel + bias
        entry, forget, candidate, exit_ = np.split(gates, 4, axis=1)
        carry = _sigmoid(forget) * carry + _sigmoid(entry) * np.tanh(candidate)
        hidden = _sigmoid(exit_) * np.tanh(carry)
        return hidden @ output_kernel + output_bias, (hidden, carry)

    def _log_softmax(self, output, index):
        logits = output[self._first[index] : self._first[index + 1]]
        shifted = logits - logits.max()
        return shifted - np.log(np.exp(shifted).sum())


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))
