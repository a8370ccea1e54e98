"""Measured figures beside published ones, on the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from reports.html import render
from reports.published import build_published
from reports.terminal import print_sections
from suite.ledger import Verdict, load_ledger, verify
from suite.records import Record, Value

Factory = Callable[..., list[Record]]


def test_figures_are_listed_by_verdict_the_unexplained_first(make: Factory, models: SimpleNamespace) -> None:
    # BSRN with 0.5 dB less than published on Set5; IMDN as published.
    poor = replace(models.bsrn, set5=(31.85, 0.8966))
    records = make([poor, models.imdn], measures=["quality"], datasets=["Set5"])
    (section,) = build_published(records)
    assert [grid.caption.partition(" (")[0] for grid in section.grids] == [
        "Differ, and nothing accounts for it",
        "Reproduced",
    ]
    (bad,) = section.grids[0].rows
    assert bad.title == "BSRN \u00d74"
    assert [cell.text for cell in bad.cells[1:4]] == ["32.35 dB", "31.850", "-0.500"]
    assert bad.cells[3].tone == "bad"
    assert "IMDN \u00d74" in {row.title for row in section.grids[1].rows}


def test_the_section_says_the_same_as_verify(records: list[Record]) -> None:
    findings = verify(records, load_ledger(), {r.model for r in records})
    shown = sum(len(grid.rows) for section in build_published(records) for grid in section.grids)
    skipped = (Verdict.NOT_COMPARED, Verdict.NOT_MEASURED)
    assert shown == sum(f.verdict not in skipped and f.measured is not None for f in findings)


def test_reasons_stand_below_the_table_once(make: Factory, models: SimpleNamespace) -> None:
    counts = (Value("macs", 19_177_176_448), Value("macs_with_bias", 19_414_544_672))
    records = [replace(r, values=counts) for r in make([models.bsrn], measures=["cost"])]
    (section,) = build_published(records)
    explained = next(grid for grid in section.grids if grid.caption.startswith("Differ for a known reason"))
    row = next(row for row in explained.rows if row.cells[0].text.startswith("macs"))
    number = row.cells[-1].text
    assert any(note.startswith(f"{number}: ") and "bias" in note for note in explained.notes)


def test_weights_of_this_project_are_not_set_beside_published_quality(
    make: Factory, models: SimpleNamespace
) -> None:
    shipped = replace(models.bsrn, weights="shipped")
    assert build_published(make([shipped], measures=["quality"])) == []


def test_without_anything_published_there_is_no_section(make: Factory, models: SimpleNamespace) -> None:
    assert build_published(make([models.strange])) == []


def test_the_page_has_the_section(records: list[Record]) -> None:
    assert '<section id="published"' in render(records, [])


def test_the_terminal_shows_the_totals_alone(
    records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    print_sections(build_published(records), Console(width=1000))
    (line,) = filter(None, capsys.readouterr().out.splitlines())
    assert line.startswith("Published figures that were measured here: ")
