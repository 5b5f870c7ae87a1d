"""Execution in this process: one trial at a time."""


class SerialExecutor:
    """Runs a job when it is submitted.

    Args:
        evaluate: Function from a job to its outcome.
    """

    #: Number of jobs that can be under way at once.
    slots = 1

    def __init__(self, evaluate):
        self.evaluate = evaluate
        self._finished = []

    def submit(self, job):
        """Takes a job on."""
        self._finished.append((job, self.evaluate(job)))

    def wait(self):
        """Waits until at least one job has ended; returns pairs of job and outcome."""
        finished, self._finished = self._finished, []
        return finished
