"""Manifests: a file that names the data files of a folder, so that all of them are replaced at once."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import stat

from autonas.storage import atomic, damage, shape

#: Version 1 has data files of fixed names and no checksums.
_VERSION = 2
#: How a manifest begins that this module wrote.
_BEGINNING = re.compile(rb'\{"version": \d+, "')
_ID = re.compile("[0-9a-f]{16}")
_ENTRY = {"name": str, "size": int, "sha256": str}


class Manifest:
    """A JSON file that names the data files of its folder by size and checksum, and holds a dict.

    Each `write` gives the data files new names, which contain the id of the write, flushes them to disk and replaces
    the manifest last. A reader, also after a crash of the writer at any moment, has the old files or the new files,
    never a mixture. A process that is killed may leave data files that no manifest names.

    Args:
        folder: The folder.
        name: Name of the manifest, such as `"estimator.json"`.
        files: Names of the data files without an id, such as `"network.keras"`.
    """

    def __init__(self, folder, name, files):
        self.folder = os.fspath(folder)
        self.path = os.path.join(self.folder, name)
        self.files = tuple(files)

    def read(self):
        """Return the content, a dict with the keys that `write` adds.

        Raises:
            FileNotFoundError: If there is no manifest.
            DamagedFile: If it isn't a JSON dict, or its checksum is wrong.
            ValueError: If it isn't a regular file, or is of an unknown version.
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

    def paths(self, content):
        """Return the paths of the data files, a dict from name without an id.

        Args:
            content: What `read` returned.

        Raises:
            DamagedFile: If a file is missing, or its size or checksum isn't that of the manifest.
            ValueError: If a file isn't a regular file.
        """
        if content["version"] == 1:
            entries = {name: {"name": name} for name in self.files}
        else:
            with damage.describing_damage(self.path):
                entries = content.get("files")
                shape.check_shape(entries, {f"{name}?": _ENTRY for name in self.files}, "files")
                for name, entry in entries.items():
                    # Nothing outside the folder is opened, whatever the manifest says.
                    shape.check_shape(entry["name"], _numbered(name, content.get("id")), f"files.{name}.name")
        return {name: self._checked_path(entry) for name, entry in entries.items()}

    def _checked_path(self, entry):
        path = os.path.join(self.folder, entry["name"])
        try:
            _check_regular(path)
            checked = entry if entry.keys() == {"name"} else _entry(path)
        except FileNotFoundError:
            raise damage.DamagedFile(path, "it is missing") from None
        if checked != entry:
            raise damage.DamagedFile(path, f"its content isn't that which {os.path.basename(self.path)} describes")
        return path

    def write(self, content, writers):
        """Replace the manifest and its data files.

        Files that the earlier manifest doesn't name are left alone.

        Args:
            content: JSON dict. The keys `"version"`, `"id"`, `"files"` and `"sha256"` are added.
            writers: Dict from the name of a data file without an id to a function that writes the path which is its
                argument.

        Raises:
            ValueError: If something that isn't a manifest has its name.
            OSError: If a file can't be written. The earlier manifest and its files are left as they were.
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
            # As it will be read, so that the checksum is the same.
            content = json.loads(json.dumps({"version": _VERSION, **content, "id": identity, "files": entries}))
            with atomic.atomic_file(self.path, "w") as file:
                json.dump({**content, "sha256": _checksum(content)}, file)
        except BaseException:
            # An interrupt may come after the new manifest has its name.
            if set(names.values()).isdisjoint(self._named()):
                self._remove(names.values())
            raise
        self._remove(earlier)

    def check_place(self):
        """Raise a `ValueError` if something that isn't a manifest has its name."""
        try:
            mode = os.lstat(self.path).st_mode
        except FileNotFoundError:
            return
        if stat.S_ISREG(mode):
            with open(self.path, "rb") as file:
                if _BEGINNING.match(file.read(64)):
                    return
        raise ValueError(
            f"`path` must not hold a file {os.path.basename(self.path)!r} of something else. Received: {self.path!r}, "
            "which isn't the description of a saved model. Choose another folder."
        )

    def _named(self):
        """Return the names in the manifest on disk that are names of data files."""
        try:
            content = self.read()
            if content["version"] == 1:
                return list(self.files)
            return [_numbered(name, content.get("id")) for name in content["files"] if name in self.files]
        except (OSError, ValueError, KeyError, TypeError):  # A damaged manifest names nothing.
            return []

    def _remove(self, names):
        for name in names:
            path = os.path.join(self.folder, name)
            with contextlib.suppress(OSError):
                if stat.S_ISREG(os.lstat(path).st_mode):
                    os.remove(path)


def _numbered(name, identity):
    """Return the name of a data file with the id of a write."""
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise ValueError(f"`id` must be 16 hexadecimal digits. Received: {identity!r:.60}")
    stem, suffix = os.path.splitext(name)
    return f"{stem}-{identity}{suffix}"


def _check_regular(path):
    """Raise an error for anything but a regular file: links lead out of the folder, pipes never end."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise ValueError(f"{path} must be a regular file, not a link or a special file. Put a copy of the file there.")


def _entry(path):
    checksum = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(2**20), b""):
            checksum.update(chunk)
    return {"name": os.path.basename(path), "size": os.path.getsize(path), "sha256": checksum.hexdigest()}


def _checksum(content):
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@contextlib.contextmanager
def _naming(path):
    """Give errors of the file system that name no file the name of the file that is written."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = path
        raise
