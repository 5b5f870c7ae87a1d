"""Files that are complete or absent, even if the process that writes them is interrupted."""

from autonas.storage.arrays import read_arrays, write_arrays
from autonas.storage.atomic import atomic_file, flush, open_without_links, sync_folder
from autonas.storage.damage import DamagedFile, describing_damage
from autonas.storage.flushing import Flusher
from autonas.storage.manifest import Manifest
from autonas.storage.shape import check_shape

__all__ = [
    "DamagedFile",
    "Flusher",
    "Manifest",
    "atomic_file",
    "check_shape",
    "describing_damage",
    "flush",
    "open_without_links",
    "read_arrays",
    "sync_folder",
    "write_arrays",
]
