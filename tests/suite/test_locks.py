"""Locks: who waits for whom, and that those of dead processes never block."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from suite.errors import SuiteError
from suite.locks import hold_machine, hold_run

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import pathlib, sys, time
from suite.locks import hold_machine, hold_run
how = sys.argv[1]
held = hold_run(pathlib.Path(sys.argv[2])) if how == "run" else hold_machine(alone=how == "alone")
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks that nobody else on this machine has."""
    monkeypatch.setenv("SUITE_LOCKS", str(tmp_path / "locks"))


def holder(*arguments: str) -> subprocess.Popen[str]:
    """A process that holds a lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def free_after(seconds: float, *, alone: bool) -> bool:
    """Whether the machine's lock is had within so many seconds."""
    got = threading.Event()
    stop = threading.Event()

    class Stopped(Exception):
        pass

    def say(words: str) -> None:
        if stop.is_set():
            raise Stopped

    def take() -> None:
        try:
            with hold_machine(alone=alone, say=say):
                got.set()
        except Stopped:
            pass

    thread = threading.Thread(target=take)
    thread.start()
    found = got.wait(seconds)
    stop.set()
    thread.join()
    return found


def test_tasks_share_a_machine() -> None:
    with hold_machine(alone=False):
        assert free_after(60, alone=False)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_a_timing_shares_it_with_nobody(first: bool, second: bool) -> None:
    with hold_machine(alone=first):
        assert not free_after(0.6, alone=second)
    assert free_after(60, alone=second)


def test_whoever_wants_it_alone_is_not_passed_by_those_who_come_later() -> None:
    order: list[str] = []

    def take(name: str, alone: bool, waits: threading.Event) -> None:
        with hold_machine(alone=alone, say=lambda words: waits.set()):
            order.append(name)

    with hold_machine(alone=False):
        waits = [threading.Event(), threading.Event()]
        timing = threading.Thread(target=take, args=("timing", True, waits[0]))
        timing.start()
        assert waits[0].wait(60)
        later = threading.Thread(target=take, args=("later", False, waits[1]))
        later.start()
        assert waits[1].wait(60)
        assert not order
    timing.join()
    later.join()
    assert order == ["timing", "later"]


def test_what_is_waited_for_is_said() -> None:
    with holder("alone") as other:
        said: list[str] = []

        def say(words: str) -> None:
            said.append(words)
            other.kill()

        with hold_machine(alone=False, say=say):
            pass
    assert said[0] == f"waiting for a timing on this machine to end ({other.pid} on {os.uname().nodename})"


@pytest.mark.parametrize("how", ["alone", "shared"])
def test_the_lock_of_a_killed_process_does_not_block(how: str) -> None:
    with holder(how) as other:
        assert not free_after(0.6, alone=True)
        other.send_signal(signal.SIGKILL)
    assert free_after(60, alone=True)


def test_where_the_cache_cannot_be_written_the_lock_lies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "temporary").mkdir()
    monkeypatch.delenv("SUITE_LOCKS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    with hold_machine(alone=True):
        assert list((tmp_path / "temporary").rglob("*.room"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(SuiteError, match=r"cannot write .* \$SUITE_LOCKS"):
        hold_machine(alone=True)


def test_a_run_has_one_driver_who_is_named(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "it"
    with holder("run", str(run)) as other:
        expected = f"another process ({other.pid} on {os.uname().nodename}) writes to {run}: wait until"
        with pytest.raises(SuiteError) as caught:
            hold_run(run)
        assert str(caught.value).startswith(expected)
        other.send_signal(signal.SIGKILL)
    with hold_run(run):
        pass
    with hold_run(run):
        pass


def test_a_run_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuiteError, match=r"cannot write .*file/run: "):
        hold_run(tmp_path / "file" / "run")
