"""Runtime against theory: which pairs, how many, what is said and drawn of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from reports.drawing import draw_panel
from reports.grid import Section
from reports.html import render
from reports.theory import build_theory
from suite.files import write_text
from suite.records import Record
from suite.statistics import rank_correlation

Factory = Callable[..., list[Record]]


def only(records: Sequence[Record]) -> Section:
    (section,) = build_theory(records)
    return section


def test_pairs_worked_out_by_hand(make: Factory, models: SimpleNamespace) -> None:
    # MACs: BSRN 22, RFDN 27, IMDN 47 G; times about 1311, 643, 662 ms. RFDN and IMDN are in the right order.
    section = only(make([models.bsrn, models.rfdn, models.imdn]))
    (sentence,) = section.lead
    assert (
        "of 3 pairs of networks the one with fewer MACs is slower in 2 (67%), in 2 of them beyond" in sentence
    )
    assert "3 networks are too few for a rank correlation" in sentence
    assert "BSRN has 18% fewer MACs than RFDN (AIM 2020) and takes 2.0" in sentence
    (grid,) = section.grids
    assert [(row.title, row.cells[0].text, row.cells[1].text) for row in grid.rows] == [
        ("BSRN", "IMDN", "0.47"),
        ("BSRN", "RFDN (AIM 2020)", "0.82"),
    ]


def test_every_theory_has_a_panel_whose_lines_lead_to_faster_networks(
    make: Factory, models: SimpleNamespace
) -> None:
    (chart,) = only(make([models.bsrn, models.rfdn, models.imdn])).charts
    assert [panel.name for panel in chart.panels] == ["MACs", "Parameters", "Activations"]
    for panel in chart.panels:
        assert panel.x_title.endswith("3\u00d7256\u00d7256") or panel.name == "Parameters"
        for fewer, more in panel.links:
            assert panel.points[fewer].x < panel.points[more].x
            assert panel.points[fewer].y > panel.points[more].y
    # BSRN has the most activations, and of the others the one with more is slower: there theory holds.
    assert [len(panel.links) for panel in chart.panels] == [2, 2, 0]
    drawing = draw_panel(chart.panels[0], 800, 400)
    assert len(drawing.links) == 2 and all(line.startswith("M") for line in drawing.links)


def test_noise_counts_as_no_difference(make: Factory, models: SimpleNamespace) -> None:
    slow = replace(models.bsrn, latency_ms=660.0)
    quiet = make([slow, models.rfdn])
    noisy = [replace(one, details=dict(one.details) | {"noise": {"floor": 0.2}}) for one in quiet]
    assert "slower in 1 (100%), in 0 of them" in only(noisy).lead[0]
    assert only(noisy).grids == () and only(noisy).charts[0].panels[0].links == ()


def test_the_correlation_is_that_of_the_figures(make: Factory, models: SimpleNamespace) -> None:
    networks = [
        replace(models.bsrn, name=f"n{n}", title=f"N{n}", macs=macs * 10**9, latency_ms=time)
        for n, (macs, time) in enumerate(
            [(10, 90.0), (20, 400.0), (30, 200.0), (40, 350.0), (50, 800.0), (60, 500.0)]
        )
    ]
    records = make(networks, measures=["cost", "runtime"])
    times = [
        r.value("latency_ms") or 0
        for n in networks
        for r in records
        if r.model == n.name and r.measure == "runtime"
    ]
    found = rank_correlation([n.macs for n in networks], times)
    assert found is not None
    assert (
        f"latency is {found[0]:.2f} (95 % interval {found[1]:.2f} to {found[2]:.2f})".replace("-", "\u2212")
        in only(records).lead[0]
    )


def test_sessions_and_machines_are_kept_apart(
    make: Factory, models: SimpleNamespace, machines: SimpleNamespace
) -> None:
    pair = [models.bsrn, models.rfdn]
    section = only(make(pair) + make(pair, environment=machines.second))
    assert len(section.charts) == 2 and len({chart.id for chart in section.charts}) == 2
    later = make([models.imdn], session="later")
    assert "of 1 pairs" in only([*make(pair), *later]).lead[0]


def test_nothing_without_two_timed_networks(make: Factory, models: SimpleNamespace) -> None:
    assert build_theory(make([models.bsrn, models.bicubic])) == []
    assert build_theory(make(measures=["runtime"])) == []
    assert build_theory([]) == []


@pytest.mark.browser
def test_the_plot_in_the_page(
    open_page: Callable[..., Any], make: Factory, models: SimpleNamespace, tmp_path: Any
) -> None:
    file = tmp_path / "page.html"
    write_text(file, render(make([models.bsrn, models.rfdn, models.imdn]), []))
    with open_page(file.as_uri()) as page:
        plot = page.locator("#theory .plot")
        assert plot.locator(".link").count() == 2
        assert (
            "Of 3 pairs the network with less MACs has the higher latency in 2 (67 %)"
            in plot.locator(".front-list").text_content()
        )
        plot.locator("select[name=x]").select_option(label="Activations (M), 3\u00d7256\u00d7256")
        assert (
            "less Activations has the higher latency in 0 (0 %)" in plot.locator(".front-list").text_content()
        )
        plot.locator(".point").first.focus()
        page.keyboard.press("Enter")
        # The same network is selected in the plot of the leaderboard.
        assert page.locator(".canvas .point.chosen").count() == 2
        assert "x-theory-1=cost.activations" in page.url
    with open_page(file.as_uri(), java_script_enabled=False) as page:
        assert page.locator("#theory .panel:visible svg.wide .link").count() == 2
