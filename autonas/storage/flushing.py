"""Flushing to disk while the program goes on."""

import os
import threading


class Flusher:
    """A thread that flushes a file to disk: a flush takes milliseconds, in which its writer needn't wait."""

    def __init__(self):
        self._thread = None
        self._error = None

    def begin(self, file):
        """Begin to flush what has been written to a file, once the flush before has ended.

        Raises:
            OSError: If the flush before has failed.
        """
        self.wait()
        self._thread = threading.Thread(target=self._flush, args=(os.dup(file.fileno()),), daemon=True)
        self._thread.start()

    def wait(self):
        """Wait until what was written before `begin` is on disk.

        Raises:
            OSError: If it can't be.
        """
        if self._thread is not None:
            self._thread.join()
        self._thread, error, self._error = None, self._error, None
        if error is not None:
            raise error

    def _flush(self, descriptor):
        try:
            os.fsync(descriptor)
        except OSError as error:
            self._error = error
        finally:
            os.close(descriptor)
