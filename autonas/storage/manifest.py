"""Manifest of a folder: a file that lists the folder's data files, so that all of them are replaced at once."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from autonas.storage import atomic, damage, shape

#: Version 1 has data files of fixed names and no checksums.
_VERSION = 2
#: First bytes of a manifest that this module wrote.
_BEGINNING = re.compile(rb'\{"version": \d+, "')
_ID = re.compile("[0-9a-f]{16}")
_ENTRY = {"name": str, "size": int, "sha256": str}


class Manifest:
    """JSON file with a dict and the names, sizes and checksums of the data files in its folder.

    `write` creates data files with new names, which contain the id of the write, flushes them to disk, and replaces the
    manifest last. A reader sees either the old files or the new files, also after a crash of the writer. A killed
    process can leave data files that no manifest lists.

    Args:
        folder: Path of the folder.
        name: Name of the manifest, such as `"estimator.json"`.
        files: Base names of the data files, without an id, such as `"network.keras"`.
    """

    def __init__(self, folder: str | os.PathLike[str], name: str, files: Sequence[str]) -> None:
        self.folder = os.fspath(folder)
        self.path = os.path.join(self.folder, name)
        self.files = tuple(files)

    def read(self) -> dict[str, Any]:
        """Return the content of the manifest, a dict that includes the keys added by `write`.

        Raises:
            FileNotFoundError: If there is no manifest.
            DamagedFile: If the manifest isn't a JSON dict, or its checksum is wrong.
            ValueError: If the manifest isn't a regular file, or its version is unknown.
        """
        _check_regular(self.path)
        with damage.describing_damage(self.path), open(self.path, encoding="utf-8") as file:
            content = json.load(file)
            shape.check_shape(content, {str: object}, "content")
            shape.check_shape(content.get("version"), int, "version")
        if not 1 <= content["version"] <= _VERSION:
            raise ValueError(
                f"{self.path} has version {content['version']}, and this autonas reads versions 1 to {_VERSION}. Read "
                "it with the version of autonas that wrote it."
            )
        if content["version"] > 1 and content.pop("sha256", None) != _checksum(content):
            raise damage.DamagedFile(self.path, "its content and its checksum differ")
        return content

    def paths(self, content: dict[str, Any]) -> dict[str, str]:
        """Return the paths of the data files, a dict from base name to path.

        Args:
            content: Content of the manifest, as returned by `read`.

        Raises:
            DamagedFile: If a file is missing, or its size or checksum differs from the manifest.
            ValueError: If a file isn't a regular file.
        """
        if content["version"] == 1:
            entries: Any = {name: {"name": name} for name in self.files}
        else:
            with damage.describing_damage(self.path):
                entries = content.get("files")
                shape.check_shape(entries, {f"{name}?": _ENTRY for name in self.files}, "files")
                for name, entry in entries.items():
                    # A manipulated manifest must not lead to files outside the folder.
                    shape.check_shape(entry["name"], _numbered(name, content.get("id")), f"files.{name}.name")
        return {name: self._checked_path(entry) for name, entry in entries.items()}

    def _checked_path(self, entry: dict[str, Any]) -> str:
        path = os.path.join(self.folder, entry["name"])
        try:
            _check_regular(path)
            checked = entry if entry.keys() == {"name"} else _entry(path)
        except FileNotFoundError:
            raise damage.DamagedFile(path, "it is missing") from None
        if checked != entry:
            raise damage.DamagedFile(path, f"its content differs from the checksum in {os.path.basename(self.path)}")
        return path

    def write(self, content: dict[str, Any], writers: Mapping[str, Callable[[str], object]]) -> None:
        """Replace the manifest and its data files.

        Files in the folder that the previous manifest doesn't list are left unchanged.

        Args:
            content: JSON-compatible dict. The keys `"version"`, `"id"`, `"files"` and `"sha256"` are added.
            writers: Dict from the base name of a data file to a function that writes the file to the path passed to it.

        Raises:
            ValueError: If the path of the manifest exists and isn't a manifest.
            OSError: If a file can't be written. The previous manifest and its files are left unchanged.
        """
        self.check_place()
        earlier = self._named() if os.path.exists(self.path) else []
        identity, entries = secrets.token_hex(8), {}
        names = {name: _numbered(name, identity) for name in writers}
        os.makedirs(self.folder, exist_ok=True)
        try:
            for name, write in writers.items():
                path = os.path.join(self.folder, names[name])
                with _naming(path):
                    write(path)
                    atomic.flush(path)
                    entries[name] = _entry(path)
            # Convert to the form in which the content will be read, so that the checksums agree.
            content = json.loads(json.dumps({"version": _VERSION, **content, "id": identity, "files": entries}))
            with atomic.atomic_file(self.path, "w") as file:
                json.dump({**content, "sha256": _checksum(content)}, file)
        except BaseException:
            # An interrupt can occur after the new manifest was renamed: keep the data files that it lists.
            if set(names.values()).isdisjoint(self._named()):
                self._remove(names.values())
            raise
        self._remove(earlier)

    def check_place(self) -> None:
        """Raise a `ValueError` if the path of the manifest exists and isn't a manifest."""
        try:
            mode = os.lstat(self.path).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISREG(mode):
            with open(self.path, "rb") as file:
                if _BEGINNING.match(file.read(64)):
                    return
        raise ValueError(
            f"`path` must not contain a file {os.path.basename(self.path)!r} that autonas didn't write. Received: "
            f"{self.path!r}, which isn't the description of a saved model. Choose another folder."
        )

    def _named(self) -> list[str]:
        """Return the names of the data files in the manifest on disk, an empty list if it is missing or damaged."""
        try:
            content = self.read()
            if content["version"] == 1:
                return list(self.files)
            return [_numbered(name, content.get("id")) for name in content["files"] if name in self.files]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            path = os.path.join(self.folder, name)
            with contextlib.suppress(OSError):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    os.remove(path)


def _numbered(name: str, identity: str | None) -> str:
    """Return the name of a data file: its base name with the id `identity` of a write."""
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise ValueError(f"`id` must be 16 hexadecimal digits. Received: {identity!r:.60}")
    stem, suffix = os.path.splitext(name)
    return f"{stem}-{identity}{suffix}"


def _check_regular(path: str) -> None:
    """Raise a `ValueError` unless `path` is a regular file: a link can leave the folder, and a pipe never ends."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise ValueError(f"{path} must be a regular file, not a link or a special file. Put a copy of the file there.")


def _entry(path: str) -> dict[str, Any]:
    checksum = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(2**20), b""):
            checksum.update(chunk)
    return {"name": os.path.basename(path), "size": os.path.getsize(path), "sha256": checksum.hexdigest()}


def _checksum(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Return a context that sets the file name of file system errors without one to `path`."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = path
        raise
