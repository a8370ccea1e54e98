"""Processes as an executor: one thing at a time each, replaced when they end, gone when they are not wanted.

The functions that run in them lie at the top of this module, which a spawned process can import.
"""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.errors import SuiteError, UsageError
from suite.executors import Processes, device_settings, share_of
from suite.isolation import Lost, State, Worker

ROOT = Path(__file__).resolve().parents[2]


def square(number: int) -> int:
    return number * number


def process_id(label: str = "") -> int:
    return os.getpid()


def setting(name: str) -> str | None:
    return os.environ.get(name)


def end_by_signal() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def fail() -> None:
    raise SuiteError("the file x is damaged.")


@pytest.fixture
def two() -> Iterator[Processes]:
    with Processes(2) as executor:
        yield executor


def is_there(process: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(processes: list[int], seconds: float = 60) -> list[int]:
    """Those of the processes that are still there after a while."""
    end = time.monotonic() + seconds
    while (left := [process for process in processes if is_there(process)]) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def test_it_gives_what_the_functions_return(two: Processes) -> None:
    assert list(two.map(square, range(20))) == [number * number for number in range(20)]


def test_things_are_done_in_so_many_processes_other_than_this(two: Processes) -> None:
    futures = [two.submit(sleep, 0.3), two.submit(sleep, 0.3)]
    assert [future.result() for future in futures] == [0.3, 0.3]
    numbers = {future.result() for future in [two.submit(process_id) for _ in range(40)]}
    assert 1 <= len(numbers) <= 2
    assert os.getpid() not in numbers


def test_an_error_is_the_future_s_and_the_process_goes_on() -> None:
    with Processes(1) as one:
        before = one.submit(process_id).result()
        with pytest.raises(SuiteError, match=r"the file x is damaged\."):
            one.submit(fail).result()
        assert one.submit(process_id).result() == before


def test_a_process_that_ends_fails_what_it_did_alone_and_is_replaced() -> None:
    with Processes(1) as one:
        before = one.submit(process_id).result()
        with pytest.raises(Lost, match="signal 9"):
            one.submit(end_by_signal).result()
        after = one.submit(process_id).result()
    assert after != before
    assert not wait_until_gone([before, after])


def test_a_silent_process_is_ended_and_replaced() -> None:
    # Functions that need no import, which on a busy machine takes longer than this patience.
    with Processes(1, patience=2) as one:
        with pytest.raises(SuiteError, match=r"a task did not answer for 2 seconds .* --patience") as caught:
            one.submit(time.sleep, 600).result()
        assert not isinstance(caught.value, Lost)  # it would be silent again
        assert one.submit(math.sqrt, 9).result() == 3


def test_leaving_it_waits_for_what_is_not_done() -> None:
    with Processes(1) as one:
        futures = [one.submit(square, number) for number in range(5)]
    assert [future.result(timeout=0) for future in futures] == [0, 1, 4, 9, 16]
    with pytest.raises(RuntimeError):
        one.submit(square, 1)


def test_shutting_down_at_once_ends_the_processes_and_cancels_what_waits() -> None:
    one = Processes(1)
    number = one.submit(process_id).result()
    busy, waiting = one.submit(sleep, 6000), one.submit(square, 2)
    while not busy.running():
        time.sleep(0.01)
    one.shutdown(wait=False, cancel_futures=True)
    assert waiting.cancelled()
    with pytest.raises(Lost):
        busy.result(timeout=60)
    assert not wait_until_gone([number])


def imported(state: State) -> bool:
    return "torch" in sys.modules


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process are made on Linux")
def test_a_process_finds_pytorch_imported_unless_it_is_started_anew() -> None:
    with Worker("a copy", anew=False) as copy, Worker("a new one") as new:
        assert copy.call(imported)
        assert not new.call(imported)


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process are made on Linux")
def test_work_goes_on_though_the_process_that_others_are_copied_from_is_killed() -> None:
    with Processes(1) as one:
        before = one.submit(process_id).result()
        original = parent_of(before)
        assert original != os.getpid()
        os.kill(original, signal.SIGKILL)
        assert not wait_until_gone([original])
        assert one.submit(square, 3).result() == 9
        after = one.submit(process_id).result()
    assert not wait_until_gone([before, after])


def test_each_process_can_have_settings_of_its_own() -> None:
    with Processes(2, settings=[{"WHICH": "first"}, {"WHICH": "second"}]) as executor:
        futures = [executor.submit(sleep, 0.5) for _ in range(2)]  # both start
        assert [future.result() for future in futures] == [0.5, 0.5]
        found = {future.result() for future in [executor.submit(setting, "WHICH") for _ in range(40)]}
    assert found <= {"first", "second"}
    assert found
    assert "WHICH" not in os.environ


DRIVER = """
import os, sys, time
sys.path.insert(0, {tests!r})
from suite.executors import Processes
from test_executors import nested, process_id, sleep

if __name__ == "__main__":
    executor = Processes(2)
    inner = executor.submit(nested).result()
    outer = executor.submit(process_id).result()
    for _ in range(4):
        executor.submit(sleep, 600)
    print(outer, *inner, flush=True)
    time.sleep(600)
"""


def nested() -> tuple[int, int]:
    """Start a process from a process, which sleeps then; the numbers of both."""
    from suite.isolation import Worker

    worker = Worker("inner", 600)
    number = worker.call(inner_id)
    worker._send(inner_sleep, (600.0,), {})
    KEPT.append(worker)
    return os.getpid(), number


KEPT: list[object] = []


def inner_id(state: dict[str, object]) -> int:
    return os.getpid()


def inner_sleep(state: dict[str, object], seconds: float) -> None:
    time.sleep(seconds)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes in /proc")
def test_nothing_is_left_when_the_driver_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(tests=str(Path(__file__).parent)))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout is not None
        numbers = [int(number) for number in driver.stdout.readline().split()]
        assert len(numbers) == 3
        assert all(map(is_there, numbers))
        driver.kill()
    assert not wait_until_gone(numbers)


@pytest.mark.parametrize(
    ("threads", "workers", "cores", "share"),
    [(2, 2, 2, 1), (1, 2, 2, 1), (1, 4, 2, 1), (8, 3, 8, 2), (4, 2, 16, 4), (4, 8, 2, 1), (16, 2, 8, 4)],
)
def test_workers_share_the_cores(threads: int, workers: int, cores: int, share: int) -> None:
    assert share_of(threads, workers, cores) == share


def test_each_worker_has_a_cuda_device_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5,6")
    assert device_settings("cuda", 2) == [{"CUDA_VISIBLE_DEVICES": "3"}, {"CUDA_VISIBLE_DEVICES": "5"}]
    assert device_settings("cpu", 8) == []
    with pytest.raises(UsageError, match="--workers 4: there are 3 CUDA devices, and each takes one task"):
        device_settings("cuda", 4)
