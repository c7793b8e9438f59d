"""Writes small files whole or not at all; it must not decide where they stand."""

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, content: bytes, mode: int) -> None:
    """Replace a file in one step: after a crash there is the old content or the new, and never a part.

    Args:
        path: its folder must exist.
        content: all of it.
        mode: permission bits, set before any content is written.

    Raises:
        OSError: nothing was changed.
    """
    temporary = _write_beside(path, content, mode)
    try:
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def create_atomically(path: Path, content: bytes, mode: int) -> bool:
    """Make a file in one step unless it is there already.

    Returns:
        False when there was one, which is left as it is.

    Raises:
        OSError: nothing was changed.
    """
    temporary = _write_beside(path, content, mode)
    try:
        # link(2) refuses to replace, so that of two writers one wins and the other sees it.
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True


def sync_folder(folder: Path) -> None:
    """Make sure that the folder's names survive a power cut.

    Raises:
        OSError: they may not.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_beside(path: Path, content: bytes, mode: int) -> Path:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary
