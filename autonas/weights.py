"""Weights of trials on disk: written whole or not at all, and no more of them than are needed."""

import os

from autonas import predictor


class TrialWeights:
    """The weights of the trials that may still be served.

    Args:
        directory: Folder of the run.
    """

    def __init__(self, directory):
        self.directory = directory

    def path(self, trial_id):
        """File of a trial's weights."""
        return os.path.join(self.directory, "weights", f"{trial_id}.weights.h5")

    def exists(self, trial_id):
        """Whether a trial's weights are there."""
        return os.path.exists(self.path(trial_id))

    def save(self, model, trial_id):
        """Writes a model's weights, under their name only once they are whole."""
        path = self.path(trial_id)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        unfinished = self.path(f"{trial_id}.unfinished")
        predictor.without_training_parts(model).save_weights(unfinished)
        os.replace(unfinished, path)

    def load(self, model, trial_id):
        """Reads the weights of a trial into its model."""
        predictor.without_training_parts(model).load_weights(self.path(trial_id))

    def keep(self, trial_ids):
        """Deletes the weights of all trials but these."""
        kept = {os.path.basename(self.path(trial_id)) for trial_id in trial_ids}
        folder = os.path.dirname(self.path(""))
        for name in os.listdir(folder):
            if name not in kept:
                os.remove(os.path.join(folder, name))
