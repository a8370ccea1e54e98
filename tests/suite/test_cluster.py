"""A Dask cluster: what is said where it cannot be used, and that a worker proves what it has."""

from __future__ import annotations

import builtins
import dataclasses
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from suite import cluster
from suite.catalog import model_card
from suite.cluster import Cluster, Site, at_home, code_digest, connect, there
from suite.datasets import open_dataset
from suite.environment import describe
from suite.errors import SuiteError, UsageError
from suite.task import Outcome, Subject, Task
from suite.weights import find_weights
from suite.work import Failure, Unit

TinySet = Callable[..., Path]


def connecting(address: str) -> None:
    connect(address, Path("home"), "cpu", None, 900)


@pytest.mark.parametrize("address", ["dask://", "dask://host", "ray://host:1", "host:8786", "dask://a b:1"])
def test_another_address_is_wrong_usage(address: str) -> None:
    with pytest.raises(UsageError, match="write dask://HOST:PORT"):
        connecting(address)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "distributed":
            raise ImportError(name)
        return real(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SuiteError, match="Dask is not installed; install the suite with the extra 'cluster'"):
        connecting("dask://localhost:8786")


def test_where_nobody_answers_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SuiteError, match=f"dask://127.0.0.1:{port}: no scheduler answers there"):
        connecting(f"dask://127.0.0.1:{port}")


def worker(environment: dict[str, Any] | str, code: str = "", host: str = "one") -> tuple[str, Any, str]:
    return host, environment, code or code_digest()


HERE = {"id": "a", "cpu": "A", "cores": 2, "accelerator": ""}
OTHER = {"id": "b", "cpu": "B", "cores": 8, "accelerator": "H100"}


def test_workers_must_be_alike() -> None:
    assert cluster._common({"1": worker(HERE), "2": worker(HERE)}, "x") == HERE
    with pytest.raises(
        SuiteError, match=r"unlike one another \(A, 2 cores on one; B, 8 cores, H100 on two\)"
    ):
        cluster._common({"1": worker(HERE), "2": worker(OTHER, host="two")}, "x")
    with pytest.raises(SuiteError, match="the suite's code on two is not that of this machine"):
        cluster._common({"1": worker(HERE), "2": worker(HERE, code="old", host="two")}, "x")
    with pytest.raises(SuiteError, match=r"worker on one: --device cuda: no device\."):
        cluster._common({"1": worker("--device cuda: no device.")}, "x")


@pytest.fixture
def homes(tmp_path: Path, tiny_set: TinySet, monkeypatch: pytest.MonkeyPatch) -> tuple[Task, Path, Path]:
    """A task of a driver whose home is not to be seen here, that home, and the one here with its files."""
    driver, here = tmp_path / "driver", tmp_path / "here"
    (driver / "data").mkdir(parents=True)
    tiny_set().rename(driver / "data" / "Mine")
    (driver / "weights").mkdir()
    card = model_card("rfdn-bsconv-s")
    shipped = find_weights(card, 4, driver).file
    assert shipped is not None
    (driver / "weights" / "mine.safetensors").write_bytes(shipped.read_bytes())
    weights = find_weights(card, 4, driver, str(driver / "weights" / "mine.safetensors"))
    dataset = open_dataset(f"Mine={driver / 'data' / 'Mine'}", 4, driver)
    assert dataset.digest
    driver.rename(here)
    monkeypatch.setenv("SUITE_HOME", str(here))
    return Task("quality", Subject(card, 4, weights), dataset, "Mine", "sr-y"), driver, here


def site_of(home: Path) -> Site:
    return Site(home, home.parent, describe("cpu")["id"], code_digest())


def test_a_path_is_seen_from_where_the_driver_is(homes: tuple[Task, Path, Path]) -> None:
    task, driver, here = homes
    assert task.dataset is not None
    mine = dataclasses.replace(task.dataset, hr=Path("here/data/Mine"), folder=Path("here/data/Mine"))
    vars(mine)["digest"] = task.dataset.digest
    found = at_home(dataclasses.replace(task, dataset=mine), site_of(driver))
    assert found.dataset is not None
    assert found.dataset.hr == here / "data" / "Mine"
    relative = dataclasses.replace(site_of(driver), home=Path("driver"))
    assert at_home(task, relative).subject.weights.file == here / "weights" / "mine.safetensors"


def test_a_worker_finds_the_files_in_its_own_home(homes: tuple[Task, Path, Path]) -> None:
    task, driver, here = homes
    found = at_home(task, site_of(driver))
    assert found.subject.weights.file == here / "weights" / "mine.safetensors"
    assert found.dataset is not None
    assert [pair.name for pair in found.dataset.pairs()] == ["a", "b"]


def test_other_pixels_are_refused(homes: tuple[Task, Path, Path]) -> None:
    task, driver, here = homes
    (here / "data" / "Mine" / "a.png").write_bytes((here / "data" / "Mine" / "b.png").read_bytes())
    with pytest.raises(SuiteError, match=r"the images .*Mine on .* are not the driver's"):
        at_home(task, site_of(driver))


def test_other_weights_are_refused(homes: tuple[Task, Path, Path]) -> None:
    task, driver, here = homes
    file = here / "weights" / "mine.safetensors"
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(SuiteError, match=r"the weights .*mine.safetensors on .* are not the driver's"):
        at_home(task, site_of(driver))


@pytest.mark.parametrize(
    ("folder", "message"), [("weights", "fetch models rfdn-bsconv-s"), ("data", "fetch datasets Mine")]
)
def test_what_a_worker_lacks_is_named_with_the_remedy(
    homes: tuple[Task, Path, Path], folder: str, message: str
) -> None:
    task, driver, here = homes
    (here / folder).rename(here / "elsewhere")
    with pytest.raises(SuiteError, match=f"lacks the .*: share the data home, or call '{message}' there"):
        at_home(task, site_of(driver))


def test_outcomes_name_the_driver_s_tasks(homes: tuple[Task, Path, Path]) -> None:
    task, driver, _ = homes
    site = site_of(driver)
    seen: list[Task] = []

    def measure(unit: Unit) -> list[Outcome]:
        seen.extend(unit.tasks)
        return [Outcome(one) for one in unit.tasks]

    (outcome,) = there(measure, Unit((task,), 1), site, "")
    assert outcome.task == task
    assert seen != [task]
    for unlike in (dataclasses.replace(site, code="old"), dataclasses.replace(site, environment="b")):
        assert isinstance(there(measure, Unit((task,), 1), unlike, ""), Failure)
    assert isinstance(there(measure, Unit((task,), 1), site, "the driver's code"), Failure)
    assert len(seen) == 1


class Client:
    """Stands for Dask's: takes what is submitted and never does it."""

    def __init__(self, workers: dict[str, int]) -> None:
        self.workers = workers
        self.status = "running"
        self.inner: list[Future[Any]] = []
        self.closed = threading.Event()

    def get_executor(self, pure: bool) -> Client:
        return self

    def submit(self, *arguments: Any) -> Future[Any]:
        if self.status == "closed":
            raise RuntimeError("Client is closed.")
        self.inner.append(Future())
        return self.inner[-1]

    def nthreads(self) -> dict[str, int]:
        return self.workers

    def shutdown(self, wait: bool) -> None:
        pass

    def close(self, timeout: float) -> None:
        self.closed.set()


class KilledWorker(Exception):
    """As Dask calls it."""


@pytest.fixture
def unit() -> Unit:
    card = model_card("bicubic")
    return Unit((Task("cost", Subject(card, 4, find_weights(card, 4, Path("nowhere")))),), 1)


def test_a_cluster_without_workers_is_given_up_after_a_while(unit: Unit) -> None:
    client = Client({})
    with Cluster(client, Site(Path(), Path(), "", ""), "dask://x:1", patience=0.5) as executor:
        waiting = executor.submit(print, unit)
        with pytest.raises(SuiteError, match=r"the Dask cluster at dask://x:1 had no worker for 0.5 seconds"):
            waiting.result(timeout=60)
        client.inner[0].set_result("too late")
    assert client.closed.is_set()


def test_lost_workers_and_a_lost_scheduler_are_words(unit: Unit) -> None:
    client = Client({"one": 1})
    with Cluster(client, Site(Path(), Path(), "", ""), "dask://x:1", patience=900) as executor:
        first, second, third = (executor.submit(print, unit) for _ in range(3))
        client.inner[0].set_exception(KilledWorker())
        client.inner[1].cancel()
        client.inner[2].set_result(7)
        with pytest.raises(SuiteError, match="every Dask worker that measured cost of bicubic x4 was lost"):
            first.result(timeout=60)
        with pytest.raises(SuiteError, match="the Dask scheduler at dask://x:1 was lost"):
            second.result(timeout=60)
        assert third.result(timeout=60) == 7
        fourth = executor.submit(print, unit)
        client.status = "closed"
        with pytest.raises(SuiteError, match="the Dask scheduler at dask://x:1 was lost"):
            fourth.result(timeout=60)
        with pytest.raises(SuiteError, match="the Dask scheduler at dask://x:1 was lost"):
            executor.submit(print, unit).result(timeout=60)
