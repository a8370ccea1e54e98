"""The record of one task: its key, its JSON form, the append-only store, the data frame."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import FileIO
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from suite import SCHEMA
from suite.errors import SuiteError
from suite.garbage import no_collections
from suite.schema import is_too_deep, problem_of_environment, problem_of_record

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "model",
    "scale",
    "measure",
    "metric",
    "value",
    "unit",
    "lower",
    "upper",
    "dataset",
    "image",
    "protocol",
    "input",
    "backend",
    "device",
    "precision",
    "threads",
    "weights",
    "key",
)
"""Columns of the tidy frame, one value a row. The mean over a dataset has an empty ``image``."""


class Value(msgspec.Struct, frozen=True, gc=False):
    """One figure. A frozen dataclass in effect, made in a quarter of the time: a run may have a million."""

    metric: str
    value: float
    unit: str = ""
    """``dB``, ``ms``, ``bytes``; empty for counts and for SSIM."""
    lower: float | None = None
    """Lower end of the 95 % interval, where there is one."""
    upper: float | None = None
    image: str = ""
    """The image that the figure belongs to; empty for a mean over a set or a figure of no image."""


@dataclass(frozen=True, slots=True)
class Record:
    """What came of one task, and everything that is needed to repeat it."""

    key: str
    """Digest of what determines the values: see `make_key`."""
    measure: str
    model: str
    scale: int
    weights: str
    """Origin: ``official``, ``shipped``, ``none``, ``no parameters`` or a path."""
    backend: str
    device: str
    precision: str
    threads: int
    dataset: str = ""
    protocol: str = ""
    input: str = ""
    """Size of the low-resolution input as ``CxHxW``; empty for quality, where images differ."""
    values: tuple[Value, ...] = ()
    not_measured: str = ""
    """Why there are no values; empty if there are."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Raw samples, digests and whatever else the measure found."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Title, family and year of the model."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    determining: Mapping[str, Any] = field(default_factory=dict)
    """What ``key`` is the digest of; empty in records of earlier versions and of what was not measured."""
    finished: str = ""
    """UTC time at which the task ended, ISO 8601."""
    schema: int = SCHEMA

    def value(self, metric: str) -> float | None:
        """The figure of a metric for the whole task (not of a single image), or None."""
        for value in self.values:  # a report asks a hundred thousand times, and nearly always for the first
            if value.metric == metric and not value.image:
                return value.value
        return None


def subject_title(model: str, scale: int, backend: str) -> str:
    """What a network at a scale is called in messages and records: ``bsrn x4``, ``bsrn x4 in openvino``."""
    return f"{model} x{scale}" + ("" if backend == "eager" else f" in {backend}")


def make_key(determining: Mapping[str, Any]) -> str:
    """Digest of what determines a record's values: the first 16 hexadecimal digits of a SHA-256.

    The mapping must be plain JSON; the order of its keys does not matter.
    """
    text = json.dumps(determining, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def to_json(record: Record) -> str:
    """One line of ASCII. Numbers that JSON lacks are written as the strings ``inf``, ``-inf``, ``nan``."""
    fields = {name: getattr(record, name) for name in _FIELDS}
    fields["values"] = list(map(msgspec.structs.asdict, record.values))
    try:
        return json.dumps(fields, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError):  # something in it must be written otherwise, which takes a look at each
        return json.dumps(_plain(fields), ensure_ascii=True, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def from_json(line: str) -> Record:
    """The record of one line, whose fields have the types of `suite.schema`.

    Fields that are not known here are passed over. Raises ``ValueError`` for a line that is no record of a
    known schema, with what is wrong.
    """
    return _quickly(line) or _carefully(line)


def _quickly(line: str) -> Record | None:
    """The record of a line in which nothing is unusual, as nearly all are, in a third of the time."""
    try:
        data = msgspec.structs.asdict(_USUAL.decode(line))
        environment = _usual_environment(bytes(data["environment"]))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    rest = data | {"values": [], "environment": {}}
    if problem_of_record(rest) or any(is_too_deep(rest[name]) for name in _FREE):
        return None
    values = tuple(starmap(Value, map(msgspec.structs.astuple, data["values"])))
    return Record(**data | {"values": values, "environment": environment})


@functools.lru_cache(maxsize=64)
def _usual_environment(text: bytes) -> Mapping[str, Any]:
    """An environment, of which the records of a machine share one. Raises ``ValueError`` if it is unusual."""
    environment: dict[str, Any] = msgspec.json.decode(text)
    if problem := problem_of_environment(environment):
        raise ValueError(problem)
    if is_too_deep(environment):
        raise ValueError("nested too deeply")
    return environment


def _carefully(line: str) -> Record:
    """The record of any line that has one; says what is wrong with those that have none."""
    try:
        data = json.loads(line, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= SCHEMA:
        raise ValueError("not a record of a schema known here")
    data = {name: item for name, item in data.items() if name in _FIELDS}
    if isinstance(data.get("values"), list):
        data["values"] = [_known(item) for item in data["values"]]
    if problem := problem_of_record(data):
        raise ValueError(problem)
    if any(is_too_deep(data.get(name)) for name in _FREE):
        raise ValueError("nested too deeply")
    try:
        return _built(data)
    except OverflowError:
        raise ValueError("values: a number is too large") from None


def _built(data: dict[str, Any]) -> Record:
    """The record of plain JSON that is as the schema says."""
    values = tuple(map(_value, data["values"]))
    return Record(**data | {name: int(data[name]) for name in _WHOLE} | {"values": values})


_FREE = ("details", "card", "environment", "determining")
"""Fields in which a measure may write what it likes."""
_WHOLE = ("scale", "threads")
"""Fields that may be written as 4.0."""


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _known(item: Any) -> Any:
    """A value's fields that are known here."""
    if isinstance(item, dict) and not item.keys() <= _KNOWN_OF_A_VALUE:
        return {name: inner for name, inner in item.items() if name in _KNOWN_OF_A_VALUE}
    return item


def _value(item: Mapping[str, Any]) -> Value:
    lower, upper = item.get("lower"), item.get("upper")
    return Value(
        item["metric"],
        float(item["value"]),
        item["unit"],
        None if lower is None else float(lower),
        None if upper is None else float(upper),
        item["image"],
    )


class _UsualValue(msgspec.Struct, kw_only=True, gc=False):
    """The JSON of a value with finite figures; its fields are in the order of those of `Value`."""

    metric: str
    value: float
    unit: str
    lower: float | None = None
    upper: float | None = None
    image: str


def _usual() -> msgspec.json.Decoder[Any]:
    """Reads lines that have the types of a `Record`, with finite figures, and say their schema and values."""
    types = get_type_hints(Record) | {"values": list[_UsualValue], "environment": msgspec.Raw}
    fields: list[Any] = []
    for entry in dataclasses.fields(Record):
        default: Any = msgspec.NODEFAULT
        if entry.name == "environment":
            default = msgspec.Raw(b"{}")
        elif entry.default_factory is not dataclasses.MISSING:
            default = msgspec.field(default_factory=entry.default_factory)
        elif entry.name not in ("schema", "values") and entry.default is not dataclasses.MISSING:
            default = entry.default
        fields.append((entry.name, types[entry.name], default))
    return msgspec.json.Decoder(msgspec.defstruct("UsualRecord", fields, kw_only=True))


_FIELDS = tuple(entry.name for entry in dataclasses.fields(Record))
_KNOWN_OF_A_VALUE = frozenset(Value.__struct_fields__)
_USUAL = _usual()

FLUSH_S = 0.5
"""How long a record may be in the system's memory alone: a flush costs more than a small task."""


LONGEST = 64 * 2**20
"""Bytes of the longest line that is looked at: a record with the images of a thousand sets is shorter."""


def read_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers counted from 1, one after the other.

    Of a line of more than `LONGEST` bytes only so many are given. A file that is not there has no lines.
    Raises `SuiteError` for one that cannot be read.
    """
    if file.is_fifo():
        raise SuiteError(f"cannot read {file}: it is a pipe, which may never end.")
    try:
        with file.open("rb") as stream:
            number, inside = 0, False
            while piece := stream.readline(LONGEST):
                number += not inside
                if not inside and piece.strip():
                    yield number, piece.decode("utf-8", errors="replace").rstrip("\n")
                inside = not piece.endswith(b"\n")
    except FileNotFoundError:
        return
    except OSError as error:
        raise SuiteError(f"cannot read {file}: {error.strerror}.") from None


class Store:
    """The records of a run: ``records.jsonl`` in a folder, only ever appended to.

    A line torn by an interruption is skipped when reading and closed off when writing, so nothing that
    was measured before it is lost. Of several records with one key the last counts.
    """

    def __init__(self, run: Path) -> None:
        self.file = run / "records.jsonl"
        self.torn = 0
        """Number of lines that could not be read."""
        self._flushed = -math.inf

    def load(self) -> dict[str, Record]:
        """All readable records by key, in the order in which they were first written.

        Raises `SuiteError` if the file cannot be read at all.
        """
        records: dict[str, Record] = {}
        self.torn = 0
        with no_collections():
            for _, line in read_lines(self.file):
                try:
                    record = from_json(line)
                except ValueError:
                    self.torn += 1
                    continue
                records[record.key] = record
        return records

    def append(self, record: Record) -> Record:
        """Write a record and give it as it will be read again.

        What is written outlives this process whatever happens to it; that it outlives the machine is made
        sure of every `FLUSH_S` seconds and by `flush`. Raises `SuiteError` if the disk does not take it; the
        file is then what it was.
        """
        line = to_json(record)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab+", buffering=0) as stream:
                end = stream.seek(0, os.SEEK_END)
                torn = end > 0 and os.pread(stream.fileno(), 1, end - 1) != b"\n"
                try:
                    _write_all(stream, b"\n" * torn + line.encode() + b"\n")
                except OSError:
                    stream.truncate(end)
                    raise
                if time.monotonic() - self._flushed > FLUSH_S:
                    self._flush(stream)
        except OSError as error:
            raise SuiteError(
                f"cannot write {self.file}: {error.strerror}. What it holds is kept: call again when it can."
            ) from None
        return _built(json.loads(line))

    def flush(self) -> None:
        """Make sure that all records outlive a failure of the machine. Raises `SuiteError` if they do not."""
        try:
            with self.file.open("rb", buffering=0) as stream:
                self._flush(stream)
        except FileNotFoundError:
            return  # nothing was written
        except OSError as error:
            raise SuiteError(f"cannot write {self.file}: {error.strerror}.") from None

    def _flush(self, stream: FileIO) -> None:
        os.fsync(stream.fileno())
        self._flushed = time.monotonic()


def _write_all(stream: FileIO, data: bytes) -> None:
    while data:
        data = data[stream.write(data) :]


def load_run(run: Path) -> list[Record]:
    """The records of a run folder. Raises `SuiteError` if it is not one or holds no record."""
    if not run.is_dir():
        raise SuiteError(f"{run} is not a folder: name the --out folder of a run.")
    records = list(Store(run).load().values())
    if not records:
        raise SuiteError(f"{run} holds no records: name the --out folder of a run.")
    return records


def frame(records: Iterable[Record]) -> pd.DataFrame:
    """The tidy frame with the columns `COLUMNS`: one value a row, in the order of the records."""
    import pandas as pd

    rows = [
        {name: getattr(value if hasattr(value, name) else record, name) for name in COLUMNS}
        for record in records
        for value in record.values
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
