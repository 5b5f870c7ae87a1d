"""The lock of a run's folder: one search at a time writes to it."""

import contextlib
import json
import os
import socket
import time

import filelock

from autonas import storage

#: Names of the lock's file and of that which says who holds it.
LOCK, OWNER = "lock", "lock.json"


@contextlib.contextmanager
def held(directory):
    """A context in which no other process searches in a folder, which is made if need be.

    The operating system gives the lock up when the process ends, in whatever way.

    Args:
        directory: The folder.

    Raises:
        ValueError: If another search holds it; the message names its process.
        OSError: If nothing can be written there.
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


def _owner(directory):
    try:
        with open(os.path.join(directory, OWNER), encoding="utf-8") as file:
            return "process {process} on {host} (since {since})".format(**json.load(file))
    except (OSError, ValueError, KeyError):  # It has just begun, or ends just now.
        return "another process"
