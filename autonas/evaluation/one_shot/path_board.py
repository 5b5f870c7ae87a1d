"""The board of prioritised paths: the best of the paths of a supernet that were scored while it was trained."""

import keras
import numpy as np

#: Number of paths on the board, and number of new paths that are scored each time.
_N_KEPT, _N_NEW = 10, 10
#: Number of training steps between two times at which paths are scored, so that scores take less time than training.
_N_STEPS = 28
#: Share of the steps that train a path of the board at the end of the training; it grows linearly from 0.
_LAST_SHARE = 0.8
_EMPTY = -1


class PathBoard:
    """The best known paths of a supernet, which are trained more often than others (You et al., "GreedyNAS", 2020).

    Weights of good paths matter more than the weights of all others: only the best one-shot scores choose finalists.
    New random paths and the paths of the board are scored every few training steps, and the best ones stay.

    Args:
        n_decisions: Number of decisions of the supernet.

    Attributes:
        paths: Integer variable of shape `(10, n_decisions)` with the options of each path, the best first, or −1.
    """

    def __init__(self, n_decisions):
        self.paths = keras.Variable(
            np.full((_N_KEPT, n_decisions), _EMPTY, "int32"), dtype="int32", trainable=False, name="path_board"
        )

    def prioritised(self, others, share, generator):
        """Yield paths without end: with some probability one of the board, else the next of other paths.

        Args:
            others: Iterator of paths, int32 arrays.
            share: Completed share of the training, in [0, 1].
            generator: A `numpy.random.Generator`.
        """
        known = self._known()
        for path in others:
            is_known = known and generator.random() < _LAST_SHARE * share
            yield known[generator.integers(len(known))] if is_known else path

    @staticmethod
    def is_due(epoch, steps):
        """Return whether paths are scored after an epoch, from 0, of some training steps."""
        return (epoch + 1) * steps // _N_STEPS > epoch * steps // _N_STEPS

    def update(self, others, loss_of):
        """Score the paths of the board and new ones, and keep the best.

        Args:
            others: Iterator of paths.
            loss_of: Function from a path to its loss.
        """
        paths = np.unique([*self._known(), *(next(others) for _ in range(_N_NEW))], axis=0)
        order = np.argsort([loss_of(path) for path in paths], kind="stable")[:_N_KEPT]
        filled = np.full(self.paths.shape, _EMPTY, "int32")
        filled[: len(order)] = paths[order]
        self.paths.assign(filled)

    def _known(self):
        return [path for path in keras.ops.convert_to_numpy(self.paths) if path[0] != _EMPTY]
