"""Runs of Weights & Biases, by a stand-in for its client."""

import sys
import types

import pytest

import autonas
from autonas.reporting import SearchInfo, TrialRecord, WandbCallback
from autonas.trials.states import Stage, Status


class Run:
    def __init__(self):
        self.steps, self.summary, self.exit_code = [], {}, None

    def log(self, numbers):
        self.steps.append(numbers)

    def finish(self, exit_code):
        self.exit_code = exit_code


def test_each_candidate_is_a_step_with_its_score_and_hyperparameters(monkeypatch):
    run, asked = Run(), {}
    client = types.SimpleNamespace(init=lambda **arguments: asked.update(arguments) or run)
    monkeypatch.setitem(sys.modules, "wandb", client)
    callback = WandbCallback("irises", mode="offline")
    search = SearchInfo("val_loss", "min", settings={"max_trials": "1"})
    callback.on_search_begin(search)
    record = TrialRecord("0000", 0, values={"units": 8}, status=Status.COMPLETED, score=0.5)
    record.metrics = {"val_loss": 0.5}
    callback.on_trial_end(TrialRecord("constant", -1, Stage.BASELINE, score=0.9), None)
    callback.on_trial_end(record, record)
    search.served = "0000"
    callback.on_search_end([record], "max_trials")
    assert asked == {"project": "irises", "config": {"max_trials": "1"}, "mode": "offline"}
    (step,) = run.steps
    assert step["score"] == step["best_val_loss"] == step["val_loss"] == 0.5
    assert step["trial"] == 0 and step["hyperparameters/units"] == 8
    assert run.summary == {"stop_reason": "max_trials", "served": "0000"} and run.exit_code == 0


def test_a_missing_client_is_named_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ImportError, match=r"pip install 'autonas\[wandb\]'"):
        autonas.AutoModel(callbacks=[WandbCallback()]).fit([[0.0], [1.0]], [0, 1])
