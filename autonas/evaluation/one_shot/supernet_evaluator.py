"""Trials that are no candidates: an epoch of a supernet's training, and thousands of scores by shared weights."""

import glob
import os
import time
import warnings

import keras
import keras_tuner
import numpy as np

from autonas import storage
from autonas.costs.orientation import oriented
from autonas.evaluation import phases as phases_module
from autonas.evaluation import seeding, training
from autonas.evaluation.one_shot import costs, path_training, scoring, search
from autonas.supernet import Supernet
from autonas.trials import job as jobs
from autonas.trials import reserved
from autonas.trials.states import Stage, Status

#: Paths that are scored after an epoch, to see how the training goes.
_N_MEASURED = 4
#: Architectures that a strategy which draws the paths is told of after each epoch.
_N_TOLD = 20
#: Architectures that a one-shot search hands on.
_N_FINALISTS = 100
#: Saved states of the supernet that are kept.
_N_KEPT = 2


class SupernetEvaluator:
    """Trains one supernet, epoch by epoch, and scores architectures with its weights.

    After each epoch its state is written to a file, from which another process goes on. Nothing is built before the
    first job.

    A strategy that searches by one-shot scores is told one for each objective. Costs are those of `OneShotCosts`. An
    architecture that breaks a limit is not scored: the strategy is told its margins. A score of the user's own is that
    of the architecture's own model with the shared weights.

    Args:
        problem: The `Problem`, whose data set is an `ArrayDataset`.
        settings: `supernet_training()` of the oracle: `"method"`, `"paths"` or `"bilevel"`, the number of `"epochs"`,
            and arguments of the method's trainer.
        directory: Folder of the states.
        seed: Seed of weights, rows and paths.
    """

    def __init__(self, problem, settings, directory, seed):
        self.graph = problem.graph
        self.dataset = problem.dataset
        self.scorer = problem.scorer
        self.goal = problem.goal
        self.batch_size = problem.graph.optimization.batch_size_of
        self.settings = settings
        self.directory = directory
        self.seed = seed
        self.as_served = problem.as_served
        self.supernet = None
        self.phases = phases_module.Phases()
        self._epoch = None

    def __getstate__(self):
        # In another process, networks inherit from the state that was saved.
        return self.__dict__ | {"supernet": None, "trainer": None, "one_shot_scorer": None, "one_shot_costs": None,
                                "_epoch": None}  # fmt: skip

    def evaluate(self, job, on_epoch=None, phases=None):
        """Trains one epoch, or searches by one-shot scores.

        Args:
            job: A `Job` whose values have a `tuner/stage`: `"supernet"`, with `tuner/initial_epoch`, or `"one_shot"`,
                with `tuner/queries`.
            on_epoch: Function `(epoch, numbers)` called after an epoch, or `None`.
            phases: The `Phases` that count what the time goes to, or `None`.

        Returns:
            An `Outcome` with a `report`, plain JSON. Of an epoch: `"epoch"`, `"finished"` (whether there is no time for
            another one) and `"paths"` (each metric of a few paths that are drawn, a dict of lists); where the
            distribution learns, `"distribution"` (probability of each option of each decision), `"next_cost_weight"`
            (that of the epoch to come) and `"numbers"` (the mean `"entropy"` of the decisions, in nats, and those of
            `BilevelTrainer.numbers`); if the strategy draws the paths, `"told"` (architecture, scores and margins of
            what it asked for). Of a search:
            `"finalists"`, pairs of architecture and score, the best first (a list of scores if there are several
            objectives; `None` for those nearest to the limits where all break one), `"n_scored"` and `"n_refused"`.
            Larger scores are better.
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
        """Copies the shared weights to the stand-alone model of an architecture.

        Args:
            model: What `Graph.build` made for it.
            values: The architecture, with the number of epochs of the supernet under `tuner/supernet_epochs`.

        Raises:
            FileNotFoundError: If the state of the supernet after that epoch is gone.
        """
        epoch = values[reserved.SUPERNET_EPOCHS]
        if self._epoch != epoch:
            if not os.path.exists(self._path(epoch)):
                raise FileNotFoundError(
                    f"The supernet's weights after epoch {epoch} are gone from {self.directory}: they can't be "
                    "inherited."
                )
            self._load(epoch)
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
        with self.phases("validate"):
            paths = self._measure(epoch, distribution)
        outcome.metrics = {"loss": loss} | {name: float(np.mean(scores)) for name, scores in paths.items()}
        outcome.report = {"epoch": epoch, "paths": paths}
        if self.settings["method"] == "bilevel":
            outcome.metrics["entropy"] = _entropy(distribution)
            outcome.report["distribution"] = distribution
            outcome.report["next_cost_weight"] = self.trainer.cost_weight
            outcome.report["numbers"] = {"entropy": outcome.metrics["entropy"], **self.trainer.numbers()}
        if self.settings.get("sampling") == "strategy":
            with self.phases("one_shot"):
                told = search.ask_and_tell(job.strategy, _N_TOLD, self._examine, job.deadline)
            outcome.report["told"] = [[each.values, each.scores, each.margins] for each in told]
        with self.phases("save"):
            self._save()
        left = np.inf if job.deadline is None else job.deadline - time.monotonic()
        # What is left of the schedule is annealed in the time that is left, however short; it must be worth a call.
        outcome.report["finished"] = not is_whole or left < 0.25 * seconds

    def _search(self, job, outcome):
        with self.phases("build"):
            self._bring_to(self._last_saved(), job.strategy)
        with self.phases("one_shot"):
            n_queries = job.values[reserved.QUERIES]
            found = search.ask_and_tell(job.strategy, n_queries, self._examine, job.deadline)
            best = search.finalists(found, _N_FINALISTS)
        if not best:
            raise ValueError(f"None of {len(found)} architectures that the strategy asked for could be scored.")
        n_refused = sum(each.is_refused for each in found)
        outcome.report = {
            "finalists": [[each.values, self._reported(each.scores)] for each in best],
            "n_scored": len(found) - n_refused,
            "n_refused": n_refused,
        }
        outcome.metrics = dict(best[0].numbers)

    def _examine(self, values):
        """Measures an architecture, and scores it if it is within the limits: an `Examined`."""
        try:
            measured = self.one_shot_costs.measure(values)
        except ValueError:  # Its own model couldn't be measured either: the search goes on.
            return search.Examined(values, {}, None)
        margins = measured.margins or None
        if measured.violations:
            return search.Examined(values, measured.costs, None, margins)
        numbers = self.goal.combined(self._score(values) | measured.costs)
        scores = [oriented(numbers[objective.name], objective.direction) for objective in self.goal.objectives]
        return search.Examined(values, numbers, scores if np.isfinite(scores).all() else None, margins)

    def _score(self, values):
        """Metrics on the validation rows, and scores of the user's own."""
        numbers = self.one_shot_scorer.score(values)
        if self.goal.scores:
            rows = self.dataset.validation_rows
            inputs = {name: array[rows] for name, array in self.dataset.inputs.items()}
            model = self._build_alone(values)
            self.supernet.inherit(model, values)
            for score in self.goal.scores:
                numbers[score.name] = score(model, inputs, self.scorer.truth(rows))
        return numbers

    def _reported(self, scores):
        return scores if scores is None or self.goal.is_pareto else scores[0]

    def _build_alone(self, values):
        """The model of an architecture by itself."""
        space = self.supernet.space.get_config()["space"]
        return self.graph.build(keras_tuner.HyperParameters.from_config({"space": space, "values": dict(values)}))

    def _measure(self, epoch, distribution):
        """Metrics of a few paths drawn from the distribution, a dict of a list for each metric."""
        generator = np.random.default_rng([self.seed, epoch, 4])
        found = []
        for _ in range(_N_MEASURED):
            labels = {
                name: list(options)[generator.choice(len(options), p=_normalized(options))]
                for name, options in distribution.items()
            }
            found.append(self.one_shot_scorer.score(labels))
        return {name: [float(metrics[name]) for metrics in found] for name in found[0]}

    # ------------------------------------------------------------------ the supernet and its training

    def _build(self):
        settings = dict(self.settings)
        method = {"paths": _path_trainer, "bilevel": _bilevel_trainer}[settings.pop("method")]
        settings.pop("epochs")
        with seeding.seeded(self.seed, 0):
            self.supernet = Supernet.from_graph(self.graph, partial_channels=settings.pop("partial_channels", 1))
        batch_size = self.batch_size(self.supernet.space.values)
        self.trainer = method()(self.supernet, self.dataset, batch_size, **settings)
        self.one_shot_scorer = scoring.OneShotScorer(
            self.supernet, self.dataset, self.scorer, np.random.default_rng([self.seed, 0, 5])
        )
        self.one_shot_costs = costs.OneShotCosts(
            self.supernet, self._build_alone, self.goal, np.random.default_rng([self.seed, 0, 6]), self.as_served
        )
        self._epoch = 0

    def _bring_to(self, epoch, strategy):
        """Makes the supernet what it is after `epoch` epochs: as it is, from a file, or trained again."""
        if self._epoch == epoch:
            return
        if os.path.isfile(self._path(epoch)):
            try:
                return self._load(epoch)
            except storage.DamagedFile as error:
                advice = "The supernet is trained again."
                warnings.warn(str(storage.DamagedFile(error.path, error.reason, advice)), stacklevel=2)
        self._build()
        for each in range(epoch):
            self._train(each, None, strategy)

    def _train(self, epoch, deadline, strategy):
        # Should it fail in between, the next job begins with the state before.
        self._epoch = None
        generator = np.random.default_rng([self.seed, epoch, 3])
        loss, is_whole = self.trainer.train_epoch(epoch, self.settings["epochs"], deadline, generator, strategy)
        if not np.isfinite(loss):
            raise training.Diverged(f"The supernet's loss became NaN or infinite in epoch {epoch + 1}.")
        self._epoch = epoch + 1
        return loss, is_whole

    # ------------------------------------------------------------------ saved states

    def _variables(self):
        return [*self.supernet.variables, *self.trainer.variables]

    def _path(self, epoch):
        return os.path.join(self.directory, f"epoch_{epoch:04d}.npz")

    def _saved(self):
        """Files of the states, the oldest first."""
        paths = glob.glob(os.path.join(glob.escape(self.directory), "epoch_????.npz"))
        return sorted(path for path in paths if os.path.isfile(path) and not os.path.islink(path))

    def _last_saved(self):
        """Epochs that the supernet in memory, or in the newest file, was trained for."""
        if self._epoch is not None:
            return self._epoch
        saved = self._saved()
        return int(saved[-1][-8:-4]) if saved else self.settings["epochs"]

    def _save(self):
        """Write the state. The file is complete when it has its name."""
        os.makedirs(self.directory, exist_ok=True)
        arrays = {str(place): keras.ops.convert_to_numpy(each) for place, each in enumerate(self._variables())}
        storage.write_arrays(self._path(self._epoch), arrays)
        for path in self._saved()[:-_N_KEPT]:
            os.remove(path)

    def _load(self, epoch):
        if self.supernet is None:
            self._build()
        # If it fails in between, the supernet is in no known state.
        self._epoch = None
        with storage.describing_damage(self._path(epoch)):
            state = storage.read_arrays(self._path(epoch))
            for place, variable in enumerate(self._variables()):
                variable.assign(state[str(place)])
        self._epoch = epoch


def _path_trainer():
    return path_training.PathTrainer


def _bilevel_trainer():
    from autonas.evaluation.one_shot import bilevel

    return bilevel.BilevelTrainer


def _entropy(distribution):
    """The mean entropy of the decisions, in nats."""
    probabilities = [np.array(_normalized(options)) for options in distribution.values()]
    return float(np.mean([-(each * np.log(np.maximum(each, 1e-12))).sum() for each in probabilities]))


def _normalized(options):
    """Probabilities in double precision: those of a softmax in single precision don't quite add up to one."""
    total = sum(options.values())
    return [probability / total for probability in options.values()]
