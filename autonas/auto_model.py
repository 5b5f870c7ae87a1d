"""AutoModel: arguments into parts; fit, predict, evaluate, export. No algorithm lives here."""

import copy
import datetime
import os
import time

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from autonas import arguments, estimator_tags, one_shot, oracles, persistence, preparation, run_header, tuner
from autonas import predictor as predictor_module
from autonas.data import is_stream
from autonas.evaluation import budget as budget_module
from autonas.evaluation import evaluator as evaluator_module
from autonas.execution import serial
from autonas.objectives import metrics as metrics_module
from autonas.reporting import ProgressReporter, ReporterList, SearchInfo, TensorBoardReporter, describe, leaderboard
from autonas.search_space import optimization, portfolio, ranges


def _predicts_classes(estimator):
    if (estimator.task_ if hasattr(estimator, "task_") else estimator.given_task) == "regression":
        raise AttributeError("predict_proba exists only for classification; the task is regression")
    return True


class AutoModel(BaseEstimator):
    """Searches a Keras model for a data set: a scikit-learn estimator.

    With no argument, kind of data and task are inferred, and a space suited to them is searched. Images, tables
    (arrays and DataFrames of any columns), texts, series and `tf.data.Dataset`s of these are accepted.

    Example:

    ```python
    model = autonas.AutoModel(time_limit=60).fit(x_train, y_train)
    print(model.score(x_test, y_test), model.leaderboard())
    ```

    Args:
        inputs: An input node, or a list of them, of a graph of blocks to search instead of the default one.
        outputs: An output node of a head, or a list of them.
        task: `"classification"`, `"binary"`, `"multiclass"`, `"multilabel"`, `"regression"`, or `None`: inferred
            from `y`. Defaults to `None`.
        search_space: What the networks of the default graph are made of: `"chain"` (layers of any kind one after
            another, with skips), `"cell"` (stacks of one small cell), `"hierarchical"` (motifs of motifs) or
            `"layered"` (each layer with its own kernel and width; the only one for tables). Defaults to `None`: the
            usual families, which suit a short search better, and `"layered"` if weights are shared.
        strategy: What to try next: `"bayesian"`, `"evolution"`, `"reinforcement"`, `"local_search"`, `"random"`,
            `"gradient"`, or a `keras_tuner.Oracle`, such as `autonas.oracles.EvolutionOracle(population_size=20)`. All
            but the random one and those that train a supernet begin with architectures known to suit the data. Defaults
            to `"auto"`: the best as measured, `"bayesian"`, or `"evolution"` if weights are shared.
        weight_sharing: Whether the strategy, one of autonas, searches with the scores of a supernet, thousands of which
            cost as much as a few trainings; the default architecture and then the best few are trained by themselves,
            and these are the trials that count. See `autonas.oracles.WeightSharingOracle`, which may be given as
            `strategy` with arguments. Defaults to `False`.
        objective: Name of what to optimise on the validation part, such as `"val_accuracy"`, `"val_auc"`,
            `"val_loss"`, `"val_rmse"`, or a `keras_tuner.Objective`. Defaults to accuracy for classes (the loss if
            fewer than 1000 rows are scored on, where accuracy can't tell candidates apart), the root mean squared error
            for numbers, the loss for several labels or heads or with `class_weight`. The loss counts weights on
            validation rows too, metrics don't.
        metrics: Further metrics: names, Keras metrics or functions `(truth, predictions)`, one or a list, or a dict of
            these by head. Defaults to the task's usual ones.
        loss: A Keras loss or its name. Defaults to cross-entropy for classes, the squared error for numbers.
        max_trials: Number of trials. Defaults to the preset's, to 6 if a supernet is trained, or no limit if
            `time_limit` is given.
        time_limit: Seconds from the call of `fit` to its return, the final fit included. Defaults to `None`.
        epochs: Epochs of a full training. Defaults to the preset's, by the number of rows.
        patience: Trials without improvement after which the search ends. Defaults to `None`.
        refit: Whether the best architecture is trained again on all rows, validation part included, for the number of
            epochs that was best. Rows given as `validation_data` are never trained on; then nothing is refitted.
            Defaults to `True`.
        class_weight: Dict from label to weight in the loss, or `"balanced"`. Defaults to `None`.
        num_classes: Number of classes, if integer labels of some are missing in `y`. Defaults to those in `y`.
        validation_split: Share of the rows to score candidates on; stratified. Defaults to 0.2.
        preset: `"fast"`, `"balanced"` or `"best"`: how many trials and epochs. Defaults to `"balanced"`.
        seed: Seed of everything, a non-negative integer. Defaults to `None`: drawn.
        directory: Folder of the run; a search on the same data that is in it continues. Defaults to a new folder in
            `autonas_runs`.
        overwrite: Whether to delete an earlier run in `directory` first. Defaults to `False`.
        tensorboard: Whether to write a TensorBoard log to `directory/tensorboard`. Defaults to `True`.
        verbose: 0: silent, 1: progress, 2: each epoch too. Defaults to 1.

    Attributes:
        classes_: The classes, in the order of the columns of `predict_proba`; a list of them for several heads.
        model_: The trained network, a `keras.Model` on encoded rows; `export_model` gives one on raw rows.
        best_score_: The best trial's objective on the validation part.
        history_: The epochs of the model that is served, a list of dicts.
        stop_reason_: Why the search ended: `"max_trials"`, `"time_limit"`, `"patience"`, `"space_exhausted"` or
            `"interrupted"`.
        directory_: Folder of the run.
        task_: The task; a list of them for several heads.
        one_shot_correlation_: After a search with `weight_sharing`: Kendall's rank correlation between the scores by
            shared weights and those of the same architectures trained by themselves; `None` if fewer than two were.
    """

    #: Kind of the input, if the class fixes it.
    kind = None
    #: Task, if the class fixes it.
    fixed_task = None
    #: Whether the validation part must be the last rows.
    in_order = False
    #: Names of what the class learns besides, as JSON holds it; saved.
    also_learned = ()

    def __init__(
        self,
        inputs=None,
        outputs=None,
        *,
        task=None,
        search_space=None,
        strategy="auto",
        weight_sharing=False,
        objective=None,
        metrics=None,
        loss=None,
        max_trials=None,
        time_limit=None,
        epochs=None,
        patience=None,
        refit=True,
        class_weight=None,
        num_classes=None,
        validation_split=0.2,
        preset="balanced",
        seed=None,
        directory=None,
        overwrite=False,
        tensorboard=True,
        verbose=1,
    ):
        self.inputs = inputs
        self.outputs = outputs
        self.task = task
        self.search_space = search_space
        self.strategy = strategy
        self.weight_sharing = weight_sharing
        self.objective = objective
        self.metrics = metrics
        self.loss = loss
        self.max_trials = max_trials
        self.time_limit = time_limit
        self.epochs = epochs
        self.patience = patience
        self.refit = refit
        self.class_weight = class_weight
        self.num_classes = num_classes
        self.validation_split = validation_split
        self.preset = preset
        self.seed = seed
        self.directory = directory
        self.overwrite = overwrite
        self.tensorboard = tensorboard
        self.verbose = verbose

    @property
    def given_task(self):
        """The task as far as it is known before `fit`."""
        return self.task or self.fixed_task

    # ------------------------------------------------------------------ fit

    def fit(self, x, y=None, sample_weight=None, validation_data=None, groups=None):
        """Searches, trains the best architecture, and makes it ready to predict.

        Args:
            x: Rows: images `(n, height, width[, channels])`, a table `(n, columns)` or DataFrame, strings, series `(n,
                time, channels)`, or a `tf.data.Dataset` of `(x, y)`; for several inputs a list or dict of these.
            y: Targets `(n,)` or `(n, columns)`; for several heads a list or dict. `None` for a dataset; if that has
                `class_names`, they are the labels.
            sample_weight: Weight of each row in the loss, `(n,)`. Defaults to `None`.
            validation_data: Tuple `(x, y)`, or a dataset if `x` is one, to score candidates on. Defaults to a part of
                `x`.
            groups: Group of each row, `(n,)`: rows of a group are never split between training and validation.
                Defaults to `None`.

        Returns:
            self.

        Raises:
            ValueError: If an argument is wrong, before anything is written or trained.
            SearchFailed: If no trial could be completed.
        """
        started = time.monotonic()
        arguments.check(self)
        shares_weights = oracles.needs_supernet(self.strategy, self.weight_sharing)
        if shares_weights and is_stream(x):
            raise ValueError(
                "`x` must be arrays for a strategy that trains a supernet, whose every step draws rows. Received: a "
                "tf.data.Dataset. Give arrays, or set `weight_sharing=False` and another `strategy`."
            )
        seed = self._find_seed()
        prepared = self._prepare(x, y, sample_weight, validation_data, groups, seed)
        space = prepared.graph.declare()
        preset = arguments.presets()[self.preset]
        epochs = self.epochs or _default_epochs(prepared.dataset.n_train, preset)
        searched, updates_per_epoch = space, None
        if shares_weights:
            searched = one_shot.build_supernet(prepared.graph, self.time_limit).space
            batch_size = prepared.graph.optimization.batch_size_of(searched.values)
            updates_per_epoch = max(1, prepared.dataset.n_train // batch_size)
        max_trials = self.max_trials
        ours = isinstance(self.strategy, (str, oracles.Oracle))  # Keras Tuner's end by themselves.
        if max_trials is None and self.time_limit is None and ours and not getattr(self.strategy, "max_trials", None):
            max_trials = one_shot.DEFAULT_TRIALS if shares_weights else preset["max_trials"]
        oracle = oracles.get_oracle(
            self.strategy,
            prepared.objective,
            max_trials,
            searched,
            seed,
            portfolio.initial_points(prepared.graph, space),
            prepared.graph.structure(),
            self.weight_sharing,
            updates_per_epoch,
        )
        header = self._header(prepared, space, epochs, (x, y, sample_weight, validation_data, groups))
        if shares_weights:
            header["supernet"] = oracle.supernet_training()
        directory = self._open_directory(header)
        oracle.header = header
        evaluator = evaluator_module.Evaluator(
            prepared.graph,
            space,
            prepared.dataset,
            prepared.scorer,
            prepared.objective,
            prepared.graph.optimization.batch_size_of,
            epochs,
            patience=max(8, epochs // 3),
            seed=seed,
            supernet=one_shot.evaluator(prepared, oracle, directory, seed) if shares_weights else None,
        )
        refits = self.refit and prepared.dataset.final_rows is not None
        budget = budget_module.TimeBudget(self.time_limit, prepared.dataset.final_ratio if refits else 0.0, started)
        executor = serial.SerialExecutor(
            lambda job: evaluator.evaluate(job, lambda epoch, numbers: search.on_epoch(job.trial_id, epoch, numbers))
        )
        search = tuner.Tuner(
            oracle, prepared.graph, evaluator, executor, self._reporter(directory), budget, directory, self.patience
        )
        info = self._search_info(prepared.objective, space, max_trials, directory)
        network, record, best = search.run(info, refits)
        self._serve(prepared, search, network, best, record, directory)
        return self

    def _prepare(self, x, y, sample_weight, validation_data, groups, seed):
        if is_stream(x):
            from autonas import stream_preparation  # TensorFlow only.

            return stream_preparation.prepare(self, x, y, sample_weight, validation_data, groups, seed)
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        return preparation.prepare(self, x, y, sample_weight, validation_data, groups, seed)

    def optimization(self, n_train):
        """The part of the space that says how networks are trained, for a number of training rows."""
        sizes = [16, 32, 64, 128, 256]
        default = min(sizes, key=lambda size: abs(np.log2(size) - np.log2(max(n_train, 2) ** 0.5)))
        return optimization.Optimization(batch_size=ranges.Choice(sizes, default=default))

    def _find_seed(self):
        """The seed given, that of the search to be continued, or a new one."""
        if self.seed is not None:
            return int(self.seed)
        earlier = None if self.directory is None or self.overwrite else persistence.earlier_seed(self.directory)
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1) if earlier is None else earlier

    def _header(self, prepared, space, epochs, data):
        """What a run must agree on with the one it continues."""
        return run_header.header(self, prepared, space, epochs, data)

    def _open_directory(self, header):
        """The folder of the run, checked: a search on other data or another space is not continued."""
        if self.directory is None:
            stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S")
            unique = os.urandom(3).hex()
            return os.path.join("autonas_runs", f"{stamp}_{unique}")
        directory = os.fspath(self.directory)
        if self.overwrite:
            persistence.remove_run(directory)
        else:
            persistence.check_same_search(directory, header)
        return directory

    def _reporter(self, directory):
        reporters = [ProgressReporter(self.verbose)] if self.verbose else []
        if self.tensorboard:
            reporters.append(TensorBoardReporter(os.path.join(directory, "tensorboard")))
        return ReporterList(reporters)

    def _search_info(self, objective, space, max_trials, directory):
        return SearchInfo(
            objective.name, objective.direction, [describe(each) for each in space.space], max_trials, self.time_limit,
            directory, time.time(), type(self).__name__,
        )  # fmt: skip

    def _serve(self, prepared, search, network, best, record, directory):
        network = predictor_module.without_training_parts(network)
        self.predictor_ = predictor_module.Predictor(network, prepared.encoders, prepared.targets)
        self.scorer_metrics_ = [
            (head.name, head.task, [metric.name for metric in head.metrics]) for head in prepared.scorer.heads
        ]
        self.records_ = [each.to_json() for each in search.records.values()]
        self.objective_ = (prepared.objective.name, prepared.objective.direction)
        self.stop_reason_ = search.stop_reason
        self.best_score_ = best.score
        self.history_ = record.history
        self.directory_ = directory
        self.__dict__.pop("one_shot_correlation_", None)  # That of an earlier fit.
        if isinstance(search.oracle, oracles.WeightSharingOracle):
            self.one_shot_correlation_ = search.oracle.rank_correlation
        self._set_learned()
        self.save(os.path.join(directory, "model"))

    def _set_learned(self):
        """Attributes that follow from the predictor."""
        for name in ("classes_", "n_features_in_", "feature_names_in_"):
            # Those of an earlier fit.
            self.__dict__.pop(name, None)
        targets = list(self.predictor_.targets.values())
        single = len(targets) == 1
        self.model_ = self.predictor_.network
        self.task_ = targets[0].task_ if single else [target.task_ for target in targets]
        if any(target.classes_ is not None for target in targets):
            classes = [target.classes_ for target in targets]
            self.classes_ = classes[0] if single else classes
        encoders = list(self.predictor_.encoders.values())
        if len(encoders) == 1 and encoders[0].kind == "table":
            self.n_features_in_ = len(encoders[0].kinds_)
            names = encoders[0].columns_
            if names is not None and all(isinstance(name, str) for name in names):
                self.feature_names_in_ = np.array(names, dtype=object)

    # ------------------------------------------------------------------ use

    def predict(self, x):
        """Labels, or numbers, in the form of `y` in `fit`.

        Args:
            x: Rows as in `fit`, or a `tf.data.Dataset` of them.

        Returns:
            Array `(n,)` or `(n, columns)`; a list of them for several heads.
        """
        return self._per_head(self._outputs(x), lambda target, outputs: target.decode(outputs))

    @available_if(_predicts_classes)
    def predict_proba(self, x):
        """Probabilities of the classes.

        Args:
            x: Rows as in `fit`.

        Returns:
            Array `(n, n_classes)` in the order of `classes_`; a list of them for several heads (`None` for numbers).
        """
        return self._per_head(
            self._outputs(x),
            lambda target, outputs: None if target.task_ == "regression" else target.probabilities(outputs),
        )

    def evaluate(self, x, y=None):
        """Metrics on labelled rows.

        Args:
            x: Rows as in `fit`, or a `tf.data.Dataset` of rows and targets.
            y: Targets as in `fit`; `None` for a dataset.

        Returns:
            Dict from metric to float; names begin with the head's if there are several.
        """
        outputs, y = self._labelled_outputs(x, y)
        targets = self.predictor_.targets
        given = metrics_module.by_name(self.metrics)
        scores = {}
        for (name, task, metrics), value in zip(
            self.scorer_metrics_, predictor_module.split_inputs(y, list(targets), "y"), strict=True
        ):
            target = targets[name]
            truth = preparation.truth_of(target, target.transform(value))
            predictions = preparation.metric_form(target)(outputs[name])
            prefix = f"{name}_" if len(targets) > 1 else ""
            for metric in metrics:
                found = metrics_module.get_metric(given.get(metric, metric), task)
                scores[f"{prefix}{metric}"] = found(truth, predictions)
        return scores

    def score(self, x, y=None, sample_weight=None):
        """Accuracy of classes, R^2 of numbers, as in scikit-learn; the mean over several heads.

        The arguments are those of `evaluate`, and the weights of rows, which a dataset's own don't stand for.
        """
        from sklearn.metrics import accuracy_score, r2_score

        outputs, y = self._labelled_outputs(x, y)
        targets = list(self.predictor_.targets.values())
        names = list(self.predictor_.targets)
        predicted = self._per_head(outputs, lambda target, values: target.decode(values))
        predicted = [predicted] if len(targets) == 1 else predicted
        scores = [
            (r2_score if target.task_ == "regression" else accuracy_score)(truth, guess, sample_weight=sample_weight)
            for target, truth, guess in zip(
                targets, predictor_module.split_inputs(y, names, "y"), predicted, strict=True
            )
        ]
        return float(np.mean(scores))

    def leaderboard(self):
        """All trials, best first, as a `pandas.DataFrame`."""
        check_is_fitted(self, "predictor_")
        from autonas.reporting import TrialRecord

        return leaderboard([TrialRecord.from_json(record) for record in self.records_], *self.objective_)

    def export_model(self):
        """One self-contained `keras.Model`: raw rows in, probabilities or numbers in the target's units out.

        It is made of Keras's own layers: `keras.models.load_model` reads what its `save` wrote in a process that
        doesn't know autonas. A DataFrame's columns are a dict of inputs by name, dates as seconds since 1970.
        """
        check_is_fitted(self, "predictor_")
        return self.predictor_.export()

    def save(self, path):
        """Writes the fitted estimator to a folder.

        All that predicting, scoring and the leaderboard need is in it. Of the constructor's arguments, those that are
        objects (a drawn graph, an oracle, functions) are not: a loaded estimator predicts, but is not fitted anew.
        """
        check_is_fitted(self, "predictor_")
        persistence.save(self, path)

    @staticmethod
    def load(path):
        """Reads a fitted estimator from a folder, in any process; its class is that of the one saved."""
        return persistence.load(path)

    def _outputs(self, x):
        check_is_fitted(self, "predictor_")
        if is_stream(x):
            return self.predictor_.stream_outputs(x, type(self).__name__)[0]
        return self.predictor_.outputs(x, type(self).__name__)

    def _labelled_outputs(self, x, y):
        """The network's outputs and the targets, which come from the dataset if `x` is one."""
        check_is_fitted(self, "predictor_")
        if not is_stream(x):
            if y is None:
                raise ValueError("`y` must be given, except for a tf.data.Dataset of rows and targets.")
            return self._outputs(x), y
        if y is not None:
            raise ValueError(
                f"`y` must be None for a tf.data.Dataset, which holds it. Received: y of type {type(y).__name__}"
            )
        return self.predictor_.stream_outputs(x, type(self).__name__, labelled=True)

    def _per_head(self, outputs, convert):
        values = [convert(target, outputs[name]) for name, target in self.predictor_.targets.items()]
        return values[0] if len(values) == 1 else values

    def __sklearn_clone__(self):
        """As `sklearn.base.clone`, which would copy the two ends of a graph of blocks apart."""
        parameters = self.get_params(deep=False)
        ends = copy.deepcopy((parameters.pop("inputs"), parameters.pop("outputs")))
        parameters = {name: clone(value, safe=False) for name, value in parameters.items()}
        return type(self)(*ends, **parameters)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "predictor_")

    def __sklearn_tags__(self):
        return estimator_tags.set_tags(super().__sklearn_tags__(), self)


def _default_epochs(n_train, preset):
    """Epochs for a number of weight updates at the default batch size, within the preset's bounds."""
    updates_per_epoch = max(1.0, n_train**0.5)
    return int(np.clip(preset["updates"] / updates_per_epoch, preset["min_epochs"], preset["max_epochs"]))
