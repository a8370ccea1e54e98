"""The format of a run's files: said in ``docs``, written, read, refused."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from suite.records import Record, Value, _carefully, _quickly, from_json, to_json
from suite.schema import DEEPEST, RECORD, RUN, problem_of_record, problem_of_run
from suite.validation import compile_schema
from tests.command import DefaultRun, suite
from tests.conftest import TinySet

ROOT = Path(__file__).resolve().parents[2]
OLD_FILES = sorted(
    [*(Path(__file__).parent / "data").glob("records_*.jsonl"), *ROOT.glob("docs/studies/*/records.jsonl")]
)
OLD_LINES = [line for file in OLD_FILES for line in file.read_text(encoding="utf-8").splitlines()]
VALIDATOR = Draft202012Validator(RECORD)


def example(measure: str = "quality") -> dict[str, Any]:
    """A record as JSON that was written long ago."""
    found: dict[str, Any] = next(data for data in map(json.loads, OLD_LINES) if data["measure"] == measure)
    return found


# What is said


@pytest.mark.parametrize("schema", [RECORD, RUN], ids=["record", "run"])
def test_the_page_in_docs_is_the_schema_that_is_used(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    text = (ROOT / "docs" / schema["$id"]).read_text(encoding="utf-8")
    assert json.loads(text) == schema, "call: python -m suite.schema docs"


def test_the_schemas_have_the_fields_of_what_is_read() -> None:
    required = {f.name for f in dataclasses.fields(Record) if f.default is f.default_factory}  # both missing
    assert list(RECORD["properties"]) == [field.name for field in dataclasses.fields(Record)]
    assert required <= set(RECORD["required"]) and RECORD["additionalProperties"] is False
    value, fields = RECORD["properties"]["values"]["items"], msgspec.structs.fields(Value)
    assert list(value["properties"]) == [field.name for field in fields]
    assert {field.name for field in fields if field.required} <= set(value["required"])
    assert value["additionalProperties"] is False


# What is written


def test_every_record_of_a_run_is_valid(tiny_set: TinySet, tmp_path: Path) -> None:
    folder = tiny_set()
    suite(
        *(tmp_path, "run", "--models", "bicubic", "espcn", "--out", "made", "--no-report"),
        *("--measures", "cost", "quality", "--datasets", f"own={folder}", f"none={tmp_path}"),
        *("--scales", "4", "8", "--protocols", "sr-y", "ntire-rgb", "--threads", "1"),
        status=1,  # x8, weights and a folder are missing: records that say so
    )
    lines = (tmp_path / "made" / "records.jsonl").read_text(encoding="utf-8").splitlines()
    assert {bool(json.loads(line)["values"]) for line in lines} == {True, False}
    for line in lines:
        VALIDATOR.validate(json.loads(line))
        assert from_json(to_json(from_json(line))) == from_json(line)
    Draft202012Validator(RUN).validate(json.loads((tmp_path / "made" / "run.json").read_text()))


@pytest.mark.slow
def test_every_record_of_time_and_memory_is_valid(default_run: DefaultRun) -> None:
    records = [json.loads(line) for line in default_run.records]
    assert {record["measure"] for record in records} == {"quality", "cost", "memory", "runtime"}
    assert sum("twin_ms" in record["details"] for record in records) == 1
    for record in records:
        VALIDATOR.validate(record)


# What stays readable


def test_there_are_examples_of_every_shape_that_was_ever_written() -> None:
    records = [json.loads(line) for line in OLD_LINES]
    assert {record["measure"] for record in records} >= {"cost", "memory", "runtime", "quality"}
    details = [record["details"] for record in records]
    for part in ("audit", "operators_without_macs", "twin_ms", "samples_ms", "images_ms", "noise", "dataset"):
        assert any(part in found for found in details), part
    assert any("schedule" in found["weights"] for found in details)
    assert any(isinstance(found.get("load_before"), float) for found in details)  # once a single number
    assert any(isinstance(found.get("load_before"), list) for found in details)
    assert any(record["not_measured"] for record in records)
    assert any("settings" not in record["environment"] for record in records)
    assert {"nan", "inf"} <= {value["value"] for record in records for value in record["values"]}


def test_every_record_that_was_ever_written_is_valid_and_reads_as_it_was() -> None:
    for line in OLD_LINES:
        VALIDATOR.validate(json.loads(line))
        record = from_json(line)
        assert from_json(to_json(record)).values == record.values or "nan" in line
        assert record.key == json.loads(line)["key"]


# What is refused


WRONG: dict[str, Any] = {
    "number": 1.5,
    "text": "x",
    "list": [1],
    "table": {"a": 1},
    "null": None,
    "bool": True,
}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Record)])
def test_a_field_of_another_type_is_refused(field: str) -> None:
    kinds = {"text": str, "table": dict, "list": list}
    data = json.loads(to_json(from_json(json.dumps(example()))))  # with all fields of today
    for name, wrong in WRONG.items():
        if not isinstance(data[field], kinds.get(name, ())):
            with pytest.raises(ValueError):
                from_json(json.dumps(data | {field: wrong}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scale": 0}, "scale: is below 1"),
        ({"scale": 10**400}, "scale: is above"),
        ({"threads": -1}, "threads: is below"),
        ({"input": "3x4"}, "input: is not like"),
        ({"input": "3x4x5\n"}, "input: is not like"),
        ({"schema": True}, "schema known here"),
        ({"values": [{"metric": "psnr", "value": 1, "unit": "dB"}]}, r"values\[0\]: lacks image"),
        ({"values": [{"metric": "psnr", "value": None, "unit": "", "image": ""}]}, r"\]\.value: is no"),
        ({"values": [{"metric": "psnr", "value": 10**400, "unit": "", "image": ""}]}, "too large"),
        ({"details": {"samples_ms": [1, 0]}}, r"details\.samples_ms\[1\]: is not above 0"),
        ({"details": {"samples_ms": {"a": 1}}}, r"details\.samples_ms: is no array"),
        ({"details": {"weights": []}}, r"details\.weights: is no object"),
        ({"details": {"audit": {"macs": {"difference": 1}}}}, r"details\.audit\.macs: lacks terms"),
        ({"environment": {"packages": {"a b": 1}}}, r"environment\.packages\.'a b': is no string"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_json(json.dumps(example() | change))


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_no_json_are_refused(constant: str) -> None:
    line = json.dumps(example() | {"details": {"x": 1234567}}).replace("1234567", constant)
    with pytest.raises(ValueError, match="is no JSON"):
        from_json(line)


def test_nesting_has_an_end() -> None:
    def nested(levels: int) -> dict[str, Any]:
        inner: Any = 1
        for _ in range(levels):
            inner = [inner]
        return example() | {"details": {"x": inner}}

    from_json(json.dumps(nested(DEEPEST - 1)))
    for levels in (DEEPEST, 900):
        with pytest.raises(ValueError, match="nested too deeply"):
            from_json(json.dumps(nested(levels)))


def test_a_run_file_is_checked() -> None:
    assert problem_of_run({"schema": 1, "commands": ["python -m suite run"]}) == ""
    assert problem_of_run({"schema": 1, "commands": [1]}) == "commands[0]: is no string"
    assert problem_of_run({"schema": 1}) == "lacks commands"


def test_a_schema_never_says_more_than_is_checked() -> None:
    with pytest.raises(ValueError, match="'maxLength' is not known"):
        compile_schema({"properties": {"a": {"type": "string", "maxLength": 3}}})


# The compiled form against an independent reading of the same schema

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "inf", "nan", "3x4x5", "x"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["weights", "dataset", "metric", "x"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a JSON value with each of its keys or positions."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [(value, key) for key in keys] + [place for key in keys for place in places(value[key])]


@given(line=st.sampled_from(OLD_LINES[:13]), data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_compiled_schema_agrees_with_jsonschema(line: str, data: st.DataObject) -> None:
    record = copy.deepcopy(json.loads(line))
    for _ in range(data.draw(st.integers(0, 2))):
        container, key = data.draw(st.sampled_from(places(record)))
        match data.draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                container[key] = data.draw(JSON)
            case "remove":
                del container[key]
            case _ if isinstance(container, dict):
                container[data.draw(st.sampled_from(["x", "note", "floor"]))] = data.draw(JSON)
        if not record:
            break
    assert (problem_of_record(record) == "") == VALIDATOR.is_valid(record)
    quick = _quickly(json.dumps(record))
    assert quick is None or quick == _carefully(json.dumps(record))


def test_what_the_suite_writes_is_read_the_quick_way() -> None:
    records = [from_json(line) for line in OLD_LINES]
    finite = [r for r in records if all(math.isfinite(value.value) for value in r.values)]
    assert len(finite) > len(records) / 2
    assert [_quickly(to_json(r)) for r in finite] == finite
