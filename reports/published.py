"""Measured figures beside the published ones, with the ledger's verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from reports.grid import Grid, GridCell, GridRow, Section, Tone
from suite.ledger import Entry, Finding, Ledger, Verdict, load_ledger, verify
from suite.records import Record

SHOWN: dict[Verdict, tuple[str, Tone]] = {
    Verdict.DIFFERS: ("Differ, and nothing accounts for it", "bad"),
    Verdict.EXPLAINED: ("Differ for a known reason", "muted"),
    Verdict.REPRODUCED: ("Reproduced", "good"),
}
"""The verdicts that have a table, with its caption and the tone of their differences."""


def build_published(records: Sequence[Record], ledger: Ledger | None = None) -> list[Section]:
    """A section for the figures of records of which there are published ones; none if there are none.

    ``ledger`` holds the published figures; None for those that come with the suite.
    """
    ledger = ledger or load_ledger(None)
    findings = verify(records, ledger, {record.model for record in records})
    chosen = [f for f in findings if f.verdict in SHOWN and f.measured is not None]
    if not chosen:
        return []
    titles = {table.id: table.title for table in ledger.tables}
    count = {verdict: sum(f.verdict is verdict for f in chosen) for verdict in SHOWN}
    lead = (
        f"Published figures that were measured here: {count[Verdict.REPRODUCED]} reproduced, "
        f"{count[Verdict.EXPLAINED]} with a known reason for the difference, {count[Verdict.DIFFERS]} with a "
        "difference that nothing accounts for. Figures of other machines (memory, runtime) are not "
        "compared. Only the authors' weights are set beside published quality.",
    )
    grids = tuple(
        _grid(caption, tone, [f for f in chosen if f.verdict is verdict], titles)
        for verdict, (caption, tone) in SHOWN.items()
        if count[verdict]
    )
    return [Section("published", "Published figures", lead, grids, long=True)]


def _grid(
    caption: str,
    tone: Tone,
    findings: Sequence[Finding],
    titles: dict[str, str],
) -> Grid:
    columns = (
        ("Figure", ""),
        ("Published", "as printed"),
        ("Measured", ""),
        ("Difference", ""),
        ("Tolerance", ""),
        ("Note", "below"),
    )
    reasons = list(dict.fromkeys(text for f in findings if (text := reason_text(f))))
    return Grid(
        caption=f"{caption} ({len(findings)})",
        stub="Network",
        columns=columns,
        rows=tuple(_row(f, tone, titles, reasons) for f in findings),
        notes=tuple(f"{number}: {text}" for number, text in enumerate(reasons, start=1)),
    )


def published_text(entry: Entry) -> str:
    """A published figure with its unit."""
    return f"{entry.value:,} {entry.unit}".rstrip()


def measured_text(finding: Finding) -> tuple[str, str]:
    """What was measured, to one digit more than is published, and its difference; empty if there is none."""
    if finding.measured is None or finding.difference is None:
        return "", ""
    digits = 0 if finding.measured == int(finding.measured) else finding.entry.decimals + 1
    return f"{finding.measured:,.{digits}f}", f"{finding.difference:+,.{digits}f}"


def reason_text(finding: Finding) -> str:
    """Why a figure differs, and what else agrees with it."""
    return " ".join(filter(None, (finding.because, finding.hint)))


def _row(
    finding: Finding,
    tone: Tone,
    titles: dict[str, str],
    reasons: Sequence[str],
) -> GridRow:
    entry = finding.entry
    measured, difference = measured_text(finding)
    reason = reason_text(finding)
    return GridRow(
        f"{entry.name} \u00d7{entry.scale}",
        (
            GridCell(entry.figure),
            GridCell(published_text(entry)),
            GridCell(measured),
            GridCell(difference, tone=tone),
            GridCell("" if entry.tolerance is None else f"{entry.tolerance.normalize():f}"),
            GridCell(str(reasons.index(reason) + 1) if reason else ""),
        ),
        sub=titles.get(entry.table, entry.table),
    )
