"""The logger `autonas`."""

import logging

from autonas.reporting import SearchInfo, TrialRecord
from autonas.reporting.log import LoggingReporter
from autonas.trials.states import Status


def logged(caplog, level):
    caplog.set_level(level, logger="autonas")
    reporter = LoggingReporter()
    reporter.on_search_begin(SearchInfo("val_loss", "min", max_trials=2, directory="run"))
    record = TrialRecord("0000", 0, values={"units": 8})
    reporter.on_trial_begin(record)
    reporter.on_epoch_end(record, 1, {"loss": 0.5})
    record.status, record.score = Status.COMPLETED, 0.25
    reporter.on_trial_end(record, record)
    reporter.on_trial_end(TrialRecord("0001", 1, status=Status.FAILED, message="out of memory"), record)
    reporter.on_search_end([record], "max_trials")
    return [(entry.levelname, entry.getMessage()) for entry in caplog.records if entry.name == "autonas"]


def test_trials_are_info_and_failures_are_warnings(caplog):
    begin, trial, failure, end = logged(caplog, logging.INFO)
    assert begin[0] == end[0] == "INFO" and "val_loss (min)" in begin[1] and "max_trials, 1 trials" in end[1]
    assert trial == ("INFO", "search 0000 completed with val_loss 0.25 (best 0.25)")
    assert failure == ("WARNING", "search 0001 failed (best 0.25): out of memory")


def test_epochs_are_debug(caplog):
    assert ("DEBUG", "search 0000, epoch 1: {'loss': 0.5}") in logged(caplog, logging.DEBUG)
    caplog.clear()
    assert not [entry for entry in logged(caplog, logging.INFO) if entry[0] == "DEBUG"]


def test_without_a_handler_of_the_application_nothing_is_printed():
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("autonas").handlers)
