"""Storage: files that are complete or absent, whatever interrupts the process that writes them."""

from autonas.storage.atomic import atomic_file, flush, sync_folder
from autonas.storage.damage import DamagedFile, describing_damage
from autonas.storage.manifest import Manifest
from autonas.storage.shape import check_shape

__all__ = ["DamagedFile", "Manifest", "atomic_file", "check_shape", "describing_damage", "flush", "sync_folder"]
