"""Execution of some jobs in this process, and of all others elsewhere."""

from autonas.execution import base, inline


class SplitExecutor(base.Executor):
    """Runs jobs of one kind in the driver's thread, and all others on another executor.

    Jobs that run in this process wait until no job is under way elsewhere: while one runs, nobody looks after the
    others.

    Args:
        executor: The `Executor` of the other jobs, not started.
        runs_here: Function of a job that returns whether the job runs in this process.
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
