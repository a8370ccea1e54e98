"""The cost audit: each tool's count of multiply-accumulates beside the suite's, and what lies between.

Built from what the records of cost hold; nothing is counted here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reports.definitions import hd_pixels, size_label
from reports.grid import Grid, GridCell, GridRow
from reports.identity import kept, model_title, sort_records
from suite.records import Record

TOOLS = {
    "macs_fvcore": "fvcore",
    "macs_ptflops": "ptflops, back end pytorch",
    "macs_ptflops_aten": "ptflops, back end aten",
    "macs_ntire": "NTIRE 2022 script",
}
"""Other counts of multiply-accumulates, by metric, in the order in which they are shown."""

_MINUS = "\u2212"


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a difference."""

    what: str
    count: str
    """With its sign and commas."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one tool says of one network at one input."""

    tool: str
    figure: str
    """In full, with commas; empty if the tool could not count the network."""
    short: str
    """In G."""
    difference: str
    """To the suite's own count, with its sign; ``0`` if there is none."""
    share: str
    """The difference in percent of the suite's own count; empty if that is zero."""
    terms: tuple[Term, ...]
    """They add up to the difference."""
    missing: str
    """Why there is no figure; empty if there is one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One network at one input."""

    title: str
    at: str
    """The input, such as ``3x256x256`` with multiplication signs."""
    figure: str
    """The suite's own count in full."""
    short: str
    counts: tuple[Count, ...]
    """One for each of `TOOLS`."""


@dataclass(frozen=True, slots=True)
class Network:
    """The entries of one network."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit at one scale."""

    scale: int
    tools: tuple[str, ...]
    networks: tuple[Network, ...]
    """From the lightest on."""

    @property
    def grid(self) -> Grid:
        """Every tool's count in G with its share of difference, a row for each network and input."""
        return Grid(
            caption=f"Counts by tool, \u00d7{self.scale}",
            stub="Model",
            columns=(("Suite", "G"), *((tool, "G, difference") for tool in self.tools)),
            rows=tuple(
                GridRow(entry.title, (GridCell(entry.short), *map(_cell, entry.counts)), sub=entry.at)
                for network in self.networks
                for entry in network.entries
            ),
        )


@kept
def build_audits(records: Sequence[Record]) -> tuple[Audit, ...]:
    """The audit of each scale whose records of cost hold one, ascending. The order does not matter."""
    audited = [
        r for r in sort_records(records) if r.measure == "cost" and r.values and r.details.get("audit")
    ]
    return tuple(_audit(scale, list(same)) for scale, same in groupby(audited, key=lambda r: r.scale))


def _cell(count: Count) -> GridCell:
    if count.missing:
        return GridCell("not counted", tone="muted")
    return GridCell(count.short, count.share)


def _audit(scale: int, records: Sequence[Record]) -> Audit:
    hd = hd_pixels(scale)
    found: dict[str, list[tuple[float, Entry]]] = {}
    for record in records:
        macs, entry = record.value("macs") or 0.0, _entry(record, hd)
        entries = found.setdefault(model_title(record), [])
        if entry not in [known for _, known in entries]:  # another machine counts the same
            entries.append((macs, entry))
    order = sorted(found, key=lambda title: (max(macs for macs, _ in found[title]), title))
    networks = [
        Network(title, tuple(entry for _, entry in sorted(found[title], key=lambda e: (e[0], e[1].at))))
        for title in order
    ]
    return Audit(scale, tuple(TOOLS.values()), tuple(networks))


def _entry(record: Record, hd: str) -> Entry:
    at, macs = size_label(record.input), int(record.value("macs") or 0)
    if record.input.partition("x")[2] == hd:
        at += f" (for an output of {1280 // record.scale * record.scale}\u00d7"
        at += f"{720 // record.scale * record.scale})"
    counts = tuple(_count(record, metric, tool, macs) for metric, tool in TOOLS.items())
    return Entry(model_title(record), at, f"{macs:,}", _giga(macs), counts)


def _count(record: Record, metric: str, tool: str, macs: int) -> Count:
    value = record.value(metric)
    entry: Mapping[str, Any] = record.details["audit"].get(metric, {})
    if value is None or not entry:
        reason = str(record.details.get("not_counted", {}).get(metric, "no figure in the record"))
        return Count(tool, "", "", "", "", (), reason)
    difference = int(entry["difference"])
    terms = [Term(str(term["what"]), _signed(int(term["macs"]))) for term in entry["terms"]]
    if entry["unexplained"]:
        terms.append(Term("not explained", _signed(int(entry["unexplained"]))))
    return Count(
        tool=tool,
        figure=f"{int(value):,}",
        short=_giga(value),
        difference=_signed(difference),
        share=_percent(difference, macs),
        terms=tuple(terms),
        missing="",
    )


def _giga(count: float) -> str:
    return f"{count / 1e9:,.3f}"


def _signed(count: int) -> str:
    return f"{count:+,}".replace("-", _MINUS) if count else "0"


def _percent(difference: int, macs: int) -> str:
    """In percent with two decimal places; a difference too small for them is not printed as zero."""
    if not macs:
        return ""
    share = 100 * difference / macs
    if difference and abs(share) < 0.005:
        return "<0.01 %"
    return f"{share:+.2f} %".replace("-", _MINUS) if difference else "0 %"
