"""Single-path training of a supernet: each step updates the weights of one architecture."""

import time

import keras
import numpy as np

from autonas.backends import gradients
from autonas.evaluation import loops
from autonas.evaluation.one_shot import annealing, path_board, scoring
from autonas.optimizers import fused_sgd

#: Momentum, weight decay of kernels (as in SPOS), and maximum global norm of the gradients.
_MOMENTUM, _WEIGHT_DECAY, _CLIP_NORM = 0.9, 4e-5, 5.0


class PathTrainer:
    """Training of the shared weights of a supernet, with one path per step.

    A path is an architecture of the supernet. Paths are sampled in one of four ways:

    - `"uniform"`: all options of a decision have the same probability (Guo et al., "Single path one-shot neural
      architecture search with uniform sampling", 2020);
    - `"fair"`: each of the K options of a decision occurs once in every K steps (Chu et al., "FairNAS", 2021). FairNAS
      accumulates the gradients of K paths for one update; here, each path has an update of its own, at the same cost.
      An option of an inactive decision occurs without effect;
    - `"prioritised"`: fair paths at first, and more and more often one of the best paths so far, see `PathBoard`;
    - `"strategy"`: a search strategy suggests the paths (Pham et al., "Efficient neural architecture search via
      parameter sharing", 2018).

    The optimizer is SGD with clipped gradients, which makes one-shot scores rank architectures well. Adam would make
    equally long steps for rarely trained weights.

    Args:
        supernet: A `supernet.Supernet`.
        dataset: An `ArrayDataset`.
        batch_size: Number of rows per step.
        sampling: `"uniform"`, `"fair"`, `"prioritised"` or `"strategy"`. Defaults to `"fair"`.
        learning_rate: Peak learning rate of a cosine schedule. Defaults to 0.1.

    Attributes:
        variables: List of the variables, besides the variables of the supernet, that are needed to continue a training.
    """

    def __init__(self, supernet, dataset, batch_size, sampling="fair", learning_rate=0.1):
        if sampling not in ("uniform", "fair", "prioritised", "strategy"):
            raise ValueError(
                f"`sampling` must be 'uniform', 'fair', 'prioritised' or 'strategy'. Received: sampling={sampling!r}"
            )
        self.supernet = supernet
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampling = sampling
        self.learning_rate = learning_rate
        self.optimizer = fused_sgd.FusedSGD(learning_rate, _MOMENTUM, _WEIGHT_DECAY, _CLIP_NORM)
        self.optimizer.build(supernet.operation_variables)
        self.annealing = annealing.Annealing()
        self.board = path_board.PathBoard(len(supernet.decisions)) if sampling == "prioritised" else None
        self.variables = [*self.optimizer.variables, self.annealing.progress]
        if self.board is not None:
            self.variables.append(self.board.paths)
        self._step = gradients.compiled(self._update, [*supernet.variables, *self.optimizer.variables])

    def train_epoch(self, epoch, epochs, deadline, generator, strategy=None):
        """Train for one epoch, or until the deadline.

        Args:
            epoch: Number of the epoch, from 0.
            epochs: Number of epochs of the schedule.
            deadline: Value of `time.monotonic()` at which to stop, or `None`.
            generator: A `numpy.random.Generator` for the order of the rows and the paths.
            strategy: Strategy whose `suggest(generator)` draws the paths. Required if `sampling` is `"strategy"`.

        Returns:
            The mean loss, and whether the epoch was completed.
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
        paths = draw(options(self.supernet), generator)
        if self.board is None:
            return paths
        share = float(keras.ops.convert_to_numpy(self.annealing.progress))
        return self.board.prioritised(paths, share, generator)

    def update_board(self, epoch, loss_of, generator):
        """Update the board of prioritised paths after an epoch if its update is due.

        Args:
            epoch: Number of the epoch, from 0.
            loss_of: Function from a path to its loss.
            generator: A `numpy.random.Generator` for new paths.
        """
        steps = len(self.dataset.train_rows) // self.batch_size
        if self.board.is_due(epoch, steps):
            self.board.update(uniform_paths(options(self.supernet), generator), loss_of)

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
    """Return the indices of the shared options, a list with an integer array for each decision."""
    return [
        np.array([index for index, label in enumerate(selector.labels) if label in selector.allowed])
        for selector in supernet.decisions.values()
    ]


def uniform_paths(options, generator):
    """Yield architectures without end, int32 arrays, in which all options of a decision have the same probability."""
    while True:
        yield np.array([generator.choice(indices) for indices in options], "int32")


def fair_paths(options, generator):
    """Yield architectures without end, int32 arrays: each of the K options of a decision occurs once in K steps."""
    waiting = [[] for _ in options]
    while True:
        for queue, indices in zip(waiting, options, strict=True):
            if not queue:
                queue.extend(generator.permutation(indices))
        yield np.array([queue.pop() for queue in waiting], "int32")


def _suggested_paths(supernet, generator, strategy):
    while True:
        yield supernet.indices(strategy.suggest(generator))
