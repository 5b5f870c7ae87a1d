"""Task classes: `AutoModel` with the kind of data and the task fixed."""

from typing import Any

from sklearn.base import ClassifierMixin, RegressorMixin

from autonas.estimators import auto_model


class _Classifier(ClassifierMixin, auto_model.AutoModel):
    fixed_task = "classification"
    score = auto_model.AutoModel.score  # scikit-learn's doesn't take datasets.

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True  # `ClassifierMixin` makes tags of its own.
        return tags


class _Regressor(RegressorMixin, auto_model.AutoModel):
    fixed_task = "regression"
    score = auto_model.AutoModel.score


class ImageClassifier(_Classifier):
    """Classifier of images.

    Takes the arguments of `AutoModel`. `x` is an array of shape `(n, height, width)` or
    `(n, height, width, channels)`.

    Example:

    ```python
    import autonas
    import numpy as np

    images = np.random.default_rng(0).random((40, 8, 8))
    brightness = images.mean(axis=(1, 2))
    labels = np.where(brightness > 0.5, "bright", "dark")
    model = autonas.ImageClassifier(max_trials=1, epochs=1, verbose=0).fit(images, labels)
    assert set(model.predict(images[:3])) <= {"bright", "dark"}
    ```
    """

    kind = "image"


class ImageRegressor(_Regressor):
    """Regressor of images.

    Takes the arguments of `AutoModel`. `x` is an array of shape `(n, height, width)` or
    `(n, height, width, channels)`, `y` an array of shape `(n,)` or `(n, outputs)`.

    Example:

    ```python
    import autonas
    import numpy as np

    images = np.random.default_rng(0).random((40, 8, 8))
    brightness = images.mean(axis=(1, 2))
    model = autonas.ImageRegressor(max_trials=1, epochs=1, verbose=0).fit(images, brightness)
    assert model.predict(images[:3]).shape == (3,)
    ```
    """

    kind = "image"


class TextClassifier(_Classifier):
    """Classifier of texts.

    Takes the arguments of `AutoModel`. `x` is a list, an array or a pandas Series of strings.

    Example:

    ```python
    import autonas

    texts = ["a good film", "a bad film"] * 20
    labels = ["positive", "negative"] * 20
    model = autonas.TextClassifier(max_trials=1, epochs=1, verbose=0).fit(texts, labels)
    assert model.predict_proba(["a film"]).shape == (1, 2)
    ```
    """

    kind = "text"


class TextRegressor(_Regressor):
    """Regressor of texts.

    Takes the arguments of `AutoModel`. `x` is a list, an array or a pandas Series of strings, `y` an array of shape
    `(n,)` or `(n, outputs)`.

    Example:

    ```python
    import autonas

    texts = ["two rooms", "three rooms", "four rooms", "five rooms"] * 10
    rents = [500.0, 700.0, 900.0, 1100.0] * 10
    model = autonas.TextRegressor(max_trials=1, epochs=1, verbose=0).fit(texts, rents)
    assert model.predict(["three rooms"]).shape == (1,)
    ```
    """

    kind = "text"


class StructuredDataClassifier(_Classifier):
    """Classifier of the rows of a table.

    Takes the arguments of `AutoModel`. `x` is an array of shape `(n, columns)` or a pandas DataFrame, whose columns
    may be numbers, categories, texts, dates and booleans, with missing values.

    Example:

    ```python
    import autonas
    import pandas as pd

    table = pd.DataFrame({"age": [25, 37, 51, 68] * 10, "city": ["Bern", "Rome", "Bern", None] * 10})
    labels = ["no", "no", "yes", "yes"] * 10
    model = autonas.StructuredDataClassifier(max_trials=1, epochs=1, verbose=0).fit(table, labels)
    assert set(model.predict(table)) <= {"no", "yes"}
    ```
    """

    kind = "table"


class StructuredDataRegressor(_Regressor):
    """Regressor of the rows of a table.

    Takes the arguments of `AutoModel`. `x` is an array of shape `(n, columns)` or a pandas DataFrame, `y` an array
    of shape `(n,)` or `(n, outputs)`.

    Example:

    ```python
    import autonas
    import numpy as np

    rows = np.random.default_rng(0).normal(size=(40, 3))
    model = autonas.StructuredDataRegressor(max_trials=1, epochs=1, verbose=0)
    model.fit(rows, rows.sum(axis=1))
    assert model.predict(rows[:3]).shape == (3,)
    ```
    """

    kind = "table"


class TimeSeriesClassifier(_Classifier):
    """Classifier of time series.

    Takes the arguments of `AutoModel`. `x` is an array of shape `(n, time, channels)`. Series of different lengths
    are padded with NaN.

    Example:

    ```python
    import autonas
    import numpy as np

    series = np.random.default_rng(0).normal(size=(40, 12, 2))
    labels = np.where(series[:, -1, 0] > series[:, 0, 0], "rising", "falling")
    model = autonas.TimeSeriesClassifier(max_trials=1, epochs=1, verbose=0).fit(series, labels)
    assert set(model.predict(series[:3])) <= {"rising", "falling"}
    ```
    """

    kind = "series"


class TimeSeriesRegressor(_Regressor):
    """Regressor of time series: one number, or several, for a whole series.

    Takes the arguments of `AutoModel`. `x` is an array of shape `(n, time, channels)`, NaN-padded for different
    lengths, `y` an array of shape `(n,)` or `(n, outputs)`. `TimeSeriesForecaster` predicts the next steps of a series.

    Example:

    ```python
    import autonas
    import numpy as np

    series = np.random.default_rng(0).normal(size=(40, 12, 2))
    means = series.mean(axis=(1, 2))
    model = autonas.TimeSeriesRegressor(max_trials=1, epochs=1, verbose=0).fit(series, means)
    assert model.predict(series[:3]).shape == (3,)
    ```
    """

    kind = "series"
