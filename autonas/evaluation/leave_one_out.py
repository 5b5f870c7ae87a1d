"""Leave-one-out cross-validation of networks in closed form, in place of the folds of a cross-validation."""

import keras
import numpy as np

from autonas.evaluation import fitting, loops
from autonas.search_space.fitted import fitters


class LeaveOneOutLoop(loops.TrainingLoop):
    """A training loop of one network that is fitted to all rows, for a data set with folds.

    The prediction of a row is that of the network fitted to all other rows, which the last fitter computes beside the
    weights. So there is one fit instead of one for each fold, and the served network is fitted to all rows.

    Args:
        loop: The `TrainingLoop` of the candidate.
    """

    def __init__(self, loop):
        super().__init__(loop.model, loop.dataset)
        self.phases = loop.phases
        self._predictions = {}

    def fit(self, generator, deadline=None):
        """Run the fitters of the network; see `fitting.fit`."""
        choices = fitting.fit(
            self.model,
            self.dataset,
            self.dataset.final_rows,
            generator,
            deadline,
            last=deadline,
            takes_fewer_rows=False,
        )
        fitter = fitters.fitters_of(self.model)[-1]
        self._predictions = loops.predictions_from(fitter.outputs, fitter.left_out, self.model)
        return choices

    def train_epoch(self, rows, batch_size, generator, learning_rate, deadline):
        """Return the loss of the predictions of all rows, and that the epoch is complete."""
        inputs, targets, weights = loops.batch_of(self.dataset, self.dataset.final_rows)
        loss = self.model.compute_loss(inputs, targets, self._predictions, weights or None, training=False)
        return float(keras.ops.convert_to_numpy(loss)), True

    def predict(self, rows):
        """Return the predictions of rows, each by the network fitted to the other rows; see `TrainingLoop.predict`."""
        positions = np.searchsorted(self.dataset.final_rows, rows)
        return {name: predictions[positions] for name, predictions in self._predictions.items()}


def is_possible(model, problem):
    """Return whether a network is validated by leave-one-out cross-validation where the data set has folds.

    Args:
        model: The built `keras.Model`.
        problem: The `Problem`. A `CustomScore` computes predictions by itself, and needs networks of folds. Rows of
            groups are left out together.
    """
    if model.trainable_variables or problem.goal.scores or problem.has_groups:
        return False
    *others, last = fitters.fitters_of(model) or [fitters.Fitter(None, "")]
    if any(fitter.reads_targets for fitter in others) or not last.leaves_one_out(len(problem.dataset.final_rows)):
        return False
    try:
        keras.Function(last.outputs, model.output)
    except ValueError:  # The outputs depend on other tensors, too.
        return False
    return True
