"""Task classes: `AutoModel` with the kind of data and the task fixed."""

from sklearn.base import ClassifierMixin, RegressorMixin

from autonas.estimators import auto_model


class _Classifier(ClassifierMixin, auto_model.AutoModel):
    fixed_task = "classification"
    score = auto_model.AutoModel.score  # scikit-learn's doesn't take datasets.


class _Regressor(RegressorMixin, auto_model.AutoModel):
    fixed_task = "regression"
    score = auto_model.AutoModel.score


class ImageClassifier(_Classifier):
    kind = "image"


class ImageRegressor(_Regressor):
    kind = "image"


class TextClassifier(_Classifier):
    kind = "text"


class TextRegressor(_Regressor):
    kind = "text"


class StructuredDataClassifier(_Classifier):
    kind = "table"


class StructuredDataRegressor(_Regressor):
    kind = "table"


class TimeSeriesClassifier(_Classifier):
    kind = "series"


class TimeSeriesRegressor(_Regressor):
    kind = "series"
