"""Runs that are killed at any moment, or have no room: called again they end as if nothing had been.

What is compared is the tidy frame, in all that is not a time: every value of every task, to the last bit.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clusters import kill_one, lasting_cluster, lonely_scheduler
from PIL import Image
from test_executors import wait_until_gone

from suite.locks import hold_run
from suite.records import Store, frame
from tests.command import Started, environment, start_suite

TASKS = 12
MODELS = ("bicubic", "rfdn-dsconv", "rfdn-bsconv-s")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small sets and an empty data home."""
    folder = tmp_path_factory.mktemp("interrupted")
    noise = np.random.default_rng(3)
    for name, count in (("one", 3), ("two", 2)):
        (folder / name).mkdir()
        for number in range(count):
            coarse = noise.integers(0, 256, (8, 9, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((72 + 8 * number, 80), Image.Resampling.BICUBIC)
            image.save(folder / name / f"{number}.png")
    (folder / "home").mkdir()
    return folder


def start(place: Path, run: str, *more: str, limit: int | None = None) -> Started:
    """Twelve tasks: cost at two inputs, and quality on two sets, of three small networks."""
    return start_suite(
        *("run", "--models", *MODELS, "--datasets", "one=one", "two=two", "--measures", "cost", "quality"),
        *("--threads", "1", "--out", run, "--no-report", "--no-crops", *more),
        cwd=place,
        environment=environment(place),
        largest_file=limit,
    )


def finish(process: Started) -> tuple[int, str]:
    """Exit status and standard error of a process that ends by itself."""
    with process:
        done = process.wait()
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def wait_for_records(process: Started, run: Path, count: int, seconds: float = 0) -> None:
    """Wait until a run has so many records, and then so many seconds, or has ended."""
    file = run / "records.jsonl"
    while (file.read_bytes().count(b"\n") if file.exists() else 0) < count:
        if process.ended(0.01):
            return
    process.ended(seconds)


def figures(run: Path) -> pd.DataFrame:
    """The tidy frame of a run in a fixed order."""
    found = frame(Store(run).load().values())
    order = ["model", "measure", "dataset", "input", "metric", "image"]
    return found.sort_values(order).reset_index(drop=True)


def assert_complete(run: Path, undisturbed: Path) -> None:
    """The run has every record once, and the figures of the undisturbed one."""
    store = Store(run)
    assert len(store.load()) == TASKS
    lines = [line for line in store.file.read_text().split("\n") if line.strip()]
    assert len(lines) - store.torn == TASKS
    pd.testing.assert_frame_equal(figures(run), figures(undisturbed), check_exact=True)


@pytest.fixture(scope="module")
def undisturbed(place: Path) -> Path:
    """A run in one process that nothing happened to."""
    status, errors = finish(start(place, "undisturbed"))
    assert status == 0, errors
    return place / "undisturbed"


def descendants(process: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    found, look = [], [process]
    while look:
        new = children.get(look.pop(), [])
        found += new
        look += new
    return found


def is_worker(process: int) -> bool:
    """Whether a process is a copy of the one that has imported PyTorch for the workers."""
    with contextlib.suppress(OSError):
        parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        names = (Path(f"/proc/{one}/cmdline").read_bytes() for one in (process, parent))
        return all(b"multiprocessing.forkserver" in name for name in names)
    return False


def kill(process: Started, victim: str) -> list[int]:
    """Kill the driver, one of its workers, or all, or ask all to end, as a batch system does.

    Gives the processes of the run that there were.
    """
    there = [process.number, *descendants(process.number)]
    victims = {"driver": there[:1], "worker": [one for one in there if is_worker(one)][:1]}
    number = signal.SIGTERM if victim == "all, asked" else signal.SIGKILL
    for one in victims.get(victim, there):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, number)
    return there


def disturb(place: Path, run: str, victim: str, records: int, seconds: float = 0) -> None:
    """Begin a run, kill something of it after so many records, see that nothing is left, call again."""
    with start(place, run, "--workers", "2") as process:
        wait_for_records(process, place / run, records, seconds)
        there = kill(process, victim)
        done = process.wait()
    if victim == "all, asked":
        assert done.returncode == 128 + signal.SIGTERM, done.stderr
        assert "Traceback" not in done.stderr, done.stderr
    if victim == "worker":
        assert done.returncode == 0, done.stderr  # nobody need call again: another does what it did
    assert not wait_until_gone(there)
    status, errors = finish(start(place, run))
    assert status == 0, errors


@pytest.mark.slow
@pytest.mark.parametrize(("victim", "records"), [("driver", 7), ("worker", 1), ("all", 8), ("all, asked", 5)])
def test_killed_and_called_again_a_run_is_as_if_undisturbed(
    place: Path, undisturbed: Path, victim: str, records: int
) -> None:
    disturb(place, f"killed-{victim}", victim, records)
    assert_complete(place / f"killed-{victim}", undisturbed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", range(50))
def test_killed_at_a_random_moment(place: Path, undisturbed: Path, number: int) -> None:
    chance = random.Random(number)
    victim = chance.choice(["driver", "driver", "all"])
    disturb(place, f"random-{number}", victim, chance.randrange(TASKS), chance.uniform(0, 1))
    assert_complete(place / f"random-{number}", undisturbed)


@pytest.fixture(scope="module")
def on_cluster(place: Path) -> Iterator[Callable[..., None]]:
    """``(name, records, seconds=0)`` makes a run on a Dask cluster and then kills a worker."""
    with lasting_cluster() as living:

        def run(name: str, records: int, seconds: float = 0) -> None:
            cluster = living()
            address = cluster.scheduler_address.replace("tcp", "dask")
            with start(place, name, "--executor", address) as process:
                wait_for_records(process, place / name, records, seconds)
                assert kill_one(cluster)
                status, errors = finish(process)
            assert status == 0, errors

        yield run


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_figures_though_a_worker_is_killed(
    place: Path, undisturbed: Path, on_cluster: Callable[..., None]
) -> None:
    on_cluster("dask", 7)
    assert_complete(place / "dask", undisturbed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", range(50))
def test_a_dask_worker_killed_at_a_random_moment(
    place: Path, undisturbed: Path, on_cluster: Callable[..., None], number: int
) -> None:
    chance = random.Random(number)
    on_cluster(f"dask-{number}", chance.randrange(TASKS), chance.uniform(0, 1))
    assert_complete(place / f"dask-{number}", undisturbed)


@pytest.mark.slow
def test_a_killed_scheduler_is_said_and_the_same_command_goes_on(
    place: Path, undisturbed: Path, tmp_path: Path
) -> None:
    with lonely_scheduler(tmp_path) as (address, scheduler):
        executor = address.replace("tcp", "dask")
        with start(place, "no-scheduler", "--executor", executor) as process:
            wait_for_records(process, place / "no-scheduler", 7)
            scheduler.kill()
            done = process.wait(120)  # far less than the patience with a cluster that is there
    assert done.returncode == 1, done.stderr
    assert f"not measured, because the Dask scheduler at {executor} was lost." in done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert "ERROR" not in done.stderr
    status, errors = finish(start(place, "no-scheduler"))
    assert status == 0, errors
    pd.testing.assert_frame_equal(figures(place / "no-scheduler"), figures(undisturbed), check_exact=True)


@pytest.mark.slow
def test_a_second_driver_is_refused_and_a_torn_line_is_measured_again(place: Path, undisturbed: Path) -> None:
    run = place / "torn"
    shutil.copytree(undisturbed, run)
    content = (run / "records.jsonl").read_bytes()
    (run / "records.jsonl").write_bytes(content[:-200])
    with hold_run(run):
        status, errors = finish(start(place, "torn"))
    assert status == 1
    assert f"another process ({os.getpid()} on " in errors
    assert "writes to torn: wait until it has ended, or name another folder with --out." in errors
    assert (run / "records.jsonl").read_bytes() == content[:-200]
    status, errors = finish(start(place, "torn"))
    assert status == 0, errors
    assert "torn/records.jsonl: 1 line(s) could not be read and were left out." in errors
    assert_complete(run, undisturbed)


def assert_resumes(place: Path, run: str, undisturbed: Path, errors: str, reason: str) -> None:
    """A run that had no room said so, kept whole lines, and ends well once there is room."""
    assert f"suite run: cannot write {run}/records.jsonl: {reason}. What it holds is kept" in errors
    store = Store(place / run)
    assert 0 < len(store.load()) < TASKS
    assert store.torn == 0
    assert store.file.read_bytes().endswith(b"\n")


@pytest.mark.slow
def test_a_file_that_may_not_grow_ends_a_run_and_loses_nothing(place: Path, undisturbed: Path) -> None:
    size = (undisturbed / "records.jsonl").stat().st_size
    status, errors = finish(start(place, "limited", limit=size // 2))
    assert status == 1
    assert_resumes(place, "limited", undisturbed, errors, "File too large")
    assert finish(start(place, "limited"))[0] == 0
    assert_complete(place / "limited", undisturbed)


@pytest.mark.slow
def test_a_full_disk_ends_a_run_and_loses_nothing(place: Path, undisturbed: Path) -> None:
    disk = place / "disk"
    disk.mkdir()
    size = (undisturbed / "records.jsonl").stat().st_size
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size // 2 // 4096 * 4 + 12}k", "none", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a small disk")
    try:
        status, errors = finish(start(place, "disk/run"))
        assert status == 1
        assert_resumes(place, "disk/run", undisturbed, errors, "No space left on device")
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        assert finish(start(place, "disk/run"))[0] == 0
        assert_complete(disk / "run", undisturbed)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
