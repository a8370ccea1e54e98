"""A process of its own for a measurement: nothing that ran before can warm, fill or disturb it."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from suite.errors import SuiteError

P = ParamSpec("P")
T = TypeVar("T")
State = dict[str, Any]
"""What a worker keeps between calls."""


def one_line(error: BaseException) -> str:
    """An error as one short line: its type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


class Worker:
    """A fresh process that runs functions one after the other and keeps a state between them.

    Use as a context manager; leaving it ends the process.
    """

    def __init__(self, title: str) -> None:
        self.title = title
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._connection.close()
        self._process.join(timeout=1)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def call(self, function: Callable[Concatenate[State, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``function(state, ...)`` in the process; arguments and result are pickled.

        ``function`` is defined at the top of a module. Raises `SuiteError` if it raises or if the
        process dies.
        """
        try:
            self._connection.send((function, args, kwargs))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise SuiteError(f"{self.title} cannot go to a process of its own: {one_line(error)}") from None
        except OSError:
            pass  # it has died; reading its answer says so
        try:
            ok, value = self._connection.recv()
        except (EOFError, OSError):
            self._process.join(timeout=5)
            code = self._process.exitcode
            how = f"exit status {code}"
            if code is not None and code < 0:
                how = f"signal {-code}{' (often: out of memory)' if code == -9 else ''}"
            raise SuiteError(f"the process that measured {self.title} ended with {how}.") from None
        if not ok:
            raise SuiteError(value)
        result: T = value
        return result


def _serve(connection: Connection) -> None:
    """The worker's loop. It ends when the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's: it then ends the workers
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else PyTorch's profiler writes into the progress
    state: State = {}
    while True:
        try:
            function, args, kwargs = connection.recv()
        except (EOFError, OSError):
            return
        except Exception as error:  # what was sent needs a module that cannot be imported here
            connection.send((False, one_line(error)))
            continue
        try:
            answer = (True, function(state, *args, **kwargs))
        except SuiteError as error:
            answer = (False, str(error))
        except Exception as error:  # a network may raise anything; the driver names it and goes on
            answer = (False, one_line(error))
        try:
            connection.send(answer)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            connection.send((False, f"the answer cannot be sent: {one_line(error)}"))
