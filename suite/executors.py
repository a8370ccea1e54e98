"""Executors: processes of this machine that do what they are handed, one thing at a time each."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from suite.errors import UsageError
from suite.isolation import PATIENCE_S, State, Worker

P = ParamSpec("P")
T = TypeVar("T")

_Job = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Processes(Executor):
    """So many processes on this machine, each started when there is something for it to do.

    A process that ends by itself, or is ended, fails what it was doing with `suite.isolation.Lost` and is
    replaced; one that is silent for ``patience`` seconds is ended. ``settings`` are environment variables, of
    one process each; without them all have this process's. All end with this process, however that ends. They
    are no place to time or weigh anything: see ``anew`` of `suite.isolation.Worker`.
    """

    def __init__(
        self, workers: int, patience: float = PATIENCE_S, settings: Sequence[Mapping[str, str]] = ()
    ) -> None:
        self._patience = patience
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._processes: dict[int, Worker] = {}
        self._closed = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._serve, args=(number, settings[number] if settings else {}), daemon=True
            )
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have ``fn``, which lies at the top of a module, called in one of the processes.

        Messages call it by the ``title`` of its first argument, where that has one.
        """
        if self._closed.is_set():
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[T] = Future()
        self._jobs.put((future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the processes: when all is done, or with ``cancel_futures`` and without ``wait`` at once."""
        self._closed.set()
        if cancel_futures:
            self._cancel_waiting()
        for _ in self._threads:
            self._jobs.put(None)
        if cancel_futures and not wait:
            for process in list(self._processes.values()):
                process.kill()
        for thread in self._threads:
            thread.join(timeout=None if wait else 5)

    def _cancel_waiting(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                job[0].cancel()

    def _serve(self, number: int, settings: Mapping[str, str]) -> None:
        """Hand what is to be done to one process, in a thread of its own."""
        while (job := self._jobs.get()) is not None:
            future, function, args, kwargs = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                process = self._process(number, settings)
                process.title = getattr(args[0], "title", "a task") if args else "a task"
                answer = process.call(_call, function, args, kwargs)
            except BaseException as error:  # whatever it is, somebody waits for this future
                future.set_exception(error)
            else:
                future.set_result(answer)
        if number in self._processes:
            self._processes.pop(number).close()

    def _process(self, number: int, settings: Mapping[str, str]) -> Worker:
        """The process of a thread, a new one where there is none that lives."""
        process = self._processes.get(number)
        if process is None or not process.alive:
            if process is not None:
                process.close()
            process = self._processes[number] = Worker("a task", max(self._patience, PATIENCE_S), anew=False)
            process.call(_set, settings)
            process.patience = self._patience  # that of a task: to start takes as long as the machine is busy
        return process


def _set(state: State, settings: Mapping[str, str]) -> None:
    os.environ.update(settings)


def _call(state: State, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return function(*args, **kwargs)


def share_of(threads: int, workers: int, cores: int) -> int:
    """Threads of each of several workers: what was asked for, or an equal share where the cores do not reach.

    >>> share_of(threads=8, workers=2, cores=8), share_of(threads=1, workers=2, cores=8)
    (4, 1)
    """
    return threads if threads * workers <= cores else max(1, min(threads, cores // workers))


def device_settings(device: str, workers: int) -> list[dict[str, str]]:
    """Environment of each worker: with ``cuda`` a device of its own, which then has one task at a time.

    Raises `UsageError` for more workers than devices.
    """
    if device != "cuda":
        return []
    import torch

    listed = [entry for entry in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if entry]
    devices = listed or [str(number) for number in range(torch.cuda.device_count())]
    if workers > len(devices):
        raise UsageError(
            f"--workers {workers}: there {'is' if len(devices) == 1 else 'are'} {len(devices)} CUDA "
            f"device{'' if len(devices) == 1 else 's'}, and each takes one task at a time."
        )
    return [{"CUDA_VISIBLE_DEVICES": name} for name in devices[:workers]]
