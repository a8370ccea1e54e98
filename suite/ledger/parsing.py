"""One table of the ledger: columns say what the figures are, rows hold them, one network a row."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from suite.catalog.protocols import PROTOCOLS
from suite.ledger.checks import Place, known_name, mapping, mappings, number, only, shown, text, texts
from suite.ledger.entries import MEASURES, OF_THE_MACHINE, STATUS, Entry, Table, half_digit, units

TABLE_KEYS = (
    "id",
    "title",
    "scale",
    "conditions",
    "empty",
    "default",
    "tolerances",
    "columns",
    "rows",
)
HALF_DIGIT = "half digit"
"""Tolerance of figures that must be reproduced as printed."""

_ROW_KEYS = ("model", "name", "status", "sources", "conditions", "note")
_COLUMN_KEYS = ("metric", "unit", "dataset", "protocol", "input", "output")
_SIZES = {"input": r"[1-9]\d*x[1-9]\d*x[1-9]\d*", "output": r"[1-9]\d*x[1-9]\d*"}
_OF_ANY_INPUT = ("params", "conv_layers")


@dataclass(frozen=True, slots=True)
class _Column:
    """What the cells under one key are: a figure, or several, as of a table that prints ``32.35/0.8966``."""

    metrics: tuple[str, ...]
    unit: str
    dataset: str
    protocol: str
    input: str
    output: str


@dataclass(frozen=True, slots=True)
class _Origin:
    """What is said about the figures of a row or a cell; a cell inherits what it does not say."""

    status: str
    sources: tuple[str, ...]
    conditions: str
    note: str


def read_table(data: Mapping[str, Any], place: Place, sources: Collection[str]) -> Table:
    """The table in a parsed file. Raises `suite.errors.UsageError` for anything that is not understood."""
    scale = data.get("scale")
    if isinstance(scale, bool) or not isinstance(scale, int) or scale < 1:
        raise place.error(f"scale is {shown(scale)}: it must be a whole number above zero")
    header = Table(
        id=text(data, "id", place),
        title=text(data, "title", place),
        scale=scale,
        entries=(),
        empty=text(data, "empty", place, ""),
        conditions=text(data, "conditions", place, ""),
    )
    columns = {
        key: _column(column, place.at(f"column {key!r}"))
        for key, column in mapping(data, "columns", place).items()
    }
    for key in columns.keys() & set(_ROW_KEYS):
        raise place.error(f"a column cannot be called {key!r}, which says something about a row")
    tolerances = _tolerances(data, columns.values(), place)
    default = mapping(data, "default", place)
    only(default, ("status", "sources", "conditions"), place.at("default"))
    entries: dict[tuple[str, str], Entry] = {}
    for position, row in enumerate(mappings(data, "rows", place), start=1):
        row_place = place.at(f"row {row.get('name', row.get('model', position))!r}")
        for entry in _entries(header, {**default, **row}, columns, tolerances, sources, row_place):
            who = (entry.model, entry.figure)
            if who in entries:
                raise row_place.error(f"{entry.figure} of {entry.model} is there twice")
            entries[who] = entry
    if bool(entries) == bool(header.empty):
        what = (
            "there are rows beside the reason in empty" if entries else "there are no rows: say why in empty"
        )
        raise place.error(what)
    return Table(
        header.id, header.title, header.scale, tuple(entries.values()), header.empty, header.conditions
    )


def _column(data: Any, place: Place) -> _Column:
    if not isinstance(data, dict):
        raise place.error(f"it is {shown(data)}: it must be a table such as {{ metric = 'params' }}")
    only(data, _COLUMN_KEYS, place)
    single = isinstance(data.get("metric"), str)
    metrics = (text(data, "metric", place),) if single else texts(data, "metric", place)
    for metric in metrics:
        known_name("metric", metric, MEASURES, place)
    choices = [units(metric) for metric in metrics]
    unit = text(data, "unit", place, "")
    if "unit" in data and not all(unit in choice for choice in choices):
        raise place.error(
            f"unit is {unit!r}: {metrics[0]} is given in {' or '.join(filter(None, choices[0]))}"
        )
    column = _Column(
        metrics,
        unit,
        dataset=text(data, "dataset", place, ""),
        protocol=text(data, "protocol", place, ""),
        input=text(data, "input", place, ""),
        output=text(data, "output", place, ""),
    )
    _check_conditions(column, place)
    return column


def _check_conditions(column: _Column, place: Place) -> None:
    """Raise `UsageError` unless the column says all that its figures depend on."""
    for key, pattern in _SIZES.items():
        size = getattr(column, key)
        if size and not re.fullmatch(pattern, size):
            example = "3x256x256" if key == "input" else "1280x720"
            raise place.error(f"{key} is {size!r}: write it as {example}")
    for metric in column.metrics:
        measure = MEASURES[metric]
        if measure == "quality":
            if not column.dataset:
                raise place.error(f"dataset is missing, which {metric} depends on")
            known_name("protocol", column.protocol, PROTOCOLS, place)
        if measure == "cost" and metric not in _OF_ANY_INPUT and bool(column.input) == bool(column.output):
            raise place.error(f"{metric} needs either input or output")


def _tolerances(
    data: Mapping[str, Any], columns: Collection[_Column], place: Place
) -> dict[str, Decimal | None]:
    """Tolerance by metric; None stands for half a digit. Each metric that is compared must have one."""
    place = place.at("tolerances")
    compared = {
        metric for column in columns for metric in column.metrics if MEASURES[metric] not in OF_THE_MACHINE
    }
    given = mapping(data, "tolerances", place)
    tolerances: dict[str, Decimal | None] = {}
    for metric, value in given.items():
        known_name("metric", metric, compared, place)
        if value == HALF_DIGIT:
            tolerances[metric] = None
            continue
        if isinstance(value, str):
            raise place.error(f"{metric} is {value!r}: it must be a number or {HALF_DIGIT!r}")
        tolerances[metric] = number(value, metric, place)
        if number(value, metric, place) < 0:
            raise place.error(f"{metric} is {shown(value)}: it must not be negative")
    if missing := sorted(compared - given.keys()):
        raise place.error(f"{missing[0]} is missing")
    return tolerances


def _entries(
    table: Table,
    row: Mapping[str, Any],
    columns: Mapping[str, _Column],
    tolerances: Mapping[str, Decimal | None],
    sources: Collection[str],
    place: Place,
) -> Iterator[Entry]:
    only(row, (*_ROW_KEYS, *columns), place)
    model = text(row, "model", place)
    name = text(row, "name", place, model)
    origin = _origin(row, None, sources, place)
    if not row.keys() & columns.keys():
        raise place.error("it has no figures")
    for key, column in columns.items():
        if key not in row:
            continue
        cell_place = place.at(f"{key!r}")
        for metric, value, said in _figures(row[key], column, origin, sources, cell_place):
            tolerance = None
            if MEASURES[metric] not in OF_THE_MACHINE:
                given = tolerances[metric]
                tolerance = half_digit(value) if given is None else given
            yield Entry(
                table=table.id,
                model=model,
                name=name,
                scale=table.scale,
                metric=metric,
                value=value,
                unit=column.unit or next(iter(units(metric))),
                sources=said.sources,
                status=said.status,
                tolerance=tolerance,
                dataset=column.dataset,
                protocol=column.protocol,
                input=column.input,
                output=column.output,
                conditions=said.conditions or table.conditions,
                note=said.note,
            )


def _figures(
    cell: Any, column: _Column, origin: _Origin, sources: Collection[str], place: Place
) -> Iterator[tuple[str, Decimal, _Origin]]:
    """The figures of a cell with what is said about them."""
    if isinstance(cell, dict):
        only(cell, ("value", "status", "sources", "conditions", "note"), place)
        if "value" not in cell:
            raise place.error("value is missing")
        origin = _origin(cell, origin, sources, place)
        cell = cell["value"]
    values = cell if isinstance(cell, list) else [cell]
    if len(values) != len(column.metrics):
        raise place.error(
            f"{len(values)} figures instead of {len(column.metrics)} ({', '.join(column.metrics)})"
        )
    for metric, value in zip(column.metrics, values, strict=True):
        if isinstance(value, dict):
            yield from _figures(value, _single(column, metric), origin, sources, place)
            continue
        figure = number(value, metric, place)
        if figure <= 0:
            raise place.error(f"{metric} is {shown(value)}: it must be above zero")
        yield metric, figure, origin


def _single(column: _Column, metric: str) -> _Column:
    return _Column((metric,), column.unit, column.dataset, column.protocol, column.input, column.output)


def _origin(
    data: Mapping[str, Any], outer: _Origin | None, sources: Collection[str], place: Place
) -> _Origin:
    """What a row or cell says about its figures. A note of a row belongs to all of them."""
    status = outer.status if outer and "status" not in data else text(data, "status", place)
    if not STATUS.fullmatch(status):
        raise place.error(
            f"status is {status!r}: write 'single source', 'verified by N sources', "
            "'exact count / computed' or 'from memory, unverified'"
        )
    names = outer.sources if outer and "sources" not in data else texts(data, "sources", place)
    for name in names:
        known_name("source", name, sources, place)
    return _Origin(
        status,
        names,
        text(data, "conditions", place, outer.conditions if outer else ""),
        text(data, "note", place, outer.note if outer else ""),
    )
