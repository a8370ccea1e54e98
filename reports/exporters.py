"""The tidy frame of records as CSV, JSON, Markdown or LaTeX.

All formats hold the same rows and columns (`suite.records.COLUMNS`) and every figure in full: the
shortest decimal that reads back as the same number. What a record lacks, such as an interval, is an
empty cell (``null`` in JSON). Infinity is ``inf`` except in JSON, which has no such number: it is
``null`` there. In CSV, a text that a spreadsheet would take for a formula stands behind an apostrophe.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from reports.escapes import LATEX, MARKDOWN, escape, guard
from suite.errors import UsageError, unknown_name
from suite.records import COLUMNS, Record, frame

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("scale", "value", "lower", "upper", "threads")
"""Columns of numbers, which are set flush right."""


def export(records: Iterable[Record], format: str, where: Sequence[tuple[str, str]] = ()) -> str:
    """The tidy frame of records in a format: ``csv``, ``json``, ``markdown`` or ``latex``.

    ``where`` holds pairs of a column and a value as text. Rows are kept whose value in each column
    named is one of those given for it. Raises `suite.errors.UsageError` for an unknown format or column.
    """
    if format not in FORMATS:
        raise unknown_name("format", format, FORMATS)
    return FORMATS[format](select(frame(records), where))


def select(rows: pd.DataFrame, where: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """The rows that match: values for one column are alternatives, columns are conditions that all hold.

    A missing number matches the empty text. Raises `suite.errors.UsageError` for an unknown column.
    """
    wanted: dict[str, set[str]] = {}
    for column, value in where:
        if column not in COLUMNS:
            raise unknown_name("column", column, COLUMNS)
        wanted.setdefault(column, set()).add(value)
    for column, values in wanted.items():
        rows = rows[rows[column].map(_text).isin(values)]
    return rows


def parse_where(text: str) -> tuple[str, str]:
    """The pair of ``COLUMN=VALUE``. Raises `suite.errors.UsageError` for a text of another form."""
    column, equals, value = text.partition("=")
    if not equals or not column:
        raise UsageError(f"--where {text!r}: write COLUMN=VALUE, such as scale=4.")
    return column, value


def _text(value: Any) -> str:
    """A value in full; a missing one is empty, and a whole number has no point."""
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(int(value)) if _is_whole(value) else repr(float(value))
    return str(value)


def _is_whole(value: float) -> bool:
    """Whether a float is a whole number that is exact as an integer."""
    return math.isfinite(value) and value == int(value) and abs(value) < 2**53


def _csv(rows: pd.DataFrame) -> str:
    return str(rows.map(lambda value: guard(_text(value))).to_csv(index=False, lineterminator="\n"))


def _json(rows: pd.DataFrame) -> str:
    def plain(name: str, value: Any) -> Any:
        text = _text(value)
        if name in NUMBERS:
            return None if text in ("", "inf", "-inf") else json.loads(text)
        return text

    # pandas' own JSON writer cuts figures off at 15 digits.
    found = [{str(k): plain(str(k), v) for k, v in row.items()} for row in rows.to_dict(orient="records")]
    return json.dumps(found, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _markdown(rows: pd.DataFrame) -> str:
    cells = rows.map(lambda value: escape(_text(value), MARKDOWN))
    alignment = ["right" if name in NUMBERS else "left" for name in COLUMNS]
    table = cells.to_markdown(index=False, tablefmt="pipe", disable_numparse=True, colalign=alignment)
    return f"{table}\n"


def _latex(rows: pd.DataFrame) -> str:
    cells = rows.map(lambda value: escape(_text(value), LATEX))
    cells.columns = cells.columns.map(lambda name: escape(name, LATEX))
    alignment = "".join("r" if name in NUMBERS else "l" for name in COLUMNS)
    return str(cells.to_latex(index=False, escape=False, column_format=alignment))


FORMATS: dict[str, Callable[[pd.DataFrame], str]] = {
    "csv": _csv,
    "json": _json,
    "markdown": _markdown,
    "latex": _latex,
}
"""Writer of each format."""
