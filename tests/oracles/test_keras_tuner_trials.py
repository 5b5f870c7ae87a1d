"""Trials by number: the journal holds the space, so that a search goes on without declaring it."""

import copy

import keras_tuner
import pytest

from autonas import oracles
from autonas.trials import journal

TrialStatus = keras_tuner.engine.trial.TrialStatus


def space(largest=64, names=("units",)):
    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.Choice("kind", ["dense", "linear"])
    with hyperparameters.conditional_scope("kind", ["dense"]):
        for name in names:
            hyperparameters.Int(name, 8, largest)
    return hyperparameters


def opened(directory, hyperparameters=None, n_trials=0):
    """An oracle in a folder, after some more trials."""
    objective = keras_tuner.Objective("score", "max")
    oracle = oracles.EvolutionOracle(objective=objective, hyperparameters=hyperparameters, seed=0)
    oracle._set_project_dir(str(directory), "run")
    oracle.reload()
    for _ in range(n_trials):
        trial = oracle.create_trial("slot")
        oracle.update_trial(trial.trial_id, {"score": 1.0})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return oracle


def described(oracle):
    return [one.get_config() for one in oracle.hyperparameters.space]


def test_the_space_is_restored_from_the_journal(tmp_path):
    before = opened(tmp_path, space(), 3)
    after = opened(tmp_path)
    assert described(after) == described(before) and len(described(after)) == 2
    assert after.ask() == before.ask()


def test_hyperparameters_that_are_found_later_join_the_space_for_the_next_search_too(tmp_path):
    opened(tmp_path, space(), 3)
    grown = opened(tmp_path, space(names=("units", "layers")), 3)
    assert [one.name for one in grown.hyperparameters.space] == ["kind", "units", "layers"]
    assert described(opened(tmp_path)) == described(grown)


def test_another_domain_of_a_hyperparameter_is_refused_and_nothing_is_changed(tmp_path):
    opened(tmp_path, space(), 3)
    before = (tmp_path / "run" / "journal.jsonl").read_bytes()
    with pytest.raises(ValueError, match="has another space: hyperparameter 'units' is .*64.* Received: .*128"):
        opened(tmp_path, space(largest=128))
    assert (tmp_path / "run" / "journal.jsonl").read_bytes() == before


def test_a_journal_without_a_space_still_reads(tmp_path):
    before = opened(tmp_path, space(), 3)
    events = before.journal.read()
    (tmp_path / "run" / "journal.jsonl").unlink()
    without = journal.Journal(tmp_path / "run" / "journal.jsonl")
    for event in events:
        if event["event"] != "space":
            without.append(event)
    assert opened(tmp_path, space()).ask() == before.ask()


def test_a_copy_has_a_lock_of_its_own():
    oracle = oracles.EvolutionOracle(hyperparameters=space(), seed=0)
    with oracle.lock:
        other = copy.deepcopy(oracle)
    assert other.lock is not oracle.lock
    assert isinstance(other.ask(), dict)
