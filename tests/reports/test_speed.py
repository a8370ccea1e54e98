"""Networks that were timed in turn, as ratios."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from reports.html import render
from reports.speed import build_speed, find_sessions
from suite.records import Record, Value

Factory = Callable[..., list[Record]]

LOAD = [1.0, 1.1, 0.9, 1.0, 1.3, 1.0, 1.0]


@pytest.fixture
def timed(make: Factory, models: SimpleNamespace) -> list[Record]:
    """RFDN first, BSRN 2.5 times and IMDN 1.01 times as slow, noise of 2 %; RFDN also over images."""
    factors = {"rfdn": 1.0, "bsrn": 2.5, "imdn": 1.01}
    order = ["rfdn x4", "bsrn x4", "imdn x4"]
    records = []
    for one in make([models.bsrn, models.rfdn, models.imdn], measures=["runtime"]):
        samples = [200 * factors[one.model] * load for load in LOAD]
        details = dict(one.details) | {"samples_ms": samples, "timed_with": order, "noise": {"floor": 0.02}}
        records.append(replace(one, details=details))
    over = next(r for r in records if r.model == "rfdn")
    mean = Value("ntire_mean_ms", 321.0, "ms")
    return [
        *records,
        replace(
            over,
            key="over",
            input="",
            dataset="Set5",
            values=(mean,),
            details={"weights": over.details["weights"]},
        ),
    ]


def test_the_first_network_asked_for_is_what_the_others_are_compared_with(timed: list[Record]) -> None:
    (session,) = find_sessions(timed[::-1])
    assert [t.record.model for t in session.timed] == ["rfdn", "bsrn", "imdn"]
    first, bsrn, imdn = (t.ratio for t in session.timed)
    assert first is None and bsrn is not None and imdn is not None
    assert (bsrn.ratio, bsrn.verdict) == (pytest.approx(2.5), "slower")
    assert (imdn.ratio, imdn.verdict) == (pytest.approx(1.01), "not told apart")


def test_the_section_says_noise_and_verdicts(timed: list[Record]) -> None:
    (section,) = build_speed(timed)
    (grid,) = section.grids
    assert grid.notes[0] == "Noise floor of this session: 2.0%."
    assert [row.cells[2].text for row in grid.rows] == ["", "slower", "not told apart"]
    assert grid.rows[1].cells[1].text == "2.500"
    assert "7 rounds" in grid.rows[1].cells[1].sub


def test_the_mean_over_images_stands_beside_the_network_it_belongs_to(timed: list[Record]) -> None:
    (section,) = build_speed(timed)
    grid = section.grids[0]
    assert grid.columns[-1][1] == "Set5, cold start in it"
    assert [row.cells[-1].text for row in grid.rows] == ["321.0", "", ""]


def test_a_network_that_was_timed_alone_is_compared_with_none(make: Factory, models: SimpleNamespace) -> None:
    assert build_speed(make([models.bsrn])) == []


def test_networks_of_two_sessions_are_not_compared(make: Factory, models: SimpleNamespace) -> None:
    records = [*make([models.bsrn], session="a"), *make([models.rfdn], session="b")]
    assert find_sessions(records) == []


def test_a_session_without_noise_floor_says_so(make: Factory, models: SimpleNamespace) -> None:
    (section,) = build_speed(make([models.bsrn, models.rfdn]))
    assert "is not known" in section.grids[0].notes[0]


def test_a_busy_machine_is_said(timed: list[Record]) -> None:
    busy = [replace(r, details=dict(r.details) | {"busy_before": 0.4}) for r in timed]
    assert "Other programs used 40%" in build_speed(busy)[0].grids[0].notes[-1]


def test_the_page_has_the_section(timed: list[Record]) -> None:
    page = render(timed, [])
    assert '<section id="speed"' in page
    assert "2.500" in page
