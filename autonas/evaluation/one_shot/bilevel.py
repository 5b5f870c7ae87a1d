"""Bilevel training of a supernet: weights and the distribution over architectures learn in turn (gradient search)."""

import time

import keras
import numpy as np
from keras import ops

from autonas.backends import gradients, node_graph
from autonas.evaluation import loops, training
from autonas.evaluation.one_shot import annealing, architecture_gradient, costs
from autonas.optimizers import fused_sgd
from autonas.supernet import supernet as supernet_module

#: Momentum and weight decay of the weights, the bound of their gradient's norm, and the decay of the logits: those of
#: DARTS (Liu et al. 2019).
_MOMENTUM, _WEIGHT_DECAY, _CLIP_NORM, _LOGIT_DECAY = 0.9, 3e-4, 5.0, 1e-3
#: Temperature of the Gumbel softmax, from the first step to the last (Dong and Yang 2019).
_TEMPERATURES = (10.0, 0.1)


class BilevelTrainer:
    """Trains a supernet's weights w on one part of the training rows and its logits a on the other, in turn.

    With R_val = -L_val, the reward on the rows of the architecture, each step makes the updates
      a <- a - eta_a grad_a [L_train(w, a) - lambda R_val(w, a)],
      w <- w - eta_w grad_w L_train(w, a),
    by Adam(0.5, 0.999) and by SGD with momentum. Where `reward_weight` is `None`, the bracket is -R_val alone, as in
    DARTS (Liu et al. 2019); where it is 0, L_train alone, and all rows are those of the weights. If a cost is given,
    the bracket has the further term
      mu E_a[cost] / E_0[cost],
    the second mean being that over all options alike. Of several weights mu each is in force for an equal share of the
    schedule, and w and a go on from where the one before left them.

    As in DARTS, batch normalisation inside of options is trained without scale and offset: these could make up for any
    probability.

    Args:
        supernet: A compiled `Supernet`; built with `partial_channels` for PC-DARTS (Xu et al. 2020). There, the
            normalisation of edges is the softmax over the options of an `InputChoice`.
        dataset: An `ArrayDataset`.
        batch_size: Rows per step, of each part.
        seed: Seed of the split into parts. Defaults to 0.
        relaxation: `"softmax"` (all branches, weighted), `"partial"` (the same, on a part of the channels) or
            `"gumbel"` (one branch, drawn; GDAS, Dong and Yang 2019).
        order: How grad_a counts that w depends on a: `"first"` (not at all), `"second"` or `"finite_difference"`
            (through one step of w); see `architecture_gradient`.
        reward_weight: lambda, or `None`.
        validation_share: Share of the training rows that is the architecture's.
        learning_rate: eta_w at the beginning; it falls to 0 over all epochs on half a cosine.
        architecture_learning_rate: eta_a.
        warm_up: Share of the epochs in which only weights learn; of those of the first of several weights of the cost.
        guard: `"auxiliary_skip"`: what is mixed has its input added to it, times a factor that falls from 1 to 0 over
            all epochs (DARTS-, Chu et al. 2021): so skip connections needn't be chosen for the sake of training. Others
            change nothing here.
        cost: `"params"`, `"flops"`, `"latency_ms"` or `None`.
        cost_weights: mu, a sequence of numbers.

    Attributes:
        variables: List of the variables that a training continues from, besides those of the supernet.
    """

    def __init__(
        self,
        supernet,
        dataset,
        batch_size,
        seed=0,
        relaxation="softmax",
        order="first",
        reward_weight=None,
        validation_share=0.5,
        learning_rate=0.05,
        architecture_learning_rate=0.1,
        warm_up=0.2,
        guard="auxiliary_skip",
        cost=None,
        cost_weights=(0.0,),
    ):
        self.supernet = supernet
        self.dataset = dataset
        self.order = order
        self.reward_weight = reward_weight
        self.learning_rate = learning_rate
        self.warm_up = warm_up / len(cost_weights)
        self.cost_weights = cost_weights
        self.samples_paths = relaxation == "gumbel"
        supernet.mode = "sample" if self.samples_paths else "blend"
        supernet.mixing_mode.has_auxiliary_skip = guard == "auxiliary_skip" and not self.samples_paths
        rows = np.random.default_rng([seed, 0]).permutation(dataset.train_rows)
        n_held = 0 if reward_weight == 0 else round(validation_share * len(rows))
        #: Indices of the rows that the architecture learns from.
        self.architecture_rows = np.sort(rows[:n_held])
        #: Indices of the rows that the weights learn from.
        self.weight_rows = np.sort(rows[n_held:])
        self.batch_size = min(batch_size, *(len(each) for each in self._parts()))
        self._weight = keras.Variable(0.0, dtype="float32", trainable=False, name="cost_weight")
        #: Functions without arguments: the mean cost under the distribution, and that over what it is for all alike.
        self.expected_cost = self.cost = None
        if cost is not None:
            self.expected_cost = costs.expected_cost(supernet, cost)
            self.cost = _relative(self.expected_cost)
        fixed = {id(variable) for variable in _scales_of_branches(supernet)}
        self.weights = [variable for variable in supernet.operation_variables if id(variable) not in fixed]
        self.logits = supernet.architecture_variables
        self.weight_optimizer = fused_sgd.FusedSGD(learning_rate, _MOMENTUM, _WEIGHT_DECAY, _CLIP_NORM)
        self.logit_optimizer = keras.optimizers.Adam(architecture_learning_rate, beta_1=0.5, beta_2=0.999)
        self.weight_optimizer.build(self.weights)
        self.logit_optimizer.build(self.logits)
        self.annealing = annealing.Annealing()
        optimizers = [*self.weight_optimizer.variables, *self.logit_optimizer.variables]
        self.variables = [*optimizers, self.annealing.progress]
        self._update_architecture = gradients.compiled(
            self._architecture_step, [*supernet.variables, *optimizers, self._weight]
        )
        self._update_weights = gradients.compiled(self._weight_step, [*supernet.variables, *optimizers])

    @property
    def cost_weight(self):
        """The weight of the cost in the epoch to come; the last one when there is none."""
        # The progress is a sum of many small numbers.
        phase = int(len(self.cost_weights) * float(ops.convert_to_numpy(self.annealing.progress)) + 1e-4)
        return self.cost_weights[min(phase, len(self.cost_weights) - 1)]

    def numbers(self):
        """What is worth logging after an epoch, a dict of floats: the `"temperature"` where paths are drawn, and the
        `"expected_cost"`, in units of the cost, if there is one."""
        found = {"temperature": self.supernet.mixing_mode.temperature} if self.samples_paths else {}
        if self.expected_cost is not None:
            found["expected_cost"] = self.expected_cost()
        return {name: float(ops.convert_to_numpy(number)) for name, number in found.items()}

    def train_epoch(self, epoch, epochs, deadline, generator, strategy=None):
        """Trains for one epoch of the weights' rows, or until the deadline.

        Args:
            epoch: Number of the epoch, from 0.
            epochs: Number of epochs in all.
            deadline: `time.monotonic()` to stop at, or `None`.
            generator: A `numpy.random.Generator`.
            strategy: Not used: the distribution over architectures is the supernet's own.

        Returns:
            The mean training loss, and whether the epoch was finished.
        """
        batches = loops.shuffled_batches(self.weight_rows, self.batch_size, generator)
        held = self._held_batches(len(batches), generator)
        self.annealing.begin(epoch, epochs, deadline)
        self._weight.assign(self.cost_weight)
        losses = []
        for step, rows in enumerate(batches):
            if deadline is not None and step and time.monotonic() >= deadline:
                break
            progress = self.annealing.at(step / len(batches))
            self._schedule(progress)
            batch = loops.batch_of(self.dataset, rows)
            if progress >= self.warm_up:
                self._update_architecture(batch, loops.batch_of(self.dataset, held[step]), self._uniform(generator))
            losses.append(float(ops.convert_to_numpy(self._update_weights(batch, self._uniform(generator)))))
        self.annealing.end()
        return float(np.mean(losses)), len(losses) == len(batches)

    # ------------------------------------------------------------------ data

    def _parts(self):
        return [part for part in (self.weight_rows, self.architecture_rows) if len(part)]

    def _held_batches(self, n_batches, generator):
        """As many batches of the architecture's rows; where there are none, of the weights'."""
        rows = self._parts()[-1]
        enough = -(-n_batches * self.batch_size // len(rows))
        shuffled = np.concatenate([generator.permutation(rows) for _ in range(enough)])
        return shuffled[: n_batches * self.batch_size].reshape(n_batches, self.batch_size)

    def _uniform(self, generator):
        n_labels = sum(logits.shape[0] for logits in self.logits)
        return generator.random(n_labels if self.samples_paths else 0).astype("float32")

    # ------------------------------------------------------------------ steps

    def _schedule(self, progress):
        """Sets what changes over the epochs."""
        self.weight_optimizer.learning_rate = self.learning_rate * training.anneal(progress, warm_up=0.0)
        mixing_mode = self.supernet.mixing_mode
        mixing_mode.auxiliary_skip.assign(1.0 - progress)
        first, last = _TEMPERATURES
        mixing_mode.temperature.assign(first + progress * (last - first))

    def _architecture_step(self, batch, held, uniform):
        if self.samples_paths:
            self.supernet.draw(uniform)
            # Branches that are switched at run time assign variables, which only the variables themselves can take.
            _, slopes = gradients.value_and_gradient(lambda: self._objective(batch, held), self.logits)
        else:
            _, slopes = architecture_gradient.ORDERS[self.order](
                self._at(lambda: self._objective(batch, held)),
                self._at(lambda: self._loss(batch)),
                [variable.value for variable in self.weights],
                [variable.value for variable in self.logits],
                ops.cast(self.weight_optimizer.learning_rate, "float32"),
            )
        decayed = [slope + _LOGIT_DECAY * logits for slope, logits in zip(slopes, self.logits, strict=True)]
        self.logit_optimizer.apply(decayed, self.logits)

    def _weight_step(self, batch, uniform):
        if self.samples_paths:
            self.supernet.draw(uniform)
        loss, slopes = gradients.value_and_gradient(lambda: self._loss(batch), self.weights)
        self.weight_optimizer.apply(slopes, self.weights)
        return loss

    def _objective(self, batch, held):
        """What the architecture minimises."""
        terms = []
        if self.reward_weight is not None:
            terms.append(self._loss(batch))
        if self.reward_weight is None or self.reward_weight > 0:
            terms.append((1.0 if self.reward_weight is None else self.reward_weight) * self._loss(held))
        if self.cost is not None:
            terms.append(self._weight * self.cost())
        return sum(terms)

    def _loss(self, batch):
        inputs, targets, weights = batch
        predictions = self.supernet(inputs, training=True)
        return self.supernet.compute_loss(inputs, targets, predictions, weights or None, training=True)

    def _at(self, function):
        """`function` as one of values of the weights and of the logits."""

        def at(weights, logits):
            with gradients.substituted([*self.weights, *self.logits], [*weights, *logits]):
                return function()

        return at


def _scales_of_branches(supernet):
    """Scales and offsets of the batch normalisation inside of options."""
    for mixing_layer in supernet_module.mixing_layers(supernet):
        for branch in getattr(mixing_layer, "branches", ()):
            for layer in [] if branch is None else node_graph.all_layers(branch):
                if isinstance(layer, keras.layers.BatchNormalization):
                    yield from layer.trainable_variables


def _relative(expected_cost):
    """The expected cost over what it is now."""
    scale = 1.0 / float(ops.convert_to_numpy(expected_cost()))
    return lambda: scale * expected_cost()
