"""Training of a supernet by single paths: each step takes one architecture and updates the weights that it uses."""

import time

import keras
import numpy as np

from autonas.backends import gradients
from autonas.evaluation import loops
from autonas.evaluation.one_shot import annealing, scoring
from autonas.optimizers import fused_sgd


class PathTrainer:
    """Trains the shared weights of a supernet in select mode, one path a step.

    Paths are drawn

    - `"uniform"`: each option of a decision with the same probability (Guo et al., "Single path one-shot neural
      architecture search with uniform sampling", 2020);
    - `"fair"`: in an order in which every option of a decision with K options occurs once in every K steps (Chu et al.,
      "FairNAS", 2021). They add up the gradients of K paths for one update; here each path has its own, as that costs
      nothing more and each is a step forward. Where decisions depend on each other, an option occurs in vain if what it
      depends on wasn't chosen;
    - `"strategy"`: by a search strategy (Pham et al., "Efficient neural architecture search via parameter sharing",
      2018).

    What makes one-shot scores rank architectures is SGD in place of Adam, whose steps are as long for rarely trained
    weights as for others, and gradients that are clipped.

    Args:
        supernet: A `search_space.supernet.Supernet`.
        dataset: An `ArrayDataset`.
        batch_size: Rows per step.
        sampling: `"uniform"`, `"fair"` or `"strategy"`. Defaults to `"fair"`.
        learning_rate: Peak learning rate of a cosine schedule. Defaults to 0.1.
        momentum: Momentum. Defaults to 0.9.
        weight_decay: Weight decay of kernels. Defaults to 4e-5, as in SPOS.
        clip_norm: Bound of the global norm of the gradients. Defaults to 5.

    Attributes:
        variables: List of the variables that a training continues from, besides those of the supernet.
    """

    def __init__(
        self,
        supernet,
        dataset,
        batch_size,
        sampling="fair",
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=4e-5,
        clip_norm=5.0,
    ):
        if sampling not in ("uniform", "fair", "strategy"):
            raise ValueError(f"`sampling` must be 'uniform', 'fair' or 'strategy'. Received: sampling={sampling!r}")
        self.supernet = supernet
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampling = sampling
        self.learning_rate = learning_rate
        self.optimizer = fused_sgd.FusedSGD(learning_rate, momentum, weight_decay, clip_norm)
        self.optimizer.build(supernet.operation_variables)
        self.annealing = annealing.Annealing()
        self.variables = [*self.optimizer.variables, self.annealing.progress]
        self._step = gradients.compiled(self._update, [*supernet.variables, *self.optimizer.variables])

    def train_epoch(self, epoch, epochs, deadline, generator, strategy=None):
        """Trains for one epoch, or until the deadline.

        Args:
            epoch: Number of the epoch, from 0.
            epochs: Number of epochs of the schedule.
            deadline: `time.monotonic()` to stop at, or `None`.
            generator: A `numpy.random.Generator` for the order of the rows and the paths.
            strategy: An object with `suggest(generator)` that draws the paths. Needed if `sampling` is `"strategy"`.

        Returns:
            The mean loss, and whether the epoch was finished.
        """
        paths = self._paths(generator, strategy)
        batches = loops.shuffled_batches(self.dataset.train_rows, self.batch_size, generator)
        self.annealing.begin(epoch, epochs, deadline)
        losses = []
        for step, rows in enumerate(batches):
            if deadline is not None and step and time.monotonic() >= deadline:
                break
            rate = self.learning_rate * self.annealing.factor(step / len(batches))
            loss = self._step(next(paths), np.float32(rate), *loops.batch_of(self.dataset, rows))
            losses.append(float(keras.ops.convert_to_numpy(loss)))
        finished = len(losses) == len(batches)
        self.annealing.end()
        return float(np.mean(losses)), finished

    def _paths(self, generator, strategy):
        if self.sampling == "strategy":
            return _suggested_paths(self.supernet, generator, strategy)
        draw = uniform_paths if self.sampling == "uniform" else fair_paths
        return draw(options(self.supernet), generator)

    def _update(self, indices, learning_rate, inputs, targets, weights):
        supernet, variables = self.supernet, self.supernet.operation_variables

        def loss():
            predictions = supernet(inputs, training=True)
            return supernet.compute_loss(inputs, targets, predictions, weights or None, training=True)

        with scoring.selecting(supernet):
            supernet.choose(indices)
            self.optimizer.learning_rate.assign(learning_rate)
            value, gradient = gradients.value_and_gradient(loss, variables)
        self.optimizer.apply(gradient, variables)
        return value


def options(supernet):
    """The positions of the shared options of each decision, a list of integer arrays."""
    return [
        np.array([place for place, label in enumerate(selector.labels) if label in selector.allowed])
        for selector in supernet.decisions.values()
    ]


def uniform_paths(options, generator):
    """Architectures without end, each option of a decision with the same probability; int32 arrays."""
    while True:
        yield np.array([generator.choice(each) for each in options], "int32")


def fair_paths(options, generator):
    """Architectures without end, each option of a decision once in as many steps as there are; int32 arrays."""
    waiting = [[] for _ in options]
    while True:
        for queue, each in zip(waiting, options, strict=True):
            if not queue:
                queue.extend(generator.permutation(each))
        yield np.array([queue.pop() for queue in waiting], "int32")


def _suggested_paths(supernet, generator, strategy):
    while True:
        yield supernet.indices(strategy.suggest(generator))
