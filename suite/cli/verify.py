"""``suite verify``: the figures of a run beside the published ones."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from suite.cli import common, run_state

if TYPE_CHECKING:
    from suite.cli.run_state import State
    from suite.ledger import Finding, Ledger

HELP = "compare a run with published figures, and say whether it is whole and can be repeated here"
FORMATS = ("table", "json")
_WIDTH = 100
_NAMES = 8
"""Most networks that are named one by one where many lack a figure for one reason."""
_IN_TOTAL = {
    "DIFFERS": "differ",
    "EXPLAINED": "differ for a known reason",
    "REPRODUCED": "reproduced",
    "NOT_COMPARED": "not compared",
    "NOT_MEASURED": "not measured",
}
_HEADINGS = ("network", "figure", "published", "measured", "difference", "tolerance", "verdict")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``verify``."""
    parser.add_argument("run", type=common.path, metavar="RUN", help="folder of the run")
    parser.add_argument(
        "--against",
        type=common.path,
        metavar="LEDGER",
        help="TOML file or folder of published figures (default: the ledger that comes with the suite)",
    )
    parser.add_argument(
        "--digests", action="store_true", help="decode all images of the run's sets and compare their digests"
    )
    common.add_home(parser)
    parser.add_argument("--format", default="table", choices=FORMATS, help="default: table")


def execute(options: argparse.Namespace) -> int:
    """Print what came of each published figure, and the state of the run.

    Returns 1 if a figure differs without a known reason, if the run holds what no run writes, or if something
    that was asked for has no record; else 0.
    """
    from suite.catalog import MODELS
    from suite.ledger import load_ledger, verify
    from suite.ledger.audit import audit
    from suite.ledger.verify import is_refuted

    ledger = load_ledger(options.against)
    run = audit(options.run)
    findings = verify(run.records, ledger, MODELS)
    state = run_state.examine(options.run, run, options.home, digests=options.digests)
    if options.format == "json":
        json.dump(as_json(findings, ledger, state), sys.stdout, indent=1)
        print()
    else:
        print("\n".join(lines(findings, ledger, state)))
    return int(is_refuted(findings) or state.is_damaged)


def lines(findings: Sequence[Finding], ledger: Ledger, run: State) -> Iterator[str]:
    """The findings as text, differences first, then the totals and the state of the run."""
    from suite.ledger.verify import totals

    titles = {table.id: table.title for table in ledger.tables}
    for verdict, number in totals(findings).items():
        chosen = [finding for finding in findings if finding.verdict is verdict]
        if chosen:
            yield f"{_capital(verdict.value)} ({number})"
            yield from _section(chosen, titles)
            yield ""
    for table in ledger.tables:
        if table.empty:
            yield f"{table.title}: no figures. {table.empty}"
    counts = ", ".join(f"{number} {_IN_TOTAL[verdict.name]}" for verdict, number in totals(findings).items())
    yield f"Published figures: {counts}."
    yield from run_state.lines(run)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _section(findings: Sequence[Finding], titles: dict[str, str]) -> Iterator[str]:
    """One verdict: a block a table of the ledger. What was not measured is gathered by its reason."""
    for table, group in groupby(findings, key=lambda finding: finding.entry.table):
        yield f"  {table}: {titles[table]}"
        block = list(group)
        yield from _rows([finding for finding in block if finding.measured is not None])
        yield from _reasons([finding for finding in block if finding.measured is None])


def _rows(findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    rows = [_HEADINGS, *(_cells(finding) for finding in findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for position, row in enumerate(rows):
        cells = [
            cell.ljust(width) if number in (0, 1, 6) else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"    {'  '.join(cells)}".rstrip()
        said = _remarks(findings[position - 1]) if position else []
        following = _remarks(findings[position]) if position < len(findings) else []
        if said != following:  # what holds for several figures stands once, below the last
            yield from said


def _cells(finding: Finding) -> tuple[str, ...]:
    entry = finding.entry
    assert finding.measured is not None and finding.difference is not None
    digits = 0 if finding.measured == int(finding.measured) else entry.decimals + 1
    return (
        f"{entry.model} x{entry.scale}",
        entry.figure,
        f"{entry.value} {entry.unit}".rstrip(),
        f"{finding.measured:.{digits}f}",
        f"{finding.difference:+.{digits}f}",
        f"{entry.tolerance}",
        finding.verdict.value.partition(",")[0],
    )


def _remarks(finding: Finding) -> list[str]:
    remarks = (f"because: {finding.because}" if finding.because else "", finding.hint)
    return [line for remark in remarks for line in _wrapped(remark, 6)]


def _wrapped(text: str, indent: int) -> list[str]:
    """A text in lines, those after the first set in by two more."""
    return textwrap.wrap(text, _WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2))


def _reasons(findings: Iterable[Finding]) -> Iterator[str]:
    reasons: dict[str, list[Finding]] = {}
    for finding in findings:
        reasons.setdefault(finding.because, []).append(finding)
    for reason, group in reasons.items():
        models = list(dict.fromkeys(finding.entry.model for finding in group))
        if len(models) > _NAMES:
            models = [*models[: _NAMES - 1], f"{len(models) - _NAMES + 1} more"]
        number = f"{len(group)} figure{'s' if len(group) > 1 else ''} of {', '.join(models)}"
        yield from _wrapped(f"{number}, because: {reason}", 4)


def as_json(findings: Sequence[Finding], ledger: Ledger, run: State) -> dict[str, Any]:
    """The findings as plain JSON: published figures and tolerances as printed, the others as numbers."""
    from suite.ledger.verify import totals

    return {
        "schema": 1,
        "totals": {verdict.name.lower(): number for verdict, number in totals(findings).items()},
        "empty": {table.id: table.empty for table in ledger.tables if table.empty},
        "run": run_state.as_json(run),
        "findings": [_plain(finding) for finding in findings],
    }


def _plain(finding: Finding) -> dict[str, Any]:
    entry = finding.entry

    def number(value: Decimal | None) -> float | None:
        return None if value is None else float(value)

    return {
        "table": entry.table,
        "model": entry.model,
        "name": entry.name,
        "scale": entry.scale,
        "metric": entry.metric,
        "unit": entry.unit,
        "dataset": entry.dataset,
        "protocol": entry.protocol,
        "input": entry.input,
        "output": entry.output,
        "published": str(entry.value),
        "measured": number(finding.measured),
        "difference": number(finding.difference),
        "tolerance": None if entry.tolerance is None else str(entry.tolerance),
        "verdict": finding.verdict.name.lower(),
        "because": finding.because,
        "hint": finding.hint,
        "status": entry.status,
        "sources": list(entry.sources),
        "conditions": entry.conditions,
        "note": entry.note,
        "key": finding.key,
    }
