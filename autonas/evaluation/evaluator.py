"""The evaluator: from the values of a trial to its score."""

import contextlib
import dataclasses
import gc
import random
import time

import keras
import keras_tuner
import numpy as np

from autonas.evaluation import loops, training


@dataclasses.dataclass
class Job:
    """A candidate to evaluate: plain data that can travel to another process.

    Args:
        trial_id: The trial.
        number: Its number, from 0.
        values: Values of the active hyperparameters, with Keras Tuner's reserved `tuner/` keys.
        deadline: `time.monotonic()` at which its training must stop, or `None`.
        strategy: An `autonas.oracles.Oracle` that is asked and told in memory, or `None`: one-shot scores of what it
            asks for, or paths of a supernet that it draws.
        keeps_limits: Whether it is refused if a cost is beyond its limit.
    """

    trial_id: str
    number: int
    values: dict
    deadline: float | None = None
    strategy: object = None
    keeps_limits: bool = True


@dataclasses.dataclass
class Outcome:
    """What came of a job.

    Args:
        status: `"completed"`, `"failed"`, or `"refused"`: a cost is beyond its limit, and nothing was trained.
        metrics: Scores of the best epoch, and costs.
        history: One dict of numbers for each epoch.
        best_epoch: The best epoch, from 1.
        epochs: Epochs trained.
        horizon: Epochs of the learning rate's schedule.
        batch_size: Rows per step, after halving if memory ran out.
        parameters: Number of the model's parameters, or `None` if it couldn't be built.
        seconds: Wall-clock seconds.
        message: Why it ended early or failed; empty if it ran its course.
        interrupted: Whether the user interrupted it.
        report: What else the strategy is to hear of a trial that is no candidate, a JSON-like dict.
        costs: Costs of the built model, a dict of floats.
        margins: How far it is within each limit, a list; see `objectives.goal.Measurement`.
    """

    status: str
    metrics: dict = dataclasses.field(default_factory=dict)
    history: list = dataclasses.field(default_factory=list)
    best_epoch: int = 0
    epochs: int = 0
    horizon: int = 0
    batch_size: int | None = None
    parameters: int | None = None
    seconds: float = 0.0
    message: str = ""
    interrupted: bool = False
    report: dict = dataclasses.field(default_factory=dict)
    costs: dict = dataclasses.field(default_factory=dict)
    margins: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class _Trained:
    """A trained model that is kept: nothing of it needs to be built or traced again."""

    trial_id: str
    model: keras.Model
    loop: loops.TrainingLoop
    initial_weights: list
    weights: list
    learning_rate: float
    costs: dict


class Evaluator:
    """Builds, measures, trains and scores candidates on one data set.

    The best model so far stays in memory, its compiled steps included, for the final fit, and the latest until the next
    is built; all others are dropped.

    Args:
        graph: A bound `search_space.graph.Graph`.
        space: The whole space, a `keras_tuner.HyperParameters`.
        dataset: The encoded data set.
        scorer: An `objectives.scoring.Scorer`.
        goal: An `objectives.goal.Goal`.
        batch_size: Function from values to the batch size.
        epochs: Epochs of a full training.
        patience: Epochs without improvement after which a training stops.
        seed: Seed of weights and batches.
        supernet: A `SupernetEvaluator` for trials of its stages, and for weights to inherit; `None` if there are none.
    """

    def __init__(self, graph, space, dataset, scorer, goal, batch_size, epochs, patience, seed, supernet=None):
        self.graph = graph
        self.space = space
        self.dataset = dataset
        self.scorer = scorer
        self.goal = goal
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.seed = seed
        self.supernet = supernet
        self.best = None
        #: The candidate that was trained last.
        self.latest = None
        self._best_scores = None

    def is_better(self, scores, other):
        """Whether scores are better by the first objective; of equal ones, by the next, at last by the loss."""
        return _is_better(self.goal.objectives, scores, other)

    def is_better_epoch(self, scores, other):
        """The same for two epochs of a candidate, whose costs are the same."""
        return _is_better([self.goal.epoch_objective], scores, other)

    def evaluate(self, job, on_epoch=None):
        """Trains and scores a candidate, or carries out another stage of the search.

        Args:
            job: A `Job`.
            on_epoch: Function `(epoch, numbers)` called after each epoch, or `None`.

        Returns:
            An `Outcome`. Whatever goes wrong with the candidate is in it; only a `KeyboardInterrupt` before the
            first epoch comes through.
        """
        started = time.monotonic()
        is_candidate = job.values.get("tuner/stage", "train") == "train"
        outcome = (self._evaluate_candidate if is_candidate else self._evaluate_stage)(job, on_epoch)
        outcome.seconds = time.monotonic() - started
        # Compiled steps are cycles: what a dropped model holds is given back only by a collection.
        gc.collect()
        return outcome

    def _evaluate_stage(self, job, on_epoch):
        try:
            return self.supernet.evaluate(job, on_epoch)
        except Exception as error:  # The journal says why; there is no search without shared weights.
            return Outcome("failed", message=_describe(error))

    def _evaluate_candidate(self, job, on_epoch):
        batch_size = self.batch_size(job.values)
        outcome = self._attempt(job, batch_size, on_epoch)
        if outcome.status == "failed" and outcome.message.startswith(_OUT_OF_MEMORY) and batch_size > 1:
            gc.collect()
            outcome = self._attempt(job, batch_size // 2, on_epoch)
        return outcome

    def _attempt(self, job, batch_size, on_epoch):
        outcome = Outcome("failed", batch_size=batch_size)
        self.latest = None
        try:
            with seeded(self.seed, job.number):
                model = self._initial_model(job)
                outcome.parameters = model.count_params()
                measured = self.goal.measure(model)
                outcome.costs, outcome.margins = measured.costs, measured.margins
                outcome.metrics = dict(measured.costs)
                if measured.violations and job.keeps_limits:
                    outcome.status, outcome.message = "refused", measured.violations
                    return outcome
                loop = loops.make_loop(model, self.dataset)
                initial = _state(model)
                learning_rate = _learning_rate(model)
                result = training.train(
                    loop,
                    self.dataset.train_rows,
                    batch_size,
                    epochs=job.values.get("tuner/epochs") or self.graph.optimization.epochs_of(job.values, self.epochs),
                    generator=np.random.default_rng([self.seed, job.number, 1]),
                    score=lambda: self.score(loop, costs=outcome.costs),
                    is_better=self.is_better_epoch,
                    patience=self.patience,
                    deadline=job.deadline,
                    on_epoch=on_epoch,
                )
        except Exception as error:  # A candidate may fail in any way; the search goes on.
            outcome.message = _describe(error)
            return outcome
        outcome.status = "completed"
        outcome.history, outcome.epochs = result.history, result.epochs
        outcome.best_epoch, outcome.horizon = result.best_epoch, result.horizon
        outcome.interrupted = result.stopped == "interrupted"
        outcome.message = "" if result.stopped == "epochs" else f"stopped: {result.stopped}"
        outcome.metrics = {
            name: value for name, value in result.history[result.best_epoch - 1].items() if name != "learning_rate"
        }
        self.latest = _Trained(job.trial_id, model, loop, initial, result.weights, learning_rate, outcome.costs)
        if self._best_scores is None or self.is_better(outcome.metrics, self._best_scores):
            self._best_scores = outcome.metrics
            self.best = self.latest
        return outcome

    def remember(self, scores):
        """Takes the scores of an earlier process's best trial as the ones to beat."""
        if self._best_scores is None or self.is_better(scores, self._best_scores):
            self._best_scores = scores

    def retrain(self, job):
        """Trains a candidate again as it was trained, and keeps it; `None` if that fails now."""
        self.best = self._best_scores = None
        self.evaluate(job)
        return self.best

    def build(self, values):
        """The compiled model of an architecture."""
        hyperparameters = keras_tuner.HyperParameters.from_config(
            {"space": self.space.get_config()["space"], "values": dict(values)}
        )
        return self.graph.build(hyperparameters)

    def _initial_model(self, job):
        """The model of a job with the weights that its training begins with."""
        model = self.build(job.values)
        if "tuner/trial_id" in job.values:
            self.supernet.inherit(model, job.values)
        return model

    def score(self, loop, costs=None):
        """Scores of a loop's model on the validation rows, with its costs and what is made of both."""
        rows = self.dataset.validation_rows
        numbers = self.scorer(loop.predict(rows), rows) | (costs or {})
        for score in self.goal.scores:
            inputs = {name: array[rows] for name, array in self.dataset.inputs.items()}
            numbers[score.name] = score(loop.model, inputs, self.scorer.truth(rows))
        return self.goal.combined(numbers)

    def trained(self, job, outcome=None):
        """The model of a job as kept in memory, or built anew with its initial weights, with its outcome's costs."""
        for kept in (self.best, self.latest):
            if kept is not None and kept.trial_id == job.trial_id:
                return kept
        with seeded(self.seed, job.number):
            model = self._initial_model(job)
        loop = loops.make_loop(model, self.dataset)
        costs = {} if outcome is None else outcome.costs
        return _Trained(job.trial_id, model, loop, _state(model), model.get_weights(), _learning_rate(model), costs)

    def final_fit(self, job, outcome, deadline=None, on_epoch=None):
        """Trains a candidate again from its initial weights, on all rows, as far as its best epoch.

        Args:
            job: Its job.
            outcome: Its outcome in the search.
            deadline: `time.monotonic()` to stop at, or `None`.
            on_epoch: Function `(epoch, numbers)` called after each epoch, or `None`.

        Returns:
            The model, and the `Outcome`. Its metrics are on the validation rows, which were trained on.
        """
        started = time.monotonic()
        kept = self.trained(job, outcome)
        for variable, value in zip(_variables(kept.model), kept.initial_weights, strict=True):
            variable.assign(value)
        _restart(kept.model.optimizer, kept.learning_rate)
        with seeded(self.seed, job.number):
            result = training.train(
                kept.loop,
                self.dataset.final_rows,
                outcome.batch_size,
                epochs=outcome.horizon,
                generator=np.random.default_rng([self.seed, job.number, 2]),
                stop_after=outcome.best_epoch,
                deadline=deadline,
                on_epoch=on_epoch,
            )
        final = Outcome(
            "completed",
            self.score(kept.loop, kept.costs),
            result.history,
            result.epochs,
            result.epochs,
            result.horizon,
            outcome.batch_size,
            outcome.parameters,
            message="trained on all rows, those it is scored on included",
            interrupted=result.stopped == "interrupted",
        )
        final.seconds = time.monotonic() - started
        return kept.model, final


_OUT_OF_MEMORY = "out of memory"


def _is_better(objectives, scores, other):
    def oriented(each, objective):
        value = each.get(objective.name, float("nan"))
        value = value if objective.direction == "max" else -value
        return value if np.isfinite(value) else -np.inf

    def key(each):
        return (*(oriented(each, objective) for objective in objectives), -each["val_loss"])

    return key(scores) > key(other)


def _describe(error):
    """One line that says what went wrong."""
    text = str(error).strip().split("\n")[0][:300]
    if isinstance(error, MemoryError) or type(error).__name__ in ("ResourceExhaustedError", "OutOfMemoryError"):
        return f"{_OUT_OF_MEMORY}: {text}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _learning_rate(model):
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def _variables(model):
    """Weights, and the states of the random generators of dropout and augmentation."""
    return [*model.weights, *(each for each in model.variables if each.name == "seed_generator_state")]


def _state(model):
    return [keras.ops.convert_to_numpy(variable) for variable in _variables(model)]


def _restart(optimizer, learning_rate):
    """As if the optimizer had never made a step."""
    for variable in optimizer.variables:
        variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
    optimizer.learning_rate = learning_rate


@contextlib.contextmanager
def seeded(seed, number):
    """Initial weights, dropout and augmentation follow from the seed and the trial's number; the caller's global
    random states are left as they were."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    keras.utils.set_random_seed(int(np.random.default_rng([seed, number]).integers(2**31)))
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
