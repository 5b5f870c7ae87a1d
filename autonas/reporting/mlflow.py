"""Search callback that writes runs of MLflow."""

import time
from typing import Any

from autonas.reporting.callback import SearchCallback
from autonas.trials.states import Stage, Status

#: Longest value of a parameter, and largest number of parameters in a call.
_LONGEST, _MAX_PARAMETERS = 500, 100


class MLflowCallback(SearchCallback):
    """Search callback that writes a run of MLflow for the search, and a nested run for every trial.

    The run of a trial has its hyperparameters as parameters, and its metrics by epoch. The run of the search has the
    arguments of the estimator that differ from their defaults, and the best score by trial. A search that is continued
    writes new runs. Requires MLflow: `pip install 'autonas[mlflow]'`.

    ```python
    import autonas

    callback = autonas.reporting.MLflowCallback(experiment="irises")
    model = autonas.AutoModel(max_trials=10, callbacks=[callback])
    ```

    Args:
        experiment: Name of the experiment, which is created if it doesn't exist. Defaults to `"autonas"`.
        tracking_uri: Address or folder of the tracking store. Defaults to `None`: the store that MLflow is set to.
    """

    def __init__(self, experiment: str = "autonas", tracking_uri: str | None = None) -> None:
        self.experiment = experiment
        self.tracking_uri = tracking_uri

    def check(self) -> None:
        try:
            import mlflow  # noqa: F401
        except ImportError as error:
            raise ImportError("MLflowCallback needs MLflow: pip install 'autonas[mlflow]'") from error

    def on_search_begin(self, search: Any) -> None:
        import mlflow

        # The client, not the functions of MLflow: these know one active run, and trials may run side by side.
        self._client, self._entities = mlflow.MlflowClient(self.tracking_uri), mlflow.entities
        experiment = self._client.get_experiment_by_name(self.experiment)
        self._experiment_id = (
            self._client.create_experiment(self.experiment) if experiment is None else experiment.experiment_id
        )
        self._search = search
        #: Dict from a running trial to the id of its run.
        self._runs: dict[str, str] = {}
        self._run = self._begin(search.title or "search", search.settings)

    def on_trial_begin(self, record: Any) -> None:
        if record.stage in (Stage.SEARCH, Stage.FINAL, Stage.INFEASIBLE):
            self._runs[record.trial_id] = self._begin(
                record.trial_id, record.values, {"mlflow.parentRunId": self._run, "stage": str(record.stage)}
            )

    def on_epoch_end(self, record: Any, epoch: int, metrics: dict[str, float]) -> None:
        if record.trial_id in self._runs:
            self._log(self._runs[record.trial_id], metrics, epoch)

    def on_trial_end(self, record: Any, best: Any) -> None:
        run = self._runs.pop(record.trial_id, None)
        if run is None:
            return
        scores = {} if record.score is None else {"score": record.score}
        self._log(run, {**record.metrics, **scores, "seconds": record.seconds}, record.epochs)
        self._client.set_tag(run, "status", str(record.status))
        if record.message:
            self._client.set_tag(run, "message", record.message)
        self._client.set_terminated(run, "FAILED" if record.status == Status.FAILED else "FINISHED")
        if best is not None and best.score is not None:
            self._log(self._run, {f"best_{self._search.objective}": best.score}, record.number)

    def on_search_end(self, records: Any, stop_reason: str) -> None:
        for run in self._runs.values():
            self._client.set_terminated(run, "KILLED")
        self._client.set_tag(self._run, "stop_reason", stop_reason)
        if self._search.served is not None:
            self._client.set_tag(self._run, "served", self._search.served)
        self._client.set_terminated(self._run, "FAILED" if stop_reason == "error" else "FINISHED")

    def _begin(self, name: str, parameters: dict[str, Any], tags: dict[str, str] | None = None) -> str:
        """Return the id of a new run."""
        run = self._client.create_run(self._experiment_id, tags=tags or {}, run_name=name).info.run_id
        items = [self._entities.Param(_name(name), str(value)[:_LONGEST]) for name, value in parameters.items()]
        for start in range(0, len(items), _MAX_PARAMETERS):
            self._client.log_batch(run, params=items[start : start + _MAX_PARAMETERS])
        return run

    def _log(self, run: str, numbers: dict[str, float], step: int) -> None:
        milliseconds = int(1000 * time.time())
        self._client.log_batch(
            run,
            metrics=[
                self._entities.Metric(_name(name), float(value), milliseconds, step) for name, value in numbers.items()
            ],
        )


def _name(name: str) -> str:
    """Return a name of the characters that MLflow allows."""
    return "".join(letter if letter.isalnum() or letter in "_-. /" else "_" for letter in name)
