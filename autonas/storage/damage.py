"""Damage: the error of a file that exists and can't be read as what it should be."""

import contextlib
import os


class DamagedFile(ValueError):
    """A file that autonas wrote has lost or changed content.

    Args:
        path: The file.
        reason: What is wrong with its content, a phrase.
        advice: A sentence that says what to do. Defaults to restoring the file.
    """

    def __init__(self, path, reason, advice="Restore it from a copy."):
        super().__init__(f"{os.fspath(path)} is damaged: {reason}. {advice}")
        self.path = os.fspath(path)
        self.reason = reason


@contextlib.contextmanager
def describing_damage(path):
    """Turn any error of reading a file's content into a `DamagedFile` that names the file.

    Args:
        path: The file that the block reads.

    Raises:
        DamagedFile: If the block raises anything but `DamagedFile`, `OSError` with an errno, or `MemoryError`.
    """
    try:
        yield
    except (DamagedFile, MemoryError):
        raise
    except OSError as error:
        # Libraries for archives raise OSError without a number for content that they can't read.
        if error.errno is not None:
            raise
        raise DamagedFile(path, _phrase(error)) from error
    except Exception as error:
        raise DamagedFile(path, _phrase(error)) from error


def _phrase(error):
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__
