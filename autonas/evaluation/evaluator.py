"""Evaluator of trials: building, measuring, training and scoring of candidates."""

import dataclasses
import gc

import numpy as np

from autonas.backends import keras_defaults, parallel
from autonas.backends.seeding import seeded
from autonas.evaluation import (
    attempt,
    baselines,
    failures,
    fitting,
    keras_callbacks,
    loops,
    phases,
    training,
    training_context,
)
from autonas.evaluation import trained as trained_module
from autonas.search_space.fitted import fitters
from autonas.trials import checkpoint as checkpoints
from autonas.trials import reserved
from autonas.trials.job import Outcome
from autonas.trials.states import Status

#: Smallest peak of the learning rate of a final fit, relative to the peak in the search.
_FINAL_RATE = 0.3
#: Rows and iterations that weights fitted to all rows must have, as a share of the search's: about the share of rows
#: that the validation set takes from the search. With fewer, the weights of the search are better.
_LEAST_OF_SEARCH = 0.9


class Evaluator(training_context.TrainingContext):
    """Evaluator of the candidates of one search.

    The best models so far stay in memory for promotions and final fits, including their compiled steps. The latest
    model stays until the next one is built.

    It takes the arguments of `TrainingContext`.
    """

    def run(self, job, report):
        """Evaluate a job for an executor; see `evaluate`.

        Args:
            job: A `Job`.
            report: Report of the executor, called with pairs of epoch and numbers, first with `(0, None)`, and with
                checkpoints if the report keeps them.
        """
        report((0, None))
        on_checkpoint = report.checkpoint if report.keeps_checkpoints else None
        return self.evaluate(job, lambda epoch, numbers: report((epoch, numbers)), on_checkpoint)

    @keras_defaults.scope()
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
            self.pace.add_compilation(self.phases.seconds.get("compile", 0.0))
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
            training_before = dataclasses.replace(job.training, earlier=[], stopper=None, may_go_on=True)
            before = dataclasses.replace(job, values=values, training=training_before)
            earlier = self._evaluate_candidate(before, None, None)
            if earlier.status != Status.COMPLETED:
                return earlier
            job = dataclasses.replace(job, checkpoint=earlier.checkpoint)
        batch_size = self.problem.graph.optimization.batch_size_of(job.values)
        if job.checkpoint is not None:
            batch_size = job.checkpoint.progress["batch_size"]
        outcome = attempt.Attempt(self, job, batch_size).run(on_epoch, on_checkpoint)
        if outcome.status == Status.FAILED and outcome.message.startswith(failures.OUT_OF_MEMORY) and batch_size > 1:
            # The traceback that referred to the model is gone; free the reference cycles of the model.
            self.in_memory.clear()
            gc.collect()
            outcome = attempt.Attempt(self, job, batch_size // 2).run(on_epoch, on_checkpoint)
        return outcome

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
        loop = self.make_loop(model, self.problem.dataset, conditions)
        costs = {} if outcome is None else outcome.costs
        return trained_module.Trained(
            job.trial_id,
            {} if outcome is None else outcome.metrics,
            model,
            loop,
            trained_module.Weights(model.get_weights(), checkpoints.values_of(checkpoints.variables_of(model))),
            learning_rate=keras_callbacks.learning_rate(model.optimizer),
            costs=costs,
        )

    def final_fit_is_in_full(self, values, outcome):
        """Return whether the final fit of a candidate is the rest of a full training.

        It is if the candidate was trained at a lower fidelity and improved in its last rung.
        """
        return self.epochs_of(values) < self.full_epochs(values) and outcome.best_epoch > outcome.initial_epoch

    def _final_epochs(self, values, outcome, length):
        """Return the epochs of the final fit of a candidate, and its share of the peak of the learning rate.

        In the rest of a full training, the learning rate begins where it would be by now, had it fallen linearly from
        the first to the last epoch for which there is time.
        """
        done = outcome.best_epoch
        if not self.final_fit_is_in_full(values, outcome):
            return length.share * done, _FINAL_RATE
        rest = float(self.full_epochs(values) - done)
        possible = min(rest, length.possible_epochs(outcome))
        return rest, max(_FINAL_RATE, possible / (possible + done))

    def _check_is_no_less(self, model, rows_share, outcome):
        """Raise an error if the time cut the fitted weights for all rows to less than the weights of the search.

        Args:
            model: The `keras.Model` whose weights were fitted.
            rows_share: Share of all rows to which they were fitted.
            outcome: `Outcome` of the candidate in the search.

        Raises:
            TooSlow: If the weights have fewer iterations than chosen in the search, or are of fewer rows.
        """
        dataset = self.problem.dataset
        shares = [fitter.iterations_share for fitter in fitters.fitters_of(model)]
        of_rows = rows_share * len(dataset.final_rows) / (outcome.rows_share * len(dataset.train_rows))
        if min(of_rows, *shares) < _LEAST_OF_SEARCH:
            raise fitting.TooSlow("no time for a final fit with as many rows and iterations as in the search")

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
        checkpoints.assign(checkpoints.variables_of(kept.model), kept.weights.initial)
        kept.model.set_weights(weights)
        loop, choices, rows_share = kept.loop, outcome.report.get("fitted"), 1.0
        if kept.weights.final is not None:
            kept.model.set_weights(kept.weights.final)
            kept.loop.forget()
            if "final_loss" in outcome.report:
                loop = loops.KnownLoop(kept.loop, outcome.report["final_loss"])
        elif choices:
            with self.phases("train"):
                generator = np.random.default_rng([self.seed, job.number, 5])
                rows_share = fitting.refit(kept.model, self.problem.dataset, choices, generator, length.deadline)
            kept.loop.forget()
            self._check_is_no_less(kept.model, rows_share, outcome)
        epochs, rate = self._final_epochs(job.values, outcome, length)
        checkpoints.restart(kept.model, rate * kept.learning_rate)
        generator = np.random.default_rng([self.seed, job.number, 2])
        rows = self.problem.dataset.final_rows
        if epochs < 1 and kept.model.trainable_variables and isinstance(rows, np.ndarray):
            rows = generator.permutation(rows)
            rows = rows[np.argsort(np.isin(rows, self.problem.dataset.train_rows), kind="stable")]
            rows = rows[: max(1, round(epochs * len(rows)))]
        result = training.train(
            loop,
            training.ShuffledRows(rows, outcome.batch_size, generator),
            training.Length(
                max(1, round(epochs)),
                deadline=length.deadline,
                schedule=self.problem.graph.optimization.schedule_of(job.values),
            ),
            on_epoch=on_epoch,
            callbacks=self.callbacks,
        )
        report = {}
        if rows_share < 1.0:
            report = {"fitted": [{"rows_share": rows_share}], "is_trained": bool(kept.model.trainable_variables)}
        final = Outcome(
            status=Status.COMPLETED,
            message="" if result.stopped == "epochs" else f"stopped: {result.stopped}",
            metrics={"loss": result.history[-1]["loss"], **kept.costs},
            history=result.history,
            epochs=result.epochs,
            best_epoch=result.epochs,
            horizon=result.horizon,
            report=report,
            batch_size=outcome.batch_size,
            parameters=outcome.parameters,
            precision=kept.model.dtype_policy.name,
            interrupted=result.stopped == "interrupted",
        )
        final.phases = self.phases.seconds
        final.seconds = sum(final.phases.values())
        return final
