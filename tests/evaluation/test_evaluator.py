"""A trial that continues other trials trains them first if their checkpoint is missing."""

import types

import pytest

import autonas
from autonas.evaluation import attempt, evaluator
from autonas.trials import job as jobs
from autonas.trials.states import Status


@pytest.fixture
def judge():
    judge = evaluator.Evaluator.__new__(evaluator.Evaluator)
    judge.problem = types.SimpleNamespace(graph=types.SimpleNamespace(optimization=autonas.Optimization()))
    return judge


@pytest.mark.parametrize("status", ["completed", "failed", "refused"])
def test_a_trial_continues_its_earlier_trials_and_ends_as_they_do_if_they_are_not_completed(judge, monkeypatch, status):
    trained = []

    class Attempt:
        def __init__(self, context, job, batch_size):
            self.job = job

        def run(self, on_epoch, on_checkpoint):
            trained.append(self.job)
            is_last = self.job.values["rung"] == 1
            checkpoint = types.SimpleNamespace(progress={"batch_size": 8}) if status == "completed" else None
            return jobs.Outcome(status=Status.COMPLETED if is_last else Status(status), checkpoint=checkpoint)

    monkeypatch.setattr(attempt, "Attempt", Attempt)
    training = jobs.ScheduledTraining([{"rung": 0}], stopper=lambda history: "stop")
    outcome = judge._evaluate_candidate(jobs.Job("0001", 0, {"rung": 1}, training=training), None, None)
    assert outcome.status == status
    assert [job.values["rung"] for job in trained] == ([0, 1] if status == "completed" else [0])
    assert trained[0].training.stopper is None
