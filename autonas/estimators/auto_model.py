"""AutoModel: the estimator that searches a Keras model for a data set."""

from __future__ import annotations

import copy
import os
import time
from typing import TYPE_CHECKING, Any

from sklearn.base import clone

from autonas.backends import keras_defaults, memory
from autonas.data.fit_data import FitData
from autonas.estimators import arguments, assembly, search_info, searched
from autonas.estimators import plan as planning
from autonas.estimators.plan import Plan
from autonas.preparation import arrays
from autonas.preparation.arrays import Prepared
from autonas.preparation.request import Settings
from autonas.search import interrupts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autonas.execution import Executor
    from autonas.search_space.optimization import Optimization


class AutoModel(searched.SearchedModel):
    """Search a Keras model for a data set: a scikit-learn estimator.

    Without arguments, the kind of the data and the task are inferred, and a search space that suits them is searched.
    Accepted are images, tables (arrays and DataFrames with any columns), texts and series; arrays, frames of pandas,
    polars and pyarrow, `tf.data.Dataset`s, and loaders of Keras, PyTorch and Grain.

    Example:

    ```python
    import autonas
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    model = autonas.AutoModel(max_trials=1, epochs=1, verbose=0).fit(x, y)
    print(model.score(x, y))
    print(model.leaderboard())
    ```

    Args:
        inputs: Input node, or list of input nodes, of a graph of blocks that replaces the default graph. Defaults to
            `None`: the default graph.
        outputs: Output node of a head, or list of output nodes. Required with `inputs`. Defaults to `None`.
        task: `"classification"`, `"binary"`, `"multiclass"`, `"multilabel"`, `"regression"`, or `None`: inferred
            from `y`. Tools of scikit-learn, such as `cross_val_score` and `GridSearchCV`, need the task before `fit`:
            without a task they don't stratify folds by class. Defaults to `None`.
        search_space: Family of architectures of the default graph: `"chain"` (layers of any kind one after another,
            with skip connections), `"cell"` (stacks of one small cell), `"hierarchical"` (motifs of motifs) or
            `"layered"` (a kernel size and width for every layer; the only family for tables). Defaults to `None`: the
            usual families, which suit a short search better, or `"layered"` with weight sharing.
        hyperparameters: Dict from the name of a decision of the search space to a value or a range to which it is
            narrowed, such as `{"structured_data_block_1/kind": "dense"}` or `{"optimization/learning_rate":
            autonas.Float(1e-3, 1e-2)}`; or a `keras_tuner.HyperParameters` of such decisions. The names are those of
            the report; the error for a wrong name lists them. Defaults to `None`.
        optimization: An `Optimization`: optimizer, learning rate and its schedule, weight decay and batch size of the
            trainings, each a value or a range. Defaults to `None`: AdamW with ranges that suit the data.
        strategy: Search strategy: `"bayesian"`, `"evolution"`, `"reinforcement"`, `"local_search"`, `"random"`,
            `"gradient"`, or a `keras_tuner.Oracle` such as `autonas.oracles.EvolutionOracle(population_size=20)`. All
            strategies but `"random"` and the strategies that train a supernet begin with architectures that are known
            to suit the kind of data. Defaults to `"auto"`: `"bayesian"`, which won our measurements, or `"evolution"`
            with weight sharing.
        weight_sharing: Whether the strategy searches with the scores of a supernet. Thousands of such scores take as
            long as a few trainings. The default architecture and then the best few architectures are trained alone, and
            only the candidates that were trained alone can win. To set arguments of weight sharing, pass an
            `autonas.oracles.WeightSharingOracle` as `strategy`. Requires a strategy of autonas. Defaults to `False`.
        warm_start: Folder of an earlier search (`directory_`) in the same space, on these or other data, or a list of
            folders. After the default architecture, the best three architectures of these searches are tried. A
            Bayesian strategy also learns from all scores of the earlier searches. An earlier search has more influence
            if its scores rank the trials of this search correctly (see `autonas.oracles.BayesianOracle`). Requires a
            strategy of autonas that trains no supernet. The folders are read when the search begins, not when it
            continues. Defaults to `None`; `False` and an empty list are the same.
        fidelity: How far candidates are trained. `"full"`: for all epochs. `"successive_halving"`: for a fiftieth of
            the epochs, after which the best candidates are promoted to longer trainings; `max_trials` is then the
            number of architectures, and every promotion is a further row of the leaderboard. `"hyperband"`: as
            successive halving, from several numbers of epochs. `"learning_curve"`: a training stops when its
            extrapolated learning curve can't win. For their arguments pass an `autonas.oracles.SuccessiveHalvingOracle`
            or `LearningCurveOracle` as `strategy`. Defaults to `"auto"`: `"successive_halving"` if a full training
            takes much longer than building a network, for one objective and at least 9 trials; otherwise `"full"`.
        executor: Where trials run: `"inline"` (this process), `"process"` (worker processes of this machine, whose
            crashes don't end the search), `"ray"` (a Ray cluster, or Ray on this machine), or an object of
            `autonas.execution`. Defaults to `None`: `"inline"` for one worker, `"process"` for several workers.
        n_workers: Number of trials at a time. Defaults to `None`: 1, and with Ray as many as the cluster has room for.
        precision: Numbers of the training: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"` (layers compute with
            16 bits). Networks are always measured and served in float32. Defaults to `"auto"`: `"mixed_bfloat16"` on
            TPUs and GPUs of compute capability 8.0 and above, and for images of more than 16 x 16 pixels on CPUs with
            matrix units for it (AMX, with TensorFlow); `"mixed_float16"` on GPUs of compute capability 7.0;
            `"float32"` on all other devices.
        objective: The objective or a list of objectives. An objective is one of the following.

            - A metric on the validation set, such as `"val_accuracy"`, `"val_auc"`, `"val_loss"` or `"val_rmse"`; a
              scorer of scikit-learn, such as `"roc_auc"` or `"f1_macro"` (`"f1"` is the score of the second of two
              classes); a Keras metric; a `keras_tuner.Objective`.
            - A function `(truth, predictions)` of probabilities or numbers. It is maximised if its name ends with
              `_score`, and minimised if its name ends with `_error`, `_loss` or `_deviance`, as in scikit-learn. For
              another name use `autonas.objectives.CustomMetric(function, direction="max")`.
            - A cost of the network: `"params"`, `"flops"`, `"memory_mb"`, `"model_size_mb"`, `"latency_ms"` or an
              object of `autonas.objectives`.
            - A combination: `WeightedSum`, `ProductOfPowers` or `Lexicographic` of `autonas.objectives`.

            With a list, the Pareto front is searched. The best candidate by the first objective is served; `select`
            serves others. Defaults to `None`: accuracy for classes (the loss for tables, and with fewer than 1000
            validation rows, where accuracy can't tell candidates apart), the root mean squared error for numbers, the
            loss for several labels or heads or with weights of rows or classes. The loss counts weights on the
            validation set; metrics don't, as in Keras.
        constraints: Dict from cost to limit, such as `{"latency_ms": 5, "model_size_mb": 2}`. Costs are measured on
            the network of encoded rows, latency in a real inference run time. A candidate that violates a constraint
            is refused before training and does not count towards `max_trials`. If no candidate satisfies all
            constraints, the candidate with the smallest violation is served, with an `InfeasibleWarning`. Defaults to
            `None`.
        metrics: Further metrics: names, Keras metrics or functions `(truth, predictions)`, one or a list, or a dict
            from head to metrics. Defaults to `None`: the usual metrics of the task alone.
        loss: A Keras loss or its name. Numbers are standardised for the squared and the absolute error, `"huber"` and
            `"log_cosh"`; any other loss, also a `keras.losses.Huber` of another `delta`, is computed in the units of
            `y`. Losses for more than two classes take class numbers, or one-hot rows if they are
            `"categorical_crossentropy"`, `"categorical_focal_crossentropy"`, `"categorical_hinge"` or their objects.
            Defaults to `None`: cross-entropy for classes, the squared error for numbers.
        max_trials: Number of trials. Defaults to `None`: no limit with a `time_limit`, 6 if a supernet is trained,
            otherwise the number of the preset.
        time_limit: Seconds from the call of `fit` to its return, the final fit included. Defaults to `None`: no limit.
        epochs: Epochs of a full training. A candidate is trained for these or, as the search decides, for a half or a
            quarter of them: `epochs_share` of `optimization`. Defaults to `None`: by the preset and the number of rows;
            candidates on tables may then be trained for twice as many. A training stops early after
            `max(8, epochs // 3)` epochs without improvement. It also stops after a quarter of this number, and at least
            three epochs, if the validation loss rose in each of these epochs, to more than a tenth above its lowest
            value.
        patience: Trials without improvement after which the search ends. Defaults to `None`: no such end.
        refit: Whether the best candidate is trained further on all rows, the validation set included, for a quarter to
            three quarters of its epochs, as `time_limit` allows. The rows of `validation_data` are never trained on;
            with them there is no final fit, nor is there one of networks of several folds. Defaults to `True`.
        ensemble: Number of candidates at most whose predictions the served model averages; see `ensemble_`. Members are
            selected by the validation set, and trained further as far as `time_limit` allows. `"auto"` is at most 5
            with a `time_limit` and one objective that depends on training, otherwise the best candidate alone. Where it
            is automatic, a network that was trained on mirror images also averages over an image and its mirror image.
            `None` for the best candidate alone. Defaults to `"auto"`.
        class_weight: Dict from label to weight in the loss, or `"balanced"`. Defaults to `None`: equal weights.
        threshold: For two classes, the probability of the second class above which this class is predicted. `"auto"` is
            the threshold with the best objective on the validation set; with an objective that doesn't depend on
            labels, such as `"val_auc"`, the best balanced accuracy. Probabilities and the search stay as they are.
            Defaults to 0.5.
        num_classes: Number of classes, for integer labels of which some are missing in `y`. Defaults to `None`: the
            classes in `y`.
        validation: How candidates are compared, instead of `validation_split` and `validation_folds`, which keep their
            defaults then. Defaults to `None`: by these two.

            - A number below 1: the share of the rows in the validation set, as `validation_split`.
            - A number of folds of at least 2, as `validation_folds`.
            - A splitter of scikit-learn, such as `TimeSeriesSplit(5)`; `groups` of `fit` are passed on to it.
            - A dict of columns of `x`. `"group_on"`: all rows with the same value are in the same set. `"time_on"`:
              the validation set is later than the training set; with several folds each validation set is later than
              its own training set. `"stratify_on"`: each set has the same share of each value. `"group_on"` goes
              together with each of the others. `"share"` or `"folds"` is the size; the default is a share of 0.2.
              `"repeats"` is the number of times that the rows are split into random folds, with columns or without
              them: with `{"folds": 5, "repeats": 3}` a candidate is the mean of 15 networks. The columns stay
              features of `x`.
        validation_split: Share of the rows in the validation set, stratified by class. Defaults to `None`: 0.2, and
            10,000 rows of more than 50,000 rows in memory.
        validation_folds: Number of folds of a cross-validation, at least 2, by which candidates are compared instead of
            a validation set. Every candidate is trained once per fold, for the same number of epochs. Each row is
            predicted by the network that was not trained on this row, and the score is computed from these predictions
            of all rows. The served model averages the networks of the best candidate; with costs as objectives or
            constraints it is one network that is trained again. A ridge regression or a Gaussian process is fitted
            once, and each row is predicted as by a model that was fitted without this row. `"auto"` is 5 folds for
            fewer than 300 series or 500 rows of a table, searched in the default space, whose networks are trained
            quickly; otherwise, and with a stream or fewer than 10 groups, one validation set of `validation_split`, as
            `None` is. Defaults to `"auto"`.
        callbacks: List of callbacks, or one. Defaults to `None`.

            - A `SearchCallback` is called for the search, its trials and their epochs, in the process of `fit`.
            - A Keras callback is called in every training of a network, the final fit included, but not in the
              training of a supernet. Each training has a copy of its own, in the process of the trial. The hooks for
              the training and its epochs are called; the hooks for tests are not. A callback with batch hooks slows
              training down, since control returns to Python after every step. A learning rate that a callback sets
              replaces the annealed learning rate. Weights that a callback sets last until the next epoch.
        preset: `"fast"`, `"balanced"` or `"best"`: the default numbers of trials and epochs. Defaults to `"balanced"`.
        seed: Seed of all random numbers, a non-negative integer, also instead of the seed of an oracle of Keras Tuner.
            `fit` also sets the seeds of Keras's global generator, TensorFlow and PyTorch. Defaults to `None`: drawn.
        directory: Folder of the run. If it holds a search on the same data, the search continues: no finished trial is
            trained again. It goes on with another `max_trials`, `time_limit`, `patience`, `refit`, `ensemble`,
            `threshold`, `metrics`, `callbacks`, `executor`, `n_workers`, `tensorboard` or `verbose`, and with a
            `preset` of the same epochs. `"auto"` keeps the fidelity of the search. A change of any other argument is
            another search: an error names the difference, before anything is written. Defaults to `None`: a new folder
            in `autonas_runs`.
        overwrite: Whether to delete the files of an earlier search in `directory` first. No other files are ever
            deleted: a folder that holds files but no search raises an error. Defaults to `False`.
        tensorboard: Whether to write a TensorBoard log to `directory/tensorboard`. Defaults to `True`.
        verbose: 0: silent, 1: progress, 2: progress and every epoch. Defaults to 1.

    Attributes:
        classes_: The classes, in the order of the columns of `predict_proba`; a list of arrays for several heads.
        threshold_: For two classes, the probability of the second class above which this class is predicted.
        best_hyperparameters_: Hyperparameters of the trial that is served, a dict.
        model_: The trained network, a compiled `keras.Model` of the rows that `encode` returns, whose layers are named
            after the blocks of the search space; `export_model` returns a model of raw rows.
        best_score_: Objective of the best trial on the validation set.
        ensemble_: List of pairs of the `trial_id` and the weight of each member, if an ensemble is served; otherwise
            the attribute doesn't exist.
        validation_predictions_: Predictions of the best trial for the validation set, before the final fit: a list of
            one `reporting.HeadPredictions` per head; empty if unknown.
        search_: Description of the search, the JSON-like dict of a `reporting.SearchInfo`.
        history_: Epochs of the training of the served model, a list of dicts.
        objectives_: Pairs of name and direction, one per objective.
        stop_reason_: Reason for the end of the search: `"max_trials"`, `"time_limit"`, `"patience"`,
            `"space_exhausted"`, `"constraints"` (100 candidates in a row were refused, or, with `weight_sharing`, all
            architectures that were considered), or `"interrupted"`.
        directory_: Folder of the run.
        task_: The task; a list of tasks for several heads.
        one_shot_correlation_: After a search with `weight_sharing`: Kendall's rank correlation between the scores with
            shared weights and the scores of the same architectures trained alone; `None` for fewer than two
            architectures, or if all scores of one kind are equal.
    """

    #: Kind of the input, if the class fixes it.
    kind = None
    #: Task, if the class fixes it.
    fixed_task = None
    #: Whether the validation set must be the last rows.
    in_order = False
    #: Dict from a further learned attribute that is saved to the shape of its value; see `storage.check_shape`.
    also_learned: dict[str, Any] = {}

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        *,
        task: str | None = None,
        search_space: str | None = None,
        hyperparameters: Any = None,
        optimization: Optimization | None = None,
        strategy: Any = "auto",
        weight_sharing: bool = False,
        warm_start: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
        fidelity: str = "auto",
        executor: str | Executor | None = None,
        n_workers: int | None = None,
        precision: str = "auto",
        objective: Any = None,
        constraints: dict[Any, float] | None = None,
        metrics: Any = None,
        loss: Any = None,
        max_trials: int | None = None,
        time_limit: float | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        refit: bool = True,
        ensemble: str | int | None = "auto",
        class_weight: dict[Any, float] | str | None = None,
        threshold: float | str = 0.5,
        num_classes: int | None = None,
        validation: Any = None,
        validation_split: float | None = None,
        validation_folds: str | int | None = "auto",
        callbacks: Any = None,
        preset: str = "balanced",
        seed: int | None = None,
        directory: str | os.PathLike | None = None,
        overwrite: bool = False,
        tensorboard: bool = True,
        verbose: int = 1,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.task = task
        self.search_space = search_space
        self.hyperparameters = hyperparameters
        self.optimization = optimization
        self.strategy = strategy
        self.weight_sharing = weight_sharing
        self.warm_start = warm_start
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
        self.ensemble = ensemble
        self.class_weight = class_weight
        self.threshold = threshold
        self.num_classes = num_classes
        self.validation = validation
        self.validation_split = validation_split
        self.validation_folds = validation_folds
        self.callbacks = callbacks
        self.preset = preset
        self.seed = seed
        self.directory = directory
        self.overwrite = overwrite
        self.tensorboard = tensorboard
        self.verbose = verbose

    @property
    def known_task(self) -> str | None:
        """The task as far as it is known before `fit`, or `None`."""
        return self.task or self.fixed_task

    # ------------------------------------------------------------------ fit

    def fit(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        validation_data: Any = None,
        groups: Any = None,
        *,
        callbacks: Any = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        validation_split: float | None = None,
        class_weight: dict[Any, float] | str | None = None,
        **unknown: Any,
    ) -> AutoModel:
        """Search, train the best architecture, and make it ready to predict.

        The arguments are checked and resolved into a plan, the data is prepared, the search runs, and the best model is
        served and saved in the folder of the run.

        Args:
            x: Rows: images `(n, height, width[, channels])`, a table `(n, columns)` or DataFrame, strings, series `(n,
                time, channels)`, or a finite `tf.data.Dataset` of `(x, y)`; for several inputs a list or dict of them.
                A dataset without an end raises an error if the end is known to be missing, or if half of `time_limit`
                is spent on reading. A frame of polars or pyarrow becomes a DataFrame. A `keras.utils.PyDataset`, a
                `DataLoader` of PyTorch, or a data set of Grain is read like a dataset. The masked values of a numpy
                masked array are missing values in tables, texts and series, and raise an error in images, targets and
                weights. A column of strings in a usual notation of dates holds dates; a warning says if no value tells
                whether the day or the month comes first.
            y: Targets `(n,)` or `(n, columns)`, or the name of a column of a DataFrame `x`, a string; for several heads
                a list or dict. `None` for a dataset, whose `class_names`, if it has them, are the labels.
            sample_weight: Weight of each row in the loss, `(n,)`. Rows of weight 0 are neither trained nor validated
                on. Defaults to `None`: equal weights.
            validation_data: Tuple `(x, y)`, a dataset if `x` is a dataset, or a DataFrame if `y` is the name of a
                column, to score candidates on. Defaults to `None`: a share of `x`.
            groups: Group of each row, `(n,)`. Rows of a group are never split between training and validation, which
                has no effect beside `validation_data`. Defaults to `None`: no groups.
            callbacks: Callbacks beside the callbacks of the constructor. Defaults to `None`.
            epochs: Epochs of a full training, instead of the argument of the constructor. Defaults to `None`.
            batch_size: Number of rows per training step, which is not searched then. Defaults to `None`.
            validation_split: Share of the rows in the validation set, instead of the argument of the constructor. As in
                Keras, both have no effect beside `validation_data`. Defaults to `None`.
            class_weight: Weights of classes, instead of the argument of the constructor. Defaults to `None`.
            **unknown: Always an error: other settings are arguments of the constructor.

        Returns:
            self.

        Raises:
            ValueError: If an argument is invalid, before anything is written or trained.
            TypeError: If an argument is unknown.
            SearchFailed: If no trial could be completed.

        Warns:
            BaselineWarning: If the model is not better than a constant prediction on the validation set, or worse than
                a linear prediction.
            InfeasibleWarning: If no candidate satisfies `constraints`.
        """
        started = time.monotonic()
        arguments.check_call(self, unknown)
        with keras_defaults.scope(), interrupts.remembered() as check:
            memory.grow()
            data = FitData.of(x, y, sample_weight, validation_data, groups)
            settings = Settings(callbacks, epochs, batch_size, validation_split, class_weight, reopened=self._reopened)
            plan = planning.make_plan(self, data, started, settings)
            prepared = self._prepare(plan, data)
            arguments.check_monitors(plan.request.keras_callbacks, prepared.epoch_numbers())
            check()
            is_finished = self._reopened is not None
            with assembly.opened_search(plan, prepared, data, is_finished) as search:
                if is_finished:
                    search.reopen(self.stop_reason_)
                    self._searched = (prepared, search)
                    return self
                info = search_info.info(plan, prepared, search.oracle.hyperparameters, search.state.directory)
                served = search.run(info)
                with interrupts.ignored():
                    self.search_ = info.to_json()
                    self.target_column_ = y if isinstance(y, str) else None
                    self._serve(prepared, search, served)
        return self

    def _prepare(self, plan: Plan, data: FitData) -> Prepared:
        """Return the `Prepared` problem of a plan and its data."""
        if data.is_stream:
            from autonas.preparation import streams  # TensorFlow only.

            return streams.prepare(plan, data)
        if isinstance(data.x, (str, os.PathLike)):
            raise ValueError(
                f"`x` must hold rows, not the path of files. Received: x={os.fspath(data.x)!r:.60}. Read a folder of "
                "images by `keras.utils.image_dataset_from_directory(x)`, or a table by `pandas.read_csv(x)`. Pass a "
                "single text as `[x]`."
            )
        if data.y is None:
            raise ValueError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        return arrays.prepare(plan, data)

    def __sklearn_clone__(self) -> AutoModel:
        """Clone the estimator as `sklearn.base.clone` does, with both ends of a graph of blocks copied together."""
        parameters = self.get_params(deep=False)
        ends = copy.deepcopy((parameters.pop("inputs"), parameters.pop("outputs")))
        parameters = {name: clone(value, safe=False) for name, value in parameters.items()}
        return type(self)(*ends, **parameters)
