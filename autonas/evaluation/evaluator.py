"""Evaluator of trials: building, measuring, training and scoring of candidates."""

import dataclasses
import gc
import time

import numpy as np

from autonas.backends import parallel
from autonas.backends.seeding import seeded
from autonas.evaluation import (
    baselines,
    failures,
    fitting,
    folds,
    keras_callbacks,
    leave_one_out,
    loops,
    networks,
    pace,
    phases,
    training,
)
from autonas.evaluation import trained as trained_module
from autonas.trials import checkpoint as checkpoints
from autonas.trials import reserved
from autonas.trials.job import Outcome
from autonas.trials.states import Status

#: Smallest peak of the learning rate of a final fit, relative to the peak in the search.
_FINAL_RATE = 0.3


class Evaluator:
    """Evaluator of the candidates of one search.

    The best models so far stay in memory for promotions and final fits, including their compiled steps. The latest
    model stays until the next one is built.

    Args:
        problem: The `Problem`.
        epochs: Number of epochs of a full training.
        patience: Number of epochs without improvement after which a training stops, or `None`.
        seed: Seed of initial weights and batches.
        supernet: A `SupernetEvaluator` for the stages of a one-shot search and for inherited weights, or `None`. A
            supernet is trained in float32 on one device, for accurate ranks, and because gradients of exactly 0 mark
            unused weights. Defaults to `None`.
        precision: Precision of the training of candidates, one of `backends.precision.PRECISIONS`. `"auto"` depends on
            the devices of the process. Candidates are always measured and served in float32. Defaults to `"auto"`.
        n_devices: Number of GPUs for the training of a candidate. Defaults to 1.
        callbacks: Keras callbacks of the trainings of candidates and of final fits. Defaults to none.
    """

    def __init__(self, problem, epochs, patience, seed, supernet=None, precision="auto", n_devices=1, callbacks=()):
        self.problem = problem
        self.epochs = epochs
        self.patience = patience
        self.seed = seed
        self.supernet = supernet
        self.n_devices = n_devices
        self.callbacks = callbacks
        self.networks = networks.Networks(problem, supernet, precision, n_devices)
        self.in_memory = trained_module.TrainedCandidates(problem.goal)
        #: The `Phases` of the current or latest job.
        self.phases = phases.Phases()
        self._pace = pace.Pace()
        #: Predictions of the latest scoring of the validation rows.
        self._predictions = None

    def __getstate__(self):
        """Return the state for other processes, without models."""
        return self.__dict__ | {"_predictions": None}

    def run(self, job, report):
        """Evaluate a job for an executor; see `evaluate`.

        Args:
            job: A `Job`.
            report: Report of the executor, called with pairs of epoch and numbers, and with checkpoints if the
                report keeps them.
        """
        on_checkpoint = report.checkpoint if report.keeps_checkpoints else None
        return self.evaluate(job, lambda epoch, numbers: report((epoch, numbers)), on_checkpoint)

    def evaluate(self, job, on_epoch=None, on_checkpoint=None):
        """Train and score a candidate, or run another stage of the search.

        Args:
            job: A `Job`.
            on_epoch: As in `training.train`. Defaults to `None`.
            on_checkpoint: Function that is called with a `Checkpoint` of the training every few seconds, or `None`.
                Defaults to `None`.

        Returns:
            An `Outcome`. Errors of the candidate are caught, and described in the outcome.

        Raises:
            KeyboardInterrupt: If the user interrupts before the end of the first epoch.
        """
        self.phases = phases.Phases()
        if reserved.is_candidate(job.values):
            outcome = self._evaluate_candidate(job, on_epoch, on_checkpoint)
        else:
            outcome = self._evaluate_stage(job, on_epoch)
        outcome.phases = self.phases.seconds
        outcome.seconds = sum(outcome.phases.values())
        # Compiled steps are reference cycles, so that the memory of a model is freed by a collection only.
        gc.collect()
        return outcome

    def _evaluate_stage(self, job, on_epoch):
        try:
            return self.supernet.evaluate(job, on_epoch, self.phases)
        except (Exception, SystemExit) as error:  # The outcome describes the error, and the search ends.
            return Outcome(status=Status.FAILED, message=failures.describe(error))

    def _evaluate_candidate(self, job, on_epoch, on_checkpoint):
        for values in job.training.earlier if job.checkpoint is None else []:
            training_before = dataclasses.replace(job.training, earlier=[], may_go_on=True)
            before = dataclasses.replace(job, values=values, training=training_before)
            earlier = self._evaluate_candidate(before, None, None)
            job = dataclasses.replace(job, checkpoint=earlier.checkpoint)
        batch_size = self.problem.graph.optimization.batch_size_of(job.values)
        if job.checkpoint is not None:
            batch_size = job.checkpoint.progress["batch_size"]
        outcome = self._attempt(job, batch_size, on_epoch, on_checkpoint)
        if outcome.status == Status.FAILED and outcome.message.startswith(failures.OUT_OF_MEMORY) and batch_size > 1:
            # The traceback that referred to the model is gone; free the reference cycles of the model.
            self.in_memory.clear()
            gc.collect()
            outcome = self._attempt(job, batch_size // 2, on_epoch, on_checkpoint)
        return outcome

    def _attempt(self, job, batch_size, on_epoch, on_checkpoint):
        outcome = Outcome(status=Status.FAILED, batch_size=batch_size)
        earlier = self._earlier(job)
        self.in_memory.remove(earlier)
        has_folds = self.problem.dataset.folds is not None
        # Trainings on folds, of few rows, begin again after a crash.
        latest = checkpoints.LatestCheckpoint(None if has_folds else on_checkpoint)
        try:
            conditions = self.networks.conditions(job, self.n_devices)
            outcome.precision = conditions.policy
            with self.phases("build"), seeded(self.seed, job.number):
                model = self.networks.initial(job, conditions) if earlier is None else earlier.model
            outcome.parameters = model.count_params()
            if job.costs.measured:
                measured = self.problem.goal.measured(job.costs.measured)
            else:
                with self.phases("measure"):
                    measured = self.problem.goal.measure(
                        self.problem.served(self.networks.plain(model, job.values)), job.costs.known
                    )
            outcome.costs, outcome.margins = measured.costs, measured.margins
            outcome.network = measured.network
            outcome.metrics = dict(measured.costs)
            if measured.violations and job.costs.keeps_limits:
                outcome.status, outcome.message = Status.REFUSED, measured.violations
                return outcome
            rows = self._training_rows(job.values)
            if earlier is None:
                with self.phases("build"):
                    initial = checkpoints.values_of(checkpoints.variables_of(model))
                    learning_rate = keras_callbacks.learning_rate(model.optimizer)
                    trained, dataset = self.networks.at_resolution(model, job.values, conditions)
                    work = pace.epoch_work(trained, self._n_rows(rows))
                    if job.deadline is not None and job.checkpoint is None:
                        left = job.deadline - time.monotonic()
                        outcome.message = self._pace.refusal(work, self._epochs(job.values), left)
                    if outcome.message:
                        return outcome
                    loop = self._loop(trained, dataset, conditions)
            else:
                initial, learning_rate = earlier.initial_weights, earlier.learning_rate
                trained, loop, work = model, earlier.loop, None
                model.optimizer.learning_rate = learning_rate
            loop.phases = self.phases
            with self.phases("train"):
                generator = np.random.default_rng([self.seed, job.number, 4])
                if has_folds:
                    leaves_one_out = leave_one_out.is_possible(model, self.problem)
                    trained_loop = (leave_one_out.LeaveOneOutLoop if leaves_one_out else folds.FoldsLoop)(loop)
                    fitted = trained_loop.fit(generator, job.deadline)
                else:
                    trained_loop = loop
                    fitted = fitting.fit(model, self.problem.dataset, rows, generator, job.deadline)
            if fitted:
                loop.forget()
            outcome.report = {"fitted": fitted} if fitted else {}
            # Weights that are only fitted have just been fitted to the rows of this trial.
            checkpoint = self._checkpoint(job) if model.trainable_variables else None
            result = training.train(
                trained_loop,
                training.ShuffledRows(rows, batch_size, np.random.default_rng([self.seed, job.number, 1])),
                training.Length(
                    self._epochs(job.values),
                    patience=self.patience,
                    deadline=job.deadline,
                    stopper=job.training.stopper,
                    schedule=self.problem.graph.optimization.schedule_of(job.values),
                ),
                training.Validation(
                    lambda: self._score(trained_loop, outcome.costs),
                    self.problem.goal.is_better_epoch,
                    on_best=lambda: setattr(outcome, "predictions", self._predictions),
                ),
                checkpoint,
                on_epoch=on_epoch,
                on_checkpoint=latest,
                callbacks=self.callbacks,
            )
        except (Exception, SystemExit) as error:  # Any error of a candidate is caught; the search goes on.
            outcome.message = failures.describe(error)
            return outcome
        outcome.status = Status.COMPLETED
        if work is not None and checkpoint is None:
            self._pace.add(work * result.epochs, self.phases.seconds.get("train", 0.0))
        outcome.history, outcome.epochs = result.history, result.epochs
        outcome.best_epoch, outcome.horizon = result.best_epoch, result.horizon
        outcome.interrupted = result.stopped == "interrupted"
        outcome.message = "" if result.stopped == "epochs" else f"stopped: {result.stopped}"
        if result.stop is not None:
            outcome.forecast = list(dataclasses.astuple(result.stop.forecast))
        outcome.metrics = {
            name: value for name, value in result.history[result.best_epoch - 1].items() if name != "learning_rate"
        }
        first = result.weights[: len(model.weights)]  # Of the first fold's network.
        outcome.weights = result.weights if self.problem.serves_folds else first
        if checkpoint is not None:
            outcome.initial_epoch = checkpoint.epoch
        if job.training.may_go_on and job.values.get(reserved.EPOCHS, self.epochs) < self.epochs:
            with self.phases("save"):
                outcome.checkpoint = latest.make() or job.checkpoint
        if hasattr(self.problem.dataset, "loop"):
            outcome.predictions = None  # The order of the rows of a stream may change.
        elif outcome.predictions is None:
            # The best epoch is before the checkpoint.
            trained.set_weights(result.weights)
            outcome.predictions = self.problem.predict(loop)
        outcome.standard_error = self.problem.standard_error(outcome.predictions)
        if trained is model:
            self.in_memory.add(trained_module.Trained(
                job.trial_id, outcome.metrics, model, loop, initial,
                weights=first, learning_rate=learning_rate, costs=outcome.costs,
            ))  # fmt: skip
        return outcome

    def retrain(self, job):
        """Train a candidate again in the same way; return its `Trained`, or `None` if the training fails."""
        self.evaluate(job)
        return self.in_memory.get(job.trial_id)

    def _earlier(self, job):
        """Return the `Trained` in memory of the trial that a job continues, which needs no tracing.

        Returns:
            A `Trained`; `None` if the trial isn't in memory, or if the job has a lower resolution.
        """
        if job.checkpoint is None or job.values.get(reserved.RESOLUTION, 1.0) < 1:
            return None
        return self.in_memory.get(job.values.get(reserved.TRIAL_ID))

    def _training_rows(self, values):
        """Return the indices of the training rows of a trial."""
        share = values.get(reserved.DATA_SHARE, 1.0)
        if share == 1:
            return self.problem.dataset.train_rows
        # The seed doesn't depend on the trial, so that all trials are compared on the same rows.
        return self.problem.dataset.some_training_rows(share, np.random.default_rng([self.seed, 3]))

    def _n_rows(self, rows):
        """Return the number of some training rows; all training rows of a stream."""
        return len(rows) if isinstance(rows, np.ndarray) else self.problem.dataset.n_train

    def full_epochs(self, values):
        """Return the number of epochs of a full training of an architecture."""
        return self.problem.graph.optimization.epochs_of(values, self.epochs)

    def _epochs(self, values):
        """Return the number of epochs after which the training of a trial ends."""
        epochs = self.full_epochs(values)
        return min(epochs, values.get(reserved.EPOCHS, epochs))

    def _checkpoint(self, job):
        """Return the `Checkpoint` that a job continues, or `None`. Scores at another resolution are removed."""
        checkpoint = job.checkpoint
        if checkpoint is None or reserved.RESOLUTION not in job.values:
            return checkpoint
        is_own = checkpoint.progress["horizon"] == self._epochs(job.values)
        return checkpoint if is_own else checkpoint.without_best()

    def _score(self, loop, costs):
        """Score the model of a loop on the validation rows, and remember its predictions."""
        self._predictions = self.problem.predict(loop)
        return self.problem.score(self._predictions, loop, costs)

    def baselines(self, time_limit=None):
        """Return the list of `Baseline`s, which is empty for a stream whose validation rows aren't read yet.

        Args:
            time_limit: Time limit of the search in seconds, or `None`. Defaults to `None`.
        """
        if not self.problem.dataset.knows_validation_targets:
            return []
        return baselines.baselines(
            self.problem.graph, self.problem.dataset, self.problem.scorer, self.problem.goal.epoch_objective, time_limit
        )

    def trained(self, job, outcome=None):
        """Return the `Trained` of a job from memory, or build its model with the initial weights."""
        trained = self.in_memory.get(job.trial_id)
        if trained is not None:
            return trained
        conditions = self.networks.conditions(job, parallel.at_most(self.n_devices))
        with seeded(self.seed, job.number):
            model = self.networks.initial(job, conditions)
        loop = self._loop(model, self.problem.dataset, conditions)
        costs = {} if outcome is None else outcome.costs
        return trained_module.Trained(
            job.trial_id,
            {} if outcome is None else outcome.metrics,
            model,
            loop,
            checkpoints.values_of(checkpoints.variables_of(model)),
            weights=model.get_weights(),
            learning_rate=keras_callbacks.learning_rate(model.optimizer),
            costs=costs,
        )

    def _loop(self, model, dataset, conditions):
        """Return the training loop of a model under some `Conditions`."""
        by_batch = keras_callbacks.need_batches(self.callbacks)
        return loops.make_loop(model, dataset, conditions.distribution, by_batch)

    def final_fit_is_in_full(self, values, outcome):
        """Return whether the final fit of a candidate is the rest of a full training.

        It is if the candidate was trained at a lower fidelity and improved in its last rung.
        """
        return self._epochs(values) < self.full_epochs(values) and outcome.best_epoch > outcome.initial_epoch

    def _final_epochs(self, values, outcome, length):
        """Return the epochs of the final fit of a candidate, and its share of the peak of the learning rate.

        In the rest of a full training, the learning rate goes on where a rate would be that falls along a line over all
        epochs for which there is time.
        """
        done = outcome.best_epoch
        if not self.final_fit_is_in_full(values, outcome):
            return length.share * done, _FINAL_RATE
        rest = float(self.full_epochs(values) - done)
        possible = min(rest, length.possible_epochs(outcome))
        return rest, max(_FINAL_RATE, possible / (possible + done))

    def final_fit(self, kept, job, outcome, length, on_epoch=None):
        """Continue the training of a candidate on all rows, from the weights of its score.

        A training of less than an epoch begins with the rows that the candidate wasn't trained on.

        Args:
            kept: The `Trained` of the candidate. Its model has the weights of the candidate's score.
            job: `Job` of the candidate.
            outcome: `Outcome` of the candidate in the search.
            length: The `FinalLength`.
            on_epoch: As in `training.train`. Defaults to `None`.

        Returns:
            An `Outcome` without scores, because the validation rows are training rows here.
        """
        self.phases = kept.loop.phases = phases.Phases()
        weights = kept.model.get_weights()
        # Random generators of dropout and augmentation begin anew, so that a model from a file trains the same way.
        checkpoints.assign(checkpoints.variables_of(kept.model), kept.initial_weights)
        kept.model.set_weights(weights)
        choices = outcome.report.get("fitted")
        if choices:
            with self.phases("train"):
                generator = np.random.default_rng([self.seed, job.number, 5])
                fitting.refit(kept.model, self.problem.dataset, choices, generator, length.deadline)
            kept.loop.forget()
        epochs, rate = self._final_epochs(job.values, outcome, length)
        checkpoints.restart(kept.model, rate * kept.learning_rate)
        generator = np.random.default_rng([self.seed, job.number, 2])
        rows = self.problem.dataset.final_rows
        if epochs < 1 and isinstance(rows, np.ndarray):
            rows = generator.permutation(rows)
            rows = rows[np.argsort(np.isin(rows, self.problem.dataset.train_rows), kind="stable")]
            rows = rows[: max(1, round(epochs * len(rows)))]
        result = training.train(
            kept.loop,
            training.ShuffledRows(rows, outcome.batch_size, generator),
            training.Length(
                max(1, round(epochs)),
                deadline=length.deadline,
                schedule=self.problem.graph.optimization.schedule_of(job.values),
            ),
            on_epoch=on_epoch,
            callbacks=self.callbacks,
        )
        final = Outcome(
            status=Status.COMPLETED,
            message="" if result.stopped == "epochs" else f"stopped: {result.stopped}",
            metrics={"loss": result.history[-1]["loss"], **kept.costs},
            history=result.history,
            epochs=result.epochs,
            best_epoch=result.epochs,
            horizon=result.horizon,
            batch_size=outcome.batch_size,
            parameters=outcome.parameters,
            precision=kept.model.dtype_policy.name,
            interrupted=result.stopped == "interrupted",
        )
        final.phases = self.phases.seconds
        final.seconds = sum(final.phases.values())
        return final
