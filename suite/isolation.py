"""A process of its own for a measurement: nothing that ran before can warm, fill or disturb it."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from suite.errors import SuiteError

P = ParamSpec("P")
T = TypeVar("T")
State = dict[str, Any]
"""What a worker keeps between calls."""

IMPORTED = ("torch", "suite.measures.quality", "suite.work")
"""What a process that is not `Worker`'s ``anew`` finds imported."""
PATIENCE_S = 900.0
"""How long a worker may be silent, in seconds."""

_SEND = "_send"


class Lost(SuiteError):
    """A process ended before it answered; the same call may succeed in another."""


def one_line(error: BaseException) -> str:
    """An error as one short line: its type and the first line of its message."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


class Worker:
    """A fresh process that runs functions one after the other and keeps a state between them.

    Use as a context manager; leaving it ends the process. ``title`` says in messages what it measures;
    ``patience`` is how long it may be silent, in seconds, before it counts as hanging. What it prints on
    standard output is dropped: that is the driver's. ``say`` takes what it tells meanwhile (see `tell`).

    What is timed or weighed needs one that is started ``anew``. Any other is, on Linux, the copy of a process
    that has imported `IMPORTED` and done nothing else: it is there at once, and shares that memory.
    """

    def __init__(
        self,
        title: str,
        patience: float = PATIENCE_S,
        say: Callable[[str], None] = lambda words: None,
        *,
        anew: bool = True,
    ) -> None:
        self.title = title
        self._say = say
        self.patience = patience
        # A worker may start workers: they end with it, which is what a daemon may have no children for.
        multiprocessing.current_process().daemon = False
        spawn = multiprocessing.get_context("spawn")
        self._connection, theirs = spawn.Pipe()
        self._process: BaseProcess
        if anew or sys.platform != "linux":
            self._process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
        else:
            copies = multiprocessing.get_context("forkserver")
            copies.set_forkserver_preload(list(IMPORTED))
            self._process = copies.Process(target=_serve, args=(theirs,), daemon=True)
        with _without_interruptions():
            self._process.start()
        theirs.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the process is there; one that has just died may still seem to be."""
        return self._process.is_alive()

    def kill(self) -> None:
        """End the process whatever it does; a call that waits for it raises `Lost`."""
        self._process.kill()

    def close(self) -> None:
        """End the process, in a second or so."""
        self._connection.close()
        self._process.join(timeout=1)
        self._end()

    def _end(self) -> None:
        """End the process and wait until it has: else it seems alive for a moment, and is handed a task."""
        self._process.kill()
        self._process.join()

    def call(self, function: Callable[Concatenate[State, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of ``function(state, ...)`` in the process; arguments and result are pickled.

        ``function`` is defined at the top of a module. Raises `SuiteError` if it raises or does not answer,
        `Lost` if the process dies.
        """
        self._send(function, args, kwargs)
        kind, value = self._receive()
        assert kind == "done"
        result: T = value
        return result

    def stream(
        self, function: Callable[Concatenate[State, P], Iterable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> Iterator[T]:
        """What ``function(state, ...)`` yields in the process, as soon as it does; otherwise as `call`.

        Each item starts its patience anew. Calling ``next`` after a failure ends the iteration.
        """
        self._send(_each, (function, args, kwargs), {})
        while True:
            kind, value = self._receive()
            if kind == "done":
                return
            yield value

    def _send(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        try:
            self._connection.send((function, args, kwargs))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise SuiteError(f"{self.title} cannot go to a process of its own: {one_line(error)}") from None
        except OSError:
            pass  # it has died; reading its answer says so

    def _receive(self) -> tuple[str, Any]:
        """The next message that is not for `say`: ``done`` or ``item`` with a value."""
        while True:
            kind, value = self._message()
            if kind == "failed":
                raise SuiteError(value)
            if kind != "told":
                return kind, value
            self._say(value)

    def _message(self) -> tuple[str, Any]:
        try:
            if self._connection.poll(self.patience):
                message: tuple[str, Any] = self._connection.recv()
                return message
        except (EOFError, OSError):
            self._process.join(timeout=60)  # on a busy machine an end takes a while too
            self._end()
            code = self._process.exitcode
            how = f"exit status {code}"
            if code is not None and code < 0:
                how = f"signal {-code}{' (often: out of memory)' if code == -9 else ''}"
            raise Lost(f"the process that measured {self.title} ended with {how}.") from None
        self._end()
        raise SuiteError(
            f"{self.title} did not answer for {self.patience:g} seconds and was stopped: "
            "give it more with --patience, or look for what it waits for."
        )


@contextlib.contextmanager
def _without_interruptions() -> Iterator[None]:
    """Put off Ctrl-C and SIGTERM where they are heard. A process that starts here is deaf to the former until
    it wants to hear, in `_serve`.

    Else an interruption while it starts would be a traceback of its own, behind what the driver says.
    """
    heard = {n: by for n in (signal.SIGINT, signal.SIGTERM) if callable(by := signal.getsignal(n))}
    if not heard or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    put_off: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    if main:  # a signal that another thread takes would interrupt this one in spite of its mask
        for number in heard:
            signal.signal(number, lambda number, where: put_off.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT} & heard.keys())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if main:
            for number, by in heard.items():
                signal.signal(number, by)
        if put_off:
            signal.raise_signal(put_off[0])


def tell(state: State, words: str) -> None:
    """Have a worker's `say` take a few words at once; for functions that run in it."""
    state[_SEND](("told", words))


def _each(
    state: State, function: Callable[..., Iterable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Send every item that a function yields."""
    for item in function(state, *args, **kwargs):
        state[_SEND](("item", item))


def end_with_parent() -> None:
    """Have this process end with the one that started it, however that ends and whatever runs here then."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end with parent").start()


def _serve(connection: Connection) -> None:
    """The worker's loop. It ends when the other side closes, or with the process that started it."""
    gc.freeze()  # what was imported stays; in a copy, to look through it would copy its memory
    end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's: it then ends the workers
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else PyTorch's profiler writes into the progress
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # networks may print; the table is the driver's alone
    state: State = {_SEND: connection.send}
    while True:
        try:
            function, args, kwargs = connection.recv()
        except (EOFError, OSError):
            break
        except Exception as error:  # what was sent needs a module that cannot be imported here
            connection.send(("failed", one_line(error)))
            continue
        try:
            answer = ("done", function(state, *args, **kwargs))
        except SuiteError as error:
            answer = ("failed", str(error))
        except Exception as error:  # a network may raise anything; the driver names it and goes on
            answer = ("failed", one_line(error))
        try:
            connection.send(answer)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            connection.send(("failed", f"the answer cannot be sent: {one_line(error)}"))
        except OSError:  # nobody waits for it any more
            break
    gc.freeze()  # what is left goes with the process: looking through all of PyTorch takes 0.3 s
