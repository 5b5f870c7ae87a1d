"""The base of strategies that train a supernet first: its epochs as trials, and what comes before and after them."""

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base
from autonas.trials import reserved
from autonas.trials.states import Stage


class SupernetOracle(base.Oracle):
    """Base class of the strategies of one-shot search.

    A search goes through stages, each trial named by the reserved keys in its values:

    1. The first trial is the default architecture, trained by itself: a usable model early, and a yardstick.
    2. Epochs of the supernet, one a trial: `tuner/stage` is `"supernet"`, `tuner/initial_epoch` and `tuner/epochs` the
       epochs before and after it. One is on trial at a time. It ends after `epochs`, or when a report says that there
       is no time for more.
    3. What a subclass derives from it: `derive(generator)`.

    The reports of stage 2 are dicts with `"finished"`, whether there is no time for more epochs, and whatever else a
    subclass asks for in `observe_report`. If an epoch fails, it is asked for again.

    Its `numbers` after an epoch of the supernet are `supernet/path_score_mean`, `supernet/path_score_min` and
    `supernet/path_score_max`, of the scores of a few sampled architectures with the shared weights, if the report has
    them under `"paths"` (a dict of a list for each metric).

    It needs the tuner of autonas: one of Keras Tuner's knows no stages.

    Args:
        epochs: Epochs of the supernet. Defaults to `None`: in `AutoModel` as many as make about
            `default_updates`, within `epochs_bounds`; outside of it the number must be given.
        **kwargs: As in `Oracle`.

    Attributes:
        constraint_names: Names of the costs that are limited, a sequence; empty by default.
    """

    # The search is told by what has ended; and a supernet has no use for architectures that suit the data.
    takes_warm_start = False
    suggest_changes_state = False
    #: Updates of the shared weights, and the bounds of the number of epochs that make them.
    default_updates = 3000
    epochs_bounds = (4, 200)

    def __init__(self, epochs=None, **kwargs):
        super().__init__(**kwargs)
        self.epochs = epochs
        self.constraint_names = ()
        self._n_epochs = 0
        #: The report of the latest trial if that was an epoch of the supernet; else empty.
        self._report = {}
        self._is_trained = False

    def default_epochs(self, updates_per_epoch):
        """Epochs of the supernet where the user doesn't say."""
        return int(np.clip(round(self.default_updates / updates_per_epoch), *self.epochs_bounds))

    def epoch_values(self):
        """What else there is to say of the epoch to come, a dict with keys under `tuner/`; empty by default."""
        return {}

    def derive(self, generator):
        """What is tried once the supernet is trained; as `suggest`.

        It isn't called while a trial of another stage is on. It must follow from what the strategy was told, from
        `has_tried` and from the generator alone: when a search is continued, it isn't called for the trials before.
        """
        raise NotImplementedError

    def check(self):
        super().check()
        if self.epochs is not None:
            checks.check_integer("epochs", self.epochs, 1)
        if self.max_trials is not None:
            checks.check_integer("max_trials", self.max_trials, 2)

    def has_tried(self, values):
        """Whether an architecture was asked for already."""
        return not self._is_new(values)

    def suggest(self, generator):
        if not all(map(base.is_candidate, self.pending.values())):
            return base.WAIT
        if self._is_trained:
            return self.derive(generator)
        if self.epochs is None:
            raise ValueError(
                f"`epochs` of {type(self).__name__} must be given outside of AutoModel. Received: epochs=None"
            )
        return {
            reserved.STAGE: Stage.SUPERNET.value,
            reserved.INITIAL_EPOCH: self._n_epochs,
            reserved.EPOCHS: self._n_epochs + 1,
            **self.epoch_values(),
        }

    def observe(self, number, values, scores):
        self._report = {}

    def numbers(self):
        found = {}
        for objective in self._objectives:
            scores = self._report.get("paths", {}).get(objective.name, [])
            for name, of in (("mean", np.mean), ("min", min), ("max", max)) if scores else ():
                several = f"/{objective.name}" if len(self._objectives) > 1 else ""
                found[f"supernet/path_score_{name}{several}"] = float(of(scores))
        return found

    def observe_report(self, number, values, report):
        self._report = report if reserved.stage_of(values) == Stage.SUPERNET and report is not None else {}
        if reserved.stage_of(values) == Stage.SUPERNET and report is not None:
            self._n_epochs = values[reserved.EPOCHS]
            self._is_trained = report["finished"] or self._n_epochs >= self.epochs
