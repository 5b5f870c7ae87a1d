"""Search callback that writes a run of Weights & Biases."""

from typing import Any

from autonas.reporting.callback import SearchCallback


class WandbCallback(SearchCallback):
    """Search callback that writes a run of Weights & Biases with a step for every trial.

    A step has the score of the trial, its metrics, its hyperparameters and the best score so far. The run has the
    arguments of the estimator that differ from their defaults as its configuration, and the best score in its summary.
    Requires Weights & Biases: `pip install 'autonas[wandb]'`.

    ```python
    import autonas

    callback = autonas.reporting.WandbCallback(project="irises", mode="offline")
    model = autonas.AutoModel(max_trials=10, callbacks=[callback])
    ```

    Args:
        project: Name of the project. Defaults to `"autonas"`.
        **init: Further arguments of `wandb.init`, such as `entity` or `mode="offline"`.
    """

    def __init__(self, project: str = "autonas", **init: Any) -> None:
        self.project = project
        self.init = init

    def check(self) -> None:
        try:
            import wandb  # noqa: F401
        except ImportError as error:
            raise ImportError("WandbCallback needs Weights & Biases: pip install 'autonas[wandb]'") from error

    def on_search_begin(self, search: Any) -> None:
        import wandb

        self._search = search
        self._run = wandb.init(**{"project": self.project, "config": search.settings, **self.init})

    def on_trial_end(self, record: Any, best: Any) -> None:
        if not record.is_candidate:
            return
        numbers = {**record.metrics, "seconds": record.seconds, "epochs": record.epochs}
        if record.score is not None:
            numbers["score"] = record.score
        if best is not None and best.score is not None:
            numbers[f"best_{self._search.objective}"] = best.score
        decisions = {f"hyperparameters/{name}": value for name, value in record.values.items()}
        self._run.log({"trial": record.number, "status": str(record.status), **numbers, **decisions})

    def on_search_end(self, records: Any, stop_reason: str) -> None:
        self._run.summary["stop_reason"] = stop_reason
        self._run.summary["served"] = self._search.served
        self._run.finish(exit_code=1 if stop_reason == "error" else 0)
