"""PSNR image by image: which networks, boxes by hand, the script's data, the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.distributions import WIDTH, boxes_of, distribution_data, draw_box, find_distributions
from reports.html import render
from suite.files import write_text
from suite.records import Record, Value

Factory = Callable[..., list[Record]]
PSNR = {"BSRN": (30.0, 31.0, 32.0, 33.0, 40.0), "RFDN (AIM 2020)": (29.5, 31.5, 31.0, 32.0, 39.0)}


@pytest.fixture
def by_image(make: Factory, models: Any) -> list[Record]:
    """Two networks on five images, beside others."""

    def spread(one: Record) -> Record:
        title = str(one.card["title"])
        if one.measure != "quality" or one.dataset != "Set5" or title not in PSNR:
            return one
        values = [Value("psnr", v, "dB", image=f"img_{n}") for n, v in enumerate(PSNR[title])]
        return replace(one, values=(Value("psnr", 33.0, "dB"), *values))

    return [spread(one) for one in make([models.bsrn, models.rfdn, models.imdn])]


def test_a_box_worked_out_by_hand() -> None:
    # Quartiles 31 and 33: whiskers reach to what lies within 28 and 36, which 40 does not.
    (box,) = boxes_of([PSNR["BSRN"]])
    assert (box.low, box.first, box.median, box.third, box.high) == (30.0, 31.0, 32.0, 33.0, 33.0)


def test_boxes_are_drawn_between_the_ends() -> None:
    paths = draw_box(boxes_of([(0.0, 1.0, 2.0, 3.0, 4.0)])[0], (0.0, 4.0))
    assert paths.whiskers == f"M2.0,5H51.0M149.0,5H{WIDTH - 2:.1f}"
    assert paths.median == "M100.0,1V9"


def test_networks_on_the_same_images_in_the_order_of_their_medians(by_image: list[Record]) -> None:
    (found,) = find_distributions(by_image[::-1])
    assert (found.scale, found.dataset, found.protocol) == (4, "Set5", "sr-y")
    assert [spread.title for spread in found.spreads] == ["BSRN", "RFDN (AIM 2020)"]
    assert found.images == tuple(f"img_{n}" for n in range(5)) and found.ends == (29.5, 40.0)


def test_infinite_figures_and_single_images_are_left_out(by_image: list[Record], make: Factory) -> None:
    infinite = [
        replace(r, values=(*r.values, Value("psnr", float("inf"), "dB", image="more")))
        if r.model == "bsrn" and r.measure == "quality"
        else r
        for r in by_image
    ]
    (found,) = find_distributions(infinite)
    assert [spread.title for spread in found.spreads] == ["RFDN (AIM 2020)"]
    assert find_distributions(make()) == []


def test_the_scripts_data_add_up_to_the_figures(by_image: list[Record]) -> None:
    (found,) = find_distributions(by_image)
    data = distribution_data(found)
    for spread, (id, title, _, offsets) in zip(found.spreads, data["networks"], strict=True):
        assert (id, title) == (spread.id, spread.title)
        values = [(base + offset) / 1000 for base, offset in zip(data["base"], offsets, strict=True)]
        assert values == pytest.approx(spread.values, abs=0.0005)


@pytest.mark.browser
def test_differences_to_a_chosen_network(
    open_page: Callable[..., Any], by_image: list[Record], tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    write_text(file, render(by_image, []))
    with open_page(file.as_uri(), width=390) as page:
        part = page.locator("#by-image details")
        part.locator("summary").click()
        rows = part.locator("tbody tr")
        assert [rows.nth(n).locator("td").first.text_content() for n in (0, 1)] == ["32.00", "31.50"]
        assert part.locator("path.images").first.get_attribute("d").count("M") == 5
        part.locator("select").select_option(label="RFDN (AIM 2020)")
        bsrn = rows.filter(has_text="BSRN")
        # Differences 0.5, -0.5, 1, 1, 1.
        assert bsrn.locator("td").first.text_content() == "+1.00"
        assert bsrn.locator("td").nth(1).text_content() == "+0.50 to +1.00"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        where = page.url
        page.goto("about:blank")
        page.goto(where)
        assert bsrn.locator("td").first.text_content() == "+1.00"
    with open_page(file.as_uri(), java_script_enabled=False) as page:
        page.locator("#by-image summary").click()
        assert page.locator("#by-image .middle:visible").count() == 2


@pytest.mark.browser
def test_a_record_has_the_figures_of_its_images(
    by_image: list[Record], open_page: Callable[..., Any], tmp_path: Path
) -> None:
    """PSNR from the data of this section, SSIM from the record's own, each to the digits that it prints."""
    ssim = {"bsrn": (0.91, 0.9234, 0.95), "rfdn": (0.9, 0.93, 0.9401), "imdn": (0.8, 0.9, 0.97)}
    records = [
        replace(
            r, values=(*r.values, *(Value("ssim", v, image=f"s{n}") for n, v in enumerate(ssim[r.model])))
        )
        if r.measure == "quality"
        else r
        for r in by_image
    ]
    write_text(tmp_path / "page.html", render(records, []))
    read = """([key, metric]) => {
      const data = JSON.parse(document.getElementById("board-data").textContent);
      return suiteUnpack.images(data, data.records[key], metric);
    }"""
    with open_page((tmp_path / "page.html").as_uri()) as page:
        for record in (r for r in records if r.dataset == "Set5"):
            for metric in ("psnr", "ssim"):
                expected = [v.value for v in record.values if v.metric == metric and v.image]
                assert page.evaluate(read, [record.key, metric]) == pytest.approx(expected, abs=5e-4)
        sheet = page.evaluate('JSON.parse(document.getElementById("board-data").textContent).records')
        by_model = {r.model: sheet[r.key]["images"]["psnr"] for r in records if r.dataset == "Set5"}
        assert by_model["bsrn"] == [1, 0] and by_model["rfdn"] == [1, 1]
        assert isinstance(by_model["imdn"][1], list)
