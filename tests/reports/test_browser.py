"""The page in a browser: no message, no request, sorting, plots, phones, dark and light."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reports.html import render
from suite.files import write_text
from suite.records import Record

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def address(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("page") / "leaderboard.html"
    write_text(file, render(records, ["python -m suite run --models bsrn"]))
    return file.as_uri()


@pytest.fixture
def visit(open_page: Open, address: str) -> Open:
    """Opens the page in a window; at its end there must have been no message and no other request."""
    return partial(open_page, address)


def titles(page: Any) -> list[str]:
    found: list[str] = page.locator("#x4 tbody .title").all_inner_texts()
    return found


def test_sorting_by_click(visit: Open) -> None:
    with visit() as page:
        before = titles(page)
        assert before[0] == "BSRN"
        header = page.locator("th[data-column]", has_text="Parameters")
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == "ascending"
        assert titles(page)[0] == "Bicubic" and titles(page)[-1] == "IMDN"
        header.get_by_role("button").click()
        assert header.get_attribute("aria-sort") == "descending"
        assert titles(page)[0] == "IMDN"
        assert page.locator("th[aria-sort]").count() == 1
        assert sorted(titles(page)) == sorted(before)


def test_sorting_by_keyboard(visit: Open) -> None:
    with visit() as page:
        header = page.locator("th[data-column]", has_text="Latency")
        header.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert titles(page)[0] == "Bicubic" and titles(page)[-1] == "BSRN"
        page.keyboard.press("Space")
        assert titles(page)[0] == "BSRN"
        assert "Sorted by Latency" in page.locator("[role=status]").inner_text()


def test_rows_without_a_figure_stay_last(visit: Open) -> None:
    with visit() as page:
        button = page.locator("th[data-column]", has_text="PSNR").first.get_by_role("button")
        for _ in range(2):
            button.click()
            assert titles(page)[-1] == "PAN"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phones_do_not_scroll_sideways(visit: Open, scheme: str) -> None:
    with visit(width=390, color_scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        scroll = page.locator(".scroll").first
        assert scroll.evaluate("one => one.scrollWidth > one.clientWidth")
        scroll.evaluate("one => one.scrollLeft = 300")
        name, table = page.locator("tbody .name").first.bounding_box(), scroll.bounding_box()
        assert name["x"] == pytest.approx(table["x"], abs=1)


def test_a_desk_shows_the_whole_table(visit: Open) -> None:
    with visit() as page:
        assert page.locator(".scroll").first.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_dark_differs_from_light(visit: Open) -> None:
    colours = []
    for scheme in ("light", "dark"):
        with visit(color_scheme=scheme) as page:
            colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] == "rgb(255, 255, 255)" and colours[1] != colours[0]


def test_without_scripts_phones_have_drawings_of_their_own(visit: Open) -> None:
    with visit(width=390, java_script_enabled=False) as page:
        assert page.locator("svg.narrow").first.is_visible()
        assert not page.locator("svg.wide").first.is_visible()


def test_the_plot_switches_without_scripts(visit: Open) -> None:
    with visit(java_script_enabled=False) as page:
        shown = page.locator("#x4 .panel:visible .axis-title:visible")
        assert shown.last.text_content() == "Parameters (K), log scale"
        page.locator("#x4").get_by_text("Latency", exact=True).last.click()
        assert shown.last.text_content() == "Latency (ms), 3\u00d7256\u00d7256, log scale"
        page.keyboard.press("ArrowLeft")
        assert shown.last.text_content() == "MACs (G), 1280\u00d7720 output, log scale"


def test_names_in_the_plot_do_not_overlap(visit: Open) -> None:
    for width in (1400, 390):
        with visit(width=width, java_script_enabled=False) as page:
            boxes = [one.bounding_box() for one in page.locator("#x4 .labels text:visible").all()]
            assert len(boxes) == 4
            for number, a in enumerate(boxes):
                for b in boxes[number + 1 :]:
                    apart = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
                    assert apart or a["y"] + a["height"] <= b["y"] + 3 or b["y"] + b["height"] <= a["y"] + 3


def test_the_page_is_whole_without_scripts(visit: Open) -> None:
    with visit(java_script_enabled=False) as page:
        assert page.locator("#x4 tbody .row").count() == 6
        assert page.locator("#x4 .panel svg.wide:visible").count() == 1
        assert page.locator("button").count() == 0
        assert page.get_by_text("not measured: the weights are random numbers").first.is_visible()
        page.locator("summary").first.click()
        assert page.locator(".samples svg").first.is_visible()


def test_a_script_in_a_name_is_just_a_name(visit: Open) -> None:
    with visit() as page:
        page.on("dialog", lambda dialog: pytest.fail("the name was executed"))
        assert "<script>alert(1)</script>" in titles(page)


def test_the_command_can_be_copied(visit: Open) -> None:
    with visit() as page:
        page.get_by_role("button", name="Copy").click()
        assert page.evaluate("getSelection().toString()").strip() == "python -m suite run --models bsrn"


def test_what_is_far_from_the_window_costs_nothing_and_is_found(visit: Open) -> None:
    """Sections that are not laid out have their true height, so that every link of the contents hits."""
    with visit() as page:
        page.locator("html.settled").wait_for()
        skipped = "one => !one.checkVisibility({ contentVisibilityAuto: true })"
        assert page.locator("#h-records").evaluate(skipped) and page.locator("#h-made").evaluate(skipped)
        for link in page.locator("nav a").all():
            page.evaluate("scrollTo(0, 0)")
            link.click()
            section = page.locator(link.get_attribute("href"))
            top, below = section.evaluate(
                "one => [one.getBoundingClientRect().top,"
                " document.documentElement.scrollHeight - innerHeight - scrollY]"
            )
            # The last sections cannot reach the upper edge.
            assert -2 <= top <= 25 or (top > 0 and below < 200), link.get_attribute("href")
            assert section.locator("h2").is_visible()


def test_print_has_every_section(visit: Open) -> None:
    with visit() as page:
        page.locator("html.settled").wait_for()
        page.emulate_media(media="print")
        assert (
            page.locator("#records").evaluate("one => getComputedStyle(one).contentVisibility") == "visible"
        )
