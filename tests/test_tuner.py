"""The loop of a search, with an evaluator that only pretends to train."""

import os
import signal

import keras
import keras_tuner
import pytest

from autonas import oracles, tuner
from autonas.evaluation import budget, evaluator
from autonas.execution import serial
from autonas.oracles import base
from autonas.reporting import Reporter, SearchInfo
from autonas.testing import oracles as contracts


class Pretender:
    """Scores architectures by a formula; keeps a tiny model as the best."""

    def __init__(self, outcome):
        self.outcome = outcome
        self.best = None

    def evaluate(self, job):
        outcome = self.outcome(job)
        if outcome.status == "completed":
            inputs = keras.Input((1,), name="x")
            model = keras.Model({"x": inputs}, {"y": keras.layers.Dense(1)(inputs)})
            self.best = evaluator._Trained(job.trial_id, model, None, [], model.get_weights(), 0.1)
        return outcome

    def is_better(self, scores, other):
        return scores["score"] > other["score"]

    def remember(self, scores):
        pass


def completed(job):
    return evaluator.Outcome("completed", {"score": float(job.number)}, [{"loss": 1.0}], 1, 1, 1, 8, 10, 0.1)


def failed(job):
    return evaluator.Outcome("failed", message="RuntimeError: no")


@pytest.fixture
def make(tmp_path):
    def build(outcome=completed, oracle=None, max_trials=None, reporter=None, limit=None, **arguments):
        oracle = oracle or oracles.RandomOracle(seed=0)
        oracle.objective = keras_tuner.Objective("score", "max")
        oracle.hyperparameters, oracle.max_trials = contracts.conditional_space(), max_trials
        pretender = Pretender(outcome)
        executor = serial.SerialExecutor(pretender.evaluate)
        search = tuner.Tuner(
            oracle, lambda hp: None, pretender, executor, reporter or Reporter(), budget.TimeBudget(limit, 0.0, 0.0),
            tmp_path / "run", **arguments,
        )  # fmt: skip
        oracle.open()
        return search

    return build


def test_trials_are_counted_with_their_failures(make):
    search = make(lambda job: (failed if job.number % 2 else completed)(job), max_trials=7)
    best = search.search()
    assert len(search.records) == 7 and search.stop_reason == "max_trials"
    assert best.trial_id == "0006" and best.score == 6.0
    assert [record.status for record in search.records.values()] == ["completed", "failed"] * 3 + ["completed"]
    assert search.records["0001"].message == "RuntimeError: no"


def test_a_score_that_is_not_finite_is_a_failure(make):
    def outcome(job):
        result = completed(job)
        return evaluator.Outcome("completed", {"score": float("nan")}) if job.number == 1 else result

    search = make(outcome, max_trials=3)
    search.search()
    assert search.records["0001"].status == "failed" and "score is nan" in search.records["0001"].message


def test_a_search_without_max_trials_in_which_all_fails_is_given_up(make):
    search = make(failed)
    with pytest.raises(tuner.SearchFailed, match="None of 20 trials.*failures.*RuntimeError: no"):
        search.search()


def test_patience_counts_trials_since_the_best(make):
    search = make(lambda job: evaluator.Outcome("completed", {"score": -abs(job.number - 3.0)}), patience=4)
    assert search.search().trial_id == "0003"
    assert search.stop_reason == "patience" and len(search.records) == 8


def test_an_oracle_that_waits_for_nothing_does_not_wait_for_ever(make):
    class Waiting(oracles.RandomOracle):
        def ask(self):
            return base.WAIT if self._asked == 2 else super().ask()

    search = make(oracle=Waiting(seed=0))
    search.search()
    assert search.stop_reason == "space_exhausted" and len(search.records) == 2


def test_weights_of_the_best_only_are_on_disk(make):
    search = make(max_trials=5)
    search.search()
    assert os.listdir(os.path.dirname(search.weights_path("0004"))) == ["0004.weights.h5"]


def test_ctrl_c_while_the_books_are_written_waits_until_they_are(make):
    class Interrupting(Reporter):
        def on_trial_end(self, record, best):
            if record.number == 1:
                os.kill(os.getpid(), signal.SIGINT)
                self.went_on = True

    reporter = Interrupting()
    search = make(max_trials=5, reporter=reporter)
    best = search.search()
    assert reporter.went_on and search.stop_reason == "interrupted"
    assert best.trial_id == "0001" and best.score == 1.0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert [event["event"] for event in search.oracle.journal.read()].count("ended") == 2


def test_the_search_info_is_reported_and_the_end_too_when_all_fails(make):
    class Recording(Reporter):
        seen = ()

        def on_search_begin(self, search):
            self.seen += ("begin",)

        def on_search_end(self, records, stop_reason):
            self.seen += (stop_reason,)

    reporter = Recording()
    with pytest.raises(tuner.SearchFailed):
        make(failed, max_trials=2, reporter=reporter).run(SearchInfo("score", "max"), refit=False)
    assert reporter.seen == ("begin", "max_trials")
