"""What the script draws plots from: the figures of the leaderboards, in printed units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.choices import groups_of, plottable
from reports.drawing import COLOURS, SHAPES, shape
from reports.notes import row_name
from reports.plot import family_of
from reports.view import Cell, Column, Row, Table


def plot_data(tables: Sequence[Table], styles: Mapping[str, int]) -> dict[str, Any]:
    """Plain data for the script: outlines of the markers, and the figures of each table that has any."""
    return {
        "outlines": [shape(number, 1.0) for number in range(SHAPES)],
        "tables": [_table(table, styles) for table in tables if plottable(table)],
    }


def _table(table: Table, styles: Mapping[str, int]) -> dict[str, Any]:
    columns = plottable(table)
    places = [table.columns.index(column) for column in columns]
    networks = {(row.title, row.origin) for group in table.groups for row in group.rows if not row.reference}
    titles = [title for title, _ in networks]
    return {
        "scale": table.scale,
        "groups": groups_of(table),
        "columns": [
            {
                "id": column.id,
                "label": column.label,
                "unit": column.unit,
                "at": column.at,
                "group": column.group,
                "higher": column.higher_is_better,
                "quality": column.measure == "quality",
                "machine": column.measure in ("memory", "runtime"),
            }
            for column in columns
        ],
        "rows": [
            _row(row, number, [(table.columns[place], row.cells[place]) for place in places])
            | {
                "label": row.title if titles.count(row.title) < 2 else row_name(row),
                "colour": styles[family_of(row)] % COLOURS,
                "shape": styles[family_of(row)] % SHAPES,
            }
            for number, group in enumerate(table.groups)
            for row in group.rows
        ],
    }


def _row(row: Row, group: int, figures: Sequence[tuple[Column, Cell]]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row_name(row),
        "title": row.title,
        "group": group,
        "reference": row.reference,
        "values": [_number(cell.value, column) for column, cell in figures],
        "texts": [cell.text for _, cell in figures],
        "intervals": [
            [_number(cell.lower, column), _number(cell.upper, column), cell.interval]
            if cell.interval
            else None
            for column, cell in figures
        ],
    }


def _number(value: float | None, column: Column) -> float | None:
    """A figure in the printed unit, to more digits than a drawing shows; None where JSON has no number."""
    return None if value is None or not math.isfinite(value) else float(f"{value / column.divisor:.7g}")
