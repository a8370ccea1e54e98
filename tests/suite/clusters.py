"""A Dask cluster on this machine, for tests."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
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
