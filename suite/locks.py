"""Locks between processes: the machine, which a timing must have for itself, and the folder of a run.

The system takes them back when their process ends, however it ends, so none is ever stale.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from suite.errors import SuiteError
from suite.files import make_folder
from suite.home import APPLICATION

try:
    import fcntl
except ImportError:  # Windows has no such locks: there a machine is one driver's by the user's care
    fcntl = None  # type: ignore[assignment]

VARIABLE = "SUITE_LOCKS"
"""Environment variable that names the folder of this machine's lock."""

Held = IO[bytes]
"""A lock that is held; closing it, or leaving it as a context manager, gives it back."""

_WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems answer that know no locks; one that cannot be had is not waited for."""
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_LONGEST_PAUSE_S = 0.25


def hold_machine(*, alone: bool, say: Callable[[str], None] = lambda words: None) -> Held:
    """Wait until this machine may be used, and hold it: together with other tasks, or alone.

    All drivers and workers of a user on one host share the lock (see `VARIABLE`). Whoever wants the machine
    alone comes in its turn: tasks that come later wait behind it. ``say`` is told what is waited for. Raises
    `SuiteError` if no file can be made for the lock.
    """
    with _open_somewhere("gate") as gate:
        _take(gate, alone=True, say=lambda: say("waiting for another task that needs this machine alone"))
        room = _open_somewhere("room")
        try:
            others = "other tasks on this machine to end" if alone else "a timing on this machine to end"
            _take(room, alone=alone, say=lambda: say(f"waiting for {others}{_whose(room)}"))
            if alone:
                _sign(room)
        except BaseException:
            room.close()
            raise
    return room


def hold_run(run: Path, *, to_read: bool = False) -> AbstractContextManager[object]:
    """Hold the folder of a run, of which one process at a time is the driver. The folder is made.

    ``to_read`` asks for no more than that nobody changes it, so a folder that cannot be written is as good
    as held. Raises `SuiteError` that names the process that has it, or if the disk does not take it.
    """
    try:
        make_folder(run)
        lock = _open(run / ".lock")
    except OSError as error:
        if to_read and error.errno in _READ_ONLY:
            return contextlib.nullcontext()
        raise SuiteError(f"cannot write {run}: {error.strerror}.") from None
    if not _try(lock, alone=True):
        owner = _whose(lock)
        lock.close()
        raise SuiteError(
            f"another process{owner} writes to {run}: wait until it has ended, or name another folder "
            "with --out."
        )
    _sign(lock)
    return lock


def _open_somewhere(name: str) -> Held:
    """The file of a lock of this host in the first folder that can be written.

    That is `VARIABLE`, which several users may agree on, else the user's cache, else the system's temporary
    folder.
    """
    import platformdirs

    chosen = os.environ.get(VARIABLE)
    usual = (platformdirs.user_cache_path(APPLICATION) / "locks", Path(tempfile.gettempdir()) / APPLICATION)
    reason = ""
    for folder in [Path(chosen)] if chosen else usual:
        file = folder / f"{socket.gethostname()}.{name}"
        try:
            make_folder(file.parent)
            return _open(file)
        except OSError as error:
            reason = f"cannot write {file}: {error.strerror}"
    raise SuiteError(f"{reason}: the lock of this machine needs a place; set ${VARIABLE} to a folder.")


def _open(file: Path) -> Held:
    return open(os.open(file, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)


def _take(lock: Held, *, alone: bool, say: Callable[[], None]) -> None:
    """Wait for a lock. Asked for again and again, since a wait inside the system cannot be interrupted."""
    pause = 0.005
    while not _try(lock, alone=alone):
        if pause >= _LONGEST_PAUSE_S:
            say()
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def _try(lock: Held, *, alone: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _WITHOUT_LOCKS
    return True


def _sign(lock: Held) -> None:
    """Write into a lock's file who holds it; a full disk may refuse, and the lock holds all the same."""
    with contextlib.suppress(OSError):
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()} on {socket.gethostname()}".encode())


def _whose(lock: Held) -> str:
    """`` (PID on HOST)`` of a lock's holder, as far as it is known."""
    try:
        lock.seek(0)
        text = lock.read(200).decode(errors="replace").strip()
    except OSError:
        text = ""
    return f" ({text})" if text else ""
