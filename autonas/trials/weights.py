"""Weights and checkpoints of trials on disk: written whole or not at all, and no more of them than are needed."""

import itertools
import os
import re
import warnings

from autonas import storage
from autonas.trials import checkpoint as checkpoints
from autonas.trials import states

#: Names of the files of trials, those that were being written when a process ended included.
FILE_NAME = rf"(?:{states.ID_PATTERN}|final|infeasible)(?:\.npz|\.npz\.unfinished|\.unfinished\.npz)"


class TrialArrays:
    """Arrays of trials, a file for each.

    Args:
        directory: Folder of the run.
        folder: Name of the folder of the files in it.
    """

    def __init__(self, directory, folder):
        self.directory = os.path.join(directory, folder)

    def path(self, trial_id):
        """File of a trial."""
        return os.path.join(self.directory, f"{trial_id}.npz")

    def exists(self, trial_id):
        """Whether a trial has a file."""
        return os.path.isfile(self.path(trial_id))

    def write(self, arrays, trial_id):
        """Write a dict of arrays. The file is complete when it has its name."""
        os.makedirs(self.directory, exist_ok=True)
        storage.write_arrays(self.path(trial_id), arrays)

    def read(self, trial_id, convert=dict):
        """Read what `write` wrote for a trial.

        A damaged file counts as missing, with a warning: all that these files hold can be computed again.

        Args:
            trial_id: The trial.
            convert: Function of the dict of arrays, in the order in which they were written, that returns what is
                wanted. An error that it raises means that the file is damaged. Defaults to the dict itself.

        Returns:
            What `convert` returns, or `None` if there is no file, or a damaged one.
        """
        if not self.exists(trial_id):
            return None
        path = self.path(trial_id)
        try:
            with storage.describing_damage(path):
                return convert(storage.read_arrays(path))
        except storage.DamagedFile as error:
            advice = "What it held is computed again."
            warnings.warn(str(storage.DamagedFile(path, error.reason, advice)), stacklevel=2)
            return None

    def keep(self, trial_ids):
        """Delete the files of all trials but these. Files of other names, links and folders stay."""
        kept = {os.path.basename(self.path(trial_id)) for trial_id in trial_ids}
        if os.path.islink(self.directory) or not os.path.isdir(self.directory):
            return
        for entry in list(os.scandir(self.directory)):
            if entry.name not in kept and re.fullmatch(FILE_NAME, entry.name) and entry.is_file(follow_symlinks=False):
                os.remove(entry.path)


class TrialWeights(TrialArrays):
    """The weights of the trials that may still be served.

    Args:
        directory: Folder of the run.
    """

    def __init__(self, directory):
        super().__init__(directory, "weights")

    def save(self, weights, trial_id):
        """Writes a list of arrays as `keras.Model.get_weights` gives it."""
        self.write({str(place): array for place, array in enumerate(weights)}, trial_id)

    def assign(self, model, trial_id):
        """Set a model's weights to those of a trial. Returns whether there are such weights, undamaged."""
        shapes = [array.shape for array in model.get_weights()]

        def of_this_network(arrays):
            weights = list(arrays.values())
            if [array.shape for array in weights] != shapes:
                raise ValueError("it holds the weights of another network")
            return weights

        weights = self.read(trial_id, of_this_network)
        if weights is not None:
            model.set_weights(weights)
        return weights is not None


class TrialPredictions(TrialArrays):
    """What the best trials predict for the validation rows: a dict from head to array.

    Args:
        directory: Folder of the run.
    """

    _MAX_FILES = 50
    _MAX_BYTES = 64 * 2**20

    def __init__(self, directory):
        super().__init__(directory, "predictions")

    def keep_best(self, trial_ids):
        """Deletes the files of all trials but the first of these, as many as are allowed for."""
        # Looked for only until there are enough: there may be thousands of trials, and this comes after each.
        existing = list(itertools.islice(filter(self.exists, trial_ids), self._MAX_FILES))
        n_bytes = max((os.path.getsize(self.path(each)) for each in existing), default=1)
        self.keep(existing[: max(1, self._MAX_BYTES // n_bytes)])


class TrialCheckpoints(TrialArrays):
    """The checkpoints of the trials whose training a later one may go on with.

    Args:
        directory: Folder of the run.
    """

    def __init__(self, directory):
        super().__init__(directory, "checkpoints")

    def save(self, checkpoint, trial_id):
        """Writes a `Checkpoint`."""
        self.write(checkpoint.to_arrays(), trial_id)

    def load(self, trial_id):
        """Read a `Checkpoint`; `None` if there is none, or its file is damaged."""
        return self.read(trial_id, checkpoints.Checkpoint.from_arrays)
