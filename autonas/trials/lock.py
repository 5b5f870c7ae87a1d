"""The lock of the folder of a run: one search at a time writes to the folder."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator

import filelock

from autonas import storage

#: Name of the lock, and of the file that names its owner.
LOCK, OWNER = "lock", "lock.json"


@contextlib.contextmanager
def held(directory: str) -> Iterator[None]:
    """Return a context in which no other process searches in a folder. A missing folder is created.

    The operating system releases the lock when the process ends for any reason.

    Args:
        directory: Path of the folder.

    Raises:
        ValueError: If another search holds the lock. The message names its process.
        OSError: If the folder can't be written to.
    """
    try:
        os.makedirs(directory, exist_ok=True)
        lock = filelock.FileLock(os.path.join(directory, LOCK))
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ValueError(
            f"`directory` must be free. Received: {directory!r:.200}, in which {_owner(directory)} is searching. Wait "
            "for its end, or choose another directory."
        ) from None
    except OSError as error:
        raise OSError(
            error.errno,
            f"`directory` must be a folder that can be written to, for the run. {error.strerror}",
            directory,
        ) from error
    try:
        with storage.atomic_file(os.path.join(directory, OWNER), "w") as file:
            owner = {"process": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
            json.dump(owner, file)
        yield
    finally:
        with contextlib.suppress(OSError):
            os.remove(os.path.join(directory, OWNER))
        lock.release()


def _owner(directory: str) -> str:
    try:
        with open(os.path.join(directory, OWNER), encoding="utf-8") as file:
            return "process {process} on {host} (since {since})".format(**json.load(file))
    except (OSError, ValueError, KeyError):  # The other search is just beginning or ending.
        return "another process"
