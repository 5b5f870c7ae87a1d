"""Files of trials: weights, checkpoints and predictions. A file is written as a whole or not at all."""

import itertools
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np

from autonas import storage
from autonas.trials import checkpoint as checkpoints
from autonas.trials import states

#: Regular expression of the names of files of trials, unfinished files of an ended process included.
FILE_NAME = rf"(?:{states.ID_PATTERN}|final|infeasible|ensemble)(?:\.npz|\.npz\.unfinished|\.unfinished\.npz)"
#: Prefix of the names of the arrays of a final fit.
_FINAL = "final_"


class TrialArrays:
    """Arrays of trials, one file per trial.

    Args:
        directory: Folder of the run.
        folder: Name of the folder of the files, in the folder of the run.
    """

    def __init__(self, directory: str, folder: str) -> None:
        self.directory = os.path.join(directory, folder)

    def path(self, trial_id: str) -> str:
        """Return the path of the file of a trial."""
        return os.path.join(self.directory, f"{trial_id}.npz")

    def exists(self, trial_id: str) -> bool:
        """Return whether a trial has a file."""
        return os.path.isfile(self.path(trial_id))

    def write(self, arrays: dict[str, np.ndarray], trial_id: str) -> None:
        """Write a dict of arrays to the file of a trial. The file gets its name once it is complete."""
        os.makedirs(self.directory, exist_ok=True)
        storage.write_arrays(self.path(trial_id), arrays)

    def read(self, trial_id: str, convert: Callable[[dict[str, np.ndarray]], Any] = dict) -> Any:
        """Return the content of the file of a trial.

        A damaged file counts as missing, with a warning.

        Args:
            trial_id: Id of the trial.
            convert: Function that takes the dict of arrays, in the order of `write`, and returns the content. An error
                that the function raises means that the file is damaged. Defaults to the dict itself.

        Returns:
            The return value of `convert`; `None` for a missing or damaged file.
        """
        if not self.exists(trial_id):
            return None
        path = self.path(trial_id)
        try:
            with storage.describing_damage(path):
                return convert(storage.read_arrays(path))
        except storage.DamagedFile as error:
            advice = "Its content is computed again, or the trial does without it."
            warnings.warn(str(storage.DamagedFile(path, error.reason, advice)), stacklevel=2)
            return None

    def keep(self, trial_ids: Iterable[str]) -> None:
        """Delete the files of all other trials. Files of other names, links and folders are kept."""
        kept = {os.path.basename(self.path(trial_id)) for trial_id in trial_ids}
        if os.path.islink(self.directory) or not os.path.isdir(self.directory):
            return
        for entry in list(os.scandir(self.directory)):
            if entry.name not in kept and re.fullmatch(FILE_NAME, entry.name) and entry.is_file(follow_symlinks=False):
                os.remove(entry.path)


class TrialWeights(TrialArrays):
    """The weights of the trials whose model may still be returned.

    Args:
        directory: Folder of the run.
    """

    def __init__(self, directory: str) -> None:
        super().__init__(directory, "weights")

    def save(
        self, weights: Sequence[np.ndarray], trial_id: str, final_weights: Sequence[np.ndarray] | None = None
    ) -> None:
        """Write the weights of a trial.

        Args:
            weights: List of arrays, as from `keras.Model.get_weights`.
            trial_id: Id of the trial.
            final_weights: List of the weights of the final fit if they are known. Defaults to `None`.
        """
        arrays = {str(index): array for index, array in enumerate(weights)}
        arrays |= {f"{_FINAL}{index}": array for index, array in enumerate(final_weights or ())}
        self.write(arrays, trial_id)

    def weights(self, trial_id: str) -> list[np.ndarray] | None:
        """Return the weights of a trial, `None` for a missing or damaged file."""
        return self.both(trial_id)[0]

    def assign(self, model: keras.Model, trial_id: str) -> bool:
        """Assign the weights of a trial to a model. Return whether the file exists and is undamaged."""
        weights, _ = self.both(trial_id, model)
        if weights is not None:
            model.set_weights(weights)
        return weights is not None

    def both(self, trial_id: str, model: keras.Model | None = None) -> tuple[Any, Any]:
        """Return the weights of a trial and of its final fit, two lists of arrays.

        The second one is `None` if it isn't known, and both are for a missing or damaged file.

        Args:
            trial_id: Id of the trial.
            model: Model without whose shapes of weights the file counts as damaged, or `None`. Defaults to `None`.
        """
        shapes = None if model is None else [array.shape for array in model.get_weights()]

        def lists(arrays: dict[str, np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
            weights = [array for name, array in arrays.items() if not name.startswith(_FINAL)]
            if shapes is not None and [array.shape for array in weights] != shapes:
                raise ValueError("it holds the weights of another network")
            return weights, [array for name, array in arrays.items() if name.startswith(_FINAL)] or None

        return self.read(trial_id, lists) or (None, None)


class TrialPredictions(TrialArrays):
    """The predictions of the best trials for the validation rows, a dict from head to array.

    Args:
        directory: Folder of the run.
    """

    _MAX_FILES = 50
    _MAX_BYTES = 64 * 2**20

    def __init__(self, directory: str) -> None:
        super().__init__(directory, "predictions")

    def keep_best(self, trial_ids: Iterable[str]) -> None:
        """Delete the files of all trials but the first of these, up to 50 files and 64 MiB."""
        # The search for files stops once there are enough: it runs after every trial, and trials may be thousands.
        existing = list(itertools.islice(filter(self.exists, trial_ids), self._MAX_FILES))
        n_bytes = max((os.path.getsize(self.path(trial_id)) for trial_id in existing), default=1)
        self.keep(existing[: max(1, self._MAX_BYTES // n_bytes)])


class TrialCheckpoints(TrialArrays):
    """The checkpoints of the trials whose training a later trial may continue.

    Args:
        directory: Folder of the run.
    """

    def __init__(self, directory: str) -> None:
        super().__init__(directory, "checkpoints")

    def save(self, checkpoint: checkpoints.Checkpoint, trial_id: str) -> None:
        """Write the `Checkpoint` of a trial."""
        self.write(checkpoint.to_arrays(), trial_id)

    def load(self, trial_id: str) -> checkpoints.Checkpoint | None:
        """Return the `Checkpoint` of a trial; `None` for a missing or damaged file."""
        return self.read(trial_id, checkpoints.Checkpoint.from_arrays)
