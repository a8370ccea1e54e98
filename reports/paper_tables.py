"""Tables 1, 2 and 3 of arXiv 2205.05996 with the networks of the records, laid out as in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from reports.competitors import PIXELS
from reports.definitions import FIELD_ORDER, REFERENCE, hd_pixels, size_label
from reports.grid import Grid, GridRow, Mark, Section
from reports.identity import group_key, sort_records
from reports.lines import (
    LEGEND,
    Column,
    Line,
    Notes,
    Published,
    figures,
    find_lines,
    find_published,
    make_rows,
)
from reports.machines import configuration, environments, machine_names
from reports.notes import join
from reports.ranks import time_ranks
from reports.studies import find_studies
from suite.ledger import Finding, Ledger, load_ledger, verify
from suite.records import Record

VARIANTS = ("rfdn", "rfdn-dsconv", "rfdn-bsconv", "rfdn-bsconv-s")
"""The networks of Table 1."""
CHALLENGES = ("ntire2022", "ntire2023", "ntire2024", "ntire2025", "ntire2026")
"""Tables of the ledger that have the rows of Table 3, the paper's challenge first."""


def build_paper_tables(records: Sequence[Record], ledger: Ledger | None = None) -> list[Section]:
    """A section for each of the three tables that records have something for.

    ``ledger`` holds the published figures; None for those that come with the suite.
    """
    ledger = ledger or load_ledger(None)
    findings = verify(records, ledger, {record.model for record in records})
    return [
        *_convolutions(records, findings, ledger),
        *_comparison(records, findings),
        *_computation(records, findings, ledger),
    ]


def _quality_columns() -> list[Column]:
    return [
        Column(
            *(name, "PSNR / SSIM", "quality", ("psnr", "ssim"), 1, (2, 4)),
            dataset=name,
            protocol=REFERENCE,
            best="highest",
        )
        for name in FIELD_ORDER
    ]


def _macs_column(scale: int) -> Column:
    output = f"{1280 // scale * scale}\u00d7{720 // scale * scale} output"
    return Column("Multi-Adds (G)", output, "cost", ("macs",), 1e9, (1,), pixels=hd_pixels(scale))


def _grid(
    caption: str,
    lines: Sequence[Line],
    columns: Sequence[Column],
    published: Published,
    remarks: Sequence[str],
) -> Grid:
    notes = Notes()
    rows = make_rows(lines, columns, published, notes)
    return Grid(
        caption=caption,
        stub="Network",
        columns=tuple((column.label, column.sub) for column in columns),
        rows=tuple(rows),
        notes=(*notes.lines(), *remarks),
    )


def _convolutions(records: Sequence[Record], findings: Sequence[Finding], ledger: Ledger) -> list[Section]:
    """Table 1, unless a study with several seeds says it better."""
    if any(variant.model in VARIANTS[1:] for study in find_studies(records) for variant in study.variants):
        return []
    lines = [line for line in find_lines(records, 4) if line.model in VARIANTS]
    if len({line.model for line in lines}) < 2:
        return []
    columns = [
        Column("Params", "", "cost", ("params",), 1, (0,)),
        _macs_column(4),
        *_quality_columns(),
    ]
    lines.sort(key=lambda line: (VARIANTS.index(line.model), line.records[0].weights))
    empty = next((table.empty for table in ledger.tables if table.id == "table1"), "")
    remarks = [
        f"Of the paper's own table: {empty} The counts beside the parameters are those of the authors' code."
    ]
    published = find_published(findings, ("table1", "table1-counts"))
    lead = ("Table 1 of the paper, the convolutions of RFDN replaced by separable ones.", LEGEND)
    grid = _grid(
        "RFDN with separable convolutions, \u00d74", lines, columns, published, remarks if empty else []
    )
    return [Section("table1", "Table 1: convolutions", lead, (grid,), long=True)]


def _comparison(records: Sequence[Record], findings: Sequence[Finding]) -> list[Section]:
    """Table 2: a block for each scale at which quality was measured on one of the paper's sets."""
    grids = []
    for scale in sorted({record.scale for record in records}):
        table = f"comparison-x{scale}"
        published = find_published(findings, (table, f"later-x{scale}"))
        columns = [
            Column("Params (K)", "", "cost", ("params",), 1e3, (1,)),
            _macs_column(scale),
            *_quality_columns(),
        ]
        every = find_lines(records, scale)
        lines = [line for line in every if any(figures(line, c, []) for c in columns[2:])]
        if not lines:
            continue
        order = list(dict.fromkeys(f.entry.model for f in findings if f.entry.table == table))
        lines.sort(key=lambda line: _as_published(line, order))
        remarks = [_unmeasured(lines, findings, table), *_left_out(lines, every)]
        caption = f"\u00d7{scale}, protocol {REFERENCE}"
        grids.append(_grid(caption, lines, columns, published, [text for text in remarks if text]))
    if not grids:
        return []
    lead = (
        "Table 2 of the paper: PSNR (dB) and SSIM of each scale's networks; best bold, second underlined.",
        LEGEND,
    )
    return [Section("table2", "Table 2: comparison", lead, tuple(grids), long=True)]


def _as_published(line: Line, order: Sequence[str]) -> tuple[int, float, str, str]:
    """The order of the published table; networks that it lacks follow by their parameters."""
    place = order.index(line.model) if line.model in order else len(order)
    params = next((v for r in line.records if (v := r.value("params")) is not None), 0.0)
    return (place, params, line.model, line.records[0].weights)


def _unmeasured(lines: Sequence[Line], findings: Sequence[Finding], table: str) -> str:
    """The rows of the published table that this run has no quality of."""
    mine = {line.model for line in lines}
    names = dict.fromkeys(
        f.entry.name for f in findings if f.entry.table == table and f.entry.model not in mine
    )
    return f"In the published table and not measured here: {join(names)}." if names else ""


def _left_out(lines: Sequence[Line], every: Sequence[Line]) -> list[str]:
    """Why networks of the run have no row: without weights there is no quality."""
    shown = {line.model for line in lines}
    reasons: dict[str, dict[str, None]] = {}
    for line in every:
        found = [r.not_measured for r in line.records if r.measure == "quality" and r.not_measured]
        if line.model not in shown and found:
            reasons.setdefault(found[0].rstrip("."), {})[line.records[0].card.get("title") or line.model] = (
                None
            )
    return [f"{join(titles)}: not measured, {reason}." for reason, titles in reasons.items()]


def _computation(records: Sequence[Record], findings: Sequence[Finding], ledger: Ledger) -> list[Section]:
    """Table 3: what a network costs, a block for each machine and configuration."""
    titles = {table.id: table.title for table in ledger.tables}
    published = find_published([f for f in findings if f.entry.scale == 4], ("table3", *CHALLENGES))
    at = size_label(f"3x{PIXELS}")
    columns = [
        Column("Params (M)", "", "cost", ("params",), 1e6, (3,), best="lowest"),
        Column("FLOPs (G)", f"MACs, {at}", "cost", ("macs_ntire",), 1e9, (2,), pixels=PIXELS, best="lowest"),
        Column("Acts (M)", at, "cost", ("activations_ntire",), 1e6, (2,), pixels=PIXELS, best="lowest"),
        Column("Memory (MiB)", at, "memory", ("peak_bytes",), 2**20, (2,), pixels=PIXELS, best="lowest"),
        Column(
            *("Runtime (ms)", f"median, {at}", "runtime", ("latency_ms",), 1, (2,)),
            pixels=PIXELS,
            published=("ntire_mean_ms",),
        ),
    ]
    ordered = sort_records(records)
    machines = machine_names(environments(ordered))
    grids = []
    four = [r for r in ordered if r.scale == 4 and r.weights != "no parameters"]
    for key, members in groupby(four, key=group_key):
        own = list(members)
        lines = [line for line in find_lines(own, 4) if sum(bool(figures(line, c, [])) for c in columns) > 2]
        if not lines:
            continue
        lines.sort(key=lambda line: figures(line, columns[0], []) or [0.0])
        grid = _grid(
            f"{machines[key[0]]}; {configuration(own[0])}",
            lines,
            columns,
            published,
            [_sources(lines, published, titles)],
        )
        grids.append(_with_time_marks(grid, lines, columns[-1]))
    if not grids:
        return []
    lead = (
        "Table 3 of the paper: what one forward pass of an \u00d74 network costs; best bold, second "
        "underlined. "
        "Runtimes within the noise of their session count as equal.",
        LEGEND,
    )
    return [Section("table3", "Table 3: computation", lead, tuple(grids), long=True)]


def _sources(lines: Sequence[Line], published: Published, titles: dict[str, str]) -> str:
    mine = {line.model for line in lines}
    used = dict.fromkeys(
        titles[f.entry.table] for (model, _, _), f in published.findings.items() if model in mine
    )
    return f"Published: {join(used)}." if used else "No figure of these networks is published in this form."


def _with_time_marks(grid: Grid, lines: Sequence[Line], column: Column) -> Grid:
    """A table whose last column, runtime, is marked by the ranks that hold beyond the noise."""
    ranks = time_ranks([r if (r := line.record(column)) and r.values else None for line in lines])
    names: dict[int | None, tuple[Mark, ...]] = {1: ("best",), 2: ("second",)}
    rows: list[GridRow] = []
    for row, rank in zip(grid.rows, ranks, strict=True):
        last = replace(row.cells[-1], marks=names.get(rank, ()))
        rows.append(replace(row, cells=(*row.cells[:-1], last)))
    return replace(grid, rows=tuple(rows))
