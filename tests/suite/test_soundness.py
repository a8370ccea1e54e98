"""A run that can be trusted later: contradictions, what is missing, what can be repeated."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from suite.catalog import MODELS
from suite.cli.asked import compare_with_commands
from suite.datasets import Dataset, open_dataset
from suite.environment import describe
from suite.ledger.audit import audit
from suite.records import Record, Store, Value, from_json, make_key, to_json
from suite.repeating import look
from suite.soundness import problems_of, title
from suite.weights import sha256_of
from tests.command import ROOT, suite
from tests.conftest import TinySet


def run_once(place: Path) -> list[Record]:
    """A run of cost and quality in ``place/runs/default``, on a folder of two images."""
    suite(
        place, "run", "--models", "bicubic", "espcn", "--measures", "cost", "quality",
        "--datasets", "own=tiny", "--protocols", "sr-y", "ntire-rgb",
        "--threads", "1", "--no-report", status=1,
    )  # fmt: skip
    return list(Store(place / "runs/default").load().values())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished run, not to be changed."""
    import numpy as np
    from PIL import Image

    place = tmp_path_factory.mktemp("finished")
    (place / "tiny").mkdir()
    for name in "ab":
        noise = np.random.default_rng(ord(name)).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((64, 48), Image.Resampling.BICUBIC).save(place / "tiny" / f"{name}.png")
    run_once(place)
    return place


@pytest.fixture
def place(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    shutil.copytree(finished, tmp_path / "copy")
    return tmp_path / "copy"


def rewrite(place: Path, change: Callable[[dict[str, Any]], None], measure: str = "quality") -> None:
    """Change the first record of a measure, as someone with an editor would."""
    file = place / "runs/default/records.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    change(next(line for line in lines if line["measure"] == measure and line["values"]))
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


# Records


def test_records_of_a_run_are_sound_and_their_keys_can_be_made_again(finished: Path) -> None:
    records = list(Store(finished / "runs/default").load().values())
    measured = [record for record in records if record.values]
    assert len(measured) == 6 and len(records) == 8
    assert [problem for record in records for problem in problems_of(record)] == []
    assert all(make_key(record.determining) == record.key for record in measured)
    assert not any(record.determining for record in records if not record.values)


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "value": (lambda r: r["values"][0].update(value=40.0), "its psnr is not that of its samples"),
    "image": (lambda r: r["values"].pop(), "it has ssim of 1 images, of 2"),
    "model": (lambda r: r.update(model="bsrn"), "its model is not the one that its key stands for"),
    "protocol": (lambda r: r.update(protocol="matlab-y"), "its protocol is not the one that its key stands"),
    "weights": (lambda r: r.update(weights="official"), "its weights is not the one that its key stands for"),
    "dataset": (lambda r: r["details"]["dataset"].update(digest="0"), "its dataset is not the one that its"),
    "environment": (lambda r: r["environment"].update(id="0"), "its environment is not the one that its"),
    "machine": (lambda r: r["environment"].update(cpu="Cray"), "its environment is not what its id is"),
    "package": (
        lambda r: r["environment"]["packages"].update(torch="9"),
        "its environment is not what its id",
    ),
    "key": (lambda r: r.update(key="0" * 16), "its key is not the digest of what determines it"),
    "determining": (lambda r: r["determining"].update(version=99), "its key is not the digest of what"),
    "reason": (lambda r: r.update(not_measured="tired"), "it has values and a reason for having none"),
    "type": (lambda r: r.update(threads="two"), ": threads: is no integer"),
    "text": (lambda r: r["values"][0].update(value="<b>high</b>"), ": values[0].value: is no number"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_record_that_was_changed_is_found(place: Path, name: str) -> None:
    change, words = CHANGES[name]
    rewrite(place, change)
    found = audit(place / "runs/default")
    assert found.is_damaged
    assert [line for line in (*found.damaged, *found.unsound) if words in line], (
        found.damaged,
        found.unsound,
    )


@pytest.mark.parametrize(
    ("measure", "details", "value"),
    [
        ("runtime", {"samples_ms": [1.0, 2.0, 4.0]}, Value("latency_ms", 2.0, "ms")),
        ("runtime", {"images_ms": {"a": 1.0, "b": 2.0}}, Value("ntire_mean_ms", 1.5, "ms")),
    ],
)
def test_timings_are_those_of_their_samples(measure: str, details: dict[str, Any], value: Value) -> None:
    plain = ("eager", "cpu", "fp32", 1)
    record = Record("k", measure, "bsrn", 4, "none", *plain, values=(value,), details=details)
    assert list(problems_of(record)) == []
    other = dataclasses.replace(record, values=(msgspec.structs.replace(value, value=2.5),))
    assert list(problems_of(other)) == [f"its {value.metric} is not that of its samples"]


def test_old_records_without_what_determines_them_are_sound() -> None:
    file = Path(__file__).parent / "data" / "records_v1.jsonl"
    records = [from_json(line) for line in file.read_text().splitlines()]
    assert [problem for record in records[:-1] for problem in problems_of(record)] == []


def test_a_name_that_stands_twice_is_found(place: Path) -> None:
    file = place / "runs/default/records.jsonl"
    lines = file.read_text().splitlines()
    lines[0] = lines[0].replace('{"key"', '{"model": "rfdn", "key"', 1)
    file.write_text("\n".join(lines) + "\n")
    assert audit(file.parent).damaged == ("line 1: 'model' stands twice in one table",)


def test_an_interruption_is_no_damage(place: Path) -> None:
    file = place / "runs/default/records.jsonl"
    text = file.read_text()
    file.write_text(text + text[:200])
    found = audit(file.parent)
    assert (found.torn, found.is_damaged) == (1, False)


# The command


def test_a_whole_run_is_said_to_be_one(place: Path) -> None:
    done = suite(place, "verify", "runs/default", "--digests")
    assert "Asked for: 8 tasks, none of them without a record." in done.stdout
    assert "Not measured: 2.\n  quality of espcn x4 on own (sr-y): there are no weights" in done.stdout
    assert "Repeating it here: cost and quality can be.\n" in done.stdout
    assert "images: 1 of 1 sets are here" in done.stdout
    assert "machine:" not in done.stdout


def test_what_was_changed_removed_or_lost_is_named_with_exit_status_1(place: Path) -> None:
    file = place / "runs/default/records.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[1:-1], "[1]"]) + "\n")
    (place / "tiny" / "a.png").unlink()
    done = suite(place, "verify", "runs/default", "--digests", status=1)
    assert "  line 7: not a record of a schema known here\n" in done.stdout
    assert "Asked for: 8 tasks, 2 of them without a record.\n" in done.stdout
    assert done.stdout.count("  no record: ") == 2
    assert "not all of cost and quality can be" in done.stdout
    assert "the images of own x4 are others here" in done.stdout
    data = json.loads(suite(place, "verify", "runs/default", "--format", "json", status=1).stdout)["run"]
    assert len(data["missing"]) == 2 and data["damaged"] == ["line 7: not a record of a schema known here"]


def test_a_record_of_any_backend_is_the_one_that_auto_asked_for(place: Path) -> None:
    records = list(Store(place / "runs/default").load().values())
    (command,) = json.loads((place / "runs/default/run.json").read_text())["commands"]
    chosen = [dataclasses.replace(record, backend="onnxruntime") for record in records]
    asked = compare_with_commands(chosen, [f"{command} --backend auto"], place)
    assert (asked.missing, asked.unplanned) == ((), ())
    named = compare_with_commands(chosen, [f"{command} --backend openvino"], place)
    assert len(named.missing) == named.tasks == 8


def test_a_run_file_that_lies_is_named(place: Path) -> None:
    (place / "runs/default/run.json").write_text(json.dumps({"schema": 1, "commands": ["rm -rf /", 3]}))
    done = suite(place, "verify", "runs/default", status=1)
    assert "  run.json: commands[1]: is no string\n" in done.stdout
    (place / "runs/default/run.json").write_text(
        json.dumps({"schema": 1, "commands": ["rm -rf /", "python -m suite run --models nothing", "'"]})
    )
    done = suite(place, "verify", "runs/default")
    assert "not planned: python -m suite run --models nothing: unknown model 'nothing'" in done.stdout
    assert "not planned: ': No closing quotation" in done.stdout


def test_verify_of_a_run_does_not_import_torch(place: Path) -> None:
    call = "main(['verify', 'runs/default']); print('torch' in sys.modules)"
    script = f"import sys; from suite.cli import main; {call}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "SUITE_HOME": str(place)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=place, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr


# Repeating


def measured(weights: str = "none", sha256: str = "", **changes: Any) -> Record:
    plain = ("eager", "cpu", "fp32", 1)
    details = {"weights": {"sha256": sha256}, "dataset": {"digest": changes.pop("digest", "")}}
    record = Record("k", "quality", "bsrn", 4, weights, *plain, values=(Value("psnr", 1.0),), details=details)
    return dataclasses.replace(record, **{"environment": describe()} | changes)


def test_another_machine_is_told_by_what_differs(tmp_path: Path) -> None:
    assert look([measured()], tmp_path).machine == ()
    other = dict(describe()) | {"id": "other", "cpu": "Z80"}
    other["packages"] = describe()["packages"] | {"torch": "1.0"}
    found = look([measured(environment=other)], tmp_path)
    assert [line.partition(" there")[0] for line in found.machine] == ["cpu: Z80", "torch: 1.0"]
    assert (
        "2 environments in one run, of which 1 are not this one"
        in look([measured(), measured(environment=other)], tmp_path).machine
    )


def test_weights_are_looked_for_by_their_digest(tmp_path: Path) -> None:
    mine = tmp_path / "mine.pth"
    mine.write_bytes(b"weights")
    assert look([measured(str(mine), sha256_of(mine))], tmp_path).weights.problems == ()
    assert look([measured(str(mine), "0" * 64)], tmp_path).weights.problems == (
        f"{mine} weights of bsrn x4 are another file here",
    )
    official = MODELS["bsrn"].official[4]
    record = measured("official", official.sha256)
    assert look([record], tmp_path).weights.problems == ("official weights of bsrn x4 are not here",)
    assert not look([record], tmp_path).figures
    assert look([measured("official", "0", model="gone")], tmp_path).weights.there == 0


def test_images_are_looked_for_and_compared_where_that_is_asked(tiny_set: TinySet, tmp_path: Path) -> None:
    dataset: Dataset = open_dataset(f"own={tiny_set()}", 4, tmp_path)
    same, other = (measured(dataset="own", digest=digest) for digest in (dataset.digest, "0"))
    assert look([same], tmp_path, [dataset], digests=True).images.problems == ()
    assert look([other], tmp_path, [dataset]).images.problems == ()
    assert look([other], tmp_path, [dataset], digests=True).images.problems == (
        "the images of own x4 are others here",
    )
    assert look([same], tmp_path).images.problems == ("the images of own x4 are not here",)


def test_a_record_is_called_by_all_that_tells_it_apart() -> None:
    record = dataclasses.replace(measured(), dataset="Set5", protocol="sr-y")
    assert title(record) == "quality of bsrn x4 on Set5 (sr-y)"
    assert from_json(to_json(record)) == record
