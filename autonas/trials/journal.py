"""The journal: a file to which every event of a search is appended as a line."""

import json
import os
import re
import zlib
from typing import Any, NoReturn

from autonas import storage

#: Name of the file in a run's folder.
NAME = "journal.jsonl"
#: Kinds of events that are flushed to disk, in the background (`"begin"`) or before `append` returns (`"wait"`).
_FLUSHED = {"ended": "begin", "search": "wait", "ensemble": "wait", "final": "wait"}
#: End of a line: the number of the line, from 1, and the CRC-32 of the text before the checksum.
_SEAL = re.compile(rb'(\{.*), "n": ([0-9]+), "crc": "([0-9a-f]{8})"\}', re.DOTALL)


class Journal:
    """A file of JSON lines that only grows.

    A line has a running number, `"n"`, and a checksum, `"crc"`. Lines of earlier versions of autonas lack both, and may
    precede the other lines.

    A process can be killed at any moment: an unfinished last line is ignored, and removed by the first `append`.

    Args:
        path: Path of the file, which the first `append` creates.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = str(path)
        self._n_lines: int | None = None
        self._flusher = storage.Flusher()

    def exists(self) -> bool:
        return os.path.exists(self.path)

    def read(self) -> list[dict[str, Any]]:
        """Return the entries of all events, a list of dicts in the order in which the events happened.

        Raises:
            ValueError: If a line is damaged, lost, doubled or out of order.
        """
        lines, unfinished = self._lines()
        events, is_sealed = [], False
        for number, line in enumerate(lines, 1):
            try:
                event, is_sealed = _unsealed(line, number, is_sealed)
            except ValueError as error:
                self._refuse(number, len(lines), error)
            events.append(event)
        if _goes_beyond_its_end(unfinished):
            self._refuse(len(lines) + 1, len(lines) + 1, "it doesn't end with a line break")
        return events

    def append(self, event: dict[str, Any]) -> None:
        """Append the entry of an event, as from `events.Event.to_json`.

        When the method returns, the beginning of a search, the ensemble and the final fit are on disk. The end of a
        trial is flushed to disk in the background.

        Args:
            event: A JSON-like dict.

        Raises:
            OSError: If the file can't be written.
            ValueError: By the first call, if the file is damaged; see `read`.
        """
        try:
            if self._n_lines is None:
                self._n_lines = self._open()
            with open(self.path, "ab", opener=storage.open_without_links) as file:
                file.write(_sealed(event, self._n_lines + 1))
                file.flush()
                if event["event"] in _FLUSHED:
                    self._flusher.begin(file)
                if _FLUSHED.get(event["event"]) == "wait":
                    self._flusher.wait()
            self._n_lines += 1
        except BaseException as error:
            self._n_lines = None  # An interrupt may come before or after the line is in the file.
            if not isinstance(error, OSError):
                raise
            raise OSError(
                error.errno,
                f"The journal of the search can't be written: {error.strerror}. What has ended is kept; once this is "
                "mended, fitting again with the same `directory` goes on from there",
                self.path,
            ) from error

    def _open(self) -> int:
        """Create the file or remove its unfinished line. Return the number of lines."""
        if not self.exists():
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            with open(self.path, "xb"):
                pass
            storage.sync_folder(os.path.dirname(self.path))
        n_lines = len(self.read())
        _, unfinished = self._lines()
        if unfinished:
            with open(self.path, "rb+", opener=storage.open_without_links) as file:
                file.truncate(os.path.getsize(self.path) - len(unfinished))
        return n_lines

    def _lines(self) -> tuple[list[bytes], bytes]:
        """Return the finished lines, and the beginning of an unfinished line."""
        if not self.exists():
            return [], b""
        with open(self.path, "rb", opener=storage.open_without_links) as file:
            *lines, unfinished = file.read().split(b"\n")
        return lines, unfinished

    def _refuse(self, number: int, n_lines: int, reason: object) -> NoReturn:
        raise ValueError(
            f"Line {number} of {n_lines} of the journal {self.path!r} is damaged ({reason}). Nothing was changed. "
            "Restore the file, or delete this line and all after it: the search goes on from there."
        ) from None


def _sealed(event: dict[str, Any], number: int) -> bytes:
    """Return the line of an event."""
    content = f'{json.dumps(event)[:-1]}, "n": {number}'.encode()
    return content + f', "crc": "{zlib.crc32(content):08x}"}}\n'.encode()


def _unsealed(line: bytes, number: int, must_be_sealed: bool) -> tuple[dict[str, Any], bool]:
    """Return the event of a line, and whether the line has a number and a checksum."""
    seal = _SEAL.fullmatch(line)
    if seal is None:
        event = _parsed(line)
        if must_be_sealed or event.keys() & {"n", "crc"}:
            raise ValueError("its number or its checksum is missing")
        return event, False
    content, written_number, checksum = seal.groups()
    if zlib.crc32(line[: seal.end(2)]) != int(checksum, 16):
        raise ValueError("its checksum is wrong")
    if int(written_number) != number:
        raise ValueError(f"it was written as line {int(written_number)}: lines are lost, doubled or out of order")
    return _parsed(content + b"}"), True


def _parsed(content: bytes) -> dict[str, Any]:
    event = json.loads(content.decode())
    if not isinstance(event, dict):
        raise ValueError("it isn't a JSON object")
    return event


def _goes_beyond_its_end(unfinished: bytes) -> bool:
    """Return whether text follows the event of an unfinished line: then the line break itself is damaged."""
    try:
        _, end = json.JSONDecoder().raw_decode(unfinished.decode("latin-1"))
    except ValueError:
        return False
    return end < len(unfinished)
