"""Plots in a browser: axes to choose, tooltips by mouse, keyboard and touch, selection, the address."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.html import render
from reports.plot import pareto_front
from suite.files import write_text
from suite.records import Record

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
Factory = Callable[..., list[Record]]


@pytest.fixture(scope="module")
def address(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("page") / "leaderboard.html"
    write_text(file, render(records, []))
    return file.as_uri()


@pytest.fixture
def visit(open_page: Open, address: str) -> Open:
    """Opens the page in a window; at its end there must have been no message and no other request."""
    return partial(open_page, address)


def point(page: Any, name: str) -> Any:
    """The point of a network in the plot; ``name`` is the beginning of what it says."""
    return page.locator(f'#x4 .canvas .point[aria-label^="{name}"]')


def choose(page: Any, name: str, label: str) -> None:
    """Chooses the option of a control with the given text."""
    page.locator(f'#x4 .plot select[name="{name}"]').select_option(label=label)


def radius(page: Any, name: str) -> float:
    """Size of the marker of a network."""
    transform = point(page, name).locator(".marker").get_attribute("transform")
    return float(transform.partition("scale(")[2].rstrip(")"))


def titles(page: Any) -> list[str]:
    found: list[str] = page.locator("#x4 .canvas .axis-title").all_text_contents()
    return found


def overlap(boxes: list[dict[str, float]]) -> list[tuple[int, int]]:
    """Pairs of boxes that share more than a few pixels."""

    def clash(a: dict[str, float], b: dict[str, float]) -> bool:
        across = min(a["x"] + a["width"], b["x"] + b["width"]) - max(a["x"], b["x"])
        down = min(a["y"] + a["height"], b["y"] + b["height"]) - max(a["y"], b["y"])
        return across > 1 and down > 3

    return [
        (n, m)
        for n, one in enumerate(boxes)
        for m, other in enumerate(boxes[n + 1 :], start=n + 1)
        if clash(one, other)
    ]


def test_the_script_draws_what_the_page_would_show_without_it(visit: Open) -> None:
    with visit() as page:
        assert not page.locator(".chart").first.is_visible()
        first = page.locator("#x4 .panel").first.locator("svg.wide")
        assert titles(page) == first.locator(".axis-title").all_text_contents()
        ticks = "g.ticks text"
        assert (
            page.locator(f"#x4 .canvas {ticks}").all_text_contents()
            == first.locator(ticks).all_text_contents()
        )
        assert page.locator("#x4 .canvas .point").count() == first.locator(".point").count() == 4
        kept = set(
            re.findall(
                r"c\d",
                " ".join(
                    page.locator("#x4 .canvas .point").evaluate_all(
                        "all => all.map(o => o.getAttribute('class'))"
                    )
                ),
            )
        )
        assert kept == set(
            re.findall(
                r"c\d",
                " ".join(
                    first.locator(".point").evaluate_all("all => all.map(o => o.getAttribute('class'))")
                ),
            )
        )


def test_axes_sizes_and_scales_are_chosen_and_stay_in_the_address(visit: Open) -> None:
    with visit() as page:
        choose(page, "x", "Latency (ms), 3\u00d7256\u00d7256")
        choose(page, "y", "SSIM, Set14 \u00b7 sr-y")
        choose(page, "size", "Peak memory (MiB), 3\u00d7256\u00d7256")
        page.locator('#x4 input[name="xlog"]').uncheck()
        assert titles(page) == ["SSIM, Set14 \u00b7 sr-y", "Latency (ms), 3\u00d7256\u00d7256"]
        sizes = {name: radius(page, name) for name in ("BSRN", "IMDN")}
        # The areas are as the peaks, 132 to 88 MiB, but for the least size.
        assert 1.05 < sizes["BSRN"] / sizes["IMDN"] < (132 / 88) ** 0.5
        where = page.url
        page.goto("about:blank")
        page.goto(where)
        assert titles(page) == ["SSIM, Set14 \u00b7 sr-y", "Latency (ms), 3\u00d7256\u00d7256"]
        assert not page.locator('#x4 input[name="xlog"]').is_checked()
        page.locator("#x4 .controls").get_by_role("button", name="Reset").click()
        assert titles(page) == ["PSNR (dB), Set5 \u00b7 sr-y", "Parameters (K), log scale"]
        assert "?" not in page.url


def test_the_front_is_listed_for_any_axes(visit: Open, models: SimpleNamespace) -> None:
    known = {m.title: m for m in (models.bsrn, models.rfdn, models.imdn, models.strange)}
    choices = {
        "Parameters (K)": lambda m: m.params,
        "Activations (M), 3\u00d7256\u00d7256": lambda m: m.activations,
        "Peak memory (MiB), 3\u00d7256\u00d7256": lambda m: m.peak_mib,
    }
    with visit() as page:
        for label, cost in choices.items():
            choose(page, "x", label)
            front = pareto_front([(cost(m), round(m.set5[0], 4)) for m in known.values()])
            text = page.locator("#x4 .front-list").text_content()
            assert {title for title in known if f"{title} (" in text} == {
                m.title for m in known.values() if (cost(m), m.set5[0]) in front
            }
        page.locator('#x4 .plot input[name="front"]').uncheck()
        assert (
            page.locator("#x4 .canvas .front").count() == 0
            and page.locator("#x4 .front-list").text_content() == ""
        )


def test_tooltips_by_mouse_and_by_keyboard(visit: Open) -> None:
    with visit() as page:
        tip = page.locator(".tip")
        point(page, "BSRN").hover()
        assert tip.text_content() == "BSRN, official\nPSNR 32.35 dB\nParameters 352.4 K"
        page.mouse.move(0, 0)
        assert tip.is_hidden()
        page.locator('#x4 .plot input[name="names"]').focus()
        page.keyboard.press("Tab")
        assert tip.text_content().startswith("<script>alert(1)</script>, file net & co.pth")
        page.keyboard.press("ArrowRight")
        assert tip.text_content().startswith("BSRN, official")
        page.keyboard.press("End")
        assert tip.text_content().startswith("IMDN, official")
        page.keyboard.press("Escape")
        assert tip.is_hidden()
        # One stop of the tab key for all points.
        assert page.locator('#x4 .canvas .point[tabindex="0"]').count() == 1


def test_tooltips_by_touch(visit: Open) -> None:
    with visit(width=390, has_touch=True) as page:
        point(page, "RFDN").tap()
        assert page.locator(".tip").text_content().startswith("RFDN (AIM 2020), official")
        page.locator("h1").tap()
        assert page.locator(".tip").is_hidden()


def test_points_and_rows_are_selected_together(visit: Open) -> None:
    with visit() as page:
        point(page, "IMDN").click()
        row = page.locator("#x4 tr.row", has_text="IMDN")
        chosen = row.get_attribute("data-row")
        assert page.evaluate("suiteSelection.rows()") == [chosen]
        assert point(page, "IMDN").get_attribute("aria-pressed") == "true"
        where = page.url
        page.goto("about:blank")
        page.goto(where)
        assert point(page, "IMDN").get_attribute("aria-pressed") == "true"
        page.evaluate(f"suiteSelection.toggle('{chosen}')")
        assert point(page, "IMDN").get_attribute("aria-pressed") == "false"
        point(page, "BSRN").focus()
        page.keyboard.press("Space")
        assert page.locator("#x4 .canvas .chosen.point").get_attribute("aria-label").startswith("BSRN")


def test_rows_that_a_filter_hides_leave_the_plot(visit: Open) -> None:
    with visit() as page:
        page.locator("#x4 tr.row", has_text="BSRN").evaluate("row => { row.hidden = true; }")
        point(page, "BSRN").wait_for(state="detached")
        assert page.locator("#x4 .canvas .point").count() == 3
        assert "BSRN (" not in page.locator("#x4 .front-list").text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_cover_nothing_and_nothing_sticks_out(
    open_page: Open, full_run: list[Record], tmp_path: Path, scheme: str
) -> None:
    file = tmp_path / "full.html"
    write_text(file, render([r for r in full_run if r.scale == 4 and r.measure in ("cost", "quality")], []))
    for width in (1400, 390):
        with open_page(file.as_uri(), width=width, color_scheme=scheme) as page:
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            boxes = page.locator("#x4 .canvas .labels text").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect().toJSON())"
            )
            assert len(boxes) >= (35 if width == 1400 else 15)
            assert overlap(boxes) == []
            canvas = page.locator("#x4 .canvas").bounding_box()
            assert canvas["x"] >= 0 and canvas["x"] + canvas["width"] <= width
            assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)


def test_the_plot_follows_the_width_of_the_window(visit: Open) -> None:
    with visit() as page:
        page.set_viewport_size({"width": 500, "height": 800})
        page.wait_for_function("document.querySelector('.canvas').getBoundingClientRect().width < 500")


def test_machines_are_not_drawn_together_for_what_depends_on_them(
    open_page: Open, make: Factory, models: SimpleNamespace, machines: SimpleNamespace, tmp_path: Path
) -> None:
    pair = [models.bsrn, replace(models.rfdn, latency_ms=500.0)]
    records = make(pair) + make(pair, environment=machines.second)
    file = tmp_path / "two.html"
    write_text(file, render(records, []))
    with open_page(file.as_uri()) as page:
        assert page.locator("#x4 .canvas .point").count() == 2
        choose(page, "x", "Latency (ms), 3\u00d7256\u00d7256")
        assert page.locator("#x4 .canvas .point").count() == 2
        assert "unlike machines are not drawn together" in page.locator("#x4 .left-out").text_content()
        page.locator('#x4 .plot select[name="group"]').select_option(index=2)
        assert "unlike machines" not in page.locator("#x4 .left-out").text_content()
