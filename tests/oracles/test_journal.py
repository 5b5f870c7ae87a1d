"""The journal: what was written stands, whatever happens to the process, the disk or the file."""

import pathlib
import resource

import pytest

from autonas.oracles import journal

EVENTS = [{"event": "created", "trial_id": "0000"}, {"event": "epoch", "epoch": 1}, {"event": "ended"}]


@pytest.fixture
def written(tmp_path):
    made = journal.Journal(tmp_path / "run" / "journal.jsonl")
    for event in EVENTS:
        made.append(event)
    return made


def test_events_are_read_in_the_order_in_which_they_were_written(written):
    assert journal.Journal(written.path).read() == EVENTS


def test_a_line_that_was_cut_off_is_forgotten(written):
    with open(written.path, "a") as file:
        file.write('{"event": "cre')
    again = journal.Journal(written.path)
    assert again.read() == EVENTS
    again.append(EVENTS[0])
    assert again.read() == [*EVENTS, EVENTS[0]]


def test_a_damaged_line_is_an_error_that_names_it_and_changes_nothing(written):
    path = pathlib.Path(written.path)
    path.write_bytes(path.read_bytes().replace(b"epoch", b"ep\0\0h", 1))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"Line 2 of 3 of the journal '.*journal.jsonl' is damaged .* Restore"):
        journal.Journal(written.path).read()
    assert path.read_bytes() == before


def test_what_was_written_stands_when_there_is_no_room_for_more(written):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (pathlib.Path(written.path).stat().st_size + 10, hard))
    try:
        with pytest.raises(OSError, match="can't be written: File too large. What has ended is kept"):
            written.append({"event": "created", "trial_id": "0001"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.Journal(written.path).read() == EVENTS
    written.append(EVENTS[0])
    assert journal.Journal(written.path).read() == [*EVENTS, EVENTS[0]]


def test_a_path_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="can't be written: .* same `directory`.*journal.jsonl"):
        journal.Journal(tmp_path / "file" / "journal.jsonl").append(EVENTS[0])
