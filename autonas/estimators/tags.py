"""The tags of scikit-learn: the kinds of data and targets that an estimator takes."""

from typing import Any

from sklearn.utils import ClassifierTags, RegressorTags


def set_tags(tags: Any, estimator: Any) -> Any:
    """Set scikit-learn's tags of an `AutoModel`, as far as task and kind of data are known, and return them."""
    task, kind = getattr(estimator, "task_", None) or estimator.known_task, estimator.kind
    task = None if isinstance(task, list) else task
    if task is not None:
        tags.estimator_type = "regressor" if task == "regression" else "classifier"
    tags.regressor_tags = RegressorTags() if task in ("regression", None) else None
    tags.classifier_tags = None if task == "regression" else ClassifierTags(multi_label=True)
    tags.target_tags.required = True
    tags.non_deterministic = estimator.seed is None
    tags.input_tags.allow_nan = kind in (None, "table", "series")
    tags.input_tags.two_d_array = kind in (None, "table")
    tags.input_tags.sparse = kind in (None, "table")
    tags.input_tags.three_d_array = kind in (None, "image", "series")
    tags.input_tags.categorical = kind in (None, "table")
    tags.input_tags.string = kind in (None, "text", "table")
    tags.target_tags.multi_output = True
    return tags
