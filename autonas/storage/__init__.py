"""Storage: files that are complete or absent, whatever interrupts the process that writes them."""

from autonas.storage.atomic import atomic_file, sync_folder
from autonas.storage.damage import DamagedFile, describing_damage

__all__ = ["DamagedFile", "atomic_file", "describing_damage", "sync_folder"]
