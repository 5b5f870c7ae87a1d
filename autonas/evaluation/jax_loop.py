"""Training loop for arrays on the JAX backend, with whole epochs in one compiled function."""

import functools

import jax
import keras
import numpy as np

from autonas.backends import gradients, jax_convolution, scope
from autonas.evaluation import compiled_loop, loops
from autonas.trials import checkpoint


class JaxLoop(compiled_loop.CompiledLoop, loops.BatchLoop):
    """A training loop that gathers rows and trains inside a `jax.lax.fori_loop`.

    The first and the last step are arguments of the compiled function, and the batches are padded to those of an epoch
    of all rows, so that one compilation serves any part of an epoch of any rows, of the search and of the final fit.
    Predictions are made as in `BatchLoop`.
    """

    def __init__(self, model, dataset):
        super().__init__(model, dataset)
        inputs, targets, weights = dataset.tensors(keras.ops.convert_to_tensor)
        self._arrays = [inputs, targets] if weights is None else [inputs, targets, weights]

    @functools.cached_property
    def _variables(self):
        """The variables that training changes, of the model and of its optimizer, without duplicates."""
        variables = [*self.model.variables, *checkpoint.optimizer_variables(self.model)]
        return list({id(variable): variable for variable in variables}.values())

    @functools.cached_property
    def _train(self):
        optimizer, trainable = self.model.optimizer, self.model.trainable_variables
        network, variables = self._members.network, self._variables

        def step(index, state, arrays, batches, learning_rates):
            values, total = state
            rows = batches[index]
            inputs, targets, *weights = jax.tree.map(lambda array: array[rows], arrays)
            weights = dict.fromkeys(targets, *weights) if weights else None

            def loss_of_rows():
                predictions = network(inputs, training=True)
                return self._members.compute_loss(inputs, targets, predictions, weights)

            with scope.NestedScope(variables, values):
                optimizer.learning_rate.assign(learning_rates[index])
                loss, slopes = gradients.value_and_gradient(loss_of_rows, trainable)
                optimizer.apply(slopes, trainable)
                values = [variable.value for variable in variables]
            return values, total + loss.astype("float32")

        @jax.jit
        def steps(state, arrays, batches, learning_rates, span):
            body = functools.partial(step, arrays=arrays, batches=batches, learning_rates=learning_rates)
            with jax_convolution.by_products(network):
                return jax.lax.fori_loop(*span, body, state)

        return steps

    def _run(self, batches, learning_rates, span, total):
        n_rows = len(next(iter(self.dataset.targets.values())))
        n_more = n_rows // batches.shape[1] - len(batches)
        batches, learning_rates = np.pad(batches, [(0, n_more), (0, 0)]), np.pad(learning_rates, (0, n_more))
        values = [variable.value for variable in self._variables]
        values, total = self._train((values, total), self._arrays, batches, learning_rates, span)
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        return float(total)
