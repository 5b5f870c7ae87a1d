"""Exceptions and warnings of autonas."""


class SearchFailed(RuntimeError):
    """No trial of a search was completed."""


class InfeasibleWarning(UserWarning):
    """No candidate satisfies all constraints, so the final model violates at least one."""


class BaselineWarning(UserWarning):
    """On the validation set, the model isn't better than a constant prediction, or is worse than a linear model."""


class ExportFailed(RuntimeError):
    """The run time of an export can't run the model, or its predictions differ from the estimator's."""
