"""AutoModel: arguments into parts; fit, predict, evaluate, export. No algorithm lives here."""

import copy
import dataclasses
import datetime
import os
import time

import numpy as np
from sklearn.base import clone

from autonas import execution, oracles
from autonas.backends import memory, parallel
from autonas.data import is_stream
from autonas.estimators import arguments, effort, fitted, search_info
from autonas.evaluation import budget as budget_module
from autonas.evaluation import evaluator as evaluator_module
from autonas.prediction import predictor as predictor_module
from autonas.preparation import arrays, combinations
from autonas.reporting import ProgressReporter, ReporterList, TensorBoardReporter, tensorboard
from autonas.search import one_shot, tuner
from autonas.search_space import optimization, portfolio, ranges
from autonas.trials import folder, lock
from autonas.trials import header as run_header
from autonas.trials.states import Stage


class AutoModel(fitted.FittedModel):
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
        fidelity: `"full"`: every candidate is trained for all its epochs; `"successive_halving"`: all begin with a
            fiftieth of the epochs, and the best go on from there, so that `max_trials` is the number of architectures
            and each of their promotions is a further row of the leaderboard; `"hyperband"`: they begin with several
            numbers of epochs; `"learning_curve"`: a candidate is stopped when its extrapolated learning curve can't
            win. See `autonas.oracles.SuccessiveHalvingOracle` and `LearningCurveOracle`, which may be given as
            `strategy` with arguments. Defaults to `"auto"`: successive halving if a full training takes much longer
            than to set a network up, for one objective and at least 9 trials; if not, in full.
        executor: Where trials run: `"inline"` (this process), `"process"` (worker processes of this machine, which
            survive what a trial does to its process), `"ray"` (a Ray cluster, or a Ray of this machine), or one of
            `autonas.execution` with arguments. Defaults to `None`: this process for one worker, processes for several.
        n_workers: Number of trials at a time. Defaults to `None`: one, on Ray as many as there is room for.
        precision: What networks are trained in: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"` (layers compute
            with 16 bits). What is measured and served is in float32. Defaults to `"auto"`: `"mixed_bfloat16"` on TPUs
            and GPUs of compute capability 8.0 and above, `"mixed_float16"` on those of 7.0, `"float32"` on all else.
        objective: What to optimise: a metric on the validation part, such as `"val_accuracy"`, `"val_auc"`,
            `"val_loss"`, `"val_rmse"`, that of a scorer of scikit-learn, such as `"roc_auc"` or `"f1_macro"` (`"f1"` is
            that of the second class of two), a Keras metric, a function `(truth, predictions)` of probabilities or
            numbers, to be large if its name ends with `_score` and small with `_error`, `_loss` or `_deviance`, as
            in scikit-learn, or else an `autonas.objectives.CustomMetric(function, direction="max")`, or a
            `keras_tuner.Objective`; a cost of the network: `"params"`, `"flops"`, `"memory_mb"`, `"model_size_mb"`,
            `"latency_ms"`, or an object of `autonas.objectives`; several in one number: `WeightedSum`,
            `ProductOfPowers`, `Lexicographic` of `autonas.objectives`; or a list, whose Pareto front is searched: the
            best by the first of it is served, and others by `select`. Defaults to accuracy for classes (the loss if
            fewer than 1000 rows are scored on, where accuracy can't tell candidates apart), the root mean squared error
            for numbers, the loss for several labels or heads or with `class_weight`. The loss counts weights on
            validation rows too, metrics don't.
        constraints: Dict from costs to limits, such as `{"latency_ms": 5, "model_size_mb": 2}`. A candidate beyond one
            is refused before it is trained, and is none of `max_trials`. What is measured is the network on encoded
            rows, in a real run time. If nothing keeps to the limits, the nearest is served, with an
            `InfeasibleWarning`. Defaults to `None`.
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
        overwrite: Whether to delete the files of an earlier search in `directory` first. Files of anything else are
            never deleted: a folder that holds files but no search is refused. Defaults to `False`.
        tensorboard: Whether to write a TensorBoard log to `directory/tensorboard`. Defaults to `True`.
        verbose: 0: silent, 1: progress, 2: each epoch too. Defaults to 1.

    Attributes:
        classes_: The classes, in the order of the columns of `predict_proba`; a list of them for several heads.
        model_: The trained network, a `keras.Model` on encoded rows; `export_model` gives one on raw rows.
        best_score_: The best trial's objective on the validation part.
        validation_predictions_: What the best trial said of the validation part before its final fit: a list of a
            `reporting.HeadPredictions` for each head; empty if it isn't known.
        search_: What was searched, how and where: a JSON-like dict, see `reporting.SearchInfo`.
        history_: The epochs of the model that is served, a list of dicts.
        objectives_: Pairs of name and direction, one an objective.
        stop_reason_: Why the search ended: `"max_trials"`, `"time_limit"`, `"patience"`, `"space_exhausted"`,
            `"constraints"` (100 candidates in a row were refused) or `"interrupted"`.
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
    #: Dict from a further learned attribute that is saved to the shape of its value; see `storage.check_shape`.
    also_learned = {}

    def __init__(
        self,
        inputs=None,
        outputs=None,
        *,
        task=None,
        search_space=None,
        strategy="auto",
        weight_sharing=False,
        fidelity="auto",
        executor=None,
        n_workers=None,
        precision="auto",
        objective=None,
        constraints=None,
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
        self.fidelity = fidelity
        self.executor = executor
        self.n_workers = n_workers
        self.precision = precision
        self.objective = objective
        self.constraints = constraints
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

    def fit(self, x, y=None, sample_weight=None, validation_data=None, groups=None, **unknown):
        """Searches, trains the best architecture, and makes it ready to predict.

        Args:
            x: Rows: images `(n, height, width[, channels])`, a table `(n, columns)` or DataFrame, strings, series `(n,
                time, channels)`, or a finite `tf.data.Dataset` of `(x, y)`; for several inputs a list or dict of these.
                A dataset that doesn't end is refused if that is known, or if half of `time_limit` is spent on reading.
                The masked values of a numpy masked array are missing values in tables, texts and series. In images,
                targets and weights they are refused. A column of strings in a usual notation of dates holds dates; a
                warning says if no value tells whether the day or the month comes first.
            y: Targets `(n,)` or `(n, columns)`; for several heads a list or dict. `None` for a dataset; if that has
                `class_names`, they are the labels.
            sample_weight: Weight of each row in the loss, `(n,)`. Defaults to `None`.
            validation_data: Tuple `(x, y)`, or a dataset if `x` is one, to score candidates on. Defaults to a part of
                `x`.
            groups: Group of each row, `(n,)`: rows of a group are never split between training and validation.
                Defaults to `None`.
            **unknown: Refused: settings such as `epochs` are arguments of the constructor.

        Returns:
            self.

        Raises:
            ValueError: If an argument is wrong, before anything is written or trained.
            TypeError: If there is no such argument.
            SearchFailed: If no trial could be completed.

        Warns:
            BaselineWarning: If the model isn't better than a constant prediction on the validation rows, or is worse
                than a linear one.
            InfeasibleWarning: If no candidate keeps to `constraints`.
        """
        started = time.monotonic()
        arguments.check_call(self, x, y, unknown)
        arguments.check(self)
        if self.directory is not None:
            folder.check(self.directory)
        memory.grow()
        shares_weights = oracles.needs_supernet(self.strategy, self.weight_sharing)
        executor = execution.get_executor(self.executor, self.n_workers)
        given = {"x": x, "y": y, "sample_weight": sample_weight, "validation_data": validation_data, "groups": groups}
        combinations.check_arguments(combinations.Request(self, given, executor))
        if isinstance(executor, execution.InlineExecutor):
            parallel.distribution(executor.gpus_per_trial)  # Raises an error if there are fewer devices.
        if shares_weights:
            executor = one_shot.with_stages_here(executor)
        seed = self._find_seed()
        prepared = self._prepare(x, y, sample_weight, validation_data, groups, seed)
        space = prepared.graph.declare()
        n_train = prepared.dataset.n_train
        epochs, max_trials = effort.full_epochs(self, n_train), effort.number_of_trials(self)
        searched, updates_per_epoch = space, None
        if shares_weights:
            searched = one_shot.build_supernet(prepared.graph, self.time_limit).space
            batch_size = prepared.graph.optimization.batch_size_of(searched.values)
            updates_per_epoch = max(1, n_train // batch_size)
        oracle = oracles.get_oracle(
            self.strategy,
            prepared.goal.main,
            max_trials,
            searched,
            seed,
            portfolio.initial_points(prepared.graph, space),
            prepared.graph.structure(),
            self.weight_sharing,
            updates_per_epoch,
            list(prepared.goal.objectives),
            [constraint.name for constraint in prepared.goal.constraints],
            *effort.fidelity(self, n_train, prepared.graph.features.values(), is_stream(x)),
            epochs,
        )
        header = self._header(prepared, space, epochs, (x, y, sample_weight, validation_data, groups))
        if shares_weights:
            header["supernet"] = oracle.supernet_training()
        directory = self._choose_directory(header)
        oracle.header = header
        with lock.held(directory):
            if self.overwrite:
                folder.remove_run(directory)
            evaluator = evaluator_module.Evaluator(
                prepared.graph, space, prepared.dataset, prepared.scorer, prepared.goal,
                prepared.graph.optimization.batch_size_of, epochs, max(8, epochs // 3), seed,
                one_shot.evaluator(prepared, oracle, directory, seed) if shares_weights else None,
                self.precision, executor.gpus_per_trial, prepared.as_served,
            )  # fmt: skip
            refits = self.refit and prepared.dataset.final_rows is not None
            budget = budget_module.TimeBudget(self.time_limit, prepared.dataset.final_ratio if refits else 0.0, started)
            search = tuner.Tuner(
                oracle, prepared.graph, evaluator, executor, self._reporter(directory), budget, directory, self.patience
            )
            seconds = budget.elapsed()
            info = dataclasses.replace(
                search_info.info(self, prepared, (space, searched), max_trials, directory),
                started=time.time() - seconds,
                preparation=seconds,
            )
            network, record, best = search.run(info, refits)
            self.search_ = info.to_json()
            self._searched = (prepared, search, directory, refits)
            self._serve(prepared, search, network, best, record, directory)
        return self

    def select(self, **limits):
        """Serves another point of the Pareto front, without searching again.

        Of the candidates that no other beats in all objectives, and that keep to the limits, it takes the best by the
        first objective that isn't limited, and trains it on all rows as `fit` does. For this the object keeps the
        encoded rows of `fit`; a copy that was pickled or loaded has none. There, `fit` with the data and the
        `directory` of the search reads the finished search, and `select` goes on.

        Args:
            **limits: Limit of an objective by its name: the largest value of one that is to be small, the smallest of
                one that is to be large, such as `select(latency_ms=4)`.

        Returns:
            self.

        Raises:
            ValueError: If there was one objective, or no point of the front keeps to the limits.
        """
        trial_id = self._point(limits)
        prepared, search, directory, refits = self._search_at_hand("select")
        with lock.held(directory):
            network, record, best = search.serve_another(trial_id, refits)
            self._serve(prepared, search, network, best, record, directory)
        return self

    def _prepare(self, x, y, sample_weight, validation_data, groups, seed):
        if is_stream(x):
            from autonas.preparation import streams  # TensorFlow only.

            return streams.prepare(self, x, validation_data, seed)
        if y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        return arrays.prepare(self, x, y, sample_weight, validation_data, groups, seed)

    def optimization(self, n_train, features):
        """The part of the space that says how networks are trained, for a number of rows of a list of features."""
        sizes = [16, 32, 64, 128, 256]
        default = min(sizes, key=lambda size: abs(np.log2(size) - np.log2(max(n_train, 2) ** 0.5)))
        given = {"batch_size": ranges.Choice(sizes, default=default)}
        if effort.fidelity(self, n_train, features)[0] != "full" or oracles.is_low_fidelity(self.strategy):
            # How long a training is, and over what it is annealed, is the oracle's to say.
            given["epochs_share"] = 1.0
        return optimization.Optimization(**given)

    def _find_seed(self):
        """The seed given, that of the search to be continued, or a new one."""
        if self.seed is not None:
            return int(self.seed)
        earlier = None if self.directory is None or self.overwrite else folder.earlier_seed(self.directory)
        return int(np.random.SeedSequence().generate_state(1)[0] >> 1) if earlier is None else earlier

    def _header(self, prepared, space, epochs, data):
        """What a run must agree on with the one it continues."""
        return run_header.header(self, prepared, space, epochs, data)

    def _choose_directory(self, header):
        """The folder of the run, checked: a search on other data or another space is not continued."""
        if self.directory is None:
            stamp = datetime.datetime.now().strftime("%Y-%m-%d_%H%M%S")
            unique = os.urandom(3).hex()
            return os.path.join("autonas_runs", f"{stamp}_{unique}")
        directory = os.fspath(self.directory)
        if not self.overwrite:
            folder.check_same_search(directory, header)
        return directory

    def _reporter(self, directory):
        reporters, lines = [], []
        if self.tensorboard:
            log = os.path.join(directory, "tensorboard")
            reporters.append(TensorBoardReporter(log))
            lines = ["to look at the search:", *tensorboard.invitation(log).splitlines()]
        if self.verbose:
            reporters.append(ProgressReporter(self.verbose, invitation=lines))
        return ReporterList(reporters)

    def _serve(self, prepared, search, network, best, record, directory):
        network = predictor_module.without_training_parts(network)
        self.predictor_ = predictor_module.Predictor(network, prepared.encoders, prepared.targets)
        self.scorer_metrics_ = [
            (head.name, head.task, [metric.name for metric in head.metrics]) for head in prepared.scorer.heads
        ]
        self.records_ = [each.to_json() for each in search.records.values()]
        self.objectives_ = [(each.name, each.direction) for each in prepared.goal.objectives]
        self.stop_reason_ = search.stop_reason
        self.best_score_ = best.score
        self.search_["served"] = next(iter(best.report["members"])) if best.stage == Stage.ENSEMBLE else best.trial_id
        self.history_ = record.history
        self.validation_predictions_ = search.final_stage.predictions
        self.directory_ = directory
        for name in ("one_shot_correlation_", "ensemble_", "source_"):
            self.__dict__.pop(name, None)  # That of an earlier fit.
        if best.stage == Stage.ENSEMBLE:
            self.ensemble_ = list(best.report["members"].items())
        if search.evaluator.supernet is not None and hasattr(search.oracle, "rank_correlation"):
            self.one_shot_correlation_ = search.oracle.rank_correlation
        self._set_learned()
        self.save(os.path.join(directory, "model"))

    def __sklearn_clone__(self):
        """As `sklearn.base.clone`, which would copy the two ends of a graph of blocks apart."""
        parameters = self.get_params(deep=False)
        ends = copy.deepcopy((parameters.pop("inputs"), parameters.pop("outputs")))
        parameters = {name: clone(value, safe=False) for name, value in parameters.items()}
        return type(self)(*ends, **parameters)
