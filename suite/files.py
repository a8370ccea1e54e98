"""Writing a file all at once or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from suite.errors import SuiteError


def atomically(file: Path, write: Callable[[Path], object]) -> None:
    """Have ``write`` make a file beside its place, flush it to disk, then move it there in one step.

    The folder is made if it is not there. Raises `SuiteError` if the disk does not take it; what was there
    before is then untouched.
    """
    _require_place(file)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        make_folder(file.parent)
        write(temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.chmod(0o644)  # some writers leave their files to the owner alone
        temporary.replace(file)
    except (OSError, RuntimeError) as error:  # torch.save reports a full disk as a RuntimeError
        reason = _reason(error, file.parent)
        _discard(temporary)
        raise SuiteError(f"cannot write {file}: {reason}.") from None
    except BaseException:  # interrupted
        _discard(temporary)
        raise


def _require_place(file: Path) -> None:
    """Raise `SuiteError` where something else than a file is there, which a file must not take the place of:
    whoever may do all, as in a container, would lose ``/dev/null``."""
    with contextlib.suppress(OSError):  # what cannot be looked at cannot be written, which writing says
        if file.is_dir():
            raise SuiteError(f"cannot write {file}: it is a folder; name a file.")
        if file.exists() and not file.is_file():
            raise SuiteError(f"cannot write {file}: it is a device or a pipe; name a file.")


def _reason(error: OSError | RuntimeError, folder: Path) -> str:
    """Why a file could not be written, in a line; a writer's own words for a full disk are not clear."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    with contextlib.suppress(OSError):
        if shutil.disk_usage(folder).free == 0:
            return os.strerror(errno.ENOSPC)
    return str(error).partition("\n")[0]


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are not there. Raises `OSError` whose reason is clear."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None


def _discard(temporary: Path) -> None:
    with contextlib.suppress(OSError):  # where its folder is none, which is what the error says
        temporary.unlink(missing_ok=True)


def write_text(file: Path, text: str) -> None:
    """Write a text in UTF-8 with the line ends it has, as `atomically` does."""
    atomically(file, lambda path: _write(path, text))


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "backslashreplace"))  # names that are no UTF-8 hold lone surrogates
