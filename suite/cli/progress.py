"""Progress of a run: a live line in a terminal, one line a task elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from suite.cli.screen import in_one_line, open_console
from suite.engine import Finished
from suite.environment import BUSY
from suite.records import Record

HEADLINES = {
    "params": "{:,.0f} parameters",
    "peak_bytes": "{:,.0f} bytes at the peak",
    "latency_ms": "{:,.1f} ms",
    "forward_ms": "{:,.1f} ms, divided among its operators",
    "ntire_mean_ms": "{:,.1f} ms an image",
    "psnr": "{:.2f} dB",
}
"""The figures that stand for a record in its line."""


class Progress:
    """Shows on standard error what is being done and what is finished. Use as a context manager."""

    def __init__(self, total: int) -> None:
        self._console = open_console(stderr=True)
        self._total = total
        self._finished = 0
        self._reused = 0
        self._disturbed: set[str] = set()
        self._live = RichProgress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task = self._live.add_task("starting", total=total)

    def __enter__(self) -> Progress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._reused and kind is None:
            self._print(f"{self._reused} of {self._total} were measured before and are reused.")

    def say(self, words: str) -> None:
        """Show what is going on at the moment."""
        self._live.update(self._task, description=in_one_line(words))

    def done(self, finished: Finished) -> None:
        """Count a task, and say what came of it unless it was there before."""
        self._finished += 1
        self._live.update(self._task, completed=self._finished)
        if finished.reused:
            self._reused += 1
            return
        self._print(f"[{self._finished}/{self._total}] {finished.task.title}: {headline(finished.record)}")
        session = str(finished.record.details.get("session", ""))
        if (words := disturbance(finished.record)) and session not in self._disturbed:
            self._disturbed.add(session)  # all that were timed in turn share it
            self._print(words)

    def _print(self, line: str) -> None:
        self._console.print(in_one_line(line), markup=False, highlight=False, soft_wrap=True)


def headline(record: Record) -> str:
    """The main figure of a record in words, or why there is none."""
    if record.not_measured:
        return f"not measured, because {record.not_measured}"
    how = f" ({record.protocol})" if record.protocol else ""
    for metric, form in HEADLINES.items():
        if (value := record.value(metric)) is not None:
            return form.format(value) + how
    return "measured"


def disturbance(record: Record) -> str:
    """What a timing shared the machine with, in one sentence; empty where that was little or is not known."""
    busy = float(record.details.get("busy_before") or 0.0)
    if busy <= BUSY:
        return ""
    return (
        f"Other programs used {busy:.0%} of the processors before these timings: repeat them when it is idle."
    )
