"""Files that are whole or not there: temporary name, sync, rename, sync the folder."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from coterie.errors import StorageFault


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file so that a reader, or a power cut, finds the old content or the new, never a part.

    Raises StorageFault where it cannot be written; then nothing is left of it.
    """
    content = data.encode() if isinstance(data, str) else data
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise StorageFault(f"{path} cannot be written: {error.strerror or error}") from error


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system lets folders be opened."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
