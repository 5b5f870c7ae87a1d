"""Files of arrays, written atomically, read with checksums, and never pickled."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from autonas.storage.atomic import atomic_file, open_without_links
from autonas.storage.damage import describing_damage


def write_arrays(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays to an `.npz` file as `numpy.savez` does, atomically.

    Args:
        path: Path of the file.
        arrays: Dict from a name to an array.

    Raises:
        OSError: If the file can't be written. The attribute `filename` of the error is `path`.
        ValueError: If an array contains Python objects.
    """
    with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def read_arrays(path: str) -> dict[str, np.ndarray]:
    """Read all arrays of an `.npz` file and verify their checksums.

    Args:
        path: Path of the file, which must not be a symbolic link.

    Returns:
        Dict from name to array, in the order in which they were written.

    Raises:
        DamagedFile: If the file isn't an `.npz` file of arrays of numbers or text, or a checksum is wrong.
        OSError: If the file can't be opened or is a symbolic link.
    """
    with open(path, "rb", opener=open_without_links) as file:
        content = file.read()
    with describing_damage(path), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        # A damaged directory of the archive can hide arrays. The last 22 bytes of the file contain their number.
        if int.from_bytes(content[-12:-10], "little") != min(len(names), 0xFFFF):
            raise ValueError("arrays are missing")
        return {name.removesuffix(".npy"): _read(archive, name) for name in names}


def _read(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
        # `zipfile` verifies the checksum at the end of the content, which isn't reached if the stored shape is too
        # small.
        if member.read(1):
            raise ValueError(f"{name} is longer than its shape {array.shape}")
    return array
