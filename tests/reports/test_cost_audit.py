"""The cost audit: from what records hold to the section of the page."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from reports.audit import TOOLS, build_audits
from reports.html import render
from suite.records import Record, Value

Make = Callable[..., list[Record]]


def entry(*terms: tuple[str, int], unexplained: int = 0) -> dict[str, Any]:
    return {
        "difference": sum(count for _, count in terms) + unexplained,
        "terms": [{"what": what, "macs": count} for what, count in terms],
        "unexplained": unexplained,
    }


AUDIT = {
    "macs_fvcore": entry(("bilinear interpolation", 1_500)),
    "macs_ptflops": entry(("bias additions", 200_000_000), ("layers not seen", -1_000_000)),
    "macs_ptflops_aten": entry(),
    "macs_ntire": entry(("linear layers", -7_000_000_000), unexplained=12),
}


def audited(record: Record, audit: dict[str, Any] = AUDIT, **reasons: str) -> Record:
    """A record of cost with an audit and the figures that belong to it."""
    macs = record.value("macs")
    assert macs is not None
    figures = tuple(Value(metric, macs + found["difference"]) for metric, found in audit.items())
    details = {**record.details, "audit": audit, "not_counted": reasons}
    return replace(record, values=record.values + figures, details=details)


@pytest.fixture
def costs(make: Make, models: SimpleNamespace) -> list[Record]:
    return [audited(record) for record in make([models.rfdn, models.bsrn], measures=("cost",))]


def test_networks_stand_from_the_lightest_on_and_each_has_its_inputs(costs: list[Record]) -> None:
    (audit,) = build_audits(costs)
    assert (audit.scale, audit.tools) == (4, tuple(TOOLS.values()))
    assert [network.title for network in audit.networks] == ["BSRN", "RFDN (AIM 2020)"]
    places = [entry.at for entry in audit.networks[0].entries]
    assert places == ["3\u00d7180\u00d7320 (for an output of 1280\u00d7720)", "3\u00d7256\u00d7256"]


def test_a_count_is_given_in_full_and_its_difference_with_sign_and_share(costs: list[Record]) -> None:
    (audit,) = build_audits(costs)
    shown = audit.networks[0].entries[1]
    assert (shown.figure, shown.short) == ("22,080,970,752", "22.081")
    fvcore, ptflops, aten, ntire = shown.counts
    assert (fvcore.figure, fvcore.difference, fvcore.share) == ("22,080,972,252", "+1,500", "<0.01 %")
    assert (ptflops.short, ptflops.difference, ptflops.share) == ("22.280", "+199,000,000", "+0.90 %")
    assert [(term.what, term.count) for term in ptflops.terms] == [
        ("bias additions", "+200,000,000"),
        ("layers not seen", "\u22121,000,000"),
    ]
    assert (aten.difference, aten.share, aten.terms) == ("0", "0 %", ())
    assert (ntire.difference, ntire.share) == ("\u22126,999,999,988", "\u221231.70 %")


def test_what_is_not_explained_is_a_term(costs: list[Record]) -> None:
    (audit,) = build_audits(costs)
    last = audit.networks[0].entries[0].counts[-1].terms[-1]
    assert (last.what, last.count) == ("not explained", "+12")


def test_a_tool_without_a_figure_says_why(make: Make, models: SimpleNamespace) -> None:
    some = {"macs_fvcore": AUDIT["macs_fvcore"]}
    record = audited(make([models.bsrn], measures=("cost",))[0], some, macs_ptflops="KeyError: aten")
    (audit,) = build_audits([record])
    fvcore, ptflops, aten, _ = audit.networks[0].entries[0].counts
    assert (fvcore.missing, ptflops.missing) == ("", "KeyError: aten")
    assert aten.missing == "no figure in the record"
    page = render([record], [])
    assert "Not counted: KeyError: aten" in page


def test_a_network_without_multiply_accumulates_has_no_share(make: Make, models: SimpleNamespace) -> None:
    record = audited(make([models.bicubic], measures=("cost",))[0], {"macs_ntire": entry(("ReLU", 3))})
    (audit,) = build_audits([record])
    ntire = audit.networks[0].entries[0].counts[-1]
    assert (ntire.difference, ntire.share) == ("+3", "")


def test_neither_order_nor_a_second_machine_matters(
    costs: list[Record], make: Make, models: SimpleNamespace, machines: SimpleNamespace
) -> None:
    twice = make([models.rfdn, models.bsrn], measures=("cost",), environment=machines.second)
    mixed = [*costs, *map(audited, twice)]
    random.Random(0).shuffle(mixed)
    assert build_audits(mixed) == build_audits(costs)


def test_each_scale_has_its_own(costs: list[Record]) -> None:
    two = [replace(record, key=f"{record.key}-2", scale=2) for record in costs]
    assert [audit.scale for audit in build_audits([*costs, *two])] == [2, 4]


def test_records_without_an_audit_have_no_section(records: list[Record]) -> None:
    assert build_audits(records) == ()
    assert 'id="audit' not in render(records, [])


def test_the_page_shows_every_term(costs: list[Record]) -> None:
    page = render(costs, [])
    assert page.count('id="audit-x4"') == 1 and page.count('href="#audit-x4"') == 1
    for text in ("+200,000,000", "bias additions", "not explained", "The same.", "in all"):
        assert text in page


def test_names_and_terms_never_become_markup(make: Make, models: SimpleNamespace) -> None:
    record = make([models.strange], measures=("cost",))[0]
    evil = {"macs_fvcore": entry(("<img src=x onerror=alert(1)>", 1))}
    page = render([audited(record, evil, macs_ntire="<script>alert(2)</script>")], [])
    assert "<img" not in page and "<script>alert" not in page


def test_the_table_says_each_share_and_what_was_not_counted(
    costs: list[Record], make: Make, models: SimpleNamespace
) -> None:
    (audit,) = build_audits(costs)
    grid = audit.grid
    assert [label for label, _ in grid.columns] == ["Suite", *TOOLS.values()]
    assert [row.title for row in grid.rows] == ["BSRN"] * 2 + ["RFDN (AIM 2020)"] * 2
    first = audit.networks[0].entries[0]
    assert grid.rows[0].sub == first.at and grid.rows[0].cells[0].text == first.short
    assert [c.sub for c in grid.rows[0].cells[1:]] == [count.share for count in first.counts]
    (lacking,) = build_audits(
        [audited(make([models.bsrn], measures=("cost",))[0], {"macs_fvcore": entry()}, macs_ntire="no")]
    )
    assert [cell.text for cell in lacking.grid.rows[0].cells[2:]] == ["not counted"] * 3
