"""A Dask cluster as an executor: its workers measure, this process writes.

A worker must have this code, the environment that the records state, and the same weights and pixels, which
it proves by their digests before it uses them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import importlib.resources
import logging
import os
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.datasets import Dataset, open_dataset
from suite.dispatch import Workforce
from suite.environment import describe
from suite.errors import SuiteError, UsageError
from suite.executors import share_of
from suite.foreign import foreign_digest
from suite.home import find_home
from suite.locks import hold_machine
from suite.measures import MEASURES
from suite.task import Task
from suite.weights import SHIPPED, Weights, sha256_of, shipped_file
from suite.work import Failure, Unit

CONNECT_S = 10.0
"""How long a scheduler, and its first worker, may take to answer."""


@dataclass(frozen=True, slots=True)
class Site:
    """What a worker is held to."""

    home: Path
    """The driver's data home, whose files a worker looks for in its own where it does not see them there."""
    folder: Path
    """The driver's working folder, from which its other paths are seen."""
    environment: str
    """Id of the environment that the records will state."""
    code: str
    """Digest of the suite's source: see `code_digest`."""


def connect(
    address: str, home: Path, device: str, threads: int | None, patience: float
) -> tuple[dict[str, Any], Workforce]:
    """The environment of a cluster's workers, and the cluster as a workforce.

    ``address`` is ``dask://HOST:PORT`` of the scheduler. ``threads`` are those asked for, None: all cores.
    Raises `UsageError` for another address, `SuiteError` if Dask is not installed, nobody answers, or the
    workers are unlike one another or this machine's code.
    """
    found = re.fullmatch(r"dask://([^\s/]+:\d+)", address)
    if not found:
        raise UsageError(f"--executor {address}: write dask://HOST:PORT.")
    try:
        import distributed
    except ImportError:
        raise SuiteError(
            "--executor dask: Dask is not installed; install the suite with the extra 'cluster'."
        ) from None
    for name in ("distributed", "distributed.client"):  # what happens to workers and scheduler is said below
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        make_client: Any = distributed.Client
        client = make_client(f"tcp://{found[1]}", timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError):
        raise SuiteError(
            f"--executor {address}: no scheduler answers there; start one with 'dask scheduler'."
        ) from None
    try:
        client.wait_for_workers(1, timeout=CONNECT_S)
        said = client.run(_introduce, device)
        environment = _common(said, address)
    except TimeoutError:
        client.close()
        raise SuiteError(f"--executor {address}: the scheduler has no workers; start some.") from None
    except BaseException:
        client.close()
        raise
    most = max(Counter(host for host, _, _ in said.values()).values())
    share = share_of(threads or environment["cores"], most, environment["cores"])
    cluster = Cluster(client, Site(home, Path.cwd(), environment["id"], code_digest()), address, patience)
    return environment, Workforce(cluster, len(said), share, elsewhere=True)


def _introduce(device: str) -> tuple[str, dict[str, Any] | str, str]:
    """Host, environment (or why there is none) and code of a worker; runs in it."""
    from suite.backends import require

    try:
        require(device)
        environment: dict[str, Any] | str = describe(device)
    except SuiteError as error:
        environment = str(error)
    return socket.gethostname(), environment, code_digest()


def _common(said: dict[str, tuple[str, dict[str, Any] | str, str]], address: str) -> dict[str, Any]:
    """The environment that all workers have. Raises `SuiteError` that names those that are unlike."""
    environments: dict[str, dict[str, Any]] = {}
    hosts: dict[str, set[str]] = {}
    for host, environment, code in said.values():
        if isinstance(environment, str):
            raise SuiteError(f"--executor {address}, worker on {host}: {environment}")
        if code != code_digest():
            raise SuiteError(
                f"--executor {address}: the suite's code on {host} is not that of this machine; install the "
                "same version on both."
            )
        environments[environment["id"]] = environment
        hosts.setdefault(environment["id"], set()).add(host)
    if len(environments) > 1:
        kinds = "; ".join(
            f"{one['cpu']}, {one['cores']} cores{', ' * bool(one['accelerator'])}{one['accelerator']} on "
            f"{', '.join(sorted(hosts[name]))}"
            for name, one in sorted(environments.items())
        )
        raise SuiteError(
            f"--executor {address}: the workers are unlike one another ({kinds}), and figures of unlike "
            "machines are not mixed; keep those of one kind, or make a run of each kind and merge them."
        )
    return next(iter(environments.values()))


@functools.cache
def code_digest() -> str:
    """SHA-256 over the Python files of the suite and the networks that it comes with."""
    digest = hashlib.sha256()
    for package in ("suite", "bsrn", "baselines"):
        root = Path(str(importlib.resources.files(package)))
        for file in sorted(root.rglob("*.py")):
            digest.update(f"{package}/{file.relative_to(root).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()


class Cluster(Executor):
    """Hands units to a cluster's workers.

    A unit whose worker is lost is begun again on another by the scheduler, as often as that is set to allow
    (``distributed.scheduler.allowed-failures``), then fails. If no worker is there for ``patience`` seconds,
    or the scheduler is lost, all fail.
    """

    def __init__(self, client: Any, site: Site, address: str, patience: float) -> None:
        self._client = client
        self._site = site
        self._address = address
        self._patience = patience
        self._executor = client.get_executor(pure=False)
        self._waiting: set[Future[Any]] = set()
        self._closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True, name="watch the cluster").start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have ``fn(unit)`` called by a worker."""
        (unit,) = args
        answer: Future[Any] = Future()
        answer.set_running_or_notify_cancel()
        self._waiting.add(answer)
        code = _foreign_code(unit)
        try:
            inner = self._executor.submit(there, fn, unit, self._site, code)
        except Exception:  # Dask's own, where its client has given up the scheduler
            if self._client.status != "closed":
                raise
            self._settle(answer, self._scheduler_lost())
            return answer
        inner.add_done_callback(lambda done: self._pass_on(done, answer, unit.title))
        return answer

    def _pass_on(self, inner: Future[Any], answer: Future[Any], title: str) -> None:
        """The answer of a worker, or what happened to it, to whoever waits."""
        if inner.cancelled():
            self._settle(answer, self._scheduler_lost())
            return
        error = inner.exception()
        if error is None:
            self._settle(answer, None, inner.result())
        elif type(error).__name__ == "KilledWorker":
            self._settle(answer, SuiteError(f"every Dask worker that measured {title} was lost."))
        else:
            self._settle(answer, error)

    def _scheduler_lost(self) -> SuiteError:
        return SuiteError(f"the Dask scheduler at {self._address} was lost.")

    def _settle(self, answer: Future[Any], error: BaseException | None, result: Any = None) -> None:
        if answer not in self._waiting:
            return  # given up before
        self._waiting.discard(answer)
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    def _watch(self) -> None:
        """Give up what waits where nobody has been there to do it for too long."""
        seen = time.monotonic()
        while not self._closed.wait(1.0):
            try:
                if self._client.nthreads() or not self._waiting:
                    seen = time.monotonic()
            except Exception:  # the scheduler does not answer; `_pass_on` is told if it stays so
                pass
            if self._client.status == "closed":  # by itself: the scheduler has not answered for `CONNECT_S`
                error = self._scheduler_lost()
            elif time.monotonic() - seen > self._patience:
                words = f"the Dask cluster at {self._address} had no worker for {self._patience:g} seconds."
                error = SuiteError(words)
            else:
                continue
            for answer in list(self._waiting):
                self._settle(answer, error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, whose workers stay."""
        self._closed.set()
        with contextlib.suppress(Exception):  # one whose scheduler was lost cannot be left in order
            self._executor.shutdown(wait=wait and bool(self._waiting) and not cancel_futures)
        with contextlib.suppress(Exception):
            self._client.close(timeout=5)


def _foreign_code(unit: Unit) -> str:
    card = unit.tasks[0].subject.card
    return foreign_digest(card.build, card.root) if card.foreign else ""


_ONE = threading.Lock()
"""A worker with several threads still does one thing at a time: others would share its cores or its GPU."""


def there(function: Callable[[Unit], Any], unit: Unit, site: Site, code: str) -> Any:
    """Do a unit in a worker, once it is known that the worker has what the driver has."""
    with _ONE:
        try:
            if code_digest() != site.code or describe(unit.tasks[0].subject.device)["id"] != site.environment:
                raise SuiteError(f"the Dask worker on {socket.gethostname()} is unlike the others.")
            if _foreign_code(unit) != code:
                name = unit.tasks[0].subject.card.name
                raise SuiteError(f"the code of {name} on {socket.gethostname()} is not the driver's.")
            here = {at_home(task, site): task for task in unit.tasks}
        except SuiteError as error:
            return Failure(str(error))
        with hold_machine(alone=MEASURES[unit.tasks[0].measure].alone):
            result = function(dataclasses.replace(unit, tasks=tuple(here)))
    if isinstance(result, list):
        return [dataclasses.replace(outcome, task=here[outcome.task]) for outcome in result]
    return result


def at_home(task: Task, site: Site) -> Task:
    """A driver's task with the paths that its files have here.

    Raises `SuiteError` if a file is not here or is not the driver's.
    """
    weights = _weights(task, site)
    subject = dataclasses.replace(task.subject, weights=weights)
    return dataclasses.replace(task, subject=subject, dataset=task.dataset and _dataset(task.dataset, site))


def _weights(task: Task, site: Site) -> Weights:
    weights, card = task.subject.weights, task.subject.card
    if weights.file is None:
        return weights
    file = _here(weights.file, site)
    if weights.origin == SHIPPED:
        file = shipped_file(card, task.subject.scale) or file
    if not file.is_file():
        raise SuiteError(
            f"{socket.gethostname()} lacks the weights {file}: share the data home, or call "
            f"'fetch models {card.name}' there."
        )
    if _sha256(file, file.stat().st_mtime_ns) != weights.sha256:
        raise SuiteError(f"the weights {file} on {socket.gethostname()} are not the driver's.")
    return dataclasses.replace(weights, file=file)


def _dataset(dataset: Dataset, site: Site) -> Dataset:
    if dataset.card is not None and dataset.card.package_images:
        here = open_dataset(dataset.name, dataset.scale, site.home)
    else:
        hr, lr, folder = (path and _here(path, site) for path in (dataset.hr, dataset.lr, dataset.folder))
        assert hr is not None
        here = dataclasses.replace(dataset, hr=hr, lr=lr, folder=folder)
    if not here.hr.is_dir():
        raise SuiteError(
            f"{socket.gethostname()} lacks the images {here.hr} of {dataset.name}: share the data home, or "
            f"call 'fetch datasets {dataset.name}' there."
        )
    if here.lr is not None and not here.lr.is_dir():
        here = dataclasses.replace(here, lr=None)  # made of HR, to the last bit
    if _pixels(here) != dataset.digest:
        raise SuiteError(f"the images {here.hr} on {socket.gethostname()} are not the driver's.")
    return here


def _here(path: Path, site: Site) -> Path:
    """A path of the driver's as it is seen here: the same, or the same place in this machine's data home."""
    path, home = (Path(os.path.abspath(site.folder / one)) for one in (path, site.home))
    if path.exists() or not path.is_relative_to(home):
        return path
    return find_home() / path.relative_to(home)


@functools.lru_cache(maxsize=64)
def _sha256(file: Path, changed: int) -> str:
    return sha256_of(file)


@functools.lru_cache(maxsize=16)
def _pixels(dataset: Dataset) -> str:
    return dataset.digest
