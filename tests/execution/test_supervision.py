"""Supervision of workers, with workers that only pretend to run."""

import itertools
import pickle

from autonas import execution
from autonas.execution import supervision
from autonas.trials.job import Job


class Pretender(supervision.Worker):
    def __init__(self, accepts):
        super().__init__()
        self.accepts = accepts

    def send(self, content):
        return self.accepts

    def kill(self):
        return "the worker was lost"


class Pretending(supervision.SupervisedExecutor):
    """Executor with one worker at a time, of which the first ones lose their connection as they receive a job."""

    slots = 1

    def __init__(self, n_lost):
        super().__init__(grace=0.0)
        self.accepting = itertools.chain([False] * n_lost, itertools.repeat(True))

    def _distribute(self, evaluate):
        pass

    def _adjust(self):
        if not self._workers:
            self._workers.append(Pretender(next(self.accepting)))

    def _received(self, seconds):
        assert self._workers, "without a worker, waiting would never end"
        for worker in self._workers:
            yield (worker, "ended", pickle.dumps("done")) if worker.is_ready else (worker, "ready", b"")


def test_a_worker_that_is_lost_as_it_receives_a_job_is_replaced_before_the_executor_waits():
    executor = Pretending(n_lost=2)
    executor.start(None)
    executor.submit(job := Job("0000", 0, {}))
    assert executor.wait() == [execution.Ended(job, "done")]
