"""Some jobs run in this process, the others on another executor."""

import os

from autonas.execution import inline, process, split
from autonas.testing import executors


def is_stage(job):
    return job.what == "stage"


class TestSplitExecutorWithoutJobsOfItsOwn(executors.ExecutorContract):
    isolates = False

    def make(self, n_workers, grace):
        return split.SplitExecutor(inline.InlineExecutor(), is_stage)


def pid(job, report):
    report("began")
    return os.getpid()


def test_jobs_of_one_kind_run_in_this_process_once_no_other_is_under_way():
    told = []
    executor = split.SplitExecutor(process.ProcessExecutor(2), is_stage)
    with executor:
        executor.start(pid, lambda job, event: told.append((job.trial_id, event)))
        assert executor.slots == 2 and executor.gpus_per_trial == 1
        for job in (executors.Job("first", "stage"), executors.Job("second"), executors.Job("third")):
            executor.submit(job)
        ended = []
        while events := executor.wait():
            ended += events
    assert [event.job.trial_id for event in ended][-1] == "first" and len(ended) == 3
    assert [event.outcome == os.getpid() for event in ended] == [False, False, True]
    assert sorted(told) == [("first", "began"), ("second", "began"), ("third", "began")]
