"""Reporting never ends a search."""

import warnings

import pytest

from autonas.reporting import SearchCallback, SearchCallbackList, SearchInfo, TrialRecord


class Recording(SearchCallback):
    def __init__(self):
        self.calls = []

    def on_search_begin(self, search):
        self.calls.append(("begin", search.objective))

    def on_epoch_end(self, record, epoch, metrics):
        self.calls.append(("epoch", record.number, epoch, metrics))

    def on_trial_end(self, record, best):
        self.calls.append(("trial", record.number, best.number))

    def on_search_numbers(self, record, numbers):
        self.calls.append(("strategy", record.number, numbers))

    def on_search_end(self, records, stop_reason):
        self.calls.append(("end", len(records), stop_reason))


class Failing(SearchCallback):
    def on_trial_begin(self, record):
        raise OSError("disk\nfull")


def call_hooks(callback, record, best):
    callback.on_search_begin(SearchInfo("val_loss", "min"))
    callback.on_trial_begin(record)
    callback.on_epoch_end(record, 1, {"loss": 1.0})
    callback.on_trial_end(record, best)
    callback.on_search_numbers(record, {"rank_correlation": 0.5})
    callback.on_search_end([record], "max_trials")


def test_the_base_class_does_nothing_at_every_hook():
    call_hooks(SearchCallback(), TrialRecord("0", 0), None)


def test_the_list_forwards_every_hook():
    reporters = [Recording(), Recording()]
    both = SearchCallbackList(reporters)
    record = TrialRecord("7", 7)
    call_hooks(both, record, record)
    expected = [
        ("begin", "val_loss"),
        ("epoch", 7, 1, {"loss": 1.0}),
        ("trial", 7, 7),
        ("strategy", 7, {"rank_correlation": 0.5}),
        ("end", 1, "max_trials"),
    ]
    assert [reporter.calls for reporter in reporters] == [expected, expected]


def test_a_reporter_that_raises_is_warned_about_once_and_dropped():
    healthy = Recording()
    both = SearchCallbackList([Failing(), healthy])
    record = TrialRecord("0", 0)
    with pytest.warns(RuntimeWarning, match=r"^Failing failed in `on_trial_begin`.*OSError: disk full$"):
        both.on_trial_begin(record)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both.on_trial_begin(record)
        both.on_trial_end(record, record)
    assert healthy.calls == [("trial", 0, 0)]


def test_a_reporter_that_was_dropped_is_closed_at_the_end_of_the_search():
    class Log(Failing):
        ends = ()

        def on_search_end(self, records, stop_reason):
            self.ends += (stop_reason,)
            raise OSError

    log, healthy = Log(), Recording()
    both = SearchCallbackList([log, healthy])
    with pytest.warns(RuntimeWarning):
        both.on_trial_begin(TrialRecord("0", 0))
    both.on_search_end([], "max_trials")
    assert log.ends == ("max_trials",) and healthy.calls == [("end", 0, "max_trials")]


def test_an_interrupt_passes_through():
    class Interrupted(SearchCallback):
        def on_trial_begin(self, record):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SearchCallbackList([Interrupted()]).on_trial_begin(TrialRecord("0", 0))
