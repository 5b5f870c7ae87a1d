"""The journal: what was written stands, whatever happens to the process, the disk or the file."""

import json
import os
import pathlib
import resource
import zlib

import pytest

from autonas.trials import journal

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


def test_an_interrupt_after_a_line_was_written_damages_nothing(written, monkeypatch):
    def interrupt(file):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(written._flusher, "begin", interrupt)
        with pytest.raises(KeyboardInterrupt):
            written.append({"event": "ended"})  # The line is in the file, but the number of lines isn't counted yet.
    written.append(EVENTS[0])
    assert journal.Journal(written.path).read() == [*EVENTS, {"event": "ended"}, EVENTS[0]]


def test_a_path_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="can't be written: .* same `directory`.*journal.jsonl"):
        journal.Journal(tmp_path / "file" / "journal.jsonl").append(EVENTS[0])


def test_each_line_has_its_number_and_a_checksum_of_the_rest(written):
    for number, line in enumerate(pathlib.Path(written.path).read_text().splitlines(), 1):
        content, _, checksum = line.rpartition(', "crc": "')
        assert json.loads(line)["n"] == number
        assert checksum == f'{zlib.crc32(content.encode()):08x}"}}'


def test_no_flipped_bit_is_read_as_something_else(tmp_path):
    written = journal.Journal(tmp_path / "journal.jsonl")
    written.append({"event": "created", "trial_id": "0000", "values": {"units": 32, "a": "JJJ"}})
    written.append({"event": "ended", "trial_id": "0000", "score": 0.12345 / 7, "message": "ü"})
    path, expected = pathlib.Path(written.path), written.read()
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        number = whole[: bit // 8].count(b"\n") + 1
        with pytest.raises(ValueError, match=rf"Line ({number}|{number + 1}) of [123] of the journal .* is damaged"):
            journal.Journal(path).read()
    path.write_bytes(whole)
    assert journal.Journal(path).read() == expected


def test_a_journal_that_is_cut_off_anywhere_holds_the_events_before(written):
    path = pathlib.Path(written.path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert journal.Journal(path).read() == EVENTS[: whole[:length].count(b"\n")]


@pytest.mark.parametrize(
    "change, line, reason",
    [
        (lambda lines: [lines[0], *lines[2:]], 2, "written as line 3: lines are lost, doubled or out of order"),
        (lambda lines: [lines[0], lines[1], *lines[1:]], 3, "written as line 2"),
        (lambda lines: [lines[0], lines[2], lines[1]], 2, "written as line 3"),
        (lambda lines: [lines[0], lines[1].replace(b"1,", b"2,", 1), lines[2]], 2, "its checksum is wrong"),
        (lambda lines: [lines[0], b'{"event": "epoch", "epoch": 1}\n', lines[2]], 2, "its checksum is missing"),
        (lambda lines: [lines[0], b"[1]\n", lines[2]], 2, "isn't a JSON object"),
    ],
    ids=["lost", "doubled", "swapped", "changed", "unsealed", "list"],
)
def test_a_line_that_is_not_as_it_was_written_is_named(written, change, line, reason):
    path = pathlib.Path(written.path)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"Line {line} of .*{reason}"):
        journal.Journal(path).read()
    with pytest.raises(ValueError, match=f"Line {line} of .*{reason}"):
        journal.Journal(path).append(EVENTS[0])
    assert path.read_bytes() == before


def test_a_journal_without_checksums_is_read_and_goes_on_with_checksums(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    assert journal.Journal(path).read() == EVENTS
    journal.Journal(path).append(EVENTS[0])
    journal.Journal(path).append(EVENTS[2])
    assert journal.Journal(path).read() == [*EVENTS, EVENTS[0], EVENTS[2]]
    lines = path.read_text().splitlines()
    assert lines[:3] == [json.dumps(event) for event in EVENTS] and json.loads(lines[3])["n"] == 4
    path.write_text(path.read_text().replace('"crc"', '"brc"', 1))
    with pytest.raises(ValueError, match="Line 4 of 5 .*its checksum is missing"):
        journal.Journal(path).read()


def test_the_end_of_a_trial_is_flushed_to_disk(tmp_path, monkeypatch):
    synced, fsync = [], os.fsync

    def spied(descriptor):
        fsync(descriptor)
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", spied)
    written = journal.Journal(tmp_path / "run" / "journal.jsonl")
    counts = []
    for kind in ("search", "created", "epoch", "ended", "ensemble", "final"):
        written.append({"event": kind})
        counts.append(synced.count(os.stat(written.path).st_ino))
    assert counts[:3] == [1, 1, 1] and counts[4:] == [3, 4] and synced[0] == os.stat(tmp_path / "run").st_ino


def test_a_flush_that_fails_is_an_error_at_the_next_event(tmp_path, monkeypatch):
    written = journal.Journal(tmp_path / "journal.jsonl")
    written.append({"event": "search"})
    monkeypatch.setattr(os, "fsync", lambda descriptor: os.stat(tmp_path / "missing"))
    written.append({"event": "ended"})
    with pytest.raises(OSError, match="The journal of the search can't be written"):
        written.append({"event": "ended"})


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "theirs").write_text("theirs")
    os.symlink(tmp_path / "theirs", tmp_path / "journal.jsonl")
    with pytest.raises(OSError, match="journal.jsonl"):
        journal.Journal(tmp_path / "journal.jsonl").read()
    with pytest.raises(OSError, match="journal.jsonl"):
        journal.Journal(tmp_path / "journal.jsonl").append(EVENTS[0])
    assert (tmp_path / "theirs").read_text() == "theirs"
