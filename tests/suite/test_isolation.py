"""A worker is a fresh process that keeps a state, and whose failures are words and not tracebacks.

The functions that workers run lie at the top of this module: pytest puts its folder on ``sys.path``, and a
spawned process inherits that.
"""

from __future__ import annotations

import multiprocessing.util
import os
import re
import signal
import sys
import time
from types import FrameType
from typing import Any

import pytest

from suite.cli.interruptions import interruptions
from suite.errors import SuiteError
from suite.isolation import State, Worker, one_line


def remember(state: State, word: str) -> list[str]:
    state.setdefault("words", []).append(word)
    return state["words"]


def process_id(state: State) -> int:
    return os.getpid()


def loaded(state: State, module: str) -> bool:
    return module in sys.modules


def leave(state: State, status: int) -> None:
    raise SystemExit(status)


def fail(state: State, error: BaseException) -> None:
    raise error


def send_itself(state: State, number: int) -> str:
    os.kill(os.getpid(), number)
    return "still here"


def sleep(state: State, seconds: float) -> None:
    time.sleep(seconds)


def give_a_function(state: State) -> object:
    return lambda: None


def test_a_worker_keeps_its_state_between_calls() -> None:
    with Worker("it") as worker:
        assert worker.call(remember, "one") == ["one"]
        assert worker.call(remember, "two") == ["one", "two"]


def test_workers_do_not_share_state() -> None:
    with Worker("it") as first, Worker("it") as second:
        first.call(remember, "one")
        assert second.call(remember, "two") == ["two"]


def test_a_worker_is_a_process_of_its_own() -> None:
    with Worker("it") as first, Worker("it") as second:
        assert len({os.getpid(), first.call(process_id), second.call(process_id)}) == 3


def test_nothing_that_is_loaded_here_is_loaded_there() -> None:
    import torch  # noqa: F401 - so that a fork would have it

    with Worker("it") as worker:
        assert not worker.call(loaded, "torch")


def test_keyword_arguments_arrive() -> None:
    with Worker("it") as worker:
        assert worker.call(remember, word="one") == ["one"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("no good"), "ValueError: no good"),
        (RuntimeError("first line\nsecond line"), "RuntimeError: first line"),
        (KeyError(), "KeyError"),
        (MemoryError(), "MemoryError"),
        (SuiteError("cannot read x: no such file."), "cannot read x: no such file."),
    ],
    ids=repr,
)
def test_an_error_in_a_worker_is_one_line_here(error: BaseException, words: str) -> None:
    with Worker("it") as worker, pytest.raises(SuiteError) as caught:
        worker.call(fail, error)
    assert str(caught.value) == words


def test_a_worker_goes_on_after_an_error() -> None:
    with Worker("it") as worker:
        with pytest.raises(SuiteError):
            worker.call(fail, ValueError("no good"))
        assert worker.call(remember, "on") == ["on"]


def test_a_killed_worker_is_named_with_the_signal() -> None:
    expected = "the process that measured memory of bsrn x4 ended with signal 9 (often: out of memory)."
    with Worker("memory of bsrn x4") as worker:
        for _ in range(2):  # a later call does not hang
            with pytest.raises(SuiteError, match=f"^{re.escape(expected)}$"):
                worker.call(send_itself, signal.SIGKILL)


def test_a_silent_worker_never_seems_alive_afterwards() -> None:
    with Worker("it", patience=3) as worker:
        with pytest.raises(SuiteError, match="did not answer for 3 seconds"):
            worker.call(sleep, 600)
        assert not worker.alive  # else it is handed the next thing, and that is lost


def test_a_worker_that_exits_is_named_with_the_status() -> None:
    with Worker("it") as worker, pytest.raises(SuiteError, match="ended with exit status 3"):
        worker.call(leave, 3)


def test_ctrl_c_is_left_to_the_driver() -> None:
    with Worker("it") as worker:
        assert worker.call(send_itself, signal.SIGINT) == "still here"


def test_the_process_is_gone_afterwards() -> None:
    with Worker("it") as worker:
        number = worker.call(process_id)
        os.kill(number, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


class Interrupted(Exception):
    """Stands for Ctrl-C."""


def test_a_busy_process_is_ended_when_the_driver_is_interrupted() -> None:
    def interrupt(number: int, where: FrameType | None) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupted), Worker("it") as worker:
            process = worker.call(process_id)
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            worker.call(sleep, 60)
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_while_a_process_starts_is_put_off_until_it_has(
    number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    spawn = multiprocessing.util.spawnv_passfds

    def interrupted(*arguments: Any) -> int:
        process = spawn(*arguments)
        signal.raise_signal(number)
        os.kill(process, signal.SIGINT)  # a terminal sends it to all
        return process

    monkeypatch.setattr(multiprocessing.util, "spawnv_passfds", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is not heard
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    with pytest.raises(KeyboardInterrupt), interruptions():
        Worker("it")
    for process in multiprocessing.active_children():
        process.join(timeout=60)
        assert process.exitcode == 0
    assert capfd.readouterr().err == ""


def test_a_process_whose_answer_nobody_waits_for_ends_without_a_word(
    capfd: pytest.CaptureFixture[str],
) -> None:
    worker = Worker("it")
    assert worker.call(remember, "here") == ["here"]
    worker._send(sleep, (0.2,), {})
    worker.close()
    assert capfd.readouterr().err == ""


def test_an_answer_that_cannot_be_sent_is_not_blamed_on_memory() -> None:
    with Worker("it") as worker:
        with pytest.raises(SuiteError, match="pickle"):
            worker.call(give_a_function)
        assert worker.call(remember, "on") == ["on"]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("short"), "ValueError: short"),
        (ValueError("\n\n  first \n second"), "ValueError: first "),
        (ValueError(""), "ValueError"),
        (ValueError("x" * 1000), "ValueError: " + "x" * 300),
    ],
)
def test_one_line(error: Exception, line: str) -> None:
    assert one_line(error) == line
