"""Where the output goes: full disks, closed streams, encodings that lack a character."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from suite.cli.screen import open_console, screens, write_data
from tests.command import environment

DATA = Path(__file__).parent / "data"
FULL = Path("/dev/full")
needs_a_full_device = pytest.mark.skipif(not FULL.is_char_device(), reason="needs /dev/full")


def list_models(place: Path, **streams: Any) -> tuple[int, str]:
    """Exit status and standard error of a command that writes a table."""
    command = [sys.executable, "-m", "suite", "list", "models"]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE} | streams
    done = subprocess.run(command, env=environment(place), text=True, timeout=60, **streams)
    return done.returncode, done.stderr or ""


@needs_a_full_device
def test_a_full_disk_behind_standard_output_is_one_sentence(tmp_path: Path) -> None:
    with FULL.open("w") as full:
        status, said = list_models(tmp_path, stdout=full)
    reason = "No space left on device"
    assert (status, said) == (1, f"suite list: cannot write to standard output: {reason}.\n")


@needs_a_full_device
def test_what_is_only_said_may_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", FULL.open("w"))
    with screens():
        print("one of a thousand tasks", file=sys.stderr, flush=True)
        open_console(stderr=True).print("another")
        print("and one more", file=sys.stderr, flush=True)


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_error(tmp_path: Path, closed: int) -> None:
    assert list_models(tmp_path, preexec_fn=lambda: os.close(closed)) == (0, "")


def test_a_reader_who_has_seen_enough_stops_the_printing_alone(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(DATA / "records_v1.jsonl", run / "records.jsonl")
    reads, writes = os.pipe()
    os.close(reads)
    command = [sys.executable, "-m", "suite", "report", "run", "--html", "page.html"]
    streams: dict[str, Any] = {"stdout": writes, "stderr": subprocess.PIPE}
    done = subprocess.run(command, env=environment(tmp_path), cwd=tmp_path, text=True, timeout=60, **streams)
    os.close(writes)
    assert (done.returncode, "Report: page.html" in done.stderr) == (0, True), done.stderr
    assert "</html>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def written(encoding: str) -> tuple[io.BytesIO, IO[str]]:
    below = io.BytesIO()
    return below, io.TextIOWrapper(below, encoding=encoding, write_through=True)


def test_a_character_that_the_encoding_lacks_is_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    below, stream = written("ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    with screens():
        print("said ≈")
        write_data("figures ≈\n")
        open_console().print("table ≈")
    assert below.getvalue().decode("ascii") == "said \\u2248\nfigures \\u2248\ntable \\u2248\n"
