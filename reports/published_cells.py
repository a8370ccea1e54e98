"""What was published of the figures of a leaderboard, by the record and metric of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.published import measured_text, published_text, reason_text
from suite.ledger import Finding, Ledger, Verdict, load_ledger, verify
from suite.records import Record

CellKey = tuple[str, str]
"""Key of a record, and a metric."""

VERDICTS = {
    Verdict.REPRODUCED: "reproduced",
    Verdict.EXPLAINED: "explained",
    Verdict.DIFFERS: "differs",
    Verdict.NOT_COMPARED: "not compared",
}


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One published figure beside a measured one."""

    value: str
    """As published, with its unit."""
    difference: str
    """Measured less published, with its sign; empty for a figure of another machine."""
    verdict: str
    because: str
    """Why it differs or is not compared; empty if it does not differ."""
    source: str
    """Title of the table in which it is published."""

    @property
    def line(self) -> str:
        """All of it in a line."""
        return ", ".join(filter(None, (f"published {self.value}", self.difference, self.verdict)))


def published_cells(
    records: Sequence[Record], ledger: Ledger | None = None
) -> dict[CellKey, tuple[PublishedFigure, ...]]:
    """The published figures by record and metric, the worst verdict first, each value once.

    ``ledger`` holds the published figures; None for those that come with the suite.
    """
    ledger = ledger or load_ledger(None)
    titles = {table.id: table.title for table in ledger.tables}
    findings = verify(records, ledger, {record.model for record in records})
    order = list(Verdict)
    by_kind: dict[tuple[str, int, str], list[Record]] = defaultdict(list)
    for record in records:
        by_kind[record.model, record.scale, record.measure].append(record)
    found: dict[CellKey, dict[str, PublishedFigure]] = defaultdict(dict)
    for finding in sorted(findings, key=lambda f: order.index(f.verdict)):
        for key in _keys(finding, by_kind):
            figure = _figure(finding, titles)
            found[key, finding.entry.metric].setdefault(figure.value, figure)
    return {key: tuple(figures.values()) for key, figures in found.items()}


def _keys(finding: Finding, by_kind: Mapping[tuple[str, int, str], Sequence[Record]]) -> list[str]:
    """Keys of the records that a finding is about: for a figure of another machine all of its kind."""
    if finding.key:
        return [finding.key]
    if finding.verdict is not Verdict.NOT_COMPARED:
        return []
    entry = finding.entry
    kind = by_kind.get((entry.model, entry.scale, entry.measure), ())
    alike = [record for record in kind if entry.takes_input(record.input)]
    return sorted(r.key for r in alike if r.value(entry.metric) is not None)


def _figure(finding: Finding, titles: dict[str, str]) -> PublishedFigure:
    entry = finding.entry
    return PublishedFigure(
        value=published_text(entry),
        difference=measured_text(finding)[1],
        verdict=VERDICTS[finding.verdict],
        because=reason_text(finding),
        source=titles.get(entry.table, entry.table),
    )
