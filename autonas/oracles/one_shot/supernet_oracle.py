"""The base class of strategies that train a supernet first: its epochs are trials of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autonas.arguments import checks
from autonas.oracles import base
from autonas.oracles.base import Answer, Oracle
from autonas.oracles.observation import Observation
from autonas.search_space.values import Scalar
from autonas.trials import reserved
from autonas.trials.states import Stage


class SupernetOracle(base.Oracle):
    """Base class of the strategies of one-shot search.

    A search goes through stages, which the values of a trial name under reserved keys:

    1. The default architecture is trained by itself: an early usable model to compare others with. It is the second
       trial, after the first epoch of the supernet, which shows early how fast the supernet learns; or, with
       `default_first`, the first trial.
    2. Epochs of the supernet, one a trial: `tuner/stage` is `"supernet"`, `tuner/initial_epoch` and `tuner/epochs` are
       the numbers of epochs before and after it. They run one after the other. The stage ends after `epochs`, or when
       a report says that there is no time for more.
    3. Trials that the subclass derives from the supernet: `derive(generator)`.

    The reports of stage 2 are dicts with `"finished"`, whether there is no time for more epochs, and entries that a
    subclass reads. A failed epoch is asked for again.

    Its `diagnostics` after an epoch of the supernet are `supernet/path_score_mean`, `supernet/path_score_min` and
    `supernet/path_score_max`, of the scores of a few sampled architectures with the shared weights, if the report has
    them under `"paths"` (a dict of a list for each metric).

    It needs the tuner of autonas: Keras Tuner's tuners know no stages.

    Args:
        epochs: Epochs of the supernet. Defaults to `None`: as many as make about `default_updates` training steps,
            within `epochs_bounds`.
        updates_per_epoch: Number of training steps of an epoch, from which the number of epochs follows where `epochs`
            is `None`. `AutoModel` sets it. Defaults to `None`.
        constraint_names: Names of the costs that are limited, a sequence. `AutoModel` sets it. Defaults to `None`: no
            constraints.
        initial_points: As in `Oracle`. Defaults to the default architecture alone.
        combined_names: Names of the objectives that the combination combines where the objective is a combination, a
            sequence. `AutoModel` sets it. Defaults to `None`: no combination.
        default_first: Whether the default architecture is the first trial. `AutoModel` sets it if the supernet takes
            much of the time limit. Defaults to `False`: it is the second trial.
        **kwargs: As in `Oracle`.

    Example:

    ```python
    import autonas

    class RandomFinalists(autonas.oracles.SupernetOracle):
        def supernet_training(self):
            return autonas.oracles.WeightSharingOracle().supernet_training()

        def derive(self, generator):
            return self.encoding.sample(generator)

    oracle = RandomFinalists(epochs=5, max_trials=10)
    ```
    """

    suggest_changes_state = False
    #: Default number of training steps of the supernet, and bounds of the number of epochs. On few rows, more epochs
    #: overfit the shared weights, until their loss no longer ranks architectures (`benchmarks/one_shot_quality.py`).
    default_updates = 3000
    epochs_bounds = (4, 60)

    def __init__(
        self,
        epochs: int | None = None,
        updates_per_epoch: int | None = None,
        constraint_names: Sequence[str] | None = None,
        initial_points: Sequence[Mapping[str, Scalar]] = ({},),
        *,
        combined_names: Sequence[str] | None = None,
        default_first: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(initial_points=initial_points, **kwargs)
        self.epochs = epochs
        self.updates_per_epoch = updates_per_epoch
        self.constraint_names = constraint_names
        self.combined_names = combined_names
        self.default_first = default_first
        self._n_epochs = 0
        #: The report of the latest trial if it was an epoch of the supernet; else empty.
        self._report: dict[str, Any] = {}
        #: Whether the training has ended before `total_epochs`.
        self._is_trained = False

    @property
    def total_epochs(self) -> int:
        """Epochs of the supernet: `epochs`, or the number that follows from `updates_per_epoch`."""
        if self.epochs is not None:
            return self.epochs
        if self.updates_per_epoch is None:
            raise ValueError(
                f"`epochs` of {type(self).__name__} must be given outside of AutoModel. Received: epochs=None"
            )
        return self.default_epochs(self.updates_per_epoch)

    def default_epochs(self, updates_per_epoch: int) -> int:
        """Return the epochs of the supernet where the user doesn't give them."""
        return int(np.clip(round(self.default_updates / updates_per_epoch), *self.epochs_bounds))

    def epoch_values(self) -> dict[str, Scalar]:
        """Return further values of the next epoch, a dict with keys under `tuner/`; empty by default."""
        return {}

    @property
    def supernet_divisor(self) -> int:
        """Reciprocal of the share of the channels on which the operations of the supernet work; 1 by default."""
        return 1

    @property
    def traces_per_build(self) -> int:
        """Time for tracing the training and the scores of the supernet on TensorFlow, in times of building it.

        In processor time, the first epoch takes 7 to 12 times as long for single paths of chains, layers and cells of
        images and series.
        """
        return 8

    @property
    def is_infeasible(self) -> bool:
        """Whether all architectures that were considered violate a constraint; `False` by default."""
        return False

    def derive(self, generator: np.random.Generator) -> Answer:
        """Return the values of a trial after the training of the supernet, as `suggest`.

        It isn't called while a trial of another stage is running. The result must depend on the observations, on
        `is_new` and on the generator alone: when a search is continued, `derive` isn't called for the earlier trials.
        """
        raise NotImplementedError

    def check(self) -> None:
        super().check()
        if self.epochs is not None:
            checks.check_integer("epochs", self.epochs, 1)
        if self.updates_per_epoch is not None:
            checks.check_integer("updates_per_epoch", self.updates_per_epoch, 1)
        for argument, kind in (("constraint_names", "costs"), ("combined_names", "objectives")):
            names = getattr(self, argument)
            if names is not None and (isinstance(names, str) or not isinstance(names, Sequence)):
                raise ValueError(
                    f"`{argument}` must be a sequence of names of {kind}, or None. Received: {argument}={names!r:.100}"
                )
        if not isinstance(self.default_first, bool):
            raise ValueError(f"`default_first` must be True or False. Received: default_first={self.default_first!r}")
        if self.max_trials is not None:
            checks.check_integer("max_trials", self.max_trials, 2)

    def _next_planned(self) -> dict[str, Scalar] | None:
        # The first epoch of the supernet comes before all planned architectures, or after the first one.
        return None if self.n_asked == int(self.default_first) else super()._next_planned()

    def suggest(self, generator: np.random.Generator) -> Answer:
        if not all(map(base.is_candidate, self.pending.values())):
            return base.WAIT
        if self._is_trained or self._n_epochs >= self.total_epochs:
            return self.derive(generator)
        return {
            reserved.STAGE: Stage.SUPERNET.value,
            reserved.INITIAL_EPOCH: self._n_epochs,
            reserved.EPOCHS: self._n_epochs + 1,
            **self.epoch_values(),
        }

    def observe(self, observation: Observation) -> None:
        report, self._report = observation.report, {}
        if observation.stage == Stage.SUPERNET and report is not None:
            self._report = report
            self._n_epochs = reserved.epochs(observation.values)
            self._is_trained = report["finished"]

    def diagnostics(self) -> dict[str, float]:
        numbers = {}
        for objective in self._objectives:
            scores = self._report.get("paths", {}).get(objective.name, [])
            for name, statistic in (("mean", np.mean), ("min", min), ("max", max)) if scores else ():
                several = f"/{objective.name}" if len(self._objectives) > 1 else ""
                numbers[f"supernet/path_score_{name}{several}"] = float(statistic(scores))
        return numbers

    @property
    def one_shot(self) -> SupernetOracle:
        return self

    def supernet_training(self) -> dict[str, Any]:
        """Return how the supernet is trained, a JSON-like dict; see `SupernetEvaluator`."""
        raise NotImplementedError

    def strategy_for(self, values: Mapping[str, Scalar]) -> Oracle | None:
        """Return an oracle that the evaluation of a trial asks and tells in memory; `None`, the default, without one.

        Args:
            values: Values of the trial.
        """
        return None
