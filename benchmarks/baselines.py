"""Test scores of scikit-learn baselines on the data sets: linear models, boosting, forests, the best of them."""

import time

import common
import numpy as np
import pandas
from sklearn import (
    compose,
    decomposition,
    ensemble,
    feature_extraction,
    impute,
    linear_model,
    model_selection,
    pipeline,
    preprocessing,
)

#: The last one is that of the others which has the lowest error or log loss in cross-validation of the training rows.
KINDS = ("linear", "boosting", "forest", "best")


def measure(name, data, kind):
    """Fit a baseline.

    Args:
        name: Name of the data set.
        data: Folder of the data sets.
        kind: One of `KINDS`.

    Returns:
        Dict of test scores, and of the seconds of `fit`.
    """
    dataset = common.load(name, data)
    started = time.monotonic()
    if kind == "best":
        model = max((_pipeline(dataset, one) for one in KINDS[:-1]), key=_score_on(dataset))
    else:
        model = _pipeline(dataset, kind)
    model.fit(dataset.x_train, dataset.y_train)
    return {"scores": common.scores(dataset, model), "seconds": time.monotonic() - started}


def _score_on(dataset):
    """Return the function from a model to its score in cross-validation of the training rows."""
    scoring = "neg_mean_squared_error" if dataset.metric == "rmse" else "neg_log_loss"
    return lambda model: np.mean(
        model_selection.cross_val_score(model, dataset.x_train, dataset.y_train, cv=3, scoring=scoring)
    )


def _pipeline(dataset, kind):
    return pipeline.make_pipeline(*_preprocessing(dataset, kind), _model(dataset, kind))


def _model(dataset, kind):
    is_regression = dataset.metric == "rmse"
    if kind == "linear" and is_regression:
        return linear_model.Ridge()
    if kind == "linear":
        return linear_model.LogisticRegression(C=10.0 if dataset.kind == "text" else 1.0, max_iter=1000)
    if kind == "boosting":
        boosting = ensemble.HistGradientBoostingRegressor if is_regression else ensemble.HistGradientBoostingClassifier
        return boosting(random_state=0)
    if is_regression:
        return ensemble.RandomForestRegressor(200, random_state=0)
    return ensemble.RandomForestClassifier(200, min_samples_leaf=2, random_state=0)


def _preprocessing(dataset, kind):
    linear = kind == "linear"
    if dataset.kind == "text":
        steps = [feature_extraction.text.TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)]
        # Gradient boosting needs dense columns.
        return steps if linear else [*steps, decomposition.TruncatedSVD(100, random_state=0)]
    if dataset.kind == "table":
        return [_columns(dataset, linear)]
    steps = [preprocessing.FunctionTransformer(_flatten)]
    if dataset.kind == "image":
        return [
            *steps,
            preprocessing.FunctionTransformer(_scale, kw_args={"largest": float(dataset.x_train.max())}),
        ]
    # Leave out time steps beyond the end of all series.
    return [*steps, impute.SimpleImputer(), *([preprocessing.StandardScaler()] if linear else [])]


def _columns(dataset, linear):
    frame = dataset.x_train
    numbers = [name for name in frame if pandas.api.types.is_numeric_dtype(frame[name])]
    categories = [name for name in frame if name not in numbers and name not in dataset.text_columns]
    if linear:
        number = pipeline.make_pipeline(
            impute.SimpleImputer(strategy="median", add_indicator=True), preprocessing.StandardScaler()
        )
        category = preprocessing.OneHotEncoder(handle_unknown="ignore")
    else:
        number = "passthrough"
        category = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    texts = [
        (
            f"text_{name}",
            pipeline.make_pipeline(
                preprocessing.FunctionTransformer(_without_missing),
                feature_extraction.text.TfidfVectorizer(min_df=2),
            ),
            name,
        )
        for name in dataset.text_columns
    ]
    return compose.ColumnTransformer(
        [("numbers", number, numbers), ("categories", category, categories), *texts],
        sparse_threshold=0.3 if linear else 0.0,
    )


def _flatten(x):
    return np.reshape(x, (len(x), -1)).astype("float64")


def _scale(x, largest):
    return x / largest


def _without_missing(column):
    return column.fillna("")
