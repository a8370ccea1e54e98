"""A file is written whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from suite.errors import SuiteError
from suite.files import atomically, write_text


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path: Path) -> None:
    file = tmp_path / "reports" / "page.html"
    write_text(file, "old")
    write_text(file, "new\r\n\u00d7")
    assert file.read_bytes() == b"new\r\n\xc3\x97"
    assert [one.name for one in file.parent.iterdir()] == ["page.html"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuiteError, match=r"cannot write .*file/page\.html: Not a directory\."):
        write_text(tmp_path / "file" / "page.html", "x")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inside").write_text("")
    with pytest.raises(SuiteError, match=r"cannot write .*folder: "):
        write_text(folder, "x")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("place", [".", "", "..", "folder", "folder/"])
def test_a_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(SuiteError, match=r"cannot write [.folder]+: it is a folder; name a file\."):
        write_text(Path(place), "x")
    assert [one.name for one in tmp_path.iterdir()] == ["folder"]


def test_a_device_or_a_pipe_stays_what_it_is(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SuiteError, match=r"cannot write .*pipe: it is a device or a pipe; name a file\."):
        write_text(tmp_path / "pipe", "x")
    assert (tmp_path / "pipe").is_fifo()


def test_a_writer_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("the disk is full")

    file = tmp_path / "state"
    write_text(file, "good")
    with pytest.raises(SuiteError, match=r"cannot write .*state: the disk is full"):
        atomically(file, fail)
    assert file.read_text() == "good"
    assert [one.name for one in tmp_path.iterdir()] == ["state"]


def test_a_full_disk_that_a_writer_words_otherwise_is_called_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0\nat 0x7f")

    with pytest.raises(SuiteError, match=r"cannot write .*state: \[enforce fail .* vs 0\.$"):
        atomically(tmp_path / "state", fail)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=0))
    with pytest.raises(SuiteError, match=r"cannot write .*state: No space left on device\.$"):
        atomically(tmp_path / "state", fail)


def test_an_interrupted_writer_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted(path: Path) -> None:
        path.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomically(tmp_path / "state", interrupted)
    assert list(tmp_path.iterdir()) == []
