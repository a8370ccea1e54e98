"""What asks a command to end is an interruption: what is done is kept, its processes end, and it says so."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from suite.errors import Ended


@contextlib.contextmanager
def interruptions() -> Iterator[None]:
    """Have SIGTERM, by which batch systems and containers end a process, raise `Ended` in this one.

    Where somebody has chosen otherwise, or in a thread that hears no signal, it stays as it is.
    """
    usual = signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(number: int, where: FrameType | None) -> None:
    raise Ended
