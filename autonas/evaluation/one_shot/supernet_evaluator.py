"""Stages of a one-shot search as trials: an epoch of the supernet, and the search by one-shot scores."""

import glob
import os
import time
import warnings

import keras
import keras_tuner
import numpy as np

from autonas import storage
from autonas.backends import seeding
from autonas.costs.orientation import oriented
from autonas.evaluation import phases as phases_module
from autonas.evaluation import training
from autonas.evaluation.one_shot import costs, path_training, perturbation, scoring, search
from autonas.supernet import Supernet
from autonas.trials import job as jobs
from autonas.trials import reserved
from autonas.trials.states import Stage, Status

#: Number of paths that are scored after an epoch, to monitor the training.
_N_MEASURED = 4
#: Number of architectures that are scored after each epoch for a strategy that draws the paths.
_N_TOLD = 20
#: Maximum number of finalists of a one-shot search.
_N_FINALISTS = 100
#: Number of saved states of the supernet.
_N_KEPT = 2
#: Remaining time, relative to the last epoch, below which the training of the supernet ends.
_LEAST_SHARE = 0.25
#: Smallest probability in the entropy of a distribution.
_SMALLEST_PROBABILITY = 1e-12


class SupernetEvaluator:
    """Evaluator of the stages of a one-shot search: training of the supernet, and one-shot scores.

    After each epoch, the state of the supernet is written to a file, from which another process can continue. The
    supernet is built by the first job.

    Costs of architectures are computed by `OneShotCosts`. An architecture that violates a constraint isn't scored; the
    strategy observes its margins. A custom score of the user is computed on the stand-alone model of the architecture
    with the shared weights.

    Args:
        problem: The `Problem`, whose data set is an `ArrayDataset`.
        settings: Dict that `supernet_training()` of the oracle returns: `"method"` (`"paths"` or `"bilevel"`),
            `"epochs"`, and the arguments of `PathTrainer` or of `BilevelTrainer.from_settings`.
        directory: Folder of the saved states.
        seed: Seed of weights, rows and paths.
        built: The supernet of the problem and the settings with the initial weights of the seed, which saves building
            it again. Defaults to `None`.
    """

    def __init__(self, problem, settings, directory, seed, built=None):
        self.problem = problem
        self.settings = settings
        self.directory = directory
        self.seed = seed
        self.supernet = None
        self.phases = phases_module.Phases()
        self._epoch = None
        self._built = built

    def __getstate__(self):
        # In another process, networks inherit the weights of a saved state.
        return self.__dict__ | {"supernet": None, "trainer": None, "one_shot_scorer": None, "one_shot_costs": None,
                                "_epoch": None, "_built": None}  # fmt: skip

    def evaluate(self, job, on_epoch=None, phases=None):
        """Train the supernet for one epoch, or search by one-shot scores.

        Args:
            job: A `Job` whose values have a `tuner/stage`: `"supernet"`, with `tuner/initial_epoch`, or `"one_shot"`,
                with `tuner/queries`. With bilevel training, the second one selects an architecture by
                `perturbation.select`.
            on_epoch: Function `(epoch, numbers)` that is called after the stage, or `None`. Defaults to `None`.
            phases: The `Phases` that measure the time of the stage, or `None`. Defaults to `None`.

        Returns:
            An `Outcome` with a `report`, a dict in JSON. In scores, larger is better. The report of an epoch has

            - `"epoch"`, the number of the epoch;
            - `"finished"`, whether no time is left for another epoch;
            - `"paths"`, the metrics of a few sampled paths, a dict of lists;
            - with bilevel training, `"distribution"` (probability of each option of each decision),
              `"next_cost_weight"`, and `"numbers"` (mean `"entropy"` of the decisions in nats, and
              `BilevelTrainer.numbers`);
            - with paths that the strategy draws, `"told"` (architecture, scores and margins of each suggestion).

            The report of a search has

            - `"finalists"`, pairs of architecture and score, the best first. The score is a list for several
              objectives, and `None` if all architectures violate a constraint;
            - `"n_scored"` and `"n_refused"`, the numbers of architectures that satisfy and violate the constraints;
            - with bilevel training, `"epoch"` and `"losses_without"` (loss without each option of each decision).
        """
        self.phases = phases or phases_module.Phases()
        stages = {Stage.SUPERNET: self._train_epoch, Stage.ONE_SHOT: self._search}
        outcome = jobs.Outcome(status=Status.COMPLETED, best_epoch=1, epochs=1, horizon=1)
        stages[reserved.stage_of(job.values)](job, outcome)
        outcome.parameters = self.supernet.count_params()
        outcome.history = [outcome.metrics]
        if on_epoch is not None:
            with self.phases("report"):
                on_epoch(job.values.get(reserved.EPOCHS, 1), outcome.metrics)
        return outcome

    def inherit(self, model, values):
        """Copy the shared weights to the stand-alone model of an architecture.

        Args:
            model: The model that `Graph.build` returned for the architecture.
            values: Values of the architecture, with the number of epochs of the supernet as `tuner/supernet_epochs`.

        Raises:
            FileNotFoundError: If the saved state of the supernet after these epochs is missing.
        """
        epoch = values[reserved.SUPERNET_EPOCHS]
        if self._epoch != epoch:
            if not os.path.exists(self._path(epoch)):
                raise FileNotFoundError(
                    f"The weights of the supernet after epoch {epoch} are missing in {self.directory}, so that no "
                    "network can inherit them. Restore this folder from a copy, or search again with `overwrite=True`."
                )
            self._load(epoch)
        self._copy_weights(model, values)

    def _copy_weights(self, model, values):
        self.one_shot_scorer.calibrate(self.supernet.indices(values))
        self.supernet.inherit(model, values)

    # ------------------------------------------------------------------ stages

    def _train_epoch(self, job, outcome):
        epoch = job.values[reserved.INITIAL_EPOCH]
        with self.phases("build"):
            self._bring_to(epoch, job.strategy)
        started = time.monotonic()
        with self.phases("supernet"):
            loss, is_whole = self._train(epoch, job.deadline, job.strategy)
        seconds = time.monotonic() - started
        distribution = self.supernet.distribution()
        with self.phases("validate"), self.one_shot_scorer.remembering():
            paths = self._measure(epoch, distribution)
        outcome.metrics = {"loss": loss} | {name: float(np.mean(scores)) for name, scores in paths.items()}
        outcome.report = {"epoch": epoch, "paths": paths}
        if self.settings["method"] == "bilevel":
            outcome.metrics["entropy"] = _entropy(distribution)
            outcome.report["distribution"] = distribution
            outcome.report["next_cost_weight"] = self.trainer.cost_weight
            outcome.report["numbers"] = {"entropy": outcome.metrics["entropy"], **self.trainer.numbers()}
        if self.settings.get("sampling") == "strategy":
            with self.phases("one_shot"), self.one_shot_scorer.remembering():
                examined = search.ask_and_tell(job.strategy, _N_TOLD, self._examine, job.deadline)
            outcome.report["told"] = [
                [architecture.values, architecture.scores, architecture.margins] for architecture in examined
            ]
        with self.phases("save"):
            self._save()
        left = np.inf if job.deadline is None else job.deadline - time.monotonic()
        # The rest of the schedule fits any remaining time, but a very short epoch isn't worth its overhead.
        outcome.report["finished"] = not is_whole or left < _LEAST_SHARE * seconds

    def _search(self, job, outcome):
        with self.phases("build"):
            self._bring_to(self._last_saved(), job.strategy)
        with self.phases("one_shot"):
            if self.settings["method"] == "bilevel":
                examined, selection = self._select(job)
            else:
                n_queries, selection = job.values[reserved.QUERIES], {}
                with self.one_shot_scorer.remembering():
                    examined = search.ask_and_tell(job.strategy, n_queries, self._examine, job.deadline)
            best = search.finalists(examined, _N_FINALISTS, self.supernet.network_key)
        if not best:
            raise ValueError(f"None of {len(examined)} suggested architectures could be scored.")
        n_refused = sum(architecture.is_refused for architecture in examined)
        outcome.report = {
            "finalists": [[architecture.values, self._reported(architecture.scores)] for architecture in best],
            "n_scored": len(examined) - n_refused,
            "n_refused": n_refused,
            **selection,
        }
        outcome.metrics = dict(best[0].numbers)

    def _select(self, job):
        """Select an architecture by perturbation; return a list with its `Examined`, and entries of the report."""
        # The selection changes the supernet: another job restores the saved state.
        epoch, self._epoch = self._epoch, None
        labels, losses = perturbation.select(self.trainer, np.random.default_rng([self.seed, 0, 7]), job.deadline)
        examined = self._examine(self.supernet.values(self.supernet.indices(labels)))
        return [examined], {"epoch": epoch, "losses_without": losses}

    def _examine(self, values):
        """Measure the costs of an architecture, and score it if it satisfies the constraints; return an `Examined`."""
        try:
            measured = self.one_shot_costs.measure(values)
        except ValueError:  # The stand-alone model can't be measured either; the search goes on.
            return search.Examined(values, {}, None)
        margins = measured.margins or None
        if measured.violations:
            return search.Examined(values, measured.costs, None, margins)
        numbers = self.problem.goal.combined(self._score(values) | measured.costs)
        scores = [oriented(numbers[objective.name], objective.direction) for objective in self.problem.goal.objectives]
        return search.Examined(values, numbers, scores if np.isfinite(scores).all() else None, margins)

    def _score(self, values):
        """Return metrics and custom scores of an architecture on the validation rows, a dict of floats."""
        numbers = self.one_shot_scorer.score(values)
        if self.problem.goal.scores:
            rows = self.problem.dataset.validation_rows
            inputs = {name: array[rows] for name, array in self.problem.dataset.inputs.items()}
            model = self._build_alone(values)
            self._copy_weights(model, values)
            for score in self.problem.goal.scores:
                numbers[score.name] = score(model, inputs, self.problem.scorer.truth(rows))
        return numbers

    def _reported(self, scores):
        return scores if scores is None or self.problem.goal.is_pareto else scores[0]

    def _build_alone(self, values):
        """Build the stand-alone model of an architecture."""
        space = self.supernet.space.get_config()["space"]
        return self.problem.graph.build(
            keras_tuner.HyperParameters.from_config({"space": space, "values": dict(values)})
        )

    def _measure(self, epoch, distribution):
        """Score a few paths sampled from the distribution; return a dict of lists, one for each metric."""
        generator = np.random.default_rng([self.seed, epoch, 4])
        scores = []
        for _ in range(_N_MEASURED):
            labels = {
                name: list(options)[generator.choice(len(options), p=_normalized(options))]
                for name, options in distribution.items()
            }
            scores.append(self.one_shot_scorer.score(labels))
        return {name: [float(metrics[name]) for metrics in scores] for name in scores[0]}

    # ------------------------------------------------------------------ the supernet and its training

    def _build(self):
        settings = dict(self.settings)
        method = {"paths": _path_trainer, "bilevel": _bilevel_trainer}[settings.pop("method")]
        settings.pop("epochs")
        partial_channels = settings.pop("partial_channels", 1)
        self.supernet, self._built = self._built, None
        if self.supernet is None:
            with seeding.seeded(self.seed, 0):
                self.supernet = Supernet.from_graph(self.problem.graph, partial_channels=partial_channels)
        batch_size = self.problem.graph.optimization.batch_size_of(self.supernet.space.values)
        self.trainer = method()(self.supernet, self.problem.dataset, batch_size, **settings)
        self.one_shot_scorer = scoring.OneShotScorer(
            self.supernet, self.problem.dataset, self.problem.scorer, np.random.default_rng([self.seed, 0, 5])
        )
        self.one_shot_costs = costs.OneShotCosts(
            self.supernet, self._build_alone, self.problem, np.random.default_rng([self.seed, 0, 6])
        )
        self._epoch = 0

    def _bring_to(self, epoch, strategy):
        """Restore the state of the supernet after `epoch` epochs: from memory, from a file, or by training again."""
        if self._epoch == epoch:
            return
        if os.path.isfile(self._path(epoch)):
            try:
                return self._load(epoch)
            except storage.DamagedFile as error:
                advice = "The supernet is trained again."
                warnings.warn(str(storage.DamagedFile(error.path, error.reason, advice)), stacklevel=2)
        self._build()
        for number in range(epoch):
            self._train(number, None, strategy)

    def _train(self, epoch, deadline, strategy):
        # Unknown until the epoch is complete, so that after a failure the next job restores the state before.
        self._epoch = None
        generator = np.random.default_rng([self.seed, epoch, 3])
        loss, is_whole = self.trainer.train_epoch(epoch, self.settings["epochs"], deadline, generator, strategy)
        if not np.isfinite(loss):
            raise training.Diverged(f"The supernet's loss became NaN or infinite in epoch {epoch + 1}.")
        if self.settings.get("sampling") == "prioritised":
            with self.one_shot_scorer.remembering():
                self.trainer.update_board(epoch, self._loss_of, np.random.default_rng([self.seed, epoch, 8]))
        self._epoch = epoch + 1
        return loss, is_whole

    def _loss_of(self, indices):
        """Return the one-shot loss of a path on the validation rows; infinity if it isn't a number."""
        loss = self.one_shot_scorer.score(self.supernet.values(indices))["val_loss"]
        return loss if np.isfinite(loss) else np.inf

    # ------------------------------------------------------------------ saved states

    def _variables(self):
        return [*self.supernet.variables, *self.trainer.variables]

    def _path(self, epoch):
        return os.path.join(self.directory, f"epoch_{epoch:04d}.npz")

    def _saved(self):
        """Return the paths of the saved states, the oldest first."""
        paths = glob.glob(os.path.join(glob.escape(self.directory), "epoch_????.npz"))
        return sorted(path for path in paths if os.path.isfile(path) and not os.path.islink(path))

    def _last_saved(self):
        """Return the number of epochs of the supernet in memory, or of the latest saved state."""
        if self._epoch is not None:
            return self._epoch
        saved = self._saved()
        return int(saved[-1][-8:-4]) if saved else self.settings["epochs"]

    def _save(self):
        """Write the state atomically, and remove older files."""
        os.makedirs(self.directory, exist_ok=True)
        arrays = {str(index): keras.ops.convert_to_numpy(variable) for index, variable in enumerate(self._variables())}
        storage.write_arrays(self._path(self._epoch), arrays)
        for path in self._saved()[:-_N_KEPT]:
            os.remove(path)

    def _load(self, epoch):
        if self.supernet is None:
            self._build()
        # Unknown until all variables are assigned.
        self._epoch = None
        with storage.describing_damage(self._path(epoch)):
            state = storage.read_arrays(self._path(epoch))
            for index, variable in enumerate(self._variables()):
                variable.assign(state[str(index)])
        self._epoch = epoch


def _path_trainer():
    return path_training.PathTrainer


def _bilevel_trainer():
    from autonas.evaluation.one_shot import bilevel

    return bilevel.BilevelTrainer.from_settings


def _entropy(distribution):
    """Return the mean entropy of the decisions, in nats."""
    entropies = []
    for options in distribution.values():
        probabilities = np.array(_normalized(options))
        entropies.append(-(probabilities * np.log(np.maximum(probabilities, _SMALLEST_PROBABILITY))).sum())
    return float(np.mean(entropies))


def _normalized(options):
    """Return probabilities in double precision that add up to 1, which a softmax in single precision doesn't quite."""
    total = sum(options.values())
    return [probability / total for probability in options.values()]
