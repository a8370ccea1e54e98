"""The remarks below a table: what a reader must know before comparing its figures."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reports.columns import BUSY, dataset_digest
from reports.view import Cell, Column, Group, Missing, Note, Row
from suite.records import Record

MEASURES = {"cost": "cost", "memory": "memory", "runtime": "latency", "quality": "quality"}
"""The measures of a complete table and what they are called in a sentence."""


def join(words: Iterable[str]) -> str:
    """Words as an enumeration in a sentence: ``a, b and c``; empty for no words."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def unique(items: Iterable[str]) -> list[str]:
    """The items in order, each once, without empty ones."""
    return [item for item in dict.fromkeys(items) if item]


def dataset_notes(columns: Sequence[Column], records: Sequence[Record]) -> list[tuple[str, list[str]]]:
    """Remarks on the datasets of a table, each with the ids of the columns that it concerns."""
    found: dict[str, list[tuple[str, str]]] = {}
    for column in columns:
        for record in records:
            if record.measure != "quality" or record.dataset != column.dataset or not record.values:
                continue
            if column.digest and dataset_digest(record) != column.digest:
                continue
            for text in _remarks(record):
                found.setdefault(text, []).append((column.dataset, column.id))
    return [
        (f"{join(unique(name for name, _ in places))}: {text}", [column for _, column in places])
        for text, places in found.items()
    ]


def _remarks(record: Record) -> list[str]:
    dataset = record.details.get("dataset", {})
    remarks = [str(dataset.get("note", "")).strip()]
    if dataset.get("known") is False:
        remarks.append("not the known copy of this set, so the figures may differ from published ones.")
    if dataset.get("lr") == "made":
        remarks.append("LR images made from the HR images by MATLAB's bicubic.")
    return [remark for remark in remarks if remark]


def attach(
    columns: Sequence[Column], remarks: Sequence[tuple[str, list[str]]]
) -> tuple[tuple[Column, ...], list[Note]]:
    """Letters for remarks: the columns with their marks, and the notes in the order of the letters."""
    marks: dict[str, str] = {}
    notes = []
    for letter, (text, ids) in zip(string.ascii_lowercase, remarks, strict=False):
        notes.append(Note(letter, text))
        for column in dict.fromkeys(ids):
            marks[column] = marks.get(column, "") + letter
    notes += [Note("", text) for text, _ in remarks[len(string.ascii_lowercase) :]]
    return tuple(replace(column, mark=marks.get(column.id, "")) for column in columns), notes


def session_notes(groups: Sequence[Group]) -> list[str]:
    """A remark for each group whose rows were not all timed in turn with one another."""
    remarks = []
    for group in groups:
        sessions: dict[tuple[str, ...], list[str]] = {}
        for row in group.rows:
            if row.sessions:
                sessions.setdefault(row.sessions, []).append(row.title)
        if len(sessions) > 1:
            who = "; ".join(join(titles) for titles in sessions.values())
            remarks.append(
                f"Latency: timed in {len(sessions)} sessions ({who}). Only models of one session were timed "
                "in turn; differences between sessions include whatever else the machine did, so they have "
                "no ranks. A run with another --out times all of them together."
            )
    return unique(remarks)


def general_notes(
    columns: Sequence[Column],
    groups: Sequence[Group],
    *,
    versions: Sequence[str],
    on_luma: Sequence[str],
    replaced: int,
    busy: float,
) -> list[str]:
    """Remarks on a table as a whole.

    ``versions`` are the versions of the suite behind it, ``on_luma`` the titles of networks with an input
    of one channel, ``replaced`` is the number of records that newer ones took the place of, ``busy`` the
    greatest share of a machine's processors that others used when its networks were timed.
    """
    rows = [row for group in groups for row in group.rows]
    remarks = []
    if len(groups) > 1:
        remarks.append(
            f"The table has {len(groups)} groups, measured on unlike machines or in unlike configurations. "
            "Memory and latency are ranked inside a group only."
        )
    remarks += session_notes(groups)
    if busy > BUSY:
        remarks.append(
            f"Latency: other programs used {busy:.0%} of the machine's processors when the timing began, so "
            "differences may be theirs."
        )
    if references := unique(row.title for row in rows if row.reference):
        remarks.append(f"{join(references)}: no parameters; shown for orientation and not ranked.")
    if on_luma:
        remarks.append(f"{join(on_luma)}: for luma alone, so the input has one channel.")
    if absent := [name for key, name in MEASURES.items() if key not in {c.measure for c in columns}]:
        remarks.append(f"Not asked for: {join(absent)}.")
    if len(versions) > 1:
        remarks.append(f"Measured with {len(versions)} versions of the suite: {join(versions)}.")
    if replaced:
        remarks.append(f"Of figures measured more than once the latest is shown ({replaced} older left out).")
    return remarks


def missing(columns: Sequence[Column], groups: Sequence[Group]) -> tuple[Missing, ...]:
    """The missing figures, gathered by reason: each reason once, with rows and columns concerned."""
    reasons: dict[str, dict[str, list[Column]]] = {}
    for group in groups:
        for row in group.rows:
            for column, cell in zip(columns, row.cells, strict=True):
                if cell.missing:
                    reasons.setdefault(cell.missing, {}).setdefault(row_name(row), []).append(column)
    found = []
    for reason, rows in reasons.items():
        # Rows that lack the same figures are named together.
        same: dict[str, list[str]] = {}
        for name, lacking in rows.items():
            same.setdefault(_describe(lacking), []).append(name)
        found.append(Missing(reason, "; ".join(f"{what} of {join(who)}" for what, who in same.items())))
    return tuple(found)


def _describe(columns: Sequence[Column]) -> str:
    """Columns in a sentence, as in ``latency and quality on Set5 · sr-y``."""
    names = unique(
        f"{column.label} at {column.at}" if column.at else column.label
        for column in columns
        if column.measure != "quality"
    )
    sets = unique(column.group for column in columns if column.measure == "quality")
    return join([*names, *([f"quality on {join(sets)}"] if sets else [])])


def row_name(row: Row) -> str:
    """Title and origin of a row, as in ``BSRN, official``."""
    return f"{row.title}, {row.origin}"


def merge_missing(cells: Sequence[Cell]) -> list[tuple[Cell, int]]:
    """The cells of a row with the number of columns each spans: neighbours that are missing for the same
    reason become one."""
    merged: list[tuple[Cell, int]] = []
    for cell in cells:
        if merged and cell.missing and merged[-1][0].missing == cell.missing:
            merged[-1] = (merged[-1][0], merged[-1][1] + 1)
        else:
            merged.append((cell, 1))
    return merged
