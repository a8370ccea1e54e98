"""Merging runs: what is kept of records of one key, and that nothing is left out without a word."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from suite import SCHEMA, cli, locks
from suite.backends.choice import FILE
from suite.errors import SuiteError
from suite.merge import environments, merge, merge_choices
from suite.outputs import FOLDER, Pictures
from suite.records import Record, Store, Value, to_json
from tests.command import call_suite

MakeRun = Callable[..., Path]
BASE = Record("0" * 16, "quality", "bsrn", 4, "official", "eager", "cpu", "fp32", 1, dataset="Set5")


def record(key: str, psnr: float | None = 30.0, **changes: Any) -> Record:
    values = () if psnr is None else (Value("psnr", psnr, "dB"),)
    fields: dict[str, Any] = {
        "values": values,
        "not_measured": "" if values else "no weights.",
        "environment": {"id": "here", "cpu": "A", "cores": 2},
        "finished": "2026-05-04T09:00:00+00:00",
    }
    return dataclasses.replace(BASE, key=key, **fields | changes)


LATER = "2026-05-05T09:00:00+00:00"


@pytest.fixture
def run(tmp_path: Path) -> MakeRun:
    def make(name: str, *records: Record, text: str = "") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        lines = "".join(to_json(record) + "\n" for record in records)
        (folder / "records.jsonl").write_text(lines + text)
        (folder / "run.json").write_text(json.dumps({"schema": 1, "commands": [f"made {name}"]}))
        return folder

    return make


def test_different_tasks_are_put_together(run: MakeRun) -> None:
    merged = merge([run("a", record("a"), record("b")), run("b", record("c"))])
    assert (merged.records, len(merged.lines)) == (3, 3)
    assert not merged.notes
    assert not merged.conflicts


def test_equal_records_are_kept_once_and_counted(run: MakeRun) -> None:
    first, second = record("a"), record("a", finished=LATER, details={"x": 1})
    merged = merge([run("b", second), run("a", first)])
    assert merged.lines == (to_json(first),)
    assert merged.notes == ("1 record(s) were there more than once with the same values; kept once.",)


def test_unlike_values_of_one_key_are_a_conflict_that_names_the_runs(run: MakeRun) -> None:
    a, b = run("a", record("a", 30.5)), run("b", record("a", 30.25, finished=LATER))
    merged = merge([b, a])
    assert merged.lines == (to_json(record("a", 30.5)), to_json(record("a", 30.25, finished=LATER)))
    (conflict,) = merged.conflicts
    assert conflict == f"quality of bsrn x4 Set5 (key a): psnr 30.5 in {a}; psnr 30.25 in {b}"


def test_the_order_of_sums_is_no_conflict_where_the_threads_differ(run: MakeRun) -> None:
    one = record("a", 30.0, details={"threads_used": 1})
    near = record("a", 30.00005, details={"threads_used": 2}, finished=LATER)
    far = record("a", 30.0002, details={"threads_used": 2}, finished=LATER)
    a = run("a", one)
    assert not merge([a, run("b", near)]).conflicts
    assert merge([a, run("c", far)]).conflicts
    assert merge([a, run("d", dataclasses.replace(near, details={"threads_used": 1}))]).conflicts


def test_what_stood_in_for_eager_moves_sums_as_threads_do(run: MakeRun) -> None:
    eager: dict[str, object] = {"threads_used": 1}
    quick = eager | {"stand_in": {"backend": "fused", "difference": 1e-6, "psnr_change": 0.0}}
    a = run("a", record("a", 30.0, details=eager))
    assert not merge([a, run("b", record("a", 30.00005, details=quick, finished=LATER))]).conflicts
    assert merge([a, run("c", record("a", 30.0002, details=quick, finished=LATER))]).conflicts


def test_a_timing_made_again_is_said_and_is_no_conflict(run: MakeRun) -> None:
    def timing(value: float, finished: str) -> Record:
        values = (Value("latency_ms", value, "ms"),)
        return record("t", measure="runtime", values=values, dataset="", input="3x8x8", finished=finished)

    a, b = run("a", timing(5.0, "2026-05-04")), run("b", timing(6.0, "2026-05-05"))
    merged = merge([b, a])
    assert not merged.conflicts
    assert merged.notes == (
        f"measured again, the latest counts: runtime of bsrn x4 3x8x8 (key t): latency_ms 5 in {a}; "
        f"latency_ms 6 in {b}.",
    )
    assert [json.loads(line)["values"][0]["value"] for line in merged.lines] == [5.0, 6.0]


def test_what_was_measured_takes_the_place_of_what_was_not(run: MakeRun) -> None:
    merged = merge([run("a", record("a")), run("b", record("a", None, finished=LATER), record("c", None))])
    assert [json.loads(line)["not_measured"] for line in merged.lines] == ["", "no weights."]
    assert merged.notes == ("1 record(s) of what was not measured gave way to another of the same task.",)


def test_a_line_that_is_no_record_is_counted(run: MakeRun) -> None:
    a = run("a", record("a"), text='{"schema": 1, "key": "torn')
    assert merge([a]).notes == (f"{a}: 1 line(s) could not be read and were left out.",)


def test_lines_of_a_later_version_are_kept_and_counted(tmp_path: Path, run: MakeRun) -> None:
    later = to_json(record("b", schema=SCHEMA + 1))
    a, b = run("a", record("a"), text=later + "\n"), run("b", record("c"), text=later + "\n")
    merged = merge([a, b])
    assert (merged.records, merged.later) == (2, (later,))
    words = "1 line(s) of a format that is not known here were kept as they are."
    assert merged.notes == (f"{a}: {words}", f"{b}: {words}")
    done = merging(b, "--out", a)
    assert done.returncode == 0, done.stderr
    lines = (a / "records.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["a", "c", "b"]
    assert lines[-1] == later


def test_lines_stay_as_they_are(run: MakeRun) -> None:
    line = json.dumps(json.loads(to_json(record("a"))) | {"unknown": [1, 2]})
    assert merge([run("a", text=line + "\n")]).lines == (line,)


def test_unlike_environments_are_named(run: MakeRun) -> None:
    other = {"id": "there", "cpu": "B", "cores": 64, "packages": {"torch": "2.13.0"}}
    merged = merge([run("a", record("a"), record("b")), run("b", record("c", environment=other))])
    assert environments(merged) == [
        "here (A, 2 cores, torch ?): 2 record(s)",
        "there (B, 64 cores, torch 2.13.0): 1 record(s)",
    ]
    assert environments(merge([run("c", record("a"))])) == []


def test_a_shard_without_a_task_takes_part_and_is_named(run: MakeRun) -> None:
    empty, a = run("empty"), run("a", record("a"))
    (empty / "records.jsonl").unlink()
    merged = merge([empty, a])
    assert (merged.records, merged.notes) == (1, (f"{empty} holds no records.",))


def test_what_is_no_run_is_refused(tmp_path: Path, run: MakeRun) -> None:
    with pytest.raises(SuiteError, match="is not a folder"):
        merge([tmp_path / "nowhere"])
    with pytest.raises(SuiteError, match="holds no records"):
        merge([run("empty")])
    (tmp_path / "folder").mkdir()
    with pytest.raises(SuiteError, match="folder holds no records"):
        merge([run("a", record("a")), tmp_path / "folder"])


def choice(backend: str) -> dict[str, Any]:
    return {"network": "bsrn x4", "backend": backend, "tried": {"eager": 2.0, backend: 1.0}}


def chosen(folder: Path, **choices: str) -> Path:
    """The run with these backends chosen, by key."""
    text = json.dumps({key: choice(backend) for key, backend in choices.items()})
    (folder / FILE).write_text(text)
    return folder


def test_choices_of_backends_are_put_together(run: MakeRun) -> None:
    a, b, c = run("a"), chosen(run("b"), k="fused"), chosen(run("c"), k="fused", m="eager")
    choices, notes = merge_choices([a, b, c])
    assert choices == {"k": choice("fused"), "m": choice("eager")}
    assert notes == ["1 choice(s) of a backend were there more than once; kept once."]


def test_unlike_choices_are_named_and_the_run_named_last_counts(run: MakeRun) -> None:
    a, b = chosen(run("a"), k="fused"), chosen(run("b"), k="openvino")
    choices, notes = merge_choices([a, b])
    assert choices == {"k": choice("openvino")}
    assert notes == [
        f"chosen unlike, the run named last counts: bsrn x4 (key k): fused in {a}; openvino in {b}."
    ]
    assert merge_choices([b, a])[0] == {"k": choice("fused")}


def test_choices_that_cannot_be_read_are_named(run: MakeRun) -> None:
    a = run("a")
    (a / FILE).write_text("[")
    assert merge_choices([a]) == ({}, [f"{a / FILE} could not be read and was left out."])
    (a / FILE).write_text('{"k": {"backend": ["fused"]}}')
    assert merge_choices([a]) == ({}, [f"{a / FILE} could not be read and was left out."])


def test_the_command_carries_choices_along(tmp_path: Path, run: MakeRun) -> None:
    a, b, out = chosen(run("a", record("a")), k="fused"), run("b", record("b")), tmp_path / "out"
    assert merging(a, b, "--out", out).returncode == 0
    assert json.loads((out / FILE).read_text()) == {"k": choice("fused")}
    again = merging(chosen(run("c", record("c")), k="eager"), "--out", out)
    assert f"bsrn x4 (key k): fused in {out}; eager in {tmp_path / 'c'}." in again.stdout
    assert json.loads((out / FILE).read_text()) == {"k": choice("eager")}
    merging(run("d", record("d")), "--out", tmp_path / "none")
    assert not (tmp_path / "none" / FILE).exists()


def merging(*arguments: object) -> subprocess.CompletedProcess[str]:
    return call_suite("merge", *map(str, arguments))


def test_the_command_writes_a_run_that_can_be_merged_into(tmp_path: Path, run: MakeRun) -> None:
    a, b, out = run("a", record("a")), run("b", record("a"), record("b")), tmp_path / "out"
    done = merging(a, b, "--out", out)
    assert done.returncode == 0, done.stderr
    assert f"Records: {out / 'records.jsonl'}, 2 of 2 runs." in done.stdout
    assert list(Store(out).load()) == ["a", "b"]
    assert json.loads((out / "run.json").read_text())["commands"] == ["made a", "made b"]
    before = (out / "records.jsonl").read_bytes()
    again = merging(run("c", record("c")), "--out", out)
    assert f"{out} holds records already, which take part." in again.stderr
    assert (out / "records.jsonl").read_bytes().startswith(before)
    assert list(Store(out).load()) == ["a", "b", "c"]


def test_the_command_fails_on_a_conflict_and_keeps_both(tmp_path: Path, run: MakeRun) -> None:
    out = tmp_path / "out"
    done = merging(run("a", record("a", 1.0)), run("b", record("a", 2.0)), "--out", out)
    assert done.returncode == 1
    assert "conflict, the latest counts: quality of bsrn x4 Set5 (key a): psnr 1 in" in done.stdout
    assert done.stderr == "suite merge: 1 conflict(s).\n"
    assert len((out / "records.jsonl").read_text().splitlines()) == 2


def test_the_command_makes_nothing_of_what_is_no_run(tmp_path: Path, run: MakeRun) -> None:
    done = merging(run("a", record("a")), tmp_path / "nowhere", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr == (
        f"suite merge: {tmp_path / 'nowhere'} is not a folder: name the --out folder of a run.\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_run_that_nobody_can_write_to_can_be_merged(
    tmp_path: Path, run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(file: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file))

    a = run("a", record("a"))
    opened = locks._open
    monkeypatch.setattr(locks, "_open", lambda file: read_only(file) if a in file.parents else opened(file))
    assert cli.main(["merge", str(a), "--out", str(tmp_path / "out")]) == 0
    assert cli.main(["merge", str(a), "--out", str(a)]) == 1


def test_a_run_file_that_cannot_be_read_is_set_aside(tmp_path: Path, run: MakeRun) -> None:
    a, b = run("a", record("a")), run("b", record("b"))
    (a / "run.json").write_text('{"schema": 1, "comma')
    done = merging(b, "--out", a)
    assert done.returncode == 0
    assert f"{a / 'run.json'} could not be read (no JSON) and is kept as run.json.unreadable." in done.stderr
    assert (a / "run.json.unreadable").read_text() == '{"schema": 1, "comma'
    assert json.loads((a / "run.json").read_text())["commands"] == ["made b"]


def test_pictures_come_along_and_damaged_ones_are_named(tmp_path: Path, run: MakeRun) -> None:
    a = run("a", record("a"))
    (a / FOLDER).mkdir()
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    name = Pictures([])._add(image)
    Image.fromarray(image).save(a / FOLDER / f"{name}.png")
    (a / FOLDER / f"{'0' * 64}.png").write_bytes(b"other")
    done = merging(a, "--out", tmp_path / "out")
    assert [path.stem for path in (tmp_path / "out" / FOLDER).iterdir()] == [name]
    assert f"1 picture(s) left out: {a / FOLDER / ('0' * 64)}.png is not what was stored." in done.stdout
