"""Records: JSON and back, the store that survives interruptions, the key, the tidy frame."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from suite import SCHEMA
from suite.errors import SuiteError
from suite.records import (
    COLUMNS,
    Record,
    Store,
    Value,
    frame,
    from_json,
    load_run,
    make_key,
    to_json,
)

OLD_FILE = Path(__file__).parent / "data" / "records_v1.jsonl"


def record(key: str = "0123456789abcdef", **changes: Any) -> Record:
    fields: dict[str, Any] = {
        "measure": "quality",
        "model": "bsrn",
        "scale": 4,
        "weights": "official",
        "backend": "eager",
        "device": "cpu",
        "precision": "fp32",
        "threads": 2,
        "dataset": "Set5",
        "protocol": "sr-y",
        "values": (Value("psnr", 32.34, "dB"), Value("psnr", 33.5, "dB", image="baby"), Value("ssim", 0.897)),
        "details": {"samples_ms": [1.5, 2.5], "dataset": {"known": True, "note": ""}},
        "finished": "2026-05-04T09:00:00+00:00",
    }
    return Record(key=key, **fields | changes)


# JSON


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"values": (Value("latency_ms", 12.5, "ms", lower=12.0, upper=13.25),)},
        {"values": (Value("macs", 19_177_176_448),)},
        {"values": (Value("psnr", math.inf, "dB"), Value("x", -math.inf, lower=-math.inf, upper=math.inf))},
        {"values": (), "not_measured": "no weights"},
        {"model": 'a "quoted"\nname, Übergröße', "weights": "/home/me/net & co.pth"},
        {"values": (Value("psnr", 0.1 + 0.2, "dB"),)},
    ],
    ids=["plain", "interval", "large count", "infinite", "not measured", "text", "all digits"],
)
def test_a_record_survives_json(changes: dict[str, Any]) -> None:
    line = to_json(record(**changes))
    assert "\n" not in line
    assert from_json(line) == record(**changes)


def test_nan_survives_json() -> None:
    (value,) = from_json(to_json(record(values=(Value("ssim", math.nan),)))).values
    assert math.isnan(value.value)


def test_the_json_is_strict_json() -> None:
    line = to_json(record(values=(Value("a", math.nan), Value("b", math.inf)), details={"x": [-math.inf]}))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    data = json.loads(line, parse_constant=refuse)
    assert [value["value"] for value in data["values"]] == ["nan", "inf"]
    assert data["details"] == {"x": ["-inf"]}


def test_a_record_says_its_schema() -> None:
    assert json.loads(to_json(record()))["schema"] == SCHEMA == 1


def test_fields_that_are_not_known_here_are_passed_over() -> None:
    data = json.loads(to_json(record())) | {"colour": "blue"}
    assert from_json(json.dumps(data)) == record()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[]",
        "1",
        "{}",
        '{"schema": 1}',
        '{"schema": 1, "values": []}',
        '{"schema": 1, "values": 3}',
        '{"schema": 1, "values": [3]}',
        '{"schema": 1, "values": [{"metric": "psnr", "value": "high", "unit": "", "image": ""}]}',
        to_json(record(schema=SCHEMA + 1)),
        to_json(record(schema=0)),
        to_json(record(schema="1")),  # type: ignore[arg-type]
        to_json(record(schema=None)),  # type: ignore[arg-type]
        to_json(record(key=["a"])),  # type: ignore[arg-type]
        "[" * 100_000,
    ],
)
def test_what_is_no_record_of_a_known_schema_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        from_json(line)


VALUE = {"metric": "psnr", "value": 30.5, "unit": "dB", "lower": None, "upper": None, "image": "baby"}


@pytest.mark.parametrize("place", [0, 57, 99])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, Value("psnr", 30.5, "dB", image="baby")),
        ({"lower": 30.0, "upper": 31.0}, Value("psnr", 30.5, "dB", 30.0, 31.0, "baby")),
        ({"value": 30}, Value("psnr", 30.0, "dB", image="baby")),
        ({"value": "inf"}, Value("psnr", math.inf, "dB", image="baby")),
        ({"lower": "-inf", "upper": 31}, Value("psnr", 30.5, "dB", -math.inf, 31.0, "baby")),
        ({"novelty": 1}, Value("psnr", 30.5, "dB", image="baby")),
    ],
    ids=str,
)
def test_one_value_of_many_is_read_as_it_would_be_alone(
    place: int, change: dict[str, Any], expected: Value
) -> None:
    data = json.loads(to_json(record()))
    data["values"] = [dict(reversed(VALUE.items())), *[VALUE] * 98, VALUE]
    data["values"][place] = VALUE | change
    values = from_json(json.dumps(data)).values
    assert values[place] == expected
    assert list(map(type, msgspec.structs.astuple(values[place]))) == list(
        map(type, msgspec.structs.astuple(expected))
    )
    assert {*values[:place], *values[place + 1 :]} == {Value("psnr", 30.5, "dB", image="baby")}


@pytest.mark.parametrize("left_out", ["lower", "upper"])
def test_an_end_of_an_interval_may_be_left_out(left_out: str) -> None:
    data = json.loads(to_json(record()))
    data["values"] = [VALUE, {name: item for name, item in VALUE.items() if name != left_out}]
    assert from_json(json.dumps(data)).values == (Value("psnr", 30.5, "dB", image="baby"),) * 2


@pytest.mark.parametrize("place", [0, 57, 99])
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (VALUE | {"metric": 1}, ".metric: is no string"),
        (VALUE | {"value": True}, ".value: is no number"),
        (VALUE | {"value": None}, ".value: is no number"),
        (VALUE | {"unit": None}, ".unit: is no string"),
        (VALUE | {"lower": "low"}, ".lower: is no number"),
        (VALUE | {"upper": []}, ".upper: is no number"),
        (VALUE | {"image": 5}, ".image: is no string"),
        ({name: item for name, item in VALUE.items() if name != "image"}, ": lacks image"),
        ([], ": is no object"),
        (None, ": is no object"),
        ("metric", ": is no object"),
    ],
    ids=str,
)
def test_one_value_of_many_that_is_wrong_is_named(place: int, wrong: Any, words: str) -> None:
    data = json.loads(to_json(record()))
    data["values"] = [VALUE] * 100
    data["values"][place] = wrong
    with pytest.raises(ValueError, match=rf"^values\[{place}\]{re.escape(words)}$"):
        from_json(json.dumps(data))


def test_an_environment_that_is_none_is_refused_however_often_it_comes() -> None:
    data = json.loads(to_json(record()))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"environment\.id: is no string"):
            from_json(json.dumps(data | {"environment": {"id": 5}}))
        assert from_json(json.dumps(data | {"environment": {"id": "5"}})).environment == {"id": "5"}


def test_records_that_were_written_long_ago_stay_readable() -> None:
    cost, memory, runtime, quality, failed, flat = map(from_json, OLD_FILE.read_text().splitlines())
    assert cost.value("macs_ntire") == 27_102_622_560
    assert cost.details["operators_without_macs"]["sigmoid"] == 13_107_200
    assert memory.value("weights_bytes") == 1_733_792
    assert runtime.values[0] == Value("latency_ms", 1545.925084, "ms", 1210.542457, 2072.433156)
    assert (quality.model, quality.dataset, quality.protocol) == ("bicubic", "Set5", "sr-y")
    assert quality.value("psnr") == 28.43052863353746
    assert [value.image for value in quality.values[2::2]] == ["baby", "bird", "butterfly", "head", "woman"]
    assert quality.details["dataset"]["known"] is True
    assert (failed.values, failed.not_measured) == ((), "imdn has no x8 network (only x2, x3, x4).")
    assert flat.value("psnr") == math.inf
    assert math.isnan(flat.values[1].value)
    assert cost.environment["packages"]["torch"] == "2.13.0+cpu"


def test_the_value_of_a_metric_is_that_of_the_whole_task() -> None:
    assert record().value("psnr") == 32.34
    assert record().value("latency_ms") is None
    assert record(values=(Value("psnr", 33.5, image="baby"),)).value("psnr") is None


# Key


def test_a_key_does_not_depend_on_the_order_of_what_determines_it() -> None:
    one = {"model": "bsrn", "scale": 4, "input": {"height": 1, "width": 2}}
    other = {"scale": 4, "input": {"width": 2, "height": 1}, "model": "bsrn"}
    assert make_key(one) == make_key(other)


@pytest.mark.parametrize(
    "other",
    [{"a": 2}, {"b": 1}, {"a": "1"}, {"a": [1]}, {"a": 1, "b": ""}, {"a": True}, {"a": None}, {}],
    ids=str,
)
def test_a_key_depends_on_names_values_and_their_types(other: dict[str, Any]) -> None:
    assert make_key(other) != make_key({"a": 1})


def test_a_key_is_the_same_on_every_machine() -> None:
    # printf '{"a":1,"b":"\\u00fc"}' | sha256sum
    assert make_key({"b": "ü", "a": 1}) == "810a43bc0215b9ea"


# Store


def test_a_store_gives_back_what_was_appended(tmp_path: Path) -> None:
    store = Store(tmp_path / "not" / "yet" / "there")
    assert store.load() == {}
    first, second = record("a"), record("b", model="rfdn")
    assert store.append(first) == first
    assert store.append(second) == second
    assert Store(tmp_path / "not" / "yet" / "there").load() == {"a": first, "b": second}
    assert store.torn == 0


def test_the_last_record_of_a_key_counts_in_the_place_of_the_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for key, threads in (("a", 1), ("b", 1), ("a", 8)):
        store.append(record(key, threads=threads))
    assert [(r.key, r.threads) for r in store.load().values()] == [("a", 8), ("b", 1)]


def test_appending_leaves_earlier_lines_as_they_are(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a"))
    before = store.file.read_bytes()
    store.append(record("a"))
    assert store.file.read_bytes() == before * 2


def test_appending_gives_the_record_as_it_will_be_read(tmp_path: Path) -> None:
    # Infinity inside the details has no number in JSON and is read as a word.
    appended = Store(tmp_path).append(record("a", details={"x": [math.inf], "sizes": (1, 2)}))
    assert appended.details == {"x": ["inf"], "sizes": [1, 2]}
    assert Store(tmp_path).load() == {"a": appended}


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_skipped_and_closed_off(cut: int, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a"))
    store.append(record("b"))
    store.file.write_bytes(store.file.read_bytes()[:-cut])
    torn = cut > 1  # without its newline alone a line is whole
    assert list(store.load()) == (["a"] if torn else ["a", "b"])
    assert store.torn == torn
    store.append(record("c"))
    assert list(store.load()) == (["a", "c"] if torn else ["a", "b", "c"])
    assert store.torn == torn


def test_a_line_of_bytes_that_are_no_text_is_skipped(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a", model="ü"))
    store.file.write_bytes(store.file.read_bytes() + "ü".encode()[:1])
    assert list(store.load()) == ["a"]
    assert store.torn == 1


def test_blank_lines_are_not_torn_ones(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a"))
    store.file.write_text("\n" + store.file.read_text() + "\n  \n")
    assert list(store.load()) == ["a"]
    assert store.torn == 0


def test_a_line_of_a_later_schema_is_skipped(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a"))
    with store.file.open("a") as stream:
        stream.write(to_json(record("b", schema=SCHEMA + 1)) + "\n")
    assert list(store.load()) == ["a"]
    assert store.torn == 1


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_a_record_with_an_unusual_line_break_in_a_name_is_read(character: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a", model=f"one{character}two"))
    assert list(store.load()) == ["a"]


def test_a_record_with_a_file_name_that_is_no_utf_8_is_written(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.append(record("a", weights="/home/me/\udcff.pth"))
    assert list(store.load()) == ["a"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SuiteError, match=r"cannot write .*file/records\.jsonl"):
        Store(tmp_path / "file").append(record())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").mkdir()
    with pytest.raises(SuiteError, match=r"cannot read .*records\.jsonl: Is a directory"):
        Store(tmp_path).load()


# Run


def test_a_pipe_in_place_of_the_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "records.jsonl")
    with pytest.raises(SuiteError, match=r"records\.jsonl: it is a pipe, which may never end\."):
        Store(tmp_path).load()


def test_a_run_is_the_records_of_its_folder(tmp_path: Path) -> None:
    Store(tmp_path).append(record())
    assert load_run(tmp_path) == [record()]


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"nowhere is not a folder: name the --out folder"):
        load_run(tmp_path / "nowhere")
    with pytest.raises(SuiteError, match=r"holds no records: name the --out folder"):
        load_run(tmp_path)
    (tmp_path / "records.jsonl").write_text("not a record\n")
    with pytest.raises(SuiteError, match=r"holds no records"):
        load_run(tmp_path)


# Frame


def test_the_frame_has_one_value_a_row() -> None:
    rows = frame([record("a"), record("b", values=()), record("c", values=(Value("psnr", 30.0, "dB"),))])
    assert tuple(rows.columns) == COLUMNS
    assert list(zip(rows.key, rows.metric, rows.value, rows.image, strict=True)) == [
        ("a", "psnr", 32.34, ""),
        ("a", "psnr", 33.5, "baby"),
        ("a", "ssim", 0.897, ""),
        ("c", "psnr", 30.0, ""),
    ]
    assert set(rows.model) == {"bsrn"}
    assert list(rows.unit) == ["dB", "dB", "", "dB"]


def test_the_frame_has_the_columns_of_the_contract() -> None:
    contract = (
        "model,scale,measure,metric,value,unit,lower,upper,dataset,image,protocol,input,"
        "backend,device,precision,threads,weights,key"
    )
    assert ",".join(COLUMNS) == contract


def test_the_frame_of_nothing_has_its_columns() -> None:
    rows = frame([])
    assert (len(rows), tuple(rows.columns)) == (0, COLUMNS)


def test_an_interval_is_in_its_columns() -> None:
    (row,) = frame([record(values=(Value("latency_ms", 12.5, "ms", 12.0, 13.25),))]).itertuples()
    assert (row.value, row.lower, row.upper) == (12.5, 12.0, 13.25)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        record().model = "other"  # type: ignore[misc]
    with pytest.raises(AttributeError, match="immutable"):
        record().values[0].value = 0.0  # type: ignore[misc]
