"""Atomic writing of files: a file gets its final name after its complete content is on disk."""

import contextlib
import os
from collections.abc import Iterator
from typing import IO, Any, Literal

#: Suffix of the name of a file that is being written.
UNFINISHED = ".unfinished"


@contextlib.contextmanager
def atomic_file(path: str, mode: Literal["wb", "w"] = "wb") -> Iterator[IO[Any]]:
    """Open a file for writing that replaces `path` when the block ends without an error.

    The content is flushed to disk before the file is renamed to `path`. After a killed process or a power failure,
    `path` is either the old file or the complete new file.

    Args:
        path: Path of the file.
        mode: `"wb"` for bytes or `"w"` for text in UTF-8. Defaults to `"wb"`.

    Yields:
        The open file. Its `name` is `path` with the suffix `UNFINISHED`.

    Raises:
        OSError: If the file can't be written. The attribute `filename` of the error is `path`.

    Example:

    ```python
    with storage.atomic_file("state.json", "w") as file:
        json.dump(state, file)
    ```
    """
    unfinished = f"{os.fspath(path)}{UNFINISHED}"
    # Remove an existing file instead of opening it: it could be a link to a file elsewhere.
    _remove(unfinished)
    try:
        with open(unfinished, mode.replace("w", "x"), encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        _remove(unfinished)
        # An error about another file, raised inside the block, keeps its file name.
        if error.filename in (None, unfinished):
            error.filename = os.fspath(path)
        raise
    except BaseException:
        _remove(unfinished)
        raise
    sync_folder(os.path.dirname(os.path.abspath(path)))


def flush(path: str) -> None:
    """Flush a file, or a folder and all its files, to disk."""
    if not os.path.isdir(path):
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
        return
    for name in os.listdir(path):
        flush(os.path.join(path, name))
    sync_folder(path)


def sync_folder(path: str) -> None:
    """Flush the entries of a folder to disk on POSIX systems. Other systems can't."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_without_links(path: str, flags: int) -> int:
    """Open a file that isn't a symbolic link and return its descriptor. Use as the argument `opener` of `open`.

    Raises:
        OSError: If `path` is a symbolic link, on operating systems with `O_NOFOLLOW`.
    """
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.remove(path)
