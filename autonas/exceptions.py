"""Exceptions and warnings of autonas."""


class SearchFailed(RuntimeError):
    """No trial of a search was completed. The message has the reasons.

    Example:

    ```python
    import autonas
    import numpy as np

    rows = np.random.default_rng(0).normal(size=(40, 3))
    model = autonas.StructuredDataRegressor(max_trials=1, epochs=1, verbose=0)
    try:
        model.fit(rows, rows.sum(axis=1))
    except autonas.SearchFailed as error:
        print(error)
    ```
    """


class InfeasibleWarning(UserWarning):
    """No candidate satisfies all constraints, so the final model violates at least one.

    Example:

    ```python
    import warnings

    import autonas
    import numpy as np

    rows = np.random.default_rng(0).normal(size=(40, 3))
    model = autonas.StructuredDataRegressor(constraints={"params": 1_000_000}, max_trials=1, epochs=1, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", autonas.InfeasibleWarning)
        model.fit(rows, rows.sum(axis=1))
    ```
    """


class BaselineWarning(UserWarning):
    """On the validation set, the model isn't better than a constant prediction, or is worse than a linear model.

    Example:

    ```python
    import warnings

    import autonas
    import numpy as np

    rows = np.random.default_rng(0).normal(size=(40, 3))
    model = autonas.StructuredDataRegressor(max_trials=1, epochs=1, verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", autonas.BaselineWarning)
        model.fit(rows, rows.sum(axis=1))
    ```
    """


class ExportFailed(RuntimeError):
    """The run time of an export can't run the model, or its predictions differ from the estimator's."""
