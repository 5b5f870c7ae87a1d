"""Arrays in files: written atomically, read with checksums, never pickled."""

import io
import zipfile

import numpy as np

from autonas.storage.atomic import atomic_file, open_without_links
from autonas.storage.damage import describing_damage


def write_arrays(path, arrays):
    """Write arrays to an `.npz` file as `numpy.savez` does, atomically.

    Args:
        path: The file.
        arrays: Dict from any name to an array.

    Raises:
        OSError: If the file can't be written; the error names `path`.
        ValueError: If an array holds Python objects.
    """
    with atomic_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)


def read_arrays(path):
    """Read all arrays of an `.npz` file, and compare their checksums.

    Args:
        path: The file, which must not be a link.

    Returns:
        Dict from name to array, in the order in which they were written.

    Raises:
        DamagedFile: If the content isn't that of arrays of numbers or text, or a checksum is wrong.
        OSError: If the file can't be opened or is a link.
    """
    with open(path, "rb", opener=open_without_links) as file:
        content = file.read()
    with describing_damage(path), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        # A damaged table of contents may hide arrays. Their number is a part of the last 22 bytes.
        if int.from_bytes(content[-12:-10], "little") != min(len(names), 0xFFFF):
            raise ValueError("arrays are missing")
        return {name.removesuffix(".npy"): _read(archive, name) for name in names}


def _read(archive, name):
    with archive.open(name) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
        # The checksum is compared at the end of the content, which a wrong shape doesn't reach.
        if member.read(1):
            raise ValueError(f"{name} is longer than its shape {array.shape}")
    return array
