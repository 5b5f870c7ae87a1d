"""The events of a journal: what no search writes is refused by its line."""

import pytest

from autonas.trials import events, journal
from autonas.trials.states import Status

ENDED = {
    "event": "ended", "trial_id": "0000", "values": {"units": 3}, "status": "COMPLETED", "score": 0.5, "best_step": 1,
    "metrics": {"val_loss": 0.5}, "message": "", "seconds": 1.5, "epochs": 2,
}  # fmt: skip
EVENTS = [
    {"event": "search", "version": 1, "seed": 3, "data": {}},
    {"event": "space", "added": [{"class_name": "Int", "config": {}}]},
    {"event": "created", "trial_id": "0000", "values": {"units": 3, "tuner/trial_id": ""}},
    {"event": "epoch", "trial_id": "0000", "epoch": 1, "numbers": {"loss": 0.25}},
    ENDED,
    {"event": "created", "trial_id": "0001", "values": {"units": 4, "tuner/trial_id": "0000"}},
    {"event": "baseline", "record": {"stage": "baseline"}},
    {"event": "final", "of": "0000", "record": {"trial_id": "final", "stage": "final"}},
]


def test_the_events_of_a_search_pass():
    events.check(EVENTS, "journal.jsonl")
    events.check([*EVENTS[:-1], EVENTS[-1] | {"of": "infeasible"}], "journal.jsonl")


@pytest.mark.parametrize(
    "line, change, reason",
    [
        (1, {"version": 99}, "`version` is 99 instead of 1"),
        (1, {"seed": "0"}, "`search.seed` must be of type int. Received: '0'"),
        (2, {"added": [{"class_name": "Popen", "config": {}}]}, r"`space.added\[0\].class_name` must be"),
        (2, {"added": [{"class_name": "Int", "module": "os", "config": {}}]}, r"`space.added\[0\]` has the unknown"),
        (3, {"event": "import"}, "the kind of event 'import' is unknown"),
        (3, {"event": ["created"]}, "is unknown"),
        (3, {"trial_id": "../../x"}, "a trial is named '../../x'"),
        (3, {"values": {"units": {"class_name": "x"}}}, "`created.values.units` must be"),
        (3, {"values": {"tuner/stage": "../../x"}}, "'tuner/stage' is '../../x'"),
        (4, {"trial_id": "0007"}, "there is no running trial '0007'"),
        (4, {"numbers": {"loss": "0"}}, "`epoch.numbers.loss` must be"),
        (5, {"status": "STOPPED"}, "'status' is 'STOPPED'"),
        (5, {"score": "0.9"}, "`ended.score` must be"),
        (5, {"score": True}, "`ended.score` must be"),
        (5, {"metrics": [1]}, "`ended.metrics` must be a dict"),
        (5, {"seconds": "1"}, "`ended.seconds` must be of type float"),
        (6, {"values": {"tuner/trial_id": "../../x"}}, "'tuner/trial_id' is '../../x'"),
        (7, {"record": {"stage": "../../x"}}, "isn't of stage 'baseline'"),
        (8, {"of": "0001"}, "there is no trial '0001' that has ended"),
        (8, {"record": {"trial_id": "final", "stage": "../../x"}}, "isn't of stage 'final'"),
    ],
)  # fmt: skip
def test_an_event_that_no_search_writes_is_refused_by_its_line(line, change, reason):
    changed = [*EVENTS[: line - 1], EVENTS[line - 1] | change, *EVENTS[line:]]
    with pytest.raises(ValueError, match=f"Line {line} of the journal 'run/journal.jsonl' can't be .*{reason}"):
        events.check(changed, "run/journal.jsonl")


def test_an_event_that_lacks_a_value_is_refused():
    for line, event in enumerate(EVENTS[1:], 2):
        for name in event.keys() - {"event", *(event if event is ENDED else ())} | {"trial_id"} & event.keys():
            changed = [*EVENTS[: line - 1], {key: event[key] for key in event if key != name}, *EVENTS[line:]]
            with pytest.raises(ValueError, match=f"Line {line} .*(lacks '{name}'|`{name}` is None)"):
                events.check(changed, "journal.jsonl")


def test_events_are_read_as_they_were_written(tmp_path):
    written = [
        events.Search(3, further={"data": {}}),
        events.Created("0000", {"units": 3}),
        events.Epoch("0000", 1, {"loss": 0.25}),
        events.Ended("0000", {"units": 3}, "COMPLETED", 0.5, 1, {"loss": 0.25}, "", {"epochs": 1}),
        events.Final("0000", {"stage": "final"}, "checksum"),
    ]
    file = journal.Journal(tmp_path / "journal.jsonl")
    for event in written:
        file.append(event.to_json())
    assert events.read(journal.Journal(file.path)) == written
    events.check(file.read(), file.path)


def test_a_final_fit_of_an_earlier_version_has_no_checksum():
    entry = {"event": "final", "of": "0000", "record": {}, "n": 7}
    assert events.Final.from_json(entry) == events.Final("0000", {}, weights=None)


@pytest.mark.parametrize(
    ("status", "margins", "result"),
    [
        ("COMPLETED", [0.5], Status.COMPLETED),
        ("FAILED", [0.5, None], Status.FAILED),
        ("FAILED", [0.5, -0.1], Status.REFUSED),
        ("FAILED", None, Status.FAILED),
    ],
)
def test_a_failed_trial_beyond_a_limit_was_refused(status, margins, result):
    facts = {"margins": margins, "costs": {"params": 9.0}, "epochs": 2, "unknown": 1}
    ended = events.Ended("0000", {}, status, None, None, {}, None, facts).result([{"loss": 1.0}])
    assert (ended.status, ended.metrics, ended.epochs, ended.message) == (result, {"params": 9.0}, 2, "")
    assert ended.history == [{"loss": 1.0}]
