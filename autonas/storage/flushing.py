"""Flushing of a file to disk in the background."""

import os
import threading
from typing import IO, Any


class Flusher:
    """Background thread that flushes a file to disk, so that the writer doesn't wait for the flush."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def begin(self, file: IO[Any]) -> None:
        """Start to flush the current content of `file`, after the previous flush has ended.

        Raises:
            OSError: If the previous flush has failed.
        """
        self.wait()
        self._thread = threading.Thread(target=self._flush, args=(os.dup(file.fileno()),), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the content written before the last `begin` is on disk.

        Raises:
            OSError: If the flush has failed.
        """
        if self._thread is not None:
            self._thread.join()
        self._thread, error, self._error = None, self._error, None
        if error is not None:
            raise error

    def _flush(self, descriptor: int) -> None:
        try:
            os.fsync(descriptor)
        except OSError as error:
            self._error = error
        finally:
            os.close(descriptor)
