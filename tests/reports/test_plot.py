"""The plot: what it shows, and where everything goes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from reports.axes import linear_axis, log_axis, ticks
from reports.choices import leaderboard_choice
from reports.drawing import SHAPES, Strip, draw_panel, draw_strip, shape
from reports.labels import Box, place_labels
from reports.leaderboard import build
from reports.plot import Chart, build_chart, family_styles, pareto_front
from reports.plot_data import plot_data
from reports.provenance import Samples
from suite.records import Record

Factory = Callable[..., list[Record]]
AREA = Box(0, 0, 800, 400)


def chart(records: list[Record]) -> Chart:
    table = build(records).tables[0]
    return build_chart(table, family_styles(table.groups))


def test_pareto_front() -> None:
    points = [(1, 5), (2, 4), (2, 7), (3, 7), (4, 9), (4, 8), (4, 9)]
    assert pareto_front(points) == [(1, 5), (2, 7), (4, 9)]


def test_quality_against_each_cost(records: list[Record]) -> None:
    panels = chart(records).panels
    assert [panel.name for panel in panels] == ["Parameters", "MACs", "Latency"]
    assert [panel.x_title for panel in panels] == [
        "Parameters (K)",
        "MACs (G), 1280\u00d7720 output",
        "Latency (ms), 3\u00d7256\u00d7256",
    ]
    for panel in panels:
        assert {point.label for point in panel.points} >= {"BSRN", "RFDN (AIM 2020)", "IMDN"}
        assert any("PAN, random (no weights)" in sentence for sentence in panel.caption)
        assert any(sentence.startswith("Bicubic (28.42 dB) lies below") for sentence in panel.caption)


def test_families_share_a_marker_and_differ_in_it(make: Factory, models: SimpleNamespace) -> None:
    small = replace(models.bsrn, name="bsrn-s", title="BSRN-S", set5=(32.0, 0.89))
    points = {
        point.label: point.style for point in chart(make([small, models.bsrn, models.rfdn])).panels[0].points
    }
    assert points["BSRN-S"] != points["RFDN (AIM 2020)"]
    records = [
        replace(r, card=dict(r.card) | {"family": "BSRN"}) if r.model == "bsrn-s" else r
        for r in make([small, models.bsrn])
    ]
    assert len({point.style for point in chart(records).panels[0].points}) == 1


def test_data_of_the_script_are_the_figures_of_the_table(records: list[Record]) -> None:
    (table,) = build(records).tables
    (data,) = plot_data([table], family_styles(table.groups))["tables"]
    rows = [row for group in table.groups for row in group.rows]
    for row, plain in zip(rows, data["rows"], strict=True):
        for column, value, text in zip(data["columns"], plain["values"], plain["texts"], strict=True):
            index = next(i for i, other in enumerate(table.columns) if other.id == column["id"])
            cell = row.cells[index]
            assert text == cell.text
            assert (value is None) == (cell.value is None)
            if value is not None:
                assert value == pytest.approx(cell.value / table.columns[index].divisor, rel=1e-6)


def test_usual_axes(make: Factory) -> None:
    def axes(**changes: Any) -> tuple[str, str]:
        choice = leaderboard_choice(build(make(**changes)).tables[0])
        assert choice is not None
        return choice.x, choice.y

    assert axes() == ("cost.params", "psnr.Set5.sr-y")
    assert axes(measures=["cost", "runtime"]) == ("cost.macs.3x180x320", "runtime.latency_ms.3x256x256")
    assert axes(measures=["quality"]) == ("ssim.Set5.sr-y", "psnr.Set5.sr-y")


def test_a_near_reference_is_a_line(make: Factory, models: SimpleNamespace) -> None:
    near = replace(models.bicubic, set5=(32.18, 0.89))
    panel = chart(make([near, models.bsrn, models.rfdn])).panels[0]
    assert panel.reference == ("Bicubic", pytest.approx(32.18))
    assert draw_panel(panel, 800, 400).reference is not None


def test_without_quality_latency_is_plotted(make: Factory) -> None:
    found = chart(make(measures=["cost", "runtime"]))
    assert found.sentence.endswith("so the plot shows latency against MACs.")
    assert len(found.panels) == 1 and not found.panels[0].front
    assert "PAN" in {point.label for point in found.panels[0].points}


def test_nothing_to_plot(make: Factory, models: SimpleNamespace) -> None:
    found = chart(make([models.untrained], measures=["cost", "quality"]))
    assert not found.panels and "no quality to plot" in found.sentence


def test_each_machine_has_its_own_latencies(
    make: Factory, models: SimpleNamespace, machines: SimpleNamespace
) -> None:
    networks = [models.bsrn, models.rfdn]
    panels = chart(make(networks) + make(networks, environment=machines.second)).panels
    assert len(panels) == 4 and len({panel.name for panel in panels}) == 4
    assert [len(panel.points) for panel in panels] == [2, 2, 2, 2]


def test_weights_of_one_model_are_told_apart(make: Factory, models: SimpleNamespace) -> None:
    shipped = replace(models.bsrn, weights="shipped", set5=(31.9, 0.88))
    panel = chart(make([models.bsrn, shipped])).panels[0]
    assert sorted(point.label for point in panel.points) == ["BSRN, official", "BSRN, shipped"]


@pytest.mark.parametrize(("width", "height"), [(880, 430), (356, 380)])
def test_drawings_stay_inside(records: list[Record], width: float, height: float) -> None:
    for panel in chart(records).panels:
        drawing = draw_panel(panel, width, height)
        area = drawing.area
        assert all(area.left <= m.x <= area.right and area.top <= m.y <= area.bottom for m in drawing.markers)
        assert all(area.left <= x <= area.right for x, _ in drawing.x_ticks)
        assert all(area.top <= y <= area.bottom for y, _ in drawing.y_ticks)
        assert len(drawing.x_ticks) >= 3 and len(drawing.y_ticks) >= 3
        assert drawing.unnamed == 0


def share_an_area(one: Box, other: Box) -> bool:
    across = one.left < other.right and other.left < one.right
    return across and one.top < other.bottom and other.top < one.bottom


def test_names_cover_nothing() -> None:
    draw = random.Random(5)
    points = [(draw.uniform(20, 780), draw.uniform(20, 380)) for _ in range(45)]
    labels = [label for label in place_labels(points, [f"Network-{n}" for n in range(45)], AREA, []) if label]
    assert len(labels) >= 40
    for number, label in enumerate(labels):
        assert AREA.left <= label.box.left and label.box.right <= AREA.right
        assert AREA.top <= label.box.top and label.box.bottom <= AREA.bottom
        assert not any(share_an_area(label.box, other.box) for other in labels[number + 1 :])
        assert not any(
            label.box.left < x < label.box.right and label.box.top < y < label.box.bottom for x, y in points
        )


def test_a_name_crosses_no_line_where_it_can_do_without() -> None:
    line = Box(0, 199, 800, 201)
    (free,) = place_labels([(400, 195)], ["A name"], AREA, [])
    (label,) = place_labels([(400, 195)], ["A name"], AREA, [line])
    assert free and share_an_area(free.box, line)
    assert label and not share_an_area(label.box, line)


def test_where_there_are_no_points_there_are_no_names() -> None:
    assert place_labels([], [], AREA, []) == []


def test_names_are_left_out_where_there_is_no_room() -> None:
    labels = place_labels([(20, 20), (20, 20)], ["A name that is far too long"] * 2, Box(0, 0, 60, 40), [])
    assert labels == [None, None]


@pytest.mark.parametrize(
    ("low", "high"), [(98, 715), (300, 720), (640, 660), (5, 50_000), (0.02, 0.03), (7, 7)]
)
def test_log_ticks(low: float, high: float) -> None:
    axis = log_axis([low, high], 0, 600)
    found = ticks(axis, 6)
    assert 3 <= len(found) <= 14
    assert all(axis.low <= value <= axis.high for value, _ in found)
    assert len({text for _, text in found}) == len(found)


@pytest.mark.parametrize(("low", "high"), [(28.1, 28.63), (32.2, 32.35), (31.4, 32.35), (0, 1500), (30, 30)])
def test_linear_ticks(low: float, high: float) -> None:
    axis = linear_axis([low, high], 400, 0)
    found = ticks(axis, 5)
    assert 3 <= len(found) <= 9
    assert all(float(text.replace(",", "")) == pytest.approx(value) for value, text in found)


def test_shapes_differ() -> None:
    assert len({shape(number, 6.0) for number in range(SHAPES)}) == SHAPES


def dots_of(strip: Strip) -> list[tuple[float, float]]:
    number = r"([0-9.]+)"
    assert re.fullmatch(rf"(M{number},{number}h0)+", strip.dots)
    return [(float(x), float(y)) for x, y in re.findall(rf"M{number},{number}h0", strip.dots)]


def test_strip_keeps_the_order_of_the_samples() -> None:
    strip = draw_strip(Samples("x", "here", (3.0, 1.0, 2.0), 2.0, 1.0, 3.0), 100, 40)
    across, down = zip(*dots_of(strip), strict=True)
    assert across[1] < across[2] < across[0] and down[0] < down[1] < down[2]
    assert strip.median == pytest.approx(across[2], abs=0.05)
    single = draw_strip(Samples("x", "here", (3.0,), 3.0, 3.0, 3.0))
    assert len(dots_of(single)) == 1
