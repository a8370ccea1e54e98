"""What a run says of a finished task, one line each."""

from __future__ import annotations

from typing import Any

import pytest

from suite.catalog import model_card
from suite.cli.progress import Progress, disturbance
from suite.engine import Finished
from suite.records import Record, Value
from suite.task import Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights

TASK = Task("runtime", Subject(model_card("bicubic"), 4, Weights(WITHOUT_PARAMETERS)), input=(3, 8, 8))
SAID = "Other programs used 35% of the processors before these timings: repeat them when it is idle."


def timing(**details: Any) -> Record:
    values = (Value("latency_ms", 5.0, "ms"),)
    configuration = ("none", "eager", "cpu", "fp32", 1)
    return Record("k", "runtime", "bicubic", 4, *configuration, values=values, details=details)


@pytest.mark.parametrize(
    ("busy", "said"), [(0.354, SAID), (0.1, ""), (0.0, ""), (None, "")], ids=["35%", "10%", "idle", "unknown"]
)
def test_a_load_that_is_not_the_suite_s_is_said(busy: float | None, said: str) -> None:
    assert disturbance(timing(busy_before=busy)) == said


def test_a_record_that_knows_nothing_of_a_load_says_nothing() -> None:
    assert disturbance(timing()) == ""


def test_a_load_is_said_once_a_session_and_not_of_what_was_there(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(4) as progress:
        for session, reused in (("a", True), ("b", False), ("b", False), ("c", False)):
            progress.done(Finished(TASK, timing(busy_before=0.354, session=session), reused))
    lines = capsys.readouterr().err.splitlines()
    assert lines.count(SAID) == 2
    assert lines.index(SAID) == 1  # behind the first timing of its session
    assert sum("5.0 ms" in line for line in lines) == 3
