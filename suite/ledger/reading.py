"""Reading a ledger: strictly, since a figure that is silently left out would not be missed.

A ledger is one TOML file or a folder of them. A file may hold a table (see `suite.ledger.parsing`),
``[sources]`` (what each id stands for) and ``[[differences]]``. Numbers keep the digits with which they are
written: 29.00 is printed to the hundredth.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, UsageError
from suite.ledger.checks import Place, known_name, mapping, mappings, number, only, shown, text, texts
from suite.ledger.entries import COUNTS, Difference, Ledger, Source, Table
from suite.ledger.parsing import TABLE_KEYS, read_table
from suite.toml import tomllib

_DIFFERENCE_KEYS = (
    "table",
    "model",
    "metric",
    "dataset",
    "bound",
    "because",
    "agrees_with",
    "agrees_model",
)


def load_ledger(path: Path | None = None) -> Ledger:
    """The ledger of a TOML file, or of all ``*.toml`` below a folder; without a path that of the package.

    Raises `UsageError` that names file and entry for anything that is not understood, `SuiteError` for a
    file that cannot be read.
    """
    return _own() if path is None else _load(path)


@functools.cache
def _own() -> Ledger:
    """The ledger of the package: it does not change while a report asks for it again and again."""
    return _load(None)


def _load(path: Path | None) -> Ledger:
    contents = [(Place(name), _parse(name, content)) for name, content in _files(path)]
    for place, data in contents:
        only(data, (*TABLE_KEYS, "sources", "differences"), place)
    sources = _sources(contents)
    tables: dict[str, Table] = {}
    for place, data in contents:
        if data.keys() & set(TABLE_KEYS):
            table = read_table(data, place, sources)
            if table.id in tables:
                raise place.error(f"there is another table with the id {table.id!r}")
            tables[table.id] = table
    return Ledger(tuple(tables.values()), sources, tuple(_differences(contents, tables)))


def _files(path: Path | None) -> Iterator[tuple[str, str]]:
    """Name and text of each file, in the order of their names."""
    if path is None:
        folder = importlib.resources.files("suite.ledger")
        for part in (folder, folder / "tables"):
            for entry in sorted(part.iterdir(), key=lambda entry: entry.name):
                if entry.name.endswith(".toml"):
                    yield entry.name, entry.read_text("utf-8")
        return
    files = sorted(path.rglob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise UsageError(f"{path} holds no TOML file: name a ledger's file or folder.")
    for file in files:
        try:
            yield str(file), file.read_text(encoding="utf-8")
        except OSError as error:
            raise SuiteError(f"cannot read the ledger {file}: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise UsageError(f"{file} is not TOML: it is no UTF-8 text.") from None


def _parse(name: str, content: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is not TOML: {error}.") from None


def _sources(contents: Sequence[tuple[Place, Mapping[str, Any]]]) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for place, data in contents:
        given = mapping(data, "sources", place)
        for id in given:
            if id in sources:
                raise place.error(f"the source {id!r} is there twice")
            sources[id] = Source(id, text(given, id, place.at("sources")))
    return sources


def _differences(
    contents: Sequence[tuple[Place, Mapping[str, Any]]], tables: Mapping[str, Table]
) -> Iterator[Difference]:
    found: list[Difference] = []
    for place, data in contents:
        for position, item in enumerate(mappings(data, "differences", place), start=1):
            here = place.at(f"difference {position} ({item.get('model', '?')} {item.get('metric', '?')})")
            difference = _difference(item, here)
            known_name("table", difference.table, tables, here)
            if not any(difference.is_of(entry) for entry in tables[difference.table].entries):
                raise here.error(f"{difference.table} has no such figure")
            same = (difference.table, difference.model, difference.metric, difference.dataset)
            if any(same == (other.table, other.model, other.metric, other.dataset) for other in found):
                raise here.error("this figure's difference is explained twice")
            found.append(difference)
            yield difference


def _difference(data: Mapping[str, Any], place: Place) -> Difference:
    only(data, _DIFFERENCE_KEYS, place)
    bound = data.get("bound")
    if not isinstance(bound, list) or len(bound) != 2:
        raise place.error(
            f"bound is {shown(bound)}: it must be a list of two numbers, measured less published"
        )
    low, high = (number(value, "bound", place) for value in bound)
    if low > high:
        raise place.error(f"bound is {low} to {high}: the smaller number comes first")
    agrees = texts(data, "agrees_with", place) if "agrees_with" in data else ()
    for metric in agrees:
        known_name("metric", metric, COUNTS, place)
    model = text(data, "agrees_model", place, "")
    if model and not agrees:
        raise place.error("agrees_model needs agrees_with")
    return Difference(
        table=text(data, "table", place),
        model=text(data, "model", place),
        metric=text(data, "metric", place),
        dataset=text(data, "dataset", place, ""),
        low=low,
        high=high,
        because=text(data, "because", place),
        agrees_with=agrees,
        agrees_model=model,
    )
