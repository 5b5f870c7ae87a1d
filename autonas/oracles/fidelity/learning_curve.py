"""Learning curves: a training that can't win any more is stopped, with any strategy."""

import dataclasses

import numpy as np

from autonas.arguments import checks
from autonas.costs.orientation import oriented
from autonas.oracles import base, feasibility
from autonas.oracles.fidelity import extrapolation, low_fidelity_oracle

#: Share of a full training before which none is stopped: half of it is the rise of the learning rate.
_FIRST_SHARE = 1 / 10
#: Trials that must have been trained in full before any is stopped.
_MIN_COMPLETED = 2


class LearningCurveOracle(low_fidelity_oracle.LowFidelityOracle):
    r"""Stops trainings whose extrapolated learning curve can't win, around any strategy.

    After each epoch of a trial, its final score f, which is that of its best epoch, is extrapolated from its curve so
    far and from the curves of earlier trials (see `extrapolation.LearningCurves`). The trial is stopped if

        P(f > best final score so far) < 1 − confidence.

    So among trials that are stopped, fewer than 1 − `confidence` would have become the best. None is stopped before two
    were trained in full. All trials are new architectures, each of which is trained in full unless it is stopped; so
    what is served, the best, always was.

    What the strategy is told of a trial that was stopped is its extrapolated final score, though never one above the
    best. That is so for one that `knows_fidelities`, too: scores after different numbers of epochs can't be brought
    onto one scale where no architecture has two of them.

    What is known when a trial begins decides about it. So the order in which trials end doesn't matter while it is
    trained, and a search on one worker is the same wherever it runs, and after it was continued.

    There must be one objective, which may be a combination of several: of a Pareto front, no point is the best. The
    curves of trials that the time limit has cut off, which were annealed sooner, aren't used.

    On SpikeNAS-Bench the test accuracy of the best after 500, 1,000, 2,000 and 5,000 epochs in all, of which a full
    training has 100, is 88.07, 88.46, 88.67 and 88.83 % with evolution, and 88.02, 88.25, 88.54 and 88.73 % if all are
    trained in full; 88.09, 88.35, 88.60 and 88.69 % with random search, and 88.02, 88.18, 88.37 and 88.55 % in full
    (200 seeds); 88.13 and 88.47 % after the first two with the Bayesian strategy, and 88.03 and 88.36 % in full (100
    seeds). `SuccessiveHalvingOracle` reaches more, on several workers above all: less is known there when a trial
    begins, and with evolution on four it is 87.97, 88.21, 88.55 and 88.81 % (100 seeds).

    Of the trials that were stopped there, 1.1 % would have become the best with evolution, 0.5 % with random search,
    and 4.8 % with the Bayesian strategy in the first 1,000 epochs, when least is known. So much for the table that the
    prior of forecasts was chosen on. On data that it wasn't, of 60 networks that autonas trained on scikit-learn's
    breast cancer data for 20 epochs, and on 1,500 rows of its Friedman 1 for 25, in 60 random orders, 89 and 91 % were
    stopped and 69 and 74 % of the epochs saved; 0.8 and 2.0 % of those stopped would have become the best, and the best
    of all was found in 90 and 98 % of the searches. With a confidence of 0.99, it was 0.6 and 0.7 %, and 97 and 97 %,
    and 62 and 66 % of the epochs were saved.

    Its `numbers` are those of the strategy inside and, under `strategy/`, how many trials were `stopped`, and how many
    `trained_in_full`.

    Args:
        strategy: A name such as `"evolution"`, or an oracle that trains all in full, such as one that trains a supernet
            first. Defaults to `"bayesian"`.
        confidence: Probability, from 0.5 to 1, with which a trial that is stopped wouldn't have become the best. With
            1, none is stopped. Defaults to 0.95.
        min_epochs: Epochs before which none is stopped; `None` is a tenth of `max_epochs`, and at least one. Defaults
            to `None`.
        max_epochs: Epochs of a full training; `None` if `AutoModel` says so. Defaults to `None`.
        **kwargs: As in `Oracle`.
    """

    stops_trainings = True

    def __init__(self, strategy="bayesian", confidence=0.95, min_epochs=None, max_epochs=None, **kwargs):
        super().__init__(strategy, min_epochs, max_epochs, **kwargs)
        self.confidence = confidence
        self._curves = extrapolation.LearningCurves()
        #: The best score of a trial within the limits that wasn't stopped, or `None`.
        self._best = None
        self._n_completed, self._n_stopped = 0, 0
        self._margins = self._curve = None

    def check(self):
        super().check()
        checks.check_number("confidence", self.confidence, 0.5, 1)
        if len(self._objectives) > 1:
            raise ValueError(
                "`objective` must be a single one where trials are stopped that can't become the best: of a Pareto "
                "front, none is. Give a combination of them, such as autonas.objectives.WeightedSum, or another "
                f"`fidelity`. Received: objective={[each.name for each in self._objectives]}"
            )

    # ------------------------------------------------------------------ ask

    def _propose(self, generator):
        return self._strategy.ask()

    def repeat_ask(self, values):
        self._strategy.repeat_ask(values)
        self._record(values)

    def stopper_for(self, values):
        if not base.is_candidate(values):
            return None
        first = self.least_epochs(_FIRST_SHARE)
        best = None if self._n_completed < _MIN_COMPLETED else self._best
        objective = self.objective
        return Stopper(objective.name, objective.direction, self._curves.copy(), best, self.confidence, first)

    # ------------------------------------------------------------------ tell

    def observe_margins(self, number, values, margins):
        self._margins = margins

    def observe_curve(self, number, values, scores, horizon, forecast):
        self._curve = scores, horizon, forecast

    def observe(self, number, values, scores):
        margins, self._margins = self._margins, None
        (curve, horizon, forecast), self._curve = self._curve or ([], None, None), None
        is_known = scores is not None and len(curve) > 0 and np.isfinite(curve).all()
        if is_known and forecast is not None:
            forecast = extrapolation.Forecast(*forecast)
            self._curves.add_stopped(curve, forecast)
            self._n_stopped += 1
            scores = (min(max(forecast.score, scores[0]), max(self._best, scores[0])),)
        elif is_known and horizon == self.max_epochs:
            self._curves.add(curve, horizon)
            self._n_completed += 1
        if scores is not None and forecast is None and not feasibility.violation(margins):
            self._best = scores[0] if self._best is None else max(self._best, scores[0])
        self._strategy.tell(number, values, scores, margins)
        self._has_told = True

    def observe_report(self, number, values, report):
        self._strategy.tell_report(number, values, report)
        self._has_told = True

    def numbers(self):
        found = {"stopped": self._n_stopped, "trained_in_full": self._n_completed}
        return super().numbers() | {f"strategy/{name}": float(number) for name, number in found.items()}


@dataclasses.dataclass(frozen=True)
class Stopper:
    """Decides after each epoch of a trial whether it goes on, by what was known when the trial began.

    Args:
        objective: Name of the objective.
        direction: `"min"` or `"max"`.
        curves: The `LearningCurves` of earlier trials.
        best: The best final score so far, larger is better; `None` if nothing is to be stopped yet.
        confidence: As in `LearningCurveOracle`.
        min_epochs: Epochs before which it isn't stopped.
    """

    objective: str
    direction: str
    curves: extrapolation.LearningCurves
    best: float | None
    confidence: float
    min_epochs: int

    def scores(self, history):
        """The objective after each epoch, larger is better.

        Args:
            history: One dict of numbers for each epoch.

        Returns:
            List of floats.
        """
        return [oriented(float(numbers[self.objective]), self.direction) for numbers in history]

    def __call__(self, history):
        """Decides.

        Args:
            history: One dict of numbers for each epoch so far.

        Returns:
            A `Stop`, or `None` if it goes on.
        """
        scores = self.scores(history)
        if self.best is None or len(scores) < self.min_epochs or not np.isfinite(scores).all():
            return None
        if max(scores) > self.best:
            return None
        forecast = self.curves.forecast(scores)
        if forecast is None:
            return None
        probability = forecast.probability_above(self.best)
        return Stop(forecast, probability) if probability < 1 - self.confidence else None


@dataclasses.dataclass(frozen=True)
class Stop:
    """Why a trial is stopped.

    Args:
        forecast: The `Forecast` of its final score.
        probability: Of its becoming the best.
    """

    forecast: extrapolation.Forecast
    probability: float

    def __str__(self):
        return f"can't win (P {'< 0.01' if self.probability < 0.005 else f'= {self.probability:.2f}'})"
