"""A Dask cluster on this machine, for tests."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


@contextlib.contextmanager
def local_cluster(workers: int = 2) -> Iterator[Any]:
    """A scheduler here and worker processes with one thread each; skips where Dask is not installed."""
    distributed = pytest.importorskip("distributed")
    import dask

    # A nanny puts its workers' settings into this process too, whenever it starts one, where they would be
    # part of the environment of whatever runs here later.
    without_settings = dask.config.set({"distributed.nanny.pre-spawn-environ": {}})
    with (
        without_settings,
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
    ):
        yield cluster


@contextlib.contextmanager
def lasting_cluster() -> Iterator[Callable[[], Any]]:
    """A function that gives a cluster of two workers: always the same one, as long as both live.

    A nanny starts no other worker for one that was killed while it started, so kills use a cluster up.
    """
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(local_cluster())

        def living() -> Any:
            nonlocal cluster
            if not _lives(cluster):
                stack.close()
                cluster = stack.enter_context(local_cluster())
            return cluster

        yield living


def _lives(cluster: Any, seconds: float = 10) -> bool:
    """Whether there is a process for every nanny, now or after a while."""
    end = time.monotonic() + seconds
    while len(worker_processes(cluster)) < len(cluster.worker_spec):
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


@contextlib.contextmanager
def lonely_scheduler(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a scheduler that is a process of its own and has one worker, and that process."""
    pytest.importorskip("distributed")
    place = folder / "scheduler.json"

    def start(what: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(place)]
        quiet = subprocess.DEVNULL
        return subprocess.Popen([*command, "--no-dashboard", *options], stdout=quiet, stderr=quiet)

    scheduler = start("scheduler", "--port", "0")
    worker = start("worker", "--nthreads", "1", "--no-nanny")
    try:
        while not place.exists():
            assert scheduler.poll() is None
            time.sleep(0.05)
        yield json.loads(place.read_text())["address"], scheduler
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


def worker_processes(cluster: Any) -> list[int]:
    """Numbers of the worker processes that live now."""
    found = []
    for nanny in list(cluster.workers.values()):
        if nanny.process is not None and nanny.process.pid is not None:
            found.append(nanny.process.pid)
    return found


def kill_one(cluster: Any) -> bool:
    """Kill the first worker process; its nanny starts another. Whether there was one."""
    for process in worker_processes(cluster)[:1]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            return True
    return False
