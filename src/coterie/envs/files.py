"""Text files that an option names, read with errors that say what is wrong."""

from __future__ import annotations

from pathlib import Path

from coterie.errors import BadInput, StorageFault

BYTES_CAP = 10_000_000


def read_text(file: str) -> str:
    """The text of the file in `--env.file`.

    Raises BadInput where there is no such file, or where it is no text or too long; StorageFault where it cannot be
    read.
    """
    path = Path(file)
    try:
        if path.is_dir():
            raise BadInput(f"--env.file {file}: this is a folder; a file is expected")
        if not path.is_file():
            raise BadInput(f"--env.file {file}: there is no such file")
        size = path.stat().st_size
        if size > BYTES_CAP:
            raise BadInput(f"--env.file {file}: {size:,} bytes are more than {BYTES_CAP:,}")
        return path.read_text("utf-8-sig")  # some editors begin with a mark of the order of bytes
    except UnicodeDecodeError:
        raise BadInput(f"--env.file {file}: this is no text in UTF-8") from None
    except OSError as error:
        if isinstance(error, StorageFault):
            raise
        raise StorageFault(f"--env.file {file}: the file cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"--env.file {file!r}: this cannot be the name of a file") from None
