"""All tables of a report as they are exported: the leaderboards, then the other parts in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from reports.audit import Audit, build_audits
from reports.challenge import ChallengeTable, build_challenge
from reports.differences import DifferenceBlock, build_differences
from reports.export_formats import TABLE_FORMATS, write
from reports.export_tables import ExportCell, ExportHead, ExportRow, ExportTable, mark_of, of_leaderboard
from reports.grid import Grid, GridCell, Section
from reports.identity import sort_records
from reports.leaderboard import build
from reports.lens import Lens, LensCell, build_lenses
from reports.published_cells import published_cells
from reports.sections import build_sections
from suite.files import write_text
from suite.records import Record


def write_exports(folder: Path, records: Sequence[Record]) -> list[Path]:
    """Write every table in every format, ``TABLE.csv`` and so on, and return the files.

    Raises `suite.errors.SuiteError` if a file can't be written.
    """
    files = []
    for table in export_tables(records):
        for format, (ending, _) in TABLE_FORMATS.items():
            files.append(folder / f"{table.name}.{ending}")
            write_text(files[-1], write(table, format))
    return files


def export_tables(records: Sequence[Record]) -> list[ExportTable]:
    """All tables of the records, with names of their own."""
    published = published_cells(records)
    records = sort_records(records)
    challenge = build_challenge(records)
    return [
        *(of_leaderboard(table, published) for table in build(records).tables),
        *(_of_differences(*pair) for pair in build_differences(records).items()),
        *(_of_lens(*pair) for pair in build_lenses(records).items()),
        *(table for section in build_sections(records) for table in of_section(section)),
        *(_of_challenge(_numbered("challenge", n, len(challenge)), t) for n, t in enumerate(challenge, 1)),
        *map(_of_audit, build_audits(records)),
    ]


def _numbered(name: str, place: int, count: int) -> str:
    return name if count == 1 else f"{name}-{place}"


def of_section(section: Section) -> Iterator[ExportTable]:
    """The tables of a part of the report."""
    for place, grid in enumerate(section.grids, start=1):
        yield _of_grid(_numbered(section.id, place, len(section.grids)), section, grid)


def _of_grid(name: str, section: Section, grid: Grid) -> ExportTable:
    below = any(cell.sub for row in grid.rows for cell in row.cells)
    heads = []
    for place, (label, sub) in enumerate(grid.columns, start=1):
        id = ", ".join(filter(None, (label, sub))) or f"column {place}"
        id = f"{id} ({place})" if grid.columns.count((label, sub)) > 1 else id
        heads.append(ExportHead(id, "", label, sub, extra=(("below", ""),) if below else ()))
    return ExportTable(
        name=name,
        caption=f"{section.heading}: {grid.caption}",
        stub=grid.stub,
        fields=(grid.stub or "row", "of"),
        heads=tuple(heads),
        rows=tuple(
            ExportRow(
                row.title, row.sub, (row.title, row.sub), tuple(_grid_cell(c, below) for c in row.cells)
            )
            for row in grid.rows
        ),
        notes=grid.notes,
    )


def _grid_cell(cell: GridCell, below: bool) -> ExportCell:
    return ExportCell(
        parts=cell.parts if cell.text else (),
        extra=(cell.sub,) if below else (),
        below=(("", cell.sub),) if cell.sub else (),
    )


def _of_challenge(name: str, table: ChallengeTable) -> ExportTable:
    heads = []
    for column in table.columns:
        label = f"{column.label} ({column.unit})" if column.unit else column.label
        id = ", ".join(filter(None, (column.group, label, column.sub)))
        heads.append(ExportHead(id, column.group, label, column.sub, column.definition))
    return ExportTable(
        name=name,
        caption="Challenge table",
        stub="Model",
        fields=("title", "weights"),
        heads=tuple(heads),
        rows=tuple(
            ExportRow(
                title=row.title,
                sub=row.origin,
                names=(row.title, row.origin),
                cells=tuple(_text(cell.text, rank=cell.rank) for cell in row.cells),
                block=f"{table.machine}; {table.configuration}",
            )
            for row in table.rows
        ),
        notes=table.notes,
    )


def _text(text: str, below: str | None = None, rank: int | None = None, missing: str = "") -> ExportCell:
    """A cell of text; ``below`` is None in a column without second lines."""
    return ExportCell(
        parts=((text, mark_of(rank)),) if text else (),
        extra=() if below is None else (below,),
        below=(("", below),) if below else (),
        rank=rank,
        missing=missing,
    )


def _of_differences(scale: int, blocks: Sequence[DifferenceBlock]) -> ExportTable:
    heads = []
    for label in ("PSNR (dB)", "SSIM"):
        heads.append(
            ExportHead(f"{label} difference", label, "Mean difference", extra=(("95 % interval", ""),))
        )
        heads.append(ExportHead(f"{label} verdict", label, "Verdict"))
    rows = []
    for block in blocks:
        heading = f"{block.dataset}, {block.protocol}, against {block.reference.name}; {block.images} images"
        for row in block.rows:
            cells = [
                cell
                for figure in row.cells
                for cell in (_text(figure.text, figure.interval), _text(figure.verdict))
            ]
            absent = [_text("", "", missing=row.missing), _text("", missing=row.missing)] * 2
            names = (block.dataset, block.protocol, row.network.title, row.network.origin)
            rows.append(
                ExportRow(row.network.title, row.network.origin, names, tuple(cells or absent), heading)
            )
    return ExportTable(
        name=f"differences-x{scale}",
        caption=f"Differences at scale \u00d7{scale}, paired over the images",
        stub="Model",
        fields=("dataset", "protocol", "title", "weights"),
        heads=tuple(heads),
        rows=tuple(rows),
    )


def _of_lens(scale: int, lens: Lens) -> ExportTable:
    heads = []
    for network in lens.networks:
        for label in ("PSNR (dB)", "SSIM"):
            id = f"{network.name}, {label}"
            heads.append(ExportHead(id, network.name, label, extra=(("difference", ""),)))

    def pair(cell: LensCell) -> tuple[ExportCell, ExportCell]:
        return (
            _text(cell.psnr, cell.psnr_difference, missing=cell.missing),
            _text(cell.ssim, cell.ssim_difference, missing=cell.missing),
        )

    return ExportTable(
        name=f"lens-x{scale}",
        caption=f"Protocol lens at scale \u00d7{scale}",
        stub="Protocol",
        fields=("dataset", "protocol", "otherwise than sr-y"),
        heads=tuple(heads),
        rows=tuple(
            ExportRow(
                title=row.protocol,
                sub="",
                names=(block.dataset, row.protocol, row.meaning),
                cells=tuple(cell for own in row.cells for cell in pair(own)),
                block=block.dataset,
            )
            for block in lens.blocks
            for row in block.rows
        ),
    )


def _of_audit(audit: Audit) -> ExportTable:
    heads = [ExportHead("suite", "", "Suite")]
    heads += [ExportHead(tool, "", tool, extra=(("of the suite's count", ""),)) for tool in audit.tools]
    return ExportTable(
        name=f"audit-x{audit.scale}",
        caption=f"Multiply-accumulates at scale \u00d7{audit.scale} by tool",
        stub="Model",
        fields=("title", "input"),
        heads=tuple(heads),
        rows=tuple(
            ExportRow(
                title=entry.title,
                sub=entry.at,
                names=(entry.title, entry.at),
                cells=(
                    _text(entry.figure),
                    *(_text(c.figure, c.share, missing=c.missing) for c in entry.counts),
                ),
            )
            for network in audit.networks
            for entry in network.entries
        ),
    )
