"""Atomic writing: a file gets its name once its content is complete and on disk."""

import contextlib
import os

#: End of the name of a file that is still being written.
UNFINISHED = ".unfinished"


@contextlib.contextmanager
def atomic_file(path, mode="wb"):
    """Open a file for writing that replaces `path` when the block ends without an error.

    The content is flushed to disk before the file gets its name, so that neither a killed process nor a power failure
    leaves part of a file under `path`: readers find the old file or the new one.

    Example:

    ```python
    with storage.atomic_file("state.json", "w") as file:
        json.dump(state, file)
    ```

    Args:
        path: The file.
        mode: `"wb"` for bytes or `"w"` for text in UTF-8. Defaults to `"wb"`.

    Yields:
        The open file. Its `name` is that of the unfinished file, beside `path`.

    Raises:
        OSError: If the file can't be written; the error names `path`.
    """
    unfinished = f"{os.fspath(path)}{UNFINISHED}"
    # Not opened as it is: the name may be a link to a file of somebody else.
    _remove(unfinished)
    try:
        with open(unfinished, mode.replace("w", "x"), encoding=None if "b" in mode else "utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        _remove(unfinished)
        # An error of another file, raised inside the block, keeps its own name.
        if error.filename in (None, unfinished):
            error.filename = os.fspath(path)
        raise
    except BaseException:
        _remove(unfinished)
        raise
    sync_folder(os.path.dirname(os.path.abspath(path)))


def flush(path):
    """Flush a file, or a folder and all files in it, to disk."""
    if not os.path.isdir(path):
        with open(path, "rb+") as file:
            os.fsync(file.fileno())
        return
    for name in os.listdir(path):
        flush(os.path.join(path, name))
    sync_folder(path)


def sync_folder(path):
    """Flush the names of a folder's files to disk, where the operating system can."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_without_links(path, flags):
    """Return the descriptor of a file that isn't a link, as `opener` of `open`.

    Raises:
        OSError: If `path` is a link, where the operating system can tell.
    """
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _remove(path):
    with contextlib.suppress(OSError):
        os.remove(path)
