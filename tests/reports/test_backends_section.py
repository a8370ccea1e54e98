"""Every network in every backend, beside its own eager execution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pytest

from reports.backends import build_backends, find_sessions
from reports.html import render
from reports.leaderboard import build
from suite.records import Record

Factory = Callable[..., list[Record]]

LOAD = [1.0, 1.1, 0.9, 1.0, 1.3, 1.0, 1.0]
FACTORS = {"eager": 1.0, "openvino": 0.4, "channels-last": 1.001}
AGREEMENT = {"difference": 1.5e-6, "psnr_change": -2e-6, "psnr_between": 140.0, "equal": True}


@pytest.fixture
def executed(make: Factory, models: SimpleNamespace) -> list[Record]:
    """BSRN and RFDN in three backends in one session, with quality in two of them; one did not agree."""
    records = []
    for backend, factor in FACTORS.items():
        measures = ["runtime", "quality"] if backend != "channels-last" else ["runtime"]
        for one in make([models.bsrn, models.rfdn], measures=measures, backend=backend, datasets=["Set5"]):
            details = dict(one.details)
            if one.measure == "runtime":
                base = 300 if one.model == "bsrn" else 200
                details |= {"samples_ms": [base * factor * load for load in LOAD], "noise": {"floor": 0.02}}
            if backend != "eager":
                details["backend"] = {"agreement": AGREEMENT, "versions": {}}
            values = one.values
            if one.measure == "quality" and backend == "openvino":
                values = tuple(msgspec.structs.replace(v, value=v.value - 0.003) for v in values)
            records.append(replace(one, details=details, values=values))
    failed = replace(records[0], key="f", backend="compile", values=(), not_measured="its output differs.")
    return [*records, replace(failed, details={})]


def test_every_backend_is_compared_with_the_same_network_in_eager(executed: list[Record]) -> None:
    (session,) = find_sessions(executed[::-1])
    found = {(e.record.model, e.record.backend): e for e in session.executed}
    assert len(found) == 6
    for model in ("bsrn", "rfdn"):
        assert found[model, "eager"].ratio is None
        ratio = found[model, "openvino"].ratio
        assert ratio is not None
        assert (ratio.ratio, ratio.verdict) == (pytest.approx(0.4), "faster")
        ratio = found[model, "channels-last"].ratio
        assert ratio is not None and ratio.verdict == "not told apart"
        assert found[model, "openvino"].change == pytest.approx(-0.003)
        assert found[model, "channels-last"].change is None  # quality was not measured there


def test_the_section_says_differences_and_what_could_not_be_measured(executed: list[Record]) -> None:
    (section,) = build_backends(executed)
    grid, missing = section.grids
    rows = {row.title: [cell.text for cell in row.cells] for row in grid.rows}
    assert rows["BSRN in openvino"][1:6] == ["0.400", "faster", "1.5e-06", "0.0000", "\u22120.0030"]
    assert rows["BSRN in eager"][1:4] == ["1", "", ""]
    assert next(iter(rows)) == "BSRN in eager"  # each network's eager first
    assert [(row.title, row.cells[0].text) for row in missing.rows] == [
        ("BSRN \u00d74 in compile, fp32", "its output differs.")
    ]


def test_sessions_apart_and_one_backend_alone_are_not_compared(
    make: Factory, models: SimpleNamespace
) -> None:
    alone = make([models.bsrn, models.rfdn], measures=["runtime"])
    other = make([models.bsrn], measures=["runtime"], backend="openvino", session="another")
    assert find_sessions([*alone, *other]) == []
    assert build_backends(alone) == []


def test_the_page_has_the_section_and_is_the_same_for_any_order(executed: list[Record]) -> None:
    page = render(executed, [])
    assert 'id="backends"' in page
    assert "BSRN in openvino" in page
    assert render(executed[::-1], []) == page


def test_what_a_network_costs_stands_in_the_row_of_every_backend(
    make: Factory, models: SimpleNamespace
) -> None:
    records = make([models.bsrn], measures=["cost", "runtime"])
    records += make([models.bsrn], measures=["runtime"], backend="openvino")
    (table,) = build(records).tables
    params = next(index for index, column in enumerate(table.columns) if column.metric == "params")
    assert len(table.groups) == 2
    assert {group.rows[0].cells[params].value for group in table.groups} == {models.bsrn.params}
