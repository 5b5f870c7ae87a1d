"""Attempt: building, measuring, training and scoring a candidate with some batch size."""

import dataclasses
import time

import numpy as np

from autonas.backends.seeding import seeded
from autonas.evaluation import failures, fitting, folds, keras_callbacks, leave_one_out, pace, training
from autonas.evaluation import trained as trained_module
from autonas.evaluation.training_context import TrainingContext
from autonas.trials import checkpoint as checkpoints
from autonas.trials import reserved
from autonas.trials.job import Job, Outcome
from autonas.trials.states import Status


class Attempt:
    """Building, measuring, training and scoring of a candidate with some batch size.

    Args:
        context: The `TrainingContext`, which keeps the model in memory if it is among the best.
        job: The `Job` of the candidate.
        batch_size: Number of rows per training step.
    """

    def __init__(self, context: TrainingContext, job: Job, batch_size: int) -> None:
        self.context = context
        self.job = job
        self.problem, self.phases = context.problem, context.phases
        self.outcome = Outcome(status=Status.FAILED, batch_size=batch_size)
        self._has_folds = self.problem.dataset.folds is not None
        self._earlier = self._trained_before()
        #: Model of the candidate, and the loop of the model in training, which is of a lower resolution if the job has
        #: one.
        self._model = self._loop = None
        self._initial = self._learning_rate = None
        #: FLOPs of the predictions of all rows in an epoch, or `None` if they are unknown.
        self._work = None
        #: Predictions of the latest scoring of the validation rows.
        self._predictions = None

    def run(self, on_epoch, on_checkpoint) -> Outcome:
        """Return the `Outcome`; see `Evaluator.evaluate` for the arguments. Errors are described in the outcome."""
        self.context.in_memory.remove(self._earlier)
        # Trainings on folds, of few rows, begin again after a crash.
        latest = checkpoints.LatestCheckpoint(None if self._has_folds else on_checkpoint)
        try:
            conditions = self.context.networks.conditions(self.job, self.context.n_devices)
            self._build(conditions)
            self._measure()
            if self.outcome.message:
                self.outcome.status = Status.REFUSED
                return self.outcome
            rows = self._training_rows()
            self._prepare(conditions, rows)
            if self.outcome.message:
                return self.outcome
            checkpoint, result = self._train(rows, on_epoch, latest)
        except (Exception, SystemExit) as error:  # Any error of a candidate is caught; the search goes on.
            self.outcome.message = failures.describe(error)
            return self.outcome
        self._complete(checkpoint, result)
        if self.outcome.is_fitted and not self._has_folds:
            self._compute_final_weights(rows)
        values = self.job.values
        if self.job.training.may_go_on and values.get(reserved.EPOCHS, self.context.epochs) < self.context.epochs:
            with self.phases("save"):
                self.outcome.checkpoint = latest.make() or self.job.checkpoint
        self._keep(result)
        return self.outcome

    def _trained_before(self):
        """Return the `Trained` in memory of the trial that the job continues, which needs no tracing.

        Returns:
            A `Trained`; `None` if the trial isn't in memory, or if the job has a lower resolution.
        """
        if self.job.checkpoint is None or self.job.values.get(reserved.RESOLUTION, 1.0) < 1:
            return None
        return self.context.in_memory.get(self.job.values.get(reserved.TRIAL_ID))

    def _build(self, conditions):
        """Build the model under some `Conditions`, unless it is in memory."""
        self.outcome.precision = conditions.policy
        with self.phases("build"), seeded(self.context.seed, self.job.number):
            if self._earlier is None:
                self._model = self.context.networks.initial(self.job, conditions)
            else:
                self._model = self._earlier.model
        self.outcome.parameters = self._model.count_params()

    def _measure(self):
        """Measure the costs of the model. The message of the outcome is the violations of limits that hold."""
        costs, goal, outcome = self.job.costs, self.problem.goal, self.outcome
        if costs.measured:
            measured = goal.measured(costs.measured)
        else:
            with self.phases("measure"):
                plain = self.context.networks.plain(self._model, self.job.values)
                measured = goal.measure(self.problem.served(plain), costs.known)
        outcome.costs, outcome.margins = measured.costs, measured.margins
        outcome.network = measured.network
        outcome.metrics = dict(measured.costs)
        if costs.keeps_limits:
            outcome.message = measured.violations

    def _prepare(self, conditions, rows):
        """Make the training loop. The message of the outcome is why there is no time for a training on some rows."""
        earlier = self._earlier
        if earlier is not None:
            self._initial, self._learning_rate = earlier.weights.initial, earlier.learning_rate
            self._loop = earlier.loop
            self._model.optimizer.learning_rate = earlier.learning_rate
            return
        with self.phases("build"):
            self._initial = checkpoints.values_of(checkpoints.variables_of(self._model))
            self._learning_rate = keras_callbacks.learning_rate(self._model.optimizer)
            trained, dataset = self.context.networks.at_resolution(self._model, self.job.values, conditions)
            self._work = pace.epoch_work(trained, self._n_rows(rows))
            is_trained = bool(self._model.trainable_variables)
            if is_trained and self.job.deadline is not None and self.job.checkpoint is None:
                left = self.job.deadline - time.monotonic()
                n_epochs = self.context.epochs_of(self.job.values)
                # After the deadline no network is fast enough, and a required score has no alternative.
                if left > 0 or not self.job.training.is_required:
                    self.outcome.message = self.context.pace.refusal(self._work, n_epochs, left)
            if not self.outcome.message:
                self._loop = self.context.make_loop(trained, dataset, conditions)

    def _training_rows(self):
        """Return the indices of the training rows."""
        dataset = self.problem.dataset
        share = self.job.values.get(reserved.DATA_SHARE, 1.0)
        if share == 1:
            return dataset.train_rows
        # The seed doesn't depend on the trial, so that all trials are compared on the same rows.
        return dataset.some_training_rows(share, np.random.default_rng([self.context.seed, 3]))

    def _n_rows(self, rows):
        """Return the number of some training rows, in folds of the rows of all folds; all training rows of a stream."""
        if self._has_folds:
            return sum(len(split.train_rows) for split in self.problem.dataset.splits)
        return len(rows) if isinstance(rows, np.ndarray) else self.problem.dataset.n_train

    def _train(self, rows, on_epoch, on_checkpoint):
        """Fit and train the network on some rows.

        Returns:
            The `Checkpoint` with which the training began, or `None`, and the `TrainingResult`.
        """
        job, model, context = self.job, self._model, self.context
        self._loop.phases = self.phases
        with self.phases("train"):
            generator = np.random.default_rng([context.seed, job.number, 4])
            if self._has_folds:
                if leave_one_out.is_possible(model, self.problem):
                    loop = leave_one_out.LeaveOneOutLoop(self._loop)
                    # A fit to fewer rows has no predictions for the others, and a required score has no alternative.
                    fitted = loop.fit(generator, None if job.training.is_required else job.deadline)
                else:
                    loop = folds.FoldsLoop(self._loop, job.training.is_required)
                    fitted = loop.fit(generator, job.deadline)
            else:
                loop = self._loop
                # Other rows of the final fit, or fewer rows of a trial, need a fit of their own.
                with_final = self.problem.dataset.final_rows_are_all and rows is self.problem.dataset.train_rows
                fitted = fitting.fit(
                    model,
                    self.problem.dataset,
                    rows,
                    generator,
                    job.deadline,
                    last=None if job.training.is_required else job.deadline,
                    with_final=with_final,
                )
        if fitted:
            self._loop.forget()
        self.outcome.report = {"fitted": fitted, "is_trained": bool(model.trainable_variables)} if fitted else {}
        if isinstance(loop, leave_one_out.LeaveOneOutLoop):
            self.outcome.report["leaves_one_out"] = True
        # Weights that are only fitted have just been fitted to the rows of this trial.
        checkpoint = self._checkpoint() if model.trainable_variables else None
        batches = np.random.default_rng([context.seed, job.number, 1])
        return checkpoint, training.train(
            loop,
            training.ShuffledRows(rows, self.outcome.batch_size, batches),
            training.Length(
                context.epochs_of(job.values),
                patience=context.patience,
                deadline=job.deadline,
                stopper=job.training.stopper,
                schedule=self.problem.graph.optimization.schedule_of(job.values),
            ),
            training.Validation(
                lambda: self._score(loop),
                self.problem.goal.is_better_epoch,
                # A required score is computed however long it takes.
                n_rows=0 if job.training.is_required else len(self.problem.dataset.validation_rows),
                on_best=lambda: setattr(self.outcome, "predictions", self._predictions),
            ),
            checkpoint,
            on_epoch=on_epoch,
            on_checkpoint=on_checkpoint,
            callbacks=context.callbacks,
        )

    def _checkpoint(self):
        """Return the `Checkpoint` that the job continues, or `None`. Scores at another resolution are removed."""
        checkpoint = self.job.checkpoint
        if checkpoint is None or reserved.RESOLUTION not in self.job.values:
            return checkpoint
        is_own = checkpoint.progress["horizon"] == self.context.epochs_of(self.job.values)
        return checkpoint if is_own else checkpoint.without_best()

    def _score(self, loop):
        """Score the model of a loop on the validation rows, and remember its predictions."""
        self._predictions = self.problem.predict(loop)
        return self.problem.score(self._predictions, loop, self.outcome.costs)

    def _complete(self, checkpoint, result):
        """Write a `TrainingResult` into the outcome, and count the training in the pace of the process."""
        outcome = self.outcome
        outcome.status = Status.COMPLETED
        if self._work is not None and checkpoint is None:
            self.context.pace.add(self._work * result.epochs, self.phases.seconds.get("train", 0.0))
        outcome.history, outcome.epochs = result.history, result.epochs
        outcome.best_epoch, outcome.horizon = result.best_epoch, result.horizon
        outcome.interrupted = result.stopped == "interrupted"
        outcome.message = "" if result.stopped == "epochs" else f"stopped: {result.stopped}"
        if outcome.rows_share < 1.0:
            part = f"fitted to {outcome.rows_percentage} of the rows: time"
            outcome.message = "; ".join(filter(None, [part, outcome.message]))
        elif outcome.time_share < 1.0:
            outcome.message = "stopped: time"
        if result.stop is not None:
            outcome.forecast = list(dataclasses.astuple(result.stop.forecast))
        outcome.metrics = {
            name: value for name, value in result.history[result.best_epoch - 1].items() if name != "learning_rate"
        }
        outcome.weights = result.weights if self.problem.serves_folds else self._first_weights(result)
        if checkpoint is not None:
            outcome.initial_epoch = checkpoint.epoch
        if self.problem.dataset.is_stream:
            outcome.predictions = None  # The order of the rows of a stream may change.
        elif outcome.predictions is None:
            # The best epoch is before the checkpoint.
            self._loop.model.set_weights(result.weights)
            outcome.predictions = self.problem.predict(self._loop)
        outcome.standard_error = self.problem.standard_error(outcome.predictions)

    def _compute_final_weights(self, rows):
        """Compute the weights of the final fit, and the loss with them on some training rows, if the fitters can."""
        weights, report = self._model.get_weights(), self.outcome.report
        if fitting.use_all_rows(self._model):
            self.outcome.final_weights = self._model.get_weights()
            report["has_final_weights"] = True
            if not self._model.trainable_variables:
                # A later process, which builds the network anew, has no features of rows whose loss is known.
                report["final_loss"], _ = self._loop.train_epoch(rows, 0, np.random.default_rng(0), None, None)
        self._model.set_weights(weights)

    def _first_weights(self, result):
        """Return the weights of the network, or of the network of the first fold, a list of arrays."""
        return result.weights[: len(self._model.weights)]

    def _keep(self, result):
        """Keep the model in memory, unless it was trained at a lower resolution."""
        if self._loop.model is self._model:
            self.context.in_memory.add(trained_module.Trained(
                self.job.trial_id, self.outcome.metrics, self._model, self._loop,
                weights=trained_module.Weights(
                    self._first_weights(result), self._initial, self.outcome.final_weights
                ),
                learning_rate=self._learning_rate, costs=self.outcome.costs,
            ))  # fmt: skip
