"""Error of a file whose content is damaged."""

import contextlib
import os
from collections.abc import Iterator


class DamagedFile(ValueError):
    """Error raised when the content of a file that autonas wrote is incomplete or changed.

    Args:
        path: Path of the file.
        reason: Phrase that describes the damage.
        advice: Sentence that tells the user how to proceed. Defaults to `"Restore it from a copy."`.
    """

    def __init__(self, path: str, reason: str, advice: str = "Restore it from a copy.") -> None:
        super().__init__(f"{os.fspath(path)} is damaged: {reason}. {advice}")
        self.path = os.fspath(path)
        self.reason = reason


@contextlib.contextmanager
def describing_damage(path: str) -> Iterator[None]:
    """Return a context that converts errors of reading a file's content to `DamagedFile`.

    Args:
        path: Path of the file that the block reads.

    Raises:
        DamagedFile: If the block raises any error other than an `OSError` with an errno or a `MemoryError`.
    """
    try:
        yield
    except (DamagedFile, MemoryError):
        raise
    except OSError as error:
        # Archive libraries raise an OSError without errno for invalid content.
        if error.errno is not None:
            raise
        raise DamagedFile(path, _phrase(error)) from error
    except Exception as error:
        raise DamagedFile(path, _phrase(error)) from error


def _phrase(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__
