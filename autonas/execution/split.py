"""Executor that runs some jobs in this process and all others on another executor."""

from autonas.execution import base, inline


class SplitExecutor(base.Executor):
    """Executor that runs selected jobs in the driver's thread, and all others on another executor.

    A job in the driver's thread waits until all jobs on the other executor have ended, since the other executor isn't
    supervised while the job runs.

    ```python
    executor = autonas.execution.SplitExecutor(
        autonas.execution.ProcessExecutor(n_workers=2), runs_here=lambda job: job.trial_id == "0000"
    )
    ```

    Args:
        executor: `Executor` of the other jobs, not started.
        runs_here: Function of a job that returns whether the job runs in the driver's thread.
    """

    def __init__(self, executor, runs_here):
        self._elsewhere, self._here = executor, inline.InlineExecutor()
        self._runs_here = runs_here
        self._n_elsewhere = 0

    @property
    def slots(self):
        return self._elsewhere.slots

    @property
    def gpus_per_trial(self):
        return self._elsewhere.gpus_per_trial

    def start(self, evaluate, on_report=None):
        self._here.start(evaluate, on_report)
        self._elsewhere.start(evaluate, on_report)

    def submit(self, job):
        if self._runs_here(job):
            self._here.submit(job)
        else:
            self._elsewhere.submit(job)
            self._n_elsewhere += 1

    def wait(self):
        if self._n_elsewhere == 0:
            return self._here.wait()
        events = self._elsewhere.wait()
        self._n_elsewhere -= sum(not isinstance(event, base.Retried) for event in events)
        return events

    def close(self):
        self._here.close()
        self._elsewhere.close()
