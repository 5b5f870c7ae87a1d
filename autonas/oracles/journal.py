"""The journal: every event of a search as one appended line, so that nothing finished is lost."""

import json
import os


class Journal:
    """A file of JSON lines that only grows.

    A process can be killed at any moment: the line it was writing is cut off when the journal is opened again, and
    all lines before it stand.

    Args:
        path: The file. It is created by the first `append`.
    """

    def __init__(self, path):
        self.path = str(path)
        self._checked = False

    def exists(self):
        return os.path.exists(self.path)

    def read(self):
        """All events, a list of dicts in the order in which they happened.

        Raises:
            ValueError: If a line but the last is damaged.
        """
        if not self.exists():
            return []
        with open(self.path, "rb") as file:
            lines = file.read().split(b"\n")[:-1]
        events = []
        for number, line in enumerate(lines, 1):
            try:
                events.append(json.loads(line))
            except ValueError as error:
                raise ValueError(
                    f"Line {number} of {len(lines)} of the journal {self.path!r} is damaged ({error}). Nothing was "
                    "changed. Restore the file, or delete this line and all after it: the search goes on from there."
                ) from error
        return events

    def append(self, event):
        """Adds an event, a JSON-like dict, and hands it to the operating system.

        Raises:
            OSError: If it can't be written.
        """
        try:
            if not self._checked:
                os.makedirs(os.path.dirname(self.path), exist_ok=True)
                self._cut_unfinished_line()
                self._checked = True
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
        except OSError as error:
            self._checked = False
            raise OSError(
                error.errno,
                f"The journal of the search can't be written: {error.strerror}. What has ended is kept; once this is "
                "mended, fitting again with the same `directory` goes on from there",
                self.path,
            ) from error

    def _cut_unfinished_line(self):
        if not self.exists():
            return
        with open(self.path, "rb+") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
